"""Evidence and consents in a real browser against a whole install: two cards side by side and a column of
the list, in light and dark, at a phone's width, with axe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import desk_page, in_both_themes, violations
from tests.install import PASSWORD, Install

pytestmark = [pytest.mark.browser, pytest.mark.flow]
LONG = 120_000
NAME = "Suostumusapteekki"
TOLD = {"on": "2024-03-01", "source": "message", "text": "no more letters, she said at the counter"}
SALES = {"source": "sales", "on": "2024-01-04", "text": "120 packs a month"}


def twice(page: Page, base: str) -> None:
    """A pharmacy that was entered twice, whose cards tell of different words."""
    own = ({"category": "B", "consents": {"email": TOLD | {"state": "given", "on": "2024-02-01"}}},
           {"category": "A", "evidence": {"category": SALES}, "consents": {"email": TOLD | {"state": "withdrawn"}}})  # fmt: skip
    for suffix, more in zip(("", " Oy"), own, strict=True):
        body = {"kind": "pharmacy", "name": NAME + suffix, "address": "Suostumuskatu 7",
                "city": "Helsinki", "phone": "+358401234321", **more}  # fmt: skip
        sent(page, base, "clients", body)
    sent(page, base, "duplicates/sweeps", {})


def sent(page: Page, base: str, path: str, body: dict[str, Any]) -> None:
    answer = page.request.post(f"{base}/api/v1/{path}", data=body, headers={"Origin": base})
    assert answer.ok, answer.text()


def offends_nobody(page: Page, folder: Path, name: str) -> None:
    """In light and dark, at the desk and on a phone."""
    for theme in in_both_themes(page):
        assert violations(page) == []
        page.screenshot(path=folder / f"{name}-{theme}.png")
    page.set_viewport_size({"width": 390, "height": 844})
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.screenshot(path=folder / f"{name}-phone.png")
    page.set_viewport_size({"width": 1440, "height": 900})


def test_what_a_merge_joins_and_who_may_be_written_to_is_seen(
    install: Install, tmp_path: Path
) -> None:
    with desk_page(install.base, "admin", PASSWORD) as page:
        twice(page, install.base)
        page.goto(f"{install.base}/duplicates")
        page.locator("tbody tr", has_text=NAME).locator(".way").click(timeout=LONG)
        email = page.locator(".du-t tr", has_text="Consent: e-mail")
        expect(email).to_contain_text("withdrawn · 1 Mar 2024 · by message", timeout=LONG)
        expect(email.locator("td.med")).to_contain_text("withdrawn")
        expect(page.locator(".du-t tr", has_text="Why this category")).to_contain_text("120 packs")
        offends_nobody(page, tmp_path, "side")
        page.goto(f"{install.base}/clients?search={NAME}")
        expect(page.locator("tbody tr")).to_have_count(2, timeout=LONG)
        page.locator(".ad-t summary:has-text('Columns')").press("Enter")
        page.locator("details[open]").get_by_label("Consent", exact=True).press("Space")
        cell = page.locator("tbody td", has_text="withdrawn: e-mail")
        expect(cell).to_be_visible(timeout=LONG)
        page.locator(".ad-t summary:has-text('Columns')").press("Enter")
        offends_nobody(page, tmp_path, "list")
        page.locator(".ad-t summary:has-text('Filter')").press("Enter")
        filters = page.locator("details[open]")
        filters.get_by_label("By a field").select_option("consent_email")
        filters.locator("select[name=value]").select_option("withdrawn", timeout=LONG)
        filters.get_by_role("button", name="Add").press("Enter")
        expect(page.locator("tbody tr")).to_have_count(1, timeout=LONG)
        chip = page.get_by_role("button", name="Consent: e-mail is withdrawn")
        expect(chip).to_be_visible(timeout=LONG)
        assert violations(page) == []
