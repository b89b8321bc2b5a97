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
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from choice_points import RESULT
from choice_studies import STUDIES
from choice_training import train

REPETITIONS = 10
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> int:
    """Measure the studies asked for."""
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


if __name__ == "__main__":
    raise SystemExit(main())
