"""When reps work, and what of their fixes is recorded therefore: what sync and workers call.

Working time is a shift with its pauses; only what was taken on shift is kept (decision 0005).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from fieldcrm.kit import bus, clock, events, feed
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, OutOfScope, Role
from fieldcrm.tracking import keeping, live_index, rules, store
from fieldcrm.tracking.model import Fix, ShiftOver, ShiftTime, Span, UnknownShift
from fieldcrm.tracking.tables import Shift
from fieldcrm.visits import running

SHIFTS_KNOWN = timedelta(days=8)
"""How far back shifts matter for fixes that come in now."""

# ---- shifts ----


def span(shift: Shift) -> Span:
    """A shift's row as rules and pipeline take it."""
    return rules.span_of(shift.id, shift.started_at, shift.ended_at, shift.pauses)


def spans_in(
    session: Session, since: datetime, rep_ids: Sequence[str] | None = None
) -> dict[str, tuple[Span, ...]]:
    """Each rep's shifts that touch the time after `since`, in order."""
    found: dict[str, list[Span]] = defaultdict(list)
    for shift in store.shifts_since(session, since, rep_ids):
        found[shift.rep_id].append(span(shift))
    return {rep_id: tuple(spans) for rep_id, spans in found.items()}


def start_shift_in(
    session: Session, actor: Actor, shift_id: str, at: datetime, *, rep_id: str | None = None,
    source: str | None = None,
) -> Shift:  # fmt: skip
    """Start a rep's working time; the same call again changes nothing.

    The rep is the actor, or `rep_id` where a worker or the sample speaks for him. A shift that he
    forgot to end ends here. Raises UnknownShift (somebody else's id), ShiftTime (in the future).
    """
    rep = _rep_of(session, actor, rep_id)
    existing = store.shift(session, shift_id)
    if existing is not None:
        return _own(existing, rep.id)
    if at > clock.now() + rules.CLOCK_SLACK:
        raise ShiftTime(field="at")
    for forgotten in store.open_shifts(session, rep.id):
        if forgotten.started_at < at:
            _end(session, actor, forgotten, min(at, rules.forgotten_end(forgotten.started_at)))
    started = Shift(id=shift_id, rep_id=rep.id, started_at=at, source=source or actor.source)
    session.add(started)
    session.flush()
    _tell(session, actor, started, "shift.started", rep.team_id)
    return started


def end_shift_in(session: Session, actor: Actor, shift_id: str, at: datetime) -> Shift:
    """End a shift; what was recorded after its end, because the end came late, is erased.

    Ending an ended shift again changes nothing. Raises UnknownShift, ShiftTime.
    """
    shift = _shift(session, actor, shift_id)
    if shift.ended_at is None:
        if at < shift.started_at:
            raise ShiftTime(field="at")
        _end(session, actor, shift, at)
    return shift


def pause_in(
    session: Session, actor: Actor, shift_id: str, at: datetime, kind: str = "lunch"
) -> Shift:
    """Pause a shift (lunch or time_off): nothing is recorded until it resumes.

    What came in before word of the pause did is erased once its end is known: a phone that was
    offline tells both at once, and has sent what followed the pause by then.
    """
    shift = _shift(session, actor, shift_id)
    if shift.ended_at is not None:
        raise ShiftOver()
    if not (shift.pauses and shift.pauses[-1]["to"] is None):
        begun = {"from": max(at, shift.started_at).isoformat(), "to": None, "kind": kind}
        shift.pauses = [*shift.pauses, begun]
        _tell(session, actor, shift, "shift.paused")
        if kind == "lunch":
            running.begin_pause_in(session, shift.rep_id, clock.local(at).date())
    return shift


def resume_in(session: Session, actor: Actor, shift_id: str, at: datetime) -> Shift:
    """Go on after a pause; without one nothing changes."""
    shift = _shift(session, actor, shift_id)
    if shift.pauses and shift.pauses[-1]["to"] is None:
        _close_pause(session, shift, at)
        _tell(session, actor, shift, "shift.resumed")
    return shift


def _close_pause(session: Session, shift: Shift, at: datetime) -> None:
    """End an open pause, if there is one, and forget what was recorded in it."""
    is_open = bool(shift.pauses) and shift.pauses[-1]["to"] is None
    shift.pauses = _pauses_until(shift, at)
    if is_open:
        begun, ended = (datetime.fromisoformat(shift.pauses[-1][k]) for k in ("from", "to"))
        keeping.erase_in(session, shift.rep_id, begun, ended)
        if shift.pauses[-1]["kind"] == "lunch":
            running.end_pause_in(session, shift.rep_id, clock.local(ended).date())


def _pauses_until(shift: Shift, at: datetime) -> list[dict[str, Any]]:
    if not shift.pauses or shift.pauses[-1]["to"] is not None:
        return shift.pauses
    begun = shift.pauses[-1]
    end = max(at, datetime.fromisoformat(begun["from"]))
    return [*shift.pauses[:-1], {**begun, "to": end.isoformat()}]


def _end(session: Session, actor: Actor, shift: Shift, at: datetime) -> None:
    _close_pause(session, shift, at)
    shift.ended_at = at
    session.flush()
    _erase_unwanted(session, actor, shift, at, _next_start(session, shift, at))
    _tell(session, actor, shift, "shift.ended")


def _erase_unwanted(
    session: Session, actor: Actor, shift: Shift, start: datetime, end: datetime
) -> None:
    """Forget what was recorded because word of an end or a pause came late, and log how much."""
    gone = keeping.erase_in(session, shift.rep_id, start, end)
    if gone:
        events.record(
            session, "track.erased", shift.rep_id, actor_id=actor.user_id or None,
            source=actor.source, data={"shift_id": shift.id, "fixes": gone},
        )  # fmt: skip


def _next_start(session: Session, shift: Shift, at: datetime) -> datetime:
    """Until when nothing may be kept after a shift's end: the next shift, or now."""
    later = store.shifts_between(session, shift.rep_id, at, clock.now())
    starts = [s.started_at for s in later if s.id != shift.id and s.started_at >= at]
    return min(starts, default=clock.now())


def _rep_of(session: Session, actor: Actor, rep_id: str | None) -> Any:
    if actor.role is Role.rep:
        if rep_id not in (None, actor.user_id):
            raise OutOfScope()
        rep_id = actor.user_id
    elif actor.source not in ("worker", "sample", "cli"):
        raise OutOfScope()  # nobody at a desk may say when a rep works
    return people.scope_rep_in(session, actor, rep_id or "")


def _shift(session: Session, actor: Actor, shift_id: str) -> Shift:
    shift = store.shift(session, shift_id)
    if shift is None:
        raise UnknownShift()
    return _own(shift, _rep_of(session, actor, None if actor.role is Role.rep else shift.rep_id).id)


def _own(shift: Shift, rep_id: str) -> Shift:
    if shift.rep_id != rep_id:
        raise UnknownShift()
    return shift


def _tell(
    session: Session, actor: Actor, shift: Shift, kind: str, team_id: str | None = None
) -> None:
    team_id = team_id or people.scope_rep_in(session, actor, shift.rep_id).team_id
    events.record(
        session, kind, shift.id, actor_id=actor.user_id or None, team_id=team_id,
        source=actor.source, data={"rep_id": shift.rep_id},
    )  # fmt: skip
    session.add(shift)
    feed.touch(session, "shift", shift.id, rep_ids=[shift.rep_id], team_id=team_id)


# ---- what is recorded ----


def record(fixes: Sequence[Fix]) -> dict[str, int]:
    """Keep what was taken on shift, hold what is not settled, drop the rest; counts by outcome.

    The database's shifts decide, which may be newer than those the gateway knew.
    """
    by_duty: dict[rules.Duty, list[Fix]] = defaultdict(list)
    with transaction() as session:
        spans = spans_in(session, clock.now() - SHIFTS_KNOWN, sorted({f.rep_id for f in fixes}))
        for fix in fixes:
            by_duty[rules.duty_at(spans.get(fix.rep_id, ()), fix.fix_at_ms)].append(fix)
        added = keeping.append(session, by_duty[rules.Duty.on])
    unsettled = by_duty[rules.Duty.unknown]
    if unsettled:
        live_index.hold(bus.connection(), unsettled)
    return {
        "stored": added, "stored_again": len(by_duty[rules.Duty.on]) - added,
        "held_again": len(unsettled), "late_off_shift": len(by_duty[rules.Duty.off]),
        "late_paused": len(by_duty[rules.Duty.paused]),
    }  # fmt: skip


def settle_held() -> dict[str, int]:
    """Keep or erase fixes that waited for their shift; counts by outcome.

    After seven days without a word a fix is erased.
    """
    total: dict[str, int] = defaultdict(int)
    reps = live_index.held_reps(bus.connection())
    if not reps:
        return {}
    with reading() as session:
        spans = spans_in(session, clock.now() - SHIFTS_KNOWN, reps)
    for rep_id in reps:
        for outcome, count in _settle_rep(rep_id, spans.get(rep_id, ())).items():
            total[outcome] += count
    return dict(total)


def _settle_rep(rep_id: str, spans: Sequence[Span]) -> dict[str, int]:
    keep: list[Fix] = []
    settled: list[bytes] = []
    counts: dict[str, int] = defaultdict(int)
    too_old = clock.now_ms() - rules.HELD_DAYS * 86_400_000
    for stored, fix in live_index.held_of(bus.connection(), rep_id):
        duty = rules.duty_at(spans, fix.fix_at_ms)
        if duty is rules.Duty.on:
            keep.append(fix)
            counts["held_kept"] += 1
        elif duty is rules.Duty.unknown:
            if fix.server_at_ms > too_old:
                continue
            counts["held_expired"] += 1
        else:
            counts["held_erased"] += 1
        settled.append(stored)
    if settled:
        live_index.settle_held(bus.connection(), rep_id, keep, settled, counts)
        live_index.show_if_newest(bus.connection(), keep)
    return dict(counts)
