"""What README and docs say holds: their code runs, their numbers are the measured ones."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, block in enumerate(
        re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)
    )
]


def test_there_is_code_to_run() -> None:
    assert len(BLOCKS) >= 2


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_code_blocks_run(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "<block>", "exec"), {"__name__": "block"})


def test_numbers_are_the_measured_ones() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    source = re.search(r"`(benchmarks/results/\S+\.json)`", readme)
    assert source is not None
    command = [sys.executable, str(ROOT / "benchmarks/tables.py"), "--check", str(ROOT / source[1])]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_how_to_choose_is_of_its_measurements() -> None:
    command = [sys.executable, str(ROOT / "benchmarks/choice_texts.py"), "--check"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_playgrounds_numbers_are_the_measured_ones() -> None:
    command = [sys.executable, str(ROOT / "benchmarks/playground_texts.py"), "--check"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_numbers_of_images_are_the_measured_ones() -> None:
    command = [sys.executable, str(ROOT / "benchmarks/image_texts.py"), "--check"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_tables_page_is_of_its_result() -> None:
    command = [sys.executable, str(ROOT / "benchmarks/tabular_texts.py"), "--check"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert missing == []


def test_every_room_is_on_the_map() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = {path.name for path in (ROOT / "src" / "deltarule").iterdir()}
    rooms -= {"__init__.py", "__main__.py", "__pycache__", "py.typed", "_core.pyi"}
    missing = [room for room in rooms if not room.endswith(".so") and f"`{room}" not in text]
    assert missing == []


def test_the_readmes_notes_table_names_what_exists() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    part = text[text.index("## From the notes to the code") : text.index("## The two faces")]
    rows = [line.split("|") for line in part.splitlines() if line.startswith("|")][2:]
    assert len(rows) == 12
    for row in rows:
        assert all(cell.strip() for cell in row[1:-1])
        for file, names in re.findall(r"`([\w/]+\.py)`((?:,? `\w+`)+)", row[3]):
            source = (ROOT / "src" / "deltarule" / file).read_text(encoding="utf-8")
            for name in re.findall(r"`(\w+)`", names):
                assert re.search(rf"^(?:def|class) {name}\b", source, re.M), (file, name)
