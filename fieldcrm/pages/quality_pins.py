"""Pins on the page of quality: proposals with their evidence, and clients who wait for a pin."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import date
from math import isfinite
from typing import Any

import reflex as rx

from fieldcrm.components.alerts import Toast
from fieldcrm.components.messages import Messages
from fieldcrm.components.section import PAGE, Listing, Section
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.kit import i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages.distances import distance
from fieldcrm.people import service as people
from fieldcrm.quality import pinning, service
from fieldcrm.quality.model import PinStatus, Source
from fieldcrm.quality.pin_store import PinRow
from fieldcrm.quality.service import Unplaced
from fieldcrm.sync.model import CorrectionOvertaken

FILTERS = ("status", "source")


@dataclass
class Row:
    """A proposal as the table shows it."""

    id: str
    client: str
    source: str
    moved: str
    spoken: str
    status: str
    status_word: str
    found: str
    decided: str


@dataclass
class Seen:
    """A visit that speaks for the place."""

    id: str
    title: str
    text: str


@dataclass
class Card:
    """The open proposal."""

    id: str = ""
    client_id: str = ""
    client: str = ""
    address: str = ""
    source: str = ""
    told: str = ""
    status: str = ""
    status_word: str = ""
    decided: str = ""
    pins: dict[str, Any] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)


class QualityPins(Listing, Desk):
    """The proposals as the reader has asked for them, and the one that is open."""

    rows: list[Row] = []
    status: str = "open"
    source: str = ""
    card: Card = Card()
    card_problem: str = ""
    refused: str = ""
    is_overtaken: bool = False

    @rx.event
    @allows(DISPATCHING)
    async def load(self):
        """Fill the tab."""
        await self._enter()
        await self._show()

    def _filters(self) -> tuple[str, ...]:
        return FILTERS

    def _sorts(self) -> tuple[str, ...]:
        return ()

    async def _fill(self, cursor: str = "") -> None:
        status = self.status if self.status in PinStatus else ""
        source = self.source if self.source in Source else ""
        found = await asyncio.to_thread(
            pinning.page, self._actor(), status, source, self.search, PAGE, cursor or None
        )
        self._turn([_row(r, self.language) for r in found.rows], found.cursor, bool(cursor))
        plus = "+" if self.has_more else ""
        self.shown = self._t("quality.pins_listed", n=len(self.rows), more=plus)

    async def _open(self, row_id: str) -> None:
        self.card_problem, self.refused, self.is_overtaken = "", "", False
        try:
            found = await asyncio.to_thread(pinning.one, self._actor(), row_id)
        except Refusal as error:
            self.card, self.card_problem = Card(), self._refusal(error)
            return
        reps = await asyncio.to_thread(people.visible_reps, self._actor(), True)
        self.card = _card(found, {r.id: r.name for r in reps}, self.language)

    @rx.event
    @allows(DISPATCHING)
    async def accept(self):
        """Move the pin; over what somebody changed since only where that was shown."""
        await self._decide(True, self.is_overtaken)

    @rx.event
    @allows(DISPATCHING)
    async def decline(self, data: dict):
        """Leave the pin where it is, with a word why."""
        await self._decide(False, False, str(data.get("reason", "")))

    async def _decide(self, accept: bool, overwrite: bool, reason: str = "") -> None:
        try:
            await asyncio.to_thread(
                pinning.decide, self._actor(), self.card.id, accept, overwrite, reason
            )
        except CorrectionOvertaken:
            self.refused, self.is_overtaken = self._t("quality.overtaken"), True
            return
        except Refusal as error:
            self.refused = self._refusal(error)
            return
        said = self._t("quality.pin_moved" if accept else "quality.pin_left")
        messages = await self.get_state(Messages)
        messages._say(Toast("pin", "ok", "confirmed", said))
        self.opened = ""
        await self._show()


class QualityPlace(Section, Desk):
    """Who waits for a pin, where the map begins, and the place that was pointed at."""

    has_client: bool = False
    client_id: str = ""
    name: str = ""
    address: str = ""
    detail: str = ""
    start: dict[str, Any] = {}
    """{id, lat, lng, zoom, proposed}: where the map looks first."""
    lat: float = 0.0
    lng: float = 0.0
    is_pointed: bool = False
    said: str = ""
    refused: str = ""
    is_far: bool = False
    pin_id: str = ""
    """A geocoder's proposal for this client."""
    _after: tuple[int, str] | None = None
    _here: tuple[int, str] | None = None
    _version: int = 0

    @rx.event
    @allows(DISPATCHING)
    async def load(self):
        """Begin with the client who is most worth it."""
        await self._enter()
        self._after = None
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def reload(self):
        """Try again."""
        await self._show()

    async def _fill(self, cursor: str = "") -> None:
        found = await asyncio.to_thread(service.next_unplaced, self._actor(), self._after)
        self.is_pointed, self.refused, self.is_far, self.said = False, "", False, ""
        self.has_client = found is not None
        if found is not None:
            self._tell(found)

    def _tell(self, found: Unplaced) -> None:
        c, q = found.row.client, found.row.quality
        self._here, self._version = (q.value, c.id), c.version
        self.client_id, self.name = c.id, c.name
        self.address = ", ".join(t for t in (c.address, c.postcode, c.city) if t)
        self.detail = " · ".join(t for t in (self._t(f"admin.client.{c.kind}"), c.category or "",
                                             found.row.territory or "") if t)  # fmt: skip
        proposed = found.proposed
        self.pin_id = proposed.id if proposed else ""
        near = (proposed.lat, proposed.lng) if proposed else found.near
        self.start = {
            "id": c.id, "lat": near[0] if near else None, "lng": near[1] if near else None,
            "zoom": 17 if proposed else 12,
        }  # fmt: skip
        if proposed:
            self.lat, self.lng, self.is_pointed = proposed.lat, proposed.lng, True
            self.said = self._t(f"quality.precision.{proposed.precision}")

    @rx.event
    @allows(DISPATCHING)
    async def point(self, lat: float, lng: float):
        """A place on the map; one where the company has nobody is told, not forbidden."""
        if not (isinstance(lat, int | float) and isinstance(lng, int | float)):
            return
        if not (isfinite(lat) and isfinite(lng) and abs(lat) <= 90 and abs(lng) <= 180):
            return
        self.lat, self.lng, self.is_pointed = round(float(lat), 6), round(float(lng), 6), True
        self.said = f"{i18n.number(self.lat, self.language, 5)}; {i18n.number(self.lng, self.language, 5)}"  # fmt: skip
        fits = await asyncio.to_thread(service.can_be_at, self._actor(), self.lat, self.lng)
        self.is_far = not fits

    @rx.event
    @allows(DISPATCHING)
    async def save(self):
        """Put the pin there, and on to the next client."""
        if not (self.has_client and self.is_pointed):
            return
        try:
            await asyncio.to_thread(
                service.place, self._actor(), self.client_id, self.lat, self.lng, self._version
            )
        except Refusal as error:
            self.refused = self._refusal(error)
            return
        messages = await self.get_state(Messages)
        messages._say(Toast("place", "ok", "confirmed", self._t("quality.placed", name=self.name)))
        self._after = self._here
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def skip(self):
        """The next client; this one waits on."""
        self._after = self._here
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def again(self):
        """From the beginning."""
        self._after = None
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def strike(self, key: str):
        """S saves, N goes on, B begins anew."""
        return {"s": QualityPlace.save, "n": QualityPlace.skip, "b": QualityPlace.again}.get(key)


def _row(found: PinRow, language: str) -> Row:
    pin = found.pin
    moved = distance(pin.distance_m, language) if pin.distance_m is not None else "—"
    return Row(
        pin.id, found.client.name, i18n.t(f"quality.source.{pin.source}", language), moved,
        _spoken(found, language), pin.status, i18n.t(f"quality.pin.{pin.status}", language),
        i18n.moment(pin.found_at, language), found.decided_by or "",
    )  # fmt: skip


def _spoken(found: PinRow, language: str) -> str:
    """What speaks for it, in short."""
    if found.pin.source == Source.geocoder:
        return i18n.t(f"quality.precision.{found.pin.precision}", language)
    return i18n.t("quality.visits", language, n=len(pinning.as_told(found.pin)))


def _card(found: PinRow, reps: dict[str, str], language: str) -> Card:
    pin, c = found.pin, found.client
    seen = pinning.as_told(pin)
    old = [pin.from_lat, pin.from_lng] if pin.from_lat is not None else None
    parts = [_spoken(found, language)]
    if pin.distance_m is not None:
        parts.append(i18n.t("quality.off", language, distance=distance(pin.distance_m, language)))
    if pin.error_m is not None:
        parts.append(f"±{distance(pin.error_m, language)}")
    if label := pin.evidence.get("label"):
        parts.append(label)
    decided = f"{found.decided_by or i18n.t('quality.by_itself', language)}, {i18n.moment(pin.decided_at, language)}" if pin.decided_at else ""  # fmt: skip
    return Card(
        pin.id, c.id, c.name, ", ".join(t for t in (c.address, c.city) if t),
        i18n.t(f"quality.source.{pin.source}", language), " · ".join(parts), pin.status,
        i18n.t(f"quality.pin.{pin.status}", language), decided,
        {"id": pin.id, "old": old, "now": old, "wanted": [pin.lat, pin.lng],
         "seen": [[v["lat"], v["lng"]] for v in seen if "lat" in v]},
        [_seen(v, reps, language) for v in seen],
    )  # fmt: skip


def _seen(told: dict[str, Any], reps: dict[str, str], language: str) -> Seen:
    day = i18n.day(date.fromisoformat(told["day"]), language, "EEE d MMM y")
    who = reps.get(told.get("rep_id", ""), "")
    near, far = (distance(told[k], language) for k in ("new_m", "old_m"))
    return Seen(
        told["id"], f"{day}, {who}" if who else day,
        " · ".join((i18n.t("correct.to_new", language, distance=near), i18n.t("correct.to_old", language, distance=far))),
    )  # fmt: skip
