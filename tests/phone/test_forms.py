"""A visit's form on the phone: filled in and closed without a network, judged alike by the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import select

from fieldcrm.clients.tables import Client
from fieldcrm.forms import definitions, service
from fieldcrm.forms.tables import Product, ShelfCheck
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people.model import Actor, Role
from fieldcrm.visits.tables import Visit
from tests.browser import in_both_themes
from tests.phone.field import LAT, LNG, Day, Server
from tests.phone.screens import (
    all_safe,
    check_in,
    online,
    photo,
    sign_in,
    violations,
)

pytestmark = pytest.mark.browser
Show = Callable[[Any, Callable[[str], None]], None]


@pytest.fixture
def forms(day: Day) -> dict[str, str]:
    """The template forms in use, by name; the rep's second visit today goes to the pharmacy, the
    third to an organisation."""
    admin = Actor(day.company.users["admin"], Role.admin, frozenset())
    made = {
        name: service.save_form(admin, definitions.plain(form)).id
        for name, form in service.templates().items()
    }
    for n, kind in ((1, "pharmacy"), (2, "organisation")):
        with transaction() as s:
            client = s.get_one(Client, s.get_one(Visit, day.visits[n]).client_id)
            client.kind, client.specialty = kind, None
    with transaction() as s:
        s.add(Product(id="third", name="Gastroval 40 mg"))
    return made


def kept(visit_id: str) -> Visit:
    with reading() as s:
        return s.get_one(Visit, visit_id)


def chip(page: Any, field: str, text: str) -> None:
    page.click(f"#f-{field} button >> text={text}")


def fill_doctor(page: Any) -> None:
    """Everything the doctor's form asks."""
    page.click("#f-shown .pick-product >> nth=0")
    chip(page, "view", "Prescribes")
    page.fill("#f-patients input", "12")
    page.click("#f-samples .step button >> nth=1")
    for n in range(3):
        page.click(f"#f-quiz .prod >> nth={n} >> button >> nth=0")


LAST_ANSWER_IS_KEPT = """async () => {
  for (const { name } of await indexedDB.databases()) {
    const db = await new Promise((done) => {
      const asked = indexedDB.open(name);
      asked.onsuccess = () => done(asked.result);
    });
    const held = db.objectStoreNames.contains("drafts") ? await new Promise((done) => {
      const asked = db.transaction("drafts").objectStore("drafts").getAll();
      asked.onsuccess = () => done(asked.result);
    }) : [];
    db.close();
    if ((JSON.stringify(held).match(/"yes"/g) ?? []).length === 3) return true;
  }
  return false;
}"""
"""All three answers of the doctor's quiz are written down on the phone."""


def close(page: Any) -> None:
    page.click("footer.dock .btn.huge")
    page.wait_for_selector("table")


def at_visit(page: Any, server: Server, day: Day, n: int) -> None:
    """Go to the day's visit number n (from 0) and begin it."""
    page.context.set_geolocation(
        {"latitude": LAT + ((n + 1) * 100 + 3) / 111_195, "longitude": LNG, "accuracy": 12}
    )
    page.goto(f"{server.base}/rep/#/check-in/{day.visits[n]}")
    page.wait_for_timeout(500)  # the phone hears of its new place
    page.click("section.sheet button.btn >> text=Visit without a track")
    page.wait_for_selector(".timer")


def test_a_form_is_filled_in_and_closed_without_a_network(
    server: Server, day: Day, forms: dict[str, str], phone: Any
) -> None:
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        context.set_offline(True)
        page.reload()
        check_in(page)
        assert page.locator("#f-shown").count() == 0
        page.click("#result .ch >> nth=0")
        page.wait_for_selector("#f-shown")
        assert page.locator("#camera").count() == 0
        page.click("footer.dock .btn.huge")
        assert page.locator("table").count() == 0
        fill_doctor(page)
        page.wait_for_function(LAST_ANSWER_IS_KEPT)
        page.reload()
        page.wait_for_selector("#f-quiz .on")
        chip(page, "next_step", "Nothing is open")
        close(page)
        assert "Prescribes" in page.inner_text("main")
        online(page)
        all_safe(page)
    visit = kept(day.visits[0])
    assert visit.state == "closed"
    assert visit.details["no_next_step"] == "not_needed"
    form = visit.details["form"]
    assert (form["form_id"], form["version"]) == (forms["doctor"], 1)
    assert form["answers"]["patients"] == 12
    assert form["answers"]["quiz"] == {"dose": "yes", "trial": "yes", "colleagues": "yes"}
    assert list(form["answers"]["samples"].values()) == [1]


def test_a_shelf_with_prices_and_a_photo_of_the_form(
    server: Server, day: Day, forms: dict[str, str], phone: Any
) -> None:
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        at_visit(page, server, day, 1)
        page.click("#result .ch >> nth=0")
        for n in (0, 1):
            page.click(f"#f-shelf .prod >> nth={n} >> .seg button >> nth=0")
        page.fill("#f-shelf input.price >> nth=0", "4,90")
        page.click("#f-shelf .prod >> nth=2 >> .seg button >> nth=1")
        chip(page, "why_out", "Not ordered")
        page.set_input_files("#f-shelf_photo input[type=file]", photo())
        page.wait_for_selector("#f-shelf_photo img")
        close(page)
        all_safe(page)
    answers = kept(day.visits[1]).details["form"]["answers"]
    assert len(answers["shelf_photo"]) == 1
    with reading() as s:
        shelf = s.exec(select(ShelfCheck.is_there, ShelfCheck.price).order_by("price")).all()
    assert {tuple(row) for row in shelf} == {(True, 4.9), (True, None), (False, None)}


def sign(page: Any) -> None:
    """Draw a line on the signature's pad."""
    box = page.locator(".pad-sign").bounding_box()
    page.locator(".pad-sign").scroll_into_view_if_needed()
    box = page.locator(".pad-sign").bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 90)
    page.mouse.down()
    for n in range(12):
        page.mouse.move(box["x"] + 30 + 18 * n, box["y"] + 90 + (40 if n % 2 else -40))
    page.mouse.up()


def fill_organisation(page: Any) -> None:
    chip(page, "topics", "Contract")
    page.fill("#f-budget input", "120")
    chip(page, "wants", "Yes")
    page.click("#f-agreed button")
    page.fill("#f-signed input", "A. Virtanen")
    sign(page)


def test_an_agreement_is_signed_with_the_finger(
    server: Server, day: Day, forms: dict[str, str], phone: Any
) -> None:
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        at_visit(page, server, day, 2)
        page.click("#result .ch >> nth=0")
        fill_organisation(page)
        close(page)
        page.wait_for_selector(".pad-sign.read polyline")
        all_safe(page)
    signed = kept(day.visits[2]).details["form"]["answers"]["signed"]
    assert signed["name"] == "A. Virtanen"
    assert len(signed["strokes"]) == 1
    assert len(signed["strokes"][0]) > 10


def test_a_refused_form_is_shown_with_its_field_and_can_be_put_right(
    server: Server, day: Day, forms: dict[str, str], phone: Any
) -> None:
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        context.set_offline(True)
        check_in(page)
        page.click("#result .ch >> nth=0")
        fill_doctor(page)
        chip(page, "next_step", "Nothing is open")
        close(page)
        page.evaluate(_SPOIL)
        online(page)
        page.goto(f"{server.base}/rep/#/outbox")
        page.wait_for_selector("text=Samples handed over: at most 4")
        page.click("button >> text=Correct")
        page.wait_for_selector("#f-samples .bad-word")
        assert "at most 4" in page.inner_text("#f-samples")
        while page.inner_text("#f-samples output >> nth=0") != "3":
            page.click("#f-samples .step button >> nth=0")
        close(page)
        all_safe(page, refused_too=True)
    visit = kept(day.visits[0])
    assert visit.state == "closed"
    assert list(visit.details["samples"].values()) == [3]


_SPOIL = """async () => {
  const open = indexedDB.open('fieldcrm-phone');
  const db = await new Promise((ok) => { open.onsuccess = () => ok(open.result); });
  const store = db.transaction('outbox', 'readwrite').objectStore('outbox');
  const done = (q) => new Promise((ok) => { q.onsuccess = () => ok(q.result); });
  const closing = (await done(store.getAll())).find((e) => e.kind === 'visit.close');
  const { samples } = closing.payload.details.form.answers;
  for (const id of Object.keys(samples)) samples[id] = 6;
  await done(store.put(closing));
  db.close();
}"""
"""A phone whose rules are worse than the server's: it lets six samples through."""


def show_doctor(page: Any, judge: Callable[[str], None]) -> None:
    fill_doctor(page)
    judge("filled")
    chip(page, "next_step", "Nothing is open")
    close(page)
    judge("closed")


def show_pharmacy(page: Any, judge: Callable[[str], None]) -> None:
    page.click("#f-shelf .seg button >> nth=0")
    page.fill("#f-shelf input.price", "dear")
    page.click("#f-shelf .prod >> nth=1 >> .seg button >> nth=1")
    judge("a price that is none")


def show_organisation(page: Any, judge: Callable[[str], None]) -> None:
    fill_organisation(page)
    judge("signed")
    close(page)
    judge("closed")


@pytest.mark.parametrize(
    ("n", "show"), [(0, show_doctor), (1, show_pharmacy), (2, show_organisation)]
)
def test_axe_finds_nothing_in_forms(
    server: Server, day: Day, forms: dict[str, str], phone: Any, n: int, show: Show
) -> None:
    found: dict[str, list[str]] = {}
    with phone() as context:
        page = context.new_page()

        def judge(name: str) -> None:
            page.wait_for_timeout(300)
            for theme in in_both_themes(page):
                if wrong := violations(page):
                    found[f"{name}, {theme}"] = wrong

        sign_in(page, server.base)
        at_visit(page, server, day, n)
        page.click("#result .ch >> nth=0")
        page.wait_for_selector("[id^=f-]")
        judge("empty")
        show(page, judge)
    assert found == {}
