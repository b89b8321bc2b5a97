"""Networks as plain records: layers and heads, read back under a closed schema."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from deltarule.activations import ACTIVATIONS
from deltarule.exceptions import InvalidParameterError
from deltarule.layers import LAYERS, Layer
from deltarule.losses import LOSSES
from deltarule.network import Head, Network, Parameters
from deltarule.persistence.records import Fields, option_from_record, option_record, wrong

#: Far above any real model: the bound keeps sizes inside what arrays can index.
MAX_PARAMETERS = 2**40
#: Networks of a file beside the first, at most.
MAX_OTHERS = 1000
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


def others_record(first: Parameters, others: Sequence[Parameters]) -> list[Any]:
    """The networks of a file beside its first, each as its record, or None for the one before.

    Raises
    ------
    InvalidParameterError
        If there are more than a file may hold, or a network holds a Python function.
    """
    if len(others) > MAX_OTHERS:
        raise InvalidParameterError(
            f"others must be at most {MAX_OTHERS} networks to be saved (got {len(others)}). Save "
            "some of them in another file."
        )
    networks = [first.network, *(other.network for other in others)]
    return [
        None if network == before else network_record(network)
        for before, network in itertools.pairwise(networks)
    ]


def others_from_record(record: Any, first: Network) -> tuple[Network, ...]:
    """The networks that `others_record` described; equal neighbours are one object.

    Raises
    ------
    ModelFileError, InvalidParameterError
        If there is none or too many, or an entry is neither null nor the record of a network.
    """
    if not isinstance(record, list) or not 1 <= len(record) <= MAX_OTHERS:
        got = len(record) if isinstance(record, list) else record
        wrong("others", f"a list of 1 to {MAX_OTHERS} networks", got)
    found = [first]
    for index, entry in enumerate(record):
        own = entry is not None
        found.append(network_from_record(entry, f"others[{index}]") if own else found[-1])
    return tuple(found[1:])


def network_from_record(record: Any, where: str = "network") -> Network:
    """The network that `network_record` described; the schema is closed.

    ``where`` is its place in the file, for messages.

    Raises
    ------
    ModelFileError, InvalidParameterError
        If the record has other fields, a kind that nobody knows, or widths that do not fit.
    """
    fields = Fields(record, where, ("layers", "heads"))
    layers: list[Layer] = []
    for index, entry in enumerate(fields.sequence("layers")):
        layers.append(option_from_record(entry, LAYERS, f"{where}.layers[{index}]"))
    heads: list[Head] = []
    for index, entry in enumerate(fields.sequence("heads")):
        place = f"{where}.heads[{index}]"
        given = entry if isinstance(entry, dict) else {}
        more = [name for name in ("activation", "class_weights") if name in given]
        head = Fields(entry, place, (*_HEAD, *more))
        columns = head.sequence("columns")
        if len(columns) != 2 or not all(type(c) is int and 0 <= c < 2**31 for c in columns):
            wrong(f"{place}.columns", "two whole numbers", columns)
        loss = option_from_record(head.value("loss"), LOSSES, f"{place}.loss")
        activation = None
        if "activation" in more:
            record = head.value("activation")
            activation = option_from_record(record, ACTIVATIONS, f"{place}.activation")
        weights = tuple(head.numbers("class_weights")) if "class_weights" in more else ()
        weight = head.number("weight")
        heads.append(
            Head((columns[0], columns[1]), loss, weight, activation, class_weights=weights)
        )
    _check_size(layers, where)
    width = layers[-1].units if layers else 0
    if sum(max(0, head.columns[1] - head.columns[0]) for head in heads) != width:
        wrong(f"{where}.heads", f"to cover {width} output columns", [h.columns for h in heads])
    return Network(layers=layers, heads=heads)


def _check_size(layers: list[Layer], where: str) -> None:
    """Python integers do not overflow: a size that NumPy would wrap around is caught here."""
    total = 0
    for layer in layers:
        for block in (*layer.blocks(), *layer.buffers()):
            total += math.prod(block.shape)
    if total > MAX_PARAMETERS:
        wrong(where, f"at most {MAX_PARAMETERS} parameters", total)
