"""The planning page's answers to a plan: approved, sent back, put away, taken back."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportCallIssue=false, reportArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import reflex as rx

from fieldcrm.components.section import Section
from fieldcrm.components.session import DISPATCHING, MANAGING, allows
from fieldcrm.kit.errors import Refusal
from fieldcrm.kit.standing import UNDER_WAY
from fieldcrm.planning import cycle_hand, service
from fieldcrm.planning.model import ProposalNotReady
from fieldcrm.planning.service import ProposalView

TELL_S = 0.25
"""The page hears so often how many visits are written."""


class Answers(Section, mixin=True):
    """What becomes of the proposal that is looked at."""

    proposal_id: str = ""
    status: str = ""
    percent: int = 0
    is_after: bool = True
    told: str = ""
    """What became of the last answer."""
    refused: str = ""
    undo_id: str = ""
    move_id: str = ""
    """The last move by hand, which can be taken back."""
    word: str = ""
    is_busy: bool = False
    """A plan is being put into force or taken back: some seconds for a whole team."""

    def _forget(self) -> None:
        """No proposal is looked at any more."""
        raise NotImplementedError

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
        end = service.cancel if self.status in UNDER_WAY else service.discard
        is_stopped = self.status in UNDER_WAY
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
        proposal_id, self.refused, self.is_busy, self.percent = self.proposal_id, "", True, 0
        written = [0, 1]
        job = asyncio.create_task(
            asyncio.to_thread(
                service.apply, self._actor(), proposal_id, lambda *far: _keep(written, far)
            )
        )
        yield
        while not job.done():
            await asyncio.wait([job], timeout=TELL_S)
            self.percent = round(100 * written[0] / max(1, written[1]))
            yield
        try:
            view = await job
        except Refusal as error:
            self.refused = self._too_late(error)
        else:
            self.undo_id, self.told = proposal_id, self._applied(view)
        self.is_busy = False
        self._forget()
        await self._show()

    def _applied(self, view: ProposalView) -> str:
        told, left = self._t("cycle.told.applied"), len(view.summary.get("untouched", []))
        return f"{told} {self._t('hand.untouched', n=left)}" if left else told

    def _too_late(self, error: Refusal) -> str:
        """Of two who approve one plan the second hears of the first."""
        is_applied = isinstance(error, ProposalNotReady) and error.params["status"] == "applied"
        return self._t("hand.already") if is_applied else self._refusal(error)

    @rx.event
    @allows(MANAGING)
    def write_word(self, value: str):
        """What the rep is to hear."""
        self.word = str(value)[:500]

    @rx.event
    @allows(MANAGING)
    async def send_back(self):
        """Give a rep's proposal back with a word; nothing moves."""
        try:
            await asyncio.to_thread(
                cycle_hand.send_back, self._actor(), self.proposal_id, self.word
            )
        except Refusal as error:
            self.refused = self._refusal(error)
            return
        self._forget()
        self.word, self.refused, self.told = "", "", self._t("hand.told.returned")
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
        self.told = self.refused = self.undo_id = self.move_id = ""


def _keep(written: list[int], far: Sequence[int]) -> None:
    written[:] = far
