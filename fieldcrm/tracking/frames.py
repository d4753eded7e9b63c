"""Positions for desks as bytes, little-endian; specified with samples in docs/protocol.md. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from fieldcrm.tracking.model import Fix, RepState

VERSION = 1
SNAPSHOT, DELTA, CELLS, MOVES = 1, 2, 3, 4
NO_PLACE = -(2**31)
UNKNOWN_16, UNKNOWN_8 = 0xFFFF, 0xFF
IS_CHARGING = 0x100
STATE_CODES = {
    RepState.moving: 1, RepState.in_visit: 2, RepState.idle: 3, RepState.silent: 4,
    RepState.paused: 5, RepState.off_shift: 6,
}  # fmt: skip

_HEAD = struct.Struct("<BBHIQ")
_REP = struct.Struct("<HBBiiIHHHH")
_CELL = struct.Struct("<QiiIHH")
_SECTION = struct.Struct("<HHH")
_MOVE = struct.Struct("<HHHH")
Tile = tuple[int, int]
"""Row from the south pole and column from the antimeridian, each of 65,536 steps of 1e-5 degrees."""
OLDEST_MOVE_S = 14
_COURSE_STEP_DEG, _UNKNOWN_6 = 6, 63


def rep_record(index: int, state: RepState, fix: Fix | None) -> bytes:
    """24 bytes of one rep: his roster index, state, and last fix as far as it is known."""
    code = STATE_CODES[state]
    if fix is None:
        return _REP.pack(index, code, UNKNOWN_8, NO_PLACE, NO_PLACE, 0, *(UNKNOWN_16,) * 3, 0)
    return _REP.pack(
        index, code, _small(fix.battery_pct, 1, UNKNOWN_8), round(fix.lat * 1e6),
        round(fix.lng * 1e6), max(0, min(fix.fix_at_ms // 1000, 0xFFFFFFFF)),
        _small(fix.course_deg, 1, UNKNOWN_16), _small(fix.speed_mps, 100, UNKNOWN_16),
        _small(fix.accuracy_m, 10, UNKNOWN_16),
        (fix.doubts & 0xFF) | (IS_CHARGING if fix.is_charging else 0),
    )  # fmt: skip


def _small(value: float | None, scale: float, unknown: int) -> int:
    return (
        unknown if value is None else max(0, min(round(min(value, unknown) * scale), unknown - 1))
    )


def move_record(index: int, fix: Fix, server_s: int) -> tuple[Tile, bytes] | None:
    """(the tile it lies in, 8 bytes) of a rep who only moved; None for a fix that is too old for it.

    A place is told to 1e-5 degrees, a course to 6 degrees, a speed to a metre a second.
    """
    age_s = server_s - fix.fix_at_ms // 1000
    if not 0 <= age_s <= OLDEST_MOVE_S:
        return None
    north, east = int((fix.lat + 90) * 1e5), int((fix.lng + 180) * 1e5)
    course, speed = fix.course_deg, fix.speed_mps
    course_6 = _UNKNOWN_6 if course is None else round(course / _COURSE_STEP_DEG) % 60
    speed_6 = _UNKNOWN_6 if speed is None else min(_UNKNOWN_6 - 1, max(0, round(min(speed, 99.0))))
    told = age_s << 12 | course_6 << 6 | speed_6
    return (north >> 16, east >> 16), _MOVE.pack(index, north & 0xFFFF, east & 0xFFFF, told)


def section(tile: Tile, moves: bytes) -> bytes:
    """The moves within a tile, with their number before them."""
    return _SECTION.pack(*tile, len(moves) // _MOVE.size) + moves


def moves_head(number: int, server_ms: int, count: int) -> bytes:
    """The head of a frame of sections that hold so many moves in all."""
    return _HEAD.pack(VERSION, MOVES, count, number, server_ms)


def cell_record(cell: int, lat: float, lng: float, total: int, silent: int, moving: int) -> bytes:
    """24 bytes of one H3 cell: its centre and how many reps are in it."""
    cut = UNKNOWN_16
    return _CELL.pack(
        cell, round(lat * 1e6), round(lng * 1e6), total, min(silent, cut), min(moving, cut)
    )


def frames(
    kind: int, first_number: int, server_ms: int, records: Sequence[bytes]
) -> Iterable[bytes]:
    """Whole frames of records."""
    return frames_of(kind, first_number, server_ms, len(records), b"".join(records))


def frames_of(
    kind: int, first_number: int, server_ms: int, count: int, records: bytes
) -> Iterable[bytes]:
    """Whole frames: a head of 16 bytes and its records of 24, at most 65,535 in one.

    A snapshot or a set of cells is always sent, even empty; of several only the first is a
    snapshot, the rest are deltas to it.
    """
    for i in range(0, max(count, 1), UNKNOWN_16):
        part = min(UNKNOWN_16, count - i)
        number = (first_number + i // UNKNOWN_16) & 0xFFFFFFFF
        now_kind = kind if i == 0 or kind != SNAPSHOT else DELTA
        body = records[i * _REP.size : (i + part) * _REP.size]
        yield _HEAD.pack(VERSION, now_kind, part, number, server_ms) + body
