"""`deltarule.dataclass` against the standard library's, class by class."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import sys
import typing
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

import deltarule as dr
from deltarule.dataclass import _dataclass as ours

KINDS = pytest.mark.parametrize("make", [ours, dataclasses.dataclass], ids=["ours", "theirs"])


class Meaning:
    """Has a method that a field below stands in for."""

    def value(self) -> int:
        return 1


def classes(make: Any) -> dict[str, Any]:
    @make(frozen=True)
    class Point:
        """Two numbers."""

        word: ClassVar[str] = "point"
        x: float
        y: float = 0.5
        tags: list[str] = dataclasses.field(default_factory=list)
        hidden: int = dataclasses.field(default=3, repr=False, compare=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "x", float(self.x))

    @make(frozen=True)
    class Deeper(Point):
        """Another default for a field above, and one more."""

        y: float = 1.5
        z: float = 2.5

    @make
    class Open:
        """Changes."""

        x: int = 1

    @make(frozen=True, eq=False)
    class Alone:
        """Equal to itself only."""

        x: int

    @make(frozen=True, init=False)
    class Written:
        """With a constructor of its own."""

        x: int

        def __init__(self, given: str) -> None:
            object.__setattr__(self, "x", int(given))

        def __hash__(self) -> int:
            return 7

    @make(frozen=True)
    class Stands(Meaning):
        """Its field takes no default from above."""

        value: Callable[[], int] = dataclasses.field()  # type: ignore[assignment]

    @make(frozen=True)
    class Takes(Meaning):
        """Its field does."""

        value: Callable[[], int]  # type: ignore[assignment]

    return {cls.__name__: cls for cls in (Point, Deeper, Open, Alone, Written, Stands, Takes)}


def told(cls: Any, *arguments: Any) -> dict[str, Any]:
    """All that can be seen of a class and of one of its objects."""
    made, other = cls(*arguments), cls(*arguments)
    seen: dict[str, Any] = {
        "signature": str(inspect.signature(cls)),
        "match": cls.__match_args__,
        "frozen": cls.__dataclass_params__.frozen,
        "doc": cls.__doc__,
        "annotations": cls.__init__.__annotations__,
        "names": [getattr(cls, name).__qualname__ for name in ("__init__", "__repr__", "__eq__")],
        "repr": repr(made).replace(hex(id(made)), "here"),
        "equal": made == other,
        "to another kind": made == 1,
        "dict": dataclasses.asdict(made),
        "vars": vars(made),
    }
    for name, do in (
        ("hash", lambda: hash(made) == hash(other)),
        ("assign", lambda: setattr(made, "x", 9)),
        ("assign anything", lambda: setattr(made, "free", 9)),
        ("delete", lambda: delattr(made, "x")),
    ):
        try:
            seen[name] = do()
        except Exception as problem:
            seen[name] = repr(problem)
    fields = dataclasses.fields(cls)
    seen["fields"] = [(f.name, f.type, f.default, f.default_factory, f.repr) for f in fields]
    return seen


ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "Point": (1,),
    "Deeper": (1, 2.0, ["a"]),
    "Open": (),
    "Alone": (3,),
    "Written": ("4",),
    "Stands": (len,),
    "Takes": (),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_class_is_what_the_standard_library_makes_of_it(name: str) -> None:
    ours_too = told(classes(ours)[name], *ARGUMENTS[name])
    assert ours_too == told(classes(dataclasses.dataclass)[name], *ARGUMENTS[name])


@KINDS
def test_every_object_has_a_list_of_its_own(make: Any) -> None:
    Point = classes(make)["Point"]
    assert Point(1).tags is not Point(1).tags


@KINDS
def test_what_cannot_be_made(make: Any) -> None:
    class Late:
        x: int = 1
        y: int

    with pytest.raises(TypeError, match="non-default argument 'y' follows default argument"):
        make(Late)

    class Shared:
        x: list[int] = []  # noqa: RUF012

    with pytest.raises(ValueError, match="mutable default <class 'list'> for field x"):
        make(Shared)


@KINDS
def test_a_standard_dataclass_may_be_derived(make: Any) -> None:
    @dataclasses.dataclass(frozen=True)
    class Own(classes(make)["Point"]):  # type: ignore[misc]
        extra: int = 5

    assert Own(1).extra == 5
    assert dataclasses.replace(Own(1), x=3) == Own(3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Own(1).extra = 2  # type: ignore[misc]


@KINDS
def test_a_plain_class_below_takes_names_of_its_own(make: Any) -> None:
    class Own(classes(make)["Point"]):  # type: ignore[misc]
        pass

    made = Own(1)
    made.free = 2
    assert made.free == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.x = 2


@ours(frozen=True)
class Kept:
    """At the top of a module, for pickle."""

    x: int
    y: tuple[int, ...] = (1, 2)


def test_copies_and_pickles() -> None:
    made = Kept(3)
    for again in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert again == made
    assert dataclasses.is_dataclass(Kept)


def test_hints_are_looked_up_where_the_class_stands() -> None:
    hints = typing.get_type_hints(dr.TrainingPlan.__init__)
    assert hints["optimizer"] is not None
    assert hints["return"] is type(None)


@pytest.mark.skipif(sys.version_info < (3, 13), reason="Python 3.13 has copy.replace")
def test_copy_replace() -> None:
    assert copy.replace(dr.Adam(), beta_1=0.5) == dr.Adam(beta_1=0.5)
