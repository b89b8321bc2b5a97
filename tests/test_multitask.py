"""`MultiTaskMLP`: what its heads become and predict, and how they train what they share."""

from __future__ import annotations

import importlib.util
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import deltarule as dr
from deltarule.engines import compiled_available
from deltarule.losses import Function, Huber, Poisson, Quantile

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS = load_iris(as_frame=True)
X = IRIS.data.iloc[:, :3]
SPECIES = IRIS.target_names[IRIS.target]
SHORT: dict[str, Any] = {"hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0}


def flowers() -> pd.DataFrame:
    """The width of the petals, the species and whether a flower is long; with holes."""
    y = pd.DataFrame({"width": IRIS.data.iloc[:, 3], "species": pd.Categorical(SPECIES)})
    y["long"] = (IRIS.data.iloc[:, 0] > 5.8).astype("boolean")
    y.loc[::4, "width"] = np.nan
    y.loc[1::5, "species"] = None
    y.loc[::7, "long"] = pd.NA
    return y


# ---------------------------------------------------------------- the shared trunk works


def test_a_trunk_serves_a_regression_and_classes():
    """Half of the targets of each head are missing, from other rows: both are learned."""
    y = pd.DataFrame({"width": IRIS.data.iloc[:, 3], "species": SPECIES})
    train, test = np.arange(150) % 3 > 0, np.arange(150) % 3 == 0
    y.iloc[::2, 0], y.iloc[1::2, 1] = np.nan, None
    model = dr.MultiTaskMLP(hidden_layer_sizes=(8,), solver="lbfgs", alpha=1.0, random_state=0)
    model.set_params(max_iter=1000).fit(X[train], y[train])
    full = pd.DataFrame({"width": IRIS.data.iloc[:, 3], "species": SPECIES})
    scores = model.scores(X[test], full[test])
    assert scores["width"] > 0.9
    assert scores["species"] > 0.9
    assert model.score(X[test], full[test]) == np.mean(list(scores.values()))
    assert [head.missing for head in model.heads_] == [50, 50]


def test_the_example_learns_more_from_more_problems(capsys):
    """examples/scarce_targets.py: the shared hidden layer gains from targets of other heads."""
    place = Path(__file__).parents[1] / "examples" / "scarce_targets.py"
    spec = importlib.util.spec_from_file_location("scarce_targets", place)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    together, alone = example.main()
    assert capsys.readouterr().out.count("\n") == 3
    assert together > alone + 0.2


def same_start(one: Any, two: Any, columns: slice) -> None:
    """Give the single-head network the trunk and the head of the other."""
    coefs = [*two.coefs_[:-1], two.coefs_[-1][:, columns]]
    one.set_weights(coefs, [*two.intercepts_[:-1], two.intercepts_[-1][columns]])


@pytest.mark.parametrize("engine", ["compiled", "reference"])
@pytest.mark.parametrize("kept", [0, 1])
def test_a_head_of_weight_0_does_not_touch_the_trunk(engine, kept):
    """To rounding: the single network may take another road, which sums in another order."""
    if engine == "compiled" and not compiled_available():
        pytest.skip("no compiled core")
    y = np.column_stack([IRIS.data.iloc[:, 3], IRIS.target])
    heads = {0: dr.Task("regression", weight=1.0 - kept), 1: dr.Task("multiclass", weight=kept)}
    settings = {**SHORT, "max_iter": 20, "warm_start": True, "engine": engine, "alpha": 0.1}
    two = dr.MultiTaskMLP(heads, **settings).initialize(X, y)
    one = dr.MultiTaskMLP({0: heads[kept]}, **settings).initialize(X, y[:, kept : kept + 1])
    columns = slice(0, 1) if kept == 0 else slice(1, 4)
    same_start(one, two, columns)
    before = two.coefs_[0].copy()
    two.fit(X, y)
    one.fit(X, y[:, kept : kept + 1])
    assert np.abs(two.coefs_[0] - before).max() > 0.01
    np.testing.assert_allclose(two.coefs_[0], one.coefs_[0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(two.coefs_[1][:, columns], one.coefs_[1], rtol=0, atol=1e-12)
    # What the other head pays for is the penalty of its weights alone.
    others = np.delete(two.coefs_[1], np.arange(4)[columns], axis=1)
    np.testing.assert_allclose(two.loss_ - one.loss_, 0.1 / 300 * (others**2).sum(), atol=1e-12)


def test_missing_targets_leave_their_head_alone():
    """Without a trunk in common a head has the gradient of a network trained on its known rows."""
    y = flowers()
    model = dr.MultiTaskMLP(hidden_layer_sizes=(), standardize=None).initialize(X, y)
    network, start = model._network, model._current(model._network)
    D = model._target(y, np.float64)
    rows = np.ascontiguousarray(X.to_numpy())
    whole = dr.gradient(network, start, rows, D)
    for head in model.heads_:
        known = ~np.isnan(D[:, head.columns[0]])
        assert known.sum() < len(known)
        alone = dr.MultiTaskMLP({head.name: head.kind}, (), standardize=None)
        alone.initialize(X[known], y.loc[known, [head.name]])
        same_start(alone, model, head.slice)
        target = alone._target(y.loc[known, [head.name]], np.float64)
        now = alone._current(alone._network)
        single = dr.gradient(alone._network, now, rows[known], target)
        share = known.mean()
        found = whole.weights[0][head.slice]
        np.testing.assert_allclose(found, share * single.weights[0], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_the_gradient_is_that_of_the_objective(engine):
    if engine == "compiled" and not compiled_available():
        pytest.skip("no compiled core")
    y = flowers().assign(count=np.arange(150) % 7)
    heads = {
        "width": dr.Task(loss=Huber(0.7), weight=2.0),
        "species": dr.Task(loss="squared_error"),
        "count": dr.Task("regression", Poisson()),
    }
    model = dr.MultiTaskMLP(heads, (4,), "tanh", random_state=0).initialize(X, y)
    network, start = model._network, model._current(model._network)
    rows, D = model._inputs(X.to_numpy(), np.float64), model._target(y, np.float64)
    assert np.isnan(D).any()
    found = dr.gradient(network, start, rows, D, engine=engine).vector
    step = 1e-6
    for index in range(network.size):
        values = []
        for sign in (-1, 1):
            vector = start.vector.copy()
            vector[index] += sign * step
            moved = start.replace(vector=vector)
            values.append(dr.objective(network, moved, rows, D, engine=engine))
        assert abs((values[1] - values[0]) / (2 * step) - found[index]) < 1e-7


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_engines_agree(solver):
    if not compiled_available():
        pytest.skip("no compiled core")
    found = [
        dr.MultiTaskMLP(solver=solver, engine=engine, **SHORT).fit(X, flowers())
        for engine in ("compiled", "reference")
    ]
    for one, other in zip(*(model.coefs_ for model in found), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-9)


# ---------------------------------------------------------------- kinds


def _distance(prediction, target):
    return np.abs(prediction - target)


def _side(prediction, target):
    return np.sign(prediction - target)


INFERRED = {
    "texts": (["a", "b", "c", "a"], "multiclass", ["a", "b", "c"]),
    "two texts": (["a", "b", None, "a"], "binary", ["a", "b"]),
    "booleans": ([True, False, True, None], "binary", [False, True]),
    "two numbers": ([0.5, 2.0, np.nan, 2.0], "binary", [0.5, 2.0]),
    "whole numbers": ([1, 2, 3, 3], "multiclass", [1, 2, 3]),
    "whole floats": ([1.0, 2.0, 3.0, np.nan], "multiclass", [1.0, 2.0, 3.0]),
    "numbers": ([0.5, 1.5, 3.0, pd.NA], "regression", None),
}


@pytest.mark.parametrize("case", INFERRED)
def test_kinds_are_inferred(case):
    cells, kind, classes = INFERRED[case]
    rows = np.arange(4.0).reshape(-1, 1)
    for y in (pd.DataFrame({0: pd.Series(cells, dtype=object)}), [[cell] for cell in cells]):
        head = dr.MultiTaskMLP(**SHORT).fit(rows, y).heads_[0]
        assert head.kind == kind
        assert (None if head.classes is None else head.classes.tolist()) == classes


def test_many_whole_numbers_are_a_regression_and_categories_never():
    rows = np.arange(21.0).reshape(-1, 1)
    y = pd.DataFrame({"few": np.arange(21) % 20, "many": range(21)})
    y["codes"] = pd.Categorical(range(21))
    heads = dr.MultiTaskMLP(**SHORT).fit(rows, y).heads_
    assert [head.kind for head in heads] == ["multiclass", "regression", "multiclass"]
    assert [head.columns for head in heads] == [(0, 20), (20, 21), (21, 42)]


def test_heads_say_what_the_user_wants():
    y = np.column_stack([np.arange(150) % 2, IRIS.target, IRIS.target])
    heads = {
        0: dr.Task("multiclass", "squared_error"),
        1: "regression",
        2: dr.Task("regression", Function(_distance, _side), weight=0.25),
    }
    model = dr.MultiTaskMLP(heads, **SHORT).fit(X, y)
    assert [head.kind for head in model.heads_] == ["multiclass", "regression", "regression"]
    assert [head.loss.name for head in model.heads_] == [
        "squared_error",
        "squared_error",
        "function",
    ]
    assert model.heads_[2].weight == 0.25
    assert model.out_activation_ == ["softmax", "identity", "identity"]
    assert model.n_outputs_ == 4
    assert model.engine_ == "reference"
    assert repr(model.heads_[0]) == (
        "FittedHead(0, 'multiclass', classes=[0, 1], loss='squared_error', weight=1, missing=0)"
    )


def test_targets_are_standardized_where_they_are_known():
    y = flowers()
    known = y["width"].dropna().to_numpy()
    model = dr.MultiTaskMLP(**SHORT).fit(X, y)
    assert model.target_center_.tolist() == [pytest.approx(known.mean()), 0, 0, 0, 0]
    assert model.target_scale_.tolist() == [pytest.approx(known.std()), 1, 1, 1, 1]
    assert dr.MultiTaskMLP(**SHORT, standardize="inputs").fit(X, y).target_center_ is None
    heads = {"width": dr.Task(loss="poisson")}
    model = dr.MultiTaskMLP(heads, **SHORT).fit(X, y)
    assert model.target_scale_.tolist() == [1] * 5
    assert (model.predict(X)["width"] > 0).all()
    low, high = (
        dr.MultiTaskMLP({"width": dr.Task(loss=Quantile(q))}, **{**SHORT, "max_iter": 300})
        .fit(X, y)
        .predict(X)["width"]
        .mean()
        for q in (0.1, 0.9)
    )
    assert low < high


# ---------------------------------------------------------------- predictions


def test_pandas_in_pandas_out():
    y, rows = flowers(), X.set_axis(np.arange(150) + 7, axis=0)
    model = dr.MultiTaskMLP(**SHORT).fit(rows, y)
    found = model.predict(rows)
    assert list(found.columns) == list(y.columns)
    assert found.dtypes.tolist() == y.dtypes.tolist()
    assert found.index.equals(rows.index)
    plain = model.predict(pl.from_pandas(X))
    assert isinstance(plain, pl.DataFrame)
    assert plain["species"].to_list() == list(found["species"])


def test_polars_in_polars_out():
    kind = pl.Enum(["virginica", "setosa", "versicolor", "none"])
    y = pl.DataFrame(
        {
            "width": [None, np.nan, *IRIS.data.iloc[2:, 3]],
            "species": pl.Series([None, *SPECIES[1:]], dtype=kind),
            "code": pl.Series([None, *IRIS.target[1:]], dtype=pl.Int8),
        }
    )
    rows = pl.from_pandas(X)
    model = dr.MultiTaskMLP(**SHORT).fit(rows, y)
    assert [head.missing for head in model.heads_] == [2, 1, 1]
    assert model.dropped_rows_ == 1
    assert model.predict(rows).schema == y.schema


def test_arrays_in_arrays_out():
    numbers = np.column_stack([IRIS.data.iloc[:, 3], IRIS.target])
    rows = X.to_numpy()
    assert dr.MultiTaskMLP(**SHORT).fit(rows, numbers).predict(rows).dtype == np.float64
    mixed = [[width, word] for width, word in zip(IRIS.data.iloc[:, 3], SPECIES, strict=True)]
    found = dr.MultiTaskMLP(**SHORT).fit(rows, mixed).predict(rows)
    assert found.dtype == object
    assert found.shape == (150, 2)
    assert {type(cell) for cell in found[0]} == {float, str}
    single = dr.MultiTaskMLP(**SHORT).fit(rows, numbers[:, :1])
    assert single.predict(rows).shape == (150, 1)
    assert not hasattr(single, "predict_proba")
    assert dr.MultiTaskMLP(**SHORT).fit(rows.astype(np.float32), numbers).coefs_[0].dtype == "f4"


def test_probabilities_are_those_of_the_heads_of_classes():
    model = dr.MultiTaskMLP(**SHORT).fit(X, flowers())
    found = model.predict_proba(X)
    assert {name: part.shape for name, part in found.items()} == {
        "species": (150, 3),
        "long": (150, 2),
    }
    for name, part in found.items():
        np.testing.assert_allclose(part.sum(axis=1), 1)
        head = next(head for head in model.heads_ if head.name == name)
        assert (head.classes[part.argmax(axis=1)] == model.predict(X)[name].to_numpy()).all()


def test_scores_leave_missing_targets_out():
    y = flowers()
    model = dr.MultiTaskMLP(**{**SHORT, "max_iter": 200}).fit(X, y)
    scores, said = model.scores(X, y), model.predict(X)
    known = y["species"].notna()
    assert scores["species"] == (said["species"][known] == y["species"][known]).mean()
    known = y["width"].notna()
    actual, weight = y["width"][known], np.arange(150.0)
    error = ((said["width"][known] - actual) ** 2).sum()
    assert scores["width"] == pytest.approx(1 - error / ((actual - actual.mean()) ** 2).sum())
    right = (said["long"] == y["long"])[y["long"].notna()].to_numpy(dtype=bool)
    weighed = model.scores(X, y, weight)["long"]
    assert weighed == pytest.approx(np.average(right, weights=weight[y["long"].notna()]))
    none = y.assign(width=np.nan)
    assert np.isnan(model.scores(X, none)["width"])
    assert model.score(X, none) == (scores["species"] + scores["long"]) / 2
    assert np.isnan(model.scores(X[1:2], y[1:2])["width"])
    assert np.isnan(model.score(X[:1], none[:1].assign(species=None, long=pd.NA)))
    strange = y.assign(species="unknown")
    assert model.scores(X, strange)["species"] == 0


def test_predictor_says_the_same():
    model = dr.MultiTaskMLP(**SHORT).fit(X, flowers())
    predict, said = pickle.loads(pickle.dumps(model.predictor())), model.predict(X)
    row = predict(X.to_numpy()[5])
    assert row["species"] == said["species"][5]
    assert type(row["species"]) is str
    assert row["width"] == pytest.approx(said["width"][5])
    assert type(row["width"]) is float
    many = predict(X.to_numpy())
    assert (many["long"] == said["long"].to_numpy()).all()
    assert predict.outputs(X.to_numpy()[5]).shape == (5,)


# ---------------------------------------------------------------- going on, files, scikit-learn


def test_rows_without_a_target_are_as_if_they_were_not_there():
    y = flowers()
    y.loc[10:30, :] = pd.NA
    weight = np.linspace(1, 2, 150)
    kept = y.notna().any(axis=1)
    for more in ({}, {"early_stopping": True}, {"solver": "lbfgs"}):
        with_holes = dr.MultiTaskMLP(**SHORT, **more).fit(X, y, weight)
        without = dr.MultiTaskMLP(**SHORT, **more).fit(X[kept], y[kept], weight[kept])
        assert (with_holes.dropped_rows_, without.dropped_rows_) == (22, 0)
        assert with_holes.loss_curve_ == without.loss_curve_
    judges = ((X, y), (X[kept], y[kept]))
    both = [dr.MultiTaskMLP(**SHORT).fit(X, y, X_val=a, y_val=b) for a, b in judges]
    assert both[0].validation_loss_curve_ == both[1].validation_loss_curve_


def test_early_stopping_judges_the_loss_or_a_scorer():
    y = flowers()
    model = dr.MultiTaskMLP(early_stopping=True, **SHORT).fit(X, y)
    assert model.validation_scores_ == [-loss for loss in model.validation_loss_curve_]
    seen: list[Any] = []

    def scorer(estimator, X, y):
        seen.append(y)
        return estimator.score(X, y)

    rule = dr.EarlyStopping(scorer=scorer)
    model = dr.MultiTaskMLP(early_stopping=rule, **SHORT).fit(X, y)
    assert isinstance(seen[0], pd.DataFrame)
    assert len(seen[0]) == 15
    assert len(model.validation_scores_) == 5


def test_some_epochs_and_some_more_are_all_of_them(tmp_path):
    y = flowers()
    whole = dr.MultiTaskMLP(**{**SHORT, "max_iter": 6}).fit(X, y)
    half = dr.MultiTaskMLP(**{**SHORT, "max_iter": 3}, warm_start=True).fit(X, y)
    dr.save(half, tmp_path / "half.safetensors")
    again = dr.load(tmp_path / "half.safetensors").fit(X, y)
    for one, other in zip(whole.coefs_, again.coefs_, strict=True):
        assert (one == other).all()
    prepared = dr.MultiTaskMLP(**{**SHORT, "max_iter": 6}, warm_start=True).initialize(X, y)
    assert prepared.fit(X, y).loss_curve_ == whole.loss_curve_


def test_a_stream_announces_its_classes_once():
    heads = {"n": "regression"}
    model = dr.MultiTaskMLP(heads, **SHORT)
    first = pd.DataFrame({"n": [0.5], "kind": ["a"]})
    model.partial_fit([[0.0]], first, classes={"kind": ["a", "b", "c"]})
    model.partial_fit([[1.0]], pd.DataFrame({"n": [np.nan], "kind": ["c"]}))
    assert model.heads_[1].classes.tolist() == ["a", "b", "c"]
    assert model.t_ == 2
    ready = dr.MultiTaskMLP(heads, **SHORT)
    ready.initialize([[0.0]], first, classes={"kind": ["a", "b", "c"]})
    ready.partial_fit([[0.0]], first)
    ready.partial_fit([[1.0]], pd.DataFrame({"n": [np.nan], "kind": ["c"]}))
    assert (ready.coefs_[0] == model.coefs_[0]).all()


@pytest.mark.parametrize("library", ["pandas", "polars", "arrays"])
def test_files_and_pickles_predict_the_same(library, tmp_path):
    y, rows = flowers(), X
    if library == "polars":
        y, rows = pl.from_pandas(y), pl.from_pandas(X)
    elif library == "arrays":
        y, rows = y.to_numpy(dtype=object), X.to_numpy()
    names = [0, 1, 2] if library == "arrays" else ["width", "species", "long"]
    heads = {names[0]: dr.Task("regression", Huber(0.5), 2.0), names[1]: "multiclass"}
    model = dr.MultiTaskMLP(heads, dropout=0.1, **SHORT).fit(rows, y)
    dr.save(model, tmp_path / "m.safetensors")
    for again in (dr.load(tmp_path / "m.safetensors"), pickle.loads(pickle.dumps(model))):
        said, before = again.predict(rows), model.predict(rows)
        assert type(said) is type(before)
        assert said.equals(before) if library != "arrays" else (said == before).all()
        assert repr(again.heads_) == repr(model.heads_)
        assert again.heads == heads
        assert again.out_activation_ == model.out_activation_
        assert again.score(rows, y) == model.score(rows, y)


def test_scikit_learns_tools_take_it():
    y = flowers()
    model = make_pipeline(StandardScaler(), dr.MultiTaskMLP(**SHORT)).fit(X, y)
    assert model.predict(X).shape == (150, 3)  # the scaler hands arrays on
    assert -1 < model.score(X, y) < 1
    grid = {"heads": [None, {"width": dr.Task(weight=3.0)}], "solver__beta_1": [0.5, 0.9]}
    search = GridSearchCV(dr.MultiTaskMLP(**SHORT), grid, cv=3).fit(X, y)
    assert len(search.cv_results_["mean_test_score"]) == 4
    assert not np.isnan(search.cv_results_["mean_test_score"]).any()
    copy = clone(search.best_estimator_)
    assert copy.get_params()["heads"] == search.best_estimator_.heads
    assert dr.HiddenActivations(dr.MultiTaskMLP(**SHORT)).fit_transform(X, y).shape == (150, 6)


def test_several_starts_and_layer_kinds():
    settings = {**SHORT, "dropout": 0.2, "normalization": "batch"}
    model = dr.MultiTaskMLP(n_init=3, **settings).fit(X, flowers())
    assert len(set(model.restarts_)) == 3
    assert "lanes road" not in model.road_  # it knows no heads
    assert len(model.gains_) == len(model.running_means_) == 1


def test_sparse_rows():
    y, rows = flowers(), sparse.csr_array(X.to_numpy())
    dense = dr.MultiTaskMLP(**SHORT, standardize=None).fit(X.to_numpy(), y)
    thin = dr.MultiTaskMLP(**SHORT, standardize=None).fit(rows, y)
    np.testing.assert_allclose(thin.coefs_[0], dense.coefs_[0], atol=1e-12)
    assert isinstance(thin.predict(rows), np.ndarray)


DICTS = "predict_proba gives a dict, an array for each head"
#: Of a single column of whole numbers, which becomes a head of classes.
LEFT_OUT = {
    "check_n_features_in_after_fitting": "partial_fit needs classes={name: …}, unknown to checks",
    "check_estimator_sparse_array": DICTS,
    "check_estimator_sparse_matrix": DICTS,
    "check_estimators_pickle": DICTS,
    "check_fit_idempotent": DICTS,
    "check_methods_sample_order_invariance": DICTS,
    "check_methods_subset_invariance": DICTS,
    "check_sample_weight_equivalence_on_dense_data": DICTS,
    "check_sample_weight_equivalence_on_sparse_data": DICTS,
}


def left_out(estimator: Any) -> dict[str, str]:
    return {} if estimator.heads else LEFT_OUT


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [dr.MultiTaskMLP({0: "regression"}), dr.MultiTaskMLP()], expected_failed_checks=left_out
)
def test_estimator_checks(estimator: Any, check: Callable[[Any], None]) -> None:
    """Of regressions all hold; of classes those that take no dict for an array."""
    check(estimator)
