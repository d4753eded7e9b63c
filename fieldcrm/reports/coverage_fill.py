"""Keeps coverage counted: a few reps' days at a time, whenever what they rest on has changed.

A round looks at all that was written since the round before: track chunks, word of shifts, closed
and judged visits. A day that was counted from the same is left alone. Safe in several processes at
once, and beside writers: what is kept was counted from what stands in the database when it is kept.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

import h3.api.basic_int as h3
import numpy as np
from sqlmodel import Session

from fieldcrm.kit import clock, facts
from fieldcrm.kit.database import reading, transaction
from fieldcrm.reports import coverage_rules as rules
from fieldcrm.reports import coverage_store as store
from fieldcrm.reports.coverage_store import Sources
from fieldcrm.tracking import chunks, replay
from fieldcrm.tracking import store as tracks
from fieldcrm.tracking.columns import DEGREES, NAMES
from fieldcrm.tracking.model import BrokenChunk
from fieldcrm.tracking.rules import span_of
from fieldcrm.tracking.tables import CoverageDay, CoverageMonth

ROUND_EVERY = timedelta(minutes=10)
OVERLAP = timedelta(minutes=2)
"""A transaction may have taken so long from writing a time to being seen."""
CHUNKS_AT_ONCE = 40
DAYS_AT_ONCE = 10
MONTHS_AT_ONCE = 20
WANTED = ("at", "lat", "lng", "accuracy", "doubts")
_STATE = "coverage_counted"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_log = logging.getLogger("coverage")

Key = tuple[str, date]
"""(rep, local day)"""


@dataclass(frozen=True)
class Counted:
    """A rep's day as counted, and from what."""

    track: bytes
    track_tag: str
    visits: bytes
    visits_tag: str


@dataclass(frozen=True)
class Round:
    """What was written in since..until is counted now; chunks up to `after` are done."""

    since: datetime
    until: datetime
    after: tuple[datetime, str, datetime] | None = None
    stage: str = "chunks"
    """chunks, rest, months."""


def fill(now: datetime) -> int:
    """Count what is due, a batch of it; returns how much of it there was, 0 when nothing is."""
    with reading() as session:
        due = store.emptied(session, DAYS_AT_ONCE)
        state = _round(session, now)
    if due:
        return count(due, now)
    if state is None:
        return 0
    steps = {"chunks": _next_chunks, "rest": _rest, "months": _sum_months}
    return steps[state.stage](state, now)


def share_done(session: Session) -> float:
    """How much of the first count of everything is done, 0 to 1."""
    kept = facts.get(session, _STATE)
    return 0.0 if kept is None else kept.get("share", 1.0)


def _round(session: Session, now: datetime) -> Round | None:
    """The round under way, a new one where it is time for it, or None."""
    kept = facts.get(session, _STATE)
    if kept is None:
        return Round(_LONG_AGO, now)
    since, until = (datetime.fromisoformat(kept[k]) for k in ("since", "until"))
    if kept["stage"] != "done":
        after = kept["after"]
        at = (_time(after[0]), after[1], _time(after[2])) if after else None
        return Round(since, until, at, kept["stage"])
    if until <= now < until + ROUND_EVERY:
        return None
    return Round(min(until, now) - OVERLAP, now)  # also when the clock was set back


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _keep(state: Round, stage: str, after: Sequence[Any] = (), share: float = 1.0) -> None:
    kept = [after[0].isoformat(), after[1], after[2].isoformat()] if after else None
    with transaction() as session:
        facts.put(session, _STATE, {
            "since": state.since.isoformat(), "until": state.until.isoformat(), "stage": stage,
            "after": kept, "share": share,
        })  # fmt: skip


def _next_chunks(state: Round, now: datetime) -> int:
    """The next chunks of a round; after the last of them it goes on to the rest."""
    with reading() as session:
        rows = store.chunks_written(
            session, state.since, state.until, state.after or (), CHUNKS_AT_ONCE
        )
    done = count(dict.fromkeys(k for row in rows for k in _days(row[1], row[3], row[4])), now)
    is_last = len(rows) < CHUNKS_AT_ONCE
    share = 1.0 if is_last or state.since > _LONG_AGO else _share(state, rows[-1][0])
    _keep(state, "rest" if is_last else "chunks", rows[-1][:3] if rows else (), share)
    return max(1, done)


def _share(state: Round, at: datetime) -> float:
    """How far the first round is, by when its chunks were written; it can't know their number."""
    with reading() as session:
        first = store.first_written(session) or at
    return max(0.0, min(0.99, (at - first) / max(state.until - first, timedelta(seconds=1))))


def _rest(state: Round, now: datetime) -> int:
    """Days on which shifts or visits changed, and those that go on."""
    is_first = state.since == _LONG_AGO
    with reading() as session:
        if is_first:
            keys, shifts = store.visit_days(session), store.shifts_all(session)
        else:
            keys = store.visit_days_changed(session, state.since, state.until)
            shifts = store.shifts_changed(session, state.since, state.until)
        for rep_id, started, ended in shifts:
            keys.update(_days(rep_id, started, min(ended or now, now)))
        if is_first:
            keys -= store.keys_counted(session)
    done = count(sorted(keys), now)
    _keep(state, "months")
    return max(1, done)


def _days(rep_id: str, first: datetime, last: datetime) -> Iterable[Key]:
    day, end = clock.local(first).date(), clock.local(last).date()
    while day <= end:
        yield rep_id, day
        day += timedelta(days=1)


# ---- counting ----


def count(keys: Iterable[Key], now: datetime) -> int:
    """Count reps' days anew where what they rest on has changed; returns how many were looked at."""
    waiting, looked_at = iter(keys), 0
    while batch := list(islice(waiting, DAYS_AT_ONCE)):
        found = {key: made for key in batch if (made := _counted(key, now)) is not None}
        if found:
            with transaction() as session:
                for key, made in sorted(found.items()):
                    _write(session, key, made, now)
        looked_at += len(batch)
    return looked_at


def _counted(key: Key, now: datetime) -> Counted | None:
    """A day counted from its sources; None where it stands so already."""
    with reading() as session:
        row, found = store.day(session, *key), _sources(session, key)
    tags = tags_of(found, now)
    is_erased = row is not None and row.track_tag == tracks.ERASED and not found.chunks
    if row is not None and row.visits_tag == tags[1] and (is_erased or row.track_tag == tags[0]):
        return None
    track, tag = (b"", tracks.ERASED) if is_erased else (_track(key, found, now), tags[0])
    return Counted(track, tag, _visits(found), tags[1])


def _sources(session: Session, key: Key) -> Sources:
    return store.sources(session, *key, *clock.day_bounds(key[1]))


def tags_of(found: Sources, now: datetime) -> tuple[str, str]:
    """What the two halves of a day rest on, as tags; a shift that goes on is new each minute."""
    minute = (
        now.replace(second=0, microsecond=0) if any(not s.ended_at for s in found.shifts) else 0
    )
    track = (
        minute, [(c.hour, c.updated_at, c.count) for c in found.chunks],
        [(s.id, s.started_at, s.ended_at, s.pauses) for s in found.shifts],
    )  # fmt: skip
    return replay.tag_of(*track), replay.tag_of([(v[0], v[1], v[4], v[7]) for v in found.visits])


def _write(session: Session, key: Key, made: Counted, now: datetime) -> None:
    """Keep a counted day, unless its track is no longer what it was counted from."""
    rep_id, day = key
    tracks.lock_track(session, rep_id)
    row, there = store.day(session, *key), tags_of(_sources(session, key), now)[0]
    if made.track_tag not in (tracks.ERASED, there):
        return  # a later round, or the next one where it was erased
    row = row or CoverageDay(day=day, rep_id=rep_id, month=rules.month_of(day), counted_at=now)
    row.track, row.track_tag, row.counted_at = made.track, made.track_tag, now
    row.visits, row.visits_tag = made.visits, made.visits_tag
    session.add(row)
    store.forget_month(session, rep_id, row.month)


def _track(key: Key, found: Sources, now: datetime) -> bytes:
    return rules.track_entries(moments_in(key, found.chunks, found.shifts, now))


def moments_in(
    key: Key, rows: Sequence[Any], shifts: Sequence[Any], now: datetime
) -> list[rules.Moment]:
    """Where a rep's working time of a local day went, in order; broken chunks are left out."""
    first, last = (round(at.timestamp() * 1000) for at in clock.day_bounds(key[1]))
    spans = [span_of(s.id, s.started_at, s.ended_at, s.pauses) for s in shifts]
    working = rules.duty(spans, first, min(last, round(now.timestamp() * 1000)))
    return list(rules.moments(_seen(key, rows, first, last), working))


def _seen(key: Key, rows: Sequence[Any], first: int, last: int) -> rules.Seen:
    parts = [part for row in rows if (part := _columns(key, row)) is not None]
    at, lat, lng, accuracy, doubts = (
        np.concatenate([part[n] for part in parts]) if parts else np.empty(0, np.int64)
        for n in range(len(WANTED))
    )
    begin, end = np.searchsorted(at, [first, last])
    own = slice(begin, end)
    known = np.where(accuracy[own] == 0, np.nan, (accuracy[own] - 1) / 10)
    return rules.seen(at[own], lat[own] / DEGREES, lng[own] / DEGREES, known, doubts[own])


def _columns(key: Key, row: Any) -> list[Any] | None:
    try:
        table = chunks.unpack_columns(row.data, WANTED)
    except BrokenChunk as error:
        _log.error("a chunk of %s on %s is not counted: %s", *key, error)
        return None
    return [table.columns[NAMES.index(name)] for name in WANTED]


def _visits(found: Sources) -> bytes:
    return rules.visit_entries(
        rules.VisitFact(
            cell_of((v[2], v[3]), v[6], (v[8], v[9])), v[7] or rules.CATEGORIES[-1], v[4] == "confirmed",
            *_checks(v[5], v[4]),
        )
        for v in found.visits
    )  # fmt: skip


def cell_of(place: Sequence[Any], check_in: Any, client: Sequence[Any]) -> int:
    """Where a visit counts: at its place, else at its client's, else where the rep checked in."""
    checked = (check_in or {}).get("lat"), (check_in or {}).get("lng")
    for lat, lng in (place, client, checked):
        if lat is not None and lng is not None:
            return h3.latlng_to_cell(lat, lng, rules.FINE)
    return rules.NOWHERE


def _checks(details: Any, verdict: str) -> tuple[int, int]:
    """Shelf checks made and products found absent; a contradicted visit proves neither."""
    stock = details.get("stock") if isinstance(details, dict) else None
    if not isinstance(stock, dict) or verdict == "contradicted":
        return 0, 0
    return len(stock), sum(value is False for value in stock.values())


# ---- months ----


def _sum_months(state: Round, now: datetime) -> int:
    """Sum up past months that have no sum, some at a time."""
    this = rules.month_of(clock.local(now).date())
    with reading() as session:
        due = store.months_to_sum(session, this, MONTHS_AT_ONCE)
    for rep_id, month in due:
        with transaction() as session:
            _sum_month(session, rep_id, month)
    if len(due) < MONTHS_AT_ONCE:
        _keep(state, "done")
    return max(1, len(due))


def _sum_month(session: Session, rep_id: str, month: int) -> None:
    first = date(month // 100, month % 100, 1)
    last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    tracks.lock_track(session, rep_id)
    days = store.days_of_month(session, rep_id, first, last)
    if any(not tag for _, tag, _ in days):
        return  # erased meanwhile: counted again first
    session.merge(
        CoverageMonth(
            month=month, rep_id=rep_id, track=rules.joined_track(track for track, _, _ in days),
            visits=rules.joined_visits(visits for _, _, visits in days),
        )
    )  # fmt: skip
