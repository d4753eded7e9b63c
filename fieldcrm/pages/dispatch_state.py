"""State of the live desk: the team and its filters, the selected rep's day, what the map shows.

Slow reads run in threads. Positions don't come through here: the map has its own socket, whose
notices only say what to read again; a timer does the same when the socket is away. The team and its
filters are in dispatch_team.py, re-planning in dispatch_replan.py, messages and alerts in
dispatch_messages.py.
"""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportCallIssue=false, reportArgumentType=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import reflex as rx

from fieldcrm.clients import service as clients
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.kit import clock, i18n
from fieldcrm.kit.errors import NotFound, Refusal
from fieldcrm.pages import dispatch_day
from fieldcrm.pages.dispatch_arrival import Arriving
from fieldcrm.pages.dispatch_day import Ribbon, StopDot
from fieldcrm.pages.dispatch_loads import load_day, load_team, notices_in, plain_lines
from fieldcrm.pages.dispatch_phone import PhoneFact
from fieldcrm.pages.dispatch_replan import Replanning
from fieldcrm.pages.dispatch_reps import RepRow
from fieldcrm.pages.dispatch_team import Team
from fieldcrm.people.model import Actor

TOLD_MOST = 500
"""Of so many reps the map is told what only the server knows; it knows of the rest by its socket."""
MENU_MOST = 24
DAYS_BACK, DAYS_AHEAD = 31, 31


@dataclass
class MapLines:
    """What the map draws under the markers: [[lat, lng], ...], the track's with epoch ms."""

    plan: list[list[float]] = field(default_factory=list)
    before: list[list[float]] = field(default_factory=list)
    track: list[list[list[float]]] = field(default_factory=list)


@dataclass
class Spot:
    """A place to point at, such as a client that was searched for."""

    lat: float
    lng: float
    key: str


class Dispatch(Team, Replanning, Arriving, Desk):
    """What the live desk shows."""

    today: str = ""
    problem: str = ""
    has_loaded: bool = False

    phone: list[PhoneFact] = []
    is_phone_open: bool = False
    day_word: str = ""
    is_today: bool = True
    ribbon: Ribbon = Ribbon()
    lines: MapLines = MapLines()
    follow: bool = False
    fit: str = ""
    spot: Spot | None = None
    link: str = "connecting"

    # ── what is shown of what is known ──

    @rx.var
    def reps(self) -> list[RepRow]:
        """The reps the map is told of."""
        first = self._everyone[:TOLD_MOST]
        return first + [rep for rep in self._everyone[TOLD_MOST:] if rep.id == self.selected]

    @rx.var
    def chosen(self) -> RepRow | None:
        """The selected rep's row."""
        return next((rep for rep in self._everyone if rep.id == self.selected), None)

    @rx.var
    def is_past(self) -> bool:
        """Whether the shown day is over: nothing of it can be planned any more."""
        return bool(self.on_day) and self.on_day < clock.today().isoformat()

    @rx.var
    def stops(self) -> list[StopDot]:
        """The day's stops on the map."""
        return dispatch_day.dots(self.shown_day)

    @rx.var
    def map_lines(self) -> MapLines:
        """The plan and track of the selected rep; with a proposal also the way before."""
        if self.proposed_line and self.is_after:
            return replace(self.lines, plan=self.proposed_line, before=self.lines.plan)
        return self.lines

    @rx.var
    def other_reps(self) -> list[RepRow]:
        """Whom a visit of the selected rep may be given to: those at work first."""
        others = [rep for rep in self._everyone if rep.id != self.selected]
        return sorted(others, key=lambda rep: rep.state == "off_shift")[:MENU_MOST]

    def _names(self) -> dict[str, str]:
        return {rep.id: rep.short for rep in self._everyone}

    # ── loading ──

    @rx.event
    @allows(DISPATCHING)
    async def load(self):
        """Fill the page; the address may name a rep, his day, or a client to show."""
        actor = await self._enter()
        self.today = i18n.day(clock.today(), self.language, "EEE d MMM")
        self._show_date(self._shown_date())
        await self._read_team(actor)
        asked = self.router.url.query_parameters
        if asked.get("client"):
            await self._point_at(actor, asked["client"])
        wanted = asked.get("rep") or self.selected
        if asked.get("day"):
            self._show_date(clock.day_of(asked["day"]) or clock.today())
        if wanted and any(rep.id == wanted for rep in self._everyone):
            return Dispatch.select_rep(wanted)
        return None

    @rx.event
    @allows(DISPATCHING)
    async def tick(self):
        """Read again what time alone changes: ages, lateness, states."""
        self._tell_time()
        await self._read_again()

    @rx.event
    @allows(DISPATCHING)
    async def notices(self, told: str):
        """The live socket said that something changed."""
        kinds = {notice.get("t") for notice in notices_in(told)}
        if kinds & {"changed", "alert", "verdict", "state"}:
            await self._read_again()

    @rx.event
    @allows(DISPATCHING)
    def link_is(self, state: str):
        """The live socket came or went."""
        self.link = state if state in ("connecting", "live", "offline") else "offline"

    async def _read_again(self) -> None:
        actor = self._actor()
        await self._read_team(actor)
        await self._read_day(actor)

    async def _read_team(self, actor: Actor) -> None:
        try:
            loaded = await asyncio.to_thread(load_team, actor, self.selected, self.language)
        except Refusal as error:
            self.problem = self._refusal(error)
            return
        self.problem = ""
        self._everyone, self.teams, self.loose = loaded.reps, loaded.teams, loaded.loose
        self.phone = loaded.phone
        await self._hear_alerts(loaded.alerts)
        self.has_loaded = True

    async def _read_day(self, actor: Actor) -> None:
        if not self.selected:
            return
        on = self._shown_date()
        try:
            loaded = await asyncio.to_thread(load_day, actor, self.selected, on)
        except NotFound:
            self._unselect()
            return
        bounds = dispatch_day.day_bounds(loaded.rep, loaded.day, on)
        self.day = dispatch_day.visit_rows(loaded.day, self.language, bounds, loaded.stays)
        self.figures = dispatch_day.figures(loaded.day, loaded.track, self.language)
        self.ribbon = dispatch_day.ribbon(bounds, self.language)
        self.lines = MapLines(plan=loaded.line, track=plain_lines(loaded.track["lines"]))

    async def _point_at(self, actor: Actor, client_id: str) -> None:
        try:
            client = await asyncio.to_thread(clients.get, actor, client_id)
        except Refusal:
            return
        if client.lat is not None and client.lng is not None:
            self.spot = Spot(client.lat, client.lng, client_id)

    # ── choosing a rep and a day ──

    @rx.event
    @allows(DISPATCHING)
    async def select_rep(self, rep_id: str):
        """Show a rep's day; the same again puts it away."""
        actor = self._actor()
        if rep_id == self.selected and self.day:
            return
        if not any(rep.id == rep_id for rep in self._everyone):
            return
        await self._drop_proposal()
        self.selected, self.move_menu, self.spot = rep_id, "", None
        self.day, self.lines, self.phone = [], MapLines(), []
        await self._read_day(actor)
        await self._read_team(actor)
        self._fit()

    @rx.event
    @allows(DISPATCHING)
    async def step_day(self, by: int):
        """The selected rep's day before, or the one after."""
        on = self._shown_date() + timedelta(days=1 if by > 0 else -1)
        if -DAYS_BACK <= (on - clock.today()).days <= DAYS_AHEAD:
            await self._look_at_day(on)

    @rx.event
    @allows(DISPATCHING)
    async def back_to_today(self):
        """The day that is now."""
        await self._look_at_day(clock.today())

    async def _look_at_day(self, on: date) -> None:
        await self._drop_proposal()
        self._show_date(on)
        self.day, self.lines, self.move_menu = [], MapLines(), ""
        await self._read_day(self._actor())
        self._fit()

    def _show_date(self, on: date) -> None:
        today = clock.today()
        self.on_day, self.is_today = on.isoformat(), on == today
        near = {0: "today", 1: "tomorrow", -1: "yesterday"}.get((on - today).days)
        self.day_word = (
            self._t(f"dispatch.day.{near}") if near else i18n.day(on, self.language, "EEE d MMM")
        )

    def _fit(self) -> None:
        self.fit = f"{self.selected}:{clock.now_ms()}"

    @rx.event
    @allows(DISPATCHING)
    async def unselect(self):
        """Put the rep's day away."""
        await self._drop_proposal()
        self._unselect()

    def _unselect(self) -> None:
        self._forget_proposal()
        self.selected, self.follow, self.move_menu = "", False, ""
        self.day, self.lines, self.phone = [], MapLines(), []
        self._show_date(clock.today())

    @rx.event
    @allows(DISPATCHING)
    def set_follow(self, is_following: bool):
        """Keep the selected rep in the middle of the map."""
        self.follow = is_following and bool(self.selected)

    @rx.event
    @allows(DISPATCHING)
    async def show_alert(self, rep_id: str):
        """The rep an alert is about, on the map and with his day of today."""
        if rep_id != self.selected:
            self._show_date(clock.today())
            return Dispatch.select_rep(rep_id)
        if self.is_today:
            self._fit()
        else:
            await self._look_at_day(clock.today())
        return None

    @rx.event
    @allows(DISPATCHING)
    def fold_phone(self):
        """Open or fold away what the rep's phone does."""
        self.is_phone_open = not self.is_phone_open

    # ── keys ──

    @rx.event
    @allows(DISPATCHING)
    def press(self, key: str):
        """The desk's plain keys."""
        steps = {"j": 1, "ArrowDown": 1, "k": -1, "ArrowUp": -1}
        if key in steps:
            return self._step(steps[key])
        if key == "Escape":
            return self._escape()
        if key == "f":
            self.follow = not self.follow and bool(self.selected)
            return None
        return self._decide(key)

    def _decide(self, key: str):
        if key == "Enter" and self.proposal_status == "ready":
            return Dispatch.discard if self.is_nothing else Dispatch.apply
        if key == "z" and self.undo_id:
            return Dispatch.undo
        if key == "r" and self.selected and not self.proposal_id:
            return Dispatch.replan
        return None

    def _step(self, by: int):
        shown = [rep.id for rep in self.shown_reps]
        if not shown:
            return None
        at = shown.index(self.selected) if self.selected in shown else (-1 if by > 0 else 0)
        return Dispatch.select_rep(shown[(at + by) % len(shown)])

    def _escape(self):
        if self.proposal_id:
            return Dispatch.discard
        if self.move_menu:
            self.move_menu = ""
            return None
        return Dispatch.unselect if self.selected else None

    @rx.event
    @allows(DISPATCHING)
    def toast_act(self, _toast_id: str, name: str):
        """A message's button."""
        return Dispatch.undo if name == "undo" else None
