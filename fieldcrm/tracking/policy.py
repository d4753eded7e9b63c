"""What a company decides: how long tracks, alerts and photos are kept, when alerts stay quiet."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlmodel import Session

from fieldcrm.kit import bus, clock, events, facts
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.tracking import keeping, live_index, store
from fieldcrm.tracking.model import BadPolicy
from fieldcrm.visits import keeping as photo_keeping

KEEP_DAYS = 400
"""Unless the company says otherwise: a year and a month, so that a month can be held to last year's."""
KEEP_DAYS_LEAST, KEEP_DAYS_MOST = 7, 3650
PHOTO_DAYS_LEAST = 30
"""Phones hold photos for a week; what they may still send must not be past its time already."""
MINUTES_A_DAY = 24 * 60
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_POLICY, _SWEPT = "tracking_policy", "tracks_swept_on"


@dataclass(frozen=True)
class Policy:
    """The choices as they stand."""

    keep_days: int = KEEP_DAYS
    """Tracks older than so many local days are erased: the fixes as sent, from which every line,
    stop and trip is made anew each time, so that nothing else is left of a way."""
    alert_days: int = KEEP_DAYS
    """Alerts tell where somebody was: settled ones older than so many local days are erased."""
    photo_days: int | None = None
    """Photos and sounds of visits older than so many local days are erased; None: never."""
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
        before = asdict(policy_in(session))
        wanted = Policy(**{**before, **changes})
        _check(wanted)
        facts.put(session, _POLICY, asdict(wanted))
        changed = {name: value for name, value in asdict(wanted).items() if before[name] != value}
        if changed:
            events.record(
                session, "track.policy", None, actor_id=actor.user_id or None, source=actor.source,
                data={"before": {name: before[name] for name in changed}, "after": changed},
            )  # fmt: skip
    return wanted


@dataclass(frozen=True)
class Overdue:
    """What the next night would erase: the price of a shorter time, told before it is chosen."""

    fixes: int = 0
    """At least so many: hours that lie wholly before the limit."""
    reps: int = 0
    alerts: int = 0
    photos: int = 0


def overdue(actor: Actor, **changes: int | None) -> Overdue:
    """What would go if the policy were changed so (administrator). Raises BadPolicy."""
    people.require(actor, Role.admin)
    with reading() as session:
        wanted = Policy(**{**asdict(policy_in(session)), **changes})
        _check(wanted)
        fixes, reps = store.fixes_before(session, _kept_from(wanted.keep_days))
        alerts = store.alerts_before(session, _kept_from(wanted.alert_days))
        photos = 0
        if wanted.photo_days is not None:
            photos, _ = photo_keeping.count_in(session, before=_first_day(wanted.photo_days))
    return Overdue(fixes, reps, alerts, photos)


def _first_day(days: int) -> date:
    """The oldest local day that is kept."""
    return clock.local(clock.now()).date() - timedelta(days=days)


def _kept_from(days: int) -> datetime:
    return clock.day_bounds(_first_day(days))[0]


def _check(wanted: Policy) -> None:
    for name in ("keep_days", "alert_days"):
        _check_days(name, getattr(wanted, name), KEEP_DAYS_LEAST)
    if wanted.photo_days is not None:
        _check_days("photo_days", wanted.photo_days, PHOTO_DAYS_LEAST)
    hours = wanted.quiet_from_min, wanted.quiet_to_min
    if (hours[0] is None) != (hours[1] is None):
        raise BadPolicy(field="quiet")
    if not all(minute is None or 0 <= minute < MINUTES_A_DAY for minute in hours):
        raise BadPolicy(field="quiet")


def _check_days(name: str, days: int, least: int) -> None:
    if not least <= days <= KEEP_DAYS_MOST:
        raise BadPolicy(field=name)


def days_of(text: str) -> int | None:
    """Days as typed; `none` is for ever. Raises BadPolicy."""
    if text == "none":
        return None
    try:
        return int(text)
    except ValueError as error:
        raise BadPolicy(field="photo_days") from error


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
    """Erase what the policy no longer keeps, once a local day; returns how many fixes went.

    A rep's track goes in a transaction of its own, so that nothing else waits for long; what an
    interrupted sweep left is taken by the next.
    """
    today = clock.local(now).date()
    with reading() as session:
        if facts.get(session, _SWEPT) == today.isoformat():
            return 0
        wanted = policy_in(session)
        until = clock.day_bounds(today - timedelta(days=wanted.keep_days))[0]
        reps = store.reps_tracked_before(session, until)
    fixes = sum(_erase_until(rep_id, until) for rep_id in reps)
    _forget_places(reps, until)
    photos = 0
    if wanted.photo_days is not None:
        photos = photo_keeping.erase(before=today - timedelta(days=wanted.photo_days))
    with transaction() as session:
        last = clock.day_bounds(today - timedelta(days=wanted.alert_days))[0]
        gone = {
            "fixes": fixes,
            "alerts": store.erase_alerts_before(session, last),
            "photos": photos,
        }
        facts.put(session, _SWEPT, today.isoformat())
        if any(gone.values()):
            events.record(session, "track.expired", None, source="worker", data=gone)
    return fixes


def _erase_until(rep_id: str, until: datetime) -> int:
    with transaction() as session:
        return keeping.erase_in(session, rep_id, LONG_AGO, until)


def _forget_places(rep_ids: list[str], until: datetime) -> None:
    """The last known place is as old as the track it ends."""
    points = live_index.points_of(bus.connection(), rep_ids)
    old = [r for r, p in points.items() if p.fix.fix_at_ms < until.timestamp() * 1000]
    if old:
        bus.connection().hdel(live_index.LIVE, *old)
