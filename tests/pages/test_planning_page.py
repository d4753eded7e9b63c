"""The planning page: a rep's calendar and clients, a plan asked for, compared, approved, taken back."""

from __future__ import annotations

from datetime import timedelta

from fieldcrm.components.navigation import pages_for
from fieldcrm.kit.database import transaction
from fieldcrm.pages.planning_state import Planning
from fieldcrm.people.model import Role
from fieldcrm.people.tables import User
from fieldcrm.planning import cycle_board
from tests.pages.conftest import Open, call
from tests.reports.conftest import Field
from workers.optimiser.jobs import run_proposal


def _stage(team: Field) -> str:
    """A rep with a territory of clients and a home; no roads, so ways are estimated."""
    home = team.add_territory("north", "rep_north")
    for n in range(6):
        team.add_client("ABC"[n % 3], home)
    rep = team.company.users["rep_north"]
    with transaction() as session:
        row = session.get_one(User, rep)
        row.start_lat, row.start_lng = 60.17, 24.94
    return rep


def test_a_dispatcher_asks_and_a_manager_approves_and_takes_back(team: Field, open_page: Open):
    rep = _stage(team)
    page = open_page(Planning, "dispatcher_north")
    assert (page.is_broken, page.rep) == (False, rep)
    assert {row.ahead for row in page.rows} == {0}
    call(page, "ask")
    call(page, "plan")
    assert (page.refused, page.status) == ("", "queued")
    run_proposal(page.proposal_id)
    call(page, "watch")
    assert page.status == "ready", page.refused
    assert page.is_estimate
    proposed = [v for week in page.calendar for day in week.days for v in day.visits]
    assert proposed
    assert {v.kind for v in proposed} == {"new"}
    call(page, "look_at", False)
    assert not [v for week in page.calendar for day in week.days for v in day.visits]
    boss = open_page(Planning, "manager_north")
    [paper] = boss.papers
    call(boss, "open", paper.id)
    call(boss, "approve")
    assert (boss.refused, boss.is_busy, boss.status) == ("", False, "")
    assert len([v for w in boss.calendar for d in w.days for v in d.visits]) == len(proposed)
    assert [p.title for p in boss.baselines] == ["Version 1"]
    call(boss, "undo")
    assert boss.refused == ""
    assert not [v for w in boss.calendar for d in w.days for v in d.visits]
    assert [p.is_undone for p in boss.baselines] == [True]


def test_the_list_is_searched_sorted_and_says_why(team: Field, open_page: Open):
    _stage(team)
    page = open_page(Planning, "manager_north")
    every = len(page.rows)
    assert every == 6
    assert {row.reason for row in page.rows} <= {"Not planned yet", "No position known", ""}
    call(page, "sort_by", "name")
    names = [row.name for row in page.rows]
    assert names == sorted(names, key=str.casefold)
    call(page, "sort_by", "password_hash")
    assert page.sort == "name"
    call(page, "narrow", "search", "nobody is called so")
    assert page.rows == []
    call(page, "clear")
    assert len(page.rows) == every


def test_what_can_t_be_planned_is_said_in_words(team: Field, open_page: Open):
    _stage(team)
    page = open_page(Planning, "dispatcher_north")
    call(page, "wish", "most", "0")
    call(page, "plan")
    assert page.refused == "1 to 40 visits a day"
    call(page, "wish", "most", "12")
    call(page, "choose_first", (cycle_board.today() - timedelta(days=1)).isoformat())
    call(page, "plan")
    assert "tomorrow" in page.refused
    assert page.status == ""


def test_another_team_s_rep_is_not_shown(team: Field, open_page: Open):
    rep = _stage(team)
    page = open_page(Planning, "manager_south")
    call(page, "choose_rep", rep)
    assert page.rep != rep


def test_it_stands_in_the_rail_of_those_who_plan() -> None:
    for role in Role:
        assert ("/planning" in {p.path for p in pages_for(role)}) == (role is not Role.rep)
