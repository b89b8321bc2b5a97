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


@pytest.mark.parametrize("cells", [[1e300, 2e300], [2.0**53 + 2, 2.0**53 + 4]])
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


@pytest.mark.parametrize("rows", ["4.84e400\n" * 9, "1\n4.84e400\n", "4.84e400\n1.5\n2.5\n"])
def test_a_target_that_overflows_is_refused(rows):
    table = read("y\n" + rows)
    row = rows.split().index("4.84e400") + 1
    with pytest.raises(TableError) as caught:
        TargetPlan.fit(table, ("y",))
    assert str(caught.value) == (
        f"column 'y' must hold finite numbers to be a target (got 4.84e400 in row {row}). Correct "
        "the cell or remove the row."
    )
    labels = TargetPlan.fit(table, ("y",), "classification").encode(table).tolist()
    assert labels == rows.split()


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        (
            [*(f"{i}.5" for i in range(59)), "oops"],
            "59 of 60 cells are numbers, row 60 holds 'oops'",
        ),
        (
            ["oops", *(f"1,{i:03}" for i in range(59))],
            "59 of 60 cells are numbers, row 1 holds 'oops'",
        ),
        (
            [str(900 + i) if i < 100 else f"1,{i - 100:03}.5" for i in range(110)],
            "all cells are numbers, but 10 with commas in them, such as '1,000.5' in row 101",
        ),
        (
            [f"{i},5" for i in range(20)],
            "all cells are numbers, but 20 with commas in them, such as '0,5' in row 1",
        ),
    ],
)
def test_one_bad_cell_does_not_make_classes_of_numbers(cells, sentence):
    table = Table.of({"y": cells})
    with pytest.raises(TableError) as caught:
        TargetPlan.fit(table, ("y",))
    assert str(caught.value) == (
        f"column 'y': {sentence}. Mend the cell, or say --task classification."
    )
    assert TargetPlan.fit(table, ("y",), "classification").words


@pytest.mark.parametrize(
    "cells", [["1", "2", "oops"] * 9, ["01", "02"] * 30, [*map(str, range(5)), "a"] * 9, [None] * 9]
)
def test_words_that_are_meant_are_no_strays(cells):
    assert Table.of({"y": [str(cell) if cell else cell for cell in cells]}).stray_words("y") is None


def test_rows_are_counted_as_in_the_file():
    table = read("x,y\n1,\n2,1.5\n3,2.5\n4,high\n").take(np.array([1, 2, 3]))
    with pytest.raises(TableError, match="'high' in row 4"):
        TargetPlan.fit(table, ("y",), "regression")


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
