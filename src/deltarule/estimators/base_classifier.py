"""What makes a network a classifier: classes as columns of its target, its outputs as classes."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels

from deltarule.activations import Activation
from deltarule.definitions import Array, as_plain_array, choose, name_of
from deltarule.estimators import calibration, checks, class_weights, networks, options, quantiles
from deltarule.estimators.base import BaseMLP
from deltarule.estimators.fitting import Rows
from deltarule.estimators.kept_session import KeptSession
from deltarule.estimators.parameters import words
from deltarule.estimators.predictor import ClassPredictor, Frozen, before_output, nudged
from deltarule.estimators.row_targets import RowTarget, code_of_classes
from deltarule.estimators.targets import (
    ClassCode,
    are_known,
    check_announced,
    check_kind,
    labels_of,
)
from deltarule.exceptions import InvalidParameterError, InvalidShapeError
from deltarule.losses import LOSSES, Loss
from deltarule.plans import Validation
from deltarule.scores import Accuracy, Score


class BaseMLPClassifier(ClassifierMixin, BaseMLP):
    """Base of `MLPClassifier`: all but its parameters."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMLP._parameter_constraints,
        "class_weight": [dict, list, words("balanced"), None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "calibrate": ["boolean"],
    }

    def initialize(
        self, X: Any, y: Any, sample_weight: Any = None, *, classes: Any = None
    ) -> BaseMLPClassifier:
        """Make ready to train, without a step: features, classes, network and start weights.

        Afterwards the estimator predicts by its start weights, and `set_weights` changes them. A
        `fit` with ``warm_start=True``, or a `partial_fit`, starts from them and keeps what
        ``standardize`` measured here: with the same rows and ``random_state`` it is the plain
        `fit`, bit for bit (with ``n_init`` above 1, its first start).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            As for `fit`. With ``early_stopping`` the rows that `fit` would hold back are not
            measured.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            As for `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            As for `fit`.
        classes : array-like of shape (n_classes,), default=None
            All classes, where y has not all of them, for a `partial_fit` later on.

        Returns
        -------
        self : MLPClassifier
            The initialized estimator; its ``loss_curve_`` is empty.

        Examples
        --------
        >>> import deltarule as dr
        >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]
        >>> model = dr.MLPClassifier((3,), random_state=0, warm_start=True).initialize(X, y)
        >>> model.loss_curve_, [coef.shape for coef in model.coefs_]
        ([], [(2, 3), (3, 1)])
        """
        self._validate_params()
        with self._announcing("classes_", "_code"):
            if classes is not None:
                self._announce(y, classes)
            return self._fit(  # type: ignore[no-any-return]
                X, y, sample_weight, incremental=classes is not None, steps=False
            )

    # ------------------------------------------------------------ classes as columns

    def _announce(self, y: Any, classes: Any) -> None:
        """Take down all classes of a stream before its first rows."""
        if type_of_target(y).startswith("multilabel"):
            count = np.shape(y)[1]
            check_announced(classes, count)
            self.classes_ = np.arange(count)
            self._set_code(True)
        else:
            self.classes_ = unique_labels(classes)
            self._set_code(False)

    def _announce_once(self, y: Any, classes: Any) -> None:
        """The same in the first call of `partial_fit`; in later ones they must agree."""
        first = "classes_" not in self.__dict__
        if (first or classes is not None) and type_of_target(y).startswith("multilabel"):
            check_announced(classes, np.shape(y)[1])
            if first:
                self._announce(y, classes)
        elif _check_partial_fit_first_call(self, classes):
            self._announce(y, classes)

    def _probable_activation(self) -> str:
        """The output activation as far as the parameters tell before a fit."""
        if hasattr(self, "out_activation_"):
            fitted: str = self.out_activation_
            return fitted
        given = self.output_activation
        if given != "auto":
            return given.name if isinstance(given, Activation) else str(given)
        return networks.output_activation_of(self.loss, choice=True)

    def _output_activation(self) -> str:
        if self.output_activation != "auto":
            return self.output_activation  # type: ignore[no-any-return]
        choice = len(self.classes_) > 2 and not self._code.multilabel
        return networks.output_activation_of(self.loss, choice=choice)

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
            return X, y
        check_kind(self._code, y, multilabel)
        if self.warm_start and not (first or incremental) and set(classes) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {classes}"
            )
        if not are_known(classes, self.classes_):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {classes}."
            )
        return X, y

    def _judging(self, validation: Rows) -> Rows:
        X, y, weight = checks.check_validation(self, *validation[:3], numeric=False)
        classes, multilabel = labels_of(y)
        code = self._code
        if multilabel != code.multilabel or (multilabel and y.shape[1] != code.columns):
            like = (
                f"a matrix of 0 and 1 for {code.columns} labels"
                if code.multilabel
                else "one column"
            )
            raise InvalidShapeError(
                f"y_val must be {like}, as y is (got shape {y.shape}). Give both in the same form."
            )
        known = set(code.classes.tolist())
        strange = [label for label in classes.tolist() if label not in known]
        if strange:
            raise InvalidParameterError(
                f"y_val must hold classes of y only, {code.classes.tolist()} (got also {strange}). "
                "Leave these rows out, or train on rows of these classes too."
            )
        return Rows(X, y, weight, validation.frame)

    def _target(self, y: Any, dtype: Any) -> Array:
        return self._code.encode(y, dtype)

    def _flawless(self, y: Any, dtype: Any) -> Array:
        return self._target(y, dtype)

    def _training_target(self, y: Any, dtype: Any) -> Array:
        target = self._target(y, dtype)
        if not self.label_smoothing:
            return target
        return self._code.smoothed(target, float(self.label_smoothing)).astype(dtype, copy=False)

    def _row_target(self, dtype: Any) -> RowTarget:
        weights = None
        if self.class_weight is not None:
            weights = class_weights.by_class(self.class_weight, self._code)
        return code_of_classes(self._code, lambda y: self._training_target(y, dtype), weights)

    def _class_weighted(self, y: Any, weight: Array | None, *, incremental: bool) -> Array | None:
        if self.class_weight is None:
            return weight
        factors = class_weights.of_rows(self.class_weight, self._code, y, weight)
        with np.errstate(over="ignore"):  # which is refused where there are words for it
            found = factors if weight is None else (weight * factors).astype(weight.dtype)
        if not (incremental or found.any()):
            raise InvalidParameterError(
                "class_weight must leave a row with a weight above 0 (got "
                f"{self.class_weight!r}, which makes them all 0). Give a class of these rows a "
                "weight above 0."
            )
        return as_plain_array(found)

    def _check_combination(self, *, judged: bool, stream: str | None) -> None:
        if quantiles.levels_of(self.loss):
            raise InvalidParameterError(
                "several quantiles are for numbers, and a classifier has classes (got loss="
                f"{self.loss!r}). Use MLPRegressor, or another loss."
            )
        quantiles.check(self.loss, self.output_activation)
        if self.class_weight is not None:
            class_weights.check(self.class_weight, stream=stream)
        if self.label_smoothing:
            self._check_smoothing()
        if not self.calibrate:
            return
        loss = name_of(self.loss)
        if loss != "log_loss":
            raise InvalidParameterError(
                f"calibrate=True needs loss='log_loss', whose outputs are probabilities (got loss "
                f"{loss!r}). Set calibrate=False, or take that loss."
            )
        lbfgs = options.optimizer_of(self).name == "lbfgs"
        calibration.check_rows(judged=judged, stream=stream, lbfgs=lbfgs)

    def _check_smoothing(self) -> None:
        given, loss = self.output_activation, choose(self.loss, LOSSES, "loss")
        if given == "auto":
            given = networks.output_activation_of(loss, choice=True)
        name = given.name if isinstance(given, Activation) else given
        low, high = loss.class_targets(name)
        if (low, high) != (0.0, 1.0):
            raise InvalidParameterError(
                f"label_smoothing must be 0 where the targets of classes are {low:g} and {high:g}, "
                f"as for loss {loss.name!r} with output activation {name!r} (got "
                f"label_smoothing={self.label_smoothing!r}): there is no share of a class to give "
                "away. Take loss='log_loss'."
            )

    def _calibrate(self, validation: Validation) -> None:
        if not self.calibrate:
            return
        network, weight = self._network, validation.sample_weight
        session = KeptSession(before_output(network), self.engine, self._threads())
        self.temperature_ = calibration.temperature(
            self._code,
            session.outputs(self._vector, self._buffers, validation.X),
            np.greater(validation.D, self._code.middle),
            weight,
            self.out_activation_ == "logistic",
        )

    def _groups(self, y: Any) -> Array | None:
        if self._code.multilabel:
            return None
        # Two dimensions for two classes: scikit-learn's tests fix the words 'True' and 'False'.
        hot = self._code.indicator(y)
        return hot if hot.shape[1] == 1 else np.asarray(y)

    def _score(self) -> Score:
        code = self._code
        if code.multilabel or code.columns == 1:
            return Accuracy("threshold", code.middle)
        # Several sign units may say +1: they share the vote.
        return Accuracy("votes" if self.out_activation_ == "sign" else "largest", code.middle)

    # ------------------------------------------------------------ prediction

    def predict(self, X: Any) -> Array:
        """The class of every row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with the features of `fit`.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Entries of ``classes_``; 0 and 1 for multilabel.
        """
        judged = self._judged(X)
        return self._code.decode(judged)

    @available_if(options.has_probabilities)
    def predict_proba(self, X: Any) -> Array:
        """The probability of every class for every row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with the features of `fit`.

        Returns
        -------
        y_prob : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; one column per label for multilabel.
        """
        outputs = self._outputs(X, probable=True)
        return self._code.probabilities(outputs, self.out_activation_ == "logistic")

    @available_if(options.has_probabilities)
    def predict_log_proba(self, X: Any) -> Array:
        """The logarithm of `predict_proba`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with the features of `fit`.

        Returns
        -------
        log_y_prob : ndarray of shape (n_samples, n_classes)
            -inf where a probability is 0.
        """
        probabilities = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            logarithms: Array = np.log(probabilities, out=probabilities)
        return logarithms

    @available_if(options.has_decision)
    def decision_function(self, X: Any) -> Array:
        """Signed distance from the decision, for outputs that are no probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with the features of `fit`.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Above 0 for ``classes_[1]`` where there are two classes, else the largest wins. For
            sign outputs it is the z that the sign judges, with a hair above 0 for 0.
        """
        judged = self._judged(X)
        return self._code.decision(judged)

    def _judged(self, X: Any) -> Array:
        """What the classes are decided by: the outputs, of sign units the z."""
        outputs = self._outputs(X, scores=True)
        return nudged(outputs) if self.out_activation_ == "sign" else outputs

    def _predictor(self, frozen: Frozen) -> ClassPredictor:
        try:
            options.has_probabilities(self)
        except AttributeError as problem:
            return ClassPredictor(frozen, self._code, str(problem))
        return ClassPredictor(frozen, self._code, None, self._cooling())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
