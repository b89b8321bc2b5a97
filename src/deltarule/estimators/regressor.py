"""`MLPRegressor`: numbers from a feed-forward network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils.metaestimators import available_if

from deltarule.definitions import Array
from deltarule.estimators import checks, fitting
from deltarule.estimators.base import BaseMLP
from deltarule.estimators.classifier import _steps
from deltarule.estimators.standardizer import Standardizer
from deltarule.exceptions import InvalidParameterError


class MLPRegressor(RegressorMixin, BaseMLP):
    """Multi-layer perceptron regressor."""

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: Any = 0.0001,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: Any = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: Any = 10,
        max_fun: int = 15000,
        output_activation: Any = "auto",
        sampling: str | None = None,
        fit_intercept: bool = True,
        standardize: str | None = None,
        n_init: int = 1,
        initializer: Any = "auto",
        engine: str = "auto",
        n_threads: int | None = None,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.output_activation = output_activation
        self.sampling = sampling
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.n_init = n_init
        self.initializer = initializer
        self.engine = engine
        self.n_threads = n_threads

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train on rows and their targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : MLPRegressor
        """
        return self._fit(X, y, sample_weight, incremental=False)  # type: ignore[no-any-return]

    @available_if(_steps)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train for one epoch on these rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : MLPRegressor
        """
        return self._fit(X, y, sample_weight, incremental=True)  # type: ignore[no-any-return]

    def _prepare(self, X: Any, y: Any, *, first: bool, incremental: bool) -> tuple[Any, Any]:
        X, y = checks.check_training(self, X, y, numeric=True, reset=first)
        self._columns = 1 if y.ndim == 1 else y.shape[1]
        return X, y

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
        return np.ascontiguousarray(D, dtype=dtype)

    def _judge(self, D: Array, sample_weight: Array | None) -> Callable[[Array], float]:
        return fitting.r2_judge(D, sample_weight)

    def predict(self, X: Any) -> Array:
        """The prediction for every row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        outputs = self._outputs(X)
        if self._target_standardizer is not None:
            outputs = self._target_standardizer.undo(outputs)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs
