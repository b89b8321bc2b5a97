"""What an engine promises.

An engine turns a network, a plan and arrays into numbers. It opens a `Session`, which owns its own
layout of the parameters across many runs and converts once on entry (`Session.load`) and once on
exit (`Session.vector`, `Session.moments`). A session is never pickled or copied; the training
state is.

Promises that hold for every engine, tested in ``tests/conformance``:

- Arrays are exact: the session's dtype, C-contiguous, X ``(N, inputs)`` dense or CSR, D
  ``(N, outputs)``. Nothing is converted silently and no argument is written to.
- Step ``s`` of an epoch takes the positions ``[s B, min((s + 1) B, N))`` of the epoch's order, so
  that cutting a run into several changes no bit, neither of the parameters nor of the loss.
- Losses are those met before each update, summed in float64.
- Two engines agree after one step to 1e-12 (float64) or 1e-5 (float32), relative to the largest
  entry.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from deltarule.definitions import Array
from deltarule.network import Network
from deltarule.optimizers import SGD, Optimizer


@dataclass(frozen=True)
class Rule:
    """An order of rows that is computed, not stored.

    Parameters
    ----------
    kind : {"replacement", "shuffle", "sequential"}
    key : int
        Key of the random numbers; the epoch is the other half of the rule.
    """

    kind: str
    key: int


@dataclass(frozen=True, eq=False)
class Work:
    """What every step of a run does.

    Parameters
    ----------
    order : Rule or int64 array
        A rule has epochs of N positions; an array is one single epoch of its own length.
    batch_size : int
    optimizer : Optimizer
    l1, l2 : float
        Strengths of the penalties divided by n, as in equation (9).
    scale : float
        N/n of equation (9).
    step_offset : int
        What the optimiser's clock (Adam's t) is ahead of the order's: not 0 where earlier calls
        had epochs of another length.
    """

    order: Rule | Array
    batch_size: int = 1
    optimizer: Optimizer = SGD()
    l1: float = 0.0
    l2: float = 0.0
    scale: float = 1.0
    step_offset: int = 0


@dataclass(frozen=True, eq=False)
class Report:
    """What a run returns.

    Parameters
    ----------
    steps : int
        Steps done; fewer than asked where a loss became non-finite, the bad step included.
    losses : float64 array
        Σ w_i f^i as met, one entry for every epoch that the run touched, in order; the first
        includes what was carried.
    finite : bool
        Whether all losses were finite.
    """

    steps: int
    losses: Array
    finite: bool


class Session(ABC):
    """One network in one dtype on one engine; see the module's promises."""

    @abstractmethod
    def load(
        self, vector: Array, moments: Array | None = None, buffers: Array | None = None
    ) -> None:
        """Take over parameters, the optimiser's moments ``(count, size)``, and buffers.

        Without moments they are zeros. Without buffers those of the session stay, which are the
        layers' own start at first.
        """

    @abstractmethod
    def bind(self, X: Any, D: Array, sample_weight: Array | None = None) -> None:
        """Name the training rows for the next runs; they are referred to, not copied."""

    @abstractmethod
    def run(self, work: Work, first_step: int, rates: Array, carried: float = 0.0) -> Report:
        """Do ``len(rates)`` steps from step ``first_step`` of the order, with these step sizes.

        ``carried`` is what earlier runs have summed up for the epoch of ``first_step``; the sum
        goes on from it, so that cutting an epoch into runs changes no bit of its loss either.
        """

    @abstractmethod
    def vector(self) -> Array:
        """The parameters now, as a new array."""

    @abstractmethod
    def moments(self) -> Array:
        """The optimiser's moments now, ``(count, size)``, as a new array."""

    @abstractmethod
    def predict(self, X: Any) -> Array:
        """d̂ = a^L for every row, ``(rows, outputs)``."""

    @abstractmethod
    def loss(self, X: Any, D: Array, sample_weight: Array | None = None) -> float:
        """Σ w_i f^i in float64, the penalty left out."""

    @abstractmethod
    def loss_gradient(
        self, X: Any, D: Array, sample_weight: Array | None = None
    ) -> tuple[float, Array]:
        """(Σ w_i f^i, its gradient as a vector)."""


class RowPredictor(ABC):
    """A network with its numbers, frozen, for rows one by one and from any number of threads.

    ``X`` is a row, ``(inputs,)``, or an array of them, ``(rows, inputs)``, in float32 or float64;
    the compiled engine also takes a list or tuple of numbers as a row. The answer is None where
    ``X`` or ``out`` is anything else: whoever asked converts it, or says what is wrong.
    """

    @abstractmethod
    def outputs(self, X: Any, out: Array | None = None) -> Array | None:
        """a^L in the dtype of the parameters: ``(outputs,)`` or ``(rows, outputs)``.

        ``out`` is filled and returned; it is writeable, C-contiguous, of this dtype and shape,
        and shares no memory with ``X``.
        """

    @abstractmethod
    def first(self, X: Any, out: Array | None = None) -> Any:
        """The first output: a float, or ``(rows,)`` in the dtype of the parameters."""

    @abstractmethod
    def choose(self, X: Any, middle: float) -> Any:
        """The number of the class: an int, or ``(rows,)`` as int64.

        With one output it is 1 above ``middle``, else 0; with several the place of the largest.
        """


class Engine(ABC):
    """What computes: ``name`` is what `engine=` and ``engine_`` say."""

    name: ClassVar[str]

    @abstractmethod
    def refusal(self, network: Network, optimizer: Optimizer | None, dtype: Any) -> str | None:
        """A sentence why this engine cannot do the work, or None where it can."""

    @abstractmethod
    def open(self, network: Network, dtype: Any, n_threads: int = 1) -> Session:
        """A new session."""

    @abstractmethod
    def predictor(
        self, network: Network, vector: Array, center: Array | None, scale: Array | None
    ) -> RowPredictor:
        """A `RowPredictor` that keeps a copy of the numbers.

        With ``scale`` an input x becomes (x − center) / scale, computed in float64; ``center``
        None stands for zeros.
        """

    @abstractmethod
    def road(self, network: Network, work: Work, dtype: Any) -> str:
        """Which code runs, and why not a faster one: the text of ``TrainingResult.road``."""
