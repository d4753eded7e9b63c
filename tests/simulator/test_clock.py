"""Where the sample's clock starts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from workers.simulator.clock import choose_clock, first_start, start_after


def local(text: str) -> datetime:
    from fieldcrm.kit import clock

    return datetime.fromisoformat(text).replace(tzinfo=clock.zone())


@pytest.mark.parametrize(
    ("real", "start"),
    [
        ("2026-11-23 03:00", "2026-11-23 10:10"),  # Monday
        ("2026-11-23 22:00", "2026-11-23 10:10"),
        ("2026-11-21 12:00", "2026-11-23 10:10"),  # Saturday
        ("2026-11-22 12:00", "2026-11-23 10:10"),
    ],
)
def test_the_first_start_is_a_workday_at_ten_past_ten(home, real: str, start: str):
    assert first_start(local(real)) == local(start)


@pytest.mark.parametrize(
    ("shown", "start"),
    [
        ("2026-11-23 10:25", "2026-11-23 10:25"),
        ("2026-11-23 14:59", "2026-11-23 14:59"),
        ("2026-11-23 15:00", "2026-11-24 09:40"),
        ("2026-11-27 16:00", "2026-11-30 09:40"),  # Friday
        ("2026-11-28 11:00", "2026-11-30 09:40"),
    ],
)
def test_a_later_run_goes_on_or_takes_the_next_workday(home, shown: str, start: str):
    assert start_after(local(shown)) == local(start)


def test_a_company_of_its_own_keeps_the_real_clock(app_db):
    assert choose_clock() is None


def test_the_clock_goes_on_from_the_latest_event(app_db):
    from fieldcrm.kit import clock, database, events, facts

    with database.transaction() as session:
        facts.put(session, facts.SAMPLE, True)
    real = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
    first = choose_clock(real)
    assert first == local("2026-11-23 10:10")
    with clock.held(first + timedelta(minutes=50)), database.transaction() as session:
        events.record(session, "test.happened", None)
    assert choose_clock(real) == local("2026-11-23 11:00")
    with clock.held(first + timedelta(hours=6)), database.transaction() as session:
        events.record(session, "test.happened", None)
    assert choose_clock(real) == local("2026-11-24 09:40")
    assert choose_clock(real) == local("2026-11-24 09:40")
