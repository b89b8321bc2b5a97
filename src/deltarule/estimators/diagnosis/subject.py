"""What is diagnosed: a fitted estimator and rows, as the network sees them.

The network is measured in float64 on a sample of the rows, the same for the same number of rows;
what costs little (NaN, constant columns, classes) is looked at in all of them. Nothing is written
into the estimator: it is read here and nowhere else in this room.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from sklearn.utils.validation import check_consistent_length, validate_data

from deltarule import backprop, functional
from deltarule.definitions import Array, as_plain_array
from deltarule.estimators import checks, options
from deltarule.estimators.base_classifier import BaseMLPClassifier
from deltarule.estimators.base_multitask import BaseMultiTaskMLP, with_some
from deltarule.estimators.base_regressor import BaseMLPRegressor
from deltarule.estimators.diagnosis.groups import Group
from deltarule.estimators.files import estimator_parameters
from deltarule.estimators.fitting import Rows
from deltarule.estimators.target_columns import as_rows, read_target
from deltarule.estimators.tasks import check_names, codes_of
from deltarule.exceptions import InvalidParameterError, InvalidShapeError
from deltarule.measures import (
    Curvature,
    StepSource,
    curvature,
    head_naive_loss,
    known_targets,
    naive_loss,
    update_ratios,
)
from deltarule.network import Network, Parameters, initialize
from deltarule.optimizers import Optimizer
from deltarule.penalties import L1L2
from deltarule.plans import TrainingState

#: Rows on which the network is measured at most.
MOST_ROWS = 2000

#: Rows times parameters at most, so that large networks are measured in a second; but see LEAST.
MOST_WORK = 2.5e8

#: Rows on which it is measured at least, where there are so many.
LEAST_ROWS = 200

#: Parameters from which on fewer steps are spent on the curvature.
LARGE = 300_000

#: Last parts of a stream whose mean loss stands for the training loss.
LAST_PARTS = 100

#: A model that explains less than this of what the best constant leaves (see `Subject.skill`) has
#: learnt next to nothing.
LEAST_SKILL = 0.1

#: Mean |weight| over that at a start, below which a penalty has drawn the weights away; training
#: alone lets them grow.
LEAST_WEIGHT = 0.5


class Subject:
    """An estimator and its rows, checked; the attributes say what the checks of this room read.

    Attributes
    ----------
    estimator : MLPClassifier, MLPRegressor or MultiTaskMLP
    network : Network
    parameters : Parameters
        In float64.
    rows : int
        Rows that were given.
    X, D, weight :
        The sample as the network sees it: standardised rows, target columns, weights or None.
    chosen : array of int
        The rows of the sample among all that can be used.
    groups : tuple of Group
        What the outputs are: one group, or those of the heads of a `MultiTaskMLP`.
    not_finite : dict
        ``"X"`` and ``"y"``: how many numbers are NaN or infinite, and names of their columns.
    constant : tuple of str
        Input columns that never change.
    names : tuple of str
        Names of the input columns.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any, feature_names: Any
    ) -> None:
        if not isinstance(estimator, BaseMLPClassifier | BaseMLPRegressor | BaseMultiTaskMLP):
            raise InvalidParameterError(
                "diagnose takes a fitted MLPClassifier, MLPRegressor or MultiTaskMLP (got "
                f"{type(estimator).__name__}). Pass the estimator inside it, and the rows as that "
                "estimator sees them."
            )
        fitted = estimator_parameters(estimator)
        self.estimator: Any = estimator
        self.network: Network = fitted.network
        self.parameters: Parameters = fitted.astype(np.float64)
        self.classifies = hasattr(estimator, "classes_")
        several = isinstance(estimator, BaseMultiTaskMLP)
        X = validate_data(
            estimator,
            X,
            reset=False,
            accept_sparse="csr",
            dtype=checks.FLOATS,
            order="C",
            ensure_all_finite=False,
        )
        if y is None:
            raise InvalidShapeError(
                "y must be the target of the rows (got None). Give it: what is predicted of the "
                "rows is held against it."
            )
        self.names = _names(estimator, feature_names)
        if several:
            X, y, weight, _ = self._with_some(X, y, sample_weight)
            self.rows = X.shape[0]
            X, used, weight = self._usable(X, np.arange(self.rows), weight)
            y = self._read_heads(y, used)
        else:
            y = self._as_array(y)
            check_consistent_length(X, y)
            weight = checks.check_weights(sample_weight, X, may_be_zero=False)
            self.rows = X.shape[0]
            X, y, weight = self._usable(X, y, weight)
            self._read_target(y)
        if weight is not None and not weight.any():
            weight = None  # those with a weight had holes
        if not several:  # the heads of several have the weights of their classes with them
            weight = estimator._class_weighted(y, weight, incremental=False)
        chosen = self.chosen = _sample(X.shape[0], self.network.size)
        self.constant = self._constant_columns(X, chosen)
        self.total_weight = backprop.total_weight(weight, X.shape[0])
        weight = None if weight is None else weight[chosen]
        self.weight = weight if weight is None or weight.any() else None
        self.X = self._as_seen(X[chosen])
        y = y[chosen]
        self.D: Array = y if several else estimator._target(y, np.float64)

    @property
    def sample(self) -> int:
        """Rows of the sample."""
        return int(self.D.shape[0])

    def _as_array(self, y: Any) -> Array:
        """y as fit would take it: one column flat, numbers in objects as numbers."""
        y = np.asarray(y.toarray() if checks.is_sparse(y) else y)
        if not self.classifies and y.dtype == object:
            y = y.astype(np.float64)
        single = self.network.n_outputs == 1 or self.classifies
        found: Array = y[:, 0] if single and y.ndim == 2 and y.shape[1] == 1 else y
        return found

    def _as_seen(self, X: Any) -> Any:
        return self.estimator._inputs(checks.as_engine_input(X, np.float64), np.float64)

    def _usable(self, X: Any, y: Array, weight: Array | None) -> tuple[Any, Array, Array | None]:
        """The rows whose numbers are finite; the others are counted."""
        numbers = X.data if checks.is_sparse(X) else X
        self.not_finite: dict[str, tuple[int, tuple[str, ...]]] = {}
        keep = np.ones(X.shape[0], dtype=bool)
        with np.errstate(over="ignore", invalid="ignore"):
            clean = bool(np.isfinite(numbers.sum()))
        if not clean:
            bad = ~np.isfinite(numbers)
            if checks.is_sparse(X):
                places = X.tocoo().coords
                rows, columns = (np.asarray(place)[bad] for place in places)
            else:
                rows, columns = np.nonzero(bad)
            if len(rows):
                names = tuple(self.names[column] for column in np.unique(columns))
                self.not_finite["X"] = (len(rows), names)
                keep[rows] = False
        if y.dtype.kind == "f" and not np.isfinite(y).all():
            bad = ~np.isfinite(y)
            self.not_finite["y"] = (int(bad.sum()), ())
            keep &= ~(bad if y.ndim == 1 else bad.any(axis=1))
        if keep.all():
            return X, y, weight
        if not keep.any():
            raise InvalidShapeError(
                f"X and y must have a row in which all numbers are finite (got {len(keep)} rows "
                "with NaN or infinity in each). Fill the holes first, for example with "
                "sklearn.impute.SimpleImputer."
            )
        return X[keep], y[keep], None if weight is None else weight[keep]

    def _with_some(self, X: Any, y: Any, sample_weight: Any) -> Rows:
        """The rows that have a target for some head, as `fit` takes them."""
        target, y = read_target(y), as_rows(y)
        check_names(self.estimator.heads_, target)
        check_consistent_length(X, target.columns[0].missing)
        weight = checks.check_weights(sample_weight, X, may_be_zero=False)
        return with_some(Rows(X, y, weight), target.some_known, "", may_be_zero=False)

    def _read_heads(self, y: Any, used: Array) -> Array:
        """A group for each head, and D of the rows that are used, NaN where there is no target."""
        estimator, target, groups = self.estimator, read_target(y), []
        for head, own, column in zip(
            estimator.heads_, self.network.heads, target.columns, strict=True
        ):
            code, classes = None, None
            if head.classes is not None:
                code, classes = head.code, np.full(len(column.missing), -1)
                classes[~column.missing] = codes_of(column.known, head.classes)
                classes = classes[used]
            function = self.network.head_activation(own)
            groups.append(Group(own, function, str(head.name), code, classes))
        self.groups = tuple(groups)
        D: Array = estimator._target(y, np.float64)
        return D[used]

    def _read_target(self, y: Array) -> None:
        """The group of all outputs."""
        estimator, network = self.estimator, self.network
        classes, code = self._checked(y), estimator._code if self.classifies else None
        self.groups = (Group(network.heads[0], network.output_activation, None, code, classes),)

    def _checked(self, y: Array) -> Array | None:
        """The numbers of the classes; None for numbers and labels."""
        columns = self.network.n_outputs
        if not self.classifies:
            columns = self.estimator._columns
            if (1 if y.ndim == 1 else y.shape[1]) != columns or y.dtype.kind not in "biuf":
                raise InvalidShapeError(
                    f"y must hold numbers in {columns} column{'s' * (columns > 1)}, as at fit "
                    f"(got {y.dtype} of shape {y.shape}). Give the target of these rows."
                )
            return None
        code = self.estimator._code
        if code.multilabel:
            if y.ndim != 2 or y.shape[1] != columns:
                raise InvalidShapeError(
                    f"y must be a matrix of 0 and 1 with {columns} columns, as at fit (got shape "
                    f"{y.shape}). Give one column per label."
                )
            return None
        known = self.estimator.classes_
        if y.ndim != 1:
            raise InvalidShapeError(
                f"y must be one column of classes, as at fit (got shape {y.shape}). Give one "
                "class per row."
            )
        strange = ~np.isin(y, known)
        if strange.any():
            raise InvalidShapeError(
                f"y must hold classes of the fit, {', '.join(map(str, known[:6]))}"
                f"{', …' if len(known) > 6 else ''} (got {y[strange].tolist()[0]!r}). Leave "
                "these rows out."
            )
        found: Array = np.searchsorted(known, y)
        return found

    def _constant_columns(self, X: Any, chosen: Array) -> tuple[str, ...]:
        """Suspects come from the sample, the verdict from all rows."""
        part = X[chosen]
        suspects = np.flatnonzero(_ranges(part) == 0)
        if len(suspects) and len(chosen) < X.shape[0]:
            suspects = suspects[_ranges(X[:, suspects]) == 0]
        return tuple(self.names[column] for column in suspects) if X.shape[0] > 1 else ()

    # ------------------------------------------------------------ what the network makes of it

    @cached_property
    def passed(self) -> backprop.Pass:
        """z and a of every layer for the sample."""
        with np.errstate(all="ignore"):
            return functional.forward(self.network, self.parameters, self.X)

    @cached_property
    def penalty(self) -> Any:
        """The penalty of the objective on the sample: of the same weight against the losses."""
        found = options.penalty_of(self.estimator)
        if found is None:
            return None
        share = backprop.total_weight(self.weight, self.sample) / self.total_weight
        return L1L2(found.l1 * share, found.l2 * share)

    @cached_property
    def row_losses(self) -> Array:
        """The loss of each row of the sample."""
        with np.errstate(all="ignore"):
            return backprop.losses(self.network, self.passed, self.D)

    def head_losses(self, group: Group) -> Array:
        """The part of a group in `row_losses`."""
        with np.errstate(all="ignore"):
            return backprop.head_losses(self.network, group.head, self.passed, self.D)

    def head_naive_loss(self, group: Group) -> float:
        """The part of a group in `naive_loss`."""
        return head_naive_loss(self.network, group.head, self.D, self.weight)

    def known(self, group: Group) -> int:
        """Rows of the sample that have a target for the group."""
        return int(known_targets(self.network, group.head, self.D).sum())

    @property
    def data_loss(self) -> float:
        """The mean loss of the sample, without the penalty."""
        with np.errstate(all="ignore"):
            return float(np.average(self.row_losses, weights=self.weight))

    @property
    def standard_error(self) -> float:
        """How far chance may have moved `data_loss`."""
        with np.errstate(all="ignore"):
            return float(self.row_losses.std() / np.sqrt(self.sample))

    # ------------------------------------------------------------ how it was trained

    @property
    def losses(self) -> Array:
        """The training loss of each epoch."""
        return np.asarray(self.estimator.loss_curve_, dtype=np.float64)

    @property
    def validation_losses(self) -> Array:
        """The validation loss of each epoch; empty without."""
        found = getattr(self.estimator, "validation_loss_curve_", None)
        return np.asarray([] if found is None else found, dtype=np.float64)

    @property
    def best_epoch(self) -> int | None:
        """The epoch whose numbers the model has; None where they are the last."""
        found: int | None = getattr(self.estimator, "best_epoch_", None)
        return found

    @cached_property
    def optimizer(self) -> Optimizer:
        """The optimiser that the estimator's parameters stand for now."""
        return options.optimizer_of(self.estimator)

    @property
    def streamed(self) -> bool:
        """Whether the epochs were parts of a stream (`partial_fit`), not passes over these rows."""
        epochs = len(self.losses)
        parts = self.estimator.n_iter_ == 1 and epochs > 1
        return parts and self.estimator.t_ != epochs * self.rows

    @cached_property
    def source(self) -> StepSource | str:
        """What the next step is made of, or why that is not known."""
        optimizer = self.optimizer
        if optimizer.name == "lbfgs":
            return "lbfgs takes no steps of a size"
        memory = self.estimator.__dict__.get("_memory")
        if memory is None:
            return "the model was loaded without the state of its optimiser"
        state = memory.state
        n = self.total_weight
        penalty = options.penalty_of(self.estimator)
        fits = state.moments.shape == (optimizer.moments, self.network.size)
        if not fits and state.step:
            return "the solver was changed since the fit"
        schedule = options.schedule_of(self.estimator)
        if schedule.needs_horizon and not state.total_epochs(schedule):
            return "the schedule counts on an end of the training, and there is none"
        return StepSource(
            optimizer,
            self._rate(state),
            int(state.step),
            state.moments.astype(np.float64) if fits else None,
            self._batch_size(),
            penalty.l1 / n if penalty else 0.0,
            penalty.l2 / n if penalty else 0.0,
            self.sample / backprop.total_weight(self.weight, self.sample),
        )

    @cached_property
    def update_ratios(self) -> list[float | None]:
        """‖update‖ / ‖weight‖ of each layer; empty where no step is known."""
        if isinstance(self.source, str):
            return []
        return update_ratios(
            self.network, self.parameters, self.X, self.D, self.weight, self.source
        )

    @cached_property
    def here(self) -> Curvature:
        """The objective around the model's numbers."""
        return self._curvature(self.parameters, 8 if self.network.size < LARGE else 3)

    @cached_property
    def start(self) -> Curvature:
        """The objective at a usual start, to which `here` is compared.

        By the initializer "auto": where the own one draws weights near 0 the slope is none there.
        """
        return self._curvature(initialize(self.network, self._key), 1)

    @property
    def slope_left(self) -> float:
        """‖∇J‖ over that at a start."""
        return self.here.gradient_norm / max(self.start.gradient_norm, np.finfo(float).tiny)

    @cached_property
    def start_parameters(self) -> Parameters:
        """Numbers as a fit draws them, where it is known with its own key."""
        return initialize(self.network, self._key, self.estimator.initializer)

    @property
    def _key(self) -> int:
        memory = self.estimator.__dict__.get("_memory")
        return 0 if memory is None else memory.key

    def _curvature(self, parameters: Parameters, steps: int) -> Curvature:
        with np.errstate(all="ignore"):
            return curvature(
                self.network, parameters, self.X, self.D, self.weight, self.penalty, steps
            )

    @cached_property
    def weights_left(self) -> float:
        """Mean |weight| over that at a start."""
        penalised = self.network.penalised
        now, before = (
            float(np.abs(numbers.vector[penalised]).mean())
            for numbers in (self.parameters, self.start_parameters)
        )
        return now / before if before > 0 else 1.0

    @cached_property
    def naive_loss(self) -> float:
        """The mean loss of the best constant prediction for the sample."""
        return naive_loss(self.network, self.D, self.weight)

    @cached_property
    def skill(self) -> float:
        """1 − loss / loss of the best constant: 1 is perfect, 0 no better, NaN not known."""
        if not self.naive_loss > 0:
            return float("nan")
        return 1.0 - self.data_loss / self.naive_loss

    @property
    def best_skill(self) -> float:
        """The skill on these rows or, if better, on the training rows: overfit has good ones."""
        if not self.naive_loss > 0:
            return self.skill
        trained = 1.0 - self.trained_loss / self.naive_loss
        return max(self.skill, trained) if np.isfinite(trained) else self.skill

    @property
    def seen(self) -> bool:
        """Whether these may be the training rows: their loss is much the same."""
        return not self.data_loss > 1.25 * self.trained_loss + 0.02 * self.naive_loss

    @property
    def trained_loss(self) -> float:
        """The training loss of the epoch whose numbers the model has; NaN where nobody knows."""
        losses = self.losses
        if not len(losses):
            return float(self.estimator.loss_)
        if self.streamed:
            return float(losses[-LAST_PARTS:].mean())
        best = self.best_epoch
        return float(losses[-1 if best is None or best >= len(losses) else best])

    @property
    def decays(self) -> bool:
        """Whether the step size goes down to the end of the training by a plan."""
        return options.schedule_of(self.estimator).needs_horizon

    def _rate(self, state: TrainingState) -> float:
        """The step size of the last step that was done."""
        rate = float(self.estimator.learning_rate_init * state.rate_factor)
        schedule = options.schedule_of(self.estimator)
        if schedule.steady:
            return rate
        begun, epoch, into = state.begun, state.epoch, 0
        length = max(1, state.step // max(1, epoch))
        if begun is not None:
            length, into = begun.steps_per_epoch, begun.steps - 1
        elif state.step:
            epoch, into = epoch - 1, length - 1
        clock = state.clock(schedule, length, self.rows, epoch, into)
        return rate * float(schedule.factors(clock, 1)[0])

    def _batch_size(self) -> int:
        given = self.estimator.batch_size
        return min(200 if given == "auto" else int(given), self.sample)


def _names(estimator: Any, given: Any) -> tuple[str, ...]:
    count = int(estimator.n_features_in_)
    if given is None:
        given = getattr(estimator, "feature_names_in_", range(count))
    names = tuple(str(name) for name in given)
    if len(names) != count:
        raise InvalidShapeError(
            f"feature_names must hold {count} names, one per column of X (got {len(names)}). Give "
            "one for each."
        )
    return names


def _sample(rows: int, parameters: int) -> Array:
    """Row numbers in order, all or a sample that depends on the two numbers alone."""
    most = int(min(MOST_ROWS, max(LEAST_ROWS, MOST_WORK / max(1, parameters))))
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(0).choice(rows, most, replace=False, shuffle=False))


def _ranges(X: Any) -> Array:
    """Largest minus least number of each column."""
    if checks.is_sparse(X):
        return as_plain_array((X.max(axis=0) - X.min(axis=0)).toarray().ravel())
    found: Array = np.ptp(X, axis=0)
    return found
