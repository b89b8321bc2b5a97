"""The library's diagnosis of what a page has open, with the weights as they are now.

What was opened with the page is diagnosed as the estimator that it is; a network that was made on
the page as the estimator that would describe it.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.estimators import MLPClassifier, MLPRegressor
from deltarule.estimators.diagnosis import Finding, diagnose
from deltarule.exceptions import InvalidParameterError
from deltarule.layers import Dense
from deltarule.plans import TrainingState
from deltarule.playground.lab import Lab
from deltarule.playground.shown import Shown
from deltarule.playground.sources import input_names
from deltarule.playground.subject import give

#: Outputs that stand for classes where the targets do.
_FOR_CLASSES = ("logistic", "softmax", "tanh", "sign")


def findings(lab: Lab, shown: Shown, names: tuple[str, ...] | None = None) -> list[dict[str, Any]]:
    """What ails the network that is open, the gravest first, as the page's protocol has it.

    Parameters
    ----------
    lab : Lab
    shown : Shown
    names : tuple of str, optional
        What the page calls the inputs of a network of its own.

    Raises
    ------
    InvalidParameterError
        While an estimator is being fitted, and for a network that no estimator describes.
    """
    if shown.source is not None and shown.has(lab.network):
        if shown.fitting:
            raise InvalidParameterError(
                "A model is diagnosed when its fit has ended (got one that is being fitted). Wait "
                "for the end."
            )
        source = shown.source
        estimator = _moved(source.estimator, lab)
        found = diagnose(estimator, source.X, source.y, feature_names=source.inputs)
    else:
        estimator, y = _described(lab)
        names = names or input_names(lab.network.layers[0].inputs)
        found = diagnose(estimator, lab.train.X, y, feature_names=names)
    return [told(finding) for finding in found.findings]


def told(finding: Finding) -> dict[str, Any]:
    """A finding as the page's protocol has it."""
    where = f" ({finding.where})" if finding.where else ""
    measured = f"{finding.quantity}{where}: {finding.measured}."
    return {
        "name": finding.code,
        "sentence": finding.says,
        "measured": f"{measured[0].upper()}{measured[1:]}",
        "remedy": finding.remedy,
    }


def _moved(estimator: Any, lab: Lab) -> Any:
    """A copy of an estimator that stands where the page's training does."""
    found = copy.deepcopy(estimator)
    now = lab.parameters
    if np.array_equal(found._current_vector(found._network), now.vector):
        return found
    give(found, now)
    return _standing(found, lab)


def _standing(estimator: Any, lab: Lab) -> Any:
    """Give an estimator the loss and the optimiser's numbers of the page's training."""
    vector, moments, buffers = lab.session.numbers()
    place, memory = lab.snapshot(), estimator.__dict__.pop("_memory", None)
    estimator.loss_curve_ = []
    estimator.loss_ = lab.measures(place)["objective"]
    estimator.n_iter_, estimator.t_ = place.epoch, place.epoch * len(lab.train.X)
    if memory is not None and memory.optimizer == lab.plan.optimizer:
        parameters = memory.published.replace(vector=vector, buffers=buffers)
        factor = place.standing.rate_factor
        state = TrainingState(
            parameters, moments, lab.step, place.epoch, factor, horizon=lab.plan.max_epochs
        )
        estimator._memory = replace(memory, state=state)
    return estimator


def _described(lab: Lab) -> tuple[Any, Array]:
    """The estimator that describes a network of the page, with its numbers, and y for it."""
    network, plan = lab.network, lab.plan
    layers = [layer for layer in network.layers if isinstance(layer, Dense)]
    head = network.heads[0]
    plain = len(layers) == len(network.layers) and len(network.heads) == 1
    if not plain or len({layer.bias for layer in layers}) > 1 or head.class_weights:
        raise InvalidParameterError(
            "A diagnosis is for networks of dense layers with one kind of target (got another "
            "one). Open the estimator itself with dr.play."
        )
    output = network.output_activation
    settings: dict[str, Any] = {
        "loss": head.loss,
        "hidden_layer_sizes": tuple(layer.units for layer in layers[:-1]),
        "activation": tuple(layer.activation for layer in layers[:-1]) or "relu",
        "output_activation": output,
        "fit_intercept": layers[0].bias,
        "solver": plan.optimizer,
        "learning_rate_init": plan.learning_rate_init,
        "alpha": 0.0 if plan.penalty is None else plan.penalty,
        "batch_size": min(plan.batch_size, len(lab.train.X)),
        "sampling": plan.sampling,
        "max_iter": plan.max_epochs,
        "random_state": 0,
    }
    y = _classes(lab.train.D, head.loss, output.name)
    if y is not None:
        estimator: Any = MLPClassifier(**settings)
        estimator.initialize(lab.train.X, y, classes=np.arange(max(network.n_outputs, 2)))
    else:
        y = lab.train.D[:, 0] if network.n_outputs == 1 else lab.train.D
        estimator = MLPRegressor(**settings).initialize(lab.train.X, y)
    if estimator._network.layout != network.layout:
        raise InvalidParameterError(
            "A diagnosis is for networks that an estimator describes (got one with outputs that "
            "fit none). Choose other outputs."
        )
    # To begin is to be ready for a stream, which has no end; the training on the page has one.
    estimator.set_params(learning_rate=plan.schedule)
    give(estimator, lab.parameters)
    return _standing(estimator, lab), y


def _classes(D: Array, loss: Any, activation: str) -> Array | None:
    """The class of each row where the targets are classes; else None."""
    if loss.name not in ("log_loss", "perceptron") and activation not in _FOR_CLASSES:
        return None
    low, high = loss.class_targets(activation)
    hot = high == D
    if not (hot | (low == D)).all():
        return None
    if D.shape[1] == 1:
        return np.asarray(hot[:, 0], dtype=np.int64)
    return np.asarray(hot.argmax(axis=1)) if (hot.sum(axis=1) == 1).all() else None
