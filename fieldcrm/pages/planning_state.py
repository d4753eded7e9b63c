"""State of the planning page: a rep's calendar, the team's load, clients, a cycle's plan and its answer."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportCallIssue=false, reportArgumentType=false

from __future__ import annotations

import asyncio
import contextlib
from datetime import date, timedelta
from urllib.parse import urlencode

import reflex as rx

from fieldcrm.components.section import SEARCH_MOST, Choice, Section
from fieldcrm.components.session import DISPATCHING, MANAGING, Desk, allows
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages import planning_rows as shown
from fieldcrm.pages.planning_rows import ClientRow, LoadRow, Paper, Week
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor
from fieldcrm.people.tables import User
from fieldcrm.planning import cycle_board, cycle_rules, service
from fieldcrm.planning.model import BadCycle, CycleWishes
from fieldcrm.planning.service import ProposalView

WAITING = ("queued", "running")
USUAL_WEEKS, USUAL_MOST = 4, 12
ONE, TEAM = "one", "team"
ROWS = 60
DAYS_OFF_MOST = 20


class Planning(Section, Desk):
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
    refused: str = ""

    proposal_id: str = ""
    status: str = ""
    percent: int = 0
    is_after: bool = True
    changes: list[str] = []
    is_estimate: bool = False
    told: str = ""
    """What became of the last answer."""
    undo_id: str = ""
    is_busy: bool = False
    """A plan is being put into force or taken back: some seconds for a whole team."""
    papers: list[Paper] = []
    baselines: list[Paper] = []

    rows: list[ClientRow] = []
    search: str = ""
    sort: str = "-lacking"
    only_lacking: bool = False
    has_more: bool = False
    count_told: str = ""
    opened: str = ""
    _wanted: int = ROWS

    # ---- looking ----

    @rx.event
    @allows(DISPATCHING)
    async def load(self):
        """Fill the page; the address may name a rep or a proposal."""
        await self._enter()
        today = cycle_board.today()
        self.first = (_date(self.first) or today + timedelta(days=1)).isoformat()
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
        self.calendar = shown.weeks(days, cycle_board.today(), minutes, self.language)
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
        elif view.status not in WAITING:
            error = view.summary.get("error") or f"planning.status.{view.status}"
            if view.status != "discarded":
                self.refused = self._t(error) if view.status not in ("applied", "undone") else ""
            self._forget()

    def _forget(self) -> None:
        self.proposal_id, self.status, self.changes, self.percent = "", "", [], 0
        self.is_after, self.is_estimate = True, False

    async def _papers(self, actor: Actor) -> None:
        waiting = await asyncio.to_thread(cycle_board.waiting, actor)
        kept = await asyncio.to_thread(cycle_board.approved, actor)
        names = await asyncio.to_thread(people.names_of, actor, shown.people_in(waiting, kept))
        self.papers = [shown.paper_of(v, names, self.language) for v in waiting]
        self.baselines = [shown.approved_paper(a, names, self.language) for a in kept]

    def _first(self) -> date:
        return _date(self.first) or cycle_board.today() + timedelta(days=1)

    def _most(self) -> int:
        return int(self.most) if self.most.isdigit() and int(self.most) else USUAL_MOST

    @rx.event
    @allows(DISPATCHING)
    async def choose_rep(self, rep_id: str):
        """Another rep's calendar."""
        self.rep, self._wanted, self.opened = str(rep_id)[:64], ROWS, ""
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def choose_first(self, value: str):
        """The span's first day."""
        if _date(str(value)[:10]):
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

    # ---- the list of clients ----

    @rx.event
    @allows(DISPATCHING)
    async def narrow(self, name: str, value: str):
        """Look for a name."""
        if name == "search":
            self.search, self._wanted = str(value)[:SEARCH_MOST], ROWS
            await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def show_lacking(self, is_only: bool):
        """Only clients for whom visits lack, or everybody."""
        self.only_lacking, self._wanted = bool(is_only), ROWS
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def sort_by(self, name: str):
        """By a column; again turns it round."""
        if name in cycle_board.SORTS:
            self.sort = f"-{name}" if self.sort == name else name
            await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def clear(self):
        """Everybody."""
        self.search, self.only_lacking = "", False
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def more(self):
        """The next rows."""
        self._wanted += ROWS
        await self._show()

    @rx.var
    def export_asked(self) -> str:
        """The same list, for a file."""
        is_shown = self.is_after and self.status == "ready"
        asked = {
            "rep_id": self.rep, "first": self.first, "weeks": self.weeks, "sort": self.sort,
            "search": self.search, "language": self.language,
            "lacking": "true" if self.only_lacking else "",
            "proposal_id": self.proposal_id if is_shown else "",
        }  # fmt: skip
        return "?" + urlencode({k: v for k, v in asked.items() if v})

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
        day = _date(str(value)[:10])
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
        if self.proposal_id and self.status in WAITING:
            view = await asyncio.to_thread(service.proposal, self._actor(), self.proposal_id)
            if view.status in WAITING:
                self.status, self.percent = view.status, round(100 * view.progress)
            else:
                await self._show()

    # ---- answering ----

    @rx.event
    @allows(DISPATCHING)
    async def open(self, proposal_id: str):
        """Look at a proposal that waits."""
        self.proposal_id, self.is_after, self.told = str(proposal_id)[:64], True, ""
        with contextlib.suppress(Refusal):
            view = await asyncio.to_thread(service.proposal, self._actor(), self.proposal_id)
            self.first, self.weeks = (
                view.day.isoformat(),
                int(view.request.get("weeks", self.weeks)),
            )
            if self.rep not in view.rep_ids:
                self.rep = view.rep_ids[0]
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def discard(self):
        """Put the proposal away, or stop working it out; nothing has moved."""
        end = service.cancel if self.status in WAITING else service.discard
        is_stopped = self.status in WAITING
        with contextlib.suppress(Refusal):  # it may have ended by itself meanwhile
            await asyncio.to_thread(end, self._actor(), self.proposal_id)
        self._forget()
        self.told = self._t("cycle.told.cancelled" if is_stopped else "cycle.told.discarded")
        await self._show()

    @rx.event
    @allows(MANAGING)
    async def approve(self):
        """Put the plan into force, all of it or nothing; it is written down as a version."""
        if self.is_busy or self.status != "ready":
            return
        proposal_id, self.refused, self.is_busy = self.proposal_id, "", True
        yield
        try:
            await asyncio.to_thread(service.apply, self._actor(), proposal_id)
        except Refusal as error:
            self.refused = self._refusal(error)
        else:
            self.undo_id, self.told = proposal_id, self._t("cycle.told.applied")
        self.is_busy = False
        self._forget()
        await self._show()

    @rx.event
    @allows(MANAGING)
    async def undo(self):
        """Take the last approved plan back."""
        proposal_id, self.undo_id, self.told = self.undo_id, "", ""
        if not proposal_id:
            return
        self.is_busy = True
        yield
        try:
            await asyncio.to_thread(service.undo, self._actor(), proposal_id)
        except Refusal as error:
            self.refused = self._refusal(error)
        else:
            self.told = self._t("cycle.told.undone")
        self.is_busy = False
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    def put_aside(self):
        """The word about the last answer is read."""
        self.told = self.refused = self.undo_id = ""


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
