"""The planning page: a rep's calendar and clients, a plan asked for, compared, approved, taken back."""

from __future__ import annotations

from datetime import timedelta

from fieldcrm.components.navigation import pages_for
from fieldcrm.kit import clock
from fieldcrm.kit.database import transaction
from fieldcrm.pages.my_cycle import MyCycle
from fieldcrm.pages.planning_state import Planning
from fieldcrm.people.model import Role
from fieldcrm.people.tables import User
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


def _with_visits(team: Field) -> str:
    """The rep with a visit on each of some days of the week after next."""
    rep = _stage(team)
    monday = clock.today() + timedelta(days=14 - clock.today().weekday())
    for n, client in enumerate(team.clients[:3]):
        team.add_visit("rep_north", client, monday + timedelta(days=n), "planned", position=1)
    return rep


def _days(page: Planning | MyCycle) -> dict[str, str]:
    """Each movable visit's day."""
    days = [d for week in page.calendar for d in week.days]
    return {v.visit_id: d.day for d in days for v in d.visits if v.can_move}


def test_a_visit_is_held_priced_dropped_and_taken_back(team: Field, open_page: Open):
    _with_visits(team)
    page = open_page(Planning, "dispatcher_north")
    was = _days(page)
    assert len(was) == 3
    visit = next(iter(was))
    call(page, "pick", visit, "")
    assert page.held_name
    assert page.held_why
    ahead = {d.day for week in page.calendar for d in week.days if d.is_open}
    assert ahead - {was[visit]} <= set(page.prices)
    assert was[visit] not in page.prices
    assert all("km" in text for text in page.prices.values())
    best = next(row for row in page.elsewhere if row.day)
    call(page, "drop", visit, page.held_client, best.day, "")
    assert (page.refused, page.held_name) == ("", "")
    assert _days(page)[visit] == best.day
    call(page, "undo_move")
    assert _days(page) == was
    call(page, "pick", visit, "")
    call(page, "lock", True)
    assert visit not in _days(page)
    call(page, "drop", visit, "", best.day, "")
    assert page.refused
    call(page, "drop", "nobody", "", "never", "")
    assert page.refused


def test_a_rep_proposes_and_hears_his_manager_s_word(team: Field, open_page: Open):
    _with_visits(team)
    boss = open_page(Planning, "manager_north")
    mine = open_page(MyCycle, "rep_north")
    was = _days(mine)
    visit = next(iter(was))
    call(mine, "pick", visit, "")
    day = mine.elsewhere[0].day
    call(mine, "drop", visit, mine.held_client, day, "")
    assert (mine.refused, _days(mine)[visit]) == ("", day)
    call(mine, "take_back")
    assert (_days(mine), mine.pending) == (was, "")
    call(mine, "drop", visit, "", day, "")
    call(mine, "write_word", "By train")
    call(mine, "propose")
    assert (mine.refused, mine.pending) == ("", "")
    assert _days(mine) == was, "nothing moves before the manager's word"
    call(boss, "reload")
    [paper] = boss.papers
    call(boss, "open", paper.id)
    assert (boss.is_by_rep, "By train" in boss.rep_word) == (True, True)
    call(boss, "send_back")
    assert boss.refused == "Say why it goes back"
    call(boss, "write_word", "Too far")
    call(boss, "send_back")
    assert (boss.refused, boss.status) == ("", "")
    call(mine, "reload")
    assert "Too far" in mine.papers[0].about


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
    call(page, "choose_first", (clock.today() - timedelta(days=1)).isoformat())
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
