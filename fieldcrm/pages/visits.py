"""All visits as a list: search, filters, order, pages by keyset, export; each opens its evidence."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import reflex as rx

from fieldcrm.components import behaviour
from fieldcrm.components.download import download
from fieldcrm.components.evidence_drawer import EvidenceView, evidence_body, evidence_view
from fieldcrm.components.icons import glyph
from fieldcrm.components.parts import button, category, empty, icon_button
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.components.shell import page
from fieldcrm.components.words import words
from fieldcrm.evidence import service as evidence
from fieldcrm.kit import clock, i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages.admin import loaded, sort_head
from fieldcrm.pages.manager_rows import day_of
from fieldcrm.people import service as people
from fieldcrm.reports.model import VERDICTS
from fieldcrm.reports.visit_list import actual_text, filters_of
from fieldcrm.visits import service as visits
from fieldcrm.visits.life import life
from fieldcrm.visits.store import VisitView

PAGE = 60
SORTS = ("day", "client", "rep", "state", "verdict", "category")
GLYPHS = {"planned": "v-planned", "under_way": "v-now", "closed": "v-done", "missed": "v-missed",
          "cancelled": "v-missed", "moved": "v-moved"}  # fmt: skip


@dataclass
class Choice:
    """An option of a select."""

    value: str
    text: str


@dataclass
class Row:
    """A visit as the table shows it."""

    id: str
    day: str
    rep: str
    client: str
    category: str
    place: str
    state: str
    state_glyph: str
    state_word: str
    planned: str
    actual: str
    result: str
    verdict: str
    verdict_word: str


class Visits(Desk):
    """The list as the reader has asked for it, and the visit that is open."""

    is_ready: bool = False
    is_broken: bool = False
    problem: str = ""
    rows: list[Row] = []
    search: str = ""
    state: str = ""
    verdict: str = ""
    letter: str = ""
    rep: str = ""
    team: str = ""
    first: str = ""
    last: str = ""
    sort: str = "-day"
    has_more: bool = False
    shown: str = ""
    reps: list[Choice] = []
    teams: list[Choice] = []
    opened: str = ""
    visit: EvidenceView = EvidenceView()
    visit_problem: str = ""
    _cursor: str = ""

    @rx.event
    @allows(DISPATCHING)
    async def load(self):
        """Fill the page."""
        actor = await self._enter()
        every = await asyncio.to_thread(people.visible_reps, actor, True)
        self.reps = [Choice(r.id, r.name) for r in every]
        if not self.is_ready:  # facts first, what is planned on request
            self.last = clock.local(clock.now()).date().isoformat()
        self.teams = [
            Choice(t.id, t.name) for t in await asyncio.to_thread(people.list_teams, actor)
        ]
        await self._fill()
        if self.opened:
            await self._explain(self.opened)

    @rx.event
    @allows(DISPATCHING)
    async def reload(self):
        """Try again."""
        await self._fill()

    @rx.event
    @allows(DISPATCHING)
    async def narrow(self, name: str, value: str):
        """Set one filter; an unknown value counts as none."""
        if name in ("search", "state", "verdict", "letter", "rep", "team", "first", "last"):
            setattr(self, name, str(value)[:200])
            await self._fill()

    @rx.event
    @allows(DISPATCHING)
    async def clear(self):
        """Everything one may see."""
        self.search = self.state = self.verdict = self.letter = self.rep = self.team = ""
        self.first = self.last = ""
        await self._fill()

    @rx.event
    @allows(DISPATCHING)
    async def sort_by(self, name: str):
        """By a column; again turns it round."""
        if name in SORTS:
            self.sort = f"-{name}" if self.sort == name else name
            await self._fill()

    @rx.event
    @allows(DISPATCHING)
    async def more(self):
        """The next page."""
        if self.has_more:
            await self._fill(self._cursor)

    @rx.event
    @allows(DISPATCHING)
    async def open(self, visit_id: str):
        """A visit's evidence."""
        await self._explain(visit_id)

    @rx.event
    @allows(DISPATCHING)
    def close(self):
        """Away with the drawer."""
        self.opened = ""

    @rx.event
    @allows(DISPATCHING)
    async def press(self, key: str):
        """J and K: the visit below and above; Escape: close."""
        if key == "Escape":
            self.opened = ""
        ids = [r.id for r in self.rows]
        if self.opened in ids and key in ("j", "k"):
            n = ids.index(self.opened) + (1 if key == "j" else -1)
            if 0 <= n < len(ids):
                await self._explain(ids[n])

    async def _fill(self, cursor: str = "") -> None:
        wanted = filters_of(
            self.search, self.state, self.verdict, self.letter, self.rep, self.team,
            day_of(self.first), day_of(self.last),
        )  # fmt: skip
        try:
            found = await asyncio.to_thread(
                visits.list_visits, self._actor(), wanted, self.sort, PAGE, cursor or None
            )
        except Refusal as error:
            self.problem, self.is_broken, self.is_ready = self._refusal(error), True, True
            return
        told = [_row(v, self.language) for v in found.rows]
        self.rows = [*self.rows, *told] if cursor else told
        self._cursor, self.has_more = found.cursor or "", found.cursor is not None
        self.shown = self._t("report.listed", n=len(self.rows), more="+" if self.has_more else "")
        self.is_ready, self.is_broken = True, False

    async def _explain(self, visit_id: str) -> None:
        self.opened, self.visit_problem = visit_id, ""
        try:
            found = await asyncio.to_thread(
                evidence.explain, self._actor(), visit_id, self.language
            )
        except Refusal as error:
            self.visit_problem, self.visit = self._refusal(error), EvidenceView()
            return
        self.visit = evidence_view(found, self.language)

    @rx.var
    def export_url(self) -> str:
        """The same list as a file."""
        asked = {"search": self.search, "state": self.state, "verdict": self.verdict, "category": self.letter,
                 "rep_id": self.rep, "team_id": self.team, "first": self.first, "last": self.last,
                 "language": self.language}  # fmt: skip
        return f"/api/v1/reports/visits.xlsx?{urlencode({k: v for k, v in asked.items() if v})}"


def _row(view: VisitView, language: str) -> Row:
    v = view.visit
    is_closed = v.state == "closed"
    return Row(
        v.id, i18n.day(v.day, language, "EEE d MMM"), view.rep_name, view.client_name, view.category or "",
        view.place_name or view.address or "", v.state, GLYPHS[v.state],
        i18n.t(f"visits_page.state.{v.state}", language),
        i18n.time_of_day(v.planned_at, language) if v.planned_at else "",
        actual_text(v.checked_in_at, v.closed_at),
        i18n.t(f"report.result.{v.result}", language) if v.result else "",
        v.verdict if is_closed else "", i18n.t(f"report.{v.verdict}", language) if is_closed else "",
    )  # fmt: skip


# ── the page ─────────────────────────────────────────────────────────────────────────────────────


def visits_page() -> rx.Component:
    """The page."""
    drawer = rx.cond(Visits.opened != "", _drawer(), rx.fragment())
    return page(
        "/visits", words("visits_page.title"), behaviour.keys(["j", "k", "Escape"], Visits.press),
        rx.el.div(rx.el.div(rx.el.h2(words("visits_page.title"), class_name="vh"), _tools(), loaded(Visits, _table()), class_name="ad-b"), drawer, class_name="ad-w"),
        class_name="ad",
    )  # fmt: skip


def _select(name: str, value: Any, every: str, options: list[Any], label: str) -> rx.Component:
    return rx.el.select(
        rx.el.option(words(every), value=""), *options, value=value,
        on_change=lambda chosen: Visits.narrow(name, chosen), class_name="input sm pick", aria_label=words(label),
    )  # fmt: skip


def _tools() -> rx.Component:
    def day(name: str, value: Any, label: str) -> rx.Component:
        return rx.el.input(type="date", class_name="input sm day", value=value, aria_label=words(label),
                           on_change=lambda chosen: Visits.narrow(name, chosen))  # fmt: skip

    def listed(options: Any) -> list[Any]:
        return [rx.foreach(options, lambda o: rx.el.option(o.text, value=o.value))]

    search = rx.el.input(
        type="search", class_name="input sm ad-find", placeholder=words("visits_page.find"), value=Visits.search,
        aria_label=words("visits_page.find"), on_change=lambda t: Visits.narrow("search", t).debounce(250),
    )  # fmt: skip
    states = [rx.el.option(words(f"visits_page.state.{s}"), value=s) for s in life().states]
    verdicts = [rx.el.option(words(f"report.{v}"), value=v) for v in VERDICTS]
    letters = [rx.el.option(letter, value=letter) for letter in "ABC"]
    teams = _select("team", Visits.team, "report.all_teams", listed(Visits.teams), "report.team")
    return rx.el.div(
        search, rx.cond(Visits.teams.length() > 1, teams, rx.fragment()),
        _select("rep", Visits.rep, "report.all_reps", listed(Visits.reps), "report.rep"),
        _select("state", Visits.state, "visits_page.all_states", states, "visits_page.state"),
        _select("verdict", Visits.verdict, "visits_page.all_verdicts", verdicts, "report.verdict"),
        _select("letter", Visits.letter, "report.all_categories", letters, "report.category"),
        day("first", Visits.first, "admin.from_day"), rx.el.span("–", class_name="faint", aria_hidden="true"),
        day("last", Visits.last, "admin.to_day"), rx.el.span(Visits.shown, class_name="muted t1 nw"),
        rx.el.span(class_name="sp"),
        download(words("report.export"), Visits.export_url),
        class_name="row ad-t",
    )  # fmt: skip


def _table() -> rx.Component:
    def head(key: str, name: str) -> rx.Component:
        return sort_head(words(key), name, Visits)

    def plain(key: str, name: str = "") -> rx.Component:
        return rx.el.th(words(key), scope="col", class_name=name)

    rows = rx.el.table(
        rx.el.thead(rx.el.tr(
            head("report.day", "day"), head("report.client", "client"), head("report.category", "category"),
            plain("visits_page.place", "xtra"), head("report.rep", "rep"), head("visits_page.state", "state"),
            plain("visits_page.planned", "num xtra"), plain("visits_page.actual", "num"), plain("report.result"),
            head("report.verdict", "verdict"),
        )),
        rx.el.tbody(rx.foreach(Visits.rows, _line)), class_name="tbl tight", aria_label=words("visits_page.title"),
    )  # fmt: skip
    more = rx.cond(Visits.has_more, rx.el.div(button(words("report.more"), small=True, on_click=Visits.more),
                                              class_name="sec"), rx.fragment())  # fmt: skip
    none = empty("no_match", words("visits_page.none"), words("visits_page.none_why"),
                 button(words("report.clear_filters"), small=True, on_click=Visits.clear))  # fmt: skip
    return rx.el.section(
        rx.cond(Visits.rows.length() > 0,
                rx.el.div(rows, more, class_name="scr", tab_index=0, role="region",
                          aria_label=words("visits_page.list")), none),
        class_name="card ad-c",
    )  # fmt: skip


def _line(row: Any) -> rx.Component:
    verdict = rx.cond(
        row.verdict == "", rx.fragment(),
        rx.el.span(glyph(row.verdict), row.verdict_word, class_name="row nw"),
    )  # fmt: skip
    return rx.el.tr(
        rx.el.td(row.day, class_name="muted nw"),
        rx.el.td(rx.el.button(row.client, type="button", class_name="way med el cell-l", title=row.client,
                              on_click=Visits.open(row.id))),
        rx.el.td(category(row.category)),
        rx.el.td(rx.el.div(row.place, class_name="el cell-l", title=row.place), class_name="muted xtra"),
        rx.el.td(row.rep, class_name="nw"),
        rx.el.td(rx.el.span(glyph(row.state_glyph), row.state_word, class_name="row nw")),
        rx.el.td(row.planned, class_name="num muted xtra"), rx.el.td(row.actual, class_name="num"),
        rx.el.td(row.result, class_name="nw"), rx.el.td(verdict),
        aria_selected=rx.cond(Visits.opened == row.id, "true", "false"),
    )  # fmt: skip


def _drawer() -> rx.Component:
    head = rx.el.div(
        rx.el.h2(words("report.visit_and_evidence"), class_name="el"), rx.el.span(class_name="sp"),
        icon_button("arrow-up", words("report.previous"), on_click=Visits.press("k")),
        icon_button("arrow-down", words("report.next"), on_click=Visits.press("j")),
        icon_button("x", words("desk.close"), on_click=Visits.close), class_name="sec-h",
    )  # fmt: skip
    broken = empty("broken", words("report.visit_broken"), Visits.visit_problem)
    return rx.el.aside(
        head,
        rx.el.div(rx.cond(Visits.visit_problem != "", broken, rx.fragment(*evidence_body(Visits.visit))),
                  class_name="dr-b", tab_index=0, role="region", aria_label=Visits.visit.client),
        class_name="drawer", aria_label=words("report.visit_and_evidence"),
    )  # fmt: skip
