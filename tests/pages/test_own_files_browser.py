"""A file on a client's card in a real browser: made by the administrator, sent, fetched, taken away;
and the form's and the lists' shape where a screen is narrow."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import desk_page, violations
from tests.install import PASSWORD, Install

pytestmark = [pytest.mark.browser, pytest.mark.flow]
LONG = 60_000
PDF = b"%PDF-1.7\n" + b"0" * 400_000
PHONE = {"width": 390, "height": 844}


def made_field(page: Page, base: str) -> None:
    """The administrator adds a field of files by the keyboard, from the editor's first input on."""
    page.goto(f"{base}/admin/fields")
    page.get_by_role("button", name="Add a field").focus()
    page.keyboard.press("Enter")
    expect(page.locator("input[name=label_en]")).to_be_focused(timeout=LONG)
    page.keyboard.type("Contract")
    page.locator("input[name=name]").fill("contract")
    page.locator("form select").select_option("file")
    assert violations(page) == []
    page.get_by_role("button", name="Save").click()
    expect(page.locator("tbody tr", has_text="Contract")).to_be_visible(timeout=LONG)


def some_client(page: Page, base: str) -> str:
    found = page.request.get(f"{base}/api/v1/clients?kind=organisation&limit=1")
    return str(found.json()["rows"][0]["id"])


def test_a_file_is_put_on_a_card_and_fetched_from_it(install: Install, tmp_path: Path) -> None:
    paper, wrong = tmp_path / "Договор.pdf", tmp_path / "page.pdf"
    paper.write_bytes(PDF)
    wrong.write_bytes(b"<html>")
    with desk_page(install.base, "admin", PASSWORD) as page:
        made_field(page, install.base)
        client = some_client(page, install.base)
    with desk_page(install.base, "manager", PASSWORD, color_scheme="dark") as page:
        page.goto(f"{install.base}/clients/form?client={client}")
        field = page.get_by_role("group", name="Contract")
        choose = field.get_by_role("button", name="Choose a file")
        expect(choose).to_be_visible(timeout=LONG)
        field.locator("input[type=file]").set_input_files(wrong)
        expect(field.get_by_role("alert")).to_contain_text("without macros", timeout=LONG)
        assert violations(page) == []
        field.locator("input[type=file]").set_input_files(paper)
        expect(field.get_by_text("Договор.pdf")).to_be_visible(timeout=LONG)
        expect(field.get_by_role("button", name="Another file")).to_be_focused()
        page.get_by_role("button", name="Save").click()
        page.wait_for_url("**/clients?client=*", timeout=LONG)
        link = page.locator(".facts a", has_text="Договор.pdf · 0.4 MB")
        expect(link).to_be_visible(timeout=LONG)
        assert violations(page) == []
        with page.expect_download() as told:
            link.focus()
            page.keyboard.press("Enter")
        assert told.value.suggested_filename == "Договор.pdf"
        assert told.value.path().read_bytes() == PDF
        page.goto(f"{install.base}/clients/form?client={client}")
        field.get_by_role("button", name="Take the file away").click()
        expect(choose).to_be_focused()
        page.get_by_role("button", name="Save").click()
        page.wait_for_url("**/clients?client=*", timeout=LONG)
        expect(page.locator(".facts")).not_to_contain_text("Договор.pdf")


def test_a_phones_width_shows_a_form_from_its_first_field_on(install: Install) -> None:
    with desk_page(install.base, "manager", PASSWORD) as page:
        page.set_viewport_size(PHONE)
        page.goto(f"{install.base}/clients/form")
        expect(page.locator("input[name=name]")).to_be_in_viewport(timeout=LONG)
        page.get_by_role("button", name="Save").scroll_into_view_if_needed()
        page.locator("input[name=name]").scroll_into_view_if_needed()
        expect(page.locator("input[name=name]")).to_be_in_viewport()
        assert violations(page) == []
        for path in ("/clients", "/visits", "/corrections", "/quality"):
            page.goto(f"{install.base}{path}")
            tools = page.locator(".ad-t").first
            expect(tools).to_be_visible(timeout=LONG)
            wide = tools.evaluate("e => Math.max(...[...e.querySelectorAll('*')].filter(c => c.checkVisibility()).map(c => c.getBoundingClientRect().right))")  # fmt: skip
            assert wide <= PHONE["width"], path
