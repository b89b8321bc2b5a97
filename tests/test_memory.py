"""What a process keeps after many fits, and the most that a fit has at once."""

import subprocess
import sys
from pathlib import Path

import pytest

from deltarule import engines

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="asks Linux's /proc"),
    pytest.mark.skipif(not engines.compiled_available(), reason="the core is not installed"),
]

MANY_FITS = """
import gc, resource, sys, warnings
import numpy as np, deltarule as dr
warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
X, y = rng.normal(size=(20, 3)), np.arange(20) % 2
page = resource.getpagesize()

def kept():
    gc.collect()
    return int(open("/proc/self/statm").read().split()[1]) * page

def fit(count):
    for seed in range(count):
        dr.MLPClassifier((4,), max_iter=2, random_state=seed).fit(X, y).predict(X)
        {leak}

hoard = []
fit(400)
before = kept()
fit({fits})
print(kept() - before)
"""


def growth(fits: int, leak: str = "pass") -> int:
    code = MANY_FITS.format(fits=fits, leak=leak)
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return int(answer.stdout)


def test_many_fits_leave_nothing_behind():
    assert growth(1500) < 1_000_000


def test_a_leak_would_be_seen():
    assert growth(1500, "hoard.append(bytearray(2000))") > 1_000_000


@pytest.mark.long
def test_ten_thousand_fits_leave_little_behind():
    assert growth(10_000) < 1_000_000


def test_strings_that_come_and_go_do_not_fill_the_interpreters_table():
    """A path of pathlib interns its parts: over thousands of fits the table doubled."""
    code = """
import pathlib, sys
import numpy as np, deltarule as dr
X, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
def fit():
    dr.MLPClassifier((4,), max_iter=900, tol=1.0).fit(X, y).predict(X)
fit()
def refuse(*arguments):
    raise AssertionError("pathlib")
pathlib.PurePath._from_parts = pathlib.PurePath.__new__ = refuse
fit()
print("none")
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout.strip() == "none", answer.stderr


STREAM = """
import gc, resource, tracemalloc
import numpy as np, deltarule as dr
rng = np.random.default_rng(0)
X, y = rng.normal(size=(64, 4)), rng.integers(0, 3, 64)
model = dr.MLPClassifier((16,), learning_rate={schedule}, random_state=0)
learner = model.partial_fit(X, y, classes=[0, 1, 2]).learner()
rows, labels, hoard = list(X), y.tolist(), []

def go(count):
    for turn in range(count // 64):
        for x, target in zip(rows, labels):
            learner.step(x, target)
            learner.predict(x)
        {leak}

def kept():
    gc.collect()
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

go(20_000)
before = kept()
go({calls})
grown = kept() - before
tracemalloc.start()
go(640)
before = tracemalloc.get_traced_memory()[0]
go(6400)
print(grown, tracemalloc.get_traced_memory()[0] - before)
"""


def growth_of_a_stream(
    calls: int, schedule: str = "'constant'", leak: str = "pass"
) -> tuple[int, int]:
    code = STREAM.format(calls=calls, schedule=schedule, leak=leak)
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    resident, traced = map(int, answer.stdout.split())
    return resident, traced


def test_a_stream_keeps_nothing_of_its_rows():
    resident, traced = growth_of_a_stream(100_000, "dr.InvScaling(0.1)")
    assert resident < 300_000
    assert traced < 4_000  # a chunk of factors may be another's size


def test_a_leak_of_a_stream_would_be_seen():
    resident, traced = growth_of_a_stream(100_000, leak="hoard.append(bytearray(500))")
    assert resident > 300_000
    assert traced > 4_000


@pytest.mark.long
def test_a_million_steps_keep_nothing():
    resident, traced = growth_of_a_stream(1_000_000)
    assert resident < 300_000
    assert traced < 4_000


PEAK = """
import warnings
import numpy as np, deltarule as dr
warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
X = rng.normal(size=(2000, 784)).astype(np.float32)
y = np.arange(2000) % 10
dr.MLPClassifier((8,), max_iter=1).fit(X, y)  # what is loaded once

def highest():
    lines = open("/proc/self/status").read().split("\\n")
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

before = int(open("/proc/self/statm").read().split()[1]) * 4096
model = dr.MLPClassifier({hidden}, max_iter=2, batch_size=200, solver={solver!r}).fit(X, y)
parameters = sum(part.nbytes for part in (*model.coefs_, *model.intercepts_))
print(highest() - before, parameters)
"""

#: Beside the parameters: 400 rows (twenty strips or the batch) of every layer's outputs and
#: deltas, D, and pages that the allocator has not given back.
SCRATCH = 24 * 2**20


@pytest.mark.long
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_the_peak_of_a_fit_is_nine_times_its_parameters(solver):
    code = PEAK.format(hidden=(2000, 2000), solver=solver)
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    peak, parameters = map(int, answer.stdout.split())
    assert parameters > 20e6
    assert peak <= 9 * parameters + SCRATCH, f"{peak / parameters:.2f} times the parameters"


GRADIENT = """
import numpy as np, deltarule as dr
from deltarule.layers import BatchNormalization, Dense
network = dr.Network(
    layers=[Dense(4, 64), BatchNormalization(64, 64, "relu"), Dense(64, 1)], loss="squared_error"
)
start = dr.initialize(network, 0, dtype="float32")
X, D = np.ones((100_000, 4), dtype="float32"), np.ones((100_000, 1), dtype="float32")
dr.gradient(network, start, X[:9], D[:9], engine="compiled")  # what is loaded once

def asked():
    lines = open("/proc/self/status").read().split("\\n")
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmPeak"))

before = asked()
dr.gradient(network, start, X, D, engine="compiled")
print(asked() - before)
"""


def test_a_gradient_beside_training_needs_room_for_some_rows_alone():
    answer = subprocess.run(
        [sys.executable, "-c", GRADIENT], capture_output=True, text=True, check=True
    )
    assert int(answer.stdout) < 8e6  # outputs and deltas of all rows are 50 MB and more
