"""Twelve things that are open in scikit-learn's multilayer perceptron, and how they are here.

S1 … S12, with the reports of scikit-learn's users where there are any. All were seen on its release
1.9.1, by the probes of `tools/sklearn_defects.py`, which here look at our classes. The tests below
look closer.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.utils import estimator_checks
from threadpoolctl import threadpool_limits

import deltarule as dr
from deltarule.engines import compiled_available
from deltarule.exceptions import NonFiniteError, TrainingStoppedWarning

TOOLS = Path(__file__).parents[1] / "tools"
sys.path.insert(0, str(TOOLS))
import sklearn_defects  # noqa: E402

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
RNG = np.random.default_rng(0)
X_SMALL = RNG.normal(size=(12, 3))
Y_SMALL = RNG.normal(size=(12, 4))

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
pytestmark = quiet

engines = pytest.mark.parametrize(
    "engine",
    [
        "reference",
        pytest.param(
            "compiled",
            marks=pytest.mark.skipif(not compiled_available(), reason="the core is not loaded"),
        ),
    ],
)

PLAIN = {"solver": "sgd", "momentum": 0, "alpha": 0.0}


def _loss_at(model: Any, X: Any, y: Any, coefs: list[Any], **fit: Any) -> float:
    """The loss that a fit reports for given weights: that of the one full-batch step."""
    probe = clone(model).set_params(warm_start=True, max_iter=1, batch_size=len(X))
    probe.coefs_, probe.intercepts_ = coefs, [b.copy() for b in model.intercepts_]
    return float(probe.fit(X, y, **fit).loss_)


def _numeric_gradient(model: Any, X: Any, y: Any, **fit: Any) -> list[Any]:
    gradients = [np.zeros_like(coef) for coef in model.coefs_]
    for layer, gradient in enumerate(gradients):
        for place in np.ndindex(gradient.shape):
            ends = []
            for side in (1e-6, -1e-6):
                moved = [coef.copy() for coef in model.coefs_]
                moved[layer][place] += side
                ends.append(_loss_at(model, X, y, moved, **fit))
            gradient[place] = (ends[0] - ends[1]) / 2e-6
    return gradients


def _started(model: Any, X: Any, y: Any) -> Any:
    """A model with start weights and a fitted face: one epoch with a step size of nearly 0."""
    return clone(model).set_params(max_iter=1, learning_rate_init=1e-300).fit(X, y)


@pytest.mark.parametrize("name", sklearn_defects.PROBES)
def test_the_probe_finds_nothing_here(name: str) -> None:
    finding = sklearn_defects.probe(name, dr)
    assert not finding.shown, finding.evidence


def test_the_page_has_a_line_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the verdicts are: what scikit-learn mends turns nothing red here."""
    sklearn_defects.main([])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [f"S{number}" for number in range(1, 13)]
    for line, (_, threads) in zip(lines, sklearn_defects.PROBES.values(), strict=True):
        assert re.match(rf"S\d+ +as of {re.escape(sklearn.__version__)}: (not )?seen; \S.*", line)
        assert line.count("https://github.com/scikit-learn/scikit-learn/issues/") == len(threads)


@engines
def test_s1_gradient_of_several_outputs_is_that_of_the_reported_loss(engine: str) -> None:
    """scikit-learn #8349: there the gradient is Q times that of the loss."""
    rate = 1e-3
    model = dr.MLPRegressor(
        hidden_layer_sizes=(5,),
        activation="tanh",
        batch_size=len(X_SMALL),
        learning_rate_init=rate,
        max_iter=1,
        random_state=0,
        engine=engine,
        **PLAIN,
    )
    start = _started(model, X_SMALL, Y_SMALL)
    numeric = _numeric_gradient(start, X_SMALL, Y_SMALL)
    stepped = model.fit(X_SMALL, Y_SMALL)
    for before, after, slope in zip(start.coefs_, stepped.coefs_, numeric, strict=True):
        np.testing.assert_allclose((before - after) / rate, slope, rtol=1e-5, atol=1e-7)


@engines
def test_s2_decay_of_a_step_does_not_depend_on_the_batch_size(engine: str) -> None:
    """Rows of zeros have no gradient in the first layer: only the penalty moves it."""
    X, y = np.zeros((100, 3)), np.arange(100.0)
    rate, alpha = 0.01, 5.0
    settings = {"hidden_layer_sizes": (4,), "random_state": 0, "engine": engine}
    for batch_size in (1, 10, 100):
        model = dr.MLPRegressor(solver="sgd", momentum=0, alpha=alpha, batch_size=batch_size)
        model.set_params(**settings)
        start = _started(model, X, y).coefs_[0]
        model.set_params(learning_rate_init=rate, max_iter=1).fit(X, y)
        steps = 100 // batch_size
        left = (1 - rate * alpha / 100) ** steps
        np.testing.assert_allclose(model.coefs_[0], start * left, rtol=1e-12)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("kind", [dr.MLPClassifier, dr.MLPRegressor])
def test_s3_a_warm_start_after_a_stop_trains_on(kind: Any, early_stopping: bool) -> None:
    model = kind(hidden_layer_sizes=(8,), learning_rate_init=0.05, warm_start=True, random_state=0)
    model.set_params(early_stopping=early_stopping, max_iter=1000)
    epochs = [model.fit(X_IRIS, Y_IRIS).n_iter_ for _ in range(4)]
    stops = dr.StopReason.NO_IMPROVEMENT if early_stopping else dr.StopReason.CONVERGED
    assert model.stop_reason_ is stops
    assert min(epochs) > model.n_iter_no_change


def test_s4_early_stopping_with_warm_start_returns_the_best_weights() -> None:
    model = dr.MLPClassifier(
        (8,), learning_rate_init=0.05, warm_start=True, early_stopping=True, random_state=0
    )
    model.fit(X_IRIS, Y_IRIS)
    for _ in range(5):
        best, weights = model.best_validation_score_, [coef.copy() for coef in model.coefs_]
        model.fit(X_IRIS, Y_IRIS)
        assert model.best_validation_score_ >= best
        if model.best_validation_score_ == best:
            for now, before in zip(model.coefs_, weights, strict=True):
                np.testing.assert_array_equal(now, before)
    assert model.best_validation_score_ == max(model.validation_scores_)
    # The best and the last are two things: training goes on from the last.
    assert not np.array_equal(model._memory.state.parameters.vector, model._memory.published.vector)


def _held_back(y: Any, seed: int) -> Any:
    """The targets that early stopping judges on."""
    seen: list[Any] = []

    def scorer(estimator: Any, X: Any, y: Any) -> float:
        seen.append(y)
        return 0.0

    X = np.random.default_rng(seed).normal(size=(len(y), 2))
    stopping = dr.EarlyStopping(validation_fraction=0.2, scorer=scorer)
    dr.MLPClassifier((2,), early_stopping=stopping, max_iter=1, random_state=seed).fit(X, y)
    return seen[0]


@pytest.mark.parametrize(
    "shares", [(60, 30, 10), (50, 50), (40, 30, 20, 10), tuple(range(5, 55, 5))], ids=len
)
def test_s5_the_split_keeps_the_shares_of_all_classes(shares: tuple[int, ...]) -> None:
    y = np.random.default_rng(0).permutation(np.repeat(np.arange(len(shares)), shares))
    for seed in range(5):
        counts = np.bincount(_held_back(y, seed)).tolist()
        assert counts == [share // 5 for share in shares]


def test_s5_labels_beside_each_other_have_no_shares_to_keep() -> None:
    y = np.random.default_rng(0).integers(0, 2, (100, 3))
    counts = {tuple(_held_back(y, seed).sum(axis=0)) for seed in range(5)}
    assert len(counts) > 1
    assert all(_held_back(y, seed).shape == (20, 3) for seed in range(5))


@pytest.mark.parametrize("solver", ["lbfgs", dr.LBFGS()])
@pytest.mark.parametrize("kind", [dr.MLPClassifier, dr.MLPRegressor])
def test_s6_lbfgs_has_no_partial_fit(kind: Any, solver: Any) -> None:
    assert not hasattr(kind(solver=solver), "partial_fit")
    assert hasattr(kind(solver="adam"), "partial_fit")


@pytest.mark.parametrize(
    "settings",
    [
        {"solver": "adam"},
        {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.1},
        {"solver": "sgd", "learning_rate": "adaptive", "tol": 1e6, "n_iter_no_change": 2},
        {"solver": dr.RMSprop(), "early_stopping": True},
        {"solver": "sgd", "batch_size": 1, "sampling": "replacement"},
        {"solver": "sgd", "nesterovs_momentum": False, "batch_size": 1},
        {"solver": "adamw", "sampling": "sequential"},
    ],
    ids=[
        *("adam", "invscaling", "adaptive", "early-stopping", "replacement"),
        *("momentum", "sequential"),
    ],
)
@engines
@pytest.mark.parametrize("kind", [dr.MLPClassifier, dr.MLPRegressor])
def test_s7_n_fits_of_one_epoch_equal_one_fit_of_n(
    kind: Any, engine: str, settings: dict[str, Any]
) -> None:
    """scikit-learn #6091, #13656: there every warm fit forgets the optimiser's moments."""
    whole = kind(hidden_layer_sizes=(6,), random_state=0, max_iter=5, batch_size=32)
    whole.set_params(engine=engine, **settings)
    parts = clone(whole).set_params(max_iter=1, warm_start=True)
    whole.fit(X_IRIS[::3], Y_IRIS[::3])
    for _ in range(5):
        parts.fit(X_IRIS[::3], Y_IRIS[::3])
    for one, other in zip(whole.coefs_, parts.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)
    assert whole.loss_curve_ == parts.loss_curve_
    assert whole.t_ == parts.t_


@engines
@pytest.mark.parametrize("solver", ["sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"])
def test_s8_schedules_change_the_rate_at_every_step_of_every_optimiser(
    solver: str, engine: str
) -> None:
    """150 rows in batches of 30 are 5 steps an epoch; the rate is 0 from step 3 on."""
    stopping = dr.MLPClassifier(
        (6,),
        solver=solver,
        momentum=0,
        engine=engine,
        batch_size=30,
        alpha=0,
        random_state=0,
        shuffle=False,
        learning_rate=lambda step: 1.0 if step < 3 else 0.0,
        max_iter=1,
    ).fit(X_IRIS, Y_IRIS)
    # The 90 rows of the first three steps hold two classes only; partial_fit is told of the third.
    three = clone(stopping).set_params(learning_rate="constant")
    three.partial_fit(X_IRIS[:90], Y_IRIS[:90], classes=[0, 1, 2])
    for one, other in zip(stopping.coefs_, three.coefs_, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


@engines
def test_s9_a_non_finite_objective_ends_the_training_where_it_appears(engine: str) -> None:
    """scikit-learn #29504: there it is noticed after the last epoch, and the weights are lost."""
    model = dr.MLPRegressor(
        hidden_layer_sizes=(50,),
        activation="identity",
        solver="sgd",
        learning_rate_init=1.0,
        max_iter=10_000,
        random_state=0,
        engine=engine,
    )
    with pytest.raises(NonFiniteError, match=r"It happened in epoch \d+, layer \d"):
        model.fit(X_IRIS, Y_IRIS)
    assert model.n_iter_ < 50
    assert all(np.isfinite(coef).all() for coef in model.coefs_)
    assert np.isfinite(model.loss_curve_).all()

    with pytest.warns(TrainingStoppedWarning, match="weights of the best validation score"):
        model.set_params(early_stopping=True).fit(X_IRIS, Y_IRIS)
    assert model.best_validation_score_ == np.nanmax(model.validation_scores_)
    assert np.isfinite(model.predict(X_IRIS)).all()


@engines
@pytest.mark.parametrize("batch_size", [1, 2])
def test_s10_batches_of_weight_zero_are_no_special_case(batch_size: int, engine: str) -> None:
    """Steps of weight 0 leave no trace: without their rows the steps are the same."""
    weight = np.arange(len(X_IRIS)) // batch_size % 3
    full = dr.MLPClassifier(
        (6,), batch_size=batch_size, sampling="sequential", random_state=0, max_iter=3, **PLAIN
    ).set_params(engine=engine)
    part = clone(full)
    full.fit(X_IRIS, Y_IRIS, sample_weight=weight)
    kept = weight > 0
    # The same steps without the idle ones; N / n of equation (9) goes into the step size.
    part.set_params(learning_rate_init=full.learning_rate_init * len(weight) / kept.sum())
    part.fit(X_IRIS[kept], Y_IRIS[kept], sample_weight=weight[kept])
    for one, other in zip(full.coefs_, part.coefs_, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10)


@pytest.mark.parametrize("kind", [dr.MLPClassifier, dr.MLPRegressor])
@pytest.mark.parametrize("check", sklearn_defects.WEIGHT_CHECKS[:2])
def test_s10_the_estimator_checks_of_weights(kind: Any, check: str) -> None:
    """They pass where a step sees all rows. Steps of one row meet a doubled row twice, so that
    there the check must say that the models differ; scikit-learn's class divides by zero.
    """
    judge = getattr(estimator_checks, check)
    full = kind(solver="sgd", batch_size=1000, max_iter=5)
    with pytest.warns(UserWarning, match="Got `batch_size` less than 1 or larger"):
        judge(kind.__name__, full)
    with pytest.raises(AssertionError, match="fitting with `sample_weight` is not equivalent"):
        judge(kind.__name__, clone(full).set_params(batch_size=1))


def test_s10_the_estimator_check_of_one_label() -> None:
    model = dr.MLPClassifier(solver="sgd", batch_size=1, max_iter=5)
    getattr(estimator_checks, sklearn_defects.WEIGHT_CHECKS[2])("MLPClassifier", model)


#: What goes down a road of its own: the settings, and how the road begins.
ROADS: dict[str, tuple[dict[str, Any], str]] = {
    "registers": (
        {"solver": "sgd", "momentum": 0, "alpha": 0.0, "batch_size": 1, "hidden_layer_sizes": (8,)},
        "per-sample road, a small network in registers",
    ),
    "look ahead": (
        {"solver": "sgd", "batch_size": 1, "hidden_layer_sizes": (50, 20)},
        "per-sample road, looking ahead",
    ),
    "one pass": (
        {"batch_size": 1, "hidden_layer_sizes": (50,)},
        "per-sample road, each update in one pass",
    ),
    "small batches": ({"batch_size": 32, "hidden_layer_sizes": (20,)}, "mini-batch road"),
    "large batches": ({"batch_size": 500, "hidden_layer_sizes": (300, 200)}, "mini-batch road"),
    "lanes": ({"n_init": 9, "hidden_layer_sizes": (4,)}, "lanes road"),
    "lbfgs": ({"solver": "lbfgs", "hidden_layer_sizes": (100,)}, "the whole gradient"),
}


@pytest.mark.skipif(not compiled_available(), reason="the core is not loaded")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("road", ROADS)
def test_s11_the_numbers_do_not_depend_on_the_number_of_threads(road: str, dtype: Any) -> None:
    """scikit-learn #15266, #27518: there they follow the threads of the BLAS."""
    settings, beginning = ROADS[road]
    # A road of registers asks for few inputs and outputs.
    X, y = load_digits(return_X_y=True) if "batches" in road else (X_IRIS, Y_IRIS)
    model = dr.MLPClassifier(max_iter=2, random_state=0, engine="compiled", **settings)
    fits = [
        clone(model).set_params(n_threads=threads).fit(X.astype(dtype), y) for threads in (1, 2, 4)
    ]
    assert f": {beginning}" in fits[0].road_
    for other in fits[1:]:
        _assert_same(fits[0], other)


@pytest.mark.parametrize(
    "settings",
    [{"engine": "reference", "max_iter": 1}, {"solver": "lbfgs", "max_iter": 3}],
    ids=["reference", "lbfgs"],
)
def test_s11_the_threads_of_the_blas_leave_rounding_only(settings: dict[str, Any]) -> None:
    """What the reference engine takes from NumPy, and lbfgs from SciPy, follows them in its last
    digits: products and long sums of the BLAS are cut by its number of threads.
    """
    X, y = load_digits(return_X_y=True)
    model = dr.MLPClassifier((300, 200), batch_size=500, random_state=0, **settings)
    fits = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            fits.append(clone(model).fit(X[:1000], y[:1000]))
    for a, b in zip(fits[0].coefs_, fits[1].coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


def _assert_same(one: Any, other: Any) -> None:
    for a, b in zip(
        (*one.coefs_, *one.intercepts_), (*other.coefs_, *other.intercepts_), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    assert one.loss_ == other.loss_


@engines
def test_s12_sample_weights_act_in_steps_of_one_row(engine: str) -> None:
    """The mean of the steps of an epoch is the gradient of the weighted objective."""
    weight, rate = np.geomspace(0.1, 50, len(X_SMALL)), 1e-9
    model = dr.MLPRegressor(
        hidden_layer_sizes=(5,),
        activation="tanh",
        batch_size=1,
        learning_rate_init=rate,
        max_iter=1,
        random_state=0,
        engine=engine,
        **PLAIN,
    )
    start = _started(model, X_SMALL, Y_SMALL)
    numeric = _numeric_gradient(start, X_SMALL, Y_SMALL, sample_weight=weight)
    model.fit(X_SMALL, Y_SMALL, sample_weight=weight)
    for before, after, slope in zip(start.coefs_, model.coefs_, numeric, strict=True):
        moved = (before - after) / (rate * len(X_SMALL))
        np.testing.assert_allclose(moved, slope, rtol=1e-4, atol=1e-5)
