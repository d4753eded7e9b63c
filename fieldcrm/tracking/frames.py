"""Positions for desks as bytes, little-endian; specified with samples in docs/protocol.md. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from fieldcrm.tracking.model import Fix, RepState

VERSION = 1
SNAPSHOT, DELTA, CELLS = 1, 2, 3
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
    return unknown if value is None else max(0, min(round(min(value, unknown) * scale), unknown - 1))


def cell_record(cell: int, lat: float, lng: float, total: int, silent: int, moving: int) -> bytes:
    """24 bytes of one H3 cell: its centre and how many reps are in it."""
    cut = UNKNOWN_16
    return _CELL.pack(
        cell, round(lat * 1e6), round(lng * 1e6), total, min(silent, cut), min(moving, cut)
    )


def frames(
    kind: int, first_number: int, server_ms: int, records: Sequence[bytes]
) -> Iterable[bytes]:
    """Whole frames: a head of 16 bytes and its records, at most 65,535 in one.

    A snapshot or a set of cells is always sent, even empty; of several only the first is a
    snapshot, the rest are deltas to it.
    """
    for i in range(0, max(len(records), 1), UNKNOWN_16):
        part = records[i : i + UNKNOWN_16]
        number = (first_number + i // UNKNOWN_16) & 0xFFFFFFFF
        now_kind = kind if i == 0 or kind != SNAPSHOT else DELTA
        yield _HEAD.pack(VERSION, now_kind, len(part), number, server_ms) + b"".join(part)
