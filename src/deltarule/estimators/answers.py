"""What a fitted estimator answers with: the outputs of its network for rows, and a predictor."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from deltarule.activations import Identity
from deltarule.definitions import Array
from deltarule.estimators import checks
from deltarule.estimators.calibration import cooled
from deltarule.estimators.kept_session import KeptSession
from deltarule.estimators.predictor import Frozen, Predictor
from deltarule.estimators.published import Published
from deltarule.exceptions import InvalidParameterError
from deltarule.layers import Dense, Dropout
from deltarule.network import Network

#: What a stand-in of ScorerJudge is given, for all other estimators: the rows that its scorer sees,
#: the same checked, and the network's outputs for them.
_NOTHING = (None, None, None)


class Answers(Published):
    """The way from rows as a user gives them to the network's outputs."""

    # ------------------------------------------------------------ prediction

    def _outputs(self, X: Any, *, scores: bool = False, probable: bool = False) -> Array:
        """The network's outputs for rows as a user gives them, shape (rows, outputs).

        With ``scores``, a sign output gives the z that it judges; with ``probable``, outputs are
        calibrated where the estimator is.
        """
        self._check_fitted()
        session = self._score_session if scores else self._session
        rows, _, outputs = self.__dict__.get("_given", _NOTHING)
        if rows is X and outputs is not None and session is self._session:
            known: Array = outputs  # of a stand-in of ScorerJudge: no second pass
            return known
        X = self._checked(X)
        vector = self._current_vector(self._network)
        if probable and (found := self._cooling()) is not None:
            session, vector = self._probable_session, cooled(self._network, vector, found)
        return self._through(session, vector, self._current_buffers(self._network), X)

    def _cooling(self) -> Any:
        """The temperature of the outputs, or that of each; None where they are not calibrated."""
        return self.__dict__.get("temperature_")

    def _checked(self, X: Any) -> Any:
        """Rows for prediction; those that a scorer is given were checked before the training."""
        rows, checked, _ = self.__dict__.get("_given", _NOTHING)
        return checked if rows is X and checked is not None else checks.check_rows(self, X)

    def _through(self, session: KeptSession, vector: Array, buffers: Array, X: Any) -> Array:
        """The outputs of a session for checked rows, standardized on the way."""
        X = checks.as_engine_input(X, vector.dtype)
        buffers = buffers.astype(vector.dtype, copy=False)
        if self._standardizer is None:
            return session.outputs(vector, buffers, X)
        parts = [session.outputs(vector, buffers, part) for part in self._standardizer.parts(X)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def hidden_activations(self, X: Any, layer: int = -1) -> Array:
        """The outputs of a hidden layer: what the network has made of the rows by then.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with the features of `fit`.
        layer : int, default=-1
            The hidden layer, from 0 for the one next to the inputs to n_layers_ - 3; negative
            numbers count from the output.

        Returns
        -------
        activations : ndarray of shape (n_samples, units)
            After the activation function, in the precision of ``coefs_``.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If there are no weights yet.
        InvalidParameterError
            If there is no such hidden layer.

        See Also
        --------
        HiddenActivations : The same as a transformer.

        Examples
        --------
        >>> import deltarule as dr
        >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]
        >>> model = dr.MLPClassifier((3, 2), solver="lbfgs", random_state=0).fit(X, y)
        >>> model.hidden_activations(X, layer=0).shape, model.hidden_activations(X).shape
        ((4, 3), (4, 2))
        """
        self._check_fitted()
        network = self._network
        dense = network.weighted
        depth = dense[hidden_layer(layer, len(dense) - 1) + 1]  # up to the next layer of weights
        X = self._checked(X)
        # What drops out in training does nothing here.
        layers = [part for part in network.layers[:depth] if not isinstance(part, Dropout)]
        below = Network(layers=layers)
        vector = self._current_vector(network)[: below.size]
        buffers = self._current_buffers(network)[: below.buffer_size]
        if not isinstance(layers[-1], Dense):  # the core ends with weights: these pass all on
            units = layers[-1].units
            below = Network(layers=[*layers, Dense(units, units, Identity(), False)])
            vector = np.concatenate((vector, np.eye(units, dtype=vector.dtype).ravel()))
        return self._through(KeptSession(below, self.engine, self._threads()), vector, buffers, X)

    def _check_fitted(self) -> None:
        """Refuse, in scikit-learn's words, what was not fitted."""
        if not self.__sklearn_is_fitted__():  # its own check takes tags first
            check_is_fitted(self, ["coefs_", "_network"])

    def __sklearn_is_fitted__(self) -> bool:
        return "coefs_" in self.__dict__ and "_network" in self.__dict__

    def predictor(self) -> Any:
        """A light callable for rows: a prediction in about a microsecond.

        Returns
        -------
        predict : ClassPredictor or NumberPredictor
            ``predict(x)`` is the class of a row, or a float (the outputs of a row where there are
            several); ``predict.outputs(x)`` is what the network says, ``predict.proba(x)`` of a
            classifier its probabilities; arrays of rows give arrays. It is a copy of the numbers
            as they are now.

        See Also
        --------
        predict : The same for many rows at once, faster from some dozens on.

        Examples
        --------
        >>> import deltarule as dr
        >>> X, y = [[0.0, 1.0], [1.0, 0.0], [0.1, 0.9], [0.9, 0.2]], ["no", "yes", "no", "yes"]
        >>> model = dr.MLPClassifier((), solver="lbfgs", random_state=0).fit(X, y)
        >>> predict = model.predictor()
        >>> str(predict([0.8, 0.3]))
        'yes'
        >>> model = dr.MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0)
        >>> predict = model.set_params(random_state=0).fit(X, [1.0, 3.0, 1.2, 2.8]).predictor()
        >>> round(predict([0.5, 0.5]), 2)
        2.0
        """
        self._check_fitted()
        now = self._current(self._network)
        frozen = Frozen(
            self._network, now.vector.copy(), self._standardizer, self.engine, now.buffers.copy()
        )
        return self._predictor(frozen)

    @abstractmethod
    def _predictor(self, frozen: Frozen) -> Predictor:
        """What tells the outputs of frozen numbers as predictions."""

    def _inputs(self, X: Any, dtype: Any) -> Any:
        """Rows as the network sees them."""
        X = checks.as_engine_input(X, dtype)
        return X if self._standardizer is None else self._standardizer.apply(X)


def hidden_layer(layer: Any, hidden: int) -> int:
    """The number of one of so many hidden layers, counted from the inputs.

    Raises
    ------
    InvalidParameterError
        If there is no such layer.
    """
    whole = isinstance(layer, Integral) and not isinstance(layer, bool)
    if not whole or not -hidden <= layer < hidden:
        there = f"from {-hidden} to {hidden - 1}" if hidden else "of which there is none"
        raise InvalidParameterError(
            f"layer must be the number of a hidden layer, {there} (got {layer!r}). The hidden "
            "layers are those of hidden_layer_sizes."
        )
    return int(layer) % hidden
