"""Which moment the sample company's clock starts at."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from sqlmodel import func, select

from fieldcrm.kit import clock, database, facts
from fieldcrm.kit.tables import Event

FACT = "sample_clock"
FIRST = time(10, 10)
"""Some visits are done, all reps are out."""
ANOTHER_DAY = time(9, 40)
TOO_LATE = time(15, 0)


def first_start(real: datetime) -> datetime:
    """The sample's first moment: today at ten past ten, or the next workday's."""
    today = clock.local(real).date()
    return _at(today if today.weekday() < 5 else _next_workday(today), FIRST)


def start_after(shown: datetime) -> datetime:
    """Where a later run takes up a clock that was left at `shown`."""
    there = clock.local(shown)
    if there.weekday() < 5 and there.time() < TOO_LATE:
        return shown
    return _at(_next_workday(there.date()), ANOTHER_DAY)


def choose_clock(real: datetime | None = None) -> datetime | None:
    """The moment this run's clock starts at, kept for the next run; None without a sample.

    The latest event tells how far the clock has run since it was last set.
    """
    with database.transaction() as session:
        if not facts.get(session, facts.SAMPLE):
            return None
        known = facts.get(session, FACT)
        if known is None:
            start = first_start(real or clock.real_now())
        else:
            reached = session.exec(select(func.max(Event.at))).one()
            start = start_after(_latest(datetime.fromisoformat(known), reached))
        facts.put(session, FACT, start.isoformat())
    return start


def find_start() -> datetime | None:
    """Where the sample's clock starts now; None for a company of its own.

    A sample that is run for weeks gets further days planned here.
    """
    from workers.simulator import schedule

    start = choose_clock()
    if start is not None:
        schedule.extend(start)
    return start


def print_start() -> None:
    """`fieldcrm sample clock`: the moment as ISO 8601, nothing for a company of its own."""
    start = find_start()
    print(start.isoformat() if start else "")


def _latest(known: datetime, reached: datetime | None) -> datetime:
    return known if reached is None else max(known, reached)


def _next_workday(day: date) -> date:
    day += timedelta(days=1)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return day


def _at(day: date, moment: time) -> datetime:
    return datetime.combine(day, moment, tzinfo=clock.zone()).astimezone(UTC)
