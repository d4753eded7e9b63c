"""State of the what-if page: a question about a team, its scenarios, and one that is being put together."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportCallIssue=false, reportArgumentType=false

from __future__ import annotations

import asyncio
from datetime import timedelta

import reflex as rx

from fieldcrm.components.section import Choice, Section
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.kit import clock, i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages import what_if_rows as shown
from fieldcrm.pages.what_if_borders import Borders
from fieldcrm.pages.what_if_rows import Area, Column, Row, Territory
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor
from fieldcrm.planning import whatif, whatif_rules
from fieldcrm.planning.whatif_model import (
    ADD_REP,
    CALM,
    CELLS_MOST,
    FREQUENCY,
    GIVE_CELLS,
    KINDS,
    LOSE_REP,
    Assumptions,
    BadScenario,
    Change,
)

USUAL_WEEKS = 4
TYPED_MOST = 12


class WhatIfPage(Borders, Section, Desk):
    """What the page shows."""

    teams: list[Choice] = []
    team: str = ""
    first: str = ""
    weeks: int = USUAL_WEEKS
    most: str = "12"
    month: str = "3000"
    km: str = "0.30"
    earlier: list[Choice] = []
    refused: str = ""

    question: str = ""
    about: str = ""
    columns: list[Column] = []
    rows: list[Row] = []
    is_working: bool = False
    is_estimate: bool = False

    picked_title: str = ""
    territories: list[Territory] = []
    areas: list[Area] = []
    bounds: list[float] = []
    chosen: list[str] = []
    """Cells whose border is to move."""
    _drawn: str = ""

    is_building: bool = False
    kind: str = LOSE_REP
    who: str = ""
    mode: str = "car"
    letter: str = "A"
    rate: str = "1"
    reps: list[Choice] = []
    draft: list[str] = []
    """The changes put together so far, in words."""
    _draft: list[dict] = []
    _names: dict[str, str] = {}

    # ---- looking ----

    @rx.event
    @allows(DISPATCHING)
    async def load(self):
        """Fill the page; the address may name a question."""
        await self._enter()
        today = clock.today()
        self.first = (clock.day_of(self.first) or today + timedelta(days=1)).isoformat()
        self.question = str(self.router.url.query_parameters.get("question") or self.question)[:64]
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def reload(self):
        """Try again."""
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def watch(self):
        """How far the scenarios are."""
        if self.question:
            await self._show()

    async def _fill(self, cursor: str = "") -> None:
        del cursor
        actor = self._actor()
        teams = await asyncio.to_thread(people.list_teams, actor)
        self.teams = [Choice(t.id, t.name) for t in teams]
        names = {t.id: t.name for t in teams}
        if self.team not in names:
            self.team = teams[0].id if teams else ""
        every = await asyncio.to_thread(whatif.questions, actor)
        self.earlier = [Choice(q.id, self._question_told(q, names)) for q in every]
        if self.question and self.question not in {q.id for q in every}:
            self._close()
        if self.question:
            await self._fill_question(actor, names)

    def _question_told(self, row: whatif.QuestionRow, names: dict[str, str]) -> str:
        span = f"{i18n.day(row.first, self.language)} – {i18n.day(row.last, self.language)}"
        count = self._t("whatif.scenarios", n=row.scenarios)
        return f"{names.get(row.team_id, '')}, {span} · {count}"

    async def _fill_question(self, actor: Actor, teams: dict[str, str]) -> None:
        view = await asyncio.to_thread(whatif.question, actor, self.question)
        span = f"{i18n.day(view.first, self.language)} – {i18n.day(view.last, self.language)}"
        assumed, number = view.assumptions, i18n.number
        self.about = self._t(
            "whatif.about", team=teams.get(view.team_id, ""), span=span, most=assumed.most_a_day,
            month=number(assumed.rep_month, self.language), km=number(assumed.per_km, self.language),
        )  # fmt: skip
        self.columns, self.rows = (
            shown.columns(view, self.language),
            shown.rows(view, self.language),
        )
        self.is_working = any(c.is_working for c in self.columns)
        self.is_estimate = any(s.is_estimate for s in view.scenarios)
        self._names = view.rep_names
        self._list_reps()
        each = self._draw(view)
        has_borders = each.number > 0 and each.status == CALM and bool(each.cells)
        await self._read_borders(actor, has_borders)

    def _draw(self, view: whatif.QuestionView) -> whatif.ScenarioView:
        """The map of the scenario picked, sent anew only where it changed."""
        if self.picked not in {s.id for s in view.scenarios}:
            self.picked = view.scenarios[0].id
        each = next(s for s in view.scenarios if s.id == self.picked)
        self.picked_title = next(c.title for c in self.columns if c.id == each.id)
        self.territories = shown.territories(view, each, self.language)
        drawn = f"{each.id} {each.status} {each.is_rough} {len(each.cells)}"
        if drawn != self._drawn:
            self._drawn, self.areas = drawn, shown.areas(each)
            self.bounds = shown.bounds(self.areas)
        return each

    @rx.event
    @allows(DISPATCHING)
    async def pick(self, scenario_id: str):
        """Another scenario on the map."""
        self.picked, self.chosen = str(scenario_id)[:64], []
        self._leave_borders()
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def open(self, question_id: str):
        """A question asked before; none: a new one."""
        self._close()
        self.question = str(question_id)[:64]
        await self._show()

    def _close(self) -> None:
        self.question = self.picked = self.about = self.refused = self._drawn = ""
        self.columns, self.rows, self.areas, self.territories = [], [], [], []
        self.is_working = self.is_building = self.has_borders = False
        self._leave_borders()
        self._clear_draft()

    # ---- asking ----

    @rx.event
    @allows(DISPATCHING)
    def wish(self, name: str, value: str):
        """What the question takes for granted."""
        if name in ("most", "month", "km"):
            setattr(self, name, str(value)[:TYPED_MOST])
        if name == "team" and value in {t.value for t in self.teams}:
            self.team = value
        if name == "first" and clock.day_of(str(value)[:10]):
            self.first = str(value)[:10]
        least, most = whatif_rules.WEEKS
        if name == "weeks" and str(value).isdigit() and least <= int(value) <= most:
            self.weeks = int(value)

    @rx.event
    @allows(DISPATCHING)
    async def ask(self):
        """Have the team worked out as it is."""
        actor, self.refused = self._actor(), ""
        first = clock.day_of(self.first) or clock.today() + timedelta(days=1)
        try:
            made = await asyncio.to_thread(
                whatif.ask, actor, self.team, first, self.weeks, self._assumed()
            )
        except Refusal as error:
            self.refused = self._problem(error)
            return
        self._close()
        self.question = made
        await self._show()

    def _assumed(self) -> Assumptions:
        """As it is typed; raises BadScenario."""
        if not self.most.strip().isdigit():
            raise BadScenario(field="most_a_day")
        try:
            month, km = (float(t.replace(",", ".")) for t in (self.month, self.km))
        except ValueError:
            raise BadScenario(field="cost") from None
        return Assumptions(int(self.most), month, km)

    def _problem(self, error: Refusal) -> str:
        if isinstance(error, BadScenario):
            return self._t(f"whatif.bad.{error.params['field']}")
        return self._refusal(error)

    @rx.event
    @allows(DISPATCHING)
    async def forget(self):
        """Delete the question with its scenarios."""
        await self._act(whatif.forget, self.question)
        if not self.refused:
            self._close()
            await self._show()

    # ---- a scenario put together ----

    @rx.event
    @allows(DISPATCHING)
    def build(self):
        """Begin a scenario, or put it aside."""
        self.is_building, self.refused = not self.is_building, ""
        self._clear_draft()

    def _clear_draft(self) -> None:
        self._draft, self.draft, self.chosen = [], [], []
        self._list_reps()

    def _list_reps(self) -> None:
        """Who is in the team after the changes so far."""
        gone = {c["rep_id"] for c in self._draft if c["kind"] == LOSE_REP}
        new = [whatif_rules.new_id(n) for n, c in enumerate(self._draft) if c["kind"] == ADD_REP]
        here = [r for r in (*sorted(self._names, key=lambda r: self._names[r].casefold()), *new)
                if r not in gone]  # fmt: skip
        self.reps = [Choice(r, shown.rep_named(r, self._names, self.language)) for r in here]
        if self.who not in here:
            self.who = here[0] if here else ""

    @rx.event
    @allows(DISPATCHING)
    def form(self, name: str, value: str):
        """One field of the change that is being put together."""
        if name == "kind" and value in KINDS:
            self.kind = value
        if name in ("who", "mode", "letter", "rate"):
            setattr(self, name, str(value)[:64])

    @rx.event
    @allows(DISPATCHING)
    def choose(self, cell: str):
        """A cell of the map: chosen, or not any more."""
        text = str(cell)[:20]
        if not self.is_building or text not in {a.id for a in self.areas}:
            return
        self.kind = GIVE_CELLS
        if text in self.chosen:
            self.chosen = [c for c in self.chosen if c != text]
        elif len(self.chosen) < CELLS_MOST:
            self.chosen = [*self.chosen, text]

    @rx.event
    @allows(DISPATCHING)
    async def add(self):
        """One more change."""
        change, self.refused = self._change(), ""
        wanted = [*(Change.of(c) for c in self._draft), change]
        try:
            view = await asyncio.to_thread(whatif.question, self._actor(), self.question)
            whatif_rules.check_changes(wanted, sorted(view.rep_names), view.resolution)
        except Refusal as error:
            self.refused = self._problem(error)
            return
        self._keep(wanted)
        self.chosen = []

    def _change(self) -> Change:
        """The change as it is put together."""
        if self.kind == LOSE_REP:
            return Change(LOSE_REP, rep_id=self.who)
        if self.kind == ADD_REP:
            return Change(ADD_REP, mode=self.mode)
        if self.kind == FREQUENCY:
            return Change(FREQUENCY, category=self.letter, rate=self.rate)
        if self.kind == GIVE_CELLS:
            return Change(GIVE_CELLS, rep_id=self.who, cells=tuple(self.chosen))
        return Change(self.kind)

    def _keep(self, changes: list[Change]) -> None:
        self._draft = [c.as_json() for c in changes]
        self.draft = [
            shown.change_told(c, n, self._names, self.language) for n, c in enumerate(changes)
        ]
        self._list_reps()

    @rx.event
    @allows(DISPATCHING)
    def take_back(self):
        """The last change goes; those before may rest on one another, so only the last can."""
        self._keep([Change.of(c) for c in self._draft[:-1]])

    @rx.event
    @allows(DISPATCHING)
    async def work_out(self):
        """Have the scenario worked out."""
        changes = [Change.of(c) for c in self._draft] or [self._change()]
        made = await self._act(whatif.add, self.question, changes)
        if made:
            self.picked, self.is_building = str(made), False
            self._clear_draft()
            await self._show()

    # ---- scenarios ----

    @rx.event
    @allows(DISPATCHING)
    async def cancel(self, scenario_id: str):
        """Stop working a scenario out."""
        await self._act(whatif.cancel, str(scenario_id)[:64])
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def again(self, scenario_id: str):
        """Work a scenario out on the data as they are now."""
        made = await self._act(whatif.again, str(scenario_id)[:64])
        if made and self.picked == scenario_id:
            self.picked = str(made)
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def drop(self, scenario_id: str):
        """Take a scenario out of the comparison."""
        await self._act(whatif.drop, str(scenario_id)[:64])
        await self._show()

    async def _act(self, act, *args):
        """Do it in the reader's name; a refusal is told and None returned."""
        self.refused = ""
        try:
            return await asyncio.to_thread(act, self._actor(), *args)
        except Refusal as error:
            self.refused = self._problem(error)
            return None
