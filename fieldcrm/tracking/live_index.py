"""Where everybody is now, in Valkey: the last fix of each rep under its H3 cell, and the way there.

Keys: hash `live` (rep -> LivePoint), hash `phones` (rep -> PhoneStatus), hash `clocks`
(device -> offset), stream `fixes` (batches for the recorder), sorted set `held:<rep>` (fixes that
wait for their shift), set `held` (which reps have such), hash `counts` (by reason). Channels:
`cell:<H3 at PUBLISH>` carries LivePoints, `live:phones` a PhoneStatus.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import redis
import redis.asyncio

from fieldcrm.kit import bus, cells
from fieldcrm.tracking.model import Fix

LIVE, PHONES, CLOCKS, COUNTS, HELD = "live", "phones", "clocks", "counts", "held"
PHONES_CHANNEL = "live:phones"
CELL_CHANNELS = "cell:*"
BATCH_FIELD = b"b"
GATEWAY_ID = secrets.token_bytes(8)
"""Tells this process's own publications from others'."""


class LivePoint(msgspec.Struct, array_like=True, gc=False):
    """A rep's newest fix, since when he stands there, and how wrong his phone's clock is."""

    fix: Fix
    still_since_ms: int | None
    offset_ms: int
    cell: int
    """H3 at cells.FINE."""


class PhoneStatus(msgspec.Struct, array_like=True, gc=False):
    """What a phone last said of itself, beside its fixes."""

    rep_id: str
    heard_at_ms: int
    tracking: str = "on"
    permission: str = "unknown"
    battery_pct: float | None = None
    mode: str = "web"
    since_ms: int = 0
    """Since when `tracking` is what it is."""


class Writes(msgspec.Struct):
    """What one group commit puts on disk."""

    recorded: list[Fix]
    held: list[Fix]
    points: dict[str, LivePoint]
    statuses: dict[str, PhoneStatus]
    offsets: dict[str, int]
    counts: dict[str, int]


encode = msgspec.msgpack.encode
_fixes = msgspec.msgpack.Decoder(list[Fix])
_points = msgspec.msgpack.Decoder(list[LivePoint])
_point = msgspec.msgpack.Decoder(LivePoint)
_status = msgspec.msgpack.Decoder(PhoneStatus)
_fix = msgspec.msgpack.Decoder(Fix)


def point_of(fix: Fix, still_since_ms: int | None, offset_ms: int) -> LivePoint:
    """A fix as the live index holds it."""
    return LivePoint(fix, still_since_ms, offset_ms, cells.fine_cell(fix.lat, fix.lng))


def cell_channel(cell: int) -> str:
    """The channel on which positions within a coarse cell are published."""
    return f"cell:{cells.parent(cell, cells.PUBLISH):x}"


async def commit(connection: redis.asyncio.Redis, writes: Writes) -> None:
    """Write a batch in one transaction; it is on disk when this returns (appendfsync always)."""
    pipe = connection.pipeline(transaction=True)
    if writes.recorded:
        pipe.xadd(bus.FIX_STREAM, {BATCH_FIELD: encode(writes.recorded)})
    _hold(pipe, writes.held)
    if writes.points:
        pipe.hset(LIVE, mapping={rep: encode(p) for rep, p in writes.points.items()})
    if writes.offsets:
        pipe.hset(CLOCKS, mapping=dict(writes.offsets))
    if writes.statuses:
        pipe.hset(PHONES, mapping={rep: encode(s) for rep, s in writes.statuses.items()})
        pipe.publish(PHONES_CHANNEL, GATEWAY_ID + encode(list(writes.statuses.values())))
    for reason, count in writes.counts.items():
        pipe.hincrby(COUNTS, reason, count)
    for channel, points in by_channel(writes.points.values()).items():
        pipe.publish(channel, GATEWAY_ID + encode(points))
    await pipe.execute()


def _hold(pipe: Any, held: Sequence[Fix]) -> None:
    by_rep: dict[str, dict[bytes, int]] = defaultdict(dict)
    for fix in held:
        by_rep[fix.rep_id][encode(fix)] = fix.fix_at_ms
    for rep_id, members in by_rep.items():
        pipe.zadd(f"{HELD}:{rep_id}", mapping=members)
    if by_rep:
        pipe.sadd(HELD, *by_rep)


def by_channel(points: Iterable[LivePoint]) -> dict[str, list[LivePoint]]:
    """Points grouped by the channel of their coarse cell."""
    grouped: dict[str, list[LivePoint]] = defaultdict(list)
    for point in points:
        grouped[cell_channel(point.cell)].append(point)
    return grouped


def published_points(message: bytes) -> tuple[bytes, list[LivePoint]]:
    """(who published, points) of a cell's message."""
    return message[:8], _points.decode(message[8:])


_statuses = msgspec.msgpack.Decoder(list[PhoneStatus])


def published_statuses(message: bytes) -> tuple[bytes, list[PhoneStatus]]:
    """(who published, statuses) of a message about phones."""
    return message[:8], _statuses.decode(message[8:])


def decode_batch(data: bytes) -> list[Fix]:
    """The fixes of one stream entry; raises msgspec.MsgspecError."""
    return _fixes.decode(data)


def decode_point(data: bytes | None) -> LivePoint | None:
    """A value of `live`."""
    return None if data is None else _point.decode(data)


def decode_status(data: bytes | None) -> PhoneStatus | None:
    """A value of `phones`."""
    return None if data is None else _status.decode(data)


def points_of(connection: redis.Redis, rep_ids: Sequence[str]) -> dict[str, LivePoint]:
    """The last points of some reps; who has none is missing."""
    if not rep_ids:
        return {}
    found: Any = connection.hmget(LIVE, list(rep_ids))
    return {r: _point.decode(v) for r, v in zip(rep_ids, found, strict=True) if v}


def statuses_of(connection: redis.Redis, rep_ids: Sequence[str]) -> dict[str, PhoneStatus]:
    """What the phones of some reps last said."""
    if not rep_ids:
        return {}
    found: Any = connection.hmget(PHONES, list(rep_ids))
    return {r: _status.decode(v) for r, v in zip(rep_ids, found, strict=True) if v}


def held_reps(connection: redis.Redis) -> list[str]:
    """Reps with fixes that wait for their shift."""
    return sorted(m.decode() for m in connection.smembers(HELD))  # type: ignore[union-attr]


def held_of(connection: redis.Redis, rep_id: str) -> list[tuple[bytes, Fix]]:
    """A rep's waiting fixes with their stored form, the oldest first."""
    members: Any = connection.zrange(f"{HELD}:{rep_id}", 0, -1)
    return [(m, _fix.decode(m)) for m in members]


def settle_held(
    connection: redis.Redis, rep_id: str, keep: Sequence[Fix], settled: Sequence[bytes],
    counts: Mapping[str, int],
) -> None:  # fmt: skip
    """Move kept fixes to the stream and forget all that are settled, in one transaction."""
    pipe = connection.pipeline(transaction=True)
    if keep:
        pipe.xadd(bus.FIX_STREAM, {BATCH_FIELD: encode(list(keep))})
    if settled:
        pipe.zrem(f"{HELD}:{rep_id}", *settled)
    for reason, count in counts.items():
        pipe.hincrby(COUNTS, reason, count)
    pipe.eval(_FORGET_REP, 2, f"{HELD}:{rep_id}", HELD, rep_id)
    pipe.execute()


_FORGET_REP = """
if redis.call('exists', KEYS[1]) == 0 then redis.call('srem', KEYS[2], ARGV[1]) end
"""


def forget_held(connection: redis.Redis, rep_id: str, before_ms: int) -> int:
    """Erase fixes that have waited too long."""
    return int(connection.zremrangebyscore(f"{HELD}:{rep_id}", "-inf", before_ms))  # type: ignore[arg-type]


def hold(connection: redis.Redis, fixes: Sequence[Fix]) -> None:
    """Have fixes wait for their shift."""
    pipe = connection.pipeline(transaction=True)
    _hold(pipe, fixes)
    pipe.execute()


def show_if_newest(connection: redis.Redis, fixes: Sequence[Fix]) -> None:
    """Let the map show a rep's fixes that have just been settled, unless it knows a newer one."""
    if not fixes:
        return
    newest = max(fixes, key=lambda f: f.fix_at_ms)
    known = points_of(connection, [newest.rep_id]).get(newest.rep_id)
    if known is not None and known.fix.fix_at_ms >= newest.fix_at_ms:
        return
    point = point_of(newest, newest.fix_at_ms, known.offset_ms if known else 0)
    pipe = connection.pipeline(transaction=True)
    pipe.hset(LIVE, newest.rep_id, encode(point))  # type: ignore[arg-type]
    pipe.publish(cell_channel(point.cell), GATEWAY_ID + encode([point]))
    pipe.execute()


def add_counts(connection: redis.Redis, counts: Mapping[str, int]) -> None:
    """Add to the counters by reason."""
    pipe = connection.pipeline(transaction=False)
    for reason, count in counts.items():
        if count:
            pipe.hincrby(COUNTS, reason, count)
    pipe.execute()


def counts(connection: redis.Redis) -> dict[str, int]:
    """All counters by reason."""
    found: Any = connection.hgetall(COUNTS)
    return {k.decode(): int(v) for k, v in found.items()}


class NotDurable(Exception):
    """The server acknowledges writes that a power cut would take back."""


def check_durable(connection: redis.Redis) -> None:
    """Raise NotDurable unless every write is synced before its reply.

    A hosted server may refuse CONFIG: then INFO tells at least whether there is an append-only file.
    """
    try:
        told: Any = connection.config_get("append*")
        found = {_text(k): _text(v) for k, v in told.items()}
        is_durable = found.get("appendonly") == "yes" and found.get("appendfsync") == "always"
    except redis.ResponseError:
        info: Any = connection.info("persistence")
        is_durable, found = info.get("aof_enabled") == 1, {"aof_enabled": info.get("aof_enabled")}
    if not is_durable:
        raise NotDurable(f"needs appendonly yes and appendfsync always, found {found}")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
