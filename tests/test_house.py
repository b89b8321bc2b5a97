"""The house itself: its one-way order, its sizes, its public names, its version.

The order of the rooms stands in pyproject.toml. Here violations are planted in a copy of the
sources, and every one of them must be found.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "deltarule"
LONGEST_FILE = 600  # lines; past it a second concept is hiding
MOST_NAMES = 60
LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"

# room, what is planted at its end, what the contract must say
VIOLATIONS = [
    ("losses.py", "import deltarule.training", "deltarule.losses -> deltarule.training"),
    ("losses.py", "from deltarule import activations", "deltarule.losses -> deltarule.activations"),
    ("network.py", "def f():\n    from deltarule import engines", "deltarule.network -> "),
    ("training.py", "import sklearn", "deltarule.training -> sklearn"),
    ("backprop.py", "from sklearn.base import clone", "deltarule.backprop -> sklearn"),
    ("engines/base.py", "import deltarule.engines.reference", "base -> deltarule.engines.ref"),
    ("training.py", "import torch", "deltarule.training -> torch"),
    ("cli/train.py", "import uvicorn", "deltarule.cli.train -> uvicorn"),
    ("network.py", "import pickle", "deltarule.network -> pickle"),
    ("kitchen.py", "", "- deltarule.kitchen"),
    ("engines/steam.py", "", "- deltarule.engines.steam"),
]


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT_IMPORTS, "--no-cache", "--config", "pyproject.toml"],
        cwd=folder,
        # The copy comes before what is installed.
        env={**os.environ, "PYTHONPATH": str(folder / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy_of_sources(tmp_path: Path) -> Path:
    pytest.importorskip("importlinter")
    shutil.copytree(SOURCE, tmp_path / "src" / "deltarule", ignore=shutil.ignore_patterns("*.so"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_order_is_kept(copy_of_sources: Path) -> None:
    answer = lint_imports(copy_of_sources)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert " 0 broken" in answer.stdout


@pytest.mark.parametrize(("room", "planted", "verdict"), VIOLATIONS)
def test_a_planted_violation_is_found(
    copy_of_sources: Path, room: str, planted: str, verdict: str
) -> None:
    with (copy_of_sources / "src" / "deltarule" / room).open("a", encoding="utf-8") as file:
        file.write(f"\n{planted}\n")
    answer = lint_imports(copy_of_sources)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert verdict in answer.stdout


def test_no_room_goes_through_the_front_door() -> None:
    """`from deltarule import MLPClassifier` in a low room would be an import nobody sees."""
    rooms = {path.stem for path in SOURCE.iterdir()}
    entered = [
        f"{path.relative_to(ROOT)}:{node.lineno} {alias.name}"
        for path in SOURCE.rglob("*.py")
        if "cli" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "deltarule"
        for alias in node.names
        if alias.name not in rooms | {"__version__", "_core"}
    ]
    assert entered == []


def test_no_room_is_entered_by_a_string() -> None:
    """A room that is named in a text is an import that the order does not see.

    The front door alone, `deltarule.__getattr__`, names rooms in texts.
    """
    hidden = [
        f"{path.relative_to(ROOT)}:{node.lineno} {word}"
        for path in SOURCE.rglob("*.py")
        if path != SOURCE / "__init__.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for word in [getattr(node, "id", getattr(node, "attr", getattr(node, "name", "")))]
        if word in {"import_module", "__import__", "importlib"}
    ]
    assert hidden == []


def test_no_file_is_too_long() -> None:
    too_long = {
        str(path.relative_to(ROOT)): lines
        for folder in ("src", "cpp", "tests", "tools", "benchmarks", "examples")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".cpp", ".hpp"}
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_FILE
    }
    assert too_long == {}


def run_python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout


def test_importing_the_package_loads_numpy_only() -> None:
    code = "import sys, json, deltarule; print(json.dumps(sorted(sys.modules)))"
    modules = set(json.loads(run_python(code)))
    outside = {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names)
    # What the interpreter had loaded without us (site hooks of an editable install, say).
    before = json.loads(run_python("import sys, json; print(json.dumps(sorted(sys.modules)))"))
    outside -= {name.partition(".")[0] for name in before}
    assert outside <= {"deltarule", "numpy"}
    assert "deltarule._core" not in modules


def test_the_public_names_are_few_and_all_there() -> None:
    import deltarule

    assert len(deltarule.__all__) <= MOST_NAMES
    assert len(set(deltarule.__all__)) == len(deltarule.__all__)
    for name in deltarule.__all__:
        assert getattr(deltarule, name) is not None, name
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        deltarule.no_such_name  # noqa: B018


def test_one_version(project: dict) -> None:
    import deltarule

    assert deltarule.__version__ == project["project"]["version"]
    assert f"## {deltarule.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_types_are_shipped() -> None:
    import deltarule

    assert (Path(deltarule.__file__).parent / "py.typed").is_file()
