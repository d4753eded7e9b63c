"""What is known of some reps' span when its cycle is planned: clients, frequencies, what stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from sqlmodel import Session

from fieldcrm.clients.tables import Client
from fieldcrm.people.tables import User
from fieldcrm.planning import cycle_rules, cycle_store, store
from fieldcrm.planning.cycle_problem import CycleRep, Fixed, Wish
from fieldcrm.planning.cycle_rules import Quota
from fieldcrm.planning.dayfacts import DEFAULT_MINUTES
from fieldcrm.visits.tables import Visit


@dataclass(frozen=True)
class Span:
    """What was asked for."""

    first: date
    last: date
    days_off: frozenset[date] = frozenset()
    most_a_day: int = 12
    most_per_year: int | None = None
    keeps: bool = False
    """Visits planned already stay on their days."""

    @staticmethod
    def of(first: date, request: dict[str, Any]) -> Span:
        return Span(
            first, date.fromisoformat(request["until"]),
            frozenset(date.fromisoformat(d) for d in request.get("days_off", [])),
            int(request.get("most_a_day", 12)), request.get("most_per_year"),
            bool(request.get("keeps")),
        )  # fmt: skip

    def workdays(self, work_days: str) -> tuple[date, ...]:
        """Days of the span on which somebody of these weekdays works."""
        every = (self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))
        return tuple(
            d for d in every if str(d.isoweekday()) in work_days and d not in self.days_off
        )


@dataclass(frozen=True)
class RepFacts:
    """One rep's part."""

    rep: CycleRep
    fixed: list[Fixed]
    wishes: list[Wish]
    movable: dict[str, dict[str, date]]
    """Client -> planned visits (id -> day) that the plan may move or take away."""
    standing: list[Visit]
    """Every planned visit of the span, as it stands."""
    quotas: dict[str, Quota]


def load_rep(session: Session, user: User, span: Span) -> RepFacts:
    """A rep's clients, how often each is to be seen, and what stands."""
    targets, quotas, exact = _targets(session, user, span)
    standing = cycle_store.span_visits(session, [user.id], span.first, span.last)
    by_id = cycle_store.names(session, [v.client_id for v in standing])
    aims = {c.id for c in targets}
    fixed = [v for v in standing if _is_fixed(v, aims, span)]
    rep = _rep(user, span)
    return RepFacts(
        rep, [_fixed(v, by_id.get(v.client_id)) for v in fixed if v.day in rep.days],
        _wishes(session, user, span, targets, exact, fixed), _movable(standing, fixed), standing,
        quotas,
    )  # fmt: skip


def _movable(standing: Sequence[Visit], fixed: Sequence[Visit]) -> dict[str, dict[str, date]]:
    kept, found = {v.id for v in fixed}, dict[str, dict[str, date]]()
    for visit in standing:
        if visit.id not in kept:
            found.setdefault(visit.client_id, {})[visit.id] = visit.day
    return found


def _wishes(
    session: Session, user: User, span: Span, targets: Sequence[Client],
    exact: dict[str, Fraction], fixed: Sequence[Visit],
) -> list[Wish]:  # fmt: skip
    """What each client still wants of the span when its fixed visits are counted."""
    seen = cycle_store.last_seen(session, user.id)
    whole = cycle_rules.whole_visits(exact, {c.id: c.category or "" for c in targets}, seen)
    year = cycle_store.done_in_year(session, user.id, span.first) if span.most_per_year else {}
    works = cycle_store.workplaces(session, [c.id for c in targets])
    days: dict[str, list[date]] = {c.id: [] for c in targets}
    for visit in fixed:
        days.setdefault(visit.client_id, []).append(visit.day)
    return [
        _wish(c, works.get(c.id), whole[c.id] - len(days[c.id]), days[c.id], seen.get(c.id),
              None if span.most_per_year is None
              else span.most_per_year - year.get(c.id, 0) - len(days[c.id]))
        for c in targets if whole[c.id] > len(days[c.id])
    ]  # fmt: skip


def _rep(user: User, span: Span) -> CycleRep:
    home = None if user.start_lat is None or user.start_lng is None else (
        user.start_lat, user.start_lng)  # fmt: skip
    return CycleRep(
        user.id, user.mode, home, user.shift_start_min, user.shift_end_min, user.lunch_start_min,
        user.lunch_minutes, span.workdays(user.work_days),
    )  # fmt: skip


def _is_fixed(visit: Visit, targets: set[str], span: Span) -> bool:
    """Locked visits, and those that no frequency asks for, stay where they are."""
    return visit.is_locked or span.keeps or visit.client_id not in targets


def _targets(
    session: Session, user: User, span: Span
) -> tuple[list[Client], dict[str, Quota], dict[str, Fraction]]:
    """Clients to be seen regularly, their quotas, and their exact share of visits in the span."""
    cycle = store.cycle_on(session, user.team_id or "", span.first)
    found = cycle_store.targets_of(session, cycle.id, user.id) if cycle else []
    ends = (span.first, span.last)
    if cycle is None or not found:
        clients = cycle_store.territory_targets(session, user.id)
        exact = {c.id: cycle_rules.usual_share(c.category, ends) for c in clients}
        return clients, {c.id: Quota(round(exact[c.id]), 0, 0) for c in clients}, exact
    done = store.visit_counts(session, user.id, cycle.starts_on, cycle.ends_on, "closed")
    before = span.first - timedelta(days=1)
    ahead = store.visit_counts(session, user.id, cycle.starts_on, before, "planned")
    quotas = {c.id: Quota(n, done.get(c.id, 0), ahead.get(c.id, 0)) for c, n in found}
    whole = (cycle.starts_on, cycle.ends_on)
    exact = {c: cycle_rules.share_of_cycle(q, whole, ends) for c, q in quotas.items()}
    return [c for c, _ in found], quotas, exact


def quotas_now(session: Session, user: User, span: Span) -> tuple[dict[str, Quota], dict[str, int]]:
    """Each target's frequency and what is done; and visits planned ahead of today within the cycle."""
    targets, quotas, _ = _targets(session, user, span)
    cycle = store.cycle_on(session, user.team_id or "", span.first)
    first, last = (cycle.starts_on, cycle.ends_on) if cycle else (span.first, span.last)
    ahead = store.visit_counts(session, user.id, first, max(last, span.last), "planned")
    return {c.id: quotas[c.id] for c in targets}, ahead


def _wish(
    client: Client, work: tuple[str | None, Client] | None, wanted: int, fixed: Sequence[date],
    last: date | None, room: int | None,
) -> Wish:  # fmt: skip
    hours, place = work or (None, client)
    point = _point(place) or _point(client)
    allowed = wanted if room is None else max(0, min(wanted, room))
    return Wish(
        client.id, client.category, point, client.visit_minutes or DEFAULT_MINUTES, allowed,
        hours or client.opening_hours or place.opening_hours,
        tuple(sorted({*fixed, *([last] if last else [])})), wanted - allowed,
    )  # fmt: skip


def _fixed(visit: Visit, client: Client | None) -> Fixed:
    point = None if visit.lat is None or visit.lng is None else (visit.lat, visit.lng)
    return Fixed(
        visit.id, visit.client_id, visit.day, point or (client and _point(client)) or None,
        visit.planned_minutes or DEFAULT_MINUTES, client.category if client else None,
        visit.planned_at if visit.is_locked else None,
    )  # fmt: skip


def _point(client: Client) -> tuple[float, float] | None:
    return None if client.lat is None or client.lng is None else (client.lat, client.lng)
