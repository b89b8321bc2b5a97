"""The benchmark on images, without a training: what is written of it, and from which numbers."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import image_texts
import images

import deltarule as dr


@pytest.mark.parametrize("kind", images.candidates())
def test_the_settings_are_written_as_they_are(kind: str) -> None:
    given = images.candidates()[kind]
    written = ", ".join(f"{name}={image_texts.source(value)}" for name, value in given.items())
    model = eval(f"dr.MLPClassifier({written})", {"dr": dr})
    for name, value in given.items():
        assert getattr(model, name) == value


def test_sources_leave_out_what_is_the_default() -> None:
    assert image_texts.source(dr.AdamW(weight_decay=0.05)) == "dr.AdamW(weight_decay=0.05)"
    assert image_texts.source(dr.OneCycle()) == "dr.OneCycle()"
    assert image_texts.source("batch") == '"batch"'
    assert image_texts.source((512, 256)) == "(512, 256)"


def result() -> dict[str, Any]:
    machine = {"processor": "P", "cores": 2, "load_before": 0.1, "load_after": 3.2}
    about = {"date": "2026-01-02", "machine": machine, "versions": {"numpy": "2"}}
    row = {"candidate": images.CHOSEN, "cpu_seconds": 40.0}
    trainings = [
        row | {"set": name, "seed": seed, "accuracy": 0.98 + 0.001 * seed}
        for name in images.SETS
        for seed in images.SEEDS
    ]
    tried = [
        row | {"set": name, "candidate": kind, "accuracy": 0.9}
        for kind in images.candidates()
        for name in images.SETS
    ]
    return {"trainings": about | {"rows": trainings}, "candidates": about | {"rows": tried}}


def test_the_page_tells_mean_seeds_and_spread() -> None:
    text = image_texts.accuracies(result())
    numbers = "**98.10 %** | 98.00 %, 98.10 %, 98.20 % | 0.20 | 40 to 40 |"
    assert f"| MNIST | {numbers}" in text
    assert f"| Fashion-MNIST | {numbers}" in text
    assert "2026-01-02 on P, 2 cores" in text
    assert "It was busy (load 3): the times are rough." in text
    rows = image_texts.choice(result()).splitlines()[2:]
    assert len(rows) == len(images.candidates())
    assert sum("**" in row for row in rows) == 1
    assert "batch_size" not in "".join(rows)  # which all have alike


def test_a_stale_page_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page, found = tmp_path / "images.md", tmp_path / "images.json"
    marks = [f"<!-- {name}:begin -->\n<!-- {name}:end -->\n" for name in image_texts.PARTS]
    page.write_text("".join(marks), encoding="utf-8")
    found.write_text(json.dumps(result()), encoding="utf-8")
    monkeypatch.setattr(image_texts, "PAGE", page)
    monkeypatch.setattr(images, "RESULT", found)
    assert image_texts.main(["--check"]) == 1
    assert image_texts.main([]) == 0
    assert image_texts.main(["--check"]) == 0
    assert "dr.MLPClassifier(" in page.read_text(encoding="utf-8")
