"""Charts of speed over width and over batch, one line a side, as SVG in docs.

Both axes are logarithmic, so equal ratios are equal distances; more is better. Colours are Okabe
and Ito's (https://jfly.uni-koeln.de/color/), which people with any colour vision tell apart, and
every line has a marker and its name at its end.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sides import SIDES

DOCS = Path(__file__).parent.parent / "docs"
STYLES = {
    "train": ("#0072B2", "o", "-"),
    "jax": ("#D55E00", "s", "-"),
    "torch": ("#009E73", "^", "--"),
    "sklearn": ("#CC79A7", "D", ":"),
}
AXES = {
    "width": ("units of both hidden layers", "64-w-w-10 relu, Adam, float32, batch 32, one core"),
    "batch": ("rows of a batch", "64-64-64-10 relu, Adam, float32, one core"),
}


def draw(result: dict[str, Any], source: str) -> list[Path]:
    """Draw both charts from the points of `scaling`; none where they were not measured."""
    points = result.get("scaling")
    if not points:
        return []
    return [
        chart([p for p in points if p["axis"] == axis], axis, source)
        for axis in AXES
        if any(p["axis"] == axis for p in points)
    ]


def speeds(points: list[dict[str, Any]], side: str) -> tuple[list[int], list[float]]:
    """Where the side was measured, and how many rows a second it trained there."""
    at, rows = [], []
    for point in points:
        entry = point["sides"].get(side, {}).get("1", {})
        if "value" in entry:
            at.append(point["at"])
            rows.append(point["spec"]["batch"] / (entry["value"] * 1e-6))
    return at, rows


def chart(points: list[dict[str, Any]], axis: str, source: str) -> Path:
    """One chart."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    settings = {"svg.fonttype": "none", "svg.hashsalt": "deltarule", "font.size": 11,
                "font.family": ["DejaVu Sans", "sans-serif"]}  # fmt: skip
    with plt.rc_context(settings):
        figure, axes = plt.subplots(figsize=(8.0, 4.8), facecolor="white", layout="constrained")
        ends = []
        for side, (colour, marker, line) in STYLES.items():
            at, rows = speeds(points, side)
            if at:
                axes.plot(at, rows, color=colour, marker=marker, linestyle=line, linewidth=2)
                ends.append((rows[-1], at[-1], SIDES[side].title, colour))
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        name_lines(axes, ends)
        ticks = sorted({point["at"] for point in points})
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.minorticks_off()
        label, title = AXES[axis]
        axes.set_xlabel(label)
        axes.set_ylabel("rows trained a second")
        axes.set_title(title, loc="left", fontsize=11)
        axes.grid(True, color="#dddddd", linewidth=0.7)
        axes.spines[["top", "right"]].set_visible(False)
        path = DOCS / f"speed-over-{axis}.svg"
        metadata = {"Date": None, "Source": f"benchmarks/results/{source}", "Creator": None}
        figure.savefig(path, metadata=metadata)
        plt.close(figure)
    return path


def name_lines(axes: Any, ends: list[tuple[float, int, str, str]]) -> None:
    """Write each side's name behind its last point, names at least a line apart."""
    low, high = axes.get_ylim()
    apart = (high / low) ** 0.055
    heights: list[float] = []
    for rows, *_ in sorted(ends):
        heights.append(max(rows, heights[-1] * apart) if heights else rows)
    # Names that had to move up are moved down by half of it, so that they stand around their lines.
    shift = max((h / rows for h, (rows, *_) in zip(heights, sorted(ends), strict=True)), default=1)
    for height, (_, at, title, colour) in zip(heights, sorted(ends), strict=True):
        height /= shift**0.5
        axes.annotate(
            title, (at, height), xytext=(9, 0), textcoords="offset points",
            color=colour, va="center", fontweight="bold", annotation_clip=False,
        )  # fmt: skip
