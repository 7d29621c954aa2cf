"""Settings from the page: changed, refused, and had back."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.daemon.page.conftest import Complaints, Open
from tests.daemon.page.rigs import ServedRig, served_rig


@pytest.fixture
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedRig]:
    with served_rig(tmp_path_factory.mktemp("rig")) as served:
        yield served


def _stands(rig: ServedRig) -> dict[str, Any]:
    return tomllib.loads((rig.folder / "rig.toml").read_text())


def _save(page: Page) -> None:
    page.get_by_role("button", name="Save").click()


def test_a_value_is_changed_holds_and_is_had_back(rig: ServedRig, open_page: Open) -> None:
    page = open_page(rig.url, "#/settings", width=390)
    rest = page.get_by_label("Rest before a picture, seconds")
    expect(rest).to_have_value("0.2")
    rest.fill("0,35")
    page.get_by_label("Way to the next angle").select_option("forward only")
    _save(page)
    expect(page.get_by_text("The next job goes by it.")).to_be_visible()
    assert _stands(rig)["turntable"] == {"settle_s": 0.35, "way": "forward"}
    # Whoever comes later sees it.
    later = open_page(rig.url, "#/settings")
    expect(later.get_by_label("Rest before a picture, seconds")).to_have_value("0.35")
    later.get_by_text("All values").click()
    expect(later.get_by_label("All values")).to_contain_text('"settle_s": 0.35')
    later.get_by_role("button", name="Go back to it").click()
    # Nobody has to answer first.
    expect(later.get_by_role("dialog").get_by_role("button", name="Emergency stop")).to_be_visible()
    later.get_by_role("button", name="Leave it as it is").click()
    assert "turntable" in _stands(rig)
    later.get_by_role("button", name="Go back to it").click()
    later.get_by_role("dialog").get_by_role("button", name="Go back").click()
    expect(later.get_by_text("That version holds again")).to_be_visible()
    expect(later.get_by_label("Rest before a picture, seconds")).to_have_value("0.2")
    assert "turntable" not in _stands(rig)
    # What held in between is kept as well.
    expect(later.get_by_role("button", name="Go back to it")).to_have_count(2)


def test_an_empty_field_stands_for_what_is_usual(rig: ServedRig, open_page: Open) -> None:
    page = open_page(rig.url, "#/settings")
    page.get_by_label("Pushes of a part that stays").fill("3")
    _save(page)
    expect(page.get_by_role("button", name="Go back to it")).to_have_count(1)
    page.get_by_label("Pushes of a part that stays").fill("")
    _save(page)
    expect(page.get_by_role("button", name="Go back to it")).to_have_count(2)
    expect(page.get_by_label("Pushes of a part that stays")).to_have_value("2")
    assert _stands(rig).get("sorting", {}) == {}


def test_a_wrong_value_is_refused_at_its_field(
    rig: ServedRig, open_page: Open, complaints: Complaints
) -> None:
    complaints.expected = "422"
    page = open_page(rig.url, "#/settings")
    before = _stands(rig)
    rest = page.get_by_label("Rest before a picture, seconds")
    brightness = page.get_by_label("Brightness")
    brightness.fill("100")
    rest.fill("11")
    page.keyboard.press("Enter")
    expect(rest).to_have_accessible_description(re.compile("Input should be less than or equal to 10"))
    expect(rest).to_be_focused()
    expect(rest).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".flaw:visible")).to_have_count(1)
    assert _stands(rig) == before
    rest.fill("soon")
    _save(page)
    expect(page.locator(".flaw:visible")).to_have_text("Input should be a valid number.")
    # What was typed elsewhere is still there, and goes along once all is well.
    rest.fill("0.4")
    _save(page)
    expect(page.get_by_text("The next job goes by it.")).to_be_visible()
    expect(page.locator(".flaw:visible")).to_have_count(0)
    assert _stands(rig)["light"]["brightness"] == 100


def test_values_that_exclude_each_other_are_refused_with_which(
    rig: ServedRig, open_page: Open, complaints: Complaints
) -> None:
    complaints.expected = "409"
    page = open_page(rig.url, "#/settings")
    page.get_by_label("Or: share in wrong bins").fill("0.01")
    page.get_by_label("Or: how sure it must be").fill("0.8")
    _save(page)
    alert = page.get_by_role("alert").filter(has_text="exclude each other")
    expect(alert).to_be_visible()
    assert "sorting" not in _stands(rig)
