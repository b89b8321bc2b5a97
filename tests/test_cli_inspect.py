"""What ``deltarule inspect`` shows of a network's layers, heads, scaling and training."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

import deltarule as dr
from deltarule.cli import main

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def inspected(capsys, path):
    """The lines of the command."""
    assert main(["inspect", str(path)]) == 0
    return capsys.readouterr().out.splitlines()


def test_inspect_shows_what_the_network_is_made_of_and_trained_by(capsys, tmp_path):
    X, y = load_iris(return_X_y=True)
    model = dr.MLPClassifier((6, 4), activation=[dr.activations.LeakyReLU(0.2), "tanh"])
    model.set_params(solver=dr.Adam(clip_norm=1.0, average=0.99), dropout=[0.2, 0])
    model.set_params(learning_rate=dr.Cosine(warmup=0.1), normalization="batch", alpha=dr.L1(0.1))
    model.set_params(calibrate=True, standardize="inputs", max_iter=3, random_state=0)
    dr.save(model.fit(X, y, X_val=X, y_val=y), tmp_path / "m")
    assert inspected(capsys, tmp_path / "m")[1:-1] == [
        "network     4-6-4-3, 83 parameters, float64",
        "  layer 0   dense 4 → 6, identity, 24 parameters",
        "  layer 1   batch_normalization 6 → 6, leaky_relu (slope 0.2), 12 parameters",
        "  layer 2   dropout 6 → 6, rate 0.2",
        "  layer 3   dense 6 → 4, identity, 24 parameters",
        "  layer 4   batch_normalization 4 → 4, tanh, 8 parameters",
        "  layer 5   dense 4 → 3, softmax, 15 parameters",
        "loss        log_loss",
        "classes     3: 0, 1, 2",
        f"calibrated  at temperature {model.temperature_:.4g}",
        "scaled      inputs, column by column",
        "solver      adam (beta_1 0.9, beta_2 0.999, epsilon 1e-08, clip_norm 1, average 0.99)",
        "step size   0.001, cosine (warmup 0.1, end 0); batch size auto",
        "penalty     l1 (strength 0.1)",
        f"trained     3 epochs on the {model.engine_} engine, max epochs",
    ]


def test_inspect_shows_quantiles_and_heads(capsys, tmp_path):
    X, y = load_iris(return_X_y=True)
    levels = dr.losses.Quantile((0.05, 0.5, 0.95))
    model = dr.MLPRegressor(levels, (6,), standardize="both", solver="lbfgs", max_iter=2)
    dr.save(model.fit(X, X[:, 0]), tmp_path / "m")
    lines = inspected(capsys, tmp_path / "m")
    assert "loss        quantile (quantile 0.05 0.5 0.95)" in lines
    assert "scaled      inputs and target, column by column" in lines
    assert lines[lines.index("solver      lbfgs") + 1] == "penalty     alpha 0.0001"
    heads = {"size": dr.Task("regression", loss=dr.losses.Huber(2.0), weight=2.0)}
    heads["kind"] = dr.Task("multiclass")
    target = {"size": X[:, 0], "kind": np.array(["a", "b", "c"])[y]}
    model = dr.MultiTaskMLP(hidden_layer_sizes=(6,), heads=heads, max_iter=2, random_state=0)
    dr.save(model.fit(X, pd.DataFrame(target)), tmp_path / "m")
    lines = inspected(capsys, tmp_path / "m")
    at = lines.index("heads   outputs  what it learns")
    assert lines[at + 1 : at + 3] == [
        "  size  0        regression, huber (delta 2), identity, weight 2",
        "  kind  1 to 3   multiclass, log_loss, softmax, 3 classes: a, b, c",
    ]


def test_inspect_shows_what_heads_of_classes_have(capsys, tmp_path):
    X, y = load_iris(return_X_y=True)
    heads = {"kind": dr.Task(class_weight={"a": 1, "b": 2.5, "c": 0})}
    target = pd.DataFrame({"size": X[:, 0], "kind": np.array(["a", "b", "c"])[y]})
    model = dr.MultiTaskMLP(heads, (6,), max_iter=9, calibrate=True, early_stopping=True)
    dr.save(model.set_params(random_state=0).fit(X, target), tmp_path / "m")
    lines = inspected(capsys, tmp_path / "m")
    at = lines.index("heads   outputs  what it learns")
    heat = model.temperature_["kind"]
    assert lines[at + 1] == "  size  0        regression, squared_error, identity"
    assert lines[at + 2] == (
        "  kind  1 to 3   multiclass, log_loss, softmax, 3 classes: a, b, c, "
        f"class weights 1, 2.5, 0, temperature {heat:.4g}"
    )
