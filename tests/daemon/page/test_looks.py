"""How the page looks: nothing axe calls serious, nothing to be scrolled sideways, nothing from elsewhere."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from rig.catalog import COLOURS
from rig.daemon.page import files
from tests.acceptance.conftest import Trained
from tests.daemon.page.conftest import Open
from tests.daemon.page.rigs import ServedRig, served_rig

STATIC = Path(files.__file__).parent / "static"
VIEWS = (
    "capture",
    "sort",
    "review",
    "pictures",
    "pictures/3001",
    "models",
    "inventory",
    "care",
    "settings",
    "log",
)
WINDOWS: dict[str, dict[str, Any]] = {
    "light": {"width": 1280},
    "dark": {"width": 1280, "color_scheme": "dark"},
    "phone": {"width": 360, "height": 740},
    "dark phone": {"width": 360, "height": 740, "color_scheme": "dark"},
}


# The live picture never is, and pictures out of sight are not asked for.
_ALL_IS_LOADED = """() => [...document.images].every(
    image => image.complete || image.matches('.live-picture') || image.loading === 'lazy')"""


@pytest.fixture(scope="module")
def rig(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedRig]:
    with served_rig(tmp_path_factory.mktemp("rig"), trained.shell.folder) as served:
        yield served


def _fill(page: Page) -> None:
    """Have something to be seen everywhere."""
    if not page.locator(".tile").count():
        page.get_by_label("How many parts").fill("8")
        page.get_by_role("button", name="Start sorting").click()
        expect(page.get_by_role("heading", name="Sorting finished")).to_be_visible()
    expect(page.locator(".tile").first).to_be_visible()


def _serious(page: Page) -> list[str]:
    script = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
    page.evaluate(script)
    found = page.evaluate("() => axe.run({resultTypes: ['violations']})")
    return [
        f"{each['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("window", WINDOWS)
def test_every_view_is_accessible_and_as_wide_as_its_window(
    rig: ServedRig, open_page: Open, window: str
) -> None:
    page = open_page(rig.url, "#/sort", reduced_motion="reduce", **WINDOWS[window])
    expect(page.locator("#status")).to_have_text("Ready")
    _fill(page)
    for view in VIEWS:
        page.goto(f"{rig.url}/#/{view}")
        expect(page.locator(f".view-{view.split('/')[0]} h1")).to_be_visible()
        # Pictures and lists come a little after the view.
        page.wait_for_function(_ALL_IS_LOADED)
        assert _serious(page) == [], view
        wide, window_wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= window_wide, view


@pytest.mark.parametrize("window", WINDOWS)
def test_a_running_job_a_banner_and_a_dialog_are_accessible(
    trained: Trained, tmp_path: Path, rigs: ExitStack, open_page: Open, window: str
) -> None:
    rig = rigs.enter_context(
        served_rig(tmp_path, trained.shell.folder, more="[camera]\nexposure_us = 900000\n")
    )
    page = open_page(rig.url, "#/capture", reduced_motion="reduce", **WINDOWS[window])
    listed = tmp_path / "list.csv"
    listed.write_text("part,steps\n3003,4\n")
    page.get_by_text("Capture a list of parts").click()
    page.get_by_label("The list (CSV)").set_input_files(listed)
    page.get_by_role("button", name="Start the list").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert _serious(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert _serious(page) == []
    page.locator("#stopbar").get_by_role("button", name="Emergency stop").click()
    expect(page.get_by_role("button", name="Reset the board")).to_be_visible()
    assert _serious(page) == []
    wide, window_wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= window_wide


def test_a_picture_from_the_camera_moves_only_for_those_who_like_it(rig: ServedRig, open_page: Open) -> None:
    page = open_page(rig.url, "#/sort", reduced_motion="reduce")
    expect(page.locator("#status")).to_have_text("Ready")
    _fill(page)
    assert page.locator(".tile").first.evaluate("e => getComputedStyle(e).animationName") == "none"


def test_nothing_is_fetched_from_elsewhere(rig: ServedRig, open_page: Open) -> None:
    page = open_page("about:blank#")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(rig.url)
    for view in VIEWS:
        page.goto(f"{rig.url}/#/{view}")
        expect(page.locator(f".view-{view.split('/')[0]} h1")).to_be_visible()
    assert asked
    assert all(url.startswith(rig.url) for url in asked)


def test_the_files_hold_no_script_or_style_inline_and_no_address() -> None:
    page = (STATIC / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", page)
    for path in STATIC.iterdir():
        addresses = set(re.findall(r"https?://[^\s\"'<)]+", path.read_text()))
        assert addresses <= {"http://www.w3.org/2000/svg"}, path.name


def test_each_module_that_is_imported_is_there() -> None:
    for path in STATIC.glob("*.js"):
        for name in re.findall(r"""(?:from|import\()\s*"\./([^"]+)\"""", path.read_text()):
            assert (STATIC / name).is_file(), f"{path.name} imports {name}"


def test_the_colours_are_those_of_the_catalogue() -> None:
    said = re.findall(r'\[(\d+), "([^"]+)", "#([0-9a-f]{6})"\]', (STATIC / "colours.js").read_text())
    assert said == [(str(colour.code), colour.name, bytes(colour.rgb).hex()) for colour in COLOURS.values()]
