"""What a rep does to his own day's plan: another order by hand, and asking the office for a better one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from fieldcrm.kit import clock, feed, ids
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, OutOfScope, Role
from fieldcrm.people.tables import User
from fieldcrm.planning import outcome, store
from fieldcrm.planning.model import NothingToPlan
from fieldcrm.planning.tables import DayPlan
from fieldcrm.tracking import asking
from fieldcrm.visits import joint, ordering, running
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import MoveRequest
from fieldcrm.visits.tables import Visit

BY_HAND = "by_hand"
"""Mark of a day plan that a rep ordered himself, in its `solver`."""


def order_day_in(
    session: Session, actor: Actor, rep_id: str, day: date, visit_ids: Sequence[str], at: datetime
) -> list[str]:
    """Put the rep's own planned visits of a day into his order; returns them as they stand then.

    What is no longer planned, or somebody else's, is passed over; what came meanwhile keeps its
    place. Each changed visit's change and event tell of it. Raises OutOfScope, NothingToPlan.
    """
    rep = _self(session, actor, rep_id, day)
    feed.take_turn(session)
    rows = store.day_visits(session, [rep.id], day)
    planned = sorted((v for v in rows if v.state == "planned"), key=_place)
    standing = [v.id for v in planned]
    order = ordering.reordered(standing, visit_ids)
    if not planned:
        raise NothingToPlan(day=day.isoformat())
    if order == standing:
        return standing
    found = ordering.placed(
        [_stop(v) for v in planned], order, _begin(rep, rows, day, at), rep.mode
    )
    by_id = {v.id: v for v in planned}
    for each in found:
        _put(session, actor, by_id[each.visit_id], each, at)
    session.flush()
    _redraw(session, actor, rep, day, rows, found)
    running.refresh_expected_in(session, rep.id, day)
    return order


def ask_replan_in(
    session: Session, actor: Actor, rep_id: str, day: date, comment: str | None, at: datetime
) -> None:
    """Tell the office that a rep asks for a better rest of his day. Raises OutOfScope, NothingToPlan."""
    rep = _self(session, actor, rep_id, day)
    if not any(v.state == "planned" for v in store.day_visits(session, [rep.id], day)):
        raise NothingToPlan(day=day.isoformat())
    asking.ask_in(session, actor, rep, day, (comment or "").strip(), at)


def _self(session: Session, actor: Actor, rep_id: str, day: date) -> User:
    people.require(actor, Role.rep)
    if rep_id != actor.user_id:
        raise OutOfScope()
    if day < clock.local(clock.now()).date():
        raise NothingToPlan(day=day.isoformat())
    return people.scope_rep_in(session, actor, rep_id)


def _place(v: Visit) -> tuple[int, float, str]:
    planned = v.planned_at.timestamp() if v.planned_at else float("inf")
    return v.position or 10_000, planned, v.id


def _stop(v: Visit) -> ordering.Stop:
    return ordering.Stop(
        v.id, v.position, _ms(v.planned_at), v.planned_minutes, v.travel_s, v.travel_m,
        v.pause_min, v.is_locked, _point(v.lat, v.lng),
    )  # fmt: skip


def _begin(rep: User, rows: Sequence[Visit], day: date, at: datetime) -> ordering.Begin:
    """From the last visit made, or from home."""
    is_today = day == clock.local(at).date()
    made = [v for v in rows if v.checked_in_at is not None]
    now_ms = _ms(at) or 0
    if not made:
        return ordering.Begin(_point(rep.start_lat, rep.start_lng), None, now_ms, is_today)
    last = max(made, key=lambda v: (_leaves(v, at), v.id))
    return ordering.Begin(
        _point(last.lat, last.lng), _ms(_leaves(last, at)), now_ms, is_today,
        max(v.position for v in made),
    )  # fmt: skip


def _leaves(v: Visit, at: datetime) -> datetime:
    if v.closed_at is not None:
        return v.closed_at
    begun = v.checked_in_at or at
    return max(at, begun + timedelta(minutes=v.planned_minutes))


def _put(session: Session, actor: Actor, row: Visit, to: ordering.Placed, at: datetime) -> None:
    """One visit at its new place; a visit whose place and time stay is left alone."""
    planned_at = clock.from_ms(to.planned_ms)
    if row.position != to.position or row.planned_at != planned_at:
        visits.apply_move(session, actor, MoveRequest(
            row.id, "reorder", at=at, order=to.position, planned_at=planned_at, reason=BY_HAND,
        ))  # fmt: skip
    row.travel_s, row.travel_m, row.pause_min = to.travel_s, to.travel_m, to.pause_min
    row.expected_at = planned_at + timedelta(milliseconds=to.late_ms)
    row.updated_at = clock.now()
    session.add(row)
    feed.touch(session, "visit", row.id, rep_ids=[row.rep_id], team_id=row.team_id)
    joint.follow_in(session, row.id)


def _redraw(
    session: Session, actor: Actor, rep: User, day: date, rows: Sequence[Visit],
    found: Sequence[ordering.Placed],
) -> None:  # fmt: skip
    """The next version of the day's plan, so that maps don't draw the way of the order before."""
    before = store.newest_plan(session, rep.id, day)
    if before is None:
        return
    by_id = {v.id: v for v in rows}
    known = {s.get("visit_id"): s for s in before.stops}
    done = [s for s in before.stops if _is_made(by_id.get(s.get("visit_id", "")))]
    stops = [*done, *(_plan_stop(by_id[p.visit_id], p, known.get(p.visit_id)) for p in found)]
    home = _point(rep.start_lat, rep.start_lng)
    way = [home, *(_point(by_id[s["visit_id"]].lat, by_id[s["visit_id"]].lng) for s in stops)]
    session.add(store.save_day_plan(session, DayPlan(
        id=ids.new_id(), rep_id=rep.id, day=day, stops=stops, dropped=before.dropped,
        line=[list(p) for p in way if p is not None],
        drive_s=sum(s.get("travel_s") or 0 for s in stops),
        distance_m=sum(s.get("travel_m") or 0 for s in stops),
        solver={BY_HAND: True, "checked": []}, created_by=actor.user_id, created_at=clock.now(),
    )))  # fmt: skip
    feed.touch(session, "plan", day.isoformat(), rep_ids=[rep.id], team_id=rep.team_id)


def _is_made(v: Visit | None) -> bool:
    return v is not None and v.checked_in_at is not None


def _plan_stop(v: Visit, p: ordering.Placed, before: dict[str, Any] | None) -> dict[str, Any]:
    start = clock.from_ms(p.planned_ms + p.late_ms)
    leave = start + timedelta(minutes=v.planned_minutes)
    return {
        "visit_id": v.id, "position": p.position, "arrive_at": outcome.iso(start),
        "start_at": outcome.iso(start), "leave_at": outcome.iso(leave), "travel_s": p.travel_s,
        "travel_m": p.travel_m, "mode": v.travel_mode, "reason": (before or {}).get("reason"),
    }  # fmt: skip


def _point(lat: float | None, lng: float | None) -> ordering.Point | None:
    return None if lat is None or lng is None else (lat, lng)


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)
