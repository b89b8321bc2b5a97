"""The core's learner at its border: what is no row is left alone, what is wrong has a sentence."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

core = pytest.importorskip("deltarule._core", reason="the compiled core is not installed")

LAYERS = [(3, 4, "relu", 0.0, True), (4, 2, "identity", 0.0, True)]
RIGHT: dict[str, Any] = {
    "epoch": 0,
    "standing": (1.0, np.inf, -np.inf, 0),
    "inputs": ([], []),
    "targets": ([], []),
    "classes": None,
    "table": None,
    "labels": None,
    "weights": None,
    "factors": None,
}
X, D = np.array([[0.5, -1.0, 2.0]]), np.array([[1.0, -1.0]])


def session(dtype: str = "float64", planned: bool = True) -> Any:
    made = core.Session(LAYERS, "squared_error", 0.0, dtype)
    made.set_parameters(np.linspace(-0.5, 0.5, 26).astype(dtype))
    made.bind(X.astype(dtype), D.astype(dtype))
    if planned:
        rules = (False, 0.0, -1, 0.1, False, 1.0, 0.0, False)
        made.plan_epochs(("sequential", 0), 1, 0.0, 0.0, 1.0, 0, (1.0, 0.0, 0.0), rules)
    return made


SCALING = "center and scale must both have one number for each column, or none."
TABLE = "table must have the shape (any, 2) (got (1, 1))."
SENTENCES = [
    ({"epoch": -1}, "epoch must be from 0 to 2**61."),
    ({"inputs": ([1.0], [1.0])}, SCALING),
    ({"targets": ([1.0, 2.0], [1.0])}, SCALING),
    ({"classes": [1], "table": D}, "classes must be a dict or None."),
    ({"classes": {1: 0}, "table": D[:, :1]}, TABLE),
    (
        {"classes": {1: 0}, "table": D, "weights": np.ones(2)},
        "weights must have the shape (1) (got (2)).",
    ),
    (
        {"labels": (0.0, 1.0), "weights": np.ones(2)},
        "weights must have the shape (2, 2) (got (2)).",
    ),
    ({"repeats": 3}, "repeats must divide the outputs."),
    ({"repeats": 0}, "repeats must divide the outputs."),
    ({"repeats": 2, "labels": (0.0, 1.0)}, "repeats are of numbers, not of labels or classes."),
    (
        {"repeats": 2, "classes": {1: 0}, "table": D},
        "repeats are of numbers, not of labels or classes.",
    ),
]


@pytest.mark.parametrize(("changed", "sentence"), SENTENCES)
def test_a_learner_that_cannot_be(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        session().learner(**RIGHT | changed)
    assert str(caught.value) == sentence


def test_sentences_of_calls() -> None:
    with pytest.raises(ValueError, match=r"^plan the epochs before a learner\.$"):
        session(planned=False).learner(**RIGHT)
    learner = session().learner(**RIGHT | {"factors": lambda epoch: np.empty(0)})
    with pytest.raises(ValueError, match=r"^a schedule must give at least one factor\.$"):
        learner.step(X[0], D[0], 1.0)
    learner = session().learner(**RIGHT)
    with pytest.raises(ValueError, match=r"^weight must be a finite number of at least 0\.$"):
        learner.step_on(X, D, -1.0)
    with pytest.raises(ValueError, match=r"^X must have the shape \(1, 3\) \(got \(1, 2\)\)\.$"):
        learner.step_on(X[:, :2], D, 1.0)
    assert learner.stood()[0] == 0


def odd_address(row: np.ndarray) -> np.ndarray:
    return np.frombuffer(bytes(1) + row.tobytes(), dtype=row.dtype, offset=1)


STRANGE = [
    *(None, "abc", 3, 3.0, b"123456781234567812345678", {1: 2}, object(), [], (), [1], [[1], 2]),
    *([1.0, 2.0, None], ["1", "2", "3"], [1.0, 2.0, 10**400], [1.0, 2.0, np.float32(3)]),
    *(X, X[0][:1], X[0].reshape(3, 1), np.float64(2), np.zeros(()), np.zeros(0), np.zeros((3, 0))),
    *(X[0].astype(kind) for kind in ("f2", "g", ">i4", "c16", "O", "S4", ">f8")),
    *(odd_address(X[0]), np.array([1.0, np.nan, 2.0]), [1.0, np.inf, 2.0], np.full(3, -np.inf)),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_no_row_is_left_alone(dtype: str) -> None:
    made = session(dtype)
    learner = made.learner(**RIGHT)
    before = made.parameters()
    for strange in STRANGE:
        assert learner.step(strange, D[0], 1.0) is None
        assert learner.step(X[0], strange, 1.0) is None
    for weight in (None, "1", np.nan, -1, np.float32(1), [1.0], 10**400):
        assert learner.step(X[0], D[0], weight) is None
    np.testing.assert_array_equal(made.parameters(), before)
    assert learner.stood()[:2] == (0, 0.0)
    assert isinstance(learner.step(X[0], D[0], True), float)
    assert learner.stood()[0] == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_row_is_the_same_in_every_form(dtype: str) -> None:
    rows = [
        *(X[0], X[0].tolist(), tuple(X[0]), X[0].astype(np.float32)),
        *(np.repeat(X[0], 2)[::2], X[0][::-1].copy()[::-1], memoryview(X[0])),
    ]
    found = [session(dtype).learner(**RIGHT).step(row, [1, -1.0], 1) for row in rows]
    assert found == [found[0]] * len(rows)


@pytest.mark.parametrize("kind", ["?", *"bhilqBHILQ"])
def test_whole_numbers_are_numbers(kind: str) -> None:
    whole, target = np.array([1, 0, 1], dtype=kind), np.array([0, 1], dtype=kind)
    wanted = session().learner(**RIGHT).step([1.0, 0.0, 1.0], [0.0, 1.0], 1.0)
    assert session().learner(**RIGHT).step(whole, target, 1.0) == wanted
    assert session().learner(**RIGHT).step(whole[::-1], np.repeat(target, 2)[::2], 1.0) == wanted
    labels = RIGHT | {"labels": (0.0, 1.0)}
    assert session().learner(**labels).step(whole, target, 1.0) == wanted


def test_what_is_neither_0_nor_1_is_true() -> None:
    strange = np.array([2, 0, 255], dtype=np.uint8).view(bool)
    wanted = session().learner(**RIGHT).step([1.0, 0.0, 1.0], D[0], 1.0)
    assert session().learner(**RIGHT).step(strange, D[0], 1.0) == wanted


@pytest.mark.parametrize("text", [b"abc", bytearray(b"abc")])
def test_bytes_are_no_numbers(text: bytes) -> None:
    learner = session().learner(**RIGHT)
    assert learner.step(text, D[0], 1.0) is None
    assert learner.step(X[0], text[:2], 1.0) is None
    assert learner.stood()[0] == 0


def test_a_number_is_repeated_for_its_outputs() -> None:
    wanted = session().learner(**RIGHT).step(X[0], [0.5, 0.5], 1.0)
    for number in (0.5, np.float64(0.5), [0.5], np.array([0.5]), np.array(0.5)):
        assert session().learner(**RIGHT | {"repeats": 2}).step(X[0], number, 1.0) == wanted
    assert session().learner(**RIGHT | {"repeats": 2}).step(X[0], [0.5, 0.5], 1.0) is None


def test_classes_are_looked_up() -> None:
    class Loud:
        def __hash__(self) -> int:
            return hash("yes")

        def __eq__(self, other: object) -> bool:
            raise OSError("heard by nobody")

    table = np.array([[1.0, 0.0], [0.0, 1.0]])
    known = {"no": 0, "yes": 1, "lost": 7, 2: "x", 3: -1, 4: None, 5: 2**70, 6: 1.0}
    learner = session().learner(**RIGHT | {"classes": known, "table": table})
    for target in ("maybe", None, [], Loud(), "lost", np.zeros(2), 2, 3, 4, 5, 6):
        assert learner.step(X[0], target, 1.0) is None
    wanted = session().learner(**RIGHT).step(X[0], table[1], 1.0)
    assert learner.step(X[0], "yes", 1.0) == wanted


def test_a_session_outlives_its_learner_and_a_learner_its_session() -> None:
    made = session()
    learner = made.learner(**RIGHT)
    learner.step(X[0], D[0], 1.0)
    del learner
    gc.collect()
    with pytest.raises(ValueError, match=r"^bind the training rows before a run\.$"):
        made.run(np.zeros(1, dtype=np.int64), 0, 1, np.array([0.1]))
    first, second = made.learner(**RIGHT), made.learner(**RIGHT)
    predict = first.predictor("identity")
    del made, second
    gc.collect()
    before = predict.outputs(X[0])
    assert isinstance(first.step(X[0], D[0], 1.0), float)
    del first
    gc.collect()
    assert (predict.outputs(X[0]) != before).any()


def test_the_collector_finds_a_schedule_that_knows_its_learner() -> None:
    class Schedule:
        def __call__(self, epoch: int) -> np.ndarray:
            return np.ones(4)

        def __del__(self) -> None:
            gone.append(1)

    gone: list[int] = []
    schedule: Any = Schedule()
    schedule.learner = session().learner(**RIGHT | {"factors": schedule})
    schedule.learner.step(X[0], D[0], 1.0)
    del schedule
    gc.collect()
    assert gone == [1]
