"""A territory's area and rule set by the keyboard alone in a real browser; a client who waited lands in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser import chromium, signed_in, violations
from tests.install import PASSWORD, Install
from tests.pages.test_keyboard_browser import LONG
from tests.pages.test_keyboard_work_browser import tab_to

pytestmark = [pytest.mark.browser, pytest.mark.flow]


@pytest.fixture
def page(install: Install) -> Iterator[Page]:
    with (
        chromium() as browser,
        signed_in(browser, install.base, "admin", PASSWORD) as page,
    ):
        yield page


def added(page: Page, install: Install, what: str, **fields: object) -> None:
    answer = page.request.post(
        f"{install.base}/api/v1/{what}", data=fields, headers={"Origin": install.base}
    )
    assert answer.ok, answer.text()


def test_an_area_and_a_rule_by_keys_then_the_client_who_waits_lands(
    page: Page, install: Install
) -> None:
    teams = {t["team_id"] for t in page.request.get(f"{install.base}/api/v1/territories").json()}
    added(page, install, "territories", name="Drawn by keys", team_id=min(teams))
    page.goto(f"{install.base}/admin/territories")
    row = page.locator("tbody tr", has_text="Drawn by keys")
    expect(row).to_contain_text("a list", timeout=LONG)
    opener = row.get_by_role("button", name="Area and rule")
    opener.focus()
    page.keyboard.press("Enter")
    drawer = page.locator("aside.drawer")
    expect(drawer.locator(".dr-b")).to_be_focused(timeout=LONG)
    shown = drawer.locator(".te-map")
    expect(shown).to_have_attribute("data-state", "ready", timeout=LONG)

    canvas = shown.locator("canvas")
    tab_to(page, canvas, 16)
    expect(shown).to_have_attribute("data-aim", re.compile("[0-9]"), timeout=LONG)
    first = shown.get_attribute("data-aim") or ""
    heard = drawer.get_by_role("status")
    for said in ("Cell added", "Cell taken away", "Cell added"):
        page.keyboard.press("Enter")
        expect(heard.filter(has_text=said)).to_have_count(1, timeout=LONG)
    page.keyboard.press("ArrowRight")
    expect(shown).not_to_have_attribute("data-aim", first, timeout=LONG)
    expect(shown).to_have_attribute("data-aim", re.compile("[0-9]"), timeout=LONG)
    aim = json.loads(shown.get_attribute("data-aim") or "[]")
    lng, lat = (sum(p[n] for p in aim) / len(aim) for n in (0, 1))
    page.keyboard.press("Enter")
    expect(drawer.locator(".te-a")).to_contain_text("1.1 km²", timeout=LONG)
    assert violations(page, "aside.drawer") == []

    kind = drawer.get_by_role("checkbox", name="Pharmacies")
    tab_to(page, kind, 16)
    page.keyboard.press("Space")
    town = drawer.get_by_label("Towns")
    tab_to(page, town, 12)
    page.keyboard.type("Waitingham, Elsewhere")
    waits = {"kind": "pharmacy", "city": "waitingham", "lat": lat, "lng": lng}
    added(page, install, "clients", name="Waiting Pharmacy", **waits)
    added(page, install, "clients", name="Not of the rule", **waits | {"city": "Nowhereham"})
    page.keyboard.press("Enter")
    expect(drawer).to_have_count(0, timeout=LONG)
    expect(row).to_contain_text("rule: pharmacies; in Waitingham, Elsewhere", timeout=LONG)
    expect(row).to_contain_text("km²")
    expect(opener).to_be_focused(timeout=LONG)

    strip = page.locator(".te-n")
    expect(strip).to_contain_text("have no territory", timeout=LONG)
    land = strip.get_by_role("button", name="Let them land")
    land.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="1 client has landed")).to_be_visible(
        timeout=LONG
    )
    expect(strip).to_contain_text("No territory takes them", timeout=LONG)
    page.wait_for_function("() => document.activeElement !== document.body", timeout=LONG)
    found = page.request.get(f"{install.base}/api/v1/clients?search=Waiting+Pharmacy").json()
    assert [c["territory_id"] is not None for c in found["rows"]] == [True]
    assert violations(page) == []
