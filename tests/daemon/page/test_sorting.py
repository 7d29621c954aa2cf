"""Sorting, and naming what it was not sure of, from the page."""

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from rig.sorting.ledger import Ledger
from tests.acceptance.conftest import Shell, Trained
from tests.daemon.page.conftest import Complaints, Open
from tests.daemon.page.rigs import ServedRig, served_rig


@pytest.fixture(scope="module")
def rig(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedRig]:
    # Whatever comes is named, so that the bins fill up.
    more = "[sorting]\nreject_threshold = 0.0\nfalse_strangers = 0.0\nmost_views = 1\n"
    with served_rig(tmp_path_factory.mktemp("rig"), trained.shell.folder, more=more) as served:
        yield served


@pytest.fixture(scope="module")
def doubtful(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedRig]:
    """Nothing is sure enough for it."""
    more = "[sorting]\nreject_threshold = 1.0\nmost_views = 1\n"
    with served_rig(tmp_path_factory.mktemp("rig"), trained.shell.folder, more=more) as served:
        yield served


def _sort(page: Page, count: int) -> None:
    page.get_by_label("How many parts").fill(str(count))
    page.get_by_role("button", name="Start sorting").click()
    expect(page.get_by_role("heading", name="Sorting finished")).to_be_visible()


def _levels(page: Page) -> int:
    return sum(int((text or "0").split()[0]) for text in page.locator(".bin-count").all_text_contents())


def test_parts_are_sorted_and_shown_and_the_bins_fill_up(rig: ServedRig, open_page: Open) -> None:
    page = open_page(rig.url, "#/sort")
    onlooker = open_page(rig.url, "#/sort", width=360)
    _sort(page, 5)
    for each in (page, onlooker):
        expect(each.locator(".tile")).to_have_count(5)
        each.wait_for_function(
            "() => [...document.querySelectorAll('.tile img')].every(i => i.complete && i.naturalWidth)"
        )
        assert _levels(each) == 5
    names = page.locator(".tile-name").all_text_contents()
    assert set(names) <= {"3001", "3004", "3039"}
    assert names == onlooker.locator(".tile-name").all_text_contents()
    expect(page.get_by_role("region", name="The last job")).to_contain_text("5 parts, all of them named")
    # The newest is in front.
    expect(page.locator(".tile img").first).to_have_attribute("alt", "Part 5")


def test_the_last_twenty_are_shown_and_a_bin_is_emptied(rig: ServedRig, open_page: Open) -> None:
    page, onlooker = open_page(rig.url, "#/sort"), open_page(rig.url, "#/sort")
    _sort(page, 22)
    expect(page.locator(".tile")).to_have_count(20)
    expect(page.locator(".tile img").last).to_have_attribute("alt", "Part 3")
    bin_ = page.locator(".bin", has=page.get_by_role("button")).first
    name = bin_.locator("strong").text_content()
    bin_.get_by_role("button").click()
    for each in (page, onlooker):
        count = each.locator(".bin", has=each.get_by_text(name or "", exact=True)).locator(".bin-count")
        expect(count).to_have_text(re.compile("^0"))
    # Earlier runs can be looked at, too.
    page.get_by_role("navigation", name="Earlier runs").get_by_role("link").last.click()
    expect(page.locator(".tile img").last).to_have_attribute("alt", "Part 1")


def test_a_new_run_does_not_begin_with_parts_of_the_one_before(
    rig: ServedRig, trained: Trained, open_page: Open, tmp_path: Path
) -> None:
    _sort(open_page(rig.url, "#/sort"), 4)
    _copy_ledger(rig.folder / "ledger_simulated", tmp_path / "ledger_simulated")
    # One that takes its time: long enough there is no part yet.
    with served_rig(tmp_path, trained.shell.folder, real_time=True) as slow:
        page = open_page(slow.url, "#/sort")
        expect(page.locator(".tile").first).to_be_visible()
        page.get_by_label("How many parts").fill("1")
        page.get_by_role("button", name="Start sorting").click()
        nothing = page.get_by_text("No part was sorted yet.")
        expect(nothing).to_be_visible()
        tiles = nothing.evaluate("() => document.querySelectorAll('.tile').length")
        assert tiles == 0
        page.close()


def _copy_ledger(ledger: Path, to: Path) -> None:
    """A copy of a ledger that a daemon may have open: SQLite's own files come and go beside its file."""
    shutil.copytree(ledger, to, ignore=shutil.ignore_patterns(f"{Ledger.FILE_NAME}*"))
    with (
        closing(sqlite3.connect(ledger / Ledger.FILE_NAME)) as written,
        closing(sqlite3.connect(to / Ledger.FILE_NAME)) as copy,
    ):
        written.backup(copy)


def test_the_inventory_is_counted_exported_and_compared(
    rig: ServedRig, open_page: Open, tmp_path: Path
) -> None:
    page = open_page(rig.url, "#/sort")
    _sort(page, 4)
    page.get_by_role("link", name="Inventory").click()
    rows = page.locator("tbody tr")
    expect(rows.first).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Table (CSV)").click()
    lines = saved.value.path().read_text().splitlines()
    assert len(lines) == 1 + rows.count()
    wanted = tmp_path / "wanted.csv"
    wanted.write_text("part,ldraw_colour,quantity\n3001,,1\n3622,4,7\n")
    page.get_by_label("A list of BrickLink").set_input_files(wanted)
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("of 8 parts")).to_be_visible()
    expect(page.locator(".missing")).to_contain_text("3622 Red: 7 missing")
    with page.expect_download() as missing:
        page.get_by_role("button", name="Missing ones for Table").click()
    assert "3622" in missing.value.path().read_text()


def test_a_review_with_number_keys(doubtful: ServedRig, open_page: Open, complaints: Complaints) -> None:
    page = open_page(doubtful.url, "#/sort")
    _sort(page, 6)
    page.get_by_role("link", name="Name the others").click()
    left = page.get_by_role("status").filter(has_text="to name")
    expect(left).to_have_text("6 parts to name")
    first = page.locator(".choice strong").first.text_content()
    assert first is not None
    before = _rows(doubtful.folder, first)
    page.keyboard.press("1")
    expect(left).to_have_text("5 parts to name")
    assert _rows(doubtful.folder, first) > before
    page.keyboard.press("u")
    expect(left).to_have_text("6 parts to name")
    assert _rows(doubtful.folder, first) == before
    page.keyboard.press("2")
    expect(left).to_have_text("5 parts to name")
    page.keyboard.press("s")
    expect(left).to_have_text("4 parts to name")
    page.keyboard.press("x")
    expect(left).to_have_text("3 parts to name")
    # Another part number that is known.
    page.keyboard.press("/")
    page.keyboard.type("3004")
    page.keyboard.press("Enter")
    expect(left).to_have_text("2 parts to name")
    # A slip of the finger, and one that is new, which is asked about.
    complaints.expected = "409|422"
    page.keyboard.press("/")
    page.keyboard.type("brick 3005")
    page.keyboard.press("Enter")
    other = page.get_by_label("Another part number")
    expect(other).to_have_accessible_description(re.compile("^'brick 3005' is not a part number"))
    other.fill("3005")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Did you mean 300")
    page.get_by_role("button", name="It is 3005").click()
    expect(left).to_have_text("1 part to name")
    assert _rows(doubtful.folder, "3005") > 0
    page.keyboard.press("3")
    expect(page.get_by_role("heading", name="All named, thank you")).to_be_visible()


def _rows(folder: Path, part: str) -> int:
    rows = (folder / "captures" / "metadata.jsonl").read_text().splitlines()
    return sum(json.loads(row)["label"] == part for row in rows)


def test_models_are_shown_with_the_one_in_use_and_its_report(doubtful: ServedRig, open_page: Open) -> None:
    page = open_page(doubtful.url, "#/models")
    model = page.locator(".model")
    expect(model).to_contain_text("small")
    expect(model).to_contain_text("in use")
    # In the words of the command, so that nobody takes it for another model.
    shown = Shell(doubtful.folder).run("model", "show", "small").stdout
    used = next(line for line in shown.splitlines() if "yes" in line)
    [size] = re.findall(r"[\d.]+ MB", used)
    expect(model).to_contain_text(size)
    with page.expect_popup() as opened:
        model.get_by_role("link", name="Report").click()
    expect(opened.value.get_by_text("3039").first).to_be_attached()


def test_a_report_of_a_stranger_is_shown_with_its_pictures_and_runs_nothing(
    doubtful: ServedRig, open_page: Open, complaints: Complaints
) -> None:
    report = doubtful.folder / "models" / "strange" / "report"
    shutil.copytree(doubtful.folder / "models" / "small", report.parent)
    pictures = (doubtful.folder / "captures" / "3001").glob("*.jpg")
    (report / "mistakes").mkdir(exist_ok=True)
    shutil.copy(next(pictures), report / "mistakes" / "one.jpg")
    steal = "fetch('/api/v1/stop', {method: 'POST'}); document.title = 'ran'"
    (report / "index.html").write_text(
        f"<!doctype html><title>strange</title><style>b {{ color: rgb(255, 0, 0) }}</style><b>Figures</b>"
        f'<img src=mistakes/one.jpg><script>{steal}</script><img src=mistakes/none.jpg onerror="{steal}">'
        "<form action=/api/v1/stop method=post><button>Press me</button></form>"
    )
    complaints.expected = r"Blocked script|Content Security Policy|404|Blocked form"
    page = open_page("about:blank#")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.method} {request.url}"))
    page.goto(f"{doubtful.url}/api/v1/models/strange/report/index.html")
    expect(page.locator("img").first).to_have_js_property("complete", True)
    assert page.locator("img").first.evaluate("image => image.naturalWidth") > 0
    assert page.locator("b").evaluate("text => getComputedStyle(text).color") == "rgb(255, 0, 0)"
    page.get_by_role("button", name="Press me").click()
    assert page.title() == "strange"
    assert not any("stop" in line or line.startswith("POST") for line in asked)
