"""All visits as a list: search, filters, order, pages by keyset, export; each opens its evidence."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import reflex as rx

from fieldcrm.clients.model import CATEGORIES
from fieldcrm.components import behaviour
from fieldcrm.components.evidence_drawer import EvidenceView, evidence_body, evidence_view
from fieldcrm.components.icons import glyph
from fieldcrm.components.parts import category
from fieldcrm.components.section import (
    PAGE,
    Choice,
    Column,
    Listing,
    clipped,
    days_between,
    find_box,
    folded,
    list_table,
    loaded,
    narrowing,
    opener,
    options_of,
    row_drawer,
)
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.components.shell import page
from fieldcrm.components.words import words
from fieldcrm.evidence import service as evidence
from fieldcrm.forms import service as forms
from fieldcrm.kit import clock, i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages.list_files import ListFiles, file_tools
from fieldcrm.pages.list_totals import Totals, file_rows, shown_rows
from fieldcrm.pages.manager_rows import day_of
from fieldcrm.pages.visit_answers import (
    AnswerCounts,
    answer_choice,
    answer_panel,
    answers_text,
)
from fieldcrm.people import service as people
from fieldcrm.reports.model import VERDICTS
from fieldcrm.reports.visit_list import actual_text, filters_of
from fieldcrm.visits import service as visits
from fieldcrm.visits.life import life
from fieldcrm.visits.model import VisitFilters
from fieldcrm.visits.saying import outcome_text
from fieldcrm.visits.store import VisitView

FILTERS = ("state", "verdict", "letter", "rep", "team", "first", "last")
SORTS = ("day", "client", "rep", "state", "verdict", "category")
GLYPHS = {"planned": "v-planned", "under_way": "v-now", "closed": "v-done", "missed": "v-missed",
          "cancelled": "v-missed", "moved": "v-moved"}  # fmt: skip


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
    answers: str = ""
    """To the visit's form, in words."""


class Visits(AnswerCounts, ListFiles, Totals, Listing, Desk):
    """The list as the reader has asked for it, and the visit that is open."""

    rows: list[Row] = []
    sort: str = "-day"
    state: str = ""
    verdict: str = ""
    letter: str = ""
    rep: str = ""
    team: str = ""
    first: str = ""
    last: str = ""
    reps: list[Choice] = []
    teams: list[Choice] = []
    visit: EvidenceView = EvidenceView()
    visit_problem: str = ""

    @rx.event
    @allows(DISPATCHING)
    async def load(self):
        """Fill the page; an address may name a visit to open."""
        actor = await self._enter()
        every = await asyncio.to_thread(people.visible_reps, actor, True)
        teams = await asyncio.to_thread(people.list_teams, actor)
        self.reps = [Choice(r.id, r.name) for r in every]
        self.teams = [Choice(t.id, t.name) for t in teams]
        if not self.is_ready:  # facts first, what is planned on request
            self.last = clock.local(clock.now()).date().isoformat()
        address = self.router.url.query_parameters
        if address.get("search"):  # what was searched for may lie ahead
            self.search, self.last = str(address["search"])[:200], ""
        await self._read_questions(actor)
        await self._show()
        await self._read_files()
        asked = address.get("visit", "") or self.opened
        if asked:
            self.opened = str(asked)[:64]
            await self._open(self.opened)

    def _filters(self) -> tuple[str, ...]:
        return FILTERS

    def _sorts(self) -> tuple[str, ...]:
        return SORTS

    async def _fill(self, cursor: str = "") -> None:
        wanted = self._wanted()
        found = await asyncio.to_thread(
            visits.list_visits, self._actor(), wanted, self.sort, PAGE, cursor or None
        )
        read = forms.reader([v.visit.details or {} for v in found.rows], self.language)
        rows = [replace(_row(v, self.language), answers=answers_text(v, read)) for v in found.rows]
        await self._count(wanted)
        self._turn(rows, found.cursor, bool(cursor))
        self._tell_shown(bool(cursor))

    def _wanted(self) -> VisitFilters:
        return filters_of(
            self.search, self.state, self.verdict, self.letter, self.rep, self.team,
            day_of(self.first), day_of(self.last),
        )  # fmt: skip

    def _told_as(self) -> tuple[str, str, str]:
        return "report.listed", "report.listed_of", "report.listed_of_many"

    async def _counter(self) -> Callable[[int], int]:
        return partial(visits.count, self._actor(), self._wanted())

    async def _open(self, row_id: str) -> None:
        self.visit_problem = ""
        try:
            found = await asyncio.to_thread(evidence.explain, self._actor(), row_id, self.language)
        except Refusal as error:
            self.visit_problem, self.visit = self._refusal(error), EvidenceView()
            return
        self.visit = evidence_view(found, self.language)

    def _asked(self) -> tuple[str, dict[str, Any]]:
        asked = {"search": self.search, "state": self.state, "verdict": self.verdict, "category": self.letter,
                 "rep_id": self.rep, "team_id": self.team, "first": self.first, "last": self.last}  # fmt: skip
        return "visits", {k: v for k, v in asked.items() if v}


def _row(view: VisitView, language: str) -> Row:
    v = view.visit
    is_closed = v.state == "closed"
    return Row(
        v.id, i18n.day(v.day, language, "EEE d MMM"), view.rep_name, view.client_name, view.category or "",
        view.place_name or view.address or "", v.state, GLYPHS[v.state],
        i18n.t(f"visits_page.state.{v.state}", language),
        i18n.time_of_day(v.planned_at, language) if v.planned_at else "",
        actual_text(v.checked_in_at, v.closed_at),
        outcome_text(v, language),
        v.verdict if is_closed else "", i18n.t(f"report.{v.verdict}", language) if is_closed else "",
    )  # fmt: skip


# ── the page ─────────────────────────────────────────────────────────────────────────────────────


def visits_page() -> rx.Component:
    """The page."""
    table = list_table(Visits, COLUMNS, "visits_page.title", NONE, "visits_page.list")
    title = rx.el.h2(words("visits_page.title"), class_name="vh")
    body = rx.el.div(
        title, _tools(), answer_panel(Visits), loaded(Visits, table), class_name="ad-b"
    )
    drawer = row_drawer(Visits, "report.visit_and_evidence", Visits.visit_problem, "report.visit_broken",
                        Visits.visit.client, rx.fragment(*evidence_body(Visits.visit)))  # fmt: skip
    return page(
        "/visits", words("visits_page.title"), behaviour.keys(["j", "k", "Escape"], Visits.press),
        rx.el.div(body, drawer, class_name="ad-w"), class_name="ad",
    )  # fmt: skip


def _verdict(row: Any) -> rx.Component:
    shown = rx.el.span(glyph(row.verdict), row.verdict_word, class_name="row nw")
    return rx.cond(row.verdict == "", rx.fragment(), shown)


def _state(row: Any) -> rx.Component:
    return rx.el.span(glyph(row.state_glyph), row.state_word, class_name="row nw")


NONE = ("visits_page.none", "visits_page.none_why")
COLUMNS = [
    Column("report.day", lambda r: r.day, "day", "muted nw"),
    Column("report.client", lambda r: opener(r.client, r.id, Visits), "client"),
    Column("report.category", lambda r: category(r.category), "category"),
    Column("visits_page.place", lambda r: clipped(r.place), class_name="muted xtra"),
    Column("report.rep", lambda r: r.rep, "rep", "nw"),
    Column("visits_page.state", _state, "state"),
    Column("visits_page.planned", lambda r: r.planned, class_name="num muted xtra"),
    Column("visits_page.actual", lambda r: r.actual, class_name="num"),
    Column("report.result", lambda r: clipped(r.result)),
    Column("report.verdict", _verdict, "verdict"),
    Column("form_admin.answers", lambda r: clipped(r.answers), class_name="muted"),
]


def _tools() -> rx.Component:
    states = [rx.el.option(words(f"visits_page.state.{s}"), value=s) for s in life().states]
    verdicts = [rx.el.option(words(f"report.{v}"), value=v) for v in VERDICTS]
    letters = [rx.el.option(letter, value=letter) for letter in CATEGORIES]
    teams = narrowing(Visits, "team", "report.all_teams", options_of(Visits.teams), "report.team")
    return rx.el.div(
        find_box(Visits, "visits_page.find"),
        folded(Visits, rx.cond(Visits.teams.length() > 1, teams, rx.fragment()),
        narrowing(Visits, "rep", "report.all_reps", options_of(Visits.reps), "report.rep"),
        narrowing(Visits, "state", "visits_page.all_states", states, "visits_page.state"),
        narrowing(Visits, "verdict", "visits_page.all_verdicts", verdicts, "report.verdict"),
        narrowing(Visits, "letter", "report.all_categories", letters, "report.category"),
        days_between(Visits), answer_choice(Visits)), shown_rows(Visits, "muted t1 nw end"),
        file_tools(Visits, "xlsx", "csv", told=file_rows(Visits)),
        class_name="row ad-t",
    )  # fmt: skip
