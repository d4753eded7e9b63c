"""A rep's hour of fixes as delta-coded, byte-shuffled, compressed columns.

Lossless at these steps, finer than any phone measures: positions 1e-7 degrees (about 1 cm),
times 1 ms, accuracy 0.1 m, speed 0.01 m/s, course 0.1 degree, battery 0.1 %.

Each column is integers. What all its values share is taken out first (the first value, then the
greatest common divisor of the differences), so times in whole seconds or positions of six decimals
cost what they hold. Then the order of delta (0, 1 or 2) that leaves the smallest numbers is chosen,
the rest is zigzag-coded and stored byte plane by byte plane, and all of it goes through zstd.

Layout: byte 0 is FORMAT; the rest is one zstd frame of a msgpack head
`[count, devices, sources, [[order, divisor, width, first], ...]]` with its length before it (u32,
little-endian), then the columns' bytes in the order of COLUMNS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import numpy as np
import zstandard

from fieldcrm.tracking.model import BrokenChunk, Fix

FORMAT = 1
LEVEL = 9
HOUR_MS = 3_600_000
_ORDERS = (0, 1, 2)
Ints = np.ndarray[Any, np.dtype[np.int64]]


def pack(fixes: list[Fix]) -> bytes:
    """Encode fixes of one rep, in the order given; an empty list is allowed."""
    devices = sorted({f.device_id for f in fixes})
    sources = sorted({f.source for f in fixes})
    heads, bodies = [], []
    for column in _columns_of(fixes, devices, sources):
        head, body = _encode(column)
        heads.append(head)
        bodies.append(body)
    top = msgspec.msgpack.encode([len(fixes), devices, sources, heads])
    raw = len(top).to_bytes(4, "little") + top + b"".join(bodies)
    return bytes([FORMAT]) + zstandard.ZstdCompressor(level=LEVEL).compress(raw)


def unpack(rep_id: str, data: bytes) -> list[Fix]:
    """Decode a chunk into fixes in stored order; raises BrokenChunk."""
    try:
        count, devices, sources, columns = _read(data)
        return _fixes_of(rep_id, count, devices, sources, columns)
    except (zstandard.ZstdError, msgspec.MsgspecError, ValueError, IndexError) as error:
        raise BrokenChunk(str(error)) from error


def merge(kept: list[Fix], arrived: Iterable[Fix]) -> tuple[list[Fix], int]:
    """Join late, reversed or repeated arrivals to what is kept: sorted by time, each key once.

    Returns the fixes and how many are new. The first arrival of a key wins.
    """
    by_key = {f.key: f for f in kept}
    before = len(by_key)
    for fix in arrived:
        by_key.setdefault(fix.key, fix)
    merged = sorted(by_key.values(), key=lambda f: (f.fix_at_ms, f.device_id, f.seq or 0))
    return merged, len(by_key) - before


def hour_of(fix_at_ms: int) -> int:
    """Start (epoch ms) of the UTC hour a fix belongs to."""
    return fix_at_ms - fix_at_ms % HOUR_MS


def _steps(scale: float) -> tuple[Callable[[Any], int], Callable[[int], Any]]:
    """Codec of an optional non-negative measure: None is 0, a value is 1 + its steps."""
    return (
        lambda v: 0 if v is None else 1 + max(0, round(v * scale)),
        lambda i: None if i == 0 else (i - 1) / scale,
    )


def _flag(value: bool | None) -> int:
    return 0 if value is None else 1 + value


_FLAGS = (None, False, True)
_DEGREES = 10_000_000
_accuracy, _accuracy_back = _steps(10)
_speed, _speed_back = _steps(100)
_course, _course_back = _steps(10)
_battery, _battery_back = _steps(10)


def _columns_of(fixes: list[Fix], devices: list[str], sources: list[str]) -> list[Ints]:
    device_index = {d: i for i, d in enumerate(devices)}
    source_index = {s: i for i, s in enumerate(sources)}
    lists: list[list[int]] = [
        [f.fix_at_ms for f in fixes],
        [f.device_at_ms - f.fix_at_ms for f in fixes],
        [f.server_at_ms - f.fix_at_ms for f in fixes],
        [round(f.lat * _DEGREES) for f in fixes],
        [round(f.lng * _DEGREES) for f in fixes],
        [0 if f.seq is None else f.seq + 1 for f in fixes],
        [_accuracy(f.accuracy_m) for f in fixes],
        [_speed(f.speed_mps) for f in fixes],
        [_course(f.course_deg) for f in fixes],
        [_battery(f.battery_pct) for f in fixes],
        [_flag(f.is_charging) * 3 + _flag(f.is_mock) for f in fixes],
        [device_index[f.device_id] for f in fixes],
        [source_index[f.source] for f in fixes],
        [f.doubts for f in fixes],
    ]
    return [np.array(values, dtype=np.int64) for values in lists]


def _fixes_of(
    rep_id: str, count: int, devices: list[str], sources: list[str], columns: list[Ints]
) -> list[Fix]:
    at, device_lag, server_lag, lat, lng, seq, acc, spd, crs, bat, flags, device, source, doubts = (
        column.tolist() for column in columns
    )
    return [
        Fix(
            rep_id, devices[device[i]], seq[i] - 1 if seq[i] else None, at[i],
            at[i] + device_lag[i], at[i] + server_lag[i], lat[i] / _DEGREES, lng[i] / _DEGREES,
            _accuracy_back(acc[i]), _speed_back(spd[i]), _course_back(crs[i]),
            _battery_back(bat[i]), _FLAGS[flags[i] // 3], _FLAGS[flags[i] % 3],
            sources[source[i]], doubts[i],
        )
        for i in range(count)
    ]  # fmt: skip


def _encode(values: Ints) -> tuple[list[int], bytes]:
    """One column -> ([order, divisor, width, first], bytes)."""
    if values.size == 0:
        return [0, 1, 0, 0], b""
    first = int(values[0])
    rest = values - first
    divisor = int(np.gcd.reduce(np.abs(rest))) or 1
    order, coded = min(
        ((o, _zigzag(_difference(rest // divisor, o))) for o in _ORDERS),
        key=lambda c: _weight(c[1]),
    )
    width = (int(coded.max()).bit_length() + 7) // 8
    planes = coded.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width]
    return [order, divisor, width, first], planes.T.tobytes()


def _difference(values: Ints, order: int) -> Ints:
    for _ in range(order):
        values = np.diff(values, prepend=np.int64(0))
    return values


def _zigzag(values: Ints) -> np.ndarray[Any, np.dtype[np.uint64]]:
    return ((values << 1) ^ (values >> 63)).astype(np.uint64)


def _weight(coded: np.ndarray[Any, np.dtype[np.uint64]]) -> float:
    """About how many bits a column needs."""
    return float(np.log2(coded.astype(np.float64) + 1).sum())


def _read(data: bytes) -> tuple[int, list[str], list[str], list[Ints]]:
    if not data or data[0] != FORMAT:
        raise ValueError("not a chunk of this format")
    raw = zstandard.ZstdDecompressor().decompress(data[1:])
    head_end = 4 + int.from_bytes(raw[:4], "little")
    count, devices, sources, heads = msgspec.msgpack.decode(raw[4:head_end])
    columns, at = [], head_end
    for order, divisor, width, first in heads:
        body = np.frombuffer(raw, np.uint8, count * width, at).reshape(width, count)
        columns.append(_decode(body, order, divisor, first))
        at += count * width
    return count, devices, sources, columns


def _decode(planes: np.ndarray[Any, Any], order: int, divisor: int, first: int) -> Ints:
    width, count = planes.shape
    wide = np.zeros((count, 8), np.uint8)
    wide[:, :width] = planes.T
    coded = wide.view("<u8").reshape(-1)
    values = (coded >> np.uint64(1)).astype(np.int64) ^ -(coded & np.uint64(1)).astype(np.int64)
    for _ in range(order):
        values = np.cumsum(values)
    return values * divisor + first
