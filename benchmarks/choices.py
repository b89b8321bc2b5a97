"""Measure what docs/how-to-choose.md says, and write it down.

    python benchmarks/choices.py [--studies ID,ID] [--repetitions N] [--output FILE]
                                 [--no-documents]

A study changes one thing of `BEGINNING` at a time and tells the error on rows that were held back,
over `REPETITIONS` splits; repetition r has the same rows and the same ``random_state`` for every
choice, so that choices are compared pair by pair. The data are those that come with scikit-learn.
Two processes of one thread each take about four minutes. A whole run writes
``benchmarks/results/choices.json``, and from it the figures and the numbers of the page.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

RESULT = Path(__file__).parent / "results" / "choices.json"
REPETITIONS = 10
HELD_BACK = 0.25
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Rows = tuple[Any, Any, Any, Any]


def main() -> int:
    """Measure the studies asked for."""
    from choice_studies import STUDIES

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", help=f"of {', '.join(STUDIES)}, with commas")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--output", type=Path, default=RESULT)
    parser.add_argument("--no-documents", action="store_true", help="write the JSON alone")
    options = parser.parse_args()
    names = options.studies.split(",") if options.studies else list(STUDIES)
    result = measure({name: STUDIES[name] for name in names}, options.repetitions)
    if options.studies and options.output.exists():
        kept = json.loads(options.output.read_text(encoding="utf-8"))
        result["studies"] = kept["studies"] | result["studies"]
    options.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"written to {options.output}, {result['seconds']:.0f} s")
    if not options.no_documents:
        import choice_texts

        choice_texts.write()
    return 0


def measure(studies: dict[str, Any], repetitions: int) -> dict[str, Any]:
    """All studies; trainings that several of them ask for are done once."""
    import machine
    from protocol import processors

    for name in ONE_THREAD:  # read when the processes load their libraries
        os.environ[name] = "1"
    began = time.monotonic()
    wanted = {key: job for study in studies.values() for *_, key, job in study.jobs()}
    tasks = [(*job, r) for job in wanted.values() for r in range(repetitions)]
    found = []
    with ProcessPoolExecutor(len(processors()), mp_context=get_context("spawn")) as pool:
        for value in pool.map(train, tasks, chunksize=repetitions):
            found.append(value)
            if len(found) % 500 == 0:
                print(f"{len(found)} of {len(tasks)} trainings", flush=True)
    values = {key: found[i * repetitions : (i + 1) * repetitions] for i, key in enumerate(wanted)}
    return {
        "date": date.today().isoformat(),
        "machine": machine.machine(),
        "versions": machine.versions(),
        "repetitions": repetitions,
        "seconds": time.monotonic() - began,
        "studies": {
            name: [
                {"data": data, "choice": choice, "at": at, "values": values[key]}
                for data, choice, at, key, _ in study.jobs()
            ]
            for name, study in studies.items()
        },
    }


def train(task: tuple[str, str, dict[str, Any], int]) -> Any:
    """One training: what the measure says of it, or None where it ran away."""
    import deltarule as dr

    name, measured, settings, repetition = task
    X, X_held, y, y_held = rows(name, repetition)
    kind = dr.MLPRegressor if regression(name) else dr.MLPClassifier
    model = kind(**{"random_state": repetition, "n_threads": 1} | settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.fit(X, y)
        except dr.exceptions.NonFiniteError:
            return None
        return MEASURES[measured](model, X_held, y_held)


def error(model: Any, X: Any, y: Any) -> float:
    """Wrong rows, or the share of the variance that is not explained, in %; 100 at most."""
    return float(min(100.0, 100.0 * (1.0 - model.score(X, y))))


def log_loss(model: Any, X: Any, y: Any) -> float:
    """Mean of −log of the probability given to the right class."""
    from sklearn.metrics import log_loss

    return float(log_loss(y, model.predict_proba(X), labels=model.classes_))


def objectives(model: Any, X: Any, y: Any) -> list[float]:
    """Where each start ended."""
    return [float(value) for value in model.restarts_]


MEASURES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "error": error,
    "log_loss": log_loss,
    "objectives": objectives,
}


def regression(name: str) -> bool:
    """Whether the targets are numbers."""
    return name.split(",")[0] in ("diabetes", "friedman1")


@cache
def table(name: str) -> tuple[Any, Any]:
    """All rows of a data set."""
    from sklearn import datasets

    if name == "moons":
        return datasets.make_moons(400, noise=0.25, random_state=0)  # type: ignore[no-any-return]
    if name == "friedman1":
        return datasets.make_friedman1(600, noise=1.0, random_state=0)  # type: ignore[no-any-return]
    return getattr(datasets, f"load_{name.replace(' ', '_')}")(return_X_y=True)  # type: ignore[no-any-return]


def rows(name: str, repetition: int) -> Rows:
    """A quarter held back; ``"digits-200"`` trains on 200 rows of the rest.

    ``"diabetes, 10 % gross errors"``: so many training targets are put ten standard deviations too
    high.
    """
    import numpy as np
    from sklearn.model_selection import train_test_split

    kind, _, remark = name.partition(", ")
    kind, _, many = kind.partition("-")
    X, y = table(kind)
    classes = None if regression(name) else y
    X, X_held, y, y_held = train_test_split(
        X, y, test_size=HELD_BACK, random_state=repetition, stratify=classes
    )
    if many:
        X, _, y, _ = train_test_split(X, y, train_size=int(many), random_state=0, stratify=y)
    if remark:
        share = float(remark.removesuffix(" % gross errors")) / 100
        wrong = np.random.default_rng(repetition).permutation(len(y))[: round(share * len(y))]
        y = y.astype(float)
        y[wrong] += 10 * y.std()
    return X, X_held, y, y_held


if __name__ == "__main__":
    raise SystemExit(main())
