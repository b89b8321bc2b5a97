"""What the page writes down for itself it can read: its address, and bytes in a tab's storage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from in_node import ask, needs_node

import deltarule as dr
from deltarule.playground.records import plan_record

pytestmark = needs_node


def told(**given: Any) -> dict[str, Any]:
    return ask("kept.ts", {"states": [], "addresses": [], "bytes": [], "texts": [], **given})


#: What models bring along, and the page's own controls do not choose.
STATES = [
    {"hidden": [256, 128], "set": "own"},
    {"hidden": [100, 64, 32]},
    {"hidden": [1] * 12},
    {"hidden": [1_000_000]},
    {"schedule": dr.Cosine().record(), "max_epochs": 2 * 10**9},
    {"schedule": dr.Cosine(warmup=0.1, total_epochs=30).record()},
    {"schedule": dr.OneCycle(total_epochs=7).record()},
    {"optimizer": dr.SGD(clip_norm=0.5).record()},
    {"optimizer": dr.Adam(beta_1=0.8, clip_norm=1e-7, average=0.99).record()},
    {"learning_rate_init": 1e-12, "l2": 1e-30, "l1": 1e9, "batch_size": 2**31},
]


@pytest.mark.parametrize("state", STATES, ids=str)
def test_an_address_reads_what_it_writes(state):
    (found,) = told(states=[state])["states"]
    assert found["problems"] == []
    assert found["read"] == state
    (again,) = told(addresses=[found["text"]])["addresses"]
    assert again == {"text": found["text"], "problems": []}


def test_plans_of_models_are_read_as_they_are_written():
    """All that a plan's record names is a setting, its options with every field."""
    plan = plan_record(
        dr.TrainingPlan(
            optimizer=dr.AdamW(clip_norm=2.0, average=0.5),
            schedule=dr.OneCycle(peak_at=0.2, total_epochs=40),
            learning_rate_init=3e-10,
            batch_size=7,
            max_epochs=41,
            sampling="shuffle",
        )
    )
    state = {name: value for name, value in plan.items() if name not in ("penalty", "key")}
    (found,) = told(states=[state])["states"]
    assert (found["read"], found["problems"]) == (state, [])


#: Addresses that say too much, and what is said of them.
WRONG = [
    ("hidden=1000001", "hidden, which must be none, or units of at most 100 layers"),
    ("hidden=0", "hidden, which must be none, or units of at most 100 layers"),
    ("schedule=cosine&schedule.total_epochs=0", "schedule.total_epochs, which must be a whole"),
    ("optimizer.clip_norm=x", "optimizer.clip_norm, which must be a number"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_an_address_that_says_too_much_is_refused_there(text, said):
    (found,) = told(addresses=[text])["addresses"]
    (problem,) = found["problems"]
    assert problem.startswith(said)


def test_bytes_come_back_out_of_letters():
    draw = np.random.default_rng(0)
    given = [draw.integers(0, 256, size).astype(np.uint8) for size in (*range(40), 9000)]
    given += [np.zeros(31, np.uint8), np.full(31, 255, np.uint8)]
    for bytes_, found in zip(given, told(bytes=given)["letters"], strict=True):
        np.testing.assert_array_equal(found["back"], bytes_)
        # 15 bits in a letter, and one letter more; none is half of a pair.
        assert len(found["text"]) == 1 + -(-8 * len(bytes_) // 15)
        assert all(0x4000 <= ord(letter) < 0xC000 for letter in found["text"])


@pytest.mark.parametrize(
    "text", ["", "AAAA", "eyJ2ZXJzaW9uIjoxfQ==", "\u4001", "\u4000\u4000", "\u4007\u4000A"]
)
def test_other_texts_are_none(text):
    assert told(texts=[text])["none"] == [None]
