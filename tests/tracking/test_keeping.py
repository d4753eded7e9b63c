"""Settled hours are joined into few rows, nothing is lost by it, and late fixes still find home."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlmodel import select

from fieldcrm.kit import clock
from fieldcrm.kit.database import reading, transaction
from fieldcrm.tracking import chunks, keeping, service
from fieldcrm.tracking.model import Fix
from fieldcrm.tracking.tables import TrackChunk

MONDAY = datetime(2026, 9, 7, 7, 0, tzinfo=UTC)
LATER = MONDAY + timedelta(days=5)


def fix(at: datetime, rep_id: str = "rep", seq: int | None = None) -> Fix:
    at_ms = round(at.timestamp() * 1000)
    return Fix(rep_id, "phone", seq, at_ms, at_ms, at_ms + 250, 60.17, 24.94, accuracy_m=8.0)


def day(start: datetime, rep_id: str = "rep", every_s: int = 30) -> list[Fix]:
    """Eight hours of fixes."""
    return [fix(start + timedelta(seconds=s), rep_id) for s in range(0, 8 * 3600, every_s)]


def keep(fixes: list[Fix], at: datetime) -> int:
    with clock.held(at), transaction() as session:
        return keeping.append(session, fixes)


def tighten_all(now: datetime) -> None:
    while keeping.tighten(now):
        pass


def rows() -> list[TrackChunk]:
    with reading() as session:
        statement = select(TrackChunk).order_by(TrackChunk.rep_id, TrackChunk.hour)  # type: ignore[arg-type]
        return list(session.exec(statement))


def stored(rep_id: str = "rep") -> list[Fix]:
    with reading() as session:
        return service.track_in(session, rep_id, MONDAY - timedelta(days=9), LATER)


def test_nights_join_days_and_lose_nothing(any_db: str) -> None:
    week = [day(MONDAY + timedelta(days=d)) for d in range(4)]
    for fixes in week:
        keep(fixes, clock.from_ms(fixes[-1].fix_at_ms))
    assert len(rows()) == 32
    tighten_all(LATER)
    assert [row.count for row in rows()] == [3840]
    assert chunks.is_tight(rows()[0].data)
    assert stored() == [f for fixes in week for f in fixes]


def test_a_full_row_takes_no_further_day(app_db: None) -> None:
    for d in range(3):
        keep(day(MONDAY + timedelta(days=d), every_s=10), MONDAY + timedelta(days=d, hours=9))
    tighten_all(LATER)
    assert [row.count for row in rows()] == [2880, 2880, 2880]


def test_night_by_night_a_row_grows(app_db: None) -> None:
    for d in range(3):
        keep(day(MONDAY + timedelta(days=d)), MONDAY + timedelta(days=d, hours=9))
        tighten_all(MONDAY + timedelta(days=d + 1))
    assert [row.count for row in rows()] == [2880]


def test_every_rep_gets_his_turn_and_only_once(app_db: None) -> None:
    reps = [f"rep{n:02}" for n in range(2 * keeping.REPS_AT_ONCE + 1)]
    for rep_id in reps:
        keep(day(MONDAY, rep_id, every_s=600), MONDAY + timedelta(hours=9))
    turns = [keeping.tighten(LATER) for _ in range(5)]
    assert turns == [5, 5, 1, 0, 0]
    assert [row.rep_id for row in rows()] == reps
    assert all(chunks.is_tight(row.data) for row in rows())


def test_what_is_still_written_to_waits(app_db: None) -> None:
    keep(day(MONDAY), MONDAY + timedelta(hours=9))
    assert keeping.tighten(MONDAY + timedelta(hours=12)) == 0
    assert len(rows()) == 8


def test_no_stretch_reaches_across_one_that_has_not_settled(app_db: None) -> None:
    tuesday = MONDAY + timedelta(days=1)
    keep(day(MONDAY), MONDAY + timedelta(hours=9))
    keep(day(tuesday)[::2], LATER)
    keep(day(tuesday + timedelta(days=1)), MONDAY + timedelta(days=3))
    tighten_all(LATER)
    assert [row.count for row in rows()] == [960, *[60] * 8, 960]
    assert stored() == sorted(stored(), key=lambda f: f.fix_at_ms)


def test_a_late_backlog_goes_into_the_joined_stretch_once(any_db: str) -> None:
    whole = [*day(MONDAY), *day(MONDAY + timedelta(days=1))]
    keep(whole[::2], MONDAY + timedelta(days=1, hours=9))
    tighten_all(LATER)
    assert len(rows()) == 1
    assert keep([*reversed(whole)], LATER) == 960
    assert len(rows()) == 1
    assert stored() == whole
    assert keep(whole, LATER) == 0
    tighten_all(LATER + timedelta(days=1))
    assert [(row.count, chunks.is_tight(row.data)) for row in rows()] == [(1920, True)]


def test_joining_is_no_news_and_erasing_reaches_into_it(app_db: None) -> None:
    keep(day(MONDAY), MONDAY + timedelta(hours=9))
    tighten_all(LATER)
    assert rows()[0].updated_at == MONDAY + timedelta(hours=9)
    with transaction() as session:
        start, end = MONDAY + timedelta(hours=1), MONDAY + timedelta(hours=2)
        assert keeping.erase_in(session, "rep", start, end) == 119
    assert len(stored()) == 841


def test_a_broken_hour_keeps_no_other_day_from_being_joined(app_db: None) -> None:
    keep(day(MONDAY, every_s=10), MONDAY + timedelta(hours=9))
    keep(day(MONDAY + timedelta(days=1), every_s=10), MONDAY + timedelta(days=1, hours=9))
    with transaction() as session:
        broken = session.get(TrackChunk, ("rep", MONDAY + timedelta(hours=2)))
        assert broken
        broken.data = b"\x01broken"
    tighten_all(LATER)
    assert [row.count for row in rows()] == [*[360] * 8, 2880]
    assert rows()[2].data == b"\x01broken"
