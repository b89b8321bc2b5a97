"""What a page asks, checked: plain records in, the library's own objects out.

Nothing of a message is used before it has passed here. A message that does not fit is refused with
a sentence, and nothing has happened.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.definitions import Array, Definition, Family, from_record
from deltarule.exceptions import DeltaruleError, InvalidParameterError, ModelFileError
from deltarule.functional import check_targets
from deltarule.initializers import INITIALIZERS, Initializer
from deltarule.network import Network, Parameters, initialize
from deltarule.optimizers import OPTIMIZERS
from deltarule.penalties import PENALTIES
from deltarule.persistence.networks import network_from_record
from deltarule.persistence.records import ALTERED
from deltarule.plans import BegunEpoch, TrainingPlan, TrainingState
from deltarule.schedules import SCHEDULES

#: Parameters of the largest network that is opened, and numbers of the largest matrix.
MOST_PARAMETERS = 4_000_000
MOST_NUMBERS = 64_000_000

Option = TypeVar("Option", bound=Definition)


@dataclass(frozen=True, eq=False)
class Rows:
    """X ``(rows, inputs)`` and D ``(rows, outputs)``, as the network sees them."""

    X: Array
    D: Array


@dataclass(frozen=True, eq=False)
class Opening:
    """What a training begins with."""

    network: Network
    plan: TrainingPlan
    state: TrainingState
    train: Rows
    held: Rows | None


class Given:
    """A record of a message, read field by field.

    Parameters
    ----------
    record : object
        What came.
    where : str
        Its place in the message, for sentences.

    Raises
    ------
    InvalidParameterError
        At once if it is no record; by each method if a field is missing or another thing.
    """

    def __init__(self, record: Any, where: str) -> None:
        self.where = where
        if not isinstance(record, dict):
            raise wrong(where, "a record", record)
        self._record = record

    def value(self, name: str) -> Any:
        """The field, whatever it is."""
        if name not in self._record:
            raise wrong(f"{self.where}.{name}", "there", "nothing")
        return self._record[name]

    def has(self, name: str) -> bool:
        """Whether a field that may be left out is there, and not null."""
        return self._record.get(name) is not None

    def inner(self, name: str) -> Given:
        """A record inside."""
        return Given(self.value(name), f"{self.where}.{name}")

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self.value(name)
        if not isinstance(value, bool):
            raise wrong(f"{self.where}.{name}", "true or false", value)
        return value

    def whole(self, name: str, low: int = 0, high: int = 2**53) -> int:
        """A whole number from `low` to `high`."""
        value = self.value(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not int or not low <= value <= high:
            raise wrong(f"{self.where}.{name}", f"a whole number from {low} to {high}", value)
        return value

    def number(self, name: str, finite: bool = True) -> float:
        """A number, finite unless said otherwise."""
        value = self.value(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong(f"{self.where}.{name}", "a number", value)
        if finite and not abs(value) < 1e308:
            raise wrong(f"{self.where}.{name}", "a finite number", value)
        return float(value)

    def text(self, name: str, most: int) -> str:
        """A text of at most so many characters."""
        value = self.value(name)
        if not isinstance(value, str):
            raise wrong(f"{self.where}.{name}", "a text", value)
        if len(value) > most:
            raise wrong(f"{self.where}.{name}", f"at most {most:,} characters", f"{len(value):,}")
        return value

    def chosen(self, name: str, allowed: tuple[str, ...]) -> str:
        """One of some words."""
        value = self.value(name)
        if value not in allowed:
            raise wrong(f"{self.where}.{name}", f"one of {', '.join(allowed)}", value)
        return str(value)

    def vector(self, name: str, size: int | None = None) -> Array:
        """A float64 array, of `size` numbers where that is given."""
        value = self.value(name)
        expected = "an array of numbers" if size is None else f"an array of {size} numbers"
        if not isinstance(value, np.ndarray) or value.dtype != np.float64:
            raise wrong(f"{self.where}.{name}", expected, type(value).__name__)
        if size is not None and value.size != size:
            raise wrong(f"{self.where}.{name}", expected, value.size)
        return value

    def bytes(self, name: str) -> bytes:
        """Bytes."""
        value = self.value(name)
        if not isinstance(value, np.ndarray) or value.dtype != np.uint8:
            raise wrong(f"{self.where}.{name}", "bytes", type(value).__name__)
        return value.tobytes()

    def matrix(self, name: str, columns: int) -> Array:
        """A finite matrix of so many columns; its rows follow from its length."""
        flat = self.vector(name)
        place = f"{self.where}.{name}"
        if flat.size % columns or flat.size > MOST_NUMBERS:
            raise wrong(place, f"rows of {columns} numbers, {MOST_NUMBERS:,} at most", flat.size)
        if not np.isfinite(flat).all():
            raise wrong(place, "of finite numbers", "NaN or infinity")
        return flat.reshape(-1, columns)

    def texts(self, name: str, count: int, most: int) -> tuple[str, ...]:
        """So many texts of at most so many characters each."""
        value = self.value(name)
        fits = isinstance(value, list) and len(value) == count
        if not fits or not all(isinstance(one, str) and len(one) <= most for one in value):
            expected = f"{count} texts of at most {most} characters"
            raise wrong(f"{self.where}.{name}", expected, value)
        return tuple(value)

    def option(self, name: str, family: Family[Option]) -> Option:
        """An option of the library, from its record."""
        return option(self.value(name), family, f"{self.where}.{name}")

    def records(self, name: str, most: int) -> list[Given]:
        """A list of records, at most so many."""
        value = self.value(name)
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            raise wrong(f"{self.where}.{name}", f"a list of 1 to {most} records", value)
        return [Given(entry, f"{self.where}.{name}[{i}]") for i, entry in enumerate(value)]


def wrong(where: str, expected: str, got: Any) -> InvalidParameterError:
    """The sentence for a field that is another thing."""
    shown = repr(got)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return InvalidParameterError(
        f"{where} must be {expected} (got {shown}). Reload the page if you did not write it."
    )


def option(record: Any, family: Family[Option], where: str) -> Option:
    """An option of a family from its record, with a sentence of its own where that is none."""
    if not isinstance(record, dict):
        raise wrong(where, f"a record of one {family.word}", record)
    try:
        return from_record(record, family)
    except DeltaruleError as problem:
        raise InvalidParameterError(f"{where}: {problem}") from None
    except (TypeError, AttributeError, OverflowError, KeyError, ValueError):
        raise wrong(where, f"a record of one {family.word}", record) from None


def network(record: Any) -> Network:
    """A network that is small enough to be looked at."""
    try:
        found = network_from_record(record)
    except ModelFileError as problem:
        raise InvalidParameterError(str(problem).removesuffix(ALTERED).strip()) from None
    except (TypeError, AttributeError, OverflowError) as problem:
        raise wrong("network", "layers and heads", type(problem).__name__) from None
    if found.size > MOST_PARAMETERS:
        raise InvalidParameterError(
            f"network must have at most {MOST_PARAMETERS:,} parameters to be opened here "
            f"(got {found.size:,}). Train it from Python or the command instead."
        )
    return found


def plan(given: Given) -> TrainingPlan:
    """A plan whose training never ends by itself."""
    optimizer = given.option("optimizer", OPTIMIZERS)
    if optimizer.name == "lbfgs":
        raise InvalidParameterError(
            f"{given.where}.optimizer must take steps over samples (got 'lbfgs', which goes over "
            "all rows at once). Choose 'sgd' or 'adam'."
        )
    schedule = given.option("schedule", SCHEDULES)
    penalty = given.value("penalty")
    return TrainingPlan(
        optimizer=optimizer,
        learning_rate_init=given.number("learning_rate_init"),
        schedule=schedule,
        batch_size=given.whole("batch_size", 1, 2**31),
        max_epochs=given.whole("max_epochs", 1, 2**40),
        sampling=given.chosen("sampling", ("replacement", "shuffle", "sequential")),
        penalty=None if penalty is None else given.option("penalty", PENALTIES),
        # An adaptive schedule counts epochs without improvement; any other goes on for ever.
        patience=10 if schedule.name == "adaptive" else None,
        key=given.whole("key"),
    )


def rows(given: Given, of: Network) -> Rows:
    """Rows that fit a network and its losses."""
    X = given.matrix("X", of.layers[0].inputs)
    D = given.matrix("D", of.layers[-1].units)
    if len(X) != len(D) or not len(X):
        raise wrong(given.where, "rows with a target each, at least one", f"{len(X)}, {len(D)}")
    check_targets(of, D)
    return Rows(X, D)


def first_weights(given: Given, of: Network) -> Parameters:
    """The guess W^0."""
    chosen: Initializer = given.option("initializer", INITIALIZERS)
    return initialize(of, given.whole("seed"), chosen)


def state(given: Given, of: Network, steps: TrainingPlan, count: int) -> TrainingState:
    """Where a training stands, for `count` rows."""
    vector, buffers = given.vector("vector", of.size), given.vector("buffers", of.buffer_size)
    moments, wanted = given.vector("moments"), steps.optimizer.moments
    if moments.size not in (0, wanted * of.size):
        moments = np.empty(0)  # another optimiser's: it begins anew
    into = given.whole("into")
    batch_size = min(int(steps.batch_size), max(count, 2))
    begun = None
    if 0 < into < -(-count // batch_size):
        begun = BegunEpoch(into, given.number("carried", finite=False), count, batch_size)
    return TrainingState(
        Parameters(of, vector.copy(), buffers.copy()),
        moments.reshape(-1, of.size).copy(),
        step=given.whole("step"),
        epoch=given.whole("epoch"),
        rate_factor=given.number("rate_factor"),
        best_loss=given.number("best_loss", finite=False),
        stalled=given.whole("stalled"),
        horizon=steps.max_epochs,
        begun=begun,
    )


def opening(given: Given) -> Opening:
    """All that a training begins with."""
    of = network(given.value("network"))
    steps = plan(given.inner("plan"))
    train = rows(given.inner("train"), of)
    held = None if given.value("held") is None else rows(given.inner("held"), of)
    if given.value("start") is not None:
        begins = state(given.inner("start"), of, steps, len(train.X))
    else:
        drawn = first_weights(given, of)
        begins = TrainingState(drawn, np.zeros((0, of.size)), horizon=steps.max_epochs)
    return Opening(of, steps, begins, train, held)
