"""Coverage in a real browser against a whole install: cells, their days, a phone's width, axe."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser import desk_page
from tests.browser import violations_in_both as violations
from tests.install import PASSWORD, Install

pytestmark = [pytest.mark.browser, pytest.mark.flow]


@pytest.fixture
def page(install: Install) -> Iterator[Page]:
    """A signed-in manager's page that fails the test on an error nobody handled."""
    with desk_page(install.base, "manager", PASSWORD) as found:
        yield found


def counted(page: Page, install: Install) -> None:
    """The page once the recorder has counted what the sample's weeks hold."""
    for _ in range(30):
        page.goto(f"{install.base}/coverage")
        page.wait_for_selector(".cvm[data-state=ready]")
        is_whole = page.locator(".note", has_text="still being counted").count() == 0
        if is_whole and int(page.locator(".cvm").get_attribute("data-cells") or 0) > 10:
            return
        page.wait_for_timeout(1000)
    raise AssertionError("never counted")


def test_a_cell_leads_to_the_replay_at_its_moment(page: Page, install: Install) -> None:
    counted(page, install)
    assert violations(page) == []
    rows = page.locator(".cv-s tbody tr")
    assert rows.count() > 10
    page.get_by_role("button", name="Silence", exact=True).click()
    expect(page.locator(".cvm-legend b")).to_have_text("Silence")
    page.locator(".cv-s tbody button.way").first.click()
    expect(page.locator(".cv-s h2")).to_be_visible()
    assert violations(page) == []
    link = page.locator(".cv-s tbody a").first
    href = link.get_attribute("href") or ""
    link.click()
    page.wait_for_selector(".rpl[data-state=ready]")
    assert f"at={page.locator('.rpl').get_attribute('data-at')}" in href


def test_cells_grow_as_the_map_goes_away_and_the_list_follows(page: Page, install: Install) -> None:
    counted(page, install)
    fine = int(page.locator(".cvm").get_attribute("data-resolution") or 0)
    many = page.locator(".cv-s tbody tr").count()
    for _ in range(3):
        page.locator(".cvm-ctl button").nth(1).click()
        page.wait_for_timeout(500)
    page.wait_for_function(f"+document.querySelector('.cvm').dataset.resolution < {fine}")
    page.wait_for_function(f"document.querySelectorAll('.cv-s tbody tr').length < {many}")


def test_on_a_phone_nothing_lies_beside_the_page(page: Page, install: Install) -> None:
    counted(page, install)
    page.set_viewport_size({"width": 420, "height": 860})
    for path in ("/coverage", "/replay"):
        page.goto(install.base + path)
        page.wait_for_selector(".cv-s tbody tr, .empty")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 420, path


def test_the_keys_tell_and_open_the_cell_under_the_cross(page: Page, install: Install) -> None:
    counted(page, install)
    page.keyboard.press("Tab")
    canvas, told = page.locator(".cvm canvas"), page.locator(".cvm > [role=status]").first
    canvas.focus()
    for key in ("ArrowLeft", "ArrowRight", "-", "-"):  # the cells grow until one lies in the middle
        page.keyboard.press(key)
    expect(told).not_to_be_empty(timeout=60_000)
    expect(page.locator(".cvm-aim")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".cv-s h2")).to_be_visible(timeout=60_000)
    expect(canvas).to_be_focused()
