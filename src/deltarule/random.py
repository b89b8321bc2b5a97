"""One counter-based random generator with the same bits in NumPy and in C++.

Philox4x64-10 (Salmon et al. 2011, https://doi.org/10.1145/2063384.2063405) turns a key and a
counter into four 64-bit words without any state. Every random number of a training is therefore a
function of four integers:

    key       drawn once from ``random_state`` and kept in the training state
    stream    what the number is for (`Stream`)
    epoch     or another count of repetitions
    position  word p is lane p % 4 of the block with counter (p // 4, epoch, part, 0) and
              key (key, stream); `part` is 0 but for dropout, where it is the layer

A run may stop at any step and go on from there, engines may split the work as they like, and the
order of the rows in epoch 1000 needs no walk through epochs 0 to 999. NumPy's ``Philox`` computes
the same words, which the tests use. From words to numbers:

    uniform   (word >> 11) · 2⁻⁵³, in [0, 1)
    below     ⌊word · n / 2⁶⁴⌋, a whole number in 0 … n − 1; its bias is below n / 2⁶⁴
    normal    Box–Muller on consecutive pairs of uniforms
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from deltarule.definitions import Array, one_of

__all__ = [
    "SAMPLINGS",
    "Generator",
    "Stream",
    "below",
    "derive",
    "keep_threshold",
    "kept_units",
    "order",
    "uniform",
    "words",
]

SAMPLINGS = ("replacement", "shuffle", "sequential")

Words = npt.NDArray[np.uint64]

_TO_UNIT = 2.0**-53
_LOW_HALF = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_LAST_WORD = 2**64 - 1

#: NumPy's generators, of which each call takes one out: making one takes longer than most calls.
_AT_HAND: list[np.random.Philox] = []
_NO_WORDS = np.zeros(4, dtype=np.uint64)


class Stream(IntEnum):
    """What random words are for; numbers of different streams never depend on each other."""

    INITIAL = 0
    ORDER = 1
    SPLIT = 2
    DROPOUT = 3
    RESTART = 4
    DATA = 5  # what a start takes from the rows; no engine draws from it


def words(key: int, stream: int, epoch: int, start: int, count: int, part: int = 0) -> Words:
    """The words at positions ``start`` … ``start + count − 1``.

    Parameters
    ----------
    key, stream, epoch, start, part : int
        Each in 0 … 2⁶⁴ − 1.
    count : int
        How many, at least 0.

    Returns
    -------
    uint64 array of shape (count,)

    Notes
    -----
    Source: https://numpy.org/doc/stable/reference/random/bit_generators/philox.html

    Examples
    --------
    >>> [hex(word) for word in words(key=0, stream=0, epoch=0, start=0, count=2)]
    ['0x16554d9eca36314c', '0xdb20fe9d672d0fdc']
    """
    block, lane = divmod(int(start), 4)
    # NumPy's generator adds one to its counter before it uses it.
    counter = ((int(part) << 128 | int(epoch) << 64 | block) - 1) % 2**256
    try:
        bits = _AT_HAND.pop()
    except IndexError:
        bits = np.random.Philox()
    places = [counter >> shift & _LAST_WORD for shift in (0, 64, 128, 192)]
    bits.state = {
        "bit_generator": "Philox",
        "state": {
            "counter": np.array(places, dtype=np.uint64),
            "key": np.array([key, stream], dtype=np.uint64),
        },
        "buffer": _NO_WORDS,
        "buffer_pos": 4,
        "has_uint32": 0,
        "uinteger": 0,
    }
    found = bits.random_raw(lane + int(count))[lane:]
    _AT_HAND.append(bits)
    return found


def uniform(word: Words) -> Array:
    """Numbers in [0, 1) with 53 random bits, from words.

    Examples
    --------
    >>> uniform(np.array([0, 2**63], dtype=np.uint64))
    array([0. , 0.5])
    """
    return (word >> np.uint64(11)) * _TO_UNIT


def below(word: Words, n: int | Array) -> npt.NDArray[np.int64]:
    """Whole numbers in 0 … n − 1 from words: the upper half of the product word · n.

    Parameters
    ----------
    word : uint64 array
    n : int or integer array that fits `word`
        In 1 … 2³² − 1.

    Returns
    -------
    int64 array

    Notes
    -----
    Lemire (2019), https://doi.org/10.1145/3230636, without the rejection step: the bias is below
    n / 2⁶⁴, and every draw costs exactly one word.

    Examples
    --------
    >>> below(np.array([0, 2**63, 2**64 - 1], dtype=np.uint64), 10)
    array([0, 5, 9])
    """
    size = np.asarray(n, dtype=np.uint64)
    low = (word & _LOW_HALF) * size >> _HALF
    return (((word >> _HALF) * size + low) >> _HALF).astype(np.int64)


class Generator:
    """Words of one (key, stream, epoch), taken one after the other from position 0.

    Parameters
    ----------
    key, stream, epoch : int
        As for `words`.

    Examples
    --------
    >>> generator = Generator(0, Stream.INITIAL)
    >>> generator.uniform(2).round(4)
    array([0.0872, 0.856 ])
    >>> generator.position
    2
    """

    def __init__(self, key: int, stream: int, epoch: int = 0) -> None:
        self.key, self.stream, self.epoch, self.position = key, stream, epoch, 0

    def words(self, count: int) -> Words:
        """The next `count` words."""
        taken = words(self.key, self.stream, self.epoch, self.position, count)
        self.position += count
        return taken

    def uniform(self, count: int) -> Array:
        """The next `count` numbers in [0, 1)."""
        return uniform(self.words(count))

    def normal(self, count: int) -> Array:
        """The next `count` standard normal numbers, two for every two words.

        An odd `count` uses up the pair of its last number.
        Box and Muller (1958), https://doi.org/10.1214/aoms/1177706645.
        """
        pairs = self.uniform(count + count % 2).reshape(-1, 2)
        radius = np.sqrt(-2.0 * np.log1p(-pairs[:, 0]))  # 1 − u lies in (0, 1]: no log of 0
        angle = 2.0 * np.pi * pairs[:, 1]
        both = np.stack((radius * np.cos(angle), radius * np.sin(angle)), axis=1)
        return both.reshape(-1)[:count]


def order(kind: str, key: int, epoch: int, n: int) -> npt.NDArray[np.int64]:
    """The rows of one epoch, in the order in which they are met.

    Parameters
    ----------
    kind : {"replacement", "shuffle", "sequential"}
        ``replacement`` draws each position anew, the notes' i_t; ``shuffle`` is a permutation;
        ``sequential`` is 0 … n − 1.
    key, epoch : int
        As for `words`; the stream is ``Stream.ORDER``.
    n : int
        Number of rows, in 1 … 2³² − 1.

    Returns
    -------
    int64 array of shape (n,)

    Raises
    ------
    InvalidParameterError
        If `kind` is none of the three.

    Notes
    -----
    ``replacement``: position p holds ``below(word[p], n)``. ``shuffle``: Fisher–Yates from the end
    (Durstenfeld 1964, https://doi.org/10.1145/364520.364540); place i changes with place
    ``below(word[i], i + 1)``, for i = n − 1 … 1.

    Examples
    --------
    >>> order("sequential", 0, 0, 4)
    array([0, 1, 2, 3])
    >>> sorted(order("shuffle", 7, 0, 5).tolist())
    [0, 1, 2, 3, 4]
    """
    one_of(kind, "sampling", SAMPLINGS)
    if kind == "sequential":
        return np.arange(n, dtype=np.int64)
    drawn = words(key, Stream.ORDER, epoch, 0, n)
    if kind == "replacement":
        return below(drawn, n)
    partner = below(drawn, np.arange(1, n + 1)).tolist()
    rows = list(range(n))  # swapping in a list is several times faster than in an array
    for i in range(n - 1, 0, -1):
        j = partner[i]
        rows[i], rows[j] = rows[j], rows[i]
    return np.array(rows, dtype=np.int64)


def keep_threshold(rate: float) -> int:
    """Of the 65 536 values of a 16-bit number, how many keep a unit under dropout of this rate.

    Examples
    --------
    >>> keep_threshold(0.5), keep_threshold(0.0)
    (32768, 65536)
    """
    return min(max(round((1.0 - rate) * 65536), 1), 65536)


def kept_units(
    key: int, layer: int, step: int, rows: int, units: int, rate: float
) -> npt.NDArray[np.bool_]:
    """Which units dropout keeps in one step: a function of key, layer, step, row and unit alone.

    Parameters
    ----------
    key, layer, step : int
        The key of the training, the layer's number in ``network.layers``, the optimiser's clock.
    rows, units : int
        Rows of the batch and units of the layer.
    rate : float
        The share that is dropped, in [0, 1), rounded to 1/65536.

    Returns
    -------
    bool array of shape (rows, units)

    Notes
    -----
    A row has ⌈units / 16⌉ blocks of four words; unit u is the u-th number of 16 bits, the lower
    bits of a word first, and is kept where that is below `keep_threshold`.

    Examples
    --------
    >>> kept_units(key=0, layer=1, step=0, rows=2, units=4, rate=0.5).shape
    (2, 4)
    """
    blocks = -(-units // 16)
    drawn = words(key, Stream.DROPOUT, step, 0, rows * blocks * 4, part=layer)
    numbers = drawn.astype("<u8", copy=False).view("<u2").reshape(rows, blocks * 16)[:, :units]
    kept: npt.NDArray[np.bool_] = numbers < keep_threshold(rate)
    return kept


def derive(key: int, stream: int, index: int) -> int:
    """A key of its own for number `index` of something: a restart, a fold, a member.

    Examples
    --------
    >>> derive(0, Stream.RESTART, 0) == derive(0, Stream.RESTART, 1)
    False
    """
    return int(words(key, stream, 0, index, 1)[0])
