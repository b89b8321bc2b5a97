"""The lab: the library's own training, moved by hand, looked at and taken back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from playground_asks import CORNERS, PARITY, PLANS, XOR, lab_of, plan_of, rows

import deltarule as dr
from deltarule.exceptions import DeltaruleError, InvalidParameterError
from deltarule.playground.answers import Answers
from deltarule.playground.lab import CURVE_POINTS, Lab
from deltarule.stopping import StopReason


@pytest.fixture
def xor() -> Lab:
    network = dr.Network(units=(2, 3, 1), activations="logistic")
    plan = dr.TrainingPlan(learning_rate_init=2.0, sampling="shuffle")
    return lab_of(network, plan, CORNERS)


@pytest.mark.parametrize("row", PLANS, ids=lambda row: f"{row[0]}-{row[1]}")
def test_epochs_are_those_of_train_bit_for_bit(row):
    network = dr.Network(units=(4, 7, 2), activations=("tanh", "logistic"))
    plan = plan_of(row)
    train, held = rows(30, 4, 2), rows(9, 4, 2, seed=1)
    lab = lab_of(network, plan, train, held=held)
    while lab.progress.epoch < 40:
        lab.run(0.0005)
        lab.measures()
        lab.snapshot()
        if lab.progress.epoch > 35:
            lab.advance_epochs(40 - lab.progress.epoch)
    X, D = train["X"].reshape(30, 4), train["D"].reshape(30, 2)
    validation = dr.Validation(held["X"].reshape(9, 4), held["D"].reshape(9, 2))
    epochs = lab.progress.epoch
    plan = replace(plan, max_epochs=epochs)
    state = dr.TrainingState(dr.initialize(network, 3), np.zeros((0, network.size)), horizon=40)
    whole = dr.train(network, state, X, D, plan, validation=validation)
    assert (lab.session.vector() == whole.parameters.vector).all()
    curve = lab.curve()
    last = len(curve["epoch"]) - 1
    assert curve["loss"][last] == whole.history.loss[int(curve["epoch"][last]) - 1]
    assert curve["held_loss"][last] == whole.history.validation_loss[int(curve["epoch"][last]) - 1]


def test_a_step_by_hand_is_what_its_trace_showed(xor):
    for _ in range(50):
        traced = xor.trace(None, None, numeric=False)
        xor.advance_steps(1)
        assert (xor.session.vector() == traced.after).all()


def test_the_numeric_gradient_stands_beside_the_analytic_one(xor):
    traced = xor.trace(None, None, numeric=True)
    np.testing.assert_allclose(traced.numeric, traced.gradient, atol=1e-9)


def test_back_goes_to_where_each_move_began(xor):
    places = []
    for move in (lambda: xor.advance_steps(1), lambda: xor.advance_epochs(2)) * 3:
        places.append((xor.step, xor.session.vector()))
        move()
    for step, vector in reversed(places):
        xor.back()
        assert xor.step == step
        assert (xor.session.vector() == vector).all()
    with pytest.raises(InvalidParameterError) as caught:
        xor.back()
    assert str(caught.value) == (
        "There is nothing to go back to: this is where the training began. Take a step first."
    )


def test_other_weights_keep_the_place_of_the_training(xor):
    xor.advance_steps(3)
    xor.set(np.ones(xor.network.size))
    assert xor.step == 3
    assert (xor.session.vector() == 1).all()
    xor.back()
    assert not (xor.session.vector() == 1).any()


def test_another_plan_goes_on_where_the_first_stood(xor):
    xor.advance_steps(6)
    xor.replan(dr.TrainingPlan(optimizer="adam", batch_size=1, sampling="shuffle"))
    assert (xor.step, xor.progress.epoch, xor.progress.step) == (6, 1, 2)
    xor.advance_epochs(1)
    assert xor.progress.epoch == 2


def test_a_training_that_runs_away_stops_and_can_be_taken_back():
    network = dr.Network(units=(2, 2, 1), activations="identity")
    plan = dr.TrainingPlan(learning_rate_init=1e4)
    lab = lab_of(network, plan, CORNERS)
    lab.keep()
    while lab.stopped is None:
        lab.run(0.001)
    assert lab.stopped[1] == (
        f"The numbers ran away in epoch {lab.progress.epoch}: a loss or a weight is no finite "
        "number any more. Go back to the last finite state, and lower the step size or "
        "standardize the inputs."
    )
    lab.back()
    assert lab.stopped is None
    assert np.isfinite(lab.session.vector()).all()


def ended_by(reason: StopReason) -> Lab:
    """A lab that stands still for a reason."""
    network = dr.Network(units=(2, 2, 1), activations="identity")
    if reason is StopReason.NON_FINITE:
        lab = lab_of(network, dr.TrainingPlan(learning_rate_init=1e4), CORNERS)
    else:
        schedule = dr.Adaptive(divisor=10.0, smallest=1e-4)
        plan = dr.TrainingPlan(learning_rate_init=0.01, schedule=schedule, sampling="sequential")
        lab = lab_of(network, plan, CORNERS)
    lab.keep()
    if reason is StopReason.INTERRUPTED:
        lab.end()
    while lab.stopped is None:
        lab.advance_epochs(100)
    assert lab.stopped[0] is reason
    return lab


# why it stands still; whether it goes on with the same plan, with another, and after going back
GOING_ON = [
    (StopReason.NON_FINITE, False, False, True),
    (StopReason.STEP_TOO_SMALL, False, True, True),
    (StopReason.INTERRUPTED, False, False, True),
]

#: No plan of a page has these: it ends for no number of epochs, no time, and no score.
OF_NO_LAB = {
    *(StopReason.CONVERGED, StopReason.NO_IMPROVEMENT, StopReason.MAX_EPOCHS, StopReason.TIME),
    *(StopReason.SOLVER, StopReason.OBSERVER),
}


def test_every_reason_to_stop_is_known_here():
    assert {reason for reason, *_ in GOING_ON} | OF_NO_LAB == set(StopReason)


@pytest.mark.parametrize(("reason", "same", "another", "behind"), GOING_ON)
@pytest.mark.parametrize(
    "change", [{"learning_rate_init": 0.5}, {"max_epochs": 999}, {"schedule": "constant"}]
)
def test_what_stopped_goes_on_where_a_change_of_plan_can_help(
    reason, same, another, behind, change
):
    lab = ended_by(reason)
    assert moves(lab) is False
    for plan, goes_on in ((lab.plan, same), (replace(lab.plan, **change), another)):
        lab.replan(plan)
        step, factor = lab.step, lab.progress.standing.rate_factor
        assert (lab.stopped is None) is goes_on
        assert moves(lab) is goes_on
        if goes_on:
            # As a fit goes on: the step size is the plan's again.
            assert (factor, lab.step) == (1.0, step + 4)
    while lab.stopped is not None:
        lab.back()
    assert moves(lab) is behind


def moves(lab: Lab) -> bool:
    before = lab.step
    lab.advance_epochs(1)
    return lab.step > before


def test_a_curve_is_thinned_and_keeps_its_end(xor):
    xor.advance_epochs(5000)
    curve = xor.curve()
    assert len(curve["epoch"]) <= CURVE_POINTS
    assert curve["epoch"][-1] == xor.progress.epoch
    assert (np.diff(curve["epoch"]) > 0).all()
    assert len(xor.curve()["epoch"]) == 0


def test_a_surface_holds_the_objective(xor):
    origin, n = xor.session.vector(), xor.network.size
    u, v = np.linspace(-2, 2, 5), np.linspace(-1, 1, 3)
    found = xor.surface(origin, np.eye(n)[0], np.eye(n)[4], u, v, lambda done: None)
    moved = origin + u[4] * np.eye(n)[0] + v[2] * np.eye(n)[4]
    wanted = dr.objective(
        xor.network, dr.initialize(xor.network).replace(vector=moved), XOR, PARITY
    )
    assert found.reshape(5, 3)[4, 2] == pytest.approx(wanted, rel=1e-14)


# the ask, and what is said where it does not fit
REFUSED = [
    ({"ask": "dance"}, "ask must be one of hello, open, "),
    ({"ask": "advance", "given": {"unit": "step", "count": 1}}, "No training is open yet. "),
    ({"ask": "open"}, "open must be a record (got None). "),
    ({"ask": "open", "given": {}}, "open.network must be there (got 'nothing'). "),
]


@pytest.mark.parametrize(("asked", "said"), REFUSED)
def test_an_ask_that_does_not_fit_is_refused(asked, said):
    with pytest.raises(DeltaruleError) as caught:
        Answers().answer(asked, lambda done: None)
    assert str(caught.value).startswith(said)
