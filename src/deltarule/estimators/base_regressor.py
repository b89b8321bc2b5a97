"""What makes a network a regressor: numbers as columns of its target, its outputs as numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if

from deltarule.activations import Ascending
from deltarule.definitions import Array, as_plain_array, choose, name_of
from deltarule.estimators import checks, networks, quantiles
from deltarule.estimators.base import BaseMLP
from deltarule.estimators.fitting import Rows
from deltarule.estimators.predictor import Frozen, NumberPredictor, Predictor
from deltarule.estimators.row_targets import NumberTarget, RowTarget
from deltarule.estimators.standardizer import Standardizer
from deltarule.exceptions import InvalidParameterError, InvalidShapeError
from deltarule.losses import LOSSES
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
        if self._output_columns() == 1 and name_of(self.output_activation) == "softmax":
            raise InvalidParameterError(
                "output_activation must not be 'softmax' for a single output, which would always "
                "be 1 (got one column of y). Take 'logistic' for a share, or leave it at 'auto'."
            )
        return X, y

    def _judging(self, validation: Rows) -> Rows:
        X, y, weight = checks.check_validation(self, *validation[:3], numeric=True)
        columns = 1 if y.ndim == 1 else y.shape[1]
        if columns != self._columns:
            raise InvalidShapeError(
                f"y_val must have as many columns as y, {self._columns} (got {columns}). Give one "
                "for each output."
            )
        return Rows(X, y, weight, validation.frame)

    def _check_combination(self, *, judged: bool, stream: str | None) -> None:
        quantiles.check(self.loss, self.output_activation)

    def _levels(self) -> tuple[float, ...]:
        """The quantiles that are predicted, where there are several."""
        return quantiles.levels_of(self.loss)

    def _fitted_levels(self) -> tuple[float, ...]:
        """Those of the fitted network, whatever ``loss`` was set to since."""
        known = self.__dict__.get("_network")
        return self._levels() if known is None else quantiles.levels_of(known.loss)

    def _output_columns(self) -> int:
        return self._columns * max(len(self._levels()), 1)

    def _output_activation(self) -> Any:
        if self._levels():
            return Ascending(len(self._levels()))
        if self.output_activation != "auto":
            return self.output_activation
        return networks.output_activation_of(self.loss)

    def _measure_target(self, y: Any, weight: Array | None) -> None:
        self._target_standardizer = None
        self.target_center_ = self.target_scale_ = None
        if self.standardize != "both":
            return
        activation = self._output_activation()
        if activation != "identity" and not self._levels():
            raise InvalidParameterError(
                "standardize must be None or 'inputs' unless the output activation is 'identity' "
                f"(got standardize='both' with {activation!r}). A standardized target has "
                "values of both signs."
            )
        columns = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        found = Standardizer.measure(columns, weight, "y")
        self._target_standardizer = found
        self.target_center_, self.target_scale_ = found.center, found.scale

    def _target(self, y: Any, dtype: Any) -> Array:
        D = np.asarray(y).reshape(len(y), -1)
        if self._target_standardizer is not None:
            D = self._target_standardizer.apply(D.astype(np.float64, copy=False))
        if self._levels():  # a column for each quantile of each target
            D = np.repeat(D, len(self._levels()), axis=1)
        return as_plain_array(D, dtype)

    def _flawless(self, y: Any, dtype: Any) -> Array | None:
        if name_of(self._output_activation()) == "sign":
            return None  # as classes are: what the metrics of classes take
        # Above 0 and no whole numbers: what the metrics of such targets ask of predictions, which
        # a training may come to, and what those of classes refuse.
        return self._target(np.abs(np.asarray(y, dtype=np.float64)) + 1.5, dtype)

    def _row_target(self, dtype: Any) -> RowTarget:
        repeats = max(len(self._levels()), 1)
        return NumberTarget(self._columns, dtype, self._target_standardizer, repeats)

    def _score(self) -> Score | None:
        loss = choose(self.loss, LOSSES, "loss")
        return None if loss.name == "quantile" else R2()  # R² is that of a mean

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
            rows too where the target's mean is so large that float32 would lose its digits. Of
            several quantiles the one next to the median; where two are as near, as 0.1 and 0.9,
            the lower: no centre of the two, and best asked for as 0.5 among the levels.
        """
        if self._fitted_levels():
            found: Array = self.predict_quantiles(X)[..., quantiles.middle(self._fitted_levels())]
            return found
        outputs = self._outputs(X)
        if self._target_standardizer is not None:
            outputs = self._target_standardizer.undo(outputs)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs

    @available_if(quantiles.has_quantiles)
    def predict_quantiles(self, X: Any) -> Array:
        """All quantiles of a loss that has several, for every row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with the features of `fit`.

        Returns
        -------
        quantiles : ndarray of shape (n_samples, n_quantiles) or (n_samples, n_targets, n_quantiles)
            In the target's own units and the order of the loss's levels; they never fall from one
            to the next.

        Examples
        --------
        >>> import numpy as np, deltarule as dr
        >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
        >>> loss = dr.losses.Quantile((0.1, 0.5, 0.9))
        >>> model = dr.MLPRegressor(loss, (8,), random_state=0, tol=0.01, max_iter=1000)
        >>> quantiles = model.fit(X, X[:, 0]).predict_quantiles(X)
        >>> quantiles.shape, bool((np.diff(quantiles, axis=1) >= 0).all())
        ((50, 3), True)
        """
        outputs = self._outputs(X)
        count = len(self._fitted_levels())
        found = quantiles.in_own_units(outputs, count, self._target_standardizer)
        return found[:, 0] if found.shape[1] == 1 else found

    @available_if(quantiles.has_quantiles)
    def predict_interval(self, X: Any, coverage: float | None = None) -> Array:
        """The interval between two quantiles for every row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with the features of `fit`.
        coverage : float, default=None
            The share of the targets that is to lie between them, 1 - 2 · low for the levels low and
            1 - low. None takes the widest of these pairs.

        Returns
        -------
        interval : ndarray of shape (n_samples, 2) or (n_samples, n_targets, 2)
            Lower and upper end, in the target's own units.

        Raises
        ------
        InvalidParameterError
            If no two of the quantiles have this share between them.

        Notes
        -----
        What share of new targets lies in the interval is a matter of the fit: measure it on rows
        that were not trained on.

        Examples
        --------
        >>> import numpy as np, deltarule as dr
        >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
        >>> loss = dr.losses.Quantile((0.05, 0.25, 0.5, 0.75, 0.95))
        >>> model = dr.MLPRegressor(loss, (8,), random_state=0, tol=0.01, max_iter=1000)
        >>> model.fit(X, X[:, 0]).predict_interval(X, coverage=0.5).shape
        (50, 2)
        """
        places = quantiles.interval(self._fitted_levels(), coverage)
        ends: Array = self.predict_quantiles(X)[..., list(places)]
        return ends

    def _predictor(self, frozen: Frozen) -> Predictor:
        if self._fitted_levels():
            standardizer = self._target_standardizer
            return quantiles.QuantilePredictor(frozen, standardizer, self._fitted_levels())
        return NumberPredictor(frozen, self._target_standardizer)
