"""Trainings beside each other: the library's own, wherever they are cut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from playground_asks import CORNERS, PARITY, PLANS, XOR, opening, plan_of, rows

import deltarule as dr
from deltarule.exceptions import InvalidParameterError
from deltarule.playground.answers import Answers
from deltarule.playground.records import plan_record
from deltarule.playground.runs import CURVE_POINTS


def asked(answers: Answers, ask: str, **given) -> dict:
    return answers.answer({"ask": ask, "given": given}, lambda done: None)


def opened(network: dr.Network, plan: dr.TrainingPlan, train: dict) -> Answers:
    answers = Answers()
    asked(answers, "open", **opening(network, plan, train))
    return answers


def run(plan: dr.TrainingPlan, train: dict, seed: int = 3, **given) -> dict:
    return {
        "plan": plan_record(plan),
        "initializer": {"name": "auto"},
        "seed": seed,
        "start": None,
        "from": None,
        "train": train,
        **given,
    }


def whole(network: dr.Network, plan: dr.TrainingPlan, train: dict, seed: int) -> dr.TrainingResult:
    """The same training in one call, on the horizon that the page's plan counts on."""
    X = train["X"].reshape(train["rows"], -1)
    D = train["D"].reshape(train["rows"], -1)
    start = dr.initialize(network, seed)
    state = dr.TrainingState(start, np.zeros((0, network.size)), horizon=40)
    return dr.train(network, state, X, D, plan)


@pytest.mark.parametrize("row", PLANS, ids=lambda row: f"{row[0]}-{row[1]}")
def test_a_run_whose_way_is_kept_is_that_of_train_bit_for_bit(row):
    network = dr.Network(units=(4, 7, 2), activations=("tanh", "logistic"))
    plan, train = plan_of(row), rows(30, 4, 2)
    answers = opened(network, plan, train)
    (first,) = asked(answers, "runs", runs=[run(plan, train)], epochs=13, keep=5)["runs"]
    going_on = run(plan, train, **{"from": first["state"]})
    (second,) = asked(answers, "runs", runs=[going_on], epochs=27, keep=9)["runs"]
    result = whole(network, plan, train, seed=3)
    X, D = train["X"].reshape(30, 4), train["D"].reshape(30, 2)
    assert (second["vector"] == result.parameters.vector).all()
    assert [*first["loss"], *second["loss"]] == result.history.loss
    assert [*first["epoch"], *second["epoch"]] == list(range(1, 41))
    assert len(first["path"]) == 5
    assert (first["path"][0] == dr.initialize(network, 3).vector).all()
    assert (first["path"][-1] == second["path"][0]).all()
    assert (second["path"][-1] == second["vector"]).all()
    assert second["begun"] == first["objective"]
    assert second["objective"] == dr.objective(
        network, result.parameters, X, D, penalty=plan.penalty
    )


@pytest.mark.parametrize("row", PLANS, ids=lambda row: f"{row[0]}-{row[1]}")
def test_runs_of_which_only_the_end_is_asked_for_are_those_of_train_many(row):
    network = dr.Network(units=(4, 7, 2), activations=("tanh", "logistic"))
    train = rows(30, 4, 2)
    plans = [replace(plan_of(row), key=seed) for seed in range(5)]
    answers = opened(network, plans[0], train)
    runs = [run(plan, train, seed) for seed, plan in enumerate(plans)]
    halves = asked(answers, "runs", runs=runs, epochs=20, keep=2)["runs"]
    runs = [
        run(plan, train, seed, **{"from": half["state"]})
        for seed, (plan, half) in enumerate(zip(plans, halves, strict=True))
    ]
    ends = asked(answers, "runs", runs=runs, epochs=20, keep=2)["runs"]
    X, D = train["X"].reshape(30, 4), train["D"].reshape(30, 2)
    starts = [
        dr.TrainingState(dr.initialize(network, seed), np.zeros((0, network.size)), horizon=40)
        for seed in range(5)
    ]
    together = dr.train_many(network, starts, X, D, plans)
    for seed, (end, plan, result) in enumerate(zip(ends, plans, together, strict=True)):
        assert (end["vector"] == result.parameters.vector).all()
        alone = whole(network, plan, train, seed).parameters.vector
        np.testing.assert_allclose(end["vector"], alone, rtol=1e-9, atol=1e-12)


def test_runs_on_other_rows_are_not_mixed_up():
    network = dr.Network(units=(2, 2, 1), activations="logistic")
    plan = dr.TrainingPlan(max_epochs=40, patience=None)
    scaled = {**CORNERS, "X": 3 * CORNERS["X"]}
    trains = [CORNERS, scaled, CORNERS, scaled]
    answers = opened(network, plan, CORNERS)
    runs = [run(plan, train) for train in trains]
    found = asked(answers, "runs", runs=runs, epochs=40, keep=2)["runs"]
    wanted = [whole(network, plan, train, seed=3).parameters.vector for train in trains]
    for done, vector in zip(found, wanted, strict=True):
        np.testing.assert_allclose(done["vector"], vector, rtol=1e-9)


def test_a_run_begins_at_weights_that_are_given():
    network = dr.Network(units=(2, 2, 1), activations="logistic")
    plan, start = dr.TrainingPlan(), np.linspace(-1, 1, network.size)
    answers = opened(network, plan, CORNERS)
    given = run(plan, CORNERS, start=start)
    (done,) = asked(answers, "runs", runs=[given], epochs=1, keep=3)["runs"]
    assert (done["path"][0] == start).all()
    parameters = dr.initialize(network).replace(vector=start)
    assert done["begun"] == dr.objective(network, parameters, XOR, PARITY)


@pytest.mark.parametrize("keep", [2, 10])
def test_a_run_that_diverges_says_so_and_keeps_finite_numbers(keep):
    network = dr.Network(units=(2, 2, 1), activations="identity")
    plan = dr.TrainingPlan(learning_rate_init=1e4, patience=None)
    answers = opened(network, plan, CORNERS)
    runs = [run(replace(plan, key=seed), CORNERS, seed) for seed in range(4)]
    for done in asked(answers, "runs", runs=runs, epochs=400, keep=keep)["runs"]:
        assert np.isnan(done["objective"])
        assert done["epochs"] < 400
        assert done["state"]["epoch"] == done["epochs"] == len(done["loss"])
        assert np.isfinite(done["vector"]).all()


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    network = dr.Network(units=(2, 2, 1), activations="logistic")
    plan = dr.TrainingPlan(patience=None)
    answers = opened(network, plan, CORNERS)
    (done,) = asked(answers, "runs", runs=[run(plan, CORNERS)], epochs=5000, keep=2)["runs"]
    assert len(done["epoch"]) == len(done["loss"]) == CURVE_POINTS
    assert (done["epoch"][0], done["epoch"][-1]) == (1, 5000)
    assert done["epochs"] == 5000


def test_runs_do_not_move_the_training_that_is_open():
    network = dr.Network(units=(2, 2, 1), activations="logistic")
    answers = opened(network, dr.TrainingPlan(), CORNERS)
    before = asked(answers, "advance", unit="epoch", count=3)["state"]
    asked(answers, "runs", runs=[run(dr.TrainingPlan(), CORNERS)] * 3, epochs=10, keep=2)
    asked(answers, "runs", runs=[run(dr.TrainingPlan(), CORNERS)] * 3, epochs=10, keep=4)
    after = answers.moved()["state"]
    assert after["epoch"] == 3
    assert (after["vector"] == before["vector"]).all()


def normalized() -> dr.Network:
    return dr.Network(
        layers=[
            dr.Dense(2, 3, bias=False),
            dr.layers.BatchNormalization(3, 3, "relu"),
            dr.Dense(3, 1),
        ]
    )


def test_other_parameters_are_looked_at_and_taken_with_their_statistics():
    network = normalized()
    plan = dr.TrainingPlan(batch_size=4, patience=None)
    answers = opened(network, plan, CORNERS)
    given = [run(plan, CORNERS, seed) for seed in (1, 2)]
    runs = asked(answers, "runs", runs=given, epochs=30, keep=3)["runs"]
    state = runs[1]["state"]
    parameters = {"vector": state["vector"], "buffers": state["buffers"]}
    wanted = dr.forward(network, dr.Parameters(network, *parameters.values()), XOR).prediction
    seen = asked(answers, "look", X=XOR.ravel(), layers=False, parameters=parameters)
    assert (seen["outputs"] == wanted).all()
    own = asked(answers, "look", X=XOR.ravel(), layers=False, parameters=None)
    assert not (own["outputs"] == wanted).all()
    asked(answers, "set", **parameters)
    now = asked(answers, "look", X=XOR.ravel(), layers=False)
    assert (now["outputs"] == wanted).all()


SMALL = dr.Network(units=(2, 2, 1), activations="logistic")

# the ask, what it is given besides, and what is said
REFUSED = [
    (
        "runs",
        {"runs": [], "epochs": 1, "keep": 2},
        (
            "runs.runs must be a list of 1 to 200 records (got []). "
            "Reload the page if you did not write it."
        ),
    ),
    (
        "runs",
        {"runs": [run(dr.TrainingPlan(), CORNERS)], "epochs": 0, "keep": 2},
        (
            "runs.epochs must be a whole number from 1 to 1000000 (got 0). "
            "Reload the page if you did not write it."
        ),
    ),
    (
        "runs",
        {"runs": [run(dr.TrainingPlan(), CORNERS, start=np.ones(2))], "epochs": 1, "keep": 2},
        (
            "runs.runs[0].start must be an array of 9 numbers (got 2). "
            "Reload the page if you did not write it."
        ),
    ),
    (
        "runs",
        {"runs": [run(dr.TrainingPlan(), CORNERS, **{"from": 7})], "epochs": 1, "keep": 2},
        "runs.runs[0].from must be a record (got 7). Reload the page if you did not write it.",
    ),
    (
        "look",
        {"X": XOR.ravel(), "layers": False, "parameters": {"vector": np.ones(9)}},
        (
            "look.parameters.buffers must be there (got 'nothing'). "
            "Reload the page if you did not write it."
        ),
    ),
    (
        "set",
        {"vector": np.ones(9), "buffers": np.ones(1)},
        (
            "set.buffers must be an array of 0 numbers (got 1). "
            "Reload the page if you did not write it."
        ),
    ),
]


@pytest.mark.parametrize(("ask", "given", "said"), REFUSED)
def test_what_does_not_fit_is_refused(ask, given, said):
    answers = opened(SMALL, dr.TrainingPlan(), CORNERS)
    with pytest.raises(InvalidParameterError) as caught:
        asked(answers, ask, **given)
    assert str(caught.value) == said
