"""Tracks as files: a rep's day handed out, a GPX file of his taken in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlmodel import Session

from fieldcrm.kit import clock, events
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.people.tables import User
from fieldcrm.tracking import exchange, keeping, replay, rules, service, shifts, trips
from fieldcrm.tracking.columns import DEGREES
from fieldcrm.tracking.exchange import GpxFile, GpxPoint, Journey, Trouble
from fieldcrm.tracking.model import Doubt, Fix, Span, Stop

FUTURE_MS = 5 * 60_000
A_DAY = timedelta(days=1)
SOURCE = "gpx"


@dataclass(frozen=True)
class Added:
    """What became of a file's points, and what is wrong with the file."""

    points: int
    recorded: int
    """New in the rep's track."""
    known: int
    """There already, from the same file."""
    off_shift: int
    """Not recorded: nothing is, off shift or in a break."""
    without_time: int
    in_future: int
    troubles: list[Trouble]


# Out


def day_file(actor: Actor, rep_id: str, day: date, form: str) -> tuple[bytes, str]:
    """A rep's local day in one of `exchange.FORMS`, and its media type; raises OutOfScope."""
    start, end = clock.day_bounds(day)
    with reading() as session:
        rep = people.scope_rep_in(session, actor, rep_id)
        fixes = service.track_in(session, rep_id, start, end)
    spans = service.day_shifts(actor, rep_id, day)
    write, media_type = exchange.FORMS[form]
    content = write(journey(f"{rep.name} {day}", fixes, spans))
    return content.encode() if isinstance(content, str) else content, media_type


def journey(name: str, fixes: Sequence[Fix], spans: Sequence[Span]) -> Journey:
    """A day's fixes as lines that no gap, break or end of a shift is crossed by, with its stops."""
    at = replay.moments(fixes)
    stops = [Stop(**stop) for stop in trips.describe(fixes, spans)["stops"]]
    return Journey(name, exchange.lines_of(fixes, replay.breaks(at, spans)), stops)


# In


def add_gpx(actor: Actor, rep_id: str, content: bytes) -> Added:
    """Add a GPX file to a rep's track: managers and administrators, of reps they see.

    Only what was taken on shift is recorded, as of anything else; the same file again adds nothing.
    Raises OutOfScope, RoleForbids.
    """
    people.require(actor, Role.manager, Role.admin)
    people.scope_rep(actor, rep_id)
    found = exchange.read_gpx(content)
    now_ms = clock.now_ms()
    timed = [p for segment in found.segments for p in segment if p.at_ms is not None]
    past = [p for p in timed if (p.at_ms or 0) <= now_ms + FUTURE_MS]
    device_id = f"gpx-{hashlib.sha256(content).hexdigest()[:12]}"
    fixes = [_fix(rep_id, device_id, point, now_ms) for point in past]
    with transaction() as session:
        rep = people.scope_rep_in(session, actor, rep_id)
        on_shift = _on_shift(session, rep_id, fixes)
        recorded = keeping.append(session, on_shift)
        _log(session, actor, rep, found, recorded)
    return Added(
        found.points, recorded, len(on_shift) - recorded, len(fixes) - len(on_shift),
        found.points - len(timed), len(timed) - len(past), found.troubles,
    )  # fmt: skip


def _fix(rep_id: str, device_id: str, point: GpxPoint, now_ms: int) -> Fix:
    at = point.at_ms or 0
    return Fix(
        rep_id, device_id, None, at, at, now_ms, round(point.lat * DEGREES) / DEGREES,
        round(point.lng * DEGREES) / DEGREES, None, point.speed_mps, point.course_deg,
        source=SOURCE, doubts=int(Doubt.late),
    )  # fmt: skip


def _on_shift(session: Session, rep_id: str, fixes: Iterable[Fix]) -> list[Fix]:
    listed = list(fixes)
    if not listed:
        return []
    first = clock.from_ms(min(f.fix_at_ms for f in listed))
    spans = shifts.spans_in(session, first - A_DAY, [rep_id]).get(rep_id, ())
    return [f for f in listed if rules.duty_at(spans, f.fix_at_ms) is rules.Duty.on]


def _log(session: Session, actor: Actor, rep: User, found: GpxFile, recorded: int) -> None:
    data: dict[str, Any] = {"rep_id": rep.id, "points": found.points, "fixes": recorded}
    events.record(
        session, "track.imported", rep.id, actor_id=actor.user_id or None, team_id=rep.team_id,
        source=actor.source, data=data,
    )  # fmt: skip
