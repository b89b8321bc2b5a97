"""The recipe of the tabular estimators: what one network of theirs is, and how it is trained.

A `Recipe` is plain numbers; `choose_recipe` makes one of a preset and the size of a table, and
`build_network` and `build_plan` make of it what the core trains: layers, step sizes, a schedule. No
number here looks at the values of a table.

The parts, all of them kinds of layers and options of the core, follow RealMLP (Holzmüller,
Grinsztajn and Steinwart 2024, https://arxiv.org/abs/2407.04491): numbers that stand for themselves
get periodic embeddings, every input a trained scale, every unit a trained share of its activation;
weights start with unit deviation on the rows themselves and learn at rates that let one step size
fit all widths (factor 1 / √fan_in); the step size runs through cycles of doubling length; of all
epochs the last of the best on held rows is kept.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from deltarule.activations import ACTIVATIONS, Activation
from deltarule.dataclass import dataclass
from deltarule.definitions import choose
from deltarule.layers import (
    Dense,
    Dropout,
    Layer,
    NumericalEmbedding,
    ParametricActivation,
    Scaling,
)
from deltarule.losses import Loss
from deltarule.network import Head, Network
from deltarule.optimizers import Adam
from deltarule.plans import TrainingPlan
from deltarule.schedules import CyclicCosine
from deltarule.stopping import EarlyStopping
from deltarule.tables.columns import MAX_CATEGORIES, ColumnPlan
from deltarule.tables.kinds import are_different
from deltarule.tables.table import Table

PRESETS = ("fast", "default", "best")

#: With more numbers than this in a row, embeddings would cost more than all the rest.
MOST_EMBEDDED = 100

#: Numbers that stand beside an embedded one.
EMBEDDED_WIDTH = 3

#: Step sizes of what shapes the others, and of scales, beside that of a weight of one input.
SLOW, QUICK = 0.1, 6.0


#: Training rows below which a table bears neither wide networks nor embeddings.
SMALL = 2_000

#: Most inputs of words that are categories, of all columns together, and most cells of these; fewer
#: where a category would stand in less than so many rows on average.
MOST_INPUTS, MOST_CELLS, ROWS_OF_A_CATEGORY = 2_000, 40_000_000, 4

#: Epochs of a preset: on a small table; on others at most; and the rows that a network sees in all
#: of them together, so that there are fewer the more rows there are, but never below `FEWEST`.
EPOCHS = {
    "fast": (48, 96, 1_200_000),
    "default": (64, 128, 1_600_000),
    "best": (64, 128, 3_200_000),
}
FEWEST = 8


@dataclass(frozen=True)
class Recipe:
    """How the networks of an ensemble look and learn.

    Parameters
    ----------
    members : int
        Networks; each learns from all rows but its own fold, on which it is judged.
    hidden : tuple of int
        Units of the hidden layers.
    epochs : int
    batch_size : int
    activation : str
    step_size : float
        Of a weight whose unit has one input; others learn at 1 / √inputs of it.
    deviation : float
        Of the frequencies with which numbers are embedded, but for those that `fineness` says
        more of; 0 embeds none.
    dropout : float
    """

    members: int
    hidden: tuple[int, ...]
    epochs: int
    batch_size: int
    activation: str
    step_size: float
    deviation: float
    dropout: float


def choose_recipe(preset: str, *, rows: int, numbers: int, classes: bool) -> Recipe:
    """The recipe of a preset for a table of this size.

    Parameters
    ----------
    preset : {"fast", "default", "best"}
    rows : int
        Of the table.
    numbers : int
        How many inputs of the networks are numbers on a scale.
    classes : bool
        Whether the target is of classes.
    """
    small = rows < SMALL
    members = {"fast": 3 if small else 1, "default": 5, "best": 8}[preset]
    few, most, seen = EPOCHS[preset]
    width = 256 if preset == "best" else 128
    # The more rows, the finer the detail that is more than chance.
    fineness = min(max(rows / 10_000, 0.1), 1.0)
    embeds = not small and 0 < numbers <= MOST_EMBEDDED
    return Recipe(
        members=min(members, rows),
        hidden=(64, 64) if small else (width,) * 3,
        epochs=few if small else max(min(most, round(seen / rows)), FEWEST),
        batch_size=256,
        activation="selu" if classes else "mish",
        step_size=0.04 if classes or small else 0.1,
        deviation=fineness if embeds else 0.0,
        dropout=0.15,
    )


def build_columns(table: Table, categorical: Collection[str], text: str) -> ColumnPlan:
    """The plan of the columns of a table without its target, as the tabular estimators take it.

    Parameters
    ----------
    table : Table
    categorical : collection of str
    text : {"refuse", "hash", "ignore"}
        Both as for `ColumnPlan.learn`.
    """
    return ColumnPlan.fit(
        table,
        categorical=categorical,
        text=text,
        max_categories=most_categories(table, categorical),
        infinite="farthest",
        mark_holes=True,
    )


def most_categories(table: Table, categorical: Collection[str] = ()) -> int:
    """How many categories of a column have an input each: as many as the rows can tell of.

    Parameters
    ----------
    table : Table
    categorical : collection of str, default=()
        Columns that are categories whatever they hold.

    Returns
    -------
    int
        At least `MAX_CATEGORIES`.

    Examples
    --------
    >>> words = [f"s{place // 8}" for place in range(8000)]
    >>> most_categories(Table.of({"a": words})), most_categories(Table.of({"a": words[:300]}))
    (2000, 100)
    >>> most_categories(Table.of({"a": words, "b": words, "c": words, "d": ["x", "y"] * 4000}))
    666
    """
    kinds = []
    for name in table.names:
        asked = name in categorical or name in table.declared
        cells = table.column(name)
        if asked or cells.dtype.kind == "O":
            count = len(set(cells.tolist()))
            if asked or not are_different(count, table.rows):
                kinds.append(count)
    left = most = min(MOST_INPUTS, MOST_CELLS // max(table.rows, 1))
    for place, count in enumerate(sorted(kinds)):
        most = left // (len(kinds) - place)  # what columns of fewer kinds have left
        left -= min(count, most)
    return max(min(most, table.rows // ROWS_OF_A_CATEGORY), MAX_CATEGORIES)


def build_network(
    recipe: Recipe,
    inputs: int,
    numbers: Sequence[int],
    deviations: Sequence[float],
    outputs: int,
    output_activation: str | Activation,
    loss: Loss,
) -> Network:
    """The network of one member: embedding, scale, hidden layers, outputs.

    Parameters
    ----------
    recipe : Recipe
    inputs : int
    numbers : sequence of int
        The inputs that are numbers on a scale, and no 0 or 1.
    deviations : sequence of float
        Of the frequencies of each, where the recipe embeds them.
    outputs : int
    output_activation : str or Activation
    loss : Loss
    """
    layers: list[Layer] = []
    width = inputs
    if recipe.deviation and numbers:
        width += EMBEDDED_WIDTH * len(numbers)
        layers.append(
            NumericalEmbedding(
                inputs,
                width,
                columns=tuple(numbers),
                width=EMBEDDED_WIDTH,
                deviation=tuple(deviations),
                rate_factor=SLOW,
            )
        )
    layers.append(Scaling(width, width, rate_factor=QUICK))
    function = choose(recipe.activation, ACTIVATIONS, "activation")
    for units in recipe.hidden:
        layers.append(_dense(width, units))
        layers.append(ParametricActivation(units, units, function, rate_factor=SLOW))
        if recipe.dropout:
            layers.append(Dropout(units, units, recipe.dropout))
        width = units
    layers.append(_dense(width, outputs, output_activation))
    return Network(layers=layers, heads=[Head((0, outputs), loss)])


def _dense(inputs: int, units: int, function: str | Activation = "identity") -> Dense:
    """A dense layer whose step size fits its width."""
    return Dense(
        inputs,
        units,
        choose(function, ACTIVATIONS, "function"),
        weight_rate_factor=1.0 / math.sqrt(inputs),
        bias_rate_factor=SLOW,
    )


def build_plan(recipe: Recipe, rows: int, key: int) -> TrainingPlan:
    """How one member is trained on so many rows."""
    return TrainingPlan(
        optimizer=Adam(beta_2=0.95),
        learning_rate_init=recipe.step_size,
        schedule=CyclicCosine(total_epochs=recipe.epochs),
        batch_size=min(recipe.batch_size, rows),
        max_epochs=recipe.epochs,
        sampling="shuffle",
        early_stopping=EarlyStopping(patience=None, min_delta=0.0, ties="last"),
        key=key,
    )
