"""The benchmark on tables, on a table of its own: what is measured, and what is written of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import datasets
import tabular
import tabular_texts


@pytest.mark.parametrize("method", ["linear", "boosting", "sklearn_mlp", "fast"])
@pytest.mark.parametrize("classes", [True, False])
def test_a_method_on_a_fold(monkeypatch, method, classes):
    rows = 120
    X = pd.DataFrame(
        {
            "a": [row % 7 for row in range(rows)],
            "b": pd.Categorical([("x", "y", None)[row % 3] for row in range(rows)]),
        }
    )
    y = pd.Series([("no", "yes")[row % 7 > 3] if classes else row % 7 for row in range(rows)])
    task = "binary" if classes else "regression"
    monkeypatch.setattr(datasets, "load", lambda name: (X, y, task))
    found = tabular.run("made", method, 0)
    assert set(found) == {"score", "seconds", "predict_seconds"} | (
        {"log_loss"} if classes else set()
    )
    assert found["score"] > 0.7


def test_the_page_counts_where_it_is_ahead_and_names_the_least():
    def entry(own: float, boosting: float) -> dict:
        scores = {"default": own, "boosting": boosting, "fast": 0.5, "sklearn_mlp": 0.7}
        return {
            "task": "binary",
            "methods": {
                name: {
                    str(fold): {"score": value + shift, "seconds": 2.0 + (name == "default")}
                    for fold, shift in enumerate((-0.05, 0.05))
                }
                for name, value in scores.items()
            },
        }

    result = {"tables": {"a": entry(0.9, 0.8), "b": entry(0.795, 0.8), "c": entry(0.5, 0.8)}}
    result["tables"]["b"]["methods"]["sklearn_mlp_scaled"] = {
        str(fold): {"score": 0.9, "seconds": 1.0} for fold in range(2)
    }
    assert tabular_texts.summary(result) == (
        '`"default"` is ahead of HistGradientBoosting on 1 of 3 tables and within 0.01 of it, or '
        "ahead, on 2. It gains least on c: -0.300.\n"
        "It is ahead of scikit-learn's MLP, the better of its two columns, by more than a standard "
        "deviation over the folds on 1, and behind by one on 2.\n"
        'One fit of each table takes 6 s of one processor with `"fast"` and 9 s with `"default"`; '
        "that MLP takes 5 s.\n"
    )
    sums = tabular_texts.seconds(result).splitlines()[-1]
    assert sums == "| sum | 6.0 | 6.0 |  | 6.0 | 9.0 |"  # the scaled one is there once only


def test_every_run_is_told_with_what_it_had():
    every, one = ["a", "b"], ["a"]
    first = tabular.this_run(every, ["linear", "fast"]) | {"date": "2026-01-02"}
    result = {"tables": dict.fromkeys(every), "runs": [first]}
    assert tabular_texts._runs(result) == "in one run on 2026-01-02"
    assert tabular.earlier(result, every, ["linear", "fast"]) == []
    assert tabular.earlier(result, one, ["linear", "fast"]) == [first]  # that of b is left
    result["runs"] = tabular.earlier(result, every, ["fast"])
    assert result["runs"] == [first | {"methods": ["linear"]}]
    result["runs"].append(tabular.this_run(one, ["fast"]) | {"date": "2026-01-03", "load": 1.25})
    assert tabular_texts._runs(result) == (
        'in 2 runs (linear on 2026-01-02; `"fast"` of some tables on 2026-01-03 beside other work '
        "(load 1.2, rough times))"
    )
