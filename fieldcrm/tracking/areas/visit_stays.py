"""When reps arrive at their planned visits and leave them, by their fixes: what the recorder notes.

A circle around each visit's place; who is surely inside for two minutes is there, whether or not he
checks in. It is a live figure of the day for the desk (what a closed visit is worth is judged by
`evidence`, from the whole track), so it is kept in Valkey and goes by itself after three days.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from redis.exceptions import RedisError

from fieldcrm.kit import bus, clock
from fieldcrm.kit.database import reading
from fieldcrm.tracking import shifts
from fieldcrm.tracking.areas import rules, store
from fieldcrm.tracking.areas.model import Shape, ShapeKind, Stays, VisitStay
from fieldcrm.tracking.areas.rules import Ground
from fieldcrm.tracking.model import Fix
from fieldcrm.tracking.rules import Duty, duty_at
from fieldcrm.visits import board
from fieldcrm.visits.board import DayVisit

RADIUS_M = 120.0
"""Around a visit's place: a building with its yard, and where one may park."""
WATCHED = ("planned", "under_way", "closed")


class Watch:
    """Hears of fixes; knows the day's places for as long as a rep's day doesn't change."""

    def __init__(self) -> None:
        self._grounds: dict[str, tuple[list[DayVisit], list[Ground]]] = {}

    def hear(self, fixes: Sequence[Fix]) -> int:
        """Judge recorded fixes of any reps, in any order; returns how many came or went."""
        today = clock.local(clock.now()).date()
        planned, mine = board.by_rep(today), _of_day(fixes, today)
        reps = [rep_id for rep_id in mine if rep_id in planned]
        was = store.stays_of(bus.connection(), today, reps)
        stays = {
            r: rules.follow_visits(was.get(r, {}), mine[r], self._places(r, planned[r]))
            for r in reps
        }
        changed = _at_work({r: s for r, s in stays.items() if s != was.get(r, {})}, was)
        store.keep_stays(bus.connection(), today, changed)
        news = [v for r, s in changed.items() for v in planned[r] if _is_news(v, was.get(r, {}), s)]
        _tell(news)
        return len(news)

    def _places(self, rep_id: str, day: list[DayVisit]) -> list[Ground]:
        known = self._grounds.get(rep_id)
        if known is None or known[0] is not day:
            known = self._grounds[rep_id] = day, [g for v in day if (g := _ground(v)) is not None]
        return known[1]


def _ground(visit: DayVisit) -> Ground | None:
    if visit.lat is None or visit.lng is None or visit.state not in WATCHED:
        return None
    circle = Shape(ShapeKind.circle, centre=(visit.lat, visit.lng), radius_m=RADIUS_M)
    return Ground(visit.id, circle)


def _of_day(fixes: Iterable[Fix], day: date) -> dict[str, list[Fix]]:
    """A local day's fixes by rep, in order of time."""
    start, end = (round(at.timestamp() * 1000) for at in clock.day_bounds(day))
    found: dict[str, list[Fix]] = defaultdict(list)
    for fix in sorted(fixes, key=lambda f: f.fix_at_ms):
        if start <= fix.fix_at_ms < end:
            found[fix.rep_id].append(fix)
    return found


def _at_work(stays: Mapping[str, Stays], was: Mapping[str, Stays]) -> dict[str, Stays]:
    """Without what began off shift: where somebody goes then is nobody's business."""
    fresh = sorted(r for r, s in stays.items() if s.keys() - was.get(r, {}).keys())
    if not fresh:
        return dict(stays)
    with reading() as session:
        spans = shifts.spans_in(session, clock.now() - shifts.SHIFTS_KNOWN, fresh)
    kept = dict(stays)
    for r in fresh:
        kept[r] = {
            visit_id: stay for visit_id, stay in stays[r].items()
            if visit_id in was.get(r, {}) or duty_at(spans.get(r, ()), stay.from_ms) is Duty.on
        }  # fmt: skip
    return kept


def _is_news(visit: DayVisit, was: Stays, now: Stays) -> bool:
    """Whether a desk would show something else of a visit."""
    return _shown(was.get(visit.id)) != _shown(now.get(visit.id))


def _shown(stay: VisitStay | None) -> tuple[int, int] | None:
    return (stay.from_ms, stay.left_ms) if stay and rules.has_lasted(stay) else None


def _tell(visits: Sequence[DayVisit]) -> None:
    if visits:
        bus.publish_all(
            (bus.desk_channel(v.team_id),
             {"t": "changed", "entity": "stay", "id": v.id, "rep_ids": [v.rep_id]})
            for v in visits
        )  # fmt: skip


def stays_of(rep_ids: Sequence[str], day: date) -> dict[str, Stays]:
    """When reps were at their visits of a day, short passings left out; asks nobody's leave.

    By rep and visit; who was at none is missing, and everybody while Valkey is away.
    """
    try:
        found = store.stays_of(bus.connection(), day, rep_ids)
    except RedisError:
        return {}
    lasting = {r: {v: s for v, s in his.items() if rules.has_lasted(s)} for r, his in found.items()}
    return {r: his for r, his in lasting.items() if his}
