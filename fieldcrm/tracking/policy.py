"""What a company decides of tracks and alerts: how long tracks are kept, when alerts stay quiet."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlmodel import Session

from fieldcrm.kit import bus, clock, events, facts
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.tracking import keeping, live_index, store
from fieldcrm.tracking.model import BadPolicy

KEEP_DAYS = 400
"""Unless the company says otherwise: a year and a month, so that a month can be held to last year's."""
KEEP_DAYS_LEAST, KEEP_DAYS_MOST = 7, 3650
MINUTES_A_DAY = 24 * 60
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_POLICY, _SWEPT = "tracking_policy", "tracks_swept_on"


@dataclass(frozen=True)
class Policy:
    """The choices as they stand."""

    keep_days: int = KEEP_DAYS
    """Tracks older than so many local days are erased."""
    quiet_from_min: int | None = None
    quiet_to_min: int | None = None
    """Minutes of the local day between which no alert is raised; None: alerts at any time."""

    @property
    def quiet(self) -> tuple[int, int] | None:
        """(from, to), or None where there are no quiet hours."""
        if self.quiet_from_min is None or self.quiet_to_min is None:
            return None
        return self.quiet_from_min, self.quiet_to_min


def policy_in(session: Session) -> Policy:
    """The company's policy, or the default."""
    return Policy(**facts.get(session, _POLICY, {}))


def policy(actor: Actor) -> Policy:
    """The same for whom it concerns: everybody at a desk may know."""
    people.require(actor, Role.dispatcher, Role.manager, Role.admin)
    with reading() as session:
        return policy_in(session)


def set_policy(actor: Actor, **changes: int | None) -> Policy:
    """Change some of the choices (administrator); logged. Raises BadPolicy."""
    people.require(actor, Role.admin)
    with transaction() as session:
        wanted = Policy(**{**asdict(policy_in(session)), **changes})
        _check(wanted)
        facts.put(session, _POLICY, asdict(wanted))
        events.record(
            session, "track.policy", None, actor_id=actor.user_id or None, source=actor.source,
            data=dict(changes),
        )  # fmt: skip
    return wanted


def _check(wanted: Policy) -> None:
    if not KEEP_DAYS_LEAST <= wanted.keep_days <= KEEP_DAYS_MOST:
        raise BadPolicy(field="keep_days")
    hours = wanted.quiet_from_min, wanted.quiet_to_min
    if (hours[0] is None) != (hours[1] is None):
        raise BadPolicy(field="quiet")
    if not all(minute is None or 0 <= minute < MINUTES_A_DAY for minute in hours):
        raise BadPolicy(field="quiet")


def minutes_of(text: str) -> tuple[int | None, int | None]:
    """Quiet hours as typed, `20:00-07:00`; `none` is none. Raises BadPolicy."""
    if text == "none":
        return None, None
    try:
        start, end = (time.fromisoformat(part.strip()) for part in text.split("-"))
    except ValueError as error:
        raise BadPolicy(field="quiet") from error
    return start.hour * 60 + start.minute, end.hour * 60 + end.minute


def sweep(now: datetime) -> int:
    """Erase tracks older than the policy keeps, once a local day; returns how many fixes went.

    A rep's track goes in a transaction of its own, so that nothing else waits for long; what an
    interrupted sweep left is taken by the next.
    """
    today = clock.local(now).date()
    with reading() as session:
        if facts.get(session, _SWEPT) == today.isoformat():
            return 0
        until = clock.day_bounds(today - timedelta(days=policy_in(session).keep_days))[0]
        reps = store.reps_tracked_before(session, until)
    gone = {rep_id: _erase_until(rep_id, until) for rep_id in reps}
    _forget_places(reps, until)
    with transaction() as session:
        facts.put(session, _SWEPT, today.isoformat())
        if any(gone.values()):
            data: dict[str, Any] = {"fixes": sum(gone.values()), "before": until.isoformat()}
            events.record(session, "track.expired", None, source="worker", data=data)
    return sum(gone.values())


def _erase_until(rep_id: str, until: datetime) -> int:
    with transaction() as session:
        return keeping.erase_in(session, rep_id, LONG_AGO, until)


def _forget_places(rep_ids: list[str], until: datetime) -> None:
    """The last known place is as old as the track it ends."""
    points = live_index.points_of(bus.connection(), rep_ids)
    old = [r for r, p in points.items() if p.fix.fix_at_ms < until.timestamp() * 1000]
    if old:
        bus.connection().hdel(live_index.LIVE, *old)
