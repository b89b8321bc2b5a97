"""What the rows should reach, as data, and the verdict on each.

Two kinds of targets. A *rule* holds on every machine: a ratio within one run, a share of the peak
measured in the same run. A *figure* is an absolute time on the machine that it was set for, two
Zen 4 cores with AVX-512; elsewhere it is shown and proves little. *Floors* are ratios that are
comfortably reached: falling below one is a regression, and `make bench` fails.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

Result = dict[str, Any]

#: To JAX with one core, at least.
TO_JAX = {"H1": 2.35, "H3": 1.8, "H3 dense": 1.35, "H4": 4.8, "H4 dense": 2.3, "H5a": 1.75,
          "H5b": 10.5, "H5c": 4.6, "H6a": 5.2, "H6b": 3.0, "H6c": 1.2, "H6d": 1.25}  # fmt: skip
#: To the best rival on two cores, at least.
TO_BEST = {"H1": 3.4, "H3": 2.0, "H6b": 4.5, "H6c": 1.7, "H6d": 1.55}
#: Row: the largest value with one core and with two, in the row's unit.
FIGURES = {"H1": (6.0, 3.1), "H3": (0.19, 0.12), "H3 dense": (0.25, 0.14), "H4": (0.13, None),
           "H4 dense": (0.27, None), "H5a": (38, None), "H5b": (62, None), "H5c": (500, None),
           "H5a lanes": (3, None), "H5a own": (5, None), "H5b lanes": (18, None),
           "H6a": (5.0, None), "H6b": (72, 48), "H6c": (1980, 1060), "H6d": (3880, 2050),
           "H7": (1.5, None)}  # fmt: skip
#: Row, rival: the least ratio on one core that a change must keep.
FLOORS = {
    ("H1", "sklearn"): 1.5,
    ("H3", "sklearn"): 1.2,
    ("H4", "sklearn"): 20.0,
    ("H5a", "sklearn"): 200.0,
    ("H5b", "sklearn"): 100.0,
    ("H5c", "sklearn"): 100.0,
    ("H6a", "sklearn"): 15.0,
    ("H6b", "sklearn"): 3.0,
    ("H6c", "sklearn"): 1.2,
    ("H6d", "sklearn"): 1.2,
    ("H10 iris", "sklearn"): 1.5,
    ("H10 digits", "sklearn"): 1.5,
}
#: With more threads no row may take longer than so many times as long.
MORE_THREADS = 1.05
#: What an estimator may add to a fit beside one pass over X and y, in ms, and the longest fit (s)
#: of which the difference of two times says anything.
ESTIMATOR_ADDS, SHORT_FIT = 2.0, 0.1
#: A cold process, the one that it is compared with, and the most milliseconds between them.
COLD = (
    ("deltarule fits iris", "scikit-learn loads iris", 50.0),
    ("import deltarule", "import numpy", 20.0),
)
#: A step of a learner on the small network: µs, and the 99.9th percentile in medians, at most.
STEP, STEP_TAIL = 3.0, 10.0
#: float64 to float32, at most; cheap accuracy; the test error at the end of H3; the wheel in MB.
FLOAT64, ACCURACY, CPU_SECONDS, TEST_ERROR, WHEEL = 2.1, 0.98, 24.6 / 3, 0.029, 3.0


@dataclass(frozen=True)
class Verdict:
    """One target and what was found.

    Parameters
    ----------
    kind : {"rule", "figure", "floor"}
    text : str
        What is wanted, of which row.
    wanted, found : float
    at_least : bool
        Whether more is better.
    """

    kind: str
    text: str
    wanted: float
    found: float
    at_least: bool = True

    @property
    def reached(self) -> bool:
        """Whether it is reached; NaN is not."""
        return self.found >= self.wanted if self.at_least else self.found <= self.wanted

    @property
    def margin(self) -> float:
        """How many times the wanted number, so that 1 is just reached and more is better."""
        if not self.found or not self.wanted:
            return math.inf if self.reached else 0.0
        return self.found / self.wanted if self.at_least else self.wanted / self.found

    def record(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return {
            "kind": self.kind,
            "text": self.text,
            "wanted": self.wanted,
            "found": self.found,
            "reached": self.reached,
            "margin": self.margin,
        }


def verdicts(result: Result) -> list[Verdict]:
    """The verdict on each target that was measured."""
    rows = {row["id"]: row for row in result.get("rows", [])}
    found = [*ratio_rules(rows), *face_rules(rows), *thread_rules(rows)]
    found += [*product_rules(result.get("products")), *mnist_rules(result.get("mnist", []))]
    found += online_rules(result.get("online", []))
    found += cold_rules(result.get("cold"))
    if "wheel_bytes" in result:
        found.append(
            Verdict("rule", "H8: our wheel, MB", WHEEL, result["wheel_bytes"] / 1e6, False)
        )
    return [*found, *figures(rows), *floors(rows)]


def entry(rows: Result, row: str, side: str, cores: int) -> dict[str, Any]:
    """What a side measured, or nothing."""
    kept: dict[str, Any] = rows.get(row, {}).get("sides", {}).get(side, {}).get(str(cores), {})
    return kept if "value" in kept else {}


def ratio_rules(rows: Result) -> list[Verdict]:
    """To JAX on one core, to the best rival on two, and ahead of scikit-learn where it counts."""
    found = []
    for row, least in TO_JAX.items():
        jax = entry(rows, row, "jax", 1)
        if "ratio" in jax:
            found.append(Verdict("rule", f"{row}: times JAX, one core", least, jax["ratio"]))
    for row, least in TO_BEST.items():
        ratios = rivals_of(rows, row, 2)
        if ratios:
            best = min(ratios, key=lambda side: ratios[side])
            text = f"{row}: times the best rival on two cores, {best}"
            found.append(Verdict("rule", text, least, ratios[best]))
    for row in ("H9 H3", "H9 H6b", *(name for name in rows if name.startswith("H10"))):
        sklearn = entry(rows, row, "sklearn", 1)
        if "ratio" in sklearn:
            found.append(Verdict("rule", f"{row}: times scikit-learn", 1.0, sklearn["ratio"]))
    for wide, narrow in (("H9 H3", "H3"), ("H9 H6b", "H6b")):
        both = entry(rows, wide, "train", 1), entry(rows, narrow, "train", 1)
        if all(both):
            text = f"{wide}: float64 to float32"
            ratio = both[0]["value"] / both[1]["value"]
            found.append(Verdict("rule", text, FLOAT64, ratio, False))
    return found


def rivals_of(rows: Result, row: str, cores: int) -> dict[str, float]:
    """The ratio of every rival that was measured."""
    return {
        side: entry(rows, row, side, cores)["ratio"]
        for side in rows.get(row, {}).get("sides", {})
        if side not in ("train", "estimator", "lanes", "predictor")
        and "ratio" in entry(rows, row, side, cores)
    }


def face_rules(rows: Result) -> list[Verdict]:
    """What the estimators add to short fits."""
    found = []
    for row in rows:
        bare, face = entry(rows, row, "train", 1), entry(rows, row, "estimator", 1)
        if bare and face and bare["seconds"] < SHORT_FIT:
            added = 1e3 * (face["seconds"] - bare["seconds"] - face.get("pass_seconds", 0.0))
            text = f"{row}: what the estimator adds to a fit, ms"
            found.append(Verdict("rule", text, ESTIMATOR_ADDS, added, False))
    return found


def thread_rules(rows: Result) -> list[Verdict]:
    """Two threads never slower than one."""
    return [
        Verdict("rule", f"{row}: two threads to one", MORE_THREADS, two["to_one_core"], False)
        for row in rows
        for side in ("train", "lanes")
        if "to_one_core" in (two := entry(rows, row, side, 2))
    ]


def product_rules(products: Result | None) -> list[Verdict]:
    """Shares of the peak that the core's three products reach in float32."""
    found = []
    for row in (products or {}).get("rows", []):
        inputs, units, batch = row["inputs"], row["units"], row["batch"]
        if row["dtype"] != "float32":
            continue
        if min(inputs, units) >= 128 and batch >= 32:
            least = 0.90
        elif (inputs, units) == (64, 100):
            least = 0.75
        else:
            continue
        text = f"{row['product'].replace('_', ' ')} {inputs}→{units}, batch {batch}: of the peak"
        found.append(Verdict("rule", text, least, row["share"]))
    return found


def online_rules(calls: list[Result]) -> list[Verdict]:
    """How evenly a learner steps, and every call of a stream beside scikit-learn's."""
    found = []
    for one in calls:
        name, ours = f"online {one['network']}, {one['call']}", one["deltarule"]
        if "sklearn" in one:
            ratio = one["sklearn"]["median"] / ours["median"]
            found.append(Verdict("rule", f"{name}: times scikit-learn", 1.0, ratio))
        if one["call"].startswith("learner.step") and one["network"] == "4-16-3":
            tail = ours["p999"] / ours["median"]
            found.append(Verdict("figure", f"{name}, µs", STEP, ours["median"], False))
            found.append(Verdict("rule", f"{name}: 99.9 % in medians", STEP_TAIL, tail, False))
    return found


def cold_rules(cold: Result | None) -> list[Verdict]:
    """What a fresh process pays beyond the imports that it cannot do without."""
    found = []
    for name, beside, most in COLD:
        if cold:
            added = 1e3 * (cold[name]["wall"] - cold[beside]["wall"])
            text = f"H8: {name}, ms beyond {beside}"
            found.append(Verdict("rule", text, most, added, False))
    return found


def mnist_rules(trainings: list[Result]) -> list[Verdict]:
    """The test error at the end of H3, and 98 % at a third of the price."""
    found = []
    for one in trainings:
        if one["side"] != "estimator" or "error" in one:
            continue
        if one["name"] == "98 %":
            found.append(Verdict("rule", "MNIST: test accuracy", ACCURACY, one["test_accuracy"]))
            text = "MNIST: processor seconds to it"
            found.append(Verdict("rule", text, CPU_SECONDS, one["cpu_seconds"], False))
        else:
            error = 1 - one["test_accuracy"]
            found.append(Verdict("rule", "H3: test error at the end", TEST_ERROR, error, False))
    return found


def figures(rows: Result) -> list[Verdict]:
    """Absolute values of our side."""
    found = []
    for row, both in FIGURES.items():
        side = next(iter(rows.get(row, {}).get("sides", {})), "")
        for cores, most in zip((1, 2), both, strict=True):
            kept = entry(rows, row, side, cores)
            if most is not None and kept:
                cores_in_words = "one core" if cores == 1 else "two cores"
                text = f"{row}: {rows[row]['unit']}, {cores_in_words}"
                found.append(Verdict("figure", text, most, kept["value"], False))
    return found


def floors(rows: Result) -> list[Verdict]:
    """Regressions."""
    return [
        Verdict("floor", f"{row}: times {rival}", least, entry(rows, row, rival, 1)["ratio"])
        for (row, rival), least in FLOORS.items()
        if "ratio" in entry(rows, row, rival, 1)
    ]


def line(verdict: Verdict) -> str:
    """One verdict for the terminal."""
    sign = "≥" if verdict.at_least else "≤"
    word = "reached" if verdict.reached else "NOT reached"
    return (
        f"  {verdict.kind:<7}{verdict.text:<58}{sign} {verdict.wanted:<8.4g} found "
        f"{verdict.found:<9.4g} {word}, {verdict.margin:.2f}"
    )
