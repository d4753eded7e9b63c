"""Fixes as columns of integers and back: what every form of a chunk codes.

Steps finer than any phone measures: positions 1e-7 degrees (about 1 cm), times 1 ms, accuracy
0.1 m, speed 0.01 m/s, course 0.1 degree, battery 0.1 %. An optional measure is 0 where unknown,
else 1 + its steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fieldcrm.tracking.model import Fix

Ints = np.ndarray[Any, np.dtype[np.int64]]
DEGREES = 10_000_000
"""Steps of a degree."""

NAMES = (
    "at", "device_lag", "server_lag", "lat", "lng", "seq", "accuracy", "speed", "course",
    "battery", "flags", "device", "source", "doubts",
)  # fmt: skip
"""The columns in the order in which every format stores them."""
KEYS = ("at", "device_lag", "seq", "device")
"""Those that tell fixes apart."""


class Table(NamedTuple):
    """A chunk's content: names of devices and sources, and the columns in the order of NAMES."""

    length: int
    devices: list[str]
    sources: list[str]
    columns: list[Ints]


def table_of(fixes: Sequence[Fix]) -> Table:
    """Fixes of one rep, in the order given, as columns."""
    devices = sorted({f.device_id for f in fixes})
    sources = sorted({f.source for f in fixes})
    device_index = {d: i for i, d in enumerate(devices)}
    source_index = {s: i for i, s in enumerate(sources)}
    lists: list[list[int]] = [
        [f.fix_at_ms for f in fixes],
        [f.device_at_ms - f.fix_at_ms for f in fixes],
        [f.server_at_ms - f.fix_at_ms for f in fixes],
        [round(f.lat * DEGREES) for f in fixes],
        [round(f.lng * DEGREES) for f in fixes],
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
    return Table(
        len(fixes), devices, sources, [np.array(values, dtype=np.int64) for values in lists]
    )


def fixes_of(rep_id: str, table: Table) -> list[Fix]:
    """Columns as fixes again; raises IndexError where they contradict each other."""
    at, device_lag, server_lag, lat, lng, seq, acc, spd, crs, bat, flags, device, source, doubts = (
        column.tolist() for column in table.columns
    )
    devices, sources = table.devices, table.sources
    return [
        Fix(
            rep_id, devices[device[i]], seq[i] - 1 if seq[i] else None, at[i],
            at[i] + device_lag[i], at[i] + server_lag[i], lat[i] / DEGREES, lng[i] / DEGREES,
            _accuracy_back(acc[i]), _speed_back(spd[i]), _course_back(crs[i]),
            _battery_back(bat[i]), _FLAGS[flags[i] // 3], _FLAGS[flags[i] % 3],
            sources[source[i]], doubts[i],
        )
        for i in range(table.length)
    ]  # fmt: skip


# Tables as sets of fixes: nothing here makes a fix again, which takes longer than all the rest


def merged(kept: Table, arrived: Table) -> tuple[Table, int]:
    """Late, reversed or repeated arrivals among what is kept: in order of time, each key once.

    With it how many are new. The first arrival of a key wins.
    """
    new = unknown(kept, arrived)
    return in_order(joined([kept, new])), new.length


def unknown(kept: Table, arrived: Table) -> Table:
    """Arrivals whose key (`Fix.key`) is neither kept nor that of an earlier one, as they came."""
    both = joined([kept, arrived])
    device, seq, at = keys(both)
    ranked = np.lexsort((at, seq, device))  # stable: of the same key the earlier stays before
    is_again = np.ones(max(0, both.length - 1), bool)
    for part in (device, seq, at):
        is_again &= np.diff(part[ranked]) == 0
    is_first = np.ones(both.length, bool)
    is_first[ranked[1:][is_again]] = False
    is_first[: kept.length] = False
    return picked(both, np.flatnonzero(is_first))


def keys(table: Table) -> tuple[Ints, Ints, Ints]:
    """What makes each fix the same: device (its place in the list), number or 0, else its time."""
    at, lag, seq, device = (table.columns[NAMES.index(name)] for name in KEYS)
    return device, seq, np.where(seq == 0, at + lag, 0)


def in_order(table: Table) -> Table:
    """The fixes by time; those of one moment by device and number."""
    at, _, seq, device = (table.columns[NAMES.index(name)] for name in KEYS)
    return picked(table, np.lexsort((seq, device, at)))


def picked(table: Table, which: Ints | Sequence[int]) -> Table:
    """Some fixes of a table, by their places."""
    columns = [column[which] for column in table.columns]
    return table._replace(length=len(which), columns=columns)


def joined(tables: Sequence[Table]) -> Table:
    """Tables one behind the other; raises IndexError where one contradicts itself."""
    devices = sorted({name for table in tables for name in table.devices})
    sources = sorted({name for table in tables for name in table.sources})
    parts = [_renamed(table, devices, sources) for table in tables]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Table(sum(table.length for table in tables), devices, sources, columns)


def _renamed(table: Table, devices: Sequence[str], sources: Sequence[str]) -> list[Ints]:
    """The columns with other lists of names."""
    columns = list(table.columns)
    for column, old, new in (
        ("device", table.devices, devices),
        ("source", table.sources, sources),
    ):
        if old != new:
            places = np.array([new.index(name) for name in old], np.int64)
            columns[NAMES.index(column)] = places[columns[NAMES.index(column)]]
    return columns


_MOST = 1e12
"""A phone may claim an accuracy of 1e300 m: it stays absurd, but fits its column."""


def _steps(scale: float) -> tuple[Callable[[Any], int], Callable[[int], Any]]:
    """Codec of an optional non-negative measure: None is 0, a value is 1 + its steps."""
    return (
        lambda v: 0 if v is None else 1 + max(0, round(min(v, _MOST) * scale)),
        lambda i: None if i == 0 else (i - 1) / scale,
    )


def _flag(value: bool | None) -> int:
    return 0 if value is None else 1 + value


_FLAGS = (None, False, True)
_accuracy, _accuracy_back = _steps(10)
_speed, _speed_back = _steps(100)
_course, _course_back = _steps(10)
_battery, _battery_back = _steps(10)


# What both formats do to a column before they store it


def difference(values: Ints, order: int) -> Ints:
    """Differences of differences, `order` times; the first value counts from 0."""
    for _ in range(order):
        taken = values.copy()
        taken[1:] -= values[:-1]
        values = taken
    return values


def summed(values: Ints, order: int) -> Ints:
    """What `difference` took apart."""
    for _ in range(order):
        values = np.cumsum(values)
    return values


def zigzag(values: Ints) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Signed as unsigned: 0, -1, 1, -2 ... become 0, 1, 2, 3 ..."""
    return ((values << 1) ^ (values >> 63)).astype(np.uint64)


def unzigzag(coded: np.ndarray[Any, np.dtype[np.uint64]]) -> Ints:
    """What `zigzag` made unsigned."""
    return (coded >> np.uint64(1)).view(np.int64) ^ -(coded & np.uint64(1)).view(np.int64)


def weight(coded: np.ndarray[Any, np.dtype[np.uint64]]) -> float:
    """About how many bits a column needs."""
    return float(np.log2(coded.astype(np.float64) + 1).sum())
