"""``deltarule demo --notes``: it runs on either engine, its numbers add up, and it reads well."""

import io
import re
import unicodedata

import numpy as np
import pytest

import deltarule as dr
from deltarule import engines
from deltarule.cli import notes, notes_by_hand, notes_on_data
from deltarule.cli.page import WIDTH, Page, Table, pad, shown_width
from deltarule.exceptions import InvalidParameterError

ENGINES = ["reference", "compiled"]
ENGINE = "compiled" if engines.compiled_available() else "reference"


@pytest.fixture(scope="module")
def text() -> str:
    stream = io.StringIO()
    notes.run(ENGINE, stream)
    return stream.getvalue()


def section(text: str, number: int) -> str:
    """The text of one part."""
    return re.split(r"^── \d  .*$", text, flags=re.MULTILINE)[number]


def numbers(line: str) -> list[float]:
    return [float(word) for word in re.findall(r"[-+]?\d+\.?\d*(?:e[-+]\d+)?", line)]


def data_rows(part: str, columns: int, label: str = "") -> list[list[float]]:
    """The rows of the part's tables with that many numbers and that label in front."""
    pattern = re.compile(rf"\s+{label}\s*[-+\d]")
    found = [numbers(line) for line in part.splitlines() if pattern.match(line)]
    return [row for row in found if len(row) == columns]


def test_seven_parts_each_with_what_the_notes_say(text):
    headings = re.findall(r"^── (\d)  ", text, flags=re.MULTILINE)
    assert headings == ["1", "2", "3", "4", "5", "6", "7"]
    assert text.count("   The notes: ") == 7


def test_no_line_is_too_wide(text):
    shown = [sum(not unicodedata.combining(mark) for mark in line) for line in text.splitlines()]
    assert max(shown) <= WIDTH + 3
    assert not re.search(r"[ \t]$", text, flags=re.MULTILINE)


def test_every_sum_by_hand_adds_up(text):
    part = section(text, 1)
    sums = re.findall(r"z¹_\d = (.*?) = ([-+]\d\.\d+)", part)
    assert len(sums) == 5
    for terms, total in sums:
        factors = numbers(terms)
        assert np.dot(factors[::2], factors[1::2]) == pytest.approx(float(total), abs=2e-4)
    updates = re.findall(
        r"[VW]_\d\d = (\S+) - 0\.5·\((\S+?)\)\((\S+?)\) = (\S+) +(\S+) +(\S+)", part
    )
    assert len(updates) == 25
    for old, delta, below, new, slope, difference in (map(float, row) for row in updates):
        assert old - 0.5 * delta * below == pytest.approx(new, abs=1.1e-4)
        assert delta * below == pytest.approx(slope, abs=5e-5)
        assert slope == pytest.approx(difference, abs=2e-8)


def test_the_deltas_by_hand_add_up(text):
    part = section(text, 1)
    deep = re.findall(r"δ_\d = \((\S+) - (\d)\) · \S+ · \(1 - \S+\) = (\S+)", part)
    assert len(deep) == 2
    for guess, target, delta in (map(float, row) for row in deep):
        assert (guess - target) * guess * (1 - guess) == pytest.approx(delta, abs=2e-5)
    shallow = re.findall(
        r"δ_\d = (\S+)·(\S+)·\[\((\S+?)\)\((\S+?)\) \+ \((\S+?)\)\((\S+?)\)\] = (\S+) +(\S+)", part
    )
    assert len(shallow) == 5
    for h, rest, d1, v1, d2, v2, old, new in (map(float, row) for row in shallow):
        assert h * rest * (d1 * v1 + d2 * v2) == pytest.approx(old, abs=2e-5)
        assert old != new
    assert "largest error" in part
    assert "passed" in part


def test_a_wrong_gradient_would_be_said(monkeypatch):
    right = notes_by_hand.check_gradients

    def wrong(*arguments):
        report = right(*arguments)
        return type(report)(False, 1.0, "layer 0", *(getattr(report, n) for n in ARRAYS))

    monkeypatch.setattr(notes_by_hand, "check_gradients", wrong)
    stream = io.StringIO()
    notes_by_hand.step_by_hand(Page(stream), "reference")
    assert "FAILED at layer 0" in stream.getvalue()


ARRAYS = ("analytic", "numeric", "crossed")


def test_the_engine_does_the_same_step(text):
    said = re.search(r"the same step: (?:the same weights|the weights differ by (\S+))", text)
    assert said
    assert float(said[1] or 0) < 1e-12


def test_perceptron_jumps_and_the_neuron_settles(text):
    last = re.search(r"21-30 +(\S+)% to (\S+)% right +(\S+)% to (\S+)% right +(\S+)%", text)
    low, high, low_neuron, high_neuron, _ = map(float, last.groups())
    assert high - low > 2 * (high_neuron - low_neuron)
    assert low > 85


def test_noise_falls_with_the_square_root_of_the_batch(text):
    rows = data_rows(section(text, 3), 8)
    assert [row[0] for row in rows] == [1, 4, 16, 64, 426]
    noise = np.array([row[2] for row in rows])
    assert (np.diff(noise) < 0).all()
    scaled = np.array([row[3] for row in rows])
    assert scaled.max() / scaled.min() < 1.2


def test_normalization_pays(text):
    part = section(text, 4)
    raw = data_rows(part, 7, "raw")
    standardised = data_rows(part, 7, "standardised")
    assert (len(raw), len(standardised)) == (3, 1)
    assert all(row[1] == 100 for row in raw)
    assert standardised[0][1] < 5
    assert standardised[0][-1] > 90 > 60 > max(row[-1] for row in raw)


def test_the_penalty_does_what_is_said(text):
    rows = np.array(data_rows(section(text, 5), 6))
    assert len(rows) == 7
    assert (np.diff(rows[:, 1]) < 0).all()  # weights shrink
    assert (np.diff(rows[:, 2]) > 0).all()  # the training loss only rises
    best = rows[:, 3].argmin()
    assert 0 < best < 6  # the held-out loss first falls, then rises


def test_wide_guesses_end_in_worse_minima(text):
    part = section(text, 6)
    worse = [int(count) for count in re.findall(r"(\d+) of 20", part)]
    assert worse[0] == 0
    assert worse[1] >= 3
    ends = [numbers(line) for line in part.splitlines() if len(numbers(line)) == 10]
    lowest = min(map(min, ends))
    assert sum(end > 1.5 * lowest for line in ends[2:] for end in line) == worse[1]
    assert "hidden units differ by 0 after" in " ".join(part.split())


def test_deltas_fade_towards_the_input(text):
    part = section(text, 7)
    for hidden in range(4):
        rows = data_rows(part, 5 + hidden, str(hidden))
        assert len(rows) == 2, hidden
        fading, passing = (np.array(row[2:-2]) for row in rows)
        assert (np.diff(fading) > 0).all()
        assert fading[0] <= passing[0]
        assert fading[-1] / fading[0] >= 5**hidden


def test_the_other_engine_tells_the_same(text):
    """The parts that take little time, on the reference engine."""
    stream = io.StringIO()
    page = Page(stream)
    notes_by_hand.step_by_hand(page, "reference")
    notes_on_data.layers(page, "reference")
    ours = stream.getvalue()
    assert data_rows(section(ours, 2), 6, "1")[:1] == data_rows(section(text, 7), 6, "1")[:1]
    step = "z¹_1 = "
    assert [line for line in ours.splitlines() if step in line] == [
        line for line in text.splitlines() if step in line
    ]


@pytest.mark.long
def test_the_whole_on_the_reference_engine():
    stream = io.StringIO()
    notes.run("reference", stream)
    assert "reference engine" in stream.getvalue()


def test_auto_takes_what_is_installed(text, capsys, monkeypatch):
    monkeypatch.setattr(notes, "PARTS", ())
    notes.run()
    shown = capsys.readouterr().out
    assert shown.splitlines()[:3] == text.splitlines()[:3]
    assert notes.ENGINE_WORDS[ENGINE] in shown.splitlines()[1]


def test_an_unknown_engine_is_refused_before_anything_is_written():
    stream = io.StringIO()
    with pytest.raises(InvalidParameterError, match="engine must be one of"):
        notes.run("steam", stream)
    assert stream.getvalue() == ""


def test_rows_are_split_and_scaled_on_training_rows():
    rows = notes_on_data.load("iris")
    assert (len(rows.y), len(rows.y_held)) == (112, 38)
    np.testing.assert_allclose(rows.X.mean(axis=0), 0, atol=1e-12)
    assert abs(rows.X_held.mean(axis=0)).max() > 1e-3
    assert rows.targets().shape == (112, 3)
    assert set(notes_on_data.load("breast_cancer").targets(-1.0, 1.0).ravel()) == {-1.0, 1.0}


def test_right_counts_by_the_output():
    network = dr.Network((1, 1), "sign", "perceptron", bias=False)
    parameters = dr.initialize(network).replace(vector=np.ones(1))
    X, y = np.array([[-1.0], [2.0], [3.0]]), np.array([0, 1, 0])
    assert notes_on_data.right(network, parameters, X, y) == pytest.approx(2 / 3)


def test_a_table_counts_what_a_terminal_shows():
    stream = io.StringIO()
    table = Table(Page(stream), "d̂", "name ")
    table.row("1", "d̂")
    assert shown_width("d̂") == 1
    assert pad("d̂", -3) == "d̂  "
    assert stream.getvalue().splitlines() == ["   d̂  name", "   ─  ─────", "   1  d̂"]
