"""Traces through normalised layers and dropout tell enough for every number to be written out."""

from __future__ import annotations

import numpy as np
import pytest
from playground_asks import lab_of, rows

import deltarule as dr
from deltarule.layers import BatchNormalization, Dropout, LayerNormalization


def network_of(kind: str) -> dr.Network:
    between = {
        "batch": [BatchNormalization(5, 5, "tanh")],
        "layer": [LayerNormalization(5, 5, "tanh")],
        "dropout": [Dropout(5, 5, 0.4)],
        "both": [LayerNormalization(5, 5, "relu"), Dropout(5, 5, 0.4)],
    }[kind]
    hidden = "tanh" if kind == "dropout" else "identity"
    return dr.Network(
        layers=[dr.Dense(3, 5, hidden), *between, dr.Dense(5, 2, "logistic")],
        loss="squared_error",
    )


KINDS = ("batch", "layer", "dropout", "both")
BATCHES = {"batch": 4, "layer": 1, "dropout": 1, "both": 2}


@pytest.fixture(params=KINDS)
def lab(request):
    network = network_of(request.param)
    plan = dr.TrainingPlan(
        learning_rate_init=0.3, batch_size=BATCHES[request.param], sampling="shuffle", key=7
    )
    found = lab_of(network, plan, rows(12, 3, 2))
    found.advance_epochs(3)
    return found


def test_each_number_follows_from_those_of_the_trace(lab):
    """Equations (10) and (11), forward and back, by hand."""
    for _ in range(6):
        traced = lab.trace(None, None, numeric=False)
        parameters = lab.parameters
        for index, layer in enumerate(lab.network.layers):
            met, below = traced.inner[index], traced.a[index - 1] if index else traced.x
            if isinstance(layer, dr.Dense):
                assert met is None
                continue
            delta, values = traced.delta[index], parameters.values(index)
            if isinstance(layer, Dropout):
                assert set(met["factor"]) <= {0.0, layer.scale}
                z, upstream = below * met["factor"], delta * met["factor"]
            else:
                spread = np.sqrt(met["variance"] + layer.epsilon)
                np.testing.assert_allclose(met["normalized"], (below - met["mean"]) / spread)
                z = values["gain"] * met["normalized"] + values["shift"]
                upstream = values["gain"] * delta
                if isinstance(layer, LayerNormalization):
                    assert met["sent"] == pytest.approx(upstream.mean())
                    assert met["along"] == pytest.approx((upstream * met["normalized"]).mean())
                    upstream = upstream - met["sent"] - met["normalized"] * met["along"]
                upstream = upstream / spread
            np.testing.assert_allclose(traced.z[index], z, atol=1e-14)
            if index:
                before = lab.network.layers[index - 1].activation
                z_below, a_below = traced.z[index - 1], traced.a[index - 1]
                wanted = before.pullback(z_below, a_below, upstream)
                np.testing.assert_allclose(traced.delta[index - 1], wanted, atol=1e-14)
        lab.advance_steps(1)


def test_the_gradient_is_that_of_the_step_and_agrees_with_differences(lab):
    """What dropout drops it drops in all three."""
    traced = lab.trace(None, None, numeric=True)
    judged = ~np.isnan(traced.numeric)
    assert judged.sum() > 20
    np.testing.assert_allclose(traced.numeric[judged], traced.gradient[judged], atol=1e-9)
    np.testing.assert_allclose(
        traced.after, traced.before - traced.rate * traced.gradient, atol=1e-15
    )


def test_dense_layers_have_no_more_to_tell():
    lab = lab_of(dr.Network((3, 4, 2)), dr.TrainingPlan(), rows(12, 3, 2))
    assert lab.trace(None, None, numeric=False).inner == (None, None)
