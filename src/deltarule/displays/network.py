"""The network drawn: layers, units, and weights by sign and size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from deltarule.definitions import Array, positive_integer
from deltarule.displays.canvas import GREY, NEGATIVE, POSITIVE, activations_of, axes_for
from deltarule.estimators.files import estimator_parameters
from deltarule.exceptions import InvalidShapeError
from deltarule.layers import Dense
from deltarule.network import Network, Parameters

#: Widest line, in points, and the share of the largest weight below which none is drawn.
WIDEST, THINNEST = 3.0, 0.02

#: Longest name beside a unit.
LONGEST = 20


class NetworkDisplay:
    """The units of each layer as circles, the weights between them as lines.

    A line is as wide as its weight is large, compared with the largest of the same layer; its
    colour is the sign. Of a wide layer the first and the last units are shown.

    Parameters
    ----------
    parameters : Parameters
        The network and its numbers.
    input_names, output_names : sequence of str, default=None
        Words beside the inputs and the outputs.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    edges_ : list of LineCollection
        The lines into each layer.
    units_ : list of array of int
        The numbers of the units that are shown, inputs first.

    Examples
    --------
    >>> import deltarule as dr
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True, as_frame=True)  # doctest: +SKIP
    >>> model = dr.MLPClassifier((16,), solver="lbfgs", random_state=0).fit(X, y)  # doctest: +SKIP
    >>> dr.displays.NetworkDisplay.from_estimator(model)  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        parameters: Parameters,
        input_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
    ) -> None:
        self.parameters = parameters
        network = parameters.network
        self.input_names = _names(input_names, network.n_inputs, "input_names")
        self.output_names = _names(output_names, network.n_outputs, "output_names")

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        ax: Any = None,
        max_units: int = 16,
        feature_names: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
    ) -> NetworkDisplay:
        """Draw the network of a fitted estimator.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor or MultiTaskMLP
        ax, max_units
            As for `plot`.
        feature_names : sequence of str, default=None
            Instead of the names that the columns had in `fit`.
        class_names : sequence of str, default=None
            Instead of ``classes_``, or of the heads and their classes; one for each output.

        Returns
        -------
        NetworkDisplay
        """
        parameters = estimator_parameters(estimator)
        if feature_names is None:
            feature_names = getattr(estimator, "feature_names_in_", None)
        if class_names is None:
            class_names = _classes(estimator, parameters.network.n_outputs)
        display = cls(parameters=parameters, input_names=feature_names, output_names=class_names)
        return display.plot(ax=ax, max_units=max_units)

    def plot(self, ax: Any = None, *, max_units: int = 16) -> NetworkDisplay:
        """Draw the network.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to; None makes a figure.
        max_units : int, default=16
            Units of a layer that are shown at most.

        Returns
        -------
        NetworkDisplay
            The display itself.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        most = positive_integer(max_units, "max_units")
        network = self.parameters.network
        self.units_ = [_shown(units, most) for units in network.units]
        tallest = max(map(len, self.units_))
        size = (max(4.8, 1.5 + 1.9 * len(self.units_)), max(2.6, 1.4 + 0.3 * tallest))
        self.ax_, self.figure_ = axes_for("NetworkDisplay", ax, size)
        places = [
            _heights(len(shown), units > len(shown))
            for shown, units in zip(self.units_, network.units, strict=True)
        ]
        self.edges_ = [
            self._draw_edges(index, places[index], places[index + 1])
            for index in range(len(network.layers))
        ]
        for column, heights in enumerate(places):
            self._draw_units(column, heights, network.units[column], 150 if tallest <= 10 else 70)
        lowest = min(float(heights.min()) for heights in places)
        self._write_heads(lowest)
        self._write_names(places)
        self._explain()
        self.ax_.set(xlim=(-0.12, len(network.layers) + 0.12), ylim=(lowest - 0.6, 0.6 - lowest))
        self.ax_.set_axis_off()
        return self

    def _draw_edges(self, layer: int, below: Array, above: Array) -> Any:
        from matplotlib.collections import LineCollection

        weight = self.parameters.weights[layer]
        shown = self.units_[layer + 1], self.units_[layer]
        if weight is None:  # a layer without weights passes each unit on to its like
            weight, largest = np.eye(len(shown[0]), len(shown[1])), 1.0
        else:
            largest = float(np.abs(weight).max()) or 1.0
            weight = np.asarray(weight)[np.ix_(*shown)]
        sizes = np.abs(weight) / largest
        kept = np.argwhere(sizes >= THINNEST)
        # The strong ones last, on top.
        kept = kept[np.argsort(sizes[tuple(kept.T)], kind="stable")]
        lines = [[(layer, below[j]), (layer + 1, above[i])] for i, j in kept]
        size = sizes[tuple(kept.T)]
        signs = weight[tuple(kept.T)] > 0
        edges = LineCollection(
            lines,
            colors=[POSITIVE if sign else NEGATIVE for sign in signs],
            linewidths=WIDEST * size,
            alpha=0.25 + 0.75 * size if len(size) else None,
            zorder=1,
        )
        self.ax_.add_collection(edges)
        return edges

    def _draw_units(self, column: int, heights: Array, units: int, size: float) -> None:
        self.ax_.scatter(
            np.full(len(heights), column),
            heights,
            s=size,
            facecolor="white",
            edgecolor="black",
            linewidth=1.2,
            zorder=3,
        )
        if units > len(heights):
            gap = len(heights) - len(heights) // 2
            middle = heights[-1] + 1.0 if len(heights) == 1 else heights[gap - 1 : gap + 1].mean()
            self.ax_.text(
                column, middle, "⋮", ha="center", va="center", zorder=4, fontsize="large",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
            )  # fmt: skip

    def _write_heads(self, lowest: float) -> None:
        network = self.parameters.network
        words = ["inputs", *(_said(network, index) for index in range(len(network.layers)))]
        for column, (word, units) in enumerate(zip(words, network.units, strict=True)):
            self.ax_.annotate(
                f"{units}\n{word}", (column, lowest), (0, -16), textcoords="offset points",
                ha="center", va="top", color=GREY, fontsize="small", linespacing=1.3,
            )  # fmt: skip

    def _write_names(self, places: list[Array]) -> None:
        last = len(places) - 1
        small = "small" if max(len(places[0]), len(places[-1])) <= 16 else "x-small"
        for column, names, side in ((0, self.input_names, -1), (last, self.output_names, 1)):
            if names is None:
                continue
            for unit, height in zip(self.units_[column], places[column], strict=True):
                self.ax_.annotate(
                    _short(names[unit]), (column, height), (9 * side, 0),
                    textcoords="offset points", va="center", fontsize=small,
                    ha="right" if side < 0 else "left",
                )  # fmt: skip

    def _explain(self) -> None:
        from matplotlib.lines import Line2D

        handles = [
            Line2D([], [], color=POSITIVE, linewidth=2.5, label="positive weight"),
            Line2D([], [], color=NEGATIVE, linewidth=2.5, label="negative weight"),
        ]
        self.ax_.legend(
            handles=handles,
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=2,
            frameon=False,
            fontsize="small",
        )


def _classes(estimator: Any, outputs: int) -> list[str] | None:
    """A word for each output; of a single output, the class that it speaks for."""
    if hasattr(estimator, "heads_"):
        return [name for head in estimator.heads_ for name in _of_head(head)]
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        return None
    names = [str(name) for name in classes]
    if len(names) == outputs:
        return names
    return names[-1:] if outputs == 1 else None


def _of_head(head: Any) -> list[str]:
    """A word for each output of a head of several."""
    if head.classes is None:
        return [str(head.name)]
    start, stop = head.columns
    return [f"{head.name}: {name}" for name in head.classes[start - stop :]]


def _names(given: Sequence[str] | None, count: int, what: str) -> list[str] | None:
    if given is None:
        return None
    names = [str(name) for name in given]
    if len(names) != count:
        raise InvalidShapeError(
            f"{what} must hold {count} names, one for each (got {len(names)}). Give them all, or "
            "none."
        )
    return names


def _shown(units: int, most: int) -> Array:
    """Numbers of the units that are shown: all, or the first and the last."""
    if units <= most:
        return np.arange(units)
    first = most - most // 2
    return np.concatenate([np.arange(first), np.arange(units - (most - first), units)])


def _heights(count: int, broken: bool) -> Array:
    """Places of units from the top down, around 0; a gap for those that are left out."""
    heights = -np.arange(count, dtype=np.float64)
    if broken:
        heights[count - count // 2 :] -= 1.0
    centred: Array = heights - 0.5 * (heights[0] + heights[-1])
    return centred


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def _said(network: Network, index: int) -> str:
    """What stands under a layer: its activation, of one without weights its kind too."""
    layer = network.layers[index]
    if isinstance(layer, Dense):
        return activations_of(network, index).replace(", ", "\n")
    kind = layer.name.replace("_", "\n")
    return kind if layer.bends.name == "identity" else f"{kind}\n{layer.bends.name}"
