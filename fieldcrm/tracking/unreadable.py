"""What the recorder put aside because it could not be recorded: counted, listed, dropped by a person.

Each piece lies in Valkey as it came: fixes that no chunk could hold, or a stream entry that is no
batch. Its name is the beginning of its hash, so that it stays the same while others come and go.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec

from fieldcrm.kit import bus, events
from fieldcrm.kit.database import transaction
from fieldcrm.kit.errors import NotFound
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.tracking import live_index
from fieldcrm.tracking.model import Fix

UNREADABLE = "fixes:unreadable"
NAME_LENGTH = 12
AT_ONCE = 1000


class NothingAside(NotFound):
    """No piece that was put aside has this name."""

    code = "nothing_aside"


@dataclass(frozen=True)
class Piece:
    """One thing that was put aside: its bytes, and the fixes in it as far as they can be read."""

    raw: bytes
    fixes: tuple[Fix, ...]
    why: str
    """Why it can't be read now; empty where it can."""

    @property
    def name(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()[:NAME_LENGTH]

    def told(self) -> dict[str, Any]:
        """What a person wants to know of it."""
        reps, times = {f.rep_id for f in self.fixes}, [f.fix_at_ms for f in self.fixes]
        return {
            "name": self.name, "bytes": len(self.raw), "fixes": len(self.fixes),
            "rep_ids": sorted(reps), "from_ms": min(times, default=None),
            "to_ms": max(times, default=None), "why": self.why,
        }  # fmt: skip


def count() -> int:
    """How many pieces lie aside."""
    return int(bus.connection().llen(UNREADABLE))  # type: ignore[arg-type]


def put(what: object) -> None:
    """Keep for a person what no program of ours can record."""
    bus.connection().rpush(UNREADABLE, msgspec.msgpack.encode(what))


def pieces(actor: Actor, names: Collection[str] = ()) -> list[Piece]:
    """Those with these names (none given: all), the oldest first. Raises NothingAside."""
    people.require(actor, Role.admin)
    found = [piece for piece in _every() if not names or piece.name in names]
    unknown = set(names) - {piece.name for piece in found}
    if unknown:
        raise NothingAside(name=min(unknown))
    return found


def _every() -> list[Piece]:
    read: list[Piece] = []
    while True:
        some: Any = bus.connection().lrange(UNREADABLE, len(read), len(read) + AT_ONCE - 1)
        read += [_piece(raw) for raw in some]
        if len(some) < AT_ONCE:
            return read


def _piece(raw: bytes) -> Piece:
    try:
        return Piece(raw, tuple(_fixes_in(raw)), "")
    except (KeyError, TypeError, msgspec.MsgspecError) as error:
        return Piece(raw, (), f"{type(error).__name__}: {error}"[:200])


def _fixes_in(raw: bytes) -> list[Fix]:
    """Fixes that were put aside one by one, or those of a stream entry that can be read by now."""
    what = msgspec.msgpack.decode(raw)
    if isinstance(what, dict):
        batch = {_key(k): v for k, v in what.items()}
        return live_index.decode_batch(batch[live_index.BATCH_FIELD])
    return msgspec.msgpack.decode(raw, type=list[Fix])


def _key(name: object) -> bytes:
    return name if isinstance(name, bytes) else str(name).encode()


def take_away(piece: Piece) -> None:
    """A piece is settled: recorded after all, or given up."""
    bus.connection().lrem(UNREADABLE, 1, piece.raw)  # type: ignore[arg-type]


def drop(actor: Actor, names: Collection[str]) -> int:
    """Give pieces up for ever (no names: all); logged with whose they were. Raises NothingAside."""
    gone = pieces(actor, names)
    for piece in gone:
        take_away(piece)
    if gone:
        note(actor, "track.unreadable_dropped", gone)
    return len(gone)


def forget_rep(rep_id: str) -> int:
    """Erase a rep's pieces with the rest of his track; returns how many fixes went."""
    own = [piece for piece in _every() if any(f.rep_id == rep_id for f in piece.fixes)]
    for piece in own:
        kept = [f for f in piece.fixes if f.rep_id != rep_id]
        if kept:
            put(kept)
        take_away(piece)
    return sum(f.rep_id == rep_id for piece in own for f in piece.fixes)


def fixes_of(rep_id: str) -> list[Fix]:
    """A rep's fixes that lie aside."""
    return [f for piece in _every() for f in piece.fixes if f.rep_id == rep_id]


def note(actor: Actor, kind: str, done: Collection[Piece], **more: Any) -> None:
    """Log what was done with pieces."""
    reps = sorted({f.rep_id for piece in done for f in piece.fixes})
    fixes = sum(len(piece.fixes) for piece in done)
    data = {"pieces": len(done), "fixes": fixes, "rep_ids": reps, **more}
    with transaction() as session:
        events.record(
            session, kind, None, actor_id=actor.user_id or None, source=actor.source, data=data
        )
