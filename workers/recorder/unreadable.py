"""`fieldcrm recorder unreadable`: what was put aside is listed, tried once more, or given up."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass

import redis
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from fieldcrm.kit import clock
from fieldcrm.kit.database import transaction
from fieldcrm.people.model import Actor
from fieldcrm.tracking import keeping, rules, shifts, unreadable
from fieldcrm.tracking.unreadable import Piece

AWAY = (redis.RedisError, OperationalError, InterfaceError, PoolTimeout, OSError)
"""What may pass: a store or database that is away. Such a failure is no verdict on a piece."""


@dataclass
class Tried:
    """What became of the pieces that were tried again."""

    recorded: int = 0
    """Pieces that are in the track now (or were there already)."""
    left: int = 0
    fixes: int = 0
    """New fixes among what was recorded."""
    off_shift: int = 0
    """Fixes that were let go, since nothing is recorded off shift."""


def retry(actor: Actor, names: Collection[str] = ()) -> tuple[Tried, list[dict[str, object]]]:
    """Record pieces (no names: all) once more; returns the sum and what still fails, with why.

    A piece leaves the list only after its transaction, and a fix that is there already is not
    stored twice, so that a retry that dies midway is simply retried.
    """
    tried, still, done = Tried(), [], []
    for piece in unreadable.pieces(actor, names):
        why = piece.why or _record(piece, tried)
        if why:
            still.append(piece.told() | {"why": why})
        else:
            unreadable.take_away(piece)
            done.append(piece)
    tried.recorded, tried.left = len(done), len(still)
    if done:
        unreadable.note(actor, "track.unreadable_recorded", done)
    return tried, still


def _record(piece: Piece, tried: Tried) -> str:
    """Record a piece; why it stays aside, or nothing. Raises what may pass."""
    try:
        return _keep(piece, tried)
    except AWAY:
        raise
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]


def _keep(piece: Piece, tried: Tried) -> str:
    """By the shifts of that time, however long ago: what was taken off shift is not recorded."""
    first_ms = min((f.fix_at_ms for f in piece.fixes), default=clock.now_ms())
    with transaction() as session:
        reps = sorted({f.rep_id for f in piece.fixes})
        spans = shifts.spans_in(session, clock.from_ms(first_ms), reps)
        duties = [rules.duty_at(spans.get(f.rep_id, ()), f.fix_at_ms) for f in piece.fixes]
        if rules.Duty.unknown in duties:
            return "no shift settles these fixes yet"
        on = [f for f, duty in zip(piece.fixes, duties, strict=True) if duty is rules.Duty.on]
        added = keeping.append(session, on)
    tried.fixes += added
    tried.off_shift += len(piece.fixes) - len(on)
    return ""


def main(verb: str, names: Collection[str], actor: Actor) -> int:
    """Do what the command line asks and print JSON; the exit status."""
    if verb == "list":
        for piece in unreadable.pieces(actor, names):
            print(json.dumps(piece.told()))
        return 0
    if verb == "drop":
        print(json.dumps({"dropped": unreadable.drop(actor, names)}))
        return 0
    tried, still = retry(actor, names)
    for piece in still:
        print(json.dumps(piece))
    print(json.dumps(asdict(tried)))
    return 1 if still else 0
