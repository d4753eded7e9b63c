"""The history bench's year is made of the weeks it was given, and lies in the database as theirs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlmodel import select

from fieldcrm.kit.database import reading
from fieldcrm.tracking import chunks, store
from fieldcrm.tracking.benches import cold, history, years
from fieldcrm.tracking.model import Fix
from fieldcrm.tracking.tables import Shift, TrackChunk

MONDAY = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
WEEK = [MONDAY.date() + timedelta(days=n) for n in range(5)]


def day(rep_id: str, number: int) -> list[Fix]:
    """Eight hours, each day's a little farther north; too many to share a chunk with another day's."""
    start = round((MONDAY + timedelta(days=number)).timestamp() * 1000)
    times = (start + 10_000 * n for n in range(8 * 360))
    return [Fix(rep_id, "phone", None, at, at, at + 250, 60.1 + number / 100, 24.9) for at in times]


def filled(reps: int) -> tuple[str, list[tuple[str, date]], list[Fix]]:
    (rep_id,), _ = history.found_company(1)
    week = [fix for number in range(5) for fix in day(rep_id, number)]
    for number in range(5):
        history.keep(day(rep_id, number))
    history.tighten(MONDAY + timedelta(days=9))
    added, _ = years.fill([rep_id], WEEK, reps, 1.0)
    return rep_id, added, week


def test_a_year_repeats_the_weeks_it_was_given(app_db: None) -> None:
    _, added, week = filled(2)
    assert len(added) == len(set(added)) == 2 * 5 * years.WEEKS_A_YEAR
    rep_id, last = max(added, key=lambda which: which[1])
    by = timedelta(weeks=years.WEEKS_A_YEAR - 1)
    assert last == WEEK[-1] + by
    start = datetime(last.year, last.month, last.day, tzinfo=UTC)
    with reading() as session:
        rows, shifts = store.day_of(session, rep_id, start, start + timedelta(days=1))
    found = [fix for row in rows for fix in chunks.unpack(rep_id, row[2])]
    later_ms = round(by.total_seconds() * 1000)
    wanted = [(fix.fix_at_ms + later_ms, fix.lat) for fix in week[-len(found) :]]
    assert [(fix.fix_at_ms, fix.lat) for fix in found] == wanted
    assert len(shifts) == 1


def test_no_hour_is_left_of_days_that_were_joined(app_db: None) -> None:
    _, added, _ = filled(1)
    with reading() as session:
        rows = session.exec(select(TrackChunk.rep_id, TrackChunk.hour)).all()
        shifts = session.exec(select(Shift.rep_id, Shift.started_at)).all()
    assert {(rep_id, hour.date()) for rep_id, hour in rows} >= set(added)
    assert len(rows) == 5 + len(added)
    assert {(rep_id, at.date()) for rep_id, at in shifts} == set(added)


def test_a_cold_file_is_read_from_the_disk_each_time(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(64 * cold.PAGE))
    file = cold.ColdFile(path)
    for _ in range(3):
        file.forget()
    file.close()
    assert len(file.took_ms) == 3
    assert min(file.took_ms) > 0
