"""The lists of visits and clients: scope, filters, pages, cards, files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from fieldcrm.clients import service as clients
from fieldcrm.clients.model import ClientFilters
from fieldcrm.kit import clock
from fieldcrm.pages import list_totals
from fieldcrm.pages.clients import Clients
from fieldcrm.pages.visits import Visits
from fieldcrm.reports import visit_list
from fieldcrm.visits import service as visits
from tests.pages.conftest import Open, Unlocked, call, call_behind
from tests.reports.conftest import Field

MONDAY = date(2026, 11, 16)


@pytest.fixture(autouse=True)
def thursday_afternoon() -> Iterator[None]:
    with clock.held(datetime(2026, 11, 19, 12, 0, tzinfo=UTC)):
        yield


@pytest.fixture
def visited(team: Field) -> Field:
    """70 visits of the north, one of the south."""
    place = team.add_territory("north", "rep_north")
    clients = [team.add_client(letter, place) for letter in "ABC"]
    for n in range(70):
        day = MONDAY - timedelta(n % 14)
        verdict = "doubtful" if n == 5 else "confirmed"
        team.add_visit("rep_north", clients[n % 3], day, "closed" if n % 7 else "missed", verdict)
    team.add_visit("rep_south", clients[0], MONDAY)
    return team


def test_visits_come_in_pages_within_ones_teams(visited: Field, open_page: Open) -> None:
    page = open_page(Visits, "manager_north")
    assert (len(page.rows), page.has_more, page.shown) == (60, True, "60+ visits")
    call(page, "more")
    assert len({r.id for r in page.rows}) == 70
    assert not page.has_more
    assert {r.rep for r in page.rows} == {"Rep North"}


def test_the_whole_list_is_counted_behind_its_first_page(visited: Field, open_page: Open) -> None:
    page = open_page(Visits, "manager_north")
    assert (page.is_uncounted, page.all_rows) == (True, "")
    call_behind(page, "count_rows")
    assert (page.is_uncounted, page.shown, page.all_rows) == (
        False,
        "60 of 70 visits",
        "70 visits",
    )
    call(page, "more")
    assert (page.is_uncounted, page.shown, page.all_rows) == (False, "70 visits", "70 visits")
    call(page, "narrow", "state", "missed")
    assert (page.is_uncounted, page.shown, page.all_rows) == (False, "10 visits", "10 visits")
    call(page, "clear")
    assert (page.is_uncounted, page.shown) == (True, "60+ visits"), "of another list than before"


def test_more_than_can_be_counted_are_not_called_a_number(
    visited: Field, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_totals, "COUNTED_MOST", 65)
    assert visits.count(visited.company.actor("manager_north"), most=65) == 66
    page = open_page(Visits, "manager_north")
    call_behind(page, "count_rows")
    assert (page.shown, page.all_rows) == ("60 of more than 65 visits", "")
    call(page, "more")
    assert (page.shown, page.all_rows) == ("70 visits", "70 visits"), "all of them are there"


class Reordered(Unlocked):
    """A list that its reader puts in another order while it is counted."""

    async def __aenter__(self) -> Any:
        if not self.state.is_uncounted:
            await type(self.state).event_handlers["sort_by"].fn(self.state, "client")
        return self


def test_what_is_counted_of_an_earlier_list_is_no_longer_of_use(
    visited: Field, open_page: Open
) -> None:
    page = open_page(Visits, "manager_north")
    call_behind(Reordered(page), "count_rows")
    assert (page.sort, page.is_uncounted, page.shown) == ("client", True, "60+ visits")


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "60 of 2,154 clients"), ("ru", "60 из 2\xa0154 клиентов"), ("ro", "60 din 2.154 de clienți")],
)  # fmt: skip
def test_how_many_clients_there_are(
    visited: Field, open_page: Open, language: str, told: str
) -> None:
    place = visited.add_territory("north", "rep_north", "Север")
    for _ in range(60):
        visited.add_client("C", place)
    page = open_page(Clients, "manager_north")
    call(page, "choose_language", language)
    call(page, "load")
    call(page, "narrow", "letter", "C")
    call_behind(page, "count_rows")
    whole = clients.count(visited.company.actor("manager_north"), ClientFilters(categories=("C",)))
    assert (page._total, whole) == (61, 61)
    page._total = 2154
    page._tell_total()
    assert page.shown == told
    south = open_page(Clients, "manager_south")
    assert not south.is_uncounted, "counts nobody he may not see"


def test_visits_are_filtered_sorted_and_a_made_up_filter_counts_as_none(
    visited: Field, open_page: Open
) -> None:
    page = open_page(Visits, "manager_north")
    call(page, "narrow", "verdict", "doubtful")
    assert [r.verdict for r in page.rows] == ["doubtful"]
    call(page, "narrow", "verdict", "'; --")
    assert len(page.rows) == 60
    call(page, "narrow", "state", "missed")
    assert len(page.rows) == 10
    call(page, "narrow", "letter", "B")
    assert {r.category for r in page.rows} == {"B"}
    call(page, "clear")
    call(page, "narrow", "first", "2026-11-16")
    assert {r.day for r in page.rows} == {"Mon 16 Nov"}
    call(page, "narrow", "_cursor", "stolen")
    assert page._cursor != "stolen"
    call(page, "sort_by", "client")
    assert page.sort == "client"
    call(page, "sort_by", "password")
    assert page.sort == "client"


def test_a_visit_opens_its_evidence_and_a_foreign_one_does_not(
    visited: Field, open_page: Open
) -> None:
    page = open_page(Visits, "manager_north")
    call(page, "open", page.rows[0].id)
    assert page.visit.id == page.rows[0].id
    call(page, "press", "j")
    assert page.visit.id == page.rows[1].id
    call(page, "press", "Escape")
    assert page.opened == ""
    foreign = open_page(Visits, "manager_south")
    call(page, "open", foreign.rows[0].id)
    assert page.visit.id == ""
    assert page.visit_problem != ""


def under(page: Any, column: str) -> list[str]:
    """What the rows show under a heading."""
    place = [h.name for h in page.columns if h.is_shown].index(column)
    return [r.cells[place].text for r in page.rows]


def test_clients_are_listed_and_opened_within_ones_teams(visited: Field, open_page: Open) -> None:
    page = open_page(Clients, "manager_north")
    assert under(page, "category") == ["A", "B", "C"]
    assert set(under(page, "territory")) == {"Центр"}
    call(page, "sort_by", "category")
    call(page, "sort_by", "category")
    assert under(page, "category") == ["C", "B", "A"]
    call(page, "narrow", "letter", "B")
    assert len(page.rows) == 1
    call(page, "open", page.rows[0].id)
    assert page.card.name == page.rows[0].name
    assert len(page.moments) == 12
    assert page.moment_more
    call(page, "narrow", "kind", "spaceship")
    assert page.rows
    call(page, "switch_archive")
    assert page.rows == []
    foreign = open_page(Clients, "manager_south")
    call(foreign, "open", page.card.id)
    assert foreign.card.id == ""
    assert foreign.card_problem != ""


def test_every_order_has_the_same_visits_and_their_count(visited: Field) -> None:
    actor = visited.company.actor("manager_north")
    name = visits.list_visits(actor).rows[0].client_name
    for filters in (None, visit_list.filters_of(search=name)):
        orders = [visits.list_visits(actor, filters, sort, 500).rows
                  for sort in ("day", "-day", "client", "-rep", "state", "verdict", "category")]  # fmt: skip
        found = [{v.visit.id for v in rows} for rows in orders]
        assert found == [found[0]] * len(orders)
        assert visits.count(actor, filters) == len(found[0]) > 0
        days = [v.visit.day for v in orders[1]]
        assert days == sorted(days, reverse=True)


def test_the_list_exports_what_it_shows(visited: Field) -> None:
    actor = visited.company.actor("manager_north")
    content = visit_list.export_xlsx(actor, visit_list.filters_of(verdict="doubtful"), "ro")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert len(rows) == 2
    assert rows[0][9] == "Verdict"
    assert rows[1][9] == "Îndoielnică"
    every = visit_list.export_xlsx(actor, visit_list.filters_of(state="nonsense"), "en")
    assert (
        len(CalamineWorkbook.from_filelike(io.BytesIO(every)).get_sheet_by_index(0).to_python())
        == 71
    )


def test_a_column_that_goes_and_comes_back_keeps_its_place(visited: Field, open_page: Open) -> None:
    page = open_page(Clients, "manager_north")
    shown, listed = list(page._chosen), [c.name for c in page.columns]
    assert listed[: len(shown)] == shown
    call(page, "switch_column", shown[1])
    assert page._chosen == [shown[0], *shown[2:]]
    assert [c.name for c in page.columns] == listed
    call(page, "switch_column", listed[-1])
    call(page, "switch_column", shown[1])
    assert page._chosen == [*shown, listed[-1]]
    call(page, "move_column", listed[-1], -1)
    assert page._chosen == [*shown[:-1], listed[-1], shown[-1]]
    assert [c.name for c in page.columns if c.is_shown] == page._chosen
    again = open_page(Clients, "manager_north")
    assert [c.name for c in again.columns][: len(page._chosen)] == page._chosen


def test_consent_is_a_column_and_narrows_the_list(visited: Field, open_page: Open) -> None:
    page = open_page(Clients, "manager_north")
    first, second = page.rows[:2]
    told = {"on": "2024-03-01", "source": "message", "text": ""}
    consents = {"email": told | {"state": "withdrawn"}, "call": told | {"state": "given"}}
    clients.save(visited.company.actor("admin"), {"consents": consents}, first.id)
    call(page, "switch_column", "consents")
    at = [head.name for head in page.columns if head.is_shown].index("consents")
    cells = {row.id: row.cells[at] for row in page.rows}
    assert (cells[first.id].text, cells[first.id].look) == ("withdrawn: e-mail · calls", "warned")
    assert cells[second.id].text == ""
    call(page, "choose_field", "consent_email")
    words = ["given", "withdrawn", "asked", "not asked"]
    assert [choice.text for choice in page.draft_values] == words
    assert [choice.value for choice in page.draft_ops] == ["is", "is_not"]
    call(page, "add_condition", {"op": "is", "value": "withdrawn"})
    assert [row.id for row in page.rows] == [first.id]
    assert page.conditions[0].text == "Consent: e-mail is withdrawn"
    assert page._asked()[1]["conditions"][0]["field"] == "consent_email"
