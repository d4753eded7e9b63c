"""A real Chromium for tests, wherever it is installed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

ARGUMENTS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--disable-background-networking",
             "--disable-component-update", "--disable-sync", "--no-first-run"]  # fmt: skip

expect.set_options(timeout=30_000)  # two test processes and their browsers share two cores

AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def violations(page: Page, within: str = "html") -> list[Any]:
    """What axe finds wrong with a page or a part of it: (rule, the first places)."""
    found = Axe().run(page, context=within, options=AXE).response["violations"]
    return [(v["id"], [n["target"] for n in v["nodes"]][:5]) for v in found]


_STILL = """() => Promise.all(document.getAnimations()
  .filter((a) => a.effect?.getComputedTiming().endTime < 10_000).map((a) => a.finished.catch(() => 0)))"""


def in_both_themes(page: Page) -> Iterator[str]:
    """The page in light and in dark, one after the other, beginning with the one it has and goes on in."""
    had = page.evaluate("document.documentElement.dataset.theme")
    for theme in ("dark", "light") if had == "dark" else ("light", "dark"):
        wear(page, theme)
        yield theme
    wear(page, had)


def wear(page: Page, theme: Any) -> None:
    """Show the page in `light` or `dark`, as the system would ask for it; returns once nothing moves."""
    page.emulate_media(color_scheme=theme)
    page.wait_for_function("(theme) => document.documentElement.dataset.theme === theme", arg=theme)
    page.evaluate(_STILL)


def violations_in_both(page: Page) -> list[Any]:
    """What axe finds in light and in dark."""
    return [(theme, *one) for theme in in_both_themes(page) for one in violations(page)]


def executable() -> str | None:
    """Chromium's path: FIELDCRM_CHROMIUM, then PATH, else None for Playwright's own."""
    if named := os.environ.get("FIELDCRM_CHROMIUM"):
        return named
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    return None


_open: list[Any] = []


def what_is_shown() -> str:
    """The address and the words of every open page, for the report of a test that failed."""
    contexts = [c for b in _open for c in getattr(b, "contexts", [b])]
    return "\n".join(_said(page) for c in contexts for page in c.pages)


def _said(page: Any) -> str:
    try:
        return f"{page.url}\n{page.inner_text('body', timeout=2000)[:3000]}"
    except Exception as error:  # a page that hangs or has crashed must not hide why the test failed
        return f"{page.url}: {error}"


@contextmanager
def _watched(browser: Any) -> Iterator[Any]:
    """Tells what was on the screen when the test failed within it."""
    _open.append(browser)
    try:
        yield browser
    except BaseException:
        print(what_is_shown())
        raise
    finally:
        _open.remove(browser)
        browser.close()


@contextmanager
def chromium(**options: Any) -> Iterator[Browser]:
    """A headless browser, closed afterwards."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable(), args=ARGUMENTS, timeout=120_000, **options
        )
        with _watched(browser):
            yield browser


@contextmanager
def lasting_chromium(profile: Path, **options: Any) -> Iterator[Any]:
    """A browser context whose storage survives on disk, to be closed and opened again."""
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(profile), executable_path=executable(), args=ARGUMENTS, timeout=120_000, **options
        )
        with _watched(context):
            yield context


@contextmanager
def desk_page(base: str, login: str, password: str, **options: Any) -> Iterator[Any]:
    """A signed-in page of 1440 x 900 that fails the test on an error nobody handled."""
    with chromium() as browser, signed_in(browser, base, login, password, **options) as found:
        yield found


@contextmanager
def signed_in(
    browser: Browser, base: str, login: str, password: str, **options: Any
) -> Iterator[Any]:
    """The same in a browser that runs already, beside whoever is signed in there."""
    view = {"width": 1440, "height": 900}
    context = browser.new_context(viewport=view, locale="en-GB", **options)
    answer = context.request.post(
        f"{base}/api/v1/session", data={"login": login, "password": password},
        headers={"Origin": base},
    )  # fmt: skip
    assert answer.ok
    found = context.new_page()
    errors: list[str] = []
    found.on("pageerror", lambda error: errors.append(str(error)))
    yield found
    assert errors == []
    context.close()
