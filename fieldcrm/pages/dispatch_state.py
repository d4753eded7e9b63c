"""State of the live desk: reps and their day, choosing and following, moving visits, proposals.

Slow reads run in threads. Positions don't come through here: the map has its own socket, whose
notices only say what to read again; a timer does the same when the socket is away.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from typing import Any

import reflex as rx

from fieldcrm.components.alerts import Action, Alerts, Toast, alert_rows, as_toast
from fieldcrm.components.amounts import duration
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.kit import clock, i18n, ids
from fieldcrm.kit.errors import NotFound, Refusal
from fieldcrm.pages import dispatch_rows as rows
from fieldcrm.pages.dispatch_rows import (
    CompareRow,
    DayFigures,
    RepRow,
    Ribbon,
    StopDot,
    VisitRow,
)
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor
from fieldcrm.people.tables import User
from fieldcrm.planning import service as planning
from fieldcrm.tracking import service as tracking
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import VisitFilters
from fieldcrm.visits.store import VisitView

WAITING = ("queued", "running")
WATCH_EVERY_S = 0.4
WATCH_TIMES = 300
PAGE = 200
URGENT_ALERTS = ("silent", "late", "far_from_plan", "mock")
"""Kinds that speak up by themselves; the others wait in the bell's list."""
ALERT_TOASTS = 2


@dataclass
class Choice:
    """An option of a menu."""

    value: str
    text: str


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


@dataclass
class ChangeRow:
    """One visit that a proposal changes."""

    text: str
    note: str


@dataclass
class DayLoad:
    """The selected rep's day as read."""

    rep: User
    day: list[VisitView]
    track: dict[str, Any]
    line: list[list[float]]


class Dispatch(Desk):
    """What the live desk shows."""

    reps: list[RepRow] = []
    teams: list[Choice] = []
    team: str = ""
    state_filter: str = ""
    text_filter: str = ""
    is_by_name: bool = False
    is_off_open: bool = False
    today: str = ""
    problem: str = ""
    has_loaded: bool = False

    selected: str = ""
    day: list[VisitRow] = []
    figures: DayFigures = DayFigures()
    ribbon: Ribbon = Ribbon()
    lines: MapLines = MapLines()
    follow: bool = False
    fit: str = ""
    spot: Spot | None = None
    move_menu: str = ""
    """The visit whose 'Move to' list is open."""
    link: str = "connecting"

    proposal_id: str = ""
    proposal_status: str = ""
    proposal_progress: int = 0
    proposal_title: str = ""
    proposal_note: str = ""
    compare: list[CompareRow] = []
    changes: list[ChangeRow] = []
    is_after: bool = True
    proposed: list[VisitRow] = []
    proposed_line: list[list[float]] = []

    toasts: list[Toast] = []
    undo_id: str = ""
    _set_aside: list[str] = []
    """Alerts this person waved away here; they stay in the bell's list."""

    # ── what is shown of what is known ──

    @rx.var
    def shown_reps(self) -> list[RepRow]:
        """Reps on shift that pass the filters."""
        kept = [
            rep
            for rep in self._filtered()
            if rep.state != "off_shift" or self.state_filter == "off_shift"
        ]
        return sorted(kept, key=lambda rep: rep.name) if self.is_by_name else kept

    @rx.var
    def off_reps(self) -> list[RepRow]:
        """Reps off shift that pass the filters, folded away unless asked for."""
        if self.state_filter == "off_shift":
            return []
        return [rep for rep in self._filtered() if rep.state == "off_shift"]

    @rx.var
    def counts(self) -> dict[str, int]:
        """How many reps are in each state, within team and search."""
        mine = self._filtered(any_state=True)
        return {state: sum(rep.state == state for rep in mine) for state in rows.STATES}

    @rx.var
    def on_shift(self) -> str:
        """`6 on shift`."""
        return self._t("dispatch.on_shift", n=sum(rep.state != "off_shift" for rep in self.reps))

    @rx.var
    def chosen(self) -> RepRow | None:
        """The selected rep's row."""
        return next((rep for rep in self.reps if rep.id == self.selected), None)

    @rx.var
    def shown_day(self) -> list[VisitRow]:
        """The day as it is, or as it would be while a proposal's 'after' is looked at."""
        return self.proposed if self.proposed and self.is_after else self.day

    @rx.var
    def stops(self) -> list[StopDot]:
        """The day's stops on the map."""
        return rows.dots(self.shown_day)

    @rx.var
    def map_lines(self) -> MapLines:
        """The plan and track of the selected rep; with a proposal also the way before."""
        if self.proposed_line and self.is_after:
            return replace(self.lines, plan=self.proposed_line, before=self.lines.plan)
        return self.lines

    @rx.var
    def other_reps(self) -> list[RepRow]:
        """Whom a visit of the selected rep may be given to."""
        return [rep for rep in self.reps if rep.id != self.selected]

    def _filtered(self, any_state: bool = False) -> list[RepRow]:
        wanted = self.text_filter.casefold().strip()
        return [
            rep
            for rep in self.reps
            if (not self.team or rep.team_id == self.team)
            and (any_state or not self.state_filter or rep.state == self.state_filter)
            and wanted in rep.name.casefold()
        ]

    # ── loading ──

    @rx.event
    @allows(DISPATCHING)
    async def load(self):
        """Fill the page; the address may name a rep or a client to show."""
        actor = await self._enter()
        self.today = i18n.day(clock.local(clock.now()).date(), self.language, "EEE d MMM")
        await self._read_team(actor)
        asked = self.router.url.query_parameters
        if asked.get("client"):
            await self._point_at(actor, asked["client"])
        wanted = asked.get("rep") or self.selected
        if wanted and any(rep.id == wanted for rep in self.reps):
            return Dispatch.select_rep(wanted)
        return None

    @rx.event
    @allows(DISPATCHING)
    async def tick(self):
        """Read again what time alone changes: ages, lateness, states."""
        actor = self._actor()
        self._tell_time()
        await self._read_team(actor)
        await self._read_day(actor)

    @rx.event
    @allows(DISPATCHING)
    async def notices(self, told: str):
        """The live socket said that something changed."""
        actor = self._actor()
        kinds = {notice.get("t") for notice in _notices(told)}
        if kinds & {"changed", "alert", "verdict", "state"}:
            await self._read_team(actor)
            await self._read_day(actor)

    @rx.event
    @allows(DISPATCHING)
    def link_is(self, state: str):
        """The live socket came or went."""
        self.link = state if state in ("connecting", "live", "offline") else "offline"

    async def _read_team(self, actor: Actor) -> None:
        try:
            loaded = await asyncio.to_thread(_load_team, actor, self.language)
        except Refusal as error:
            self.problem = self._refusal(error)
            return
        self.problem = ""
        self.reps, self.teams, alerts = loaded
        bell = await self.get_state(Alerts)
        bell.rows, bell.new_count = alerts, sum(row.is_new for row in alerts)
        fresh = [row for row in alerts if row.is_new and row.kind in URGENT_ALERTS]
        fresh.sort(key=lambda row: URGENT_ALERTS.index(row.kind))
        told = [as_toast(row, self.language) for row in fresh if row.id not in self._set_aside]
        own = [toast for toast in self.toasts if not toast.id.startswith("alert:")]
        self.toasts = own + told[:ALERT_TOASTS]
        self.has_loaded = True

    async def _read_day(self, actor: Actor) -> None:
        if not self.selected:
            return
        try:
            loaded = await asyncio.to_thread(_load_day, actor, self.selected)
        except NotFound:
            self._unselect()
            return
        bounds = rows.day_bounds(loaded.rep, loaded.day)
        self.day = rows.visit_rows(loaded.day, self.language, bounds)
        self.figures = rows.figures(loaded.day, loaded.track["distance_m"], self.language)
        self.ribbon = rows.ribbon(bounds, self.language)
        self.lines = MapLines(plan=loaded.line, track=_plain_lines(loaded.track["lines"]))

    async def _point_at(self, actor: Actor, client_id: str) -> None:
        from fieldcrm.clients import service as clients

        try:
            client = await asyncio.to_thread(clients.get, actor, client_id)
        except Refusal:
            return
        found = getattr(client, "client", client)
        if found.lat is not None and found.lng is not None:
            self.spot = Spot(found.lat, found.lng, client_id)

    # ── choosing ──

    @rx.event
    @allows(DISPATCHING)
    async def select_rep(self, rep_id: str):
        """Show a rep's day; the same again puts it away."""
        actor = self._actor()
        if rep_id == self.selected and self.day:
            return
        if not any(rep.id == rep_id for rep in self.reps):
            return
        self._forget_proposal()
        self.selected, self.move_menu, self.spot = rep_id, "", None
        self.day, self.lines = [], MapLines()
        await self._read_day(actor)
        self.fit = f"{rep_id}:{clock.now_ms()}"

    @rx.event
    @allows(DISPATCHING)
    def unselect(self):
        """Put the rep's day away."""
        self._unselect()

    def _unselect(self) -> None:
        self._forget_proposal()
        self.selected, self.follow, self.move_menu = "", False, ""
        self.day, self.lines = [], MapLines()

    @rx.event
    @allows(DISPATCHING)
    def set_follow(self, is_following: bool):
        """Keep the selected rep in the middle of the map."""
        self.follow = is_following and bool(self.selected)

    @rx.event
    @allows(DISPATCHING)
    def filter_state(self, state: str):
        """Show reps in one state only; the same again shows all."""
        self.state_filter = "" if state == self.state_filter or state not in rows.STATES else state

    @rx.event
    @allows(DISPATCHING)
    def filter_team(self, team_id: str):
        """Show one team's reps only; empty is all."""
        self.team = team_id if any(team_id == team.value for team in self.teams) else ""

    @rx.event
    @allows(DISPATCHING)
    def filter_text(self, text: str):
        """Show reps by a part of their name."""
        self.text_filter = text[:60]

    @rx.event
    @allows(DISPATCHING)
    def clear_filters(self):
        """Show everybody again."""
        self.team = self.state_filter = self.text_filter = ""

    @rx.event
    @allows(DISPATCHING)
    def switch_order(self):
        """By need of attention, or by name."""
        self.is_by_name = not self.is_by_name

    @rx.event
    @allows(DISPATCHING)
    def fold_off_shift(self):
        """Open or fold away those off shift."""
        self.is_off_open = not self.is_off_open

    @rx.event
    @allows(DISPATCHING)
    def open_move_menu(self, visit_id: str):
        """Open a visit's 'Move to' list, or close it."""
        self.move_menu = "" if self.move_menu == visit_id else visit_id

    @rx.event
    @allows(DISPATCHING)
    def press(self, key: str):
        """The desk's plain keys."""
        acts = {
            "j": self._step(1),
            "k": self._step(-1),
            "ArrowDown": self._step(1),
            "ArrowUp": self._step(-1),
        }
        if key in acts:
            return acts[key]
        if key == "Enter" and self.proposal_status == "ready":
            return Dispatch.apply
        if key == "Escape":
            return self._escape()
        if key == "z" and self.undo_id:
            return Dispatch.undo
        if key == "f":
            self.follow = not self.follow and bool(self.selected)
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

    # ── changing the plan ──

    @rx.event
    @allows(DISPATCHING)
    async def replan(self):
        """Ask for a better rest of the day."""
        today = clock.local(clock.now()).date()
        return await self._ask(planning.request_replan, self.selected, today)

    @rx.event
    @allows(DISPATCHING)
    async def move_visit(self, visit_id: str, rep_id: str, order: int):
        """Ask what giving a visit to a rep, or to another place in the day, would mean."""
        self.move_menu = ""
        is_same = rep_id == self.selected
        last = len(self.day)
        position = max(self._first_free(), min(int(order), last)) if is_same or order else None
        if is_same and any(v.id == visit_id and v.order == position for v in self.day):
            return None
        return await self._ask(planning.request_move, visit_id, rep_id, position)

    def _first_free(self) -> int:
        """The first place in the day that is not done yet."""
        return next((v.order for v in self.day if v.kind in ("now", "planned") and v.can_move), 1)

    async def _ask(self, request: Any, *args: Any):
        if self.proposal_id:
            await self._drop_proposal()
        try:
            proposal_id = await asyncio.to_thread(request, self._actor(), *args)
        except Refusal as error:
            self._say(
                "ask", "err", "contradicted", self._t("dispatch.refused"), self._refusal(error)
            )
            return None
        self.proposal_id, self.proposal_status, self.proposal_progress = proposal_id, "queued", 0
        self.proposal_title, self.proposal_note = self._t("proposal.asking"), ""
        self.is_after = True
        return Dispatch.watch_proposal(proposal_id)

    @rx.event(background=True)
    @allows(DISPATCHING)
    async def watch_proposal(self, proposal_id: str):
        """Show a proposal's progress until it is ready, failed or put away."""
        for _ in range(WATCH_TIMES):
            async with self:
                actor = self._actor()
                if self.proposal_id != proposal_id:
                    return
            try:
                view = await asyncio.to_thread(planning.proposal, actor, proposal_id)
            except NotFound:
                async with self:
                    self._forget_proposal()
                return
            async with self:
                if self.proposal_id != proposal_id:
                    return
                self._show_proposal(view)
                if self.proposal_status not in WAITING:
                    return
            await asyncio.sleep(WATCH_EVERY_S)

    def _show_proposal(self, view: Any) -> None:
        self.proposal_status = str(view.status)
        self.proposal_progress = round(100 * float(view.progress or 0))
        if self.proposal_status == "ready":
            self._show_ready(view)
        elif self.proposal_status in WAITING:
            self.proposal_title = self._t("proposal.working")
        else:
            error = (view.summary or {}).get("error") or f"proposal.{self.proposal_status}"
            self._say("proposal", "err", "contradicted", self._t("proposal.failed"), self._t(error))
            self._forget_proposal()

    def _show_ready(self, view: Any) -> None:
        summary = view.summary or {}
        self.proposal_title = _title(summary, self.language)
        self.proposal_note = self._t("proposal.stay")
        self.compare = rows.compare(view.before, view.after, self.language)
        names = {rep.id: rep.name for rep in self.reps}
        told = _weighty_first(summary.get("changes") or [])
        self.changes = [_change(change, names, self.language) for change in told]
        after = view.after.get(self.selected) or {}
        self.proposed_line = after.get("line") or []
        moved = {change["visit_id"] for change in told if change["change"] in WEIGHTY}
        self.proposed = _proposed(self.day, after, moved, self.language)

    @rx.event
    @allows(DISPATCHING)
    def look_at(self, is_after: bool):
        """Show the day before or after the proposal."""
        self.is_after = bool(is_after)

    @rx.event
    @allows(DISPATCHING)
    async def apply(self):
        """Put the proposal into force: phones and map get it at once."""
        if self.proposal_status != "ready":
            return None
        actor, proposal_id, title = self._actor(), self.proposal_id, self.proposal_title
        try:
            await asyncio.to_thread(planning.apply, actor, proposal_id)
        except Refusal as error:
            self._say(
                "apply",
                "err",
                "contradicted",
                self._t("proposal.not_applied"),
                self._refusal(error),
            )
            self._forget_proposal()
            return Dispatch.tick
        self._forget_proposal()
        self.undo_id = proposal_id
        undo = [Action("undo", self._t("dispatch.undo"), "Z")]
        self._say("applied", "ok", "confirmed", self._t("proposal.applied"), title, undo)
        await self._read_team(actor)
        await self._read_day(actor)
        return None

    @rx.event
    @allows(DISPATCHING)
    async def undo(self):
        """Take the last applied proposal back."""
        proposal_id, self.undo_id = self.undo_id, ""
        if not proposal_id:
            return
        actor = self._actor()
        self.toasts = [toast for toast in self.toasts if toast.id != "applied"]
        try:
            await asyncio.to_thread(planning.undo, actor, proposal_id)
        except Refusal as error:
            self._say(
                "undo", "err", "contradicted", self._t("dispatch.not_undone"), self._refusal(error)
            )
            return
        self._say("undo", "ok", "i-undo-2", self._t("dispatch.undone"), "")
        await self._read_team(actor)
        await self._read_day(actor)

    @rx.event
    @allows(DISPATCHING)
    async def discard(self):
        """Put the proposal away; nothing has moved."""
        await self._drop_proposal()

    async def _drop_proposal(self) -> None:
        proposal_id, status = self.proposal_id, self.proposal_status
        self._forget_proposal()
        if not proposal_id:
            return
        end = planning.cancel if status in WAITING else planning.discard
        try:
            await asyncio.to_thread(end, self._actor(), proposal_id)
        except Refusal:
            return  # it ended by itself meanwhile

    def _forget_proposal(self) -> None:
        self.proposal_id = self.proposal_status = self.proposal_title = self.proposal_note = ""
        self.proposal_progress, self.compare, self.changes = 0, [], []
        self.proposed, self.proposed_line, self.is_after = [], [], True

    @rx.event
    @allows(DISPATCHING)
    async def set_lock(self, visit_id: str, is_locked: bool):
        """Keep a visit where it is whatever is planned, or let it go."""
        actor = self._actor()
        try:
            await asyncio.to_thread(planning.set_lock, actor, visit_id, bool(is_locked))
        except Refusal as error:
            self._say(
                "lock", "err", "contradicted", self._t("dispatch.refused"), self._refusal(error)
            )
        await self._read_day(actor)

    # ── messages ──

    def _say(
        self,
        name: str,
        tone: str,
        glyph: str,
        title: str,
        text: str,
        actions: list[Action] | None = None,
    ) -> None:
        toast = Toast(f"{name}:{ids.new_id()[-6:]}" if name != "applied" else name, tone, glyph, title, text,
                      actions=actions or [])  # fmt: skip
        self.toasts = [
            toast,
            *(t for t in self.toasts if not t.id.startswith(f"{name}:") and t.id != name),
        ]

    @rx.event
    @allows(DISPATCHING)
    def toast_away(self, toast_id: str):
        """Take a message off the screen."""
        self.toasts = [toast for toast in self.toasts if toast.id != toast_id]
        if toast_id.startswith("alert:"):
            self._set_aside = [*self._set_aside, toast_id.removeprefix("alert:")][-200:]

    @rx.event
    @allows(DISPATCHING)
    async def toast_act(self, toast_id: str, name: str):
        """A message's button."""
        if name == "undo":
            return Dispatch.undo
        alert_id = toast_id.removeprefix("alert:")
        bell = await self.get_state(Alerts)
        alert = next((row for row in bell.rows if row.id == alert_id), None)
        if alert is None:
            return None
        if name == "show":
            return [Dispatch.toast_away(toast_id), Dispatch.select_rep(alert.rep_id)]
        self.toasts = [toast for toast in self.toasts if toast.id != toast_id]
        return Alerts.acknowledge(alert_id) if name == "acknowledge" else Alerts.snooze(alert_id)


# ── reading, in threads ──────────────────────────────────────────────────────────────────────────


def _load_team(actor: Actor, language: str) -> tuple[list[RepRow], list[Choice], list[Any]]:
    today = clock.local(clock.now()).date()
    reps = people.visible_reps(actor)
    live = tracking.live(actor, None)
    made = rows.rep_rows(reps, live, list(_todays_visits(actor, today)), language)
    teams = [Choice(team.id, team.name) for team in people.list_teams(actor)]
    return made, teams, alert_rows(actor, language)


def _todays_visits(actor: Actor, today: Any):
    """All visits of the actor's teams today, page by page."""
    cursor: str | None = None
    while True:
        page = visits.list_visits(
            actor, VisitFilters(day_from=today, day_to=today), "day", PAGE, cursor
        )
        yield from page.rows
        cursor = page.cursor
        if cursor is None:
            return


def _load_day(actor: Actor, rep_id: str) -> DayLoad:
    today = clock.local(clock.now()).date()
    rep = people.scope_rep(actor, rep_id)
    day = rows.in_order(visits.day(actor, rep_id, today))
    track = tracking.day_track(actor, rep_id, today)
    plan = planning.day_plan(actor, rep_id, today)
    return DayLoad(rep, day, track, rows.line_ahead(plan.line if plan else [], day))


def _plain_lines(lines: list[list[Any]]) -> list[list[list[float]]]:
    return [[[round(p[0], 6), round(p[1], 6), p[2]] for p in line] for line in lines]


def _notices(told: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(told[:200_000])
    except json.JSONDecodeError:
        return []
    return (
        [notice for notice in found if isinstance(notice, dict)] if isinstance(found, list) else []
    )


# ── a proposal in words ──────────────────────────────────────────────────────────────────────────


def _title(summary: dict[str, Any], language: str) -> str:
    """`Move 2 stops, saves 18 min`."""
    moved, saved = int(summary.get("stops_moved") or 0), int(summary.get("minutes_saved") or 0)
    dropped = int(summary.get("dropped") or 0)
    parts = [("proposal.moves", moved), ("proposal.drops", dropped)]
    told = ", ".join(i18n.t(key, language, n=n) for key, n in parts if n)
    if not told:
        return i18n.t("proposal.nothing", language)
    if not saved:
        return told
    by = duration(60 * abs(saved), language)
    return i18n.t("proposal.saves" if saved > 0 else "proposal.costs", language, what=told, by=by)


WEIGHTY = ("other_rep", "added", "moved", "dropped")


def _weighty_first(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What changes place before what only changes its time."""
    return sorted(changes, key=lambda change: change["change"] not in WEIGHTY)


def _change(change: dict[str, Any], names: dict[str, str], language: str) -> ChangeRow:
    """One change as a line: what, and from where to where or why."""
    kind = change["change"]
    at = _time(change.get("at"), language)
    if kind == "other_rep":
        note = i18n.t("proposal.to_rep", language, rep=names.get(change["rep_id"], "?"), at=at)
    elif kind == "dropped":
        note = i18n.t(
            f"planning.dropped.{change['reason']}", language, **(change.get("params") or {})
        )
    else:
        note = f"{_time(change.get('was_at'), language)} → {at}"
    return ChangeRow(change["client_name"], note)


def _time(iso: str | None, language: str) -> str:
    from datetime import datetime

    return i18n.time_of_day(datetime.fromisoformat(iso), language) if iso else "—"


def _proposed(
    day: list[VisitRow], after: dict[str, Any], moved: set[str], language: str
) -> list[VisitRow]:
    """The day in the proposed order: what is done stays, moved stops say where they were, what is
    left out stands last."""
    known = {row.id: row for row in day}
    stops = after.get("stops") or []
    named = {stop["visit_id"] for stop in stops}
    left_out = {gone["visit_id"]: gone for gone in after.get("dropped") or []}
    kept = [row for row in day if row.id not in named | left_out.keys() and not row.can_move]
    made = [replace(row, order=n, label=str(n)) for n, row in enumerate(kept, 1)]
    for n, stop in enumerate(stops, len(kept) + 1):
        is_moved = stop["visit_id"] in moved
        made.append(_proposed_row(known.get(stop["visit_id"]), stop, n, is_moved, language))
    gone = [_left_out(row, left_out[row.id], language) for row in day if row.id in left_out]
    return made + gone


def _left_out(row: VisitRow, gone: dict[str, Any], language: str) -> VisitRow:
    reason = i18n.t(f"planning.dropped.{gone['reason']}", language, **(gone.get("params") or {}))
    return replace(row, kind="missed", label="–", first="—", late="", sub=reason, can_move=False,
                   is_expected=False, ribbon="rb p missed")  # fmt: skip


def _proposed_row(
    row: VisitRow | None, stop: dict[str, Any], n: int, is_moved: bool, language: str
) -> VisitRow:
    begins = _time(stop["start_at"], language)
    if row is None:  # comes from another rep: all that is known is in the proposal
        return VisitRow(
            id=stop["visit_id"], label=str(n), order=n, kind="moved", title=stop["client_name"],
            sub=i18n.t("proposal.comes", language), category="", glyph="doctor", plan="—",
            first=begins, second="", is_expected=True, late="", verdict="", verdict_word="",
            is_locked=False, can_move=False, lat=None, lng=None, left=-10, width=0,
            ribbon="rb p moved",
        )  # fmt: skip
    return replace(
        row, label=str(n), order=n, first=begins, late="", can_move=False,
        kind="moved" if is_moved else row.kind, ribbon="rb p moved" if is_moved else row.ribbon,
        sub=i18n.t("proposal.was", language, n=row.order) if is_moved else row.sub,
    )  # fmt: skip
