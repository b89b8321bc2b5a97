"""The compiled core of the page is of the sources that stand here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import web_core  # noqa: E402


def test_it_is_of_these_sources():
    made_of = web_core.recorded(web_core.FILE.read_bytes())
    assert made_of["sources"] == web_core.fingerprint(), (
        "web/src/wasm/core.wasm was built from other sources: run make web"
    )


def test_the_sources_are_those_that_are_compiled():
    names = {path.relative_to(web_core.CPP).as_posix() for path in web_core.sources()}
    assert {"web/module.cpp", "src/session.cpp", "include/deltarule/losses.hpp"} <= names
    assert not {"src/lanes.cpp", "src/threads.cpp", "bindings/session.cpp"} & names


def test_a_module_without_a_record_says_nothing():
    assert web_core.recorded(b"\0asm\1\0\0\0") == {}


def test_its_size_is_bearable():
    import gzip

    assert len(gzip.compress(web_core.FILE.read_bytes(), 9)) <= 90_000


@pytest.mark.long
def test_the_same_sources_make_the_same_bytes(tmp_path):
    made_by = web_core.recorded(web_core.FILE.read_bytes())["compiler"]
    if web_core.compiler() != made_by:
        pytest.skip(f"the module was made by {made_by}, which is not here")
    assert web_core.build(tmp_path / "core.wasm") == web_core.FILE.read_bytes()
