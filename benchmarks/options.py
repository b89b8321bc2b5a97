"""What each option costs: the same training with it and without it, and the road that it took.

Two regimes, batches of 200 and single rows, on 64-100-10; `cost` is the time relative to plain
SGD in float32 with relu and log_loss on dense rows.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import data
import numpy as np
import scipy.sparse

import deltarule as dr

REGIMES = {"batch": (200, "mini-batches of 200"), "sample": (1, "single rows")}


@dataclass(frozen=True)
class Option:
    """One departure from the plain training.

    Parameters
    ----------
    group, name : str
        What the table says.
    plan : dict
        Of the `TrainingPlan`.
    activation, loss, output, dtype : str
    rows : callable
        What becomes of X.
    extra : callable
        From X and D to further arguments of `train`.
    normalization : Layer class or None
        Of the hidden layer; or another kind that has the activation in its place.
    dropout : float
        Its rate.
    factor : float
        Of the step size for its weights.
    """

    group: str
    name: str
    plan: dict[str, Any] = field(default_factory=dict)
    activation: str = "relu"
    loss: str = "log_loss"
    output: str = "softmax"
    dtype: str = "float32"
    bias: bool = True
    rows: Callable[[Any], Any] = lambda X: X
    extra: Callable[[Any, Any], dict[str, Any]] = lambda X, D: {}
    normalization: Any = None
    dropout: float = 0.0
    factor: float = 1.0

    def network(self) -> dr.Network:
        """64-100-10."""
        behind = "identity" if self.normalization else self.activation
        layers = [
            dr.layers.Dense(64, 100, behind, self.bias, weight_rate_factor=self.factor),
        ]
        if self.normalization:
            layers.append(self.normalization(100, 100, self.activation))
        if self.dropout:
            layers.append(dr.layers.Dropout(100, 100, self.dropout))
        layers.append(dr.layers.Dense(100, 10, self.output, self.bias))
        return dr.Network(layers=layers, loss=self.loss)


def weighted(X: Any, D: Any) -> dict[str, Any]:
    """A weight for every row."""
    return {"sample_weight": np.linspace(0.5, 1.5, len(D)).astype(D.dtype)}


def judged(X: Any, D: Any) -> dict[str, Any]:
    """A tenth of the rows are judged after each epoch."""
    return {"validation": dr.Validation(X[: len(D) // 10], D[: len(D) // 10])}


PLAIN = Option("plain", "plain SGD, float32, relu, log_loss, dense rows")
ACTIVATIONS = ("identity", "logistic", "tanh", "leaky_relu", "softplus", "selu", "gelu", "silu",
               "mish", "exp", "sign")  # fmt: skip
OPTIMIZERS = ("momentum", "nesterov", "adam", "adamw", "rmsprop")
OPTIONS = (
    *(Option("optimizer", name, {"optimizer": name}) for name in OPTIMIZERS),
    Option("optimizer", "sgd, clip_norm", {"optimizer": dr.SGD(clip_norm=1e-3)}),
    Option("optimizer", "sgd, average", {"optimizer": dr.SGD(average=0.99)}),
    Option("penalty", "l2", {"penalty": dr.L2(1.0)}),
    Option("penalty", "l1", {"penalty": dr.L1(1.0)}),
    Option("penalty", "l1 and l2", {"penalty": dr.L1L2(0.5, 0.5)}),
    Option("sampling", "replacement", {"sampling": "replacement"}),
    Option("sampling", "sequential", {"sampling": "sequential"}),
    Option("schedule", "cosine", {"schedule": "cosine"}),
    Option("rows", "sample weights", extra=weighted),
    Option("rows", "zero in three columns of four",
           rows=lambda X: np.where(np.arange(X.shape[1]) % 4, 0, X).astype(X.dtype)),
    Option("rows", "CSR, the same rows", rows=scipy.sparse.csr_matrix),
    Option("rows", "CSR, 10 % of them kept",
           rows=lambda X: scipy.sparse.csr_matrix(np.where(np.abs(X) > 1.6, X, 0))),
    Option("rows", "a tenth judged after each epoch", extra=judged),
    *(Option("activation", name, activation=name) for name in ACTIVATIONS),
    Option("loss", "squared_error, identity output", loss="squared_error", output="identity"),
    Option("loss", "log_loss, logistic outputs", output="logistic"),
    Option("loss", "huber, identity output", loss="huber", output="identity"),
    Option("network", "without biases", bias=False),
    Option("layers", "dropout 0.2", dropout=0.2),
    Option("layers", "batch normalization", normalization=dr.layers.BatchNormalization),
    Option("layers", "layer normalization", normalization=dr.layers.LayerNormalization),
    Option("layers", "parametric activation", normalization=dr.layers.ParametricActivation),
    Option("layers", "a rate factor", factor=0.5),
    Option("dtype", "float64", dtype="float64"),
)  # fmt: skip


def measure(say: Callable[[str], None], repeats: int = 5) -> list[dict[str, Any]]:
    """Each option in each regime, next to the plain training in the same turn."""
    found = []
    for regime, (batch, _) in REGIMES.items():
        plain = training(PLAIN, batch)
        for option in (PLAIN, *OPTIONS):
            if any(layer.objection(batch) for layer in option.network().layers):
                continue  # no single rows in batch normalisation
            work = training(option, batch)
            ratios: list[float] = []
            _, road = timed(work)
            for _ in range(repeats):
                base, _ = timed(plain)
                ratios.append(timed(work)[0] / base)
            cost = statistics.median(ratios)
            found.append(
                {
                    "regime": regime,
                    "group": option.group,
                    "name": option.name,
                    "road": road,
                    "cost": cost,
                }
            )
            say(f"\n  {regime:<7}{option.group:<11}{option.name:<34}{cost:6.2f}  {road}")
    return found


def training(option: Option, batch: int) -> Callable[[], Any]:
    """The training, ready to be called."""
    X, D, _ = data.load("digits 20000" if batch > 1 else "digits 6000", option.dtype)
    network = option.network()
    start = dr.initialize(network, dtype=option.dtype)
    # Steps so small that nothing diverges, whatever the option: the price is the same.
    settings: dict[str, Any] = {"learning_rate_init": 1e-7, "sampling": "shuffle"} | option.plan
    plan = dr.TrainingPlan(batch_size=batch, max_epochs=2, **settings)
    extra, rows = option.extra(X, D), option.rows(X)
    return lambda: dr.train(network, start, rows, D, plan, n_threads=1, **extra)


def timed(work: Callable[[], Any]) -> tuple[float, str]:
    """Processor seconds of a call, and its road."""
    began = time.thread_time()
    result = work()
    seconds = time.thread_time() - began
    if result.trouble is not None:
        raise RuntimeError(f"the training broke off: {result.trouble}")
    return seconds, result.road
