"""State of the planning page: a rep's calendar, the team's load, clients, a cycle's plan and its answer."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportCallIssue=false, reportArgumentType=false

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import reflex as rx

from fieldcrm.components.section import Choice
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.kit import clock
from fieldcrm.kit.errors import Refusal
from fieldcrm.kit.standing import UNDER_WAY
from fieldcrm.pages import planning_rows as shown
from fieldcrm.pages.planning_answers import Answers
from fieldcrm.pages.planning_held import Held
from fieldcrm.pages.planning_list import ROWS, ClientList
from fieldcrm.pages.planning_rows import LoadRow, Paper, Week
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor
from fieldcrm.people.tables import User
from fieldcrm.planning import cycle_board, cycle_hand, cycle_rules, service
from fieldcrm.planning.cycle_drafts import Move
from fieldcrm.planning.model import BadCycle, CycleWishes
from fieldcrm.planning.service import ProposalView

USUAL_WEEKS, USUAL_MOST = 4, 12
ONE, TEAM = "one", "team"
DAYS_OFF_MOST = 20


class Planning(ClientList, Answers, Held, Desk):
    """What the page shows."""

    reps: list[LoadRow] = []
    rep: str = ""
    rep_name: str = ""
    first: str = ""
    weeks: int = USUAL_WEEKS
    calendar: list[Week] = []
    side: str = "clients"
    """clients or papers."""

    is_asking: bool = False
    whose: str = ONE
    most: str = str(USUAL_MOST)
    keeps: bool = True
    per_year: str = ""
    days_off: list[Choice] = []

    changes: list[str] = []
    is_estimate: bool = False
    is_by_rep: bool = False
    rep_word: str = ""
    papers: list[Paper] = []
    baselines: list[Paper] = []

    # ---- looking ----

    @rx.event
    @allows(DISPATCHING)
    async def load(self):
        """Fill the page; the address may name a rep or a proposal."""
        await self._enter()
        today = clock.today()
        self.first = (clock.day_of(self.first) or today + timedelta(days=1)).isoformat()
        asked = self.router.url.query_parameters
        self.rep = str(asked.get("rep") or self.rep)[:64]
        self.proposal_id = str(asked.get("proposal") or self.proposal_id)[:64]
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def reload(self):
        """Try again."""
        await self._show()

    async def _fill(self, cursor: str = "") -> None:
        del cursor
        actor = self._actor()
        every = await asyncio.to_thread(people.visible_reps, actor)
        if self.rep not in {r.id for r in every}:
            self.rep = every[0].id if every else ""
        view = await self._proposal(actor)
        view = view if self.is_after else None
        span = (self._first(), self.weeks)
        found = await asyncio.to_thread(cycle_board.loads, actor, *span, view)
        self.reps = shown.load_rows(found, self._most(), self.language)
        self.rep_name = next((r.name for r in every if r.id == self.rep), "")
        if self.rep:
            rep = next(r for r in every if r.id == self.rep)
            await self._fill_rep(actor, rep, view)
        await self._papers(actor)

    async def _fill_rep(self, actor: Actor, rep: User, view: ProposalView | None) -> None:
        span = (self._first(), self.weeks)
        days = await asyncio.to_thread(cycle_board.calendar, actor, rep.id, *span, view)
        minutes = max(1, rep.shift_end_min - rep.shift_start_min)
        self.calendar = shown.weeks(days, clock.today(), minutes, self.language)
        self.pins = shown.pins(days)
        found = await asyncio.to_thread(
            cycle_board.clients,
            actor,
            rep.id,
            *span,
            view,
            self.only_lacking,
            self.search,
            self.sort,
        )
        self.rows = shown.client_rows(found[: self._wanted], self.language)
        self.has_more = len(found) > self._wanted
        self.count_told = self._t("cycle.clients_told", n=len(found))

    async def _proposal(self, actor: Actor) -> ProposalView | None:
        """The proposal that is looked at; one that is over or not ours is put aside."""
        if not self.proposal_id:
            self.status = ""
            return None
        try:
            view = await asyncio.to_thread(service.proposal, actor, self.proposal_id)
        except Refusal:
            self._forget()
            return None
        self._tell(view)
        return view if view.status == "ready" else None

    def _tell(self, view: ProposalView) -> None:
        self.status, self.percent = view.status, round(100 * view.progress)
        if view.status == "ready":
            self.changes = shown.difference(view, self.language)
            self.is_estimate = bool(view.summary.get("solver", {}).get("is_estimate"))
            self.is_by_rep, said = shown.is_by_rep(view), view.request.get("word", "")
            self.rep_word = self._t("hand.rep_says", word=said) if said else ""
        elif view.status not in UNDER_WAY:
            error = view.summary.get("error") or f"planning.status.{view.status}"
            if view.status != "discarded":
                self.refused = self._t(error) if view.status not in ("applied", "undone") else ""
            self._forget()

    def _forget(self) -> None:
        self.proposal_id, self.status, self.changes, self.percent = "", "", [], 0
        self.is_after, self.is_estimate, self.is_by_rep, self.rep_word = True, False, False, ""

    async def _papers(self, actor: Actor) -> None:
        waiting = await asyncio.to_thread(cycle_board.waiting, actor)
        kept = await asyncio.to_thread(cycle_board.approved, actor)
        names = await asyncio.to_thread(people.names_of, actor, shown.people_in(waiting, kept))
        self.papers = [shown.paper_of(v, names, self.language) for v in waiting]
        self.baselines = [shown.approved_paper(a, names, self.language) for a in kept]

    def _first(self) -> date:
        return clock.day_of(self.first) or clock.today() + timedelta(days=1)

    def _most(self) -> int:
        return int(self.most) if self.most.isdigit() and int(self.most) else USUAL_MOST

    @rx.event
    @allows(DISPATCHING)
    async def choose_rep(self, rep_id: str):
        """Another rep's calendar."""
        self.rep, self._wanted, self.opened = str(rep_id)[:64], ROWS, ""
        await self._show()
        if self.held_name:
            await self._hold(self.held_visit, self.held_client)

    @rx.event
    @allows(DISPATCHING)
    async def choose_first(self, value: str):
        """The span's first day."""
        if clock.day_of(str(value)[:10]):
            self.first = str(value)[:10]
            await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def choose_weeks(self, value: str):
        """How many weeks."""
        least, most = cycle_rules.WEEKS
        if str(value).isdigit() and least <= int(value) <= most:
            self.weeks = int(value)
            await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def look_at(self, is_after: bool):
        """The span as it stands, or as the proposal has it."""
        self.is_after = bool(is_after)
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    def choose_side(self, side: str):
        """Clients, or proposals and approved plans."""
        self.side = "papers" if side == "papers" else "clients"

    # ---- asking ----

    @rx.event
    @allows(DISPATCHING)
    def ask(self):
        """Open the question how to plan, or close it."""
        self.is_asking, self.refused, self.told = not self.is_asking, "", ""

    @rx.event
    @allows(DISPATCHING)
    def wish(self, name: str, value: str):
        """One of the wishes."""
        if name in ("whose", "most", "per_year"):
            setattr(self, name, str(value)[:4])

    @rx.event
    @allows(DISPATCHING)
    def keep(self, is_kept: bool):
        """Whether visits planned already stay on their days."""
        self.keeps = bool(is_kept)

    @rx.event
    @allows(DISPATCHING)
    def add_day_off(self, value: str):
        """Nobody works on this day."""
        day = clock.day_of(str(value)[:10])
        known = {d.value for d in self.days_off}
        if day and day.isoformat() not in known and len(known) < DAYS_OFF_MOST:
            text = shown.i18n.day(day, self.language)
            added = [*self.days_off, Choice(day.isoformat(), text)]
            self.days_off = sorted(added, key=lambda d: d.value)

    @rx.event
    @allows(DISPATCHING)
    def drop_day_off(self, value: str):
        """A working day again."""
        self.days_off = [d for d in self.days_off if d.value != value]

    @rx.event
    @allows(DISPATCHING)
    async def plan(self):
        """Have the cycle planned; nothing moves."""
        actor, self.refused, self.told = self._actor(), "", ""
        try:
            reps = await asyncio.to_thread(self._chosen, actor)
            self.proposal_id = await asyncio.to_thread(
                service.request_cycle, actor, reps, self._first(), self.weeks, self._wishes()
            )
        except Refusal as error:
            self.refused = self._problem(error)
            return
        self.status, self.percent, self.is_asking, self.is_after = "queued", 0, False, True
        self.undo_id = ""

    def _problem(self, error: Refusal) -> str:
        if isinstance(error, BadCycle):
            return self._t(f"cycle.bad.{error.params['field']}")
        return self._refusal(error)

    def _chosen(self, actor: Actor) -> list[str]:
        """The rep shown, or everybody of his team."""
        every = people.visible_reps(actor)
        team = next((r.team_id for r in every if r.id == self.rep), None)
        whole = [r.id for r in every if r.team_id == team] if team else []
        return whole if self.whose == TEAM else [self.rep]

    def _wishes(self) -> CycleWishes:
        """The wishes as they are typed; raises BadCycle."""
        for name in ("most", "per_year"):
            value = getattr(self, name)
            if value and not value.isdigit():
                raise BadCycle(field="most_a_day" if name == "most" else "most_per_year")
        return CycleWishes(
            int(self.most or 0), self.keeps, tuple(date.fromisoformat(d.value) for d in self.days_off),
            int(self.per_year) if self.per_year else None,
        )  # fmt: skip

    @rx.event
    @allows(DISPATCHING)
    async def watch(self):
        """How far the job is; the plan when it is ready."""
        if self.proposal_id and self.status in UNDER_WAY:
            view = await asyncio.to_thread(service.proposal, self._actor(), self.proposal_id)
            if view.status in UNDER_WAY:
                self.status, self.percent = view.status, round(100 * view.progress)
            else:
                await self._show()

    # ---- by hand ----

    def _span(self) -> tuple[str, date, date]:
        first, last = cycle_board.span_of(self._first(), self.weeks)
        return self.rep, max(first, clock.today()), last

    @rx.event
    @allows(DISPATCHING)
    async def drop(self, visit_id: str, client_id: str, day: str, rep_id: str):
        """Put what is held on a day, or its own day with a colleague; it moves at once."""
        self.told = self.refused = self.move_id = ""
        try:
            wanted = await asyncio.to_thread(self._move, visit_id, client_id, day, rep_id)
            view = await asyncio.to_thread(cycle_hand.move, self._actor(), wanted, self._most())
        except Refusal as error:
            self.refused = self._refusal(error)
        else:
            told = shown.i18n.day(wanted.to_day, self.language, "EEE d MMM")
            self.move_id = view.id
            self.told = self._t("hand.told.moved", name=self.held_name or "…", day=told)
        self._let_go()
        await self._show()

    def _move(self, visit_id: str, client_id: str, day: str, rep_id: str) -> Move:
        """What was asked for; raises NotMovable where nothing says which day."""
        visit = str(visit_id)[:64]
        to_day = clock.day_of(str(day)[:10]) or cycle_hand.day_of(self._actor(), visit)
        return Move(str(rep_id)[:64] or self.rep, to_day, visit, str(client_id)[:64])

    @rx.event
    @allows(DISPATCHING)
    async def undo_move(self):
        """Take the last move back."""
        move_id, self.move_id, self.told = self.move_id, "", ""
        if not move_id:
            return
        try:
            await asyncio.to_thread(service.undo, self._actor(), move_id)
        except Refusal as error:
            self.refused = self._refusal(error)
        else:
            self.told = self._t("hand.told.undone")
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def lock(self, is_locked: bool):
        """Keep the held visit where it is whatever is planned, or let it go."""
        try:
            await asyncio.to_thread(
                service.set_lock, self._actor(), self.held_visit, bool(is_locked)
            )
        except Refusal as error:
            self.refused = self._refusal(error)
        self._let_go()
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def lock_day(self, day: str, is_locked: bool):
        """The same for every visit of a day."""
        chosen = clock.day_of(str(day)[:10])
        if chosen is None:
            return
        try:
            await asyncio.to_thread(
                cycle_hand.lock_day, self._actor(), self.rep, chosen, bool(is_locked)
            )
        except Refusal as error:
            self.refused = self._refusal(error)
        await self._show()
