"""What a real browser lets other sites do to somebody who is signed in, and what ours may still do itself."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.daemon.serving import OPEN_TO_ALL, Running, serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")

EVIL_PAGE = """<!doctype html><title>evil</title>
<a id=link href="{rig}/">a prize</a> <a id=export href="{rig}/api/v1/state">another</a>
<form id=form method=post action="{rig}/api/v1/jobs" enctype=text/plain><button>a third</button></form>
<script>
  const done = (name, what) => {{ document.body.dataset[name] = what }};
  const picture = new Image();
  picture.onload = () => done('picture', 'seen');
  picture.onerror = () => done('picture', 'refused');
  picture.src = '{rig}/api/v1/picture';
  const sent = {{method: 'POST', mode: 'no-cors', credentials: 'include', body: '{{}}'}};
  fetch('{rig}/api/v1/jobs', sent).then(() => done('sent', 'yes'), () => done('sent', 'refused'));
  fetch('{rig}/api/v1/state').then(() => done('read', 'yes'), () => done('read', 'refused'));
</script>"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM,
            chromium_sandbox=os.geteuid() != 0,
            # A name whose owner has its address lead here: DNS rebinding.
            args=["--host-resolver-rules=MAP evil.example 127.0.0.1"],
        )
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        yield context.new_page()


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Running]:
    with serving(tmp_path, OPEN_TO_ALL) as running:
        yield running


@contextmanager
def _another_site(content: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def _open(page: Page, running: Running) -> str:
    rig = f"http://localhost:{running.port}"
    page.goto(rig)
    return rig


def _status(page: Page, path: str, **how: object) -> int:
    status = page.evaluate("([path, how]) => fetch(path, how).then(answer => answer.status)", [path, how])
    assert isinstance(status, int)
    return status


def _log_in(page: Page, running: Running) -> None:
    body = f'{{"token": "{running.tokens.create("browser")}"}}'
    told = {"Content-Type": "application/json"}
    assert _status(page, "/api/v1/login", method="POST", body=body, headers=told) == 200


def test_our_page_signs_in_and_works(page: Page, far: Running) -> None:
    _open(page, far)
    assert _status(page, "/api/v1/state") == 401
    _log_in(page, far)
    assert _status(page, "/api/v1/state") == 200
    assert _status(page, "/api/v1/jobs", method="POST", body="{}") == 200
    assert page.evaluate("document.cookie") == ""
    # Kept from one page to the next, and gone with a form of our page, of which the browser says the origin.
    page.reload()
    assert _status(page, "/api/v1/state") == 200
    with page.expect_response("**/api/v1/logout") as answered:
        page.get_by_role("button", name="Sign out").click()
    assert answered.value.status == 204
    assert _status(page, "/api/v1/state") == 401


def test_only_scripts_from_our_files_run(page: Page, far: Running) -> None:
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    _open(page, far)
    assert page.title() == "rig ran"
    assert any("inline script" in text for text in refused)


def test_a_training_report_has_its_style_and_no_script(page: Page, tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        page.goto(f"http://localhost:{running.port}/api/v1/models/m/report/index.html")
        assert page.title() == "report"
        assert page.evaluate("getComputedStyle(document.querySelector('b')).color") == "rgb(255, 0, 0)"


@pytest.mark.parametrize("needs_token", [True, False])
def test_another_sites_page_can_do_nothing(page: Page, tmp_path: Path, needs_token: bool) -> None:
    with serving(tmp_path, OPEN_TO_ALL if needs_token else None) as running:
        rig = _open(page, running)
        if needs_token:
            _log_in(page, running)
        assert _status(page, "/api/v1/state") == 200
        running.reached.clear()
        with _another_site(EVIL_PAGE.format(rig=rig)) as evil:
            page.goto(evil)
            for name in ("picture", "sent", "read"):
                page.wait_for_selector(f"body[data-{name}]", state="attached")
            assert page.evaluate("document.body.dataset.picture") == "refused"
            assert page.evaluate("document.body.dataset.read") == "refused"
            assert running.reached == []
            with page.expect_navigation() as led:
                page.click("#form button")
            assert led.value is not None
            assert led.value.status == 403
            page.goto(evil)
            with page.expect_navigation() as led:
                page.click("#export")
            assert led.value is not None
            assert led.value.status == 403
            assert running.reached == []
            # A link to the page itself is nothing bad, and whoever follows it is still signed in there.
            page.goto(evil)
            with page.expect_navigation() as led:
                page.click("#link")
            assert led.value is not None
            assert led.value.status == 200
            assert _status(page, "/api/v1/state") == 200


def test_a_name_that_suddenly_leads_here_shows_nothing(page: Page, tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        answer = page.goto(f"http://evil.example:{running.port}/")
        assert answer is not None
        assert answer.status == 421
        assert running.reached == []
