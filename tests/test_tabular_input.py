"""What the tabular estimators are given that is no plain table: each with its sentence."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import (
    load_wine,
)
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from tabular_people import people

import deltarule as dr
from deltarule.exceptions import (
    InvalidParameterError,
    TableError,
    TableWarning,
    UnknownCategoryWarning,
)
from deltarule.tables.recipe import choose_recipe


@pytest.mark.parametrize("option", ["drop", "refuse"])
def test_targets_with_holes(option):
    X, signal = people(80)
    y = pd.Series(np.where(signal > 0, "yes", "no"), dtype=object)
    y[[4, 7]] = None
    model = dr.TabularClassifier("fast", missing_target=option, random_state=0)
    told = "2 of 80 rows have no target (the first is row 5)"
    if option == "drop":
        with pytest.warns(UserWarning, match="left out") as said:
            model.fit(X, y)
        assert [str(one.message) for one in said] == [f"{told}: they are left out."]
        assert model.n_dropped_rows_ == 2
        return
    with pytest.raises(TableError) as refused:
        model.fit(X, y)
    assert str(refused.value) == (
        f"{told}. Fill the target, remove these rows, or set missing_target='drop'."
    )


HOLES = {
    "words in a list": (["a", None, "b", float("nan")] * 10, ["a", "b"]),
    "whole numbers": ([3, None, 5, None] * 10, [3, 5]),
    "booleans": ([True, None, False, None] * 10, [False, True]),
    "nullable": (pd.Series([True, None, False, None] * 10, dtype="boolean"), [False, True]),
    "categories": (pd.Series(["a", None, "b", None] * 10, dtype="category"), ["a", "b"]),
    "polars": (pl.Series(["a", None, "b", None] * 10), ["a", "b"]),
}


@pytest.mark.parametrize("case", HOLES)
def test_holes_of_every_kind_are_no_class(case):
    y, classes = HOLES[case]
    with pytest.warns(TableWarning, match="20 of 40 rows have no target"):
        model = dr.TabularClassifier("fast", random_state=0).fit({"a": list(range(40))}, y)
    assert model.classes_.tolist() == classes


def test_rows_in_a_list_keep_numbers_and_holes():
    rows = [[float("nan"), "a"], [1.5, "b"], [2.5, "a"], [7.0, None]] * 5
    model = dr.TabularRegressor("fast", random_state=0).fit(rows, range(20))
    assert [column.kind for column in model.columns_.columns] == ["numeric", "categorical"]


def test_a_numbered_column_goes_by_its_number():
    frame = pd.DataFrame({1: [0, 1, 2] * 20, 0: np.arange(60) * 1.5})
    model = dr.TabularRegressor("fast", categorical=[1], random_state=0).fit(frame, range(60))
    assert [column.kind for column in model.columns_.columns] == ["categorical", "numeric"]


def test_a_class_without_weight_is_a_class_all_the_same():
    X, signal = people(80)
    y = np.where(signal > 0, "yes", "no")
    weight = (y == "no").astype(float)
    model = dr.TabularClassifier("fast", random_state=0).fit(X, y, sample_weight=weight)
    shares = model.predict_proba(X)
    assert shares.shape == (80, 2)
    assert shares[:, 1].max() < 0.2


def test_nearly_as_many_classes_as_rows_are_told():
    with pytest.warns(TableWarning) as said:
        dr.TabularClassifier("fast", random_state=0).fit({"a": range(60)}, np.arange(60))
    (one,) = said
    assert str(one.message) == (
        "y holds 60 classes in 60 rows: most have a row or two, which is too few to learn from. "
        "Use TabularRegressor where they are numbers, or another column as the target."
    )


def test_columns_without_names_are_taken_by_place():
    X = np.random.default_rng(0).normal(size=(60, 2))
    for given in (pd.DataFrame(X), pa.table({"a": X[:, 0], "b": X[:, 1]})):
        model = dr.TabularRegressor("fast", random_state=0).fit(given, X[:, 0])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "X does not have valid feature names")
            assert np.array_equal(model.predict(X), model.predict(given))


def test_names_that_nobody_looks_at_are_told():
    X = np.random.default_rng(0).normal(size=(60, 2))
    model = dr.TabularRegressor("fast", random_state=0).fit(X, X[:, 0])
    for names in (["a", "b"], ["x1", "x0"]):  # by place, as scikit-learn does
        with pytest.warns(UserWarning, match="X has feature names, but") as said:
            told = model.predict(pd.DataFrame(X, columns=names))
        assert len(said) == 1
        assert np.array_equal(told, model.predict(X))


def test_names_that_somebody_gave_are_looked_for():
    X = np.random.default_rng(0).normal(size=(60, 2))
    named = pd.DataFrame(X, columns=["x0", "x1"])
    model = dr.TabularRegressor("fast", random_state=0).fit(named, X[:, 0])
    assert np.array_equal(model.predict(named[["x1", "x0"]]), model.predict(named))
    with pytest.raises(TableError) as refused:
        model.predict(named.set_axis(["a", "b"], axis=1))
    assert str(refused.value) == (
        "the table lacks 2 columns that the model was trained on: x0, x1. Add them, or rename "
        "those that hold them."
    )


def test_numbers_in_a_column_of_no_and_yes_are_told():
    table = {"flag": [0, 1, None, 1] * 15, "x": list(range(60))}
    model = dr.TabularRegressor("fast", random_state=0).fit(table, range(60))
    with pytest.warns(TableWarning) as said:
        told = model.predict({"flag": [0, 7, 0.5, None], "x": [1, 1, 1, 1]})
    (one,) = said
    assert str(one.message) == (
        "column 'flag' held only 0 and 1 in training: 2 cells are another number, for example 7 "
        "in row 2; taken as the nearest from 0 to 1."
    )
    assert told[1] == model.predict({"flag": [1], "x": [1]})[0]


@pytest.mark.parametrize("estimator", [dr.TabularRegressor, dr.TabularClassifier])
def test_a_score_leaves_out_rows_without_a_target(estimator):
    table = {"x": [0, 1, 2, 3] * 15}
    y = [0, 0, 1, 1] * 15
    model = estimator("fast", random_state=0).fit(table, y)
    holes = [None, *y[1:]]
    rest = {"x": table["x"][1:]}
    with pytest.warns(TableWarning) as said:
        found = model.score(table, holes, np.arange(60) + 1.0)
    assert [str(one.message) for one in said] == [
        "1 of 60 rows have no target (the first is row 1): they are left out."
    ]
    assert found == model.score(rest, y[1:], np.arange(1, 60) + 1.0)
    model.set_params(missing_target="refuse")
    with pytest.raises(TableError, match=r"^1 of 60 rows have no target"):
        model.score(table, holes)
    model.set_params(missing_target="drop")
    with pytest.warns(TableWarning), pytest.raises(TableError) as refused:
        model.score(table, [None] * 60)
    assert str(refused.value) == (
        "a score needs rows with a target (got none in 60 rows). Give rows whose target is known."
    )
    with pytest.warns(TableWarning), pytest.raises(TableError) as refused:
        model.score(table, holes, np.arange(60) == 0)
    assert str(refused.value) == (
        "a score needs rows with a target and a weight above 0 (got none in 60 rows). Give rows "
        "whose target is known."
    )


def test_rows_with_some_of_their_targets_are_counted():
    x = np.random.default_rng(0).normal(size=(60, 2))
    y = np.column_stack((x[:, 0], x[:, 1]))
    y[4, 0] = y[7, 1] = np.nan
    with pytest.warns(TableWarning) as said:
        model = dr.TabularRegressor("fast", random_state=0).fit(x, y)
    assert [str(one.message) for one in said] == [
        "2 of 60 rows have not all of their 2 targets (the first is row 5): they are left out."
    ]
    assert model.n_dropped_rows_ == 2


@pytest.mark.parametrize(
    "y",
    [
        pd.Series([2**53 + 1, 2**53 + 2, None] * 20, dtype="Int64"),
        pl.Series([2**53 + 1, 2**53 + 2, None] * 20),
        np.array([2**53 + 1, 2**53 + 2, None] * 20, dtype=object),
    ],
    ids=["pandas", "polars", "objects"],
)
def test_whole_numbers_with_a_hole_stay_whole(y):
    x = np.arange(60.0).reshape(-1, 1)
    with pytest.warns(TableWarning, match=r"^20 of 60 rows have no target"):
        model = dr.TabularClassifier("fast", random_state=0).fit(x, y)
    assert model.classes_.tolist() == [2**53 + 1, 2**53 + 2]


def test_classes_of_no_weight_are_no_rows():
    x = np.random.default_rng(0).normal(size=(60, 2))
    y = np.arange(60) % 2
    model = dr.TabularClassifier("fast", class_weight={0: 0, 1: 1}, random_state=0).fit(x, y)
    assert model.classes_.tolist() == [0, 1]
    assert model.predict(x).tolist() == [1] * 60
    with pytest.raises(InvalidParameterError) as refused:
        model.set_params(class_weight={0: 0, 1: 0}).fit(x, y)
    assert str(refused.value) == (
        "class_weight must leave at least 2 rows with a weight above 0 (got {0: 0, 1: 0}, which "
        "leaves 0). Give a weight to more classes."
    )


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (
            np.array([["a", "b"]] * 60),
            (
                "Unknown label type: y with several columns must hold 0 and 1, a column for each "
                "label (got 'a'). Give one column of classes, or a column for each class."
            ),
        ),
        (
            np.repeat(np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"), 30),
            (
                "y must hold classes: words, whole numbers or truth values (got times). Convert "
                "them, for example by y.astype(str)."
            ),
        ),
        (
            np.array([1, "a", None] * 20, dtype=object),
            (
                "Unknown label type: y must hold classes of one kind, all words or all whole "
                "numbers (got int, str). Convert them, for example by y.astype(str)."
            ),
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:20 of 60 rows have no target")
def test_targets_that_are_no_classes(y, sentence):
    with pytest.raises(TableError) as refused:
        dr.TabularClassifier("fast").fit(np.zeros((60, 2)), y)
    assert str(refused.value) == sentence


def test_hundreds_of_categories_have_an_input_each():
    random = np.random.default_rng(0)
    store, x = random.integers(0, 300, 2400), random.normal(size=2400)
    y = random.normal(size=300)[store] + x + 0.5 * random.normal(size=2400)
    table = pd.DataFrame({"store": [f"s{number}" for number in store], "x": x})
    line = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), ["store"]), remainder="passthrough"
        ),
        Ridge(),
    )
    line.fit(table[:1800], y[:1800])
    model = dr.TabularRegressor("fast", random_state=0).fit(table[:1800], y[:1800])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = model.score(table[1800:], y[1800:])
    assert found > line.score(table[1800:], y[1800:]) - 0.005


def test_a_masked_cell_is_a_missing_one():
    X = np.ma.masked_array(np.random.default_rng(0).normal(size=(60, 2)), mask=False)
    X[:9, 0] = 1e6
    X[:9, 0] = np.ma.masked
    model = dr.TabularRegressor("fast", random_state=0).fit(X, range(60))
    assert [column.missing for column in model.columns_.columns] == [True, False]
    assert model.columns_.columns[0].scale < 10


def test_intervals_of_few_rows_cover_what_they_say():
    found = []
    for seed in range(4):
        random = np.random.default_rng(seed)
        X = random.normal(size=(1100, 3))
        y = X[:, 0] + np.abs(X[:, 1]) * random.normal(size=1100)
        loss = dr.losses.Quantile((0.05, 0.5, 0.95))
        model = dr.TabularRegressor("fast", loss=loss, random_state=0).fit(X[:100], y[:100])
        low, high = model.predict_interval(X[100:]).T
        found.append(((y[100:] >= low) & (y[100:] <= high)).mean())
    assert 0.87 < np.mean(found) < 0.96


def test_weights_in_any_unit():
    X, signal = people(80)
    weight = np.where(signal > 0, 2.0, 1.0)
    models = [
        dr.TabularRegressor("fast", random_state=0).fit(X, signal, sample_weight=unit * weight)
        for unit in (1e-60, 1e60)
    ]
    assert np.array_equal(models[0].predict(X), models[1].predict(X))


def test_a_warning_points_to_the_line_that_called():
    X, signal = people(80)
    model = dr.TabularRegressor("fast", random_state=0).fit(X, signal)
    piped = make_pipeline(FunctionTransformer(), model)
    for asked in (model, piped):
        with pytest.warns(UnknownCategoryWarning) as said:
            asked.predict(X.assign(city="Atlantis"))
        assert {one.filename for one in said} == {__file__}


def test_an_array_for_a_model_of_named_columns_is_told():
    X, signal = people(80)
    numbers = X.select_dtypes("number")
    model = dr.TabularRegressor("fast", random_state=0).fit(numbers, signal)
    with pytest.warns(UserWarning, match="X does not have valid feature names") as said:
        found = model.predict(numbers.to_numpy())
    assert len(said) == 1
    assert np.array_equal(found, model.predict(numbers))


def test_names_for_a_model_of_an_array_are_told():
    X = np.random.default_rng(0).normal(size=(60, 2))
    model = dr.TabularRegressor("fast", random_state=0).fit(X, X[:, 0])
    with pytest.warns(UserWarning, match="X has feature names, but TabularRegressor was fitted wi"):
        found = model.predict(pd.DataFrame(X, columns=["b", "a"]))
    assert np.array_equal(found, model.predict(X))


def test_a_lazy_frame_is_refused_without_a_word_of_others():
    with pytest.raises(TableError, match="a table must hold its rows"):
        dr.TabularRegressor().fit(pl.DataFrame({"a": [1, 2]}).lazy(), [1, 2])


def test_numbers_that_come_again_beside_one_that_most_have_are_told_apart():
    """Each of 60 rates means something of its own: smooth frequencies see their trend alone."""
    rng = np.random.default_rng(0)
    rates = rng.permutation(np.arange(1.0, 61.0) * 500)
    meaning = rng.permutation(np.repeat([-1.0, 1.0], 30))
    taken = rng.integers(0, 60, 4000)
    amount = np.where(rng.random(4000) < 0.6, 0.0, rates[taken])
    target = np.where(amount == 0, 0.0, meaning[taken]) + rng.normal(0, 0.1, 4000)
    X, new = {"amount": amount[:3000]}, {"amount": amount[3000:]}
    model = dr.TabularRegressor("fast", random_state=0).fit(X, target[:3000])
    assert model.score(new, target[3000:]) > 0.6


REFUSED = {
    "one row": (
        lambda: dr.TabularRegressor().fit({"a": [1.0]}, [1.0]),
        (
            "at least 2 rows with a target are needed, one to learn from and one to judge by (got "
            "1, n_samples=1). Give more rows."
        ),
    ),
    "no such column": (
        lambda: dr.TabularRegressor(categorical=["b"]).fit({"a": [1.0, 2.0]}, [1.0, 2.0]),
        (
            "categorical must hold names or places of columns (got 'b'; the table has 1: a). "
            "Choose one of these."
        ),
    ),
    "a loss of another world": (
        lambda: dr.TabularRegressor(loss=dr.losses.Poisson()).fit({"a": [1.0, 2.0]}, [1.0, 2.0]),
        (
            "loss must be one of 'squared_error', 'absolute_error', 'huber', 'quantile' (got "
            "'poisson'). For others there is MLPRegressor."
        ),
    ),
    "one weight for all": (
        lambda: dr.TabularRegressor().fit({"a": [1.0, 2.0]}, [1.0, 2.0], sample_weight=2.0),
        (
            "sample_weight must be one number for each row (got 2.0). Leave it out where all rows "
            "weigh the same."
        ),
    ),
    "words for numbers": (
        lambda: dr.TabularRegressor().fit({"a": [1.0, 2.0]}, ["x", "y"]),
        (
            "y must hold numbers to be the target of a regression (got 'x' in row 1). Use "
            "TabularClassifier, or correct the cell."
        ),
    ),
    "classes of two kinds": (
        lambda: dr.TabularClassifier().fit({"a": [1.0, 2.0, 3.0]}, [1, "x", 1]),
        (
            "Unknown label type: y must hold classes of one kind, all words or all whole numbers "
            "(got int, str). Convert them, for example by y.astype(str)."
        ),
    ),
    "an infinite class": (
        lambda: dr.TabularClassifier().fit({"a": [1.0, 2.0]}, [1.0, np.inf]),
        "y must hold finite numbers (got inf in row 2). Correct the cell or leave it empty.",
    ),
    "a weight too few": (
        lambda: dr.TabularRegressor().fit({"a": [1.0, 2.0]}, [1.0, 2.0], sample_weight=[1.0]),
        (
            "sample_weight must hold a number for each of the 2 rows (got shape (1,)). Give as "
            "many numbers as there are rows."
        ),
    ),
    "a weight that is a word": (
        lambda: dr.TabularRegressor().fit({"a": [1.0, 2.0]}, [1.0, 2.0], sample_weight=[1, "b"]),
        "sample_weight must hold numbers (got 'b' in row 2). Convert the cell.",
    ),
    "weights below 0": (
        lambda: dr.TabularRegressor().fit({"a": [1.0, 2.0]}, [1.0, 2.0], sample_weight=[-1, -2]),
        (
            "sample_weight must be finite and at least 0 in every row (got -1 in row 1, and 1 "
            "more). Give 0 to rows that are not to count."
        ),
    ),
    "a weight that is missing": (
        lambda: dr.TabularRegressor().fit({"a": [1.0, 2.0]}, [1.0, 2.0], sample_weight=[1, None]),
        (
            "sample_weight must be finite and at least 0 in every row (got nan in row 2). Give 0 "
            "to rows that are not to count."
        ),
    ),
    "no weight at all": (
        lambda: dr.TabularRegressor().fit({"a": [1.0, 2.0]}, [1.0, 2.0], sample_weight=[0, 0]),
        (
            "sample_weight must be above 0 for some row (got 2 zeros). Give a weight to the rows "
            "that are to count, or leave it out."
        ),
    ),
    "an infinite target": (
        lambda: dr.TabularRegressor().fit({"a": [1.0, 2.0]}, [1.0, np.inf]),
        "y must hold finite numbers (got inf in row 2). Correct the cell or leave it empty.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    act, words = REFUSED[case]
    with pytest.raises((TableError, InvalidParameterError, ValueError)) as refused:
        act()
    assert str(refused.value) == words


@pytest.mark.parametrize("rows", [2, 3, 5, 12])
def test_very_few_rows(rows):
    X = {"a": np.arange(rows, dtype=float), "b": [f"w{row % 2}" for row in range(rows)]}
    told = dr.TabularRegressor("fast", random_state=0).fit(X, np.arange(rows)).predict(X)
    assert np.isfinite(told).all()
    y = [("no", "yes")[row % 2] for row in range(rows)]
    assert set(dr.TabularClassifier("fast", random_state=0).fit(X, y).predict(X)) <= {"no", "yes"}


def test_very_many_columns():
    random = np.random.default_rng(0)
    X = random.normal(size=(40, 5000)).astype(np.float32)
    y = X[:, 0] > 0
    model = dr.TabularClassifier("fast", random_state=0).fit(X, y)
    assert model.predict(X).shape == (40,)


def test_a_budget_of_time_takes_epochs_away():
    random = np.random.default_rng(0)
    X = random.normal(size=(4000, 6))
    model = dr.TabularRegressor("best", time_budget=1.0, random_state=0).fit(X, X[:, 0])
    full = choose_recipe("best", rows=4000, numbers=6, classes=False)
    assert (model.recipe_.members, model.recipe_.epochs) < (full.members, full.epochs)


def test_a_budget_that_is_over_at_once_leaves_a_model():
    X, y = load_wine(return_X_y=True)
    model = dr.TabularClassifier("best", time_budget=1e-6, random_state=0).fit(X, y)
    assert len(model.members_) == 1
    assert model.recipe_.epochs < 128
    assert np.isfinite(model.predict_proba(X)).all()
