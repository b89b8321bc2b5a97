"""The lessons that the playground brings: files by the schema of docs/playground-lessons.md."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

ROOT = Path(__file__).resolve().parents[1]
WEB = ROOT / "web" / "src"
FILES = sorted((WEB / "lessons").glob("*.json"))
DOCS = (ROOT / "docs" / "playground-lessons.md").read_text(encoding="utf-8")
NOTES = (ROOT / "docs" / "lecture-notes.md").read_text(encoding="utf-8")

LESSON = {"format", "version", "title", "minutes", "notes", "text", "state", "tasks"}
TASK = {"title", "text", "state", "buttons", "check", "question", "number", "hints", "done"}
GOALS = ("check", "question", "number")
BUTTON, CHOICE = {"label", "state", "next"}, {"text", "right", "because"}

#: Each kind of condition, and the fields that it must and may have beside `say`.
CONDITIONS: dict[str, tuple[set[str], set[str]]] = {
    "all": (set(), set()),
    "any": (set(), set()),
    "not": (set(), set()),
    "measure": (set(), {"below", "above", "layer", "unit", "from"}),
    "setting": (set(), {"is", "below", "above"}),
    "done": ({"at_least"}, set()),
    "room": (set(), set()),
    "trainings": ({"epochs"}, {"below", "above", "where"}),
    "weights": ({"layer"}, set()),
    "stopped": (set(), set()),
}

#: What says which number a measure is.
MEASURES: dict[str, set[str]] = {
    "objective": set(),
    "held_loss": set(),
    "epoch": set(),
    "layers": set(),
    "largest_weight": set(),
    "weight": {"layer", "unit", "from"},
    "loss": set(),
    "rate": set(),
    "x": {"unit"},
    "z": {"layer", "unit"},
    "a": {"layer", "unit"},
    "delta": {"layer", "unit"},
    "largest_delta": {"layer"},
}

SETTINGS = set(re.findall(r"^  readonly (\w+):", (WEB / "model" / "settings.ts").read_text(), re.M))
BESIDE = {"v", "w", "points", "points_classes"}
GROUP_FIELDS = re.compile(r"(optimizer|schedule|initializer)\.\w+")


def fields_of(record: dict[str, Any], must: set[str], may: set[str], where: str) -> None:
    assert must <= set(record) <= must | may, f"{where}: {sorted(record)}"


def check_texts(value: Any, where: str) -> None:
    texts = [value] if isinstance(value, str) else value
    assert texts, where
    for text in texts:
        assert isinstance(text, str), where
        assert text.strip(), where
        assert len(text) <= 1500, where
        assert "<" not in text, f"{where} looks like HTML"
        assert text.count("$") % 2 == 0, f"{where}: a formula has no end"
        outside = re.sub(r"\$[^$]+\$", "", text)
        assert outside.count("*") % 2 == 0, f"{where}: a * has no partner"
        assert not re.search(r"\w_\w", outside.replace("log_loss", "")), f"{where}: {outside}"


def check_state(text: str, where: str) -> None:
    pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True)
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), where
    for name in names:
        known = name in (SETTINGS | BESIDE) - {"lesson"} or GROUP_FIELDS.fullmatch(name)
        assert known, f"{where}: {name}"


def check_condition(record: dict[str, Any], where: str) -> None:
    kinds = [kind for kind in CONDITIONS if kind in record]
    assert len(kinds) == 1, where
    kind = kinds[0]
    must, may = CONDITIONS[kind]
    fields_of(record, {kind, *must}, {*may, "say"}, where)
    if "say" in record:
        check_texts(record["say"], where)
    for inner in record.get("where", []) + (record[kind] if kind in ("all", "any") else []):
        check_condition(inner, where)
    if kind == "not":
        check_condition(record["not"], where)
    if kind == "measure":
        check_measure(record, where)
    if kind in ("measure", "trainings"):
        assert {"below", "above"} & set(record), where
    if kind == "setting":
        assert record["setting"] in SETTINGS or GROUP_FIELDS.fullmatch(record["setting"]), where
        assert {"is", "below", "above"} & set(record), where


def check_measure(record: dict[str, Any], where: str) -> None:
    needs = MEASURES[record["measure"]]
    assert {"layer", "unit", "from"} & set(record) == needs, where


def check_task(task: dict[str, Any], where: str) -> None:
    fields_of(task, {"title", "text", "done"}, TASK, where)
    assert sum(goal in task for goal in GOALS) == 1, where
    for name in ("text", "hints", "done"):
        check_texts(task.get(name, "none"), f"{where}.{name}")
    if "state" in task:
        check_state(task["state"], where)
    for button in task.get("buttons", []):
        fields_of(button, {"label"}, BUTTON, where)
        assert ("state" in button) != ("next" in button), where
        check_state(button.get("state", "seed=0"), where)
    if "check" in task:
        check_condition(task["check"], f"{where}.check")
    if "question" in task:
        check_question(task["question"], f"{where}.question")
    if "number" in task:
        number = task["number"]
        check_texts(number["text"], where)
        assert number["within"] > 0, where
        assert ("is" in number) != ("measure" in number), where
        if "measure" in number:
            check_measure(number, where)


def check_question(question: dict[str, Any], where: str) -> None:
    fields_of(question, {"text", "choices"}, set(), where)
    choices = question["choices"]
    assert 2 <= len(choices) <= 6, where
    assert sum(choice["right"] for choice in choices) == 1, where
    for choice in choices:
        fields_of(choice, CHOICE, set(), where)
        check_texts([choice["text"], choice["because"], question["text"]], where)


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def lesson(request: pytest.FixtureRequest) -> dict[str, Any]:
    return json.loads(request.param.read_text(encoding="utf-8"))


def test_a_lesson_holds_to_the_schema(lesson):
    fields_of(lesson, LESSON, set(), "lesson")
    assert (lesson["format"], lesson["version"]) == ("deltarule lesson", 1)
    assert 5 <= lesson["minutes"] <= 10
    assert 3 <= len(lesson["tasks"]) <= 6
    check_texts(lesson["text"], "text")
    check_state(lesson["state"], "state")
    assert "state" not in lesson["tasks"][0]
    for place, task in enumerate(lesson["tasks"]):
        check_task(task, f"tasks[{place}]")


BAD = [
    {"title": "t", "text": ["x"], "done": ["d"]},
    {"title": "t", "text": ["<b>"], "done": ["d"], "check": {"room": "step"}},
    {"title": "t", "text": ["x"], "done": ["d"], "check": {"measure": "z", "above": 1}},
    {"title": "t", "text": ["x"], "done": ["d"], "check": {"measure": "objective"}},
    {"title": "t", "text": ["x"], "done": ["d"], "check": {"room": "step", "chek": 1}},
    {"title": "t", "text": ["x $h"], "done": ["d"], "check": {"room": "step"}},
    {"title": "t", "text": ["x"], "done": ["d"], "check": {"room": "step"}, "state": "sett=1"},
]


@pytest.mark.parametrize("task", BAD)
def test_the_schema_refuses_what_is_none(task):
    with pytest.raises((AssertionError, KeyError)):
        check_task(task, "task")


def codes(table: str) -> Iterator[str]:
    """What stands as code in the first cells of the rows below a heading of the docs."""
    section = DOCS.split(f"\n## {table}\n")[1].split("\n## ")[0]
    for line in section.splitlines():
        if line.startswith("| `"):
            yield from re.findall("`([^`]+)`", line.split(" | ")[0])


def test_the_docs_know_every_condition_measure_and_setting():
    assert {re.match(r'{"(\w+)"', code)[1] for code in codes("Conditions")} == set(CONDITIONS)
    assert set(codes("Measures")) == set(MEASURES)
    assert set(codes("States")) == SETTINGS | BESIDE
    assert set(codes("The lesson")) == LESSON
    assert set(codes("A task")) == TASK


def test_the_page_knows_what_the_docs_know():
    source = (WEB / "model" / "lesson_measures.ts").read_text(encoding="utf-8")
    measures = source.split("export const MEASURES = {")[1].split("} as const")[0]
    assert re.findall(r"^  (\w+): \{", measures, re.M) == list(MEASURES)
    for name, needs in MEASURES.items():
        said = re.search(rf"^  {name}: {{\s+needs: \[(.*?)\]", measures, re.M)
        assert said is not None
        assert set(re.findall(r'"(\w+)"', said[1])) == needs
    source = (WEB / "model" / "lesson_conditions.ts").read_text(encoding="utf-8")
    kinds = source.split("const ALL_KINDS = [")[1].split("]")[0]
    assert re.findall(r'"(\w+)"', kinds) == list(CONDITIONS)


def test_the_example_of_the_docs_is_a_lesson():
    example = json.loads(DOCS.split("```json\n")[1].split("```")[0])
    fields_of(example, LESSON, set(), "example")
    check_state(example["state"], "example")
    for task in example["tasks"]:
        check_task(task, "example")


def test_the_notes_link_every_lesson_in_the_page_s_order():
    source = (WEB / "lessons" / "index.ts").read_text(encoding="utf-8")
    names = re.search(r"const FILES = \{ (.*) \};", source)[1].split(", ")
    assert sorted(names) == [path.stem for path in FILES]
    section = NOTES.split("## Lessons in the playground")[1]
    rows = re.findall(r"^\| (\d)\. (.*?) \| (.*?) \| `lesson=(\w+)` \|$", section, re.M)
    titles = [json.loads((WEB / "lessons" / f"{n}.json").read_text())["title"] for n in names]
    assert [(number, title, name) for number, title, _, name in rows] == [
        (str(place), title, name)
        for place, (title, name) in enumerate(zip(titles, names, strict=True), start=1)
    ]
    for _, _, statements, _ in rows:
        numbers = ", ".join(re.findall(r"\(([\d, ]+)\)", statements)).split(", ")
        assert all(1 <= int(number) <= 66 for number in numbers)
