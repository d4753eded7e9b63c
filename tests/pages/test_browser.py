"""The manager's and administrator's pages in a real browser against a whole install."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from python_calamine import CalamineWorkbook

from tests.browser import chromium
from tests.browser import violations_in_both as violations
from tests.install import PASSWORD, Install

pytestmark = [pytest.mark.browser, pytest.mark.flow]


@pytest.fixture
def page() -> Iterator[Page]:
    """A page of 1440 x 900 that fails the test on an error nobody handled."""
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
        found = context.new_page()
        errors: list[str] = []
        found.on("pageerror", lambda error: errors.append(str(error)))
        yield found
        assert errors == []


def enter(page: Page, install: Install, login: str, home: str) -> None:
    page.goto(f"{install.base}/sign-in")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(f"**{home}")


def test_a_manager_goes_from_a_number_to_the_evidence(page: Page, install: Install) -> None:
    enter(page, install, "manager", "/manager")
    page.wait_for_selector(".kpi .val")
    assert page.locator(".kpi").count() == 5
    assert page.locator(".dbar").count() > 5
    expect(page.locator(".hx").nth(3)).to_be_attached()
    assert violations(page) == []
    total = page.locator("tfoot .way").first.inner_text().replace(",", "")
    lines = page.locator("tbody tr td:nth-child(3) .way:first-child").all_inner_texts()
    assert sum(int(n.replace(",", "")) for n in lines) == int(total)
    page.locator(".kpi .val").first.click()
    page.wait_for_selector(".vlist .vl")
    assert violations(page) == []
    page.locator(".drawer .seg button").nth(1).click()
    expect(page.locator(".vlist .vl").first).to_contain_text("of")
    page.locator(".drawer .seg button").nth(0).click()
    page.locator(".vlist .vl").nth(2).click()
    page.wait_for_selector(".evl li")
    expect(page.locator(".ev-map canvas")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("j")
    expect(page.locator(".drawer")).to_contain_text("4 of")
    page.keyboard.press("Escape")
    page.wait_for_selector(".vlist .vl")
    page.keyboard.press("Escape")
    expect(page.locator(".drawer")).to_have_count(0)


def test_doubtful_visits_open_below_their_rep_and_days_as_a_table(
    page: Page, install: Install
) -> None:
    enter(page, install, "manager", "/manager")
    page.wait_for_selector(".exp")
    suspects = page.locator("tbody tr:has(.bad-if .way)").first
    suspects.locator(".exp").click()
    page.locator("tr.sub").first.click()
    expect(page.locator(".drawer .badge.verd")).to_be_visible()
    page.get_by_role("button", name="As a table").click()
    expect(page.locator(".scr.days tbody tr").first).to_be_visible()
    assert violations(page) == []


def test_the_export_is_a_workbook_of_what_is_shown(page: Page, install: Install) -> None:
    enter(page, install, "manager", "/manager")
    page.wait_for_selector(".kpi .val")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Export to Excel").click()
    content = Path(waiting.value.path()).read_bytes()
    assert waiting.value.suggested_filename.endswith(".xlsx")
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    done = int(page.locator("tfoot td").nth(2).inner_text().replace(",", "").split("/")[0])
    visits = book.get_sheet_by_name("Visits").to_python()[1:]
    assert sum(row[5] != "Contradicted" for row in visits) == done


def test_every_section_of_administration(page: Page, install: Install) -> None:
    enter(page, install, "admin", "/admin")
    page.wait_for_selector(".tbl tbody tr")
    assert violations(page) == []
    page.locator(".tbl .way.med").first.click()
    page.wait_for_selector(".drawer form")
    assert violations(page) == []
    for section in ("teams", "territories", "devices", "events", "import"):
        page.goto(f"{install.base}/admin/{section}")
        page.wait_for_selector(".card:not(.of-m)")
        expect(page.locator(".tabs [aria-current=page]")).to_be_visible()
        assert violations(page) == [], section


def test_a_file_is_checked_refused_mapped_anew_imported_and_undone(
    page: Page, install: Install, tmp_path: Path
) -> None:
    file = tmp_path / "аптеки.csv"
    title = "Наши аптеки\n\n"  # lines above the header
    rows = [f"Аптека {n};Katu {n};{'D' if n == 2 else 'A'};a{n}" for n in range(4)]
    file.write_text(title + "Название;Адрес;Категория;Код\n" + "\n".join(rows), encoding="cp1251")
    enter(page, install, "admin", "/admin")
    page.goto(f"{install.base}/admin/import")
    page.wait_for_selector(".drop")
    page.set_input_files("input[type=file]", file)
    page.wait_for_selector(".dry")
    run = page.get_by_role("button", name="Run the import")
    expect(page.locator(".cellv")).to_have_text("D")
    expect(run).to_be_enabled()
    expect(page.locator(".dry .note")).to_contain_text("Наши аптеки")
    expect(page.get_by_label("Row 3 names the columns")).to_be_checked()
    with page.expect_download() as fetched:
        page.get_by_role("group", name="Problems as a file").get_by_text("CSV").click()
    problems = Path(fetched.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[:3] for line in problems[1:]] == [["6", "Категория", "D"]]
    whole = page.get_by_label("All or nothing")
    whole.click()  # the server has the last word on it, so it is ticked a moment later
    expect(whole).to_be_checked()
    expect(run).to_be_disabled()
    assert violations(page) == []
    page.locator(".mpc tr", has_text="Категория").locator("select").select_option("note")
    expect(run).to_be_enabled()
    run.click()
    expect(page.get_by_role("status").filter(has_text="The file was imported.")).to_be_visible(
        timeout=60_000
    )
    assert violations(page) == []
    page.locator(".im-r").get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status").filter(has_text="The import was undone")).to_be_visible(
        timeout=60_000
    )
    expect(page.get_by_role("status").filter(has_text="The file was imported.")).to_have_count(0)
    assert violations(page) == []


@pytest.mark.parametrize("path", ["/visits", "/clients"])
def test_lists_are_searched_sorted_and_opened(page: Page, install: Install, path: str) -> None:
    enter(page, install, "dispatcher", "/dispatch*")
    page.goto(f"{install.base}{path}")
    page.wait_for_selector(".tbl tbody tr")
    assert violations(page) == []
    page.get_by_role("button", name="Show more").click()
    expect(page.locator(".tbl tbody tr")).to_have_count(120)
    page.locator(".tbl th .way").nth(1).click()
    expect(page.locator(".tbl th[aria-sort=ascending]")).to_have_count(1)
    page.locator(".tbl .way.med").nth(1).click()
    expect(page.locator(".drawer .dr-b")).to_be_visible()
    page.wait_for_selector(".drawer .t3")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.fill("input[type=search]", "nobody is called so")
    expect(page.locator(".empty")).to_be_visible()


def test_a_manager_has_no_administration(page: Page, install: Install) -> None:
    enter(page, install, "manager", "/manager")
    page.goto(f"{install.base}/admin/events")
    page.wait_for_url("**/manager")


def test_a_manager_hands_clients_over_and_takes_them_back(page: Page, install: Install) -> None:
    enter(page, install, "manager", "/manager")
    page.goto(f"{install.base}/clients")
    page.locator("a[href='/handover']").click()
    page.wait_for_url("**/handover")
    former, owner = (
        page.locator(f"label:has(span:text-is('{name}')) select") for name in ("From", "To")
    )
    former.select_option(index=1)
    expect(former).not_to_have_value("")
    owner.select_option(index=1)
    expect(owner).not_to_have_value("")
    assert violations(page) == []
    page.get_by_role("button", name="See what would happen").click()
    expect(page.locator("tbody tr").nth(20)).to_be_attached()
    assert violations(page) == []
    page.get_by_role("button", name="Hand over", exact=True).click()
    page.get_by_role("button", name="Hand over now").click()
    undo = page.get_by_role("button", name="Undo", exact=True)
    expect(undo).to_have_count(1, timeout=60_000)
    assert violations(page) == []
    undo.click()
    page.get_by_role("button", name="Undo now").click()
    expect(undo).to_have_count(0, timeout=60_000)
    expect(page.locator("tbody tr").first).to_contain_text("undone")


def test_a_manager_hands_over_what_a_list_finds(page: Page, install: Install) -> None:
    enter(page, install, "manager", "/manager")
    page.goto(f"{install.base}/clients")
    page.get_by_role("combobox", name="Category").select_option("A")
    page.get_by_role("button", name="Hand these over").click()
    page.wait_for_url("**/handover?view=brought")
    which, former, owner = (
        page.locator(f"label:has(span:text-is('{name}')) select") for name in ("List", "From", "To")
    )
    expect(which.locator("option:checked")).to_have_text("The list you came from: Category A")
    expect(page.locator(".ho-l [role=status]")).to_contain_text("clients: ")
    former.select_option(index=1)
    expect(former).not_to_have_value("")
    owner.select_option(index=1)
    expect(owner).not_to_have_value("")
    assert violations(page) == []
    page.get_by_role("button", name="See what would happen").click()
    expect(page.locator(".ho-b tbody tr").first).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Hand over", exact=True).click()
    page.get_by_role("button", name="Hand over now").click()
    undo = page.get_by_role("button", name="Undo", exact=True)
    expect(undo).to_have_count(1, timeout=60_000)
    undo.click()
    page.get_by_role("button", name="Undo now").click()
    expect(undo).to_have_count(0, timeout=60_000)


def test_a_manager_adds_a_client_once_seen_who_is_alike(page: Page, install: Install) -> None:
    enter(page, install, "manager", "/manager")
    page.goto(f"{install.base}/clients")
    known = page.locator("tbody tr:has(td:nth-child(5) [title]:not([title='']))").first
    name = known.locator("button").first.inner_text()
    address = known.locator("td").nth(4).inner_text()
    page.locator("a[href='/clients/form']").click()
    page.wait_for_url("**/clients/form")
    page.fill("[name=name]", name)
    page.fill("[name=address]", address)
    page.select_option("[name=territory_id]", index=1)
    page.fill("[name=lat]", "north")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".note.err")).to_contain_text("Latitude")
    page.get_by_role("button", name="Show on the map").click()
    page.wait_for_selector(".cf-m canvas")
    page.locator(".cf-m canvas").press("Enter")
    expect(page.locator("[name=lat]")).to_have_value(re.compile(r"^6\d\.\d+$"))
    expect(page.locator("[name=lng]")).to_have_value(re.compile(r"^2\d\.\d+$"))
    assert violations(page) == []
    page.get_by_role("button", name="Close the map").click()
    page.fill("[name=lat]", "")
    page.fill("[name=lng]", "")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name=name).first).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="It is somebody else: add").click()
    page.wait_for_url("**/clients?client=*")
    expect(page.locator(".drawer")).to_contain_text(name)


@pytest.mark.parametrize("path", ["messages", "duplicates", "corrections"])
def test_a_managers_lists_offend_nobody(page: Page, install: Install, path: str) -> None:
    enter(page, install, "manager", "/manager")
    page.goto(f"{install.base}/{path}")
    expect(page.locator(".skl")).to_have_count(0)
    page.wait_for_selector(".main .card:not(.of-m)")
    assert violations(page) == []
