"""The parts of docs/how-to-choose.md's measurements: studies, verdicts, sentences, figures."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import deltarule as dr

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import choice_figures  # noqa: E402
import choice_points  # noqa: E402
import choice_studies  # noqa: E402
import choice_texts  # noqa: E402
import choice_training  # noqa: E402

STUDIES = choice_studies.STUDIES


@pytest.mark.parametrize("name", STUDIES)
def test_studies_name_parameters_and_data_that_exist(name: str) -> None:
    known = set(inspect.signature(dr.MLPClassifier).parameters)
    jobs = list(STUDIES[name].jobs())
    assert {data for data, *_ in jobs} == set(STUDIES[name].data)
    for *_, (_, measured, settings) in jobs:
        assert set(settings) <= known
        assert measured in choice_training.MEASURES
    for place in {job[0] for *_, job in jobs}:
        assert len(choice_training.rows(place, 0)) == 4


def test_every_study_has_its_place_in_the_page_and_every_figure_is_shown() -> None:
    text = choice_texts.PAGE.read_text(encoding="utf-8")
    for name in STUDIES:
        assert f"<!-- {name}:begin -->\n" in text
    for name in choice_figures.FIGURES:
        assert f"]({choice_figures.path(name).name})" in text
    shown = {study for studies in choice_figures.FIGURES.values() for study in studies}
    assert set(STUDIES) - shown == {"classes"}


def test_the_beginning_is_the_pages() -> None:
    text = choice_texts.PAGE.read_text(encoding="utf-8")
    assert 'standardize="inputs", alpha=1, batch_size=32, learning_rate_init=0.003' in text
    assert choice_studies.BEGINNING == {
        "standardize": "both", "alpha": 1.0, "batch_size": 32, "learning_rate_init": 0.003,
    }  # fmt: skip


def test_rows_are_held_back_few_or_wrong() -> None:
    X, X_held, *_ = choice_training.rows("digits-200", 3)
    assert (len(X), len(X_held)) == (200, 450)
    assert not {row.tobytes() for row in X} & {row.tobytes() for row in X_held}
    clean, wrong = (
        choice_training.rows("diabetes", 3),
        choice_training.rows("diabetes, 10 % gross errors", 3),
    )
    changed = clean[2] != wrong[2]
    assert changed.sum() == round(0.1 * len(changed))
    np.testing.assert_allclose((wrong[2] - clean[2])[changed], 10 * clean[2].std())
    np.testing.assert_array_equal(clean[3], wrong[3])


def test_a_training_is_judged_on_rows_that_were_held_back() -> None:
    wine = choice_training.train(("wine", "error", choice_studies.BEGINNING, 0))
    assert 0 <= wine < 20
    away = {"solver": "sgd", "learning_rate_init": 1e9, "max_iter": 3}
    assert choice_training.train(("diabetes", "error", away, 0)) is None
    assert len(choice_training.train(("moons", "objectives", {"n_init": 2, "max_iter": 1}, 0))) == 2


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([0.0] * 9 + [2.0], -1),
        ([0.0] * 8 + [2.0] * 2, 0),
        ([2.0] * 9 + [1.0], 1),
        ([1.0] * 10, 0),
    ],
)
def test_a_verdict_wants_nine_of_ten(values: list[float], found: int) -> None:
    assert choice_points.verdict(values, [1.0] * 10) == found


def points(**values: dict[Any, list[float]]) -> list[dict[str, Any]]:
    return [
        {"data": "moons", "choice": choice, "at": at, "values": v}
        for choice, places in values.items()
        for at, v in places.items()
    ]


def test_sentences_say_where_choices_differ() -> None:
    told = choice_texts.told("classes", points(a={None: [1.0] * 10}, b={None: [2.0] * 10}))
    assert told == "- **a**: moons 1.0 ± 0.0.\n- **b**: worse on moons (2.0 ± 0.0).\n"
    same = choice_texts.told("classes", points(a={None: [1.0] * 10}, b={None: [1.0] * 10}))
    assert same.endswith("- **b**: no difference on moons.\n")


def test_sentences_along_an_axis_name_all_that_is_as_good() -> None:
    one, two = [1.0] * 10, [2.0] * 10
    told = choice_texts.told(
        "optimiser", points(a={1: two, 2: one, 4: one, 8: two, 16: one}, b={1: two}, c={None: one})
    )
    assert told == (
        "- **moons**: lowest with a at 2 (1.0 ± 0.0). As good: a 2 to 4, 16; c. "
        "Worse everywhere: b (2.0 ± 0.0 at 1).\n"
    )


def test_sentences_at_conditions_and_of_starts() -> None:
    told = choice_texts.told("loss", points(a={0: [1.0] * 10, 5: [9.0] * 10}, b={0: [1.0] * 10}))
    assert told == "- **moons**, lowest: at 0 a (1.0 ± 0.0; as good: b); at 5 a (9.0 ± 0.0).\n"
    ends: Any = {2: [[1.0, 1.0, 1.04, 2.0]] * 10}
    assert "4 starts" in choice_texts.told("minima", points(starts=ends))
    assert "2 units 25 %" in choice_texts.told("minima", points(starts=ends))


def test_what_ran_away_counts_as_the_constant(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "choices.json"
    path.write_text(json.dumps({"studies": {"s": [{"values": [None, 3.0]}]}}))
    monkeypatch.setattr(choice_texts, "RESULT", path)
    assert choice_texts.read()["studies"]["s"][0]["values"] == [100.0, 3.0]


@pytest.mark.parametrize("name", ["inputs", "optimiser", "minima"])
def test_figures_name_choices_and_source(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(choice_figures, "DOCS", tmp_path)
    values: Any = {"minima": [[1.0, 2.0]] * 10}
    studies = {
        study: [
            {"data": data, "choice": choice, "at": at, "values": values.get(study, [3.0, 4.0] * 5)}
            for data, choice, at, *_ in STUDIES[study].jobs()
        ]
        for study in choice_figures.FIGURES[name]
    }
    text = choice_figures.draw(name, studies, "a result").read_text(encoding="utf-8")
    assert "a result" in text
    for choice in next(reversed(studies.values())):
        assert f">{choice['choice']}<" in text
