"""A real browser, whose pages must not complain of anything."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.acceptance.conftest import trained

__all__ = ["trained"]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# How long something takes says more of the computer than of the page.
PATIENCE_MS = 60_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Nothing here can be seen without a browser."""
    for item in items:
        if CHROMIUM is None and "tests/daemon/page" in item.path.as_posix():
            item.add_marker(pytest.mark.skip(reason="Debian's chromium is not installed"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Until it is closed, nothing else in its worker can run an event loop of its own."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=os.geteuid() != 0)
        yield started
        started.close()


@dataclass
class Complaints:
    """What pages complain of: errors of scripts, of loading, and of the content security policy.

    Attributes:
        expected: a pattern of those that a test provokes.
    """

    said: list[str] = field(default_factory=list)
    expected: str = r"(?!)"

    def listen_to(self, page: Page) -> None:
        """Note what a page complains of from now on."""
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.said.append(f"{error}\n{error.stack}"))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.said.append(f"{message.text} {message.location}")

    def check(self) -> None:
        """See that there was nothing but what was expected."""
        assert [text for text in self.said if not re.search(self.expected, text)] == []


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    """What the pages of a test complain of; at its end there must be nothing unexpected."""
    noted = Complaints()
    yield noted
    noted.check()


Open = Callable[..., Page]
"""Opens the page of a rig: `open_page(url, "#/sort", width=360)`; others are those of a context."""


@pytest.fixture
def rigs() -> Iterator[ExitStack]:
    """Rigs of one test: they go on until its pages are closed, which would complain otherwise."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def open_page(browser: Browser, complaints: Complaints, rigs: ExitStack) -> Iterator[Open]:
    """Opens pages in windows of their own."""
    contexts: list[BrowserContext] = []

    def opened(url: str, view: str = "", *, width: int = 1280, height: int = 900, **how: object) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **how)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        complaints.listen_to(page)
        page.goto(f"{url}/{view}")
        return page

    yield opened
    for context in contexts:
        context.close()
