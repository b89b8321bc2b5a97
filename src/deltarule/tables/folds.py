"""Which rows each network of an ensemble learns from, and which judge it.

With several networks every row is in the fold of exactly one of them, which does not learn from it;
a single network leaves a share of the rows out. Classes keep their shares in every fold.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from deltarule.dataclass import dataclass
from deltarule.definitions import Array
from deltarule.random import Stream, derive

#: The share of the rows that a network on its own leaves out, and no more rows than these.
HELD_SHARE = 0.2
MOST_HELD = 20_000


@dataclass(frozen=True, eq=False)
class Fold:
    """The rows of one network.

    Parameters
    ----------
    training, held : int arrays
        Row numbers, ascending.
    """

    training: Array
    held: Array


def folds(members: int, rows: int, key: int, classes: Array | None) -> list[Fold]:
    """One fold for each network.

    Parameters
    ----------
    members : int
        Networks, at most as many as rows.
    rows : int
        At least 2.
    key : int
        Of the training; the same key divides the same way.
    classes : array of shape (rows,), optional
        Whose shares the folds keep, as far as there are rows enough of each.
    """
    seed = derive(key, Stream.SPLIT, 0) % 2**32
    if members == 1:
        return [_single(rows, seed, classes)]
    return [
        Fold(np.sort(kept), np.sort(held)) for kept, held in _several(members, rows, seed, classes)
    ]


def _several(members: int, rows: int, seed: int, classes: Array | None) -> Any:
    from sklearn.model_selection import KFold, StratifiedKFold

    index = np.arange(rows)
    if classes is None or np.unique(classes, return_counts=True)[1].max() < members:
        return KFold(members, shuffle=True, random_state=seed).split(index)
    with warnings.catch_warnings():
        # A class with fewer rows than folds is missing in some of them, and that is all.
        warnings.filterwarnings("ignore", "The least populated class")
        return list(StratifiedKFold(members, shuffle=True, random_state=seed).split(index, classes))


def _single(rows: int, seed: int, classes: Array | None) -> Fold:
    """A fold of `HELD_SHARE`: the first of as many as that makes, cut to `MOST_HELD` rows."""
    parts = min(round(1 / HELD_SHARE), rows)
    kept, held = next(iter(_several(parts, rows, seed, classes)))
    if len(held) > MOST_HELD:
        chosen = np.random.RandomState(seed).permutation(len(held))
        kept = np.concatenate((kept, held[chosen[MOST_HELD:]]))
        held = held[chosen[:MOST_HELD]]
    return Fold(np.sort(kept), np.sort(held))
