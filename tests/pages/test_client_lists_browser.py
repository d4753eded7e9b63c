"""Lists shaped in a real browser, by keys alone, on a phone too: a view saved, shared, opened by another
person by its link, and the list as a file that goes on where its download stopped."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.browser import desk_page
from tests.install import PASSWORD, Install

pytestmark = [pytest.mark.browser, pytest.mark.flow]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
LONG = 60_000
NAME = "Клиники, ștampilă"
OPEN = "details[open]"
"""A menu; what it lies over is nobody's to press meanwhile."""


def violations(page: Page, within: str = "html") -> list[Any]:
    found = Axe().run(page, context=within, options=RULES).response["violations"]
    return [(v["id"], [n["target"] for n in v["nodes"]]) for v in found]


def menu(page: Page, name: str) -> Locator:
    """A menu of the list, opened by the keyboard."""
    head = page.locator(f".ad-t summary:has-text('{name}')")
    head.focus()
    page.keyboard.press("Enter")
    inner = page.locator(f"summary:has-text('{name}')")
    opened = page.locator("details[open]").filter(has=inner).locator(".of-m")
    expect(opened).to_be_visible(timeout=LONG)
    return opened


def close(page: Page, name: str) -> None:
    page.locator(f".ad-t summary:has-text('{name}')").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".ad-t details[open]")).to_have_count(0, timeout=LONG)


def shaped(page: Page, base: str) -> str:
    """The list with another column and a condition, saved for everybody; the view's address."""
    page.goto(f"{base}/clients")
    expect(page.locator("tbody tr").first).to_be_visible(timeout=LONG)
    told = page.locator(".ad-t span[role=status]")
    expect(told).to_have_text(re.compile(r"^60 of [\d,]+ clients$"), timeout=LONG)
    columns = menu(page, "Columns")
    columns.get_by_label("E-mail").focus()
    page.keyboard.press("Space")
    expect(page.locator("th", has_text="E-mail")).to_be_visible(timeout=LONG)
    assert violations(page, OPEN) == []
    close(page, "Columns")
    filters = menu(page, "Filter")
    filters.get_by_label("By a field").select_option("kind")
    filters.locator("select[name=value]").select_option("pharmacy", timeout=LONG)
    assert violations(page, OPEN) == []
    filters.get_by_role("button", name="Add").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Kind is pharmacy")).to_be_visible(timeout=LONG)
    close(page, "Filter")
    views = menu(page, "Views")
    views.get_by_label("Name of the view").fill(NAME)
    views.get_by_label("Shared with").select_option(label="everybody", timeout=LONG)
    assert violations(page, OPEN) == []
    views.get_by_role("button", name="Save").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/clients?view=*", timeout=LONG)
    expect(page.locator(".ad-t summary", has_text=NAME)).to_be_visible(timeout=LONG)
    close(page, NAME)
    assert violations(page) == []
    return page.url


def exported(page: Page, base: str) -> list[dict[str, str]]:
    """The list's file, fetched in two pieces once it is made."""
    files = menu(page, "Export")
    files.get_by_role("button", name="CSV").focus()
    page.keyboard.press("Enter")
    link = files.get_by_role("link", name="CSV").first
    expect(link).to_be_visible(timeout=LONG)
    assert violations(page, OPEN) == []
    url = base + str(link.get_attribute("href"))
    whole = page.request.get(url)
    tag = whole.headers["etag"]
    rest = page.request.get(url, headers={"Range": "bytes=90-", "If-Range": tag})
    assert rest.status == 206
    assert whole.body()[:90] + rest.body() == whole.body()
    return list(csv.DictReader(io.StringIO(whole.body().decode("utf-8-sig"), newline="")))


def test_a_list_is_shaped_saved_shared_and_taken_along(install: Install) -> None:
    with desk_page(install.base, "manager", PASSWORD) as page:
        address = shaped(page, install.base)
        rows = exported(page, install.base)
        assert {row["kind"] for row in rows} == {"pharmacy"}
    with desk_page(install.base, "dispatcher", PASSWORD, color_scheme="dark") as other:
        other.goto(address)
        expect(other.locator("select[aria-label=Kind]")).to_have_value("pharmacy", timeout=LONG)
        expect(other.locator("th", has_text="E-mail")).to_be_visible(timeout=LONG)
        expect(other.locator("tbody tr").first).to_be_visible(timeout=LONG)
        assert violations(other) == []


def test_on_a_phone_the_filters_lie_behind_one_button_that_counts_them(install: Install) -> None:
    with desk_page(install.base, "manager", PASSWORD) as page:
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(f"{install.base}/clients")
        expect(page.locator("tbody tr").first).to_be_visible(timeout=LONG)
        opens, kind = (
            page.get_by_role("button", name="Filters"),
            page.get_by_role("combobox", name="Kind"),
        )
        expect(kind).to_be_hidden()
        assert page.locator("tbody tr").first.bounding_box()["y"] < 844 / 3
        opens.focus()
        page.keyboard.press("Enter")
        expect(kind).to_be_visible(timeout=LONG)
        kind.select_option("pharmacy")
        expect(opens).to_have_text("Filters1", timeout=LONG)
        assert violations(page) == []
        opens.focus()
        page.keyboard.press("Enter")
        expect(kind).to_be_hidden(timeout=LONG)


CYRILLIC = {"key": "о", "code": "KeyJ", "windowsVirtualKeyCode": 74}
"""The key J while the keyboard types Russian."""


def test_shortcuts_lie_on_the_same_keys_whichever_alphabet_is_typed(install: Install) -> None:
    with desk_page(install.base, "manager", PASSWORD) as page:
        page.goto(f"{install.base}/clients")
        rows = page.locator("tbody tr")
        rows.first.locator(".way").press("Enter", timeout=LONG)
        expect(rows.first).to_have_attribute("aria-selected", "true", timeout=LONG)
        typed = page.context.new_cdp_session(page)
        for kind in ("keyDown", "keyUp"):
            typed.send("Input.dispatchKeyEvent", {"type": kind, **CYRILLIC})
        expect(rows.nth(1)).to_have_attribute("aria-selected", "true", timeout=LONG)


@pytest.mark.parametrize("path", ["/visits", "/corrections", "/duplicates", "/messages"])
def test_on_a_phone_the_other_lists_fold_their_filters_too(install: Install, path: str) -> None:
    with desk_page(install.base, "manager", PASSWORD) as page:
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(f"{install.base}{path}")
        opens, filters = page.locator(".ad-fb"), page.locator("#filters")
        expect(opens).to_be_visible(timeout=LONG)
        expect(filters).to_be_hidden()
        opens.focus()
        page.keyboard.press("Enter")
        expect(filters.locator("select").first).to_be_visible(timeout=LONG)
        expect(opens).to_be_focused()
        assert violations(page) == []
