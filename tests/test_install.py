"""What the project's own installation compiles."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[1] / "tools"
sys.path.insert(0, str(TOOLS))

import install  # noqa: E402

V3 = "avx2 fma bmi1 bmi2 movbe f16c abm"
V4 = f"{V3} avx512f avx512bw avx512cd avx512dq avx512vl"

# flags of the machine, and the instruction sets that CMake is told
CASES = [
    ("sse4_2 popcnt", "v2"),
    (f"sse4_2 {V3}", "v2;v3"),
    (V3.replace("fma ", ""), "v2"),
    (V4, "v2;v3;v4"),
    (V4.replace("avx512vl", ""), "v2;v3"),
    ("", ""),
]


@pytest.mark.parametrize(("flags", "isas"), CASES)
def test_kernels_are_compiled_for_this_machine(
    flags: str, isas: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert install.isas_here(set(flags.split())) == isas


def test_cmake_chooses_on_other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert install.isas_here(set(V4.split())) == ""


def test_what_runs_here_was_compiled() -> None:
    core = pytest.importorskip("deltarule._core")
    told = install.isas_here()
    if not told:
        pytest.skip("CMake chooses here")
    assert set(core.available_isas()) <= {f"x86-64-{isa}" for isa in told.split(";")}
