"""Arguments that several commands share, and the checks of their values."""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Callable
from typing import Any


class Given(argparse.Action):
    """An option that leaves a note in ``args.given`` when it stands on the command line.

    A default that means nothing beside another option may stay; a value that someone typed may
    not be ignored without a word.
    """

    def __call__(self, parser: Any, namespace: Any, values: Any, option: Any = None) -> None:
        """Keep the value, and that it was given."""
        setattr(namespace, self.dest, values)
        namespace.given = {*given(namespace), self.dest}


def given(args: argparse.Namespace) -> set[str]:
    """The options of kind `Given` that stand on the command line."""
    found: set[str] = getattr(args, "given", set())
    return found


def whole_number(least: int, most: float = math.inf) -> Callable[[str], int]:
    """A type of argument: a whole number from `least` to `most`."""
    bounds = f"of at least {least}" if most == math.inf else f"from {least} to {most}"

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be a whole number {bounds} (got {text!r})")
        return value

    return convert


def fraction(text: str) -> float:
    """A type of argument: a share of the rows, 0 ≤ share < 1."""
    value = _number(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 0 and below 1 (got {text!r})")
    return value


def above_zero(text: str) -> float:
    """A type of argument: a number above 0."""
    value = _number(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0 (got {text!r})")
    return value


def zero_or_more(text: str) -> float:
    """A type of argument: a number of at least 0."""
    value = _number(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of at least 0 (got {text!r})")
    return value


def widths(text: str) -> tuple[int, ...]:
    """A type of argument: widths of hidden layers, ``"100,50"``; ``"0"`` is no hidden layer."""
    try:
        values = tuple(int(part) for part in text.split(",")) if text.strip() else ()
    except ValueError:
        values = (-1,)
    if values == (0,):
        return ()
    if any(value < 1 for value in values):
        raise argparse.ArgumentTypeError(
            f"must be whole numbers above 0 with commas between, or 0 for no hidden layer "
            f"(got {text!r})"
        )
    return values


def levels(text: str) -> tuple[float, ...]:
    """A type of argument: quantiles between 0 and 1, ascending, ``"0.05,0.5,0.95"``."""
    values = tuple(map(_number, text.split(",")))
    rising = all(low < high for low, high in itertools.pairwise(values))
    if len(values) < 2 or not rising or not all(0 < value < 1 for value in values):
        raise argparse.ArgumentTypeError(
            f"must be two or more rising numbers between 0 and 1 with commas between (got {text!r})"
        )
    return values


def rows_of_step(text: str) -> int | str:
    """A type of argument: a batch size, or the word auto."""
    return "auto" if text == "auto" else whole_number(1)(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def add_table(parser: argparse.ArgumentParser) -> None:
    """The table that a command reads."""
    parser.add_argument(
        "table",
        metavar="TABLE",
        help="a CSV file, gzipped or not, with the names of the columns in its first line; "
        "- reads standard input",
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """The model file that a command reads."""
    parser.add_argument("model", metavar="MODEL", help="a file that deltarule train wrote")


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Whether to say only what went wrong."""
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
