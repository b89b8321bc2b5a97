"""What a page without a model begins with, as the library records it: XOR on a small network.

The numbers are those of ``web/src/model/settings.ts`` and ``sets.ts``, and the notes' own way to
train: one random sample a step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deltarule.network import Network, initialize
from deltarule.persistence import network_record
from deltarule.plans import TrainingPlan, TrainingState
from deltarule.playground.own_units import Origin
from deltarule.playground.records import plan_record, state_record
from deltarule.playground.sources import input_names

_SEED, _RATE, _HORIZON = 3, 1.0, 1000


def xor_subject() -> dict[str, Any]:
    """The record of an opened model (`subject_of`) for the page's own first network."""
    network = Network(units=(2, 3, 1), activations="logistic", loss="squared_error")
    plan = TrainingPlan(
        learning_rate_init=_RATE, sampling="replacement", max_epochs=_HORIZON, key=_SEED
    )
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.array([0.0, 1.0, 1.0, 0.0])
    names = input_names(2)
    first = initialize(network, _SEED)
    numbers = first.vector, np.zeros((0, network.size)), first.buffers
    return {
        "title": "XOR: the four corners, 2-3-1",
        "open": {
            "network": network_record(network),
            "plan": plan_record(plan),
            "initializer": {"name": "auto"},
            "seed": _SEED,
            "train": {"X": X.ravel(), "D": y, "rows": len(X)},
            "held": None,
            "start": state_record(numbers, TrainingState(first, numbers[1])),
        },
        "table": {
            "name": "XOR: the four corners",
            "inputs": list(names),
            "kind": "classes",
            "target": "class",
            "outputs": ["0", "1"],
            "X": X.ravel(),
            "y": y,
            "rows": len(X),
            "notes": [],
            "columns": [*names, "class"],
            "origin": Origin().record(),
        },
        "scaling": {"center": np.zeros(2), "scale": np.ones(2)},
        "curve": {"epoch": np.empty(0), "loss": np.empty(0), "held_loss": np.empty(0)},
        "fitting": False,
        "axes": [0, 1],
    }
