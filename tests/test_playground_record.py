"""Recordings: what stands in them is what the lab does."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import deltarule as dr
from deltarule.exceptions import InvalidParameterError
from deltarule.playground import record, wire
from deltarule.playground.answers import Answers
from deltarule.playground.shown import Shown
from deltarule.playground.sources import source_of

X = np.random.default_rng(0).normal(size=(40, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


@pytest.fixture(scope="module")
def shown() -> Shown:
    model = dr.MLPClassifier((3,), batch_size=1, solver="sgd", max_iter=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Shown(source_of(model.fit(X, Y), X, Y))


@pytest.fixture
def static(tmp_path):
    """A page as `make web` makes it, in small."""
    (tmp_path / "index.html").write_text(
        '<!doctype html><html><head><meta http-equiv="Content-Security-Policy" content="x" />'
        '<link rel="icon" href="./icon.svg" type="image/svg+xml" />'
        '<script type="module" crossorigin src="./page.js"></script>'
        '<link rel="stylesheet" crossorigin href="./page.css"></head>'
        '<body><div id="page"></div></body></html>'
    )
    (tmp_path / "page.js").write_text('const text = "</script><!-- no end -->";')
    (tmp_path / "page.css").write_text("b{color:red}")
    (tmp_path / "icon.svg").write_text("<svg/>")
    return tmp_path


def test_frames_are_the_labs_steps_and_traces(shown):
    found = wire.decode(wire.encode(record.recording(shown, 50), once=True))
    answers = Answers(shown)
    answers.answer({"ask": "open", "given": shown.subject["open"]}, print)
    for frame in found["frames"]:
        given = {"x": None, "d": None, "numeric": True}
        trace = answers.answer({"ask": "trace", "given": given}, print)
        for name in ("before", "after", "gradient", "numeric", "moments_after"):
            np.testing.assert_array_equal(frame["trace"][name], trace[name])
        given = {"unit": "step", "count": 1}
        np.testing.assert_array_equal(frame["state"]["vector"], answers.lab.parameters.vector)
        answers.answer({"ask": "advance", "given": given}, print)
        np.testing.assert_array_equal(frame["trace"]["after"], answers.lab.parameters.vector)
    assert len(found["frames"]) == 51
    epochs = np.concatenate([frame["curve"]["epoch"] for frame in found["frames"]])
    assert epochs.tolist() == [3.0]  # one epoch of 40 steps ended on the way
    notes = found["hello"]["subject"]["table"]["notes"]
    assert notes[-1] == (
        "This page is a recording: walk through 50 steps of training, forward and back."
    )


def test_the_page_stands_in_the_file_and_nothing_else_gets_in(shown, static, tmp_path):
    path = tmp_path / "page.html"
    assert record.record(shown, path, 3, static) == 3
    page = path.read_text(encoding="utf-8")
    script = re.search(r'<script type="module">(.*?)</script>', page, re.DOTALL)[1]
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    assert script == 'const text = "<\\/script><\\!-- no end -->";'
    for kind, text in (("script", script), ("style", style)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in page
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src 'none'; ")
    assert "'self'" not in policy
    assert "./" not in page
    packed = re.search(r'id="recording">([^<]*)</script>', page)[1]
    found = wire.decode(gzip.decompress(base64.b64decode(packed)))
    assert len(found["frames"]) == 4


def test_as_many_steps_are_recorded_as_fit(shown, monkeypatch):
    each = len(wire.encode(record.recording(shown, 1)["frames"][0], once=True))
    monkeypatch.setattr(record, "MOST_BYTES", 5 * each)
    assert len(record.recording(shown)["frames"]) == 6
    with pytest.raises(InvalidParameterError) as caught:
        record.recording(shown, 6)
    assert str(caught.value).startswith("steps must be at most 5 for this network, whose steps ")
    assert str(caught.value).endswith(" MB each (got 6). Record fewer.")


def test_a_file_of_the_page_and_one_of_the_library_may_be_of_the_same_size():
    source = Path(__file__).resolve().parents[1] / "web/src/rooms/data/recording.ts"
    assert record.MOST_BYTES == 12_000_000
    assert "\nconst MOST_BYTES = 12_000_000;\n" in source.read_text(encoding="utf-8")


@pytest.mark.parametrize("steps", [0, True, 1.5])
def test_steps_must_be_some(shown, static, tmp_path, steps):
    with pytest.raises(InvalidParameterError) as caught:
        record.record(shown, tmp_path / "page.html", steps, static)
    assert str(caught.value) == (
        f"steps must be a whole number of at least 1 (got {steps!r}). Say how many steps are to "
        "be walked through."
    )


def test_what_is_being_fitted_is_not_recorded(tmp_path):
    shown = Shown()
    shown.begin_fit(lambda: pytest.fail("nobody looks"))
    with pytest.raises(InvalidParameterError) as caught:
        record.record(shown, tmp_path / "page.html")
    assert str(caught.value) == (
        "A recording needs a fitted model (got one that is being fitted). Wait until its fit has "
        "ended."
    )


def test_without_a_model_xor_is_recorded():
    found = record.recording(Shown(), 4)
    assert found["hello"]["subject"]["title"] == "XOR: the four corners, 2-3-1"
    # The notes' own algorithm: the same samples, and the same bits of every weight.
    network = dr.Network(units=(2, 3, 1), activations="logistic", loss="squared_error")
    plan = dr.TrainingPlan(
        learning_rate_init=1.0, batch_size=1, sampling="replacement", max_epochs=1, key=3
    )
    start = dr.TrainingState(dr.initialize(network, 3), np.zeros((0, network.size)))
    X, d = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([[0.0, 1, 1, 0]]).T
    trained = dr.train(network, start, X, d, plan)
    assert found["frames"][4]["state"]["epoch"] == 1
    np.testing.assert_array_equal(found["frames"][4]["state"]["vector"], trained.parameters.vector)


def test_a_page_that_was_not_built_is_said(shown, tmp_path):
    with pytest.raises(InvalidParameterError) as caught:
        record.record(shown, tmp_path / "page.html", 1, tmp_path)
    assert str(caught.value) == (
        f"static must be a folder with an index.html (got {str(tmp_path)!r} without one). Build "
        "the page with make web, or install deltarule anew."
    )
