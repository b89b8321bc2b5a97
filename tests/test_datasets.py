"""The benchmark's tables by name: from a folder, or from an OpenML that stands in for the net."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import data
import datasets

#: As OpenML has them: other names, other order, categories of any kind.
TITANIC = pd.DataFrame(
    {
        "pclass": [1, 3, 3],
        "survived": pd.Categorical(["1", "0", "0"]),
        "name": ["Ms A", "Mr B", "Mr C"],
        "sex": pd.Categorical(["female", "male", "male"]),
        "age": [29.0, np.nan, 2.0],
        "sibsp": [0, 1, 1],
        "parch": [0, 2, 2],
        "ticket": ["1", "2", "3"],
        "fare": [211.3, 151.6, 8.0],
        "cabin": ["B5", None, "C22 C26"],
        "embarked": pd.Categorical(["S", None, "C"]),
        "boat": ["2", None, None],
    }
)
WINE = pd.DataFrame(
    {f"V{k}": [float(k), k + 0.5] for k in range(1, 12)} | {"Class": pd.Categorical(["1", "7"])}
)


@pytest.fixture
def openml(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[int, Any]:
    """Data sets by their number; no folder, and no net."""
    monkeypatch.setenv("DELTARULE_DATA", str(tmp_path))
    known: dict[int, Any] = {}

    def fetch(*, data_id: int, as_frame: bool, cache: bool) -> Any:
        assert as_frame
        assert cache
        if data_id not in known:
            raise OSError("no route to host")
        return SimpleNamespace(frame=known[data_id])

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    return known


def test_columns_come_in_our_order_and_words(openml: dict[int, Any]) -> None:
    openml[40945] = TITANIC
    X, y, task = datasets.load("titanic")
    assert task == "binary"
    assert list(X) == ["Pclass", "Sex", "Age", "SibSp", "Parch", "Fare", "Cabin", "Embarked"]
    assert y.tolist() == ["1", "0", "0"]
    assert (y.name, y.dtype) == ("Survived", object)
    assert X["Cabin"].cat.categories.tolist() == ["B", "C"]
    assert X["Cabin"].isna().tolist() == [False, True, False]
    assert X["Embarked"].cat.categories.tolist() == ["C", "S"]
    assert X["Age"].isna().sum() == 1
    assert X["Pclass"].dtype.kind == "i"
    assert list(TITANIC) == ["pclass", "survived", *list(TITANIC)[2:]]  # the cache is untouched


def test_grades_are_those_of_the_table(openml: dict[int, Any]) -> None:
    openml[40498] = WINE
    X, y, _ = datasets.load("wine_quality_white")
    assert y.tolist() == ["3", "9"]
    assert X["pH"].tolist() == [9.0, 9.5]
    assert "V9" not in X


def test_numbers_that_came_as_categories_are_numbers(openml: dict[int, Any]) -> None:
    letters = {name: pd.Categorical(["3", "11"]) for name in datasets.TABLES["letter"].names}
    letters = {name.replace(".", "-"): column for name, column in letters.items()}
    letters["class"] = pd.Categorical(["Z", "A"])
    del letters["lettr"]
    openml[6] = pd.DataFrame(letters)
    X, y, _ = datasets.load("letter")
    assert X.shape == (2, 16)
    assert X["x.box"].tolist() == [3, 11]
    assert y.tolist() == ["Z", "A"]


def test_what_is_not_there(openml: dict[int, Any]) -> None:
    with pytest.raises(data.MissingDataError) as caught:
        datasets.load("building")
    assert str(caught.value) == (
        "building is not on OpenML: building1 of Proben1 (Prechelt 1994), which comes with the "
        "FANN library. Name a folder that holds it with DELTARULE_DATA."
    )
    with pytest.raises(data.MissingDataError) as caught:
        datasets.load("adult")
    assert str(caught.value) == (
        "adult is not here, and OpenML does not answer (no route to host). Name the folder that "
        "holds it with DELTARULE_DATA."
    )
    openml[44956] = pd.DataFrame({"sex": ["M"], "rings": [3]})
    with pytest.raises(data.MissingDataError) as caught:
        datasets.load("abalone")
    assert str(caught.value) == (
        "abalone, data set 44956 of OpenML, has no column length, diameter, height, whole_weight, "
        "shucked_weight, viscera_weight, shell_weight (got sex, rings). Name a folder that holds "
        "the table with DELTARULE_DATA."
    )


def test_a_folder_comes_before_openml(
    openml: dict[int, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openml[44956] = None
    names = list(datasets.TABLES["abalone"].names)
    rows = pd.DataFrame([["M", *[0.5] * 7, 15], ["", *[0.25] * 7, 7]], columns=names)
    rows.to_csv(tmp_path / "abalone.csv.gz", index=False)
    (tmp_path / "meta.json").write_text(json.dumps({"abalone": {"file": "abalone.csv.gz"}}))
    X, y, task = datasets.load("abalone")
    assert task == "regression"
    assert y.tolist() == [15, 7]
    assert X["sex"].isna().tolist() == [False, True]
    assert X["length"].tolist() == [0.5, 0.25]


def test_images(openml: dict[int, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "TRAINING_IMAGES", 2)
    frame = pd.DataFrame(np.arange(4 * 784).reshape(4, 784) % 256)
    frame["class"] = pd.Categorical(["5", "0", "4", "1"])
    openml[554] = frame
    X, y = datasets.images("mnist", "train")
    assert (X.shape, X.dtype) == ((2, 784), np.float32)
    assert y.tolist() == [5, 0]
    X, y = datasets.images("mnist", "test")
    assert y.tolist() == [4, 1]
    assert X[0, 0] == np.float32((2 * 784) % 256) / np.float32(255)


def test_folds_are_five_and_keep_the_classes() -> None:
    y = pd.Series(["a"] * 40 + ["b"] * 10)
    found = datasets.folds(y, "binary")
    assert [sorted(y[test]) for _, test in found] == [["a"] * 8 + ["b"] * 2] * 5
    numbers = datasets.folds(np.arange(50.0), "regression")
    assert sorted(np.concatenate([test for _, test in numbers])) == list(range(50))
    assert all(set(train).isdisjoint(test) for train, test in numbers)
    assert any(np.diff(test).max() > 1 for _, test in numbers)


@pytest.mark.parametrize("name", datasets.TABLES)
def test_the_tables_are_those_of_the_folder(name: str) -> None:
    try:
        described = json.loads(data.file("meta.json").read_text(encoding="utf-8"))[name]
    except data.MissingDataError as problem:
        pytest.skip(str(problem))
    table = datasets.TABLES[name]
    assert list(table.target) == described["target"]
    assert table.task == described["task"]
    assert table.categorical.split() == described["categorical"]
    rows = pd.read_csv(data.file(described["file"]), nrows=1)
    assert list(table.names) == list(rows)
