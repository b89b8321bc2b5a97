"""A scikit-learn scorer as what judges a training after each epoch."""

from __future__ import annotations

import inspect
import math
import warnings
from typing import Any

import numpy as np
from sklearn.metrics import check_scoring

from deltarule.definitions import Array
from deltarule.estimators.fitting import Rows
from deltarule.exceptions import InvalidParameterError
from deltarule.network import Parameters
from deltarule.plans import Judge

#: What scikit-learn's metrics raise where they do not suit a target or a prediction.
_UNSUITABLE = (ValueError, TypeError, AttributeError)


class ScorerJudge(Judge):
    """A scikit-learn scorer, by its name or as a function, on the rows ``held``.

    Parameters
    ----------
    estimator : estimator
    scorer : str or callable
    held : Rows
    flawless : array of shape (rows, outputs), optional
        What a network would say of these rows that knew their targets: a scorer of this name has to
        have a number for it, before there is any work.
    """

    def __init__(
        self, estimator: Any, scorer: Any, held: Rows, flawless: Array | None = None
    ) -> None:
        self._name = scorer if isinstance(scorer, str) else None
        self._scorer, self._held = _scorer_of(estimator, scorer), held
        weighted = held.weight is not None and takes_weights(self._scorer)
        self._weights = {"sample_weight": held.weight} if weighted else {}
        self._shown = held.X if held.frame is None else held.frame
        stand_in = _with(type(estimator), estimator.__dict__)
        stand_in.__dict__.pop("_memory", None)  # its weights are not those that were remembered
        stand_in._set_network(estimator._network)  # and sessions of its own
        self._stand_in = stand_in
        if self._name is not None and flawless is not None:
            network = estimator._network
            nothing = Parameters(network, np.zeros(network.size, dtype=flawless.dtype))
            with warnings.catch_warnings():  # the epochs have their own
                warnings.simplefilter("ignore")
                self.value(flawless, nothing)

    def value(self, prediction: Array, parameters: Parameters) -> float:
        """The score of what the scorer asks a fitted estimator with these numbers."""
        # Several trainings in threads have one judge: each asks an estimator of its own.
        stand_in = _with(type(self._stand_in), self._stand_in.__dict__)
        stand_in._publish(parameters)
        stand_in._given = self._shown, self._held.X, prediction
        found = self._answer(stand_in)
        try:
            score = float(found)
        except (TypeError, ValueError):
            score = math.nan
        if not math.isfinite(score) and np.isfinite(prediction).all():
            if self._name is not None:
                raise self._unsuitable(f"{score:g}")
            raise InvalidParameterError(
                f"the scorer of early_stopping must return a finite number (got {found!r} for "
                "finite predictions). Return one number, where more is better."
            )
        return score

    def _answer(self, stand_in: Any) -> Any:
        if self._name is None:  # what a user's own function raises is the user's to see
            return self._scorer(stand_in, self._shown, self._held.y, **self._weights)
        try:
            return self._scorer(stand_in, self._shown, self._held.y, **self._weights)
        except _UNSUITABLE as problem:
            raise self._unsuitable(str(problem).strip().partition("\n")[0]) from problem

    def _unsuitable(self, got: str) -> InvalidParameterError:
        return InvalidParameterError(
            f"the scorer {self._name!r} of early_stopping must suit the target and what is "
            f"predicted of it (got from it: {got.rstrip('.:')}). Choose another, or None for the "
            "usual one."
        )


def _scorer_of(estimator: Any, scorer: Any) -> Any:
    try:
        return check_scoring(estimator, scoring=scorer)
    except ValueError as problem:
        raise InvalidParameterError(
            f"{problem} scorer of early_stopping must be one of these names, 'loss', a function "
            f"or None (got {scorer!r}). None takes the usual one."
        ) from None


def _with(kind: Any, attributes: dict[str, Any]) -> Any:
    """An object with these attributes; `copy.copy` would copy the history too."""
    made = kind.__new__(kind)
    made.__dict__.update(attributes)
    return made


def takes_weights(scorer: Any) -> bool:
    """Whether a scorer, and the metric that it may stand for, has sample weights."""
    metric = getattr(scorer, "_score_func", scorer)
    return "sample_weight" in inspect.signature(metric).parameters
