"""The pictures of a report, each a function from plain numbers to SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from deltarule.definitions import Array
from deltarule.tables.report import svg
from deltarule.tables.report.findings import Bin, Curve, Importance, Score
from deltarule.tables.report.svg import Scale, number

LEFT, RIGHT, TOP = 58, 12, 12
#: Points of a cloud; more of them are only a darker cloud and a larger page.
MOST_POINTS = 1500
MOST_SHOWN = 20


def scores(found: Sequence[Score], name: str) -> str:
    """A bar for each score, with its spread."""
    ends = [0.0, *(one.value for one in found)]
    ends += [one.value + (one.spread or 0.0) for one in found]
    known = [end for end in ends if math.isfinite(end)]
    x = Scale(min(known), max(max(known), 1.0), 4, svg.WIDTH - 116)
    parts, row = [], 46
    for place, one in enumerate(found):
        top = 4 + row * place
        told = "not defined" if not math.isfinite(one.value) else f"{one.value:.4f}"
        off = "" if not one.spread else f" ± {one.spread:.4f}"
        parts.append(svg.line(x(0.0), top + 17, x(0.0), top + 39, "axis"))
        parts.append(svg.text(4, top + 13, svg.cut(one.who, 44), kind="strong" * (place == 0)))
        if math.isfinite(one.value):
            low, high = sorted((x(0.0), x(one.value)))
            kind = "one" if place == 0 else "other"
            parts.append(svg.box(low, top + 20, high - low, 16, kind))
        if one.spread:
            around = x(one.value - one.spread), x(one.value + one.spread)
            parts.append(svg.whisker(*around, top + 28, across=True))
        parts.append(svg.text(svg.WIDTH, top + 33, told + off, "end", "figures"))
    bottom = 4 + row * len(found)
    return svg.picture(parts, bottom, f"{name} of the model beside that of others")


def curves(found: Sequence[Curve]) -> str:
    """Training loss, and that of held rows, of every network over the epochs."""
    seen = [value for one in found for value in (*one.training[1:], *one.held[1:])]
    seen = seen or [value for one in found for value in one.training]
    known = np.array([value for value in seen if math.isfinite(value)] or [0.0])
    top = float(np.quantile(known, 0.99))
    low, high = svg.padded([float(known.min()), top])
    epochs = max(max(len(one.training) for one in found), 2)
    x, y = Scale(1, epochs, LEFT, svg.WIDTH - RIGHT), Scale(low, high, 236, 30)
    parts = [svg.axes(x, y, "epoch", "loss")]
    faint = "" if len(found) == 1 else " thin"
    lines = []
    for one in found:
        for values, kind in ((one.training, "one"), (one.held, "two")):
            points = [(x(i + 1), y.free(v)) for i, v in enumerate(values) if math.isfinite(v)]
            lines.append(svg.path(points, f"curve {kind}{faint}"))
    parts.append(svg.framed(x, y, lines))
    for one in found:
        if one.kept is not None and one.held:
            where = x(one.kept + 1), y(one.held[one.kept])
            parts.append(svg.dot(*where, 4, "two", f"epoch {one.kept + 1} is kept"))
    names = [("one", "training rows")]
    if any(one.held for one in found):
        names.append(("two", "held rows, kept epoch"))
    parts.append(svg.legend(names, LEFT, 16))
    return svg.picture(parts, 278, "loss over the epochs")


def confusion(labels: Sequence[str], counts: Array) -> str:
    """How often each class was taken for each, a grid coloured by the share of its row."""
    count = len(labels)
    left = 34 + 7 * min(max(len(label) for label in labels), 10)
    size = min((svg.WIDTH - left - 6) / count, 64)
    names = [svg.cut(label, 10) for label in labels]
    right = left + size * count
    fits = max(1, int(size / 7))
    parts = [svg.text((left + right) / 2, 14, "predicted", "middle")]
    for j, name in enumerate(names):
        parts.append(svg.text(left + size * (j + 0.5), 32, svg.cut(name, fits), "middle", "quiet"))
    for i, name in enumerate(names):
        middle = 38 + size * (i + 0.5)
        parts.append(svg.text(left - 6, middle + 4, name, "end", "quiet"))
        total = max(int(counts[i].sum()), 1)
        for j in range(count):
            share, corner = counts[i, j] / total, (left + size * j, 38 + size * i)
            told = f"{labels[i]} taken for {labels[j]}: {counts[i, j]} rows"
            kind = "cell one" if i == j else "cell two"
            parts.append(svg.box(*corner, size, size, kind, told, 0.04 + 0.56 * float(share)))
            if counts[i, j]:
                digits = str(counts[i, j])
                small = "tiny" if len(digits) * 7.5 > size else ""
                at = left + size * (j + 0.5)
                parts.append(svg.text(at, middle + 4, digits, "middle", small))
    parts.append(svg.text(14, 38 + size * count / 2, "actual", "middle", turned=True))
    return svg.picture(parts, 44 + size * count, "confusion matrix")


def bars(rows: Sequence[tuple[str, float, float | None]], title: str, kind: str = "one") -> str:
    """A bar for each row, name above it, with its spread."""
    ends = [0.0]
    for _, value, spread in rows:
        ends += [value, value + (spread or 0.0), min(value - (spread or 0.0), 0.0)]
    high = max(max(ends), 1e-12)
    x = Scale(min(ends), high, 150, svg.WIDTH - 60)
    parts, row = [], 24
    for place, (name, value, spread) in enumerate(rows):
        middle = 14 + row * place
        low, top = sorted((x(0.0), x(value)))
        parts.append(svg.text(142, middle + 4, svg.cut(name, 21), "end"))
        parts.append(svg.box(low, middle - 7, max(top - low, 0.5), 14, kind, name))
        if spread:
            parts.append(svg.whisker(x(value - spread), x(value + spread), middle, across=True))
        parts.append(svg.text(svg.WIDTH, middle + 4, number(float(f"{value:.3g}")), "end", "quiet"))
    bottom = 4 + row * len(rows)
    parts.append(svg.line(x(0.0), 4, x(0.0), bottom, "axis"))
    return svg.picture(parts, bottom + 4, title)


def importance(found: Sequence[Importance]) -> str:
    """The columns that matter most, by what the score loses without them."""
    rows = [(one.column, one.loss, one.spread) for one in found[:MOST_SHOWN]]
    return bars(rows, "what the score loses when a column is shuffled")


def reliability(bins: Sequence[Bin], said: str, found: str) -> str:
    """Shares as they were predicted against those that were found, above how many rows there are.

    A point on the diagonal is as often right as it says; the bars around it are two standard
    deviations of a share of so many rows.
    """
    x, y = Scale(0, 1, LEFT, svg.WIDTH - RIGHT), Scale(0, 1, 266, TOP)
    parts = [svg.axes(x, y, said, found)]
    parts.append(svg.line(x(0), y(0), x(1), y(1), "ideal"))
    for one in bins:
        error = 2 * math.sqrt(max(one.found * (1 - one.found), 0.25 / one.rows) / one.rows)
        told = f"{one.rows} rows: {one.said:.3f} said, {one.found:.3f} found"
        parts.append(
            svg.whisker(y(one.found - error), y(one.found + error), x(one.said), across=False)
        )
        parts.append(svg.dot(x(one.said), y(one.found), 4, "one", told))
    parts += _counts(bins, x, 322, 40)
    return svg.picture(parts, 396, "reliability of the probabilities")


def _counts(bins: Sequence[Bin], x: Scale, top: float, height: float) -> list[str]:
    """How many rows stand behind each point, as small bars."""
    most = max(one.rows for one in bins)
    parts = [svg.line(x.start, top + height, x.stop, top + height, "axis")]
    for one in bins:
        tall = height * one.rows / most
        left, right = x(one.low), x(one.high)
        wide = max(right - left - 2, 2)
        parts.append(
            svg.box(left + 1, top + height - tall, wide, tall, "other", f"{one.rows} rows")
        )
        middle = (left + right) / 2
        parts.append(svg.text(middle, top + height + 15, str(one.rows), "middle", "tiny"))
    parts.append(svg.text((x.start + x.stop) / 2, top + height + 31, "rows", "middle"))
    return parts


def tenths(bins: Sequence[Bin], name: str) -> str:
    """Means of predictions against those of what was found, a point for each tenth of the rows."""
    ends = svg.padded([end for one in bins for end in (one.said, one.found)])
    x, y = Scale(*ends, LEFT + 8, svg.WIDTH - RIGHT), Scale(*ends, 266, TOP)
    parts = [svg.axes(x, y, f"mean prediction of {name}", "mean found")]
    parts.append(svg.line(x(ends[0]), y(ends[0]), x(ends[1]), y(ends[1]), "ideal"))
    for one in bins:
        around = y(one.found - 2 * one.error), y(one.found + 2 * one.error)
        parts.append(svg.whisker(*around, x(one.said), across=False))
        told = f"{one.rows} rows: {one.said:.5g} said, {one.found:.5g} found"
        parts.append(svg.dot(x(one.said), y(one.found), 4, "one", told))
    return svg.picture(parts, 308, f"predictions of {name} by tenths")


def cloud(actual: Array, predicted: Array, name: str) -> str:
    """A point for each row, predicted against actual."""
    some = np.linspace(0, len(actual) - 1, min(len(actual), MOST_POINTS)).astype(int)
    ends = svg.padded([*map(float, actual[some]), *map(float, predicted[some])])
    x, y = Scale(*ends, LEFT + 8, svg.WIDTH - RIGHT), Scale(*ends, 290, TOP)
    parts = [svg.axes(x, y, f"actual {name}", "predicted")]
    kind = "point" if len(some) > 200 else "point few"
    for one in some:
        parts.append(svg.dot(x(float(actual[one])), y(float(predicted[one])), 2.5, kind))
    parts.append(svg.line(x(ends[0]), y(ends[0]), x(ends[1]), y(ends[1]), "ideal"))
    return svg.picture(parts, 332, f"predicted against actual {name}")


def histogram(residuals: Array, name: str, pieces: int = 25) -> str:
    """How often each residual, actual minus predicted, was found."""
    low, high = (
        np.quantile(residuals, [0.005, 0.995])
        if len(residuals) > 200
        else (
            residuals.min(),
            residuals.max(),
        )
    )
    low, high = svg.padded([float(low), float(high)], 0.0)
    counts, edges = np.histogram(np.clip(residuals, low, high), pieces, (low, high))
    x = Scale(low, high, LEFT, svg.WIDTH - RIGHT)
    y = Scale(0, float(counts.max()) * 1.05, 206, TOP)
    parts = [svg.axes(x, y, f"actual − predicted {name}", "rows")]
    for count, left, right in zip(counts.tolist(), edges[:-1], edges[1:], strict=True):
        told = f"{count} rows from {left:.4g} to {right:.4g}"
        corner, size = (x(left) + 0.5, y(count)), (x(right) - x(left) - 1, y(0) - y(count))
        parts.append(svg.box(*corner, *size, "one", told))
    if low < 0 < high:
        parts.append(svg.line(x(0), TOP, x(0), 206, "ideal"))
    return svg.picture(parts, 248, f"residuals of {name}")
