"""Arrival links on the live desk: made for a client, watched, taken back."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false, reportCallIssue=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import reflex as rx

from fieldcrm.arrival import service as arrival
from fieldcrm.arrival.model import LinkView
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.kit import i18n
from fieldcrm.kit.errors import Refusal


@dataclass
class ArrivalRow:
    """A living link in the reader's words."""

    id: str
    text: str


class Arriving(Desk, mixin=True):
    """The links of the visit whose menu is open."""

    arrival_of: str = ""
    """The visit whose links are shown."""
    arrival_url: str = ""
    """Of the link just made: it is told once."""
    arrivals: list[ArrivalRow] = []
    arrival_trouble: str = ""

    @rx.event
    @allows(DISPATCHING)
    async def show_arrivals(self, visit_id: str):
        """Open or fold away a visit's links."""
        is_open = self.arrival_of == visit_id
        self.arrival_of, self.arrival_url, self.arrivals, self.arrival_trouble = "", "", [], ""
        if not is_open:
            self.arrival_of = str(visit_id)
            await self._read_arrivals()

    @rx.event
    @allows(DISPATCHING)
    async def make_arrival(self):
        """Make a link and show its address."""
        self.arrival_trouble = ""
        try:
            made = await asyncio.to_thread(arrival.make, self._actor(), self.arrival_of)
            self.arrival_url = made.url
        except Refusal as error:
            self.arrival_trouble = self._refusal(error)
        await self._read_arrivals()

    @rx.event
    @allows(DISPATCHING)
    async def revoke_arrival(self, link_id: str):
        """Take a link back."""
        try:
            await asyncio.to_thread(arrival.revoke, self._actor(), str(link_id))
        except Refusal as error:
            self.arrival_trouble = self._refusal(error)
        self.arrival_url = ""
        await self._read_arrivals()

    async def _read_arrivals(self) -> None:
        try:
            found = await asyncio.to_thread(arrival.links, self._actor(), self.arrival_of)
        except Refusal as error:
            self.arrivals, self.arrival_trouble = [], self._refusal(error)
            return
        self.arrivals = [ArrivalRow(link.id, self._arrival_text(link)) for link in found]

    def _arrival_text(self, link: LinkView) -> str:
        until = i18n.time_of_day(link.expires_at, self.language)
        if link.opened_at is None:
            return self._t("arrival.link.unopened", until=until)
        opened = i18n.time_of_day(link.opened_at, self.language)
        return self._t("arrival.link.opened", until=until, at=opened)
