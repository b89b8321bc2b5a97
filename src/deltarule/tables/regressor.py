"""`TabularRegressor`: numbers from a table as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin, _fit_context

from deltarule.activations import Ascending
from deltarule.definitions import Array, choose
from deltarule.estimators import quantiles
from deltarule.estimators.standardizer import Standardizer
from deltarule.losses import LOSSES, Loss
from deltarule.tables import blend, frames
from deltarule.tables.base_tabular import BaseTabular


class TabularRegressor(RegressorMixin, BaseTabular):
    """TODO"""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseTabular._parameter_constraints,
        "loss": [str, Loss],
    }

    def __init__(
        self,
        preset: str = "default",
        *,
        loss: Any = "squared_error",
        time_budget: float | None = None,
        categorical: Any = (),
        text: str = "refuse",
        missing_target: str = "drop",
        random_state: Any = None,
        engine: str = "auto",
        n_threads: int | None = None,
        verbose: Any = False,
    ) -> None:
        self.preset = preset
        self.loss = loss
        self.time_budget = time_budget
        self.categorical = categorical
        self.text = text
        self.missing_target = missing_target
        self.random_state = random_state
        self.engine = engine
        self.n_threads = n_threads
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TabularRegressor:
        return self._fit(X, y, sample_weight)  # type: ignore[no-any-return]

    def _read_target(self, y: Any) -> Array:
        found = frames.numbers_of(y)
        self._single = found.ndim == 1
        return found

    def _levels(self) -> tuple[float, ...]:
        return quantiles.levels_of(self._loss)

    def _learn_target(self, y: Array, weight: Array | None) -> None:
        self._loss = choose(self.loss, LOSSES, "loss")
        columns = y.reshape(len(y), -1)
        self._standardizer = Standardizer.measure(columns, weight, "y")
        self.target_range_ = columns.min(axis=0), columns.max(axis=0)

    def _encoded(self, y: Array) -> Array:
        D = self._standardizer.apply(y.reshape(len(y), -1).astype(np.float64))
        if self._levels():
            D = np.repeat(D, len(self._levels()), axis=1)
        return np.ascontiguousarray(D, dtype=np.float32)

    def _head(self) -> tuple[Any, Loss]:
        levels = self._levels()
        return Ascending(len(levels)) if levels else "identity", self._loss

    def _judge(self, D: Array, weight: Array | None) -> Callable[[Array], float] | None:
        return None

    def _weigh(self, networks: Array, linear: Array | None, D: Array, weight: Array | None) -> None:
        self.shares_ = np.ones(D.shape[1])
        if linear is not None:
            self.shares_ = blend.of_numbers(networks, linear, D, weight)

    def _blended(self, networks: Array, linear: Array | None) -> Array:
        if linear is None:
            return networks
        return self.shares_ * networks + (1 - self.shares_) * linear

    def predict(self, X: Any) -> Array:
        z = self._blended(*self._spoken(X))
        low, high = self.target_range_
        found = np.clip(self._standardizer.undo(z), low, high)
        return found[:, 0] if self._single else found
