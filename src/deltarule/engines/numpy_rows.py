"""Predictions of single rows in plain NumPy, for whatever a network is made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from deltarule import backprop
from deltarule.definitions import Array
from deltarule.engines.base import RowPredictor
from deltarule.network import Network, Parameters

#: Rows of one forward pass; bounds the memory.
CHUNK = 4096

_quiet = np.errstate(over="ignore", invalid="ignore")


class NumPyRows(RowPredictor):
    """Forward passes in plain NumPy, which keep nothing between calls."""

    def __init__(
        self,
        network: Network,
        vector: Array,
        center: Array | None,
        scale: Array | None,
        buffers: Array | None = None,
    ) -> None:
        start = Parameters(network, vector.copy())
        self._network = network
        self._parameters = start if buffers is None else start.replace(buffers=buffers.copy())
        self._center = 0.0 if center is None else center.copy()
        self._scale = None if scale is None else scale.copy()

    @_quiet
    def outputs(self, X: Any, out: Array | None = None) -> Array | None:
        """Row by row as rows of one matrix."""
        if not self._takes(X):
            return None
        rows = np.atleast_2d(X).astype(self._parameters.dtype)
        if self._scale is not None:
            rows = ((rows - self._center) / self._scale).astype(rows.dtype)
        parts = [
            backprop.forward(self._network, self._parameters, rows[at : at + CHUNK]).prediction
            for at in range(0, max(len(rows), 1), CHUNK)
        ]
        found: Array = np.concatenate(parts)
        return self._into(out, X, found[0] if X.ndim == 1 else found)

    def first(self, X: Any, out: Array | None = None) -> Any:
        """The first column."""
        found = self.outputs(X)
        if found is None or out is not None:
            return None if found is None else self._into(out, X, np.asarray(found[..., 0]))
        return float(found[0]) if found.ndim == 1 else found[:, 0].copy()

    def choose(self, X: Any, middle: float) -> Any:
        """The largest column, or whether the only one is above the middle."""
        found = self.outputs(X)
        if found is None:
            return None
        index = found.argmax(axis=-1) if found.shape[-1] > 1 else found[..., 0] > middle
        return index.astype(np.int64) if found.ndim == 2 else int(index)

    def _takes(self, X: Any) -> bool:
        return (
            isinstance(X, np.ndarray)
            and X.dtype in (np.float32, np.float64)
            and X.ndim in (1, 2)
            and X.shape[-1] == self._network.n_inputs
        )

    def _into(self, out: Array | None, X: Array, found: Array) -> Array | None:
        if out is None:
            return found
        fits = isinstance(out, np.ndarray) and (out.dtype, out.shape) == (found.dtype, found.shape)
        if not fits or not (out.flags.c_contiguous and out.flags.writeable):
            return None
        if np.may_share_memory(out, X):
            return None
        out[...] = found
        return out
