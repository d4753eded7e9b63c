"""Quality in a real browser against a whole install: a check, a pin placed by keyboard, axe, a phone's width."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser import desk_page
from tests.browser import violations_in_both as violations
from tests.install import PASSWORD, Install

pytestmark = [pytest.mark.browser, pytest.mark.flow]
TABS = ("fix", "whole", "pins", "place", "runs", "rules")
WAIT_MS = 120_000


@pytest.fixture
def page(install: Install) -> Iterator[Page]:
    """An administrator's page that fails the test on an error nobody handled."""
    with desk_page(install.base, "admin", PASSWORD) as found:
        yield found


def lost_client(page: Page, install: Install, name: str) -> str:
    """A new client with an address and no place; its id."""
    told = {
        "name": name,
        "kind": "pharmacy",
        "address": "Mannerheimintie 5",
        "city": "Helsinki",
        "category": "A",
    }
    answer = page.request.post(
        f"{install.base}/api/v1/clients", data=told, headers={"Origin": install.base}
    )
    assert answer.ok
    return str(answer.json()["id"])


def test_a_check_finds_who_has_no_place_and_the_keyboard_places_him(
    page: Page, install: Install
) -> None:
    client_id = lost_client(page, install, "Lost pharmacy")
    page.goto(f"{install.base}/quality?tab=runs")
    page.get_by_role("button", name="Check the base").click()
    expect(page.locator("[role=status]", has_text="done")).to_be_visible(timeout=WAIT_MS)
    for tab in TABS:
        page.get_by_role("tab").nth(TABS.index(tab)).click()
        expect(page.get_by_role("tab").nth(TABS.index(tab))).to_have_attribute(
            "aria-selected", "true"
        )
        page.wait_for_selector(".ad-b .card:visible, .ad-b .empty:visible", timeout=WAIT_MS)
        assert violations(page) == [], tab
    page.get_by_role("tab").nth(TABS.index("place")).click()
    for _ in range(60):
        name = page.locator(".qu-p a.way")
        expect(name).to_be_visible(timeout=WAIT_MS)
        if name.inner_text() == "Lost pharmacy":
            break
        before = name.inner_text()
        page.keyboard.press("n")
        expect(name).not_to_have_text(before, timeout=WAIT_MS)
    page.wait_for_selector(".qu-map canvas", timeout=WAIT_MS)
    page.locator(".qu-map canvas").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".qu-at")).not_to_be_empty(timeout=WAIT_MS)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Lost pharmacy: pin placed")).to_be_visible(timeout=WAIT_MS)
    found = page.request.get(f"{install.base}/api/v1/clients/{client_id}").json()
    assert found.get("client", found)["lat"] is not None


def test_on_a_phone_nothing_lies_beside_the_page(page: Page, install: Install) -> None:
    page.set_viewport_size({"width": 420, "height": 860})
    for tab in TABS:
        page.goto(f"{install.base}/quality?tab={tab}")
        page.wait_for_selector(".ad-b .card:visible, .ad-b .empty:visible", timeout=WAIT_MS)
        assert page.evaluate("document.documentElement.scrollWidth") <= 420, tab
