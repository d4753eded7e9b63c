"""What the manager's page knows and does: the period, the report, lists behind numbers, a visit."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import reflex as rx

from fieldcrm.clients.export_forms import AT_ONCE_MOST
from fieldcrm.components.evidence_drawer import EvidenceView, evidence_view
from fieldcrm.components.session import MANAGING, Desk, allows
from fieldcrm.evidence import service as evidence
from fieldcrm.kit import i18n, ids
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages import manager_rows as rows
from fieldcrm.pages.list_files import ListFiles
from fieldcrm.pages.manager_rows import Bar, Card, Hex, Lacking, Listed, TableRow
from fieldcrm.people.model import Actor
from fieldcrm.reports import service
from fieldcrm.reports.model import Filters, GroupBy, Indicator, Period, PeriodKind, Report
from fieldcrm.reports.workbook import span_text

SUSPECT = "suspect"


class Manager(ListFiles, Desk):
    """Plan against actual as the reader has asked for it."""

    kind: str = "month"
    anchor: str = ""
    """A day of the period shown (ISO); empty is today."""
    by: str = "rep"
    team: str = ""
    rep: str = ""
    category: str = ""
    territory: str = ""
    teams: list[dict[str, str]] = []
    reps: list[dict[str, str]] = []
    territories: list[dict[str, str]] = []

    is_ready: bool = False
    is_busy: bool = False
    problem: str = ""
    span: str = ""
    month_word: str = ""
    work_days: str = ""
    cards: list[Card] = []
    small: list[Card] = []
    bars: list[Bar] = []
    hexes: list[Hex] = []
    gap_most: str = "0"
    lines: list[TableRow] = []
    total: TableRow = TableRow("", "", "", "", 0, 0, [], [], rows.Counts())
    has_visits: bool = False
    is_last: bool = True
    """The period holds today or lies ahead: there is nothing later to show."""
    as_table: bool = False
    export_url: str = ""
    is_long: bool = False
    """More visits than a workbook is written of while the reader waits."""

    _starts_on: str = ""
    opened: str = ""
    """The line whose suspect visits show below it."""
    sub: list[Listed] = []
    sub_more: str = ""

    drawer: str = ""
    """list, visit or empty."""
    list_title: str = ""
    list_note: str = ""
    list_tab: str = "visits"
    listed: list[Listed] = []
    lacking: list[Lacking] = []
    lacking_count: str = ""
    list_cursor: str = ""
    list_busy: bool = False
    visit: EvidenceView = EvidenceView()
    visit_problem: str = ""
    place: str = ""
    came_from: str = ""
    """list or table: where the visits before and after are."""
    _list_of: list[str] = []
    _parts: dict[str, str] = {}
    """What each number is made of, by `indicator|line`."""
    _around: list[str] = []

    # ---- the report ----

    @rx.event
    @allows(MANAGING)
    async def load(self):
        """Fill the page; again after a switch of language."""
        actor = await self._enter()
        chosen = await asyncio.to_thread(service.choices, actor)
        self.teams, self.reps = rows.as_choices(chosen.teams), rows.as_choices(chosen.reps)
        self.territories = rows.as_choices(chosen.territories)
        yield
        await self._show(actor)
        await self._read_files()
        if self.visit.id and self.drawer == "visit":
            await self._explain(actor, self.visit.id)

    @rx.event
    @allows(MANAGING)
    async def reload(self):
        """Try again."""
        await self._show(self._actor())

    @rx.event
    @allows(MANAGING)
    async def choose_kind(self, kind: str):
        """Week, month or cycle, around the day shown."""
        if kind in PeriodKind and kind != self.kind:
            self.kind = kind
            await self._show_anew()

    @rx.event
    @allows(MANAGING)
    async def step(self, forward: bool):
        """The period before or after."""
        period = await asyncio.to_thread(self._period, self._actor())
        day = (
            period.ends_on + timedelta(days=1) if forward else period.starts_on - timedelta(days=1)
        )
        if 2000 < day.year < 2100:
            self.anchor = day.isoformat()
            await self._show_anew()

    @rx.event
    @allows(MANAGING)
    async def back_to_now(self):
        """The period that holds today."""
        self.anchor = ""
        await self._show_anew()

    @rx.event
    @allows(MANAGING)
    async def choose_group(self, by: str):
        """Lines by team, rep, day or category."""
        if by in GroupBy and by != self.by:
            self.by, self.opened = by, ""
            await self._show(self._actor())

    @rx.event
    @allows(MANAGING)
    async def filter_team(self, team_id: str):
        """One team, or all."""
        self.team, self.rep = _id(team_id), ""
        await self._show_anew()

    @rx.event
    @allows(MANAGING)
    async def filter_rep(self, rep_id: str):
        """One rep, or all."""
        self.rep = _id(rep_id)
        await self._show_anew()

    @rx.event
    @allows(MANAGING)
    async def filter_territory(self, territory_id: str):
        """One territory, or all."""
        self.territory = _id(territory_id)
        await self._show_anew()

    @rx.event
    @allows(MANAGING)
    async def filter_category(self, category: str):
        """One category of clients, or all."""
        self.category = category if category in service.CATEGORIES else ""
        await self._show_anew()

    @rx.event
    @allows(MANAGING)
    async def clear_filters(self):
        """Everything one may see."""
        self.team = self.rep = self.territory = self.category = ""
        await self._show_anew()

    @rx.event
    @allows(MANAGING)
    def switch_view(self):
        """The chart as a table, and back."""
        self.as_table = not self.as_table

    async def _show_anew(self) -> None:
        self.opened, self.drawer = "", ""
        await self._show(self._actor())

    async def _show(self, actor: Actor) -> None:
        try:
            report = await asyncio.to_thread(self._report, actor)
        except Refusal as error:
            self.problem, self.is_ready = self._refusal(error), True
            return
        self._fill(report)
        if self.opened:
            await self._open_line(actor, self.opened)

    def _report(self, actor: Actor) -> Report:
        return service.plan_vs_actual(actor, self._period(actor), self._filters(), GroupBy(self.by))

    def _period(self, actor: Actor) -> Period:
        return service.period(actor, PeriodKind(self.kind), rows.day_of(self.anchor), self.team)

    def _filters(self) -> Filters:
        def one(value: str) -> tuple[str, ...]:
            return (value,) if value else ()

        return Filters(one(self.team), one(self.rep), one(self.category), one(self.territory))

    def _fill(self, report: Report) -> None:
        lang, period = self.language, report.period
        self.problem, self.is_ready = "", True
        self.span = span_text(period, lang)
        self.month_word = _month_word(period, lang)
        key = "report.days_passed" if period.is_under_way else "report.days_whole"
        self.work_days = self._t(key, passed=report.work_days_passed, n=report.work_days)
        self.is_last = period.until < period.ends_on
        self.cards = rows.cards(report, rows.CARDS, lang)
        self.small = rows.cards(report, rows.SMALL, lang)
        self.bars = rows.bars(report.days, lang)
        self.hexes = rows.hexes(report.gaps, lang)
        self.gap_most = i18n.number(max((g.missing for g in report.gaps), default=0), lang)
        self.lines = rows.table_rows(report, GroupBy(self.by), lang)
        self.total = rows.table_row(
            report.total, self._t("report.total"), 1, rows.passed_share(report), lang
        )
        self._parts = rows.all_parts(report, lang)
        self.has_visits = bool(report.total.planned or report.total.closed.closed)
        self.is_long = report.total.closed.closed > AT_ONCE_MOST
        self._starts_on = period.starts_on.isoformat()
        given = urlencode(self._asked()[1] | {"language": self.language})
        self.export_url = f"/api/v1/reports/plan-vs-actual.xlsx?{given}"

    def _asked(self) -> tuple[str, dict[str, Any]]:
        asked = {"period": self.kind, "day": self._starts_on, "team_id": self.team,
                 "rep_id": self.rep, "territory_id": self.territory, "category": self.category}  # fmt: skip
        return "plan_vs_actual", {k: v for k, v in asked.items() if v}

    # ---- lines open in place ----

    @rx.event
    @allows(MANAGING)
    async def toggle_line(self, key: str):
        """Show or hide the doubtful and contradicted visits of a line."""
        if key == self.opened:
            self.opened = ""
            return
        await self._open_line(self._actor(), key)

    async def _open_line(self, actor: Actor, key: str) -> None:
        found = await asyncio.to_thread(self._behind, actor, SUSPECT, key, 8, None)
        self.sub = rows.listed(found.rows, self.language)
        self.sub_more = self._t("report.all_suspect") if found.cursor else ""
        self.opened = key

    def _behind(self, actor: Actor, what: str, key: str, limit: int, cursor: str | None):
        return service.visits_behind(
            actor, what, self._period(actor), self._filters(), GroupBy(self.by), key, limit, cursor,
            self.language,
        )  # fmt: skip

    # ---- lists behind numbers ----

    @rx.event
    @allows(MANAGING)
    async def drill(self, what: str, key: str):
        """The visits behind a number of a line (empty key: of the total)."""
        self.list_tab, self.listed, self.lacking = "visits", [], []
        self._list_of = [what, key]
        self.list_title, self.list_note = self._title(what, key), ""
        self.drawer, self.list_busy = "list", True
        yield
        await self._list(self._actor())

    @rx.event
    @allows(MANAGING)
    async def drill_day(self, day: str):
        """A day's visits, from the chart."""
        if rows.day_of(day) is None:
            return
        self.by, self.opened = "day", ""
        await self._show(self._actor())
        yield Manager.drill("closed", day)

    @rx.event
    @allows(MANAGING)
    async def more(self):
        """The next page of the list."""
        if self.list_cursor:
            await self._list(self._actor(), self.list_cursor)

    @rx.event
    @allows(MANAGING)
    def show_tab(self, tab: str):
        """Visits that are there, or clients that lack some."""
        self.list_tab = "lacking" if tab == "lacking" else "visits"

    async def _list(self, actor: Actor, cursor: str | None = None) -> None:
        what, key = self._list_of
        try:
            found = await asyncio.to_thread(self._behind, actor, what, key, service.PAGE, cursor)
        except Refusal as error:
            self.list_note, self.list_busy = self._refusal(error), False
            return
        told = rows.listed(found.rows, self.language)
        self.listed = [*self.listed, *told] if cursor else told
        if not cursor:
            self.lacking = rows.lacking(found.gaps, self.language)
            self.lacking_count = i18n.number(len(self.lacking), self.language)
        self.list_cursor, self.list_busy = found.cursor or "", False
        counted = self._t("report.listed", n=len(self.listed), more="+" if self.list_cursor else "")
        self.list_note = self._parts.get(f"{what}|{key}", "") or counted

    def _title(self, what: str, key: str) -> str:
        name = self._t(f"report.{what}") if what in KNOWN else ""
        line = next((x.name for x in self.lines if x.key == key), "") if key else ""
        return " · ".join(t for t in (name, line) if t)

    # ---- a visit ----

    @rx.event
    @allows(MANAGING)
    async def open_listed(self, visit_id: str):
        """A visit of the list."""
        self._around, self.came_from = [r.id for r in self.listed], "list"
        await self._explain(self._actor(), visit_id)

    @rx.event
    @allows(MANAGING)
    async def open_sub(self, visit_id: str):
        """A suspect visit of an open line."""
        self._around, self.came_from = [r.id for r in self.sub], "table"
        await self._explain(self._actor(), visit_id)

    @rx.event
    @allows(MANAGING)
    async def neighbour(self, step: int):
        """The visit before or after in the list it came from."""
        if self.visit.id in self._around:
            n = self._around.index(self.visit.id) + (1 if step > 0 else -1)
            if 0 <= n < len(self._around):
                await self._explain(self._actor(), self._around[n])

    @rx.event
    @allows(MANAGING)
    def close_drawer(self):
        """Back to the list a visit came from, else away."""
        is_listed = self.drawer == "visit" and self.came_from == "list"
        self.drawer = "list" if is_listed else ""

    @rx.event
    @allows(MANAGING)
    def shut_drawer(self):
        """Away at once."""
        self.drawer = ""

    @rx.event
    @allows(MANAGING)
    async def press(self, key: str):
        """J and K: next and previous visit; Escape: back."""
        if self.drawer == "visit" and key in ("j", "k"):
            return Manager.neighbour(1 if key == "j" else -1)
        if key == "Escape" and self.drawer:
            return Manager.close_drawer
        return None

    async def _explain(self, actor: Actor, visit_id: str) -> None:
        self.drawer, self.visit_problem = "visit", ""
        try:
            found = await asyncio.to_thread(evidence.explain, actor, visit_id, self.language)
        except Refusal as error:
            self.visit_problem, self.visit = self._refusal(error), EvidenceView()
            return
        self.visit = evidence_view(found, self.language)
        n = self._around.index(visit_id) + 1 if visit_id in self._around else 1
        self.place = self._t("report.nth_of", nth=n, n=max(len(self._around), 1))


KNOWN = {*(i.value for i in Indicator), "planned", "closed", SUSPECT, "confirmed", "doubtful",
         "contradicted", "unjudged"}  # fmt: skip


def _id(value: str) -> str:
    return value if ids.is_id(value) else ""


def _month_word(period: Period, language: str) -> str:
    """The month's own name on its switch, as the reader would say it."""
    middle = period.starts_on + (period.ends_on - period.starts_on) / 2
    same_year = period.starts_on.year == date.today().year
    word = i18n.day(middle, language, "LLLL" if same_year else "LLLL y")
    return word[:1].upper() + word[1:]
