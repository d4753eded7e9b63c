"""Corrections as the office reads them: a list of open and decided ones, each with its evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from fieldcrm.clients import card_photos
from fieldcrm.clients.tables import CardPhoto, Client
from fieldcrm.kit import clock
from fieldcrm.kit.database import reading
from fieldcrm.kit.tables import Event
from fieldcrm.kit.units import distance_m
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.sync import correction_store as store
from fieldcrm.sync.corrections import ACCEPTED, DECLINED, Correction, shown
from fieldcrm.sync.model import NoSuchCorrection
from fieldcrm.visits.tables import Visit

OPEN, TAKEN, REFUSED = "open", "accepted", "declined"
STATUSES = (OPEN, TAKEN, REFUSED)
PIN, ADDRESS, NAME = "pin", "address", "name"
WHAT = {PIN: ("lat", "lng"), ADDRESS: ("address", "city"), NAME: ("name",)}
"""What a correction may be about, and the fields that say so."""
LIMIT_MAX = 500
CHECK_INS = 12
EARLIER = 6
NEAR_M = 75.0
"""A check-in this near to a pin speaks for it: a phone's usual error in a street."""


@dataclass(frozen=True)
class Filters:
    """What narrows the list; empty is no limit. Days are local and inclusive."""

    search: str = ""
    status: str = ""
    what: str = ""
    rep_id: str = ""
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class Listed:
    """A correction with the word on it, if there is one."""

    correction: Correction
    status: str
    decided_by: str
    decided_at: datetime | None
    reason: str

    @property
    def overtaken(self) -> list[str]:
        """Fields that somebody changed since the rep looked; only an open one can be overtaken."""
        c = self.correction
        if self.status != OPEN:
            return []
        return sorted(f for f in c.wanted if c.now[f] not in (c.before[f], c.wanted[f]))


@dataclass(frozen=True)
class CheckIn:
    """Where a rep pressed 'check in' at this client, and how far that is from each pin."""

    visit_id: str
    day: date
    rep_name: str
    lat: float
    lng: float
    accuracy_m: float | None
    is_mock: bool
    old_m: float | None
    new_m: float | None


@dataclass(frozen=True)
class Detail:
    """A correction and what speaks for it."""

    listed: Listed
    check_ins: list[CheckIn]
    photos: tuple[CardPhoto, ...] = ()
    place: tuple[float, float] | None = None
    """The client's pin as it stands, (lat, lng) in degrees."""
    others: tuple[Listed, ...] = ()
    """What else was asked of this client, the latest first."""

    @property
    def near_new(self) -> int:
        return sum(
            c.new_m is not None and c.new_m <= NEAR_M and not c.is_mock for c in self.check_ins
        )

    @property
    def near_old(self) -> int:
        return sum(
            c.old_m is not None and c.old_m <= NEAR_M and not c.is_mock for c in self.check_ins
        )


def open_corrections(actor: Actor) -> list[Correction]:
    """Those of the actor's clients that nobody has decided, the oldest first."""
    return [listed.correction for listed in every(actor, Filters(status=OPEN), "at")]


def page(
    actor: Actor, filters: Filters, sort: str, limit: int, cursor: str | None = None
) -> tuple[list[Listed], str | None]:
    """A page of corrections of clients in the actor's scope, and the cursor of the next.

    Sorts: at, client, rep; a minus turns the order round. Raises BadSort, BadCursor.
    """
    people.require(actor, Role.dispatcher, Role.manager, Role.admin)
    wanted = _wanted(filters)
    with reading() as session:
        rows, more = store.page(session, actor, wanted, sort, min(limit, LIMIT_MAX), cursor)
        return [_listed(row) for row in rows], more


def _wanted(filters: Filters) -> store.Wanted:
    return store.Wanted(
        search=filters.search, status={TAKEN: ACCEPTED, REFUSED: DECLINED}.get(filters.status, filters.status),
        fields=WHAT.get(filters.what, ()), rep_id=filters.rep_id,
        since=clock.day_bounds(filters.first)[0] if filters.first else None,
        until=clock.day_bounds(filters.last)[1] if filters.last else None,
    )  # fmt: skip


def count(actor: Actor, filters: Filters) -> int:
    """How many corrections the list has."""
    people.require(actor, Role.dispatcher, Role.manager, Role.admin)
    with reading() as session:
        return store.count(session, actor, _wanted(filters))


def every(actor: Actor, filters: Filters, sort: str = "-at") -> Iterator[Listed]:
    """All of the list, page by page."""
    cursor: str | None = None
    while True:
        rows, cursor = page(actor, filters, sort, LIMIT_MAX, cursor)
        yield from rows
        if cursor is None:
            return


def _listed(row: store.Row) -> Listed:
    word: Event | None = row.decision
    status = OPEN if word is None else TAKEN if word.kind == ACCEPTED else REFUSED
    return Listed(
        correction=shown(row.client, row.asked, row.rep_name), status=status,
        decided_by=row.decider_name or "", decided_at=word.at if word else None,
        reason=str(word.data.get("reason", "")) if word else "",
    )  # fmt: skip


def detail(actor: Actor, correction_id: str) -> Detail:
    """One correction with the check-ins at its client. Raises NoSuchCorrection."""
    people.require(actor, Role.dispatcher, Role.manager, Role.admin)
    with reading() as session:
        row = store.one(session, actor, correction_id)
        if row is None:
            raise NoSuchCorrection()
        listed = _listed(row)
        visits = store.check_ins(session, row.client.id, CHECK_INS)
        photos = card_photos.of_corrections(session, [correction_id]).get(correction_id, [])
        others = _others(session, actor, row.client.id, correction_id)
        place = _place(row.client)
    seen = [_check_in(listed.correction, place, visit, name) for visit, name in visits]
    return Detail(listed, seen, tuple(photos), place, others)


def _place(client: Client) -> tuple[float, float] | None:
    return None if client.lat is None or client.lng is None else (client.lat, client.lng)


def _others(
    session: Session, actor: Actor, client_id: str, correction_id: str
) -> tuple[Listed, ...]:
    wanted = store.Wanted(client_id=client_id)
    rows, _ = store.page(session, actor, wanted, "-at", EARLIER + 1, None)
    found = (_listed(row) for row in rows)
    return tuple(o for o in found if o.correction.id != correction_id)[:EARLIER]


def _check_in(
    correction: Correction, pin: tuple[float, float] | None, visit: Visit, rep_name: str
) -> CheckIn:
    place = visit.check_in or {}
    lat, lng = float(place["lat"]), float(place["lng"])
    new = correction.wanted
    old = correction.before if "lat" in new else dict(zip(("lat", "lng"), pin or (), strict=False))
    return CheckIn(
        visit_id=visit.id, day=visit.day, rep_name=rep_name, lat=lat, lng=lng,
        accuracy_m=place.get("accuracy_m"), is_mock=bool(place.get("is_mock")),
        old_m=_metres(lat, lng, old.get("lat"), old.get("lng")),
        new_m=_metres(lat, lng, new.get("lat"), new.get("lng")),
    )  # fmt: skip


def _metres(lat: float, lng: float, to_lat: float | None, to_lng: float | None) -> float | None:
    return None if to_lat is None or to_lng is None else distance_m(lat, lng, to_lat, to_lng)
