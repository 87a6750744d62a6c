"""A headless Chromium for the tests of this folder, which are skipped where there is none."""

import os
import shutil

import pytest

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def chromium():
    """The browser, or a skipped test that says what is missing."""
    sync_api = pytest.importorskip("playwright.sync_api", reason='needs pip install "accelsim[browser]"')
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if found is None:
        pytest.skip(
            f"no browser: none of {', '.join(CHROMIUMS)} is on the path (Debian: apt install chromium)"
        )
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--disable-gpu", *sandbox])
        yield browser
        browser.close()
