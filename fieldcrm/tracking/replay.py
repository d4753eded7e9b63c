"""A rep's day for a player: few columns, few bytes, read by a browser without a decoder. Pure.

Layout: `FCT1`, u32 (little-endian) length of a JSON head, the head, zero bytes up to a multiple of
four, then the columns in the order of the head. Each column is the differences from fix to fix (the
first from 0) as signed integers of `width` bytes (0: none differs from 0), little-endian, each
column padded to a multiple of four. Where a difference doesn't fit, 0 stands in its place, and the
head's `longer` says [index, difference]. A value is its sum times `unit`. Positions are kept to
1e-6 degrees (0.1 m), which is what a screen shows; the stored track is finer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from fieldcrm.tracking.columns import NAMES, Ints, Table, difference
from fieldcrm.tracking.model import Fix, Span

MAGIC = b"FCT1"
GAP_MS = 5 * 60_000
"""After so long a silence nobody knows the way between: no line is drawn."""
SOURCES = ("at", "lat", "lng", "speed", "battery", "doubts")
"""The columns of a chunk that a player needs."""
SECOND_MS = 1000
_LONGER_AT_MOST = 0.01
"""Share of a column's differences that may stand in the head instead of widening all others."""


class _Kind(NamedTuple):
    """A column of the answer: `stored` steps of the chunk make one step here; `unit` is its size."""

    name: str
    stored: int
    unit: float
    is_optional: bool = False
    """Stored as 1 + steps, 0 where unknown; here the steps themselves, -1 where unknown."""


_KINDS = {
    "at": _Kind("at_ms", 1, 1),
    "lat": _Kind("lat", 10, 1e-6),
    "lng": _Kind("lng", 10, 1e-6),
    "speed": _Kind("speed_mps", 10, 0.1, True),
    "battery": _Kind("battery_pct", 10, 1, True),
    "doubts": _Kind("doubts", 1, 1),
}


def tag_of(*what: object) -> str:
    """A tag of what a day is made from."""
    return hashlib.sha256(repr(what).encode()).hexdigest()[:20]


def joined(tables: Iterable[Table], first_ms: int, last_ms: int) -> dict[str, Ints]:
    """The needed columns of a stretch, in order of time, from chunks in order of time."""
    parts = [_within(table, first_ms, last_ms) for table in tables]
    return {
        name: np.concatenate([part[name] for part in parts]) if parts else np.empty(0, np.int64)
        for name in SOURCES
    }


def _within(table: Table, first_ms: int, last_ms: int) -> dict[str, Ints]:
    at = table.columns[0]
    begin, end = np.searchsorted(at, [first_ms, last_ms])
    return {name: table.columns[NAMES.index(name)][begin:end] for name in SOURCES}


def moments(fixes: Iterable[Fix]) -> Ints:
    """When fixes were taken, as `breaks` wants it."""
    return np.array([f.fix_at_ms for f in fixes], dtype=np.int64)


def breaks(at: Ints, spans: Sequence[Span]) -> list[int]:
    """Indices of fixes that no line leads to: after a gap, a change of shift or a pause."""
    edges = sorted({e for s in spans for e in _edges(s)})
    cuts = {int(i) for i in np.searchsorted(at, np.array(edges, np.int64)) if 0 < i < at.size}
    silences = np.flatnonzero(np.diff(at) > GAP_MS) + 1
    return sorted(cuts.union(silences.tolist()))


def _edges(span: Span) -> Iterable[int]:
    for start, end in ((span.start_ms, span.end_ms), *span.pauses):
        yield start
        if end is not None:
            yield end


def encode(columns: dict[str, Ints], spans: Sequence[Span], about: dict[str, Any]) -> bytes:
    """A day as the bytes of this module's layout; `about` goes into the head as it is."""
    heads, bodies = [], []
    for source in SOURCES:
        head, body = _column(_KINDS[source], columns[source])
        heads.append(head)
        bodies.append(_padded(body))
    head = msgspec.json.encode(
        about
        | {"count": columns["at"].size, "breaks": breaks(columns["at"], spans), "columns": heads}
    )
    opening = MAGIC + len(head).to_bytes(4, "little") + head
    return _padded(opening) + b"".join(bodies)


def _column(kind: _Kind, stored: Ints) -> tuple[dict[str, Any], bytes]:
    values, unit = _scaled(kind, stored), kind.unit
    if kind.name == "at_ms":
        seconds = values // SECOND_MS
        if (seconds * SECOND_MS == values).all():
            values, unit = seconds, SECOND_MS
    differences = difference(values, 1)
    width, few, at = _narrowed(differences)
    longer = [[int(i), int(differences[i])] for i in at]
    few[at] = 0
    head = {"name": kind.name, "unit": unit, "width": width, "longer": longer}
    return head | ({"unknown": -1} if kind.is_optional else {}), few.tobytes() if width else b""


def _scaled(kind: _Kind, stored: Ints) -> Ints:
    if kind.stored == 1:
        return stored
    values = stored + (kind.stored // 2 - kind.is_optional)
    values //= kind.stored
    if kind.is_optional:
        values[stored == 0] = -1
    return values


def _narrowed(differences: Ints) -> tuple[int, Ints, Ints]:
    """Differences in the fewest bytes that hold nearly all: how many (0: none differs from 0), the
    numbers, and the indices of those that don't fit."""
    most = max(1, _LONGER_AT_MOST * differences.size)
    if np.count_nonzero(differences) <= most:
        return 0, differences.copy(), np.flatnonzero(differences)
    for width in (1, 2, 4):
        numbers = differences.astype(f"<i{width}")
        at = np.flatnonzero(numbers != differences)
        if at.size <= most or width == 4:
            break
    return width, numbers, at


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
