"""What is known of a day when it is planned: reps, where they are, their visits as they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from fieldcrm.clients.tables import Client
from fieldcrm.kit import clock
from fieldcrm.people.model import SYSTEM
from fieldcrm.people.tables import User
from fieldcrm.planning import store
from fieldcrm.planning.assemble import RepFacts, VisitFacts
from fieldcrm.visits.tables import Visit

if TYPE_CHECKING:
    from fieldcrm.tracking.model import LiveRep

FRESH_FIX_S = 15 * 60
"""A rep's last fix tells where he is only so long."""
DEFAULT_MINUTES = 15


@dataclass(frozen=True)
class DayFacts:
    """A day of some reps as the database and the live map have it."""

    day: date
    now: datetime
    reps: list[User]
    kept: dict[str, list[Visit]]
    """Done and under-way visits by rep, in order."""
    planned: dict[str, list[Visit]]
    """Planned visits by rep, in their present order."""
    clients: dict[str, Client]
    rep_facts: list[RepFacts]

    def name(self, visit: Visit) -> str:
        client = self.clients.get(visit.client_id)
        return client.name if client else ""

    def visit_facts(self) -> list[VisitFacts]:
        """Every planned visit as the problem takes it."""
        return [_visit_facts(v, self.clients) for mine in self.planned.values() for v in mine]

    def versions(self) -> dict[str, int]:
        return {v.id: v.version for mine in self.planned.values() for v in mine}


def load(session: Session, rep_ids: Sequence[str], day: date, now: datetime) -> DayFacts:
    """The facts of these reps' day at a moment; who is where counts for today only."""
    reps = store.reps(session, rep_ids)
    visits = store.day_visits(session, [r.id for r in reps], day)
    kept = {r.id: _kept(visits, r.id) for r in reps}
    planned = {r.id: _planned(visits, r.id) for r in reps}
    wanted = {i for v in visits for i in (v.client_id, v.place_id) if i}
    is_today = day == clock.local(now).date()
    live = _live() if is_today else {}
    facts = [_rep_facts(session, r, kept[r.id], live.get(r.id), day, now) for r in reps]
    return DayFacts(day, now, reps, kept, planned, store.clients(session, wanted), facts)


def _kept(visits: Sequence[Visit], rep_id: str) -> list[Visit]:
    mine = [v for v in visits if v.rep_id == rep_id and v.state != "planned"]
    return sorted(mine, key=lambda v: (v.checked_in_at or v.updated_at, v.id))


def _planned(visits: Sequence[Visit], rep_id: str) -> list[Visit]:
    late = datetime.max.replace(tzinfo=clock.zone())
    mine = [v for v in visits if v.rep_id == rep_id and v.state == "planned"]
    return sorted(mine, key=lambda v: (not v.position, v.position, v.planned_at or late, v.id))


def _live() -> dict[str, LiveRep]:
    """Where reps are now, as the live map shows it."""
    from fieldcrm.tracking import service as tracking

    return {r.rep_id: r for r in tracking.live(SYSTEM, None)}


def _rep_facts(
    session: Session, rep: User, kept: Sequence[Visit], live: LiveRep | None, day: date,
    now: datetime,
) -> RepFacts:  # fmt: skip
    home = _point(rep.start_lat, rep.start_lng)
    under_way = next((v for v in kept if v.state == "under_way"), None)
    is_today = day == clock.local(now).date()
    here = _here(kept, under_way, live, now) if is_today else None
    paused_until, had_lunch = _lunch(session, rep, day, now) if is_today else (None, False)
    free_at = max(filter(None, [now, _ends(under_way, now), paused_until])) if is_today else None
    return RepFacts(
        id=rep.id, mode=rep.mode, home=home, shift_start_min=rep.shift_start_min,
        shift_end_min=rep.shift_end_min, lunch_start_min=rep.lunch_start_min,
        lunch_minutes=rep.lunch_minutes, is_working=str(day.isoweekday()) in rep.work_days,
        here=here, free_at=free_at, had_lunch=had_lunch, done=tuple(v.id for v in kept),
    )  # fmt: skip


def _here(
    kept: Sequence[Visit], under_way: Visit | None, live: LiveRep | None, now: datetime
) -> tuple[float, float] | None:
    """At the visit under way, else by the last fix, else where the last visit was."""
    if under_way is not None and under_way.lat is not None:
        return _point(under_way.lat, under_way.lng)
    if live is not None and live.state != "off_shift" and live.fix_at_ms is not None:
        age_s = now.timestamp() - live.fix_at_ms / 1000
        if age_s <= FRESH_FIX_S and live.lat is not None:
            return _point(live.lat, live.lng)
    return _point(kept[-1].lat, kept[-1].lng) if kept else None


def _ends(under_way: Visit | None, now: datetime) -> datetime | None:
    """When the visit under way should be over: as planned, not before now."""
    if under_way is None or under_way.checked_in_at is None:
        return None
    return max(now, under_way.checked_in_at + timedelta(minutes=under_way.planned_minutes))


def _lunch(
    session: Session, rep: User, day: date, now: datetime
) -> tuple[datetime | None, bool]:  # fmt: skip
    """(until when the rep pauses, whether the day's pause is taken or being taken)."""
    from fieldcrm.tracking import store as tracking

    start, end = clock.day_bounds(day)
    pauses = [p for s in tracking.shifts_between(session, rep.id, start, end) for p in s.pauses
              if p.get("kind") == "lunch"]  # fmt: skip
    running = [p for p in pauses if p.get("to") is None]
    if running:
        begun = datetime.fromisoformat(running[-1]["from"])
        return max(now, begun + timedelta(minutes=rep.lunch_minutes)), True
    return None, bool(pauses)


def _visit_facts(visit: Visit, clients: dict[str, Client]) -> VisitFacts:
    client = clients.get(visit.client_id)
    place = clients.get(visit.place_id or visit.client_id) or client
    point = _point(visit.lat, visit.lng)
    if point is None and place is not None:
        point = _point(place.lat, place.lng)
    return VisitFacts(
        id=visit.id, client_id=visit.client_id, rep_id=visit.rep_id, point=point,
        address=place.address if place else None,
        opening_hours=place.opening_hours if place else None,
        minutes=visit.planned_minutes or DEFAULT_MINUTES, priority=visit.priority,
        category=client.category if client else None, planned_at=visit.planned_at,
        is_locked=visit.is_locked, position=visit.position,
    )  # fmt: skip


def _point(lat: float | None, lng: float | None) -> tuple[float, float] | None:
    return None if lat is None or lng is None else (lat, lng)


def start_of(facts: RepFacts) -> dict[str, Any] | None:
    """Where the rest of a rep's day starts, for the map."""
    point = facts.here or facts.home
    return None if point is None else {"lat": point[0], "lng": point[1]}
