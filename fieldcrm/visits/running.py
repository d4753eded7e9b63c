"""A rep's day as it goes on: when the next visits are to be expected, and his break."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlmodel import Session

from fieldcrm.kit import clock, feed
from fieldcrm.kit.database import reading, transaction
from fieldcrm.visits import joint, rules, store
from fieldcrm.visits.tables import Visit

PAST = "past"
"""Key of `session.info` under which the sample's history says that a day is over."""
NOTABLE_S = 60
"""A shift of the expected time below this is not worth waking a phone."""


def refresh_expected_in(session: Session, rep_id: str, day: date) -> None:
    """Write the expected times of a rep's day anew and tell his phone what changed."""
    is_past = session.info.get(PAST)  # the sample's history: nobody waits there any more
    if is_past or day != clock.local(clock.now()).date():
        return
    visits = store.day_of(session, rep_id, day)
    expected = rules.expected_times([_stop(v) for v in visits], clock.now())
    for visit in visits:
        wanted = expected.get(visit.id)
        if wanted is None or not _is_notable(visit.expected_at, wanted):
            continue
        visit.expected_at = wanted
        session.add(visit)
        feed.touch(session, "visit", visit.id, rep_ids=[rep_id])
        joint.follow_in(session, visit.id)


def begin_pause_in(session: Session, rep_id: str, day: date) -> None:
    """The break of the day is being taken: it falls before the next visit, wherever it was planned."""
    visits = store.day_of(session, rep_id, day)
    next_id, minutes = rules.pause_moves_to([_stop(v) for v in visits])
    _put_pause(session, visits, next_id, minutes)
    refresh_expected_in(session, rep_id, day)


def end_pause_in(session: Session, rep_id: str, day: date) -> None:
    """The break of the day has been taken: it delays nothing any more."""
    _put_pause(session, store.day_of(session, rep_id, day), None, 0)
    refresh_expected_in(session, rep_id, day)


def _put_pause(session: Session, visits: Sequence[Visit], before: str | None, minutes: int) -> None:
    for visit in visits:
        wanted = minutes if visit.id == before else 0
        if visit.state == "planned" and visit.pause_min != wanted:
            visit.pause_min = wanted
            session.add(visit)
            feed.touch(session, "visit", visit.id, rep_ids=[visit.rep_id])


def _is_notable(before: datetime | None, after: datetime) -> bool:
    return before is None or abs((after - before).total_seconds()) >= NOTABLE_S


def _stop(v: Visit) -> rules.Stop:
    return rules.Stop(
        v.id, v.state, v.position, v.planned_at, v.planned_minutes, v.travel_s, v.checked_in_at,
        v.closed_at, v.pause_min,
    )  # fmt: skip


def refresh_running_days(now: datetime) -> int:
    """Push on the expected times of reps whose next visit should have begun; returns how many."""
    today = clock.local(now).date()
    with reading() as session:
        late = store.reps_running_late(session, today, now)
    for rep_id in late:
        with transaction() as session:
            feed.take_turn(session)
            refresh_expected_in(session, rep_id, today)
    return len(late)
