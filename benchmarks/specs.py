"""What one timed training is, as plain data, and what all sides share: start, order, objective.

    J = (1/N) Σ_i f^i + (decay/2) Σ_l ‖W^l‖²

Every side starts from the same weights, takes the rows in the same order where it lets itself be
told one, and is judged by the one `objective` below, in float64, at the weights it ends with.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from deltarule.random import order as order_of_epoch


@dataclass(frozen=True)
class Spec:
    """One training.

    Parameters
    ----------
    data : str
        A name of `data.load`.
    units : tuple of int
        Inputs, hidden units, outputs.
    activation, output, loss : str
        Of the hidden layers, of the output layer, and what is descended.
    optimizer : {"sgd", "nesterov", "adam"}
    rate : float
    batch, epochs : int
        ``batch=0`` takes all rows at every step.
    sampling : {"shuffle", "replacement", "sequential"}
    decay : float
        As in J above; each side turns it into its own parameter.
    dtype : {"float32", "float64"}
    rows : int, optional
        Only the first rows of the data, for sides that take minutes for all of them.
    networks : int
        How many networks are trained at once, each from a start of its own.
    own_orders : bool
        Whether each of them takes the rows in an order of its own.
    defaults : bool
        Whether an estimator is left at its own defaults, but for the number of epochs.
    """

    data: str
    units: tuple[int, ...]
    activation: str = "relu"
    output: str = "softmax"
    loss: str = "log_loss"
    optimizer: str = "adam"
    rate: float = 1e-3
    batch: int = 200
    epochs: int = 1
    sampling: str = "shuffle"
    decay: float = 0.0
    dtype: str = "float32"
    rows: int | None = None
    networks: int = 1
    own_orders: bool = False
    defaults: bool = False

    def record(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @classmethod
    def of(cls, record: dict[str, Any]) -> Spec:
        """Back from `record`."""
        return cls(**{**record, "units": tuple(record["units"])})

    def but(self, **changes: Any) -> Spec:
        """The same training with some things changed."""
        return replace(self, **changes)

    def batch_of(self, rows: int) -> int:
        """Rows of one step."""
        return self.batch or rows

    def steps(self, rows: int) -> int:
        """Steps of the whole training."""
        return self.epochs * -(-rows // self.batch_of(rows))

    def operations(self, rows: int) -> int:
        """Multiplications and additions of a step's products; none back to the input."""
        weights = [a * b for a, b in zip(self.units, self.units[1:], strict=False)]
        return 2 * self.batch_of(rows) * (3 * sum(weights) - weights[0])


def layers_at_start(spec: Spec, network: int = 0) -> list[tuple[Any, Any]]:
    """Weights ``(inputs, units)`` and biases of each layer: scikit-learn's rule, one seed."""
    rng = np.random.default_rng(7 + network)
    factor = 2.0 if spec.activation == "logistic" else 6.0
    layers = []
    for inputs, outputs in zip(spec.units, spec.units[1:], strict=False):
        bound = np.sqrt(factor / (inputs + outputs))
        weight = rng.uniform(-bound, bound, (inputs, outputs))
        bias = rng.uniform(-bound, bound, outputs)
        layers.append((weight.astype(spec.dtype), bias.astype(spec.dtype)))
    return layers


def orders(spec: Spec, rows: int, network: int = 0) -> Any:
    """The row of every place of every step, ``(epochs, steps, batch)``; deltarule's own order."""
    batch = spec.batch_of(rows)
    if rows % batch:
        raise ValueError(f"{rows} rows are no multiple of the batch of {batch}")
    key = network if spec.own_orders else 0
    epochs = [order_of_epoch(spec.sampling, key, e, rows) for e in range(spec.epochs)]
    return np.array(epochs, dtype=np.int32).reshape(spec.epochs, rows // batch, batch)


def objective(spec: Spec, layers: list[tuple[Any, Any]], X: Any, D: Any) -> float:
    """J in float64 over at most the first 10 000 rows."""
    a = np.asarray(X[:10000], dtype=np.float64)
    D = np.asarray(D[:10000], dtype=np.float64)
    layers = [(np.asarray(w, dtype=np.float64), np.asarray(b, dtype=np.float64)) for w, b in layers]
    for weight, bias in layers[:-1]:
        a = HIDDEN[spec.activation](a @ weight + bias)
    z = a @ layers[-1][0] + layers[-1][1]
    if spec.output == "softmax":
        z = z - z.max(axis=1, keepdims=True)
        value = float(np.mean(np.log(np.exp(z).sum(axis=1)) - (z * D).sum(axis=1)))
    else:
        prediction = logistic(z) if spec.output == "logistic" else z
        value = float(np.mean(0.5 * ((prediction - D) ** 2).sum(axis=1)))
    return value + 0.5 * spec.decay * float(sum((w**2).sum() for w, _ in layers))


def logistic(z: Any) -> Any:
    """1 / (1 + e^−z)."""
    return 1.0 / (1.0 + np.exp(-z))


HIDDEN = {"relu": lambda z: np.maximum(z, 0.0), "tanh": np.tanh, "logistic": logistic}
