"""The core's random numbers are, bit for bit, those of `deltarule.random` and of NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from deltarule import random

core = pytest.importorskip("deltarule._core", reason="the compiled core is not installed")

KEYS = (0, 1, 2**63 + 12345, 2**64 - 1)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("start", [0, 1, 3, 4, 2**33 + 2])
@pytest.mark.parametrize("epoch", [0, 1, 2**40])
def test_words(key: int, start: int, epoch: int) -> None:
    for stream in random.Stream:
        expected = random.words(key, stream, epoch, start, 23)
        actual = core.words(key, int(stream), epoch, start, 23)
        assert actual.dtype == expected.dtype
        np.testing.assert_array_equal(actual, expected)


def test_words_are_those_of_numpy() -> None:
    bits = np.random.Philox(key=[7, 1], counter=(3 << 64) - 1)
    np.testing.assert_array_equal(core.words(7, 1, 3, 0, 100), bits.random_raw(100))


@pytest.mark.parametrize("kind", random.SAMPLINGS)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 150, 4099])
def test_order(kind: str, n: int) -> None:
    for key in KEYS:
        for epoch in (0, 5):
            actual = core.order(kind, key, epoch, n)
            np.testing.assert_array_equal(actual, random.order(kind, key, epoch, n))


def test_another_epoch_is_another_order() -> None:
    assert (core.order("shuffle", 1, 0, 100) != core.order("shuffle", 1, 1, 100)).any()


def test_unknown_order() -> None:
    with pytest.raises(ValueError) as caught:
        core.order("sorted", 1, 0, 10)
    assert str(caught.value) == (
        "order must be one of replacement, shuffle, sequential (got 'sorted')."
    )
