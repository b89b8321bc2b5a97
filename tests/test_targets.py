"""The plan of a target where files differ: classes that are words, numbers, or too large."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

import deltarule as dr
from deltarule.cli import main
from deltarule.exceptions import ModelFileError, TableError
from deltarule.tables import ColumnPlan, Table, TableModel, TargetPlan, read_csv

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def read(text: str) -> Table:
    return read_csv(io.BytesIO(text.encode()))


def model_of(table: Table, path, task: str = "auto") -> TableModel:
    """A model of the target y that went through a file."""
    columns, target = ColumnPlan.fit(table.without(["y"])), TargetPlan.fit(table, ("y",), task)
    estimator = dr.MLPClassifier((), solver="lbfgs", random_state=0)
    estimator.fit(columns.transform(table), target.encode(table))
    dr.save(TableModel(columns, target, estimator), path)
    return dr.load(path)


@pytest.mark.parametrize("words", [("01", "02", "A"), ("1.0", "2.0", "A"), ("01", "02", "03")])
def test_classes_of_words_are_the_same_in_a_file_of_numbers(tmp_path, words):
    rows = "".join(f"{place},{word}\n" for place, word in enumerate(words)) * 9
    model = model_of(read("x,y\n" + rows), tmp_path / "m")
    assert model.classes_.tolist() == sorted(words)
    one = read(f"x,y\n0,{words[0]}\n")
    assert model.actual(one).tolist() == model.predict(one).tolist() == [words[0]]


def test_evaluate_finds_them_again(tmp_path, capsys):
    rows = "".join(f"{place},{word}\n" for place, word in enumerate(("01", "02", "A"))) * 40
    (tmp_path / "t.csv").write_text("x,y\n" + rows)
    (tmp_path / "one.csv").write_text("x,y\n" + "0,01\n" * 5)
    words = ["train", tmp_path / "t.csv", "--target", "y", "-o", tmp_path / "m", "-q"]
    assert main([*map(str, words), "--solver", "lbfgs"]) == 0
    assert main(["evaluate", str(tmp_path / "m"), str(tmp_path / "one.csv"), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["scores"]["accuracy"] == 1.0
    assert record["confusion"]["classes"] == ["01"]


def test_classes_of_numbers_refuse_what_is_none(tmp_path):
    model = model_of(read("x,y\n" + "0,1\n1,2\n" * 9), tmp_path / "m")
    assert model.classes_.dtype == np.int64
    assert model.actual(read("x,y\n0,01\n0,2.0\n")).tolist() == [1, 2]
    with pytest.raises(TableError) as caught:
        model.actual(read("x,y\n0,1\n0,1.5\n"))
    assert str(caught.value) == (
        "column 'y' must hold whole numbers, as in training (got '1.5' in row 2). Use a table of "
        "the same kind."
    )


def test_a_part_of_the_rows_has_the_classes_of_the_whole():
    table = read("x,y\n0,1\n1,2\n2,1.5\n")
    plan = TargetPlan.fit(table, ("y",), "classification")
    assert plan.encode(table.take(np.array([0, 1]))).tolist() == ["1", "2"]


@pytest.mark.parametrize("cells", [[1e300, 2e300], [2.0**53 + 2, 2.0**53 + 4], [-np.inf, 1.0]])
def test_classes_that_no_integer_holds_are_words(cells):
    table = Table.of({"y": cells * 3})
    plan = TargetPlan.fit(table, ("y",))
    assert plan.encode(table).tolist() == table.words("y").tolist()
    assert plan.encode(table).dtype.kind == "U"
    assert len(set(plan.encode(table).tolist())) == 2


def test_a_regression_target_without_a_finite_spread():
    with pytest.raises(TableError) as caught:
        TargetPlan.fit(Table.of({"y": [1e300, 2e300]}), ("y",), "regression")
    assert str(caught.value) == (
        "column 'y' must hold numbers whose mean and spread are finite to be a target (got "
        "numbers up to 2e+300). Divide them by a power of ten."
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dtype": "bool", "values": [False, True]}, "str or that of whole numbers (got 'bool')"),
        (
            {"dtype": "float64", "values": [0.5, 1.5]},
            "str or that of whole numbers (got 'float64')",
        ),
        ({"multilabel": True, "values": ["a"]}, "estimator.classes.multilabel must be false"),
    ],
)
def test_classes_that_no_table_has_are_refused(tmp_path, change, words):
    found = model_of(read("x,y\n" + "0,no\n1,yes\n" * 9), tmp_path / "m").to_model()
    found.sections["estimator"]["classes"].update(change)
    with pytest.raises(ModelFileError) as caught:
        TableModel.from_model(found)
    assert words in str(caught.value)
