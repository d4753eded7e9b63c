"""The small tools every domain stands on."""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from fieldcrm.kit import clock, database, feed, files, i18n, ids, units
from fieldcrm.kit.settings import Settings
from fieldcrm.kit.tables import FeedEntry

MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


@given(MOMENTS, MOMENTS)
def test_ids_sort_by_time(a: datetime, b: datetime) -> None:
    first, second = sorted((a, b))
    if second - first >= timedelta(milliseconds=1):
        assert ids.new_id(first) < ids.new_id(second)
    assert ids.is_id(ids.new_id(a))


@given(MOMENTS, st.floats(1, 600), st.floats(0, 1e5))
def test_the_scaled_clock_runs_at_its_speed(start: datetime, speed: float, real_s: float) -> None:
    origin = datetime(2026, 1, 1, tzinfo=UTC)
    s = Settings(clock_start=start, clock_origin=origin, clock_speed=speed)
    shown = clock.scaled(origin + timedelta(seconds=real_s), s) - start
    assert shown.total_seconds() == pytest.approx(real_s * speed, abs=0.001)


def test_a_day_with_a_clock_change_has_its_real_length(home: Path) -> None:
    spring = clock.day_bounds(date(2026, 3, 29))
    autumn = clock.day_bounds(date(2026, 10, 25))
    assert spring[1] - spring[0] == timedelta(hours=23)
    assert autumn[1] - autumn[0] == timedelta(hours=25)


def test_one_degree_of_latitude() -> None:
    assert units.distance_m(60, 25, 61, 25) == pytest.approx(111_195, abs=1)


def test_files_are_kept_under_their_own_hash_only(home: Path) -> None:
    content = b"a photo"
    sha = hashlib.sha256(content).hexdigest()
    with pytest.raises(files.WrongHash):
        files.store("0" * 64, content)
    with pytest.raises(files.WrongHash):
        files.path_of("../../etc/passwd")
    assert files.store(sha, content).read_bytes() == content
    files.store(sha, content)
    assert [p.name for p in (home / "files").rglob("*") if p.is_file()] == [sha]


@pytest.mark.parametrize(("n", "text"), [(1, "1 визит"), (3, "3 визита"), (5, "5 визитов")])
def test_russian_plurals(n: int, text: str) -> None:
    forms = {"one": "{n} визит", "few": "{n} визита", "many": "{n} визитов", "other": "{n} визита"}
    assert i18n.fill(forms, "ru", n=n) == text


def test_numbers_by_locale() -> None:
    assert i18n.number(1234.5, "ro", 1) == "1.234,5"
    assert i18n.number(0.5, "ru", 1) == "0,5"


def test_the_feed_is_in_order_for_writers_at_once(any_db: str) -> None:
    """A phone that reads up to a number never misses a lower one that is committed later."""
    seen: list[int] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            with database.reading() as s:
                last = seen[-1] if seen else 0
                rows = s.exec(select(FeedEntry.seq).where(FeedEntry.seq > last).order_by("seq"))  # type: ignore[operator]
                seen.extend(rows)  # type: ignore[arg-type]

    def write() -> None:
        for _ in range(20):
            with database.transaction() as s:
                feed.touch(s, "visit", ids.new_id(), rep_ids=["rep"])

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write) for _ in range(4)]
    for t in [reader, *writers]:
        t.start()
    for t in writers:
        t.join()
    stop.set()
    reader.join()
    with database.reading() as s:
        everything = list(s.exec(select(FeedEntry.seq).order_by("seq")))  # type: ignore[arg-type]
    assert len(everything) == 80
    assert seen == everything[: len(seen)]
