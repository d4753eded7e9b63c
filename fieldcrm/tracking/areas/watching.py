"""What the recorder does with areas: hears of every fix, raises an alert once per crossing.

Where reps stand is kept in Valkey and written after the alerts: a batch that is read again after a
crash finds the same crossings, and the alerts of the first time by their moment.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session

from fieldcrm.kit import bus, clock, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.tracking import alerting, live_index, policy, shifts
from fieldcrm.tracking import service as tracking
from fieldcrm.tracking import store as tracking_store
from fieldcrm.tracking.areas import rules, store
from fieldcrm.tracking.areas.model import Crossing, Seen
from fieldcrm.tracking.areas.rules import Ground
from fieldcrm.tracking.areas.service import shape_in
from fieldcrm.tracking.areas.tables import Area
from fieldcrm.tracking.model import AREA_KINDS, MOMENT_KINDS, AlertKind, Fix
from fieldcrm.tracking.rules import Duty, duty_at
from fieldcrm.tracking.tables import Alert

KNOWN_FOR_S = 5.0
"""A new area is watched after so long at most."""
SOON_MS = 10 * 60_000
"""A crossing that is heard of later is told only while it still holds."""
LATEST_MS = 2 * 3_600_000
UNSEEN_MS = 10 * 60_000
"""After a longer silence it is said since when nobody knew."""
AGAIN = timedelta(minutes=15)
"""The same border the same way within so long is no news."""
SEEN_FOR, UNSEEN_FOR = timedelta(minutes=30), timedelta(hours=12)
"""How long an alert stays in the list once somebody has seen it, and where nobody has."""


@dataclass(frozen=True)
class Ward:
    """An area as it is watched."""

    area: Area
    ground: Ground


@dataclass
class Map:
    """Which areas watch which rep."""

    wards: dict[str, Ward] = field(default_factory=dict)
    by_rep: dict[str, list[Ward]] = field(default_factory=dict)


class Watch:
    """Hears of fixes; knows areas and teams for a few seconds at a time."""

    def __init__(self) -> None:
        self._map = Map()
        self._read_at = 0.0

    def hear(self, fixes: Sequence[Fix]) -> int:
        """Judge recorded fixes of any reps, in any order; returns how many alerts were raised."""
        known = self._known()
        mine: dict[str, list[Fix]] = defaultdict(list)
        for fix in fixes:
            if fix.rep_id in known.by_rep:
                mine[fix.rep_id].append(fix)
        if not mine:
            return 0
        mine = _on_shift(mine)
        was = store.seen_of(bus.connection(), list(mine))
        now_stands, crossings = {}, []
        for rep_id, his in mine.items():
            grounds = [w.ground for w in known.by_rep[rep_id]]
            in_order = sorted(his, key=lambda f: f.fix_at_ms)
            seen = was.get(rep_id, Seen())
            now_stands[rep_id], found = rules.follow(seen, in_order, grounds)
            crossings += found
        raised = _tell_of(crossings, known.wards) if crossings else 0
        store.keep_seen(bus.connection(), now_stands)
        return raised

    def _known(self) -> Map:
        if not self._read_at or time.monotonic() - self._read_at > KNOWN_FOR_S:
            self._map = _read_map(self._map.wards)
            self._read_at = time.monotonic()
        return self._map


def _read_map(before: Mapping[str, Ward]) -> Map:
    """Areas and whom they watch; an unchanged area keeps what was reckoned of its shape."""
    with reading() as session:
        found = store.areas(session)
        if not found:
            return Map()
        teams = store.teams_of(session, [a.id for a in found])
        team_of = store.team_of_reps(session)
    read = Map({a.id: _ward(a, before.get(a.id)) for a in found})
    by_team: dict[str, list[Ward]] = defaultdict(list)
    for area_id, ward in read.wards.items():
        for team_id in set(team_of.values()) if ward.area.is_for_all else teams[area_id]:
            by_team[team_id].append(ward)
    for rep_id, team_id in team_of.items():
        his = [w for w in by_team.get(team_id, ()) if rep_id in (w.area.rep_ids or (rep_id,))]
        if his:
            read.by_rep[rep_id] = his
    return read


def _ward(area: Area, before: Ward | None) -> Ward:
    if before is not None and before.area.version == area.version:
        return Ward(area, before.ground)
    return Ward(area, Ground(area.id, shape_in(area), round(area.updated_at.timestamp() * 1000)))


def _on_shift(fixes: Mapping[str, list[Fix]]) -> dict[str, list[Fix]]:
    """Only what was taken at work: where somebody goes else is nobody's business."""
    with reading() as session:
        spans = shifts.spans_in(session, clock.now() - shifts.SHIFTS_KNOWN, sorted(fixes))
    kept = {
        rep_id: [f for f in his if duty_at(spans.get(rep_id, ()), f.fix_at_ms) is Duty.on]
        for rep_id, his in fixes.items()
    }
    return {rep_id: his for rep_id, his in kept.items() if his}


# ── alerts ──


def _tell_of(crossings: Sequence[Crossing], wards: Mapping[str, Ward]) -> int:
    wanted = [c for c in crossings if _is_wanted(c, wards[c.area_id].area)]
    wanted = _still_true(wanted, crossings, wards)
    if not wanted:
        return 0
    now = clock.now()
    with transaction() as session:
        tracking_store.lock_alerts(session)
        here = clock.local(now)
        quiet = policy.policy_in(session).quiet
        if alerting.is_quiet(here.hour * 60 + here.minute, quiet):
            return 0
        reps = store.team_of_reps(session)
        earliest = clock.from_ms(min(c.at_ms for c in wanted)) - AGAIN
        told = store.alerts_near(session, {c.rep_id for c in wanted}, AREA_KINDS, earliest)
        before = len(told)
        for crossing in wanted:
            if crossing.rep_id in reps and not _is_told(crossing, told):
                area = wards[crossing.area_id].area
                told.append(_raise(session, crossing, area, reps[crossing.rep_id], now))
        return len(told) - before


def _is_wanted(crossing: Crossing, area: Area) -> bool:
    """Whether an area tells of such a crossing at such a time of its own day."""
    if not (area.on_enter if crossing.is_in else area.on_leave):
        return False
    then = clock.local(clock.from_ms(crossing.at_ms))
    hours = area.active_from_min, area.active_to_min
    return rules.is_active(hours, area.days, then.hour * 60 + then.minute, then.isoweekday())


def _still_true(
    wanted: Sequence[Crossing], every: Sequence[Crossing], wards: Mapping[str, Ward]
) -> list[Crossing]:
    """Without what a backlog tells too late: an old crossing counts only while the rep, by the
    newest that is known of him, still stands on that side."""
    now_ms = clock.now_ms()
    last = {(c.rep_id, c.area_id): c for c in every}
    late = {c.rep_id for c in wanted if now_ms - c.at_ms > SOON_MS}
    points = live_index.points_of(bus.connection(), sorted(late))

    def holds(c: Crossing) -> bool:
        age_ms = now_ms - c.at_ms
        if age_ms <= SOON_MS:
            return True
        point = points.get(c.rep_id)
        if age_ms > LATEST_MS or point is None or last[c.rep_id, c.area_id] is not c:
            return False
        side, _ = rules.side_of(wards[c.area_id].ground, point.fix)
        return side == (1 if c.is_in else -1)

    return [c for c in wanted if holds(c)]


def _kind(crossing: Crossing) -> AlertKind:
    return AlertKind.area_entered if crossing.is_in else AlertKind.area_left


def _is_told(crossing: Crossing, told: Collection[Alert]) -> bool:
    at = clock.from_ms(crossing.at_ms)
    return any(
        a.rep_id == crossing.rep_id and a.kind == _kind(crossing)
        and a.data.get("area_id") == crossing.area_id and abs(a.at - at) <= AGAIN
        for a in told
    )  # fmt: skip


def _raise(session: Session, crossing: Crossing, area: Area, team_id: str, now: datetime) -> Alert:
    """An alert of the crossing's own time, never of the time it was heard of."""
    at = clock.from_ms(crossing.at_ms)
    raised = Alert(
        id=ids.new_id(), rep_id=crossing.rep_id, team_id=team_id, kind=_kind(crossing).value, at=at,
        data=_data(crossing, area, now),
    )  # fmt: skip
    session.add(raised)
    tracking.tell_alert(session, raised, "raised")
    return raised


def _data(crossing: Crossing, area: Area, now: datetime) -> dict[str, object]:
    data: dict[str, object] = {
        "area_id": area.id, "area": area.name, "lat": crossing.lat, "lng": crossing.lng,
        "cause": "alert.cause.area",
    }  # fmt: skip
    if crossing.at_ms - crossing.unseen_from_ms > UNSEEN_MS:
        since = _time(clock.from_ms(crossing.unseen_from_ms))
        return data | {"since": since, "cause": "alert.cause.area_unseen"}
    if now - clock.from_ms(crossing.at_ms) > timedelta(milliseconds=SOON_MS):
        return data | {"heard": _time(now), "cause": "alert.cause.area_late"}
    return data


def _time(moment: datetime) -> str:
    return clock.local(moment).strftime("%H:%M")


def settle(now: datetime) -> int:
    """Put alerts of moments away that somebody has seen, or that are of yesterday."""
    with transaction() as session:
        tracking_store.lock_alerts(session)
        over = [a for a in store.open_alerts(session, MOMENT_KINDS) if _is_over(a, now)]
        for alert in over:
            tracking.resolve_alert(session, alert, now)
    return len(over)


def _is_over(alert: Alert, now: datetime) -> bool:
    if alert.acknowledged_at is not None:
        return now - alert.acknowledged_at > SEEN_FOR
    return now - alert.at > UNSEEN_FOR
