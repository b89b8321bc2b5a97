"""The functional face: what does not fit is said in our own words, on no engine in particular."""

import numpy as np
import pytest

import deltarule as dr


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda network, start: dr.run_steps(
                network, start, [[1.0]], [[1.0]], order=[0], learning_rate=lambda t: None
            ),
            "learning_rate(0) must be a number (got None). Give a positive step size.",
        ),
        (
            lambda network, start: dr.forward(dr.Network((2, 1)), start, [[1.0, 2.0]]),
            (
                "parameters must be those of the network, 3 numbers for units (2, 1) (got 2 "
                "numbers for units (1, 1)). Make them with initialize(network)."
            ),
        ),
        (
            lambda network, start: dr.train(network, start, [[1.0]], [[1.0]], None),
            "plan must be a TrainingPlan (got None). Make one: TrainingPlan(max_epochs=100).",
        ),
        (
            lambda network, start: dr.initialize(network, seed="a"),
            "seed must be an integer from 0 to 2**64 - 1 (got 'a'). Choose any of them.",
        ),
    ],
)
def test_what_does_not_fit_is_said_in_our_words(call, message):
    network = dr.Network((1, 1))
    with pytest.raises(dr.exceptions.DeltaruleError) as caught:
        call(network, dr.initialize(network))
    assert str(caught.value) == message


def test_a_penalty_by_name():
    network = dr.Network((1, 1), "identity", bias=False)
    start = dr.initialize(network).replace(vector=np.array([2.0]))
    by_name = dr.objective(network, start, [[1.0]], [[5.0]], penalty="l2")
    assert by_name == dr.objective(network, start, [[1.0]], [[5.0]], penalty=dr.L2())
