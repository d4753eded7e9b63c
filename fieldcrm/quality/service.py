"""How cards stand, for whom may see them: the list, the sums, one card, confirming, placing a pin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from fieldcrm.clients import service as clients
from fieldcrm.clients import store as client_store
from fieldcrm.clients.model import ClientNotFound, Page, StaleClient
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.ownfields.model import PREFIX
from fieldcrm.clients.tables import Client
from fieldcrm.kit import clock, feed, paging
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor
from fieldcrm.quality import judging, pin_store, rules, settings, store
from fieldcrm.quality.doubts import Doubt, doubts_about
from fieldcrm.quality.model import (
    CardFilters,
    Code,
    Finding,
    NoSuchCard,
    PinStatus,
    Source,
)
from fieldcrm.quality.store import Row, Sum
from fieldcrm.quality.tables import PinProposal

LIMIT_MAX = 500


@dataclass(frozen=True)
class Standing:
    """Cards of one territory or owner; `score` is their mean."""

    id: str
    name: str
    owner: str
    clients: int
    score: float
    counts: dict[Code, int]

    @property
    def worst(self) -> Code | None:
        """The finding that most cards have."""
        most = max(self.counts, key=lambda c: self.counts[c])
        return most if self.counts[most] else None


@dataclass(frozen=True)
class Summary:
    """How the reader's clients stand on the whole."""

    clients: int
    score: float
    counts: dict[Code, int]
    territories: list[Standing]
    owners: list[Standing]


# ---- the list ----


def page(
    actor: Actor, filters: CardFilters, sort: str = "-value", limit: int = 50,
    cursor: str | None = None,
) -> Page:  # fmt: skip
    """Cards in scope, by default those first that are most worth putting right.

    Cards that were changed since they were judged are judged anew. Raises BadClientField, BadCursor.
    """
    people.require(actor, *settings.DESK)
    if cursor is None:
        judging.catch_up(actor)
    limit = max(1, min(limit, LIMIT_MAX))
    with reading() as session:
        rows, more = store.page(session, actor, filters, sort, limit, cursor)
        return Page(_shown(session, actor, rows), more)


def _shown(session: Session, actor: Actor, rows: list[Row]) -> list[Row]:
    """Cards without findings of own fields that the actor may not see."""
    hidden = {PREFIX + name for name in ownfields.hidden_in(session, actor)}
    for row in rows:
        seen = [f for f in row.quality.findings if f["field"] not in hidden]
        client_store.show(row.quality, "findings", seen)
    ownfields.show_in(session, actor, (row.client for row in rows))
    return rows


def every(actor: Actor, filters: CardFilters, sort: str) -> Iterator[Row]:
    """The whole list, page by page."""
    return paging.every(lambda cursor: page(actor, filters, sort, LIMIT_MAX, cursor))


def count(actor: Actor, filters: CardFilters) -> int:
    """How many cards the list has."""
    people.require(actor, *settings.DESK)
    with reading() as session:
        return store.count(session, actor, filters)


def one(actor: Actor, client_id: str) -> Row:
    """A card as it stands now, judged anew. Raises NoSuchCard."""
    people.require(actor, *settings.DESK)
    _check_seen(actor, client_id)
    with transaction() as session:
        judging.again_in(session, [client_id])
    with reading() as session:
        found = store.one(session, actor, client_id)
        if found is None:
            raise NoSuchCard()
        return _shown(session, actor, [found])[0]


def _check_seen(actor: Actor, client_id: str) -> Client:
    try:
        found = clients.get(actor, client_id)
    except ClientNotFound as error:
        raise NoSuchCard() from error
    if found.archived_at is not None:
        raise NoSuchCard()
    return found


def findings_of(row: Row) -> list[Finding]:
    """What is wrong with a judged card."""
    return [Finding(Code(f["code"]), f["field"]) for f in row.quality.findings]


def confirm(actor: Actor, client_id: str) -> Row:
    """Say that a card was looked at and is right: it is fresh again. Raises NoSuchCard."""
    people.require(actor, *settings.DESK)
    client = _check_seen(actor, client_id)
    with feed.writing() as session:
        store.confirm(session, client_id, clock.now(), actor.user_id or None)
        clients.tell_in(session, actor, client, "client.confirmed", {})
        judging.again_in(session, [client_id])
    return one(actor, client_id)


# ---- the whole ----


def summary(actor: Actor, filters: CardFilters | None = None) -> Summary:
    """Means and counts over the reader's clients, by territory and by who holds it."""
    people.require(actor, *settings.DESK)
    with reading() as session:
        sums = store.sums(session, actor, filters or CardFilters())
    named = {t.id: t for t in clients.list_territories(actor)}
    holders = {rep.id: rep.name for rep in people.visible_reps(actor, inactive=True)}
    by_place: dict[str, list[Sum]] = {}
    by_owner: dict[str, list[Sum]] = {}
    for each in sums:
        territory = named.get(each.territory_id or "")
        if territory is None:
            continue
        by_place.setdefault(territory.id, []).append(each)
        by_owner.setdefault(territory.rep_id or "", []).append(each)
    places = [
        _standing(i, named[i].name, holders.get(named[i].rep_id or "", ""), some)
        for i, some in by_place.items()
    ]
    owners = [_standing(i, holders.get(i, ""), "", some) for i, some in by_owner.items()]
    whole = _standing("", "", "", sums)
    return Summary(whole.clients, whole.score, whole.counts, _worst_first(places), _worst_first(owners))  # fmt: skip


def _standing(row_id: str, name: str, owner: str, some: list[Sum]) -> Standing:
    n = sum(s.clients for s in some)
    counts = {code: sum(s.counts[code] for s in some) for code in Code}
    return Standing(row_id, name, owner, n, sum(s.points for s in some) / n if n else 0.0, counts)


def _worst_first(rows: list[Standing]) -> list[Standing]:
    return sorted(rows, key=lambda s: (s.score, s.name))


# ---- placing pins ----


@dataclass(frozen=True)
class Unplaced:
    """A client that waits for a pin, where to begin to look, and a geocoder's proposal."""

    row: Row
    near: tuple[float, float] | None
    proposed: PinProposal | None


def next_unplaced(actor: Actor, after: tuple[int, str] | None = None) -> Unplaced | None:
    """Who waits for a pin, the most worth first; `after` is (value, client id) of the last one."""
    people.require(actor, *settings.DESK)
    with reading() as session:
        rows = store.unplaced(session, actor, after, 1)
        if not rows:
            return None
        (row,) = _shown(session, actor, rows)
        known = pin_store.of_clients(session, [row.client.id], Source.geocoder)
        proposed = next((p for p in known if p.status == PinStatus.open), None)
        near = store.near(session, actor, row.client.city, row.client.territory_id)
        return Unplaced(row, near, proposed)


def place(actor: Actor, client_id: str, lat: float, lng: float, version: int) -> Client:
    """Put a client's pin where a person pointed. Raises NoSuchCard, StaleClient, BadClientField."""
    people.require(actor, *settings.DESK)
    seen = _check_seen(actor, client_id)
    if seen.version != version:
        raise StaleClient(version=seen.version)
    saved = clients.save(actor, {"lat": lat, "lng": lng}, client_id, version)
    with feed.writing() as session:
        for known in pin_store.of_clients(session, [client_id], Source.geocoder):
            if known.status == PinStatus.open:
                known.status, known.decided_at = PinStatus.withdrawn, clock.now()
                known.decided_by = actor.user_id or None
        judging.again_in(session, [client_id])
    return saved


def doubts(actor: Actor, fields: Mapping[str, Any], client_id: str = "") -> list[Doubt]:
    """What somebody who types a client should look at once more, of what he types anew.

    Raises ClientNotFound.
    """
    people.require(actor, *settings.DESK)
    before = clients.get(actor, client_id).model_dump() if client_id else {}
    with reading() as session:
        countries = settings.judged_by(session).countries
        known = None if countries else client_store.mean_place(session)
        return doubts_about(fields, before, countries, known)


def where_to_look(
    actor: Actor, city: str | None, territory_id: str | None
) -> tuple[float, float] | None:
    """Where a map begins (lat, lng) on which somebody looks for a client's door."""
    people.require(actor, *settings.DESK)
    with reading() as session:
        return store.near(session, actor, city, territory_id)


def can_be_at(actor: Actor, lat: float, lng: float) -> bool:
    """Whether the company can have a client there."""
    people.require(actor, *settings.DESK)
    with reading() as session:
        return rules.can_be_at(lat, lng, settings.judged_by(session).countries)
