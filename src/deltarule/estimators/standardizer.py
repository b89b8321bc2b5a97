"""The notes' normalisation as part of a fitted model: centre and scale of every column.

They are measured once, on the training rows of the first fit (with their sample weights), and are
applied to whatever comes later. A column that does not vary has scale 1. Where the first fit had
sparse rows nothing is centred, since centring would make them dense; where it had dense rows,
later sparse rows become dense, part by part in a prediction.

Whole matrices are met block by block: the arithmetic is in float64, and nothing of that size is
allocated but the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from sklearn.utils.sparsefuncs import mean_variance_axis

from deltarule.dataclass import dataclass
from deltarule.definitions import Array
from deltarule.estimators.checks import is_sparse
from deltarule.exceptions import InvalidShapeError

#: Numbers of a block of rows that are met at once.
BLOCK_NUMBERS = 2**17

#: Bytes of a sparse training set that is made dense because the model centres its inputs.
DENSE_BYTES = 2**28

#: Rounding error of a column's centre, in units of its scale, that `undo` does not put up with.
LOST_DIGITS = 1e-4


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
        if is_sparse(X):
            X = X.astype(np.float64, copy=False)
            mean, variance = mean_variance_axis(X, axis=0, weights=weight)
            return cls(None, _deviation(variance, mean, X.shape[0]))
        mean = _average(X, weight, np.zeros(X.shape[1]), 1)
        variance = _average(X, weight, mean, 2)
        return cls(mean, _deviation(variance, mean, X.shape[0]))

    def apply(self, X: Any) -> Any:
        """The standardised rows, new, in the dtype of ``X``.

        Raises
        ------
        InvalidShapeError
            If sparse rows have to become dense and are too many for that.
        """
        if is_sparse(X):
            if self.center is None:
                return self._scaled(X)
            _check_size(X)
            return self._centred(X)
        center = 0.0 if self.center is None else self.center
        out = np.empty(X.shape, dtype=X.dtype)
        for part in _blocks(X):
            out[part] = (X[part] - center) / self.scale
        return out

    def parts(self, X: Any) -> Iterator[Any]:
        """The standardised rows, part by part where sparse ones become dense."""
        if not is_sparse(X) or self.center is None:
            yield self.apply(X)
            return
        for part in _blocks(X):
            yield self._centred(X[part])

    def _scaled(self, X: Any) -> Any:
        data = (1.0 / self.scale).astype(X.dtype)[X.indices]
        data *= X.data
        return csr_array((data, X.indices, X.indptr), shape=X.shape)

    def _centred(self, X: Any) -> Array:
        out = np.empty(X.shape, dtype=X.dtype)
        for part in _blocks(X):
            out[part] = (X[part].toarray() - self.center) / self.scale
        return out

    def undo(self, X: Array) -> Array:
        """The rows in their own units again, in the dtype of ``X``.

        float64 where that dtype has no room for the digits: a centre of 1e7 leaves float32 whole
        numbers only, however small the scale is.
        """
        center = np.zeros(1) if self.center is None else self.center
        lost = np.finfo(X.dtype).eps * np.abs(center) > LOST_DIGITS * self.scale
        rows: Array = X * self.scale + center
        return rows.astype(np.float64 if lost.any() else X.dtype)


def _check_size(X: Any) -> None:
    size = X.shape[0] * X.shape[1] * X.dtype.itemsize
    if size > DENSE_BYTES:
        raise InvalidShapeError(
            f"X must be dense or at most {DENSE_BYTES >> 20} MiB as a dense array: the inputs "
            f"are centred, as the dense rows of the first fit were (got sparse rows of "
            f"{size >> 20} MiB). Give fewer rows at a time to partial_fit, or fit a clone on "
            "sparse rows, which only scales."
        )


def _blocks(X: Any) -> Iterator[slice]:
    """Blocks of rows, at least one row each."""
    rows = max(1, BLOCK_NUMBERS // max(1, X.shape[1]))
    return (slice(first, first + rows) for first in range(0, X.shape[0], rows))


def _average(X: Array, weight: Array | None, center: Array, power: int) -> Array:
    """Mean of (x − center)^power over the rows, column by column, in float64."""
    total, count = np.zeros(X.shape[1]), 0.0
    for part in _blocks(X):
        block = X[part] - center
        if power > 1:
            block **= power
        if weight is None:
            total += block.sum(axis=0)
            count += len(block)
        else:
            share = weight[part].astype(np.float64)
            total += share @ block
            count += share.sum()
    return total / count


def _deviation(variance: Array, mean: Array, rows: int) -> Array:
    """Standard deviations; 1 where the variance is the rounding error of a constant column.

    Bound: Chan, Golub, LeVeque (1983), https://doi.org/10.1080/00031305.1983.10483115.
    """
    error = rows * np.finfo(np.float64).eps
    constant = variance <= error * variance + (error * mean) ** 2
    return np.sqrt(np.where(constant, 1.0, variance))
