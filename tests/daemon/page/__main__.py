"""Draws docs/page.jpg: the page of a simulated rig in the middle of a sort.

    python -m tests.daemon.page FOLDER

FOLDER has a dataset and a model, as captures/ and models/.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.daemon.page.conftest import CHROMIUM, PATIENCE_MS
from tests.daemon.page.rigs import served_rig

PICTURE = Path(__file__).parents[3] / "docs" / "page.jpg"
_LARGEST_BYTES = 250_000
_SORTING = "[sorting]\nreject_threshold = 0.6\nfalse_strangers = 0.0\n"


def draw(like: Path, picture: Path = PICTURE) -> None:
    """Sort until a dozen parts lie in the bins, and keep what the page shows then.

    Args:
        like: a folder with captures/ and models/.
    """
    expect.set_options(timeout=PATIENCE_MS)
    with (
        tempfile.TemporaryDirectory() as folder,
        served_rig(Path(folder), like, real_time=True, more=_SORTING) as rig,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=False)
        page = browser.new_page(viewport={"width": 1280, "height": 960})
        page.goto(f"{rig.url}/#/sort")
        page.get_by_label("How many parts").fill("20")
        page.get_by_role("button", name="Start sorting").click()
        expect(page.locator(".tile")).to_have_count(12, timeout=5 * PATIENCE_MS)
        # A part lies on the table.
        expect(page.locator(".candidate-share")).to_have_count(3)
        page.wait_for_function(
            "() => [...document.querySelectorAll('.tile img')].every(image => image.naturalWidth)"
        )
        page.screenshot(path=picture, type="jpeg", quality=82)
        browser.close()
    assert picture.stat().st_size <= _LARGEST_BYTES


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
