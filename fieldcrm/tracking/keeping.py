"""How a rep's fixes lie in the database: merged as they come, joined once they have settled.

A fix that comes in goes to its UTC hour, in the quick form. Each night what was written to before
is joined, whole days at a time, up to FULL fixes, in the tight form: few rows, little index. A late
fix of a joined stretch goes into that stretch, which is tightened again the night after.
Stretches of one rep never overlap: a chunk begins at its `hour` and reaches to its last fix.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlmodel import Session

from fieldcrm.kit import clock, facts
from fieldcrm.kit.database import transaction
from fieldcrm.tracking import chunks, store
from fieldcrm.tracking.model import BrokenChunk, Fix
from fieldcrm.tracking.tables import TrackChunk

SETTLED = timedelta(hours=6)
"""So long after midnight (UTC) what was written before it is joined."""
FULL = 4096
"""Days are joined up to so many fixes; a longer day stands alone."""
REPS_AT_ONCE = 5
CLOCK_UNSURE_MS = 5 * 60_000
"""By so much a device's clock may be corrected differently when it sends a fix again."""
_TIGHTENED = "tracks_tightened_until"
"""The fact that says how far joining has got: [since, until, last rep done]."""
_LONG_AGO = "1970-01-01T00:00:00+00:00"
_log = logging.getLogger("tracking")


def append(session: Session, fixes: Iterable[Fix]) -> int:
    """Merge fixes of any reps, in any order, into their chunks; returns how many were new.

    The same fix again (device and seq, or device and its time) changes nothing.
    """
    by_hour: dict[tuple[str, int], list[Fix]] = defaultdict(list)
    for fix in fixes:
        by_hour[fix.rep_id, chunks.hour_of(fix.fix_at_ms)].append(fix)
    for rep_id in sorted({rep for rep, _ in by_hour}):
        store.lock_track(session, rep_id)
    return sum(_merge(session, *stretch) for stretch in _stretches(session, by_hour))


def _stretches(
    session: Session, by_hour: dict[tuple[str, int], list[Fix]]
) -> Iterator[tuple[TrackChunk | None, str, datetime, list[Fix]]]:
    """(chunk or None, rep, its start, what arrived for it), each chunk once."""
    found: dict[tuple[str, datetime], tuple[TrackChunk | None, list[Fix]]] = {}
    for (rep_id, hour_ms), arrived in sorted(by_hour.items()):
        hour = clock.from_ms(hour_ms)
        row = store.chunk_around(session, rep_id, hour)
        found.setdefault((rep_id, row.hour if row else hour), (row, []))[1].extend(arrived)
    for (rep_id, start), (row, arrived) in found.items():
        yield row, rep_id, start, arrived


def _merge(
    session: Session, row: TrackChunk | None, rep_id: str, start: datetime, arrived: list[Fix]
) -> int:
    kept = chunks.unpack(rep_id, row.data) if row else []
    merged, added = chunks.merge(kept, _unless_elsewhere(session, start, kept, arrived))
    if added:
        row = row or _new(rep_id, start)
        row.updated_at = clock.now()
        _write(session, row, merged, chunks.pack(merged))
    return added


def _unless_elsewhere(
    session: Session, start: datetime, kept: Sequence[Fix], arrived: Sequence[Fix]
) -> list[Fix]:
    """What arrived, less what another chunk than the one from `start` holds.

    A fix that is sent twice may be corrected differently each time, since the estimate of its
    device's clock may have changed between: near its hour's edge it may lie on the other side.
    """
    known = {f.key for f in kept}
    new = [f for f in arrived if f.key not in known]
    here = chunks.hour_of(round(start.timestamp() * 1000))
    hours = sorted({(f.rep_id, hour) for f in new for hour in _hours_of(f) if hour != here})
    others: dict[datetime, TrackChunk] = {}
    for rep_id, hour in hours:
        row = store.chunk_around(session, rep_id, clock.from_ms(hour))
        if row is not None and row.hour != start:
            others[row.hour] = row
    elsewhere = {f.key for row in others.values() for f in chunks.unpack(row.rep_id, row.data)}
    return [f for f in new if f.key not in elsewhere]


def _hours_of(fix: Fix) -> set[int]:
    """The hours in which this very fix may have been recorded before."""
    times = (fix.device_at_ms, fix.fix_at_ms - CLOCK_UNSURE_MS, fix.fix_at_ms + CLOCK_UNSURE_MS)
    return {chunks.hour_of(at) for at in times}


def _new(rep_id: str, start: datetime) -> TrackChunk:
    return TrackChunk(
        rep_id=rep_id, hour=start, count=0, first_at=start, last_at=start, data=b"",
        updated_at=start,
    )  # fmt: skip


def _write(session: Session, row: TrackChunk, fixes: Sequence[Fix], data: bytes) -> None:
    row.first_at = clock.from_ms(fixes[0].fix_at_ms)
    row.last_at = clock.from_ms(fixes[-1].fix_at_ms)
    row.count, row.data = len(fixes), data
    session.add(row)
    session.flush()


def erase_in(session: Session, rep_id: str, start: datetime, end: datetime) -> int:
    """Forget a rep's fixes after start and before end; returns how many there were."""
    first, last = round(start.timestamp() * 1000), round(end.timestamp() * 1000)
    store.lock_track(session, rep_id)
    store.forget_coverage(session, rep_id, clock.local(start).date(), clock.local(end).date())
    gone = 0
    for row in store.chunks_between(session, rep_id, start, end):
        fixes = chunks.unpack(rep_id, row.data)
        kept = [f for f in fixes if not first < f.fix_at_ms < last]
        gone += len(fixes) - len(kept)
        if not kept:
            session.delete(row)
        elif len(kept) < len(fixes):
            row.updated_at = clock.now()
            _write(session, row, kept, chunks.pack(kept))
    session.flush()
    return gone


# Joining what has settled


def tighten(now: datetime) -> int:
    """Join and tighten the settled chunks of a few reps; returns of how many, 0 when all is done.

    Each rep is taken up once a night, with all that was written to his track by midnight.
    """
    with transaction() as session:
        state = _night(session, now)
        reps = store.reps_written_between(
            session, state.since, state.until, state.after, REPS_AT_ONCE
        )
        for rep_id in reps:
            _tighten_rep(session, rep_id, state.since, state.until)
        after = reps[-1] if len(reps) == REPS_AT_ONCE else None
        done = [state.since, state.until, after] if after else [state.until, state.until, ""]
        facts.put(session, _TIGHTENED, [str(value) for value in done])
    return len(reps)


class _Night(NamedTuple):
    """What was written after `since` and by `until` is joined now; reps up to `after` are done."""

    since: datetime
    until: datetime
    after: str


def _night(session: Session, now: datetime) -> _Night:
    last_midnight = (now - SETTLED).replace(hour=0, minute=0, second=0, microsecond=0)
    since, until, after = facts.get(session, _TIGHTENED) or [_LONG_AGO, _LONG_AGO, ""]
    if after:
        return _Night(datetime.fromisoformat(since), datetime.fromisoformat(until), after)
    return _Night(datetime.fromisoformat(until), last_midnight, "")


def _tighten_rep(session: Session, rep_id: str, since: datetime, until: datetime) -> None:
    """Join a rep's chunks from the last one with room before what is newly settled."""
    store.lock_track(session, rep_id)
    for group in joinable(store.chunks_from_settled(session, rep_id, since, until), until):
        try:
            _join(session, group)
        except BrokenChunk as error:
            _log.error("chunks of %s from %s stay apart: %s", rep_id, group[0].hour, error)


def joinable(rows: Sequence[TrackChunk], until: datetime) -> list[list[TrackChunk]]:
    """Chunks in order of time as groups to be joined: whole days, up to FULL fixes each.

    A chunk written after `until` has not settled: it stays out, and no group reaches across it.
    """
    groups: list[list[TrackChunk]] = [[]]
    for day in _by_day(rows):
        if any(row.updated_at > until for row in day):
            groups.append([])
        elif sum(row.count for row in [*groups[-1], *day]) <= FULL:
            groups[-1] += day
        else:
            groups.append(day)
    return [group for group in groups if group]


def _by_day(rows: Sequence[TrackChunk]) -> list[list[TrackChunk]]:
    days: list[list[TrackChunk]] = []
    for row in rows:
        if days and days[-1][-1].last_at.date() == row.first_at.date():
            days[-1].append(row)
        else:
            days.append([row])
    return days


def _join(session: Session, group: list[TrackChunk]) -> None:
    """Put a group into its first row; when it was written stays, so nothing looks new."""
    head, *others = group
    if not others and chunks.is_tight(head.data):
        return
    fixes, _ = chunks.merge([], (f for row in group for f in chunks.unpack(row.rep_id, row.data)))
    head.updated_at = max(row.updated_at for row in group)
    for row in others:
        session.delete(row)
    session.flush()
    _write(session, head, fixes, chunks.pack_tight(fixes))
