"""Kept data, a person's data, corrections: what the pages' handlers do for whom."""

from __future__ import annotations

from typing import Any

import pytest

from fieldcrm.kit import clock, ids
from fieldcrm.kit.database import transaction
from fieldcrm.pages.admin_data import AdminData
from fieldcrm.pages.admin_person import AdminPerson
from fieldcrm.pages.corrections import Corrections
from fieldcrm.people import registry
from fieldcrm.people.model import RoleForbids
from fieldcrm.tracking import keeping, policy, unreadable
from fieldcrm.tracking.model import Fix
from tests.pages.conftest import Open, call
from tests.reports.conftest import Field
from tests.sync.phone import Phone
from tests.working import work_off

DAY_MS = 86_400_000
AS_IT_IS = {"keep_days": "400", "alert_days": "400", "photo_days": "", "quiet_from": "",
            "quiet_to": ""}  # fmt: skip


def add_fixes(team: Field, rep: str, *days_ago: float) -> None:
    rep_id = team.company.users[rep]
    times = [clock.now_ms() - round(days * DAY_MS) for days in days_ago]
    with transaction() as session:
        keeping.append(session, [Fix(rep_id, "d", None, t, t, t, 60.17, 24.94) for t in times])


def test_a_longer_time_is_saved_at_once_a_shorter_one_asks(team: Field, open_page: Open) -> None:
    add_fixes(team, "rep_north", 1, 50, 60)
    page, admin = open_page(AdminData, "admin"), team.company.actor("admin")
    assert (page.form.keep_days, page.form.photo_days) == ("400", "")
    call(page, "save", AS_IT_IS | {"keep_days": "500", "quiet_from": "20:00", "quiet_to": "07:00"})
    assert (page.refused, page.warning) == ("", "")
    assert policy.policy(admin).quiet == (1200, 420)
    call(page, "save", AS_IT_IS | {"keep_days": "30"})
    assert "Positions: 2 (representatives: 1)" in page.warning
    assert policy.policy(admin).keep_days == 500
    call(page, "back")
    assert (page.warning, page.form.keep_days) == ("", "500")
    call(page, "save_and_erase")
    assert policy.policy(admin).keep_days == 500, "nothing was asked"
    call(page, "save", AS_IT_IS | {"keep_days": "30"})
    call(page, "save_and_erase")
    assert policy.policy(admin).keep_days == 30
    assert page.saved != ""


@pytest.mark.parametrize(
    "wrong",
    [{"keep_days": "2"}, {"keep_days": "many"}, {"photo_days": "29"}, {"quiet_from": "20:00"}],
)
def test_nonsense_is_refused_and_nothing_saved(
    team: Field, open_page: Open, wrong: dict[str, str]
) -> None:
    page = open_page(AdminData, "admin")
    call(page, "save", AS_IT_IS | wrong)
    assert page.refused != ""
    assert policy.policy(team.company.actor("admin")) == policy.Policy()


def test_the_state_of_the_parts_and_what_lies_aside(team: Field, open_page: Open) -> None:
    assert not open_page(AdminData, "admin").has_aside
    unreadable.put([Fix("r", "d", 1, 1, 1, 1, 60.0, 24.0)])
    page = open_page(AdminData, "admin")
    assert page.aside == "1 piece could not be recorded"
    states = {p.name: p.glyph for p in page.parts}
    assert (states["Database"], states["Gateway of phones"]) == ("confirmed", "contradicted")


def test_a_persons_data_is_counted_put_in_a_file_and_erased(team: Field, open_page: Open) -> None:
    add_fixes(team, "rep_north", 1, 2)
    page, rep = open_page(AdminPerson, "admin"), team.company.users["rep_north"]
    call(page, "choose", rep)
    assert {a.label: a.value for a in page.kept}["Positions"] == "2"
    call(page, "ask_file")
    assert (page.files[0].word, page.is_making) == ("waits", True)
    work_off()
    call(page, "look")
    assert (page.files[0].status, page.files[0].percent, page.is_making) == ("ready", 100, False)
    call(page, "erase", {"login": "rep_north"})
    assert page.refused != "", "not counted"
    call(page, "prepare")
    assert page.is_erasing
    call(page, "erase", {"login": "somebody"})
    assert page.is_erasing
    assert page.refused != ""
    call(page, "erase", {"login": "rep_north"})
    assert page.done == "Erased. Positions: 2. Messages: 0. Photos and sounds: 0."
    assert {a.label: a.value for a in page.kept}["Positions"] == "none"
    assert page.files[0].status == "expired"


def test_a_manager_decides_nothing_here_even_past_the_guard(team: Field, open_page: Open) -> None:
    page = open_page(AdminData, "manager_north")
    call(page, "save", AS_IT_IS | {"keep_days": "500"})
    assert page.refused != ""
    assert policy.policy(team.company.actor("admin")) == policy.Policy()
    page = open_page(AdminPerson, "manager_north")
    assert page.is_broken
    call(page, "choose", team.company.users["rep_north"])
    assert page.kept == []
    with pytest.raises(RoleForbids):
        call(page, "ask_file")
    call(page, "prepare")
    assert not page.is_erasing


def asked(team: Field, rep: str, client_id: str, wanted: dict[str, Any]) -> str:
    actor = team.company.actor(rep)
    phone = Phone(actor, registry.register_device(actor, ids.new_id(), "phone", "1").id)
    sent = phone.does("client.correct", client_id, wanted)
    assert [r.status for r in phone.push(sent)] == ["applied"]
    return sent.id


@pytest.fixture
def corrected(team: Field) -> Field:
    place = team.add_territory("north", "rep_north")
    for n in range(3):
        client = team.add_client("A", place)
        asked(team, "rep_north", client, {"address": f"Mikonkatu {n}", "comment": "moved"})
    return team


def test_corrections_are_decided_one_after_another(corrected: Field, open_page: Open) -> None:
    page = open_page(Corrections, "dispatcher_north")
    first, second, third = (r.id for r in page.rows)
    call(page, "open", first)
    assert page.card.lines[0].wanted.startswith("Mikonkatu")
    assert page.card.comment == "moved"
    call(page, "accept", first)
    assert [r.id for r in page.rows] == [second, third]
    assert page.opened == second, "the next one stands ready"
    call(page, "start_refusing")
    call(page, "refuse", {"reason": "  "})
    assert page.refused != ""
    call(page, "refuse", {"reason": "it is right as it is"})
    assert page.opened == third
    call(page, "narrow", "status", "declined")
    assert [(r.id, r.decided) for r in page.rows] == [(second, "Dispatcher North")]
    call(page, "narrow", "status", "accepted")
    assert [r.id for r in page.rows] == [first]
    assert open_page(Corrections, "manager_south").rows == []


def test_an_address_is_judged_beside_the_pin_and_what_was_asked_before(
    corrected: Field, open_page: Open
) -> None:
    page = open_page(Corrections, "dispatcher_north")
    first, other = page.rows[0].id, page.rows[1].id
    call(page, "open", first)
    client_id = page.card.client_id
    assert page.card.others == []
    assert (page.card.has_map, page.card.has_new) == (True, False)
    assert page.card.pins["old"] == [pytest.approx(60.17, abs=0.01), pytest.approx(24.94)]
    call(page, "refuse", {"reason": "it is right as it is"})
    again = asked(corrected, "rep_north", client_id, {"address": "Mikonkatu 9"})
    call(page, "open", again)
    [past] = page.card.others
    assert (past.id, past.status, past.decided) == (first, "declined", "Dispatcher North")
    call(page, "open", other)
    assert page.card.others == [], "another client's are none of this one's"


def test_a_correction_is_accepted_as_the_office_writes_it(
    corrected: Field, open_page: Open
) -> None:
    from fieldcrm.clients import service as clients

    page = open_page(Corrections, "dispatcher_north")
    first = page.rows[0].id
    call(page, "open", first)
    client_id = page.card.client_id
    call(page, "start_editing")
    [edit] = page.card.edits
    assert (edit.name, edit.label) == ("address", "Address")
    assert edit.value.startswith("Mikonkatu")
    call(page, "accept_edited", {"address": "x" * 10_000})
    assert page.refused != ""
    assert page.is_editing
    call(page, "accept_edited", {"address": " Mikonkatu 7 A ", "reason": "the yard's door"})
    assert page.opened != first, "the next one stands ready"
    assert not page.is_editing
    admin = corrected.company.actor("admin")
    assert clients.get(admin, client_id).address == "Mikonkatu 7 A"
    call(page, "open", first)
    assert (page.card.status, page.card.reason) == ("accepted", "the yard's door")


def test_a_card_changed_meanwhile_is_shown_before_it_is_overwritten(
    corrected: Field, open_page: Open
) -> None:
    from fieldcrm.clients import service as clients

    page = open_page(Corrections, "dispatcher_north")
    wanted = page.rows[0].id
    call(page, "open", wanted)
    client, admin = page.card.client_id, corrected.company.actor("admin")
    clients.save(admin, {"address": "Elsewhere 1"}, client)
    call(page, "accept", wanted)
    assert page.refused != ""
    assert page.card.overtaken == "Address"
    assert clients.get(admin, client).address == "Elsewhere 1"
    call(page, "accept", wanted)
    assert (clients.get(admin, client).address or "").startswith("Mikonkatu")
