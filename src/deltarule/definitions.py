"""What all option objects share: a name, checked fields, a plain record, a table of names.

An option (an activation, a loss, an optimiser, a schedule …) is a frozen dataclass whose fields
are plain numbers and words, with its NumPy meaning in methods beside them. That makes it
hashable, comparable, picklable and savable without code of its own:

* ``definition.record()`` is a dictionary of plain JSON values, ``from_record`` its inverse
  under a closed schema: a file can only name what stands in a table, never load code;
* ``choose`` turns what a user wrote (an object, a name, a record) into the object;
* the number checks at the end are used in ``__post_init__``: they return plain Python numbers, so
  a NumPy scalar never gets into a record or changes the dtype of an array it is multiplied with.

A `Family` is a table of one kind of option. Each definition file makes one: ``ACTIVATIONS``,
``LOSSES``, ``PENALTIES``, ``INITIALIZERS``, ``SCHEDULES``, ``OPTIMIZERS``.
"""

from __future__ import annotations

import dataclasses
import math
import numbers
from collections.abc import Callable, Collection, Mapping, MutableMapping
from difflib import get_close_matches
from typing import Any, ClassVar, Generic, TypeVar, cast

import numpy as np
import numpy.typing as npt

from deltarule.dataclass import dataclass
from deltarule.exceptions import InvalidParameterError

__all__ = [
    "Array",
    "Definition",
    "Family",
    "as_plain_array",
    "choose",
    "finite",
    "from_record",
    "in_range",
    "non_negative",
    "one_of",
    "positive",
    "positive_integer",
    "settle",
]

Array = npt.NDArray[Any]


class _Unchangeable:
    """Refuses assignment also in subclasses that no decorator has gone over."""

    def __setattr__(self, name: str, value: object) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


@dataclass(frozen=True)
class _Fieldless(_Unchangeable):
    """A frozen dataclass of no field."""


class Definition(_Fieldless):
    """Base of all option objects; every subclass with fields is a frozen dataclass.

    One without fields is a plain subclass, to which the decorator would add nothing but its time.

    Attributes
    ----------
    name : str
        The word under which the option stands in its family's table and in files.
    word : str
        What the option is, for messages: "activation", "loss", …

    Examples
    --------
    >>> from deltarule.losses import Huber
    >>> Huber(1.5).record()
    {'name': 'huber', 'delta': 1.5}
    """

    name: ClassVar[str]
    word: ClassVar[str] = "option"

    def record(self) -> dict[str, Any]:
        """The option as a dictionary of plain JSON values: its name, then its fields.

        Fields by name alone are left out where they are at their default, as an earlier release
        would write them that has no such field.

        Raises
        ------
        InvalidParameterError
            If a field holds a Python function, which no file can hold.
        """
        fields = ((field, getattr(self, field.name)) for field in _fields(self))
        values = {
            field.name: value
            for field, value in fields
            if not (field.kw_only and value == field.default)
        }
        for field, value in values.items():
            if isinstance(value, Definition):
                values[field] = value.record()
            elif callable(value):
                raise InvalidParameterError(
                    f"{self.word} {self.name!r} must hold plain numbers and words to be saved "
                    f"(got a Python function in {field}). Use one of the named {self.word} "
                    f"objects, or save the parameters alone and give the function again."
                )
        return {"name": self.name, **values}


D = TypeVar("D", bound=Definition)


@dataclass(frozen=True, eq=False)
class Family(Generic[D]):
    """The table of one kind of option.

    Parameters
    ----------
    base : type
        The class that every option of the family inherits.
    table : dict of str to type
        The class for each name; a room above may enter its own kinds.
    word : str
        What an option of this family is, for messages.
    by_name : mapping of str to mapping, default={}
        Settings that a bare name stands for where they are not the class's defaults.
    elsewhere : mapping of str to str, default={}
        What other libraries call the options; used in messages only.
    wrap : callable, default=None
        Makes an option of a plain Python function, in families that take one.
    own : str, default=""
        How a function of one's own is written in families that do not; used in messages only.
    """

    base: type[D]
    table: MutableMapping[str, type[D]]
    word: str
    by_name: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    elsewhere: Mapping[str, str] = dataclasses.field(default_factory=dict)
    wrap: Callable[[Callable[..., Any]], D] | None = None
    own: str = ""

    def names(self) -> str:
        """The names of the table, quoted, for messages."""
        return ", ".join(repr(name) for name in self.table)

    def of_ones_own(self) -> str:
        """What to do where a plain function came."""
        return f"Write a function of your own with its derivative: {self.own}."

    def nearest(self, name: str) -> str | None:
        """The name in the table that someone who wrote `name` most likely meant, or None."""
        plain = name.lower().replace("-", "_").replace(" ", "_")
        if plain in self.elsewhere:
            return self.elsewhere[plain]
        close = get_close_matches(plain, self.table, n=1)
        return close[0] if close else None


def name_of(option: Any) -> str:
    """The name of an option, or of what may be given by its name.

    Examples
    --------
    >>> from deltarule.losses import Huber
    >>> name_of("huber") == name_of(Huber(2.0)) == "huber"
    True
    """
    return option if isinstance(option, str) else str(option.name)


def choose(thing: object, family: Family[D], parameter: str) -> D:
    """The option that `thing` stands for.

    Parameters
    ----------
    thing : object
        An option of the family, a name in its table, a record of one or, in families that take
        one, a function.
    family : Family
        Where to look.
    parameter : str
        The name of the setting in which `thing` came, for the message.

    Returns
    -------
    Definition
        `thing` itself, or a new option with the settings that its name stands for.

    Raises
    ------
    InvalidParameterError
        If `thing` is none of these; the message has the allowed names and the nearest one.

    Examples
    --------
    >>> from deltarule.losses import LOSSES
    >>> choose("huber", LOSSES, "loss")
    Huber(delta=1.0)
    """
    if isinstance(thing, family.base):
        return thing
    if isinstance(thing, str) and thing in family.table:
        return family.table[thing](**family.by_name.get(thing, {}))
    if isinstance(thing, Mapping):
        return from_record(thing, family)
    if isinstance(thing, type) and issubclass(thing, family.base):
        got, remedy = f"the class {thing.__name__}", call_it(thing)
    elif callable(thing) and family.own:
        got, remedy = repr(thing), family.of_ones_own()
    elif callable(thing) and family.wrap is not None:
        return family.wrap(thing)
    else:
        near = family.nearest(thing) if isinstance(thing, str) else None
        got = repr(thing)
        remedy = f"Did you mean {near!r}?" if near else "Choose one of these names."
    function = " or a function," if family.wrap is not None else ""
    raise InvalidParameterError(
        f"{parameter} must be one of {family.names()},{function} or an object of "
        f"{family.base.__module__.removesuffix('.base')} (got {got}). {remedy}"
    )


def call_it(kind: type) -> str:
    """What to do where a class came in the place of its object."""
    return f"Call the class: {kind.__name__}(…)."


def from_record(record: object, family: Family[D]) -> D:
    """The option that `Definition.record` described; the schema is closed.

    Parameters
    ----------
    record : mapping
        ``{"name": …, field: value, …}``: a name of the family's table and every field of its
        class, no more; fewer only where a field is one by name alone.
    family : Family
        Where the name is looked up.

    Raises
    ------
    InvalidParameterError
        If the record is no dictionary, the name is unknown, a field is missing, is not the
        class's, or has a value of a wrong type or out of range.

    Examples
    --------
    >>> from deltarule.losses import LOSSES
    >>> from_record({"name": "huber", "delta": 1.5}, LOSSES)
    Huber(delta=1.5)
    """
    what = f"{family.word} record"
    if not isinstance(record, Mapping):
        raise InvalidParameterError(
            f"{what} must be a dictionary (got {record!r}). Make it with record()."
        )
    name = record.get("name")
    if not isinstance(name, str) or name not in family.table:
        raise InvalidParameterError(
            f"{what}: name must be one of {family.names()} (got {name!r}). Make it with record()."
        )
    cls = family.table[name]
    expected = {field.name for field in _fields(cls)}
    needed = {field.name for field in _fields(cls) if not field.kw_only}
    given = set(record) - {"name"}
    if not needed <= given <= expected:
        free = expected - needed
        raise InvalidParameterError(
            f"{what} {name!r} must have the fields {_listed(needed)}"
            f"{f' and may have {_listed(free)}' if free else ''} (got {_listed(given)}). "
            "Make it with record()."
        )
    return cls(**{field: record[field] for field in given})


def _listed(names: set[Any]) -> str:
    return ", ".join(sorted(map(str, names))) or "none"


def _fields(thing: object) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(cast(Any, thing))


# Checks of fields. Each returns the value as a plain Python number.


def settle(definition: Definition, **values: object) -> None:
    """Write checked values into a frozen option; for ``__post_init__`` only."""
    for field, value in values.items():
        object.__setattr__(definition, field, value)


def as_plain_array(given: Any, dtype: Any = None) -> Array:
    """The array in C order at an address that suits its numbers; copied only where it is not."""
    array = np.ascontiguousarray(given, dtype=dtype)
    return array if array.flags.aligned else array.copy()


def finite(value: object, parameter: str) -> float:
    """`value` as a float, if it is a finite real number (booleans are not numbers here)."""
    return _number(value, parameter, "a finite number", "Give a finite number.", lambda v: True)


def positive(value: object, parameter: str) -> float:
    """`value` as a float, if it is finite and above 0."""
    return _number(
        value, parameter, "a positive finite number", "Choose a value above 0.", lambda v: v > 0
    )


def non_negative(value: object, parameter: str) -> float:
    """`value` as a float, if it is finite and not below 0."""
    return _number(
        value, parameter, "a finite number of at least 0", "Choose 0 or more.", lambda v: v >= 0
    )


def in_range(value: object, parameter: str, low: float, high: float, ends: str = "[]") -> float:
    """`value` as a float, if it lies between `low` and `high`.

    Parameters
    ----------
    value : object
        What came.
    parameter : str
        Its name, for the message.
    low, high : float
        The ends of the interval.
    ends : {"[]", "[)", "(]", "()"}, default="[]"
        Which ends belong to it: a square bracket includes, a round one does not.

    Raises
    ------
    InvalidParameterError
        If `value` is no number or lies outside.

    Examples
    --------
    >>> in_range(1, "momentum", 0, 1, "[)")
    Traceback (most recent call last):
    ...
    deltarule.exceptions.InvalidParameterError: momentum must be a number in [0, 1) (got 1). \
Choose a value in that range.
    """

    def inside(number: float) -> bool:
        above = number >= low if ends[0] == "[" else number > low
        below = number <= high if ends[1] == "]" else number < high
        return above and below

    expected = f"a number in {ends[0]}{low:g}, {high:g}{ends[1]}"
    return _number(value, parameter, expected, "Choose a value in that range.", inside)


def positive_integer(value: object, parameter: str) -> int:
    """`value` as an int, if it is a whole number of at least 1 (2.0 is not an integer)."""
    if type(value) is int and value >= 1:  # asking an abstract class takes longer
        return value
    if isinstance(value, numbers.Integral) and not isinstance(value, bool) and int(value) >= 1:
        return int(value)
    raise InvalidParameterError(
        f"{parameter} must be a positive integer (got {_shown(value)}). Choose 1 or more."
    )


def one_of(value: object, parameter: str, allowed: Collection[str]) -> str:
    """`value`, if it is one of the words `allowed`."""
    if isinstance(value, str) and value in allowed:
        return value
    words = ", ".join(repr(word) for word in allowed)
    raise InvalidParameterError(
        f"{parameter} must be one of {words} (got {_shown(value)}). Choose one of these words."
    )


def _number(
    value: object, parameter: str, expected: str, remedy: str, fits: Callable[[float], bool]
) -> float:
    # Asking an abstract class takes longer than all the rest.
    if type(value) is float or (isinstance(value, numbers.Real) and not isinstance(value, bool)):
        number = float(value)
        if math.isfinite(number) and fits(number):
            return number
    raise InvalidParameterError(f"{parameter} must be {expected} (got {_shown(value)}). {remedy}")


def _shown(value: object) -> str:
    # NumPy scalars print as np.float64(0.0): the number alone is what the user wrote.
    return repr(value.item()) if isinstance(value, np.generic) else repr(value)
