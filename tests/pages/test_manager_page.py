"""The manager's page: what it shows, how numbers open, and what a made-up id gets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from fieldcrm.kit import clock
from fieldcrm.pages.manager_state import Manager
from tests.pages.conftest import Open, call
from tests.reports.conftest import Field

TODAY = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)
MONDAY = date(2026, 11, 16)


@pytest.fixture(autouse=True)
def thursday_afternoon() -> Iterator[None]:
    with clock.held(TODAY):
        yield


@pytest.fixture
def visited(team: Field) -> Field:
    a, b = team.add_client("A"), team.add_client("B")
    team.add_cycle("north", date(2026, 10, 1), date(2026, 12, 31),
                   [("rep_north", a, 6), ("rep_north", b, 3)])  # fmt: skip
    team.add_visit("rep_north", a, MONDAY)
    team.add_visit("rep_north", a, MONDAY + timedelta(1), verdict="doubtful")
    team.add_visit("rep_north", a, MONDAY + timedelta(2), verdict="contradicted")
    team.add_visit("rep_south", a, MONDAY)
    return team


def test_the_page_shows_the_readers_teams_only(visited: Field, open_page: Open) -> None:
    page = open_page(Manager, "manager_north")
    assert page.is_ready
    assert [line.name for line in page.lines] == ["Rep North", "Second North"]
    assert (page.total.done, page.total.planned) == ("2", "3")
    assert page.cards[0].value == "50.0"
    assert page.cards[0].parts == "1 of 2 targets seen"
    assert page.month_word == "November"
    assert [b.label for b in page.bars][-1] == "19"
    assert page.total.counts.said == "confirmed 1, doubtful 1, contradicted 1, not judged 0"


def test_a_number_opens_its_visits_and_the_clients_it_lacks(
    visited: Field, open_page: Open
) -> None:
    page = open_page(Manager, "manager_north")
    call(page, "drill", "coverage", "")
    assert page.drawer == "list"
    assert [(v.verdict, v.counts) for v in page.listed] == [
        ("contradicted", False), ("doubtful", True), ("confirmed", True)]  # fmt: skip
    assert [row.said for row in page.lacking] == ["0 of 1"]
    assert page.list_note == "1 of 2 targets seen"
    call(page, "open_listed", page.listed[1].id)
    assert page.drawer == "visit"
    assert page.visit.verdict == "doubtful"
    assert page.place == "2 of 3"
    call(page, "neighbour", 1)
    assert (page.visit.verdict, page.place) == ("confirmed", "3 of 3")
    call(page, "close_drawer")
    assert page.drawer == "list"


def test_a_line_opens_to_its_suspect_visits(visited: Field, open_page: Open) -> None:
    page = open_page(Manager, "manager_north")
    key = visited.company.users["rep_north"]
    call(page, "toggle_line", key)
    assert [v.verdict for v in page.sub] == ["contradicted", "doubtful"]
    call(page, "toggle_line", key)
    assert page.opened == ""


def test_somebody_elses_visit_line_and_team_stay_hidden(visited: Field, open_page: Open) -> None:
    page = open_page(Manager, "manager_south")
    assert page.total.done == "1"
    call(page, "toggle_line", visited.company.users["rep_north"])
    assert page.sub == []
    call(page, "drill", "closed", visited.company.users["rep_north"])
    assert page.listed == []
    mine = open_page(Manager, "manager_north")
    call(mine, "drill", "closed", "")
    call(page, "open_listed", mine.listed[0].id)
    assert page.visit.id == ""
    assert page.visit_problem != ""
    call(page, "filter_team", visited.company.teams["north"])
    assert page.total.done == "0"


def test_made_up_arguments_change_nothing(visited: Field, open_page: Open) -> None:
    page = open_page(Manager, "manager_north")
    call(page, "choose_kind", "century")
    call(page, "choose_group", "'; drop table visit")
    call(page, "filter_category", "Z")
    call(page, "filter_rep", "../../etc")
    assert (page.kind, page.by, page.category, page.rep) == ("month", "rep", "", "")
    call(page, "drill", "nonsense", "")
    assert page.list_note == "No report has that."
    call(page, "drill_day", "yesterday")
    assert page.by == "rep"


def test_periods_step_and_return_and_each_grouping_shows(visited: Field, open_page: Open) -> None:
    page = open_page(Manager, "manager_north")
    call(page, "choose_kind", "week")
    assert page.span == "16–19 November 2026"
    assert page.is_last
    call(page, "step", False)
    assert page.span == "9–15 November 2026"
    assert not page.has_visits
    call(page, "back_to_now")
    for by, lines in (
        ("team", ["north"]),
        ("category", ["Category A", "Category B", "Category C"]),
    ):
        call(page, "choose_group", by)
        assert [line.name for line in page.lines] == lines
    call(page, "choose_group", "day")
    assert [line.name for line in page.lines] == ["Wed 18 Nov", "Tue 17 Nov", "Mon 16 Nov"]


def test_it_speaks_russian_and_romanian(visited: Field, open_page: Open) -> None:
    page = open_page(Manager, "manager_north")
    call(page, "choose_language", "ru")
    call(page, "load")
    assert page.cards[0].label == "Охват"
    assert page.cards[0].value == "50,0"
    assert page.work_days == "идёт 14-й рабочий день из 21"
    call(page, "choose_language", "ro")
    call(page, "load")
    assert page.small[3].label == "Timp pe teren"


def test_the_export_asks_for_what_is_shown(visited: Field, open_page: Open) -> None:
    page = open_page(Manager, "manager_north")
    call(page, "filter_category", "A")
    assert "period=month" in page.export_url
    assert "category=A" in page.export_url
    assert "day=2026-11-01" in page.export_url
