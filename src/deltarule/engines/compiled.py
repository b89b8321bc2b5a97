"""The compiled engine: the promise of `engines.base`, kept by ``deltarule._core``.

Importing this module loads the core; where there is none the import fails and `engines` says so.
The core knows names, numbers and arrays only, so this file is where descriptions become those:
`CompiledEngine.refusal` says what has no compiled meaning, `CompiledSession` hands over the rest.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from deltarule import _core
from deltarule.activations import ACTIVATIONS
from deltarule.definitions import Array
from deltarule.engines import base
from deltarule.engines.base import (
    Engine,
    Epoch,
    Judged,
    Progress,
    Report,
    RowLearner,
    RowPredictor,
    Rule,
    Session,
    Trace,
    Walk,
    Work,
    met,
)
from deltarule.engines.core_network import (
    extras_of,
    heads_of,
    layers_of,
    order_refusal,
    prelude_of,
)
from deltarule.engines.work import RowCode, Stood
from deltarule.layers import (
    BatchNormalization,
    Dense,
    Dropout,
    LayerNormalization,
    NumericalEmbedding,
    ParametricActivation,
    Scaling,
)
from deltarule.losses import LOSSES
from deltarule.network import Network, Parameters
from deltarule.optimizers import OPTIMIZERS, Optimizer
from deltarule.random import order as rows_in_order
from deltarule.stopping import FOR_EVER, Standing, StopReason, StopRules, patience_number

#: The instruction set whose kernels run, such as ``"x86-64-v3"``; DELTARULE_ISA forces one.
ISA: str = _core.isa()

#: A slice of a training ends after so many steps or epochs, or `base.SLICE_SECONDS`; where it has
#: passed the end of an epoch it ends with one, which takes no longer than that again.
SLICE_STEPS = FOR_EVER
SLICE_EPOCHS = 1 << 16

#: Factors of a schedule that are evaluated for a slice: as many as it may need, by the last one.
FACTORS = (1 << 8, 1 << 16)

#: Where a report of the core has its verdict.
VERDICT = 4

#: What the core's verdicts mean; 0 is to go on.
VERDICTS = (
    None,
    StopReason.CONVERGED,
    StopReason.NO_IMPROVEMENT,
    StopReason.STEP_TOO_SMALL,
    StopReason.NON_FINITE,
)

#: What the core's names of its roads mean.
ROADS = {
    "batches": "mini-batch road",
    "registers": "per-sample road, a small network in registers",
    "look_ahead": "per-sample road, looking ahead in blocks of 8 rows; in registers stays plain "
    "SGD on one hidden layer of at most 32 units and 4 vectors, with at most 31 inputs, 4 outputs "
    "and 1 vector of outputs",
    "one_pass": "per-sample road, each update in one pass with the next row's way forward; only "
    "SGD, momentum and Nesterov without L1 can look ahead",
}

#: The kinds of layers that have a compiled form.
KINDS = (
    Dense,
    BatchNormalization,
    LayerNormalization,
    ParametricActivation,
    Dropout,
    NumericalEmbedding,
    Scaling,
)

#: Why steps of one row go that way.
SLOW_ROWS = (
    "; only dense layers without rate factors, under one head of weight 1, with an optimizer that "
    "neither clips nor averages, have a road for single rows"
)


class CompiledSession(Session):
    """A session of the core; parameters and moments live there, in the kernels' own layout."""

    def __init__(self, network: Network, dtype: Any, n_threads: int) -> None:
        self._network, self._size = network, network.size
        self._dtype = np.dtype(dtype)
        self._core = _core.Session(
            layers_of(network),
            network.loss.name,
            network.loss.parameter,
            self._dtype.name,
            min(n_threads, 1 << 20),
            heads_of(network),
            extras_of(network),
            prelude_of(network),
        )
        self._optimizer: Optimizer | None = None
        self._moments: Array | None = None  # loaded, until the first run names the optimiser
        self._walk: Walk | None = None  # the one that the core knows
        self._reports: list[Any] = []  # that of the last slice
        self._judges = True  # whether the core records its epochs itself
        self._factors = FACTORS[0]
        #: What a user's schedule has said, and from which epoch and step on.
        self._asked: tuple[Walk | None, int, int, Array] = (None, 0, 0, np.empty(0))

    def load(
        self, vector: Array, moments: Array | None = None, buffers: Array | None = None
    ) -> None:
        """Take over parameters, moments and buffers."""
        self._core.set_parameters(vector)
        if buffers is not None and buffers.size:
            self._core.set_buffers(buffers)
        self._optimizer, self._moments = None, moments

    def bind(self, X: Any, D: Array, sample_weight: Array | None = None) -> None:
        """Name the training rows; the core keeps references to the arrays."""
        self._core.bind(_rows(X), D, sample_weight)
        self._bound = (X, D, sample_weight)

    def run(self, work: Work, first_step: int, rates: Array, carried: float = 0.0) -> Report:
        """Run all steps in one call, without the interpreter's lock."""
        self._take(work.optimizer)
        steps, losses, finite = self._core.run(
            _order(work),
            first_step,
            work.batch_size,
            np.ascontiguousarray(rates, dtype=np.float64),
            work.l1,
            work.l2,
            work.scale,
            work.step_offset,
            carried,
            work.key,
        )
        return Report(steps, losses, finite)

    def trace(self, work: Work, first_step: int, rates: Array) -> Trace:
        """Run the same steps, written down by the kernels as they go.

        What has no road for single rows is written down in NumPy, step by step.
        """
        self._take(work.optimizer)
        if self._core.road(1, work.l1) == "batches":
            return super().trace(work, first_step, rates)
        steps, losses, finite, *numbers = self._core.trace(
            _order(work),
            first_step,
            np.ascontiguousarray(rates, dtype=np.float64),
            work.l1,
            work.l2,
            work.scale,
            work.step_offset,
        )
        z, a, delta = (tuple(array[:steps] for array in arrays) for arrays in numbers)
        if not finite:
            self._complete(work, first_step + steps - 1, (z, a, delta))
        return Trace(Report(steps, losses, finite), z, a, delta)

    def _complete(self, work: Work, step: int, numbers: tuple[tuple[Array, ...], ...]) -> None:
        """Write the last step down in NumPy: the core leaves one whose loss is not finite halfway.

        It has changed nothing yet, so the parameters are those that the step met.
        """
        X, D, weight = self._bound
        order, count = work.order, D.shape[0]
        if isinstance(order, Rule):
            epoch, place = divmod(step, count)
            rows = rows_in_order(order.kind, order.key, epoch, count)
        else:
            rows, place = order, step % len(order)
        row = rows[place : place + 1]
        parameters = Parameters(self._network, self.vector())
        found = met(parameters, X[row], D[row], None if weight is None else weight[row], work.scale)
        for arrays, layers in zip(numbers, found, strict=True):
            for array, layer in zip(arrays, layers, strict=True):
                array[-1] = layer[0]

    def _take(self, optimizer: Optimizer) -> None:
        if optimizer == self._optimizer:
            return
        moments = self._moments if self._optimizer is None else self.moments()
        self._core.set_optimizer(optimizer.name, optimizer.hyperparameters(), *optimizer.around())
        if moments is None or len(moments) != optimizer.moments:
            moments = np.zeros((optimizer.moments, self._size), dtype=self._dtype)
            if optimizer.averages:  # of a training that goes on, whose first step was long ago
                moments[-1] = self._core.parameters()
        self._core.set_moments(np.ascontiguousarray(moments))
        self._optimizer, self._moments = optimizer, None

    def run_epochs(self, walk: Walk, progress: Progress, most: int) -> StopReason | None:
        """One slice: many epochs in one call, judged by the core itself."""
        try:
            self._slice(walk, progress, most, judge=True)
        finally:  # interrupted or not
            self._enter(progress)
        return VERDICTS[self._reports[-1][VERDICT]]

    def run_epoch(self, walk: Walk, progress: Progress) -> Epoch | None:
        """One slice inside an epoch; the core leaves recording it to the caller."""
        try:
            self._slice(walk, progress, 1, judge=False)
        finally:  # interrupted or not
            self._enter(progress)
        epochs, *_, loss, _, validation_loss, score = self._reports[-1]
        verdict = self._reports[-1][VERDICT]
        if VERDICTS[verdict] is StopReason.NON_FINITE:
            return Epoch(np.nan, finite=False)
        if not epochs:
            return None
        judged = (float(validation_loss[0]), float(score[0])) if len(score) else (None, None)
        return Epoch(float(loss[0]), *judged)

    def _slice(self, walk: Walk, progress: Progress, most: int, judge: bool) -> None:
        self._know(walk)
        left = most * walk.steps_per_epoch - progress.step
        steps, factors = min(left, SLICE_STEPS), None
        if progress.step == walk.steps_per_epoch:
            steps = most = 1  # no step, but an epoch whose rows were not yet judged
        elif walk.factors is not None:
            factors = self._ahead(walk, progress, left)
            steps = len(factors)
        seconds = time.perf_counter() - progress.began
        standing = progress.standing
        self._judges = judge
        self._core.run_epochs(
            (progress.epoch, progress.step, progress.carried, seconds),
            (standing.rate_factor, standing.best_loss, standing.best_score, standing.stalled),
            (steps, min(most, SLICE_EPOCHS), base.SLICE_SECONDS),
            factors,
            judge,
        )

    def _ahead(self, walk: Walk, progress: Progress, left: int) -> Array:
        """Factors of the next steps, no more than may be needed.

        A function of the user's is asked once for each step, within the epoch at hand: those of
        steps that the last slice had no time for are kept.
        """
        assert walk.factors is not None
        known, epoch, step, factors = self._asked
        rest = factors[progress.step - step :]
        if walk is known and epoch == progress.epoch and len(rest):
            return rest
        within = walk.steps_per_epoch - progress.step if walk.by_epoch else left
        count = min(left, within, self._factors)
        found = walk.factors(progress.epoch, progress.step, count)
        factors = np.ascontiguousarray(found, dtype=np.float64)
        if walk.by_epoch:
            self._asked = (walk, progress.epoch, progress.step, factors)
        return factors

    def _know(self, walk: Walk) -> None:
        self._take(walk.work.optimizer)
        if walk is self._walk:
            return
        work, penalty = walk.work, walk.penalty
        self._core.plan_epochs(
            _order(work),
            work.batch_size,
            work.l1,
            work.l2,
            work.scale,
            work.step_offset,
            (walk.n, penalty.l1, penalty.l2) if penalty else (walk.n, 0.0, 0.0),
            _numbers(walk.rules),
            work.key,
        )
        self._core.judge(*_judged(walk.judged))
        self._walk = walk

    def _enter(self, progress: Progress) -> None:
        """Enter what the last slice has done; to do so again changes nothing.

        A signal that came during the slice is heard in Python, between any two steps of this. The
        core tells its report once: one call takes it and puts it down.
        """
        self._reports.extend(iter(self._core.report, None))
        if not self._reports or progress.told is self._reports[-1]:
            return
        del self._reports[:-1]
        self._record(progress, self._reports[-1])

    def _record(self, progress: Progress, report: Any) -> int:
        epochs, taken, step, carried, verdict, best, standing, *numbers = report
        after: dict[str, Any] = {"told": report, "step": step, "carried": carried}
        if self._judges:
            after |= {"epoch": progress.epoch + epochs, "standing": Standing(*standing)}
            if best:
                after["best"] = self._core.best(), self._core.best_buffers()
            lists = (progress.loss, progress.seconds, progress.validation_loss, progress.score)
            for entries, array in zip(lists, numbers, strict=True):
                entries.extend(array.tolist())  # those beyond its epochs are none: see `settle`
        self._expect(taken)
        vars(progress).update(after)  # at once: an interrupt finds all of it or nothing
        return int(verdict)

    def _expect(self, taken: int) -> None:
        """Factors enough for twice the steps that a slice has taken."""
        self._factors = min(max(2 * taken, FACTORS[0]), FACTORS[1])

    def go_back(self, progress: Progress) -> None:
        """Run the last slice again, up to the end of its last whole epoch."""
        self._core.go_back()

    def goes_on_inside(self, work: Work) -> bool:
        """Roads that look ahead leave the first layer's weights some steps behind."""
        self._take(work.optimizer)
        return self._core.road(work.batch_size, work.l1) in ("batches", "one_pass")

    def settle(self, progress: Progress) -> None:
        """An interrupt leaves the core after a whole step, and enters what it has done.

        The caller takes entries of the lists away that are more than the epochs.
        """
        self._enter(progress)

    def release(self) -> None:
        """What `go_back` would have begun with."""
        self._core.release()

    def learner(self, walk: Walk, progress: Progress, code: RowCode) -> RowLearner:
        """The core's own."""
        self._know(walk)
        standing = progress.standing
        core = self._core.learner(
            progress.epoch,
            (standing.rate_factor, standing.best_loss, standing.best_score, standing.stalled),
            _scaling(code.center, code.scale),
            _scaling(code.target_center, code.target_scale),
            code.classes,
            code.table,
            code.labels,
            code.weights,
            None if walk.factors is None else partial(_factors_from, walk),
            code.repeats,
        )
        return CompiledLearner(core)

    def road(self, work: Work) -> str:
        """The core's own answer, in words."""
        if work.optimizer.name == "lbfgs":
            return f"compiled, {ISA}: the whole gradient on the mini-batch road, SciPy's L-BFGS"
        self._take(work.optimizer)
        road = self._core.road(work.batch_size, work.l1)
        slow = SLOW_ROWS if road == "batches" and work.batch_size == 1 else ""
        return f"compiled, {ISA}: {ROADS[road]}{slow}"

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

    def buffers(self) -> Array:
        """The buffers now."""
        return self._core.buffers()

    @contextmanager
    def as_published(self) -> Iterator[None]:
        """The average in place of the parameters, where the optimiser keeps one."""
        try:
            self._core.publish(True)
            yield
        finally:
            self._core.publish(False)

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


class CompiledLearner(RowLearner):
    """The core's learner: its methods as they are, its words put right."""

    def __init__(self, core: _core.Learner32) -> None:
        self._core = core

    def step(self, x: Any, target: Any, weight: Any) -> float | None:
        """One call of the core."""
        return self._core.step(x, target, weight)

    def step_on(self, X: Array, D: Array, weight: float) -> float:
        """One call of the core."""
        return self._core.step_on(X, D, weight)

    def stood(self) -> Stood:
        """Where it stands."""
        steps, objectives, verdict, standing = self._core.stood()
        return Stood(steps, objectives, Standing(*standing), VERDICTS[verdict])

    def predictor(self, network: Network) -> RowPredictor:
        """The core's, on the learner's own numbers."""
        return self._core.predictor(network.output_activation.name if network.plain_head else None)


def _factors_from(walk: Walk, epoch: int) -> Array:
    """Factors for the next rows of a stream; one where a function of the user's is asked."""
    assert walk.factors is not None
    found = walk.factors(epoch, 0, 1 if walk.by_epoch else FACTORS[0])
    return np.ascontiguousarray(found, dtype=np.float64)


def _scaling(center: Array | None, scale: Array | None) -> tuple[list[float], list[float]]:
    """Center and scale as the core takes them."""
    if scale is None:
        return [], []
    return (0 * scale if center is None else center).tolist(), scale.tolist()


def lane_count(dtype: Any) -> int:
    """Networks that fit side by side into a vector."""
    return _core.lanes(np.dtype(dtype).name)


def open_lanes(network: Network, dtype: Any, n_threads: int) -> _core.Lanes32:
    """The core's many trainings of one network at once, of dense layers only."""
    loss = network.loss
    return _core.Lanes(
        layers_of(network), loss.name, loss.parameter, np.dtype(dtype).name, n_threads
    )


def _order(work: Work) -> Any:
    """A rule as the core takes it, an array as it is."""
    return (work.order.kind, work.order.key) if isinstance(work.order, Rule) else work.order


def _numbers(rules: StopRules) -> tuple[bool, float, int, float, bool, float, float, bool]:
    """The rules as the core takes them."""
    return (
        rules.by_score,
        float(rules.least),
        patience_number(rules.patience),
        float(rules.rate),
        rules.divisor != 1.0,
        float(rules.divisor),
        float(rules.smallest),
        rules.last_of_ties,
    )


def _judged(rows: Judged | None) -> tuple[Any, Any, Any, str, float, float]:
    """Rows and score as the core takes them."""
    if rows is None:
        return None, None, None, "minus_loss", 0.0, 1.0
    score = rows.score
    name, middle = ("minus_loss", 0.0) if score is None else (score.name, score.middle)
    return _rows(rows.X), rows.D, rows.sample_weight, name, middle, rows.n


def _rows(X: Any) -> Any:
    """Dense rows as they are, CSR as the tuple that the core takes.

    The core's index arrays are of one type, int32 or int64, and ascend within each row; others are
    copied as int64, or sorted with their duplicates summed.
    """
    if isinstance(X, np.ndarray):
        return X
    if _is_whole(X) and not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    indices, indptr = X.indices, X.indptr
    if indices.dtype != indptr.dtype or indices.dtype not in (np.int32, np.int64):
        indices, indptr = indices.astype(np.int64), indptr.astype(np.int64)
    return X.data, indices, indptr, X.shape


def _is_whole(X: Any) -> bool:
    """Whether SciPy, which follows `indptr` blindly, may look at CSR rows; others meet the core."""
    indptr = X.indptr
    return bool(
        len(indptr) == X.shape[0] + 1
        and indptr[0] == 0
        and indptr[-1] <= len(X.indices) == len(X.data)
        and (indptr[:-1] <= indptr[1:]).all()
    )


class CompiledEngine(Engine):
    """The C++ core."""

    name = "compiled"

    def refusal(self, network: Network, optimizer: Optimizer | None, dtype: Any) -> str | None:
        """A sentence where a definition has no compiled meaning."""
        if np.dtype(dtype) not in (np.float32, np.float64):
            return f"the core computes in float32 and float64, not in {np.dtype(dtype)}."
        if optimizer is not None and type(optimizer) is not OPTIMIZERS.table.get(optimizer.name):
            return f"the optimizer {optimizer.name!r} has no compiled form."
        for index, layer in enumerate(network.layers):
            if type(layer) not in KINDS:
                return f"layers[{index}] is of kind {layer.name!r}, which has no compiled form."
            function = layer.bends
            if type(function) is not ACTIVATIONS.table.get(function.name):
                return f"the activation of layers[{index}] is a Python function."
        for head in network.heads:
            if type(head.loss) is not LOSSES.table.get(head.loss.name):
                return "the loss is a Python function."
            function = network.head_activation(head)
            if type(function) is not ACTIVATIONS.table.get(function.name):
                return "the output activation is a Python function."
            if function.name == "ascending" and head.loss.name != "quantile":
                return "'ascending' outputs go with the quantile loss in the core."
        return order_refusal(network)

    def open(self, network: Network, dtype: Any, n_threads: int = 1) -> CompiledSession:
        """A new session of the core."""
        return CompiledSession(network, dtype, n_threads)

    def predictor(
        self,
        network: Network,
        vector: Array,
        center: Array | None,
        scale: Array | None,
        buffers: Array | None = None,
    ) -> RowPredictor:
        """The core's own, which has exactly the methods that are promised."""
        return _core.Predictor(
            layers_of(network),
            np.ascontiguousarray(vector),
            *_scaling(center, scale),
            vector.dtype.name,
            heads_of(network),
            extras_of(network),
            None if buffers is None else np.ascontiguousarray(buffers),
            prelude_of(network),
        )
