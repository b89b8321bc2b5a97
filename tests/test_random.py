"""The generator against published bits, NumPy's own Philox and slow transcriptions."""

import numpy as np
import pytest
from scipy import stats

from deltarule.exceptions import InvalidParameterError
from deltarule.random import Generator, Stream, below, derive, order, uniform, words

MASK = 2**64 - 1


def philox(counter, key):
    """Philox4x64-10 as in table 2 of the paper, on Python integers."""
    c, k = list(counter), list(key)
    for round_ in range(10):
        if round_:
            k = [(k[0] + 0x9E3779B97F4A7C15) & MASK, (k[1] + 0xBB67AE8584CAA73B) & MASK]
        first, second = c[0] * 0xD2E7470EE14C6C93, c[2] * 0xCA5A826395121157
        c = [
            (second >> 64) ^ c[1] ^ k[0],
            second & MASK,
            (first >> 64) ^ c[3] ^ k[1],
            first & MASK,
        ]
    return c


# Known answers of Random123's tests/kat_vectors for philox4x64 10: counter, key, words
KNOWN = [
    (
        (0, 0, 0, 0),
        (0, 0),
        (0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B),
    ),
    (
        (MASK, MASK, MASK, MASK),
        (MASK, MASK),
        (0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0),
    ),
    (
        (0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89),
        (0x452821E638D01377, 0xBE5466CF34E90C6C),
        (0xA528F45403E61D95, 0x38C72DBD566E9788, 0xA5A1610E72FD18B5, 0x57BD43B5E52B7FE6),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_the_transcription_has_the_published_bits(counter, key, expected):
    assert tuple(philox(counter, key)) == expected


@pytest.mark.parametrize(
    ("key", "stream", "epoch", "start", "count"),
    [
        (0, 0, 0, 0, 8),
        (1, 2, 3, 4, 5),
        (MASK, 4, 10**12, 10**9 + 3, 6),
        (123456789, Stream.ORDER, 7, 1, 2),
        (5, 0, MASK, 3, 9),
        (5, 0, 0, 4 * 10**15, 4),
    ],
)
def test_words_are_philox_of_key_stream_epoch_and_position(key, stream, epoch, start, count):
    slow = [
        philox((position // 4, epoch, 0, 0), (key, stream))[position % 4]
        for position in range(start, start + count)
    ]
    drawn = words(key, stream, epoch, start, count)
    assert drawn.dtype == np.uint64
    assert drawn.tolist() == slow


def test_words_are_numpys_philox_one_step_behind():
    documented = np.random.Philox(key=np.array([3, 1], dtype=np.uint64), counter=0).random_raw(8)
    np.testing.assert_array_equal(words(3, 1, 0, 4, 8), documented)


def test_any_cut_of_a_range_gives_the_same_words():
    whole = words(9, 1, 2, 0, 40)
    for cut in range(41):
        pieces = [words(9, 1, 2, 0, cut), words(9, 1, 2, cut, 40 - cut)]
        np.testing.assert_array_equal(np.concatenate(pieces), whole)
    assert words(9, 1, 2, 5, 0).shape == (0,)


def test_streams_epochs_and_keys_differ():
    drawn = [
        words(*where, 0, 4).tobytes() for where in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
    ]
    assert len(set(drawn)) == 4


def test_streams_keep_their_numbers():
    # They stand in saved states: a change would change every training.
    assert {stream.name: stream.value for stream in Stream} == {
        "INITIAL": 0,
        "ORDER": 1,
        "SPLIT": 2,
        "DROPOUT": 3,
        "RESTART": 4,
        "DATA": 5,
    }


def test_uniform_by_hand_and_in_range():
    assert uniform(np.array([0, 2**63, MASK, 2**11], dtype=np.uint64)).tolist() == [
        0.0,
        0.5,
        1 - 2.0**-53,
        2.0**-53,
    ]
    drawn = Generator(1, 0).uniform(100_000)
    assert stats.kstest(drawn, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("n", [1, 2, 3, 10, 2**31, 2**32 - 1])
def test_below_is_the_upper_half_of_the_product(n):
    drawn = np.concatenate(
        [words(4, 0, 0, 0, 1000), np.array([0, 1, MASK, MASK - 1, 2**63], dtype=np.uint64)]
    )
    slow = [int(word) * n >> 64 for word in drawn]
    fast = below(drawn, n)
    assert fast.dtype == np.int64
    assert fast.tolist() == slow
    assert max(slow) < n
    assert below(drawn, np.full(drawn.shape, n)).tolist() == slow


def test_a_generator_goes_on_where_it_stopped():
    generator = Generator(11, Stream.DROPOUT, epoch=5)
    taken = np.concatenate([generator.words(3), generator.words(6)])
    np.testing.assert_array_equal(taken, words(11, Stream.DROPOUT, 5, 0, 9))
    assert generator.position == 9
    np.testing.assert_array_equal(generator.uniform(2), uniform(words(11, Stream.DROPOUT, 5, 9, 2)))


def test_normal_is_box_muller_on_pairs():
    first, second = Generator(2, 0).uniform(8)[0::2], Generator(2, 0).uniform(8)[1::2]
    radius = np.sqrt(-2 * np.log(1 - first))
    slow = np.empty(8)
    slow[0::2] = radius * np.cos(2 * np.pi * second)
    slow[1::2] = radius * np.sin(2 * np.pi * second)
    generator = Generator(2, 0)
    np.testing.assert_allclose(generator.normal(7), slow[:7], rtol=1e-14)
    assert generator.position == 8  # the pair of an odd last number is used up
    assert Generator(2, 0).normal(0).shape == (0,)


def test_normal_numbers_are_normal():
    drawn = Generator(3, 0).normal(100_000)
    assert np.isfinite(drawn).all()
    assert stats.kstest(drawn, "norm").pvalue > 1e-3


@pytest.mark.parametrize("n", [1, 2, 3, 7, 100])
def test_shuffle_is_fisher_yates(n):
    slow = list(range(n))
    for i in range(n - 1, 0, -1):
        word = philox((i // 4, 6, 0, 0), (8, Stream.ORDER))[i % 4]
        j = word * (i + 1) >> 64
        slow[i], slow[j] = slow[j], slow[i]
    assert order("shuffle", 8, 6, n).tolist() == slow


@pytest.mark.parametrize("n", [1, 2, 9, 1000, 4099])
def test_a_shuffle_is_a_permutation(n):
    for epoch in range(5):
        np.testing.assert_array_equal(np.sort(order("shuffle", 1, epoch, n)), np.arange(n))


def test_all_permutations_are_equally_likely():
    counts = {}
    for epoch in range(6000):
        found = tuple(order("shuffle", 42, epoch, 4).tolist())
        counts[found] = counts.get(found, 0) + 1
    assert len(counts) == 24
    assert stats.chisquare(list(counts.values())).pvalue > 1e-3


def test_every_row_is_equally_likely_at_every_place():
    counts = np.zeros((10, 10))
    for epoch in range(4000):
        counts[np.arange(10), order("shuffle", 43, epoch, 10)] += 1
    assert stats.chisquare(counts.ravel(), ddof=18).pvalue > 1e-3


def test_replacement_draws_each_position_anew():
    drawn = order("replacement", 5, 2, 1000)
    np.testing.assert_array_equal(drawn, below(words(5, Stream.ORDER, 2, 0, 1000), 1000))
    assert len(set(drawn.tolist())) < 700  # 632 expected
    counts = np.bincount(order("replacement", 5, 0, 50_000) % 50, minlength=50)
    assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("kind", ["replacement", "shuffle", "sequential"])
def test_orders_are_int64_and_repeat(kind):
    rows = order(kind, 1, 0, 50)
    assert rows.dtype == np.int64
    assert rows.shape == (50,)
    np.testing.assert_array_equal(rows, order(kind, 1, 0, 50))
    assert (kind == "sequential") == np.array_equal(rows, order(kind, 1, 1, 50))


def test_sequential():
    assert order("sequential", 1, 9, 4).tolist() == [0, 1, 2, 3]


def test_an_unknown_kind_of_order_is_refused():
    with pytest.raises(InvalidParameterError) as caught:
        order("random", 0, 0, 3)
    assert str(caught.value) == (
        "sampling must be one of 'replacement', 'shuffle', 'sequential' (got 'random'). "
        "Choose one of these words."
    )


def test_derived_keys():
    keys = {derive(7, stream, index) for stream in Stream for index in range(200)}
    assert len(keys) == 200 * len(Stream)
    assert derive(7, Stream.RESTART, 3) == philox((0, 0, 0, 0), (7, 4))[3]
    assert all(isinstance(key, int) and 0 <= key <= MASK for key in keys)
