"""What a fitted estimator answers with: the outputs of its network for rows, and a predictor."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from deltarule.definitions import Array
from deltarule.estimators import checks
from deltarule.estimators.predictor import Frozen, Predictor
from deltarule.estimators.published import Published


class Answers(Published):
    """The way from rows as a user gives them to the network's outputs."""

    # ------------------------------------------------------------ prediction

    def _outputs(self, X: Any, *, scores: bool = False) -> Array:
        """The network's outputs for rows as a user gives them, shape (rows, outputs).

        With ``scores``, a sign output gives the z that it judges.
        """
        if "_given_outputs" in self.__dict__:  # a stand-in of fitting.scorer_judge
            given: Array = self._given_outputs
            return given
        self._check_fitted()
        X = checks.check_rows(self, X)
        vector = self._current_vector(self._network)
        session = self._score_session if scores else self._session
        X = checks.as_engine_input(X, vector.dtype)
        if self._standardizer is None:
            return session.outputs(vector, X)
        parts = [session.outputs(vector, part) for part in self._standardizer.parts(X)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

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
        vector = self._current_vector(self._network).copy()
        return self._predictor(Frozen(self._network, vector, self._standardizer, self.engine))

    @abstractmethod
    def _predictor(self, frozen: Frozen) -> Predictor:
        """What tells the outputs of frozen numbers as predictions."""

    def _inputs(self, X: Any, dtype: Any) -> Any:
        """Rows as the network sees them."""
        X = checks.as_engine_input(X, dtype)
        return X if self._standardizer is None else self._standardizer.apply(X)
