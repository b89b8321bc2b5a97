"""Option objects as parameters of an estimator, and what the flat parameters stand for."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline

import deltarule as dr
from deltarule.estimators import fitting, options
from deltarule.exceptions import DeltaruleError, InvalidParameterError

X_IRIS, Y_IRIS = load_iris(return_X_y=True)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_scikit_learns_signature_comes_first() -> None:
    """Old code runs after changing the import line: same names, same defaults, same places."""
    import inspect

    import sklearn.neural_network as theirs

    for name in ("MLPClassifier", "MLPRegressor"):
        old = inspect.signature(getattr(theirs, name)).parameters
        new = inspect.signature(getattr(dr, name)).parameters
        for parameter in old.values():
            assert new[parameter.name].default == parameter.default, parameter.name
            assert new[parameter.name].kind == parameter.kind, parameter.name
        assert list(new)[: len(old)] == list(old)
        extra = set(new) - set(old) - {"loss"}
        if name == "MLPClassifier":
            assert {"class_weight", "label_smoothing", "calibrate"} <= extra
            extra -= {"class_weight", "label_smoothing", "calibrate"}
        assert extra == {
            "output_activation",
            "sampling",
            "fit_intercept",
            "standardize",
            "n_init",
            "initializer",
            "engine",
            "n_threads",
            "dropout",
            "normalization",
            "max_seconds",
        }


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, dr.Adam()),
        ({"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-6}, dr.Adam(0.8, 0.99, 1e-6)),
        ({"solver": "sgd"}, dr.Nesterov(0.9)),
        ({"solver": "sgd", "momentum": 0.5}, dr.Nesterov(0.5)),
        ({"solver": "sgd", "nesterovs_momentum": False}, dr.Momentum(0.9)),
        ({"solver": "sgd", "momentum": 0}, dr.SGD()),
        ({"solver": "momentum"}, dr.Momentum(0.9)),
        ({"solver": "nesterov", "momentum": 0.3}, dr.Nesterov(0.3)),
        ({"solver": "adamw", "beta_1": 0.7}, dr.AdamW(0.7)),
        ({"solver": "rmsprop", "epsilon": 1e-5}, dr.RMSprop(epsilon=1e-5)),
        ({"solver": "lbfgs", "max_fun": 7}, dr.LBFGS(max_fun=7)),
        ({"solver": dr.AdamW(weight_decay=0.3)}, dr.AdamW(weight_decay=0.3)),
    ],
    ids=str,
)
def test_solver(settings: dict[str, Any], expected: Any) -> None:
    assert options.optimizer_of(dr.MLPClassifier(**settings)) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, dr.Constant()),
        ({"learning_rate": "invscaling", "solver": "sgd"}, dr.InvScaling(0.5, per="epoch")),
        ({"learning_rate": "adaptive", "solver": "sgd"}, dr.Adaptive()),
        # scikit-learn: only used when solver="sgd"
        ({"learning_rate": "invscaling", "solver": "adam"}, dr.Constant()),
        ({"learning_rate": "adaptive", "solver": "adam"}, dr.Constant()),
        ({"learning_rate": "invscaling", "solver": dr.Adam()}, dr.Constant()),
        ({"learning_rate": "adaptive", "solver": dr.LBFGS()}, dr.Constant()),
        ({"learning_rate": "invscaling", "solver": dr.AdamW()}, dr.InvScaling(0.5, per="epoch")),
        ({"learning_rate": "invscaling", "solver": "adamw"}, dr.InvScaling(0.5, per="epoch")),
        ({"learning_rate": dr.InvScaling(0.7), "solver": "adam"}, dr.InvScaling(0.7)),
        ({"learning_rate": "cosine"}, dr.Cosine()),
        ({"learning_rate": abs}, dr.schedules.Function(abs)),
    ],
    ids=str,
)
def test_learning_rate(settings: dict[str, Any], expected: Any) -> None:
    assert options.schedule_of(dr.MLPClassifier(**settings)) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, None),
        (
            {"early_stopping": True, "tol": 0.01, "n_iter_no_change": 3},
            dr.EarlyStopping(0.1, patience=3, min_delta=0.01),
        ),
        ({"early_stopping": dr.EarlyStopping(0.4)}, dr.EarlyStopping(0.4)),
        (
            {"early_stopping": True, "n_iter_no_change": np.inf},
            dr.EarlyStopping(patience=None),
        ),
    ],
    ids=str,
)
def test_early_stopping(settings: dict[str, Any], expected: Any) -> None:
    assert options.stopping_of(dr.MLPClassifier(**settings)) == expected


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [
        (0, None),
        (0.5, dr.L2(0.5)),
        (dr.L1(0.1), dr.L1(0.1)),
        (dr.L1L2(0.1, 0.2), dr.L1L2(0.1, 0.2)),
    ],
    ids=str,
)
def test_alpha(alpha: Any, expected: Any) -> None:
    assert options.penalty_of(dr.MLPClassifier(alpha=alpha)) == expected


@pytest.mark.parametrize(
    ("settings", "flat", "parameter"),
    [
        ({"solver": dr.Adam(), "beta_1": 0.5}, "beta_1=0.5", "solver=Adam("),
        ({"solver": dr.AdamW(), "epsilon": 1.0}, "epsilon=1.0", "solver=AdamW("),
        ({"solver": dr.SGD(), "momentum": 0.5}, "momentum=0.5", "solver=SGD("),
        ({"solver": dr.Momentum(), "momentum": 0.5}, "momentum=0.5", "solver=Momentum("),
        (
            {"solver": dr.Nesterov(), "nesterovs_momentum": False},
            "nesterovs_momentum=False",
            "solver=Nesterov(",
        ),
        ({"solver": dr.RMSprop(), "epsilon": 1.0}, "epsilon=1.0", "solver=RMSprop("),
        ({"solver": dr.LBFGS(), "max_fun": 3}, "max_fun=3", "solver=LBFGS("),
        (
            {"learning_rate": dr.InvScaling(), "power_t": 0.2},
            "power_t=0.2",
            "learning_rate=InvScaling(",
        ),
        (
            {"early_stopping": dr.EarlyStopping(), "n_iter_no_change": 3},
            "n_iter_no_change=3",
            "early_stopping=EarlyStopping(",
        ),
        ({"early_stopping": dr.EarlyStopping(), "tol": 1.0}, "tol=1.0", "early_stopping="),
        (
            {"early_stopping": dr.EarlyStopping(), "validation_fraction": 0.3},
            "validation_fraction=0.3",
            "early_stopping=",
        ),
    ],
    ids=str,
)
def test_a_flat_parameter_beside_an_object_is_an_error_that_names_both(
    settings: dict[str, Any], flat: str, parameter: str
) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        dr.MLPClassifier(**settings).fit(X_IRIS, Y_IRIS)
    name = flat.partition("=")[0]
    assert str(caught.value).startswith(f"{name} must be left at its default ")
    assert f"(got {flat})" in str(caught.value)
    assert parameter in str(caught.value)
    equal = getattr(dr.MLPClassifier(), name)  # at its default it is no contradiction
    dr.MLPClassifier((2,), max_iter=1, **(settings | {name: equal})).fit(X_IRIS, Y_IRIS)


def test_fields_stand_in_get_params_and_set_params_replaces_the_object() -> None:
    solver = dr.AdamW(weight_decay=0.1)
    model = dr.MLPClassifier(solver=solver, loss=dr.losses.Huber(2.0))
    deep = model.get_params(deep=True)
    assert deep["solver__weight_decay"] == 0.1
    assert deep["loss__delta"] == 2.0
    assert "solver__weight_decay" not in model.get_params(deep=False)
    model.set_params(solver__weight_decay=0.3, loss__delta=3.0)
    assert model.solver == dr.AdamW(weight_decay=0.3)
    assert model.loss == dr.losses.Huber(3.0)
    assert solver.weight_decay == 0.1  # the old object is untouched
    assert clone(model).get_params()["solver__weight_decay"] == 0.3
    assert pickle.loads(pickle.dumps(model)).solver == model.solver


def test_a_string_is_resolved_to_its_object_first() -> None:
    model = dr.MLPClassifier(solver="adam", beta_2=0.99)
    model.set_params(
        solver__beta_1=0.5,
        learning_rate="cosine",
        learning_rate__warmup=0.2,
        early_stopping=True,
        early_stopping__patience=3,
        alpha__strength=0.7,
        loss__delta=2.0,
        loss="huber",
        activation="leaky_relu",
        activation__slope=0.3,
        initializer="normal",
        initializer__scale=0.2,
    )
    assert model.solver == dr.Adam(0.5, 0.99)
    assert model.learning_rate == dr.Cosine(warmup=0.2)
    assert model.early_stopping == dr.EarlyStopping(patience=3)
    assert model.alpha == dr.L2(0.7)
    assert model.loss == dr.losses.Huber(2.0)
    assert model.activation == dr.activations.LeakyReLU(0.3)
    assert model.initializer == dr.initializers.Normal(0.2)
    model.set_params(max_iter=2).fit(X_IRIS, Y_IRIS)  # the flat beta_2 says the same


def test_fields_are_reached_through_a_pipeline() -> None:
    pipeline = make_pipeline(dr.MLPClassifier(solver=dr.RMSprop()))
    pipeline.set_params(mlpclassifier__solver__decay=0.5)
    assert pipeline[-1].solver == dr.RMSprop(decay=0.5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"solver__foo": 1},
            (
                "Invalid parameter 'solver__foo' for estimator MLPClassifier: Adam has the fields "
                "beta_1, beta_2, epsilon, clip_norm, average (got 'foo'). Use one of them, or "
                "another object for solver."
            ),
        ),
        (
            {"early_stopping__patience": 1},
            (
                "early_stopping must be an option object to have a field 'patience' (got "
                "early_stopping=False). Set early_stopping to an object first."
            ),
        ),
        (
            {"solver__beta_1": 2},
            "beta_1 must be a number in [0, 1) (got 2). Choose a value in that range.",
        ),
        (
            {"learning_rate__power": 0.3},
            (
                "Invalid parameter 'learning_rate__power' for estimator MLPClassifier: Constant "
                "has no fields (got 'power'). Give another object for learning_rate."
            ),
        ),
        (
            {"learning_rate": "invscaling", "learning_rate__power": 0.3},
            (
                "Invalid parameter 'learning_rate__power' for estimator MLPClassifier: "
                "learning_rate='invscaling' does nothing with the solver 'adam' and has no fields "
                "(got 'power'). Set learning_rate=dr.InvScaling(…), which works with every solver "
                "by steps."
            ),
        ),
        (
            {"solver": "lbfgs", "learning_rate": "adaptive", "learning_rate__divisor": 3},
            (
                "Invalid parameter 'learning_rate__divisor' for estimator MLPClassifier: "
                "learning_rate='adaptive' does nothing with the solver 'lbfgs' and has no fields "
                "(got 'divisor'). Choose a solver that goes by steps."
            ),
        ),
    ],
    ids=str,
)
def test_words_of_wrong_fields(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        dr.MLPClassifier().set_params(**change)
    assert str(caught.value) == words


def test_an_unknown_parameter_has_scikit_learns_words() -> None:
    with pytest.raises(ValueError, match="Invalid parameter 'foo' for estimator MLPClassifier"):
        dr.MLPClassifier().set_params(foo=1)
    with pytest.raises(ValueError, match="Invalid parameter 'foo' for estimator MLPClassifier"):
        dr.MLPClassifier().set_params(foo__bar=1)


@pytest.mark.parametrize(
    ("settings", "end"),
    [
        ({"solver": "adan"}, "Got 'adan' instead. Did you mean 'adam'?"),
        ({"loss": "cross_entropy"}, "Got 'cross_entropy' instead. Did you mean 'log_loss'?"),
        ({"activation": "rleu"}, "Got 'rleu' instead. Did you mean 'relu'?"),
        ({"alpha": -1}, "Got -1 instead. Choose a value in that range."),
        ({"standardize": "rows"}, "Got 'rows' instead. Choose one of these names."),
        ({"max_iter": 0}, "Got 0 instead. Choose a value in that range."),
        ({"max_iter": 2.5}, "Got 2.5 instead. Choose a whole number in that range."),
        ({"dropout": 1.0}, "Got 1.0 instead. Choose a value in that range."),
        ({"dropout": "1"}, "Got '1' instead. Choose a value of that kind."),
        ({"class_weight": "balance"}, "Got 'balance' instead. Did you mean 'balanced'?"),
        (
            {"activation": np.tanh},
            (
                "Got <ufunc 'tanh'> instead. Write a function of your own with its derivative: "
                "dr.activations.Function(value, derivative)."
            ),
        ),
        (
            {"loss": max},
            (
                "Got <built-in function max> instead. Write a function of your own with its "
                "derivative: dr.losses.Function(value, derivative)."
            ),
        ),
        ({"loss": (3,)}, "Got (3,) instead. Choose a value of that kind."),
        ({"solver": dr.Adam}, "instead. Call the class: Adam(…)."),
        ({"alpha": dr.L2}, "instead. Call the class: L2(…)."),
        ({"early_stopping": dr.EarlyStopping}, "instead. Call the class: EarlyStopping(…)."),
        ({"loss": dr.losses.Huber}, "instead. Call the class: Huber(…)."),
        ({"activation": dr.activations.Tanh}, "instead. Call the class: Tanh(…)."),
        ({"hidden_layer_sizes": dr.Hidden}, "instead. Call the class: Hidden(…)."),
        ({"solver": dr.losses.Huber}, "instead. Choose a value of that kind."),
    ],
    ids=str,
)
def test_parameter_errors_are_scikit_learns_and_ours(settings: dict[str, Any], end: str) -> None:
    from sklearn.utils._param_validation import InvalidParameterError as Theirs

    name = next(iter(settings))
    for kind in (Theirs, DeltaruleError, ValueError):
        with pytest.raises(kind) as caught:
            dr.MLPClassifier(**settings).fit(X_IRIS, Y_IRIS)
        assert str(caught.value).startswith(f"The {name!r} parameter of MLPClassifier must be ")
        assert str(caught.value).endswith(end)


@pytest.mark.parametrize("sizes", [(3,), 5, [4, 3]])
def test_hidden_layers_in_the_place_of_a_regressors_loss(sizes: Any) -> None:
    with pytest.raises(DeltaruleError) as caught:
        dr.MLPRegressor(sizes).fit(X_IRIS, Y_IRIS)
    assert str(caught.value).endswith(
        f"Got {sizes!r} instead. loss comes first, as in scikit-learn: write "
        f"hidden_layer_sizes={sizes!r}."
    )
    with pytest.raises(DeltaruleError, match=r"Choose a value of that kind\.$"):
        dr.MLPRegressor((0.1, 0.9)).fit(X_IRIS, Y_IRIS)


def test_names_are_told_in_one_order() -> None:
    """Not in that of a set, which is another in each run; none that hidden layers do not take."""
    with pytest.raises(DeltaruleError) as caught:
        dr.MLPClassifier(activation="nonsense").fit(X_IRIS, Y_IRIS)
    assert str(caught.value) == (
        "The 'activation' parameter of MLPClassifier must be a str among {'exp', 'gelu', "
        "'identity', 'leaky_relu', 'logistic', 'mish', 'relu', 'selu', 'sign', 'silu', 'softmax', "
        "'softplus', 'tanh'}, an instance of 'deltarule.activations.base.Activation' or an "
        "array-like. Got 'nonsense' instead. Choose one of these names."
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"hidden_layer_sizes": (10, 0)},
            (
                "hidden_layer_sizes must be > 0, got [10, 0]. hidden_layer_sizes[1] must be a "
                "positive integer (got 0). Remove the layer or give it at least one unit."
            ),
        ),
        (
            {"activation": ["relu"], "hidden_layer_sizes": (3, 3)},
            (
                "activation must have one entry for each of the 2 hidden layers (got 1). Adjust "
                "its length, or give one name for all layers."
            ),
        ),
        (
            {"loss": "poisson", "output_activation": "identity"},
            (
                "loss 'poisson' is defined for the output activations exp, logistic, softmax, "
                "softplus (got 'identity'). Choose one of them."
            ),
        ),
        (
            {"n_threads": 0},
            (
                "n_threads must be None, a positive integer or -1 for all (got 0). None follows "
                "the environment."
            ),
        ),
    ],
    ids=str,
)
def test_words_of_wrong_settings(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidParameterError) as caught:
        dr.MLPClassifier(**settings).fit(X_IRIS, Y_IRIS)
    assert str(caught.value) == words


def test_a_solver_by_name_and_as_an_object_train_the_same() -> None:
    named = dr.MLPClassifier((4,), learning_rate="invscaling", max_iter=5, random_state=0)
    changed = clone(named).set_params(solver__beta_1=0.9)
    assert isinstance(changed.solver, dr.Adam)
    np.testing.assert_array_equal(
        named.fit(X_IRIS, Y_IRIS).coefs_[0], changed.fit(X_IRIS, Y_IRIS).coefs_[0]
    )


@pytest.mark.parametrize("solver", ["lbfgs", dr.LBFGS()], ids=str)
@pytest.mark.parametrize(
    ("settings", "words", "got"),
    [
        ({"learning_rate": dr.Adaptive()}, "learning_rate must be 'constant'", "Adaptive("),
        ({"learning_rate": "cosine"}, "learning_rate must be 'constant'", "'cosine'"),
        ({"learning_rate": abs}, "learning_rate must be 'constant'", "<built-in function abs>"),
        ({"early_stopping": dr.EarlyStopping()}, "early_stopping must be False", "EarlyStopping("),
    ],
    ids=str,
)
def test_lbfgs_refuses_what_it_would_ignore(
    settings: dict[str, Any], words: str, got: str, solver: Any
) -> None:
    model = dr.MLPClassifier((2,), solver=solver, max_iter=2, **settings)
    with pytest.raises(InvalidParameterError) as caught:
        model.fit(X_IRIS, Y_IRIS)
    assert str(caught.value).startswith(f"{words} beside solver={solver!r}, ")
    assert f"(got {next(iter(settings))}={got}" in str(caught.value)


def test_lbfgs_passes_over_what_it_ignores_in_scikit_learn() -> None:
    model = dr.MLPClassifier((2,), solver="lbfgs", max_iter=2, learning_rate="adaptive")
    assert model.set_params(early_stopping=True).fit(X_IRIS, Y_IRIS).n_iter_ > 0


def test_numpy_integers_are_integers() -> None:
    model = dr.MLPClassifier((2,), n_threads=np.int64(2), max_iter=np.int32(2))
    assert model.fit(X_IRIS, Y_IRIS).predict(X_IRIS).shape == (150,)


@pytest.mark.parametrize(
    ("kind", "settings", "expected"),
    [
        (dr.MLPClassifier, {}, "softmax"),
        (dr.MLPClassifier, {"loss": "perceptron"}, "sign"),
        (dr.MLPClassifier, {"loss": "poisson"}, "exp"),
        (dr.MLPClassifier, {"loss": "squared_error"}, "identity"),
        (dr.MLPClassifier, {"loss": "squared_error", "output_activation": "tanh"}, "tanh"),
        (dr.MLPRegressor, {}, "identity"),
        (dr.MLPRegressor, {"loss": "poisson"}, "exp"),
        (dr.MLPRegressor, {"loss": dr.losses.Poisson()}, "exp"),
        (dr.MLPRegressor, {"loss": "huber"}, "identity"),
    ],
    ids=str,
)
def test_output_activation(kind: Any, settings: dict[str, Any], expected: str) -> None:
    model = kind(hidden_layer_sizes=(3,), max_iter=1, **settings).fit(X_IRIS, Y_IRIS)
    assert model.out_activation_ == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "shuffle"),
        ({"shuffle": False}, "sequential"),
        ({"sampling": "replacement"}, "replacement"),
        ({"sampling": "sequential", "shuffle": True}, "sequential"),
    ],
    ids=str,
)
def test_sampling_follows_shuffle(settings: dict[str, Any], expected: str) -> None:
    plan = fitting.build_plan(dr.MLPClassifier(**settings), 10, 0, None, incremental=False)
    assert plan.sampling == expected
    assert plan.batch_size == 10
