"""deltarule: feed-forward networks trained by stochastic gradient descent and backpropagation.

``import deltarule as dr`` loads NumPy only; every public name below is resolved when it is first
used. The list is the whole public surface.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

#: public name → the module that holds it; None: the name is a module itself.
_HOMES: dict[str, str | None] = {
    "MLPClassifier": "estimators",
    "MLPRegressor": "estimators",
    "MultiTaskMLP": "estimators.multitask",
    "Task": "estimators.tasks",
    "HiddenActivations": "estimators",
    "Hidden": "estimators.hidden_sizes",
    "diagnose": "estimators.diagnosis",
    "play": "playground.handle",
    "LossCurveDisplay": "displays",
    "displays": None,
    "TabularClassifier": "tables.classifier",
    "TabularRegressor": "tables.regressor",
    "save": "tables",
    "load": "tables",
    "Network": "network",
    "Dense": "layers",
    "Head": "network",
    "Parameters": "network",
    "initialize": "network",
    "initialize_by_data": "starts",
    "forward": "functional",
    "objective": "functional",
    "gradient": "functional",
    "run_steps": "functional",
    "train": "training",
    "train_many": "many",
    "restart": "restarts",
    "TrainingPlan": "plans",
    "TrainingResult": "plans",
    "TrainingState": "plans",
    "Validation": "plans",
    "trace_step": "inspection",
    "check_gradients": "inspection",
    "SGD": "optimizers",
    "Momentum": "optimizers",
    "Nesterov": "optimizers",
    "Adam": "optimizers",
    "AdamW": "optimizers",
    "RMSprop": "optimizers",
    "LBFGS": "optimizers",
    "Constant": "schedules",
    "InvScaling": "schedules",
    "Adaptive": "schedules",
    "Step": "schedules",
    "Cosine": "schedules",
    "CyclicCosine": "schedules",
    "OneCycle": "schedules",
    "L1": "penalties",
    "L2": "penalties",
    "L1L2": "penalties",
    "EarlyStopping": "stopping",
    "StopReason": "stopping",
    "activations": None,
    "layers": None,
    "losses": None,
    "initializers": None,
    "exceptions": None,
    "schedules": None,
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'deltarule' has no attribute {name!r}")
    home = _HOMES[name]
    if home is None:
        found: Any = importlib.import_module(f"deltarule.{name}")
    else:
        found = getattr(importlib.import_module(f"deltarule.{home}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
