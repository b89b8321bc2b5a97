"""The playground: frames a second, the first frame, and what an open page costs a training.

``python benchmarks/playground.py [SECONDS] [TURNS]`` writes ``results/playground.json``. Chromium
and the server run on the same machine, as they do for a user; with each number stands how many
processes were waiting to run, because browser, server and training share its cores. A training by
`train` and one with the page open take turns, and what is kept are medians.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import queue
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from chromium import Page, chromium
from machine import load, machine, versions

ROOT = Path(__file__).resolve().parents[1]
STATIC = ROOT / "src" / "deltarule" / "playground" / "static"
RESULT = ROOT / "benchmarks" / "results" / "playground.json"
sys.path.insert(0, str(ROOT / "tests" / "web"))

#: Hidden layers of the networks that are shown, and frames a second that they must have.
NETWORKS = {"30 units": ((10, 10, 10), 60), "6 x 64 units": ((64,) * 6, 30)}
SET = "set=spiral&activation=tanh&learning_rate_init=0.01&pace=0"

#: Counts messages and the screens on which something was drawn, and when the first map is there.
COUNTERS = """
(() => {
  const counts = (window.counts = { screens: 0, frames: 0, first: 0 });
  const next = requestAnimationFrame.bind(window);
  let last = 0;
  window.requestAnimationFrame = (draw) =>
    next((at) => {
      counts.screens += Number(at !== last);
      last = at;
      draw(at);
    });
  const look = () => {
    const map = document.querySelector(".network-map-stage canvas");
    if (map && map.width > 0) {
      const [, , , alpha] = map.getContext("2d").getImageData(map.width >> 1, 9, 1, 1).data;
      if (alpha > 0) counts.first = performance.now();
    }
    if (!counts.first) next(look);
  };
  next(look);
  for (const name of ["WebSocket", "Worker"])
    window[name] = class extends window[name] {
      set onmessage(hear) {
        super.onmessage = (event) => {
          counts.frames += 1;
          hear(event);
        };
      }
    };
})();
"""

#: Presses the button that trains, or that pauses.
PRESS = "document.querySelector('.transport .primary').click()"


def address(link: str, hidden: tuple[int, ...]) -> str:
    """A link to the network room with a network."""
    base, _, token = link.partition("#")
    return f"{base}#{token}&{SET}&hidden={','.join(map(str, hidden))}"


class QuietHandler(SimpleHTTPRequestHandler):
    """Gives out a folder without a word."""

    def log_message(self, *arguments: Any) -> None:
        """Nothing."""


@contextlib.contextmanager
def given_out() -> Iterator[str]:
    """The page from a host of plain files: its engine is WebAssembly, in the browser."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=STATIC))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def steps_of(page: Page) -> int:
    """Steps since the start, as the bar has them."""
    texts = page.evaluate(
        "[...document.querySelectorAll('.counters dd')].map((told) => told.textContent)"
    )
    epoch, (into, whole) = texts[0], texts[1].split(" of ")
    return int(epoch.replace(",", "")) * int(whole) + int(into)


def watched(page: Page, seconds: float) -> dict[str, float]:
    """Train at full speed and count."""
    page.evaluate(PRESS)
    time.sleep(1)
    before, began, first = page.evaluate("({...counts})"), time.perf_counter(), steps_of(page)
    time.sleep(seconds)
    after, last = page.evaluate("({...counts})"), steps_of(page)
    passed = time.perf_counter() - began
    page.evaluate(PRESS)
    return {
        "frames_per_second": (after["frames"] - before["frames"]) / passed,
        "screens_per_second": (after["screens"] - before["screens"]) / passed,
        "steps_per_second": (last - first) / passed,
        "load": load(),
    }


def opening(hidden: tuple[int, ...]) -> dict[str, Any]:
    """The same network on two hundred rows, as a page opens it."""
    from deltarule.network import Network
    from deltarule.persistence.networks import network_record

    draw = np.random.default_rng(0)
    X = draw.uniform(-1, 1, (200, 2))
    D = (X[:, :1] * X[:, 1:] < 0).astype(float)
    activations = ("tanh",) * len(hidden) + ("logistic",)
    plan = {
        "optimizer": {"name": "sgd"},
        "learning_rate_init": 0.01,
        "schedule": {"name": "constant"},
        "batch_size": 1,
        "sampling": "replacement",
        "penalty": None,
        "max_epochs": 1000,
        "key": 3,
    }
    return {
        "network": network_record(Network(units=(2, *hidden, 1), activations=activations)),
        "plan": plan,
        "initializer": {"name": "auto"},
        "seed": 3,
        "train": {"X": X.ravel(), "D": D.ravel()},
        "held": None,
        "start": None,
    }


def alone(hidden: tuple[int, ...], seconds: float) -> float:
    """Steps a second of `train`."""
    from dataclasses import replace

    import deltarule as dr
    from deltarule.playground import asks

    found = asks.opening(asks.Given(opening(hidden), "open"))
    plan = replace(found.plan, max_epochs=10**9, max_seconds=seconds)
    began = time.perf_counter()
    result = dr.train(found.network, found.state, found.train.X, found.train.D, plan, n_threads=1)
    return result.state.step / (time.perf_counter() - began)


def with_client(hidden: tuple[int, ...], seconds: float) -> float:
    """Steps a second of a desk without a browser, whose page is ready for each frame at once."""
    from deltarule.playground import wire
    from deltarule.playground.answers import Answers
    from deltarule.playground.desk import Desk

    heard: queue.Queue[dict[str, Any]] = queue.Queue()

    def hear(data: bytes) -> None:
        message = wire.decode(data)
        if "event" in message:
            desk.receive(wire.encode({"id": 0, "ask": "ready", "given": {}}))
        else:
            heard.put(message["answer"])

    desk = Desk(hear, Answers())

    def ask(name: str, **given: Any) -> dict[str, Any]:
        desk.receive(wire.encode({"id": 1, "ask": name, "given": given}))
        return heard.get(timeout=60)

    ask("open", **opening(hidden))
    side = np.linspace(-1, 1, 32 if sum(hidden) <= 60 else 20)
    ask("watch", X=np.array(np.meshgrid(side, side)).T.ravel(), layers=True)
    ask("play", steps_per_second=None)
    time.sleep(0.3)
    first, began = ask("play", steps_per_second=None)["state"]["step"], time.perf_counter()
    time.sleep(seconds)
    last, passed = ask("pause")["state"]["step"], time.perf_counter() - began
    desk.close()
    return (last - first) / passed


def measure(seconds: float, turns: int) -> dict[str, Any]:
    """All networks, each side in turn."""
    from playground_server import served

    found: dict[str, Any] = {}
    with served() as server, given_out() as static, chromium() as browser:
        for name, (hidden, wanted) in NETWORKS.items():
            kept: list[dict[str, float]] = []
            for _ in range(turns):
                turn = {"train": alone(hidden, seconds), "client": with_client(hidden, seconds)}
                with browser.page(COUNTERS) as page:
                    page.go(address(server.new_url(), hidden))
                    turn["first_frame_seconds"] = page.until("window.counts?.first") / 1000
                    turn |= watched(page, seconds)
                with browser.page(COUNTERS) as page:
                    page.go(address(static, hidden))
                    turn["static_first_frame_seconds"] = page.until("window.counts?.first") / 1000
                    turn["static_frames_per_second"] = watched(page, seconds)["frames_per_second"]
                kept.append(turn)
            found[name] = summary(kept) | {"wanted_frames_per_second": wanted, "turns": turns}
            print(name, json.dumps(found[name]), flush=True)
    return found


def summary(kept: list[dict[str, float]]) -> dict[str, float]:
    """Medians, and the slowing turn by turn."""
    medians = {key: statistics.median(turn[key] for turn in kept) for key in kept[0]}
    for side, key in (("client", "client"), ("browser", "steps_per_second")):
        ratios = [1 - turn[key] / turn["train"] for turn in kept]
        medians[f"slowing_with_{side}"] = statistics.median(ratios)
    return medians


if __name__ == "__main__":
    numbers = [float(text) for text in sys.argv[1:]]
    seconds, turns = (*numbers, *(4.0, 5.0)[len(numbers) :])
    record = {
        "date": f"{datetime.date.today():%Y-%m-%d}",
        "machine": machine(),
        "versions": versions(),
        "rows": measure(seconds, int(turns)),
    }
    RESULT.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
