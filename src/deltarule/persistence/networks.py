"""Networks as plain records: layers and heads, read back under a closed schema."""

from __future__ import annotations

import math
from typing import Any

from deltarule.activations import ACTIVATIONS
from deltarule.layers import LAYERS, Layer
from deltarule.losses import LOSSES
from deltarule.network import Head, Network
from deltarule.persistence.records import Fields, option_from_record, option_record, wrong

#: Far above any real model: the bound keeps sizes inside what arrays can index.
MAX_PARAMETERS = 2**40
_HEAD = ("columns", "loss", "weight")


def network_record(network: Network) -> dict[str, Any]:
    """A network as plain JSON values: its layers and heads.

    Raises
    ------
    InvalidParameterError
        If an activation or a loss is a Python function, which no file can hold.
    """
    return {
        "layers": [option_record(layer) for layer in network.layers],
        "heads": [_head_record(head) for head in network.heads],
    }


def _head_record(head: Head) -> dict[str, Any]:
    """A head; what earlier releases do not know only where it has it."""
    own, weights = head.activation, head.class_weights
    return {
        "columns": list(head.columns),
        "loss": option_record(head.loss),
        "weight": float(head.weight),
        **({} if own is None else {"activation": option_record(own)}),
        **({"class_weights": list(weights)} if weights else {}),
    }


def network_from_record(record: Any) -> Network:
    """The network that `network_record` described; the schema is closed.

    Raises
    ------
    ModelFileError, InvalidParameterError
        If the record has other fields, a kind that nobody knows, or widths that do not fit.
    """
    fields = Fields(record, "network", ("layers", "heads"))
    layers: list[Layer] = []
    for index, entry in enumerate(fields.sequence("layers")):
        layers.append(option_from_record(entry, LAYERS, f"network.layers[{index}]"))
    heads: list[Head] = []
    for index, entry in enumerate(fields.sequence("heads")):
        where = f"network.heads[{index}]"
        given = entry if isinstance(entry, dict) else {}
        more = [name for name in ("activation", "class_weights") if name in given]
        head = Fields(entry, where, (*_HEAD, *more))
        columns = head.sequence("columns")
        if len(columns) != 2 or not all(type(c) is int and 0 <= c < 2**31 for c in columns):
            wrong(f"{where}.columns", "two whole numbers", columns)
        loss = option_from_record(head.value("loss"), LOSSES, f"{where}.loss")
        activation = None
        if "activation" in more:
            record = head.value("activation")
            activation = option_from_record(record, ACTIVATIONS, f"{where}.activation")
        weights = tuple(head.numbers("class_weights")) if "class_weights" in more else ()
        weight = head.number("weight")
        heads.append(
            Head((columns[0], columns[1]), loss, weight, activation, class_weights=weights)
        )
    _check_size(layers)
    width = layers[-1].units if layers else 0
    if sum(max(0, head.columns[1] - head.columns[0]) for head in heads) != width:
        wrong("network.heads", f"to cover {width} output columns", [h.columns for h in heads])
    return Network(layers=layers, heads=heads)


def _check_size(layers: list[Layer]) -> None:
    """Python integers do not overflow: a size that NumPy would wrap around is caught here."""
    total = 0
    for layer in layers:
        for block in (*layer.blocks(), *layer.buffers()):
            total += math.prod(block.shape)
    if total > MAX_PARAMETERS:
        wrong("network", f"at most {MAX_PARAMETERS} parameters", total)
