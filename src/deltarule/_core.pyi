"""The compiled core (C++, ``cpp/bindings/``)."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltarule.engines.base import RowPredictor

Layer = tuple[int, int, str, float, bool]
Extra = tuple[str, float, float, int, int, float, float, float]
Head = tuple[int, int, str, list[float], float, str, float, list[float]]
Prelude = tuple[int, list[int], int, int, float, bool, float]

class Session32:
    def set_parameters(self, vector: NDArray[Any]) -> None: ...
    def parameters(self) -> NDArray[Any]: ...
    def buffers(self) -> NDArray[Any]: ...
    def set_buffers(self, buffers: NDArray[Any]) -> None: ...
    def publish(self, yes: bool) -> None: ...
    def set_optimizer(
        self,
        name: str,
        numbers: tuple[float, float, float, float],
        clip_norm: float = 0.0,
        average: float = -1.0,
    ) -> None: ...
    def set_moments(self, moments: NDArray[Any]) -> None: ...
    def moments(self) -> NDArray[Any]: ...
    def bind(self, X: Any, D: NDArray[Any], sample_weight: NDArray[Any] | None = None) -> None: ...
    def run(
        self,
        order: NDArray[np.int64] | tuple[str, int],
        first_step: int,
        batch_size: int,
        rates: NDArray[np.float64],
        l1: float = 0.0,
        l2: float = 0.0,
        scale: float = 1.0,
        clock: int = 0,
        carried: float = 0.0,
        key: int = 0,
    ) -> tuple[int, NDArray[np.float64], bool]: ...
    def trace(
        self,
        order: NDArray[np.int64] | tuple[str, int],
        first_step: int,
        rates: NDArray[np.float64],
        l1: float = 0.0,
        l2: float = 0.0,
        scale: float = 1.0,
        clock: int = 0,
    ) -> tuple[
        int,
        NDArray[np.float64],
        bool,
        list[NDArray[Any]],
        list[NDArray[Any]],
        list[NDArray[Any]],
    ]: ...
    def judge(
        self,
        X: Any,
        D: NDArray[Any] | None,
        sample_weight: NDArray[Any] | None,
        score: str,
        middle: float,
        n: float,
    ) -> None: ...
    def plan_epochs(
        self,
        order: tuple[str, int],
        batch_size: int,
        l1: float,
        l2: float,
        scale: float,
        clock: int,
        objective: tuple[float, float, float],
        rules: tuple[bool, float, int, float, bool, float, float, bool],
        key: int = 0,
    ) -> None: ...
    def run_epochs(
        self,
        place: tuple[int, int, float, float],
        standing: tuple[float, float, float, int],
        limits: tuple[int, int, float],
        factors: NDArray[np.float64] | None,
        judge: bool,
    ) -> None: ...
    def report(self) -> Any: ...
    def go_back(self) -> None: ...
    def release(self) -> None: ...
    def best(self) -> NDArray[Any]: ...
    def best_buffers(self) -> NDArray[Any]: ...
    def learner(
        self,
        epoch: int,
        standing: tuple[float, float, float, int],
        inputs: tuple[list[float], list[float]],
        targets: tuple[list[float], list[float]],
        classes: dict[Any, int] | None,
        table: NDArray[Any] | None,
        labels: tuple[float, float] | None,
        weights: NDArray[np.float64] | None,
        factors: Callable[[int], NDArray[np.float64]] | None,
        repeats: int = 1,
    ) -> Learner32: ...
    def road(self, batch_size: int, l1: float = 0.0) -> str: ...
    def predict(self, X: Any) -> NDArray[Any]: ...
    def loss(self, X: Any, D: NDArray[Any], sample_weight: NDArray[Any] | None = None) -> float: ...
    def loss_gradient(
        self, X: Any, D: NDArray[Any], sample_weight: NDArray[Any] | None = None
    ) -> tuple[float, NDArray[Any]]: ...

class Session64(Session32): ...

def Session(  # noqa: N802
    layers: list[Layer],
    loss: str,
    loss_parameter: float = 0.0,
    dtype: str = "float64",
    n_threads: int = 1,
    heads: list[Head] = ...,
    extras: list[Extra] = ...,
    prelude: Prelude = ...,
) -> Session32: ...

class Learner32:
    def step(self, x: Any, target: Any, weight: Any) -> float | None: ...
    def step_on(self, X: NDArray[Any], D: NDArray[Any], weight: float) -> float: ...
    def stood(self) -> tuple[int, float, int, tuple[float, float, float, int]]: ...
    def predictor(self, activation: str | None) -> RowPredictor: ...

class Learner64(Learner32): ...

def Predictor(  # noqa: N802
    layers: list[Layer],
    parameters: NDArray[Any],
    center: list[float] = ...,
    scale: list[float] = ...,
    dtype: str = "float64",
    heads: list[Head] = ...,
    extras: list[Extra] = ...,
    buffers: NDArray[Any] | None = None,
    prelude: Prelude = ...,
) -> RowPredictor: ...

class Lanes32:
    def bind(self, X: Any, D: NDArray[Any], sample_weight: NDArray[Any] | None = None) -> None: ...
    def run(
        self,
        order: str,
        batch_size: int,
        optimizer: str,
        keys: NDArray[np.uint64],
        parameters: NDArray[Any],
        moments: NDArray[Any],
        columns: dict[str, NDArray[Any]],
        folds: list[NDArray[np.int64] | None],
        factors: list[NDArray[np.float64] | None],
        losses: list[NDArray[np.float64]],
        seconds: list[NDArray[np.float64]],
    ) -> None: ...
    def parameters(self) -> NDArray[Any]: ...
    def moments(self) -> NDArray[Any]: ...
    def columns(self) -> dict[str, NDArray[Any]]: ...

class Lanes64(Lanes32): ...

def Lanes(  # noqa: N802
    layers: list[Layer],
    loss: str,
    loss_parameter: float = 0.0,
    dtype: str = "float64",
    n_threads: int = 1,
) -> Lanes32: ...
def lanes(dtype: str) -> int: ...
def isa() -> str: ...
def available_isas() -> list[str]: ...
def words(key: int, stream: int, epoch: int, start: int, count: int) -> NDArray[np.uint64]: ...
def order(kind: str, key: int, epoch: int, n: int) -> NDArray[np.int64]: ...
def activation(
    name: str, parameter: float, z: NDArray[Any], output: bool = False
) -> tuple[NDArray[Any], NDArray[Any]]: ...
