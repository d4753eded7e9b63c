"""Frames are what docs/protocol.md says, byte by byte."""

from __future__ import annotations

import re
import struct
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from fieldcrm.tracking import frames
from fieldcrm.tracking.model import Doubt, Fix, RepState

AT = 1_790_000_000_123
HELSINKI = Fix("r", "d", 1, AT, AT, AT, 60.1699, 24.9384, 8.0, 1.5, 90.0, 77.0, False)
SANTIAGO = Fix("r", "d", 1, AT, AT, AT, -33.4489, -70.6693, is_charging=True, is_mock=True,
               doubts=Doubt.mock | Doubt.late)  # fmt: skip


def frame(kind: int, number: int, *records: bytes) -> bytes:
    (whole,) = frames.frames(kind, number, 1_790_000_001_000, records)
    return whole


def test_the_documents_samples_are_what_we_send() -> None:
    text = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
    samples = [bytes.fromhex(s) for s in re.findall(r"```\n((?:[0-9a-f]{2}[ \n])+)```", text)]
    moving = frames.rep_record(0, RepState.moving, HELSINKI)
    unheard = frames.rep_record(3, RepState.off_shift, None)
    silent = frames.rep_record(2, RepState.silent, SANTIAGO)
    cell = frames.cell_record(0x88089969E7FFFFF, 60.17, 24.94, 120, 4, 80)
    now_ms = 1_790_000_001_000
    north = structs.replace(HELSINKI, lat=60.17, course_deg=1.0, speed_mps=1.8)
    tile, move = frames.move_record(0, north, now_ms // 1000) or ((0, 0), b"")
    moves = frames.moves_head(3, now_ms, 1) + frames.section(tile, move)
    assert samples == [
        frame(frames.SNAPSHOT, 0, moving, unheard),
        frame(frames.DELTA, 1, silent),
        frame(frames.CELLS, 2, cell),
        moves,
    ]


@given(
    st.floats(-90, 90), st.floats(-180, 180), st.floats(0, 1e9), st.floats(0, 1e9),
    st.floats(0, 360), st.floats(0, 100), st.integers(0, 2**52),
)  # fmt: skip
def test_any_fix_fits_its_record(lat, lng, accuracy, speed, course, battery, at) -> None:
    fix = Fix("r", "d", None, at, at, at, lat, lng, accuracy, speed, course, battery, True, None)
    assert len(frames.rep_record(65_534, RepState.moving, fix)) == 24


def test_more_records_than_a_frame_holds_make_several() -> None:
    record = frames.rep_record(0, RepState.idle, None)
    parts = list(frames.frames(frames.SNAPSHOT, 5, AT, [record] * 70_000))
    assert [(p[1], int.from_bytes(p[2:4], "little"), int.from_bytes(p[4:8], "little"))
            for p in parts] == [(1, 65_535, 5), (2, 4_465, 6)]  # fmt: skip
    assert [len(p) for p in frames.frames(frames.SNAPSHOT, 0, AT, [])] == [16]


@given(
    st.floats(-90, 90), st.floats(-180, 180), st.none() | st.floats(0, 1e9),
    st.none() | st.floats(0, 360), st.integers(-20, 40),
)  # fmt: skip
def test_a_move_tells_what_the_whole_record_tells(lat, lng, speed, course, age) -> None:
    fix = Fix("r", "d", None, AT, AT, AT, lat, lng, None, speed, course)
    told = frames.move_record(65_534, fix, AT // 1000 + age)
    if not 0 <= age <= frames.OLDEST_MOVE_S:
        assert told is None
        return
    assert told is not None
    (row, column), record = told
    index, y, x, more = struct.unpack("<HHHH", record)
    assert index == 65_534
    assert abs((65_536 * row + y + 0.5) / 1e5 - 90 - lat) < 1e-5
    assert abs((65_536 * column + x + 0.5) / 1e5 - 180 - lng) < 1e-5
    assert more >> 12 == age
    told_course, told_speed = more >> 6 & 63, more & 63
    if course is None:
        assert told_course == 63
    else:
        assert abs((told_course * 6 - course + 180) % 360 - 180) <= 3.01
    assert told_speed == (63 if speed is None else min(62, round(min(speed, 99))))
