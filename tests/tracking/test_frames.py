"""Frames are what docs/protocol.md says, byte by byte."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

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
    assert samples == [
        frame(frames.SNAPSHOT, 0, moving, unheard),
        frame(frames.DELTA, 1, silent),
        frame(frames.CELLS, 2, cell),
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
