"""A stretch of one rep's fixes as compressed columns, in two forms; both lossless.

Quick (format 1), for the hour that is being written: each column is integers without what they
share (first value, greatest common divisor of the differences), with the order of difference (0, 1
or 2) that leaves the smallest numbers, zigzag-coded, byte plane by byte plane, all through zstd.
Layout: byte 0 is 1; the rest is one zstd frame of a msgpack head `[count, devices, sources,
[[order, divisor, width, first], ...]]` with its length before it (u32, little-endian), then the
columns' bytes in the order of `columns.NAMES`.

Tight (format 2), for what hardly changes any more: a fifth smaller, ten times slower to write;
byte 0 is 2, the rest is `tracking.tight`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
import numpy as np
import zstandard

from fieldcrm.tracking import tight
from fieldcrm.tracking.columns import (
    NAMES,
    Ints,
    Table,
    difference,
    fixes_of,
    summed,
    table_of,
    unzigzag,
    weight,
    zigzag,
)
from fieldcrm.tracking.model import BrokenChunk, Fix

QUICK, TIGHT = 1, 2
LEVEL = 9
HOUR_MS = 3_600_000
_ORDERS = (0, 1, 2)
_BROKEN = (
    zstandard.ZstdError, msgspec.MsgspecError, ValueError, IndexError, TypeError, OverflowError
)  # fmt: skip


def pack(fixes: list[Fix]) -> bytes:
    """Encode fixes of one rep quickly, in the order given; an empty list is allowed."""
    return pack_table(table_of(fixes))


def pack_table(table: Table) -> bytes:
    """The same of what is columns already."""
    count, devices, sources, columns = table
    coded = [_encode(column) for column in columns]
    top = msgspec.msgpack.encode([count, devices, sources, [head for head, _ in coded]])
    raw = len(top).to_bytes(4, "little") + top + b"".join(body for _, body in coded)
    return bytes([QUICK]) + zstandard.ZstdCompressor(level=LEVEL).compress(raw)


def pack_tight(fixes: list[Fix]) -> bytes:
    """Encode fixes in the fewest bytes; numbers that no phone sends are left to the quick form."""
    return pack_table_tight(table_of(fixes))


def pack_table_tight(table: Table) -> bytes:
    """The same of what is columns already."""
    try:
        return bytes([TIGHT]) + tight.pack(table)
    except ValueError:
        return pack_table(table)


def unpack(rep_id: str, data: bytes) -> list[Fix]:
    """Decode a chunk of either form into fixes in stored order; raises BrokenChunk."""
    try:
        return fixes_of(rep_id, _table_of(data, NAMES))
    except _BROKEN as error:
        raise BrokenChunk(str(error)) from error


def unpack_table(data: bytes) -> Table:
    """Decode all columns of a chunk without making fixes; raises BrokenChunk."""
    table = unpack_columns(data, NAMES)
    if len(table.columns) != len(NAMES) or not (
        _names(table.columns[NAMES.index("device")], table.devices)
        and _names(table.columns[NAMES.index("source")], table.sources)
    ):
        raise BrokenChunk("columns that contradict each other")
    return table


def _names(places: Ints, names: list[str]) -> bool:
    """Whether each place is one of the list's."""
    return places.size == 0 or 0 <= int(places.min()) <= int(places.max()) < len(names)


def unpack_columns(data: bytes, wanted: Collection[str]) -> Table:
    """Decode some of `columns.NAMES` of a chunk without making fixes; raises BrokenChunk."""
    try:
        return _table_of(data, wanted)
    except _BROKEN as error:
        raise BrokenChunk(str(error)) from error


def is_tight(data: bytes) -> bool:
    """Whether a chunk is in its final form."""
    return data[:1] == bytes([TIGHT])


def hour_of(fix_at_ms: int) -> int:
    """Start (epoch ms) of the UTC hour a fix belongs to."""
    return fix_at_ms - fix_at_ms % HOUR_MS


def _table_of(data: bytes, wanted: Collection[str]) -> Table:
    if is_tight(data):
        return tight.unpack(data[1:], wanted)
    return _read(data)


def _encode(values: Ints) -> tuple[list[int], bytes]:
    """One column -> ([order, divisor, width, first], bytes)."""
    if values.size == 0:
        return [0, 1, 0, 0], b""
    first = int(values[0])
    if (values == first).all():
        return [0, 1, 0, first], b""
    rest = values - first
    divisor = int(np.gcd.reduce(np.abs(rest)))
    order, coded = min(
        ((o, zigzag(difference(rest // divisor, o))) for o in _ORDERS), key=lambda c: weight(c[1])
    )
    width = (int(coded.max()).bit_length() + 7) // 8
    planes = coded.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width]
    return [order, divisor, width, first], planes.T.tobytes()


def _read(data: bytes) -> Table:
    if not data or data[0] != QUICK:
        raise ValueError("not a chunk of a known format")
    raw = zstandard.ZstdDecompressor().decompress(data[1:])
    head_end = 4 + int.from_bytes(raw[:4], "little")
    count, devices, sources, heads = msgspec.msgpack.decode(raw[4:head_end])
    columns, at = [], head_end
    for order, divisor, width, first in heads:
        body = np.frombuffer(raw, np.uint8, count * width, at).reshape(width, count)
        columns.append(_decode(body, order, divisor, first))
        at += count * width
    return Table(count, devices, sources, columns)


def _decode(planes: np.ndarray[Any, Any], order: int, divisor: int, first: int) -> Ints:
    width, count = planes.shape
    if not width:
        return np.full(count, first, np.int64)
    wide = np.zeros((count, 8), np.uint8)
    wide[:, :width] = planes.T
    return summed(unzigzag(wide.view("<u8").reshape(-1)), order) * divisor + first
