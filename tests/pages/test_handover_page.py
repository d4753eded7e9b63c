"""The page where a manager hands clients over: chosen, looked at, done after a second press, undone."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest

from fieldcrm.clients import service as clients
from fieldcrm.clients.model import Condition
from fieldcrm.clients.views import service as views
from fieldcrm.clients.views.model import ListState, plain
from fieldcrm.handover import service as handovers
from fieldcrm.handover.model import Order
from fieldcrm.kit import clock, i18n
from fieldcrm.kit.database import transaction
from fieldcrm.kit.jobs import Cancelled
from fieldcrm.pages.clients import Clients
from fieldcrm.pages.handover_state import BROUGHT, FOUND, LISTED, WHOLE, Handovers
from fieldcrm.people import service as people
from tests.pages.conftest import Open, Unlocked, call, call_behind
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
    call_behind(page, "hand_over")
    assert (page.is_sure, _owner_of(team, client)) == (True, former)
    call_behind(page, "hand_over")
    assert (page.refused, _owner_of(team, client)) == ("", owner)
    [row] = page.past
    assert (row.clients, row.is_undone) == (1, False)
    call_behind(page, "undo", row.id)
    assert _owner_of(team, client) == owner, "asked first"
    call_behind(page, "undo", row.id)
    assert (page.refused, _owner_of(team, client)) == ("", former)
    assert page.past[0].is_undone


def test_clients_by_name(team: Field, open_page: Open):
    former, owner, client = _stage(team)
    page = open_page(Handovers, "manager_north")
    for name, value in (("former", former), ("owner", owner), ("kind", LISTED)):
        call(page, "choose", name, value)
    call(page, "show_look")
    assert page.refused.endswith("check the field Clients."), "nobody is chosen"
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
    call_behind(page, "hand_over")
    call_behind(page, "hand_over")
    assert _owner_of(team, client) == owner
    assert page.picked == []


def test_a_changed_order_wants_a_new_look(team: Field, open_page: Open):
    former, owner, client = _stage(team)
    page = open_page(Handovers, "manager_north")
    call(page, "choose", "former", former)
    call(page, "choose", "owner", owner)
    call(page, "show_look")
    call(page, "choose", "first_day", clock.local(clock.now()).date().isoformat())
    call_behind(page, "hand_over")
    call_behind(page, "hand_over")
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


def _come(page: Any, query: str) -> None:
    """Open the page by an address."""
    root = page._get_root_state()
    data = {**root.router_data, "pathname": "/handover", "asPath": f"/handover{query}"}
    root.router_data = root._update_router_vars(data, {})
    call(page, "load")


def _two_clients(team: Field) -> tuple[str, str, str, str]:
    """(former, new owner, the former's client of category A, and that of B)."""
    former, owner, first = _stage(team)
    actor = team.company.actor("rep_north")
    home = clients.card(actor, first).client.territory_id
    return former, owner, first, team.add_client("B", str(home))


def test_what_the_list_of_clients_finds_is_brought_along(team: Field, open_page: Open):
    former, owner, first, second = _two_clients(team)
    listed = open_page(Clients, "manager_north")
    call(listed, "narrow", "letter", "B")
    page = asyncio.run(listed.get_state(Handovers))
    [sent] = call(listed, "hand_over_these")
    assert f"/handover?view={BROUGHT}" in str(sent)
    _come(page, f"?view={BROUGHT}")
    assert (page.kind, page.former) == (FOUND, former), "all of them are his"
    assert [(c.value, c.text) for c in page.lists] == [
        (BROUGHT, "The list you came from: Category B"),
    ]
    assert page.spread.startswith("1 client: ")
    call(page, "choose", "owner", owner)
    call(page, "show_look")
    assert (page.refused, page.look.clients, [b.id for b in page.brief]) == ("", 1, [second])
    call_behind(page, "hand_over")
    call_behind(page, "hand_over")
    assert page.refused == ""
    assert (_owner_of(team, first), _owner_of(team, second)) == (former, owner)
    _come(page, "")
    assert (page.kind, page.lists, page.brought) == (WHOLE, [], ""), "came without a list"


def test_a_saved_view_says_which_clients_go(team: Field, open_page: Open):
    former, owner, first, second = _two_clients(team)
    state = ListState(conditions=(Condition("category", "is", "A"),))
    saved = views.save(team.company.actor("manager_north"), "Best", plain(state))
    page = open_page(Handovers, "manager_north")
    for name, value in (("kind", FOUND), ("which", saved.id), ("owner", owner)):
        call(page, "choose", name, value)
    call(page, "show_look")
    assert [b.id for b in page.brief] == [first]
    team.add_client("A", str(clients.card(team.company.actor("admin"), second).client.territory_id))
    call_behind(page, "hand_over")
    call_behind(page, "hand_over")
    assert page.refused != "", "the list finds one more than was looked at"
    assert _owner_of(team, first) == former


def test_somebody_elses_view_and_a_list_of_the_archive_hand_nobody_over(
    team: Field, open_page: Open
):
    former, owner, first, _ = _two_clients(team)
    theirs = views.save(team.company.actor("manager_south"), "Theirs", plain(ListState()))
    page = open_page(Handovers, "manager_north")
    for name, value in (("former", former), ("owner", owner), ("kind", FOUND)):
        call(page, "choose", name, value)
    call(page, "choose", "which", theirs.id)
    assert page.which == ""
    call(page, "show_look")
    assert (page.refused != "", page.look.seal) == (True, "")
    clients.archive(team.company.actor("admin"), first)
    page._bring(ListState(is_archive=True), "Archive")
    for name, value in (("former", former), ("owner", owner)):
        call(page, "choose", name, value)
    call(page, "show_look")
    assert (page.refused, page.look.seal) == ("There is nothing to hand over.", "")


def test_who_is_offered_is_explained(team: Field, open_page: Open):
    former, owner, _ = _stage(team)
    page = open_page(Handovers, "manager_north")
    call(page, "choose", "former", former)
    assert page.why_these == i18n.t("handover.same_team", "en")
    people.deactivate_user(team.company.actor("admin"), owner)
    call(page, "choose", "former", former)
    assert page.takers == []
    assert "Nobody else is in the team" in page.why_these


def test_a_new_owner_without_a_territory_is_told_of_at_once(team: Field, open_page: Open):
    home = team.add_territory("north", "rep_north")
    team.add_client("A", home)
    page = open_page(Handovers, "manager_north")
    call(page, "choose", "former", team.company.users["rep_north"])
    call(page, "choose", "owner", team.company.users["second_north"])
    assert page.why_nowhere == "", "whole territories need none"
    call(page, "choose", "kind", LISTED)
    assert "no territory yet" in page.why_nowhere


class Stopped(Unlocked):
    """A page whose reader presses stop as soon as the run is under way."""

    async def __aenter__(self) -> Any:
        if self.state.is_busy:
            type(self.state).event_handlers["stop"].fn(self.state)
        return self


def test_a_run_tells_how_far_it_is_and_can_be_stopped(team: Field, open_page: Open):
    former, owner, client = _stage(team)
    order = Order(former, owner, clock.local(clock.now()).date())
    manager = team.company.actor("manager_north")
    seal = handovers.preview(manager, order).seal
    heard: list[float] = []

    def stop(share: float) -> None:
        heard.append(share)
        raise Cancelled

    with pytest.raises(Cancelled):
        handovers.hand_over(manager, order, seal, stop)
    assert _owner_of(team, client) == former, "nothing of it has happened"
    done = handovers.hand_over(manager, order, seal, heard.append)
    assert (heard[0], heard[-1]) == (1.0, 1.0), "one promise"
    heard.clear()
    handovers.undo(manager, done.id, heard.append)
    assert heard == [1.0]


def test_stopping_leaves_the_page_ready_for_another_look(team: Field, open_page: Open):
    former, owner, _ = _stage(team)
    page = open_page(Handovers, "manager_north")
    call(page, "choose", "former", former)
    call(page, "choose", "owner", owner)
    call(page, "show_look")
    call_behind(page, "hand_over")
    run = page._run
    call_behind(Stopped(page), "hand_over")
    assert page._run > run + 1, "the reader's stop was heard"
    assert not page.is_busy
