"""What every side does: be prepared, run, be judged."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import data
import numpy as np
from specs import Spec, objective


class Side:
    """Base of all sides.

    Parameters
    ----------
    threads : int
        Threads it may use; the process is pinned to as many processors.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.way = ""
        self.spec: Spec
        self.X: Any
        self.D: Any
        self.y: Any

    def versions(self) -> dict[str, str]:
        """Of the libraries that compute."""
        raise NotImplementedError

    def prepare(self, spec: dict[str, Any], way: str = "") -> dict[str, Any]:
        """Load the data, build, compile, and warm up; none of it is timed.

        `way` is the ``note`` of an earlier answer: which of several ways was the fastest.
        """
        self.way = way
        self.spec = Spec.of(spec)
        self.X, self.D, self.y = data.load(self.spec.data, self.spec.dtype, self.spec.rows)
        return self.build() or {}

    def build(self) -> dict[str, Any] | None:
        """What is done before the clock starts; may tell ``compile_seconds`` and a ``note``."""
        raise NotImplementedError

    def run(self) -> dict[str, Any]:
        """One timed training from the start; ``curve`` is the loss of each epoch as met."""
        raise NotImplementedError

    def layers(self) -> list[tuple[Any, Any]]:
        """The weights and biases after the last run."""
        raise NotImplementedError

    def judge(self) -> dict[str, Any]:
        """The objective at the end of the last run, by the common yardstick."""
        return {"loss": objective(self.spec, self.layers(), self.X, self.D)}

    def steps(self) -> int:
        """Steps of one run."""
        return self.spec.steps(len(self.X))


def clocked(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What `work` returns, with wall and processor seconds."""
    began, began_cpu = time.perf_counter(), time.process_time()
    result = work()
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    return result, {"seconds": seconds, "cpu_seconds": cpu}


def rows_one_by_one(predict: Any, X: Any, calls: int, flat: bool = False) -> dict[str, Any]:
    """Time calls of ``predict`` with one row each, a different row every time.

    A row is an array of shape (1, inputs), or with `flat` (inputs,).
    """
    shape = (-1,) if flat else (1, -1)
    rows = [np.array(X[i % len(X)]).reshape(shape) for i in range(calls)]
    predict(rows[0])

    def all_rows() -> None:
        for row in rows:
            predict(row)

    return {**clocked(all_rows)[1], "steps": calls}


def default_settings(spec: Spec) -> dict[str, Any]:
    """An estimator's parameters where all are at their defaults but for the number of epochs."""
    settings: dict[str, Any] = {"max_iter": spec.epochs, "random_state": 0}
    if spec.optimizer == "lbfgs":
        return settings | {"solver": "lbfgs", "tol": 0.0}
    return settings | {"n_iter_no_change": spec.epochs + 1}
