"""Random hostile model files: the record changed at random places, under a checksum that fits.

``python attacks/fuzz.py COUNT SEED`` makes so many; the first that ends in anything but a model
that predicts or a `DeltaruleError` is printed with its change, and the exit code is 1.
"""

from __future__ import annotations

import copy
import json
import random
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import head_files
import model_files
import numpy as np
import tabular_files

import deltarule as dr
from deltarule.estimators.files import model_of
from deltarule.exceptions import DeltaruleError
from deltarule.persistence import to_bytes
from deltarule.tables import ColumnPlan, Table, TableModel, TargetPlan

#: Values that are put in the place of honest ones.
NASTY: list[Any] = [
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 10**30, 0.5, -0.0, 1e308),
    *("", "x", "relu", "inf", "a" * 300, [], {}, [1], [[1]], [None], ["a", "b"]),
    *({"tuple": [1]}, {"tuple": 3}, {"number": "inf"}, {"name": "relu"}, {"name": []}),
    *({"option": "activation", "record": {"name": "relu"}}, {"option": []}, {"option": "x"}),
    *({"name": "huber", "delta": []}, {"name": "quantile", "quantile": True}),
]


def honest_files() -> list[bytes]:
    """Files of every kind: an estimator with many option objects, tables' models, ensembles."""
    generator = np.random.default_rng(0)
    X, y = generator.random((60, 3)).astype(np.float32), np.arange(60) % 3
    network = dr.MLPClassifier(
        (8, 4),
        ["tanh", dr.activations.LeakyReLU(0.1)],
        solver=dr.AdamW(weight_decay=0.1),
        learning_rate=dr.Cosine(warmup=0.1),
        alpha=dr.L1(0.1),
        early_stopping=dr.EarlyStopping(),
        standardize="inputs",
        max_iter=2,
    )
    files = [model_files.honest(), model_files.going(), head_files.several()]
    files.append(to_bytes(model_of(network.fit(X, y))))
    files += [tabular_files.classes(), tabular_files.numbers()]
    given = {"x": X[:, 0], "c": np.array(["a", "b", "c"])[y], "y": X[:, 1], "z": y % 2}
    given |= {"flag": y == 1, "when": np.datetime64("2024-01-01T06") + 9 * np.arange(60)}
    given |= {"many": [f"w{place % 23}" for place in range(60)], "bit": X[:, 2] > 0.5}
    given |= {"text": [f"the word number {place}" for place in range(60)]}
    table = Table.of({**given, "bit": given["bit"].astype(float)})
    for name, kind in (("z", dr.MLPClassifier), ("y", dr.MLPRegressor)):
        options = {"text": "hash", "text_inputs": 4, "max_categories": 9, "infinite": "farthest"}
        columns = ColumnPlan.fit(table.without(["y", "z"]), **options)
        target = TargetPlan.fit(table, (name,))
        estimator = kind(hidden_layer_sizes=(4,), max_iter=2)
        estimator.fit(columns.transform(table), target.encode(table))
        files.append(to_bytes(TableModel(columns, target, estimator).to_model()))
    return files


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a record; of long lists the first entries only."""
    found = [path] if path else []
    inside = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        inside = enumerate(value[:4])
    for key, entry in inside:
        found += places(entry, (*path, key))
    return found


def change(record: dict[str, Any], chance: random.Random) -> tuple[Any, ...]:
    """Replace, remove or add one value somewhere in a record; the place."""
    *way, last = chance.choice(places(record))
    holder: Any = record
    for step in way:
        holder = holder[step]
    what = chance.random()
    if what < 0.8:
        holder[last] = copy.deepcopy(chance.choice(NASTY))
    elif what < 0.9:
        del holder[last]
    elif isinstance(holder, dict):
        holder["unknown"] = 1
    else:
        holder.append(copy.deepcopy(chance.choice(NASTY)))
    return (*way, last)


def use(path: Path) -> None:
    """Load a file, predict with what it holds, and train on if it holds a state."""
    found = dr.load(path)
    if isinstance(found, TableModel):
        found.predict({column.name: [None] for column in found.columns.columns})
    elif hasattr(found, "members_"):
        row = {column.name: [None] for column in found.columns_.columns}
        found.predict(row)
        if hasattr(found, "classes_"):
            found.predict_proba(row)
    elif hasattr(found, "predict"):
        rows = np.zeros((4, found.n_features_in_), dtype=np.float32)
        answers = found.predict(rows)
        if "_memory" in vars(found):
            if answers.ndim == 1 and hasattr(found, "classes_"):
                answers = np.resize(found.classes_, 4)  # a warm fit wants all of them
            found.set_params(warm_start=True, max_iter=1, early_stopping=False)
            found.set_params(batch_size=2, verbose=False).fit(rows, answers)


def attack(count: int, seed: int) -> dict[str, int]:
    """Make and use so many changed files; how many were of use and how many were refused.

    Raises
    ------
    Exception
        Whatever a reader must not let out, with the place of the change as a note.
    """
    chance = random.Random(seed)
    ends = {"predicted": 0, "refused": 0}
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        honest = honest_files()
        path = Path(folder) / "changed.safetensors"
        for index in range(count):
            header, data = model_files.parts(chance.choice(honest))
            record = json.loads(header["__metadata__"]["record"])
            place = change(record, chance)
            header["__metadata__"]["record"] = json.dumps(record)
            path.write_bytes(model_files.sealed(header, data))
            try:
                use(path)
                ends["predicted"] += 1
            except DeltaruleError:
                ends["refused"] += 1
            except Exception as problem:
                problem.add_note(f"file {index} of seed {seed}, changed at {place}")
                raise
    return ends


if __name__ == "__main__":
    print(attack(int(sys.argv[1]), int(sys.argv[2])))
