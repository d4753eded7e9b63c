"""Planning in a real browser against a whole install: the calendar, a plan worked out and approved, axe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser import desk_page
from tests.install import PASSWORD, Install, copy_home, midday_of

pytestmark = [pytest.mark.browser, pytest.mark.flow]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PLANNED_MS = 150_000
"""A worker may have to compile its search first, on a machine with much else to do."""


@pytest.fixture(scope="module")
def install(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Install]:
    """A running sample company, its reps standing still."""
    home = copy_home(sample_home, tmp_path_factory.mktemp("install") / "home")
    with Install(home, "--no-simulate", "--clock-start", midday_of(home)) as running:
        yield running


@pytest.fixture
def page(install: Install) -> Iterator[Page]:
    """A signed-in manager's page that fails the test on an error nobody handled."""
    with desk_page(install.base, "manager", PASSWORD) as found:
        yield found


def violations(page: Page) -> list[Any]:
    found = Axe().run(page, options=RULES).response["violations"]
    return [(v["id"], [n["target"] for n in v["nodes"]][:5]) for v in found]


def test_a_cycle_is_planned_compared_and_approved(page: Page, install: Install) -> None:
    page.goto(f"{install.base}/planning")
    expect(page.locator(".cy-day").first).to_be_visible(timeout=60_000)
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    page.reload()
    expect(page.locator(".cy-day").first).to_be_visible(timeout=60_000)
    assert violations(page) == []
    page.get_by_role("button", name="Plan the cycle").click()
    page.get_by_role("button", name="Work it out").click()
    expect(page.locator(".cy-d")).to_be_visible(timeout=PLANNED_MS)
    expect(page.locator(".cy-v.new").first).to_be_visible(timeout=30_000)
    assert violations(page) == []
    page.get_by_role("button", name="Approve and apply").click()
    expect(page.locator(".note.ok")).to_be_visible(timeout=PLANNED_MS)
    page.get_by_role("button", name="Proposals and approved plans").click()
    expect(page.locator(".cy-pl").filter(has_text="Version 1")).to_be_visible(timeout=30_000)
