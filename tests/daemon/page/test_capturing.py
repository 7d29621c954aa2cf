"""Captures, as somebody makes them who has nothing but the page."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.conftest import Trained
from tests.daemon.page.conftest import Complaints, Open
from tests.daemon.page.rigs import ServedRig, served_rig


@pytest.fixture(scope="module")
def rig(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedRig]:
    folder = tmp_path_factory.mktemp("rig")
    with served_rig(folder, trained.shell.folder, real_time=True) as served:
        yield served


def _order(page: Page, part: str, steps: int) -> None:
    page.get_by_label("Part number").fill(part)
    page.get_by_label("Pictures a turn").fill(str(steps))
    page.get_by_role("button", name="Start capture").click()


def _marks(page: Page) -> int:
    return page.locator(".ring-mark").count()


def _pictures(folder: Path, part: str) -> int:
    return len(list((folder / "captures" / part).glob("*.jpg")))


def test_a_capture_is_started_paused_resumed_and_finished(rig: ServedRig, open_page: Open) -> None:
    page = open_page(rig.url, "#/capture")
    expect(page.locator(".live-picture")).to_have_js_property("naturalWidth", 640)
    _order(page, "3003", 8)
    bar = page.get_by_role("region", name="What runs")
    expect(bar).to_contain_text("Capturing 3003")
    expect(page.locator(".ring-mark").first).to_be_visible()
    bar.get_by_role("button", name="Pause").click()
    expect(bar).to_contain_text("paused")
    expect(bar.get_by_role("button", name="Resume")).to_be_focused()
    marks = _marks(page)
    assert 1 <= marks < 8
    bar.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("heading", name="Capture finished")).to_be_visible()
    assert _pictures(rig.folder, "3003") == 8
    # It can be seen among the others at once.
    page.get_by_role("link", name="Pictures").click()
    page.get_by_role("link", name="3003").click()
    expect(page.locator(".thumbs img")).to_have_count(8)


def test_each_picture_is_a_mark_at_its_angle_on_each_page(rig: ServedRig, open_page: Open) -> None:
    first = open_page(rig.url, "#/capture")
    _order(first, "3010", 8)
    expect(first.locator(".ring-mark").nth(1)).to_be_visible()
    # Whoever comes late sees the same, and may end it as well.
    second = open_page(rig.url, width=360)
    expect(second.locator(".ring-mark").nth(1)).to_be_visible()
    second.get_by_role("button", name="Pause").click()
    expect(first.get_by_role("button", name="Resume")).to_be_visible()
    expect(second.get_by_role("button", name="Resume")).to_be_visible()
    words = first.locator(".ring-words").text_content()
    assert words is not None
    expect(second.locator(".ring-words")).to_have_text(words)
    shapes = [
        page.locator(".ring-mark").evaluate_all("all => all.map(e => e.getAttribute('d'))")
        for page in (first, second)
    ]
    assert shapes[0] == shapes[1]
    assert len(set(shapes[0])) == len(shapes[0])
    second.get_by_role("button", name="Cancel").click()
    for page in (first, second):
        expect(page.get_by_role("heading", name="Capture cancelled")).to_be_visible()
    # What was taken is kept, and gone on with from either page.
    second.get_by_role("button", name="Go on with it").click()
    for page in (first, second):
        expect(page.get_by_role("heading", name="Capture finished")).to_be_visible()
    assert _pictures(rig.folder, "3010") == 8


def test_what_cannot_be_captured_is_said_at_its_field_in_words_for_people(
    rig: ServedRig, open_page: Open, complaints: Complaints
) -> None:
    complaints.expected = "422"
    page = open_page(rig.url, "#/capture")
    page.get_by_text("More", exact=True).click()
    brick = page.get_by_label("Which brick")
    brick.fill("the red one")
    page.get_by_text("More", exact=True).click()
    expect(brick).to_be_hidden()
    _order(page, "brick 3001", 4)
    part = page.get_by_label("Part number")
    expect(part).to_be_focused()
    expect(part).to_have_accessible_description(re.compile("^'brick 3001' is not a part number"))
    # It can be seen although it was folded away, and what helps with it is still said.
    expect(brick).to_have_accessible_description(re.compile("is no name for a brick.*never split"))
    expect(brick).to_be_visible()
    brick.fill("")
    _order(page, "3004", 4)
    expect(page.get_by_role("heading", name="Capture finished")).to_be_visible()


def test_a_capture_by_keyboard_alone(rig: ServedRig, open_page: Open) -> None:
    page = open_page(rig.url, "#/capture")
    expect(page.get_by_role("heading", name="New capture")).to_be_visible()
    press = page.keyboard.press

    def tab_to(selector: str) -> None:
        """Go on with the tab key; the focus can be seen wherever it stands."""
        for _ in range(60):
            press("Tab")
            if page.evaluate("document.activeElement === document.body"):
                continue  # once round the page
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", page.evaluate("document.activeElement.outerHTML")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"the tab key never reaches {selector}")

    press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    press("Enter")
    tab_to("[name=part]")
    page.keyboard.type("300")
    expect(page.get_by_role("option").first).to_be_visible()
    press("ArrowDown")
    press("ArrowDown")
    chosen = page.locator("[role=option][aria-selected=true]").get_attribute("data-part")
    press("Enter")
    expect(page.get_by_role("option").first).to_be_hidden()
    expect(page.get_by_label("Part number")).to_have_value(chosen or "nothing")
    tab_to("[name=steps]")
    press("ControlOrMeta+a")
    page.keyboard.type("6")
    tab_to("button[type=submit]")
    press("Enter")
    bar = page.get_by_role("region", name="What runs")
    expect(bar.get_by_role("button", name="Pause")).to_be_visible()
    expect(bar).to_be_focused()
    tab_to("[data-does=pause]")
    press("Space")
    expect(bar.get_by_role("button", name="Resume")).to_be_focused()
    press("Space")
    expect(page.get_by_role("heading", name="Capture finished")).to_be_visible()
    expect(page.get_by_text(f"Capturing {chosen}: 6 of 6.")).to_be_visible()


def test_the_live_picture_says_what_it_is(rig: ServedRig, open_page: Open) -> None:
    page = open_page(rig.url, "#/capture")
    _order(page, "3001", 4)
    expect(page.get_by_role("heading", name="Capture finished")).to_be_visible()
    # The part still lies on the table.
    expect(page.locator(".verdict")).to_contain_text(re.compile("3001|3004|3039"))
    shares = page.locator(".candidate-share")
    expect(shares).to_have_count(3)
    total = sum(int((text or "0").removesuffix(" %")) for text in shares.all_text_contents())
    assert 98 <= total <= 102


def test_what_cannot_be_captured_is_said_with_what_to_do(rig: ServedRig, open_page: Open) -> None:
    page = open_page(rig.url, "#/capture")
    _order(page, "9999", 4)
    outcome = page.get_by_role("region", name="The last job")
    expect(outcome).to_contain_text("Capture failed")
    expect(outcome).to_contain_text("9999")
    expect(outcome).to_contain_text("To mend it")
