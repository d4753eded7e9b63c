"""Two reps change one client without a network: what is apart merges, what overlaps a person settles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from fieldcrm.clients import service as clients
from fieldcrm.kit import clock, ids
from fieldcrm.kit.database import transaction
from fieldcrm.people.service import hash_password
from fieldcrm.people.tables import User
from fieldcrm.sync import correction_list, corrections
from fieldcrm.sync.model import CorrectionOvertaken
from fieldcrm.visits.tables import Visit
from tests.browser import ARGUMENTS, executable
from tests.people.company import PASSWORD
from tests.phone.conftest import PHONE
from tests.phone.field import LAT, LNG, LOGIN, Day, Server
from tests.phone.screens import all_safe, online, sign_in, violations

pytestmark = pytest.mark.browser
OTHER = "second_north"
OFFICE = "dispatcher_north"


@pytest.fixture
def phones(server: Server, day: Day, tmp_path: Path) -> Any:
    """The day's rep and a colleague who visits the same client, each offline on a phone of his own."""
    _visit_of_the_other(day)
    with sync_playwright() as playwright:
        pages = []
        for login in (LOGIN, OTHER):
            context = playwright.chromium.launch_persistent_context(
                str(tmp_path / login), executable_path=executable(), args=ARGUMENTS, **PHONE
            )
            page = context.new_page()
            sign_in(page, server.base, login)
            page.wait_for_selector("section.next")
            context.set_offline(True)
            pages.append(page)
        yield pages
        for page in pages:
            page.context.close()


def _visit_of_the_other(day: Day) -> None:
    now = clock.now()
    with transaction() as s:
        other = s.get_one(User, day.company.users[OTHER])
        other.language, other.mode, other.password_hash = "en", "foot", hash_password(PASSWORD)
        s.add(Visit(
            id=ids.new_id(), rep_id=other.id, team_id=day.company.teams["north"],
            client_id=day.clients[0], lat=LAT, lng=LNG, day=clock.local(now).date(), position=1,
            planned_at=now, created_at=now, updated_at=now,
        ))  # fmt: skip


def screen(page: Any, *parts: str) -> None:
    page.goto(f"{page.url.split('#')[0]}#/{'/'.join(parts)}")


def write_note(page: Any, client: str, text: str) -> None:
    screen(page, "client", client)
    page.click(".note-row")
    page.fill("textarea", text)
    page.click(".card .btn.p")
    page.wait_for_selector(".note-row")


def ask_to_correct(page: Any, client: str, label: str, value: str) -> None:
    screen(page, "client", client)
    page.click("a[href^='#/correct/'].btn")
    page.fill(f"label:has-text('{label}') input", value)
    page.click("footer .btn.p")
    page.wait_for_selector(".note-row")


def send(page: Any) -> None:
    """The network is back; returns once all of this phone is taken in."""
    online(page)
    all_safe(page)


def card(day: Day) -> Any:
    return clients.get(day.company.actor(OFFICE), day.clients[0])


def asked(day: Day) -> list[corrections.Correction]:
    return correction_list.open_corrections(day.company.actor(OFFICE))


def test_lesson_19_what_is_apart_merges(day: Day, phones: list[Any]) -> None:
    """One writes a note and the address, the other the name: the card ends with all three."""
    client, (first, second) = day.clients[0], phones
    write_note(first, client, "Ring twice")
    ask_to_correct(first, client, "Address", "Mannerheimintie 1 B")
    ask_to_correct(second, client, "Name", "Elina Korhonen-Salo")
    send(second)
    send(first)
    for page in phones:
        assert page.locator("a[href^='#/conflict/']").count() == 0
    for each in asked(day):
        corrections.decide(day.company.actor(OFFICE), each.id, accept=True)
    settled = card(day)
    assert (settled.name, settled.address, settled.note) == (
        "Elina Korhonen-Salo", "Mannerheimintie 1 B", "Ring twice",
    )  # fmt: skip
    for page in phones:  # each reads what the other changed
        screen(page, "client", client)
        page.reload()
        page.wait_for_selector("h1 >> text=Elina Korhonen-Salo")
        page.wait_for_selector(".note-row >> text=Ring twice")
        page.wait_for_selector("text=Mannerheimintie 1 B")


def test_lesson_19_two_notes_are_both_shown_to_who_came_second(day: Day, phones: list[Any]) -> None:
    client, (first, second) = day.clients[0], phones
    write_note(first, client, "Speaks Russian")
    write_note(second, client, "On leave in July")
    send(first)
    send(second)
    kept = card(day).note
    assert "Speaks Russian" in kept, "nothing vanishes before somebody chooses"
    assert "On leave in July" in kept

    screen(second, "outbox")
    second.click("a[href^='#/conflict/'] >> nth=0")
    second.wait_for_selector(".pk >> text=On leave in July")
    second.wait_for_selector(".pk >> text=Speaks Russian")
    assert second.locator("[role=radio][aria-checked=true]").count() == 0, "nothing is preselected"
    assert "Rep North" in second.inner_text(".pick")
    assert violations(second) == []
    second.click("text=Keep both texts")
    second.click("footer .btn.p")
    second.wait_for_selector("text=Nothing waits")
    all_safe(second)
    assert card(day).note == "Speaks Russian\nOn leave in July"
    screen(first, "client", client)
    first.reload()
    first.wait_for_selector(".note-row >> text=On leave in July")


def test_a_note_cleared_by_one_and_written_by_the_other(day: Day, phones: list[Any]) -> None:
    """Nothing is a value too: it is shown as such, and choosing it empties the note."""
    client, (first, second) = day.clients[0], phones
    for page in phones:
        online(page)
    write_note(first, client, "Old words")
    all_safe(first)
    screen(second, "client", client)
    second.reload()
    second.wait_for_selector(".note-row >> text=Old words")
    for page in phones:
        page.context.set_offline(True)
    write_note(first, client, "New words")
    write_note(second, client, "")
    send(first)
    send(second)
    assert card(day).note == "New words"
    screen(second, "outbox")
    second.click("a[href^='#/conflict/'] >> nth=0")
    second.wait_for_selector(".pk .nul")
    second.click(".pk:has(.nul)")
    second.click("footer .btn.p")
    second.wait_for_selector("text=Nothing waits")
    all_safe(second)
    assert card(day).note is None


def test_two_addresses_wait_for_the_office(day: Day, phones: list[Any]) -> None:
    """The second is not written over the first before somebody has seen both."""
    client, office, (first, second) = day.clients[0], day.company.actor(OFFICE), phones
    ask_to_correct(first, client, "Address", "Annankatu 5")
    ask_to_correct(second, client, "Address", "Annankatu 7")
    send(first)
    send(second)
    early, late = asked(day)
    assert [early.wanted, late.wanted] == [{"address": "Annankatu 5"}, {"address": "Annankatu 7"}]
    assert card(day).address == early.before["address"] == late.before["address"]
    corrections.decide(office, early.id, accept=True)
    with pytest.raises(CorrectionOvertaken) as overtaken:
        corrections.decide(office, late.id, accept=True)
    assert overtaken.value.params["fields"] == ["address"]
    assert card(day).address == "Annankatu 5"
    corrections.decide(office, late.id, accept=False, reason="That is the house next door")
    screen(second, "client", client)
    second.reload()
    second.wait_for_selector("text=That is the house next door")
    assert card(day).address == "Annankatu 5"
