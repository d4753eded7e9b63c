"""One person's track, as a law lets him have it: all of it in a file, or all of it erased."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec
import redis
from redis.exceptions import RedisError
from sqlmodel import Session

from fieldcrm.kit import bus, clock, events
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.errors import Unavailable
from fieldcrm.people import notices
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.people.tables import User
from fieldcrm.tracking import chunks, keeping, live_index, store, unreadable
from fieldcrm.tracking.areas import store as areas
from fieldcrm.tracking.model import Fix
from fieldcrm.tracking.policy import LONG_AGO

DRAINED_WITHIN_S = 15.0
_encode = msgspec.json.Encoder(enc_hook=str).encode


def export_track(actor: Actor, rep_id: str) -> Iterator[bytes]:
    """All that is kept of a rep's ways, as lines of JSON: him, his shifts, alerts, every fix.

    Administrator only; logged before the first line. Fixes that still wait for word of their shift
    are among them, as `held`.
    """
    people.require(actor, Role.admin)
    with transaction() as session:
        rep = people.scope_rep_in(session, actor, rep_id)
        _log(session, actor, rep, "track.exported", store.fixes_stored(session, [rep_id]))
    return _lines(rep, [*waiting_fixes(rep_id), *unreadable.fixes_of(rep_id)])


def waiting_fixes(rep_id: str) -> list[Fix]:
    """Fixes of a rep that wait for word of their shift."""
    return [fix for _, fix in live_index.held_of(bus.connection(), rep_id)]


def _lines(rep: User, held: list[Any]) -> Iterator[bytes]:
    about = {"id": rep.id, "login": rep.login, "name": rep.name, "exported_at": clock.now()}
    yield _encode({"person": about}) + b"\n"
    with reading() as session:
        for shift in store.shifts_since(session, LONG_AGO, [rep.id]):
            yield _encode({"shift": shift.model_dump()}) + b"\n"
        for alert in store.alerts_of(session, rep.id):
            yield _encode({"alert": alert.model_dump()}) + b"\n"
        starts = store.chunk_starts(session, rep.id)
    for start in starts:
        with reading() as session:
            row = store.chunk(session, rep.id, start)
        for fix in chunks.unpack(rep.id, row.data) if row else ():
            yield _encode({"fix": msgspec.structs.asdict(fix)}) + b"\n"
    for fix in held:
        yield _encode({"held": msgspec.structs.asdict(fix)}) + b"\n"


def erase_track(actor: Actor, rep_id: str) -> int:
    """Forget every fix of a rep until now, and where he is; returns how many fixes there were.

    Administrator only; logged. His visits and what was proven of them stay. Raises Unavailable
    while fixes wait that nobody records: they would come back.
    """
    people.require(actor, Role.admin)
    people.scope_rep(actor, rep_id)
    now = clock.now()
    try:
        _wait_for_recorder()
        aside = unreadable.forget_rep(rep_id)
        _forget_live(bus.connection(), rep_id)
    except RedisError as error:
        raise Unavailable("live") from error
    with transaction() as session:
        rep = people.scope_rep_in(session, actor, rep_id)
        gone = keeping.erase_in(session, rep_id, LONG_AGO, now) + aside
        alerts = store.forget_alerts(session, rep_id)
        _log(session, actor, rep, "track.erased", gone, alerts=alerts)
    with suppress(RedisError):  # gateways read everything anew once they find it again
        bus.publish(notices.DEVICES_CHANNEL, {"t": "forgotten", "rep_id": rep_id})
    return gone


def _wait_for_recorder() -> None:
    """Until what is in the stream now has been recorded: only then can it be erased."""
    last = bus.connection().xrevrange(bus.FIX_STREAM, count=1)
    until = time.monotonic() + DRAINED_WITHIN_S
    while last and bus.connection().xrange(bus.FIX_STREAM, max=last[0][0], count=1):  # type: ignore[index]
        if time.monotonic() > until:
            raise Unavailable("recorder")
        time.sleep(0.1)


def _forget_live(connection: redis.Redis, rep_id: str) -> None:
    """Erase where a rep is, what waits for his shift, and what his phones said of themselves."""
    areas.forget_stays(connection, rep_id)
    clocks: Any = connection.hscan_iter(live_index.CLOCKS, match=f"{rep_id}|*")
    pipe = connection.pipeline(transaction=True)
    pipe.hdel(live_index.LIVE, rep_id)
    pipe.hdel(live_index.PHONES, rep_id)
    pipe.hdel(areas.SEEN, rep_id)
    pipe.delete(f"{live_index.HELD}:{rep_id}")
    pipe.srem(live_index.HELD, rep_id)
    for device, _ in clocks:
        pipe.hdel(live_index.CLOCKS, device)
    pipe.execute()


def _log(
    session: Session, actor: Actor, rep: User, kind: str, fixes: int, **more: int
) -> None:  # fmt: skip
    events.record(
        session, kind, rep.id, actor_id=actor.user_id or None, team_id=rep.team_id,
        source=actor.source, data={"fixes": fixes, **more},
    )  # fmt: skip
