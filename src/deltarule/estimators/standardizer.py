"""The notes' normalisation as part of a fitted model: centre and scale of every column.

They are measured once, on the training rows of the first fit (with their sample weights), and are
applied to whatever comes later. A column that does not vary has scale 1. Sparse rows are scaled
and not centred, since centring would make them dense.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from sklearn.utils.sparsefuncs import mean_variance_axis

from deltarule.definitions import Array
from deltarule.estimators.checks import is_sparse


@dataclass(frozen=True, eq=False)
class Standardizer:
    """x ↦ (x − center) / scale, column by column.

    Parameters
    ----------
    center : float64 array of shape (columns,), or None
        None leaves zero where it is: sparse rows.
    scale : float64 array of shape (columns,)
        Standard deviations, above 0.
    """

    center: Array | None
    scale: Array

    @classmethod
    def measure(cls, X: Any, sample_weight: Array | None = None) -> Standardizer:
        """Mean and standard deviation (the square root of the mean squared distance) of columns."""
        if is_sparse(X):
            _, variance = mean_variance_axis(X, axis=0, weights=sample_weight)
            return cls(None, _usable(np.sqrt(variance.astype(np.float64)), 0.0))
        weight = None if sample_weight is None or not sample_weight.any() else sample_weight
        center = np.average(X.astype(np.float64, copy=False), axis=0, weights=weight)
        squares = (X - center) ** 2
        deviation = np.sqrt(np.average(squares, axis=0, weights=weight))
        return cls(center, _usable(deviation, np.abs(center)))

    def apply(self, X: Any) -> Any:
        """The standardised rows, new, in the dtype of ``X``."""
        if is_sparse(X):
            factors = (1.0 / self.scale).astype(X.dtype)
            data = X.data * factors[X.indices]
            return csr_array((data, X.indices, X.indptr), shape=X.shape)
        shifted = X - self.center if self.center is not None else X
        return np.ascontiguousarray(shifted / self.scale, dtype=X.dtype)

    def undo(self, X: Array) -> Array:
        """The rows in their own units again, in the dtype of ``X``."""
        center = 0.0 if self.center is None else self.center
        return (X * self.scale + center).astype(X.dtype)


def _usable(deviation: Array, size: Any) -> Array:
    """1 in place of deviations that are rounding errors of a constant column."""
    constant = deviation <= 10 * np.finfo(np.float64).eps * np.asarray(size)
    return np.where(constant, 1.0, deviation)
