"""Which kind a column is, and what the network sees of booleans, rare categories and text."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from deltarule.exceptions import ModelFileError, TableError, TableWarning, UnknownCategoryWarning
from deltarule.tables import Column, ColumnPlan, Table
from deltarule.tables.column import CLIP
from deltarule.tables.kinds import identifies, robust

ROWS = 40


def learned(cells, **options) -> Column:
    """What a plan learns of a column beside another one."""
    table = {"c": cells, "x": [row % 7 for row in range(len(cells))]}
    return ColumnPlan.learn(table, **options).columns[0]


# Kinds.

WORDS = [f"w{row}" for row in range(ROWS)]
TEXT = [f"the word number {row}" for row in range(ROWS)]


@pytest.mark.parametrize(
    ("cells", "kind", "reason"),
    [
        (np.arange(ROWS) / 3, "numeric", ""),
        ([0, 1] * 20, "boolean", ""),
        ([0, None, 1.0, 1] * 10, "boolean", ""),
        ([0, 1, 0, np.inf] * 10, "numeric", ""),
        ([1, 2] * 20, "numeric", ""),
        ([True, False] * 20, "boolean", ""),
        (["true", None] * 19 + ["false", "false"], "boolean", ""),
        (["no", "yes"] * 20, "categorical", ""),
        (["x", None] * 20, "categorical", ""),
        (["2024-01-05", "2024-01-06"] * 20, "datetime", ""),
        (TEXT, "text", ""),
        (WORDS, "ignored", "different in nearly every row"),
        ([f"{word} {word}" for word in WORDS], "ignored", "different in nearly every row"),
        (np.arange(ROWS), "numeric", ""),
        ([3.5] * ROWS, "ignored", "the same in every row"),
        (["x"] * ROWS, "ignored", "the same in every row"),
        ([None] * ROWS, "ignored", "empty"),
        ([np.nan] * ROWS, "ignored", "empty"),
        ([np.inf, None] * 20, "ignored", "without a finite number"),
        (np.array([None] * ROWS, dtype="M8[us]"), "ignored", "empty"),
    ],
)
def test_the_kind_of_a_column(cells, kind, reason):
    column = learned(cells, text="hash", infinite="farthest")
    assert (column.kind, column.reason) == (kind, reason)
    assert (kind == "ignored") == (column.inputs == ())


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        *(("id", True), ("ID", True), ("PassengerId", True), ("customer_id", True)),
        *(("userID", True), ("row number", True), ("index", True), ("Unnamed: 0", True)),
        *(("bid", False), ("paid", False), ("price index", False), ("day", False)),
        *(("identity", False), ("idle", False), ("x", False)),
    ],
)
def test_numbers_that_are_called_an_identifier(name, taken):
    numbers = np.random.default_rng(0).permutation(1000)[:50].astype(float)
    assert bool(identifies(numbers, name)) == taken
    for other in (numbers + 0.5, np.append(numbers, numbers[0]), numbers[:20], numbers * np.inf):
        assert not identifies(other, name)


@pytest.mark.parametrize("name", ["no", "No.", "n", "row", "#", "column_1", ""])
def test_a_count_of_the_rows_that_is_called_one_is_left_out(name):
    for first in (0, 1):
        plan = ColumnPlan.fit({name: np.arange(50) + first, "x": np.arange(50) % 7})
        assert plan.columns[0].reason == "a count of the rows"
    some = np.random.default_rng(0).permutation(60)[:50]  # as a fold has them
    plan = ColumnPlan.fit({name: some, "x": np.arange(50) % 7})
    assert plan.columns[0].reason == "a number of its own for each row, as its name says"
    other = ColumnPlan.fit({name: np.arange(50) + 1970, "x": np.arange(50) % 7})
    assert other.columns[0].kind == "numeric"


@pytest.mark.parametrize("name", ["t", "week", "day", "seconds", "distance"])
def test_days_and_weeks_may_count_the_rows_too(name):
    plan = ColumnPlan.fit({name: np.arange(50), "x": np.arange(50) % 7})
    assert plan.inputs == (name, "x")


def test_a_column_that_is_named_categorical_is_one_whatever_it_holds():
    column = learned(np.linspace(0, 1, ROWS), categorical=["c"])
    assert (column.kind, len(column.categories)) == ("categorical", min(ROWS, 100))


def test_an_identifier_is_taken_where_there_is_nothing_else():
    assert ColumnPlan.fit({"id": np.arange(50)}).inputs == ("id",)
    assert ColumnPlan.fit({"id": np.arange(50), "same": [1] * 50}).inputs == ("id",)
    assert ColumnPlan.fit({"id": np.arange(50), "x": np.arange(50) % 7}).inputs == ("x",)
    assert ColumnPlan.fit(np.column_stack([np.arange(50), np.arange(50) % 7])).inputs == (
        "x0",
        "x1",
    )


# Numbers.


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([1, 2, 3, 4, 5], (3, 3, 2)),
        ([1, 2, 3, 4], (2.5, 2.5, 1.5)),
        ([0, 0, 0, 0, 0, 8], (0, 0, 4)),
        ([7, 7], (7, 7, 1)),
        ([5], (5, 5, 1)),
        ([-1.6e308, 1.6e308], (0, 0, 1e308)),
        ([-1.6e308, -1.6e308, 1.6e308, 1.6e308], (0, 0, 1e308)),
        ([1e308, 1e308, 1.5e308], (1e308, 1e308, 2.5e307)),
        ([1.5e308, 1.5e308, 1.5e308], (1e308, 1e308, 1)),
        ([5e-324, 0, 0], (0, 0, 1)),
    ],
)
def test_median_and_scale(numbers, expected):
    np.testing.assert_allclose(robust(np.array(numbers, float)), expected, rtol=1e-12)


def test_quartiles_are_those_of_numpy():
    generator = np.random.default_rng(0)
    for rows in range(1, 60):
        numbers = generator.standard_normal(rows) ** 3
        low, median, high = np.quantile(numbers, [0.25, 0.5, 0.75])
        scale = high - low if rows > 1 else 1.0
        np.testing.assert_allclose(robust(numbers), (median, median, scale), rtol=1e-12)


def test_infinite_cells_are_the_farthest_and_counted():
    cells = [1.0, 2.0, 3.0, np.inf, -np.inf, None]
    plan = ColumnPlan.fit({"x": cells}, infinite="farthest")
    assert (plan.columns[0].centre, plan.columns[0].scale) == (2.0, 1.0)
    with pytest.warns(TableWarning) as caught:
        inputs = plan.transform({"x": cells})
    assert inputs[3:].tolist() == [[CLIP, 0], [-CLIP, 0], [0, 1]]
    assert [str(warning.message) for warning in caught] == [
        (
            "column 'x': 2 cells are infinite, for example inf in row 4; taken as the farthest "
            "that "
            "the network can see."
        )
    ]
    with pytest.warns(TableWarning, match="1 cell is infinite, for example -inf in row 1"):
        ColumnPlan.from_record(plan.record()).transform({"x": [-np.inf]})
    with pytest.raises(TableError) as refused:
        ColumnPlan.fit({"x": cells})
    assert str(refused.value) == (
        "column 'x' must hold finite numbers (got inf in row 4). Correct the cell or leave it "
        "empty."
    )


# Booleans.


def test_holes_between_two_words_are_marked_where_that_is_asked_for():
    table = {"flag": [True, False, None], "sex": ["f", None, "m"], "full": ["a", "b", "a"]}
    plan = ColumnPlan.fit(table, mark_holes=True)
    assert plan.inputs == ("flag=True", "flag is missing", "sex=m", "sex is missing", "full=b")
    assert plan.kinds_of_inputs[:4] == ("indicator", "indicator", "category", "indicator")
    expected = [[1, 0, -1, 0, -1], [-1, 0, 0, 1, 1], [0, 1, 1, 0, -1]]
    assert plan.transform(table).tolist() == expected
    with pytest.warns(UnknownCategoryWarning):
        assert plan.transform({"flag": [None], "sex": ["x"], "full": ["a"]}).tolist() == [
            [0, 1, 0, 0, -1]
        ]
    assert ColumnPlan.from_record(plan.record()) == plan
    assert "marked" not in plan.record()[2]
    assert (
        plan.describe().splitlines()[1].endswith("−1 for False, +1 for True; missing: 0 and a mark")
    )
    assert plan.describe().splitlines()[2].endswith("2 categories: f, m; missing: 0 and a mark")


def test_booleans_by_hand():
    table = {"flag": [True, False, None], "bit": [0, 1, 1], "hole": [0, 1, None]}
    plan = ColumnPlan.fit(table)
    assert plan.inputs == ("flag=True", "bit", "hole", "hole is missing")
    assert plan.kinds_of_inputs == ("indicator",) * 4
    assert plan.transform(table).tolist() == [[1, -1, -1, 0], [-1, 1, 1, 0], [0, 1, 0, 1]]


def test_a_boolean_is_known_in_either_writing():
    plan = ColumnPlan.fit({"flag": [True, False], "bit": [0, 1]})
    other = {"flag": [0, 1, None], "bit": [False, True, None]}
    assert plan.transform(other)[:2].tolist() == [[-1, -1], [1, 1]]
    with pytest.warns(TableWarning, match="column 'bit' held only 0 and 1 in training: 2 cells"):
        told = plan.transform({"flag": ["TRUE", "false"], "bit": [7, -7]})
    assert told.tolist() == [[1, 1], [-1, -1]]
    with (
        pytest.warns(UnknownCategoryWarning, match="holds a category"),
        pytest.warns(TableWarning, match=r"1 cell is another number, for example 0\.75 in row 1;"),
    ):
        assert plan.transform({"flag": ["maybe"], "bit": [0.75]}).tolist() == [[0, 0.5]]
    with pytest.raises(TableError, match="column 'bit' must hold numbers"):
        plan.transform({"flag": [True], "bit": ["yes"]})


# Categories.


def test_rare_categories_share_an_input_and_stay_apart():
    cells = ["a"] * 7 + ["b"] * 5 + ["c"] * 3 + ["d"] + [None] * 4
    plan = ColumnPlan.fit({"k": cells}, max_categories=2)
    assert plan.columns == (
        Column("k", "categorical", True, 0, 0, 1, ("a", "b"), rare=("c", "d"), counts=(7, 5, 3, 1)),
    )
    assert plan.inputs == ("k=a", "k=b", "k is rare", "frequency of k", "order of k")
    assert plan.kinds_of_inputs == ("category",) * 3 + ("numeric",) * 2
    assert plan.numeric_inputs.tolist() == [3, 4]
    log = lambda count: 2 * np.log(1 + count) / np.log(8) - 1  # noqa: E731
    inputs = plan.transform({"k": ["a", "b", "c", "d", None, "bb", "z"]})
    expected = [
        [1, 0, 0, 1, -1],
        [0, 1, 0, log(5), -0.5],
        [0, 0, 1, log(3), 0],
        [0, 0, 1, log(1), 0.5],
        [0, 0, 0, 0, 0],
        [0, 0, 1, -1, 0],
        [0, 0, 1, -1, 1],
    ]
    np.testing.assert_allclose(inputs, expected, atol=1e-6)


def test_ten_thousand_categories():
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 10_000, 30_000)
    table = pd.DataFrame({"k": [f"k{code:05}" for code in codes]})
    plan = ColumnPlan.fit(table)
    inputs = plan.transform(table)
    assert inputs.shape == (30_000, 103)
    assert np.abs(inputs).max() <= 1
    # The order alone tells all of them apart.
    order = np.round((inputs[:, -1] + 1) / 2 * len(np.unique(codes)))
    assert np.array_equal(order, np.unique(codes, return_inverse=True)[1])
    again = ColumnPlan.from_record(json.loads(json.dumps(plan.record())))
    assert again == plan


# Text.


def test_text_is_refused_hashed_or_left_out():
    table = {"review": TEXT, "x": np.arange(ROWS) / 3, "note": [f"{one}!" for one in TEXT]}
    with pytest.raises(TableError) as caught:
        ColumnPlan.fit(table)
    assert str(caught.value) == (
        "column 'review' holds free text (such as 'the word number 0' in row 1), and so do 'note': "
        "neither numbers nor categories. Leave it out, or say text='ignore', or text='hash' to "
        "make inputs of its words."
    )
    assert ColumnPlan.fit(table, text="ignore").inputs == ("x",)
    assert ColumnPlan.learn(table, text="ignore").columns[0].reason == "free text"
    plan = ColumnPlan.fit(table, text="hash", text_inputs=8)
    assert plan.inputs[:2] == ("review #0", "review #1")
    assert plan.kinds_of_inputs == ("text",) * 8 + ("numeric",) + ("text",) * 8
    inputs = plan.transform(table)
    assert np.abs(inputs[:, :8]).max() <= CLIP
    assert ColumnPlan.from_record(plan.record()) == plan
    given = {"review": ["The WORD number 3", None, "!"], "x": [0, 0, 0], "note": [None] * 3}
    again = plan.transform(given)
    assert np.array_equal(again[0, :8], inputs[3, :8])
    assert not again[1:, :8].any()


def test_a_hashed_text_by_hand():
    """One word is one input of ±√width before the bend."""
    plan = ColumnPlan.fit({"t": TEXT}, text="hash", text_inputs=16)
    (inputs,) = plan.transform({"t": ["word"]})
    assert np.count_nonzero(inputs) == 1
    assert np.abs(inputs).max() == pytest.approx(4 / np.sqrt(1 + 16 / 9))


def test_hashed_text_is_what_the_page_of_the_format_says():
    from sklearn.utils import murmurhash3_32

    plan = ColumnPlan.fit({"t": TEXT}, text="hash", text_inputs=8)
    sums = np.zeros(8)
    for word in ("the", "ünder", "the", "number"):
        code = murmurhash3_32(word.encode(), seed=0)
        sums[abs(code) % 8] += 1 if code >= 0 else -1
    u = sums / np.linalg.norm(sums) * np.sqrt(8)
    (inputs,) = plan.transform({"t": ["The ünder, THE x number!"]})
    np.testing.assert_allclose(inputs, u / np.sqrt(1 + (u / 3) ** 2), atol=1e-6)


def test_long_text_that_comes_again_is_text_too():
    long = [f"this is a long sentence about the house number {row}" for row in range(12)]
    assert learned(long * 5, text="hash").kind == "text"
    assert learned([f"house number {row}" for row in range(12)] * 5).kind == "categorical"


# Options.


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        (
            "text",
            "keep",
            "text must be one of 'refuse', 'hash', 'ignore' (got 'keep'). Choose one of these.",
        ),
        (
            "infinite",
            None,
            "infinite must be one of 'refuse', 'farthest' (got None). Choose one of these.",
        ),
        (
            "text_inputs",
            0,
            "text_inputs must be a whole number from 1 to 65536 (got 0). Choose one.",
        ),
        (
            "max_categories",
            True,
            "max_categories must be a whole number from 1 to 2147483648 (got True). Choose one.",
        ),
    ],
)
def test_options_that_are_none(option, value, sentence):
    with pytest.raises(TableError) as caught:
        ColumnPlan.fit({"x": [1.0, 2.0]}, **{option: value})
    assert str(caught.value) == sentence


# Tables to predict on.

PLAN = ColumnPlan.fit({"a": [1.0, 2.0, 5.0], "b": ["x", "y", "z"], "same": [1, 1, 1]})


def test_columns_are_found_by_name_in_any_order():
    expected = PLAN.transform({"a": [2.0], "b": ["y"]})
    assert np.array_equal(PLAN.transform({"b": ["y"], "a": [2.0]}), expected)
    assert np.array_equal(PLAN.transform([[2.0, "y", 1]]), expected)
    array = np.array([[2.0, "y", 1]], dtype=object)
    assert np.array_equal(PLAN.transform(array), expected)


def test_a_plan_of_an_array_takes_a_frame_by_position():
    plan = ColumnPlan.fit(np.array([[1.0, 2.0], [3.0, 5.0]]))
    named = pd.DataFrame({"p": [1.0], "q": [5.0]})
    with pytest.warns(
        TableWarning, match=r"\(p, q\) are taken in order: none of them is called as"
    ):
        told = plan.transform(named)
    assert np.array_equal(told, plan.transform(named.to_numpy()))
    assert plan.transform({"x1": [5.0], "x0": [1.0]}).tolist() == told.tolist()
    with pytest.raises(TableError, match="no column 'x1' "):
        plan.transform({"x0": [1.0], "q": [5.0]})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"c": [1]},
            (
                "the table lacks 2 columns that the model was trained on: a, b. Add them, or "
                "rename "
                "those that hold them."
            ),
        ),
        (
            {"b": ["x"]},
            (
                "the table has no column 'a' (it has b), which the model was trained on. Add it, "
                "or "
                "rename the one that holds it."
            ),
        ),
        (
            [[1.0, "x"]],
            (
                "the table must have 3 columns, as in training (got 2). Give those that the "
                "model was "
                "trained on, in order."
            ),
        ),
    ],
)
def test_a_table_that_lacks_columns(given, sentence):
    with pytest.raises(TableError) as caught:
        PLAN.transform(given)
    assert str(caught.value) == sentence


def test_columns_beyond_those_of_the_plan_are_said_on_request():
    given = {"a": [2.0], "b": ["y"], "more": [0], "same": [1], "other": ["w"]}
    expected = PLAN.transform({"a": [2.0], "b": ["y"]})
    assert np.array_equal(PLAN.transform(given), expected)
    with pytest.warns(TableWarning) as caught:
        assert np.array_equal(PLAN.transform(given, extra="warn"), expected)
    assert [str(warning.message) for warning in caught] == [
        (
            "the table has columns that the model was not trained on, which are not looked at: "
            "more, "
            "other."
        )
    ]


# Tables of unusual size.


def test_one_row_says_nothing():
    with pytest.raises(TableError) as caught:
        ColumnPlan.fit({"a": [1.0], "b": ["x"]})
    assert str(caught.value) == (
        "no column says anything about the target ('a' is the same in every row; 'b' is the same "
        "in every row). Add one that differs between rows."
    )


def test_five_rows():
    table = {"n": [1, 2, 3, 4, 5], "w": list("abcde"), "t": [f"2024-01-0{d}" for d in range(1, 6)]}
    plan = ColumnPlan.fit(table)
    assert [column.kind for column in plan.columns] == ["numeric", "categorical", "datetime"]
    assert plan.transform(table).shape == (5, 1 + 5 + 3)


def test_five_thousand_columns():
    numbers = np.random.default_rng(0).standard_normal((12, 5000))
    frame = pd.DataFrame(numbers, columns=[f"c{place}" for place in range(5000)])
    plan = ColumnPlan.fit(frame)
    assert len(plan.inputs) == 5000
    inputs = plan.transform(frame[frame.columns[::-1]])
    assert np.array_equal(inputs, ColumnPlan.fit(numbers).transform(numbers))
    assert len(plan._repr_html_()) < 10_000


def test_no_rows_to_predict_on():
    plan = ColumnPlan.fit({"t": TEXT, "x": np.arange(ROWS) / 3}, text="hash")
    assert plan.transform(Table.of({"t": [], "x": []})).shape == (0, 65)


# In words.


def test_a_plan_in_words():
    table = {
        "age": [20, 30, None, 40],
        "city": ["Oslo", "Rome", "Bonn", "Bonn"],
        "flag": [True, False, True, True],
        "bit": [0, 1, None, 1],
        "when": ["2024-01-01", "2024-02-05", None, "2024-03-01"],
        "same": [1, 1, 1, 1],
    }
    plan = ColumnPlan.fit(table, max_categories=2)
    assert plan.describe().splitlines() == [
        "column  kind         inputs  what the network sees",
        "age     numeric           2  (x − 30) / 10; missing: 30 and a mark",
        "city    categorical       5  2 categories, 1 rarer one: Bonn, Oslo",
        "flag    boolean           1  −1 for False, +1 for True",
        "bit     boolean           2  −1 for 0, +1 for 1; missing: 1 and a mark",
        (
            "when    datetime          6  the time, month, weekday; missing: 2024-02-05 00:00:00 "
            "and a "
            "mark"
        ),
        "same    ignored           0  nothing: the same in every row",
    ]
    assert repr(plan) == (
        "ColumnPlan(6 columns: 1 numeric, 1 categorical, 2 boolean, 1 datetime, 1 ignored; 16 "
        "inputs)"
    )
    page = ColumnPlan.fit({"<a>": ["x", "y&"], "b": [1.0, 2.5]})._repr_html_()
    assert "<td>&lt;a&gt;</td>" in page
    assert "y&amp;" in page
    assert "y&<" not in page


def test_every_input_has_a_kind():
    table = {
        "number": [1.0, 2.0, None, 5.0] * 10,
        "word": ["a", "b", "c", None] * 10,
        "many": [f"w{row % 19}" for row in range(40)],
        "flag": [True, False] * 20,
        "when": np.datetime64("2024-01-01T01") + 31 * np.arange(40),
        "text": TEXT,
    }
    plan = ColumnPlan.fit(table, text="hash", text_inputs=4, max_categories=10)
    assert len(plan.kinds_of_inputs) == len(plan.inputs) == plan.transform(table).shape[1]
    assert set(plan.kinds_of_inputs) == {"numeric", "indicator", "category", "cyclic", "text"}
    named = [plan.inputs[place] for place in plan.numeric_inputs]
    assert named == ["number", "frequency of many", "order of many", "when"]


# Records.

WHOLE = ColumnPlan.fit(
    {"k": list("aaabbcd") * 3, "t": [f"2024-0{1 + row % 9}-01" for row in range(21)]},
    max_categories=2,
)


def test_a_record_of_the_old_kinds_has_the_old_fields():
    """Files of tables with numbers and categories alone can be read by older releases."""
    fields = ["name", "kind", "missing", "median", "centre", "scale", "categories", "reason"]
    assert all(list(column) == fields for column in PLAN.record())
    assert list(WHOLE.record()[0]) == [*fields, "rare", "counts"]
    assert list(WHOLE.record()[1]) == [*fields, "cycles"]
    assert ColumnPlan.from_record(json.loads(json.dumps(WHOLE.record()))) == WHOLE


@pytest.mark.parametrize(
    ("column", "field", "value", "words"),
    [
        (0, "rare", ["a", "d"], "table.columns[0].rare must be different from each other"),
        (0, "rare", [1], "table.columns[0].rare must be a list of texts"),
        (0, "counts", [1, 2], "table.columns[0].counts must be a list of 4 whole numbers"),
        (0, "counts", [1, 2, 3, 0], "table.columns[0].counts must be whole numbers above 0"),
        (0, "counts", [1, 2, 3, True], "table.columns[0].counts must be whole numbers above 0"),
        (0, "kind", "numeric", "table.columns[0].rare must be none for the kind 'numeric'"),
        (0, "width", 5, "table.columns[0].width must be above 0 for text and 0 for all else"),
        (0, "width", 2**40, "table.columns[0].width must be a whole number from 0 to 65536"),
        (0, "infinite", 1, "table.columns[0].infinite must be true or false"),
        (0, "marked", True, "table.columns[0].marked must be false but for two words with missing"),
        (1, "kind", "text", "table.columns[1].width must be above 0 for text"),
        (1, "kind", "boolean", None),
        (1, "cycles", ["hour", "month"], "table.columns[1].cycles must be some of month, weekday"),
        (1, "cycles", ["year"], "table.columns[1].cycles must be some of month, weekday"),
        (1, "median", 1e300, "table.columns[1].median must be the seconds of a time"),
        (1, "unknown", 0, "table.columns[1] must be a record with the fields"),
    ],
)
def test_a_changed_record_is_refused(column, field, value, words):
    record = WHOLE.record()
    record[column][field] = value
    if words is None:
        record[column]["categories"] = ["one"]
        words = "table.columns[1].categories must be two words or none for a boolean"
    with pytest.raises(ModelFileError) as caught:
        ColumnPlan.from_record(record)
    assert words in str(caught.value)


def test_a_file_does_not_ask_for_more_inputs_than_fit():
    text = {**ColumnPlan.fit({"t": TEXT}, text="hash").record()[0], "width": 2**16}
    with pytest.raises(ModelFileError, match="columns of text with 262144 inputs at most"):
        ColumnPlan.from_record([{**text, "name": str(place)} for place in range(5)])
