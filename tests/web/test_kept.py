"""What survives a reload of the page, and a server that is stopped and started anew."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pytest

import deltarule as dr
from deltarule.playground.meeting import Meeting
from deltarule.playground.serve import Server, serve
from deltarule.playground.shown import Shown

expect = pytest.importorskip("playwright.sync_api").expect

TABLE = "size,age,price\n1,9,4.5\n2,7,5\n3,8,7\n4,5,9\n5,6,8\n6,1,12\n7,2,13\n8,3,12\n"

#: A server is looked for again after 8 s at most.
LONG = 20_000


def counters(page: Any) -> list[str]:
    page.locator(".counters").wait_for()
    return page.locator(".counters dd").all_text_contents()


def stands(page: Any, wanted: list[str]) -> None:
    """Until the training stands there."""
    for place, text in enumerate(wanted):
        expect(page.locator(".counters dd").nth(place)).to_have_text(text, timeout=LONG)


def epochs(page: Any, count: int) -> None:
    first = int(counters(page)[0])
    for epoch in range(first + 1, first + count + 1):
        page.get_by_role("button", name="One epoch").click()
        stands(page, [str(epoch)])


def weights(page: Any) -> str:
    """All weights to the last bit, as a link for a class carries them."""
    page.get_by_role("button", name="Link for a class").click()
    dialog = page.get_by_role("dialog", name="Link for a class")
    dialog.get_by_label("the weights as they are now").check()
    link = dialog.get_by_label("Link for the class").input_value()
    dialog.get_by_role("button", name="Close").click()
    return link.partition("&w=")[2]


def use(page: Any, text: str) -> None:
    """A table of one's own is used: the page goes to the network room."""
    page.get_by_role("link", name="Data").click()
    page.get_by_label("Choose a CSV file").set_input_files(
        {"name": "houses.csv", "mimeType": "text/csv", "buffer": text.encode()}
    )
    page.get_by_role("button", name="Use this table").click(timeout=2 * LONG)
    page.get_by_role("link", name="Network").and_(page.locator("[aria-current]")).wait_for()


def bring(page: Any, text: str = TABLE) -> None:
    """A table of one's own is in use, and looked at."""
    use(page, text)
    page.get_by_role("link", name="Data").click()
    page.get_by_role("heading", name="In use: houses.csv").wait_for()


def test_a_training_goes_on_after_a_reload_to_the_last_bit(open_page):
    state = "hidden=3&optimizer=adam&learning_rate_init=0.05&sampling=shuffle&seed=5"
    page = open_page(state)
    epochs(page, 5)
    wanted = weights(page)
    page = open_page(state)
    epochs(page, 3)
    page.get_by_role("button", name="One sample").click()
    expect(page.locator(".counters dd").nth(1)).to_have_text("1 of 4")
    before = counters(page)
    page.reload()
    stands(page, before)
    page.get_by_text("The curve as a table").click()
    expect(page.locator(".as-table-scroll tbody").last.locator("tr")).to_have_count(3)
    for place in ("2 of 4", "3 of 4", "0 of 4"):
        page.get_by_role("button", name="One sample").click()
        expect(page.locator(".counters dd").nth(1)).to_have_text(place)
    epochs(page, 1)
    stands(page, ["5", "0 of 4"])
    assert weights(page) == wanted
    page.get_by_role("button", name="Same seed again").click()
    stands(page, ["0", "0 of 4"])


def test_a_table_of_ones_own_is_there_after_a_reload(open_page):
    page = open_page("hidden=4&learning_rate_init=0.01")
    bring(page)
    epochs(page, 2)
    before = counters(page)
    page.reload()
    stands(page, before)
    page.get_by_role("heading", name="In use: houses.csv").wait_for()
    assert page.get_by_role("columnheader", name="size").count()
    assert page.locator(".notice").count() == 0


def test_a_lesson_goes_on_after_a_reload(open_page):
    page = open_page("lesson=delta")
    page.get_by_role("button", name="Task 3: Now all updates").click()
    # At once: what is pressed while the task is set up comes after it, and counts.
    page.get_by_role("button", name="One sample").click()
    page.get_by_text("Task 3 is done.").wait_for()
    page.get_by_role("button", name="Next task").click()
    expect(page.locator(".lesson-places [aria-current]")).to_have_text("4")
    epochs(page, 1)
    lines = page.locator(".lesson-checks li").all_text_contents()
    page.reload()
    page.get_by_role("button", name="Task 3, done: Now all updates").wait_for()
    expect(page.locator(".lesson-places [aria-current]")).to_have_text("4")
    expect(page.locator(".lesson-checks li")).to_have_text(lines)
    # Another lesson's link begins with nothing done.
    page.evaluate("() => { location.hash = 'lesson=xor' }")
    page.get_by_role("heading", name="Make XOR fail, then repair it").wait_for()
    assert page.get_by_role("button", name=", done: ").count() == 0


#: What is said of a table that the storage does not take.
UNKEPT = "This browser has no room to keep the table"


def test_a_table_of_megabytes_is_there_after_a_reload(open_page):
    """As many numbers as 20 640 houses with 14 inputs each: 2.5 MB, and twice as many."""
    page = open_page("batch_size=5000&sampling=shuffle&learning_rate_init=0.001&loss=log_loss")
    for rows in (20_640, 41_280):
        lines = [",".join(str((row * i) % 89) for i in range(1, 15)) for row in range(rows)]
        names = ",".join(f"a{i}" for i in range(14))
        cells = "\n".join(f"{line},{row % 2}" for row, line in enumerate(lines))
        bring(page, f"{names},y\n{cells}\n")
        assert page.get_by_text(UNKEPT).count() == 0
        epochs(page, 1)
        before = counters(page)
        page.reload()
        stands(page, before)
        page.get_by_role("heading", name="In use: houses.csv").wait_for()
        assert page.locator(".notice").count() == 0


def test_a_table_too_large_to_be_kept_is_said_when_it_is_brought(open_page):
    page = open_page()
    lines = [",".join(str((row // i) % 7) for i in range(1, 31)) for row in range(45_000)]
    rows = "\n".join(f"{line},{row % 2}" for row, line in enumerate(lines))
    use(page, f"{','.join(f'a{i}' for i in range(30))},y\n{rows}\n")
    said = f"{UNKEPT}: keep its file, for after a reload of the page it must be opened again."
    expect(page.locator(".notice")).to_contain_text(said, timeout=LONG)
    page.get_by_role("link", name="Data").click()
    expect(page.locator(".data-unkept")).to_have_text(said)
    page.reload()
    page.get_by_text("its own table, which is not in it").wait_for()
    stands(page, ["0"])
    # Another one is kept, and nothing is said of it.
    bring(page)
    assert page.get_by_text(UNKEPT).count() == 0
    page.reload()
    page.get_by_role("heading", name="In use: houses.csv").wait_for()


def test_another_state_in_the_address_wins(open_page):
    page = open_page("hidden=4")
    bring(page)
    epochs(page, 2)
    base = page.url.partition("#")[0]
    page.goto("about:blank")
    page.goto(f"{base}#set=circle&hidden=5")
    stands(page, ["0", "0 of 200"])
    page.goto("about:blank")
    page.goto(f"{base}#set=own")
    page.get_by_text("its own table, which is not in it").wait_for()


@pytest.mark.parametrize("refused", ["getItem", "setItem"])
def test_a_browser_that_keeps_nothing_begins_anew(open_page, refused):
    page = open_page("hidden=4")
    page.context.add_init_script(
        f"Storage.prototype.{refused} = () => {{ throw new DOMException('no', 'SecurityError') }}"
    )
    page.reload()
    epochs(page, 1)
    page.reload()
    stands(page, ["0", "0 of 4"])
    bring(page)
    assert page.get_by_text(UNKEPT).count() == (refused == "setItem")


def with_version(kept: str, version: int) -> str:
    """What a page keeps, 15 bits in a letter, as a page of another version would have kept it."""
    bits = "".join(f"{ord(letter) - 0x4000:015b}" for letter in kept[1:])
    whole = bits[: len(bits) - (ord(kept[0]) - 0x4000)]
    data = int(whole, 2).to_bytes(len(whole) // 8, "big")
    assert data.count(b'"version":2,') == 1
    data = data.replace(b'"version":2,', f'"version":{version},'.encode())
    bits = f"{int.from_bytes(data, 'big'):0{len(whole)}b}".ljust(len(bits), "0")
    letters = [int(bits[at : at + 15], 2) for at in range(0, len(bits), 15)]
    return kept[0] + "".join(chr(0x4000 + letter) for letter in letters)


@pytest.mark.parametrize(("version", "epoch"), [(1, "0"), (2, "2")])
def test_what_a_page_of_another_version_kept_is_left(open_page, version, epoch):
    page = open_page("hidden=4")
    epochs(page, 2)
    page.evaluate("() => dispatchEvent(new Event('pagehide'))")
    ((place, kept),) = page.evaluate("() => Object.entries(sessionStorage)")
    page.evaluate(
        """([place, kept]) => {
          sessionStorage.setItem(place, kept);
          Storage.prototype.setItem = () => {};
        }""",
        [place, with_version(kept, version)],
    )
    page.reload()
    stands(page, [epoch])


@pytest.mark.parametrize("kept", ["nonsense", "AAAA", "eyJ2ZXJzaW9uIjoxfQ=="])
def test_nonsense_in_the_storage_breaks_nothing(open_page, kept):
    page = open_page("hidden=4")
    page.context.add_init_script(f"Storage.prototype.getItem = () => {kept!r}")
    page.reload()
    epochs(page, 1)


# A server that is gone


@pytest.fixture
def start():
    """Starts a server, at the place of an earlier one; all are stopped in the end."""
    servers: list[Server] = []

    def started(port: int = 0) -> Server:
        servers.append(serve(Meeting(Shown()), port=port))
        servers[-1].start()
        return servers[-1]

    yield started
    for server in servers:
        server.close()


@pytest.fixture
def visit(browser):
    context = browser.new_context(viewport={"width": 1360, "height": 860})

    def opened(link: str) -> Any:
        page = context.new_page()
        page.goto(link)
        page.locator(".counters").wait_for()
        return page

    yield opened
    context.close()


@pytest.mark.parametrize("tab", ["this", "another"])
def test_nothing_is_lost_with_a_server(start, visit, tab):
    first = start()
    port = int(first.new_url().split(":")[2].partition("/")[0])
    page = visit(first.new_url())
    bring(page)
    epochs(page, 3)
    before = counters(page)
    first.close()
    page.get_by_text(
        "The server does not answer: it may have been stopped. What you see is kept, and the page "
        "goes on when it answers again. Where it was stopped, start it again with "
        f"--port {port} (in Python: port={port}) and open its link in this browser: this page "
        "goes on from where it stands."
    ).wait_for()
    # Nothing moves that nobody would hear of.
    bar = page.get_by_role("group", name="Training")
    for name in ("Train", "One mini-batch", "One epoch", "Back", "Same seed again", "Another seed"):
        expect(bar.get_by_role("button", name=name)).to_be_disabled()
    second = start(port)
    if tab == "this":
        page.goto(second.new_url())
    else:
        visit(second.new_url())
    page.locator(".notice").wait_for(state="detached", timeout=LONG)
    # The key leaves the address at once, and does not come back into it.
    expect(page).not_to_have_url(re.compile("token"))
    page.get_by_role("heading", name="In use: houses.csv").wait_for()
    stands(page, before)
    epochs(page, 1)
    assert "token" not in page.url


@pytest.mark.parametrize("hidden", [(100, 64, 32), (256, 128)], ids=str)
def test_a_model_with_wide_layers_is_there_wherever_its_address_is(visit, hidden):
    """Back, forward and another tab, before and after a reload, under a schedule with an end."""
    draw = np.random.default_rng(0)
    X = draw.normal(size=(60, 3))
    options = {"learning_rate": "cosine", "solver": dr.AdamW(clip_norm=1.0), "max_iter": 5}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = dr.MLPRegressor(hidden_layer_sizes=hidden, **options).fit(X, X[:, 0])
    with dr.play(model, X, X[:, 0], browser=False) as playing:
        page = visit(playing.url)
        title = f"MLPRegressor 3-{'-'.join(map(str, hidden))}-1 on 60 rows"
        page.get_by_text(title).wait_for()
        epochs(page, 1)
        before = counters(page)

        def is_there(wanted: list[str], on: Any) -> None:
            stands(on, wanted)
            on.get_by_text(title).wait_for()
            assert on.locator(".notice").all_text_contents() == []

        for _ in range(2):
            page.get_by_role("link", name="Step").click()
            page.get_by_role("link", name="Step").and_(page.locator("[aria-current]")).wait_for()
            for move, room in ((page.go_back, "Network"), (page.go_forward, "Step")):
                move()
                page.get_by_role("link", name=room).and_(page.locator("[aria-current]")).wait_for()
                is_there(before, page)
            page.go_back()
            page.get_by_role("button", name="Diagnose again").wait_for()
            assert page.get_by_text("must know how many epochs").count() == 0
            page.reload()
            is_there(before, page)
        address = page.url.partition("#")[2]
        assert f"hidden={','.join(map(str, hidden))}" in address
        other = visit(page.url)
        is_there(["0"], other)
        assert other.url == page.url
        # What was changed is changed there, too; another network of the page is no other model.
        field = page.get_by_label("step size α₀, as a number")
        field.fill("0.03")
        field.press("Enter")
        expect(page).to_have_url(re.compile("learning_rate_init=0.03"))
        other = visit(page.url)
        is_there(["0"], other)
        assert other.get_by_label("step size α₀, as a number").input_value() == "0.03"
        page.get_by_label("activation", exact=True).first.select_option("tanh")
        page.get_by_text("This is another network than").wait_for()
        page.get_by_role("button", name=re.compile("Diagnose")).click()
        page.get_by_role("region", name="Diagnosis").locator("h3").first.wait_for()
        assert page.get_by_text("must know how many epochs").count() == 0
        expect(page).to_have_url(re.compile("activation=tanh"))
        other = visit(page.url)
        other.get_by_text("This is another network than").wait_for()
        assert other.get_by_label("activation", exact=True).first.input_value() == "tanh"
        assert other.locator(".notice").all_text_contents() == []


def test_a_model_goes_on_where_the_page_left_it_and_another_one_wins(visit):
    draw = np.random.default_rng(0)
    X = draw.normal(size=(60, 3))
    y = np.where(X[:, 0] + X[:, 1] > 0, "yes", "no")

    def model(seed: int) -> dr.MLPClassifier:
        found = dr.MLPClassifier((4,), max_iter=5, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return found.fit(X, y)

    with dr.play(model(0), X, y, browser=False) as playing:
        page = visit(playing.url)
        port = int(playing.url.split(":")[2].partition("/")[0])
        stands(page, ["5"])
        field = page.get_by_label("step size α₀, as a number")
        field.fill("0.03")
        field.press("Enter")
        epochs(page, 2)
        before = counters(page)
        page.reload()
        stands(page, before)
        page.get_by_text("on 60 rows").wait_for()
        assert field.input_value() == "0.03"
    with dr.play(model(0), X, y, browser=False, port=port) as playing:
        page.goto(playing.url)
        stands(page, before)
    with dr.play(model(1), X, y, browser=False, port=port) as playing:
        page.goto(playing.url)
        stands(page, ["5"])
        page.get_by_text("on 60 rows").wait_for()
