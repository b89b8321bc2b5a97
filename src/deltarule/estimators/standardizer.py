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
from deltarule.exceptions import InvalidShapeError, NonFiniteError

#: Numbers of a block of rows that are met at once.
BLOCK_NUMBERS = 2**17

#: A number from which on the square of a difference that is no rounding error does not underflow.
FAITHFUL = 1e-135

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
    def measure(cls, X: Any, sample_weight: Array | None = None, name: str = "X") -> Standardizer:
        """Mean and standard deviation (the square root of the mean squared distance) of columns.

        Raises
        ------
        NonFiniteError
            If the distance of a number from its column's mean is too large for float64; ``name``
            is what is named.
        """
        weight = None if sample_weight is None or not sample_weight.any() else sample_weight
        sparse = is_sparse(X)
        if sparse:
            X = X.astype(np.float64, copy=False)
        mean, variance = _moments(X, weight)
        scale = _deviation(variance, mean, X.shape[0])
        overflown = ~(np.isfinite(mean) & np.isfinite(variance))
        doubtful = overflown | (variance < FAITHFUL**2)
        if doubtful.any():
            largest = _largest(X, np.flatnonzero(doubtful))
            odd = overflown | ((largest > 0) & (largest < FAITHFUL))
            if odd.any():
                _measure_anew(X, weight, np.flatnonzero(odd), largest[odd], mean, scale, name)
        return cls(None if sparse else mean, scale)

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
        known = np.finfo(X.dtype)
        with np.errstate(over="ignore"):
            factor = 1.0 / self.scale
        if known.tiny <= factor.min(initial=1.0) and factor.max(initial=1.0) <= known.max:
            data = factor.astype(X.dtype)[X.indices]
            data *= X.data
        else:
            data = (X.data / self.scale[X.indices]).astype(X.dtype)
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


def _moments(X: Any, weight: Array | None) -> tuple[Array, Array]:
    """Mean and variance of every column, where no sum overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        if is_sparse(X):
            mean, variance = mean_variance_axis(X, axis=0, weights=weight)
            return mean, variance
        mean = _average(X, weight, np.zeros(X.shape[1]), 1)
        return mean, _average(X, weight, mean, 2)


def _measure_anew(
    X: Any,
    weight: Array | None,
    columns: Array,
    largest: Array,
    mean: Array,
    scale: Array,
    name: str,
) -> None:
    """Mean and scale of columns whose squares float64 cannot hold.

    They are measured as multiples of a power of two, and written into ``mean`` and ``scale``.
    """
    power, some = np.frexp(largest)[1], X[:, columns]
    if is_sparse(some):
        some = csr_array(some)
        data = np.ldexp(some.data, -power[some.indices])
        some = csr_array((data, some.indices, some.indptr), shape=some.shape)
    else:
        some = np.ldexp(some.astype(np.float64), -power)
    if weight is not None:
        weight = np.ldexp(weight.astype(np.float64), -np.frexp(weight.max())[1])
    means, variances = _moments(some, weight)
    deviations = _deviation(variances, means, X.shape[0])
    constant = deviations == 1.0  # of numbers below 1 there is no such deviation
    mean[columns] = np.ldexp(means, power)
    found = np.ldexp(deviations, np.where(constant, 0, power))
    scale[columns] = np.maximum(found, np.finfo(np.float64).smallest_subnormal)
    if is_sparse(some):
        return  # which is never centred
    with np.errstate(over="ignore"):
        far = ~np.isfinite(np.ldexp(np.abs(some - means).max(axis=0), power))
    if far.any():
        at = int(far.argmax())
        where = f" in column {columns[at]}" if X.shape[1] > 1 else ""
        raise NonFiniteError(
            f"{name} must have no number further from the mean of its column than float64 can "
            f"hold, to be standardized (got {largest[at]:.3g}{where}). Divide the column by 10 "
            "first."
        )


def _largest(X: Any, columns: Array) -> Array:
    """The largest absolute number of each column, in float64; 0 for others than these columns."""
    found = np.zeros(X.shape[1])
    if is_sparse(X):
        some = np.isin(np.arange(X.shape[1]), columns)[X.indices]
        np.maximum.at(found, X.indices[some], np.abs(X.data[some]))
        return found
    for part in _blocks(X):
        found[columns] = np.maximum(found[columns], np.abs(X[part][:, columns]).max(axis=0))
    return found


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
    with np.errstate(over="ignore"):
        constant = variance <= error * variance + (error * mean) ** 2
    return np.sqrt(np.where(constant, 1.0, variance))
