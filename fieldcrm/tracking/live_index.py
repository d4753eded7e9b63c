"""Where everybody is now, in Valkey: the last fix of each rep under its H3 cell, and the way there.

Keys: hash `live` (rep -> LivePoint), hash `phones` (rep -> PhoneStatus), hash `clocks`
(device -> offset), stream `fixes` (batches for the recorder), sorted set `held:<rep>` (fixes that
wait for their shift), set `held` (which reps have such), hash `counts` (by reason). Channels:
`cell:<who publishes>:{<shard>}` (sharded: a cluster spreads them over its nodes) carry LivePoints, each
coarse cell (H3 at PUBLISH) on its own shard; `live:phones` PhoneStatuses, `gateways` the names of those
that publish: a gateway listens to the others' cells alone, since it knows its own.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
import redis
import zstandard

from fieldcrm.kit import bus, cells
from fieldcrm.kit.resp import Commands
from fieldcrm.tracking.model import Doubt, Fix

LIVE, PHONES, CLOCKS, COUNTS, HELD = "live", "phones", "clocks", "counts", "held"
PHONES_CHANNEL = "live:phones"
GATEWAYS_CHANNEL = "gateways"
BATCH_FIELD = b"b"
COMPRESS_FROM = 4096
"""Bytes of a batch; a fix's 140 become some 25, which costs less than to write and sync them."""
_DOUBTS = [(int(doubt), f"doubt_{doubt.name}") for doubt in Doubt if doubt]
GATEWAY_ID = secrets.token_bytes(8)
"""Tells this process's own publications from others'; a forked process has one of its own."""
SHARDS = 61
"""Channels of cells a publisher has; a prime, so that no pattern of cells falls on few of them."""
_BITS_BELOW = 24
"""Of an H3 index at PUBLISH, all ones: the digits it doesn't use."""
OTHERS = "-"
"""Under this name publishes who is no gateway."""


def _take_another_id() -> None:
    global GATEWAY_ID
    GATEWAY_ID = secrets.token_bytes(8)


os.register_at_fork(after_in_child=_take_another_id)


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


encode = msgspec.msgpack.encode
_fixes = msgspec.msgpack.Decoder(list[Fix])
_points = msgspec.msgpack.Decoder(list[LivePoint])
_point = msgspec.msgpack.Decoder(LivePoint)
_status = msgspec.msgpack.Decoder(PhoneStatus)
_fix = msgspec.msgpack.Decoder(Fix)
_compress = zstandard.ZstdCompressor(level=-1).compress
"""Not for several threads at once: only a gateway's committer packs."""


class Writes:
    """What one group commit puts on disk: each thing encoded once, when it comes."""

    __slots__ = (
        "_counts",
        "_doubted",
        "_packed",
        "held",
        "offsets",
        "points",
        "recorded",
        "statuses",
    )

    def __init__(self) -> None:
        self._packed: list[bytes] = []
        self.recorded = 0
        self._doubted: Counter[int] = Counter()
        self.held: list[Fix] = []
        self.points: dict[str, tuple[LivePoint, bytes]] = {}
        self.statuses: dict[str, PhoneStatus] = {}
        self.offsets: dict[str, int] = {}
        self._counts: dict[str, int] = {}

    def record(self, fixes: Sequence[Fix]) -> None:
        """Have fixes go to the recorder."""
        if not fixes:
            return
        count = len(fixes)
        if count == 1:
            self._packed.append(encode(fixes[0]))
        else:
            head = 1 if count < 16 else 3 if count < 1 << 16 else 5  # the array's own, left out
            self._packed.append(encode(fixes)[head:])
        self.recorded += count
        self._doubted.update([fix.doubts for fix in fixes if fix.doubts])

    def record_newest(self, fix: Fix, still_since_ms: int | None, cell: int) -> None:
        """Have a fix without any doubt go to the recorder, and be known as its rep's newest."""
        self._packed.append(encode(fix))
        self.recorded += 1
        point = LivePoint(fix, still_since_ms, 0, cell)
        self.points[fix.rep_id] = point, encode(point)

    def packed(self) -> bytes:
        """All recorded fixes as one MessagePack array, compressed if they are many."""
        whole = packed_array(self.recorded, self._packed)
        return _compress(whole) if len(whole) >= COMPRESS_FROM else whole

    def move(self, point: LivePoint) -> None:
        """Have a rep's newest place known."""
        self.points[point.fix.rep_id] = point, encode(point)

    def count(self, reason: str, count: int) -> None:
        """Add to the counter of a reason."""
        self._counts[reason] = self._counts.get(reason, 0) + count

    def counts(self) -> dict[str, int]:
        """How many fixes went which way, and how many were doubted for what."""
        found = {"recorded": self.recorded, "held": len(self.held), **self._counts}
        for doubt, name in _DOUBTS:
            found[name] = sum(n for doubts, n in self._doubted.items() if doubts & doubt)
        return {reason: count for reason, count in found.items() if count}


def point_of(fix: Fix, still_since_ms: int | None, offset_ms: int) -> LivePoint:
    """A fix as the live index holds it."""
    return LivePoint(fix, still_since_ms, offset_ms, cells.fine_cell(fix.lat, fix.lng))


def shard_of(coarse: int) -> int:
    """On which shard a coarse cell (at cells.PUBLISH) is published; neighbours on different ones."""
    return (coarse >> _BITS_BELOW) % SHARDS


@cache
def cell_channel(shard: int, publisher: str) -> str:
    """The channel on which one publishes positions within the coarse cells of a shard."""
    return f"cell:{publisher}:{{{shard}}}"


def cell_channels(publisher: str) -> list[str]:
    """All such channels of one who publishes."""
    return [cell_channel(shard, publisher) for shard in range(SHARDS)]


def commands_of(writes: Writes) -> Commands:
    """One transaction that writes a batch, and what it publishes.

    Once it is answered it is on disk (appendfsync always).
    """
    commands = Commands()
    commands.begin()
    if writes.recorded:
        commands.add(b"XADD", bus.FIX_STREAM.encode(), b"*", BATCH_FIELD, writes.packed(), lines=2)
    for rep_id, fixes in _by_rep(writes.held).items():
        commands.add_head(2 + 2 * len(fixes))
        commands.add_words([b"ZADD", f"{HELD}:{rep_id}".encode()])
        for fix in fixes:
            commands.add_words([b"%d" % fix.fix_at_ms, encode(fix)])
        commands.add(b"SADD", HELD.encode(), rep_id.encode())
    _hset(commands, LIVE, [(rep.encode(), told) for rep, (_, told) in writes.points.items()])
    _hset(commands, CLOCKS, [(key.encode(), b"%d" % ms) for key, ms in writes.offsets.items()])
    _hset(commands, PHONES, [(rep.encode(), encode(s)) for rep, s in writes.statuses.items()])
    for reason, count in writes.counts().items():
        commands.add(b"HINCRBY", COUNTS.encode(), reason.encode(), b"%d" % count)
    commands.end()
    for channel, told in by_channel(writes.points.values()).items():
        commands.add(b"SPUBLISH", channel.encode(), GATEWAY_ID + packed_array(len(told), told))
    if writes.statuses:
        statuses = GATEWAY_ID + encode(list(writes.statuses.values()))
        commands.add(b"PUBLISH", PHONES_CHANNEL.encode(), statuses)
    return commands


def _hset(commands: Commands, key: str, values: Sequence[tuple[bytes, bytes]]) -> None:
    if values:
        commands.add_head(2 + 2 * len(values))
        commands.add_words([b"HSET", key.encode()])
        commands.add_pairs(values)


def packed_array(count: int, pieces: Iterable[bytes]) -> bytes:
    """A MessagePack array of so many things that are encoded already."""
    return b"\xdd" + count.to_bytes(4, "big") + b"".join(pieces)


def _by_rep(fixes: Iterable[Fix]) -> dict[str, list[Fix]]:
    grouped: dict[str, list[Fix]] = defaultdict(list)
    for fix in fixes:
        grouped[fix.rep_id].append(fix)
    return grouped


def by_channel(points: Iterable[tuple[LivePoint, bytes]]) -> dict[str, list[bytes]]:
    """Encoded points grouped by the channel of their coarse cell."""
    grouped: dict[int, list[bytes]] = defaultdict(list)
    for point, packed in points:
        grouped[shard_of(cells.published(point.cell))].append(packed)
    return {cell_channel(shard, GATEWAY_ID.hex()): told for shard, told in grouped.items()}


_statuses = msgspec.msgpack.Decoder(list[PhoneStatus])


def is_own(message: bytes) -> bool:
    """Whether this very process published a message on one of these channels."""
    return message.startswith(GATEWAY_ID)


def published_points(message: bytes) -> list[LivePoint]:
    """The points of a cell's message."""
    return _points.decode(message[len(GATEWAY_ID) :])


def published_statuses(message: bytes) -> list[PhoneStatus]:
    """The statuses of a message about phones."""
    return _statuses.decode(message[len(GATEWAY_ID) :])


def decode_batch(data: bytes) -> list[Fix]:
    """The fixes of one stream entry; raises msgspec.MsgspecError."""
    if data.startswith(zstandard.FRAME_HEADER):
        try:
            data = zstandard.ZstdDecompressor().decompress(data)
        except zstandard.ZstdError as error:
            raise msgspec.DecodeError(str(error)) from error
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
    for rep_id, waiting in _by_rep(fixes).items():
        pipe.zadd(f"{HELD}:{rep_id}", mapping={encode(f): f.fix_at_ms for f in waiting})
        pipe.sadd(HELD, rep_id)
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
    shard = shard_of(cells.published(point.cell))
    pipe.execute_command("SPUBLISH", cell_channel(shard, OTHERS), GATEWAY_ID + encode([point]))
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
