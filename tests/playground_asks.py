"""What a page asks the playground for, made in tests: plans, rows, openings, labs."""

from __future__ import annotations

from typing import Any

import numpy as np

import deltarule as dr
from deltarule.persistence.networks import network_record
from deltarule.playground import asks
from deltarule.playground.asks import Given
from deltarule.playground.lab import Lab
from deltarule.playground.records import plan_record

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
PARITY = np.array([[0.0], [1.0], [1.0], [0.0]])
CORNERS = {"X": XOR.ravel(), "D": PARITY.ravel(), "rows": 4}

#: optimiser, schedule, batch size, sampling, penalty
PLANS = [
    ("sgd", "constant", 1, "replacement", None),
    ("sgd", "invscaling", 1, "shuffle", {"name": "l2", "strength": 0.01}),
    ("momentum", "cosine", 3, "shuffle", None),
    ("nesterov", "adaptive", 1, "sequential", None),
    ("adam", "step", 4, "replacement", {"name": "l1", "strength": 0.001}),
    ("rmsprop", "one_cycle", 1, "shuffle", None),
]


def plan_of(row: tuple) -> dr.TrainingPlan:
    """The plan that a row of `PLANS` is short for, of 40 epochs."""
    optimizer, schedule, batch_size, sampling, penalty = row
    return dr.TrainingPlan(
        optimizer=optimizer,
        schedule=schedule,
        batch_size=batch_size,
        sampling=sampling,
        penalty=penalty,
        learning_rate_init=0.05,
        max_epochs=40,
        patience=10 if schedule == "adaptive" else None,
        key=5,
    )


def rows(count: int, inputs: int, outputs: int, seed: int = 0) -> dict[str, Any]:
    draw = np.random.default_rng(seed)
    X, D = draw.normal(size=(count, inputs)), draw.random((count, outputs))
    return {"X": X.ravel(), "D": D.ravel(), "rows": count}


def opening(
    network: dr.Network, plan: dr.TrainingPlan, train: dict[str, Any], **given: Any
) -> dict[str, Any]:
    """What the page begins a training with."""
    return {
        "network": network_record(network),
        "plan": plan_record(plan),
        "initializer": {"name": "auto"},
        "seed": 3,
        "train": train,
        "held": None,
        "start": None,
        **given,
    }


def lab_of(*args: Any, **given: Any) -> Lab:
    """A lab as `opening` describes it."""
    return Lab(asks.opening(Given(opening(*args, **given), "open")))
