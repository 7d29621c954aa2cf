"""Stopping from the page, and getting the rig to work again."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.daemon.page.conftest import Open
from tests.daemon.page.rigs import ServedRig, served_rig


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedRig]:
    with served_rig(tmp_path_factory.mktemp("rig"), real_time=True) as served:
        yield served


def _begin(page: Page) -> None:
    expect(page.get_by_role("heading", name="New capture")).to_be_visible()
    page.get_by_label("Part number").fill("3001")
    page.get_by_label("Pictures a turn").fill("72")
    page.get_by_role("button", name="Start capture").click()
    expect(page.locator(".ring-mark").first).to_be_visible()


def _reset(page: Page) -> None:
    banner = page.locator("#banners").get_by_role("alert").filter(has_text="Emergency stop")
    expect(banner).to_contain_text("motors are released")
    banner.get_by_role("button", name="Reset the board").click()
    expect(banner).to_be_hidden()
    expect(page.locator("#status")).to_have_text("Ready")


def test_an_emergency_stop_and_back(rig: ServedRig, open_page: Open) -> None:
    page = open_page(rig.url, "#/capture")
    _begin(page)
    page.get_by_role("button", name="Emergency stop").click()
    expect(page.get_by_role("heading", name="Capture stopped")).to_be_visible()
    expect(page.locator("#status")).to_have_text("Emergency stop")
    _reset(page)
    _begin(page)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Capture cancelled")).to_be_visible()


def test_escape_twice_is_an_emergency_stop_from_wherever_one_is(rig: ServedRig, open_page: Open) -> None:
    page = open_page(rig.url, "#/capture")
    _begin(page)
    page.get_by_role("link", name="Settings").click()
    page.get_by_label("Gain").fill("2")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator("#status")).to_have_text("Emergency stop")
    _reset(page)


def test_escape_once_is_none(rig: ServedRig, open_page: Open) -> None:
    page = open_page(rig.url, "#/capture")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_label("Part number").press("Escape")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_text("Nothing was moving")).to_be_visible()
    assert any(url.endswith("/stop") for url in asked)
    assert not any("emergency" in url for url in asked)


def test_a_plain_stop_leaves_the_board_on(rig: ServedRig, open_page: Open) -> None:
    page = open_page(rig.url, "#/capture")
    _begin(page)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("heading", name="Capture stopped")).to_be_visible()
    expect(page.locator("#status")).to_have_text("Ready")


@pytest.mark.parametrize(
    "view", ["capture", "sort", "review", "pictures", "models", "inventory", "care", "settings", "log"]
)
def test_both_buttons_are_in_reach_on_a_phone_wherever_one_has_scrolled(
    rig: ServedRig, open_page: Open, view: str
) -> None:
    page = open_page(rig.url, f"#/{view}", width=360, height=640, has_touch=True)
    expect(page.locator("h1")).to_be_visible()
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    for name in ("Stop", "Emergency stop"):
        box = page.get_by_role("button", name=name, exact=True).bounding_box()
        assert box is not None
        assert box["height"] >= 56
        assert box["y"] + box["height"] <= 640
        middle = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
        hit = page.evaluate(
            "([x, y]) => document.elementFromPoint(x, y).closest('button').textContent", middle
        )
        assert hit == name


_COVERED = """() => {
    const note = document.querySelector('.toast').getBoundingClientRect();
    return [...document.querySelectorAll('main button, main input, main select, .stopbar button')]
        .filter((control) => {
            const box = control.getBoundingClientRect();
            return control.checkVisibility() && box.left < note.right && note.left < box.right
                && box.top < note.bottom && note.top < box.bottom;
        })
        .map((control) => control.textContent || control.id);
}"""


@pytest.mark.parametrize("view", ["capture", "sort", "care", "inventory", "settings"])
@pytest.mark.parametrize("width", [360, 900, 1280])
def test_a_note_leaves_free_what_is_to_be_pressed(
    rig: ServedRig, open_page: Open, width: int, view: str
) -> None:
    page = open_page(rig.url, f"#/{view}", width=width, height=740)
    expect(page.locator("h1")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".toast")).to_have_count(1)
    if width > 1060 and view in ("capture", "sort", "care"):
        # Beside the live picture, wherever one has scrolled.
        assert page.evaluate(_COVERED) == []
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    assert page.evaluate(_COVERED) == []
