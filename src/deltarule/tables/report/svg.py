"""Pictures as SVG in the text of a page: scales, axes and marks.

A picture is `WIDTH` units wide wherever it is shown; colours are the classes of the page's own
style (``ink``, ``quiet``, ``one`` … ``four``), so that light, dark and print have theirs. Every
text is escaped here: names of columns and classes come from tables.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

#: Units across; with these letters of 12 units are legible on a telephone.
WIDTH = 440


@dataclass(frozen=True)
class Scale:
    """From numbers to places on the picture.

    Parameters
    ----------
    low, high : float
        Numbers at the ends, ``low < high``.
    start, stop : float
        Where these stand; ``start > stop`` for an axis that goes up.
    """

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        """The place of a number; beyond the ends, that of the end."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)

    def free(self, value: float) -> float:
        """The place of a number, also beyond the ends."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)

    def ticks(self, most: int = 5) -> list[float]:
        """Round numbers between the ends."""
        return ticks(self.low, self.high, most)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers from `low` to `high`, about as many as asked for.

    Examples
    --------
    >>> ticks(0, 1), ticks(0, 30000, 4)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [0.0, 10000.0, 20000.0, 30000.0])
    """
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(part * power for part in (1, 2, 5, 10) if part * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{place * step:.12g}") for place in range(first, last + 1)]


def padded(values: Iterable[float], share: float = 0.05) -> tuple[float, float]:
    """The range of some numbers with room at its ends; never empty.

    Examples
    --------
    >>> padded([0.0, 10.0]), padded([3.0])
    ((-0.5, 10.5), (2.5, 3.5))
    """
    known = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(known), max(known)
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        half = abs(low) / 6 or 0.5
        return low - half, high + half
    room = share * (high - low)
    return low - room, high + room


def number(value: float) -> str:
    """A number at an axis: at most four digits, and no more than it needs.

    Examples
    --------
    >>> number(0.0), number(0.25), number(30000.0), number(1.5e7), number(-0.0001)
    ('0', '0.25', '30000', '1.5e7', '-0.0001')
    """
    if value != 0 and not 1e-4 <= abs(value) < 1e6:
        mantissa, power = f"{value:.3g}".split("e") if "e" in f"{value:.3g}" else (f"{value:g}", "")
        return f"{mantissa}e{int(power)}" if power else mantissa
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"


def cut(name: str, most: int) -> str:
    """A name of at most so many letters, with a sign where it is longer."""
    return name if len(name) <= most else name[: most - 1] + "…"


def place(value: float) -> str:
    """A coordinate, to a tenth."""
    return f"{value:.1f}".rstrip("0").rstrip(".")


def text(
    x: float, y: float, words: str, anchor: str = "start", kind: str = "", turned: bool = False
) -> str:
    """Words at a place; `anchor` is start, middle or end."""
    turn = f' transform="rotate(-90 {place(x)} {place(y)})"' if turned else ""
    name = f' class="{kind}"' if kind else ""
    at = f'x="{place(x)}" y="{place(y)}"'
    return f'<text {at} text-anchor="{anchor}"{name}{turn}>{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "rule") -> str:
    """A straight line."""
    ends = f'x1="{place(x1)}" y1="{place(y1)}" x2="{place(x2)}" y2="{place(y2)}"'
    return f'<line {ends} class="{kind}"/>'


def box(
    x: float, y: float, width: float, height: float, kind: str, title: str = "", share: float = 1.0
) -> str:
    """A filled rectangle; `title` is told when it is pointed at, `share` is its opacity."""
    size = f'x="{place(x)}" y="{place(y)}" width="{place(width)}" height="{place(height)}"'
    clear = "" if share >= 1 else f' fill-opacity="{share:.3f}"'
    inside = f"<title>{escape(title)}</title>" if title else ""
    return f'<rect {size} class="{kind}"{clear}>{inside}</rect>'


def dot(x: float, y: float, radius: float, kind: str, title: str = "") -> str:
    """A filled circle."""
    inside = f"<title>{escape(title)}</title>" if title else ""
    return (
        f'<circle cx="{place(x)}" cy="{place(y)}" r="{place(radius)}" class="{kind}">'
        f"{inside}</circle>"
    )


def path(points: Sequence[tuple[float, float]], kind: str) -> str:
    """A line through points."""
    told = " ".join(f"{place(x)},{place(y)}" for x, y in points)
    return f'<polyline points="{told}" class="{kind}"/>'


def whisker(low: float, high: float, at: float, across: bool, half: float = 4) -> str:
    """A bar of uncertainty between two places, with ends; `across` lies, else it stands."""
    if across:
        ends = line(low, at - half, low, at + half, "bar") + line(
            high, at - half, high, at + half, "bar"
        )
        return line(low, at, high, at, "bar") + ends
    ends = line(at - half, low, at + half, low, "bar") + line(
        at - half, high, at + half, high, "bar"
    )
    return line(at, low, at, high, "bar") + ends


def framed(x: Scale, y: Scale, parts: Iterable[str]) -> str:
    """Parts of which only what lies between the ends of the axes is shown."""
    left, top = min(x.start, x.stop), min(y.start, y.stop)
    size = place(abs(x.stop - x.start)), place(abs(y.stop - y.start))
    shape = f'x="{place(left)}" y="{place(top)}" width="{size[0]}" height="{size[1]}"'
    view = f'viewBox="{place(left)} {place(top)} {size[0]} {size[1]}"'
    return f"<svg {shape} {view}>{''.join(parts)}</svg>"


def axes(x: Scale, y: Scale, x_name: str, y_name: str) -> str:
    """Rules, ticks and names of two axes; the names stand outside of the ticks."""
    parts = []
    bottom, left = max(y.start, y.stop), min(x.start, x.stop)
    for value in y.ticks():
        parts.append(line(x.start, y(value), x.stop, y(value)))
        parts.append(text(left - 6, y(value) + 4, number(value), "end", "quiet"))
    for value in x.ticks():
        parts.append(line(x(value), bottom, x(value), bottom + 4, "axis"))
        parts.append(text(x(value), bottom + 18, number(value), "middle", "quiet"))
    parts.append(line(x.start, bottom, x.stop, bottom, "axis"))
    parts.append(text((x.start + x.stop) / 2, bottom + 36, x_name, "middle"))
    parts.append(text(14, (y.start + y.stop) / 2, y_name, "middle", turned=True))
    return "".join(parts)


def legend(entries: Sequence[tuple[str, str]], x: float, y: float) -> str:
    """Colours and what they stand for, side by side."""
    parts = []
    for kind, words in entries:
        parts.append(box(x, y - 9, 14, 9, kind))
        parts.append(text(x + 19, y, words, kind="quiet"))
        x += 34 + 6.6 * len(words)
    return "".join(parts)


def picture(parts: Iterable[str], height: float, title: str) -> str:
    """A picture of these parts, with a title for those who cannot see it."""
    size = f'viewBox="0 0 {WIDTH} {place(height)}"'
    return (
        f'<svg {size} role="img" xmlns="http://www.w3.org/2000/svg"><title>{escape(title)}</title>'
        f"{''.join(parts)}</svg>"
    )
