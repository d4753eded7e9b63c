"""A real Chromium for tests, wherever it is installed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

ARGUMENTS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--no-first-run"]  # fmt: skip


def executable() -> str | None:
    """Chromium's path: FIELDCRM_CHROMIUM, then PATH, else None for Playwright's own."""
    if named := os.environ.get("FIELDCRM_CHROMIUM"):
        return named
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    return None


@contextmanager
def chromium(**options: Any) -> Iterator[Browser]:
    """A headless browser, closed afterwards."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable(), args=ARGUMENTS, **options
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def lasting_chromium(profile: Path, **options: Any) -> Iterator[Any]:
    """A browser context whose storage survives on disk, to be closed and opened again."""
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(profile), executable_path=executable(), args=ARGUMENTS, **options
        )
        try:
            yield context
        finally:
            context.close()
