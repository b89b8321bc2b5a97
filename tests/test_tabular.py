"""The tabular estimators: what they learn, what they answer, what they refuse."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import polars as pl
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
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from tabular_people import people

import deltarule as dr
from deltarule.tables import blend
from deltarule.tables.folds import MOST_HELD, folds
from deltarule.tables.judging import RefinedLoss

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


def test_a_line_beside_holes_of_two_words_knows_of_them():
    random = np.random.default_rng(0)
    which = random.integers(0, 3, 300)
    words = np.array([True, False, None], dtype=object)[which]
    y = (which == 2) * 4.0 + random.normal(size=300)
    model = dr.TabularRegressor("fast", random_state=0).fit({"smoker": words}, y)
    assert model.columns_.inputs == ("smoker=True", "smoker is missing")
    model.shares_[:] = 0.0  # the line alone
    assert model.predict({"smoker": [True, False, None]}) == pytest.approx([0, 0, 4], abs=0.3)


def test_a_line_finds_small_differences_of_numbers_that_repeat_each_other():
    random = np.random.default_rng(0)
    both = random.normal(size=(1000, 1)) + 0.02 * random.normal(size=(1000, 2))
    y = 50 * (both[:, 0] - both[:, 1]) + 0.1 * random.normal(size=1000)
    line = make_pipeline(StandardScaler(), Ridge()).fit(both[:700], y[:700])
    model = dr.TabularRegressor("fast", random_state=0).fit(both[:700], y[:700])
    assert line.score(both[700:], y[700:]) < 0.8
    assert model.score(both[700:], y[700:]) > 0.98


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
