"""The border of the compiled core: whatever comes in is refused, or is worked on rightly.

Every case takes a call that is right and changes one or two of its arguments at random. What
raises, raises an exception of the border's and leaves the object as it was; what does not gives,
bit for bit, what plain copies of the same arguments give. `make sanitize` runs this file, too.
"""

from __future__ import annotations

import array
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import deltarule as dr
from deltarule.engines.base import Rule, Work

core = pytest.importorskip("deltarule._core", reason="the compiled core is not installed")
compiled = pytest.importorskip("deltarule.engines.compiled")

#: Sentences, nanobind's "incompatible function arguments", and more than the machine has.
REFUSALS = (ValueError, TypeError, MemoryError)

# ---------------------------------------------------------------- random arguments

NUMBERS = [
    *(-(2**63), -(2**61) - 1, -1, 0, 1, 2, 3, 7, 50, 2**61, 2**62, 2**63 - 1, 2**64),
    *(np.nan, np.inf, -np.inf, -0.5, 1e300, True, None, "7", np.float32(2), np.int8(2), ()),
]
WORDS = [
    "",
    "sgd",
    "adam",
    "shuffle",
    "softmax",
    "sign",
    "huber",
    "float32",
    "none",
    3,
    None,
    b"sgd",
]
DTYPES = ["f2", "f4", "f8", "g", "i4", "i8", "u8", "c16", "?", "O", "S4", ">f8", ">i8", "M8[s]"]


def reshaped(random: Any, a: np.ndarray) -> Any:
    """Another shape: an axis more or less, one turned or cut, or nothing at all."""
    ways: list[Callable[[], Any]] = [
        lambda: a[None],
        lambda: a.ravel(),
        lambda: a.T,
        lambda: a[:0],
        lambda: a[..., :0],
        lambda: a[1:],
        lambda: np.concatenate([a, a]),
        lambda: a[()] if a.ndim == 0 else a[0],
        lambda: np.broadcast_to(a, (3, *a.shape)),
    ]
    return ways[random.integers(len(ways))]()


def laid_out(random: Any, a: np.ndarray) -> Any:
    """The same numbers in other memory, or memory that something else lends."""
    wide = np.zeros((*a.shape, 3), a.dtype)
    wide[..., 1] = a
    frozen = a.copy()
    frozen.flags.writeable = False
    ways: list[Callable[[], Any]] = [
        lambda: np.asfortranarray(a),
        lambda: a[::-1],
        lambda: wide[..., 1],
        lambda: np.broadcast_to(a[:1], a.shape),
        lambda: frozen,
        lambda: at_an_odd_address(a),
        lambda: memoryview(np.ascontiguousarray(a)),
        lambda: a.copy().__dlpack__(),
        lambda: Lender(a),
        lambda: np.ma.masked_array(a, a > 0),
    ]
    return ways[random.integers(len(ways))]()


def filled(random: Any, a: np.ndarray) -> Any:
    """Another number at one place."""
    changed = a.copy()
    odd: list[Any] = [np.nan, np.inf, 1e-310, 1e30]
    if changed.dtype.kind in "iu":
        odd = [0, 1, 49, 50, np.iinfo(a.dtype).min, np.iinfo(a.dtype).max]
    if changed.size and changed.dtype.kind in "fiu":
        changed.flat[random.integers(changed.size)] = odd[random.integers(len(odd))]
    return changed


class Lender:
    """Lends other memory at every question, which nobody but the asker keeps."""

    def __init__(self, a: Any) -> None:
        self.array = a

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.copy().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


def changed(random: Any, value: Any) -> Any:
    """The argument, or a part of it, made into something else."""
    if random.random() < 0.05:
        return ([], {}, object(), "text", 1.5, np.float64(3), np.zeros(0))[random.integers(7)]
    if isinstance(value, np.ndarray):
        if random.random() < 0.2:
            return value.astype(DTYPES[random.integers(len(DTYPES))])
        return (reshaped, laid_out, filled)[random.integers(3)](random, value)
    if isinstance(value, str):
        return WORDS[random.integers(len(WORDS))]
    if isinstance(value, dict) and value:
        name = sorted(value)[random.integers(len(value))]
        rest = {key: entry for key, entry in value.items() if key != name}
        return rest | {(name, "none")[random.random() < 0.1]: changed(random, value[name])}
    if isinstance(value, (tuple, list)) and value:
        at = int(random.integers(len(value)))
        if random.random() < 0.15:
            return (value[:at], value + value[at:])[random.integers(2)]
        return type(value)([*value[:at], changed(random, value[at]), *value[at + 1 :]])
    return NUMBERS[random.integers(len(NUMBERS))]


def plain(value: Any) -> Any:
    """The argument with arrays of its own."""
    if isinstance(value, (np.ndarray, memoryview)):
        return np.array(value, order="C", subok=False)
    if isinstance(value, Lender):
        return value.array.copy()
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(plain(entry) for entry in value)
    return value


def used_up(value: Any) -> bool:
    """Whether a capsule is in it, which can be asked only once."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (tuple, list)):
        return any(map(used_up, value))
    return type(value).__name__ == "PyCapsule"


def bits(result: Any) -> Any:
    """A result as something that can be compared."""
    if isinstance(result, np.ndarray):
        return result.dtype.str, result.shape, result.tobytes()
    if isinstance(result, dict):
        return {key: bits(entry) for key, entry in result.items()}
    if isinstance(result, (tuple, list)):
        return [bits(entry) for entry in result]
    return repr(result)


# ---------------------------------------------------------------- the calls

LAYERS = [(4, 9, "tanh", 0.0, True), (9, 3, "softmax", 0.0, True)]
SIZE = 5 * 9 + 10 * 3
COUNT = 50
FLOATS = ("float32", "float64")


@dataclass
class Call:
    """A call that is right: a new object to be called, what calls it, and its arguments."""

    made: Callable[[str], Any]
    of: Callable[..., Any]
    arguments: Callable[[Any, str], dict[str, Any]]


def data(random: Any, dtype: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    X = random.normal(size=(COUNT, 4)).astype(dtype)
    D = np.eye(3, dtype=dtype)[random.integers(0, 3, COUNT)]
    return X, D, random.uniform(0.5, 2, COUNT).astype(dtype)


def csr(X: np.ndarray, index: Any = np.int32) -> tuple[Any, Any, Any, tuple[int, int]]:
    sparse = sp.csr_array(X * (X > 0))
    return sparse.data, sparse.indices.astype(index), sparse.indptr.astype(index), X.shape


def session(dtype: str) -> Any:
    opened = core.Session(LAYERS, "log_loss", 0.0, dtype, 2)
    opened.set_parameters(np.random.default_rng(1).normal(size=SIZE).astype(dtype))
    opened.bind(*data(np.random.default_rng(2), dtype))
    return opened


def planned(dtype: str) -> Any:
    opened = session(dtype)
    opened.plan_epochs(("shuffle", 3), 7, 0.0, 0.0, 1.0, 0, (50.0, 0.0, 0.0), RULES)
    return opened


RULES = (False, 1e-4, 5, 0.1, False, 1.0, 0.0, False)
STANDING = (1.0, np.inf, -np.inf, 0)


def lanes(dtype: str) -> Any:
    opened = core.Lanes(LAYERS, "log_loss", 0.0, dtype, 2)
    opened.bind(*data(np.random.default_rng(2), dtype))
    return opened


def rows(random: Any, dtype: str) -> dict[str, Any]:
    X, D, weight = data(random, dtype)
    chosen = (X, csr(X), csr(X, np.int64))[random.integers(3)]
    return {"X": chosen, "D": D, "sample_weight": weight}


def lane_arguments(random: Any, dtype: str) -> dict[str, Any]:
    many, size = 11, int(random.integers(1, 9))
    columns = {
        **dict.fromkeys(["rate", "first", "second", "epsilon", "scale"], np.full(many, 0.1)),
        **dict.fromkeys(["l1", "l2", "tolerance", "smallest"], np.zeros(many)),
        **dict.fromkeys(["n", "divisor", "rate_factor"], np.ones(many)),
        "best_loss": np.full(many, np.inf),
        "max_epochs": np.full(many, 3),
        **dict.fromkeys(["patience", "stalled", "epoch", "clock"], np.zeros(many, np.int64)),
    }
    return {
        "order": ("shuffle", "replacement", "sequential")[random.integers(3)],
        "batch_size": size,
        "optimizer": "momentum",
        "keys": np.arange(many, dtype=np.uint64),
        "parameters": random.normal(size=(many, SIZE)).astype(dtype),
        "moments": np.zeros((many, 1, SIZE), dtype),
        "columns": columns,
        "folds": [np.arange(j, j + 30) for j in range(many)],
        "factors": [np.ones(3 * -(-30 // size)) if j % 2 else None for j in range(many)],
        "losses": [np.zeros(3) for _ in range(many)],
        "seconds": [np.zeros(3) for _ in range(many)],
    }


def optimized(dtype: str) -> Any:
    opened = session(dtype)
    opened.set_optimizer("adam", (0.9, 0.999, 1e-8, 0.0))
    return opened


def predictor(dtype: str) -> Any:
    vector = np.random.default_rng(1).normal(size=SIZE).astype(dtype)
    return core.Predictor(LAYERS, vector, [0.0] * 4, [2.0] * 4, dtype)


def steps(random: Any, dtype: str) -> dict[str, Any]:
    rule = ("shuffle", int(random.integers(9))), np.asarray(random.integers(0, COUNT, 20))
    return {
        "order": rule[random.integers(2)],
        "first_step": int(random.integers(30)),
        "rates": np.full(int(random.integers(40)), 0.01),
        "l1": 0.001,
        "l2": 0.01,
        "scale": 1.0,
        "clock": 3,
    }


def one_call(name: str) -> Callable[..., Any]:
    """A method's answer and the numbers behind it."""
    return lambda of, **given: (getattr(of, name)(**given), of.parameters())


def whole_slice(of: Any, **given: Any) -> Any:
    of.run_epochs(**given)
    return of.report()[:8], of.parameters(), of.go_back(), of.parameters()


CALLS = {
    "set_parameters": Call(
        session, one_call("set_parameters"), lambda r, t: {"vector": r.normal(size=SIZE).astype(t)}
    ),
    "set_optimizer": Call(
        session,
        one_call("set_optimizer"),
        lambda r, t: {"name": "adam", "numbers": (0.9, 0.99, 0.1, 0.0)},
    ),
    "set_moments": Call(
        optimized,
        lambda of, **given: (of.set_moments(**given), of.moments()),
        lambda r, t: {"moments": r.normal(size=(2, SIZE)).astype(t)},
    ),
    "bind": Call(
        session,
        lambda of, **given: (
            of.bind(**given),
            of.run(("replacement", 1), 0, 3, np.full(9, 0.1)),
            of.parameters(),
        ),
        rows,
    ),
    "run": Call(
        session,
        one_call("run"),
        lambda r, t: {**steps(r, t), "batch_size": int(r.integers(1, 9)), "carried": 0.0},
    ),
    "trace": Call(session, one_call("trace"), steps),
    "judge": Call(
        planned,
        lambda of, **given: (
            of.judge(**given),
            of.run_epochs((0, 0, 0.0, 0.0), STANDING, (20, 3, 1e9), None, True),
            of.report()[:8],
        ),
        lambda r, t: {**rows(r, t), "score": "largest", "middle": 0.5, "n": 50.0},
    ),
    "plan_epochs": Call(
        session,
        lambda of, **given: (
            of.plan_epochs(**given),
            of.run_epochs((0, 0, 0.0, 0.0), STANDING, (40, 3, 1e9), None, True),
            of.report()[:8],
        ),
        lambda r, t: {
            "order": ("shuffle", 3),
            "batch_size": int(r.integers(1, 9)),
            "l1": 0.0,
            "l2": 0.0,
            "scale": 1.0,
            "clock": 0,
            "objective": (50.0, 0.1, 0.1),
            "rules": RULES,
        },
    ),
    "run_epochs": Call(
        planned,
        whole_slice,
        lambda r, t: {
            "place": (2, int(r.integers(8)), 0.0, 0.0),
            "standing": STANDING,
            "limits": (30, 3, 1e9),
            "factors": (None, np.ones(30))[r.integers(2)],
            "judge": True,
        },
    ),
    "predict": Call(session, one_call("predict"), lambda r, t: {"X": rows(r, t)["X"]}),
    "loss": Call(session, one_call("loss"), rows),
    "loss_gradient": Call(session, one_call("loss_gradient"), rows),
    "lanes.bind": Call(
        lanes,
        lambda of, **given: (
            of.bind(**given),
            of.run(**lane_arguments(np.random.default_rng(0), bits(given["D"])[0][1:])),
        ),
        lambda r, t: dict(zip(("X", "D", "sample_weight"), data(r, t), strict=True)),
    ),
    "lanes.run": Call(
        lanes,
        lambda of, **given: (of.run(**given), of.parameters(), of.moments(), of.columns()),
        lane_arguments,
    ),
    "outputs": Call(
        predictor,
        lambda of, **given: of.outputs(**given),
        lambda r, t: {"X": data(r, t)[0], "out": (None, np.zeros((COUNT, 3), t))[r.integers(2)]},
    ),
    "first": Call(
        predictor,
        lambda of, **given: of.first(**given),
        lambda r, t: {"X": data(r, t)[0], "out": (None, np.zeros(COUNT, t))[r.integers(2)]},
    ),
    "choose": Call(
        predictor,
        lambda of, **given: of.choose(**given),
        lambda r, t: {"X": data(r, t)[0][r.integers(COUNT)].tolist(), "middle": 0.5},
    ),
    "Session": Call(
        lambda dtype: core,
        lambda of, **given: of.Session(**given).parameters(),
        lambda r, t: {
            "layers": LAYERS, "loss": "log_loss", "loss_parameter": 0.0, "dtype": t, "n_threads": 1
        },
    ),
    "Lanes": Call(
        lambda dtype: core,
        lambda of, **given: of.Lanes(**given).columns(),
        lambda r, t: {
            "layers": LAYERS, "loss": "log_loss", "loss_parameter": 0.0, "dtype": t, "n_threads": 1
        },
    ),
    "Predictor": Call(
        lambda dtype: core,
        lambda of, **given: of.Predictor(**given).outputs([1.0, 2, 3, 4]),
        lambda r, t: {
            "layers": LAYERS,
            "parameters": r.normal(size=SIZE).astype(t),
            "center": [0.0] * 4,
            "scale": [1.0] * 4,
            "dtype": t,
        },
    ),
    "words": Call(
        lambda dtype: core,
        lambda of, **given: of.words(**given),
        lambda r, t: {"key": 1, "stream": 2, "epoch": 3, "start": 4, "count": 5},
    ),
    "order": Call(
        lambda dtype: core,
        lambda of, **given: of.order(**given),
        lambda r, t: {"kind": "shuffle", "key": 1, "epoch": 2, "n": 30},
    ),
    "activation": Call(
        lambda dtype: core,
        lambda of, **given: of.activation(**given),
        lambda r, t: {"name": "gelu", "parameter": 1.0, "z": r.normal(size=50).astype(t)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", CALLS)
def test_a_call_is_refused_or_right(name: str, dtype: str) -> None:
    call, refused, done = CALLS[name], 0, 0
    for seed in range(60):
        random = np.random.default_rng([7, seed])
        given = call.arguments(random, dtype)
        copies = call.arguments(np.random.default_rng([7, seed]), dtype)
        wanted = bits(call.of(call.made(dtype), **copies))
        for key in random.permutation(list(given))[: random.integers(1, 3)]:
            given[key] = changed(random, given[key])
        of = call.made(dtype)
        once = used_up(given)
        copies = plain(given)
        try:
            found = bits(call.of(of, **given))
        except REFUSALS:
            refused += 1
            again = call.arguments(np.random.default_rng([7, seed]), dtype)
            if not name.startswith(("set_", "lanes", "judge", "plan")):  # which may be half done
                assert bits(call.of(of, **again)) == wanted, given
            continue
        if found == "None":  # a predictor's word for what it does not take as it is
            refused += 1
            continue
        done += 1
        if not once:
            assert found == bits(call.of(call.made(dtype), **copies)), given
    assert refused > 0
    assert done > 0


# ---------------------------------------------------------------- memory that others lend


def test_a_lender_is_not_let_go_of() -> None:
    """What is lent may be nobody else's, and stays lent for as long as the core works on it."""
    X, D, weight = data(np.random.default_rng(4), "float64")
    wanted, lent = session("float64"), session("float64")
    wanted.bind(X, D, weight)
    lent.bind(Lender(X), D.copy().__dlpack__(), Lender(weight))
    litter = [np.full(a.shape, np.nan) for a in (X, D, weight) for _ in range(20)]
    for of in (wanted, lent):
        of.run(("shuffle", 1), 0, 5, np.full(30, 0.1))
    assert lent.parameters().tobytes() == wanted.parameters().tobytes()
    assert lent.loss(Lender(X), Lender(D)) == wanted.loss(X, D)
    assert len(litter) == 60


def at_an_odd_address(a: np.ndarray) -> np.ndarray:
    return np.frombuffer(b"\0" + a.tobytes(), np.uint8)[1:].view(a.dtype).reshape(a.shape)


def test_numbers_at_odd_addresses() -> None:
    """The core refuses them; what the user hands over is copied before."""
    X, D, weight = data(np.random.default_rng(4), "float64")
    odd = [at_an_odd_address(a) for a in (X, D, weight)]
    for arguments in ((odd[0], D, weight), (X, odd[1], weight), (X, D, odd[2])):
        with pytest.raises(ValueError, match="at an address that is a multiple of its numbers"):
            session("float64").bind(*arguments)
    network = dr.Network((4, 9, 3), ("tanh", "softmax"), "log_loss")
    plan, start = dr.TrainingPlan(max_epochs=2), dr.initialize(network, 1)
    wanted, found = (
        dr.train(network, start, *rows[:2], plan, sample_weight=rows[2], engine="compiled")
        for rows in ((X, D, weight), odd)
    )
    assert found.parameters.vector.tobytes() == wanted.parameters.vector.tobytes()
    model = dr.MLPRegressor(max_iter=2, random_state=0, engine="compiled")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        coefficients = model.fit(X, D, sample_weight=weight).coefs_[0].copy()
        again = model.fit(odd[0], odd[1], sample_weight=odd[2]).coefs_[0]
    assert again.tobytes() == coefficients.tobytes()
    assert model.predict(odd[0]).tobytes() == model.predict(X).tobytes()


def test_bound_memory_is_not_resized() -> None:
    X, D, _ = data(np.random.default_rng(4), "float64")
    weight = array.array("d", [1.0] * COUNT)
    opened = session("float64")
    opened.bind(X, D, weight)
    with pytest.raises(BufferError):
        weight.extend([1.0] * 100_000)
    opened.bind(X, D)
    weight.extend([1.0])


def test_results_that_no_memory_holds() -> None:
    """2**58 rows that are one take no memory; their results have 2**64 numbers."""
    layers = [(1, 64, "identity", 0.0, False)]
    predictor = core.Predictor(layers, np.ones(64, np.float32), dtype="float32")
    X = np.broadcast_to(np.float32(1), (2**58, 1))
    for call in (predictor.outputs, predictor.first, predictor.choose):
        with pytest.raises(MemoryError):
            call(X)


@pytest.mark.parametrize(
    ("step", "right"), [(7, True), (8, True), (9, False), (49, False), (-1, False)]
)
def test_a_slice_begins_inside_an_epoch(step: int, right: bool) -> None:
    """50 rows in batches of 7 are 8 steps; at its end it is left to be judged."""
    opened = planned("float64")
    arguments = ((0, step, 0.0, 0.0), STANDING, (30, 3, 1e9), np.ones(30), True)
    if right:
        opened.run_epochs(*arguments)
        return
    with pytest.raises(ValueError, match="a slice must begin inside an epoch"):
        opened.run_epochs(*arguments)


# ---------------------------------------------------------------- the engine


def broken_csr(random: Any, X: np.ndarray) -> sp.csr_array:
    """Sparse rows, one part of which may be anything."""
    rows = sp.csr_array(X * (X > 0))
    part = ("data", "indices", "indptr")[random.integers(3)]
    values = filled(random, getattr(rows, part))
    if random.random() < 0.3:
        values = values[: random.integers(values.size)]
    if random.random() < 0.3:
        with np.errstate(invalid="ignore"):
            values = values.astype((np.int64, np.float32, np.uint8)[random.integers(3)])
    setattr(rows, part, values)
    return rows


def test_sparse_rows_are_refused_or_right() -> None:
    """Through the engine, which sorts and sums what is not in order."""
    network = dr.Network((4, 9, 3), ("tanh", "softmax"), "log_loss")
    engine, done, vector = compiled.CompiledEngine(), 0, dr.initialize(network, 1).vector
    for seed in range(150):
        random = np.random.default_rng([8, seed])
        X, D, _ = data(random, "float64")
        rows = broken_csr(random, X)
        opened = engine.open(network, np.dtype(np.float64), 1)
        opened.load(vector)
        try:
            found = opened.predict(rows)
            opened.bind(rows, D)
            opened.run(Work(Rule("shuffle", 1), 3), 0, np.full(20, 0.1))
        except (*REFUSALS, IndexError):  # SciPy's own word for what it cannot sort
            continue
        done += 1
        opened.load(vector)
        np.testing.assert_allclose(found, opened.predict(rows.toarray()), rtol=1e-12, atol=1e-300)
    assert 20 < done < 150
