"""The compiled engine: the promise of `engines.base`, kept by ``deltarule._core``.

Importing this module loads the core; where there is none the import fails and `engines` says so.
The core knows names, numbers and arrays only, so this file is where descriptions become those:
`CompiledEngine.refusal` says what has no compiled meaning, `CompiledSession` hands over the rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deltarule import _core
from deltarule.activations import ACTIVATIONS
from deltarule.definitions import Array
from deltarule.engines.base import Engine, Report, Rule, Session, Work
from deltarule.layers import Dense
from deltarule.losses import LOSSES
from deltarule.network import Network
from deltarule.optimizers import OPTIMIZERS, Optimizer

#: The instruction set whose kernels run, such as ``"x86-64-v3"``; DELTARULE_ISA forces one.
ISA: str = _core.isa()


class CompiledSession(Session):
    """A session of the core; parameters and moments live there, in the kernels' own layout."""

    def __init__(self, network: Network, dtype: Any, n_threads: int) -> None:
        layers = [_layer(layer) for layer in network.layers if isinstance(layer, Dense)]
        self._size = network.size
        self._dtype = np.dtype(dtype)
        self._core = _core.Session(
            layers,
            network.loss.name,
            network.loss.parameter,
            self._dtype.name,
            min(n_threads, 1 << 20),
        )
        self._optimizer: Optimizer | None = None
        self._moments: Array | None = None  # loaded, until the first run names the optimiser

    def load(
        self, vector: Array, moments: Array | None = None, buffers: Array | None = None
    ) -> None:
        """Take over parameters and moments; dense layers have no buffers."""
        self._core.set_parameters(vector)
        self._optimizer, self._moments = None, moments

    def bind(self, X: Any, D: Array, sample_weight: Array | None = None) -> None:
        """Name the training rows; the core keeps references to the arrays."""
        self._core.bind(_rows(X), D, sample_weight)

    def run(self, work: Work, first_step: int, rates: Array, carried: float = 0.0) -> Report:
        """Run all steps in one call, without the interpreter's lock."""
        self._take(work.optimizer)
        order = work.order
        steps, losses, finite = self._core.run(
            (order.kind, order.key) if isinstance(order, Rule) else order,
            first_step,
            work.batch_size,
            np.ascontiguousarray(rates, dtype=np.float64),
            work.l1,
            work.l2,
            work.scale,
            work.step_offset,
            carried,
        )
        return Report(steps, losses, finite)

    def _take(self, optimizer: Optimizer) -> None:
        if optimizer == self._optimizer:
            return
        moments = self._moments if self._optimizer is None else self.moments()
        self._core.set_optimizer(optimizer.name, optimizer.hyperparameters())
        if moments is None or len(moments) != optimizer.moments:
            moments = np.zeros((optimizer.moments, self._size), dtype=self._dtype)
        self._core.set_moments(np.ascontiguousarray(moments))
        self._optimizer, self._moments = optimizer, None

    def vector(self) -> Array:
        """The parameters now."""
        return self._core.parameters()

    def moments(self) -> Array:
        """The moments now."""
        if self._optimizer is not None:
            return self._core.moments()
        if self._moments is None:
            return np.zeros((0, self._size), dtype=self._dtype)
        return self._moments.copy()

    def predict(self, X: Any) -> Array:
        """d̂ for every row."""
        return self._core.predict(_rows(X))

    def loss(self, X: Any, D: Array, sample_weight: Array | None = None) -> float:
        """Σ w_i f^i."""
        return self._core.loss(_rows(X), D, sample_weight)

    def loss_gradient(
        self, X: Any, D: Array, sample_weight: Array | None = None
    ) -> tuple[float, Array]:
        """Σ w_i f^i and its gradient."""
        return self._core.loss_gradient(_rows(X), D, sample_weight)


def lane_count(dtype: Any) -> int:
    """Networks that fit side by side into a vector."""
    return _core.lanes(np.dtype(dtype).name)


def open_lanes(network: Network, dtype: Any, n_threads: int) -> _core.Lanes32:
    """The core's many trainings of one network at once, of dense layers only."""
    layers = [_layer(layer) for layer in network.layers if isinstance(layer, Dense)]
    loss = network.loss
    return _core.Lanes(layers, loss.name, loss.parameter, np.dtype(dtype).name, n_threads)


def _layer(layer: Dense) -> tuple[int, int, str, float, bool]:
    function = layer.function
    return (layer.inputs, layer.units, function.name, float(function.parameter), layer.bias)


def _rows(X: Any) -> Any:
    """Dense rows as they are, CSR as the tuple that the core takes.

    The core's index arrays are of one type, int32 or int64; others are copied as int64.
    """
    if isinstance(X, np.ndarray):
        return X
    indices, indptr = X.indices, X.indptr
    if indices.dtype != indptr.dtype or indices.dtype not in (np.int32, np.int64):
        indices, indptr = indices.astype(np.int64), indptr.astype(np.int64)
    return X.data, indices, indptr, X.shape


class CompiledEngine(Engine):
    """The C++ core."""

    name = "compiled"

    def refusal(self, network: Network, optimizer: Optimizer | None, dtype: Any) -> str | None:
        """A sentence where a definition has no compiled meaning."""
        if np.dtype(dtype) not in (np.float32, np.float64):
            return f"the core computes in float32 and float64, not in {np.dtype(dtype)}."
        if len(network.heads) != 1 or network.heads[0].weight != 1.0:
            return "the core knows networks with one head of weight 1."
        for index, layer in enumerate(network.layers):
            if type(layer) is not Dense:
                return f"layers[{index}] is of kind {layer.name!r}, which has no compiled form."
            if type(layer.function) is not ACTIVATIONS.table.get(layer.function.name):
                return f"the activation of layers[{index}] is a Python function."
        if type(network.loss) is not LOSSES.table.get(network.loss.name):
            return "the loss is a Python function."
        if optimizer is not None and type(optimizer) is not OPTIMIZERS.table.get(optimizer.name):
            return f"the optimizer {optimizer.name!r} has no compiled form."
        return None

    def open(self, network: Network, dtype: Any, n_threads: int = 1) -> CompiledSession:
        """A new session of the core."""
        return CompiledSession(network, dtype, n_threads)

    def road(self, network: Network, work: Work, dtype: Any) -> str:
        """The per-sample road for one row a step, else the mini-batch road."""
        if work.batch_size == 1:
            return f"compiled, {ISA}: per-sample road"
        return f"compiled, {ISA}: mini-batch road"
