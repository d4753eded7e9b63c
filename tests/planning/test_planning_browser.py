"""Planning in a real browser against a whole install: the calendar, a plan worked out and approved, axe."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser import signed_in, violations, violations_in_both, wear
from tests.install import PASSWORD, Install

pytestmark = [pytest.mark.browser, pytest.mark.flow]
PLANNED_MS = 150_000
"""A worker may have to compile its search first, on a machine with much else to do."""


def test_a_cycle_is_planned_compared_and_approved(page: Page, install: Install) -> None:
    page.goto(f"{install.base}/planning")
    expect(page.locator(".cy-day").first).to_be_visible(timeout=60_000)
    assert violations_in_both(page) == []
    wear(page, "dark")
    page.get_by_role("button", name="Plan the cycle").click()
    page.get_by_role("button", name="Work it out").click()
    expect(page.locator(".cy-d")).to_be_visible(timeout=PLANNED_MS)
    expect(page.locator(".cy-v.new").first).to_be_visible(timeout=30_000)
    assert violations(page) == []
    page.get_by_role("button", name="Approve and apply").click()
    expect(page.locator(".note.ok")).to_be_visible(timeout=PLANNED_MS)
    page.get_by_role("button", name="Proposals and approved plans").click()
    expect(page.locator(".cy-pl").filter(has_text="Version 1")).to_be_visible(timeout=30_000)


def held_day(page: Page, visit: str) -> str:
    day = page.locator(".cy-day", has=page.locator(f'[data-cy-visit="{visit}"]'))
    return day.get_attribute("data-day") or ""


def first_ahead(page: Page) -> str:
    """A visit of a day to come, drawn into sight."""
    one = page.locator(".cy-day[data-cy-open] [data-cy-visit]").first
    expect(one).to_be_visible(timeout=60_000)
    one.scroll_into_view_if_needed()
    return one.get_attribute("data-cy-visit") or ""


def test_a_visit_is_dragged_at_a_price_taken_back_and_moved_by_keyboard(
    page: Page, install: Install
) -> None:
    page.goto(f"{install.base}/planning")
    visit = first_ahead(page)
    was = held_day(page, visit)
    one = page.locator(f'[data-cy-visit="{visit}"]')
    box = one.bounding_box()
    assert box
    page.mouse.move(box["x"] + 20, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 40, box["y"] + 16, steps=4)
    week = page.locator(".cy-wk", has=one)
    target = week.locator(".cy-day[data-cy-open][data-price]:not([data-tone=no])").first
    expect(target).to_be_visible(timeout=60_000)
    day, there = target.get_attribute("data-day"), target.bounding_box()
    assert there
    page.mouse.move(there["x"] + 30, there["y"] + 30, steps=4)
    expect(page.locator(".cy-ghost")).to_contain_text("km", timeout=30_000)
    page.mouse.up()
    expect(page.locator(f'[data-day="{day}"] [data-cy-visit="{visit}"]')).to_be_visible(
        timeout=60_000
    )
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(f'[data-day="{was}"] [data-cy-visit="{visit}"]')).to_be_visible(
        timeout=60_000
    )
    page.locator(f'[data-cy-visit="{visit}"]').focus()
    page.keyboard.press("Enter")
    expect(page.locator(".cy-of").first).to_be_visible(timeout=60_000)
    assert violations(page) == []
    page.locator(".cy-of").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".note.ok")).to_be_visible(timeout=60_000)
    expect(page.locator(f'[data-day="{was}"] [data-cy-visit="{visit}"]')).to_have_count(0)


def test_a_rep_proposes_and_his_manager_sends_it_back(page: Page, install: Install) -> None:
    browser = page.context.browser
    assert browser is not None
    with signed_in(browser, install.base, "sanna", PASSWORD) as mine:
        mine.goto(f"{install.base}/my-cycle")
        first_ahead(mine)
        mine.locator(".cy-day[data-cy-open] [data-cy-visit]").first.click()
        expect(mine.locator(".cy-of").first).to_be_visible(timeout=60_000)
        mine.locator(".cy-of").first.click()
        expect(mine.locator(".cy-v.moved").first).to_be_visible(timeout=60_000)
        assert violations(mine) == []
        mine.get_by_role("button", name="Propose to the manager").click()
        expect(mine.locator(".note.ok")).to_be_visible(timeout=60_000)
        page.goto(f"{install.base}/planning")
        page.get_by_role("button", name="Proposals and approved plans").click(timeout=60_000)
        page.locator(".cy-pl", has_text="proposed by the rep").get_by_role("button").click()
        page.get_by_label("Word to the rep").fill("Not that week")
        page.get_by_role("button", name="Send back").click()
        expect(page.locator(".note.ok")).to_be_visible(timeout=60_000)
        mine.reload()
        expect(mine.locator(".cy-pl").first).to_contain_text("Not that week", timeout=60_000)
