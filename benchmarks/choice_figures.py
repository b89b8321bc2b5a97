"""The figures of docs/how-to-choose.md as SVG.

A study without an axis is a panel for each data set with a row for each choice: colour and shape
say how it compares with the base. A study with an axis is a line for each choice with a band of one
standard deviation. Colours are Okabe and Ito's, the ground is white on light and dark pages.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from charts import DOCS
from choice_points import Point, by_choice, verdict
from choice_studies import STUDIES

#: figure → studies, side by side.
FIGURES: dict[str, tuple[str, ...]] = {
    name: (name,)
    for name in (
        "begin", "inputs", "activation", "depth", "loss", "optimiser", "schedule", "batch",
        "normalization", "penalty", "regularisers", "smoothing", "early", "clipping", "averaging",
        "layers",
    )
} | {"minima": ("minima", "restarts")}  # fmt: skip
LINES = (
    ("#0072B2", "o", "-"),
    ("#D55E00", "s", "--"),
    ("#009E73", "^", "-."),
    ("#CC79A7", "D", ":"),
)
BLACK = "#000000"
GREY = "#595959"
#: verdict → colour, marker, fill, words.
VERDICTS: dict[int | None, tuple[str, str, str, str]] = {
    None: ("#0072B2", "o", "#0072B2", "the base"),
    -1: ("#009E73", "^", "#009E73", "better in at least 9 of 10 splits"),
    1: ("#D55E00", "s", "#D55E00", "worse in at least 9 of 10 splits"),
    0: (GREY, "o", "white", "no difference beyond the spread"),
}
SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "deltarule", "font.size": 10,
            "font.family": ["DejaVu Sans", "sans-serif"]}  # fmt: skip
MEASURES = {
    "error": "held-out error, %",
    "log_loss": "held-out log loss",
    "objectives": "final objective",
}


def path(name: str) -> Path:
    """Where a figure lies."""
    return DOCS / f"choose-{name}.svg"


def draw(name: str, studies: dict[str, list[Point]], source: str) -> Path:
    """One figure."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    first = next(iter(studies))
    with plt.rc_context(SETTINGS):
        if name == "minima":
            figure = _two_halves(plt, studies, STUDIES)
        elif STUDIES[first].axis is None:
            figure = _strips(plt, studies[first], STUDIES[first])
        else:
            figure = _curves(plt, studies[first], STUDIES[first])
        metadata = {"Date": None, "Source": source, "Creator": None}
        figure.savefig(path(name), metadata=metadata)
        plt.close(figure)
    return path(name)


def _tidy(axes: Any, which: str = "both") -> None:
    axes.grid(True, axis=which, color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _strips(plt: Any, points: list[Point], study: Any) -> Any:
    """A panel for each data set, a row for each choice."""
    choices = by_choice(points)
    base = next(iter(choices))
    names = list(choices)
    height = 2 * (0.24 * len(names) + 0.62) + 0.6
    figure, grid = plt.subplots(
        2, 3, figsize=(8.6, height), facecolor="white", layout="constrained", sharey=True
    )
    for axes, data in zip(grid.flat, study.data, strict=True):
        for row, name in enumerate(names):
            if data not in choices[name]:
                axes.text(0.02, row, "not for numbers", color=GREY, fontsize=8, va="center",
                          transform=axes.get_yaxis_transform())  # fmt: skip
                continue
            values = choices[name][data]
            found = None if name == base else verdict(values, choices[base][data])
            colour, marker, fill, _ = VERDICTS[found]
            axes.errorbar(
                statistics.fmean(values), row, xerr=statistics.pstdev(values), color=colour,
                marker=marker, markerfacecolor=fill, markersize=6, capsize=3, linewidth=1.4,
            )  # fmt: skip
        axes.axvline(
            statistics.fmean(choices[base][data]), color="#0072B2", linewidth=0.8, alpha=0.5
        )
        axes.set_title(data, loc="left", fontsize=10)
        axes.set_xlim(left=0)
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.4, -0.6)
        _tidy(axes, "x")
    title = f"{study.title}: {MEASURES[study.measure]}"
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    _legend(plt, figure, [VERDICTS[found] for found in (None, -1, 1, 0)])
    return figure


def _legend(plt: Any, figure: Any, entries: list[tuple[str, str, str, str]]) -> None:
    handles = [
        plt.Line2D([], [], color=c, marker=m, markerfacecolor=f, linestyle="none", label=words)
        for c, m, f, words in entries
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=2, frameon=False, fontsize=9)


def _curves(plt: Any, points: list[Point], study: Any) -> Any:
    """A panel for each data set, a line for each choice."""
    figure, grid = plt.subplots(
        1, len(study.data), figsize=(8.6, 3.9), facecolor="white", layout="constrained",
        squeeze=False,
    )  # fmt: skip
    for axes, data in zip(grid.flat, study.data, strict=True):
        _lines(axes, [point for point in points if point["data"] == data], study)
        axes.set_title(data, loc="left", fontsize=10)
    grid.flat[0].set_ylabel(MEASURES[study.measure])
    figure.suptitle(study.title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=5, frameon=False, fontsize=9,
                  handlelength=3)  # fmt: skip
    return figure


def _lines(axes: Any, points: list[Point], study: Any) -> None:
    """The lines of one panel; where they lie far apart the axis of errors is logarithmic."""
    styles = iter(LINES)
    means, lowest = [], []
    places = sorted({point["at"] for point in points if point["at"] is not None})
    even = study.scale == "even"
    for choice in dict.fromkeys(point["choice"] for point in points):
        along = [point for point in points if point["choice"] == choice]
        mean = [statistics.fmean(point["values"]) for point in along]
        spread = [statistics.pstdev(point["values"]) for point in along]
        means += mean
        low = [max(m - s, 0.5 * m) for m, s in zip(mean, spread, strict=True)]
        lowest += low
        if along[0]["at"] is None:
            axes.axhline(mean[0], color=BLACK, linewidth=1.2, linestyle=(0, (1, 1)), label=choice)
            continue
        colour, marker, line = next(styles)
        at = [places.index(p["at"]) if even else p["at"] for p in along]
        axes.plot(at, mean, color=colour, marker=marker, linestyle=line, linewidth=1.8,
                  markersize=5, label=choice)  # fmt: skip
        high = [m + s for m, s in zip(mean, spread, strict=True)]
        axes.fill_between(at, low, high, color=colour, alpha=0.13, linewidth=0)
    if study.scale == "log":
        axes.set_xscale("log")
    if max(means) > 6 * min(means):
        _log_errors(axes, min(lowest), max(means))
    else:
        axes.set_ylim(bottom=0)
    shown = places
    if len(places) > 6 and not all(isinstance(place, int) for place in places):
        shown = [place for place in places if f"{place:e}".startswith("1.0")]
    ticks = range(len(places)) if even else shown
    axes.set_xticks(ticks, [f"{place:g}" for place in shown])
    axes.xaxis.minorticks_off()
    axes.set_xlabel(study.axis)
    _tidy(axes)


def _log_errors(axes: Any, low: float, high: float) -> None:
    """A logarithmic axis with numbers that can be read."""
    axes.set_yscale("log")
    axes.set_ylim(0.9 * low, min(1.25 * high, 115.0))
    ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50, 100) if low <= t <= 1.25 * high]
    axes.set_yticks(ticks, [f"{t:g}" for t in ticks])
    axes.yaxis.minorticks_off()


def _two_halves(plt: Any, studies: dict[str, list[Point]], described: Any) -> Any:
    """Where starts end on the left, what the best of several is worth on the right."""
    import numpy as np

    figure, (left, right) = plt.subplots(
        1, 2, figsize=(8.6, 3.9), facecolor="white", layout="constrained"
    )
    apart = np.random.default_rng(0)
    places = [point["at"] for point in studies["minima"]]
    for place, point in enumerate(studies["minima"]):
        ends = point["values"][0]
        left.scatter(place + apart.uniform(-0.25, 0.25, len(ends)), ends, s=16, color="#0072B2",
                     alpha=0.55, linewidth=0)  # fmt: skip
        left.plot([place - 0.35, place + 0.35], [min(ends)] * 2, color="#D55E00", linewidth=1.8)
    left.set_xticks(range(len(places)), [str(place) for place in places])
    left.set_ylim(bottom=0)
    left.set_xlabel(described["minima"].axis)
    left.set_ylabel(MEASURES["objectives"])
    left.set_title("20 starts on one split, a dot each; bar: the lowest", loc="left", fontsize=10)
    _tidy(left, "y")
    _lines(right, studies["restarts"], described["restarts"])
    right.set_ylabel(MEASURES["error"])
    right.set_title("one start, and the best of ten", loc="left", fontsize=10)
    right.legend(frameon=False, fontsize=9, loc="lower right")
    figure.suptitle("Starts on moons, tanh, lbfgs", x=0.01, ha="left", fontsize=11,
                    fontweight="bold")  # fmt: skip
    return figure
