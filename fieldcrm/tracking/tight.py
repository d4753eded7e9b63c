"""The tight form of a chunk: columns as tokens and bits, for history that hardly changes any more.

A column is taken down to small numbers as in the quick form (first value, common divisor, order of
difference). A small number is its own token; of a greater one the token says how long it is and
how it begins, and the remaining bits, which no model foretells, are stored as they are. The tokens
are entropy-coded by zstd, column by column, so that a reader takes only the columns it needs. The
order and where "small" ends are tried out for each column.

Layout after the format byte: u16 (little-endian) length of a msgpack head `[count, devices,
sources, columns]`, the head, then each column's zstd frame (without its magic number) and its bits.
A column that is the same all over is just that number in the head; else it is `[order, divisor,
first, split, lead, token bytes, bit bytes]`. A device id that is a UUID takes its 16 bytes.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Collection
from functools import cache
from typing import Any, NamedTuple

import msgspec
import numpy as np
import zstandard

from fieldcrm.tracking.columns import (
    NAMES,
    Ints,
    Table,
    difference,
    summed,
    unzigzag,
    weight,
    zigzag,
)

_SPLITS = ((3, 1), (4, 1), (6, 2))
"""(bits of a number that is its own token, leading bits that a longer one's token holds)"""
_MOST_BITS = 56
"""More would not fit into the eight bytes that hold a number wherever its first bit lies."""
_LEVEL = 19
_PARAMETERS = zstandard.ZstdCompressionParameters.from_level(
    _LEVEL, format=zstandard.FORMAT_ZSTD1_MAGICLESS, write_content_size=1, write_checksum=0
)
_BITS = np.arange(64)
_own = threading.local()

Head = int | list[int]
Unsigned = np.ndarray[Any, np.dtype[np.uint64]]


def pack(table: Table) -> bytes:
    """Code a chunk's columns; raises ValueError for numbers over 56 bits, which no phone sends."""
    coded = [_encode(column) for column in table.columns]
    head = msgspec.msgpack.encode(
        [
            table.length,
            [_short(d) for d in table.devices],
            table.sources,
            [h for h, _ in coded],
        ]
    )
    return len(head).to_bytes(2, "little") + head + b"".join(body for _, body in coded)


def unpack(data: bytes, wanted: Collection[str] = NAMES) -> Table:
    """Decode the columns asked for; the others stay empty. Raises ValueError, IndexError and what
    zstd and msgpack raise."""
    begin = 2 + int.from_bytes(data[:2], "little")
    count, devices, sources, heads = msgspec.msgpack.decode(data[2:begin])
    columns: list[Ints] = []
    for name, head in zip(NAMES, heads, strict=True):
        size = 0 if isinstance(head, int) else head[5] + head[6]
        is_wanted = name in wanted
        body = data[begin : begin + size]
        columns.append(_decode(head, body, count) if is_wanted else np.empty(0, np.int64))
        begin += size
    if begin != len(data):
        raise ValueError("a chunk of another length than its head says")
    return Table(count, [_long(d) for d in devices], sources, columns)


def sizes(data: bytes) -> dict[str, int]:
    """How many bytes each column takes, what the head says of it included."""
    begin = 2 + int.from_bytes(data[:2], "little")
    heads = msgspec.msgpack.decode(data[2:begin])[3]
    return {
        name: len(msgspec.msgpack.encode(head))
        + (0 if isinstance(head, int) else head[5] + head[6])
        for name, head in zip(NAMES, heads, strict=True)
    }


def _short(device_id: str) -> str | bytes:
    try:
        short = uuid.UUID(device_id)
    except ValueError:
        return device_id
    return short.bytes if str(short) == device_id else device_id


def _long(device_id: str | bytes) -> str:
    return device_id if isinstance(device_id, str) else str(uuid.UUID(bytes=device_id))


def _encode(values: Ints) -> tuple[Head, bytes]:
    """One column -> (its entry in the head, bytes)."""
    if values.size == 0 or (values == values[0]).all():
        return int(values[0]) if values.size else 0, b""
    first = int(values[0])
    rest = values - first
    divisor = int(np.gcd.reduce(np.abs(rest)))
    orders = [(o, zigzag(difference(rest // divisor, o))) for o in (0, 1, 2)]
    # The two lightest orders are tried out: the estimate doesn't know what repeats.
    orders = sorted(orders, key=lambda c: weight(c[1]))[:2]
    tried = (
        (order, split, lead, *_coded(numbers, split, lead))
        for order, numbers in orders
        for split, lead in _SPLITS
    )
    order, split, lead, tokens, bits = min(tried, key=lambda t: len(t[3]) + len(t[4]))
    return [order, divisor, first, split, lead, len(tokens), len(bits)], tokens + bits


def _coded(numbers: Unsigned, split: int, lead: int) -> tuple[bytes, bytes]:
    """Numbers as compressed tokens and the bits that the tokens leave open."""
    log = _log2(numbers)
    if int(log.max()) > _MOST_BITS:
        raise ValueError("a number too large for a track")
    is_small = numbers < np.uint64(1 << split)
    left = np.where(is_small, 0, log - lead)
    begins = (numbers >> left.astype(np.uint64)).astype(np.int64) & ((1 << lead) - 1)
    tokens = np.where(
        is_small, numbers.astype(np.int64), (1 << split) + ((log - split) << lead) + begins
    )
    compressor = zstandard.ZstdCompressor(compression_params=_PARAMETERS)
    return compressor.compress(tokens.astype(np.uint8).tobytes()), _bits_of(numbers, left)


def _log2(numbers: Unsigned) -> Ints:
    """Place of each number's first bit, 0 for 0 and 1: exact, as floats would not be."""
    log = np.zeros(numbers.size, np.int64)
    for step in (32, 16, 8, 4, 2, 1):
        is_longer = (numbers >> (log + step).astype(np.uint64)) > 0
        log[is_longer] += step
    return log


def _bits_of(numbers: Unsigned, widths: Ints) -> bytes:
    """The last `widths` bits of each number, joined, the first bit of a byte being its highest."""
    spread = np.unpackbits(numbers.astype(">u8").view(np.uint8)).reshape(-1, 64)
    return np.packbits(spread[widths[:, None] > 63 - _BITS]).tobytes()


def _decode(head: Head, body: bytes, count: int) -> Ints:
    if isinstance(head, int):
        return np.full(count, head, np.int64)
    order, divisor, first, split, lead, size, _ = head
    raw = _decompressor().decompress(body[:size], max_output_size=count)
    tokens = np.frombuffer(raw, np.uint8, count)
    values = summed(unzigzag(_numbers_of(tokens, split, lead, body[size:])), order)
    return (values if divisor == 1 else values * divisor) + first


def _decompressor() -> zstandard.ZstdDecompressor:
    """This thread's own: making one takes longer than most columns."""
    if not hasattr(_own, "decompressor"):
        _own.decompressor = zstandard.ZstdDecompressor(format=zstandard.FORMAT_ZSTD1_MAGICLESS)
    return _own.decompressor


class _Tokens(NamedTuple):
    """What each of the 256 tokens says of its number."""

    tops: Unsigned
    """The number as far as the token tells it, zeros where its bits are stored bare."""
    widths: Unsigned
    """How many bits are stored bare."""


@cache
def _tokens(split: int, lead: int) -> _Tokens:
    token = np.arange(256)
    beyond = token - (1 << split)
    is_small = beyond < 0
    # No number is longer than 64 bits: what a broken chunk says beyond is not followed.
    widths = np.where(is_small, 0, np.minimum((beyond >> lead) + split - lead, 63 - lead))
    begins = (1 << lead) | (beyond & ((1 << lead) - 1))
    tops = np.where(is_small, token, begins << widths).astype(np.uint64)
    return _Tokens(tops, widths.astype(np.uint64))


def _numbers_of(
    tokens: np.ndarray[Any, np.dtype[np.uint8]], split: int, lead: int, bits: bytes
) -> Unsigned:
    """Numbers from their tokens and joined bits; raises IndexError where there are too few."""
    known = _tokens(split, lead)
    tops, widths = known.tops.take(tokens), known.widths.take(tokens)
    if not bits and not widths.any():
        return tops
    starts = np.cumsum(widths)
    starts -= widths
    padded = bits + bytes(8)
    # At every byte the eight that follow as one number, its highest byte first.
    eights = np.ndarray(len(bits) + 1, ">u8", padded, strides=(1,))
    windows = eights.take((starts >> np.uint64(3)).view(np.int64)).astype(np.uint64)
    starts &= np.uint64(7)
    windows <<= starts
    windows >>= np.uint64(64) - widths  # by 64 where none is stored, which leaves 0
    windows |= tops
    return windows
