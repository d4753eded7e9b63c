"""What if in a real browser against a whole install: asked, a scenario beside the team as it is, axe;
its borders looked at, taken over and given back by keys alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import violations
from tests.install import Install

pytestmark = [pytest.mark.browser, pytest.mark.flow]
WORKED_OUT_MS = 150_000
"""A worker may have to compile its search first, on a machine with much else to do."""


def test_a_scenario_stands_beside_the_team_as_it_is(page: Page, install: Install) -> None:
    page.goto(f"{install.base}/planning/what-if")
    ask = page.get_by_role("button", name="Work out the team as it is")
    expect(ask).to_be_visible(timeout=60_000)
    assert violations(page) == []
    ask.click()
    head = page.locator("thead th[data-status]")
    expect(head.nth(0)).to_have_attribute("data-status", "ready", timeout=WORKED_OUT_MS)
    expect(page.locator('.wi-map[data-state="ready"]')).to_be_visible(timeout=60_000)
    expect(page.locator(".wi-map .wi-mark").first).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="New scenario").click()
    page.get_by_role("button", name="Add this change").click()
    expect(page.locator(".wi-d li")).to_have_count(1, timeout=30_000)
    assert violations(page) == []
    page.get_by_role("button", name="Work it out", exact=True).click()
    expect(head).to_have_count(2, timeout=30_000)
    expect(head.nth(1)).to_have_attribute("data-status", "ready", timeout=WORKED_OUT_MS)
    named = page.get_by_role("rowheader", name="Reps", exact=True)
    reps = page.locator("tbody tr").filter(has=named)
    expect(reps.locator(".wi-ch")).to_contain_text("1", timeout=30_000)
    expect(page.locator(".wi-ch.better, .wi-ch.worse").first).to_be_visible()
    page.emulate_media(color_scheme="dark")
    page.reload()
    expect(head).to_have_count(2, timeout=60_000)  # the question asked last is open again
    assert violations(page) == []
    take_its_borders_over(page)


def press(button: Locator) -> None:
    button.focus(timeout=60_000)
    button.press("Enter")


def take_its_borders_over(page: Page) -> None:
    press(page.locator("thead th[data-status] .way").nth(1))
    look = page.get_by_role("button", name="Take these borders over")
    press(look)
    pane = page.get_by_role("region", name="Borders to take over")
    expect(pane.locator("tbody tr").first).to_be_visible(timeout=60_000)
    assert violations(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert violations(page) == []
    press(pane.get_by_role("button", name="Close"))
    expect(look).to_be_focused(timeout=30_000)
    press(look)
    press(pane.get_by_role("button", name="Take over", exact=True))
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_visible(timeout=60_000)
    assert violations(page) == []
    press(undo)
    expect(page.get_by_text("Given back")).to_be_visible(timeout=60_000)
    expect(look).to_be_visible()
