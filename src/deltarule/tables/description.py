"""A plan of columns in words: a line for each column, as text and as HTML."""

from __future__ import annotations

import html as escaping
from collections import Counter
from collections.abc import Sequence

import numpy as np

from deltarule.tables.column import KINDS, Column

_HEAD = ("column", "kind", "inputs", "what the network sees")
#: Categories that are named, and columns that a page shows.
MOST_NAMED, MOST_SHOWN = 6, 60


def summary(columns: Sequence[Column]) -> str:
    """How many columns of which kind, and how many inputs they give."""
    counts = Counter(column.kind for column in columns)
    kinds = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind])
    inputs = sum(len(column.inputs) for column in columns)
    return f"{_counted(len(columns), 'column')}: {kinds or 'none'}; {_counted(inputs, 'input')}"


def text(columns: Sequence[Column]) -> str:
    """Every column in a line."""
    rows = [_HEAD, *map(_row, columns)]
    wide = [max(len(row[place]) for row in rows) for place in range(3)]
    return "\n".join(
        f"{name:{wide[0]}}  {kind:{wide[1]}}  {count:>{wide[2]}}  {sees}".rstrip()
        for name, kind, count, sees in rows
    )


def html(columns: Sequence[Column]) -> str:
    """The same as a table of HTML, for notebooks."""
    head = "".join(f"<th>{cell}</th>" for cell in _HEAD)
    rows = "".join(
        f"<tr>{''.join(f'<td>{escaping.escape(cell)}</td>' for cell in _row(column))}</tr>"
        for column in columns[:MOST_SHOWN]
    )
    more = len(columns) - MOST_SHOWN
    rest = f"<p>… and {_counted(more, 'more column', 'more columns')}</p>" if more > 0 else ""
    return (
        f"<p>ColumnPlan: {summary(columns)}</p><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table>{rest}"
    )


def sees(column: Column) -> str:
    """What the network sees of a column.

    Examples
    --------
    >>> sees(Column("age", "numeric", True, median=30, centre=30, scale=10))
    '(x − 30) / 10; missing: 30 and a mark'
    """
    if column.kind == "ignored":
        return f"nothing: {column.reason}"
    if column.kind == "text":
        return f"words hashed to {_counted(column.width, 'input')}"
    if column.kind == "datetime":
        parts = ", ".join(("the time", *column.cycles))
        middle = np.datetime64(int(column.median), "s")
        return f"{parts}; {_holes(column, str(middle).replace('T', ' '))}".rstrip("; ")
    if column.kind == "boolean":
        no, yes = column.categories or ("0", "1")
        hole = _marked(column) if column.categories else _holes(column, f"{column.median:.6g}")
        return f"−1 for {no}, +1 for {yes}; {hole}".rstrip("; ")
    if column.kind == "numeric":
        formula = f"(x − {column.centre:.6g}) / {column.scale:.6g}"
        return f"{formula}; {_holes(column, f'{column.median:.6g}')}".rstrip("; ")
    return _categories(column)


def _categories(column: Column) -> str:
    names = ", ".join(column.categories[:MOST_NAMED])
    more = ", …" if len(column.categories) > MOST_NAMED else ""
    known = _counted(len(column.categories), "category", "categories")
    together = _counted(len(column.rare), "rarer one", "rarer ones together")
    rare = f", {together}" if column.rare else ""
    return f"{known}{rare}: {names}{more}; {_marked(column)}".rstrip("; ")


def _marked(column: Column) -> str:
    return "missing: 0 and a mark" if column.marked else ""


def _holes(column: Column, median: str) -> str:
    return f"missing: {median} and a mark" if column.missing else ""


def _row(column: Column) -> tuple[str, str, str, str]:
    return column.name, column.kind, str(len(column.inputs)), sees(column)


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
