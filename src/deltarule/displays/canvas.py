"""What all displays share: axes to draw on, colours, and what they call an activation."""

from __future__ import annotations

from typing import Any

from deltarule.network import Network

#: Okabe and Ito's colours, told apart by nearly everyone (https://jfly.uni-koeln.de/color/);
#: without the yellow, which is too light on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")

#: Positive and negative.
POSITIVE, NEGATIVE = COLOURS[0], COLOURS[1]

#: Lines and words that are only aids.
GREY = "#595959"


def pyplot(name: str) -> Any:
    """matplotlib's pyplot, or a sentence how to get it; `name` is who asks."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as problem:
        raise ImportError(
            f"{name}.plot needs matplotlib (got {str(problem)!r}). Install it with "
            "pip install 'deltarule[plot]'."
        ) from None
    return plt


def axes_for(name: str, ax: Any, size: tuple[float, float] | None = None) -> tuple[Any, Any]:
    """The given axes and their figure, or new ones."""
    plt = pyplot(name)
    if ax is not None:
        return ax, ax.figure
    figure, ax = plt.subplots(figsize=size, layout="constrained")
    return ax, figure


def activations_of(network: Network, layer: int) -> str:
    """The activation of a layer in a word; those of the heads, where the last one has several."""
    if layer < len(network.layers) - 1:
        return network.layers[layer].activation.name
    names = (network.head_activation(head).name for head in network.heads)
    return ", ".join(dict.fromkeys(names))
