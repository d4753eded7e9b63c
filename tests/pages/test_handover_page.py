"""The page where a manager hands clients over: chosen, looked at, done after a second press, undone."""

from __future__ import annotations

from datetime import date

from fieldcrm.clients import service as clients
from fieldcrm.kit import clock
from fieldcrm.kit.database import transaction
from fieldcrm.pages.handover import LISTED, WHOLE, Handovers
from tests.pages.conftest import Open, call
from tests.reports.conftest import Field


def _stage(team: Field) -> tuple[str, str, str]:
    """(former, new owner, client of the former)."""
    home = team.add_territory("north", "rep_north")
    team.add_territory("north", "second_north", "Запад")
    client = team.add_client("A", home)
    with transaction() as session:
        rep = team.company.actor("rep_north")
        clients.add_promise_in(session, rep, client, rep.user_id, "Samples", date(2026, 1, 9))
    return team.company.users["rep_north"], team.company.users["second_north"], client


def _owner_of(team: Field, client: str) -> str | None:
    found = clients.card(team.company.actor("admin"), client)
    return found.territory.rep_id if found.territory else None


def test_all_is_handed_over_after_a_second_press_and_taken_back(team: Field, open_page: Open):
    former, owner, client = _stage(team)
    page = open_page(Handovers, "manager_north")
    assert team.company.users["rep_south"] not in [c.value for c in page.givers]
    call(page, "choose", "former", former)
    assert [c.value for c in page.takers] == [owner], "of his team, and not himself"
    call(page, "choose", "owner", owner)
    call(page, "show_look")
    assert (page.refused, page.look.clients, page.is_sure) == ("", 1, False)
    assert [(row.id, row.promises) for row in page.brief] == [(client, ["Samples, by 9 Jan"])]
    call(page, "hand_over")
    assert (page.is_sure, _owner_of(team, client)) == (True, former)
    call(page, "hand_over")
    assert (page.refused, _owner_of(team, client)) == ("", owner)
    [row] = page.past
    assert (row.clients, row.is_undone) == (1, False)
    call(page, "undo", row.id)
    assert _owner_of(team, client) == owner, "asked first"
    call(page, "undo", row.id)
    assert (page.refused, _owner_of(team, client)) == ("", former)
    assert page.past[0].is_undone


def test_clients_by_name(team: Field, open_page: Open):
    former, owner, client = _stage(team)
    page = open_page(Handovers, "manager_north")
    for name, value in (("former", former), ("owner", owner), ("kind", LISTED)):
        call(page, "choose", name, value)
    call(page, "show_look")
    assert page.refused != "", "nobody is chosen"
    call(page, "find", "Врач")
    call(page, "pick", client)
    assert [p.value for p in page.picked] == [client]
    call(page, "show_look")
    assert page.look.clients == 1
    call(page, "drop", client)
    assert page.look.seal == "", "another order than was looked at"
    call(page, "find", "Врач")
    call(page, "pick", client)
    call(page, "show_look")
    call(page, "hand_over")
    call(page, "hand_over")
    assert _owner_of(team, client) == owner
    assert page.picked == []


def test_a_changed_order_wants_a_new_look(team: Field, open_page: Open):
    former, owner, client = _stage(team)
    page = open_page(Handovers, "manager_north")
    call(page, "choose", "former", former)
    call(page, "choose", "owner", owner)
    call(page, "show_look")
    call(page, "choose", "first_day", clock.local(clock.now()).date().isoformat())
    call(page, "hand_over")
    call(page, "hand_over")
    assert _owner_of(team, client) == former
    call(page, "choose", "first_day", "yesterday")
    call(page, "show_look")
    assert page.refused != ""
    call(page, "choose", "rows", "x")
    assert page.kind == WHOLE


def test_what_somebody_elses_form_sends(team: Field, open_page: Open):
    former, _, client = _stage(team)
    page = open_page(Handovers, "manager_south")
    south = team.company.users["rep_south"]
    assert [g.value for g in page.givers] == [south]
    call(page, "choose", "former", former)
    call(page, "choose", "owner", south)
    assert page.takers == []
    call(page, "show_look")
    assert page.refused != ""
    call(page, "find", "Врач")
    assert page.found == []
    assert _owner_of(team, client) == former
