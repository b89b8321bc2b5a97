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
        weight = None if sample_weight is None or not sample_weight.any() else sample_weight
        X = X.astype(np.float64, copy=False)
        if is_sparse(X):
            mean, variance = mean_variance_axis(X, axis=0, weights=weight)
            return cls(None, _deviation(variance, mean, X.shape[0]))
        mean = np.average(X, axis=0, weights=weight)
        variance = np.average((X - mean) ** 2, axis=0, weights=weight)
        return cls(mean, _deviation(variance, mean, X.shape[0]))

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


def _deviation(variance: Array, mean: Array, rows: int) -> Array:
    """Standard deviations; 1 where the variance is the rounding error of a constant column.

    Bound: Chan, Golub, LeVeque (1983), https://doi.org/10.1080/00031305.1983.10483115.
    """
    error = rows * np.finfo(np.float64).eps
    constant = variance <= error * variance + (error * mean) ** 2
    return np.sqrt(np.where(constant, 1.0, variance))
