"""Ctrl-C in the middle of the compiled core: real signals to processes of their own, in work that
would take minutes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

pytest.importorskip("deltarule._core", reason="the compiled core is not installed")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals to a process as on Unix")

#: One step, one gradient or one prediction of this takes long on any machine.
SETUP = """
import os, signal, threading, time
import numpy as np
import scipy.optimize
import deltarule as dr
from deltarule import engines
from deltarule.engines.base import Rule, Work

ROWS = 4000
network = dr.Network((200, 1500, 1500, 3), ("relu", "relu", "softmax"), "log_loss")
start = dr.initialize(network, seed=1, dtype=np.float32)
X = np.random.default_rng(0).random((ROWS, 200), dtype=np.float32)
D = np.eye(3, dtype=np.float32)[np.arange(ROWS) % 3]
many = np.broadcast_to(X[:1], (1, 200)).repeat(150_000, axis=0)
classes = np.eye(3, dtype=np.float32)[np.arange(len(many)) % 3]

def opened():
    session = engines.choose("compiled", network, dr.SGD(), np.float32).open(network, np.float32, 1)
    session.load(start.vector)
    session.bind(X, D)
    return session

def press(seconds=0.3):
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)).start()
"""


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SETUP + code],
        capture_output=True,
        text=True,
        timeout=600,  # under a sanitizer these take minutes
        env={**os.environ, "DELTARULE_NUM_THREADS": "2"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


TRAININGS = {
    "one giant batch": "many, classes, dr.TrainingPlan(batch_size=2**63 - 1, max_epochs=1000)",
    "batches": "many, classes, dr.TrainingPlan(batch_size=200, max_epochs=1000)",
    "samples": "many, classes, dr.TrainingPlan(max_epochs=1000)",
    "lbfgs": "many, classes, dr.TrainingPlan(optimizer=dr.LBFGS(), max_epochs=1000)",
    "validation": (
        "X[:1], D[:1], dr.TrainingPlan(max_epochs=10**6, early_stopping=dr.EarlyStopping()), "
        "validation=dr.Validation(many, classes)"
    ),
}


@pytest.mark.parametrize("arguments", TRAININGS.values(), ids=TRAININGS)
def test_a_training_returns_what_it_reached(arguments: str) -> None:
    code = f"""
from deltarule.engines.compiled import CompiledSession

bind = CompiledSession.bind

def bind_and_press(self, *rows):
    bind(self, *rows)
    press()

CompiledSession.bind = bind_and_press  # once the work begins, however busy the machine is
result = dr.train(network, start, {arguments}, engine="compiled")
print(result.stop_reason.name, result.epochs, result.state.epoch)
history = result.history
assert len(history.loss) == len(history.seconds) == result.epochs
assert len(history.validation_loss) in (0, result.epochs)
assert np.isfinite(result.parameters.vector).all()
"""
    # No epoch of these can end within the time.
    assert run(code) == "INTERRUPTED 0 0"


CALLS = {
    "predict": "opened().predict(many)",
    "loss": "dr.objective(network, start, many, classes)",
    "gradient": "dr.gradient(network, start, many, classes)",
    "run": "opened().run(Work(Rule('shuffle', 1), 2000), 0, np.ones(100_000))",
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_call_is_left_by_the_exception(call: str) -> None:
    code = f"""
press()
try:
    {call}
except KeyboardInterrupt:
    print("left")
"""
    assert run(code) == "left"


@pytest.mark.parametrize("batch_size", [1, 50, 4000])
def test_the_parameters_are_those_after_a_whole_step(batch_size: int) -> None:
    code = f"""
work = Work(Rule("shuffle", 1), {batch_size}, dr.Adam())
cut, whole = opened(), opened()
press(0.6)
try:
    cut.run(work, 0, np.full(10**6, 1e-4))
except KeyboardInterrupt:
    reached = cut.vector()
    steps = 0
    while not np.array_equal(whole.vector(), reached):  # perhaps not one, on a busy machine
        whole.run(work, steps, np.full(1, 1e-4))
        steps += 1
        assert steps < 20_000
    if steps:
        np.testing.assert_array_equal(cut.moments(), whole.moments())
    cut.run(work, steps, np.full(1, 1e-4))
    whole.run(work, steps, np.full(1, 1e-4))
    np.testing.assert_array_equal(cut.vector(), whole.vector())
    print("same")
"""
    assert run(code) == "same"


def test_a_handler_that_does_not_raise_changes_no_bit() -> None:
    code = """
work, rates = Work(Rule("shuffle", 1), 4000), np.full(2, 1e-3)
heard, cut, whole = [], opened(), opened()
whole.run(work, 0, rates)

def handler(*_):
    heard.append(opened().predict(X[:5]))  # work inside the work
    try:
        cut.predict(X)
    except ValueError as problem:
        heard.append(str(problem))

signal.signal(signal.SIGINT, handler)
press(0.1)
cut.run(work, 0, rates)
np.testing.assert_array_equal(cut.vector(), whole.vector())
print(len(heard), heard[-1])
"""
    sentence = "the session is at work in another call. Open a session for each thread."
    assert run(code) == f"2 {sentence}"


def test_a_handlers_own_exception_comes_out() -> None:
    code = """
def handler(*_):
    raise LookupError("mine")

signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.2)
try:
    dr.gradient(network, start, many, classes)
except LookupError as problem:
    print(problem)
"""
    assert run(code) == "mine"


def test_other_threads_work_on() -> None:
    code = """
result = []
work, rates = Work(Rule("shuffle", 1), 4000), np.full(2, 1e-3)
session, whole = opened(), opened()
worker = threading.Thread(target=lambda: result.append(session.run(work, 0, rates)))
press(0.1)
try:
    worker.start()
    while not result:  # an interrupted Thread.join counts the thread as ended
        time.sleep(0.01)
except KeyboardInterrupt:
    while not result:
        time.sleep(0.01)
    whole.run(work, 0, rates)
    np.testing.assert_array_equal(session.vector(), whole.vector())
    print(result[0].steps)
"""
    assert run(code) == "2"


@pytest.mark.parametrize("optimizer", ["SGD", "LBFGS"])
def test_many_trainings_in_threads_end_within_an_epoch(optimizer: str) -> None:
    code = f"""
from deltarule import many as trainings

trained = trainings.train_until

def train_and_press(*arguments, **options):
    if not pressed:
        pressed.append(True)
        press()
    return trained(*arguments, **options)

pressed, trainings.train_until = [], train_and_press
plan = dr.TrainingPlan(optimizer=dr.{optimizer}(), batch_size=20, max_epochs=1000)
X, D = (X, D) if plan.optimizer.name == "lbfgs" else (many, classes)
results = dr.train_many(network, [start] * 3, X, D, plan, engine="compiled")
print(*(result.stop_reason.name for result in results), results[0].epochs < 3)
assert results[-1].road == trainings.NOT_BEGUN
assert np.isfinite(results[0].parameters.vector).all()
"""
    assert run(code) == "INTERRUPTED INTERRUPTED INTERRUPTED True"


def test_sigint_is_python_s_own() -> None:
    """What the processes above rely on: their parent did not leave SIGINT ignored."""
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
