"""Optimisers that walk down the whole training set at once."""

from __future__ import annotations

from deltarule.dataclass import dataclass
from deltarule.definitions import Array, positive_integer, settle
from deltarule.exceptions import InvalidParameterError
from deltarule.optimizers.base import Optimizer


@dataclass(frozen=True)
class LBFGS(Optimizer):
    """Limited-memory BFGS over the whole training set, through SciPy; no rate, no batches.

    Parameters
    ----------
    max_fun : int, default=15000
        Most evaluations of objective and gradient, at least 1.
    memory : int, default=10
        Pairs of steps and gradient changes that shape the curvature, at least 1.

    Raises
    ------
    InvalidParameterError
        If a value is no positive integer; and by `update`, for there are no steps.

    Notes
    -----
    Liu and Nocedal (1989), https://doi.org/10.1007/BF01589116. It is exact and needs no tuning on
    small training sets, and is slow on large ones.

    Examples
    --------
    >>> LBFGS(max_fun=100)
    LBFGS(max_fun=100, memory=10)
    """

    name = "lbfgs"

    max_fun: int = 15000
    memory: int = 10

    def __post_init__(self) -> None:
        settle(
            self,
            max_fun=positive_integer(self.max_fun, "max_fun"),
            memory=positive_integer(self.memory, "memory"),
        )

    def update(
        self,
        vector: Array,
        gradient: Array,
        moments: Array,
        rate: float,
        step: int,
        decay_mask: Array | None = None,
    ) -> tuple[Array, Array]:
        raise InvalidParameterError(
            "optimizer must be one that takes steps (got 'lbfgs', which needs the whole training "
            "set at once). Use 'adam' or 'sgd' for single steps."
        )
