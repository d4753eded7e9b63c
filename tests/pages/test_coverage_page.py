"""The coverage page as the server keeps it: what it counts, lists and opens, and for whom."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from fieldcrm.kit import clock
from fieldcrm.pages import coverage_state
from fieldcrm.pages.coverage_state import NOWHERE, Coverage
from fieldcrm.reports import coverage
from tests.pages.conftest import Open, call
from tests.pages.test_admin_pages import Unlocked
from tests.reports.conftest import Field
from tests.reports.covered import (
    AWAY,
    DAY,
    HOME,
    MINUTE_MS,
    NOW,
    SHIFT,
    fill,
    fixes,
    ms,
    record,
    work,
)


@pytest.fixture
def covered(team: Field) -> str:
    """A rep's two hours: twenty silent minutes nobody can place, then two places; his id."""
    rep = work(team, hours=2)
    record(*fixes(rep, range(20, 60), HOME), *fixes(rep, range(60, 121), AWAY))
    team.add_visit("rep_north", team.add_client("A"), DAY, lat=HOME[0], lng=HOME[1])
    fill()
    return rep


def count(page: Any) -> None:
    asyncio.run(type(page).event_handlers["count"].fn(Unlocked(page)))


def opened(open_page: Open, login: str = "manager_north") -> Any:
    """The page as it opens in the evening of the day."""
    page = open_page(Coverage, login)
    page.first = page.last = DAY.isoformat()
    count(page)
    return page


def test_a_manager_sees_the_day_by_place(covered: str, open_page: Open) -> None:
    page = opened(open_page)
    assert page.figures.startswith("1.7 h of presence · visits 1, confirmed 1 · 0.3 h of silence")
    assert [(r.presence, r.silence) for r in page.rows] == [("60", ""), ("40", ""), ("", "20")]
    assert page.rows[2].id == NOWHERE
    assert page.rows[2].name == "Place unknown"
    south, west, north, east = page.bounds
    assert south < north
    assert (west, east) == pytest.approx((24.94, 24.94), abs=0.01)
    assert page.map_url == (
        f"/api/v1/reports/coverage?first={DAY}&last={DAY}&measure=presence"
    )  # fmt: skip
    assert page.as_of == "As of 4 May 21:00"
    assert (page.is_counting, page.warming, page.shown) == (False, "", "3 cells")


def test_the_list_follows_measure_order_search_and_the_maps_cells(
    covered: str, open_page: Open
) -> None:
    page = opened(open_page)
    call(page, "choose_measure", "visits")
    assert (page.sort, page.rows[0].visits) == ("-visits", "1")
    call(page, "choose_measure", "anything")
    assert page.measure == "visits"
    call(page, "sort_by", "visits")
    assert page.sort == "visits"
    call(page, "look", 4)
    assert [r.presence for r in page.rows] == ["", "100"] or [r.presence for r in page.rows] == [
        "100",
        "",
    ]
    call(page, "look", 15)
    assert page.resolution == 4
    call(page, "narrow", "search", "no such street")
    assert page.rows == []


def test_a_cell_opens_its_days_and_the_way_to_their_replay(covered: str, open_page: Open) -> None:
    page = opened(open_page)
    call(page, "look", 9)
    call(page, "open", page.rows[0].id)
    (day,) = page.days
    assert (day.rep, day.value) == ("Rep North", "60 min")
    assert (
        day.replay
        == f"/replay?rep={covered}&day={DAY}&at={ms(SHIFT) + 60 * MINUTE_MS - MINUTE_MS // 2}"
    )
    first = page.opened
    call(page, "press", "j")
    assert page.opened != first
    call(page, "press", "Escape")
    assert page.opened == ""
    call(page, "open", "nonsense")
    assert page.opened == ""


def test_nobody_sees_another_teams_places(covered: str, open_page: Open) -> None:
    page = opened(open_page, "dispatcher_south")
    assert page.rows == []
    assert covered not in {choice.value for choice in page.reps}
    call(page, "narrow", "rep", covered)
    count(page)
    assert (page.rows, page.bounds) == ([], [])


def test_a_wrong_period_is_refused_in_words(covered: str, open_page: Open) -> None:
    page = opened(open_page)
    call(page, "narrow", "last", (DAY - timedelta(days=3)).isoformat())
    count(page)
    assert page.is_broken
    assert "at most three years" in page.problem
    call(page, "narrow", "last", "no day")
    assert page.last == (DAY - timedelta(days=3)).isoformat()
    call(page, "choose_span", "7")
    count(page)
    assert not page.is_broken
    today = clock.local(clock.now()).date()
    assert (page.first, page.last) == (str(today - timedelta(days=6)), str(today))


def test_a_newer_count_or_the_reader_stops_an_older(
    covered: str, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opened(open_page)
    figures, page.first = page.figures, (NOW - timedelta(days=1000)).date().isoformat()
    monkeypatch.setattr(coverage_state, "LISTEN_S", 0)

    class Impatient(Unlocked):
        """A reader who presses stop as soon as the count has begun."""

        async def __aexit__(self, *_: Any) -> None:
            if self.state._count == 2:
                call(self.state, "stop")

    asyncio.run(type(page).event_handlers["count"].fn(Impatient(page)))
    assert (page.was_stopped, page.is_counting, page.figures) == (True, False, figures)


def test_a_count_that_is_told_to_stop_reads_no_further() -> None:
    heard = {"share": 0.0, "stop": True}
    with pytest.raises(coverage_state.Stopped):
        coverage_state._into(heard)(0.25)
    assert heard["share"] == 0.25
    assert set(coverage.OF_VISITS) < set(coverage.MEASURES)
