"""What lets a network solve several problems: a head for each column of its target.

The columns of a target keep the form in which they came until the network needs its own: so a
scorer of early stopping sees what the user gave. Rows in which no column has a target teach
nothing; they are left out before anything is measured.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.utils import _safe_indexing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_consistent_length

from deltarule.definitions import Array, as_plain_array
from deltarule.estimators import calibration, checks, networks, options, tasks
from deltarule.estimators.base import BaseMLP
from deltarule.estimators.fitting import Rows
from deltarule.estimators.kept_session import KeptSession
from deltarule.estimators.predictor import Frozen, before_output
from deltarule.estimators.row_targets import RowTarget, TasksTarget
from deltarule.estimators.standardizer import Standardizer
from deltarule.estimators.target_columns import (
    TargetColumns,
    as_frame,
    as_rows,
    frame_of,
    read_target,
)
from deltarule.estimators.task_predictor import NO_CLASSES, TaskPredictor
from deltarule.exceptions import InvalidParameterError, InvalidShapeError
from deltarule.network import Head, Network
from deltarule.plans import Validation
from deltarule.scores import R2, Score


def _has_classes(estimator: Any) -> bool:
    """Whether some head is one of classes, as far as is known."""
    fitted = estimator.__dict__.get("heads_")
    if fitted is not None:
        kinds = [head.kind for head in fitted]
    else:  # nothing is known of columns that are not named
        given = (estimator.heads or {}).values()
        kinds = [getattr(value, "kind", value) for value in given] or ["auto"]
    if any(kind != "regression" for kind in kinds):
        return True
    raise AttributeError(NO_CLASSES)


class BaseMultiTaskMLP(BaseMLP):
    """Base of `MultiTaskMLP`: all but its parameters."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMLP._parameter_constraints,
        "heads": [dict, None],
        "calibrate": ["boolean"],
    }

    def initialize(
        self, X: Any, y: Any, sample_weight: Any = None, *, classes: Any = None
    ) -> BaseMultiTaskMLP:
        """Make ready to train, without a step: features, heads, network and start weights.

        Afterwards the estimator predicts by its start weights, and `set_weights` changes them. A
        `fit` with ``warm_start=True``, or a `partial_fit`, starts from them and keeps what
        ``standardize`` measured here: with the same rows and ``random_state`` it is the plain
        `fit`, bit for bit (with ``n_init`` above 1, its first start).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            As for `fit`. With ``early_stopping`` the rows that `fit` would hold back are not
            measured.
        y : frame or array-like of shape (n_samples, n_heads)
            As for `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            As for `fit`.
        classes : dict of {name: array-like}, default=None
            All classes of the heads of classes, where y has not all of them, for a `partial_fit`
            later on.

        Returns
        -------
        self : MultiTaskMLP
            The initialized estimator; its ``loss_curve_`` is empty.

        Examples
        --------
        >>> import deltarule as dr
        >>> model = dr.MultiTaskMLP(hidden_layer_sizes=(3,), random_state=0, warm_start=True)
        >>> model = model.initialize([[0.0, 1.0], [1.0, 0.0]], [["a", 1.5], ["b", 2.5]])
        >>> model.loss_curve_, [coef.shape for coef in model.coefs_]
        ([], [(2, 3), (3, 2)])
        """
        self._validate_params()
        with self._announcing("heads_", "_library"):
            if classes is not None:
                self._announce(y, classes)
            return self._fit(  # type: ignore[no-any-return]
                X, y, sample_weight, incremental=classes is not None, steps=False
            )

    # ------------------------------------------------------------ columns as heads

    def _announce(self, y: Any, classes: Any) -> None:
        """Take down the heads of a stream before its first rows, or hold classes against them."""
        if not isinstance(classes, dict | None):
            raise InvalidParameterError(
                f"classes must be a dict {{name: [classes]}} or None (got {classes!r}). Name every "
                "head of classes."
            )
        if "heads_" not in self.__dict__:
            target = read_target(y)
            self.heads_ = tasks.settled_heads(target, self.heads, classes or {})
            self._library = target.library
        elif classes is not None:
            tasks.check_announced(self.heads_, classes)

    def _prepare(self, X: Any, y: Any, *, first: bool, incremental: bool) -> tuple[Any, Any]:
        X = checks.check_rows(self, X, reset=first)
        target = read_target(y)
        check_consistent_length(X, target.columns[0].missing)
        if not incremental and (first or "heads_" not in self.__dict__):
            self.heads_ = tasks.settled_heads(target, self.heads)
            self._library = target.library
        else:
            self.heads_ = tasks.renewed_heads(self.heads_, self.heads, target)
            self._encoded(target)
        if self.calibrate:
            tasks.check_calibrated(self.heads_)
        return X, as_rows(y)

    def _with_target(self, rows: Rows, *, incremental: bool) -> Rows:
        known = read_target(rows.y).some_known
        self.dropped_rows_ = int((~known).sum())
        return with_some(rows, known, "", may_be_zero=incremental)

    def _judging(self, validation: Rows) -> Rows:
        X, weight = checks.check_validation_rows(self, *validation[:3])
        target = read_target(validation.y, "y_val")
        tasks.check_names(self.heads_, target, "y_val")
        self._encoded(target, "y_val")
        check_consistent_length(X, target.columns[0].missing)
        rows = Rows(X, as_rows(validation.y), weight, validation.frame)
        return with_some(rows, target.some_known, "_val", may_be_zero=False)

    def _output_columns(self) -> int:
        return self.heads_[-1].columns[1]

    def _output_activation(self) -> str:
        return "identity"  # heads have their own

    def _outputs_described(self) -> tuple[Any, ...]:
        return (self._network_heads(),)

    def _network_heads(self) -> tuple[Head, ...]:
        """The heads with the losses and weights that the parameter says now."""
        return tuple(head.head for head in tasks.with_settings(self.heads_, self.heads))

    def _make_network(self, inputs: int) -> Network:
        heads = list(self._network_heads())
        columns = self._output_columns(), self._output_activation()
        return networks.build(self, inputs, *columns, heads)

    def _set_network(self, network: Network) -> None:
        super()._set_network(network)
        heads = network.heads
        self.heads_ = tasks.with_losses(self.heads_, heads)
        self.out_activation_ = [network.head_activation(head).name for head in heads]

    def _check_combination(self, *, judged: bool, stream: str | None) -> None:
        tasks.check_streamed(self.heads, stream=stream)
        if self.calibrate:
            lbfgs = options.optimizer_of(self).name == "lbfgs"
            calibration.check_rows(judged=judged, stream=stream, lbfgs=lbfgs)

    def _class_weighted(self, y: Any, weight: Array | None, *, incremental: bool) -> Array | None:
        """The sample weights as they are: those of its classes belong to a head, not to a row."""
        if any(getattr(task, "class_weight", None) for task in (self.heads or {}).values()):
            self.heads_ = tasks.weighted_heads(
                self.heads_, self.heads, read_target(y), weight, incremental=incremental
            )
        return weight

    # ------------------------------------------------------------ targets

    def _encoded(self, target: TargetColumns, what: str = "y") -> Array:
        """The network's target columns in the units of the user, NaN where there is none."""
        pairs = zip(self.heads_, target.columns, strict=True)
        return np.hstack([head.encode(column, what) for head, column in pairs])

    def _measure_target(self, y: Any, weight: Array | None) -> None:
        self._target_standardizer = None
        self.target_center_ = self.target_scale_ = None
        if self.standardize != "both":
            return
        D = self._encoded(read_target(y))
        center, scale = np.zeros(D.shape[1]), np.ones(D.shape[1])
        for head in self.heads_:
            if head.activation != "identity":
                continue
            column = head.columns[0]
            known = ~np.isnan(D[:, column])
            if not known.any():
                raise InvalidShapeError(
                    f"column {head.name!r} of y must have a known value among the rows that are "
                    f"trained on, to be standardized (got {len(D)} missing ones). Give more rows, "
                    "or standardize='inputs'."
                )
            share = None if weight is None else weight[known]
            name = f"column {head.name!r} of y"
            found = Standardizer.measure(D[known, column : column + 1], share, name)
            assert found.center is not None
            center[column], scale[column] = found.center[0], found.scale[0]
        self._target_standardizer = Standardizer(center, scale)
        self.target_center_, self.target_scale_ = center, scale

    def _target(self, y: Any, dtype: Any) -> Array:
        return self._standardized(self._encoded(read_target(y)), dtype)

    def _training_target(self, y: Any, dtype: Any) -> Array:
        D, shares = self._encoded(read_target(y)), self._smoothing()
        for head in self.heads_:
            if share := shares[head.name]:
                D[:, head.slice] = head.code.smoothed(D[:, head.slice], share)
        return self._standardized(D, dtype)

    def _smoothing(self) -> dict[Any, float]:
        """The share of a target that goes to all classes, by the name of the head."""
        names = tuple(head.name for head in self.heads_)
        return {name: t.label_smoothing for name, t in tasks.tasks_of(self.heads, names).items()}

    def _standardized(self, D: Array, dtype: Any) -> Array:
        if self._target_standardizer is not None:
            D = self._target_standardizer.apply(D)
        return as_plain_array(D, dtype)

    def _row_target(self, dtype: Any) -> RowTarget:
        heads, shares = tasks.with_settings(self.heads_, self.heads), self._smoothing()
        tables = [
            None if head.classes is None else head.code.smoothed(head.table, shares[head.name])
            for head in heads
        ]
        return TasksTarget(heads, tables, dtype, self._target_standardizer)

    def _calibrate(self, validation: Validation) -> None:
        if not self.calibrate:
            return
        D, weight = validation.D, validation.sample_weight
        session = KeptSession(before_output(self._network), self.engine, self._threads())
        z, found = session.outputs(self._vector, self._buffers, validation.X), {}
        for head in self.heads_:
            if head.classes is None:
                continue
            known = ~np.isnan(D[:, head.columns[0]])
            share = None if weight is None else weight[known]
            hot = D[known, head.slice] > head.code.middle
            own = z[known, head.slice]
            found[head.name] = calibration.temperature(head.code, own, hot, share, False)
        self.temperature_ = found

    def _cooling(self) -> Any:
        found = self.__dict__.get("temperature_")
        if found is None:
            return None
        every = np.ones(self._network.n_outputs)
        for head in self.heads_:
            every[head.slice] = found.get(head.name, 1.0)
        return every

    def _score(self) -> Score | None:
        return None

    # ------------------------------------------------------------ predictions

    def _in_own_units(self, X: Any) -> Array:
        outputs = self._outputs(X)
        if self._target_standardizer is not None:
            outputs = self._target_standardizer.undo(outputs)
        return outputs

    def predict(self, X: Any) -> Any:
        """The prediction of every head for every row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with the features of `fit`.

        Returns
        -------
        y : frame or ndarray of shape (n_samples, n_heads)
            Where `fit` saw a frame as y and X is one: a frame of X's library, with X's index and
            the names of the heads; a column of classes has the type that it had in `fit`. Else an
            array, of numbers where all heads predict numbers and of objects where not. Regressions
            are in the target's own units.
        """
        outputs = self._in_own_units(X)
        values = {head.name: head.decode(outputs) for head in self.heads_}
        like = as_frame(X)
        if self._library and like is not None:
            forms = {head.name: head.form for head in self.heads_}
            return frame_of(values, forms, self._library, like)
        if all(column.dtype.kind in "iuf" for column in values.values()):
            return np.column_stack(list(values.values()))
        found = np.empty((len(outputs), len(values)), dtype=object)
        for index, column in enumerate(values.values()):
            found[:, index] = column
        return found

    @available_if(_has_classes)
    def predict_proba(self, X: Any) -> dict[Any, Array]:
        """The probability of every class for every row, of each head of classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with the features of `fit`.

        Returns
        -------
        y_prob : dict of ndarray of shape (n_samples, n_classes)
            By the name of the head, in the order of its ``classes``; regressions are left out.
        """
        outputs = self._outputs(X, probable=True)
        heads = (head for head in self.heads_ if head.classes is not None)
        return {head.name: head.probabilities(outputs) for head in heads}

    def scores(self, X: Any, y: Any, sample_weight: Any = None) -> dict[Any, float]:
        """The score of each head: accuracy for classes, R² for numbers.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with the features of `fit`.
        y : frame or array-like of shape (n_samples, n_heads)
            Their targets; missing ones are left out of their head. A class that `fit` never saw is
            a wrong one.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of at least 0.

        Returns
        -------
        scores : dict of float
            By the name of the head. NaN where no target of positive weight is known, and for an R²
            of fewer than two.
        """
        outputs = self._in_own_units(X)
        target = read_target(y)
        check_consistent_length(outputs, target.columns[0].missing)
        tasks.check_names(self.heads_, target)
        weight = checks.check_weights(sample_weight, outputs, may_be_zero=True)
        pairs = zip(self.heads_, target.columns, strict=True)
        return {
            head.name: _score_of(head, column, head.decode(outputs), weight)
            for head, column in pairs
        }

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The mean of `scores` over the heads that have one.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with the features of `fit`.
        y : frame or array-like of shape (n_samples, n_heads)
            Their targets; missing ones are left out of their head.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of at least 0.

        Returns
        -------
        score : float
            1 is perfect; NaN where no head has a score.
        """
        known = [score for score in self.scores(X, y, sample_weight).values() if score == score]
        return float(np.mean(known)) if known else float("nan")

    def _predictor(self, frozen: Frozen) -> TaskPredictor:
        heads, target = tuple(self.heads_), self._target_standardizer
        return TaskPredictor(frozen, heads, target, self._cooling())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags


def with_some(rows: Rows, known: Array, suffix: str, *, may_be_zero: bool) -> Rows:
    """The rows that have some target.

    Raises
    ------
    InvalidShapeError
        If none has one, or none of these has a weight.
    """
    if known.all():
        return rows
    if not known.any():
        raise InvalidShapeError(
            f"y{suffix} must have a known target in some row (got {len(known)} rows without any). "
            "Give rows with a target for at least one head."
        )
    kept = np.flatnonzero(known)
    weight = None if rows.weight is None else rows.weight[kept]
    if weight is not None and not (may_be_zero or weight.any()):
        raise InvalidShapeError(
            f"sample_weight{suffix} must not be 0 for all rows that have a target (got only "
            "zeros). Give one of them a weight."
        )
    frame = None if rows.frame is None else _safe_indexing(rows.frame, kept)
    return Rows(rows.X[kept], _safe_indexing(rows.y, kept), weight, frame)


def _score_of(head: tasks.FittedHead, column: Any, predicted: Array, weight: Array | None) -> float:
    known = ~column.missing
    share = None if weight is None else weight[known]
    if not known.any() or (share is not None and not share.any()):
        return float("nan")
    predicted = predicted[known]
    if head.classes is not None:
        right = tasks.codes_of(column.known, head.classes) == tasks.codes_of(
            predicted, head.classes
        )
        return float(np.average(right, weights=share))
    actual = head.encode(column)[known]
    if len(actual) < 2:
        return float("nan")
    return R2().value(predicted[:, np.newaxis], actual, share)
