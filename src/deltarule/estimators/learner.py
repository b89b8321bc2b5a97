"""The learners: one exact step on one row, in a microsecond or two, and predictions in between.

``estimator.partial_fit`` checks what it is given as scikit-learn does, makes a plan, opens a
session, publishes weights; for one row that is hundreds of times the work of the network. A
learner has done all this once. Its step is an epoch of one row, as a call of `partial_fit` with
this row is: the same bits, whatever the solver, the schedule, the penalty and the engine.
"""

from __future__ import annotations

import operator
import time
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np

from deltarule import engines
from deltarule.definitions import Array
from deltarule.engines import RowPredictor
from deltarule.engines.base import RowLearner
from deltarule.engines.work import RowCode, Stood
from deltarule.estimators import fitting, options
from deltarule.estimators.checks import is_sparse
from deltarule.estimators.predictor import Predictor, form_of, real_numbers
from deltarule.estimators.row_targets import RowTarget, as_finite
from deltarule.estimators.standardizer import Standardizer
from deltarule.exceptions import InvalidParameterError, InvalidShapeError, NonFiniteError
from deltarule.functional import check_targets
from deltarule.loop import Loop
from deltarule.network import Network, Parameters
from deltarule.plans import TrainingPlan, TrainingResult, fresh_state
from deltarule.stopping import StopReason
from deltarule.training import check_layers


class Learner:
    """An estimator that learns row by row; ``estimator.learner()`` makes one.

    It starts where a `partial_fit` would, from the last numbers, also where early stopping shows
    the best, and goes on by itself: the estimator is as it was until `sync`. A learner is for one
    thread at a time, and is neither pickled nor copied. ``verbose`` and callbacks are for whole
    fits: steps are silent.

    Attributes
    ----------
    predict : ClassPredictor, NumberPredictor or TaskPredictor
        What ``estimator.predictor()`` gives, but with the learner's numbers as they are when it is
        called: ``predict(x)``, ``predict.outputs(x)``, ``predict.proba(x)``.

    Examples
    --------
    A stream of measurements, each seen once:

    >>> import numpy as np, deltarule as dr
    >>> rng = np.random.default_rng(0)
    >>> model = dr.MLPRegressor(hidden_layer_sizes=(), solver="sgd", momentum=0, alpha=0)
    >>> model = model.set_params(learning_rate_init=0.05, random_state=0)
    >>> learner = model.partial_fit([[0.0, 0.0]], [1.0]).learner()
    >>> for _ in range(500):
    ...     x = rng.normal(size=2)
    ...     loss = learner.step(x, 3 * x[0] - x[1] + 1)
    >>> round(learner.predict([1.0, 1.0]), 3)
    3.0
    >>> model.t_, learner.sync().t_
    (1, 501)
    """

    def __init__(self, estimator: Any) -> None:
        _check(estimator)
        network = _network_of(estimator)
        shown = estimator._current(network)
        memory = estimator._remembered()
        dtype = shown.dtype if memory is None else memory.state.parameters.dtype
        shown = shown.astype(dtype)
        key = fitting.draw_key(estimator.random_state) if memory is None else memory.order_key
        self._estimator, self._network, self._dtype = estimator, network, dtype
        self._plan = _plan(estimator, key)
        check_layers(network, self._plan, 1)
        chosen = engines.choose(estimator.engine, network, self._plan.optimizer, dtype)
        self._engine, self._session = chosen.name, chosen.open(network, dtype)
        self._inputs: Standardizer | None = estimator._standardizer
        self._target: RowTarget = estimator._row_target(dtype)
        self._begin(memory, shown)
        fitting.check_end(self._plan, self._loop.state.horizon)
        self._rows = self._open_rows()
        self._synced = self._rows.stood()
        self.predict: Predictor = estimator._predictor(_Live(self, shown.vector))

    def _open_rows(self) -> RowLearner:
        """The engine's learner, loaded with the state."""
        state, inputs = self._loop.state, self._inputs
        moments = state.moments if len(state.moments) else None
        self._session.load(state.parameters.vector, moments, state.parameters.buffers)
        shapes = (1, self._network.n_inputs), (1, self._network.n_outputs)
        self._session.bind(*(np.zeros(shape, dtype=self._dtype) for shape in shapes))
        code = RowCode() if inputs is None else RowCode(inputs.center, inputs.scale)
        loop = self._loop
        return self._session.learner(loop.walk, loop.progress, self._target.describe(code))

    def _begin(self, memory: fitting.Memory | None, shown: Parameters) -> None:
        """Where the estimator stands, and with it the learner."""
        if memory is None:
            state = fresh_state(shown)
        else:
            state = fitting.starting_state(memory, self._network, shown, self._plan)
        self._memory, self._seen = memory, self._witnesses()
        self._shown = shown
        self._loop = Loop(self._network, self._plan, state, self._session, None, None, 1, None)

    def step(self, x: Any, target: Any, weight: Any = 1.0) -> float:
        """One step on one row.

        Parameters
        ----------
        x : array-like of shape (n_features,)
            Finite numbers. An array of float32, float64, integers or booleans, a list or a tuple
            are taken as they are, anything else is converted first.
        target : class, number, or array-like of shape (n_outputs,)
            An entry of ``classes_``; 0 or 1 for each label; a number; or one for each output. For
            a `MultiTaskMLP` an entry for each head, of shape (n_heads,): one of its ``classes``, a
            number, or None or NaN where it is not known.
        weight : float, default=1.0
            At least 0; a ``sample_weight``.

        Returns
        -------
        loss : float
            What ``loss_`` is after a `partial_fit` of this row: the loss as met, before the step,
            times the weight; plus the penalty after it.

        Raises
        ------
        InvalidShapeError, InvalidParameterError
            If x is no row of the network's, or target none of its targets. Nothing has changed.
        NonFiniteError
            If they are not finite; or if the step made the loss or a weight non-finite: then it
            was not done, and the learner is as it was before.
        """
        loss = self._rows.step(x, target, weight)
        if loss is None:
            loss = self._rows.step_on(*self._encoded(x, target, weight))
        if loss != loss:
            raise self._non_finite()
        return loss

    def sync(self) -> Any:
        """Put the learner's numbers into the estimator.

        Weights, moments, counters and the place in the schedule: all that `partial_fit`, a warm
        `fit` and `predict` of the estimator go on from. ``t_`` counts the rows, ``n_iter_`` those
        since the last `sync`, and ``loss_curve_`` gets one entry for them: the mean of what the
        steps returned. The learner can go on.

        Returns
        -------
        estimator : MLPClassifier, MLPRegressor or MultiTaskMLP
            The one that made the learner.

        Raises
        ------
        InvalidParameterError
            If the estimator was fitted, or its weights assigned, since it made the learner or was
            last put in line with it: neither is thrown away for the other.
        """
        self._check_unchanged()
        estimator, stood = self._estimator, self._rows.stood()
        done = stood.steps - self._synced.steps
        if not done:
            return estimator
        result = self._result(stood, done)
        if estimator._network is not self._network:
            estimator._set_network(self._network)
        memory, earlier = self._memory, estimator._earlier(self._memory)
        estimator._keep(result, self._plan, None, 1, memory, earlier, judged=False, judged_by=None)
        self._begin(estimator._memory, estimator._memory.published)
        self._synced = stood
        return estimator

    def _witnesses(self) -> tuple[Any, ...]:
        """What the estimator gets anew when it is fitted, and when weights are assigned."""
        return self._estimator.__dict__.get("_memory"), *self._estimator._parts()

    def _check_unchanged(self) -> None:
        estimator = self._estimator
        now = self._witnesses()
        same = len(now) == len(self._seen) and all(map(operator.is_, now, self._seen))
        if same and fitting.same_numbers(estimator._current(self._network), self._shown):
            return
        raise InvalidParameterError(
            f"the {type(estimator).__name__} must be as it was when it made the learner, or at the "
            "last sync (got other weights: it was fitted, or they were assigned). Make another "
            "learner from it; this one still predicts."
        )

    def _result(self, stood: Stood, done: int) -> TrainingResult:
        """So many steps as a training: epochs of one row, one entry of the history for all."""
        loop, objectives = self._loop, stood.objectives - self._synced.objectives
        loop.progress.epoch += done
        loop.progress.standing = stood.standing
        loop.progress.loss.append(objectives / done)
        loop.progress.seconds.append(time.perf_counter() - loop.progress.began)
        reason, road = stood.reason or StopReason.MAX_EPOCHS, self._session.road(loop.work)
        return loop.result(reason, None, self._engine, road)

    def _encoded(self, x: Any, target: Any, weight: Any) -> tuple[Array, Array, float]:
        """A row as the network sees it, or an error that says what is wrong with it."""
        X = self._row(x)
        D, factor = self._checked_target(target)
        return X, D, float(self._dtype.type(_checked_weight(weight))) * factor

    def _row(self, x: Any) -> Array:
        if is_sparse(x):
            raise InvalidShapeError(
                f"a learner takes dense rows (got a sparse {type(x).__name__}). Use the "
                "estimator's partial_fit for sparse rows."
            )
        row = real_numbers(x, "x")
        width = self._network.n_inputs
        if row is None or row.shape != (width,):
            raise InvalidShapeError(
                f"x must be a row of {width} numbers (got {form_of(x, row)}). Give the "
                "columns that fit had, in their order; partial_fit takes many rows."
            )
        given = row[np.newaxis]
        with np.errstate(over="ignore", invalid="ignore"):
            X: Array = given.astype(self._dtype)
            if self._inputs is not None:
                X = self._inputs.apply(X)
        return as_finite(X, given, "x", self._dtype)

    def _checked_target(self, target: Any) -> tuple[Array, float]:
        D, factor = self._target.encode(target)
        if not self._target.fits_as_encoded:
            check_targets(self._network, D)
        return D, factor

    def _non_finite(self) -> NonFiniteError:
        return NonFiniteError(
            f"step {self._rows.stood().steps + 1} of the learner made the loss or a weight "
            "non-finite. It was not done; the learner is as it was before it. Lower "
            f"learning_rate_init (got {self._plan.learning_rate_init:g})"
            f"{fitting.or_standardize(self._estimator, ',')}."
        )

    def __repr__(self) -> str:
        widths = "-".join(map(str, self._network.widths))
        return f"Learner({widths}, {self._dtype}, {self._plan.optimizer!r})"

    def __reduce__(self) -> Any:
        raise TypeError(
            "a Learner cannot be pickled or copied. Call sync(), and pickle or copy the estimator."
        )


def _check(estimator: Any) -> None:
    """Refuse what has no stream, as `partial_fit` does."""
    estimator._check_fitted()
    estimator._validate_params()
    options.check_solver(estimator)
    if options.stopping_of(estimator) is not None:
        raise InvalidParameterError(
            "learner does not support early_stopping=True: it sees no validation rows (got "
            f"early_stopping={estimator.early_stopping!r}). Set early_stopping=False."
        )
    estimator._check_combination(judged=False, stream="learner")


def _network_of(estimator: Any) -> Network:
    """What a `partial_fit` would train; the estimator goes on with its own."""
    known = estimator._network
    network: Network = estimator._build_network(estimator.n_features_in_, known)
    if network is not known:
        estimator._set_network(known)
        del estimator._described
    return network


def _plan(estimator: Any, key: int) -> TrainingPlan:
    """The plan of a `partial_fit` of one row, whose order is always the same."""
    size = estimator.batch_size
    rows = 1 if isinstance(size, str) else int(size)
    plan = fitting.build_plan(estimator, rows, key, None, incremental=True)
    return replace(plan, batch_size=1, sampling="sequential")


def _checked_weight(weight: Any) -> float:
    number = float(weight) if isinstance(weight, Real) else float("nan")
    if not (np.isfinite(number) and number >= 0):
        raise InvalidParameterError(
            f"weight must be a finite number of at least 0 (got {weight!r}). 1 is a row's usual "
            "weight."
        )
    return number


class _Live:
    """What a predictor sees of a learner, in the place of frozen numbers."""

    def __init__(self, learner: Learner, vector: Array) -> None:
        self.network, self.vector, self._rows = learner._network, vector, learner._rows

    def open(self, network: Network | None = None, temperature: Any = None) -> RowPredictor:
        """The engine's predictor on the learner's numbers; a temperature was that of others."""
        return self._rows.predictor(network or self.network)

    def __reduce__(self) -> Any:
        raise TypeError(
            "the predictor of a learner cannot be pickled or copied. Call sync(), and make one "
            "with the estimator's predictor()."
        )
