"""Tables: the CSV reader, the plan of the columns, the plan of the target."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import deltarule as dr
from deltarule.exceptions import ModelFileError, TableError, UnknownCategoryWarning
from deltarule.tables import Column, ColumnPlan, Table, TableModel, TargetPlan, read_csv
from deltarule.tables.column import CLIP, HORIZON
from deltarule.tables.columns import MAX_CATEGORIES, counts_rows
from deltarule.tables.scores import confusion, linear_prediction, naive_prediction, score
from deltarule.tables.targets import has_target

# The real tables are no part of the project; they lie in the checkout or beside it.
PLACES = [Path(__file__).parents[up] / "shared" / "data" for up in (1, 2)]
DATA = next((place for place in PLACES if place.is_dir()), PLACES[0])


def read(text: str | bytes) -> Table:
    return read_csv(io.BytesIO(text.encode() if isinstance(text, str) else text))


# The CSV reader.


def test_numbers_words_and_holes():
    table = read("age,city,note\n31,Oslo,\n,Rome,x\n4e1, Bonn ,NA\n")
    assert table.names == ("age", "city", "note")
    np.testing.assert_array_equal(table.column("age"), [31.0, np.nan, 40.0])
    assert table.column("city").tolist() == ["Oslo", "Rome", "Bonn"]
    assert table.column("note").tolist() == [None, "x", None]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters(delimiter):
    table = read(delimiter.join(["a", "b"]) + "\n" + delimiter.join(["1", '"x, y; z"']) + "\n")
    assert table.column("a").tolist() == [1.0]
    assert table.column("b").tolist() == ["x, y; z"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\n1\n2\n", [1.0, 2.0]),
        ("a\r\n1\r\n2\r\n", [1.0, 2.0]),
        ("a,b\n1,2\n\n2,2", [1.0, 2.0]),
        ("a;b\n1,5;x\n-2,25;y\n", [1.5, -2.25]),
        ("a\n1_000\n2\n", ["1_000", "2"]),
        ("a\n00.5\n7\n", [0.5, 7.0]),
        ('a\n"1"\n"2"\n', [1.0, 2.0]),
    ],
)
def test_cells(text, expected):
    assert read(text).column("a").tolist() == expected


def test_a_byte_order_mark_gzip_and_a_quoted_line_break():
    plain = b'\xef\xbb\xbfname,x\n"a\nb",1\n'
    for content in (plain, gzip.compress(plain)):
        table = read(content)
        assert table.names == ("name", "x")
        assert table.column("name").tolist() == ["a\nb"]


def test_a_name_that_is_missing_gets_one():
    assert read(",a\n0,1\n1,2\n").names == ("column_1", "a")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "empty. The first line must hold the names of the columns."),
        ("a,b\n", "a header and no rows. Add rows below the names of the columns."),
        (
            "a,a\n1,2\n",
            (
                "two columns of the name 'a' in the first line. The first line must hold the names "
                "of the columns, all different."
            ),
        ),
        (
            "a,b\n1,2\n1\n",
            (
                "line 3 has 1 cell, the first line 2. Fill the line up, or put quotes around a "
                "cell that holds the delimiter."
            ),
        ),
        (
            b"a\n\xff\xff\xfe\n",
            "not text in UTF-8 (line 2). Save the table as CSV in UTF-8.",
        ),
        (b"PK\x03\x04zip", "an Excel or zip file, not a CSV file. Save the table as CSV."),
        (b"PAR1....PAR1", "a Parquet file, not a CSV file. Save the table as CSV."),
        ("a\n1\n".encode("utf-16"), "text in UTF-16. Save the table as CSV in UTF-8."),
        (
            'a,b\n1,"x"y\n',
            "line 2 cannot be read (',' expected after '\"'). Check its quotes.",
        ),
    ],
)
def test_what_is_no_table(text, sentence):
    with pytest.raises(TableError) as caught:
        read(text)
    assert str(caught.value) == f"standard input: {sentence}"


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(TableError) as caught:
        read_csv(tmp_path / "none.csv")
    assert str(caught.value) == f"{tmp_path}/none.csv: no such file. Check the path."
    with pytest.raises(TableError, match="a folder, not a file"):
        read_csv(tmp_path)
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 999)[:-9])
    with pytest.raises(TableError, match="a gzip file that cannot be unpacked"):
        read_csv(tmp_path / "cut.csv.gz")


def test_the_reader_is_quick(tmp_path):
    rows = "\n".join(f"{i},{i * 0.5},word{i % 7},{i % 3}" + ",1.25" * 10 for i in range(20_000))
    (tmp_path / "t.csv").write_text("a,b,c,d," + ",".join("efghijklmn") + "\n" + rows + "\n")
    began = time.perf_counter()
    assert read_csv(tmp_path / "t.csv").rows == 20_000
    assert time.perf_counter() - began < 3


# Frames.

PANDAS = pd.DataFrame(
    {
        "number": [1.5, np.nan, 3.0, 4.0],
        "nullable": pd.array([1, None, 3, 4], dtype="Int64"),
        "text": ["a", None, "b", "a"],
        "category": pd.Categorical(["p", "q", None, "p"]),
        "flag": [True, False, True, True],
        "mixed": [1, "x", None, True],
    }
)
POLARS = pl.DataFrame(
    {
        "number": [1.5, None, 3.0, 4.0],
        "nullable": [1, None, 3, 4],
        "text": ["a", None, "b", "a"],
        "category": pl.Series(["p", "q", None, "p"], dtype=pl.Categorical),
        "flag": [True, False, True, True],
    }
)


@pytest.mark.parametrize("frame", [PANDAS, POLARS], ids=["pandas", "polars"])
def test_frames(frame):
    table = Table.of(frame)
    np.testing.assert_array_equal(table.column("number"), [1.5, np.nan, 3.0, 4.0])
    np.testing.assert_array_equal(table.column("nullable"), [1, np.nan, 3, 4])
    assert table.column("text").tolist() == ["a", None, "b", "a"]
    assert table.column("category").tolist() == ["p", "q", None, "p"]
    assert table.column("flag").tolist() == ["True", "False", "True", "True"]
    if "mixed" in table.names:
        assert table.column("mixed").tolist() == ["1", "x", None, "True"]


def test_a_frame_and_its_csv_file_give_the_same_inputs():
    frame = PANDAS.drop(columns="mixed")
    plan = ColumnPlan.fit(frame)
    file = read(frame.to_csv(index=False))
    assert np.array_equal(plan.transform(frame), plan.transform(file))
    assert np.array_equal(plan.transform(POLARS), plan.transform(frame))


@pytest.mark.parametrize("frame", [[1, 2], "x", 5])
def test_what_is_no_frame(frame):
    with pytest.raises(TableError) as caught:
        Table.of(frame)
    assert str(caught.value) == (
        "a table must be a pandas or polars frame, a mapping of columns, an array of two "
        f"dimensions or a Table (got {type(frame).__name__}). Give one of these."
    )


def test_columns_of_unequal_lengths():
    with pytest.raises(TableError) as caught:
        Table.of({"a": [1], "b": [1, 2]})
    assert str(caught.value) == (
        "columns must have equal lengths (got {'a': 1, 'b': 2}). Fill them up."
    )


# The plan of the columns.


def test_a_numeric_column_by_hand():
    plan = ColumnPlan.fit({"x": [1.0, 2.0, None, 6.0]})
    assert plan.columns == (
        # The quartiles of 1, 2, 6 are 1.5 and 4.
        Column("x", "numeric", True, median=2.0, centre=2.0, scale=2.5),
    )
    inputs = plan.transform({"x": [2.0, 1e300, -1e300, None, 7.0]})
    assert inputs.dtype == np.float32
    assert inputs.flags.c_contiguous
    assert inputs[0].tolist() == [0.0, 0.0]
    np.testing.assert_allclose(inputs[1:3, 0], [3, -3])
    assert inputs[3].tolist() == [0.0, 1.0]
    assert inputs[4].tolist() == [np.float32(2 / np.sqrt(1 + 4 / 9)), 0.0]


def test_a_plan_of_an_older_file_keeps_its_numbers():
    """A centre that is no median: a missing cell counts as the median all the same."""
    plan = ColumnPlan((Column("x", "numeric", True, median=2.0, centre=3.0, scale=2.0),))
    assert ColumnPlan.from_record(plan.record()) == plan
    u = np.float32(-0.5 / np.sqrt(1 + (0.5 / 3) ** 2))
    assert plan.transform({"x": [3.0, None]}).tolist() == [[0.0, 0.0], [u, 1.0]]


def test_a_categorical_column_by_hand():
    plan = ColumnPlan.fit({"c": ["b", "a", None, "c"], "two": ["no", "yes", "no", None]})
    assert plan.inputs == ("c=a", "c=b", "c=c", "two=yes")
    assert plan.transform({"c": ["a", "c", None], "two": ["no", "yes", None]}).tolist() == [
        [1, 0, 0, -1],
        [0, 0, 1, 1],
        [0, 0, 0, 0],
    ]


def test_an_unknown_category_is_ignored_and_counted():
    plan = ColumnPlan.fit({"city": ["Oslo", "Rome", "Bonn"]})
    with pytest.warns(UnknownCategoryWarning) as caught:
        inputs = plan.transform({"city": ["Oslo", "Atlantis", "Ys"]})
    assert inputs.tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert [str(warning.message) for warning in caught] == [
        (
            "column 'city': 2 cells hold a category that the model does not know, for example "
            "'Atlantis' in row 2; treated as none of the known ones."
        )
    ]


def test_numbers_that_name_kinds():
    codes = {"code": [1, 2, 10, 2], "x": [0.1, 0.2, 0.3, 0.4]}
    plan = ColumnPlan.fit(codes, categorical=["code"])
    assert plan.columns[0].categories == ("1", "10", "2")
    assert plan.transform({"code": ["10"], "x": [0.1]})[0, :3].tolist() == [0, 1, 0]
    assert plan.transform(read("code,x\n10.0,1\n"))[0, :3].tolist() == [0, 1, 0]
    with pytest.raises(TableError, match="no column 'cod' "):
        ColumnPlan.fit(codes, categorical=["cod"])


def test_columns_that_say_nothing_are_left_out():
    table = {
        "same": [1.0] * 40,
        "empty": [None] * 40,
        "word": ["w"] * 40,
        "name": [f"person {i}" for i in range(40)],
        "x": [float(i % 7) for i in range(40)],
    }
    reasons = {column.name: column.reason for column in ColumnPlan.fit(table).columns}
    assert reasons == {
        "same": "the same in every row",
        "empty": "empty",
        "word": "the same in every row",
        "name": "different in nearly every row",
        "x": "",
    }
    with pytest.raises(TableError) as caught:
        ColumnPlan.fit({"same": [1.0, 1.0]})
    assert str(caught.value) == (
        "no column says anything about the target ('same' is the same in every row). Add one that "
        "differs between rows."
    )


def test_of_very_many_categories_the_frequent_ones_are_kept():
    words = [f"w{i % 150}" for i in range(600)] + ["w149"] * 5
    plan = ColumnPlan.fit({"c": words})
    assert len(plan.columns[0].categories) == MAX_CATEGORIES
    assert "w149" in plan.columns[0].categories


def test_a_constant_with_holes_keeps_the_holes():
    plan = ColumnPlan.fit({"x": [5.0, None, 5.0]})
    assert plan.transform({"x": [5.0, None]}).tolist() == [[0, 0], [0, 1]]


def test_large_numbers_do_not_overflow():
    plan = ColumnPlan.fit({"x": [1.7e308, -1.7e308, 0.0, 1e300]})
    assert np.isfinite(plan.transform({"x": [1.7e308, -1.7e308, 0.0]})).all()


def test_counting_rows():
    assert counts_rows(np.arange(30.0))
    assert counts_rows(np.arange(1.0, 31.0))
    assert not counts_rows(np.arange(30.0)[::-1])
    assert not counts_rows(np.arange(10.0))


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (
            {"age": [1.0, np.inf]},
            (
                "column 'age' must hold finite numbers (got inf in row 2). Correct the cell or "
                "leave it empty."
            ),
        ),
        (
            {"age": ["1", "old"]},
            (
                "column 'age' must hold numbers (got 'old' in row 2). Correct the cell or leave it "
                "empty."
            ),
        ),
        (
            {"Age": [1.0]},
            (
                "the table has no column 'age' (it has Age), which the model was trained on. Did "
                "you mean 'Age'?"
            ),
        ),
        (
            {"weight": [1.0]},
            (
                "the table has no column 'age' (it has weight), which the model was trained on. "
                "Add it, or rename the one that holds it."
            ),
        ),
    ],
)
def test_a_table_that_does_not_fit_the_plan(table, sentence):
    plan = ColumnPlan.fit({"age": [1.0, 2.0]})
    with pytest.raises(TableError) as caught:
        plan.transform(table)
    assert str(caught.value) == sentence


def test_no_rows():
    with pytest.raises(TableError) as caught:
        ColumnPlan.fit({"a": []})
    assert str(caught.value) == "the table must have at least one row (got none). Add rows."


# Records.

PLAN = ColumnPlan.fit(PANDAS.drop(columns="mixed"))


def test_a_plan_goes_through_json_as_it_is():
    again = ColumnPlan.from_record(json.loads(json.dumps(PLAN.record())))
    assert again == PLAN
    with pytest.raises(dataclasses.FrozenInstanceError):
        again.columns = ()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("kind", "pickle", "table.columns[0].kind must be one of 'numeric', 'categorical'"),
        ("scale", 0.0, "table.columns[0].scale must be above 0"),
        ("median", "1", "table.columns[0].median must be a finite number"),
        ("categories", ["a", "a"], "table.columns[0].categories must be all different"),
        ("name", 3, "table.columns[0].name must be a text"),
        ("other", 1, "table.columns[0] must be a record with the fields name, kind"),
    ],
)
def test_a_changed_record_is_refused(field, value, words):
    record = PLAN.record()
    record[0][field] = value
    with pytest.raises(ModelFileError) as caught:
        ColumnPlan.from_record(record)
    assert words in str(caught.value)


def test_two_columns_of_one_name_are_refused():
    record = PLAN.record()
    record[1]["name"] = record[0]["name"]
    with pytest.raises(ModelFileError, match="columns of different names"):
        ColumnPlan.from_record(record)


# The target.


@pytest.mark.parametrize(
    ("cells", "task", "reason"),
    [
        (["a", "b", "a"], "classification", "'y' holds words"),
        ([0, 1, 1], "classification", "'y' holds two different values"),
        ([0.5, 1.5, 1.5], "classification", "'y' holds two different values"),
        ([1, 2, 3] * 10, "classification", "'y' holds 3 different whole numbers"),
        ([1, 2, 3], "regression", "'y' holds 3 different whole numbers"),
        (list(range(21)) * 9, "regression", "'y' holds 21 different whole numbers"),
        ([0.5, 1.5, 2.5] * 9, "regression", "'y' holds 3 different decimal numbers"),
    ],
)
def test_the_task_by_itself(cells, task, reason):
    plan = TargetPlan.fit(Table.of({"y": cells}), ("y",))
    assert (plan.task, plan.reason) == (task, reason)


def test_the_task_as_asked_for():
    table = Table.of({"y": [0, 1, 1]})
    assert TargetPlan.fit(table, ("y",), "regression").task == "regression"
    table = Table.of({"y": [0.5, 1.5, 2.5]})
    assert TargetPlan.fit(table, ("y",), "classification").encode(table).tolist() == [
        "0.5",
        "1.5",
        "2.5",
    ]


def test_a_regression_target_is_standardised_and_put_back():
    table = Table.of({"y": [1.0, 2.0, 6.0], "z": [5.0, 5.0, 5.0]})
    plan = TargetPlan.fit(table, ("y", "z"))
    encoded = plan.encode(table)
    assert encoded.dtype == np.float32
    np.testing.assert_allclose(encoded.mean(axis=0), [0, 0], atol=1e-6)
    np.testing.assert_allclose(plan.decode(encoded), plan.actual(table), rtol=1e-6)
    assert plan.decode(np.array([[99.0, 99.0], [-99.0, 0.0]])).tolist() == [[6, 5], [1, 5]]
    assert TargetPlan.from_record(json.loads(json.dumps(plan.record()))) == plan


@pytest.mark.parametrize(
    ("cells", "task", "sentence"),
    [
        (
            ["1", "high"],
            "regression",
            (
                "a target of a regression must be a number: column 'y' must hold numbers (got "
                "'high' in row 2). Correct the cell or leave it empty. Or train with --task "
                "classification."
            ),
        ),
        (
            [1.0, np.inf, 2.0],
            "regression",
            (
                "column 'y' must hold finite numbers to be a target (got inf in row 2). Correct "
                "the cell or remove the row."
            ),
        ),
    ],
)
def test_targets_that_do_not_fit(cells, task, sentence):
    with pytest.raises(TableError) as caught:
        TargetPlan.fit(Table.of({"y": cells}), ("y",), task)
    assert str(caught.value) == sentence


def test_several_columns_of_classes():
    with pytest.raises(TableError) as caught:
        TargetPlan.fit(Table.of({"a": ["x"], "b": ["y"]}), ("a", "b"))
    assert str(caught.value) == (
        "classification takes one target column (got a, b). Train one model per column."
    )


def test_rows_with_a_target():
    table = Table.of({"a": [1.0, None, 3.0], "b": ["x", "y", None]})
    assert has_target(table, ("a", "b")).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("field", "value"),
    [("scale", [0.0]), ("low", [9.0]), ("centre", []), ("task", "guess"), ("names", [])],
)
def test_a_changed_target_record_is_refused(field, value):
    table = Table.of({"y": [1.0, 2.5, 4.5]})
    record = {**TargetPlan.fit(table, ("y",)).record(), field: value}
    with pytest.raises(ModelFileError, match=r"^table\.target\."):
        TargetPlan.from_record(record)


# The model of a table.


def table_model(task="classification"):
    generator = np.random.default_rng(0)
    x = generator.normal(size=200)
    city = generator.choice(["Oslo", "Rome", "Bonn"], 200)
    table = Table.of({"x": x, "city": city, "y": x + (city == "Oslo"), "z": -x})
    if task == "classification":
        word = np.where(table.column("y") > 0, "high", "low")
        table = Table.of({"x": x, "city": city, "y": word})
    names = ("y",) if task == "classification" else ("y", "z")
    columns = ColumnPlan.fit(table.without(names))
    target = TargetPlan.fit(table, names)
    kind = dr.MLPClassifier if task == "classification" else dr.MLPRegressor
    estimator = kind(hidden_layer_sizes=(8,), solver="lbfgs", max_iter=300, random_state=0)
    estimator.fit(columns.transform(table), target.encode(table))
    return TableModel(columns, target, estimator, {"rows": 200}), table


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_table_model_comes_back(tmp_path, task):
    model, table = table_model(task)
    dr.save(model, tmp_path / "model.safetensors")
    again = dr.load(tmp_path / "model.safetensors")
    assert isinstance(again, TableModel)
    assert (again.columns, again.target) == (model.columns, model.target)
    assert again.report == {"rows": 200}
    assert np.array_equal(again.predict(table), model.predict(table))
    frame = pd.DataFrame(dict(table.columns))
    assert np.array_equal(again.predict(frame), model.predict(table))
    assert score(model.target, model.target.actual(table), again.predict(table)) > 0.95
    if task == "classification":
        assert again.predict_proba(frame).shape == (200, 2)
    assert len(again.predict(table.take(np.arange(0)))) == 0


def test_naive_and_linear_predictions():
    table = Table.of({"y": ["a", "a", "b"]})
    target = TargetPlan.fit(table, ("y",))
    assert naive_prediction(target, target.actual(table), 2).tolist() == ["a", "a"]
    X = np.array([[0.0], [0.1], [9.0]], dtype=np.float32)
    assert linear_prediction(target, X, target.encode(table), X).tolist() == ["a", "a", "b"]
    numbers = Table.of({"y": [1.0, 2.0, 4.0, 9.5]})
    target = TargetPlan.fit(numbers, ("y",))
    assert naive_prediction(target, target.actual(numbers), 1).tolist() == [[4.125]]


def test_confusion_counts_actual_in_rows():
    classes, counts = confusion(np.array(["a", "a", "b"]), np.array(["a", "c", "b"]))
    assert classes.tolist() == ["a", "b", "c"]
    assert counts.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 0]]


@pytest.mark.skipif(not DATA.is_dir(), reason="the real tables are not here")
@pytest.mark.parametrize("name", ["adult", "california_housing", "titanic", "german_credit"])
def test_real_tables(name):
    meta = json.loads((DATA / "meta.json").read_text())[name]
    table = read_csv(DATA / meta["file"])
    assert table.rows == meta["rows"]
    features = table.without(meta["target"])
    words = [name for name in features.names if not features.is_numeric(name)]
    assert words == meta["categorical"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plan = ColumnPlan.fit(features)
        inputs = plan.transform(features)
    assert np.isfinite(inputs).all()
    assert np.abs(inputs).max() <= 3
    assert sum(column.missing for column in plan.columns) == meta["columns_with_missing"]


def test_numbers_for_a_straight_line_lie_where_they_are():
    frame = {"x": [0.0, 1.0, 2.0, 3.0, 400.0, np.inf, None], "city": list("abacaba")}
    table = Table.of(frame)
    plan = ColumnPlan.learn(table, infinite="farthest")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bent = plan.transform(table)
    straight = plan.straight(table, bent)
    centre, scale = plan.columns[0].centre, plan.columns[0].scale
    expected = [(x - centre) / scale for x in (0.0, 1.0, 2.0, 3.0, 400.0)]
    np.testing.assert_allclose(straight[:5, 0], expected, rtol=1e-6)
    assert straight[5, 0] == HORIZON
    assert straight[6, 0] == bent[6, 0] == 0
    assert np.array_equal(straight[:, 1:], bent[:, 1:])
    assert np.abs(bent[:, 0]).max() <= CLIP
