"""A model and the next steps of its training as one HTML file, which needs no server.

The steps are taken here, each with its trace; the page that `make web` built stands in the file as
a whole, with the recording behind it. ``web/src/engines/recorded.ts`` reads it: it walks forward
and back through what was recorded, and computes nothing.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.exceptions import DeltaruleError, InvalidParameterError
from deltarule.network import Network
from deltarule.persistence import PathLike, replace_file
from deltarule.playground import wire
from deltarule.playground.answers import Answers
from deltarule.playground.assets import STATIC
from deltarule.playground.beginning import xor_subject
from deltarule.playground.shown import Shown

#: Bytes of a recording before it is packed, and its steps where nobody says how many.
MOST_BYTES, STEPS = 12_000_000, 100

#: Parameters of a network whose gradient is checked at every step of a recording.
MOST_CHECKED = 500

#: Points of the step size's schedule.
FACTORS = 100

#: Predictions of the rows that are kept with each step, at most.
MOST_PREDICTIONS = 4000

#: Units of a layer whose maps the page draws.
MOST_DRAWN = 64

_SCRIPT = re.compile(r'<script type="module"[^>]* src="\./([^"]+)"></script>')
_STYLE = re.compile(r'<link rel="stylesheet"[^>]* href="\./([^"]+)">')
_ICON = re.compile(r'href="\./(icon\.svg)"')
_POLICY = re.compile(r'(http-equiv="Content-Security-Policy"\s+content=")[^"]*"')


def record(shown: Shown, path: PathLike, steps: int | None = None, static: Path = STATIC) -> int:
    """Write a recording.

    Parameters
    ----------
    shown : Shown
        Without a model it is the page's own first network, on XOR.
    path : path
        An existing file is replaced.
    steps : int, optional
        At least 1; up to `STEPS` where left out, as many as `MOST_BYTES` hold.
    static : Path, default=STATIC
        The folder with the files of the page.

    Returns
    -------
    int
        The steps that were recorded.

    Raises
    ------
    InvalidParameterError
        If the model is being fitted, `steps` is none, the recording would become too large, or the
        page is not there.
    OutputPathError
        If the path cannot be written.
    """
    whole = isinstance(steps, int) and not isinstance(steps, bool)
    if steps is not None and not (whole and steps >= 1):
        raise InvalidParameterError(
            f"steps must be a whole number of at least 1 (got {steps!r}). Say how many steps are "
            "to be walked through."
        )
    found = recording(shown, steps)
    replace_file(path, page_with(wire.encode(found, once=True), static).encode("utf-8"))
    return len(found["frames"]) - 1


def recording(shown: Shown, steps: int | None = None) -> dict[str, Any]:
    """Where the model stands now and after each of its next steps, as the page is told it."""
    if shown.fitting:
        raise InvalidParameterError(
            "A recording needs a fitted model (got one that is being fitted). Wait until its fit "
            "has ended."
        )
    answers, subject = Answers(shown), xor_subject() if shown.subject is None else shown.subject
    opened = _asked(answers, "open", subject["open"])
    assert answers.lab is not None
    grid = _grid(subject, answers.lab.network)
    frames, found = [_frame(answers, grid, answers.moved())], _findings(answers)
    for _ in range(_count(frames[0], steps)):
        moved = _asked(answers, "advance", {"unit": "step", "count": 1})
        if moved["stopped"] is not None:
            break
        frames.append(_frame(answers, grid, moved))
    return {
        "hello": {
            "engine": "recording",
            "version": version("deltarule"),
            "can": ["diagnose"],
            "subject": _noted(subject, len(frames) - 1),
        },
        "opened": opened,
        "frames": frames,
        "watched": None if grid is None else grid.ravel(),
        "findings": found,
        "factors": _asked(answers, "factors", {"points": FACTORS}),
    }


def _noted(subject: dict[str, Any], steps: int) -> dict[str, Any]:
    """The subject with a note of what it is."""
    table = subject["table"]
    note = f"This page is a recording: walk through {steps} steps of training, forward and back."
    return {**subject, "table": {**table, "notes": [*table["notes"], note]}}


def _asked(answers: Answers, ask: str, given: dict[str, Any]) -> dict[str, Any]:
    return answers.answer({"ask": ask, "given": given}, lambda done: None)


def _frame(answers: Answers, grid: Array | None, moved: dict[str, Any]) -> dict[str, Any]:
    """All that can be asked for at a place of the training, which was `moved` to."""
    lab = answers.lab
    assert lab is not None
    numeric = lab.network.size <= MOST_CHECKED
    rows, outputs = lab.train.D.shape
    few = rows * outputs <= MOST_PREDICTIONS
    return {
        "state": moved["state"],
        "measures": moved["measures"],
        "curve": moved["curve"],
        "maps": None if grid is None else vars(answers.painter.paint(lab.parameters, grid)),
        "trace": _asked(answers, "trace", {"x": None, "d": None, "numeric": numeric}),
        "ranges": _asked(answers, "ranges", {}),
        "judged": _asked(answers, "judge", {"held": False}) if few else None,
    }


def _count(frame: dict[str, Any], steps: int | None) -> int:
    """How many steps are recorded, where each takes about as much as this frame."""
    each = len(wire.encode(frame, once=True))
    most = max(1, MOST_BYTES // each)
    if steps is None:
        return min(STEPS, most)
    if steps > most:
        raise InvalidParameterError(
            f"steps must be at most {most:,} for this network, whose steps take {each / 1e6:.2g} "
            f"MB each (got {steps:,}). Record fewer."
        )
    return steps


def _findings(answers: Answers) -> list[dict[str, Any]]:
    """The diagnosis of the model as it is; none where the rows are not to be diagnosed."""
    try:
        found: list[dict[str, Any]] = _asked(answers, "diagnose", {})["findings"]
    except DeltaruleError:
        return []
    return found


def _grid(subject: dict[str, Any], network: Network) -> Array | None:
    """The points on which the page draws what units say over two inputs.

    As in ``web/src/rooms/network/grid.ts``, for the axes that a page begins with; None where it
    draws no units.
    """
    widths = [layer.units for layer in network.layers]
    if max(widths) > MOST_DRAWN:
        return None
    X = subject["table"]["X"].reshape(subject["table"]["rows"], -1)
    inputs = X.shape[1]
    axes = subject["axes"]
    low, high = X.min(axis=0), X.max(axis=0)
    if inputs == 2:
        low, high = np.full(2, low.min()), np.full(2, high.max())
    room = 0.15 * np.where(high > low, high - low, 1.0)
    low, high = low - room, high + room
    units = sum(widths)
    count = 32 if units <= 60 else 24 if units <= 200 else 20
    places = (np.arange(count) + 0.5) / count
    points = np.tile(X.mean(axis=0), (count * count, 1))
    up = high[axes[1]] - places * (high[axes[1]] - low[axes[1]])
    points[:, axes[1]] = np.repeat(up, count)
    points[:, axes[0]] = np.tile(low[axes[0]] + places * (high[axes[0]] - low[axes[0]]), count)
    scaling = subject["scaling"]
    return np.ascontiguousarray((points - scaling["center"]) / scaling["scale"])


def page_with(data: bytes, static: Path) -> str:
    """The page as one text, with a recording in it and a policy that lets nothing else in."""
    index = static / "index.html"
    if not index.is_file():
        raise InvalidParameterError(
            f"static must be a folder with an index.html (got {str(static)!r} without one). Build "
            "the page with make web, or install deltarule anew."
        )
    page = index.read_text(encoding="utf-8")
    script = "".join(_inline(name, static) for name in _SCRIPT.findall(page))
    style = "".join(_inline(name, static) for name in _STYLE.findall(page))
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_digest(script)}'",
            f"style-src '{_digest(style)}'",
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    page = _SCRIPT.sub("", _STYLE.sub("", page))
    page = _ICON.sub(lambda found: f'href="{_as_url(static / found[1])}"', page)
    page = _POLICY.sub(lambda found: f'{found[1]}{escape(policy, quote=False)}"', page)
    packed = base64.b64encode(gzip.compress(data, mtime=0)).decode("ascii")
    # Not of a type that is run; the script after it reads it.
    inside = (
        f'<script type="application/gzip" id="recording">{packed}</script>\n'
        f"<style>{style}</style>\n"
        f'<script type="module">{script}</script>\n'
    )
    return page.replace("</body>", f"{inside}</body>")


def _inline(name: str, static: Path) -> str:
    """A script or style as it may stand inside a page."""
    text = (static / name).read_text(encoding="utf-8")
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _as_url(file: Path) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(file.read_bytes()).decode('ascii')}"
