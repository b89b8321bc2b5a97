"""Several quantiles from one regressor: never crossing, intervals, and what is refused."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import mean_pinball_loss
from sklearn.model_selection import cross_val_score

import deltarule as dr
from deltarule import engines
from deltarule.activations import Ascending
from deltarule.exceptions import InvalidParameterError, InvalidShapeError
from deltarule.losses import Quantile

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-1, 1, size=(600, 2))
#: Noise that grows with the first column: the interval has to widen.
Y = 10 * X[:, 0] + (1.5 + X[:, 0]) * RANDOM.normal(size=600)

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
pytestmark = quiet


def model(levels=LEVELS, **given):
    settings = {
        "standardize": "both",
        "random_state": 0,
        "max_iter": 200,
        "learning_rate_init": 0.01,
        "batch_size": 50,
        **given,
    }
    return dr.MLPRegressor(Quantile(levels), (16,), "tanh", **settings)


@pytest.fixture(scope="module")
def fitted():
    return model().fit(X, Y)


@pytest.mark.parametrize(
    ("levels", "place"),
    [
        ((0.1, 0.9), 0),
        ((0.3, 0.7), 0),
        ((0.2, 0.45, 0.55, 0.8), 1),
        ((0.3, 0.9), 0),
        ((0.1, 0.6), 1),
        ((0.05, 0.5, 0.95), 1),
    ],
)
def test_predict_gives_the_lower_of_two_quantiles_that_are_as_near_to_the_median(levels, place):
    found = model(levels, max_iter=2).fit(X, Y)
    wanted = found.predict_quantiles(X)[:, place]
    np.testing.assert_array_equal(found.predict(X), wanted)
    assert found.predictor()(X[0]) == pytest.approx(wanted[0])


@pytest.mark.parametrize("engine", ["auto", "compiled", "reference"])
def test_ascending_is_for_outputs(engine):
    words = (
        "layers[0].activation must be one for hidden layers (got 'ascending', which makes the "
        "outputs for several quantiles rise). Choose another, such as 'relu'."
    )
    upper = dr.MLPRegressor(hidden_layer_sizes=(4, 4), engine=engine)
    with pytest.raises(InvalidParameterError) as caught:
        upper.set_params(activation=dr.activations.Ascending(2)).fit(X, Y)
    assert str(caught.value) == words
    with pytest.raises(InvalidParameterError) as caught:
        upper.set_params(activation="ascending").fit(X, Y)
    assert str(caught.value).endswith(
        "Got 'ascending' instead. It makes outputs for several quantiles rise. Choose another, "
        "such as 'relu'."
    )
    with pytest.raises(InvalidParameterError) as caught:
        upper.set_params(activation=["ascending", "relu"]).fit(X, Y)
    assert str(caught.value).endswith("(got 'ascending'). Choose one of these names.")
    with pytest.raises(InvalidParameterError) as caught:
        dr.Network((3, 4, 1), ["ascending", "identity"])
    assert str(caught.value) == words


@pytest.mark.parametrize("engine", ["auto", "compiled", "reference"])
@pytest.mark.parametrize("loss", [*dr.losses.LOSSES.table, Quantile(0.9)])
def test_ascending_is_for_several_quantiles(loss, engine):
    name = loss if isinstance(loss, str) else "quantile"
    for kind in (dr.MLPRegressor, dr.MLPClassifier):
        for output in ("ascending", Ascending()):
            with pytest.raises(InvalidParameterError) as caught:
                kind(loss=loss, output_activation=output, engine=engine).fit(X, Y > 0)
            assert str(caught.value) == (
                "output_activation must not be 'ascending' without a loss of several quantiles, "
                f"which it makes rise (got 'ascending' beside loss {name!r}). Leave it at 'auto', "
                "or fit an MLPRegressor with loss=dr.losses.Quantile((0.1, 0.5, 0.9))."
            )


def test_a_tuple_of_one_quantile_is_as_several(tmp_path):
    """It has their methods, and the numbers of a quantile alone."""
    found, alone = (
        dr.MLPRegressor(Quantile(level), (5,), max_iter=3, random_state=0).fit(X, Y)
        for level in ((0.9,), 0.9)
    )
    np.testing.assert_allclose(found.predict(X), alone.predict(X), rtol=1e-9)
    np.testing.assert_array_equal(found.predict_quantiles(X), found.predict(X)[:, np.newaxis])
    predict = found.predictor()
    assert predict.quantiles(X[0]).tolist() == [predict(X[0])]
    assert not hasattr(alone, "predict_quantiles")
    dr.save(found, tmp_path / "one.safetensors")
    loaded = dr.load(tmp_path / "one.safetensors")
    np.testing.assert_array_equal(loaded.predict_quantiles(X), found.predict_quantiles(X))
    both = found.fit(X, np.column_stack([Y, -Y]))
    assert both.predict_quantiles(X).shape == (600, 2, 1)
    assert both.predict(X).shape == (600, 2)


def test_ascending_against_its_jacobian():
    z, upstream = np.random.default_rng(1).normal(size=(2, 4, 6)) * 3
    function = Ascending(3)
    a = function.value(z)
    assert (np.diff(a.reshape(4, 2, 3), axis=2) > 0).all()
    numeric = np.empty_like(z)
    for unit in range(6):
        moved = z.astype(complex)
        moved[:, unit] += 1e-30j
        numeric[:, unit] = (function.value(moved).imag / 1e-30 * upstream).sum(axis=1)
    np.testing.assert_allclose(function.pullback(z, a, upstream), numeric, rtol=1e-12)
    with pytest.raises(InvalidShapeError) as caught:
        Ascending(4).value(z)
    assert str(caught.value) == (
        "'ascending' in groups of 4 needs a multiple of that many units (got 6). Make group "
        "divide the units of the layer."
    )


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_quantiles_never_cross_and_cover_what_they_say(engine):
    if engine == "compiled" and not engines.compiled_available():
        pytest.skip("the compiled core is not installed")
    found = model(engine=engine, max_iter=120).fit(X, Y)
    assert found.engine_ == engine
    assert found.out_activation_ == "ascending"
    quantiles = found.predict_quantiles(X)
    assert quantiles.shape == (600, 5)
    assert (np.diff(found.predict_quantiles(50 * X), axis=1) >= 0).all()
    below = (Y[:, np.newaxis] <= quantiles).mean(axis=0)
    np.testing.assert_allclose(below, LEVELS, atol=0.06)
    widths = np.diff(found.predict_interval(X), axis=1)[:, 0]
    assert widths[X[:, 0] > 0.5].mean() > 1.5 * widths[X[:, 0] < -0.5].mean()


def test_each_quantile_is_as_good_as_one_of_its_own(fitted):
    for place, level in ((0, 0.05), (2, 0.5), (4, 0.95)):
        own = model().set_params(loss=Quantile(level)).fit(X, Y).predict(X)
        loss = mean_pinball_loss(Y, fitted.predict_quantiles(X)[:, place], alpha=level)
        assert loss < 1.1 * mean_pinball_loss(Y, own, alpha=level)


def test_predict_is_the_median_and_intervals_are_pairs(fitted):
    quantiles = fitted.predict_quantiles(X)
    assert np.array_equal(fitted.predict(X), quantiles[:, 2])
    assert np.array_equal(fitted.predict_interval(X), quantiles[:, [0, 4]])
    assert np.array_equal(fitted.predict_interval(X, coverage=0.5), quantiles[:, [1, 3]])
    assert np.array_equal(fitted.predict_interval(X, 0.9), quantiles[:, [0, 4]])
    assert fitted.score(X, Y) > 0.9
    assert cross_val_score(model(max_iter=20), X, Y, cv=3).shape == (3,)


def test_several_targets_in_their_own_units():
    targets = np.column_stack([Y, -1000 * Y, np.full(600, 7.0)])
    found = model((0.1, 0.9), max_iter=60).fit(X, targets)
    quantiles = found.predict_quantiles(X)
    assert quantiles.shape == (600, 3, 2)
    assert (np.diff(quantiles, axis=2) >= 0).all()
    assert found.predict(X).shape == (600, 3)
    assert found.predict_interval(X).shape == (600, 3, 2)
    assert np.corrcoef(quantiles[:, 1, 0], targets[:, 1])[0, 1] > 0.9
    assert np.abs(quantiles[:, 1, 0]).max() > 1000


def test_row_predictor_learner_files_and_copies_agree(fitted, tmp_path):
    predict = fitted.predictor()
    np.testing.assert_allclose(predict.quantiles(X), fitted.predict_quantiles(X), rtol=1e-9)
    np.testing.assert_allclose(predict(X[0]), fitted.predict(X[:1])[0], rtol=1e-9)
    assert predict(X[:3], out := np.empty(3)) is out
    dr.save(fitted, tmp_path / "m.dr")
    again = dr.load(tmp_path / "m.dr")
    for other in (again, pickle.loads(pickle.dumps(fitted))):
        assert np.array_equal(other.predict_quantiles(X), fitted.predict_quantiles(X))
        assert other.loss == fitted.loss
    again.set_params(batch_size=1)
    learner, stream = again.learner(), pickle.loads(pickle.dumps(again))
    for row in range(5):
        learner.step(X[row], Y[row])
        stream.partial_fit(X[row : row + 1], Y[row : row + 1])
    assert np.array_equal(learner.sync().coefs_[0], stream.coefs_[0])


def test_early_stopping_goes_by_the_loss():
    found = model(early_stopping=True, max_iter=60).fit(X, Y)
    losses = found.validation_loss_curve_
    assert found.best_validation_score_ == -min(losses)
    assert found.validation_scores_ == [-loss for loss in losses]
    assert clone(found).get_params()["loss__quantile"] == LEVELS


@pytest.mark.parametrize("scorer", [None, "loss"])
def test_one_quantile_is_judged_by_its_loss_too(scorer):
    rule = dr.EarlyStopping(scorer=scorer)
    found = model(early_stopping=rule, max_iter=100).set_params(loss=Quantile(0.95)).fit(X, Y)
    assert found.best_validation_score_ == -min(found.validation_loss_curve_)
    assert 0.9 < (found.predict(X) >= Y).mean() < 0.99
    squared = dr.MLPRegressor(early_stopping=dr.EarlyStopping(scorer="loss"), max_iter=5)
    squared = squared.set_params(random_state=0).fit(X, Y)
    assert squared.best_validation_score_ == -min(squared.validation_loss_curve_)


def test_levels_are_those_of_the_fit(fitted):
    other = clone(fitted).set_params(max_iter=3).fit(X, Y)
    before = other.predict_interval(X, 0.9)
    other.set_params(loss=Quantile((0.4, 0.5, 0.6)))
    np.testing.assert_array_equal(other.predict_interval(X, 0.9), before)
    plain = dr.MLPRegressor(hidden_layer_sizes=(3,), max_iter=2).fit(X, Y)
    plain.set_params(loss=Quantile((0.4, 0.6)))
    assert not hasattr(plain, "predict_interval")


def test_one_quantile_is_as_it_was():
    found = model().set_params(loss=Quantile(0.9)).fit(X, Y)
    assert found.out_activation_ == "identity"
    assert not hasattr(found, "predict_quantiles")
    with pytest.raises(AttributeError) as caught:
        found.predict_interval  # noqa: B018
    assert str(caught.value.__cause__ or caught.value) == (
        "several quantiles are predicted with loss=dr.losses.Quantile((0.05, 0.5, 0.95)) or other "
        "levels (got loss=Quantile(quantile=0.9)). Fit with such a loss."
    )


REFUSALS = [
    (
        lambda: model((0.1, 0.4)).fit(X, Y).predict_interval(X),
        (
            "coverage must be the share between two quantiles that are predicted, here none (got "
            "None). Fit with loss=dr.losses.Quantile((low, …, 1 - low)), low half of what the "
            "interval leaves out."
        ),
    ),
    (
        lambda: model(max_iter=1).fit(X, Y).predict_interval(X, 0.8),
        (
            "coverage must be the share between two quantiles that are predicted, here 0.5, 0.9 "
            "(got 0.8). Fit with loss=dr.losses.Quantile((low, …, 1 - low)), low half of what the "
            "interval leaves out."
        ),
    ),
    (
        lambda: model(output_activation="identity").fit(X, Y),
        (
            "output_activation must be 'auto' beside a loss of several quantiles, which then rise "
            "and never cross (got 'identity'). Leave it at its default."
        ),
    ),
    (
        lambda: dr.MLPRegressor("quantile", output_activation="softmax").fit(X, Y),
        (
            "output_activation must not be 'softmax' beside loss 'quantile': its outputs are "
            "shares that sum to 1, and no quantiles (got 'softmax'). Leave it at 'auto'."
        ),
    ),
    (
        lambda: dr.MLPClassifier(loss=Quantile((0.1, 0.9))).fit(X, Y > 0),
        (
            "several quantiles are for numbers, and a classifier has classes (got loss="
            "Quantile(quantile=(0.1, 0.9))). Use MLPRegressor, or another loss."
        ),
    ),
    (
        lambda: dr.MLPClassifier(loss="quantile", output_activation="softmax").fit(X, Y > 0),
        (
            "output_activation must not be 'softmax' beside loss 'quantile': its outputs are "
            "shares that sum to 1, and no quantiles (got 'softmax'). Leave it at 'auto'."
        ),
    ),
]


@pytest.mark.parametrize("case", REFUSALS, ids=range(len(REFUSALS)))
def test_refusals_word_for_word(case):
    act, words = case
    with pytest.raises(InvalidParameterError) as caught:
        act()
    assert str(caught.value) == words
