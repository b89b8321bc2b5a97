"""What makes a network a classifier: classes as columns of its target, its outputs as classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels

from deltarule.activations import Activation
from deltarule.definitions import Array, choose
from deltarule.estimators import checks, options
from deltarule.estimators.base import BaseMLP
from deltarule.estimators.predictor import ClassPredictor, Frozen, nudged
from deltarule.estimators.row_targets import RowTarget, code_of_classes
from deltarule.estimators.targets import (
    ClassCode,
    are_known,
    check_announced,
    check_kind,
    labels_of,
)
from deltarule.losses import LOSSES, Loss
from deltarule.scores import Accuracy, Score


class BaseMLPClassifier(ClassifierMixin, BaseMLP):
    """Base of `MLPClassifier`: all but its parameters."""

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

    def _announce(self, y: Any, classes: Any) -> None:
        """Take the classes of a stream down at its first rows."""
        first = "classes_" not in self.__dict__
        if (first or classes is not None) and type_of_target(y).startswith("multilabel"):
            count = np.shape(y)[1]
            check_announced(classes, count)
            if first:
                self.classes_ = np.arange(count)
                self._set_code(True)
        elif _check_partial_fit_first_call(self, classes):
            self.classes_ = unique_labels(classes)
            self._set_code(False)

    def _prepare(self, X: Any, y: Any, *, first: bool, incremental: bool) -> tuple[Any, Any]:
        X, y = checks.check_training(self, X, y, numeric=False, reset=first)
        classes, multilabel = labels_of(y)
        if not incremental and (first or not hasattr(self, "classes_")):
            self.classes_ = classes
            self._set_code(multilabel)
            return X, y
        check_kind(self._code, y, multilabel)
        if self.warm_start and not incremental and set(classes) != set(self.classes_):
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

    def _target(self, y: Any, dtype: Any) -> Array:
        return self._code.encode(y, dtype)

    def _row_target(self, dtype: Any) -> RowTarget:
        return code_of_classes(self._code, lambda y: self._target(y, dtype))

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
        outputs = self._outputs(X, scores=True)
        return self._code.decode(nudged(outputs) if self.out_activation_ == "sign" else outputs)

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
        outputs = self._outputs(X)
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
            sign outputs it is the z that the sign judges.
        """
        outputs = self._outputs(X, scores=True)
        return self._code.decision(outputs)

    def _predictor(self, frozen: Frozen) -> ClassPredictor:
        try:
            options.has_probabilities(self)
        except AttributeError as problem:
            return ClassPredictor(frozen, self._code, str(problem))
        return ClassPredictor(frozen, self._code, None)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
