"""The reference engine: the whole system in NumPy, made of the equations in `backprop`.

It is meant to be read, it is what every other engine is tested against, and it runs whatever the
definitions can express: user functions, any kind of layer, several heads, sparse rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from deltarule import backprop
from deltarule.definitions import Array
from deltarule.engines.base import (
    Engine,
    Progress,
    Report,
    RowLearner,
    RowPredictor,
    Rule,
    Session,
    Walk,
    Work,
)
from deltarule.engines.numpy_rows import NumPyRows
from deltarule.engines.row_learner import SessionLearner
from deltarule.engines.work import RowCode
from deltarule.network import Network, Parameters
from deltarule.optimizers import Optimizer
from deltarule.penalties import L1L2
from deltarule.random import order

#: Rows of one forward pass when many rows are judged at once; bounds the memory.
CHUNK = 4096

#: Numbers out of range become inf or NaN without a word; whoever asked looks at the loss.
_quiet = np.errstate(over="ignore", invalid="ignore")


class ReferenceSession(Session):
    """Steps in plain NumPy; the canonical layout is also the inner one."""

    def __init__(self, network: Network, dtype: Any) -> None:
        self._network = network
        self._dtype = np.dtype(dtype)
        self._parameters = Parameters(network, np.zeros(network.size, dtype=self._dtype))
        self._moments: Array = np.zeros((0, network.size), dtype=self._dtype)
        self._order: tuple[tuple[Any, ...], Array] | None = None
        self._averages = False

    def load(
        self, vector: Array, moments: Array | None = None, buffers: Array | None = None
    ) -> None:
        """Take over parameters, moments and buffers."""
        start = self._parameters.buffers if buffers is None else buffers
        self._parameters = Parameters(self._network, vector, start)
        empty = np.zeros((0, self._network.size), dtype=self._dtype)
        self._moments = empty if moments is None else moments.copy()

    def bind(self, X: Any, D: Array, sample_weight: Array | None = None) -> None:
        """Name the training rows."""
        self._bound = X, D, sample_weight

    def learner(self, walk: Walk, progress: Progress, code: RowCode) -> RowLearner:
        """Epochs of one row, one by one."""
        self._take(walk.work.optimizer)

        def predictor(network: Network, vector: Array, buffers: Array) -> RowPredictor:
            return NumPyRows(network, vector, code.center, code.scale, buffers)

        return SessionLearner(self, walk, progress, predictor)

    def road(self, work: Work) -> str:
        """There is one road."""
        return "reference: NumPy, equation by equation"

    def vector(self) -> Array:
        """The parameters now."""
        return self._parameters.vector.copy()

    def moments(self) -> Array:
        """The moments now."""
        return self._moments.copy()

    def buffers(self) -> Array:
        """The buffers now."""
        return self._parameters.buffers.copy()

    @contextmanager
    def as_published(self) -> Iterator[None]:
        """The average in place of the parameters, where the last run kept one."""
        own = self._parameters
        if self._averages and len(self._moments):
            self._parameters = own.replace(vector=self._moments[-1])
        try:
            yield
        finally:
            self._parameters = own

    def run(self, work: Work, first_step: int, rates: Array, carried: float = 0.0) -> Report:
        """Step after step: rows, forward, gradient (9), update."""
        self._take(work.optimizer)
        count = self._bound[1].shape[0]
        positions = count if isinstance(work.order, Rule) else len(work.order)
        steps_per_epoch = -(-positions // work.batch_size)
        first_epoch = first_step // steps_per_epoch
        losses = [0.0] * (
            1 + (first_step + max(len(rates), 1) - 1) // steps_per_epoch - first_epoch
        )
        losses[0] = carried
        for done, rate in enumerate(rates):
            epoch, step = divmod(first_step + done, steps_per_epoch)
            rows = self._rows(work.order, epoch)
            batch = rows[step * work.batch_size : (step + 1) * work.batch_size]
            loss = self._step(work, batch, float(rate), first_step + done + work.step_offset)
            losses[epoch - first_epoch] += loss
            if not np.isfinite(loss):
                return Report(done + 1, np.array(losses[: epoch - first_epoch + 1]), False)
        return Report(len(rates), np.array(losses), True)

    def _step(self, work: Work, rows: Array, rate: float, step: int) -> float:
        network, parameters = self._network, self._parameters
        X, D, weight = self._bound
        X, D, weight = X[rows], D[rows], None if weight is None else weight[rows]
        with np.errstate(over="ignore", invalid="ignore"):
            passed = backprop.forward(network, parameters, X, backprop.Step(work.key, step))
            f = backprop.losses(network, passed, D).astype(np.float64)
            penalty = L1L2(work.l1, work.l2) if work.l1 or work.l2 else None
            gradient = backprop.step_gradient(
                network, parameters, passed, D, weight, work.scale, penalty, n=1.0
            )
            vector, self._moments = work.optimizer.update(
                parameters.vector,
                gradient.astype(self._dtype, copy=False),
                self._moments,
                self._rate(rate),
                step,
                network.penalised,
            )
        vector = vector.astype(self._dtype, copy=False)
        vector.flags.writeable = False
        loss = float(f.sum() if weight is None else (f * weight).sum())
        # A step whose loss is not finite leaves the statistics alone.
        buffers = passed.buffers if np.isfinite(loss) else None
        self._parameters = parameters.replace(vector=vector, buffers=buffers)
        return loss

    def _rate(self, rate: float) -> Any:
        factors = self._network.rate_factors
        return rate if factors is None else rate * factors

    def _rows(self, source: Rule | Array, epoch: int) -> Array:
        """The order of one epoch; the last one evaluated is kept."""
        if not isinstance(source, Rule):
            return source
        count = self._bound[1].shape[0]
        tag = (source, epoch, count)
        if self._order is None or self._order[0] != tag:
            self._order = (tag, order(source.kind, source.key, epoch, count))
        return self._order[1]

    def _take(self, optimizer: Optimizer) -> None:
        self._averages = optimizer.averages
        if len(self._moments) != optimizer.moments:
            self._moments = np.zeros((optimizer.moments, self._network.size), dtype=self._dtype)
            if optimizer.averages:  # of a training that goes on, whose first step was long ago
                self._moments[-1] = self._parameters.vector

    @_quiet
    def predict(self, X: Any) -> Array:
        """d̂ for every row."""
        parts = [
            backprop.forward(self._network, self._parameters, X[start : start + CHUNK]).prediction
            for start in range(0, X.shape[0], CHUNK)
        ]
        empty = np.empty((0, self._network.n_outputs), dtype=self._dtype)
        return np.concatenate(parts) if parts else empty

    @_quiet
    def loss(self, X: Any, D: Array, sample_weight: Array | None = None) -> float:
        """Σ w_i f^i."""
        total = 0.0
        for rows, weight in _chunks(D.shape[0], sample_weight):
            passed = backprop.forward(self._network, self._parameters, X[rows])
            f = backprop.losses(self._network, passed, D[rows]).astype(np.float64)
            total += float(f.sum() if weight is None else (f * weight).sum())
        return total

    @_quiet
    def loss_gradient(
        self, X: Any, D: Array, sample_weight: Array | None = None
    ) -> tuple[float, Array]:
        """Σ w_i f^i and its gradient."""
        total, gradient = 0.0, np.zeros(self._network.size, dtype=self._dtype)
        for rows, weight in _chunks(D.shape[0], sample_weight):
            passed = backprop.forward(self._network, self._parameters, X[rows])
            f = backprop.losses(self._network, passed, D[rows]).astype(np.float64)
            total += float(f.sum() if weight is None else (f * weight).sum())
            gradient += backprop.gradient_sum(
                self._network, self._parameters, passed, D[rows], weight
            ).astype(self._dtype, copy=False)
        return total, gradient


def _chunks(rows: int, sample_weight: Array | None) -> Any:
    for start in range(0, rows, CHUNK):
        part = slice(start, min(start + CHUNK, rows))
        yield part, None if sample_weight is None else sample_weight[part]


class ReferenceEngine(Engine):
    """NumPy; runs everything."""

    name = "reference"

    def refusal(self, network: Network, optimizer: Optimizer | None, dtype: Any) -> str | None:
        """Never refuses a floating-point type of NumPy."""
        return None

    def open(self, network: Network, dtype: Any, n_threads: int = 1) -> ReferenceSession:
        """A new session; NumPy's own threads are left as they are."""
        return ReferenceSession(network, dtype)

    def predictor(
        self,
        network: Network,
        vector: Array,
        center: Array | None,
        scale: Array | None,
        buffers: Array | None = None,
    ) -> NumPyRows:
        """NumPy again, some microseconds a layer."""
        return NumPyRows(network, vector, center, scale, buffers)
