"""Where a training stands, in a model file: a record and some tensors beside the parameters.

What a fit leaves behind for a fit that goes on is a `Kept`. `state_record` and `state_tensors` take
it apart; `StateRecord` checks a record that nobody vouches for, says which tensors of which shapes
must stand beside it, before any of them is read, and puts the parts together again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.definitions import Array
from deltarule.network import Network, Parameters
from deltarule.optimizers import OPTIMIZERS, Optimizer
from deltarule.persistence.records import Fields, option_from_record, option_record, wrong
from deltarule.plans import BegunEpoch, History, TrainingState

FLOATS = ("float32", "float64")

#: Counters of a file, at most: what the engines count with does not overflow.
MOST_STEPS, MOST_EPOCHS, MOST_ROWS = 2**53, 2**40, 2**40

_KEYS = 2**64 - 1
_FINGERPRINT = re.compile(r"[0-9a-f]{32}")
_FIELDS = (
    "dtype",
    "step",
    "epoch",
    "stalled",
    "rate_factor",
    "best_loss",
    "best_score",
    "horizon",
    "key",
    "order_key",
    "optimizer",
    "moments",
    "last",
    "best",
    "begun",
    "history",
)
_BEGUN = ("steps", "carried", "rows", "batch_size", "start")
_CURVES = ("validation_loss", "validation_score", "seconds")


@dataclass(frozen=True, eq=False)
class Kept:
    """What a training goes on from, beside the parameters that it shows.

    Parameters
    ----------
    state : TrainingState
    history : History
        Its ``loss`` stands in the section of the estimator and is empty when it was read.
    key : int
        The key of all random numbers, the split of the rows among them.
    optimizer : Optimizer
        The moments in the state belong to it.
    judges : str, optional
        What tells the judges of the best score from others; None where there is none.
    """

    state: TrainingState
    history: History
    key: int
    optimizer: Optimizer
    judges: str | None = None


def state_record(kept: Kept, shown: Parameters) -> dict[str, Any]:
    """All but the arrays, as plain JSON values; `shown` are the parameters of the file."""
    state, begun = kept.state, kept.state.begun
    best = state.best_parameters
    return {
        "dtype": state.parameters.dtype.name,
        "step": int(state.step),
        "epoch": int(state.epoch),
        "stalled": int(state.stalled),
        "rate_factor": float(state.rate_factor),
        "best_loss": _finite_or_none(state.best_loss),
        "best_score": _finite_or_none(state.best_score),
        "horizon": None if state.horizon is None else int(state.horizon),
        "key": int(kept.key),
        "order_key": None if state.key is None else int(state.key),
        "optimizer": option_record(kept.optimizer),
        "moments": len(state.moments),
        "last": _whose(state.parameters, shown),
        "best": None if best is None else _whose(best, shown),
        "begun": None if begun is None else _begun_record(begun),
        "history": {
            name: [_finite_or_none(value) for value in getattr(kept.history, name)]
            for name in _CURVES
        },
        **({} if kept.judges is None else {"judges": kept.judges}),
    }


def _begun_record(begun: BegunEpoch) -> dict[str, Any]:
    return {
        "steps": int(begun.steps),
        "carried": float(begun.carried),
        "rows": int(begun.rows),
        "batch_size": int(begun.batch_size),
        "start": begun.start is not None,
    }


def _finite_or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _whose(parameters: Parameters, shown: Parameters) -> str:
    """Parameters that are those of the file, bit for bit, do not stand in it twice."""
    pairs = ((parameters.vector, shown.vector), (parameters.buffers, shown.buffers))
    same = all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in pairs)
    return "parameters" if same else "own"


def state_tensors(kept: Kept, shown: Parameters) -> dict[str, Array]:
    """The arrays that stand in the file beside `shown`, by their names in it."""
    state, begun = kept.state, kept.state.begun
    found = {"moments": state.moments}
    for name, parameters in (("last", state.parameters), ("best", state.best_parameters)):
        if parameters is not None and _whose(parameters, shown) == "own":
            found[f"{name}_parameters"] = parameters.vector
            found[f"{name}_buffers"] = parameters.buffers
    if begun is not None and begun.start is not None:
        names = ("start_parameters", "start_moments", "start_buffers")
        found |= dict(zip(names, begun.start, strict=True))
    return {name: tensor for name, tensor in found.items() if tensor.size}


class StateRecord:
    """The record of a state, checked; its tensors are named and not yet read.

    Parameters
    ----------
    record : object
        What stood in the file.
    network : Network
    dtype : str
        That of the parameters of the file.

    Raises
    ------
    ModelFileError
        If a field is missing, unknown, of another type or out of its range.
    """

    def __init__(self, record: Any, network: Network, dtype: str) -> None:
        more = ("judges",) if isinstance(record, dict) and "judges" in record else ()
        self._fields = fields = Fields(record, "state", (*_FIELDS, *more))
        self._judges = fields.text("judges") if more else None
        if self._judges is not None and not _FINGERPRINT.fullmatch(self._judges):
            wrong("state.judges", "32 hexadecimal digits", self._judges)
        self._network = network
        self.dtype = fields.text("dtype", FLOATS)
        self._optimizer = option_from_record(
            fields.value("optimizer"), OPTIMIZERS, "state.optimizer"
        )
        self._moments = fields.integer("moments", 0, self._optimizer.moments)
        if self._moments not in (0, self._optimizer.moments):
            wrong("state.moments", f"0 or {self._optimizer.moments}", self._moments)
        whose = ("own", "parameters") if self.dtype == dtype else ("own",)
        self._last = fields.text("last", whose)
        self._best = fields.text("best", whose) if fields.optional("best") else None
        self._step = fields.integer("step", 0, MOST_STEPS)
        self._start = False
        self._begun = self._read_begun()
        self._rest = self._read_rest()
        self._history = self._read_history()

    def _read_begun(self) -> dict[str, Any] | None:
        if not self._fields.optional("begun"):
            return None
        begun = Fields(self._fields.value("begun"), "state.begun", _BEGUN)
        rows = begun.integer("rows", 1, MOST_ROWS)
        batch_size = begun.integer("batch_size", 1, MOST_ROWS)
        steps = begun.integer("steps", 1, min(-(-rows // batch_size), max(self._step, 1)))
        self._start = begun.flag("start")
        carried = begun.number("carried")
        return {"steps": steps, "carried": carried, "rows": rows, "batch_size": batch_size}

    def _read_rest(self) -> dict[str, Any]:
        fields = self._fields
        factor = fields.number("rate_factor")
        if not 0 < factor <= 1:
            wrong("state.rate_factor", "above 0 and at most 1", factor)
        self._key = fields.integer("key", 0, _KEYS)
        return {
            "step": self._step,
            "epoch": fields.integer("epoch", 0, MOST_EPOCHS),
            "stalled": fields.integer("stalled", 0, MOST_EPOCHS),
            "rate_factor": factor,
            "best_loss": fields.number("best_loss") if fields.optional("best_loss") else np.inf,
            "best_score": fields.number("best_score") if fields.optional("best_score") else -np.inf,
            "horizon": fields.integer("horizon", 0, MOST_EPOCHS)
            if fields.optional("horizon")
            else None,
            "key": fields.integer("order_key", 0, _KEYS) if fields.optional("order_key") else None,
        }

    def _read_history(self) -> History:
        fields = Fields(self._fields.value("history"), "state.history", _CURVES)
        return History([], *(fields.curve(name) for name in _CURVES))

    @property
    def shapes(self) -> dict[str, list[int]]:
        """The tensors that must stand beside the parameters, in this dtype."""
        size, buffers = self._network.size, self._network.buffer_size
        found = {"moments": [self._moments, size]}
        for name, whose in (("last", self._last), ("best", self._best)):
            if whose == "own":
                found |= {f"{name}_parameters": [size], f"{name}_buffers": [buffers]}
        if self._start:
            found |= {"start_parameters": [size], "start_buffers": [buffers]}
            found["start_moments"] = [self._moments, size]
        return {name: shape for name, shape in found.items() if 0 not in shape}

    def kept(self, shown: Parameters, tensors: Mapping[str, Array]) -> Kept:
        """What was kept, from the parameters of the file and the tensors beside them."""
        begun = None
        if self._begun is not None:
            start = self._numbers("start", tensors) if self._start else None
            begun = BegunEpoch(**self._begun, start=start)
        last = self._parameters("last", self._last, shown, tensors)
        assert last is not None
        state = TrainingState(
            parameters=last,
            moments=self._array(tensors, "moments", [self._moments, self._network.size]),
            best_parameters=self._parameters("best", self._best, shown, tensors),
            begun=begun,
            **self._rest,
        )
        return Kept(state, self._history, self._key, self._optimizer, self._judges)

    def _parameters(
        self, name: str, whose: str | None, shown: Parameters, tensors: Mapping[str, Array]
    ) -> Parameters | None:
        if whose != "own":
            return None if whose is None else shown
        vector = self._array(tensors, f"{name}_parameters", [self._network.size])
        buffers = self._array(tensors, f"{name}_buffers", [self._network.buffer_size])
        return Parameters(self._network, vector, buffers)

    def _numbers(self, name: str, tensors: Mapping[str, Array]) -> tuple[Array, Array, Array]:
        size = self._network.size
        return (
            self._array(tensors, f"{name}_parameters", [size]),
            self._array(tensors, f"{name}_moments", [self._moments, size]),
            self._array(tensors, f"{name}_buffers", [self._network.buffer_size]),
        )

    def _array(self, tensors: Mapping[str, Array], name: str, shape: list[int]) -> Array:
        """A tensor, or the empty one that no file holds."""
        return tensors[name] if name in tensors else np.zeros(shape, dtype=self.dtype)
