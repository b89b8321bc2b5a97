"""Networks as plain records: layers and heads, read back under a closed schema."""

from __future__ import annotations

import math
from typing import Any

from deltarule.layers import LAYERS, Layer
from deltarule.losses import LOSSES
from deltarule.network import Head, Network
from deltarule.persistence.records import Fields, option_from_record, option_record, wrong

#: Far above any real model: the bound keeps sizes inside what arrays can index.
MAX_PARAMETERS = 2**40


def network_record(network: Network) -> dict[str, Any]:
    """A network as plain JSON values: its layers and heads.

    Raises
    ------
    InvalidParameterError
        If an activation or a loss is a Python function, which no file can hold.
    """
    return {
        "layers": [option_record(layer) for layer in network.layers],
        "heads": [
            {
                "columns": list(head.columns),
                "loss": option_record(head.loss),
                "weight": float(head.weight),
            }
            for head in network.heads
        ],
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
        head = Fields(entry, where, ("columns", "loss", "weight"))
        columns = head.sequence("columns")
        if len(columns) != 2 or not all(type(c) is int and 0 <= c < 2**31 for c in columns):
            wrong(f"{where}.columns", "two whole numbers", columns)
        loss = option_from_record(head.value("loss"), LOSSES, f"{where}.loss")
        heads.append(Head((columns[0], columns[1]), loss, head.number("weight")))
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
