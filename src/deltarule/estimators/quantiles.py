"""Several quantiles from one regressor: ``loss=dr.losses.Quantile((0.1, 0.5, 0.9))``.

The network has a column for each quantile of each target, side by side, under an output activation
that makes them rise (`deltarule.activations.Ascending`), so that quantiles never cross.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from deltarule.definitions import Array, choose, name_of
from deltarule.estimators.predictor import Frozen, Predictor
from deltarule.estimators.standardizer import Standardizer
from deltarule.exceptions import InvalidParameterError
from deltarule.losses import LOSSES, Quantile


def levels_of(loss: Any) -> tuple[float, ...]:
    """The quantiles of a loss that has several, or a tuple of one; empty for any other."""
    return loss.levels if isinstance(loss, Quantile) and isinstance(loss.quantile, tuple) else ()


def has_quantiles(estimator: Any) -> bool:
    """Whether the estimator predicts several quantiles."""
    network = estimator.__dict__.get("_network")
    if levels_of(estimator.loss if network is None else network.loss):
        return True
    raise AttributeError(
        "several quantiles are predicted with loss=dr.losses.Quantile((0.05, 0.5, 0.95)) or other "
        f"levels (got loss={estimator.loss!r}). Fit with such a loss."
    )


def middle(levels: tuple[float, ...]) -> int:
    """The place of the quantile next to the median; of two as near, that of the lower."""
    # Rounded, for 0.3 and 0.7 are not quite as near to 0.5 as floats.
    return int(np.argmin(np.abs(np.array(levels) - 0.5).round(12)))


def check(loss: Any, output_activation: Any) -> None:
    """Refuse output activations whose outputs are no quantiles."""
    found = choose(loss, LOSSES, "loss")
    name = name_of(output_activation)
    if name == "ascending" and not levels_of(found):
        raise InvalidParameterError(
            "output_activation must not be 'ascending' without a loss of several quantiles, which "
            f"it makes rise (got 'ascending' beside loss {found.name!r}). Leave it at 'auto', or "
            "fit an MLPRegressor with loss=dr.losses.Quantile((0.1, 0.5, 0.9))."
        )
    if levels_of(found) and name not in ("auto", "ascending"):
        raise InvalidParameterError(
            "output_activation must be 'auto' beside a loss of several quantiles, which then rise "
            f"and never cross (got {name!r}). Leave it at its default."
        )
    if name == "softmax" and found.name == "quantile":
        raise InvalidParameterError(
            "output_activation must not be 'softmax' beside loss 'quantile': its outputs are "
            "shares that sum to 1, and no quantiles (got 'softmax'). Leave it at 'auto'."
        )


def interval(levels: tuple[float, ...], coverage: Any) -> tuple[int, int]:
    """The places of the two quantiles between which a share of the targets is to lie.

    Raises
    ------
    InvalidParameterError
        If no two levels lie symmetrically with that share between them.
    """
    pairs = {
        round(high - low, 12): (at, len(levels) - 1 - back)
        for at, low in enumerate(levels)
        for back, high in enumerate(reversed(levels))
        if low < high and abs(low + high - 1.0) < 1e-9
    }
    if coverage is None and pairs:
        return pairs[max(pairs)]
    known = isinstance(coverage, Real) and not isinstance(coverage, bool)
    for share, places in pairs.items():
        if known and abs(share - float(coverage)) < 1e-9:
            return places
    there = ", ".join(f"{share:g}" for share in sorted(pairs)) or "none"
    raise InvalidParameterError(
        f"coverage must be the share between two quantiles that are predicted, here {there} (got "
        f"{coverage!r}). Fit with loss=dr.losses.Quantile((low, …, 1 - low)), low half of what the "
        "interval leaves out."
    )


def in_own_units(outputs: Array, count: int, standardizer: Standardizer | None) -> Array:
    """Outputs as an array of shape (rows, targets, quantiles), in the units of the target."""
    found = outputs.reshape(len(outputs), -1, count)
    if standardizer is None:
        return found
    targets = np.moveaxis(found, 2, 1)
    undone = standardizer.undo(np.ascontiguousarray(targets).reshape(-1, found.shape[1]))
    return np.moveaxis(undone.reshape(targets.shape), 1, 2)


class QuantilePredictor(Predictor):
    """Quantiles for a row, from a frozen copy of an `MLPRegressor`'s numbers.

    ``predict = model.predictor()`` makes one; see `NumberPredictor`.

    Examples
    --------
    >>> import numpy as np, deltarule as dr
    >>> X = np.linspace(-1, 1, 40).reshape(-1, 1)
    >>> loss = dr.losses.Quantile((0.1, 0.5, 0.9))
    >>> model = dr.MLPRegressor(loss, (), standardize="both", random_state=0, tol=0.01)
    >>> predict = model.set_params(learning_rate_init=0.01).fit(X, X[:, 0]).predictor()
    >>> predict.quantiles([0.5]).shape, type(predict([0.5]))
    ((3,), <class 'float'>)
    """

    def __init__(
        self, frozen: Frozen, target: Standardizer | None, levels: tuple[float, ...]
    ) -> None:
        super().__init__(frozen, target, levels)
        self._target, self._levels, self._middle = target, levels, middle(levels)

    def __call__(self, X: Any, out: Array | None = None) -> Any:
        """The quantile that `MLPRegressor.predict` gives: a float for a row.

        Parameters
        ----------
        X : array-like of shape (n_features,) or (n_samples, n_features)
        out : ndarray, default=None
            Filled and returned where it is given.
        """
        found = self.quantiles(X)[..., self._middle]
        if out is None:
            return float(found) if found.ndim == 0 else found
        out[...] = found
        return out

    def quantiles(self, X: Any) -> Array:
        """All of them, as `MLPRegressor.predict_quantiles` has them.

        Parameters
        ----------
        X : array-like of shape (n_features,) or (n_samples, n_features)

        Returns
        -------
        quantiles : ndarray of shape (n_quantiles,) or (n_samples, n_quantiles)
            With an axis for the targets before the last where there are several.
        """
        outputs = self.outputs(X)
        found = in_own_units(np.atleast_2d(outputs), len(self._levels), self._target)
        found = found[:, 0] if found.shape[1] == 1 else found
        return found[0] if outputs.ndim == 1 else found
