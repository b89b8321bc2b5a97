"""Controls that must fail: bugs planted in backpropagation, each caught by a check of the suite.

A bug is a few lines that replace one function of the reference; the check named beside it is the
one that the suite itself runs, and it must raise AssertionError with the bug and pass without it.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from conformance import checks

from deltarule import backprop, penalties
from deltarule.engines import reference
from deltarule.optimizers import SGD, Adam, Momentum
from deltarule.random import order


class Bug(NamedTuple):
    plant: Callable[[pytest.MonkeyPatch], None]
    caught_by: Callable[[], None]


BUGS: dict[str, Bug] = {}


def bug(caught_by, module, name):
    """Plant the decorated function, made from the right one, under a name."""

    def enter(make):
        def plant(patch):
            patch.setattr(module, name, make(getattr(module, name)))

        BUGS[make.__name__] = Bug(plant, caught_by)
        return make

    return enter


# ------------------------------------------------------------------ deltas


@bug(checks.steps_match_notes, reference.ReferenceSession, "_step")
def new_v_in_hidden_delta(right):
    """The output layer is updated before the hidden deltas are computed: the notes warn of it."""

    def step(self, work, rows, rate, number):
        network, old = self._network, self._parameters
        X, D, weight = self._bound
        X, D, weight = X[rows], D[rows], None if weight is None else weight[rows]
        passed = backprop.forward(network, old, X)
        loss = backprop.losses(network, passed, D)
        part = slice(network.layout[-2].start, network.size)
        early = old.vector.copy()
        slope = backprop.gradient_sum(network, old, passed, D, weight)
        early[part] -= rate * slope[part] / len(rows)
        slope[: part.start] = backprop.gradient_sum(
            network, old.replace(vector=early), passed, D, weight
        )[: part.start]
        self._parameters = old.replace(vector=old.vector - rate * slope / len(rows))
        return float((loss if weight is None else loss * weight).sum())

    return step


@bug(checks.differences_hold, backprop, "hidden_delta")
def no_slope_in_hidden_delta(right):
    return lambda activation, z, a, upstream: upstream  # h (1 − h) forgotten


@bug(checks.differences_hold, backprop, "hidden_delta")
def slope_taken_at_z_instead_of_a(right):
    return lambda activation, z, a, upstream: activation.pullback(z, z, upstream)


@bug(checks.differences_hold, backprop, "output_delta")
def no_slope_in_output_delta(right):
    return lambda loss, activation, z, prediction, target: (
        loss.derivative(z, target) if loss.of_pre_activation else prediction - target
    )


@bug(checks.differences_hold, backprop, "output_delta")
def derivative_in_place_of_the_softmax_jacobian(right):
    def output_delta(loss, activation, z, prediction, target):
        if activation.name != "softmax" or loss.name == "log_loss":
            return right(loss, activation, z, prediction, target)
        return loss.derivative(prediction, target) * activation.derivative(z, prediction)

    return output_delta


@bug(checks.oracle_holds, backprop, "CANONICAL_PAIRS")
def canonical_delta_for_a_pair_that_is_not_canonical(right):
    terms = right["squared_error", "identity"]
    return {**right, ("squared_error", "tanh"): lambda z, d: terms(np.tanh(z), d)}


@bug(checks.extreme_inputs_are_stable, backprop, "CANONICAL_PAIRS")
def loss_of_a_canonical_pair_from_the_prediction(right):
    # What is computed from d̂ instead of z: log(1 − 1) where the network is sure and wrong.
    def from_prediction(z, d):
        p = np.clip(1 / (1 + np.exp(-z)), 1e-15, 1 - 1e-15)
        return -d * np.log(p) - (1 - d) * np.log(1 - p)

    return {**right, ("log_loss", "logistic"): from_prediction}


@bug(checks.differences_hold, backprop, "_delta_below")
def delta_of_the_wrong_layer(right):
    def below(network, passed, index, upstream):
        z, output = passed.pre_activations[index], passed.outputs[index + 1]
        other = network.layers[min(index + 1, len(network.layers) - 1)]  # its activation, not ours
        return backprop.layer_delta(other, z, output, upstream)

    return below


@bug(checks.differences_hold, backprop, "send_back")
def transposed_weight_when_sent_back(right):
    def send_back(weight, delta):
        turned = weight.T if weight.shape[0] == weight.shape[1] else weight
        return delta @ turned

    return send_back


@bug(checks.differences_hold, backprop, "send_back")
def sign_lost_when_sent_back(right):
    return lambda weight, delta: -right(weight, delta)


# ------------------------------------------------------------------ gradients


@bug(checks.differences_hold, backprop, "weight_gradient")
def output_of_the_wrong_sample(right):
    return lambda delta, a: right(delta, np.roll(a, 1, axis=0))


@bug(checks.differences_hold, backprop, "bias_gradient")
def bias_is_never_updated(right):
    return lambda delta: np.zeros(delta.shape[1])


@bug(checks.differences_hold, backprop, "bias_gradient")
def bias_gradient_is_a_mean(right):
    return lambda delta: delta.mean(axis=0)


@bug(checks.oracle_holds, backprop, "activate")
def half_a_pre_activation(right):
    # Wrong forward and backward alike: differences agree with it, the transcription does not.
    return lambda activation, z: right(activation, 0.5 * z)


# ------------------------------------------------------------------ weights, penalty, batch


@bug(checks.differences_hold, backprop, "gradient_sum")
def sample_weight_forgotten(right):
    return lambda network, parameters, passed, D, w: right(network, parameters, passed, D, None)


@bug(checks.oracle_holds, backprop, "total_weight")
def mean_over_rows_instead_of_weights(right):
    return lambda sample_weight, rows: float(rows)


@bug(checks.mean_of_batches_is_gradient, backprop, "step_gradient")
def batch_divided_by_its_weights(right):
    def step_gradient(network, parameters, passed, D, w, scale, penalty, n):
        return right(network, parameters, passed, D, w, len(D) / w.sum(), penalty, n)

    return step_gradient


@bug(checks.batch_step_is_equation_9, backprop, "step_gradient")
def ragged_batch_divided_by_the_full_size(right):
    def step_gradient(network, parameters, passed, D, w, scale, penalty, n):
        return right(network, parameters, passed, D, w, scale * len(D) / 5, penalty, n)

    return step_gradient


@bug(checks.differences_hold, backprop, "penalty_gradient")
def penalty_forgotten(right):
    return lambda network, vector, penalty: np.zeros_like(vector)


@bug(checks.batch_step_is_equation_9, backprop, "penalty_gradient")
def penalty_on_biases(right):
    def penalty_gradient(network, vector, penalty):
        return np.zeros_like(vector) if penalty is None else penalty.gradient(vector)

    return penalty_gradient


@bug(checks.differences_hold, penalties.Penalty, "gradient")
def penalty_without_its_half(right):
    return lambda self, weights: self.l1 * np.sign(weights) + 2 * self.l2 * weights


@bug(checks.batch_step_is_equation_9, reference, "L1L2")
def strengths_swapped(right):
    return lambda l1, l2: right(l2, l1)


# ------------------------------------------------------------------ optimisers and the loop


@bug(checks.adam_matches_hand, Adam, "update")
def adam_without_bias_correction(right):
    def update(self, vector, gradient, moments, rate, step, decay_mask=None):
        return right(self, vector, gradient, moments, rate, 10**6, decay_mask)

    return update


@bug(checks.adam_matches_hand, Adam, "update")
def adam_counts_its_steps_from_one_too_many(right):
    def update(self, vector, gradient, moments, rate, step, decay_mask=None):
        return right(self, vector, gradient, moments, rate, step + 1, decay_mask)

    return update


@bug(checks.momentum_matches_hand, Momentum, "update")
def velocity_is_not_kept(right):
    def update(self, vector, gradient, moments, rate, step, decay_mask=None):
        moved, _ = right(self, vector, gradient, moments, rate, step, decay_mask)
        return moved, np.zeros_like(moments)

    return update


@bug(checks.steps_match_notes, SGD, "update")
def ascent_instead_of_descent(right):
    def update(self, vector, gradient, moments, rate, step, decay_mask=None):
        return right(self, vector, -gradient, moments, rate, step, decay_mask)

    return update


@bug(checks.order_is_followed, reference.ReferenceSession, "_rows")
def order_ignored(right):
    return lambda self, source, epoch: np.arange(len(self._bound[1]))


@bug(checks.rule_is_drawn_anew_each_epoch, reference, "order")
def same_order_in_every_epoch(right):
    return lambda kind, key, epoch, n: order(kind, key, 0, n)


@bug(checks.losses_are_met_before_updates, reference.ReferenceSession, "_step")
def loss_after_the_update(right):
    def step(self, work, rows, rate, number):
        right(self, work, rows, rate, number)
        passed = backprop.forward(self._network, self._parameters, self._bound[0][rows])
        f = backprop.losses(self._network, passed, self._bound[1][rows])
        return float((f * self._bound[2][rows]).sum())

    return step


# ------------------------------------------------------------------ the test itself


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught(name, monkeypatch):
    planted = BUGS[name]
    planted.caught_by()
    planted.plant(monkeypatch)
    with pytest.raises(AssertionError):
        planted.caught_by()


def test_there_are_enough_bugs():
    assert len(BUGS) >= 20
    assert len({planted.caught_by for planted in BUGS.values()}) >= 8
