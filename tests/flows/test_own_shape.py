"""The administrator gives clients a field and visits a question in a browser; a rep fills both
offline; the list, the file, the API and the report have them, and nothing was restarted."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from python_calamine import CalamineWorkbook

from tests.browser import chromium
from tests.install import PASSWORD, Install, copy_home, midday_of, settle

pytestmark = [pytest.mark.browser, pytest.mark.flow]
LONG = 60_000
"""Milliseconds that a loaded machine may take for what a person sees at once."""
KINDS = ("doctor", "pharmacist", "buyer", "organisation", "pharmacy")


@pytest.fixture(scope="module")
def install(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Install]:
    """A running sample company on a working day, its reps standing still."""
    home = copy_home(sample_home, tmp_path_factory.mktemp("install") / "home")
    with Install(home, "--no-simulate", "--clock-start", midday_of(home)) as running:
        yield running


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def desk(browser: Browser, install: Install, login: str) -> Page:
    """A page of somebody signed in at the desk."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB").new_page()
    page.set_default_timeout(LONG)
    page.goto(f"{install.base}/sign-in")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    return page


def tick(box: Locator) -> None:
    """A box that the server ticks: pressed once, and waited for."""
    if not box.is_checked():
        box.click()
    expect(box).to_be_checked(timeout=LONG)


def add_field(page: Page, install: Install) -> None:
    """A choice that doctors, pharmacies and all others have, and that reps fill."""
    page.goto(f"{install.base}/admin/fields")
    page.click("text=Add a field")
    page.fill("input[name=label_en]", "Parking")
    page.fill("input[name=label_ru]", "Парковка")
    page.fill("input[name=name]", "parking")
    page.fill("textarea[name=options]", "yard = =In the yard | Во дворе\nstreet = On the street")
    kinds = page.locator("fieldset").first
    for n in range(len(KINDS)):
        tick(kinds.locator("input").nth(n))
    page.click("button[type=submit]")
    expect(page.locator("tbody")).to_contain_text("Parking", timeout=LONG)


def add_formula(page: Page, install: Install) -> None:
    """Whether one parks in the yard, reckoned; the dispatcher doesn't see it."""
    page.click("text=Add a field")
    page.locator("form select").select_option("formula")
    page.fill("input[name=label_en]", "Yard")
    page.fill("input[name=name]", "yard")
    page.fill("input[name=formula]", "parking = 'nowhere' + 1")
    kinds, viewers = page.locator("fieldset").nth(0), page.locator("fieldset").nth(1)
    for n in range(len(KINDS)):
        tick(kinds.locator("input").nth(n))
    seen = viewers.get_by_label("Dispatcher")
    seen.click()
    expect(seen).not_to_be_checked(timeout=LONG)
    page.click("button[type=submit]")
    expect(page.locator("main")).to_contain_text("doesn't go together", timeout=LONG)
    page.fill("input[name=formula]", "parking = 'yard'")
    page.click("button[type=submit]")
    expect(page.locator("tbody")).to_contain_text("Formula", timeout=LONG)


def change_at_desk(page: Page, install: Install, client_id: str) -> None:
    """The form of the client: the choice is made anew, what is reckoned of it can't be typed."""
    page.goto(f"{install.base}/clients/form?client={client_id}")
    inputs = page.locator("#own-inputs")
    reckoned = inputs.locator("input[name='own.yard']")
    expect(reckoned).to_have_value("Yes", timeout=LONG)
    expect(reckoned).to_be_disabled()
    inputs.locator("select[name='own.parking']").select_option("street")
    page.click(".cf form button[type=submit]")
    drawer = page.locator(".drawer")
    expect(drawer).to_contain_text("Parking: =In the yard → On the street", timeout=LONG)
    expect(drawer.locator("dl")).to_contain_text("YardNo", timeout=LONG)


def add_question(page: Page, install: Install) -> None:
    """Every held visit is asked how it went."""
    page.goto(f"{install.base}/admin/forms")
    expect(page.locator("table").first).to_be_visible(timeout=LONG)
    asked = page.locator("tbody input:checked")
    while asked.count():  # the sample's own forms are asked no more
        left = asked.count()
        asked.first.click()
        expect(asked).to_have_count(left - 1, timeout=LONG)
    page.click("button:has-text('Empty')")
    page.get_by_label("Title · en").fill("How it went")
    for n in range(len(KINDS)):
        tick(page.locator(".fm-k input").nth(n))
    page.get_by_label("Add a field…").select_option("choice")
    page.fill("input[name=label_en]", "Mood")
    page.fill("input[name=name]", "mood")
    page.fill("textarea[name=options]", "warm = Warm\ncold = Cold")
    page.click("form button[type=submit]")
    page.click("button:has-text('Save and ask')")
    expect(page.locator("tbody")).to_contain_text("How it went", timeout=LONG)


def api(page: Page, path: str) -> Any:
    answer = page.request.get(path)
    assert answer.ok, answer.text()
    return answer.json()


def fill_card(page: Page, install: Install, client_id: str) -> None:
    """The rep says on the card where one can park."""
    page.goto(f"{install.base}/rep/#/client/{client_id}")
    page.click("#own-fields button")
    page.click("#f-parking button:has-text('In the yard')")
    page.click("main .btns .btn.p")
    expect(page.locator("#own-fields")).to_contain_text("=In the yard")
    expect(page.locator("#own-fields")).to_contain_text("Yard")


def hold_visit(page: Page, install: Install, visit: dict[str, Any]) -> None:
    """The rep makes the visit and answers its form."""
    page.goto(f"{install.base}/rep/#/check-in/{visit['id']}")
    page.context.set_geolocation(
        {"latitude": visit["at"][0] + 2e-5, "longitude": visit["at"][1], "accuracy": 12}
    )
    page.click("section.sheet button.btn >> text=Visit without a track")
    page.wait_for_selector(".timer")
    page.click("#result .ch >> nth=0")
    page.click("#f-mood button:has-text('Warm')")
    page.click("footer.dock .btn.huge")
    page.wait_for_selector("table")


def work_offline(browser: Browser, install: Install) -> dict[str, Any]:
    """A rep's phone without a network: card and visit are filled in; then it comes back."""
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True, locale="en-GB",
        permissions=["geolocation"], geolocation={"latitude": 60.17, "longitude": 24.94, "accuracy": 12},
    )  # fmt: skip
    page = context.new_page()
    page.set_default_timeout(LONG)
    page.goto(f"{install.base}/rep/")
    page.fill("input[name=login]", "sanna")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector(".day")
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    visit = next_visit(page, install)
    context.set_offline(True)
    page.reload()
    fill_card(page, install, visit["client_id"])
    hold_visit(page, install, visit)
    context.set_offline(False)
    page.evaluate("dispatchEvent(new Event('online'))")
    settle(
        lambda: api(page, f"{install.base}/api/v1/visits/{visit['id']}")["state"] == "closed", 60
    )
    return visit


def next_visit(page: Page, install: Install) -> dict[str, Any]:
    """A visit of the rep's day that is still before him, with where it takes place."""
    rows = api(page, f"{install.base}/api/v1/visits?state=planned&sort=day&limit=200")["rows"]
    visit = rows[0]
    place = visit.get("place_id") or visit["client_id"]
    client = api(page, f"{install.base}/api/v1/clients/{place}")["client"]
    return visit | {"at": (client["lat"], client["lng"])}


def cells(content: bytes) -> str:
    """Every cell of a workbook's first sheet."""
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    return "\n".join(str(cell) for row in sheet.to_python() for cell in row)


def test_a_field_and_a_question_of_the_administrators_come_out_everywhere(
    browser: Browser, install: Install
) -> None:
    running = {p.pid for p in install.family()}
    admin = desk(browser, install, "admin")
    add_field(admin, install)
    add_formula(admin, install)
    add_question(admin, install)
    visit = work_offline(browser, install)
    card = api(admin, f"{install.base}/api/v1/clients/{visit['client_id']}")["client"]
    assert card["own_fields"] == {"parking": "yard", "yard": True}

    # the list, with the column that the person chooses, and the count of its values
    admin.goto(f"{install.base}/clients?search={card['name'].split()[-1]}")
    admin.click("summary:has-text('Columns')")
    admin.click(".of-m label:has-text('Parking')")
    expect(admin.locator("tbody")).to_contain_text("=In the yard", timeout=LONG)
    admin.get_by_label("Count by…").select_option("parking")
    bar = admin.locator(".of-c li").filter(has_text="=In the yard")
    expect(bar).to_contain_text("1", timeout=LONG)
    bar.locator("button").click()
    expect(admin.locator("tbody tr")).to_have_count(1, timeout=LONG)
    admin.click(f"tbody button:has-text('{card['name']}')")
    expect(admin.locator(".drawer")).to_contain_text("Parking: — → =In the yard", timeout=LONG)

    # the files
    book = admin.request.get(f"{install.base}/api/v1/clients/export.xlsx?own=parking=yard").body()
    assert "=In the yard" in cells(book)
    sheet = admin.request.get(f"{install.base}/api/v1/clients/export.csv?own=parking=yard").text()
    assert ",'=In the yard" in sheet
    visits = admin.request.get(f"{install.base}/api/v1/reports/visits.xlsx").body()
    assert "Mood: Warm" in cells(visits)

    # the API and the reports
    told = api(admin, f"{install.base}/api/v1/visits/{visit['id']}")["details"]["form"]
    assert told["answers"] == {"mood": "warm"}
    counted = api(admin, f"{install.base}/api/v1/client-fields/parking/counts")
    assert [(c["label"], c["clients"]) for c in counted[:2]] == [
        ("=In the yard", 1), ("On the street", 0),
    ]  # fmt: skip
    form = f"form_id={told['form_id']}&field=mood"
    answers = api(admin, f"{install.base}/api/v1/reports/form-answers?{form}")
    assert [(a["label"], a["visits"]) for a in answers] == [("Warm", 1), ("Cold", 0)]
    admin.goto(f"{install.base}/visits?search={card['name'].split()[-1]}")
    expect(admin.locator("tbody")).to_contain_text("Mood: Warm", timeout=LONG)
    admin.get_by_label("Count by…").select_option(f"{told['form_id']}:mood")
    expect(admin.locator(".of-c")).to_contain_text("Warm", timeout=LONG)

    # the desk changes it; who may not see a field has neither its value nor its name
    change_at_desk(admin, install, visit["client_id"])
    dispatcher = desk(browser, install, "dispatcher")
    card = api(dispatcher, f"{install.base}/api/v1/clients/{visit['client_id']}")["client"]
    assert card["own_fields"] == {"parking": "street"}
    fields = api(dispatcher, f"{install.base}/api/v1/client-fields")
    assert [f["name"] for f in fields] == ["parking"]
    dispatcher.goto(f"{install.base}/clients?client={visit['client_id']}")
    shown = dispatcher.locator(".drawer dl")
    expect(shown).to_contain_text("ParkingOn the street", timeout=LONG)
    expect(shown).not_to_contain_text("Yard")
    assert {p.pid for p in install.family()} >= running
