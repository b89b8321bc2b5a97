"""What a page paints and writes of a network: against the whole forward pass at once."""

from __future__ import annotations

import numpy as np
import pytest
from playground_asks import opening, rows

import deltarule as dr
from deltarule import backprop
from deltarule.exceptions import InvalidParameterError
from deltarule.layers import Dense, LayerNormalization
from deltarule.playground import maps
from deltarule.playground.answers import Answers

# hidden activation, output activation, loss: bounded and not
NETWORKS = [
    ("logistic", "logistic", "squared_error"),
    ("tanh", "identity", "squared_error"),
    ("relu", "softmax", "log_loss"),
    ("sign", "exp", "poisson"),
]


def drawn(hidden: str, output: str, loss: str) -> tuple[dr.Network, dr.Parameters, np.ndarray]:
    network = dr.Network(units=(3, 70, 5, 2), activations=(hidden, hidden, output), loss=loss)
    X = np.random.default_rng(1).normal(size=(5000, 3))
    return network, dr.initialize(network, 7), X


@pytest.mark.parametrize("kinds", NETWORKS, ids="-".join)
def test_bytes_stand_for_the_outputs_of_every_unit(kinds):
    network, parameters, X = drawn(*kinds)
    painted = maps.Painter().paint(parameters, X)
    outputs = np.concatenate(backprop.forward(network, parameters, X).outputs[1:], axis=1)
    levels = painted.levels.reshape(-1, len(X)).T
    shown = painted.low + levels / 255 * (painted.high - painted.low)
    # Half a level, and what float32 rounds; at a kink of sign the two may differ.
    near = np.abs(shown - outputs) <= (painted.high - painted.low) * (0.5 / 255 + 1e-5)
    assert near.mean() > 0.9999


@pytest.mark.parametrize("kinds", NETWORKS, ids="-".join)
def test_the_last_layer_can_be_painted_alone(kinds):
    _, parameters, X = drawn(*kinds)
    whole, last = (
        maps.Painter().paint(parameters, X),
        maps.Painter().paint(parameters, X, layers=False),
    )
    assert (last.levels == whole.levels.reshape(-1, len(X))[-2:].ravel()).all()
    assert (last.high == whole.high[-2:]).all()


def test_one_painter_goes_from_network_to_network():
    painter, X = maps.Painter(), np.random.default_rng(2).normal(size=(40, 3))
    plain = dr.Network(units=(3, 4, 2))
    normalized = dr.Network(
        layers=[
            Dense(3, 4, "identity", False),
            LayerNormalization(4, 4, "tanh"),
            Dense(4, 2, "logistic"),
        ]
    )
    for network in (plain, normalized, dr.Network(units=(3, 9, 2)), plain):
        parameters = dr.initialize(network, 5)
        painted = painter.paint(parameters, X)
        outputs = np.concatenate(backprop.forward(network, parameters, X).outputs[1:], axis=1)
        shown = painted.low + painted.levels.reshape(-1, len(X)).T / 255 * (
            painted.high - painted.low
        )
        np.testing.assert_allclose(shown, outputs, atol=np.max(painted.high) / 200)


@pytest.mark.parametrize("size", [1e30, 1e300, np.inf, np.nan], ids=str)
def test_numbers_that_ran_away_are_painted_all_the_same(size):
    network, parameters, X = drawn("identity", "identity", "squared_error")
    parameters = parameters.replace(vector=np.full(network.size, size))
    painted = maps.Painter().paint(parameters, X)
    assert painted.levels.dtype == np.uint8
    assert np.isfinite(painted.high).all()


@pytest.mark.parametrize("kinds", NETWORKS, ids="-".join)
def test_ranges_are_of_all_rows(kinds):
    network, parameters, X = drawn(*kinds)
    found, met = maps.ranges(parameters, X), backprop.forward(network, parameters, X)
    z, a = (np.concatenate(each, axis=1) for each in (met.pre_activations, met.outputs[1:]))
    for got, wanted in zip(
        (found.z_low, found.z_high, found.low, found.high),
        (z.min(axis=0), z.max(axis=0), a.min(axis=0), a.max(axis=0)),
        strict=True,
    ):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12)


def test_rows_are_judged_by_the_loss():
    network, parameters, X = drawn("tanh", "softmax", "log_loss")
    D = np.eye(2)[np.arange(len(X)) % 2]
    outputs, loss = maps.judge(parameters, X, D)
    met = backprop.forward(network, parameters, X)
    np.testing.assert_allclose(outputs, met.prediction, rtol=1e-12)
    np.testing.assert_allclose(loss, backprop.losses(network, met, D), rtol=1e-12)


def asked(answers: Answers, name: str, **given):
    return answers.answer({"ask": name, "given": given}, lambda done: None)


def opened(schedule: str = "constant", held: bool = False) -> Answers:
    answers = Answers()
    network = dr.Network(units=(4, 3, 2))
    plan = dr.TrainingPlan(schedule=schedule, max_epochs=100)
    other = rows(5, 4, 2, seed=1) if held else None
    asked(answers, "open", **opening(network, plan, rows(20, 4, 2), held=other))
    return answers


def test_a_page_asks_for_what_it_writes():
    answers = opened(held=True)
    assert len(asked(answers, "ranges")["z_low"]) == 5
    assert len(asked(answers, "judge", held=False)["loss"]) == 20
    assert len(asked(answers, "judge", held=True)["loss"]) == 5
    X = np.zeros(4 * 6)
    assert len(asked(answers, "watch", X=X, layers=True)["maps"]["levels"]) == 5 * 6
    assert len(asked(answers, "watch", X=X, layers=False)["maps"]["levels"]) == 2 * 6
    assert len(asked(answers, "advance", unit="step", count=1)["maps"]["levels"]) == 2 * 6


def test_rows_that_are_not_there_cannot_be_judged():
    with pytest.raises(InvalidParameterError) as caught:
        asked(opened(), "judge", held=True)
    assert str(caught.value) == (
        "There are no rows held out. Hold a share of them out, or ask for the others."
    )


# schedule, its factor at the first, a middle and the last epoch
FACTORS = [
    ("constant", (1.0, 1.0, 1.0)),
    ("step", (1.0, 0.5**5, 0.5**9)),
    ("cosine", (1.0, 0.5, 0.5 * (1 + np.cos(0.99 * np.pi)))),
]


@pytest.mark.parametrize(("schedule", "wanted"), FACTORS)
def test_the_factors_of_a_schedule(schedule, wanted):
    found = asked(opened(schedule), "factors", points=100)
    assert found["epoch"].tolist() == list(range(100))
    assert found["factor"][[0, 50, 99]] == pytest.approx(wanted)
