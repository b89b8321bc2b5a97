"""Histograms, one for each layer: of its weights, or of what it gives for rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np

from deltarule import backprop
from deltarule.definitions import Array, one_of
from deltarule.displays.canvas import COLOURS, GREY, activations_of, pyplot
from deltarule.estimators import checks
from deltarule.estimators.files import estimator_parameters
from deltarule.exceptions import InvalidParameterError
from deltarule.network import Network

#: Bars of a histogram.
BARS = 40


class LayerHistograms:
    """Base of the displays with a histogram for each layer.

    Parameters
    ----------
    values : sequence of arrays
        The numbers of each layer, of any shape.
    titles : sequence of str
        A title for each.

    Attributes
    ----------
    axes_ : array of matplotlib Axes of shape (layers,)
    figure_ : matplotlib Figure
    bars_ : list of BarContainer
        One for each layer.
    """

    xlabel: ClassVar[str] = "value"
    colour: ClassVar[str] = COLOURS[0]

    def __init__(self, *, values: Sequence[Any], titles: Sequence[str]) -> None:
        self.values = [np.asarray(numbers, dtype=np.float64).ravel() for numbers in values]
        self.titles = list(titles)
        if not self.values or len(self.values) != len(self.titles):
            raise InvalidParameterError(
                f"values and titles must hold one entry per layer, at least one (got "
                f"{len(self.values)} and {len(self.titles)}). Give a title for each layer."
            )

    def plot(self, ax: Any = None, *, bins: Any = BARS, **bar_options: Any) -> Self:
        """Draw the histograms, one below the other.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of them, default=None
            One for each layer; None makes a figure.
        bins : int or sequence, default=40
            As for `matplotlib.axes.Axes.hist`.
        **bar_options
            For the bars: ``color``, ``alpha`` and the like.

        Returns
        -------
        The display itself.

        Raises
        ------
        InvalidParameterError
            If the number of axes is not that of the layers.
        ImportError
            If matplotlib is not installed.
        """
        plt = pyplot(type(self).__name__)
        count = len(self.values)
        if ax is None:
            size = (6.4, 1.0 + 1.6 * count)
            _, ax = plt.subplots(count, figsize=size, layout="constrained", squeeze=False)
        self.axes_ = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
        if len(self.axes_) != count:
            raise InvalidParameterError(
                f"ax must hold one axes per layer, {count} (got {len(self.axes_)}). Make them "
                f"with plt.subplots({count}), or leave ax out."
            )
        self.figure_ = self.axes_[0].figure
        options = {"color": self.colour, "edgecolor": "white", "linewidth": 0.3, **bar_options}
        self.bars_ = []
        for axes, numbers, title in zip(self.axes_, self.values, self.titles, strict=True):
            finite = numbers[np.isfinite(numbers)]
            # Shares, not counts: layers differ in size by orders of magnitude.
            share = np.full(len(finite), 100.0 / max(len(numbers), 1))
            self.bars_.append(axes.hist(finite, bins=bins, weights=share, **options)[2])
            axes.axvline(0.0, color=GREY, linewidth=0.8)
            axes.set_title(title, loc="left", fontsize="medium")
            if len(finite):
                said = f"mean {finite.mean():.2g}, deviation {finite.std():.2g}"
                axes.set_title(said, loc="right", fontsize="small", color=GREY)
            axes.set_ylabel("% of all")
            axes.spines[["top", "right"]].set_visible(False)
        self.axes_[-1].set_xlabel(self.xlabel)
        return self


class WeightsDisplay(LayerHistograms):
    """A histogram of the weights of each layer, without biases.

    Parameters
    ----------
    values : sequence of arrays
        The weights of each layer.
    titles : sequence of str

    Attributes
    ----------
    axes_, figure_, bars_
        As for all displays of layers: the axes and the bars of each layer.

    Examples
    --------
    >>> import deltarule as dr
    >>> model = dr.MLPClassifier((3,), solver="lbfgs", random_state=0).fit([[0.0], [1.0]], [0, 1])
    >>> dr.displays.WeightsDisplay.from_estimator(model)  # doctest: +SKIP
    """

    xlabel = "weight"

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, ax: Any = None, bins: Any = BARS, **bar_options: Any
    ) -> Self:
        """Draw the weights of a fitted estimator.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor or MultiTaskMLP
        ax, bins, **bar_options
            As for `plot`.

        Returns
        -------
        WeightsDisplay
        """
        parameters = estimator_parameters(estimator)
        network = parameters.network
        found = [network.layers[index] for index in network.weighted]
        titles = [f"layer {i}: {layer.inputs} → {layer.units}" for i, layer in enumerate(found)]
        values = [parameters.weights[index] for index in network.weighted]
        display = cls(values=values, titles=titles)
        return display.plot(ax=ax, bins=bins, **bar_options)


class ActivationsDisplay(LayerHistograms):
    """A histogram of what each layer gives for rows, or of its pre-activations.

    Parameters
    ----------
    values : sequence of arrays
        a or z of each layer.
    titles : sequence of str

    Attributes
    ----------
    axes_, figure_, bars_
        As for all displays of layers: the axes and the bars of each layer.

    Examples
    --------
    >>> import deltarule as dr
    >>> X, y = [[0.0], [1.0]], [0, 1]
    >>> model = dr.MLPClassifier((3,), solver="lbfgs", random_state=0).fit(X, y)
    >>> dr.displays.ActivationsDisplay.from_estimator(model, X)  # doctest: +SKIP
    """

    xlabel = "output a of a unit"
    colour = COLOURS[2]

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        of: str = "outputs",
        ax: Any = None,
        bins: Any = BARS,
        **bar_options: Any,
    ) -> Self:
        """Draw what the layers of a fitted estimator give.

        Parameters
        ----------
        estimator : MLPClassifier, MLPRegressor or MultiTaskMLP
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with the features of `fit`.
        of : {"outputs", "pre_activations"}, default="outputs"
            a^l, behind the activation, or z^l before it.
        ax, bins, **bar_options
            As for `plot`.

        Returns
        -------
        ActivationsDisplay
        """
        one_of(of, "of", ("outputs", "pre_activations"))
        passed = _passed(estimator, X)
        before = of == "pre_activations"
        values = passed.pre_activations if before else passed.outputs[1:]
        network = estimator._network
        # A layer without numbers of its own, as dropout, gives what the one before it does.
        shown = list(dict.fromkeys(slot.layer for slot in network.layout))
        titles = [
            f"layer {network.position(i)}{_behind(network, i)}: "
            f"{network.layers[i].units} {activations_of(network, i)}"
            for i in shown
        ]
        display = cls(values=[values[i] for i in shown], titles=titles).plot(
            ax=ax, bins=bins, **bar_options
        )
        if before:
            display.axes_[-1].set_xlabel("pre-activation z of a unit")
        return display


def _behind(network: Network, layer: int) -> str:
    """What to say of a layer that stands behind its weights."""
    return "" if layer in network.weighted else f", {network.layers[layer].name.replace('_', ' ')}"


def _passed(estimator: Any, X: Any) -> backprop.Pass:
    parameters = estimator_parameters(estimator)
    rows: Array = estimator._inputs(checks.check_rows(estimator, X), parameters.dtype)
    with np.errstate(all="ignore"):
        return backprop.forward(parameters.network, parameters, rows)
