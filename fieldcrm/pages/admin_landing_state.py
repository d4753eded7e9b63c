"""Clients that no territory has: how many, where they would land, and letting them."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import reflex as rx

from fieldcrm.clients import landed
from fieldcrm.clients import service as clients
from fieldcrm.components.session import ADMINISTERING, Desk, allows
from fieldcrm.kit import i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.kit.jobs import Cancelled
from fieldcrm.pages.admin_teams import AdminTeams
from fieldcrm.people.model import Actor

LISTEN_S = 0.3
NAMED = 4
"""Territories that the line above the list names."""


@dataclass
class Lands:
    """How many would land in a territory."""

    name: str
    count: str


class AdminLanding(Desk):
    """Who waits, and the landing under way."""

    waits: int = 0
    will: int = 0
    told: str = ""
    lands: list[Lands] = []
    more: str = ""
    is_landing: bool = False
    percent: int = 0
    result: str = ""
    tone: str = "ok"
    problem: str = ""
    _by: dict[str, int] = {}
    _run: int = 0

    def _takes(self, territory_id: str) -> int:
        return self._by.get(territory_id, 0)

    @rx.event(background=True)
    @allows(ADMINISTERING)
    async def load(self):
        """Count when the page is opened; what an earlier landing said is over."""
        async with self:
            self.result = ""
        await self._count()

    @rx.event(background=True)
    @allows(ADMINISTERING)
    async def count(self):
        """Count anew who waits and where they would land."""
        await self._count()

    async def _count(self) -> None:
        async with self:
            actor = self._actor()
        try:
            found, names = await asyncio.to_thread(_waiting, actor)
        except Refusal as error:
            async with self:
                self.problem = self._refusal(error)
            return
        async with self:
            self.problem = ""
            self._tell(found, names)

    def _tell(self, found: landed.Waiting, names: dict[str, str]) -> None:
        self._by, self.will = dict(found.lands), sum(found.lands.values())
        self.waits = self.will + found.nowhere
        self.told = self._t("territory.waits", n=self.waits)
        most = sorted(found.lands.items(), key=lambda pair: (-pair[1], names.get(pair[0], "")))
        self.lands = [
            Lands(names.get(t, ""), i18n.number(n, self.language)) for t, n in most[:NAMED]
        ]
        rest = len(most) - NAMED
        self.more = self._t("territory.lands_more", n=rest) if rest > 0 else ""

    @rx.event(background=True)
    @allows(ADMINISTERING)
    async def land(self):
        """Let them land, telling how far it is; who has landed stays when it is stopped."""
        async with self:
            if self.is_landing:
                return
            actor, whole = self._actor(), max(1, self.waits)
            self._run += 1
            mine, heard = self._run, {"done": 0, "stop": False}
            self.is_landing, self.percent, self.result, self.problem = True, 0, "", ""
        work = asyncio.create_task(asyncio.to_thread(landed.land, actor, _into(heard)))
        while not work.done():
            await asyncio.wait([work], timeout=LISTEN_S)
            async with self:
                heard["stop"] = self._run != mine
                self.percent = min(100, round(100 * heard["done"] / whole))
        async with self:
            self.is_landing = False
            self._finish(work)
        await self._count()
        yield AdminTeams.reload

    def _finish(self, work: asyncio.Task[landed.Waiting]) -> None:
        try:
            found = work.result()
        except Cancelled:
            self.result, self.tone = self._t("territory.landing_stopped"), "warn"
        except Refusal as error:
            self.problem = self._refusal(error)
        else:
            self.tone = "ok"
            self.result = self._t("territory.landed", n=sum(found.lands.values()))

    @rx.event
    @allows(ADMINISTERING)
    def stop(self):
        """Stop after the clients that are being moved."""
        self._run += 1


def _waiting(actor: Actor) -> tuple[landed.Waiting, dict[str, str]]:
    found = landed.waiting(actor)
    return found, {t.id: t.name for t in clients.list_territories(actor)}


def _into(heard: dict[str, Any]) -> Any:
    def tell(done: int) -> None:
        heard["done"] = done
        if heard["stop"]:
            raise Cancelled

    return tell
