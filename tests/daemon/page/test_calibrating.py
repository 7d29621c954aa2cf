"""Calibration from the page: started, answered, and what it drew."""

import re
import tomllib
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.daemon.page.conftest import PATIENCE_MS, Open
from tests.daemon.page.rigs import ServedRig, served_rig


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedRig]:
    with served_rig(tmp_path_factory.mktemp("rig")) as served:
        yield served


def _card(page: Page, name: str) -> Locator:
    return page.get_by_role("form", name=name)


def _drawing(page: Page, name: str) -> Locator:
    return _card(page, name).locator(".drawing img")


@pytest.mark.parametrize(
    ("name", "job", "found"),
    [
        ("How far the table turns", "Measuring the table", r"A turn of the table is 3\d\d\.\d\d commanded"),
        ("How long the table swings", "Measuring how the table settles", r"comes to rest within [\d.]+ s"),
        ("Exposure, white balance and focus", "Setting the camera", r"The camera is set: .*exposure_us ="),
    ],
)
def test_it_is_measured_and_what_was_drawn_is_shown(
    rig: ServedRig, open_page: Open, name: str, job: str, found: str
) -> None:
    page, other = open_page(rig.url, "#/care"), open_page(rig.url, "#/care", width=390)
    for each in (page, other):
        expect(_drawing(each, name)).to_have_count(0)
    _card(page, name).get_by_role("button", name="Measure").click()
    for each in (page, other):
        expect(each.get_by_role("heading", name=f"{job} finished")).to_be_visible(timeout=3 * PATIENCE_MS)
        last = each.get_by_role("region", name="The last job")
        expect(last).to_contain_text(re.compile(found))
        _drawing(each, name).scroll_into_view_if_needed()
        each.wait_for_function(
            "() => [...document.querySelectorAll('.drawing img')].every(i => i.naturalWidth > 300)"
        )
    # It is there as well after the page was left.
    page.reload()
    expect(_drawing(page, name)).to_be_visible()
    with page.expect_popup() as opened:
        _card(page, name).get_by_role("link").click()
    expect(opened.value.locator("img")).to_have_js_property("complete", True)
    assert opened.value.locator("img").evaluate("image => image.naturalWidth") > 300


def test_another_measurement_shows_another_drawing(rig: ServedRig, open_page: Open) -> None:
    name = "How long the table swings"
    page = open_page(rig.url, "#/care")
    _card(page, name).get_by_role("button", name="Measure").click()
    expect(_drawing(page, name)).to_be_visible()
    first = _drawing(page, name).get_attribute("src")
    assert first is not None
    _card(page, name).get_by_role("button", name="Measure").click()
    expect(_drawing(page, name)).not_to_have_attribute("src", first)


def test_what_is_found_is_written_only_where_that_is_wanted(rig: ServedRig, open_page: Open) -> None:
    def locked() -> object:
        return tomllib.loads((rig.folder / "rig.toml").read_text()).get("camera", {})

    page = open_page(rig.url, "#/care")
    card = _card(page, "Exposure, white balance and focus")
    before = locked()
    card.get_by_label("Write what is found").uncheck()
    card.get_by_role("button", name="Measure").click()
    last = page.get_by_role("region", name="The last job")
    expect(last).to_contain_text("The camera is set")
    assert locked() == before
    card.get_by_label("Write what is found").check()
    card.get_by_role("button", name="Measure").click()
    expect(last).to_contain_text("That stands in rig.toml now.")
    assert "exposure_us" in str(locked())


def test_it_can_be_cancelled_like_any_job(tmp_path_factory: pytest.TempPathFactory, open_page: Open) -> None:
    with served_rig(tmp_path_factory.mktemp("slow"), real_time=True) as rig:
        page = open_page(rig.url, "#/care")
        _card(page, "How far the table turns").get_by_role("button", name="Measure").click()
        bar = page.get_by_role("region", name="What runs")
        expect(bar).to_contain_text("Measuring the table")
        expect(_card(page, "How far the table turns").get_by_role("button", name="Measure")).to_be_disabled()
        bar.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("heading", name="Measuring the table cancelled")).to_be_visible()
        page.close()
