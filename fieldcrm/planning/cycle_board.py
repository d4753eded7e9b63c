"""What a planner looks at: each rep's load, a calendar of days, every client's frequency and what lacks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlmodel import Session

from fieldcrm.clients.tables import Client
from fieldcrm.kit.database import reading
from fieldcrm.kit.settings import settings
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.people.tables import User
from fieldcrm.planning import cycle_facts, cycle_store, rules
from fieldcrm.planning.cycle_facts import Span
from fieldcrm.planning.cycle_problem import CLOSED, NO_POSITION
from fieldcrm.planning.service import PLANNERS, ProposalView, proposal, view_of
from fieldcrm.planning.tables import CycleBaseline
from fieldcrm.visits.tables import Visit

LIVE = ("planned", "under_way", "closed")
NOT_PLANNED, LATER = "not_planned", "later"
LATEST = 20


@dataclass(frozen=True)
class Entry:
    """A visit as a day of the calendar shows it."""

    visit_id: str
    """Empty where it is only proposed."""
    client_id: str
    name: str
    category: str
    kind: str
    """closed, under_way, planned, locked; in a proposal kept, same, moved, new."""
    at: str
    """ISO moment of its planned start, or empty."""
    moved_from: str = ""
    """ISO day."""
    point: tuple[float, float] | None = None


@dataclass
class Day:
    day: date
    is_workday: bool
    entries: list[Entry] = field(default_factory=list)
    minutes: int = 0
    """Visits and ways, as far as known."""


@dataclass(frozen=True)
class Load:
    """A rep's span in numbers."""

    rep_id: str
    name: str
    visits: int
    minutes: int
    days: int
    """Workdays of the span."""
    fullest: int
    """Visits of the fullest day."""


@dataclass(frozen=True)
class Row:
    """A client of a rep's cycle."""

    client_id: str
    name: str
    category: str
    planned: int
    """Wanted over the cycle."""
    done: int
    ahead: int
    """Planned and not made yet, within the cycle; in a proposal as it would be."""
    lacking: int
    """Remaining to schedule."""
    reason: str
    """Why something lacks: not_planned, later (after the proposed span), no_room, closed, no_position, no_route, no_days, capped."""


SORTS = {
    "name": lambda r: (r.name.casefold(),), "category": lambda r: (r.category or "Z",),
    "planned": lambda r: (r.planned,), "done": lambda r: (r.done,), "ahead": lambda r: (r.ahead,),
    "lacking": lambda r: (r.lacking,), "reason": lambda r: (r.reason,),
}  # fmt: skip


def span_of(first: date, weeks: int) -> tuple[date, date]:
    """A span of whole weeks, from the Monday at or before its first day."""
    monday = first - timedelta(days=first.weekday())
    return monday, monday + timedelta(days=7 * max(1, min(weeks, 13)) - 1)


# ---- load ----


def loads(actor: Actor, first: date, weeks: int, shown: ProposalView | None = None) -> list[Load]:
    """Every visible rep's visits and hours in the span, as they stand or as a proposal has them."""
    people.require(actor, *PLANNERS)
    begins, ends = span_of(first, weeks)
    reps = people.visible_reps(actor)
    with reading() as session:
        every = cycle_store.span_visits(session, [r.id for r in reps], begins, ends, *LIVE)
    return [_load(rep, every, begins, ends, shown) for rep in reps]


def _load(
    rep: User, every: list[Visit], begins: date, ends: date, shown: ProposalView | None
) -> Load:
    workdays = len(Span(begins, ends).workdays(rep.work_days))
    if shown and rep.id in shown.after:
        days = shown.after[rep.id]["days"].values()
        counts = [len(d["stops"]) for d in days]
        minutes = sum(d["work_s"] for d in days) // 60
        return Load(rep.id, rep.name, sum(counts), minutes, workdays, max(counts, default=0))
    mine = [v for v in every if v.rep_id == rep.id]
    counts = [sum(v.day == d for v in mine) for d in {v.day for v in mine}]
    minutes = sum(map(_minutes, mine))
    return Load(rep.id, rep.name, len(mine), minutes, workdays, max(counts, default=0))


def _minutes(visit: Visit) -> int:
    return (visit.planned_minutes or 0) + round((visit.travel_s or 0) / 60)


# ---- calendar ----


def calendar(
    actor: Actor, rep_id: str, first: date, weeks: int, shown: ProposalView | None = None
) -> list[Day]:
    """A rep's days from the span's first Monday on, his own to him too; raises OutOfScope."""
    people.require(actor, *PLANNERS, Role.rep)
    begins, ends = span_of(first, weeks)
    with reading() as session:
        rep = people.scope_rep_in(session, actor, rep_id)
        workdays = set(Span(begins, ends).workdays(rep.work_days))
        every = (begins + timedelta(days=n) for n in range((ends - begins).days + 1))
        days = {d: Day(d, d in workdays) for d in every}
        standing = cycle_store.span_visits(session, [rep_id], begins, ends, *LIVE)
        proposed = shown.after.get(rep_id, {}).get("days", {}) if shown else {}
        _fill_standing(session, days, standing, shown)
        _fill_proposed(session, days, proposed)
    return list(days.values())


def _fill_standing(
    session: Session, days: dict[date, Day], standing: list[Visit], shown: ProposalView | None
) -> None:
    """Visits in force; in a proposal's span only those that it doesn't speak of."""
    spoken = (shown.day, date.fromisoformat(shown.request["until"])) if shown else None
    names = cycle_store.names(session, (v.client_id for v in standing))
    for visit in standing:
        is_within = spoken and spoken[0] <= visit.day <= spoken[1]
        is_spoken = is_within and visit.state == "planned"
        if not is_spoken and visit.day in days:
            days[visit.day].entries.append(_entry(visit, names.get(visit.client_id)))
            days[visit.day].minutes += _minutes(visit)


def _entry(visit: Visit, client: Client | None) -> Entry:
    kind = "locked" if visit.is_locked and visit.state == "planned" else visit.state
    at = visit.checked_in_at or visit.planned_at
    return Entry(
        visit.id, visit.client_id, client.name if client else "", (client and client.category) or "",
        kind, at.isoformat() if at else "", "", _point(visit) or _point(client),
    )  # fmt: skip


def _point(place: Visit | Client | None) -> tuple[float, float] | None:
    if place is None or place.lat is None or place.lng is None:
        return None
    return place.lat, place.lng


def _fill_proposed(session: Session, days: dict[date, Day], proposed: dict[str, Any]) -> None:
    wanted = {s["client_id"] for told in proposed.values() for s in told["stops"]}
    names = cycle_store.names(session, wanted)
    for text, told in proposed.items():
        day = days.get(date.fromisoformat(text))
        if day is None:
            continue
        day.minutes += told["work_s"] // 60
        for stop in told["stops"]:
            client = names.get(stop["client_id"])
            day.entries.append(Entry(
                stop["visit_id"] or "", stop["client_id"], client.name if client else "",
                (client and client.category) or "", stop["kind"], stop["start_at"] or "",
                stop["from"] or "", _point(client),
            ))  # fmt: skip


# ---- clients and their frequency ----


def clients(
    actor: Actor, rep_id: str, first: date, weeks: int, shown: ProposalView | None = None,
    only_lacking: bool = False, search: str = "", sort: str = "-lacking",
) -> list[Row]:  # fmt: skip
    """Clients of a rep's cycle with what is planned, done and lacking; raises OutOfScope."""
    people.require(actor, *PLANNERS)
    begins, ends = span_of(first, weeks)
    with reading() as session:
        rep = people.scope_rep_in(session, actor, rep_id)
        rows = _rows(session, rep, Span(begins, ends), shown)
    folded = search.casefold().strip()
    kept = [r for r in rows if (r.lacking or not only_lacking) and folded in r.name.casefold()]
    by = SORTS.get(sort.lstrip("-"), SORTS["lacking"])
    kept.sort(key=lambda r: (r.category or "Z", r.name.casefold()))
    return sorted(kept, key=by, reverse=sort.startswith("-"))


def _rows(session: Session, rep: User, span: Span, shown: ProposalView | None) -> list[Row]:
    quotas, ahead = cycle_facts.quotas_now(session, rep, span)
    reasons: dict[str, str] = {}
    if shown and rep.id in shown.after:
        plan = shown.after[rep.id]
        reasons = {e["client_id"]: e["reason"] for e in plan["left_out"]}
        ahead = _as_proposed(ahead, plan)
    named = cycle_store.names(session, quotas)
    works = cycle_store.workplaces(session, sorted(quotas))
    found: list[Row] = []
    for client_id, quota in quotas.items():
        client, here = named[client_id], ahead.get(client_id, 0)
        lacking = max(quota.planned - quota.done - here, 0)
        hours, place = works.get(client_id, (None, client))
        why = reasons.get(client_id) or (_why(client, hours, place, span) if lacking else "")
        why = LATER if why == NOT_PLANNED and shown and rep.id in shown.after else why
        found.append(Row(client_id, client.name, client.category or "", quota.planned, quota.done,
                         here, lacking, why if lacking or client_id in reasons else ""))  # fmt: skip
    return found


def _as_proposed(ahead: dict[str, int], plan: dict[str, Any]) -> dict[str, int]:
    """Planned visits by client once the proposal is in force."""
    found = dict(ahead)
    for told in plan["days"].values():
        for stop in told["stops"]:
            found[stop["client_id"]] = found.get(stop["client_id"], 0) + (stop["kind"] == "new")
    for removed in plan["removed"]:
        found[removed["client_id"]] = found.get(removed["client_id"], 1) - 1
    return found


def _why(client: Client, hours: str | None, place: Client, span: Span) -> str:
    """What is known to stand in the way before anybody plans."""
    if place.lat is None and client.lat is None:
        return NO_POSITION
    text = hours or client.opening_hours or place.opening_hours
    week = (span.first + timedelta(days=n) for n in range(7))
    zone = settings().timezone
    return CLOSED if text and all(rules.is_closed_on(text, d, zone) for d in week) else NOT_PLANNED


# ---- proposals and approved plans ----


@dataclass(frozen=True)
class Approved:
    """An approved plan as it was written down."""

    baseline: CycleBaseline
    status: str
    """applied or undone."""


def shown_proposal(actor: Actor, proposal_id: str) -> ProposalView | None:
    """A cycle's proposal to look at; None for none, or one that has nothing to show."""
    if not proposal_id:
        return None
    found = proposal(actor, proposal_id)
    return found if found.kind == cycle_store.KIND and found.after else None


def waiting(actor: Actor) -> list[ProposalView]:
    """Cycle plans being worked out or awaiting approval, the newest first."""
    return _proposals(actor, ("queued", "running", "ready"))


def _proposals(actor: Actor, statuses: Iterable[str]) -> list[ProposalView]:
    people.require(actor, *PLANNERS)
    teams = people.visible_team_ids(actor)
    with reading() as session:
        found = cycle_store.proposals(
            session, None if teams is None else sorted(teams), list(statuses), LATEST
        )
    return [view_of(p) for p in found]


def approved(actor: Actor) -> list[Approved]:
    """Approved plans with what became of them, the newest first."""
    people.require(actor, *PLANNERS)
    teams = people.visible_team_ids(actor)
    with reading() as session:
        found = cycle_store.baselines(session, None if teams is None else sorted(teams), LATEST)
    return [Approved(baseline, status) for baseline, status in found]
