"""How a rep's fixes lie in the database: merged as they come, joined once they have settled.

A fix that comes in goes to its UTC hour, in the quick form. Each night what was written to before
is joined, whole days at a time, up to FULL fixes, in the tight form: few rows, little index. A late
fix of a joined stretch goes into that stretch, which is tightened again the night after.
Stretches of one rep never overlap: a chunk begins at its `hour` and reaches to its last fix.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from sqlmodel import Session

from fieldcrm.kit import clock, facts
from fieldcrm.kit.database import transaction
from fieldcrm.tracking import chunks, store
from fieldcrm.tracking.columns import NAMES, Table, in_order, joined, merged, table_of, unknown
from fieldcrm.tracking.model import BrokenChunk, Fix
from fieldcrm.tracking.store import Stretch
from fieldcrm.tracking.tables import TrackChunk

SETTLED = timedelta(hours=6)
"""So long after midnight (UTC) what was written before it is joined."""
FULL = 4096
"""Days are joined up to so many fixes; a longer day stands alone."""
REPS_AT_ONCE = 5
HOURS_AT_ONCE = 100
"""So many hours of reps are read and written together: few statements, little memory."""
CLOCK_UNSURE_MS = 5 * 60_000
"""By so much a device's clock may be corrected differently when it sends a fix again."""
_TIGHTENED = "tracks_tightened_until"
"""The fact that says how far joining has got: [since, until, last rep done]."""
_LONG_AGO = "1970-01-01T00:00:00+00:00"
Hour = tuple[str, datetime]
"""A rep and the beginning of an hour or of a stretch."""
_log = logging.getLogger("tracking")


def append(session: Session, fixes: Iterable[Fix]) -> int:
    """Merge fixes of any reps, in any order, into their chunks; returns how many were new.

    The same fix again (device and seq, or device and its time) changes nothing.
    """
    by_hour: dict[Hour, list[Fix]] = defaultdict(list)
    for fix in fixes:
        by_hour[fix.rep_id, clock.from_ms(chunks.hour_of(fix.fix_at_ms))].append(fix)
    store.lock_tracks(session, sorted({rep for rep, _ in by_hour}))
    hours = sorted(by_hour.items())
    return sum(
        _Merging(session).merge(dict(hours[start : start + HOURS_AT_ONCE]))
        for start in range(0, len(hours), HOURS_AT_ONCE)
    )


class _Merging:
    """Some hours' fixes on their way into their chunks, which are read and written together."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._now = clock.now()
        self._found: dict[Hour, Stretch | None] = {}
        self._written: dict[Hour, Stretch] = {}
        """By rep and start, as they will stand in the database."""

    def merge(self, by_hour: dict[Hour, list[Fix]]) -> int:
        """Merge what arrived by hour; returns how many were new."""
        self._found = store.stretches_at(self._session, list(by_hour))
        arrived: dict[Hour, list[Fix]] = defaultdict(list)
        for (rep_id, hour), fixes in by_hour.items():
            row = self._around(rep_id, hour)
            arrived[rep_id, row.hour if row else hour] += fixes
        added = sum(self._merge(*at, fixes) for at, fixes in arrived.items())
        known = {at for at in self._written if self._found.get(at)}
        store.write_stretches(self._session, self._written, known)
        return added

    def _around(self, rep_id: str, hour: datetime) -> Stretch | None:
        """The stretch to which a fix of this hour belongs."""
        if (rep_id, hour) not in self._found:
            row = store.stretch_around(self._session, rep_id, hour)
            self._found[rep_id, hour] = row
            if row:
                self._found.setdefault((rep_id, row.hour), row)
        return self._found[rep_id, hour]

    def _merge(self, rep_id: str, start: datetime, fixes: list[Fix]) -> int:
        row = self._found[rep_id, start]
        kept = chunks.unpack_table(row.data) if row else table_of(())
        new = self._unless_elsewhere(rep_id, start, unknown(kept, table_of(fixes)))
        if new.length:
            table = in_order(joined([kept, new]))
            self._written[rep_id, start] = _stretch(
                rep_id, start, table, chunks.pack_table(table), self._now
            )
        return new.length

    def _unless_elsewhere(self, rep_id: str, start: datetime, new: Table) -> Table:
        """What arrived, less what another stretch than the one from `start` holds.

        A fix that is sent twice may be corrected differently each time, since the estimate of its
        device's clock may have changed between: near its hour's edge it may lie on the other side.
        """
        here = chunks.hour_of(round(start.timestamp() * 1000))
        others = dict[datetime, Stretch]()
        for hour_ms in sorted(_hours_of(new) - {here}):
            hour = clock.from_ms(hour_ms)
            row = self._written.get((rep_id, hour)) or self._around(rep_id, hour)
            if row is not None and row.hour != start:
                others[row.hour] = self._written.get((rep_id, row.hour), row)
        for row in others.values():
            new = unknown(chunks.unpack_table(row.data), new)
        return new


def _hours_of(table: Table) -> set[int]:
    """The hours in which these very fixes may have been recorded before."""
    at, lag = table.columns[NAMES.index("at")], table.columns[NAMES.index("device_lag")]
    times = np.concatenate([at + lag, at - CLOCK_UNSURE_MS, at + CLOCK_UNSURE_MS])
    return set(np.unique(times - times % chunks.HOUR_MS).tolist())


def _stretch(
    rep_id: str, start: datetime, table: Table, data: bytes, updated_at: datetime
) -> Stretch:
    """A stretch as it stands in the database."""
    first, last = (clock.from_ms(int(table.columns[0][place])) for place in (0, -1))
    return Stretch(rep_id, start, table.length, first, last, data, updated_at)


def _write(session: Session, row: TrackChunk, table: Table, data: bytes) -> None:
    row.first_at, row.last_at = (clock.from_ms(int(table.columns[0][n])) for n in (0, -1))
    row.count, row.data = table.length, data
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
            table = table_of(kept)
            _write(session, row, table, chunks.pack_table(table))
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
    table, _ = merged(table_of(()), joined([chunks.unpack_table(row.data) for row in group]))
    head.updated_at = max(row.updated_at for row in group)
    for row in others:
        session.delete(row)
    session.flush()
    _write(session, head, table, chunks.pack_table_tight(table))
