"""Online: what one call of a stream takes, ours and scikit-learn's, in turns.

``python benchmarks/online.py [CALLS]`` prints JSON: for two networks the median and the 99.9th
percentile, in microseconds, of a learner's step and prediction (a million calls each), and of
`partial_fit` and `predict` of a few rows; for the first network also of what scikit-learn has no
option for. The clock's own time, some 0.05 µs, is among them.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

#: Inputs, hidden units, classes.
NETWORKS = ((4, (16,), 3), (20, (32, 32), 2))
#: What a learner of the first network may have besides.
OPTIONS: dict[str, dict[str, Any]] = {
    "dropout": {"dropout": 0.2},
    "layer normalization": {"normalization": "layer"},
    "clipped, averaged": {"solver": ("Adam", {"clip_norm": 1.0, "average": 0.9})},
}
#: Rows of a call of `partial_fit`.
ROWS = (1, 10, 100)
#: Calls in a row before the other side has its turn; each side has its turns one after the other.
TURN = 50
#: Calls of the light way, and of the others.
MANY, SOME = 1_000_000, 2_000

Call = Callable[[], Any]


def measure(say: Callable[[str], None], many: int = MANY, some: int = SOME) -> list[dict[str, Any]]:
    """Each entry has a network, what was called, and the numbers of each side."""
    from threadpoolctl import threadpool_limits

    found = []
    for inputs, hidden, classes in NETWORKS:
        network = "-".join(map(str, (inputs, *hidden, classes)))
        for name, sides in calls(inputs, hidden, classes).items():
            light = "learner" in name
            entry = {"network": network, "call": name}
            with threadpool_limits(1):  # threads of BLAS take longer than such products
                entry |= in_turns(sides, many if light else some, some)
            found.append(entry)
            say(f"\n  {network:<13}{name:<22}{entry['deltarule']['median']:9.2f} µs")
    return found


def calls(inputs: int, hidden: tuple[int, ...], classes: int) -> dict[str, dict[str, Call]]:
    """What is called, by what it is and whose it is."""
    from sklearn import neural_network

    import deltarule as dr

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, inputs)), rng.integers(0, classes, 200)
    ours, theirs = (
        kind(hidden, random_state=0).partial_fit(X, y, classes=np.arange(classes))
        for kind in (dr.MLPClassifier, neural_network.MLPClassifier)
    )
    learner, row, target = ours.learner(), X[0], int(y[0])
    found: dict[str, dict[str, Call]] = {
        "learner.step": {
            "deltarule": lambda: learner.step(row, target),
            "sklearn": lambda: theirs.partial_fit(X[:1], y[:1]),
        },
        "learner.predict": {
            "deltarule": lambda: learner.predict(row),
            "sklearn": lambda: theirs.predict(X[:1]),
        },
    }
    for name, option in OPTIONS.items() if hidden == NETWORKS[0][1] else ():
        settings = {
            key: getattr(dr, value[0])(**value[1]) if isinstance(value, tuple) else value
            for key, value in option.items()
        }
        model = dr.MLPClassifier(hidden, random_state=0, **settings)
        other = model.partial_fit(X, y, classes=np.arange(classes)).learner()
        found[f"learner.step, {name}"] = {"deltarule": lambda o=other: o.step(row, target)}
        found[f"learner.predict, {name}"] = {"deltarule": lambda o=other: o.predict(row)}
    for rows in ROWS:
        part, targets = X[:rows], y[:rows]
        found[f"partial_fit, {rows} row{'s' if rows > 1 else ''}"] = {
            "deltarule": lambda part=part, targets=targets: ours.partial_fit(part, targets),
            "sklearn": lambda part=part, targets=targets: theirs.partial_fit(part, targets),
        }
    return found


def in_turns(sides: dict[str, Call], ours: int, theirs: int) -> dict[str, dict[str, float]]:
    """Median and 99.9th percentile of so many calls, the sides in turns of equal number."""
    counts = {"deltarule": ours, "sklearn": theirs}
    turns = max(1, theirs // TURN)
    times: dict[str, list[np.ndarray[Any, Any]]] = {side: [] for side in sides}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for turn in range(turns + 1):
            for side, call in sides.items():
                taken = timed(call, counts[side] // turns)
                if turn:  # the first is left out
                    times[side].append(taken)
    return {side: summary(np.concatenate(taken)) for side, taken in times.items()}


def timed(call: Call, count: int) -> np.ndarray[Any, Any]:
    """Nanoseconds of each call."""
    clock, taken = time.perf_counter_ns, np.empty(count, dtype=np.int64)
    for place in range(count):
        began = clock()
        call()
        taken[place] = clock() - began
    return taken


def summary(taken: np.ndarray[Any, Any]) -> dict[str, float]:
    """In microseconds."""
    return {
        "calls": len(taken),
        "median": float(np.median(taken)) / 1e3,
        "p999": float(np.percentile(taken, 99.9)) / 1e3,
    }


if __name__ == "__main__":
    many = int(sys.argv[1]) if len(sys.argv) > 1 else MANY
    print(json.dumps(measure(lambda text: None, many), indent=2))
