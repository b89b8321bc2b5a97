"""scikit-learn's own judges: its estimator checks, its tests of its perceptron, its callbacks.

Nothing of scikit-learn's code is copied here: its test module is loaded from the installed package
with our two classes in the place of its own.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.neural_network
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import deltarule as dr
from deltarule.engines import compiled_available
from deltarule.schedules import Clock

X_IRIS, Y_IRIS = load_iris(return_X_y=True)

quiet = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::sklearn.exceptions.SkipTestWarning",
)

# ---------------------------------------------------------------- the estimator checks

#: The notes' per-sample descent.
NOTES: dict[str, Any] = {"solver": "sgd", "batch_size": 1, "momentum": 0}

#: One weighted row and the same row twice are different walks where each step sees one row.
ONE_ROW_A_STEP = {
    f"check_sample_weight_equivalence_on_{kind}_data": "steps of one row meet a doubled row twice"
    for kind in ("dense", "sparse")
}


@quiet
@parametrize_with_checks([dr.MLPClassifier(), dr.MLPRegressor()])
def test_estimator_checks_at_defaults(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


@quiet
@pytest.mark.skipif(not compiled_available(), reason="minutes on the reference engine")
@parametrize_with_checks(
    [
        dr.MLPClassifier(**NOTES),
        dr.MLPRegressor(**NOTES),
        dr.MLPClassifier(sampling="replacement", **NOTES),
    ],
    expected_failed_checks=lambda estimator: ONE_ROW_A_STEP,
)
def test_estimator_checks_in_the_notes_mode(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


CHECK_ALL = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")
from sklearn.utils.estimator_checks import check_estimator
home = importlib.import_module(sys.argv[1])
print(json.dumps({
    kind: [
        (result["check_name"], result["status"])
        for result in check_estimator(getattr(home, kind)(), on_skip=None, on_fail=None)
        if result["status"] != "passed"
    ]
    for kind in ("MLPClassifier", "MLPRegressor")
}))
"""

#: What scikit-learn's own class skips too: it has no decision_function.
SKIPPED_BY_BOTH = {
    "MLPClassifier": [
        ["check_classifiers_multilabel_output_format_decision_function", "skipped"],
    ],
    "MLPRegressor": [],
}


def _not_passed(module: str) -> Any:
    """The checks that do not pass with pandas, polars and SCIPY_ARRAY_API=1."""
    pytest.importorskip("pandas")
    pytest.importorskip("polars")
    done = subprocess.run(
        [sys.executable, "-c", CHECK_ALL, module],
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_no_check_fails_or_is_skipped_that_scikit_learn_passes() -> None:
    assert _not_passed("deltarule") == SKIPPED_BY_BOTH


@pytest.mark.long
def test_scikit_learn_skips_the_same() -> None:
    assert _not_passed("sklearn.neural_network") == SKIPPED_BY_BOTH


# ---------------------------------------------------------------- scikit-learn's own tests


class _Optimizer:
    """What scikit-learn's tests look at: the step size after the last epoch."""

    def __init__(self, model: Any) -> None:
        memory, rows = model._memory, model.t_ // max(model._memory.state.epoch, 1)
        plan_rate = model.learning_rate_init * memory.state.rate_factor
        from deltarule.estimators import options

        clock = Clock(memory.state.step, memory.state.epoch, 1, rows, 0)
        self.learning_rate = plan_rate * options.schedule_of(model).factors(clock, 1)[0]


class _Private:
    """Private attributes of scikit-learn's class, answered from our state.

    Six of its tests read them, and run all the same: `test_fit`, `test_gradient`,
    `test_learning_rate_warmstart`, `test_adaptive_learning_rate`, `test_n_iter_no_change` and
    `test_n_iter_no_change_inf`. A seventh asks for scikit-learn's own fixture, below.
    """

    def _loss_grad_lbfgs(self, packed: Any, X: Any, y: Any, *buffers: Any) -> tuple[float, Any]:
        """The objective and its gradient, all weights before all biases."""
        network, penalty = self._network, dr.L2(self.alpha)
        slots = sorted(network.layout, key=lambda slot: slot.block.role != "weight")
        vector, done = np.empty(network.size), 0
        for slot in slots:
            block = slot.view(vector)
            block[...] = packed[done : done + block.size].reshape(block.shape)
            done += block.size
        parameters = dr.Parameters(network, vector)
        slope = dr.gradient(network, parameters, X, y, penalty=penalty).vector
        value = dr.objective(network, parameters, X, y, penalty=penalty)
        return value, np.concatenate([slot.view(slope).ravel() for slot in slots])

    @property
    def _no_improvement_count(self) -> int:
        return int(self._memory.state.stalled)

    @_no_improvement_count.setter
    def _no_improvement_count(self, value: int) -> None:
        """scikit-learn's `test_fit` writes it before the first call."""

    @property
    def _optimizer(self) -> _Optimizer:
        return _Optimizer(self)


class MLPClassifier(_Private, dr.MLPClassifier):  # type: ignore[misc]
    """Ours, with the private attributes that scikit-learn's tests read."""


class MLPRegressor(_Private, dr.MLPRegressor):  # type: ignore[misc]
    """Ours, with the private attributes that scikit-learn's tests read."""


EXCLUDED = {
    "test_mlp_regressor_dtypes_casting": "asks for a relative 5e-4 of predictions that pass "
    "through zero; test_float32_follows_float64 below is the same with the scale of the target",
}


def _their_tests() -> dict[str, Any]:
    spec = importlib.util.find_spec("sklearn.neural_network.tests.test_mlp")
    assert spec is not None
    assert spec.origin is not None
    module = types.ModuleType("their_test_mlp")
    source = Path(spec.origin).read_text(encoding="utf-8")
    saved = sklearn.neural_network.MLPClassifier, sklearn.neural_network.MLPRegressor
    sklearn.neural_network.MLPClassifier = MLPClassifier
    sklearn.neural_network.MLPRegressor = MLPRegressor
    try:
        exec(compile(source, spec.origin, "exec"), module.__dict__)
    finally:
        sklearn.neural_network.MLPClassifier, sklearn.neural_network.MLPRegressor = saved
    tests = {name: thing for name, thing in vars(module).items() if name.startswith("test_")}
    assert tests["test_fit"].__globals__["MLPClassifier"] is MLPClassifier
    return tests


THEIRS = _their_tests()


class TestTheirs:
    """scikit-learn's tests of its multilayer perceptron, on our classes."""

    pytestmark = pytest.mark.filterwarnings(  # theirs run without warnings as errors
        "default",
        "ignore::sklearn.exceptions.ConvergenceWarning",
        "ignore::deltarule.exceptions.TrainingStoppedWarning",
    )

    @pytest.fixture
    def global_random_seed(self) -> int:
        return 42


for _name, _test in THEIRS.items():
    if _name not in EXCLUDED:
        setattr(TestTheirs, _name, staticmethod(_test))


def test_every_exclusion_is_a_test_of_theirs() -> None:
    """And was looked at lately: one that passes by now is to be let in."""
    assert set(EXCLUDED) <= set(THEIRS)
    assert len(THEIRS) - len(EXCLUDED) >= 40


@quiet
@pytest.mark.parametrize("name", EXCLUDED)
def test_what_is_left_out_does_fail(name: str) -> None:
    with pytest.raises(AssertionError):
        THEIRS[name]()


@quiet
def test_float32_follows_float64() -> None:
    from sklearn.datasets import load_digits

    X, y = load_digits(n_class=2, return_X_y=True)
    model = dr.MLPRegressor(hidden_layer_sizes=(5, 3), random_state=1, max_iter=150, tol=1e-3)
    exact = clone(model).fit(X[:300], y[:300]).predict(X[300:])
    single = (
        clone(model).fit(X[:300].astype(np.float32), y[:300]).predict(X[300:].astype(np.float32))
    )
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, exact, rtol=5e-4, atol=5e-4)


# ---------------------------------------------------------------- tuners and meta-estimators


@quiet
def test_grid_search_reaches_the_fields_of_an_option() -> None:
    search = GridSearchCV(
        make_pipeline(StandardScaler(), dr.MLPClassifier((8,), max_iter=30, random_state=0)),
        {
            "mlpclassifier__solver": [dr.AdamW()],
            "mlpclassifier__solver__weight_decay": [0.0, 0.1],
            "mlpclassifier__learning_rate_init": [0.05],
        },
        cv=3,
    ).fit(X_IRIS, Y_IRIS)
    decays = [setting["mlpclassifier__solver"] for setting in search.cv_results_["params"]]
    assert len(decays) == 2
    assert search.best_estimator_[-1].solver.weight_decay in (0.0, 0.1)
    assert search.best_score_ > 0.9


@quiet
def test_cross_validation() -> None:
    model = dr.MLPClassifier((16,), learning_rate_init=0.02, standardize="inputs", random_state=0)
    assert cross_val_score(model, X_IRIS, Y_IRIS, cv=3).min() > 0.9


# ---------------------------------------------------------------- callbacks


class Recorder:
    """Counts the hooks, keeps scores of the copies, and may ask for the end."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.begun, self.ended, self.scores, self.stop_after = 0, 0, [], stop_after
        self.setups = self.teardowns = 0

    def setup(self, estimator: Any, context: Any) -> None:
        self.setups += 1

    def teardown(self, estimator: Any, context: Any) -> None:
        self.teardowns += 1

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        self.begun += context.task_name == "epoch"

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, X: Any = None, y: Any = None, fitted_estimator: Any
    ) -> bool:
        if context.task_name != "epoch" or fitted_estimator is None:
            return False
        self.ended += 1
        self.scores.append(fitted_estimator.score(X, y))
        return self.stop_after is not None and self.ended >= self.stop_after


@quiet
def test_callbacks_see_every_epoch_and_a_fitted_copy() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X_IRIS, columns=list("abcd"))
    recorder = Recorder()
    model = dr.MLPClassifier((8,), max_iter=12, learning_rate_init=0.05, random_state=0)
    model.set_callbacks(recorder).fit(frame, Y_IRIS)
    assert (recorder.setups, recorder.teardowns) == (1, 1)
    assert recorder.begun == recorder.ended == model.n_iter_ == 12
    assert recorder.scores[-1] == model.score(frame, Y_IRIS)
    assert recorder.scores[-1] > recorder.scores[0]


@quiet
def test_a_callback_can_end_the_training() -> None:
    model = dr.MLPClassifier((8,), max_iter=50, random_state=0).set_callbacks(Recorder(3))
    model.fit(X_IRIS, Y_IRIS)
    assert model.n_iter_ == 3
    assert model.stop_reason_ is dr.StopReason.OBSERVER


class Interrupt(Recorder):
    """Ctrl-C after so many epochs."""

    interrupted = False

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, X: Any = None, y: Any = None, fitted_estimator: Any
    ) -> bool:
        over = super().on_fit_task_end(
            estimator, context, X=X, y=y, fitted_estimator=fitted_estimator
        )
        if over and not self.interrupted:
            self.interrupted = True
            raise KeyboardInterrupt
        return False


@quiet
@pytest.mark.parametrize("after", [2, 7])
def test_an_interrupt_in_any_of_several_starts_is_said(after: int) -> None:
    """Five epochs a start: after 2 in the first start, after 7 in the second."""
    model = dr.MLPClassifier((4,), max_iter=5, n_init=3, random_state=0)
    with pytest.warns(dr.exceptions.TrainingStoppedWarning, match="Training interrupted by user"):
        model.set_callbacks(Interrupt(after)).fit(X_IRIS, Y_IRIS)
    assert model.stop_reason_ is dr.StopReason.INTERRUPTED
    assert np.isinf(model.restarts_).tolist() == [False, after == 2, True]
    assert model.predict(X_IRIS).shape == (150,)


@quiet
@pytest.mark.parametrize("scorer", ["neg_log_loss", "roc_auc_ovr", "f1_macro"])
def test_a_named_scorer_judges_the_held_back_rows(scorer: str) -> None:
    model = dr.MLPClassifier((8,), early_stopping=dr.EarlyStopping(0.3, scorer=scorer))
    model.set_params(random_state=0, learning_rate_init=0.02).fit(X_IRIS, Y_IRIS)
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert model.validation_scores_[-1] > model.validation_scores_[0]
    if scorer == "neg_log_loss":
        np.testing.assert_allclose(
            model.validation_scores_, [-v for v in model.validation_loss_curve_]
        )


@quiet
def test_callbacks_change_no_bit() -> None:
    plain = dr.MLPClassifier((8,), max_iter=12, random_state=0).fit(X_IRIS, Y_IRIS)
    seen = dr.MLPClassifier((8,), max_iter=12, random_state=0).set_callbacks(Recorder())
    np.testing.assert_array_equal(seen.fit(X_IRIS, Y_IRIS).coefs_[0], plain.coefs_[0])


@quiet
def test_scikit_learns_own_callbacks(capsys: pytest.CaptureFixture[str]) -> None:
    monitor = ScoringMonitor(scoring="accuracy")
    model = dr.MLPClassifier((8,), max_iter=5, random_state=0).set_callbacks(monitor)
    model.fit(X_IRIS, Y_IRIS)
    logged = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(logged) == 5
    assert logged[-1]["accuracy"] == model.score(X_IRIS, Y_IRIS)
    if importlib.util.find_spec("rich") is not None:
        dr.MLPClassifier((8,), max_iter=5).set_callbacks(ProgressBar()).fit(X_IRIS, Y_IRIS)
        assert "MLPClassifier" in capsys.readouterr().out


@quiet
def test_no_context_is_opened_without_callbacks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a callback context was opened")

    monkeypatch.setattr(dr.MLPClassifier, "_init_callback_context", refuse)
    dr.MLPClassifier((4,), max_iter=2).fit(X_IRIS, Y_IRIS)
    with pytest.raises(AssertionError, match="a callback context was opened"):
        dr.MLPClassifier((4,), max_iter=2).set_callbacks(Recorder()).fit(X_IRIS, Y_IRIS)


def test_without_scikit_learns_callbacks_the_mixin_is_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from deltarule.estimators import callback_support

    monkeypatch.setitem(sys.modules, "sklearn.callback", None)
    spec = importlib.util.spec_from_file_location("without", callback_support.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert not hasattr(module.CallbackSupportMixin, "set_callbacks")
    assert not module.has_callbacks(dr.MLPClassifier())
