"""Random small networks with rows that fit them, and the table of what goes with what."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

import deltarule as dr
from deltarule import losses
from deltarule.activations import ACTIVATIONS
from deltarule.losses import LOSSES
from deltarule.penalties import L1, L1L2, L2, Penalty

#: ascending goes with several quantiles: tests/test_quantiles.py
NAMES = tuple(name for name in ACTIVATIONS.table if name != "ascending")
#: every allowed (loss, output activation): 60 of them
PAIRS = tuple(
    (loss, name)
    for loss, kind in LOSSES.table.items()
    for name in NAMES
    if kind.activations is None or name in kind.activations
)
#: losses with numbers that are not their defaults
SETTINGS = {"huber": losses.Huber(0.7), "quantile": losses.Quantile(0.3)}
PENALTIES = (None, L1(0.3), L2(0.5), L1L2(0.2, 0.4))
MAX_DEPTH = 5


@dataclass(frozen=True)
class Case:
    """A network with numbers and rows; ``repr`` says how to make it again."""

    label: str
    network: dr.Network
    parameters: dr.Parameters
    X: np.ndarray
    D: np.ndarray
    weight: np.ndarray | None = None
    penalty: Penalty | None = None

    def __repr__(self) -> str:
        return self.label

    @property
    def smooth(self) -> bool:
        """Whether the objective is analytic, so that a complex step can be taken."""
        kinds = (*self.network.activations, *(head.loss for head in self.network.heads))
        return all(kind.smooth for kind in kinds)

    @property
    def by_rule(self) -> bool:
        """Whether sign takes part: its stated rule is no derivative."""
        judged = self.network.activations
        if self.network.loss.of_pre_activation:
            judged = judged[:-1]
        return any(kind.name == "sign" for kind in judged)


def targets(loss: str, activation: str, shape: tuple[int, int], random) -> np.ndarray:
    """Targets for which the loss is defined, soft ones among them."""
    if loss == "perceptron":
        return random.choice([-1.0, 1.0], shape)
    if loss == "poisson":
        counts = random.poisson(1.5, shape).astype(float)
        return counts / 4 if activation in ("logistic", "softmax") else counts
    if loss == "log_loss" and activation == "softmax":
        soft = random.random(shape) + 0.1
        hard = np.eye(shape[1])[random.integers(0, shape[1], shape[0])]
        chosen = random.random(shape[0]) < 0.5
        return np.where(chosen[:, np.newaxis], soft / soft.sum(axis=1, keepdims=True), hard)
    if loss == "log_loss":
        return np.where(
            random.random(shape) < 0.5, random.random(shape), random.random(shape) < 0.5
        )
    return random.normal(size=shape)


def random_case(index: int, attempt: int = 0, *, rows: int = 3, sign: bool = False) -> Case:
    """Network number `index`, the same on every machine; `attempt` draws only its numbers anew.

    60 in a row hold every allowed pair of loss and output activation once, with 0 to 5 hidden
    layers. ``sign=False`` leaves sign out wherever its rule is no derivative.
    """
    shape = np.random.default_rng([index, 0])
    loss, last = PAIRS[index % len(PAIRS)]
    if not sign and last == "sign" and loss != "perceptron":
        last = "tanh"
    names = NAMES if sign else tuple(name for name in NAMES if name != "sign")
    if not sign and index // len(PAIRS) % 2:  # every second round: as many complex steps as can be
        names = tuple(name for name in NAMES if ACTIVATIONS.table[name].smooth)
    depth = (index + index // len(PAIRS)) % (MAX_DEPTH + 1)
    hidden = [names[k] for k in shape.integers(0, len(names), depth)]
    if sign and depth:
        hidden[shape.integers(0, depth)] = "sign"
    units = [int(shape.integers(1, 4)), *(int(k) for k in shape.integers(1, 4, depth))]
    units.append(int(shape.integers(2 if last == "softmax" else 1, 4)))
    bias = [bool(b) for b in shape.random(depth + 1) < 0.7]
    network = dr.Network(units, [*hidden, last], SETTINGS.get(loss, loss), bias)
    penalty = PENALTIES[shape.integers(0, len(PENALTIES))]
    weighted = shape.random() < 0.5

    numbers = np.random.default_rng([index, 1, attempt])
    parameters = dr.initialize(network).replace(vector=numbers.normal(0, 0.6, network.size))
    X = numbers.normal(size=(rows, network.n_inputs))
    D = targets(loss, last, (rows, network.n_outputs), numbers)
    weight = numbers.random(rows) + 0.2 if weighted else None
    if weight is not None and shape.random() < 0.3:
        weight[0] = 0.0
    label = f"{index}.{attempt}: {units} {'-'.join([*hidden, last])} {loss}"
    return Case(label, network, parameters, X, D, weight, penalty)


def with_rows(case: Case, **changes) -> Case:
    """The case with other rows, weights or penalty."""
    return replace(case, **changes)
