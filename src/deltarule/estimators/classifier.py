"""`MLPClassifier`: classes from a feed-forward network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels

from deltarule.activations import Activation
from deltarule.definitions import Array, choose
from deltarule.estimators import checks, fitting
from deltarule.estimators.base import BaseMLP
from deltarule.estimators.targets import ClassCode, labels_of
from deltarule.losses import LOSSES, Loss
from deltarule.optimizers import LBFGS


def _steps(estimator: Any) -> bool:
    """Whether the solver goes step by step, so that `partial_fit` makes sense."""
    if estimator.solver == "lbfgs" or isinstance(estimator.solver, LBFGS):
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
        )
    return True


def _has_probabilities(estimator: Any) -> bool:
    """Whether the outputs estimate probabilities: softmax or logistic under a proper loss."""
    activation = estimator._probable_activation()
    loss = estimator.loss if isinstance(estimator.loss, str) else estimator.loss.name
    if activation in ("softmax", "logistic") and loss in ("log_loss", "squared_error", "poisson"):
        return True
    raise AttributeError(
        f"probabilities are defined for the output activations 'softmax' and 'logistic' with "
        f"loss 'log_loss', 'squared_error' or 'poisson' (got {activation!r} with {loss!r}). Use "
        "decision_function."
    )


def _has_decision(estimator: Any) -> bool:
    """Whether `decision_function` stands in for probabilities."""
    try:
        _has_probabilities(estimator)
    except AttributeError:
        return True
    raise AttributeError("the outputs are probabilities: use predict_proba")


class MLPClassifier(ClassifierMixin, BaseMLP):
    """Multi-layer perceptron classifier."""

    def __init__(
        self,
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
        loss: Any = "log_loss",
        output_activation: Any = "auto",
        sampling: str | None = None,
        fit_intercept: bool = True,
        standardize: str | None = None,
        n_init: int = 1,
        initializer: Any = "auto",
        engine: str = "auto",
        n_threads: int | None = None,
    ) -> None:
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
        self.loss = loss
        self.output_activation = output_activation
        self.sampling = sampling
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.n_init = n_init
        self.initializer = initializer
        self.engine = engine
        self.n_threads = n_threads

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPClassifier:
        """Train on rows and their classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : MLPClassifier
        """
        return self._fit(X, y, sample_weight, incremental=False)  # type: ignore[no-any-return]

    @available_if(_steps)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> MLPClassifier:
        """Train for one epoch on these rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
        sample_weight : array-like of shape (n_samples,), default=None
        classes : array-like of shape (n_classes,), default=None
            All classes of all calls; asked for in the first call.

        Returns
        -------
        self : MLPClassifier
        """
        if _check_partial_fit_first_call(self, classes):
            multilabel = type_of_target(y).startswith("multilabel")
            self.classes_ = unique_labels(y) if multilabel else unique_labels(classes)
            self._set_code(multilabel)
        return self._fit(X, y, sample_weight, incremental=True)  # type: ignore[no-any-return]

    # ------------------------------------------------------------ classes as columns

    def _probable_activation(self) -> str:
        """The output activation as far as the parameters tell before a fit."""
        if hasattr(self, "out_activation_"):
            return self.out_activation_
        given = self.output_activation
        if given != "auto":
            return given.name if isinstance(given, Activation) else str(given)
        return self._automatic(multiclass=True)

    def _automatic(self, multiclass: bool) -> str:
        loss = self.loss if isinstance(self.loss, str) else self.loss.name
        own = {"poisson": "exp", "perceptron": "sign"}
        if loss == "log_loss":
            return "softmax" if multiclass else "logistic"
        return own.get(loss, "identity")

    def _output_activation(self) -> str:
        if self.output_activation != "auto":
            return self.output_activation  # type: ignore[no-any-return]
        return self._automatic(len(self.classes_) > 2 and not self._code.multilabel)

    def _set_code(self, multilabel: bool) -> None:
        self._code = ClassCode(self.classes_, multilabel, 1, 0.0, 1.0)  # for _output_activation
        given = self._output_activation()
        activation = given.name if isinstance(given, Activation) else given
        count = len(self.classes_)
        columns = count if multilabel or count > 2 else 2 if activation == "softmax" else 1
        loss: Loss = choose(self.loss, LOSSES, "loss")
        low, high = loss.class_targets(activation)
        self._code = ClassCode(self.classes_, multilabel, columns, low, high)

    def _output_columns(self) -> int:
        return self._code.columns

    def _prepare(self, X: Any, y: Any, *, first: bool, incremental: bool) -> tuple[Any, Any]:
        X, y = checks.check_training(self, X, y, numeric=False, reset=first)
        classes, multilabel = labels_of(y)
        if not incremental and (first or not hasattr(self, "classes_")):
            self.classes_ = classes
            self._set_code(multilabel)
        elif self.warm_start and set(classes) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {classes}"
            )
        elif len(np.setdiff1d(classes, self.classes_)):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {classes}."
            )
        return X, y

    def _target(self, y: Any, dtype: Any) -> Array:
        return self._code.encode(y, dtype)

    def _groups(self, y: Any) -> Array | None:
        if self._code.multilabel:
            return None
        hot = self._code.indicator(y)
        return hot[:, 0] if hot.shape[1] == 1 else hot.argmax(axis=1)

    def _judge(self, D: Array, sample_weight: Array | None) -> Callable[[Array], float]:
        code = self._code
        wanted = code.middle < D

        def accuracy(outputs: Array) -> float:
            if not np.isfinite(outputs).all():
                return float("nan")
            if code.multilabel or code.columns == 1:
                right = ((outputs > code.middle) == wanted).all(axis=1)
            else:
                right = wanted[np.arange(len(outputs)), outputs.argmax(axis=1)]
            return float(np.average(right, weights=sample_weight))

        return accuracy

    # ------------------------------------------------------------ prediction

    def predict(self, X: Any) -> Array:
        """The class of every row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
        """
        outputs = self._outputs(X, before_sign=True)
        return self._code.decode(self._nudged(outputs))

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any) -> Array:
        """The probability of every class for every row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; one column per label for multilabel.
        """
        outputs = self._outputs(X)
        if self.out_activation_ == "logistic" and self._code.columns > 1:
            if not self._code.multilabel:
                total = outputs.sum(axis=1, keepdims=True)
                outputs = outputs / np.where(total > 0, total, 1)
        return self._code.probabilities(outputs)

    @available_if(_has_probabilities)
    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of `predict_proba`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        log_y_prob : ndarray of shape (n_samples, n_classes)
        """
        probabilities = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return np.log(probabilities, out=probabilities)

    @available_if(_has_decision)
    def decision_function(self, X: Any) -> Array:
        """Signed distance from the decision, for outputs that are no probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Above 0 for ``classes_[1]`` where there are two classes, else the largest wins. For
            sign outputs it is the z that the sign judges.
        """
        outputs = self._outputs(X, before_sign=True)
        return self._code.decision(outputs)

    def _nudged(self, outputs: Array) -> Array:
        """sign(0) is +1: at z = 0 the answer is yes."""
        if self.out_activation_ != "sign":
            return outputs
        return np.where(outputs == 0, np.finfo(outputs.dtype).tiny, outputs)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
