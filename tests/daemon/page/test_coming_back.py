"""What the page does when its daemon goes and comes back, and who may see it."""

import re
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.acceptance.conftest import RIG, Trained
from tests.daemon.page.conftest import Complaints, Open
from tests.daemon.page.rigs import served_rig

# What browsers say of a server that is not there.
GONE = r"net::ERR_|ERR_CONNECTION|ERR_INCOMPLETE"


def test_a_page_comes_back_with_its_daemon_and_offers_what_was_cut_short(
    tmp_path: Path, rigs: ExitStack, open_page: Open, complaints: Complaints
) -> None:
    complaints.expected = GONE
    rig = rigs.enter_context(served_rig(tmp_path, real_time=True))
    page = open_page(rig.url, "#/capture")
    page.get_by_label("Part number").fill("3001")
    page.get_by_label("Pictures a turn").fill("6")
    page.get_by_role("button", name="Start capture").click()
    expect(page.locator(".ring-mark").first).to_be_visible()
    rig.end(signal.SIGKILL)
    lost = page.locator("#banners").get_by_role("alert").filter(has_text="does not answer")
    expect(lost).to_be_visible()
    expect(page.locator("#status")).to_have_text("No connection")
    rig.start()
    expect(lost).to_be_hidden()
    expect(page.locator("#status")).to_have_text("Ready")
    expect(page.locator(".live-picture")).to_have_js_property("naturalWidth", 640)
    cut = page.locator("#banners").get_by_role("status").filter(has_text="cut short")
    cut.get_by_role("button", name="Go on with it").click()
    expect(page.get_by_role("heading", name="Capture finished")).to_be_visible()
    expect(cut).to_be_hidden()
    assert len(list((tmp_path / "captures" / "3001").glob("*.jpg"))) == 6


def test_a_view_that_is_wanted_while_the_daemon_is_away_can_be_had_later(
    tmp_path: Path, rigs: ExitStack, open_page: Open, complaints: Complaints
) -> None:
    complaints.expected = GONE
    rig = rigs.enter_context(served_rig(tmp_path))
    page = open_page(rig.url, "#/capture")
    expect(page.locator("#status")).to_have_text("Ready")
    rig.end()
    expect(page.locator("#status")).to_have_text("No connection")
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_text("could not be fetched")).to_be_visible()
    rig.start()
    expect(page.get_by_role("heading", name="No model yet")).to_be_visible()
    # So does a tab that is open already, where what it showed was missed or is old.
    (tmp_path / "models" / "broken").mkdir(parents=True)
    (tmp_path / "models" / "broken" / "model.json").write_text("{}")
    page.get_by_role("link", name="Models").click()
    expect(page.locator(".model")).to_contain_text("It cannot be used")


def test_what_was_cut_short_can_be_forgotten(
    tmp_path: Path, rigs: ExitStack, open_page: Open, complaints: Complaints
) -> None:
    complaints.expected = GONE
    rig = rigs.enter_context(served_rig(tmp_path, real_time=True))
    page = open_page(rig.url, "#/capture")
    page.get_by_label("Part number").fill("3001")
    page.get_by_role("button", name="Start capture").click()
    expect(page.locator(".ring-mark").first).to_be_visible()
    rig.end(signal.SIGKILL)
    rig.start()
    page.get_by_role("button", name="Forget it").click()
    expect(page.get_by_role("button", name="Forget it")).to_be_hidden()
    page.reload()
    expect(page.locator("#status")).to_have_text("Ready")
    expect(page.get_by_role("button", name="Forget it")).to_be_hidden()


def test_a_token_is_asked_for_where_one_is_needed(
    tmp_path: Path, rigs: ExitStack, open_page: Open, complaints: Complaints
) -> None:
    made = subprocess.run(
        [RIG, "serve", "--new-token", "phone"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    token = max(re.findall(r"\S{20,}", made.stdout), key=len)
    complaints.expected = "401"
    rig = rigs.enter_context(served_rig(tmp_path, arguments=("--address", "0.0.0.0")))
    page = open_page(rig.url, width=360)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_label("Token")).to_be_focused()
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="no such token")).to_be_visible()
    page.get_by_label("Token").fill(token)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Capture", exact=True)).to_be_visible()
    expect(page.locator(".live-picture")).to_have_js_property("naturalWidth", 640)
    page.goto(f"{rig.url}/#/settings")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("answer", ["Skip this part", "End the list"])
def test_a_question_of_a_job_is_answered_on_any_page(
    trained: Trained, tmp_path: Path, rigs: ExitStack, open_page: Open, answer: str
) -> None:
    rig = rigs.enter_context(
        served_rig(tmp_path, trained.shell.folder, more="[camera]\nexposure_us = 900000\n")
    )
    page, other = open_page(rig.url, "#/capture"), open_page(rig.url, "#/review", width=360)
    listed = tmp_path / "list.csv"
    listed.write_text("part,steps\n3003,4\n")
    page.get_by_text("Capture a list of parts").click()
    page.get_by_label("The list (CSV)").set_input_files(listed)
    page.get_by_role("button", name="Start the list").click()
    for each in (page, other):
        expect(each.get_by_role("dialog")).to_contain_text("3003 cannot be captured")
        expect(each.get_by_role("button", name="Try again")).to_be_focused()
        # Nobody has to get rid of a question first.
        expect(each.get_by_role("dialog").get_by_role("button", name="Emergency stop")).to_be_visible()
    # It can be put aside, and looked for again.
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.get_by_role("button", name="Answer").click()
    page.get_by_role("dialog").get_by_role("button", name=answer).click()
    for each in (page, other):
        expect(each.get_by_role("dialog")).to_be_hidden()
        expect(each.get_by_role("region", name="What runs")).to_be_hidden()
