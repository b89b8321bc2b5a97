"""docs/lecture-notes.md itself: full cells, a test per row, code that exists, lines that run."""

import ast
import inspect
import re
import warnings
from itertools import chain
from pathlib import Path

import pytest
import test_lecture_notes

from deltarule.cli.notes_on_data import PARTS
from deltarule.exceptions import ReferenceEngineWarning

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "lecture-notes.md").read_text(encoding="utf-8")
HEAD = ["#", "the notes", "in our words", "code", "test", "see it"]
DEMO = re.compile(r"`deltarule demo --notes`, part (\d)")


def rows_of(text: str) -> list[list[str]]:
    """The cells of all rows of the statements' tables, heads and rules left out."""
    statements = text.partition("\n## Lessons in the playground\n")[0]
    lines = [line for line in statements.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row != HEAD and not set("".join(row)) <= set("-:")]


def problems(text: str, tests: list[str]) -> list[str]:
    """What is wrong with the table, given the names of the tests."""
    rows = rows_of(text)
    found = []
    for place, row in enumerate(rows, start=1):
        if len(row) != len(HEAD):
            found.append(f"row {place} has {len(row)} cells")
            continue
        found += [
            f"row {place}: {head} is empty"
            for head, cell in zip(HEAD, row, strict=True)
            if not cell
        ]
        number, _, _, code, test, _ = row
        if number != str(place):
            found.append(f"row {place} has the number {number}")
        if not test.startswith(f"`test_row_{place:02d}_") or test.strip("`") not in tests:
            found.append(f"row {place} has no test {test}")
        found += [
            f"row {place}: no {name}" for name in re.findall("`(.*?)`", code) if not exists(name)
        ]
    named = {row[4].strip("`") for row in rows if len(row) == len(HEAD)}
    found += [f"{test} has no row" for test in tests if test not in named]
    said = {int(number) for number in re.findall(r"\*\*E(\d+)\*\*", text)}
    found += [f"erratum E{number} is missing" for number in range(1, 20) if number not in said]
    return found


def exists(name: str) -> bool:
    """Whether ``file:function`` or ``file:Class.method`` is defined there."""
    path, _, name = name.partition(":")
    if not name or not (ROOT / path).is_file():
        return False
    body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    for part in name.split("."):
        nodes = [node for node in body if part in defined(node)]
        if not nodes:
            return False
        body = getattr(nodes[-1], "body", [])
    return True


def defined(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def row_tests() -> list[str]:
    functions = inspect.getmembers(test_lecture_notes, inspect.isfunction)
    return [name for name, _ in functions if name.startswith("test_")]


def test_the_table_is_whole():
    assert problems(TEXT, row_tests()) == []
    assert len(rows_of(TEXT)) > 60


ROW = next(line for line in TEXT.splitlines() if line.startswith("| 7 |"))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("test_row_07_choosing_layers", "test_row_07_gone", "row 7 has no test"),
        ("| 7 |", "| 8 |", "row 7 has the number 8"),
        ("py:Network`", "py:Netwerk`", "row 7: no src/deltarule/network.py:Netwerk"),
        ("network.py:", "nitwork.py:", "row 7: no src/deltarule/nitwork.py:Network"),
        ("`deltarule demo --notes`, part 7", "", "row 7: see it is empty"),
        ("**E17**", "E17", "erratum E17 is missing"),
        (ROW, "", "test_row_07_choosing_layers has no row"),
    ],
)
def test_a_planted_gap_is_found(old, new, expected):
    assert old in ROW
    changed = TEXT.replace(ROW, ROW.replace(old, new))
    assert any(problem.startswith(expected) for problem in problems(changed, row_tests()))


def test_a_test_without_a_row_is_found():
    extra = [*row_tests(), "test_row_67_more"]
    assert problems(TEXT, extra) == ["test_row_67_more has no row"]


def test_every_line_to_see_runs():
    prelude = re.search(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ReferenceEngineWarning)
        exec(prelude[1], names)
        for number, *_, see in rows_of(TEXT):
            part = DEMO.fullmatch(see)
            if part:
                assert 1 <= int(part[1]) <= 1 + len(PARTS), f"row {number}: {see}"
            else:
                assert re.fullmatch("`[^`]+`", see), f"row {number}: {see}"
                assert eval(see.strip("`"), names) is not None, f"row {number}: {see}"


def test_the_transcription_has_fifteen_lines():
    source = (ROOT / "examples" / "notes_in_15_lines.py").read_text(encoding="utf-8")
    function = next(
        node for node in ast.parse(source).body if getattr(node, "name", "") == "backpropagation"
    )
    lines = source.splitlines()[function.lineno - 1 : function.end_lineno]
    assert len([line for line in lines if line.strip()]) <= 15


def test_the_mathematics_names_every_equation():
    page = (ROOT / "docs" / "mathematics.md").read_text(encoding="utf-8")
    assert [n for n in range(1, 10) if f"({n})" not in page] == []
    named = re.findall(r"`((?:src|cpp)/[\w/]+\.\w+:[\w.]+)`", page)
    assert len(named) >= 9
    assert [name for name in chain(named) if not exists(name)] == []
