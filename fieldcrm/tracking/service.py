"""Tracks, who is where now, and alerts: what pages, API, evidence and workers see and answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from redis.exceptions import RedisError
from sqlmodel import Session

from fieldcrm.kit import bus, clock, events, feed, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.errors import Unavailable
from fieldcrm.kit.settings import settings
from fieldcrm.people import service as people
from fieldcrm.people.model import SYSTEM, Actor, Role
from fieldcrm.people.tables import User
from fieldcrm.tracking import (
    alerting,
    chunks,
    live_index,
    policy,
    rules,
    shifts,
    store,
    streets,
    trips,
)
from fieldcrm.tracking.areas import visit_stays
from fieldcrm.tracking.live_index import LivePoint, PhoneStatus
from fieldcrm.tracking.model import (
    MOMENT_KINDS,
    AlertKind,
    AlertView,
    Fix,
    LiveRep,
    Member,
    RepState,
    Silence,
    Span,
    UnknownAlert,
)
from fieldcrm.tracking.tables import Alert

REOPEN_WITHIN = timedelta(minutes=15)
"""An alert that comes back so soon is the same one, not another."""

# ---- tracks ----


def track_in(session: Session, rep_id: str, start: datetime, end: datetime) -> list[Fix]:
    """A rep's fixes from start to end (both inclusive), in order of time; asks nobody's leave."""
    first, last = round(start.timestamp() * 1000), round(end.timestamp() * 1000)
    rows = store.chunks_between(session, rep_id, start, end)
    found = [f for row in rows for f in chunks.unpack(rep_id, row.data)]
    return [f for f in found if first <= f.fix_at_ms <= last]


def track(actor: Actor, rep_id: str, start: datetime, end: datetime) -> list[Fix]:
    """The same for a person who may see the rep; raises OutOfScope."""
    with reading() as session:
        people.scope_rep_in(session, actor, rep_id)
        return track_in(session, rep_id, start, end)


def day_shifts(actor: Actor, rep_id: str, day: date) -> list[Span]:
    """A rep's shifts that touch his local day, with their pauses; raises OutOfScope."""
    start, end = clock.day_bounds(day)
    with reading() as session:
        people.scope_rep_in(session, actor, rep_id)
        return [shifts.span(s) for s in store.shifts_between(session, rep_id, start, end)]


def day_track(actor: Actor, rep_id: str, day: date, with_streets: bool = False) -> dict[str, Any]:
    """A rep's local day as trips, stops, lines and length.

    {"lines": [[[lat, lng, at_ms], ...], ...], "raw": the same of the fixes as they came,
    "stops": [{lat, lng, from_ms, to_ms, fixes}], "trips": [{from_ms, to_ms, distance_m, mode,
    parts: [{mode, from_ms, to_ms, distance_m}]}], "gaps": [{from_ms, to_ms, distance_m}],
    "distance_m", "unseen_m" (straight across the gaps), "moving_s", "fixes", "first_at_ms",
    "last_at_ms"}; no line crosses a gap or the end of a shift. `with_streets` adds "streets":
    [{mode, from_ms, line: [[lat, lng], ...]}], which can take seconds for a day on foot.
    """
    start, end = clock.day_bounds(day)
    with reading() as session:
        people.scope_rep_in(session, actor, rep_id)
        fixes = track_in(session, rep_id, start, end)
        worked = store.shifts_between(session, rep_id, start, end)
    told = trips.describe(fixes, [shifts.span(s) for s in worked])
    if with_streets:
        told["streets"] = streets.along_streets(told, settings().region_dir)
    return told


# ---- who is where now ----


def crew_in(session: Session, reps: Sequence[User], now: datetime) -> dict[str, Member]:
    """What the state rule needs of these reps, beside their fixes."""
    rep_ids = [r.id for r in reps]
    spans = shifts.spans_in(session, now - shifts.SHIFTS_KNOWN, rep_ids)
    under_way = dict(store.visits_under_way(session, rep_ids))
    return {
        r.id: Member(r.id, r.name, r.team_id, spans.get(r.id, ()), _ms(under_way.get(r.id)))
        for r in reps
    }


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)


def live(actor: Actor, bbox: tuple[float, float, float, float] | None = None) -> list[LiveRep]:
    """The reps an actor sees, with what each does now; `bbox` is (south, west, north, east).

    With a bbox only those whose last position lies in it. Raises Unavailable without Valkey.
    """
    reps, now = people.visible_reps(actor), clock.now()
    with reading() as session:
        crew = crew_in(session, reps, now)
    try:
        points = live_index.points_of(bus.connection(), list(crew))
        statuses = live_index.statuses_of(bus.connection(), list(crew))
    except RedisError as error:
        raise Unavailable("live") from error
    now_ms = round(now.timestamp() * 1000)
    found = [live_rep(m, points.get(r), statuses.get(r), now_ms) for r, m in crew.items()]
    return [rep for rep in found if bbox is None or _is_in(rep, bbox)]


def live_of(rep: User, now: datetime) -> LiveRep:
    """One rep as he is shown now; asks nobody's leave. Raises Unavailable without Valkey."""
    with reading() as session:
        member = crew_in(session, [rep], now)[rep.id]
    try:
        point = live_index.points_of(bus.connection(), [rep.id]).get(rep.id)
        status = live_index.statuses_of(bus.connection(), [rep.id]).get(rep.id)
    except RedisError as error:
        raise Unavailable("live") from error
    return live_rep(member, point, status, round(now.timestamp() * 1000))


def phone_status(actor: Actor, rep_id: str) -> PhoneStatus | None:
    """What a rep's phone last said of itself; None where it never did or Valkey is away."""
    people.scope_rep(actor, rep_id)
    try:
        return live_index.statuses_of(bus.connection(), [rep_id]).get(rep_id)
    except RedisError:
        return None


def live_rep(
    member: Member, point: LivePoint | None, status: PhoneStatus | None, now_ms: int
) -> LiveRep:
    """One rep as shown: the same on a page, in the API and on the gateway's sockets."""
    fix = point.fix if point else None
    state, since = state_of(member, point, status, now_ms)
    battery = fix.battery_pct if fix and fix.battery_pct is not None else None
    at_lunch = rules.is_in_pause(member.spans, now_ms)
    cause = None if at_lunch else rules.cause_of(
        state, battery_pct=battery, is_charging=fix.is_charging if fix else None,
        permission=status.permission if status else None,
        tracking=status.tracking if status else None, mode=status.mode if status else None,
    )  # fmt: skip
    return LiveRep(
        rep_id=member.rep_id, name=member.name, team_id=member.team_id, state=state,
        since_ms=since, lat=fix.lat if fix else None, lng=fix.lng if fix else None,
        accuracy_m=fix.accuracy_m if fix else None, speed_mps=fix.speed_mps if fix else None,
        course_deg=fix.course_deg if fix else None, battery_pct=battery,
        fix_at_ms=fix.fix_at_ms if fix else None,
        age_s=max(0, (now_ms - fix.fix_at_ms) // 1000) if fix else None,
        source=fix.source if fix else None, is_mock=fix.is_mock if fix else None,
        doubts=fix.doubts if fix else 0, cause=cause,
        clock_offset_ms=point.offset_ms if point else 0,
        is_charging=fix.is_charging if fix else None,
    )  # fmt: skip


def state_of(
    member: Member, point: LivePoint | None, status: PhoneStatus | None, now_ms: int
) -> tuple[RepState, int | None]:
    """What a rep does now and since when."""
    fix_at = point.fix.fix_at_ms if point else None
    paused = rules.tracking_paused_since(
        status.tracking if status else None, status.since_ms if status else None, fix_at
    )
    is_tracker = status is not None and status.mode != "web"
    return rules.rep_state(
        now_ms, member.spans, fix_at_ms=fix_at,
        still_since_ms=point.still_since_ms if point else None,
        visit_since_ms=member.visit_since_ms, tracking_paused_ms=paused,
        heard_at_ms=status.heard_at_ms if status and is_tracker else None,
    )  # fmt: skip


def _is_in(rep: LiveRep, bbox: tuple[float, float, float, float]) -> bool:
    south, west, north, east = bbox
    if rep.lat is None or rep.lng is None:
        return False
    within = west <= rep.lng <= east if west <= east else rep.lng >= west or rep.lng <= east
    return south <= rep.lat <= north and within


# ---- alerts ----


def raise_alerts(memory: alerting.Memory) -> int:
    """Raise and resolve alerts as reps stand now; returns how many changed."""
    now, reps = clock.now(), live(SYSTEM)
    now_ms, here = round(now.timestamp() * 1000), clock.local(now)
    with transaction() as session:
        store.lock_alerts(session)
        is_quiet = alerting.is_quiet(here.hour * 60 + here.minute, policy.policy_in(session).quiet)
        stops = _stops_by_rep(session, here.date())
        asked = {r.rep_id: alerting.wishes(r, stops.get(r.rep_id, ()), now_ms) for r in reps}
        lasting = [a for a in store.open_alerts(session) if a.kind not in MOMENT_KINDS]
        known = {(a.rep_id, AlertKind(a.kind)): a for a in lasting}
        lately = store.alerts_resolved_since(session, now - REOPEN_WITHIN)
        raised = [
            _raise(session, rep, wish, known.get((rep.rep_id, wish.kind)), lately, now)
            for rep in reps
            for wish in memory.ripe(rep.rep_id, asked[rep.rep_id], now_ms)
            if not is_quiet
        ]
        resolved = [
            resolve_alert(session, alert, now)
            for (rep_id, kind), alert in known.items()
            if memory.is_over(
                rep_id, kind, any(w.kind is kind for w in asked.get(rep_id, ())), now_ms
            )
        ]
    return sum(raised) + len(resolved)


def resolve_alert(session: Session, alert: Alert, now: datetime) -> None:
    """Its reason is gone: it leaves the list."""
    alert.resolved_at = now
    session.add(alert)
    tell_alert(session, alert, "resolved")


def _stops_by_rep(session: Session, today: date) -> dict[str, list[alerting.PlannedStop]]:
    found: dict[str, list[alerting.PlannedStop]] = defaultdict(list)
    stops = store.stops_of_day(session, today)
    stays = visit_stays.stays_of(sorted({rep_id for _, rep_id, *_ in stops}), today)
    for visit_id, rep_id, state, planned_at, lat, lng in stops:
        stay = stays.get(rep_id, {}).get(visit_id)
        is_there = stay is not None and not stay.left_ms
        stop = alerting.PlannedStop(visit_id, state, _ms(planned_at), lat, lng, is_there)
        found[rep_id].append(stop)
    return found


def _raise(
    session: Session, rep: LiveRep, wish: alerting.Wish, alert: Alert | None,
    lately: Sequence[Alert], now: datetime,
) -> int:  # fmt: skip
    """A new alert, or the same one again if it was over only just; its figures are kept fresh."""
    if alert is not None:
        if alert.data != wish.data:
            alert.data = wish.data
            session.add(alert)
        return 0
    again = [a for a in lately if a.rep_id == rep.rep_id and a.kind == wish.kind]
    if again:
        again[-1].resolved_at = None
        session.add(again[-1])
        tell_alert(session, again[-1], "raised")
        return 1
    if rep.team_id is None:
        return 0
    raised = Alert(
        id=ids.new_id(), rep_id=rep.rep_id, team_id=rep.team_id, kind=wish.kind.value, at=now,
        data=wish.data,
    )  # fmt: skip
    session.add(raised)
    tell_alert(session, raised, "raised")
    return 1


def tell_alert(session: Session, alert: Alert, status: str, actor: Actor = SYSTEM) -> None:
    """Log what became of an alert, and tell the desks of its team."""
    events.record(
        session, f"alert.{status}", alert.id, actor_id=actor.user_id or None,
        team_id=alert.team_id, source=actor.source,
        data={"rep_id": alert.rep_id, "kind": alert.kind, **alert.data},
    )  # fmt: skip
    notice = {
        "t": "alert", "id": alert.id, "rep_id": alert.rep_id, "kind": alert.kind,
        "status": status, "at_ms": _ms(alert.at), "data": alert.data,
    }  # fmt: skip
    feed.notify_desk(session, alert.team_id, notice)


def silences_in(session: Session, since: datetime) -> list[Silence]:
    """When nothing was heard of whom in his shift, as the alerts tell; asks nobody's leave."""
    return [
        Silence(
            a.id, a.rep_id, int(a.data.get("minutes", 0)),
            a.data.get("cause", "tracking.cause.network"), a.resolved_at is not None,
        )
        for a in store.silences(session, since)
    ]  # fmt: skip


def alerts(actor: Actor, snoozed: bool = False) -> list[AlertView]:
    """Open alerts of the actor's teams, the newest first; snoozed ones only when asked for."""
    people.require(actor, Role.dispatcher, Role.manager, Role.admin)
    names, now = {r.id: r.name for r in people.visible_reps(actor)}, clock.now()
    with reading() as session:
        found = store.open_alerts(session, people.visible_team_ids(actor))
    return [
        AlertView(
            a.id, a.rep_id, names.get(a.rep_id, ""), a.team_id, AlertKind(a.kind), a.at, a.data,
            a.acknowledged_by, a.acknowledged_at, a.snoozed_until,
        )
        for a in found
        if snoozed or a.snoozed_until is None or a.snoozed_until <= now
    ]  # fmt: skip


def acknowledge(actor: Actor, alert_id: str) -> None:
    """Say that somebody has seen it: it goes quiet for everybody. Raises UnknownAlert."""
    with transaction() as session:
        alert = _alert(session, actor, alert_id)
        if alert.acknowledged_at is None:
            alert.acknowledged_by, alert.acknowledged_at = actor.user_id or None, clock.now()
            session.add(alert)
            tell_alert(session, alert, "acknowledged", actor)


def snooze(actor: Actor, alert_id: str, minutes: int = 15) -> None:
    """Hide an alert for some minutes (at most a day). Raises UnknownAlert."""
    with transaction() as session:
        alert = _alert(session, actor, alert_id)
        alert.snoozed_until = clock.now() + timedelta(minutes=max(1, min(minutes, 1440)))
        session.add(alert)
        tell_alert(session, alert, "snoozed", actor)


def _alert(session: Session, actor: Actor, alert_id: str) -> Alert:
    people.require(actor, Role.dispatcher, Role.manager, Role.admin)
    alert, teams = store.alert(session, alert_id), people.visible_team_ids(actor)
    if alert is None or (teams is not None and alert.team_id not in teams):
        raise UnknownAlert()
    return alert
