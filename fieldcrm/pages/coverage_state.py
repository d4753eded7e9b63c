"""State of the coverage page: what is asked, the count of it, the list of cells, one cell's days."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportCallIssue=false, reportArgumentType=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import h3.api.basic_int as h3
import reflex as rx

from fieldcrm.components.section import SEARCH_MOST, Choice, Section
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.kit import clock, i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor
from fieldcrm.reports import coverage, coverage_book
from fieldcrm.reports import coverage_rules as rules
from fieldcrm.reports.coverage import Asked, Behind
from fieldcrm.reports.coverage_book import CellRow

FILTERS = ("team", "rep", "letter", "first", "last")
SPANS = ("7", "30", "90", "365")
"""Lengths of a period, in days up to today, that are chosen by one press."""
USUAL = 30
ROWS = 60
LISTEN_S = 0.2
NOWHERE = "nowhere"
"""The row of silence without a place: no cell to open."""
TOLD_AFTER = 2
"""A count that is done after so many looks is not worth a word."""


class Stopped(Exception):
    """The reader no longer wants this count."""


@dataclass
class Row:
    """A cell as the list shows it."""

    id: str
    name: str
    presence: str
    visits: str
    confirmed: str
    silence: str
    stock: str


@dataclass
class DayRow:
    """A rep's day within the open cell."""

    day: str
    rep: str
    value: str
    time: str
    replay: str
    visit: str


class Coverage(Section, Desk):
    """What the page shows."""

    measure: str = "presence"
    team: str = ""
    rep: str = ""
    letter: str = ""
    first: str = ""
    last: str = ""
    teams: list[Choice] = []
    reps: list[Choice] = []

    is_counting: bool = False
    percent: int = 0
    was_stopped: bool = False
    figures: str = ""
    as_of: str = ""
    warming: str = ""
    """How far the first count of all tracks is; empty once it is done."""
    map_url: str = ""
    bounds: list[float] = []
    """South, west, north, east of what there is to see; empty where there is nothing."""
    resolution: int = 8

    rows: list[Row] = []
    search: str = ""
    sort: str = "-presence"
    has_more: bool = False
    shown: str = ""
    opened: str = ""
    """The cell whose days are shown."""
    cell_name: str = ""
    days: list[DayRow] = []
    days_count: int = 0
    days_told: str = ""
    _count: int = 0
    """The number of the latest count; an earlier one that still runs gives up."""

    # ---- what is asked ----

    @rx.event
    @allows(DISPATCHING)
    async def load(self):
        """Fill the page; the address may name a measure, a rep and a period."""
        actor = await self._enter()
        every = await asyncio.to_thread(people.visible_reps, actor, True)
        teams = await asyncio.to_thread(people.list_teams, actor)
        self.reps = [Choice(r.id, r.name) for r in every]
        self.teams = [Choice(t.id, t.name) for t in teams]
        asked = self.router.url.query_parameters
        if asked.get("measure") in coverage.MEASURES:
            self.measure = asked["measure"]
            self.sort = f"-{self.measure}"
        self.rep = str(asked.get("rep") or self.rep)[:64]
        today = clock.local(clock.now()).date()
        usual = today - timedelta(days=USUAL - 1)
        self.first = (_date(asked.get("first", "")) or _date(self.first) or usual).isoformat()
        self.last = (_date(asked.get("last", "")) or _date(self.last) or today).isoformat()
        return Coverage.count

    @rx.event
    @allows(DISPATCHING)
    async def reload(self):
        """Count again."""
        return Coverage.count

    @rx.event
    @allows(DISPATCHING)
    async def narrow(self, name: str, value: str):
        """Set one filter, or look for a street; an unknown filter is none of ours."""
        value = str(value)[:SEARCH_MOST]
        if name == "search":
            self.search = value
            await self._show()
        elif name in FILTERS and (name not in ("first", "last") or _date(value)):
            setattr(self, name, value)
            return Coverage.count
        return None

    @rx.event
    @allows(DISPATCHING)
    async def choose_span(self, days: str):
        """So many days up to today."""
        if days in SPANS:
            today = clock.local(clock.now()).date()
            self.first = (today - timedelta(days=int(days) - 1)).isoformat()
            self.last = today.isoformat()
            return Coverage.count
        return None

    @rx.event
    @allows(DISPATCHING)
    async def clear(self):
        """Everything one may see."""
        self.team = self.rep = self.letter = self.search = ""
        return Coverage.count

    @rx.event
    @allows(DISPATCHING)
    async def choose_measure(self, measure: str):
        """Colour the map by another measure; the list follows."""
        if measure in coverage.MEASURES:
            self.measure, self.sort = measure, f"-{measure}"
            self.map_url = self._url()
            await self._show()
            if self.opened:
                await self._days()

    def _asked(self) -> Asked:
        today = clock.local(clock.now()).date()
        last = _date(self.last) or today
        return Asked(_date(self.first) or last, last, self.team, self.rep, self.letter)

    # ---- counting ----

    @rx.event(background=True)
    @allows(DISPATCHING)
    async def count(self):
        """Add up the period, telling how far it is; a newer count or the reader may stop it."""
        async with self:
            actor, asked = self._actor(), self._asked()
            self._count += 1
            mine, heard = self._count, {"share": 0.0, "stop": False}
            self.percent, self.was_stopped, self.is_broken = 0, False, False
        work = asyncio.create_task(
            asyncio.to_thread(coverage.grid, actor, asked, _into(heard), True)
        )
        looks = 0
        while not work.done():
            await asyncio.wait([work], timeout=LISTEN_S)
            looks += 1
            async with self:
                heard["stop"] = self._count != mine
                if looks > TOLD_AFTER and not heard["stop"]:
                    self.is_counting, self.percent = True, round(100 * float(heard["share"]))
        async with self:
            if self._count == mine:
                self.is_counting = False
                await self._finish(actor, asked, work)

    @rx.event
    @allows(DISPATCHING)
    def stop(self):
        """Give up the count under way; what was shown before stays."""
        self._count += 1
        self.is_counting, self.was_stopped, self.is_ready = False, True, True

    async def _finish(self, actor: Actor, asked: Asked, work: asyncio.Task[rules.Grid]) -> None:
        try:
            found = work.result()
        except Refusal as error:
            self.problem, self.is_broken, self.is_ready = self._refusal(error), True, True
            return
        self.map_url, self.bounds = self._url(), _bounds(found)
        self.figures = _figures(found, self.language)
        until, share = await asyncio.to_thread(coverage.counted, actor, asked)
        self.as_of = (
            self._t("coverage.as_of", time=i18n.moment(until, self.language)) if until else ""
        )
        percent = round(100 * share)
        self.warming = self._t("coverage.warming", percent=percent) if share < 1 else ""
        await self._show()
        if self.opened:
            await self._days()

    def _url(self) -> str:
        asked = {**self._given(), "measure": self.measure}
        return f"/api/v1/reports/coverage?{urlencode(asked)}"

    def _given(self) -> dict[str, str]:
        asked = {"first": self.first, "last": self.last, "team_id": self.team, "rep_id": self.rep,
                 "category": self.letter}  # fmt: skip
        return {k: v for k, v in asked.items() if v}

    @rx.var
    def download(self) -> str:
        """Where the list lies as a file, without its ending and what is asked."""
        return "/api/v1/reports/coverage/cells."

    @rx.var
    def download_asked(self) -> str:
        """The same list, for a file."""
        asked = {**self._given(), "resolution": self.resolution, "search": self.search, "sort": self.sort,
                 "language": self.language}  # fmt: skip
        return "?" + urlencode({k: v for k, v in asked.items() if v})

    @rx.var
    def narrows_tracks(self) -> bool:
        """Whether a category is chosen that the measure knows nothing of."""
        return self.letter != "" and self.measure not in coverage.OF_VISITS

    # ---- the list ----

    @rx.event
    @allows(DISPATCHING)
    async def look(self, resolution: int):
        """The map shows cells of another size: so does the list."""
        if resolution != self.resolution and rules.COARSE <= resolution <= rules.FINE:
            self.resolution = resolution
            await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def sort_by(self, name: str):
        """By a column, the most first; again turns it round."""
        if name in coverage_book.SORTS:
            first = name if name == "place" else f"-{name}"
            turned = f"-{name}" if name == "place" else name
            self.sort = turned if self.sort == first else first
            await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def more(self):
        """The next rows."""
        await self._show(str(len(self.rows)))

    async def _fill(self, cursor: str = "") -> None:
        wanted = (int(cursor) if cursor else 0) + ROWS
        found, count = await asyncio.to_thread(
            coverage_book.rows, self._actor(), self._asked(), self.resolution, self.search, self.sort,
            wanted,
        )  # fmt: skip
        self.rows = [_row(row, self.language) for row in found]
        self.has_more = count > len(found)
        self.shown = self._t("coverage.cells_told", n=count)

    # ---- a cell's days ----

    @rx.event
    @allows(DISPATCHING)
    async def open(self, cell: str):
        """The days behind a cell."""
        self.opened = str(cell)[:20]
        await self._days()

    @rx.event
    @allows(DISPATCHING)
    async def more_days(self):
        """The next of them."""
        await self._days(len(self.days))

    @rx.event
    @allows(DISPATCHING)
    def close(self):
        """Back to the list."""
        self.opened = ""

    @rx.event
    @allows(DISPATCHING)
    async def press(self, key: str):
        """J and K: the cell below and above; Escape: back."""
        if key == "Escape":
            self.opened = ""
        cells = [row.id for row in self.rows if row.id != NOWHERE]
        if self.opened in cells and key in ("j", "k"):
            n = cells.index(self.opened) + (1 if key == "j" else -1)
            if 0 <= n < len(cells):
                self.opened = cells[n]
                await self._days()

    async def _days(self, after: int = 0) -> None:
        actor, asked, cell = self._actor(), self._asked(), self.opened
        try:
            found, count = await asyncio.to_thread(
                coverage.behind, actor, asked, cell, self.measure, after
            )
        except Refusal:
            self.opened = ""
            return
        told = [_day_row(row, self.measure, self.language) for row in found]
        self.days = [*self.days, *told] if after else told
        self.days_count, self.days_told = count, self._t("coverage.days_told", n=count)
        self.cell_name = await asyncio.to_thread(_name, actor, cell) or self._t(
            "coverage.no_street"
        )


def _name(actor: Actor, text: str) -> str:
    cell = h3.str_to_int(text)
    return coverage.names(actor, [cell], h3.get_resolution(cell)).get(cell, "")


def _into(heard: dict[str, Any]) -> coverage.Tell:
    def tell(share: float) -> None:
        heard["share"] = share
        if heard["stop"]:
            raise Stopped

    return tell


def _date(text: str) -> date | None:
    day = clock.day_of(text)
    return day if day and 2000 <= day.year < 2100 else None


def _bounds(found: rules.Grid) -> list[float]:
    """What the map should show at first: where most of the time was spent, not each far drive."""
    places = [h3.cell_to_latlng(cell) for cell in found.cell.tolist() if cell != rules.NOWHERE]
    if not places:
        return []
    lats, lngs = (sorted(place[n] for place in places) for n in (0, 1))
    low, high = len(places) // 50, len(places) - 1 - len(places) // 50
    return [lats[low], lngs[low], lats[high], lngs[high]]


def _figures(found: rules.Grid, language: str) -> str:
    """The whole period in one line."""
    nowhere = found.silence_s[found.cell == rules.NOWHERE].sum()
    return i18n.t(
        "coverage.figures", language,
        presence=_hours(int(found.presence_s.sum()), language), visits=int(found.done.sum()),
        confirmed=int(found.confirmed.sum()), silence=_hours(int(found.silence_s.sum()), language),
        nowhere=_hours(int(nowhere), language),
    )  # fmt: skip


def _hours(seconds: int, language: str) -> str:
    return i18n.number(round(seconds / 3600, 1), language, 1 if seconds < 360_000 else 0)


def _minutes(seconds: int, language: str) -> str:
    if 0 < seconds < 60:
        return "<1"
    return i18n.number(round(seconds / 60), language) if seconds else ""


def _row(row: CellRow, language: str) -> Row:
    def some(value: int) -> str:
        return i18n.number(value, language) if value else ""

    name = row.name or i18n.t("coverage.no_street", language)
    return Row(
        row.id or NOWHERE, name if row.id else i18n.t("coverage.nowhere", language),
        _minutes(row.presence_s, language), some(row.done), some(row.confirmed),
        _minutes(row.silence_s, language), _stock(row.absent, row.checks, language),
    )  # fmt: skip


def _stock(absent: int, checks: int, language: str) -> str:
    if not checks:
        return ""
    return i18n.t("coverage.stock_told", language, absent=absent, checks=checks)


def _day_row(row: Behind, measure: str, language: str) -> DayRow:
    told = {
        "presence": i18n.t("coverage.minutes", language, n=round(row.presence_s / 60)),
        "silence": i18n.t("coverage.minutes", language, n=round(row.silence_s / 60)),
        "visits": i18n.t("coverage.visits_told", language, n=row.done),
        "confirmed": i18n.t("coverage.visits_told", language, n=row.confirmed),
        "out_of_stock": _stock(row.absent, row.checks, language),
    }
    at = f"&at={row.at_ms}" if row.at_ms else ""
    return DayRow(
        i18n.day(row.day, language, "EEE d MMM"), row.rep_name, told[measure],
        i18n.time_of_day(clock.from_ms(row.at_ms), language) if row.at_ms else "",
        f"/replay?rep={row.rep_id}&day={row.day}{at}",
        f"/visits?visit={row.visit_id}" if row.visit_id else "",
    )  # fmt: skip
