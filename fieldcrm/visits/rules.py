"""Decisions about a visit's life, from the table alone; values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from fieldcrm.visits.life import Life, Limits
from fieldcrm.visits.model import (
    IllegalMove,
    MissingNeed,
    MoveForbidden,
    MoveRequest,
    Position,
    PositionState,
    UnknownMove,
    UnknownResult,
    WrongDay,
)


@dataclass(frozen=True)
class Standing:
    """What the rules must know of the visit as it stands."""

    state: str | None
    day: date | None
    closed_on: date | None = None
    """Local date of its closing."""
    result: str | None = None
    conflicts: frozenset[str] = frozenset()
    """Fields that wait for somebody's choice."""


def position_state(position: Position | None, device_at: datetime, limits: Limits) -> PositionState:
    """What a position is worth: its age counts by the phone's own clock, right or wrong."""
    if position is None:
        return PositionState.absent
    age_s = (device_at - position.fix_at).total_seconds()
    if age_s > limits.fix_age_s or age_s < -limits.fix_ahead_s:
        return PositionState.stale
    if position.accuracy_m is None or position.accuracy_m > limits.accuracy_m:
        return PositionState.inaccurate
    return PositionState.fresh


def decide(table: Life, move: str, state: str | None, role: str, given: frozenset[str]) -> str:
    """The state a move leads to.

    Raises UnknownMove, MoveForbidden, IllegalMove or MissingNeed, in this order.
    """
    wanted = table.moves.get(move)
    if wanted is None:
        raise UnknownMove(move=move)
    if role not in wanted.who:
        raise MoveForbidden(move=move, role=role)
    if state not in wanted.from_states:
        raise IllegalMove(move=move, state=state or "none")
    for need in wanted.needs:
        binds = need.who is None or role in need.who
        if binds and not need.any_of & given:
            raise MissingNeed(need.error, move=move)
    return wanted.to_state


def given(
    table: Life, request: MoveRequest, standing: Standing, today: date, *, has_photo: bool = False
) -> frozenset[str]:
    """Which needs a request meets; `today` is the local date on which it happened."""
    result = request.changes.get("result", request.result) or standing.result
    comment = request.changes.get("comment", request.comment)
    photo = has_photo or bool(request.attachments)
    explained = bool(_said(request.no_gps_reason)) and (bool(_said(comment)) or photo)
    facts = {
        "fresh_position": _is_fresh(table, request),
        "no_gps_explained": explained,
        "result": result is not None,
        "held": result in table.held_results,
        "result_kept": request.changes.get("result", standing.result) == standing.result,
        "comment": bool(_said(comment)),
        "reason": bool(_said(request.reason)),
        "other_day": request.day is not None and request.day != standing.day,
        "change": bool(request.changes) or bool(request.attachments) or bool(request.next_step),
        "same_day": standing.closed_on == today,
        "settles": bool(request.changes) and standing.conflicts >= request.changes.keys(),
        "day_over": standing.day is not None and standing.day < today,
    }
    return frozenset(name for name, is_true in facts.items() if is_true)


def _is_fresh(table: Life, request: MoveRequest) -> bool:
    pressed = request.device_at or request.at
    return position_state(request.position, pressed, table.limits) is PositionState.fresh


def _said(text: str | None) -> str:
    return (text or "").strip()


def check_result(table: Life, result: str | None) -> None:
    """Refuse a result that the table doesn't know."""
    if result is not None and result not in table.results:
        raise UnknownResult(result=result)


MIDNIGHT_DOUBT = timedelta(hours=1)
"""By how much a phone and we may differ about when a visit beside the plan was made: its clock was
set, or changed to summer time, between the last measured offset and this one."""


def check_new_day(day: date | None, today: date, limits: Limits, first: date | None = None) -> date:
    """A visit is planned for today (or `first`) or later, within reach of planning."""
    last = today + timedelta(days=limits.days_ahead)
    if day is None or not (first or today) <= day <= last:
        raise WrongDay(day=day.isoformat() if day else "", today=today.isoformat())
    return day


@dataclass(frozen=True)
class Stop:
    """A visit of a rep's day, as far as its times go."""

    visit_id: str
    state: str
    position: int
    planned_at: datetime | None
    planned_minutes: int
    travel_s: int | None
    checked_in_at: datetime | None = None
    closed_at: datetime | None = None
    pause_min: int = 0


WAIT_S = 300
"""A planned gap longer than this is a wait on purpose (opening hours, lunch): it is kept."""


def expected_times(stops: Iterable[Stop], now: datetime) -> dict[str, datetime]:
    """Expected start of each planned visit of a day, given what is done by now.

    The day goes on from the last closed visit, or from the end of the one under way; a stop's
    travel is the road time from the stop before. Nobody is expected in the past. Being late doesn't
    eat the break: it goes before the stop that the plan puts it before, or the next one left.
    """
    ordered = sorted(stops, key=_order)
    free_at = _free_at(ordered, now)
    expected: dict[str, datetime] = {}
    before: Stop | None = None
    pause_min = 0
    for stop in ordered:
        pause_min = 0 if stop.checked_in_at is not None else pause_min + stop.pause_min
        if stop.state == "planned":
            start = _start(stop, before, free_at, now, timedelta(minutes=pause_min))
            expected[stop.visit_id] = start
            free_at, pause_min = start + timedelta(minutes=stop.planned_minutes), 0
        before = stop
    return expected


def pause_moves_to(stops: Iterable[Stop]) -> tuple[str | None, int]:
    """(the next planned visit, minutes of break still due that day): a break begun falls there."""
    left = [stop for stop in sorted(stops, key=_order) if stop.state == "planned"]
    return (left[0].visit_id if left else None), sum(stop.pause_min for stop in left)


def _order(stop: Stop) -> tuple[int, datetime, str]:
    latest = datetime.max.replace(tzinfo=None)
    planned = stop.planned_at.replace(tzinfo=None) if stop.planned_at else latest
    return stop.position or 10_000, planned, stop.visit_id


def _free_at(stops: Sequence[Stop], now: datetime) -> datetime | None:
    """When the rep leaves what he did last; None before the first visit."""
    leaving = [_leaves(stop, now) for stop in stops if stop.checked_in_at is not None]
    return max(leaving, default=None)


def _leaves(stop: Stop, now: datetime) -> datetime:
    if stop.closed_at is not None:
        return stop.closed_at
    assert stop.checked_in_at is not None
    return max(now, stop.checked_in_at + timedelta(minutes=stop.planned_minutes))


def _start(
    stop: Stop, before: Stop | None, free_at: datetime | None, now: datetime, pause: timedelta
) -> datetime:
    if free_at is None:
        return max(now, stop.planned_at or now)
    arrives = max(now, free_at + pause + timedelta(seconds=stop.travel_s or 0))
    if stop.planned_at is not None and _waits(stop, before):
        return max(arrives, stop.planned_at)
    return arrives


def _waits(stop: Stop, before: Stop | None) -> bool:
    """Whether the plan itself leaves a gap before this stop."""
    if before is None or before.planned_at is None or stop.planned_at is None:
        return True
    leaves = before.planned_at + timedelta(minutes=before.planned_minutes)
    gap = stop.planned_at - leaves - timedelta(seconds=stop.travel_s or 0)
    return gap.total_seconds() > WAIT_S


def overlapping(wanted: Iterable[str], changed_since: Iterable[Iterable[str]]) -> frozenset[str]:
    """Fields that somebody else changed after the version a phone had seen."""
    others = {name for fields in changed_since for name in fields}
    return frozenset(wanted) & others
