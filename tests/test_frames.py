"""What others hold as a table: frames, mappings and arrays become the same columns."""

from __future__ import annotations

import datetime as dt
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse

from deltarule.exceptions import TableError, TableWarning
from deltarule.tables import ColumnPlan, Table

ROWS = 24
MOMENTS = [dt.datetime(2024, 1, 1) + dt.timedelta(hours=31 * row) for row in range(ROWS)]
UTC = dt.timezone(dt.timedelta(hours=2))


def frame() -> pd.DataFrame:
    """A column of every kind, with holes."""
    cells = {
        "decimal": [None, *np.arange(ROWS - 1) / 4],
        "nullable": pd.array([None, *range(ROWS - 1)], dtype="Int64"),
        "large": pd.array([2**60 + 1, None, *range(ROWS - 2)], dtype="Int64"),
        "flag": [row % 3 == 0 for row in range(ROWS)],
        "hole in flag": pd.array([None, *[True, False] * 11, True], dtype="boolean"),
        "word": [None, *"abc" * 7, "a", "b"],
        "string": pd.array([None, *"abc" * 7, "a", "b"], dtype="string"),
        "level": pd.Categorical(list("xyz") * 8, categories=["z", "y", "x", "never"]),
        "time": pd.Series(MOMENTS).where(np.arange(ROWS) > 0),
        "zone": pd.Series(MOMENTS).dt.tz_localize("Europe/Berlin"),
        "date": pd.Series([moment.date() for moment in MOMENTS], dtype=object),
        "duration": [None, *(dt.timedelta(minutes=row % 7) for row in range(ROWS - 1))],
    }
    return pd.DataFrame(cells)


def mapping() -> dict[str, list]:
    found = pl.from_pandas(frame()).to_dict(as_series=False)
    return found | {"level": pl.from_pandas(frame())["level"].cast(pl.Utf8).to_list()}


FRAMES = {
    "pandas": frame,
    "polars": lambda: pl.from_pandas(frame()),
    "pyarrow": lambda: pa.Table.from_pandas(frame(), preserve_index=False),
    "pandas on pyarrow": lambda: pa.Table.from_pandas(frame(), preserve_index=False).to_pandas(
        types_mapper=pd.ArrowDtype
    ),
    "mapping": mapping,
    "mapping of series": lambda: {str(name): cells for name, cells in frame().items()},
}


@pytest.mark.parametrize("library", FRAMES)
def test_every_library_gives_the_same_columns(library):
    table = Table.of(FRAMES[library]())
    columns = {name: cells[:3].tolist() for name, cells in table.columns.items()}
    hour = dt.timedelta(hours=1)
    expected = {
        "decimal": [np.nan, 0.0, 0.25],
        "nullable": [np.nan, 0.0, 1.0],
        "large": [2.0**60, np.nan, 0.0],
        "flag": ["True", "False", "False"],
        "hole in flag": [None, "True", "False"],
        "word": [None, "a", "b"],
        "string": [None, "a", "b"],
        "level": ["x", "y", "z"],
        "time": [None, *MOMENTS[1:3]],
        "zone": [moment - hour for moment in MOMENTS[:3]],
        "date": [dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 2), dt.datetime(2024, 1, 3)],
        "duration": [np.nan, 0.0, 60.0],
    }
    assert str(columns) == str(expected)
    kinds = [cells.dtype.str[1:] for cells in table.columns.values()]
    assert kinds == ["f8"] * 3 + ["O"] * 5 + ["M8[us]"] * 3 + ["f8"]
    assert table.declared == (frozenset() if library == "mapping" else {"level"})
    plan = ColumnPlan.fit(frame())
    assert np.array_equal(plan.transform(table), plan.transform(frame()))


def test_levels_of_a_category_stay_words_whatever_they_are():
    cells = pd.Categorical([10, 2, 10, 2, None], categories=[2, 10, 99])
    table = Table.of(pd.DataFrame({"code": cells}))
    assert table.column("code").tolist() == ["10", "2", "10", "2", None]
    plan = ColumnPlan.fit(table)
    assert plan.inputs == ("code=2",)
    days = pd.Categorical(["2024-01-01", "2024-01-02"] * 20)
    assert ColumnPlan.fit(pd.DataFrame({"day": days})).columns[0].kind == "categorical"


def test_an_array_has_columns_without_names():
    numbers = np.array([[1.0, 5.0], [2.0, 7.0], [4.0, 6.0]])
    plan = ColumnPlan.fit(numbers)
    assert plan.inputs == ("x0", "x1")
    for given in (numbers, numbers.tolist(), tuple(map(tuple, numbers)), numbers.astype(int)):
        assert np.array_equal(plan.transform(given), plan.transform(numbers))
    assert np.array_equal(plan.transform(np.asfortranarray(numbers)), plan.transform(numbers))


def test_each_column_of_an_array_of_objects_is_judged_by_its_own_cells():
    rows = [[1, "a", True, dt.date(2024, 1, 1)], [2.5, "b", False, dt.date(2024, 3, 1)]]
    rows += [[None, "a", None, None], [np.nan, None, True, pd.NaT]]
    for given in (rows, np.array(rows, dtype=object)):
        plan = ColumnPlan.fit(given)
        kinds = [column.kind for column in plan.columns]
        assert kinds == ["numeric", "categorical", "boolean", "datetime"]
        assert [column.missing for column in plan.columns] == [True] * 4
        assert np.isfinite(plan.transform(given)).all()


@pytest.mark.parametrize(
    ("array", "cells"),
    [
        (np.array([["a"], ["b"]]), ["a", "b"]),
        (np.array([[True], [False]]), ["True", "False"]),
        (np.array([["2024-01-01"], ["NaT"]], "M8[D]"), [dt.datetime(2024, 1, 1), None]),
        (np.array([[90], [30]], "m8[m]"), [5400.0, 1800.0]),
        (np.array([[10**400], [1]], object), [np.inf, 1.0]),
        (np.array([[-(10**400)], [1]], object), [-np.inf, 1.0]),
    ],
)
def test_arrays_of_other_cells(array, cells):
    assert Table.of(array).column("x0").tolist() == cells


def test_a_time_with_a_zone_is_that_of_utc():
    at = dt.datetime(2024, 6, 1, 2, tzinfo=UTC)
    table = Table.of({"a": [at, None], "b": ["2024-06-01T02:00+02:00", None]})
    assert table.column("a").tolist() == [dt.datetime(2024, 6, 1), None]
    assert Table.of({"a": [dt.datetime(1, 1, 1, tzinfo=UTC), at]}).column("a").tolist()[0] is None


class Sparse:
    """A table must not be asked for its cells before it is known to be dense."""

    __module__ = "scipy.sparse._x"
    shape = (9, 9)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            scipy.sparse.csr_matrix(np.eye(3)),
            (
                "a table must be dense (got a sparse csr_matrix of shape (3, 3)). Give X.toarray() "
                "where that fits into memory."
            ),
        ),
        (
            Sparse(),
            (
                "a table must be dense (got a sparse Sparse of shape (9, 9)). Give X.toarray() "
                "where "
                "that fits into memory."
            ),
        ),
        (
            np.zeros(3),
            (
                "Expected 2D array, got 1D array instead: a table has rows and columns. Reshape "
                "your "
                "data with array.reshape(-1, 1) if it is a single column, or array.reshape(1, "
                "-1) if "
                "it is a single row."
            ),
        ),
        (
            np.zeros((3, 0)),
            (
                "Found array with 0 feature(s) (shape=(3, 0)) while a minimum of 1 is required. "
                "Add a "
                "column."
            ),
        ),
        (
            np.zeros((3, 1), complex),
            (
                "Complex data not supported: column 'x0' must hold numbers, words or times (got "
                "complex128). Give each part a column of its own, or leave it out."
            ),
        ),
        (
            [[1, 2], [3]],
            "the rows of a table must have equal lengths (got 1 to 2 cells). Fill them up.",
        ),
        (
            pd.DataFrame([[1, 2, 3, 4]], columns=["a", "b", "a", "b"]),
            "columns must have different names (got 'a' 2 times, 'b' 2 times). Rename them.",
        ),
        (
            pa.table([[1], [2]], names=["a", "a"]),
            "columns must have different names (got 'a' 2 times). Rename them.",
        ),
        ({1: [0], "1": [1]}, "columns must have different names (got '1' 2 times). Rename them."),
        (
            pl.DataFrame({"a": [1]}).lazy(),
            (
                "a table must hold its rows (got a LazyFrame, which has yet to compute them). Give "
                "what its collect() returns."
            ),
        ),
        (
            pl.DataFrame({"a": [[1, 2]]}),
            (
                "column 'a' must hold numbers, words or times (got List(Int64)). Give each part a "
                "column of its own, or leave it out."
            ),
        ),
        (
            {"a": 5},
            "column 'a' must be a list or an array of cells (got int). Give one cell for each row.",
        ),
        (
            {"a": "abc"},
            "column 'a' must be a list or an array of cells (got str). Give one cell for each row.",
        ),
        (
            {"a": [1], "b": [1, 2]},
            "columns must have equal lengths (got {'a': 1, 'b': 2}). Fill them up.",
        ),
        (
            [],
            (
                "a table must be a pandas or polars frame, a mapping of columns, an array of two "
                "dimensions or a Table (got list). Give one of these."
            ),
        ),
    ],
)
def test_what_is_no_table(given, sentence):
    with pytest.raises(TableError) as caught:
        Table.of(given)
    assert str(caught.value) == sentence


def test_numbers_beside_words_are_words_and_said_so():
    cells = [1, 2.0, "three", None, "four", 5]
    frames = [{"n": cells}, pd.DataFrame({"n": cells}, dtype=object), [[c] for c in cells]]
    for name, given in zip(("n", "n", "x0"), frames, strict=True):
        with pytest.warns(TableWarning) as caught:
            plan = ColumnPlan.fit(given)
        assert [str(warning.message) for warning in caught] == [
            (
                f"column {name!r} is taken as words: 3 of 5 cells are numbers, row 3 holds "
                "'three'. Mend the cell, or name the column in categorical."
            )
        ]
        assert plan.columns[0].categories == ("1", "2", "5", "four", "three")


def test_words_that_are_nearly_all_numbers_are_said_to_be_words():
    cells = [*map(str, range(12)), "oops"] * 2
    with pytest.warns(TableWarning) as caught:
        ColumnPlan.fit({"n": cells, "x": list(range(26))})
    assert [str(warning.message) for warning in caught] == [
        (
            "column 'n' is taken as words: 24 of 26 cells are numbers, row 13 holds 'oops'. Mend "
            "the "
            "cell, or name the column in categorical."
        )
    ]
    ColumnPlan.fit({"n": cells, "x": list(range(26))}, categorical=["n"])


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (
            [*map(str, range(39)), "oops"],
            "39 of 40 cells are numbers, row 40 holds 'oops'. Mend the cell",
        ),
        (
            [f"${number}.50" for number in range(40)],
            (
                "its words are different in nearly every row, and look like numbers, dates or "
                "times in a writing of their own (such as '$0.50'). Convert them to plain numbers "
                "or ISO dates"
            ),
        ),
    ],
)
def test_numbers_that_are_left_out_for_how_they_are_written(cells, reason):
    with pytest.warns(TableWarning) as caught:
        plan = ColumnPlan.fit({"n": cells, "x": list(range(40))})
    assert [str(warning.message) for warning in caught] == [
        f"column 'n' is left out: {reason}, or name the column in categorical."
    ]
    assert plan.columns[0].kind == "ignored"


@pytest.mark.parametrize(
    ("writing", "told"),
    [
        *((writing, True) for writing in ("{}%", "{},5 kg", "EUR {}", "1{0:02d}:30", "{}/12/2023")),
        *((writing, False) for writing in ("A{}", "user {}", "{}-3456", "x{}y", "{}w3", "K{}.1")),
    ],
)
def test_what_looks_like_numbers_in_a_writing_of_their_own(writing, told):
    cells = [writing.format(number) for number in range(40)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ColumnPlan.fit({"n": cells, "x": list(range(40))}, text="ignore")
    assert bool(caught) == told


NUMBERS_AS_TEXT = ["1.50", None, "-2", "", "1e3", "NA"]


@pytest.mark.parametrize(
    "given",
    [
        pd.DataFrame({"x": NUMBERS_AS_TEXT}, dtype=object),
        pd.DataFrame({"x": pd.array(NUMBERS_AS_TEXT, dtype="string")}),
        pl.DataFrame({"x": NUMBERS_AS_TEXT}),
        pa.table({"x": NUMBERS_AS_TEXT}),
        {"x": NUMBERS_AS_TEXT},
        np.array([[cell] for cell in NUMBERS_AS_TEXT], dtype=object),
    ],
    ids=["pandas", "pandas string", "polars", "pyarrow", "mapping", "array"],
)
def test_numbers_that_are_text_are_numbers_as_in_a_file(given):
    table = Table.of(given)
    (name,) = table.names
    assert np.array_equal(
        table.column(name), [1.5, np.nan, -2, np.nan, 1000, np.nan], equal_nan=True
    )
    assert table.words(name).tolist() == ["1.50", None, "-2", None, "1e3", None]
    assert table.take(np.array([4, 0])).words(name).tolist() == ["1e3", "1.50"]


def test_codes_and_declared_categories_stay_words():
    table = Table.of(
        {"code": ["01", "02", "10"], "level": pd.Categorical(["1", "2", "1"]), "mixed": list("1a2")}
    )
    assert not any(map(table.is_numeric, table.names))


@pytest.mark.parametrize(
    ("cell", "kind"), [([0, 1], "list"), ({"a": 1}, "dict"), ((1, 2), "tuple")]
)
def test_a_cell_of_several_things_is_refused(cell, kind):
    with pytest.raises(TableError) as refused:
        Table.of(pd.DataFrame({"x": [cell, cell]}))
    assert str(refused.value) == (
        f"column 'x' must hold numbers, words or times (got {kind}). Give each part a column of "
        "its own, or leave it out."
    )
