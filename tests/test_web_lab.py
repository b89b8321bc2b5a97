"""The page's own lab (web/src/wasm) answers as the server's: the same asks, the same numbers."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
import pytest
from conformance.checks import relative
from in_node import ask, needs_node
from web_lab_problems import PROBLEMS, STEPPED, Problem, Session, session_of

import deltarule as dr
from deltarule.activations import ACTIVATIONS
from deltarule.exceptions import DeltaruleError
from deltarule.losses import LOSSES
from deltarule.persistence.networks import network_record
from deltarule.playground.answers import Answers

TOLERANCE = 1e-12

#: A message that asks web/tests/lab.ts for nothing.
NOTHING: dict[str, Any] = {"desks": [], "play": None, "factors": [], "troubles": []}

#: Bounds of maps are of single precision on the server; differences are quotients of small numbers.
LOOSE = {"low": 1e-6, "high": 1e-6, "numeric": 1e-9}

#: Fields that say which engine it is, and bytes that rounding may move by one.
OWN, BYTES = ("engine", "road", "version"), ("levels",)


def server_answers(session: Session) -> list[Any]:
    """What the server's side says; a sentence where it refuses."""
    answers, heard = Answers(), []
    for name, given in session:
        try:
            answer = answers.answer({"ask": name, "given": given}, lambda done: None)
            heard.append({"answer": answer})
        except DeltaruleError as problem:
            heard.append({"problem": str(problem)})
    return heard


def page_answers(sessions: list[Session]) -> list[list[Any]]:
    """What the page's own engine says to the same, events left out."""
    desks = [
        [
            {"id": number, "ask": name, "given": given}
            for number, (name, given) in enumerate(session)
        ]
        for session in sessions
    ]
    answer = ask("lab.ts", NOTHING | {"desks": desks})["desks"]
    return [[message for message in heard if "event" not in message] for heard in answer]


def alike(got: Any, expected: Any, place: str) -> None:
    """Numbers are those expected, relative to the largest of their array, and all else is equal."""
    name = place.rpartition(".")[2]
    if isinstance(expected, dict):
        assert got.keys() == expected.keys(), place
        for field in expected.keys() - set(OWN):
            alike(got[field], expected[field], f"{place}.{field}")
    elif isinstance(expected, list | tuple):
        assert len(got) == len(expected), place
        for index, (ours, theirs) in enumerate(zip(got, expected, strict=True)):
            alike(ours, theirs, f"{place}[{index}]")
    elif name in BYTES:
        assert np.abs(got.astype(int) - expected.astype(int)).max(initial=0) <= 1, place
    elif isinstance(expected, np.ndarray | float):
        numbers_alike(np.ravel(got), np.ravel(expected), place, LOOSE.get(name, TOLERANCE))
    else:
        assert got == expected, f"{place}: {got!r} is not {expected!r}"


def numbers_alike(got: np.ndarray, expected: np.ndarray, place: str, tolerance: float) -> None:
    if "moments" in place and not expected.size and not got.any():
        return  # zeros, which the server leaves out before the first step
    assert got.shape == expected.shape, place
    known = np.isfinite(expected)
    assert np.array_equal(got[~known], expected[~known], equal_nan=True), place
    if known.any():
        error = relative(got[known], expected[known])
        assert error <= tolerance, f"{place} off by {error:.3g}"


def hold(problems: list[Any], sessions: list[Session]) -> list[list[Any]]:
    """Ask both and compare; returns what the page's own engine says."""
    answers = page_answers(sessions)
    for problem, session, got in zip(problems, sessions, answers, strict=True):
        expected = server_answers(session)
        assert len(got) == len(expected)
        for number, ((name, _), ours, theirs) in enumerate(
            zip(session, got, expected, strict=True)
        ):
            said = {kind: value for kind, value in ours.items() if kind != "id"}
            alike(said, theirs, f"{problem}: {number} {name}")
    return answers


@needs_node
def test_the_same_asks_have_the_same_answers():
    hold(PROBLEMS, [session_of(problem) for problem in PROBLEMS])


@needs_node
@pytest.mark.parametrize("problem", STEPPED, ids=str)
def test_a_step_by_hand_is_what_its_trace_showed_bit_for_bit(problem):
    """With L2 the last bit of a step depends on its place of the epoch."""
    look = ("trace", {"x": None, "d": None, "numeric": False})
    session: Session = [("open", problem.opening()), look]
    for count in (1, 1, 1, 5, 1, 1, 20, 1, 1) * 4:
        session += [("advance", {"unit": "step", "count": count}), look]
    (got,) = hold([problem], [session])
    shown = got[1]["answer"]
    for (name, given), told in zip(session[2:], got[2:], strict=True):
        if name == "trace":
            shown = told["answer"]
        elif given["count"] == 1:
            state = told["answer"]["state"]
            assert state["vector"].tobytes() == shown["after"].tobytes(), state["step"]
            assert state["moments"].tobytes() == shown["moments_after"].tobytes(), state["step"]


@needs_node
def test_every_option_of_the_library_is_known():
    problem = PROBLEMS[0]
    left_out = ("ascending", "lbfgs")  # targets in a group, and a solver that takes no steps
    go = ("advance", {"unit": "step", "count": 3})
    sessions: list[Session] = []
    for field, family in (
        ("optimizer", dr.optimizers.OPTIMIZERS),
        ("schedule", dr.schedules.SCHEDULES),
        ("penalty", dr.penalties.PENALTIES),
    ):
        for name in family.table.keys() - set(left_out):
            record = family.table[name]().record()
            sessions.append([("open", problem.opening(plan=problem.plan | {field: record})), go])
    for name in ACTIVATIONS.table.keys() - set(left_out):
        shown = dataclasses.replace(problem, activations=(name, name))
        sessions.append([("open", shown.opening()), go])
    for name in LOSSES.table:
        last = {"log_loss": "logistic", "poisson": "exp", "perceptron": "sign"}.get(name, "tanh")
        shown = dataclasses.replace(problem, activations=("tanh", last), loss=name)
        sessions.append([("open", shown.opening()), go])
    hold([session[0][1]["plan"] for session in sessions], sessions)


@needs_node
def test_first_weights_are_those_of_initialize():
    problem = PROBLEMS[3]
    records = [kind().record() for kind in dr.initializers.INITIALIZERS.table.values()]
    records += [dr.initializers.Uniform(-2.0, 0.5).record(), dr.initializers.Normal(1.5).record()]
    seeds = (0, 1, 2**53)
    session = [
        ("open", problem.opening(initializer=record, seed=seed))
        for record in records
        for seed in seeds
    ]
    (answers,) = page_answers([session])
    for (_, given), got in zip(session, answers, strict=True):
        start = dr.initialize(problem.network, given["seed"], given["initializer"]).vector
        error = relative(got["answer"]["state"]["vector"], start)
        assert error <= (1e-15 if "normal" in given["initializer"]["name"] else 0.0), given


SCHEDULES: list[Any] = [
    dr.InvScaling(power=0.5),
    dr.InvScaling(power=0.37, per="epoch"),
    dr.schedules.Step(every=3, factor=0.7),
    dr.Cosine(),
    dr.Cosine(warmup=0.15, end=0.05),
    dr.Cosine(total_epochs=4),
    dr.CyclicCosine(),
    dr.CyclicCosine(cycles=2, total_epochs=9),
    dr.OneCycle(),
    dr.OneCycle(peak_at=0.6, start=0.3, end=0.01, total_epochs=9),
]


@needs_node
def test_factors_are_those_of_the_schedules():
    places = [(0, 0, 0), (0, 6, 0), (1, 0, 0), (5, 3, 2), (11, 6, 100), (12, 0, 0), (50, 1, -30)]
    asked, expected = [], []
    for schedule in SCHEDULES:
        for epoch, into, offset in places:
            step = offset + epoch * 7 + into
            clock = {"step": step, "epoch": epoch, "into": into, "stepsPerEpoch": 7, "rows": 20}
            asked.append(
                {"schedule": schedule.record(), "clock": clock | {"horizon": 12}, "count": 100}
            )
            total = offset + (schedule.total_epochs or 12) * 7
            expected.append(
                schedule.factors(dr.schedules.Clock(step, epoch, 7, 20, total, into), 100)
            )
    found = ask("lab.ts", NOTHING | {"factors": asked})["factors"]
    for given, got, right in zip(asked, found, expected, strict=True):
        # Another library's cosine and power; a cosine near 0 is small beside the numbers it is of.
        # A last bit of a logarithm from 2 to 4 is 4.4e-16, times π in the factor.
        bound = 1.5e-15 if given["schedule"]["name"] == "cyclic_cosine" else 4e-16
        assert np.abs(got - right).max() <= bound * max(right.max(), 0.25), given
    steady = [{**asked[0], "schedule": kind().record()} for kind in (dr.Constant, dr.Adaptive)]
    assert ask("lab.ts", NOTHING | {"factors": steady})["factors"] == [None, None]


@needs_node
def test_curves_of_many_epochs_are_thinned_alike():
    problem = dataclasses.replace(PROBLEMS[0], rows=4, rate=0.5)
    advances = [("advance", {"unit": "epoch", "count": count}) for count in (300, 1, 700, 2000)]
    hold([problem], [[("open", problem.opening()), *advances]])


@needs_node
def test_a_training_goes_on_from_a_state():
    sessions = []
    for problem in (PROBLEMS[3], PROBLEMS[6]):
        begin = [("open", problem.opening()), ("advance", {"unit": "step", "count": 9})]
        state = server_answers(begin)[-1]["answer"]["state"]
        other = problem.plan | {"batch_size": 5}
        another = {**state, "moments": np.ones(3)}
        go = [("advance", {"unit": "step", "count": 3}), ("advance", {"unit": "epoch", "count": 2})]
        sessions += [
            [("open", problem.opening(start=state)), *go],
            [("open", problem.opening(start=state, plan=other)), *go],
            [("open", problem.opening(start=another)), *go],
        ]
    hold([f"state {number}" for number in range(6)], sessions)


@needs_node
def test_numbers_that_run_away_are_told_of():
    problem = Problem((2, 3, 1), ("softplus", "identity"), rate=1e9, sampling="shuffle")
    one = ("advance", {"unit": "step", "count": 1})
    session: Session = [
        ("open", problem.opening()), one, ("advance", {"unit": "epoch", "count": 50}), ("back", {}),
    ]  # fmt: skip
    (got,) = page_answers([session])
    expected = server_answers(session)
    wild, there, calm = got[2]["answer"], expected[2]["answer"], got[3]["answer"]
    assert wild["stopped"] == there["stopped"]
    assert wild["stopped"]["reason"] == "non_finite"
    assert wild["stopped"]["sentence"].startswith("The numbers ran away in epoch 0: ")
    assert calm["stopped"] is None
    alike(calm["state"], expected[3]["answer"]["state"], "back")
    assert np.isfinite(calm["state"]["vector"]).all()


@needs_node
def test_a_plateau_makes_the_steps_smaller_and_ends_the_training():
    schedule = dr.Adaptive(divisor=10.0, smallest=1e-4)
    problem = Problem((2, 2, 1), ("tanh", "identity"), schedule=schedule, rate=0.01)
    session: Session = [
        ("open", problem.opening()), *[("advance", {"unit": "epoch", "count": 400})] * 2,
    ]  # fmt: skip
    (answers,) = hold([problem], [session])
    assert answers[-1]["answer"]["stopped"]["reason"] == "step_too_small"


@needs_node
@pytest.mark.parametrize(
    "change",
    [{"learning_rate_init": 0.1}, {"max_epochs": 99}, {"schedule": dr.Constant().record()}],
    ids=lambda change: next(iter(change)),
)
def test_what_a_plateau_ended_goes_on_with_another_plan(change):
    schedule = dr.Adaptive(divisor=10.0, smallest=1e-4)
    problem = Problem((2, 2, 1), ("tanh", "identity"), schedule=schedule, rate=0.01)
    epochs, plan = ("advance", {"unit": "epoch", "count": 3}), problem.plan
    session: Session = [
        ("open", problem.opening()), *[("advance", {"unit": "epoch", "count": 400})] * 2,
        ("plan", {"plan": plan}), epochs, ("plan", {"plan": plan | change}), epochs,
    ]  # fmt: skip
    (answers,) = hold([problem], [session])
    stopped = [told["answer"]["stopped"] is not None for told in answers[2:]]
    assert stopped == [True, True, True, False, False]
    states = [told["answer"]["state"] for told in answers[2:]]
    assert [state["step"] - states[0]["step"] for state in states] == [0, 0, 0, 0, 3 * 23]
    assert states[-1]["rate_factor"] == 1.0


@needs_node
def test_numbers_that_ran_away_are_no_better_for_another_plan():
    problem = Problem((2, 3, 1), ("softplus", "identity"), rate=1e9, sampling="shuffle")
    step = ("advance", {"unit": "step", "count": 1})
    session: Session = [
        ("open", problem.opening()), ("advance", {"unit": "epoch", "count": 50}),
        ("plan", {"plan": problem.plan | {"learning_rate_init": 0.01}}), step, ("back", {}), step,
    ]  # fmt: skip
    (got,) = page_answers([session])
    expected = server_answers(session)
    for ours, theirs in zip(got[1:4], expected[1:4], strict=True):
        assert ours["answer"]["stopped"] == theirs["answer"]["stopped"]
        assert ours["answer"]["stopped"]["reason"] == "non_finite"
    # Back to the last finite numbers, whatever was tried meanwhile.
    alike(got[4]["answer"], expected[4]["answer"], "back")
    alike(got[5]["answer"], expected[5]["answer"], "and on")
    assert got[5]["answer"]["stopped"] is None
    assert np.isfinite(got[5]["answer"]["state"]["vector"]).all()


@needs_node
def test_runs_that_run_away_keep_their_last_finite_weights():
    problem = Problem((2, 3, 1), ("softplus", "identity"), rate=0.05)
    run = {
        "initializer": {"name": "auto"},
        "start": None,
        "train": problem.drawn(9, 4),
        "from": None,
    }
    wild = problem.plan | {"learning_rate_init": 1e3}
    runs = [run | {"plan": plan, "seed": seed} for plan in (problem.plan, wild) for seed in (1, 2)]
    session: Session = [
        ("open", problem.opening()), ("runs", {"runs": runs, "epochs": 300, "keep": 301}),
    ]  # fmt: skip
    ((_, answer),) = hold([problem], [session])
    found = answer["answer"]["runs"]
    assert [np.isnan(done["objective"]) for done in found] == [False, False, True, True]
    assert all(np.isfinite(done["vector"]).all() for done in found)
    assert [done["epochs"] for done in found[:2]] == [300, 300]


def bad(problem: Problem, path: str, value: Any) -> tuple[str, dict[str, Any]]:
    """An opening with one entry changed."""
    given = problem.opening()
    *inner, last = path.split(".")
    place: Any = given
    for name in inner:
        if isinstance(place[name], dict):
            place[name] = dict(place[name])
        place = place[name]
    place[last] = value
    return "open", given


BAD = [
    bad(PROBLEMS[0], path, value)
    for path, value in (
        ("plan.learning_rate_init", 0.0),
        ("plan.learning_rate_init", np.nan),
        ("plan.batch_size", 0),
        ("plan.batch_size", 1.5),
        ("plan.sampling", "random"),
        ("plan.key", -1),
        ("plan.optimizer", {"name": "lbfgs", "max_fun": 1, "memory": 1}),
        ("plan.schedule", {"name": "cosinee"}),
        ("plan.optimizer", {"name": "momentum"}),
        ("plan.optimizer", {"name": "momentum", "momentum": 0.5, "speed": 1}),
        ("plan.optimizer", {"name": "momentum", "momentum": 1.5}),
        ("plan.optimizer", 7),
        ("plan.schedule", {"name": "step", "every": 0, "factor": 0.5}),
        ("plan.schedule", {"name": "invscaling", "power": 0.5, "per": "row"}),
        ("plan.schedule", {"name": "adaptive", "divisor": 1, "smallest": 0.0}),
        ("plan.penalty", {"name": "l2", "strength": -1}),
        ("initializer", {"name": "uniform", "low": 2.5, "high": 1.5}),
        ("seed", -1),
        ("train.X", np.zeros(5)),
        ("train.X", np.full(46, np.inf)),
        ("train.D", np.zeros(5)),
        ("train", None),
        ("held", 3),
        ("network.layers", []),
        ("start", {}),
    )
] + [
    bad(PROBLEMS[1], "train.D", np.zeros(23)),
    bad(PROBLEMS[3], "train.D", np.zeros(69)),
    bad(PROBLEMS[3], "train.D", np.full(69, -0.5)),
    bad(PROBLEMS[5], "train.D", np.full(23, -0.5)),
    ("advance", {"unit": "step", "count": 0}),
    ("advance", {"unit": "hour", "count": 1}),
    ("advance", {"unit": "step"}),
    ("play", {"steps_per_second": 0}),
    ("set", {"vector": np.zeros(3)}),
    ("set", {"vector": np.full(13, np.nan)}),
    ("trace", {"x": np.zeros(3), "d": np.zeros(1), "numeric": False}),
    ("trace", {"x": None, "d": None, "numeric": 1}),
    ("look", {"X": np.zeros(3), "layers": True}),
    ("watch", {"X": np.zeros(2 * 40_001), "layers": True}),
    ("watch", {"X": None, "layers": 1}),
    ("factors", {"points": 1}),
    ("judge", {"held": None}),
    ("surface", {"origin": np.zeros(13), "first": np.zeros(13), "second": None,
                 "u": [0, 1, 201], "v": [0, 1, 201]}),
    ("surface", {"origin": np.zeros(13), "first": np.zeros(13), "second": None,
                 "u": 3, "v": [0, 1, 2]}),
    ("runs", {"runs": [], "epochs": 3, "keep": 2}),
    ("live", {}),
]  # fmt: skip

#: Sentences of which the page's own engine has its own.
OWN_WORDS = ("network must", "network.layers must", "ask must be")


def in_javascript(sentence: str) -> str:
    """A sentence with the values that came as JavaScript writes them."""
    sentence = re.sub(r"(\d)\.0\b", r"\1", sentence)
    for python, javascript in (("got nan", "got NaN"), ("got None", "got null")):
        sentence = sentence.replace(python, javascript)
    return sentence


@needs_node
def test_what_does_not_fit_is_refused_and_nothing_has_happened():
    look = ("pause", {})
    session = [("open", PROBLEMS[0].opening()), look, *BAD, look]
    (got,) = page_answers([session])
    expected = server_answers(session)
    for ask_, ours, theirs in zip(session[2:-1], got[2:-1], expected[2:-1], strict=True):
        assert "problem" in ours, ask_
        assert "problem" in theirs, ask_
        if not ours["problem"].startswith(OWN_WORDS):
            assert ours["problem"] == in_javascript(theirs["problem"])
    alike(got[-1]["answer"], got[1]["answer"], "afterwards")


@needs_node
def test_nothing_can_be_asked_before_an_opening():
    (got,) = page_answers([[("pause", {}), ("hello", {})]])
    assert got[0]["problem"] == "No training is open yet. Ask for 'open' first."
    assert got[1]["answer"]["engine"] == "wasm"
    assert got[1]["answer"]["can"] == ["train"]


LEFT_TO_THE_SERVER = [
    ({"layers": [dr.layers.Dropout(2, 2, 0.5).record()], "heads": []},
     "network.layers[0] must be a dense layer on a page without a server (got 'dropout')."),
    ({"layers": [dr.Dense(2, 2, weight_rate_factor=0.5).record()], "heads": []},
     ("network.layers[0].weight_rate_factor must be left out on a page without a server "
      "(got 0.5).")),
    (network_record(dr.Network((2, 2), "identity")) | {"heads": []},
     "network.heads must be one head on a page without a server (got [])."),
]  # fmt: skip


@needs_node
def test_what_only_the_server_knows_is_said():
    problem = PROBLEMS[0]
    clipped = dr.SGD(clip_norm=1.0).record()
    session = [bad(problem, "network", record) for record, _ in LEFT_TO_THE_SERVER]
    session.append(bad(problem, "plan.optimizer", clipped))
    sentences = [sentence for _, sentence in LEFT_TO_THE_SERVER]
    sentences.append(
        "open.plan.optimizer: clip_norm must be null on a page without a server (got 1)."
    )
    (got,) = page_answers([session])
    told = [answer["problem"].partition(" Open ")[0] for answer in got]
    assert told == sentences


# ------------------------------------------------------------------ while it plays


def play(problem: Problem, pace: float | None, frames: int) -> list[Any]:
    """All that is heard of a training until so many frames have come."""
    X = np.random.default_rng(0).normal(size=(9, problem.units[0])).ravel()
    asks = [
        ("open", problem.opening()),
        ("watch", {"X": X, "layers": True}),
        ("play", {"steps_per_second": pace}),
    ]
    told = [
        {"id": number, "ask": name, "given": given} for number, (name, given) in enumerate(asks)
    ]
    answer = ask("lab.ts", NOTHING | {"play": {"asks": told, "frames": frames}})
    return answer["played"]


@needs_node
@pytest.mark.parametrize("pace", [None, 2000.0])
def test_frames_show_the_training_as_it_goes(pace):
    problem = PROBLEMS[3]
    heard = play(problem, pace, 12)
    frames = [message["told"] for message in heard if message.get("event") == "frame"]
    assert len(frames) == 12
    steps = [frame["state"]["step"] for frame in frames]
    assert steps == sorted(set(steps))
    assert all(frame["maps"]["levels"].size == 9 * (5 + 4 + 3) for frame in frames)
    measured = [np.isfinite(frame["measures"]["objective"]) for frame in frames]
    assert measured[0]  # and then no more than ten times a second
    epochs = np.concatenate([frame["curve"]["epoch"] for frame in frames])
    assert (np.diff(epochs) > 0).all()
    paused = heard[-1]["answer"]
    assert paused["state"]["step"] == steps[-1]
    assert paused["behind"] == 1
    # What was played is what is reached by hand.
    session: Session = [("open", problem.opening())]
    left = steps[-1]
    while left:
        session.append(("advance", {"unit": "step", "count": min(left, 100_000)}))
        left -= session[-1][1]["count"]
    (got,) = page_answers([session])
    vector = got[-1]["answer"]["state"]["vector"]
    assert vector.tobytes() == frames[-1]["state"]["vector"].tobytes()


@needs_node
def test_a_training_that_runs_away_stops_playing():
    problem = Problem((2, 3, 1), ("softplus", "identity"), rate=1e9, sampling="shuffle")
    frames = [message for message in play(problem, None, 500) if message.get("event") == "frame"]
    frame = frames[-1]["told"]
    assert frame["stopped"]["reason"] == "non_finite"
    assert frame["behind"] == 2


@needs_node
def test_an_error_is_said_and_ends_nothing():
    opening = {"id": 0, "ask": "open", "given": PROBLEMS[0].opening()}
    opened, *heard, paused = ask("lab.ts", NOTHING | {"troubles": [opening]})["troubled"]
    defect = (
        "Something went wrong that should not have (TypeError); where the training stands is kept. "
        "Please report it, with what you did last."
    )
    memory = "There is not enough memory for that. Ask for less."
    said = [message.get("problem") or message.get("told", {}).get("sentence") for message in heard]
    # Of the ask, and then of the slice after the answer to play.
    planted = (defect, "No memory.", memory)
    assert said == [word for sentence in planted for word in (sentence, None, sentence)]
    assert [m["event"] for m in heard if "event" in m] == ["trouble"] * 3
    alike(paused["answer"]["state"], opened["answer"]["state"], "where it stands")
