"""What the page of quality knows: the list, the card that is open, the sums, the runs."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field
from typing import Any

from fieldcrm.clients import service as clients
from fieldcrm.clients.model import CATEGORIES
from fieldcrm.components.alerts import Toast
from fieldcrm.components.messages import Messages
from fieldcrm.components.section import PAGE, Choice, Listing
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.kit import i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.kit.standing import UNDER_WAY
from fieldcrm.pages.list_files import ListFiles
from fieldcrm.pages.quality_runs import Runs
from fieldcrm.people import service as people
from fieldcrm.people.model import Role
from fieldcrm.quality import checking, pinning, service, words
from fieldcrm.quality.checking import Report
from fieldcrm.quality.model import CardFilters, Code
from fieldcrm.quality.service import Standing
from fieldcrm.quality.store import Row as Judged
from fieldcrm.quality.tables import QualityRun

import reflex as rx  # isort: skip

TABS = ("fix", "whole", "pins", "place", "runs", "rules")
FILTERS = ("code", "category", "territory", "rep")
SORTS = ("value", "score", "name", "category")
GOOD, POOR = 85, 60
"""Scores from which a card is well kept, and below which it is not."""


@dataclass
class Row:
    """A card as the table shows it."""

    id: str
    name: str
    category: str
    score: str
    tone: str
    why: str
    territory: str
    owner: str
    next_visit: str


@dataclass
class Line:
    """Something wrong with the open card, and what putting it right is worth."""

    text: str
    points: str


@dataclass
class Card:
    """The open card."""

    id: str = ""
    name: str = ""
    address: str = ""
    phone: str = ""
    hours: str = ""
    score: str = ""
    tone: str = ""
    checked: str = ""
    lines: list[Line] = field(default_factory=list)


@dataclass
class Place:
    """A territory or an owner in the sums."""

    id: str
    name: str
    owner: str
    clients: str
    score: str
    percent: int
    tone: str
    worst: str


@dataclass
class Count:
    """How many cards have a finding; choosing it narrows the list."""

    code: str
    text: str
    n: str


@dataclass
class RunLine:
    """A finding before and after a run."""

    text: str
    before: str
    now: str
    cleared: str
    appeared: str


@dataclass
class RunRow:
    """A run as the list shows it."""

    id: str
    at: str
    by: str
    status: str
    status_word: str
    clients: str
    score: str
    change: str
    pins: str
    lines: list[RunLine] = field(default_factory=list)


class Quality(Runs, ListFiles, Listing, Desk):
    """The page's tab, its list and runs."""

    tab: str = "fix"
    rows: list[Row] = []
    sort: str = "-value"
    code: str = ""
    category: str = ""
    territory: str = ""
    rep: str = ""
    territories: list[Choice] = []
    owners: list[Choice] = []
    card: Card = Card()
    card_problem: str = ""
    refused: str = ""
    whole: Place = Place("", "", "", "", "", 0, "", "")
    counts: list[Count] = []
    places: list[Place] = []
    holders: list[Place] = []
    runs: list[RunRow] = []
    shown_run: str = ""
    run_said: str = ""
    run_percent: int = 0
    waiting_pins: str = ""
    may_run: bool = False

    @rx.event
    @allows(DISPATCHING)
    async def load(self):
        """Fill the page; an address may name a tab, a client to open, a finding to narrow to."""
        actor = await self._enter()
        self.may_run = actor.role is Role.admin
        asked = self.router.url.query_parameters
        tab, code = str(asked.get("tab", "") or self.tab), str(asked.get("code", "") or self.code)
        self.tab = tab if tab in TABS and (tab != "rules" or self.may_run) else "fix"
        self.code = code if code in Code else ""
        every = await asyncio.to_thread(clients.list_territories, actor)
        self.territories = [Choice(t.id, t.name) for t in every]
        reps = await asyncio.to_thread(people.visible_reps, actor)
        self.owners = [Choice(r.id, r.name) for r in reps]
        await self._show()
        await self._look()
        await self._read_files()
        if named := str(asked.get("client", ""))[:64] or self.opened:
            self.opened = named
            await self._open(named)

    def _filters(self) -> tuple[str, ...]:
        return FILTERS

    def _sorts(self) -> tuple[str, ...]:
        return SORTS

    def _wanted(self) -> CardFilters:
        return CardFilters(
            self.search, self.code if self.code in Code else "",
            self.category if self.category in CATEGORIES else "", self.territory[:64], self.rep[:64],
        )  # fmt: skip

    async def _fill(self, cursor: str = "") -> None:
        actor = self._actor()
        found = await asyncio.to_thread(
            service.page, actor, self._wanted(), self.sort, PAGE, cursor or None
        )
        self._turn([_row(r, self.language) for r in found.rows], found.cursor, bool(cursor))
        plus = "+" if self.has_more else ""
        self.shown = self._t("quality.listed", n=len(self.rows), more=plus)
        if self.tab == "whole":  # all cards are added up for it
            self._tell_sums(await asyncio.to_thread(service.summary, actor))

    def _tell_sums(self, summed: service.Summary) -> None:
        language = self.language
        whole = Standing("", "", "", summed.clients, summed.score, summed.counts)
        self.whole = _place(whole, language)
        self.counts = [
            Count(c.value, words.label(c, language), i18n.number(n, language))
            for c, n in sorted(summed.counts.items(), key=lambda item: -item[1])
            if n
        ]
        self.places = [_place(s, language) for s in summed.territories]
        self.holders = [_place(s, language) for s in summed.owners]

    async def _open(self, row_id: str) -> None:
        self.card_problem, self.refused = "", ""
        try:
            found = await asyncio.to_thread(service.one, self._actor(), row_id)
        except Refusal as error:
            self.card, self.card_problem = Card(), self._refusal(error)
            return
        self.card = _card(found, self.language)

    @rx.event
    @allows(DISPATCHING)
    async def confirm(self):
        """The open card was looked at and is right as it stands."""
        try:
            found = await asyncio.to_thread(service.confirm, self._actor(), self.card.id)
        except Refusal as error:
            self.refused = self._refusal(error)
            return
        self.card = _card(found, self.language)
        messages = await self.get_state(Messages)
        messages._say(Toast("quality", "ok", "confirmed", self._t("quality.confirmed")))
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def strike(self, key: str):
        """C: the open card is right."""
        if key == "c" and self.opened and self.tab == "fix":
            return Quality.confirm
        return None

    @rx.event
    @allows(DISPATCHING)
    async def choose(self, tab: str):
        """Another part of the page."""
        if tab in TABS and (tab != "rules" or self.may_run):
            self.tab, self.opened = tab, ""
            await self._show()
            await self._look()

    @rx.event
    @allows(DISPATCHING)
    async def only(self, code: str):
        """The list of cards with one finding."""
        if code in Code:
            self.tab, self.code = "fix", code
            await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def within(self, name: str, row_id: str):
        """The list of one territory's or owner's cards."""
        if name in ("territory", "rep"):
            self.tab, self.territory, self.rep = "fix", "", ""
            setattr(self, name, str(row_id)[:64])
            await self._show()

    # ---- runs ----

    def _asks(self) -> Any:
        return checking.ask

    def _say_refused(self, text: str) -> None:
        self.refused = text

    async def _look(self) -> None:
        actor, language = self._actor(), self.language
        found = await asyncio.to_thread(checking.reports, actor)
        self.waiting_pins = i18n.number(
            await asyncio.to_thread(pinning.count_open, actor), language
        )
        self.runs = [_run(r, language) for r in found]
        if self.shown_run not in {r.id for r in self.runs}:
            self.shown_run = self.runs[0].id if self.runs else ""
        newest = found[0].run if found else None
        self._keep_run(newest)
        self.run_percent = round(100 * newest.progress) if newest else 0
        self.run_said = self._said(newest)

    def _said(self, newest: QualityRun | None) -> str:
        if newest is None:
            return self._t("quality.never")
        if newest.status in UNDER_WAY:
            return self._t("quality.under_way", percent=self.run_percent)
        at = i18n.moment(newest.finished_at or newest.asked_at, self.language)
        return self._t("quality.last", at=at, status=self._t(f"quality.status.{newest.status}"))

    @rx.event
    @allows(DISPATCHING)
    async def watch(self):
        """How far the run is; the list anew once it is over."""
        await self._look()
        if not self.is_running:
            await self._show()

    @rx.event
    @allows(DISPATCHING)
    def show_run(self, run_id: str):
        """What a run found."""
        self.shown_run = str(run_id)[:64]

    def _asked(self) -> tuple[str, dict[str, Any]]:
        wanted = self._wanted()
        return "quality", {k: v for k, v in asdict(wanted).items() if v} | {"sort": self.sort}

    @rx.var
    def is_unchecked(self) -> bool:
        """Whether nothing is listed because no check of the base has come to its end yet."""
        return not self.rows and all(run.status != "done" for run in self.runs)


def tone_of(score: float) -> str:
    """How a score looks: ok, warn, err."""
    return "ok" if score >= GOOD else "warn" if score >= POOR else "err"


def _row(found: Judged, language: str) -> Row:
    q, c = found.quality, found.client
    visit = i18n.day(q.next_visit_on, language, "EEE d MMM") if q.next_visit_on else ""
    return Row(
        c.id, c.name, c.category or "", str(q.score), tone_of(q.score),
        words.why(service.findings_of(found), language), found.territory or "", found.owner or "", visit,
    )  # fmt: skip


def _card(found: Judged, language: str) -> Card:
    q, c = found.quality, found.client
    lines = [
        Line(words.finding(f, language), f"+{i18n.number(f.points, language)}")
        for f in service.findings_of(found)
    ]
    return Card(
        c.id, c.name, ", ".join(t for t in (c.address, c.city) if t), c.phone or "", c.opening_hours or "",
        str(q.score), tone_of(q.score), i18n.moment(q.checked_at, language), lines,
    )  # fmt: skip


def _place(s: Standing, language: str) -> Place:
    return Place(
        s.id, s.name or i18n.t("quality.nobody", language), s.owner, i18n.number(s.clients, language),
        i18n.number(s.score, language, 1), round(s.score), tone_of(s.score),
        words.label(s.worst, language) if s.worst else "",
    )  # fmt: skip


def _run(report: Report, language: str) -> RunRow:
    run = report.run
    score = i18n.number(report.score, language, 1) if report.score is not None else "—"
    change = ""
    if report.score is not None and report.score_before is not None:
        by = report.score - report.score_before
        change = ("+" if by > 0 else "−" if by < 0 else "±") + i18n.number(abs(by), language, 1)
    return RunRow(
        run.id, i18n.moment(run.asked_at, language, "d MMM y HH:mm"),
        report.asked_by or i18n.t("quality.by_itself", language), run.status,
        i18n.t(f"quality.status.{run.status}", language), i18n.number(report.clients, language), score,
        change, i18n.number(report.pins, language), [_line(line, language) for line in report.lines],
    )  # fmt: skip


def _line(line: Any, language: str) -> RunLine:
    return RunLine(
        words.label(line.code, language),
        *(i18n.number(n, language) for n in (line.before, line.now, line.cleared, line.appeared)),
    )
