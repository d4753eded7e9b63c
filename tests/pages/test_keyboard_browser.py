"""The office's lists by the keyboard alone in a real browser: what is typed stays typed, and the focus
goes where the work goes on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser import chromium, signed_in, violations
from tests.install import PASSWORD, Install

pytestmark = [pytest.mark.browser, pytest.mark.flow]
LONG = 60_000
IN_DRAWER = "() => !!document.activeElement.closest('aside.drawer')"


@pytest.fixture
def page(install: Install) -> Iterator[Page]:
    with (
        chromium() as browser,
        signed_in(browser, install.base, "manager", PASSWORD) as page,
    ):
        page.goto(f"{install.base}/clients")
        expect(page.locator("tbody tr").first).to_be_visible(timeout=LONG)
        yield page


def to_the_list(page: Page) -> None:
    """Past the rail and the bar by the skip link."""
    page.keyboard.press("Tab")
    expect(page.locator("a.skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main#main")).to_be_focused(timeout=LONG)


def test_what_is_typed_letter_by_letter_is_searched_whole(page: Page) -> None:
    to_the_list(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    find = page.get_by_role("searchbox", name="Name, address, phone")
    expect(find).to_be_focused()
    page.keyboard.type("erottajan apteekki", delay=60)
    expect(find).to_have_value("erottajan apteekki")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1, timeout=LONG)
    expect(rows).to_contain_text("Erottajan Apteekki")
    expect(find).to_have_value("erottajan apteekki")
    expect(page.get_by_role("status").filter(has_text="1 client")).to_be_visible()
    page.keyboard.press("Control+a")
    page.keyboard.type("nobody is called so", delay=30)
    page.get_by_role("button", name="Clear filters").press("Enter", timeout=LONG)
    expect(find).to_have_value("", timeout=LONG)
    expect(rows.nth(1)).to_be_visible(timeout=LONG)


def test_a_row_opened_by_a_key_has_the_focus_in_its_card_and_escape_brings_it_back(
    page: Page,
) -> None:
    openers = page.locator("tbody tr .way")
    openers.nth(2).focus()
    page.keyboard.press("Enter")
    body = page.locator("aside.drawer .dr-b")
    expect(body).to_be_focused(timeout=LONG)
    expect(body).to_have_attribute("aria-label", openers.nth(2).inner_text())
    page.keyboard.press("j")
    expect(page.locator("tbody tr").nth(3)).to_have_attribute("aria-selected", "true", timeout=LONG)
    expect(page.locator("aside.drawer [role=status]")).to_have_text(openers.nth(3).inner_text())
    assert page.evaluate(IN_DRAWER)
    assert violations(page, "aside.drawer") == []
    page.keyboard.press("Escape")
    expect(page.locator("aside.drawer")).to_have_count(0, timeout=LONG)
    expect(openers.nth(3)).to_be_focused()


def test_a_row_opened_by_the_pointer_leaves_the_focus_in_the_list(page: Page) -> None:
    openers = page.locator("tbody tr .way")
    openers.nth(1).click()
    expect(page.locator("aside.drawer [role=status]")).to_have_text(
        openers.nth(1).inner_text(), timeout=LONG
    )
    assert not page.evaluate(IN_DRAWER)


def test_on_a_phone_the_page_one_is_on_stands_in_sight_in_the_bottom_bar(
    page: Page, install: Install
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{install.base}/duplicates")
    here = page.locator(".rail [aria-current=page]")
    expect(here).to_be_in_viewport(ratio=0.99, timeout=LONG)


def test_options_that_arrows_pass_narrow_nothing_and_the_last_one_does(page: Page) -> None:
    kind = page.get_by_role("combobox", name="Kind")
    kind.focus()
    for _ in range(5):
        page.keyboard.press("ArrowDown")
    expect(kind).to_have_value("pharmacy")
    expect(page.get_by_role("status").filter(has_text="client")).to_be_visible()
    expect(page.locator("tbody tr", has_text="doctor")).to_have_count(0, timeout=LONG)
    expect(kind).to_have_value("pharmacy")
    expect(kind).to_be_focused()


def test_a_territory_changes_hands_at_enter_not_by_an_arrow(install: Install) -> None:
    with (
        chromium() as browser,
        signed_in(browser, install.base, "admin", PASSWORD) as page,
    ):
        page.goto(f"{install.base}/admin/territories")
        rep = page.locator("tbody select").first
        expect(rep).to_be_visible(timeout=LONG)
        before = rep.input_value()
        toasts = page.locator(".toasts .toast")
        rep.focus()
        key = "ArrowUp" if before else "ArrowDown"
        page.keyboard.press(key)
        expect(rep).not_to_have_value(before)
        page.keyboard.press("Escape")
        expect(rep).to_have_value(before)
        page.keyboard.press(key)
        after = rep.input_value()
        assert toasts.filter(has_text="saved").count() == 0
        page.keyboard.press("Enter")
        expect(toasts.filter(has_text="saved")).to_be_visible(timeout=LONG)
        expect(rep).to_have_value(after)
        toasts.get_by_role("button", name="Dismiss").click()
        expect(toasts.filter(has_text="saved")).to_have_count(0, timeout=LONG)
        rep.focus()
        page.keyboard.press("ArrowDown" if before else "ArrowUp")
        page.keyboard.press("Tab")  # a choice that is left is meant
        expect(toasts.filter(has_text="saved")).to_be_visible(timeout=LONG)
        expect(rep).to_have_value(before)
