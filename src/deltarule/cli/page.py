"""Text for people: headings, sentences and tables that appear row by row.

Every line is flushed as it is written, so that someone who waits sees the work go on. Widths are
counted as a terminal shows them: a combining mark, like the hat of d̂, takes no room.
"""

from __future__ import annotations

import io
import sys
import textwrap
import time
import unicodedata
from typing import TextIO

WIDTH = 96


def shown_width(text: str) -> int:
    """Columns that `text` takes on a terminal."""
    return sum(not unicodedata.combining(mark) for mark in text)


def pad(text: str, width: int) -> str:
    """`text` filled with spaces to `width` columns, on the left where `width` is positive.

    Examples
    --------
    >>> pad("d̂", 3), pad("d", -3)
    ('  d̂', 'd  ')
    """
    room = " " * max(abs(width) - shown_width(text), 0)
    return room + text if width > 0 else text + room


class Page:
    """A stream that is written line by line.

    Parameters
    ----------
    stream : TextIO, optional
        Standard output where left out; characters that it cannot encode become ``?`` there.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = sys.stdout if stream is None else stream
        if stream is None and isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")
        self._parts = 0
        self._began = time.perf_counter()

    def line(self, text: str = "") -> None:
        """One line, shown at once."""
        self.stream.write(text.rstrip() + "\n")
        self.stream.flush()

    def title(self, text: str) -> None:
        """The page's title between two rules."""
        self.line("═" * WIDTH)
        self.line(f"  {text}")
        self.line("═" * WIDTH)

    def part(self, title: str, says: str) -> None:
        """The next numbered part: its heading, and one sentence that the notes say."""
        self._parts += 1
        self.line()
        self.line(f"── {self._parts}  {title} ".ljust(WIDTH, "─"))
        self.says(f"The notes: {says}")
        self.line()

    def says(self, text: str) -> None:
        """A sentence, wrapped and set in by three spaces."""
        for line in textwrap.wrap(text, WIDTH - 3):
            self.line(f"   {line}")

    def seconds(self) -> float:
        """Seconds since the page was begun."""
        return time.perf_counter() - self._began


class Table:
    """A table whose head is written at once and whose rows follow one by one.

    Parameters
    ----------
    page : Page
    *heads : str
        Heading of each column, as wide as the column; one that ends in a space sets its column
        to the left.
    """

    def __init__(self, page: Page, *heads: str) -> None:
        self.page = page
        self.widths = [shown_width(head) * (-1 if head.endswith(" ") else 1) for head in heads]
        self.row(*heads)
        page.line("   " + "  ".join("─" * abs(width) for width in self.widths))

    def row(self, *cells: str) -> None:
        """One row of ready texts."""
        padded = (pad(cell, width) for cell, width in zip(cells, self.widths, strict=True))
        self.page.line("   " + "  ".join(padded))
