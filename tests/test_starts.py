"""A start by data: unit spread layer by layer, kinks amid the rows, the same bits for a key."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

import deltarule as dr
from deltarule import starts
from deltarule.backprop import Step, layer_forward
from deltarule.exceptions import InvalidParameterError, InvalidShapeError, NonFiniteError
from deltarule.layers import BatchNormalization, Dropout, LayerNormalization

NUMBERS = np.random.default_rng(0)
#: Columns of very different units, one of them with a large mean.
X = NUMBERS.normal(size=(300, 4)) * [1.0, 1e-3, 500.0, 20.0] + [0.0, 0.0, 0.0, 2000.0]
NETWORK = dr.Network(units=(4, 16, 9, 2), activations=("relu", "tanh", "identity"))
NORMALIZED = dr.Network(
    layers=[
        dr.Dense(4, 12, bias=False),
        BatchNormalization(12, 12, "relu"),
        Dropout(12, 12, 0.5),
        dr.Dense(12, 8, "selu"),
        LayerNormalization(8, 8),
        dr.Dense(8, 3),
    ]
)


def by_data(network: dr.Network = NETWORK, rows: Any = X, **options: Any) -> dr.Parameters:
    return dr.initialize_by_data(network, rows, **options)


def sums(network: dr.Network, start: dr.Parameters, rows: Any = X) -> list[np.ndarray]:
    """Σ w a of every layer of weights, without its bias."""
    passed = dr.forward(network, start, rows)
    return [
        passed.pre_activations[index] - (0 if start.biases[index] is None else start.biases[index])
        for index in network.weighted
    ]


# ---------------------------------------------------------------- spread


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
def test_every_sum_has_unit_spread(seed: int) -> None:
    start = by_data(seed=seed, last="scaled")
    for z in sums(NETWORK, start):
        np.testing.assert_allclose(z.std(axis=0), 1, rtol=1e-9)
    plain = sums(NETWORK, dr.initialize(NETWORK, seed, "lecun_normal"))
    assert plain[0].std(axis=0).min() > 10  # a control: inputs of such units ask for it


def test_directions_are_those_of_a_start_without_data() -> None:
    """W is that of `initialize` with lengths of its own, one for each unit."""
    start, drawn = by_data(seed=3, last="scaled"), dr.initialize(NETWORK, 3, "lecun_normal")
    for W, V in zip(start.weights, drawn.weights, strict=True):
        factors = W / V
        np.testing.assert_allclose(factors, factors[:, :1].repeat(W.shape[1], 1), rtol=1e-12)
        assert (factors > 0).all()


def test_through_normalisation_and_dropout() -> None:
    """Each layer sees what a training step shows it, but for the units that drop out."""
    start = by_data(NORMALIZED, last="scaled")
    a = X
    for index, layer in enumerate(NORMALIZED.layers):
        values = start.values(index)
        if isinstance(layer, dr.Dense):
            np.testing.assert_allclose((a @ values["weight"]).std(axis=0), 1, rtol=1e-9)
        step = Step(0, 0) if isinstance(layer, BatchNormalization) else None
        a = layer_forward(layer, values, a, index, step).output
    mean = (X @ start.values(0)["weight"]).mean(axis=0)
    np.testing.assert_allclose(start.values(1)["mean"], mean, rtol=1e-12)
    np.testing.assert_allclose(start.values(1)["variance"], 300 / 299, rtol=1e-9)
    assert (start.values(1)["gain"] == 1).all()


# ---------------------------------------------------------------- biases


@pytest.mark.parametrize("seed", range(5))
def test_kinks_lie_amid_the_rows(seed: int) -> None:
    start = by_data(seed=seed, last="scaled")
    for z, bias in zip(sums(NETWORK, start), start.biases, strict=True):
        assert (z.min(axis=0) <= -bias).all()
        assert (-bias <= z.max(axis=0)).all()
        assert len(set(bias)) == len(bias)
    # No unit of the first layer is the same linear function of all rows, or 0 for all of them.
    active = (dr.forward(NETWORK, start, X).outputs[1] > 0).sum(axis=0)
    assert (active > 0).all()
    assert (active < len(X)).all()


def test_a_mix_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    class Drawn:
        def words(self, count: int) -> np.ndarray:
            assert count == 2
            return np.array([0, 2**63], dtype=np.uint64)  # rows 0 and 2 of 4

        def uniform(self, count: int) -> np.ndarray:
            return 1 - np.exp([-1.0, -3.0])  # Exp(1) variables 1 and 3: shares ¼ and ¾

    monkeypatch.setattr(starts, "MIXED", 2)
    mixed = starts._mixed(np.array([[10.0], [0.0], [2.0], [0.0]]), Drawn())  # type: ignore[arg-type]
    np.testing.assert_allclose(mixed, [0.25 * 10 + 0.75 * 2])


def test_mixes_lie_nearer_to_the_mean_than_rows() -> None:
    """Σ c² of five Exp(1) shares has the mean 2 / 6: that is what is left of the variance."""
    wide = dr.Network(units=(4, 4000), activations="relu")
    start = by_data(wide, last="scaled")
    z = sums(wide, start)[0]
    apart = -start.biases[0] - z.mean(axis=0)
    assert abs(apart.mean()) < 5 * (1 / 3 / 4000) ** 0.5
    assert apart.var() == pytest.approx(1 / 3, rel=0.15)


# ---------------------------------------------------------------- the last layer


@pytest.mark.parametrize("network", [NETWORK, NORMALIZED, dr.Network(units=(4, 2))])
def test_the_last_layer_begins_at_zero(network: dr.Network) -> None:
    zero, scaled = by_data(network), by_data(network, last="scaled")
    assert not zero.weights[-1].any()
    assert not zero.biases[-1].any()
    assert not dr.forward(network, zero, X).pre_activations[-1].any()
    assert scaled.weights[-1].all()
    before = sum(layer.inputs * layer.units + layer.units for layer in network.layers[-1:])
    np.testing.assert_array_equal(zero.vector[:-before], scaled.vector[:-before])


def test_it_learns_where_inputs_lie_far_from_zero() -> None:
    """Where kinks at 0 lie outside of the rows, for which a start without data has no use."""
    rows = NUMBERS.normal(size=(300, 4)) + 5.0
    D = np.sin(3.0 * (rows[:, :1] - 5.0))
    network = dr.Network(units=(4, 32, 32, 1), activations=("tanh", "tanh", "identity"))
    plan = dr.TrainingPlan("adam", 0.01, max_epochs=60, batch_size=32, sampling="shuffle")
    by_rows = dr.train(network, by_data(network, rows), rows, D, plan).history.loss
    blind = dr.train(network, dr.initialize(network), rows, D, plan).history.loss
    assert by_rows[-1] < 0.04
    assert blind[-1] > 0.1


# ---------------------------------------------------------------- keys, types, rows


def test_the_same_key_has_the_same_bits() -> None:
    assert by_data(seed=7, rows=X).vector.tobytes() == by_data(seed=7, rows=X).vector.tobytes()
    assert (by_data(seed=7).weights[0] != by_data(seed=8).weights[0]).all()
    # A layer's start does not depend on the widths of those behind it.
    wider = dr.Network(units=(4, 16, 30, 2), activations=("relu", "tanh", "identity"))
    np.testing.assert_array_equal(by_data(wider).weights[0], by_data().weights[0])
    np.testing.assert_array_equal(by_data(wider).biases[0], by_data().biases[0])


def test_types_and_sparse_rows() -> None:
    rows = np.where(NUMBERS.random(X.shape) < 0.3, X, 0).astype(np.float32)
    start = by_data(rows=rows)
    assert start.dtype == np.float64
    single = by_data(rows=rows, dtype=np.float32)
    np.testing.assert_array_equal(single.vector, start.vector.astype(np.float32))
    for kind in (sparse.csr_array, sparse.csr_matrix):
        np.testing.assert_allclose(by_data(rows=kind(rows)).vector, start.vector, rtol=1e-9)
    few = {"seed": 1, "last": "scaled"}
    whole = by_data(rows=np.round(X).astype(int), **few)
    np.testing.assert_array_equal(by_data(rows=np.round(X).tolist(), **few).vector, whole.vector)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_some_rows_of_many(kind: Any) -> None:
    """Those that are drawn, and no others: what stands in the rest changes nothing."""
    network = dr.Network(units=(4, 5, 1), activations=("relu", "identity"))
    rows = np.column_stack([np.arange(5000.0), NUMBERS.normal(size=(5000, 3))])
    start = starts._looked_at(network, dr.initialize(network), kind(rows), 100, 3)
    seen = np.asarray(start.toarray() if kind is not np.asarray else start)[:, 0].astype(int)
    assert len(set(seen)) == 100
    assert (np.diff(seen) > 0).all()
    assert 1000 < np.median(seen) < 4000
    others = np.setdiff1d(np.arange(5000), seen)
    changed = rows.copy()
    changed[others] = np.nan
    options = {"seed": 3, "rows": 100}
    found = dr.initialize_by_data(network, kind(changed), **options)
    np.testing.assert_array_equal(
        found.vector, dr.initialize_by_data(network, kind(rows), **options).vector
    )
    again = starts._looked_at(network, dr.initialize(network), kind(rows), 100, 4)
    assert (again != start).sum() > 0


# ---------------------------------------------------------------- rows that tell little


def test_a_single_row() -> None:
    """There is no spread: lengths stay as drawn, and every unit is at its kink."""
    start, drawn = by_data(rows=X[:1]), dr.initialize(NETWORK, 0, "lecun_normal")
    np.testing.assert_array_equal(start.weights[0], drawn.weights[0])
    passed = dr.forward(NETWORK, start, X[:1])
    np.testing.assert_allclose(passed.pre_activations[0], 0, atol=1e-10)
    assert np.isfinite(start.vector).all()
    assert np.isfinite(by_data(NORMALIZED, X[:1]).vector).all()


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, 1e6 + 0.1])
def test_constant_columns(value: float) -> None:
    """Sums of equal rows differ by rounding at most, which is no spread to be blown up."""
    rows = np.full((1000, 4), value)
    start, drawn = by_data(rows=rows), dr.initialize(NETWORK, 0, "lecun_normal")
    np.testing.assert_array_equal(start.weights[0], drawn.weights[0])
    rows[:, 2] = X[:1, 0] + np.arange(1000)  # one that varies among them
    z = sums(NETWORK, by_data(rows=rows), rows)[0]
    np.testing.assert_allclose(z.std(axis=0), 1, rtol=1e-6)


# ---------------------------------------------------------------- what is refused

BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    (
        {"last": "one"},
        InvalidParameterError,
        "last must be one of 'zero', 'scaled' (got 'one'). Choose one of these words.",
    ),
    (
        {"rows_seen": 0},
        InvalidParameterError,
        "rows must be a positive integer (got 0). Choose 1 or more.",
    ),
    (
        {"seed": -1},
        InvalidParameterError,
        "seed must be an integer from 0 to 2**64 - 1 (got -1). Choose any of them.",
    ),
    (
        {"rows": X[:, :3]},
        InvalidShapeError,
        "X must have shape (rows, 4) (got (300, 3)). Its width is the network's inputs.",
    ),
    (
        {"rows": X[:0]},
        InvalidShapeError,
        "X must have at least one row (got 0). Give the training rows.",
    ),
    (
        {"rows": sparse.coo_array(X)},
        InvalidShapeError,
        "X must be an array or a CSR matrix (got a sparse matrix of format 'coo'). Pass X.tocsr().",
    ),
    (
        {"rows": np.where(X > 500, np.nan, X)},
        NonFiniteError,
        "X must be finite (got nan). Fill the gaps, or leave such rows out.",
    ),
    (
        {"rows": X * 1e-100},
        NonFiniteError,
        (
            "the start must be finite in float32 (got other numbers in layer 0, weight). Scale "
            "the inputs, whose numbers are too large or too small."
        ),
    ),
]


@pytest.mark.parametrize(("given", "kind", "sentence"), BAD, ids=[str(b[2])[:30] for b in BAD])
def test_what_is_refused(given: dict[str, Any], kind: type[Exception], sentence: str) -> None:
    options = {name: value for name, value in given.items() if name not in ("rows", "rows_seen")}
    if "rows_seen" in given:
        options["rows"] = given["rows_seen"]
    with pytest.raises(kind) as caught:
        dr.initialize_by_data(NETWORK, given.get("rows", X), dtype=np.float32, **options)
    assert str(caught.value) == sentence
