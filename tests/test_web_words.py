"""Sentences of the page that need no browser to be said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from in_node import ask, needs_node

from deltarule.network import Head, Network
from deltarule.persistence import network_record
from deltarule.playground.own_tables import rows_taken

pytestmark = needs_node


def told(kind: str, given: Any) -> Any:
    message: dict[str, Any] = {"addresses": [], "tables": [], "taken": [], "models": []}
    (answer,) = ask("words.ts", message | {kind: [given]})[kind]
    return answer


def said(kind: str, given: Any) -> str:
    return str(told(kind, given))


#: What stands behind "#", and the part of the sentence on what could not be read.
ADDRESSES = [
    ("v=1&&&===", "===, which is no setting"),
    ("=", "=, which is no setting"),
    ("v=1&=3&cat=2", "=3, which is no setting; cat, which is no setting"),
]


@pytest.mark.parametrize(("address", "part"), ADDRESSES)
def test_a_part_of_an_address_without_a_name_is_told_as_it_stands(address, part):
    assert said("addresses", address) == (
        f"The page could not read from its address: {part}. The rest was taken."
    )


def test_one_cell_is_one_cell():
    assert said("tables", "a,b\n1,2\n3\n") == (
        "t.csv: line 3 has 1 cell, the first line 2. Fill the line up, or put quotes around a "
        "cell that holds the delimiter."
    )


def test_of_more_rows_than_are_taken_both_readers_take_the_same():
    for rows, width in ((999_999, 12), (7_000_000, 3), (10, 3)):
        taken = told("taken", (rows, width))
        assert np.array_equal(taken, rows_taken("t.csv", rows, width))
        assert len(taken) == min(rows, 6_000_000 // width)


def model(network: Network) -> dict[str, Any]:
    state = {"vector": np.zeros(network.size), "moments": np.empty(0), "buffers": np.empty(0)}
    return {"network": network_record(network), "state": state}


TWO_HEADS = Network(
    units=(2, 3, 2),
    activations="tanh",
    heads=[Head((0, 1), "squared_error"), Head((1, 2), "squared_error")],
)

#: A set of the page, a network for it, and what is said of it; nothing where it fits.
MODELS = [
    ("plane", Network(units=(2, 3, 1)), ""),
    ("xor", Network(units=(2, 3, 1), loss="log_loss"), ""),
    (
        "plane",
        TWO_HEADS,
        (
            "The model solves 2 problems at once, and this page shows networks of one. Look at it "
            "with deltarule inspect, or train one model for each problem."
        ),
    ),
    (
        "plane",
        Network(units=(2, 3, 4)),
        (
            "The model has 4 outputs, and a table of this page one target. Open the model with its "
            "rows: deltarule play MODEL TABLE, or dr.play(model, X, y)."
        ),
    ),
    (
        "xor",
        Network(units=(1, 3, 1)),
        (
            "The model has 1 input and the table in use asks for 2. Choose the table that it was "
            "trained on first, then open the model again."
        ),
    ),
]


@pytest.mark.parametrize(("chosen", "network", "sentence"), MODELS)
def test_a_model_that_does_not_fit_is_told_why(chosen, network, sentence):
    assert said("models", {"set": chosen, "model": model(network)}) == sentence
