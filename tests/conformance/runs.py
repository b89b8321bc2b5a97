"""Runs that two engines can be compared on: what to run, on which numbers, and with what margin.

Rounding may decide on which side of a kink a number falls, and from there two right engines part
ways. So the float64 reference is watched while it runs, and numbers that come within a margin of a
kink at any step, for any unit and row, are drawn anew, never judged more loosely:

- pre-activations from the kinks of their activation, predictions from those of the loss;
- under L1, weights from 0;
- under Adam, AdamW and RMSprop, whose first steps divide a gradient by its own size, each entry of
  the second moment from 0, unless it is exactly 0.

Numbers are drawn in float32, so that both dtypes start from the same ones.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from conformance.networks import NAMES, PAIRS, SETTINGS, targets

import deltarule as dr
from deltarule import backprop
from deltarule.engines.base import Rule, Work
from deltarule.engines.reference import ReferenceEngine
from deltarule.optimizers import OPTIMIZERS

STEPS = 50
ROWS = 11
MARGIN = 1e-4
SMALLEST = 1e-5  # gradient relative to the largest
NOTHING = 1e-7  # a gradient that is all rounding, as behind a softmax where slopes cancel
ATTEMPTS = 500

OPTIMISERS = tuple(name for name in OPTIMIZERS.table if name != "lbfgs")
RATES = {"sgd": 0.05, "momentum": 0.01, "nesterov": 0.01}
PARTS = ((0, "loss"), (1, "output"))
FACTORS: dict[str, tuple[Any, ...]] = {
    "pair": PAIRS,
    "hidden": NAMES,
    "depth": (0, 1, 2),
    "optimizer": OPTIMISERS,
    "dtype": ("float64", "float32"),
    "batch_size": (1, 4),  # 11 rows: the last batch of an epoch has 3
    "sampling": ("replacement", "shuffle", "sequential"),
    "extra": ("plain", "weights", "l1", "l2", "both", "csr", "csr64"),
    "bias": (True, False),
}


@dataclass(frozen=True)
class Setting:
    """One choice for every factor."""

    pair: tuple[str, str]
    hidden: str
    depth: int
    optimizer: str
    dtype: str
    batch_size: int
    sampling: str
    extra: str
    bias: bool

    def __str__(self) -> str:
        names = "-".join([*[self.hidden] * self.depth, self.pair[1]])
        rest = (self.pair[0], self.optimizer, self.dtype, f"B{self.batch_size}", self.sampling)
        return " ".join([names, *rest, self.extra, "bias" if self.bias else "no bias"])


@dataclass(frozen=True)
class Run:
    """A network, its numbers in float64, and the work to do on them."""

    network: dr.Network
    vector: np.ndarray
    X: np.ndarray
    D: np.ndarray
    weight: np.ndarray | None
    work: Work
    rates: np.ndarray
    csr: Any = None

    def rows(self, dtype: Any) -> tuple[Any, np.ndarray, np.ndarray | None]:
        """X, D and weights in a dtype, X as CSR where the setting says so."""
        X = np.ascontiguousarray(self.X, dtype=dtype)
        if self.csr is not None:
            X = sp.csr_matrix(X)
            X.indices, X.indptr = X.indices.astype(self.csr), X.indptr.astype(self.csr)
        weight = None if self.weight is None else self.weight.astype(dtype)
        return X, self.D.astype(dtype), weight

    def open(self, engine: Any, dtype: Any, n_threads: int = 1) -> Any:
        """A session at the start."""
        session = engine.open(self.network, np.dtype(dtype), n_threads)
        session.load(self.vector.astype(dtype))
        session.bind(*self.rows(dtype))
        return session


def draw(setting: Setting, seed: int = 0) -> tuple[Run, int]:
    """The run of a setting, and how often its numbers came too close to a kink."""
    for attempt in range(ATTEMPTS):
        run = _numbers(setting, np.random.default_rng([seed, attempt]))
        if keeps_margin(run):
            return run, attempt
    raise AssertionError(f"{setting}: no numbers keep the margin")


def _numbers(setting: Setting, random: np.random.Generator) -> Run:
    loss, last = setting.pair
    units = [4, *[3, 5][: setting.depth], 3 if last != "logistic" else 2]
    network = dr.Network(
        units, [*[setting.hidden] * setting.depth, last], SETTINGS.get(loss, loss), setting.bias
    )
    X = random.normal(size=(ROWS, 4))
    if setting.extra.startswith("csr"):
        X = X * (random.random(X.shape) < 0.5)
    D = targets(loss, last, (ROWS, units[-1]), random)
    if last == "softmax" and loss in ("absolute_error", "huber", "quantile"):
        # Were all slopes of a row equal, the delta behind a softmax would be nothing but rounding.
        D[:, 0], D[:, 1] = 1 + np.abs(D[:, 0]), -np.abs(D[:, 1])
    weight = None
    if setting.extra in ("weights", "both"):
        weight = random.random(ROWS) + 0.5
        weight[3] = 0.0
    vector = random.normal(0, 0.5, network.size)
    vector, X, D = (v.astype(np.float32).astype(np.float64) for v in (vector, X, D))
    if loss == "log_loss" and last == "softmax":
        D = np.eye(units[-1])[random.integers(0, units[-1], ROWS)]
    if weight is not None:
        weight = weight.astype(np.float32).astype(np.float64)
    n = ROWS if weight is None else float(weight.sum())
    work = Work(
        Rule(setting.sampling, 7),
        setting.batch_size,
        OPTIMIZERS.table[setting.optimizer](),
        l1=0.05 / n if setting.extra in ("l1", "both") else 0.0,
        l2=0.5 / n if setting.extra in ("l2", "both") else 0.0,
        scale=ROWS / n,
    )
    rates = RATES.get(setting.optimizer, 0.005) * (1 + np.arange(STEPS)) ** -0.25
    csr = {"csr": np.int32, "csr64": np.int64}.get(setting.extra)
    return Run(network, vector, X, D, weight, work, rates, csr)


@np.errstate(over="ignore", invalid="ignore")
def keeps_margin(run: Run) -> bool:
    """Whether the float64 reference stays away from every kink during the whole run.

    Under Adam and its like the float32 reference runs beside it: what cancels to 0 in one dtype
    may be rounding in the other.
    """
    dtypes = (np.float64,) if run.work.optimizer.linear else (np.float64, np.float32)
    sessions = [run.open(ReferenceEngine(), dtype) for dtype in dtypes]
    for t in range(len(run.rates)):
        parameters = dr.Parameters(run.network, sessions[0].vector())
        if np.abs(parameters.vector).max() > 10:
            return False
        if not _clear(run, backprop.forward(run.network, parameters, run.X)):
            return False
        if run.work.l1 and np.abs(parameters.vector[run.network.penalised]).min() < MARGIN:
            return False
        for session in sessions:
            if not session.run(run.work, t, run.rates[t : t + 1]).finite:
                return False
            if not (run.work.optimizer.linear or _well_conditioned(session.moments()[-1])):
                return False
    return True


def _well_conditioned(second: np.ndarray) -> bool:
    least = max(SMALLEST**2 * second.max(), NOTHING**2)
    return not ((second > 0) & (second < least)).any()


def _clear(run: Run, passed: backprop.Pass) -> bool:
    for layer, z in zip(run.network.layers, passed.pre_activations, strict=True):
        for kink in layer.activation.kinks:
            if np.abs(z - kink).min() < MARGIN:
                return False
    loss = run.network.loss
    judged = passed.pre_activations[-1] if loss.of_pre_activation else passed.prediction
    if np.abs(judged).max() > 30:
        return False
    return all(np.abs(judged - kink).min() >= MARGIN for kink in loss.kinks(run.D))


def whole() -> list[Setting]:
    """Pair × optimiser × dtype × batch size, the other factors going round beside them."""
    products = itertools.product(
        *(FACTORS[k] for k in ("pair", "optimizer", "dtype", "batch_size"))
    )
    settings = []
    for index, (pair, optimizer, dtype, batch_size) in enumerate(products):
        other = {
            name: FACTORS[name][(index * step + index // 13) % len(FACTORS[name])]
            for name, step in (
                ("hidden", 5),
                ("depth", 2),
                ("sampling", 1),
                ("extra", 3),
                ("bias", 1),
            )
        }
        settings.append(
            Setting(pair=pair, optimizer=optimizer, dtype=dtype, batch_size=batch_size, **other)
        )
    return settings


def pairwise(seed: int = 0, tries: int = 40) -> list[Setting]:
    """Settings in which every two choices of two factors meet; loss and output count separately."""
    names = tuple(FACTORS)
    random = np.random.default_rng(seed)
    levels = {name: FACTORS[name] for name in names[1:]}
    levels |= {part: tuple(dict.fromkeys(pair[k] for pair in PAIRS)) for k, part in PARTS}
    open_ = {
        ((a, x), (b, y))
        for a, b in itertools.combinations(sorted(levels), 2)
        for x, y in itertools.product(levels[a], levels[b])
        if (a, b) != ("loss", "output") or (x, y) in PAIRS
    }

    def meetings(setting: Setting) -> set[tuple[Any, ...]]:
        flat = {name: getattr(setting, name) for name in names[1:]}
        flat |= {part: setting.pair[k] for k, part in PARTS}
        return set(itertools.combinations(sorted(flat.items(), key=lambda item: item[0]), 2))

    def any_setting(**fixed: Any) -> Setting:
        free = {name: FACTORS[name][random.integers(len(FACTORS[name]))] for name in names}
        return Setting(**{**free, **fixed})

    chosen = []
    while open_:
        # A candidate that surely closes one meeting, the best of several.
        target = min(open_, key=repr)
        best = max(
            (_holding(target, any_setting, random) for _ in range(tries)),
            key=lambda setting: len(meetings(setting) & open_),
        )
        chosen.append(best)
        open_ -= meetings(best)
    return chosen


def _holding(target: tuple[Any, ...], any_setting: Any, random: np.random.Generator) -> Setting:
    fixed = dict(target)
    loss, output = fixed.pop("loss", None), fixed.pop("output", None)
    if loss is not None or output is not None:
        fits = [p for p in PAIRS if loss in (None, p[0]) and output in (None, p[1])]
        fixed["pair"] = fits[random.integers(len(fits))]
    return any_setting(**fixed)
