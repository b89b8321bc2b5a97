"""`HiddenActivations`: what a network has made of its inputs, as features for other estimators."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, TransformerMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _routing_enabled,
    process_routing,
)
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from deltarule.definitions import Array
from deltarule.estimators.answers import hidden_layer
from deltarule.exceptions import InvalidParameterError


class HiddenActivations(MetaEstimatorMixin, TransformerMixin, BaseEstimator):
    """The activations of a hidden layer as features.

    ``fit`` trains a clone of a network, ``transform`` gives what it has made of the rows by the
    chosen layer: features that were learned for one target, for another estimator or a picture.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        The network; a fitted one in `sklearn.frozen.FrozenEstimator` is used as it is.

    layer : int, default=-1
        The hidden layer, from 0 for the one next to the inputs; negative numbers count from the
        output.

    Attributes
    ----------
    estimator_ : estimator
        The fitted network.

    n_features_in_ : int
        Number of features seen during fit.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where the input had names that are strings.

    Raises
    ------
    InvalidParameterError
        If the estimator has no hidden activations, or no such layer.

    See Also
    --------
    MLPClassifier.hidden_activations : The same as a method of a fitted network.

    Examples
    --------
    >>> import deltarule as dr
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> X, y = load_iris(return_X_y=True)
    >>> network = dr.MLPClassifier((8, 2), solver="lbfgs", standardize="inputs", random_state=0)
    >>> model = make_pipeline(dr.HiddenActivations(network), LogisticRegression()).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    >>> model[0].get_feature_names_out()
    array(['hiddenactivations1_0', 'hiddenactivations1_1'], dtype=object)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": ["no_validation"],
        "layer": ["no_validation"],
    }

    def __init__(self, estimator: Any, *, layer: int = -1) -> None:
        self.estimator = estimator
        self.layer = layer

    def fit(self, X: Any, y: Any = None, **fit_params: Any) -> HiddenActivations:
        """Train a clone of the estimator.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        **fit_params : dict
            Handed to the estimator's ``fit``; with metadata routing, those that it requests.

        Returns
        -------
        self : HiddenActivations
            The fitted transformer.
        """
        if not hasattr(self.estimator, "hidden_activations"):
            raise InvalidParameterError(
                "estimator must have hidden activations, as MLPClassifier and MLPRegressor have "
                f"(got {type(self.estimator).__name__}). Put what comes before the network in "
                "front of HiddenActivations, in a pipeline."
            )
        if _routing_enabled():
            fit_params = process_routing(self, "fit", **fit_params).estimator.fit
        self.estimator_ = clone(self.estimator).fit(X, y, **fit_params)
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        self._number()
        return self

    def transform(self, X: Any) -> Array:
        """The activations of the hidden layer for every row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with the features of `fit`.

        Returns
        -------
        activations : ndarray of shape (n_samples, units)
            In the precision of the network's weights.
        """
        check_is_fitted(self)
        found: Array = self.estimator_.hidden_activations(X, layer=self.layer)
        return found

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """The names of the features: ``hiddenactivations<layer>_<unit>``, both from 0.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Only held against the names seen in `fit`.

        Returns
        -------
        feature_names_out : ndarray of str objects of shape (units,)
        """
        check_is_fitted(self)
        _check_feature_names_in(self, input_features, generate_names=False)
        number = self._number()
        prefix = f"{type(self).__name__.lower()}{number}_"
        units = self.estimator_.coefs_[number].shape[1]
        return np.array([f"{prefix}{unit}" for unit in range(units)], dtype=object)

    def _number(self) -> int:
        """The layer counted from the inputs; refused where there is none."""
        hidden = len(self.estimator_.coefs_) - 1
        return hidden_layer(self.layer, hidden)

    def get_metadata_routing(self) -> MetadataRouter:
        """Which metadata the estimator's ``fit`` asks for.

        Returns
        -------
        routing : MetadataRouter
        """
        return MetadataRouter(owner=self).add(
            estimator=self.estimator,
            method_mapping=MethodMapping().add(caller="fit", callee="fit"),
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if self.estimator is not None:
            inner = get_tags(self.estimator)
            tags.input_tags.sparse = inner.input_tags.sparse
            tags.target_tags.required = inner.target_tags.required
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
