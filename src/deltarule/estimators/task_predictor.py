"""The light predictor of a `MultiTaskMLP`: what each of its heads would say of a row."""

from __future__ import annotations

from typing import Any

import numpy as np

from deltarule.definitions import Array
from deltarule.estimators.predictor import Frozen, Predictor
from deltarule.estimators.standardizer import Standardizer
from deltarule.estimators.tasks import FittedHead
from deltarule.exceptions import InvalidShapeError

NO_CLASSES = "probabilities are those of classes: all heads are regressions"


class TaskPredictor(Predictor):
    """The predictions of all heads for a row, from a frozen copy of a `MultiTaskMLP`'s numbers.

    ``predict = model.predictor()`` makes one. It never changes: after another fit make another. Any
    number of threads may use one; it can be pickled. Shape and dtype of what it is given are
    checked, its numbers are not.

    Examples
    --------
    >>> import deltarule as dr
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [["no", 1.5], ["no", 3.5], ["yes", 5.5], ["yes", 7.5]]
    >>> model = dr.MultiTaskMLP({1: "regression"}, (), solver="lbfgs", alpha=0, random_state=0)
    >>> predict = model.fit(X, y).predictor()
    >>> found = predict([3.0])
    >>> found[0], round(found[1], 2)
    ('yes', 7.5)
    """

    def __init__(
        self,
        frozen: Frozen,
        heads: tuple[FittedHead, ...],
        target: Standardizer | None,
        temperature: Array | None = None,
    ) -> None:
        super().__init__(frozen, heads, target, temperature)
        self._heads, self._target = heads, target
        cool = temperature is not None
        self._probable = frozen.open(temperature=temperature) if cool else self._rows

    def __call__(self, X: Any, out: Array | None = None) -> dict[Any, Any]:
        """The prediction of every head for a row, or for every row of an array.

        Parameters
        ----------
        X : array-like of shape (n_features,) or (n_samples, n_features)
        out : None
            Not for predictions of several kinds; ``predict.outputs`` takes one.

        Returns
        -------
        y : dict
            By the name of the head: for a row a class or a float as Python has them, for an array
            of rows an array.
        """
        if out is not None:
            raise InvalidShapeError(
                f"out must be None for predictions of several kinds (got {type(out).__name__}). "
                "predict.outputs fills an array with the network's outputs."
            )
        outputs = self.outputs(X)
        rows = np.atleast_2d(outputs)
        if self._target is not None:
            rows = self._target.undo(rows)
        found = {head.name: head.decode(rows) for head in self._heads}
        if outputs.ndim == 2:
            return found
        return {name: values[0].item() for name, values in found.items()}

    def proba(self, X: Any) -> dict[Any, Array]:
        """The probability of every class, of each head of classes.

        Parameters
        ----------
        X : array-like of shape (n_features,) or (n_samples, n_features)

        Returns
        -------
        y_prob : dict of ndarray of shape (n_classes,) or (n_samples, n_classes)
            As `MultiTaskMLP.predict_proba`.

        Raises
        ------
        AttributeError
            If all heads are regressions.
        """
        heads = [head for head in self._heads if head.classes is not None]
        if not heads:
            raise AttributeError(NO_CLASSES)
        outputs = self._through(self._probable, X)
        found = {head.name: head.probabilities(np.atleast_2d(outputs)) for head in heads}
        return found if outputs.ndim == 2 else {name: part[0] for name, part in found.items()}
