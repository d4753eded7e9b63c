"""Writes small OpenStreetMap extracts for tests (https://wiki.openstreetmap.org/wiki/PBF_Format)."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

from fieldcrm.regions.model import Bounds, LatLng

Way = tuple[Sequence[int], Mapping[str, str]]
"""The positions of its nodes in the list of points, and its tags."""


def write_extract(
    file: Path, points: Sequence[LatLng], ways: Sequence[Way], bounds: Bounds | None = None
) -> Path:
    """Write an extract of these ways; nodes get the ids 1.., ways 1001..."""
    words = ["", *sorted({word for _, tags in ways for pair in tags.items() for word in pair})]
    table = b"".join(_bytes(1, word.encode()) for word in words)
    nodes = b"".join(_bytes(1, _node(number + 1, point)) for number, point in enumerate(points))
    lines = b"".join(_bytes(3, _way(1001 + number, way, words)) for number, way in enumerate(ways))
    block = _bytes(1, table) + _bytes(2, nodes) + _bytes(2, lines)
    box = b"" if bounds is None else _bytes(1, _box(bounds))
    header = box + _bytes(4, b"OsmSchema-V0.6")
    file.write_bytes(_blob(b"OSMHeader", header) + _blob(b"OSMData", block))
    return file


def _blob(kind: bytes, content: bytes) -> bytes:
    blob = _bytes(1, content)
    header = _bytes(1, kind) + _number(3, len(blob))
    return struct.pack(">I", len(header)) + header + blob


def _box(bounds: Bounds) -> bytes:
    sides = (bounds.west, bounds.east, bounds.north, bounds.south)
    return b"".join(_number(field + 1, _zigzag(round(x * 1e9))) for field, x in enumerate(sides))


def _node(number: int, point: LatLng) -> bytes:
    lat, lng = (_zigzag(round(degrees * 1e7)) for degrees in point)
    return _number(1, _zigzag(number)) + _number(8, lat) + _number(9, lng)


def _way(number: int, way: Way, words: Sequence[str]) -> bytes:
    positions, tags = way
    ids = [position + 1 for position in positions]
    steps = [here - before for before, here in zip([0, *ids], ids, strict=False)]
    keys = b"".join(_varint(words.index(key)) for key in tags)
    values = b"".join(_varint(words.index(value)) for value in tags.values())
    refs = b"".join(_varint(_zigzag(step)) for step in steps)
    return _number(1, number) + _bytes(2, keys) + _bytes(3, values) + _bytes(8, refs)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _zigzag(value: int) -> int:
    return value * 2 if value >= 0 else -value * 2 - 1
