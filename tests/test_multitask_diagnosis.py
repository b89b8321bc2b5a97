"""`diagnose` of a `MultiTaskMLP`: what ails a head is said of that head."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

import deltarule as dr
from deltarule import backprop, measures
from deltarule.losses import Quantile

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 4))
FEATURES = np.tanh(X @ RNG.normal(size=(4, 2)))
SETTINGS: dict[str, Any] = {
    "hidden_layer_sizes": (16,),
    "learning_rate_init": 0.02,
    "random_state": 0,
    "max_iter": 2000,
}


def targets() -> pd.DataFrame:
    """A price, a kind and a name, all to be learned; of some rows one or all are not known."""
    y = pd.DataFrame({"price": 1000 + 200 * FEATURES[:, 0]})
    y["kind"] = np.array(["a", "b", "c"], dtype=object)[np.digitize(FEATURES[:, 1], [-0.4, 0.4])]
    y["up"] = FEATURES.sum(axis=1) > 0
    y = y.astype({"up": object})
    y.iloc[::5, 0], y.iloc[1::7, 1], y.iloc[2::9, 2] = np.nan, None, None
    y.iloc[:3] = None
    return y.infer_objects()


Y = targets()


def fitted(y: Any = Y, rows: Any = X, **options: Any) -> Any:
    return dr.MultiTaskMLP(**{**SETTINGS, **options}).fit(rows, y)


def places(diagnosis: Any) -> set[tuple[str, Any]]:
    return {(finding.code, finding.head) for finding in diagnosis.findings}


def test_a_good_fit_is_healthy_and_stays_as_it_is() -> None:
    model = fitted()
    before = pickle.dumps(model)
    found = dr.diagnose(model, X, Y)
    assert found.healthy, str(found)
    assert pickle.dumps(model) == before
    assert found.heading == "MultiTaskMLP 4-16-5 on 396 rows: nothing found"
    looked = {(entry.code, entry.head) for entry in found.fine}
    assert {("underfit", name) for name in Y} < looked
    assert ("unscaled_targets", "price") in looked
    assert str(dr.diagnose(model, X, Y)) == str(found)
    assert str(dr.diagnose(model, sparse.csr_array(X), Y)).count("fine") == 1


def test_a_head_that_learns_nothing_is_named() -> None:
    y = Y.assign(noise=RNG.normal(size=400))
    found = dr.diagnose(fitted(y, alpha=1.0), X, y)
    assert places(found) == {("underfit", "noise")}
    finding = found.findings[0]
    assert finding.where == "head noise"
    assert finding.remedy.startswith("Raise its weight in heads (it is 1 now), give more rows")
    assert "underfit, head noise" in str(found)
    record = json.loads(found.to_json())
    assert record["findings"][0]["head"] == "noise"
    assert "<td>head noise</td>" in found.to_html()


def test_a_head_of_weight_0_is_not_judged() -> None:
    y = Y.assign(noise=RNG.normal(size=400))
    found = dr.diagnose(fitted(y, heads={"noise": dr.Task(weight=0.0)}), X, y)
    assert ("underfit", "noise") not in places(found)


def test_targets_that_are_not_scaled_are_those_of_their_head() -> None:
    found = dr.diagnose(fitted(standardize="inputs"), X, Y)
    assert ("unscaled_targets", "price") in places(found)
    assert {head for code, head in places(found) if code == "unscaled_targets"} == {"price"}
    assert ("underfit", "kind") not in places(found)


def test_a_head_that_knows_its_rows_by_heart_is_named() -> None:
    y = Y.assign(noise=RNG.normal(size=400))
    model = fitted(y[:80], X[:80], solver="lbfgs", alpha=0.0, hidden_layer_sizes=(60,))
    found = dr.diagnose(model, X[80:], y[80:])
    assert {("overfit", None), ("overfit", "noise")} <= places(found)
    assert ("overfit", "price") not in places(found)
    assert not any(code == "underfit" and head for code, head in places(found))  # no such rows


def test_a_rare_class_that_is_given_away_is_named() -> None:
    rng = np.random.default_rng(1)
    y = Y.assign(rare=(X[:, 0] + 2 * rng.normal(size=400) > 4.2).astype(int))
    found = dr.diagnose(fitted(y, hidden_layer_sizes=(), alpha=1.0), X, y)
    finding = next(f for f in found.findings if f.code == "class_imbalance")
    assert (finding.head, finding.columns) == ("rare", ("1",))
    assert finding.where == "head rare, column 1"
    assert finding.remedy == (
        "Weigh the rare classes more: set class_weight='balanced' in the head's dr.Task."
    )
    heads = {"rare": dr.Task(class_weight="balanced")}
    again = dr.diagnose(fitted(y, hidden_layer_sizes=(), alpha=1.0, heads=heads), X, y)
    assert "class_imbalance" not in again.codes


def test_rows_with_holes_in_their_inputs_are_counted_and_left_out() -> None:
    rows = X.copy()
    rows[5:9, 1] = np.nan
    found = dr.diagnose(fitted(), rows, Y)
    assert places(found) == {("non_finite_rows", None)}


def test_a_head_behind_exp_or_with_a_kink_and_a_flat_output() -> None:
    y = Y.assign(count=np.floor(np.exp(FEATURES[:, 0])), level=FEATURES[:, 1])
    heads = {
        "count": dr.Task("regression", "poisson"),
        "level": dr.Task(loss=Quantile(0.9)),
        "up": dr.Task(loss="squared_error"),
    }
    found = dr.diagnose(fitted(y, heads=heads), X, y)
    assert "the slope of the loss 'quantile' jumps" in found.left_out["local_minimum"]
    assert any(entry.code == "saturated_outputs" and entry.head == "up" for entry in found.fine)
    reasons = {entry.head for entry in found.fine if entry.code == "unscaled_targets"}
    assert reasons == {"price", "level"}


def test_losses_of_heads_are_those_of_all_rows_together() -> None:
    heads = {"kind": dr.Task(weight=2.0, class_weight={"a": 3.0})}
    model = fitted(heads=heads, max_iter=3)
    known = Y.notna().any(axis=1).to_numpy()
    network, parameters = model._network, model._current(model._network)
    D = model._target(Y[known], np.float64)
    passed = backprop.forward(network, parameters, model._inputs(X[known], np.float64))
    parts = [backprop.head_losses(network, head, passed, D) for head in network.heads]
    np.testing.assert_allclose(np.sum(parts, axis=0), backprop.losses(network, passed, D))
    naive = [measures.head_naive_loss(network, head, D) for head in network.heads]
    assert measures.naive_loss(network, D) == pytest.approx(sum(naive))
    kinds = Y["kind"][known].dropna()
    weight = kinds.map({"a": 3.0, "b": 1.0, "c": 1.0})
    shares = weight.groupby(kinds).sum() / weight.sum()
    wanted = -(weight * np.log(kinds.map(shares).astype(float))).sum() * 2 / known.sum()
    assert naive[1] == pytest.approx(wanted)


def test_a_file_keeps_what_a_diagnosis_needs(tmp_path: Any) -> None:
    model = fitted(max_iter=20)
    dr.save(model, tmp_path / "m.safetensors")
    assert str(dr.diagnose(dr.load(tmp_path / "m.safetensors"), X, Y)) == str(
        dr.diagnose(model, X, Y)
    )
