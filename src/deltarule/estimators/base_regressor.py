"""What makes a network a regressor: numbers as columns of its target, its outputs as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin

from deltarule.definitions import Array, as_plain_array
from deltarule.estimators import checks
from deltarule.estimators.base import BaseMLP
from deltarule.estimators.fitting import Rows
from deltarule.estimators.predictor import Frozen, NumberPredictor
from deltarule.estimators.row_targets import NumberTarget, RowTarget
from deltarule.estimators.standardizer import Standardizer
from deltarule.exceptions import InvalidParameterError, InvalidShapeError
from deltarule.scores import R2, Score


class BaseMLPRegressor(RegressorMixin, BaseMLP):
    """Base of `MLPRegressor`: all but its parameters."""

    def initialize(self, X: Any, y: Any, sample_weight: Any = None) -> BaseMLPRegressor:
        """Make ready to train, without a step: features, outputs, network and start weights.

        Afterwards the estimator predicts by its start weights, and `set_weights` changes them. A
        `fit` with ``warm_start=True``, or a `partial_fit`, starts from them and keeps what
        ``standardize`` measured here: with the same rows and ``random_state`` it is the plain
        `fit`, bit for bit (with ``n_init`` above 1, its first start).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            As for `fit`. With ``early_stopping`` the rows that `fit` would hold back are not
            measured.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            As for `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            As for `fit`.

        Returns
        -------
        self : MLPRegressor
            The initialized estimator; its ``loss_curve_`` is empty.

        Examples
        --------
        >>> import deltarule as dr
        >>> model = dr.MLPRegressor(hidden_layer_sizes=(3,), random_state=0, warm_start=True)
        >>> model = model.initialize([[0.0, 1.0], [1.0, 0.0]], [1.0, 2.0])
        >>> model.loss_curve_, [coef.shape for coef in model.coefs_]
        ([], [(2, 3), (3, 1)])
        """
        self._validate_params()
        return self._fit(X, y, sample_weight, steps=False)  # type: ignore[no-any-return]

    def _prepare(self, X: Any, y: Any, *, first: bool, incremental: bool) -> tuple[Any, Any]:
        X, y = checks.check_training(self, X, y, numeric=True, reset=first)
        self._columns = 1 if y.ndim == 1 else y.shape[1]
        return X, y

    def _judging(self, validation: Rows) -> Rows:
        X, y, weight = checks.check_validation(self, *validation, numeric=True)
        columns = 1 if y.ndim == 1 else y.shape[1]
        if columns != self._columns:
            raise InvalidShapeError(
                f"y_val must have as many columns as y, {self._columns} (got {columns}). Give one "
                "for each output."
            )
        return Rows(X, y, weight)

    def _output_columns(self) -> int:
        return self._columns

    def _output_activation(self) -> str:
        if self.output_activation != "auto":
            return self.output_activation  # type: ignore[no-any-return]
        loss = self.loss if isinstance(self.loss, str) else self.loss.name
        own = {"poisson": "exp", "perceptron": "sign", "log_loss": "logistic"}
        return own.get(loss, "identity")

    def _measure_target(self, y: Any, weight: Array | None) -> None:
        self._target_standardizer = None
        self.target_center_ = self.target_scale_ = None
        if self.standardize != "both":
            return
        activation = self._output_activation()
        if activation != "identity":
            raise InvalidParameterError(
                "standardize must be None or 'inputs' unless the output activation is 'identity' "
                f"(got standardize='both' with {activation!r}). A standardized target has "
                "values of both signs."
            )
        found = Standardizer.measure(np.asarray(y, dtype=np.float64).reshape(len(y), -1), weight)
        self._target_standardizer = found
        self.target_center_, self.target_scale_ = found.center, found.scale

    def _target(self, y: Any, dtype: Any) -> Array:
        D = np.asarray(y).reshape(len(y), -1)
        if self._target_standardizer is not None:
            D = self._target_standardizer.apply(D.astype(np.float64, copy=False))
        return as_plain_array(D, dtype)

    def _row_target(self, dtype: Any) -> RowTarget:
        return NumberTarget(self.n_outputs_, dtype, self._target_standardizer)

    def _score(self) -> Score:
        return R2()

    def predict(self, X: Any) -> Array:
        """The prediction for every row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with the features of `fit`.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In the target's own units, also with ``standardize="both"``; then float64 for float32
            rows too where the target's mean is so large that float32 would lose its digits.
        """
        outputs = self._outputs(X)
        if self._target_standardizer is not None:
            outputs = self._target_standardizer.undo(outputs)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    def _predictor(self, frozen: Frozen) -> NumberPredictor:
        return NumberPredictor(frozen, self._target_standardizer)
