"""Networks that answer together, and the straight line beside them: training and outputs.

All networks have one architecture. What they say together is the mean of what each says: of
classes the z before the activation of the last layer, so that the probabilities are those of the
geometric mean; of numbers the outputs. The linear model is a network as well, of a single layer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deltarule.activations import ACTIVATIONS, Activation
from deltarule.definitions import Array, choose
from deltarule.estimators.kept_session import KeptSession
from deltarule.estimators.predictor import before_output
from deltarule.initializers import Constant
from deltarule.layers import Dense
from deltarule.losses import Loss
from deltarule.network import Head, Network, Parameters, initialize
from deltarule.optimizers import LBFGS
from deltarule.penalties import L2
from deltarule.plans import TrainingPlan
from deltarule.stopping import StopReason
from deltarule.training import train

#: Strengths of the linear model's penalty: as scikit-learn's default is, alpha = 1 and C = 1, and
#: one that finds small differences between numbers that nearly repeat each other.
LINEAR_PENALTIES = (1.0, 0.01)
LINEAR_EPOCHS = 200
LINEAR_TOLERANCE = 1e-5


class Voices:
    """Asks networks for what they say, by sessions that are kept between calls.

    Parameters
    ----------
    members : sequence of Parameters
        At least one.
    engine, n_threads
        As for `train`.
    """

    def __init__(self, members: Sequence[Parameters], engine: str, n_threads: int | None) -> None:
        self._members = tuple(members)
        network = members[0].network
        if network.loss.name == "log_loss":
            network = before_output(network)
        self._sessions = [KeptSession(network, engine, n_threads) for _ in members]

    def mean(self, X: Array) -> Array:
        """The mean of what they say, float64 of shape (rows, outputs)."""
        total = np.zeros((len(X), self._members[0].network.n_outputs))
        for session, member in zip(self._sessions, self._members, strict=True):
            total += session.outputs(member.vector, member.buffers, X)
        return total / len(self._members)


def train_linear(
    X: Array,
    D: Array,
    weight: Array | None,
    output_activation: str | Activation,
    loss: Loss,
    engine: str,
    n_threads: int | None,
    numbers: Array,
    penalty: float,
    seconds: float | None = None,
) -> Parameters:
    """The linear model of some rows.

    It learns from standardized numbers, so that its penalty is the same for all of them; what was
    subtracted and divided by is in its weights and biases afterwards.

    Parameters
    ----------
    X : float32 array of shape (rows, inputs)
        Numbers not bent.
    D : float32 array of shape (rows, outputs)
    weight : array of shape (rows,), optional
    output_activation : str
    loss : Loss
    engine, n_threads
        As for `train`.
    numbers : int array
        The inputs that are numbers on a scale.
    penalty : float
        One of `LINEAR_PENALTIES`.
    seconds : float, optional
        What it may take.
    """
    layer = Dense(X.shape[1], D.shape[1], choose(output_activation, ACTIVATIONS, "activation"))
    network = Network(layers=[layer], heads=[Head((0, D.shape[1]), loss)])
    plan = TrainingPlan(
        optimizer=LBFGS(),
        max_epochs=LINEAR_EPOCHS,
        tolerance=LINEAR_TOLERANCE,
        penalty=L2(penalty),
        max_seconds=seconds,
    )
    start = initialize(network, 0, Constant(0.0), dtype=X.dtype)
    each = np.ones(len(X)) if weight is None else weight.astype(np.float64)
    columns = X[:, numbers].astype(np.float64)
    mean = each @ columns / each.sum()
    spread = np.sqrt(each @ (columns - mean) ** 2 / each.sum())
    spread[spread == 0] = 1.0
    standardized = X.copy()
    standardized[:, numbers] = (columns - mean) / spread
    result = train(
        network,
        start,
        standardized,
        D,
        plan,
        sample_weight=weight,
        engine=engine,
        n_threads=n_threads,
    )
    if result.stop_reason is StopReason.INTERRUPTED:
        raise KeyboardInterrupt
    values = result.parameters.values(0)
    W, b = values["weight"].astype(np.float64), values["bias"].astype(np.float64)
    W[numbers] /= spread[:, np.newaxis]
    b -= mean @ W[numbers]
    return result.parameters.replace(vector=np.concatenate((W.ravel(), b)).astype(X.dtype))
