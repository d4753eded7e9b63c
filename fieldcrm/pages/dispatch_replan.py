"""Re-planning by hand on the live desk: ask, watch, look at before and after, apply, undo, put away."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false, reportCallIssue=false, reportArgumentType=false

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import date
from typing import Any

import reflex as rx

from fieldcrm.components.alerts import Action
from fieldcrm.components.session import DISPATCHING, allows
from fieldcrm.kit import clock, i18n
from fieldcrm.kit.errors import NotFound, Refusal
from fieldcrm.kit.standing import UNDER_WAY
from fieldcrm.pages import dispatch_proposal as words
from fieldcrm.pages.dispatch_day import DayFigures, VisitRow
from fieldcrm.pages.dispatch_messages import Saying
from fieldcrm.pages.dispatch_proposal import ChangeRow, CompareRow
from fieldcrm.planning import service as planning
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import MoveRequest

WATCH_EVERY_S = 0.4
WATCH_TIMES = 300


class Replanning(Saying, mixin=True):
    """A proposal about the selected rep's day, or about a visit that changes hands."""

    selected: str = ""
    on_day: str = ""
    """The day that is looked at (ISO)."""
    day: list[VisitRow] = []
    figures: DayFigures = DayFigures()
    move_menu: str = ""
    """The visit whose 'Move to' list is open."""

    proposal_id: str = ""
    proposal_status: str = ""
    proposal_progress: int = 0
    proposal_title: str = ""
    proposal_note: str = ""
    is_nothing: bool = False
    """The proposal changes nothing: there is nothing to apply."""
    compare: list[CompareRow] = []
    changes: list[ChangeRow] = []
    is_after: bool = True
    proposed: list[VisitRow] = []
    proposed_line: list[list[float]] = []
    undo_id: str = ""
    _ends: tuple[str, str] = ("", "")
    """When the selected rep's day ends before and after, as the proposal tells it."""
    _reopened: tuple[str, str] = ("", "")
    """A cancelled visit planned again for this proposal, and why it had been cancelled."""

    @rx.var
    def shown_day(self) -> list[VisitRow]:
        """The day as it is, or as it would be while a proposal's 'after' is looked at."""
        return self.proposed if self.proposed and self.is_after else self.day

    @rx.var
    def shown_figures(self) -> DayFigures:
        """The day's figures; its end is the proposal's while one is looked at."""
        ends = self._ends[1 if self.is_after else 0]
        return replace(self.figures, ends=ends) if ends else self.figures

    # ── asking ──

    @rx.event
    @allows(DISPATCHING)
    async def replan(self):
        """Ask for a better rest of the day."""
        return await self._ask(planning.request_replan, self.selected, self._shown_date())

    @rx.event
    @allows(DISPATCHING)
    async def replan_of(self, rep_id: str):
        """The same for a rep whom an alert names: he is selected, with his day of today."""
        return [type(self).show_alert(rep_id), type(self).replan]

    @rx.event
    @allows(DISPATCHING)
    async def move_visit(self, visit_id: str, rep_id: str, order: int, after: str = ""):
        """Ask what giving a visit to a rep, or to another place in the day, would mean.

        `order` is the place as it was seen, `after` the visit it was put behind, which counts where
        the day has changed since.
        """
        self.move_menu = ""
        position = self._position(visit_id, rep_id, int(order), str(after))
        if position and any(v.id == visit_id and v.order == position for v in self.day):
            return None
        try:
            await self._plan_again(visit_id)
        except Refusal as error:
            self._say_refused("ask", "dispatch.refused", error)
            return None
        return await self._ask(planning.request_move, visit_id, rep_id, position)

    @rx.event
    @allows(DISPATCHING)
    async def give_to_selected(self, visit_id: str):
        """What dragging a loose visit onto the selected rep does."""
        return type(self).move_visit(visit_id, self.selected, 0) if self.selected else None

    def _position(self, visit_id: str, rep_id: str, order: int, after: str) -> int | None:
        """The wanted place in the selected rep's day; None leaves it to the planner."""
        others = [v.id for v in self.day if v.id != visit_id]
        is_own = len(others) < len(self.day)
        if rep_id != self.selected or not (is_own or order):
            return None
        place = others.index(after) + 2 if after in others else order
        return max(self._first_free(), min(place, len(others) + 1))

    def _shown_date(self) -> date:
        return date.fromisoformat(self.on_day) if self.on_day else clock.local(clock.now()).date()

    def _first_free(self) -> int:
        """The first place in the day that is not done yet."""
        return next((v.order for v in self.day if v.kind in ("now", "planned") and v.can_move), 1)

    async def _plan_again(self, visit_id: str) -> None:
        """A cancelled visit is planned again before it can be given to anybody."""
        actor = self._actor()
        found = (await asyncio.to_thread(visits.get, actor, visit_id)).view.visit
        if found.state == "cancelled":
            again = MoveRequest(visit_id, "reopen", clock.now())
            await asyncio.to_thread(visits.move, actor, again)
            self._reopened = (visit_id, found.reason or "")

    async def _ask(self, request: Any, *args: Any):
        if self.proposal_id:
            kept, self._reopened = self._reopened, ("", "")
            await self._drop_proposal()
            self._reopened = kept
        try:
            proposal_id = await asyncio.to_thread(request, self._actor(), *args)
        except Refusal as error:
            self._say_refused("ask", "dispatch.refused", error)
            await self._cancel_again()
            return None
        self.proposal_id, self.proposal_status, self.proposal_progress = proposal_id, "queued", 0
        self.proposal_title, self.proposal_note = self._t("proposal.asking"), ""
        self.is_after = True
        return type(self).watch_proposal(proposal_id)

    # ── watching ──

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
                await self._show_proposal(view)
                if self.proposal_status not in UNDER_WAY:
                    return
            await asyncio.sleep(WATCH_EVERY_S)

    async def _show_proposal(self, view: Any) -> None:
        self.proposal_status = str(view.status)
        self.proposal_progress = round(100 * float(view.progress or 0))
        if self.proposal_status == "ready":
            self._show_ready(view)
        elif self.proposal_status in UNDER_WAY:
            self.proposal_title = self._t("proposal.working")
        else:
            error = (view.summary or {}).get("error") or f"proposal.{self.proposal_status}"
            self._say("proposal", "err", "contradicted", self._t("proposal.failed"), self._t(error))
            self._forget_proposal()
            await self._cancel_again()

    def _show_ready(self, view: Any) -> None:
        summary = view.summary or {}
        self.is_nothing = words.changes_nothing(summary)
        self.proposal_title = words.title(summary, self.language)
        self.proposal_note = "" if self.is_nothing else self._t("proposal.stay")
        names = self._names()
        self.compare = words.compare(view.before, view.after, names, self.language)
        told = words.weighty_first(summary.get("changes") or [])
        self.changes = [words.change_row(change, names, self.language) for change in told]
        self._show_sides(view.before.get(self.selected), view.after.get(self.selected), told)

    def _show_sides(self, before: Any, after: Any, told: list[dict[str, Any]]) -> None:
        """The selected rep's part of a proposal, if he has one."""
        if after is None or self.is_nothing:
            self.proposed, self.proposed_line, self._ends = [], [], ("", "")
            return
        self.proposed_line = after.get("line") or []
        moved = {change["visit_id"] for change in told if change["change"] in words.WEIGHTY}
        self.proposed = words.proposed_day(self.day, after, moved, self.language)
        ends = [words.side_end(side or {}) for side in (before, after)]
        told_ends = [i18n.time_of_day(at, self.language) if at else "—" for at in ends]
        self._ends = (told_ends[0], told_ends[1])

    def _names(self) -> dict[str, str]:
        """Reps by id, as a proposal names them; the desk knows them."""
        raise NotImplementedError

    async def _read_again(self) -> None:
        """Read the team and the day anew; the desk knows how."""
        raise NotImplementedError

    @rx.event
    @allows(DISPATCHING)
    def look_at(self, is_after: bool):
        """Show the day before or after the proposal."""
        self.is_after = bool(is_after)

    # ── deciding ──

    @rx.event
    @allows(DISPATCHING)
    async def apply(self):
        """Put the proposal into force: phones and map get it at once."""
        if self.proposal_status != "ready" or self.is_nothing:
            return
        actor, proposal_id, title = self._actor(), self.proposal_id, self.proposal_title
        try:
            await asyncio.to_thread(planning.apply, actor, proposal_id)
        except Refusal as error:
            self._say_refused("apply", "proposal.not_applied", error)
            self._forget_proposal()
            await self._cancel_again()
            await self._read_again()
            return
        self._forget_proposal()
        self.undo_id, self._reopened = proposal_id, ("", "")
        undo = [Action("undo", self._t("dispatch.undo"), "Z")]
        self._say("applied", "ok", "confirmed", self._t("proposal.applied"), title, undo)
        await self._read_again()

    @rx.event
    @allows(DISPATCHING)
    async def undo(self):
        """Take the last applied proposal back."""
        proposal_id, self.undo_id = self.undo_id, ""
        if not proposal_id:
            return
        self.toasts = [toast for toast in self.toasts if toast.id != "applied"]
        try:
            await asyncio.to_thread(planning.undo, self._actor(), proposal_id)
        except Refusal as error:
            self._say_refused("undo", "dispatch.not_undone", error)
            return
        self._say("undo", "ok", "i-undo-2", self._t("dispatch.undone"), "")
        await self._read_again()

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
        end = planning.cancel if status in UNDER_WAY else planning.discard
        with contextlib.suppress(Refusal):  # it may have ended by itself meanwhile
            await asyncio.to_thread(end, self._actor(), proposal_id)
        await self._cancel_again()

    async def _cancel_again(self) -> None:
        """What was planned again for a proposal that came to nothing is cancelled as it had been."""
        (visit_id, reason), self._reopened = self._reopened, ("", "")
        if not visit_id:
            return
        back = MoveRequest(visit_id, "cancel", clock.now(), reason=reason)
        try:
            await asyncio.to_thread(visits.move, self._actor(), back)
        except Refusal as error:
            self._say_refused("ask", "dispatch.refused", error)

    def _forget_proposal(self) -> None:
        self.proposal_id = self.proposal_status = self.proposal_title = self.proposal_note = ""
        self.proposal_progress, self.compare, self.changes = 0, [], []
        self.proposed, self.proposed_line, self.is_after = [], [], True
        self._ends, self.is_nothing = ("", ""), False

    @rx.event
    @allows(DISPATCHING)
    async def set_lock(self, visit_id: str, is_locked: bool):
        """Keep a visit where it is whatever is planned, or let it go."""
        try:
            await asyncio.to_thread(planning.set_lock, self._actor(), visit_id, bool(is_locked))
        except Refusal as error:
            self._say_refused("lock", "dispatch.refused", error)
        await self._read_again()

    @rx.event
    @allows(DISPATCHING)
    def open_move_menu(self, visit_id: str):
        """Open a visit's 'Move to' list, or close it."""
        self.move_menu = "" if self.move_menu == visit_id else visit_id
