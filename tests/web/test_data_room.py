"""The data room, driven as a person would."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from conftest import serious_findings
from heard import Asks, pretend
from sklearn.datasets import load_digits, load_iris

from deltarule.playground.answers import Answers

ROOT = Path(__file__).resolve().parents[2]
CASES = json.loads((ROOT / "tests" / "table_cases.json").read_text(encoding="utf-8"))
MIXED = "age,city,price\n31,Oslo,250000\n,Rome,199000.5\n40,Bonn,310000\n28,Rome,\n55,Oslo,120000\n"

#: Only the library's server can be listened to, and knows categories.
server_only = pytest.mark.parametrize("open_page", ["server"], indirect=True)


def enter(page):
    # What the address says is open by then.
    page.locator(".counters").wait_for()
    page.get_by_role("navigation", name="Rooms").get_by_role("link", name="Data").click()
    page.get_by_role("heading", name="In use").wait_for()


def card(page, name):
    return page.get_by_role("region", name=name, exact=True)


def in_use(page, name):
    """The card of the table in use, once it is that one."""
    page.get_by_role("heading", name=f"In use: {name}").wait_for()
    return page.locator("section.data-in-use")


def paste(page, text):
    page.get_by_role("textbox", name="or paste it here").fill(text)
    page.get_by_role("button", name="Read the pasted text").click()


def drop(page, name, make):
    """A file, made by a line of JavaScript, is dropped on the page."""
    page.evaluate(
        f"""() => {{
            const dropped = new DataTransfer();
            dropped.items.add(new File([{make}], {json.dumps(name)}));
            dispatchEvent(new DragEvent("drop", {{ dataTransfer: dropped, cancelable: true }}));
        }}"""
    )


def problem(page, sentence):
    """The sentence stands in the card of the own table, word for word."""
    alert = card(page, "Bring your own table").get_by_role("alert")
    alert.filter(has_text=sentence[:40]).wait_for()
    page.wait_for_function(
        "sentence => document.querySelector('.data-problem')?.textContent === sentence",
        arg=sentence,
    )


def rows_of(page, region):
    return [
        row.locator("td").all_text_contents()
        for row in page.get_by_role("region", name=region).locator("tbody tr").all()
    ]


def test_a_set_is_chosen_and_drawn_anew(open_page):
    page = open_page()
    enter(page)
    tile = page.get_by_role("button", name="A circle in a ring")
    tile.click()
    used = in_use(page, "A circle in a ring")
    assert tile.get_attribute("aria-pressed") == "true"
    used.get_by_text("200 rows, 2 inputs → class: 2 classes").wait_for()
    first = rows_of(page, "First rows of A circle in a ring")[0]
    page.get_by_role("button", name="Draw other rows").click()
    cell = page.locator(".data-in-use tbody td").first
    page.wait_for_function(
        "([node, old]) => node.textContent !== old", arg=[cell.element_handle(), first[0]]
    )
    page.get_by_role("textbox", name="rows").fill("50")
    page.keyboard.press("Enter")
    used.get_by_text("50 rows, 2 inputs").wait_for()
    page.get_by_role("slider", name="noise").press("End")
    page.locator(".data-noise output").get_by_text("100 %").wait_for()
    # A set of values is no set for a loss of classes.
    page.get_by_role("button", name="Iris").click()
    in_use(page, "Iris: three kinds of flowers")
    page.get_by_role("button", name="One epoch").click()
    page.locator(".counters dd").nth(0).get_by_text("1", exact=True).wait_for()
    assert page.locator(".notice").count() == 0
    page.get_by_role("button", name="A plane to fit").click()
    in_use(page, "A plane to fit").get_by_text("a value").first.wait_for()
    assert page.locator(".notice").count() == 0


@server_only
def test_iris_and_the_digits_are_those_of_scikit_learn(open_page):
    page = open_page()
    asks = Asks(page)
    enter(page)
    page.get_by_role("button", name="Iris").click()
    in_use(page, "Iris: three kinds of flowers")
    assert rows_of(page, "First rows of Iris: three kinds of flowers")[0] == [
        "5.1", "3.5", "1.4", "0.2", "setosa",
    ]  # fmt: skip
    sent = asks.last("open")
    assert (sent["train"]["X"].size, sent["held"]["X"].size) == (120 * 4, 30 * 4)
    assert np.allclose(sent["train"]["X"].reshape(-1, 4).mean(axis=0), 0, atol=1e-12)
    assert same_rows(sent, load_iris().data * 10, load_iris().target)
    # What the page shows is the library's own objective.
    answers = Answers()
    objective = answers.answer({"ask": "open", "given": sent}, print)["measures"]["objective"]
    shown = page.locator(".counters dd").nth(2).text_content()
    assert float(shown) == pytest.approx(objective, abs=0.006)

    page.get_by_role("button", name="Digits").click()
    used = in_use(page, "Digits written by hand")
    digits = load_digits()
    first = ", ".join(map(str, digits.target[:32]))
    used.get_by_role("img", name=f"The first 32 rows as pictures: {first}").wait_for()
    assert same_rows(asks.last("open"), np.minimum(digits.data, 15), digits.target)


def same_rows(sent, whole, classes):
    """Whether the standardised rows that were sent are those of a set of whole numbers."""
    X = np.vstack([sent[part]["X"].reshape(-1, whole.shape[1]) for part in ("train", "held")])
    D = np.vstack([sent[part]["D"].reshape(-1, classes.max() + 1) for part in ("train", "held")])
    spread = X.std(axis=0)
    scale = np.divide(whole.std(axis=0), spread, out=np.zeros(X.shape[1]), where=spread > 0)
    restored = np.rint((X - X.mean(axis=0)) * scale + whole.mean(axis=0))
    here = np.column_stack([restored, D.argmax(axis=1)])
    there = np.column_stack([np.rint(whole), classes])
    return np.array_equal(here[np.lexsort(here.T)], there[np.lexsort(there.T)])


@server_only
def test_points_are_placed_by_pointer_and_by_keys(open_page):
    page = open_page()
    asks = Asks(page)
    enter(page)
    points = card(page, "Place points yourself")
    canvas = points.get_by_role("application")
    use = points.get_by_role("button", name="Use these")
    assert use.is_disabled()
    points.get_by_text("Place some points first.").wait_for()
    canvas.scroll_into_view_if_needed()

    def at(x, y):
        box = canvas.bounding_box()
        side = box["width"]
        return box["x"] + (x / 1.2 + 1) / 2 * side, box["y"] + (1 - y / 1.2) / 2 * side

    page.mouse.click(*at(0.6, 0.6))
    points.get_by_text("Place at least one point of class 1, too.").wait_for()
    # Dragged, then taken away by the other button of the mouse, and brought back.
    page.mouse.move(*at(0.6, 0.6))
    page.mouse.down()
    page.mouse.move(*at(-0.6, 0.6), steps=4)
    page.mouse.up()
    page.mouse.click(*at(-0.6, 0.6), button="right")
    points.get_by_text("Place some points first.").wait_for()
    points.get_by_role("button", name="Undo").click()
    points.get_by_text("Use these 1 points").wait_for()
    # By keys: from the middle to (0.1, 0.05), a point of class 1, and one of class 0 beside it.
    canvas.focus()
    page.mouse.click(*at(0, -1.1), button="right")
    for key in ["ArrowUp"] * 22 + ["ArrowRight"] * 2 + ["ArrowUp", "2"] + ["ArrowDown"] * 4 + ["1"]:
        page.keyboard.press(key)
    points.get_by_text("a point of class 0").wait_for()
    # Picked up, moved a little, put down; then one more, which is removed.
    for key in ["Enter", "Shift+ArrowLeft", "Shift+ArrowLeft", "Enter", "ArrowLeft"]:
        page.keyboard.press(key)
    for key in ["ArrowLeft", "2", "Delete"]:
        page.keyboard.press(key)
    points.get_by_text("Points as a table").click()
    placed = rows_of(page, "Points as a table")
    assert placed == [["−0.600", "0.600", "0"], ["0.100", "0.0500", "1"], ["0.0800", "−0.150", "0"]]
    points.get_by_role("button", name="Clear").click()
    points.get_by_text("Place some points first.").wait_for()
    points.get_by_role("button", name="Undo").click()
    use.click()
    page.get_by_role("link", name="Network").and_(page.locator("[aria-current]")).wait_for()
    enter(page)
    in_use(page, "Points placed by hand")
    sent = asks.last("open")["train"]
    assert sent["X"].tolist() == [-0.6, 0.6, 0.1, 0.05, 0.08, -0.15]
    assert sent["D"].tolist() == [0, 1, 0]


@server_only
def test_values_are_placed_and_sets_are_changed_by_hand(open_page):
    page = open_page()
    asks = Asks(page)
    enter(page)
    points = card(page, "Place points yourself")
    points.get_by_role("button", name="Copy the set in use").click()
    points.get_by_role("button", name="Use these 4 points").wait_for()
    points.get_by_role("combobox", name="points are").select_option("values")
    points.get_by_role("textbox", name="value").fill("0,25")
    page.keyboard.press("Enter")
    canvas = points.get_by_role("application")
    canvas.focus()
    for key in ["ArrowLeft", "ArrowLeft", "Enter"]:
        page.keyboard.press(key)
    points.get_by_role("button", name="Use these 5 points").click()
    enter(page)
    in_use(page, "Points placed by hand")
    sent = asks.last("open")
    assert sent["train"]["X"].tolist() == [0, 0, 0, 1, 1, 0, 1, 1, -0.1, 0]
    assert sent["train"]["D"].tolist() == [-1, 1, 1, -1, 0.25]
    assert sent["network"]["layers"][-1]["function"]["name"] == "identity"


@server_only
def test_a_table_is_pasted_looked_at_and_used(open_page):
    page = open_page()
    asks = Asks(page)
    enter(page)
    paste(page, MIXED)
    own = card(page, "Bring your own table")
    own.get_by_text("4 rows, 5 inputs → price: a value").wait_for()
    hole = "1 hole is filled with the median 40, and a second input says where"
    assert rows_of(page, "First rows of pasted text")[:2] == [
        ["31", "0", "0", "1", "0", "250000"],
        ["40", "1", "0", "0", "1", "199000"],
    ]
    assert own.locator(".data-notes li").all_text_contents() == [
        f"age: numbers from 31 to 55; {hole}",
        "city: 3 categories, an input for each",
        "price: the target, numbers from 120000 to 310000; 1 row without it left out",
    ]
    own.get_by_role("combobox", name="target").select_option("city")
    own.get_by_text("5 rows, 4 inputs → city: 3 classes").wait_for()
    own.get_by_role("combobox", name="target").select_option("price")
    own.get_by_text("4 rows, 5 inputs").wait_for()
    own.get_by_text(
        "It begins with standardized inputs, one hidden layer of 8 tanh units, squared error, "
        "batches of 4, Adam with step size 0.01, no rows held out."
    ).wait_for()
    own.get_by_role("button", name="Use this table").click()
    page.get_by_role("link", name="Network").and_(page.locator("[aria-current]")).wait_for()
    enter(page)
    used = in_use(page, "pasted text")
    used.get_by_text("price is learned as (price − 219750) / 69715").wait_for()
    used.get_by_role("columnheader", name="price").wait_for()
    assert rows_of(page, "First rows of pasted text")[-4][-1] == "250000"
    sent = asks.last("open")
    ages = np.array([31.0, 40, 40, 55])
    prices = np.array([250000, 199000.5, 310000, 120000])
    assert np.allclose(sent["train"]["X"].reshape(4, 5)[:, 0], (ages - ages.mean()) / ages.std())
    assert np.allclose(sent["train"]["D"], (prices - prices.mean()) / prices.std())
    assert [layer["units"] for layer in sent["network"]["layers"]] == [8, 1]
    assert sent["plan"]["optimizer"]["name"] == "adam"
    assert (sent["plan"]["batch_size"], sent["plan"]["learning_rate_init"]) == (4, 0.01)


def test_a_file_is_chosen_or_dropped_and_read_as_it_is_said(open_page):
    page = open_page()
    enter(page)
    own = card(page, "Bring your own table")
    years = "2019,2020\n1,0.25\n2,0.5\n3,1.75\n"
    page.get_by_label("Choose a CSV file").set_input_files(
        {"name": "years.csv", "mimeType": "text/csv", "buffer": years.encode()}
    )
    own.get_by_text("4 rows, 1 input → column_2: a value").wait_for()
    own.get_by_role("combobox", name="first line").select_option("names")
    own.get_by_text("3 rows, 1 input → 2020: a value").wait_for()
    own.get_by_role("combobox", name="learned as").select_option("classes")
    own.get_by_text("3 rows, 1 input → 2020: 3 classes").wait_for()
    drop(page, "dropped.csv", json.dumps("a;b\n0,5;no\n1,5;yes\n"))
    own.get_by_role("heading", name="dropped.csv").wait_for()
    assert rows_of(page, "First rows of dropped.csv") == [["0.5", "no"], ["1.5", "yes"]]
    own.get_by_role("button", name="Use this table").click()
    enter(page)
    in_use(page, "dropped.csv")


#: Cases of both readers that can be pasted as they are.
PASTED = [
    case
    for case in CASES
    if "problem" in case and "text" in case and not {"engine", "target", "learned"} & set(case)
]


def test_each_bad_table_has_its_sentence_and_nothing_is_lost(open_page):
    page = open_page()
    enter(page)
    paste(page, "x,y\n1,0.25\n2,0.5\n3,1.75\n")
    own = card(page, "Bring your own table")
    own.get_by_text("3 rows, 1 input → y: a value").wait_for()
    assert len(PASTED) >= 13
    for case in PASTED:
        paste(page, case["text"])
        problem(page, case["problem"].replace("t.csv", "pasted text"))
        # What was read before is kept, folded in: it is not what was pasted last.
        kept = own.get_by_text("The table that was read before is kept: pasted text, 3 rows")
        assert kept.is_visible()
        assert own.get_by_role("region", name="First rows of pasted text").count() == 0
    kept.click()
    assert rows_of(page, "First rows of pasted text")[0] == ["1", "0.25"]
    for case in CASES:
        if "bytes" in case and "engine" not in case:
            drop(page, "t.csv", f"new Uint8Array({list(bytes.fromhex(case['bytes']))})")
            problem(page, case["problem"])
    large = "new Uint8Array(32000001).fill(49)"
    drop(page, "large.csv", large)
    problem(page, "large.csv: 32,000,001 bytes, and at most 32,000,000 are read. Leave rows out.")
    drop(page, "many.csv", "'a,b\\n' + '1,2\\n3,4\\n'.repeat(500001)")
    problem(page, "many.csv: more than 1,000,000 rows, the most that are read. Leave some out.")
    wide = "Array.from({ length: 4097 }, (_, place) => 'c' + place).join() + '\\n1\\n'"
    drop(page, "wide.csv", wide)
    problem(page, "wide.csv: 4,097 columns, and at most 4,096 are read. Leave some out.")
    # A target of one value, chosen afterwards; the table that was open stays, and can be used.
    paste(page, "x,y,z\n1,0.25,7\n2,0.5,7\n3,1.75,7\n")
    own.get_by_text("3 rows, 1 input → y: a value", exact=True).wait_for()
    page.locator(".data-problem").wait_for(state="detached")
    own.get_by_role("combobox", name="target").select_option("z")
    problem(
        page,
        "column 'z' is the same in every row: there is nothing to learn. Choose another target.",
    )
    in_use(page, "XOR: the four corners")
    own.get_by_role("button", name="Use this table").click()
    enter(page)
    in_use(page, "pasted text")


def test_a_table_of_no_use_with_a_target_lets_another_one_be_chosen(open_page):
    page = open_page()
    enter(page)
    rows = "".join(f"{row},{row % 3},7\n" for row in range(24))
    paste(page, f"a,b,y\n{rows}")
    problem(
        page,
        "column 'b' is taken as the target, and no other column says anything about it: 'a' only "
        "counts the rows; 'y' is the same in every row. Choose another target, or add a column "
        "that differs between rows.",
    )
    own = card(page, "Bring your own table")
    target = own.get_by_role("combobox", name="target")
    assert target.input_value() == "b"
    target.select_option("y")
    problem(
        page,
        "column 'y' is the same in every row: there is nothing to learn. Choose another target.",
    )
    target.select_option("a")
    own.get_by_text("24 rows, 1 input → a: a value").wait_for()
    assert target.count() == 1
    assert page.locator(".data-problem").count() == 0


def test_names_in_html_are_text(open_page):
    page = open_page()
    enter(page)
    name = "<img src=x onerror=alert(1)>"
    paste(page, f"{name},<b>y</b>\n1,<i>\n2,&amp;\n3,<i>\n")
    own = card(page, "Bring your own table")
    own.get_by_role("columnheader", name=name).wait_for()
    own.get_by_role("button", name="Use this table").click()
    enter(page)
    in_use(page, "pasted text").get_by_role("columnheader", name=name).wait_for()
    assert page.locator("main img[src], main b b, main i").count() == 0


@server_only
def test_where_the_engine_reads_no_tables_the_page_does(open_page):
    page = open_page()
    pretend(page, {"can": ["train"]}, {})
    enter(page)
    own = card(page, "Bring your own table")
    own.get_by_text("This page reads numbers, and words as the classes").wait_for()
    along = card(page, "Take it along")
    assert along.get_by_role("button", name="Model file").count() == 0
    assert along.get_by_text("Open a model file").count() == 0
    paste(page, "a,b\nyes,no\nno,yes\n")
    problem(
        page,
        "pasted text: no column holds numbers, and this page reads numbers only. Open it with "
        "deltarule play, which gives each word an input.",
    )
    paste(page, "age,city,kind\n31,Oslo,a\n,Rome,b\n40,Bonn,a\n")
    own.get_by_text("3 rows, 2 inputs → kind: 2 classes").wait_for()
    assert own.locator(".data-notes li").nth(1).text_content() == (
        "city: left out, it is words, which only deltarule play reads"
    )
    own.get_by_role("button", name="Use this table").click()
    enter(page)
    in_use(page, "pasted text")


def test_the_pages_reader_agrees_with_the_librarys(tmp_path):
    vite = ROOT / "web" / "node_modules" / ".bin" / "vite"
    if not vite.exists():
        pytest.skip("the libraries of the page are not installed: make web")
    build = [vite, "build", "--ssr", "src/model/csv_table.ts", "--outDir", tmp_path]
    subprocess.run(build, cwd=ROOT / "web", check=True, capture_output=True)
    script = tmp_path / "read.mjs"
    script.write_text(
        """
        import { readFileSync } from "node:fs";
        import { tableOfCsv } from "./csv_table.js";
        const bytes = ({ text, bytes }) => Buffer.from(bytes ?? text, bytes ? "hex" : "utf8");
        const read = (one) => {
          const file = new Uint8Array(bytes(one));
          const given = [one.first_line ?? "auto", one.target ?? null, one.learned ?? "auto"];
          try {
            const { name, rows, X, y, ...rest } = tableOfCsv("t.csv", file, ...given);
            return { read: { ...rest, X: [...X], y: [...y] } };
          } catch (error) {
            return { problem: error.message };
          }
        };
        const cases = JSON.parse(readFileSync(process.argv[2], "utf8"));
        console.log(JSON.stringify(cases.map(read)));
        """,
        encoding="utf-8",
    )
    node = ["node", script, ROOT / "tests" / "table_cases.json"]
    done = subprocess.run(node, check=True, capture_output=True, text=True)
    here = 0
    for case, found in zip(CASES, json.loads(done.stdout), strict=True):
        if case.get("engine") == "server":
            continue
        here += 1
        expected = {name: case[name] for name in ("read", "problem") if name in case}
        assert found == expected, case["case"]
    assert here >= 40


def saved(page, button):
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


@server_only
def test_what_is_taken_along_is_the_librarys(open_page):
    page = open_page("")
    asks = Asks(page)
    enter(page)
    along = card(page, "Take it along")
    assert along.get_by_role("button", name="Losses as CSV").is_disabled()
    for epochs in range(3):
        page.get_by_role("button", name="One epoch").click()
        page.locator(".counters dd").nth(0).get_by_text(str(epochs + 1), exact=True).wait_for()
    answers = Answers()
    answers.answer({"ask": "open", "given": asks.last("open")}, print)
    moved = answers.answer({"ask": "advance", "given": {"unit": "epoch", "count": 3}}, print)

    name, content = saved(page, "Losses as CSV")
    lines = list(csv.reader(content.decode().splitlines()))
    assert name == "deltarule-losses.csv"
    assert lines[0] == ["epoch", "loss"]
    assert [float(line[1]) for line in lines[1:]] == moved["curve"]["loss"].tolist()

    given = {"x": None, "d": None, "numeric": False}
    traced = answers.answer({"ask": "trace", "given": given}, print)
    name, content = saved(page, "This step as JSON")
    step = json.loads(content)
    assert name == "deltarule-step.json"
    assert step["network"] == asks.last("open")["network"]
    assert step["trace"]["after"] == traced["after"].tolist()
    assert step["trace"]["delta"] == [delta.tolist() for delta in traced["delta"]]

    page.get_by_role("link", name="Network").click()
    for picture in ("network", "map"):
        name, content = saved(page, f"The {picture} as a picture")
        assert name == f"deltarule-{picture}.png"
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        shades = page.evaluate(
            """async (bytes) => {
                const picture = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
                const canvas = new OffscreenCanvas(picture.width, picture.height);
                const context = canvas.getContext("2d");
                context.drawImage(picture, 0, 0);
                const { data } = context.getImageData(0, 0, picture.width, picture.height);
                return new Set(new Uint32Array(data.buffer)).size;
            }""",
            list(content),
        )
        assert shades > 20, picture


@server_only
def test_the_librarys_own_model_file_comes_back(open_page):
    page = open_page()
    asks = Asks(page)
    enter(page)
    page.get_by_role("button", name="One epoch").click()
    page.locator(".counters dd").nth(0).get_by_text("1", exact=True).wait_for()
    name, content = saved(page, "⤓ Model file")
    objective = page.locator(".counters dd").nth(2).text_content()
    page.get_by_role("button", name="Same seed again").click()
    page.locator(".counters dd").nth(0).get_by_text("0", exact=True).wait_for()
    page.get_by_label("Open a model file").set_input_files(
        {"name": name, "mimeType": "", "buffer": content}
    )
    page.locator(".counters dd").nth(2).get_by_text(objective, exact=True).wait_for()
    assert asks.last("open")["start"]["vector"].size == 13


def network_is(page, name):
    page.get_by_role("navigation", name="Rooms").get_by_role("link", name="Network").click()
    page.get_by_role("img", name=name).wait_for()
    enter(page)


@server_only
def test_a_model_file_is_saved_and_opened(open_page):
    page = open_page()
    given = []
    opened = {}

    def load(asked):
        given.append(asked["file"].tobytes())
        return opened

    answers = {"save": lambda asked: {"file": np.arange(9, dtype=np.uint8)}, "load": load}
    pretend(page, {"can": ["train", "table", "save", "load"]}, answers)
    enter(page)
    assert saved(page, "⤓ Model file") == ("model.safetensors", bytes(range(9)))

    layers = [(2, 5, "tanh"), (5, 1, "logistic")]
    network = {
        "layers": [
            {
                "name": "dense",
                "inputs": inputs,
                "units": units,
                "function": {"name": name},
                "bias": True,
            }
            for inputs, units, name in layers
        ],
        "heads": [{"columns": [0, 1], "loss": {"name": "log_loss"}, "weight": 1}],
    }
    state = {
        "vector": np.linspace(-1, 1, 21), "moments": np.empty(0), "buffers": np.empty(0),
        "step": 8, "epoch": 2, "into": 0, "carried": 0.0,
        "rate_factor": 1.0, "best_loss": 1.0, "stalled": 0,
    }  # fmt: skip
    opened.update(network=network, state=state)
    page.get_by_label("Open a model file").set_input_files(
        {"name": "m.safetensors", "mimeType": "", "buffer": b"model"}
    )
    page.locator(".counters dd").nth(0).get_by_text("2", exact=True).wait_for()
    assert given == [b"model"]
    network_is(page, "A network of 2, 5, 1 units")
    # One that does not fit the rows in use says so, and what was open stays.
    network["layers"][0]["inputs"] = 3
    drop(page, "other.safetensors", "'model'")
    card(page, "Take it along").get_by_role("alert").get_by_text(
        "The model has 3 inputs and the table in use asks for 2. Choose the table that it was "
        "trained on first, then open the model again."
    ).wait_for()
    network_is(page, "A network of 2, 5, 1 units")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nobody_is_kept_out(open_page, theme):
    page = open_page(color_scheme=theme)
    enter(page)
    paste(page, "x,y\n1,0.25\n2,0.5\n3,1.75\n")
    card(page, "Bring your own table").get_by_role("button", name="Use this table").wait_for()
    paste(page, "")
    card(page, "Bring your own table").get_by_role("alert").wait_for()
    page.get_by_role("button", name="Copy the set in use").click()
    page.get_by_text("Points as a table").click()
    assert serious_findings(page) == []
