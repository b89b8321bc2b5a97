"""L-BFGS descends the objective that is reported, and ends with a reason."""

import itertools

import numpy as np
import pytest

import deltarule as dr
from deltarule import engines
from deltarule.plans import TrainingPlan, Validation

ENGINES = ["reference", *(["compiled"] if engines.compiled_available() else [])]
NUMBERS = np.random.default_rng(0)
X = NUMBERS.normal(size=(30, 3))
D = X @ NUMBERS.normal(size=(3, 2)) + 0.1 * NUMBERS.normal(size=(30, 2))
WEIGHT = NUMBERS.random(30) + 0.5
LINEAR = dr.Network((3, 2), "identity")
DEEP = dr.Network((3, 6, 2), ("tanh", "identity"))


def plan(max_epochs=500, tolerance=1e-10, **changes) -> TrainingPlan:
    return TrainingPlan(optimizer=dr.LBFGS(), max_epochs=max_epochs, tolerance=tolerance, **changes)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ridge_regression_has_its_exact_answer(engine, dtype):
    alpha = 2.0
    A = np.hstack([X, np.ones((30, 1))])
    decay = np.diag([alpha] * 3 + [0.0])  # no penalty on biases
    exact = np.linalg.solve(A.T @ (WEIGHT[:, np.newaxis] * A) + decay, A.T @ (WEIGHT[:, None] * D))
    settings = plan(penalty=dr.L2(alpha))
    start = dr.initialize(LINEAR, dtype=dtype)
    rows = [v.astype(dtype) for v in (X, D, WEIGHT)]
    result = dr.train(LINEAR, start, *rows[:2], settings, sample_weight=rows[2], engine=engine)
    # SciPy ends where the objective changes by less than 2e-9 of itself.
    tolerance = 1e-3 if dtype == np.float64 else 1e-2
    np.testing.assert_allclose(
        result.parameters.vector, exact.ravel(), rtol=tolerance, atol=tolerance
    )
    assert result.parameters.dtype == dtype
    assert result.engine == engine


@pytest.mark.parametrize("engine", ENGINES)
def test_the_gradient_vanishes_where_it_converged(engine):
    result = dr.train(
        DEEP, dr.initialize(DEEP, 1), X, D, plan(3000, 1e-7, penalty=dr.L2(0.5)), engine=engine
    )
    assert result.stop_reason is dr.StopReason.CONVERGED
    slope = dr.gradient(DEEP, result.parameters, X, D, penalty=dr.L2(0.5)).vector
    assert np.abs(slope).max() <= 1e-4
    J = dr.objective(DEEP, result.parameters, X, D, penalty=dr.L2(0.5))
    assert result.history.loss[-1] == pytest.approx(J, rel=1e-12)


def test_history_falls_iteration_by_iteration():
    result = dr.train(DEEP, dr.initialize(DEEP, 1), X, D, plan(20), validation=Validation(X, D))
    loss = result.history.loss
    assert len(loss) == result.epochs == result.state.epoch == result.state.step == 20
    assert all(after <= before for before, after in itertools.pairwise(loss))
    assert len(result.history.validation_loss) == len(result.history.seconds) == 20
    assert result.stop_reason is dr.StopReason.MAX_EPOCHS


def test_too_few_evaluations_are_the_solvers_end():
    settings = TrainingPlan(optimizer=dr.LBFGS(max_fun=3), max_epochs=500, tolerance=1e-12)
    result = dr.train(DEEP, dr.initialize(DEEP, 1), X, D, settings)
    assert result.stop_reason is dr.StopReason.SOLVER


def test_no_iterations_change_nothing():
    start = dr.initialize(DEEP, 1)
    result = dr.train(DEEP, start, X, D, plan(0))
    assert result.stop_reason is dr.StopReason.MAX_EPOCHS
    assert result.parameters.vector.tobytes() == start.vector.tobytes()


def test_an_observer_ends_it_and_sees_each_iteration():
    kept = []

    def observer(seen):
        kept.append(seen.parameters())
        return seen.epoch == 4

    result = dr.train(DEEP, dr.initialize(DEEP, 1), X, D, plan(), observer=observer)
    assert result.stop_reason is dr.StopReason.OBSERVER
    assert result.epochs == len(kept) == 4
    assert result.parameters.vector.tobytes() == kept[-1].vector.tobytes()


def test_early_stopping_restores_the_best():
    scores = iter([0.1, 0.9, 0.5, 0.4, 0.3, 0.2])
    kept = []
    result = dr.train(
        DEEP,
        dr.initialize(DEEP, 1),
        X,
        D,
        plan(early_stopping=dr.EarlyStopping(patience=2)),
        validation=Validation(X, D, score=lambda prediction: next(scores)),
        observer=lambda seen: kept.append(seen.parameters()),
    )
    assert result.stop_reason is dr.StopReason.NO_IMPROVEMENT
    assert result.epochs == 2 + 3
    assert result.parameters.vector.tobytes() == kept[1].vector.tobytes()


def test_ctrl_c_keeps_the_last_iteration():
    kept = []

    def observer(seen):
        kept.append(seen.parameters())
        if seen.epoch == 3:
            raise KeyboardInterrupt

    result = dr.train(DEEP, dr.initialize(DEEP, 1), X, D, plan(), observer=observer)
    assert result.stop_reason is dr.StopReason.INTERRUPTED
    assert result.epochs == 3
    assert result.parameters.vector.tobytes() == kept[-1].vector.tobytes()


def test_an_objective_that_is_not_finite_returns_the_start():
    network = dr.Network((3, 2), ("exp",), "poisson")
    start = dr.initialize(network).replace(vector=np.full(8, 1e5))
    result = dr.train(network, start, np.ones((30, 3)), np.abs(D), plan())
    assert result.stop_reason is dr.StopReason.NON_FINITE
    assert result.trouble == "iteration 1"
    assert result.parameters.vector.tobytes() == start.vector.tobytes()


def test_the_step_size_plays_no_part():
    a, b = (
        dr.train(
            DEEP, dr.initialize(DEEP, 1), X, D, plan(10, learning_rate_init=rate, batch_size=size)
        )
        for rate, size in ((0.01, 1), (5.0, 7))
    )
    assert a.parameters.vector.tobytes() == b.parameters.vector.tobytes()
