"""Hostile files of several heads, as ``model_files.py`` makes them of one.

``python attacks/head_files.py FOLDER`` writes them all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import model_files
from model_files import X, setting, with_record

import deltarule as dr
from deltarule.estimators.files import model_of
from deltarule.persistence import to_bytes


@cache
def several() -> bytes:
    """A small file of several heads."""
    weighted = dr.Task("multiclass", class_weight={"a": 2.0})
    heads = {0: dr.Task("regression", "huber", 2.0), 1: weighted}
    network = dr.MultiTaskMLP(heads, (3,), solver="lbfgs", random_state=1)
    return to_bytes(model_of(network.fit(X, [[0.5, "a"], [1.5, "b"], [2.5, "c"], [None, "a"]])))


_COLUMNS = "sections.estimator.heads.columns"
_TASK = "sections.estimator.settings.heads.pairs.1.1.record"

#: name → (how to make it, words of the verdict)
ATTACKS: dict[str, tuple[Callable[[], bytes], str]] = {
    f"heads: {path} is {value!r}": (
        partial(with_record, setting(path, value), several),
        words,
    )
    for path, value, words in (
        ("network.heads.1.activation", {"name": "os.system"}, "name must be one of"),
        ("network.heads.1.activation", None, "must be a record of one activation"),
        ("network.heads.0.weight", 3.0, "estimator.heads.columns[0] must be the head"),
        ("network.heads.1.columns", [0, 2**40], "columns must be two whole numbers"),
        ("network.heads.1.class_weights", [2.0], "must hold 3 numbers for 3 output columns"),
        ("network.heads.1.class_weights", [2.0, -1.0, 1.0], "must be a finite number of at"),
        ("network.heads.1.class_weights", {"a": 2.0}, "class_weights must be a list"),
        ("network.heads.1.class_weights", [9.0, 1.0, 1.0], "columns[1] must be the head"),
        (f"{_TASK}.class_weight", {"pairs": [[["a"], 2.0]]}, "must be pairs of a key"),
        (f"{_TASK}.class_weight", {"pairs": [["a", "os"]]}, "must be a finite number of at"),
        (f"{_TASK}.class_weight", {"option": "task", "record": {}}, "must be a finite number"),
        (f"{_TASK}.label_smoothing", 1.0, "label_smoothing must be a number in [0, 1)"),
        ("sections.estimator.temperature", 2.0, "temperature must be a list"),
        ("sections.estimator.temperature", [2.0], "must be a list of 2 numbers or nulls"),
        ("sections.estimator.temperature", [2.0, 2.0], "and null for regressions"),
        ("sections.estimator.temperature", [None, -2.0], "above 0 for heads of classes"),
        ("sections.estimator.heads", None, "estimator.heads must be a record"),
        (f"{_COLUMNS}", [], "estimator.heads.columns must be 2 heads"),
        (f"{_COLUMNS}.0.kind", "multiclass", "classes must be a record"),
        (f"{_COLUMNS}.0.name", 1, "must be columns of different names"),
        (f"{_COLUMNS}.1.name", 0.5, "name must be a text or a whole number"),
        (f"{_COLUMNS}.1.classes.values", ["c", "b", "a"], "rising classes"),
        (f"{_COLUMNS}.1.dtype", "os.system", "dtype must be a type of column"),
        (f"{_COLUMNS}.1.categories", ["a"], "categories must be none for ''"),
        (
            "sections.estimator.settings.heads",
            {"option": "task", "record": {}},
            "settings.heads",
        ),
        ("sections.estimator.standardizer.target.scale", [2.0] * 4, "a scale of 1 for 1"),
    )
}


if __name__ == "__main__":
    model_files.write_all(Path(sys.argv[1]), ATTACKS)
