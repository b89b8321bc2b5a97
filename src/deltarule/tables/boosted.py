"""A strong rival for tables: scikit-learn's HistGradientBoosting, as it comes.

It sees the columns of a plan: categories as such, all else as the numbers that the network sees,
whose scale means nothing to a tree.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from deltarule.definitions import Array
from deltarule.tables.columns import Column, ColumnPlan
from deltarule.tables.table import Table
from deltarule.tables.targets import TargetPlan

#: Categories of a column that it can tell apart; the most frequent of more.
MOST_CATEGORIES = 250
#: From so many rows on it takes more than one thread.
ROWS_FOR_THREADS = 10_000


def boosted_prediction(
    target: TargetPlan, plan: ColumnPlan, training: Table, judged: Table, seed: int
) -> Array:
    """What it says of the judged rows after the training rows, in the target's own units."""
    X, X_judged, places = _inputs(plan, training, judged)
    options: dict[str, Any] = {"categorical_features": places or None, "random_state": seed}
    y = target.encode(training)
    # Threads that wait for each other take longer than the work where there are few rows.
    with threadpool_limits(1 if training.rows < ROWS_FOR_THREADS else None, user_api="openmp"):
        return _predicted(target, X, y, X_judged, options)


def _predicted(
    target: TargetPlan, X: Array, y: Array, X_judged: Array, options: dict[str, Any]
) -> Array:
    if target.task == "classification":
        if len(np.unique(y)) == 1:
            return np.repeat(y[:1], len(X_judged))
        return np.asarray(HistGradientBoostingClassifier(**options).fit(X, y).predict(X_judged))
    said = [
        HistGradientBoostingRegressor(**options).fit(X, column).predict(X_judged)
        for column in y.reshape(len(y), -1).T
    ]
    return target.decode(np.column_stack(said))


def _inputs(plan: ColumnPlan, training: Table, judged: Table) -> tuple[Array, Array, list[int]]:
    """Inputs for trees of both tables, and the places of those that are categories."""
    learned, asked, places = [], [], []
    at = 0
    for column in plan.columns:
        if not column.inputs:
            continue
        if column.kind == "categorical":
            codes = _codes(column.name, training)
            parts = [_coded(codes, table.words(column.name)) for table in (training, judged)]
            places.append(at)
        else:
            parts = [_written(column, table) for table in (training, judged)]
        learned.append(parts[0])
        asked.append(parts[1])
        at += parts[0].shape[1]
    return np.hstack(learned), np.hstack(asked), places


def _written(column: Column, table: Table) -> Array:
    into = np.empty((table.rows, len(column.inputs)), dtype=np.float32)
    column.write(table, into)
    return into


def _codes(name: str, table: Table) -> dict[str, int]:
    counts = Counter(word for word in table.words(name).tolist() if word is not None)
    return {word: code for code, (word, _) in enumerate(counts.most_common(MOST_CATEGORIES))}


def _coded(codes: dict[str, int], words: Array) -> Array:
    found = [codes.get(word, np.nan) for word in words.tolist()]
    return np.array(found, dtype=np.float32).reshape(-1, 1)
