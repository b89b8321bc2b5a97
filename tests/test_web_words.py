"""Sentences of the page that need no browser to be said."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from in_node import ask, needs_node

from deltarule.network import Head, Network
from deltarule.persistence import network_record
from deltarule.playground.own_tables import rows_taken

pytestmark = needs_node


def told(kind: str, given: Any) -> Any:
    kinds = ("addresses", "tables", "taken", "lessons", "ranges", "weights", "models")
    message: dict[str, Any] = {name: [] for name in kinds}
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


LESSON = {"format": "deltarule lesson", "version": 1, "title": "t", "minutes": 5, "notes": "n"}
LESSON |= {"text": "t", "state": "rows=9"}
DOCS = "docs/playground-lessons.md says what a lesson holds."
#: What differs from it, and what is said of that.
LESSONS = [
    ({"version": 2}, f"version must be 1 (got 2). {DOCS}"),
    ({"minutes": 0}, f"minutes must be a whole number from 1 to 120 (got 0). {DOCS}"),
    (
        {"state": "rows=9&hidden=8,0&cat=1"},
        (
            "state must be a state as addresses have it, and this cannot be read: hidden, which "
            "must be none, or units of at most 100 layers, each from 1 to 1000000, as in 8,4 "
            f"(got 8,0); cat, which is no setting. {DOCS}"
        ),
    ),
]


@pytest.mark.parametrize(("changes", "sentence"), LESSONS)
def test_a_lesson_that_is_none_is_told_why(changes, sentence):
    assert said("lessons", {**LESSON, **changes}) == sentence


def test_long_numbers_of_a_range_have_separators():
    assert said("ranges", (-1e6, 1e6, False)) == "a number from −1,000,000 to 1,000,000"
    assert said("ranges", (0, 1000, True)) == "a whole number from 0 to 1000"
    assert said("ranges", (1e-7, 2**32 - 1, True)) == "a whole number from 1e−7 to 4,294,967,295"
    assert said("ranges", (0, np.inf, True)) == "a whole number"


def slots(*widths: int) -> list[dict[str, Any]]:
    """The blocks of a network as the page is told them."""
    found, start = [], 0
    for layer, (inputs, units) in enumerate(itertools.pairwise(widths)):
        for block, shape in (("weight", [inputs, units]), ("bias", [units])):
            stop = start + int(np.prod(shape))
            found.append(
                {"layer": layer, "block": block, "start": start, "stop": stop, "shape": shape}
            )
            start = stop
    return found


#: Widths, names as the step room has them, one as a person writes it, and its place.
WEIGHTS = [
    ((2, 1), ["W₁₁", "W₁₂", "b₁"], "w12", 1),
    ((1, 2, 1), ["W₁₁", "W₂₁", "b¹₁", "b¹₂", "V₁₁", "V₁₂", "b²₁"], "v 12", 5),
    (
        (1, 1, 1, 1),
        ["W¹₁₁", "b¹₁", "W²₁₁", "b²₁", "V₁₁", "b³₁"],
        "W^2_11",
        2,
    ),
]


@pytest.mark.parametrize(("widths", "names", "text", "place"), WEIGHTS)
def test_a_weight_has_the_name_of_the_step_room(widths, names, text, place):
    found = told("weights", {"slots": slots(*widths), "text": text})
    assert found == {"names": names, "called": place}
    wide = told("weights", {"slots": slots(2, 13, 1), "text": "w13,2"})
    assert wide["names"][wide["called"]] == "W₁₃,₂"
    assert told("weights", {"slots": slots(2, 1), "text": "V11"})["called"] == -1


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
