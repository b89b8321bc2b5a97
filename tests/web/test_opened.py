"""``dr.play`` in the browser: a model is opened, moved, diagnosed, saved, loaded and taken."""

from __future__ import annotations

import threading
import warnings

import numpy as np
import pandas as pd
import pytest
from conftest import serious_findings

import deltarule as dr
from deltarule.tables import ColumnPlan, Table, TableModel, TargetPlan

expect = pytest.importorskip("playwright.sync_api").expect

DRAW = np.random.default_rng(0)
X = DRAW.normal(5.0, 2.0, size=(120, 4))
Y = np.array(["low", "middle", "high"])[np.digitize(X[:, 1] + X[:, 2], [8.0, 11.0])]


@pytest.fixture
def visit(browser):
    """Opens a link; afterwards nothing may have gone wrong on it."""
    contexts, troubles = [], []

    def opened(link: str, **options):
        context = browser.new_context(**{"viewport": {"width": 1360, "height": 860}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: m.type in ("error", "warning") and troubles.append(m.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(link)
        page.locator(".counters").wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()
    # A server that ends before its page is asked for once more.
    assert [text for text in troubles if "ERR_CONNECTION_REFUSED" not in text] == []


@pytest.fixture
def model() -> dr.MLPClassifier:
    found = dr.MLPClassifier((6,), standardize="inputs", max_iter=30, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return found.set_params(batch_size=20, learning_rate_init=0.01).fit(X, Y)


def counter(page, name: str) -> str:
    return page.locator(".counters div", has_text=name).locator("dd").text_content()


def wait_for_epoch(page, epoch: str) -> None:
    expect(page.locator(".counters dd").first).to_have_text(epoch, timeout=60_000)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_model_is_opened_moved_and_taken(visit, model, theme):
    before = model._vector.copy()
    with dr.play(model, X, Y, browser=False) as playing:
        page = visit(playing.url, color_scheme=theme)
        page.get_by_text("MLPClassifier 4-6-3").first.wait_for()
        assert page.get_by_text("on 120 rows").is_visible()
        assert counter(page, "epoch") == "30"
        assert float(counter(page, "objective")) > 0
        panel = page.get_by_role("region", name="Diagnosis")
        panel.get_by_role("button", name="Diagnose again").wait_for()
        shown = [name.lower().replace(" ", "_") for name in panel.locator("h3").all_text_contents()]
        assert shown == [finding.code for finding in dr.diagnose(model, X, Y).findings]
        page.get_by_role("button", name="One epoch").click()
        wait_for_epoch(page, "31")
        assert panel.get_by_text("before it moved on").is_visible()
        assert serious_findings(page) == []
        np.testing.assert_array_equal(model._vector, before)
        playing.take()
        model.set_params(warm_start=True)
    assert not np.array_equal(model._current_vector(model._network), before)


def test_a_model_of_a_table_is_shown_in_its_own_units(visit):
    """Predictions and cells are those of the library; the step room has the network's numbers."""
    table, model = houses()
    with dr.play(model, table, browser=False) as playing:
        page = visit(playing.url)
        page.get_by_text("The network itself meets standardized numbers").wait_for()
        fold = page.get_by_text("Predictions of all rows")
        fold.click()
        page.get_by_label("order").select_option("row")
        region = page.get_by_role("region", name="Predictions")
        expect(region.locator("tbody tr")).to_have_count(len(table["price"]))
        rows = [row.locator("td").all_text_contents() for row in region.locator("tbody tr").all()]
        shown = [[float(cell.replace("−", "-")) for cell in row[1:4]] for row in rows]
        wanted = np.column_stack([table["price"], model.predict(table), table["area"]])
        np.testing.assert_allclose(shown, wanted, rtol=1e-5)
        assert [row[4] for row in rows] == list(table["city"])
        curves = page.locator(".network-curves figure")
        assert curves.locator("b").all_text_contents() == ["area", "city"]
        ends = curves.nth(0).locator(".network-span span").all_text_contents()
        assert (ends[0], ends[-1]) == (f"{table['area'].min():g}", f"{table['area'].max():g}")
        words = curves.nth(1).locator(".network-span span").all_text_contents()
        assert words == ["Bonn", "Oslo", "Rome"]
        span = f"area: {table['area'].min():g} … {table['area'].max():g}"
        assert page.locator(".network-axis.across").text_content() == span
        assert serious_findings(page) == []
        page.get_by_role("link", name="Step").click()
        page.get_by_label("sample", exact=True).select_option("row")
        page.get_by_label("row", exact=True).fill("3")
        page.keyboard.press("Enter")
        note = page.locator(".step-note", has_text="In the table:")
        area, city, price = (table[name][2] for name in ("area", "city", "price"))
        said = f"area {area:g} (x₁) city {city} (x₂ … x₄) price {price:g} (d)"
        expect(note).to_contain_text(said)
        page.get_by_role("link", name="Data").click()
        first = page.locator(".data-preview tbody tr").first.locator("td").all_text_contents()
        assert (first[0], first[-1]) == (f"{table['area'][0]:g}", f"{table['price'][0]:g}")


def houses():
    """A frame and the model of it, as ``deltarule train`` makes one."""
    area = np.round(DRAW.normal(100.0, 20.0, 30))
    city = DRAW.choice(["Bonn", "Oslo", "Rome"], 30)
    frame = pd.DataFrame(
        {"area": area, "city": city, "price": 1000 * area + 5000 * (city == "Oslo")}
    )
    columns = ColumnPlan.fit(frame.drop(columns="price"))
    target = TargetPlan.fit(Table.of(frame), ("price",), "regression")
    network = dr.MLPRegressor(hidden_layer_sizes=(4,), max_iter=50, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network.fit(columns.transform(frame), target.encode(Table.of(frame)))
    return frame, TableModel(columns, target, network)


# What a line's results say, the engine's beside what the formula on the page gives.
WORKED = """() => [...document.querySelectorAll(".step-list [data-row]")]
  .map(({ dataset }) => [dataset.row, Number(dataset.value), Number(dataset.worked ?? NaN)])"""

LAYERS = [
    {"normalization": "batch"},
    {"normalization": "layer", "dropout": 0.4},
    {"dropout": 0.4, "activation": "tanh", "solver": "adam"},
]


@pytest.mark.parametrize("options", LAYERS, ids=lambda options: "-".join(map(str, options)))
def test_layers_without_weights_are_written_out(visit, model, options):
    """Each number of the step has a formula, and the formula gives the engine's number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.set_params(**options).fit(X, Y)
    with dr.play(model, X, Y, browser=False) as playing:
        page = visit(playing.url, viewport={"width": 1360, "height": 900})
        page.get_by_role("link", name="Step").click()
        page.locator(".step-verdict").wait_for()
        found = page.evaluate(WORKED)
        for row, value, worked in found:
            assert worked == pytest.approx(value, rel=1e-9, abs=1e-12), row
        rows = {row.rpartition("-")[0].rpartition("-")[0] for row, _, _ in found}
        normalized = "normalization" in options
        assert ("normalized" in rows, "after-gain" in rows) == (normalized, normalized)
        agreed = page.locator(".step-verdict").text_content()
        assert "✗" not in page.locator(".step-table").text_content(), agreed
        said = page.get_by_text("a row alone has none: here it goes by the running mean")
        assert said.count() == (options.get("normalization") == "batch")


def test_a_layer_too_wide_to_be_drawn_is_a_bar(visit, model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.set_params(hidden_layer_sizes=(100,)).fit(X, Y)
    with dr.play(model, X, Y, browser=False) as playing:
        page = visit(playing.url)
        page.get_by_text("A layer of more than 64 units, here 100, is shown as a bar").wait_for()
        picture = page.get_by_role("application", name="The network, 4, 100, 3 units")
        assert ink(page, 0) > 1000  # bands to and from the bar
        picture.focus()
        picture.press("ArrowRight")
        assert page.locator("#network-at").text_content() == "Input x₁"
        picture.press("ArrowRight")  # over the bar
        assert page.locator("#network-at").text_content() == "Output d̂₁ for high"
        assert page.locator(".network-weights input").count() == 101
        # In the step room the units around the chosen one are drawn, and all can be come to.
        page.get_by_role("link", name="Step").click()
        page.get_by_label("unit of hidden layer 1, 1 … 100").first.fill("77")
        page.keyboard.press("Enter")
        page.locator("[data-unit='1-76']").wait_for()
        assert page.locator(".step-more").all_text_contents() == ["▲ 73 more", "▼ 21 more"]
        for row, value, worked in page.evaluate(WORKED):
            assert worked == pytest.approx(value, rel=1e-9, abs=1e-12), row
        # It is still there after the page was loaded anew, and can be made one that is drawn.
        page.get_by_role("link", name="Network").click()
        page.get_by_role("button", name="One epoch").click()
        wait_for_epoch(page, "31")
        page.reload()
        page.get_by_text("here 100, is shown as a bar").wait_for()
        add = page.get_by_role("button", name="Add a unit to hidden layer 1")
        assert add.is_disabled()
        page.get_by_role("button", name="Leave 64 units in hidden layer 1").click()
        page.get_by_role("application", name="The network, 4, 64, 3 units").wait_for()


def ink(page, canvas: int) -> int:
    """Points of a canvas of the network's picture that something is drawn on."""
    return (
        page.locator(".network-stage canvas")
        .nth(canvas)
        .evaluate(
            """canvas => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
          .data.filter((_, at) => at % 4 === 3).filter(alpha => alpha > 0).length"""
        )
    )


def test_another_network_and_back(visit, model):
    with dr.play(model, X, Y, browser=False) as playing:
        page = visit(playing.url)
        objective = counter(page, "objective")
        page.get_by_label("activation", exact=True).first.select_option("tanh")
        page.get_by_text("This is another network than MLPClassifier 4-6-3").wait_for()
        page.get_by_role("button", name="Back to MLPClassifier 4-6-3").click()
        page.get_by_text("on 120 rows").wait_for()
        assert counter(page, "objective") == objective


def test_a_model_file_is_saved_and_opened(visit, model, tmp_path):
    with dr.play(model, X, Y, browser=False) as playing:
        page = visit(playing.url)
        page.get_by_role("button", name="One epoch").click()
        wait_for_epoch(page, "31")
        objective = counter(page, "objective")
        page.get_by_role("link", name="Data").click()
        with page.expect_download() as download:
            page.get_by_role("button", name="⤓ Model file").click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        assert isinstance(dr.load(path), dr.MLPClassifier)
        page.get_by_role("button", name="Same seed again").click()
        wait_for_epoch(page, "30")
        page.get_by_label("Open a model file").set_input_files(path)
        wait_for_epoch(page, "0")
        assert counter(page, "objective") == objective


def test_a_fit_is_shown_as_it_goes(visit):
    enough = threading.Event()
    model = dr.MLPClassifier((6,), max_iter=10**6, tol=0.0, n_iter_no_change=10**6)
    model._observer = lambda report: enough.is_set()
    found = []

    def fit() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.append(dr.play(model, X, Y, browser=True))

    links: list[str] = []
    ready = threading.Event()

    def remember(link: str) -> None:
        links.append(link)
        ready.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("deltarule.playground.handle.open_browser", remember)
        thread = threading.Thread(target=fit)
        thread.start()
        ready.wait()
        page = visit(links[0])
        page.get_by_text("is being fitted: this is where it stands").wait_for()
        assert page.get_by_role("button", name="Train").is_disabled()
        first = counter(page, "epoch")
        expect(page.locator(".counters dd").first).not_to_have_text(first)
        enough.set()
        page.get_by_text("is being fitted").wait_for(state="detached")
        thread.join()
    wait_for_epoch(page, f"{model.n_iter_:,}")
    assert page.get_by_role("button", name="Train").is_enabled()
    found[0].close()
    page.get_by_text("The server does not answer").wait_for()
