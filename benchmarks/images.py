"""Images by a perceptron: MNIST and Fashion-MNIST, one set of settings, no augmentation; one core.

    python benchmarks/images.py [--choose] [--no-documents]

A training has a process of its own, pinned to one core, and takes all 60 000 training images; it is
judged once, on the test images. ``--choose`` shows how the settings came about: each of
`candidates` learns from nine tenths of the training images and is judged on the others, the test
images are not looked at. Both write their part of ``benchmarks/results/images.json``, and from it
the numbers of ``docs/images.md``. Where the images are read from says ``datasets.py``.

    python benchmarks/images.py SET CANDIDATE SEED PART      prints one training as JSON
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import warnings
from datetime import date
from pathlib import Path
from typing import Any

from image_settings import CHOSEN, RESULT, SETS, candidates
from protocol import environment, pin

SEEDS = (0, 1, 2)
#: Of the training images, those that judge candidates.
HELD_BACK = 6000


def main() -> int:
    """Measure the settings, or the candidates; write both down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--choose", action="store_true", help="judge the candidates")
    parser.add_argument("--no-documents", action="store_true", help="write the JSON alone")
    options = parser.parse_args()
    asked = [(name, CHOSEN, seed, "test") for name in SETS for seed in SEEDS]
    if options.choose:
        asked = [(name, kind, 0, "validation") for kind in candidates() for name in SETS]
    import machine

    busy, found = machine.load(), []
    for one in asked:
        found.append(measure(*one))
        print(line(found[-1]), flush=True)
    kept = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    kept["candidates" if options.choose else "trainings"] = measured(found, busy)
    RESULT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    print(f"written to {RESULT}")
    if not options.no_documents and {"candidates", "trainings"} <= kept.keys():
        import image_texts

        return image_texts.main([])
    return 0


def measured(found: list[dict[str, Any]], busy: float) -> dict[str, Any]:
    """The trainings, and when, where and with what they were done."""
    import machine

    return {
        "date": date.today().isoformat(),
        "machine": machine.machine() | {"load_before": busy, "load_after": machine.load()},
        "versions": machine.versions(),
        "rows": found,
    }


def measure(name: str, kind: str, seed: int, part: str) -> dict[str, Any]:
    """One training in a process of its own, pinned to one core."""
    answer = subprocess.run(
        [sys.executable, __file__, name, kind, str(seed), part],
        env=environment(1),
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent,
        check=True,
    )
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def train(name: str, kind: str, seed: int, part: str) -> dict[str, Any]:
    """Fit, judge, and say how; `part` is what judges: ``"test"`` or ``"validation"``."""
    import datasets

    import deltarule as dr

    X, y = datasets.images(name, "train")
    if part == "test":
        X_judging, y_judging = datasets.images(name, "test")
    else:
        from sklearn.model_selection import train_test_split

        X, X_judging, y, y_judging = train_test_split(
            X, y, test_size=HELD_BACK, stratify=y, random_state=0
        )
    model = dr.MLPClassifier(**candidates()[kind], random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        began, began_cpu = time.perf_counter(), time.process_time()
        model.fit(X, y)
        seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    return {
        "set": name,
        "candidate": kind,
        "seed": seed,
        "judged_on": part,
        "accuracy": float(model.score(X_judging, y_judging)),
        "epochs": int(model.n_iter_),
        "cpu_seconds": cpu,
        "seconds": seconds,
        "road": model.road_,
    }


def line(found: dict[str, Any]) -> str:
    """One training for the terminal."""
    return (
        f"  {found['set']:<14}{found['candidate']:<12}seed {found['seed']}: {found['judged_on']} "
        f"accuracy {found['accuracy']:.4f}, {found['cpu_seconds']:.1f} CPU s"
    )


if __name__ == "__main__":
    if len(sys.argv) == 5:
        pin()
        print(json.dumps(train(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])))
    else:
        sys.exit(main())
