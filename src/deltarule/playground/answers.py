"""What each ask of the page does: a table of short functions on one `Lab`.

The asks and their answers are those of ``web/src/protocol.ts``.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.exceptions import InvalidParameterError
from deltarule.network import Network, Parameters
from deltarule.playground import asks
from deltarule.playground.asks import Given
from deltarule.playground.findings import findings
from deltarule.playground.lab import Lab, Snapshot
from deltarule.playground.maps import Painter, judge, layer_outputs, ranges
from deltarule.playground.model_files import read_model, written_model
from deltarule.playground.own_tables import FIRST_LINES, LEARNED, OwnTables, TargetError
from deltarule.playground.runs import train_runs
from deltarule.playground.shown import Moment, Shown

#: What an ask at most asks for: steps of an advance, points of a surface, rows that are watched.
MOST_STEPS, MOST_POINTS, MOST_WATCHED = 100_000, 40_000, 40_000
#: Characters of the name of a file or of a column.
MOST_NAME = 100_000
#: Characters of what an input is called in a sentence.
MOST_CALLED = 200

#: Points of a picture of the step size.
MOST_FACTORS = 400

Told = Callable[[float], None]


class Answers:
    """What one page has open, and what it can ask.

    Parameters
    ----------
    shown : Shown, optional
        The model that all pages of the server are shown.
    """

    def __init__(self, shown: Shown | None = None) -> None:
        self.shown = Shown() if shown is None else shown
        self.lab: Lab | None = None
        #: Where a fit elsewhere stood last, for what is looked at while it goes on.
        self._followed: Snapshot | None = None
        self._has_subject = False
        self.playing = False
        #: Steps a second while it plays; None for as many as it can.
        self.pace: float | None = None
        #: The rows that frames show the units' outputs on.
        self.watched: Array | None = None
        #: Whether those of all units, or of the last layer's alone.
        self.watched_layers = True
        self.painter = Painter()
        self._tables = OwnTables()

    def answer(self, asked: dict[str, Any], told: Told) -> dict[str, Any]:
        """Do what is asked.

        Parameters
        ----------
        asked : dict
            ``{"ask": name, "given": {…}}``.
        told : callable
            Hears how far a long one is, 0 … 1.

        Raises
        ------
        InvalidParameterError, InvalidShapeError, TableError
            With a sentence; nothing has happened then.
        """
        name = asked.get("ask")
        if not isinstance(name, str) or name not in _ASKS:
            raise asks.wrong("ask", f"one of {', '.join(_ASKS)}", name)
        return _ASKS[name](self, Given(asked.get("given"), name), told)

    def moved(self, maps: bool = True, measures: bool = True) -> dict[str, Any]:
        """Where the training stands and how it came there."""
        lab = self._open()
        told: dict[str, Any] = {
            "state": lab.state(),
            "measures": {"objective": np.nan, "held_loss": None},
            "curve": lab.curve(),
            "stopped": None,
            "behind": lab.behind,
            "maps": None,
        }
        if measures:
            told["measures"] = lab.measures()
        if lab.stopped is not None:
            reason, sentence = lab.stopped
            told["stopped"] = {"reason": reason.name.lower(), "sentence": sentence}
        if maps and self.watched is not None:
            told["maps"] = vars(
                self.painter.paint(lab.parameters, self.watched, self.watched_layers)
            )
        return told

    def _open(self) -> Lab:
        """The training that is open; where a fit is shown, at the place of the last frame."""
        if self.lab is None:
            raise InvalidParameterError("No training is open yet. Ask for 'open' first.")
        place, self._followed = self._followed, None
        if place is not None:
            self.lab.stand(place)
        return self.lab

    def _movable(self) -> Lab:
        if self.shows_fit:
            raise InvalidParameterError(
                "The model is being fitted elsewhere and shown as it goes: it cannot be moved from "
                "here. Wait until the fit ends, or open another set."
            )
        return self._open()

    @property
    def shows_fit(self) -> bool:
        """Whether the page has the model open that is being fitted."""
        return self.shown.fitting and self._has_subject

    def follow(self, moment: Moment) -> None:
        """Remember where the fit stands; from any thread."""
        self._followed = moment.place

    def hello(self, given: Given, told: Told) -> dict[str, Any]:
        can = ["train", "table", "save", "load", "diagnose"]
        if self.shown.fitting:
            can.append("live")
        return {
            "engine": "server",
            "version": version("deltarule"),
            "can": can,
            "subject": self.shown.subject,
        }

    def open(self, given: Given, told: Told) -> dict[str, Any]:
        lab = Lab(asks.opening(given))
        self._followed = None
        self.lab, self.playing, self.watched = lab, False, None
        self._has_subject = self.shown.has(lab.network)
        return {
            "slots": _slots(lab.network),
            "size": lab.network.size,
            "steps_per_epoch": lab.steps_per_epoch,
            "engine": lab.engine.name,
            "road": lab.session.road(lab.work),
            "state": lab.state(),
            "measures": lab.measures(),
        }

    def advance(self, given: Given, told: Told) -> dict[str, Any]:
        lab, unit = self._movable(), given.chosen("unit", ("step", "epoch"))
        count = given.whole("count", 1, MOST_STEPS)
        self.playing = False
        if unit == "epoch":
            lab.advance_epochs(count)
        else:
            lab.advance_steps(count)
        return self.moved()

    def play(self, given: Given, told: Told) -> dict[str, Any]:
        lab, pace = self._movable(), None
        if given.value("steps_per_second") is not None:
            pace = given.number("steps_per_second")
            if not 0.01 <= pace <= 1e9:
                raise asks.wrong("play.steps_per_second", "from 0.01 to 1e9", pace)
        if not self.playing:
            lab.keep()
        self.pace, self.playing = pace, lab.stopped is None
        return self.moved()

    def pause(self, given: Given, told: Told) -> dict[str, Any]:
        self._open()
        self.playing = False
        return self.moved()

    def back(self, given: Given, told: Told) -> dict[str, Any]:
        lab = self._movable()
        self.playing = False
        lab.back()
        return self.moved()

    def set(self, given: Given, told: Told) -> dict[str, Any]:
        lab = self._movable()
        vector = given.vector("vector", lab.network.size)
        if not np.isfinite(vector).all():
            raise asks.wrong("set.vector", "of finite numbers", "NaN or infinity")
        lab.set(vector, _buffers(given, lab.network))
        return self.moved()

    def plan(self, given: Given, told: Told) -> dict[str, Any]:
        self._movable().replan(asks.plan(given.inner("plan")))
        return self.moved()

    def trace(self, given: Given, told: Told) -> dict[str, Any]:
        lab, x, d = self._open(), None, None
        if given.value("x") is not None:
            x = given.matrix("x", lab.network.layers[0].inputs)[0]
            d = given.matrix("d", lab.network.layers[-1].units)[0]
        found = vars(lab.trace(x, d, given.flag("numeric")))
        return {name: list(v) if isinstance(v, tuple) else v for name, v in found.items()}

    def look(self, given: Given, told: Told) -> dict[str, Any]:
        lab = self._open()
        X, parameters = given.matrix("X", lab.network.layers[0].inputs), lab.parameters
        if given.has("parameters"):
            other = given.inner("parameters")
            vector = other.vector("vector", lab.network.size)
            buffers = other.vector("buffers", lab.network.buffer_size)
            parameters = Parameters(lab.network, vector.copy(), buffers.copy())
        outputs = layer_outputs(parameters, X)
        chosen = outputs if given.flag("layers") else outputs[-1:]
        return {"outputs": np.concatenate(chosen, axis=1)}

    def watch(self, given: Given, told: Told) -> dict[str, Any]:
        lab, X = self._open(), None
        if given.value("X") is not None:
            X = given.matrix("X", lab.network.layers[0].inputs)
            if len(X) > MOST_WATCHED:
                raise asks.wrong("watch.X", f"at most {MOST_WATCHED:,} rows", len(X))
        self.watched, self.watched_layers = X, given.flag("layers")
        return self.moved()

    def ranges(self, given: Given, told: Told) -> dict[str, Any]:
        lab = self._open()
        return vars(ranges(lab.parameters, lab.train.X[:MOST_WATCHED]))

    def judge(self, given: Given, told: Told) -> dict[str, Any]:
        lab = self._open()
        rows = lab.held if given.flag("held") else lab.train
        if rows is None:
            raise InvalidParameterError(
                "There are no rows held out. Hold a share of them out, or ask for the others."
            )
        outputs, loss = judge(lab.parameters, rows.X[:MOST_WATCHED], rows.D[:MOST_WATCHED])
        return {"outputs": outputs, "loss": loss}

    def factors(self, given: Given, told: Told) -> dict[str, Any]:
        epoch, factor = self._open().factors(given.whole("points", 2, MOST_FACTORS))
        return {"epoch": epoch, "factor": factor}

    def surface(self, given: Given, told: Told) -> dict[str, Any]:
        lab = self._open()
        size = lab.network.size
        second = None if given.value("second") is None else given.vector("second", size)
        u, v = _grid(given, "u"), _grid(given, "v")
        if len(u) * len(v) > MOST_POINTS:
            raise asks.wrong("surface", f"at most {MOST_POINTS:,} points", len(u) * len(v))
        origin, first = given.vector("origin", size), given.vector("first", size)
        return {"objective": lab.surface(origin, first, second, u, v, told)}

    def runs(self, given: Given, told: Told) -> dict[str, Any]:
        return {"runs": train_runs(self._open().network, given, told)}

    def table(self, given: Given, told: Told) -> dict[str, Any]:
        name, file = given.text("name", MOST_NAME), given.bytes("file")
        first_line = given.chosen("first_line", tuple(FIRST_LINES))
        target = None if given.value("target") is None else given.text("target", MOST_NAME)
        learned = given.chosen("learned", tuple(LEARNED))
        try:
            return self._tables.read(name, file, first_line, target, learned)
        except TargetError as problem:
            columns = list(problem.columns)
            return {"problem": str(problem), "target": problem.target, "columns": columns}

    def diagnose(self, given: Given, told: Told) -> dict[str, Any]:
        lab, names = self._open(), None
        if given.has("inputs"):
            names = given.texts("inputs", lab.network.layers[0].inputs, MOST_CALLED)
        return {"findings": findings(lab, self.shown, names)}

    def save(self, given: Given, told: Told) -> dict[str, Any]:
        file = written_model(self._open().parameters, self.shown)
        return {"file": np.frombuffer(file, np.uint8)}

    def load(self, given: Given, told: Told) -> dict[str, Any]:
        return read_model(given.bytes("file"))


def _buffers(given: Given, network: Network) -> Array | None:
    """Running statistics that come with weights, or None: those of the training stay."""
    return given.vector("buffers", network.buffer_size) if given.has("buffers") else None


def _grid(given: Given, name: str) -> Array:
    value = given.value(name)
    if not isinstance(value, list) or len(value) != 3:
        raise asks.wrong(f"{given.where}.{name}", "low, high and a count", value)
    parts = Given(dict(zip(("low", "high", "count"), value, strict=True)), f"surface.{name}")
    return np.linspace(
        parts.number("low"), parts.number("high"), parts.whole("count", 1, MOST_POINTS)
    )


def _slots(network: Network) -> list[dict[str, Any]]:
    return [
        {
            "layer": slot.layer,
            "block": slot.block.name,
            "start": slot.start,
            "stop": slot.stop,
            "shape": list(slot.block.shape),
        }
        for slot in network.layout
    ]


_ASKS: dict[str, Callable[[Answers, Given, Told], dict[str, Any]]] = {
    name: getattr(Answers, name)
    for name in (
        "hello",
        "open",
        "advance",
        "play",
        "pause",
        "back",
        "set",
        "plan",
        "trace",
        "look",
        "watch",
        "ranges",
        "judge",
        "factors",
        "surface",
        "runs",
        "table",
        "diagnose",
        "save",
        "load",
    )
}
