"""The page that users get is what its sources make."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import pytest

import deltarule.playground

ROOT = Path(__file__).parents[1]
STATIC = Path(deltarule.playground.__path__[0]) / "static"
MOST_BYTES = 250_000  # gzipped, all but the sets in data/, which are fetched when they are chosen

if not (ROOT / "web").is_dir():
    pytest.skip("the sources of the page are not here", allow_module_level=True)
sys.path.insert(0, str(ROOT / "tools"))

import page  # noqa: E402
import web_options  # noqa: E402


def test_the_page_was_built_from_these_sources():
    record = json.loads((STATIC / "build.json").read_text(encoding="utf-8"))
    assert record["sources"] == page.sources_hash(), "web/ changed since: run make web"


def test_the_options_are_those_of_the_library():
    written = web_options.FILE.read_text(encoding="utf-8")
    assert written == web_options.text(), "run make web"


def test_the_page_is_small():
    sizes = {
        path.relative_to(STATIC).as_posix(): len(gzip.compress(path.read_bytes()))
        for path in STATIC.rglob("*")
        if path.is_file() and path.parent.name != "data"
    }
    assert {"index.html", "engine.json"} <= set(sizes)
    assert sum(sizes.values()) <= MOST_BYTES, sizes


def test_the_page_names_no_other_host():
    for path in STATIC.rglob("*"):
        if path.suffix in (".html", ".css"):
            text = path.read_text(encoding="utf-8")
            assert "//" not in text.replace("http://www.w3.org/", ""), path
