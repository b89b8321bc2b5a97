"""Problems on which the page's own lab is held to the server's, and what each is asked."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

import deltarule as dr
from deltarule.persistence.networks import network_record
from deltarule.playground.records import plan_record

#: Names of asks, and what is given.
Session = list[tuple[str, dict[str, Any]]]


@dataclasses.dataclass(frozen=True)
class Problem:
    """A network and how it is trained."""

    units: tuple[int, ...]
    activations: tuple[str, ...]
    loss: Any = "squared_error"
    optimizer: Any = "sgd"
    schedule: Any = "constant"
    batch_size: int = 1
    sampling: str = "replacement"
    penalty: Any = None
    rate: float = 0.05
    initializer: str = "auto"
    bias: bool = True
    rows: int = 23

    def __str__(self) -> str:
        last = self.optimizer if isinstance(self.optimizer, str) else self.optimizer.name
        return f"{'-'.join(map(str, self.units))} {self.activations[-1]} {last} B{self.batch_size}"

    @property
    def network(self) -> dr.Network:
        return dr.Network(self.units, self.activations, self.loss, self.bias)

    @property
    def plan(self) -> dict[str, Any]:
        plan = dr.TrainingPlan(
            optimizer=self.optimizer,
            learning_rate_init=self.rate,
            schedule=self.schedule,
            batch_size=self.batch_size,
            sampling=self.sampling,
            penalty=self.penalty,
            max_epochs=40,
            key=2**53 - 7,
        )
        return plan_record(plan)

    def drawn(self, rows: int, seed: int) -> dict[str, Any]:
        draw = np.random.default_rng(seed)
        X, inputs, outputs = draw.normal(size=(rows, self.units[0])), self.units[0], self.units[-1]
        assert inputs == X.shape[1]
        if self.activations[-1] in ("softmax", "sign"):
            D = np.eye(outputs)[draw.integers(0, outputs, rows)]
            D = 2 * D - 1 if self.activations[-1] == "sign" else D
        else:
            D = draw.random((rows, outputs))
        return {"X": X.ravel(), "D": D.ravel(), "rows": rows}

    def opening(self, **given: Any) -> dict[str, Any]:
        return {
            "network": network_record(self.network),
            "plan": self.plan,
            "initializer": dr.initializers.INITIALIZERS.table[self.initializer]().record(),
            "seed": 5,
            "train": self.drawn(self.rows, 0),
            "held": self.drawn(7, 1),
            "start": None,
            **given,
        }


PROBLEMS = [
    Problem((2, 3, 1), ("logistic", "logistic"), sampling="shuffle", rate=2.0),
    Problem((2, 1), ("sign",), "perceptron", schedule=dr.Cosine(warmup=0.2), sampling="shuffle"),
    Problem((4, 7, 2), ("tanh", "logistic"), optimizer="momentum", schedule="one_cycle",
            batch_size=3, sampling="shuffle", penalty=dr.penalties.L1L2(0.01, 0.1)),
    Problem((3, 5, 4, 3), ("softplus", "gelu", "softmax"), "log_loss", "adam", batch_size=4,
            initializer="he_normal", penalty="l2"),
    Problem((3, 6, 2), ("silu", "identity"), dr.losses.Huber(0.7), "rmsprop", "step", 30,
            "sequential", initializer="lecun_uniform"),
    Problem((2, 8, 1), ("mish", "exp"), "poisson", "nesterov", "invscaling", 5, "shuffle",
            initializer="glorot_normal", rate=0.01),
    Problem((5, 4, 4, 4, 2), ("tanh", "selu", "logistic", "identity"), "absolute_error",
            dr.AdamW(weight_decay=0.1), "adaptive", 1, "sequential", "l1", bias=False),
    Problem((2, 3, 1), ("relu", "identity"), dr.losses.Quantile(0.3),
            schedule=dr.InvScaling(power=0.4), initializer="uniform", rows=1),
    Problem((3, 4, 2), ("leaky_relu", "softplus"), initializer="normal", rate=0.5,
            schedule=dr.Cosine(end=0.1, total_epochs=3)),
    Problem((2, 4, 3, 2), ("softmax", "sign", "identity"), initializer="he_uniform"),
    Problem((2, 2), ("identity",), initializer="constant", batch_size=64,
            schedule=dr.OneCycle(total_epochs=7)),
]  # fmt: skip

#: Steps of one row on each road that the core takes them down.
STEPPED = [
    Problem((2, 3, 1), ("logistic", "logistic"), sampling="shuffle", rate=2.0, penalty="l2"),
    Problem((4, 7, 2), ("tanh", "logistic"), penalty=dr.penalties.L2(0.3), rows=11),
    Problem((3, 5, 4, 2), ("tanh", "tanh", "identity"), optimizer="momentum", penalty="l2",
            sampling="shuffle"),
    Problem((40, 35, 2), ("tanh", "identity"), optimizer="nesterov", penalty=dr.penalties.L2(0.1),
            rate=0.001),
    Problem((3, 5, 2), ("tanh", "identity"), optimizer="adam", penalty="l2"),
    Problem((3, 5, 2), ("tanh", "identity"), penalty=dr.penalties.L1L2(0.1, 0.2)),
]  # fmt: skip


def grid(low: float, high: float, count: int) -> list[float]:
    return [low, high, count]


def session_of(problem: Problem) -> Session:
    """A visit: everything that a page asks for, one after the other."""
    draw, size, inputs = np.random.default_rng(2), problem.network.size, problem.units[0]
    own = {"x": draw.normal(size=inputs), "d": problem.drawn(1, 3)["D"]}
    X = draw.normal(size=(30, inputs)).ravel()
    nothing: dict[str, Any] = {}
    directions = {"first": draw.normal(size=size), "second": draw.normal(size=size)}
    surface = {"origin": draw.normal(size=size), "u": grid(-1, 1, 5), "v": grid(0, 2, 3)}
    run = {
        "plan": problem.plan,
        "initializer": {"name": "auto"},
        "seed": 11,
        "start": None,
        "from": None,
        "train": problem.drawn(9, 4),
    }
    other = {"vector": draw.normal(0, 0.5, size), "buffers": np.empty(0)}
    return [
        ("open", problem.opening()),
        ("watch", {"X": X, "layers": True}),
        ("trace", {"x": None, "d": None, "numeric": True}),
        ("advance", {"unit": "step", "count": 1}),
        ("trace", {"x": None, "d": None, "numeric": False}),
        ("advance", {"unit": "step", "count": 30}),
        ("advance", {"unit": "epoch", "count": 1}),
        ("advance", {"unit": "step", "count": 2}),
        ("trace", {**own, "numeric": True}),
        ("look", {"X": X, "layers": True}),
        ("look", {"X": X[: 4 * inputs], "layers": False}),
        ("look", {"X": X, "layers": True, "parameters": other}),
        ("ranges", nothing),
        ("judge", {"held": False}),
        ("judge", {"held": True}),
        ("factors", {"points": 9}),
        ("watch", {"X": X, "layers": False}),
        ("plan", {"plan": problem.plan | {"batch_size": 2, "learning_rate_init": 0.02}}),
        ("advance", {"unit": "step", "count": 3}),
        ("plan", {"plan": problem.plan | {"batch_size": 2, "penalty": None}}),
        ("advance", {"unit": "epoch", "count": 4}),
        ("back", nothing),
        ("back", nothing),
        ("set", {"vector": draw.normal(0, 0.5, size)}),
        ("trace", {"x": None, "d": None, "numeric": False}),
        ("surface", surface | directions),
        ("surface", surface | {"first": directions["first"], "second": None, "v": grid(0, 0, 1)}),
        ("runs", {"runs": [run, {**run, "start": draw.normal(0, 0.5, size)}], "epochs": 12,
                  "keep": 5}),
        ("runs", {"runs": [run, run | {"seed": 12}], "epochs": 7, "keep": 2}),
        *[("back", nothing)] * 8,
        ("plan", {"plan": problem.plan | {"optimizer": {"name": "sgd"}}}),
        ("advance", {"unit": "epoch", "count": 2}),
        ("pause", nothing),
    ]  # fmt: skip
