"""The tabular estimators: what they learn, what they answer, what they refuse."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_wine,
    make_multilabel_classification,
)
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, QuantileRegressor, Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import deltarule as dr
from deltarule.exceptions import (
    InvalidParameterError,
    TableError,
    TableWarning,
    UnknownCategoryWarning,
)
from deltarule.tables import blend
from deltarule.tables.folds import MOST_HELD, folds
from deltarule.tables.judging import RefinedLoss
from deltarule.tables.recipe import choose_recipe

#: Folds are of rows: to leave a row out and to give it no weight divide the others otherwise.
LEFT_OUT = {
    "check_sample_weight_equivalence_on_dense_data": "folds are made of rows, whatever they weigh"
}


@parametrize_with_checks(
    [dr.TabularClassifier("fast", random_state=0), dr.TabularRegressor("fast", random_state=0)],
    expected_failed_checks=lambda _: LEFT_OUT,
)
def test_scikit_learns_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


def people(rows: int = 240, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """A table with every kind of column, and what follows from it."""
    random = np.random.default_rng(seed)
    age = random.integers(18, 90, rows).astype(float)
    city = random.choice(["Oslo", "Rome", "Bonn", "Lund"], rows)
    paid = random.lognormal(8, 1, rows)
    member = random.random(rows) < 0.5
    joined = pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 900, rows), unit="D")
    frame = pd.DataFrame(
        {"age": age, "city": city, "paid": paid, "member": member, "joined": joined}
    )
    frame.loc[random.random(rows) < 0.1, "age"] = np.nan
    frame.loc[random.random(rows) < 0.1, "city"] = None
    signal = np.nan_to_num(age) / 40 + (city == "Rome") + member - 2.2
    return frame, signal + 0.3 * random.normal(size=rows)


@pytest.fixture(scope="module")
def fitted():
    X, signal = people()
    y = np.where(signal > 0, "yes", "no")
    return dr.TabularClassifier("fast", random_state=0).fit(X[:180], y[:180]), X, y


def test_a_table_as_it_is(fitted):
    model, X, y = fitted
    assert model.score(X[180:], y[180:]) > 0.8
    shares = model.predict_proba(X[180:])
    assert shares.shape == (60, 2)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert model.feature_names_in_.tolist() == list(X.columns)
    assert log_loss(y[180:], shares) < 0.5


FRAMES = {
    "pandas": lambda X: X,
    "polars": pl.from_pandas,
    "mapping": lambda X: {name: X[name].tolist() for name in X},
    "other order": lambda X: X[list(X.columns)[::-1]],
}


@pytest.mark.parametrize("kind", FRAMES)
def test_any_frame_gives_the_same(fitted, kind):
    model, X, _ = fitted
    np.testing.assert_array_equal(
        model.predict_proba(FRAMES[kind](X[180:])), model.predict_proba(X[180:])
    )


def test_what_training_never_saw(fitted):
    model, X, _ = fitted
    strange = X[180:190].copy()
    strange["age"], strange["paid"] = np.inf, 1e30
    strange["city"] = "Atlantis"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.isfinite(model.predict_proba(strange)).all()


def test_copies_answer_the_same(fitted):
    model, X, _ = fitted
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    assert clone(model).get_params() == model.get_params()


def test_the_same_seed_the_same_bits_for_any_number_of_threads():
    X, signal = people(120)
    told = [
        dr.TabularRegressor("fast", random_state=3, n_threads=threads).fit(X, signal).predict(X)
        for threads in (1, 2)
    ]
    np.testing.assert_array_equal(*told)


def test_better_than_a_straight_line_where_the_world_is_bent():
    random = np.random.default_rng(0)
    X = random.normal(size=(1500, 4)) * [1, 1000, 1e-6, 1]
    y = 1e5 * np.sin(2 * X[:, 0]) + 5e4 * np.abs(X[:, 1] / 1000) + 1e6
    model = dr.TabularRegressor("fast", random_state=0).fit(X[:1000], y[:1000])
    assert model.score(X[1000:], y[1000:]) > 0.95


TAILS = {
    "normal": lambda random, shape: random.normal(size=shape),
    "lognormal": lambda random, shape: random.lognormal(size=shape),
    "exponential": lambda random, shape: random.exponential(size=shape),
    "most cells near 0, some hundreds of scales out": lambda random, shape: np.where(
        random.random(shape) < 0.2, 50 * random.exponential(size=shape), 0.1 * random.random(shape)
    ),
}


@pytest.mark.parametrize("tail", TAILS)
def test_never_clearly_below_a_straight_line(tail):
    random = np.random.default_rng(1)
    X = TAILS[tail](random, (1200, 6))
    signal = X @ random.normal(size=6)
    y = signal + 0.3 * signal.std() * random.normal(size=1200)
    model = dr.TabularRegressor("fast", random_state=0).fit(X[:600], y[:600])
    line = Ridge().fit(X[:600], y[:600])
    assert model.score(X[600:], y[600:]) > line.score(X[600:], y[600:]) - 0.01


@pytest.mark.parametrize("rows", [60, 250])
def test_log_loss_is_that_of_a_line_where_the_world_is_straight(rows):
    found = []
    for seed in range(3):
        random = np.random.default_rng(seed)
        X = random.normal(size=(rows + 1000, 6)) * [1, 10, 0.1, 1, 1, 1]
        y = X @ [1, 0.1, 10, 0, -1, 0.5] + random.logistic(size=len(X)) > 0
        model = dr.TabularClassifier("fast", random_state=0).fit(X[:rows], y[:rows])
        line = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:rows], y[:rows])
        found.append([log_loss(y[rows:], m.predict_proba(X[rows:])) for m in (model, line)])
    own, straight = np.mean(found, axis=0)
    assert own < straight + 0.005


def test_how_sure_a_blend_is_goes_by_the_rows_that_count():
    """A few rows of weight 1 among many of next to none are a few rows."""
    random = np.random.default_rng(0)
    X = random.normal(size=(1560, 5))
    y = X[:, 0] + random.normal(size=1560)
    weight = np.r_[np.ones(60), np.full(1500, 1e-6)]
    model = dr.TabularRegressor("fast", random_state=0).fit(X, y, sample_weight=weight)
    assert model.shares_.tolist() == [0.0]


def test_few_rows_that_a_line_divides_make_nobody_certain():
    random = np.random.default_rng(3)
    X = random.normal(size=(1050, 2))
    y = (X.sum(axis=1) > 0).astype(int)
    model = dr.TabularClassifier("fast", random_state=0).fit(X[:50], y[:50])
    line = LogisticRegression().fit(X[:50], y[:50])
    judged = [log_loss(y[50:], one.predict_proba(X[50:])) for one in (model, line)]
    assert judged[0] < judged[1]


def test_predictions_stay_in_the_range_of_the_targets():
    X = np.linspace(0, 1, 60).reshape(-1, 1)
    model = dr.TabularRegressor("fast", random_state=0).fit(X, 3 * X[:, 0])
    far = model.predict([[-50.0], [50.0]])
    assert far.min() >= 0.0
    assert far.max() <= 3.0


def test_classes_of_every_kind():
    X, y = load_wine(return_X_y=True)
    for classes in (["low", "mid", "high"], [3, 7, 9], [0.5, 1.0, 2.0][:3]):
        named = np.array(classes)[y]
        if named.dtype.kind == "f":
            continue  # scikit-learn takes halves for numbers
        model = dr.TabularClassifier("fast", random_state=0).fit(X, named)
        assert model.predict(X).dtype == named.dtype
        assert model.score(X, named) > 0.95


def test_several_labels():
    X, y = make_multilabel_classification(200, 8, n_classes=3, random_state=0)
    model = dr.TabularClassifier("fast", random_state=0).fit(X, y)
    assert model.predict(X).shape == (200, 3)
    assert model.predict_proba(X).shape == (200, 3)
    assert (model.predict(X) == y).mean() > 0.8


def test_several_targets():
    X, y = load_diabetes(return_X_y=True)
    both = np.column_stack([y, -2 * y + 1000])
    model = dr.TabularRegressor("fast", random_state=0).fit(X, both)
    told = model.predict(X)
    assert told.shape == both.shape
    assert model.score(X, both) > 0.4


def test_quantiles_hold_the_share_that_they_say():
    random = np.random.default_rng(0)
    X = random.uniform(-1, 1, size=(900, 2))
    y = X[:, 0] + (0.2 + np.abs(X[:, 1])) * random.normal(size=900)
    loss = dr.losses.Quantile((0.1, 0.5, 0.9))
    model = dr.TabularRegressor("fast", loss=loss, random_state=0).fit(X[:600], y[:600])
    low, high = model.predict_interval(X[600:], coverage=0.8).T
    assert 0.7 < ((low <= y[600:]) & (y[600:] <= high)).mean() < 0.9
    assert (np.diff(model.predict_quantiles(X), axis=1) >= 0).all()
    np.testing.assert_array_equal(model.predict(X), model.predict_quantiles(X)[:, 1])


def test_weights_of_rows_and_classes():
    X, y = load_breast_cancer(return_X_y=True)
    X = X[:, :5]
    plain = dr.TabularClassifier("fast", random_state=0).fit(X, y).predict_proba(X)[:, 1].mean()
    heavy = dr.TabularClassifier("fast", class_weight={0: 10.0}, random_state=0).fit(X, y)
    weighted = dr.TabularClassifier("fast", random_state=0)
    weighted.fit(X, y, sample_weight=np.where(y == 0, 10.0, 1.0))
    for model in (heavy, weighted):
        assert model.predict_proba(X)[:, 1].mean() < plain - 0.03


def test_rows_of_no_weight_are_no_rows():
    X, signal = people(120)
    weight = np.ones(120)
    weight[:30] = 0
    strange = signal.copy()
    strange[:30] = 1e6
    model = dr.TabularRegressor("fast", random_state=0).fit(X, strange, sample_weight=weight)
    assert np.abs(model.predict(X)).max() < 10


def test_in_pipelines_searches_and_importance():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    X, y = X.iloc[:150], y.iloc[:150]
    model = dr.TabularRegressor("fast", random_state=0)
    scores = cross_val_score(make_pipeline(StandardScaler(), model), X, y, cv=2)
    assert len(scores) == 2
    search = GridSearchCV(model, {"text": ["refuse", "ignore"]}, cv=2).fit(X, y)
    found = permutation_importance(search.best_estimator_, X, y, n_repeats=2, random_state=0)
    assert found.importances_mean.shape == (10,)


# What is refused, or said.


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
    full = choose_recipe("best", rows=4000, inputs=6, numbers=6, outputs=1, classes=False)
    assert (model.recipe_.members, model.recipe_.epochs) < (full.members, full.epochs)


def test_a_budget_that_is_over_at_once_leaves_a_model():
    X, y = load_wine(return_X_y=True)
    model = dr.TabularClassifier("best", time_budget=1e-6, random_state=0).fit(X, y)
    assert len(model.members_) == 1
    assert model.recipe_.epochs < 128
    assert np.isfinite(model.predict_proba(X)).all()


# The parts.


def test_folds_are_every_row_once_and_keep_the_shares_of_classes():
    classes = np.repeat([0, 1], [80, 20])
    found = folds(5, 100, 0, classes)
    np.testing.assert_array_equal(np.sort(np.concatenate([f.held for f in found])), np.arange(100))
    for fold in found:
        assert classes[fold.held].sum() == 4
        assert not set(fold.held) & set(fold.training)
    (single,) = folds(1, 200_000, 0, None)
    assert len(single.held) == MOST_HELD
    assert len(single.held) + len(single.training) == 200_000


def test_blend_takes_what_is_right():
    random = np.random.default_rng(0)
    target = random.normal(size=(300, 1))
    noise = random.normal(size=(300, 1))

    def share(networks, linear, loss):
        return blend.of_numbers(loss, blend.Held(networks, linear, target, None))[0]

    for loss in (dr.losses.SquaredError(), dr.losses.AbsoluteError(), dr.losses.Quantile(0.3)):
        assert share(target, noise, loss) == 1
        assert share(noise, target, loss) == 0
        assert share(target + noise, target - noise, loss) == pytest.approx(0.5)


@pytest.mark.parametrize("loss", ["absolute_error", "huber", dr.losses.Quantile((0.1, 0.5, 0.9))])
def test_every_loss_has_a_line_beside_it(loss):
    """On straight data no loss ends clearly above that of quantile regression."""
    random = np.random.default_rng(0)
    X = random.normal(size=(400, 5))
    y = X @ [1.0, -2.0, 0.5, 0.0, 1.0] + random.standard_t(4, 400)
    learned, judged = slice(200), slice(200, None)
    model = dr.TabularRegressor("fast", loss=loss, random_state=0).fit(X[learned], y[learned])
    levels = [0.1, 0.5, 0.9] if model._fitted_levels() else [0.5]
    told = model.predict_quantiles(X[judged]) if len(levels) > 1 else model.predict(X[judged])
    straight = np.column_stack(
        [
            QuantileRegressor(quantile=level, alpha=0)
            .fit(X[learned], y[learned])
            .predict(X[judged])
            for level in levels
        ]
    )
    pinball = dr.losses.Quantile(tuple(levels))
    wanted = np.repeat(y[judged, np.newaxis], len(levels), axis=1)
    own = pinball.value(told.reshape(wanted.shape), wanted).mean()
    assert own < 1.05 * pinball.value(straight, wanted).mean()


def test_the_judge_of_choices_agrees_with_a_search_over_temperatures():
    random = np.random.default_rng(0)
    code = dr.estimators.targets.ClassCode(np.arange(4), False, 4, 0.0, 1.0)
    z = random.normal(size=(200, 4))
    right = (z + 2 * random.normal(size=z.shape)).argmax(axis=1)
    hot = right[:, np.newaxis] == np.arange(4)
    shares = np.exp(3 * z) / np.exp(3 * z).sum(axis=1, keepdims=True)
    temperature = dr.estimators.calibration.temperature(code, 3 * z, hot, None, False)
    best = dr.estimators.calibration.log_loss(code, 3 * z / temperature, hot, False).mean()
    assert RefinedLoss(code, hot, None)(shares) == pytest.approx(-best, rel=1e-5)
    assert np.isnan(RefinedLoss(code, hot, None)(np.full_like(shares, np.nan)))
