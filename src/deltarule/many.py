"""Many trainings of one network: restarts, folds, searches over step sizes and penalties.

`train_many` returns what `train` would for each of them. Small networks are trained together in
the lanes of vectors, by `lanes`; the others in threads, or one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from threading import Event
from typing import Any

import numpy as np

from deltarule import engines, lanes
from deltarule.definitions import Array, as_plain_array
from deltarule.exceptions import InvalidParameterError, InvalidShapeError
from deltarule.functional import arrays
from deltarule.lanes import Kind, Training
from deltarule.network import Network, Parameters
from deltarule.plans import (
    EpochReport,
    History,
    Observer,
    TrainingPlan,
    TrainingResult,
    TrainingState,
    Validation,
    check_stopping,
    fresh_state,
)
from deltarule.stopping import StopReason
from deltarule.training import train_until

#: Rows times parameters of an epoch from which on a thread is worth its start.
WORTH_A_THREAD = 3_000_000

#: The road of a training that an interrupt left at its start.
NOT_BEGUN = "not begun"


def train_many(
    network: Network,
    starts: Sequence[Parameters | TrainingState],
    X: Any,
    D: Array,
    plans: TrainingPlan | Sequence[TrainingPlan],
    *,
    sample_weight: Array | None = None,
    validation: Validation | Sequence[Validation | None] | None = None,
    rows: Sequence[Array | None] | None = None,
    observer: Callable[[int, EpochReport], bool | None] | None = None,
    engine: str = "auto",
    n_threads: int | None = None,
) -> list[TrainingResult]:
    """Train many networks of one architecture, each as `train` would alone.

    Parameters
    ----------
    network : Network
    starts : sequence of Parameters or TrainingState
        One for each training: the guess W^0, or the state of an earlier result to go on from.
    X : array of shape (rows, inputs) or CSR matrix
    D : array of shape (rows, outputs)
    plans : TrainingPlan or a sequence of them
        One for all trainings, or one for each. Trainings with the same key meet the rows in the
        same order, which is also the fastest.
    sample_weight : array of shape (rows,), optional
    validation : Validation, or a sequence of one or None for each training, optional
    rows : sequence of int arrays or None, optional
        For each training the numbers of the rows it trains on, its fold; None are all rows.
    observer : callable, optional
        Called with the place of a training in `starts` and an `EpochReport` after each of its
        epochs; returning True ends that training. Trainings that run side by side call it from
        threads of their own, and those that are observed do not run in lanes.
    engine : {"auto", "compiled", "reference"}
    n_threads : int, optional

    Returns
    -------
    list of TrainingResult
        In the order of `starts`. ``result.road`` says whether a training ran in lanes or alone,
        and why; ``result.state`` is where `train` goes on from.

    Raises
    ------
    InvalidShapeError
        If the lengths do not match, a start belongs to another network, or rows do not fit.
    InvalidParameterError
        If ``plans`` are no plans, or one with early stopping has no validation rows or a scorer.
    EngineError
        If ``engine="compiled"`` cannot do a plan.

    Notes
    -----
    A training's bits depend neither on the other trainings nor on the number of threads. Against
    the same training alone every step agrees to 1e-12 (float64) or 1e-5 (float32) relative to the
    largest entry, as two engines do; over many steps the differences grow as rounding does.

    KeyboardInterrupt ends them all. Those under way return what they had reached, in lanes at the
    end of their last whole epoch, those that had not begun their start, all with
    ``StopReason.INTERRUPTED``. ``plan.max_seconds`` is for each training alone, which then does not
    run in lanes.

    Examples
    --------
    A thousand starts for XOR, a twentieth of a second of work:

    >>> import numpy as np, deltarule as dr
    >>> X = np.array([[0., 0.], [0., 1.], [1., 0.], [1., 1.]])
    >>> D = np.array([[0.], [1.], [1.], [0.]])
    >>> network = dr.Network(units=(2, 2, 1), activations="logistic")
    >>> plan = dr.TrainingPlan(learning_rate_init=2.0, max_epochs=1000)
    >>> starts = [dr.initialize(network, seed) for seed in range(1000)]
    >>> results = dr.train_many(network, starts, X, D, plan)
    >>> learned = [result.history.loss[-1] < 0.01 for result in results]
    >>> 100 < sum(learned) < 900  # the others are on their way, or in a local minimum
    True

    Five folds of the same rows:

    >>> folds = [np.delete(np.arange(4), fold) for fold in range(4)]
    >>> results = dr.train_many(network, starts[:4], X, D, plan, rows=folds)
    >>> [result.epochs for result in results]
    [1000, 1000, 1000, 1000]
    """
    trainings = _trainings(starts, plans, rows, validation)
    if not trainings:
        return []
    first = trainings[0].state.parameters
    weightless = all(training.plan.incremental for training in trainings)
    X, D, weight = arrays(network, first, X, D, sample_weight, weightless=weightless)
    trainings = _check(network, trainings, len(D), weight)
    threads = engines.thread_count(n_threads)
    work = _Work(network, trainings, X, D, weight, engine, threads, observer)
    kinds, reasons = work.sort()
    for kind, members in kinds.items():
        work.train_in_lanes(kind, members)
    work.train_alone(reasons)
    return [
        _not_begun(training, work.name(training)) if result is None else result
        for training, result in zip(trainings, work.results, strict=True)
    ]


class _Work:
    """The trainings of one call, and what has become of them; None: not begun."""

    def __init__(
        self,
        network: Network,
        trainings: list[Training],
        X: Any,
        D: Array,
        sample_weight: Array | None,
        engine: str,
        threads: int,
        observer: Callable[[int, EpochReport], bool | None] | None = None,
    ) -> None:
        self.observer = observer
        self.network, self.trainings, self.X, self.D = network, trainings, X, D
        self.sample_weight, self.engine, self.threads = sample_weight, engine, threads
        self.results: list[TrainingResult | None] = [None] * len(trainings)
        self.interrupted = False

    def name(self, training: Training) -> str:
        """The engine of a training."""
        dtype = training.state.parameters.dtype
        return engines.choose(self.engine, self.network, training.plan.optimizer, dtype).name

    def sort(self) -> tuple[dict[Kind, list[int]], dict[int, str]]:
        """The trainings that lanes suit, by kind, and why they do not suit the others."""
        kinds: dict[Kind, list[int]] = {}
        reasons: dict[int, str] = {}
        for index, training in enumerate(self.trainings):
            kind: Kind | str = "only the compiled engine has lanes"
            if self.observer is not None:
                kind = "lanes are not observed"
            elif self.name(training) == "compiled":
                kind = lanes.kind_of(self.network, self.X, training)
            if isinstance(kind, str):
                reasons[index] = kind
            else:
                kinds.setdefault(kind, []).append(index)
        for kind, members in list(kinds.items()):
            reason = lanes.unsuited(self.network, len(members), self.D.dtype)
            if reason is not None:
                reasons.update(dict.fromkeys(kinds.pop(kind), reason))
        return kinds, reasons

    def train_in_lanes(self, kind: Kind, members: list[int]) -> None:
        """All trainings of one kind together."""
        if self.interrupted:
            return
        group = [self.trainings[index] for index in members]
        rows = (self.X, self.D, self.sample_weight)
        results, self.interrupted = lanes.run(self.network, group, kind, *rows, self.threads)
        for index, result in zip(members, results, strict=True):
            if result is not None and result.stop_reason is StopReason.NON_FINITE:
                result = replace(result, trouble=self._trouble(index, result.state))
            self.results[index] = result

    def _trouble(self, index: int, state: TrainingState) -> str:
        """Where numbers went wrong: the last epoch again, alone."""
        training = self.trainings[index]
        again = replace(training, state=state, plan=replace(training.plan, max_epochs=1))
        result = self._train(again, self.threads, None, None)
        self.interrupted |= result.stop_reason is StopReason.INTERRUPTED
        found = result.trouble
        return f"epoch {state.epoch + 1}" if found is None else found

    def train_alone(self, reasons: dict[int, str]) -> None:
        """The others, in threads where that pays."""
        members = sorted(reasons)
        if not members or self.interrupted:
            return
        at_once = min(self.threads, len(members))
        if self.network.size * len(self.D) < WORTH_A_THREAD:
            at_once = 1
        if any(self.name(self.trainings[index]) != "compiled" for index in members):
            at_once = 1  # NumPy's steps hold the interpreter's lock most of the time
        if at_once > 1:
            self._in_threads(members, at_once)
        else:
            self._one_by_one(members)
        for index in members:
            result = self.results[index]
            if result is not None:
                self.results[index] = replace(
                    result, road=f"{result.road}, alone: {reasons[index]}"
                )

    def _one_by_one(self, members: list[int]) -> None:
        for index in members:
            if self.interrupted:
                return
            result = self._train(
                self.trainings[index], self.threads, None, self._observer_of(index)
            )
            self.results[index] = result
            self.interrupted = result.stop_reason is StopReason.INTERRUPTED

    def _in_threads(self, members: list[int], at_once: int) -> None:
        """Signals reach the main thread alone: it tells the others to end after their slice."""
        stop = Event()
        each = max(1, self.threads // at_once)

        def work(index: int) -> None:
            if not stop.is_set():
                observer = self._observer_of(index)
                self.results[index] = self._train(self.trainings[index], each, stop, observer)

        with ThreadPoolExecutor(at_once) as pool:
            futures = [pool.submit(work, index) for index in members]
            try:
                wait(futures)
            except KeyboardInterrupt:
                stop.set()
                self.interrupted = True
        for future in futures:
            future.result()

    def _observer_of(self, index: int) -> Observer | None:
        """The observer of one training."""
        observer = self.observer
        return None if observer is None else lambda report: observer(index, report)

    def _train(
        self, training: Training, n_threads: int, stop: Event | None, observer: Observer | None
    ) -> TrainingResult:
        X, D, weight, rows = self.X, self.D, self.sample_weight, training.rows
        if rows is not None:
            X, D, weight = X[rows], D[rows], None if weight is None else weight[rows]
        return train_until(
            None if stop is None else stop.is_set,
            self.network,
            training.state,
            X,
            D,
            training.plan,
            sample_weight=weight,
            validation=training.validation,
            observer=observer,
            engine=self.engine,
            n_threads=n_threads,
        )


def _trainings(starts: Any, plans: Any, rows: Any, validation: Any) -> list[Training]:
    """What belongs to each start; the lengths have to match."""
    states = [start if isinstance(start, TrainingState) else fresh_state(start) for start in starts]
    count = len(states)
    if isinstance(plans, TrainingPlan):
        plans = [plans] * count
    if validation is None or isinstance(validation, Validation):
        validation = [validation] * count
    rows = [None] * count if rows is None else rows
    given = {"plans": list(plans), "rows": list(rows), "validation": list(validation)}
    for name, entries in given.items():
        if len(entries) != count:
            single = {"plans": "a single plan", "rows": "None", "validation": "a single one"}[name]
            raise InvalidShapeError(
                f"{name} must have one entry for each of the {count} starts (got "
                f"{len(entries)}). Give one for each, or {single} for all."
            )
    return [
        Training(state, plan, fold, judged)
        for state, plan, fold, judged in zip(states, *given.values(), strict=True)
    ]


def _check(
    network: Network, trainings: list[Training], count: int, weight: Array | None
) -> list[Training]:
    """The trainings with their folds as the engines want them."""
    dtype = trainings[0].state.parameters.dtype
    checked = []
    known: dict[int, Array | None] = {}
    for index, training in enumerate(trainings):
        plan, parameters = training.plan, training.state.parameters
        if not isinstance(plan, TrainingPlan):
            raise InvalidParameterError(
                f"plans[{index}] must be a TrainingPlan (got {plan!r}). "
                "Make one: TrainingPlan(max_epochs=100)."
            )
        check_stopping(plan, training.validation, f"plans[{index}]")
        if parameters.network is not network and parameters.network.layout != network.layout:
            raise InvalidShapeError(
                f"starts[{index}] must be parameters of the network, for units {network.units} "
                f"(got units {parameters.network.units}). Make them with initialize(network)."
            )
        if parameters.dtype != dtype:
            raise InvalidShapeError(
                f"starts[{index}] must have the dtype of starts[0], {dtype} (got "
                f"{parameters.dtype}). Convert it with astype."
            )
        if id(training.rows) not in known:
            known[id(training.rows)] = _fold(training.rows, index, count)
        rows = known[id(training.rows)]
        if weight is not None and rows is not None and not (plan.incremental or weight[rows].any()):
            raise InvalidShapeError(
                f"sample_weight must not be 0 for all rows of rows[{index}] (got only zeros). "
                "Leave the fold out, or give one of its rows a weight."
            )
        checked.append(replace(training, rows=rows))
    return checked


def _fold(rows: Any, index: int, count: int) -> Array | None:
    """Row numbers as int64, checked."""
    if rows is None:
        return None
    given = np.asarray(rows)
    whole = given.dtype.kind in "iu" and given.ndim == 1 and given.size > 0
    if not whole or given.min() < 0 or given.max() >= count:
        got = f"{given.dtype} of shape {given.shape}"
        if whole:
            got = f"{given.min()} to {given.max()}"
        raise InvalidShapeError(
            f"rows[{index}] must hold row numbers from 0 to {count - 1}, at least one (got {got}). "
            "Give the numbers of the rows, not a mask."
        )
    return as_plain_array(given, np.int64)


def _not_begun(training: Training, engine: str) -> TrainingResult:
    """What stands where a call was interrupted before this training."""
    state = training.state
    return TrainingResult(
        state.parameters, state, History(), StopReason.INTERRUPTED, 0, engine, NOT_BEGUN
    )
