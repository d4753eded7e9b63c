"""Chunks give back what went in, and merging makes exactly once of at least once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.kit import clock
from fieldcrm.kit.database import reading, transaction
from fieldcrm.tracking import chunks, keeping, service, store
from fieldcrm.tracking.columns import NAMES, fixes_of, merged, table_of
from fieldcrm.tracking.model import BrokenChunk, Fix

START_MS = 1_790_000_000_000
FIRST_RELEASE = (
    "0128b52ffd2087350300d4046b000000940691a570686f6e6591a37765629e9402cd138801cf000001a0c450"
    "6c0094000100cd012c94020a01ce23dd36a0ce0edd8ac0940201010156032101000002000204040404000200"
    "0209002fa471a12841a029112a1c4bd58d19686624e32a4f"
)
"""Six fixes of a walk, as the first release packed them."""


def fix(i: int, seq: int | None = -1, **other) -> Fix:
    at = START_MS + i * 5000
    values = {
        "rep_id": "rep", "device_id": "phone", "seq": i if seq == -1 else seq, "fix_at_ms": at,
        "device_at_ms": at, "server_at_ms": at + 300, "lat": round(60.17 + i * 1e-5, 6), "lng": 24.94,
    }  # fmt: skip
    return Fix(**{**values, **other})


def steps(top: int, per_unit: int) -> st.SearchStrategy[float | None]:
    return st.none() | st.integers(0, top).map(lambda n: n / per_unit)


fixes = st.builds(
    Fix,
    rep_id=st.just("rep"),
    device_id=st.sampled_from(["a", "b"]),
    seq=st.none() | st.integers(0, 2**40),
    fix_at_ms=st.integers(0, 2**42),
    device_at_ms=st.integers(0, 2**42),
    server_at_ms=st.integers(0, 2**42),
    lat=st.integers(-900_000_000, 900_000_000).map(lambda n: n / 1e7),
    lng=st.integers(-1_800_000_000, 1_800_000_000).map(lambda n: n / 1e7),
    accuracy_m=steps(100_000, 10),
    speed_mps=steps(50_000, 100),
    course_deg=steps(3600, 10),
    battery_pct=steps(1000, 10),
    is_charging=st.none() | st.booleans(),
    is_mock=st.none() | st.booleans(),
    source=st.sampled_from(["web", "osmand"]),
    doubts=st.integers(0, 127),
)


@given(st.lists(fixes, max_size=40))
def test_what_is_packed_comes_back(given_fixes: list[Fix]) -> None:
    assert chunks.unpack("rep", chunks.pack(given_fixes)) == given_fixes


@given(st.lists(fixes, max_size=40))
def test_the_tight_form_gives_back_the_same(given_fixes: list[Fix]) -> None:
    data = chunks.pack_tight(given_fixes)
    assert chunks.is_tight(data)
    assert chunks.unpack("rep", data) == given_fixes


@given(st.lists(fixes, min_size=1, max_size=20))
def test_some_columns_of_either_form_are_those_of_the_fixes(given_fixes: list[Fix]) -> None:
    for data in (chunks.pack(given_fixes), chunks.pack_tight(given_fixes)):
        table = chunks.unpack_columns(data, ("at", "lng"))
        assert table.columns[NAMES.index("at")].tolist() == [f.fix_at_ms for f in given_fixes]
        assert [n / 1e7 for n in table.columns[NAMES.index("lng")]] == [f.lng for f in given_fixes]


def test_numbers_no_phone_sends_are_kept_by_the_quick_form() -> None:
    strange = [fix(1, seq=0), fix(2, seq=2**61)]
    assert chunks.unpack("rep", chunks.pack_tight(strange)) == strange


def test_a_chunk_written_by_the_first_release_is_read() -> None:
    walk = [
        fix(i, lat=round(60.17 + i * i * 1e-6, 6), accuracy_m=8.5, battery_pct=80.0, doubts=i % 2)
        for i in range(6)
    ]
    assert chunks.unpack("rep", bytes.fromhex(FIRST_RELEASE)) == walk


@given(st.permutations(range(12)), st.lists(st.integers(0, 11), max_size=30))
def test_any_order_and_any_repeats_make_the_same_hour(order: list[int], repeats: list[int]) -> None:
    kept, added = [], 0
    for i in [*order, *repeats]:
        kept, new = merge(kept, [fix(i)])
        added += new
    assert kept == [fix(i) for i in range(12)]
    assert added == 12


def test_without_a_number_the_devices_time_tells_fixes_apart() -> None:
    one, two = fix(1, seq=None), fix(2, seq=None)
    assert merge([one], [two, one, two]) == ([one, two], 1)
    corrected = fix(1, seq=None, fix_at_ms=START_MS)
    assert merge([one], [corrected]) == ([one], 0)


@given(st.lists(fixes, max_size=30), st.lists(fixes, max_size=30), st.data())
def test_columns_are_merged_as_fixes_would_be(
    before: list[Fix], arrived: list[Fix], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from([*before, *arrived]), max_size=9)) if before else []
    kept, _ = merge([], before)
    found, added = merge(kept, [*arrived, *again])
    by_key = {f.key: f for f in reversed([*before, *arrived])}
    assert {f.key: f for f in found} == by_key
    assert (len(found), added) == (len(by_key), len(by_key) - len(kept))
    order = [(f.fix_at_ms, f.device_id) for f in found]
    assert order == sorted(order)


def merge(kept: list[Fix], arrived: list[Fix]) -> tuple[list[Fix], int]:
    table, added = merged(table_of(kept), table_of(arrived))
    return fixes_of("rep", table), added


def test_a_day_of_walking_takes_few_bytes() -> None:
    day = [
        fix(i, lat=round(60.17 + i % 7 * 1e-5, 6), accuracy_m=8.0, battery_pct=90.0)
        for i in range(720)
    ]
    assert len(chunks.pack(day)) / 720 < 4


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x09nonsense",
        b"\x01nonsense",
        b"\x02nonsense",
        chunks.pack([fix(1)])[:-4],
        chunks.pack_tight([fix(1), fix(3)])[:-1],
        b"\x02",
    ],
)
def test_a_damaged_chunk_says_so(data: bytes) -> None:
    with pytest.raises(BrokenChunk):
        chunks.unpack("rep", data)


def test_a_reversed_backlog_over_hours_is_stored_once(any_db: str) -> None:
    backlog = [fix(i) for i in range(2000)]
    with transaction() as session:
        assert keeping.append(session, reversed(backlog[500:])) == 1500
    with transaction() as session:
        assert keeping.append(session, backlog) == 500
    start = clock.from_ms(START_MS)
    with reading() as session:
        assert service.track_in(session, "rep", start, start + timedelta(hours=9)) == backlog
        assert store.fixes_stored(session) == 2000
        assert service.track_in(session, "rep", start, start + timedelta(seconds=9)) == backlog[:2]
        assert service.track_in(session, "other", start, datetime.now(UTC)) == []


def test_erasing_takes_only_what_lies_between(any_db: str) -> None:
    with transaction() as session:
        keeping.append(session, [fix(i) for i in range(100)])
    with transaction() as session:
        first, last = clock.from_ms(START_MS + 50_000), clock.from_ms(START_MS + 100_000)
        assert keeping.erase_in(session, "rep", first, last) == 9
    with reading() as session:
        assert store.fixes_stored(session) == 91
