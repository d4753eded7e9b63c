"""What a player gets of a day: decoded here as a browser does, and held against the fixes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.tracking import chunks, replay
from fieldcrm.tracking.model import Fix, Span

START_MS = 1_790_000_000_000
MINUTE_MS = 60_000


def decoded(data: bytes) -> tuple[dict[str, Any], dict[str, list[float]]]:
    """The head and each column's values, as the page's script reads them."""
    assert data[:4] == b"FCT1"
    size = int.from_bytes(data[4:8], "little")
    head = json.loads(data[8 : 8 + size])
    at, columns = -(-(8 + size) // 4) * 4, {}
    for column in head["columns"]:
        width = column["width"]
        count = head["count"]
        values = np.frombuffer(data, f"<i{width}", count, at) if width else np.zeros(count)
        values = values.astype(np.int64)
        for index, difference in column["longer"]:
            values[index] = difference
        columns[column["name"]] = (np.cumsum(values) * column["unit"]).tolist()
        at += -(-count * width // 4) * 4
    assert at == len(data)
    return head, columns


def fix(at_ms: int, **other: Any) -> Fix:
    values = {"lat": 60.17, "lng": 24.94, **other}
    return Fix("rep", "phone", None, at_ms, at_ms, at_ms, **values)


def encoded(fixes: list[Fix], spans: list[Span], is_tight: bool = True) -> bytes:
    pack = chunks.pack_tight if is_tight else chunks.pack
    table = chunks.unpack_columns(pack(fixes), replay.SOURCES)
    return replay.encode(replay.joined([table], 0, 2**60), spans, {"rep_id": "rep"})


steps = st.none() | st.integers(0, 400)
days = st.lists(
    st.builds(
        fix, st.integers(START_MS, START_MS + 40_000_000),
        lat=st.integers(-90_000_000, 90_000_000).map(lambda n: n / 1e6),
        lng=st.integers(-180_000_000, 180_000_000).map(lambda n: n / 1e6),
        speed_mps=steps.map(lambda n: None if n is None else n / 10),
        battery_pct=steps.map(lambda n: None if n is None else n / 4), doubts=st.integers(0, 127),
    ),
    max_size=60,
).map(lambda fixes: sorted(fixes, key=lambda f: f.fix_at_ms))  # fmt: skip


@given(days, st.booleans())
def test_a_player_reads_what_was_recorded(fixes: list[Fix], is_tight: bool) -> None:
    head, columns = decoded(encoded(fixes, [], is_tight))
    assert head["count"] == len(fixes)
    assert columns["at_ms"] == [f.fix_at_ms for f in fixes]
    assert [round(lat, 6) for lat in columns["lat"]] == [f.lat for f in fixes]
    assert [round(lng, 6) for lng in columns["lng"]] == [f.lng for f in fixes]
    assert columns["doubts"] == [f.doubts for f in fixes]
    for speed, f in zip(columns["speed_mps"], fixes, strict=True):
        assert abs(speed - (-0.1 if f.speed_mps is None else f.speed_mps)) < 0.01
    for battery, f in zip(columns["battery_pct"], fixes, strict=True):
        assert abs(battery - (-1 if f.battery_pct is None else f.battery_pct)) <= 0.5


def test_no_line_across_a_gap_a_pause_or_the_end_of_a_shift() -> None:
    minutes = [0, 1, 2, 8, 9, 10, 11, 12, 13, 14]
    fixes = [fix(START_MS + m * MINUTE_MS) for m in minutes]
    at = START_MS + 30_000
    spans = [
        Span("a", START_MS - 5, at + 11 * MINUTE_MS, ((at + 8 * MINUTE_MS, at + 9 * MINUTE_MS),)),
        Span("b", at + 12 * MINUTE_MS, None),
    ]
    head, _ = decoded(encoded(fixes, spans))
    # After the gap 3, around the pause 4 and 5, at the end 7 and at the next start 8.
    assert [minutes[i] for i in head["breaks"]] == [8, 9, 10, 12, 13]


def test_only_the_day_itself_is_told() -> None:
    fixes = [fix(START_MS + m * MINUTE_MS) for m in range(10)]
    table = chunks.unpack_columns(chunks.pack_tight(fixes), replay.SOURCES)
    columns = replay.joined([table], START_MS + 2 * MINUTE_MS, START_MS + 5 * MINUTE_MS)
    assert columns["at"].tolist() == [f.fix_at_ms for f in fixes[2:5]]


def test_a_day_without_fixes_is_empty_and_whole() -> None:
    head, columns = decoded(encoded([], []))
    assert head["count"] == 0
    assert head["breaks"] == []
    assert all(values == [] for values in columns.values())


def test_a_walkers_working_day_is_small() -> None:
    fixes = [
        fix(START_MS + i * 5000, lat=60.17 + (i % 97) * 1e-5, lng=24.94 + i * 7e-6, speed_mps=1.4)
        for i in range(5760)
    ]
    assert len(encoded(fixes, [])) < 60_000 / 2
