"""`dataclass` as in the standard library, made in a tenth of the time.

The standard one compiles up to six functions for every class, a millisecond in all. deltarule has
half a hundred of them, which would be half of what its import costs. This one compiles
``__init__`` only, whose calls are many; the others are closures over the names of the fields.
What it makes is a dataclass to `dataclasses.fields`, `replace`, `asdict`, and to classes that are
derived with the standard decorator; only a class without a docstring is given none, and fields by
name alone (``field(kw_only=True)``) are shown only where they are not at their default. To a type
checker it is the standard one.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]


def _dataclass(
    cls: type | None = None,
    /,
    *,
    frozen: bool = False,
    eq: bool = True,
    init: bool = True,
    repr: bool = True,  # noqa: A002 - the standard library's word
) -> Any:
    """Make a dataclass; parameters as for `dataclasses.dataclass`.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Point:
    ...     x: float
    ...     y: float = 0.0
    >>> Point(1.0), Point(1.0) == Point(1.0, 0.0)
    (Point(x=1.0, y=0.0), True)
    """
    if cls is None:
        return lambda given: _dataclass(given, frozen=frozen, eq=eq, init=init, repr=repr)
    marked: Any = cls
    marked.__dataclass_fields__ = _fields(cls)
    marked.__dataclass_params__ = _LIKE[frozen].__dataclass_params__
    fields = dataclasses.fields(marked)  # without the variables of the class
    # Those by name alone stand last, whichever class has them.
    taken = sorted((field for field in fields if field.init), key=lambda field: field.kw_only)
    given = dict(vars(cls))
    placed = tuple(field.name for field in taken if not field.kw_only)
    made: dict[str, Any] = {"__match_args__": placed}
    if init:
        made["__init__"] = _initialiser(cls, taken)
    if repr:
        made["__repr__"] = _shower([field for field in fields if field.repr])
    compared = [field.name for field in fields if field.compare]
    if eq:
        made["__eq__"] = _comparer(compared)
        made["__hash__"] = _hasher(compared) if frozen else None
    if sys.version_info >= (3, 13):  # `copy.replace`
        made["__replace__"] = dataclasses.replace
    if frozen:
        made["__setattr__"], made["__delattr__"] = _refusers(cls, {field.name for field in fields})
    for name, method in made.items():
        if name not in given or (name == "__hash__" and given[name] is None):
            if callable(method):
                method.__name__ = name
                method.__qualname__ = f"{cls.__qualname__}.{name}"
            setattr(cls, name, method)
    return cls


def _fields(cls: type) -> dict[str, dataclasses.Field[Any]]:
    """Those of the classes above, then its own, read by the standard library."""
    fields: dict[str, dataclasses.Field[Any]] = {}
    for base in cls.__mro__[-1:0:-1]:
        fields.update(getattr(base, "__dataclass_fields__", {}))
    annotations = vars(cls).get("__annotations__", {})
    # With a text, or the standard library would write the signature there.
    body = {"__annotations__": annotations, "__module__": cls.__module__, "__doc__": "As read."}
    body |= {name: getattr(cls, name) for name in annotations if hasattr(cls, name)}
    read: Any = dataclasses.dataclass(init=False, repr=False, eq=False)(type("Body", (), body))
    own: dict[str, dataclasses.Field[Any]] = read.__dataclass_fields__
    for name in own:
        if isinstance(vars(cls).get(name), dataclasses.Field):
            if hasattr(read, name):
                setattr(cls, name, getattr(read, name))
            else:
                delattr(cls, name)
    return fields | own


class _Absent:
    """Stands in a signature for what is made anew for every object."""

    def __repr__(self) -> str:
        return "<factory>"


_ABSENT = _Absent()


def _initialiser(cls: type, taken: list[dataclasses.Field[Any]]) -> Callable[..., None]:
    known: dict[str, Any] = {"_absent": _ABSENT}
    heads, lines = ["self"], ["    _values = self.__dict__"]
    for field in taken:
        head, value = field.name, field.name
        if field.default is not dataclasses.MISSING:
            known[f"_default_{field.name}"] = field.default
            head += f"=_default_{field.name}"
        elif field.default_factory is not dataclasses.MISSING:
            known[f"_make_{field.name}"] = field.default_factory
            head += "=_absent"
            value = f"_make_{field.name}() if {field.name} is _absent else {field.name}"
        elif "=" in heads[-1]:
            raise TypeError(f"non-default argument {field.name!r} follows default argument")
        if field.kw_only and "*" not in heads:
            heads.append("*")
        heads.append(head)
        lines.append(f"    _values[{field.name!r}] = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("    self.__post_init__()")
    # With the globals of the class's module, where whoever reads annotations looks them up.
    text = f"def _make({', '.join(known)}):\n def __init__({', '.join(heads)}):\n"
    text += "".join(f" {line}\n" for line in lines) + " return __init__"
    names: dict[str, Any] = {}
    exec(text, vars(sys.modules[cls.__module__]), names)
    made: Callable[..., None] = names["_make"](**known)
    made.__annotations__ = {field.name: field.type for field in taken} | {"return": None}
    made.__module__ = cls.__module__
    return made


def _shower(fields: list[dataclasses.Field[Any]]) -> Callable[[Any], str]:
    names = [field.name for field in fields if not field.kw_only]
    rare = [(field.name, field.default) for field in fields if field.kw_only]

    def show(self: Any) -> str:
        shown = [*names, *(name for name, usual in rare if getattr(self, name) != usual)]
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
        return f"{type(self).__qualname__}({values})"

    return show


def _comparer(names: list[str]) -> Callable[[Any, Any], Any]:
    def equals(self: Any, other: Any) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return [getattr(self, name) for name in names] == [getattr(other, name) for name in names]

    return equals


def _hasher(names: list[str]) -> Callable[[Any], int]:
    def key(self: Any) -> int:
        return hash(tuple([getattr(self, name) for name in names]))

    return key


def _refusers(cls: Any, names: set[str]) -> tuple[Callable[..., None], Callable[..., None]]:
    def assign(self: Any, name: str, value: Any) -> None:
        if type(self) is cls or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
        super(cls, self).__setattr__(name, value)

    def delete(self: Any, name: str) -> None:
        if type(self) is cls or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
        super(cls, self).__delattr__(name)

    return assign, delete


@dataclasses.dataclass(frozen=True, init=False, repr=False, eq=False)
class _Frozen:
    """One of each kind by the standard library, whose remark on the kind is taken over."""


@dataclasses.dataclass(init=False, repr=False, eq=False)
class _Open:
    """As above."""


_LIKE: dict[bool, Any] = {True: _Frozen, False: _Open}

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    dataclass = _dataclass
