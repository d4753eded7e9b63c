"""Wrong pins: looked for in where visits took place, proposed as corrections, decided by people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from math import cos, radians
from typing import Any

from sqlmodel import Session

from fieldcrm.clients.model import Page
from fieldcrm.clients.tables import Client
from fieldcrm.evidence import rules as judging_visits
from fieldcrm.evidence import service as evidence
from fieldcrm.evidence.model import VerdictName, VisitFacts
from fieldcrm.kit import clock, events, feed, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.units import EARTH_RADIUS_M, distance_m
from fieldcrm.people import service as people
from fieldcrm.people.model import SYSTEM, Actor
from fieldcrm.quality import judging, pin_store, pins, settings
from fieldcrm.quality.model import (
    Located,
    NoSuchPin,
    PinDecided,
    PinStatus,
    Source,
    Tell,
    quiet,
)
from fieldcrm.quality.pin_store import Pinned, PinRow
from fieldcrm.quality.pins import Sighting, WrongPin
from fieldcrm.quality.tables import PinProposal
from fieldcrm.sync import corrections
from fieldcrm.sync.corrections import ACCEPTED
from fieldcrm.tracking.model import Fix
from fieldcrm.visits.tables import Visit
from fieldcrm.wire.sync import ClientCorrectPayload

SINCE = timedelta(days=365)
"""Older visits may have been at the place before it moved."""
LATEST = 12
"""Visits of one client whose tracks are looked at."""
CANDIDATES_MOST = 2_000
SAME_M = 40.0
"""A place so near to one that was proposed, or declined, is that one."""
LIMIT_MAX = 500


@dataclass(frozen=True)
class Candidate:
    """A client whose check-ins lie elsewhere than its pin."""

    client_id: str
    lat: float
    lng: float
    wrong: WrongPin


# ---- looking ----


def look(tell: Tell = quiet) -> int:
    """Propose a pin for each that visits contradict; how many new ones. Tracks decide, not buttons."""
    settle()
    with reading() as session:
        candidates = _candidates(
            pin_store.check_ins(session, clock.local(clock.now() - SINCE).date())
        )
    proven: dict[str, WrongPin] = {}
    for n, candidate in enumerate(candidates):
        tell(n / len(candidates))
        with reading() as session:
            found = prove(session, candidate)
        if found is not None:
            proven[candidate.client_id] = found
    made = sum(_propose(client_id, wrong) for client_id, wrong in proven.items())
    _withdraw(proven)
    return made


def _candidates(seen: Iterable[Pinned]) -> list[Candidate]:
    """Clients whose check-ins agree on another place, those with most of them first."""
    found: list[Candidate] = []
    for (client_id, lat, lng), group in groupby(seen, lambda p: (p.client_id, p.lat, p.lng)):
        told = sorted((p.seen for p in group), key=lambda s: s.day, reverse=True)[: 2 * LATEST]
        wrong = pins.wrong_pin(told, lat, lng)
        if wrong is not None:
            found.append(Candidate(client_id, lat, lng, wrong))
    found.sort(key=lambda c: (-len(c.wrong.spot.sightings), c.client_id))
    return found[:CANDIDATES_MOST]


def prove(session: Session, candidate: Candidate) -> WrongPin | None:
    """The same from the tracks of visits that count as confirmed if the pin stood at that place.

    A visit is judged by its distance from the pin, so that one to a wrong pin is never confirmed
    there: it is judged again, with all the rest of its evidence, as one to the proposed place.
    """
    spot = candidate.wrong.spot
    latest = sorted(spot.sightings, key=lambda s: s.day, reverse=True)[:LATEST]
    rows = pin_store.visits(session, [s.visit_id for s in latest])
    told = {s.visit_id: s for s in latest}
    seen = [
        _from_track(told[facts.visit_id], there, fixes)
        for facts, fixes in _tracks(session, rows)
        if _is_confirmed(there := replace(facts, lat=spot.lat, lng=spot.lng), fixes)
    ]
    return pins.wrong_pin(seen, candidate.lat, candidate.lng)


def _tracks(session: Session, rows: Sequence[Visit]) -> Iterator[tuple[VisitFacts, list[Fix]]]:
    """Facts of closed visits, each with its rep's fixes of the day."""
    days: dict[tuple[str, Any], list[Visit]] = defaultdict(list)
    for visit in rows:
        if visit.checked_in_at is not None and visit.closed_at is not None:
            days[visit.rep_id, clock.local(visit.checked_in_at).date()].append(visit)
    for (rep_id, day), group in days.items():
        fixes = evidence.day_fixes(session, rep_id, day)
        for facts in evidence.facts_of(session, rep_id, day, group):
            yield facts, fixes


def _is_confirmed(facts: VisitFacts, fixes: Sequence[Fix]) -> bool:
    now_ms = round(clock.now().timestamp() * 1000)
    found = judging_visits.judge(facts, fixes, now_ms)
    return found is not None and found.verdict is VerdictName.confirmed


def _from_track(seen: Sighting, facts: VisitFacts, fixes: Sequence[Fix]) -> Sighting:
    """Where the rep stood during the visit, by his track; where he pressed if that is silent."""
    at = judging_visits.look(facts, fixes).centre
    if at is None or at.fixes < 3 or facts.lat is None or facts.lng is None:
        return seen
    per_deg = radians(1) * EARTH_RADIUS_M
    lat = facts.lat + at.y / per_deg
    lng = facts.lng + at.x / (per_deg * max(cos(radians(facts.lat)), 0.01))
    return replace(seen, lat=lat, lng=lng, accuracy_m=max(at.error_m, 5.0))


# ---- proposing ----


def _propose(client_id: str, wrong: WrongPin) -> bool:
    """Ask for a correction, unless the like waits already or was declined; whether it is new."""
    spot = wrong.spot
    with feed.writing() as session:
        client = session.get(Client, client_id)
        if client is None or client.archived_at or client.lat is None or client.lng is None:
            return False
        for known in pin_store.of_clients(session, [client_id], Source.visits):
            is_like = distance_m(known.lat, known.lng, spot.lat, spot.lng) <= SAME_M
            if known.status == PinStatus.open or (known.status == PinStatus.declined and is_like):
                return False
        made = PinProposal(
            id=ids.new_id(), client_id=client_id, source=Source.visits, lat=round(spot.lat, 6),
            lng=round(spot.lng, 6), from_lat=client.lat, from_lng=client.lng,
            distance_m=round(wrong.distance_m, 1), error_m=round(spot.error_m, 1),
            evidence={"visits": [_told(s, client, spot) for s in spot.sightings]},
            found_at=clock.now(),
        )  # fmt: skip
        session.add(made)
        _ask_in(session, SYSTEM, client, made)
    return True


def _told(seen: Sighting, client: Client, spot: pins.Spot) -> dict[str, Any]:
    return {
        "id": seen.visit_id, "day": seen.day.isoformat(), "rep_id": seen.rep_id,
        "lat": round(seen.lat, 6), "lng": round(seen.lng, 6),
        "old_m": round(distance_m(seen.lat, seen.lng, client.lat or 0, client.lng or 0)),
        "new_m": round(distance_m(seen.lat, seen.lng, spot.lat, spot.lng)),
    }  # fmt: skip


def propose_located(session: Session, client: Client, found: Located) -> PinProposal:
    """Keep a geocoder's answer as a proposal; it becomes a correction once somebody accepts it."""
    made = PinProposal(
        id=ids.new_id(), client_id=client.id, source=Source.geocoder, lat=round(found.lat, 6),
        lng=round(found.lng, 6), from_lat=client.lat, from_lng=client.lng,
        precision=found.precision.value, evidence={"label": found.label}, found_at=clock.now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def _ask_in(session: Session, actor: Actor, client: Client, pin: PinProposal) -> None:
    payload = ClientCorrectPayload(lat=pin.lat, lng=pin.lng)
    corrections.ask_in(session, actor, client, pin.id, payload)
    pin.is_asked = True


def _withdraw(proven: dict[str, WrongPin]) -> None:
    """Take back what no longer holds: the pin was moved meanwhile, or visits speak for it again."""
    with reading() as session:
        waiting = pin_store.open_ones(session, Source.visits)
    for pin, client in waiting:
        has_moved = (client.lat, client.lng) != (pin.from_lat, pin.from_lng)
        if has_moved or client.id not in proven or client.archived_at:
            _close(SYSTEM, pin.id, PinStatus.withdrawn)


def _close(actor: Actor, pin_id: str, status: PinStatus, reason: str = "") -> None:
    with feed.writing() as session:
        pin = pin_store.pin(session, pin_id)
        if pin is None or pin.status != PinStatus.open:
            return
        if pin.is_asked:
            corrections.decide_in(session, actor, pin.id, accept=False, reason=reason)
        _decided(session, actor, pin, status)


def settle() -> None:
    """Take over what was decided where reps' corrections are."""
    with reading() as session:
        if not pin_store.decided_elsewhere(session):
            return
    with transaction() as session:
        for pin, word in pin_store.decided_elsewhere(session):
            pin.status = PinStatus.accepted if word.kind == ACCEPTED else PinStatus.declined
            _settled(session, pin, word.actor_id, word.at)


def _decided(session: Session, actor: Actor, pin: PinProposal, status: PinStatus) -> None:
    pin.status = status
    _settled(session, pin, actor.user_id or None, clock.now())


def _settled(session: Session, pin: PinProposal, by: str | None, at: datetime) -> None:
    """Who decided and when; where reps stood is nobody's business any more, how far off is."""
    pin.decided_by, pin.decided_at = by, at
    seen = [{k: v[k] for k in ("id", "day", "old_m", "new_m")} for v in as_told(pin)]
    pin.evidence = ({"visits": seen} if seen else {}) | {
        k: v for k, v in pin.evidence.items() if k != "visits"
    }
    session.add(pin)
    session.flush()
    judging.again_in(session, [pin.client_id])


# ---- deciding ----


def page(
    actor: Actor, status: str = PinStatus.open, source: str = "", search: str = "", limit: int = 50,
    cursor: str | None = None,
) -> Page:  # fmt: skip
    """Proposals of clients in scope, the newest first; the cursor is the last one's id."""
    people.require(actor, *settings.DESK)
    settle()
    limit = max(1, min(limit, LIMIT_MAX))
    with reading() as session:
        rows = pin_store.page(session, actor, status, source, search, limit + 1, cursor)
    return Page(rows[:limit], rows[limit - 1].pin.id if len(rows) > limit else None)


def count_open(actor: Actor) -> int:
    """How many proposals wait for somebody of the actor's scope."""
    people.require(actor, *settings.DESK)
    with reading() as session:
        return pin_store.count_open(session, actor)


def one(actor: Actor, pin_id: str) -> PinRow:
    """A proposal with its evidence. Raises NoSuchPin."""
    people.require(actor, *settings.DESK)
    with reading() as session:
        found = pin_store.one(session, actor, pin_id)
    if found is None:
        raise NoSuchPin()
    return found


def decide(
    actor: Actor, pin_id: str, accept: bool, overwrite: bool = False, reason: str = ""
) -> PinRow:
    """Move the pin as proposed, by way of a correction, or leave it where it is.

    Raises NoSuchPin, PinDecided, CorrectionOvertaken where somebody moved the pin meanwhile.
    """
    one(actor, pin_id)
    with feed.writing() as session:
        pin = pin_store.pin(session, pin_id)
        if pin is None:
            raise NoSuchPin()
        if pin.status != PinStatus.open:
            raise PinDecided(status=pin.status)
        decide_in(session, actor, pin, accept, overwrite, reason)
    return one(actor, pin_id)


def decide_in(
    session: Session, actor: Actor, pin: PinProposal, accept: bool, overwrite: bool = False,
    reason: str = "",
) -> None:  # fmt: skip
    """The same inside a transaction, the actor having been shown it."""
    client = session.get_one(Client, pin.client_id)
    if accept and not pin.is_asked:
        _ask_in(session, SYSTEM, client, pin)
        session.flush()
    if pin.is_asked:
        corrections.decide_in(
            session, actor, pin.id, accept=accept, overwrite=overwrite, reason=reason
        )
    else:
        events.record(session, "client.pin_declined", client.id, actor_id=actor.user_id or None,
                      source=actor.source, data={"id": pin.id})  # fmt: skip
    _decided(session, actor, pin, PinStatus.accepted if accept else PinStatus.declined)


def as_told(pin: PinProposal) -> list[dict[str, Any]]:
    """The visits that speak for a proposal, the newest first."""
    return sorted(pin.evidence.get("visits", []), key=lambda v: v["day"], reverse=True)


def located(told: dict[str, Any]) -> Located:
    """A geocoder's answer as it was kept."""
    from fieldcrm.quality.model import Precision

    return Located(told["lat"], told["lng"], Precision(told["precision"]), told["label"])


def kept(found: Located) -> dict[str, Any]:
    """A geocoder's answer as it is kept."""
    return asdict(found)
