"""Backpropagation against differences in every coordinate, and against a transcription.

The error is |analytic − numeric| / max(‖gradient‖_∞, |objective|): at most 1e-7 by central
differences, at most 1e-12 by complex step where the functions are analytic. Networks whose
differences cross a kink are drawn anew, and the coordinates that crossed are counted. Sign has a
rule in place of a derivative and is compared with a transcription of that rule.
"""

from collections import Counter

import numpy as np
import pytest
from conformance import checks
from conformance.networks import MAX_DEPTH, NAMES, PAIRS, random_case

FEW, MANY = len(PAIRS), 3000


def survey(indices, record_property) -> Counter:
    """Check the networks and tell what they held."""
    seen, crossed, coordinates, smooth = Counter(), 0, 0, 0
    for index in indices:
        case, again = checks.redrawn(index)
        crossed += again
        coordinates += case.network.size
        smooth += case.smooth
        seen.update(case.network.activations[k].name for k in range(len(case.network.layers)))
        seen.update([case.network.loss.name, f"depth {len(case.network.layers) - 1}"])
    told = f"{len(indices)} networks, {coordinates} coordinates, {crossed} redrawn, {smooth} smooth"
    record_property("gradients", told)
    print(told)
    assert crossed <= 0.05 * coordinates, f"too much is drawn anew: {told}"
    assert smooth >= 0.1 * len(indices), f"too little is smooth: {told}"
    return seen


def test_every_pair_of_loss_and_output_once(record_property):
    seen = survey(range(FEW), record_property)
    expected = {*NAMES, *(loss for loss, _ in PAIRS), *(f"depth {k}" for k in range(MAX_DEPTH + 1))}
    assert set(seen) == expected


@pytest.mark.long
@pytest.mark.parametrize("start", range(FEW, FEW + MANY, 120))
def test_three_thousand_networks(start, record_property):
    survey(range(start, start + 120), record_property)


@pytest.mark.parametrize("part", range(4))
def test_sign_follows_its_rule(part):
    cases = [random_case(index, sign=True) for index in range(part, FEW, 4)]
    assert sum(case.by_rule for case in cases) >= len(cases) // 2
    for case in cases:
        checks.objective_matches_oracle(case)


@pytest.mark.long
def test_a_thousand_transcriptions():
    for index in range(FEW, FEW + 1000):
        checks.objective_matches_oracle(random_case(index, sign=True))


def test_a_crossed_kink_is_seen():
    # z = 0 exactly at the middle of the difference: no two-sided derivative exists.
    import deltarule as dr

    network = dr.Network((1, 1), "relu", "squared_error", bias=False)
    parameters = dr.initialize(network).replace(vector=np.array([0.0]))
    report = dr.check_gradients(network, parameters, [[1.0]], [[1.0]])
    assert report.crossed.tolist() == [True]


def test_sixty_pairs_are_allowed():
    # 4 losses for any of 13 outputs, poisson 4, log_loss 2, perceptron 2
    assert len(PAIRS) == 4 * 13 + 4 + 2 + 2
