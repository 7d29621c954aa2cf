"""What nobody must overlook, while it is so and no longer."""

from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.acceptance.conftest import Trained
from tests.daemon.page.conftest import Open
from tests.daemon.page.rigs import served_rig


def _banner(page: Page, text: str) -> Locator:
    return page.locator(".banner").filter(has_text=text)


def _faults(folder: Path, *faults: str) -> str:
    """A `[sim]` key: what goes wrong on the desk."""
    path = folder / "faults.toml"
    path.write_text("\n".join(f"[[fault]]\n{fault}" for fault in faults))
    return f'faults = "{path}"\n'


def test_a_simulated_rig_says_so_on_every_view(tmp_path: Path, rigs: ExitStack, open_page: Open) -> None:
    rig = rigs.enter_context(served_rig(tmp_path))
    page = open_page(rig.url)
    for view in ("capture", "sort", "review", "settings"):
        page.goto(f"{rig.url}/#/{view}")
        expect(_banner(page, "Simulated rig")).to_be_visible()


def test_a_cable_that_is_pulled_out_is_told_until_it_is_back(
    tmp_path: Path, rigs: ExitStack, open_page: Open
) -> None:
    # Each look at an idle board asks so, every two seconds.
    pulled = 'kind = "replug"\nmatches = "M114"\nat = 8\nduration_s = 4.0'
    rig = rigs.enter_context(served_rig(tmp_path, more=_faults(tmp_path, pulled), real_time=True))
    page, phone = open_page(rig.url, "#/capture"), open_page(rig.url, "#/sort", width=390)
    for each in (page, phone):
        expect(_banner(each, "The board is offline.")).to_contain_text("unplugged")
        expect(each.locator("#status")).to_have_text("Board offline")
        expect(_banner(each, "Position unknown.")).to_be_hidden()
    expect(page.get_by_role("button", name="Start capture")).to_be_disabled()
    expect(page.get_by_text("No picture while the board is away")).to_be_visible()
    # It is looked for by itself.
    for each in (page, phone):
        expect(_banner(each, "The board is offline.")).to_be_hidden()
        expect(each.locator("#status")).to_have_text("Ready")
    expect(page.get_by_role("button", name="Start capture")).to_be_enabled()
    expect(page.locator(".live-picture")).to_have_js_property("naturalWidth", 640)


def test_while_nothing_runs_nobody_knows_where_the_table_stands(
    tmp_path: Path, rigs: ExitStack, open_page: Open
) -> None:
    rig = rigs.enter_context(served_rig(tmp_path, real_time=True))
    page = open_page(rig.url, "#/capture")
    unknown = _banner(page, "Position unknown.")
    expect(unknown).to_contain_text("The motors are off")
    page.get_by_label("Part number").fill("3001")
    page.get_by_role("button", name="Start capture").click()
    expect(page.locator(".ring-mark").nth(1)).to_be_visible()
    # It is known all the while, also as the table turns.
    page.evaluate(
        """() => { window.seen = 0;
        new MutationObserver(() => document.querySelector('#banners').innerText.includes('unknown') && seen++)
            .observe(document.querySelector('#banners'), {childList: true, subtree: true}) }"""
    )
    expect(page.locator(".ring-mark").nth(5)).to_be_visible()
    expect(unknown).to_be_hidden()
    assert page.evaluate("window.seen") == 0
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("heading", name="Capture stopped")).to_be_visible()
    expect(unknown).to_be_visible()


def test_a_board_that_is_lost_while_it_sorts_is_told_and_the_sorting_goes_on(
    trained: Trained, tmp_path: Path, rigs: ExitStack, open_page: Open
) -> None:
    # As a part is pushed: two servos were brought to rest before.
    pulled = 'kind = "replug"\nmatches = "M280 P[0-9]+ S"\nat = 4\nduration_s = 3.0'
    more = _faults(tmp_path, pulled)
    more += "[sorting]\nreject_threshold = 0.0\nfalse_strangers = 0.0\n"
    rig = rigs.enter_context(served_rig(tmp_path, trained.shell.folder, more=more, real_time=True))
    page = open_page(rig.url, "#/sort")
    page.get_by_label("How many parts").fill("3")
    page.get_by_role("button", name="Start sorting").click()
    expect(page.locator(".jobbar-what")).to_have_text("Sorting with small")
    offline = _banner(page, "The board is offline.")
    expect(offline).to_contain_text("the job waits for it")
    expect(offline.get_by_role("button")).to_have_count(0)
    expect(offline).to_be_hidden()
    expect(page.get_by_role("heading", name="Sorting finished")).to_be_visible()
    expect(page.get_by_role("region", name="The last job")).to_contain_text("3 parts, all of them named")
