"""Draws the overlay for a look: `.venv-page/bin/python -m tests.live_page.overlay_picture FILE`.

In goes a file's name; out comes a picture of the page on a chequered ground, as it stands over a scene.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.page.conftest import ARGUMENTS, CHROMIUM

_GROUND = "body { background: repeating-conic-gradient(#6a8 0 25%, #9cb 0 50%) 0 / 80px 80px !important; }"


def address_of(process: subprocess.Popen[str]) -> str:
    """Return the address that a session logs."""
    assert process.stderr is not None
    (address,) = re.findall(r"http://\S+", process.stderr.readline())
    return str(address)


def main() -> None:
    """Write the picture to the path given."""
    from tests.live_page.conftest import sending

    with (
        tempfile.TemporaryDirectory() as folder,
        sending(Path(folder), overlay=0, pace_ms=200, n_talks=3) as process,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 360}, bypass_csp=True)
        page.goto(f"{address_of(process)}?size=44px")
        page.add_style_tag(content=_GROUND)
        expect(page.locator("#stable")).to_have_text(re.compile("about"))
        page.screenshot(path=sys.argv[1])
        browser.close()


if __name__ == "__main__":
    main()
