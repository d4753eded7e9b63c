"""What a dispatcher should be told of a rep: which alerts a situation asks for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import cos, radians
from typing import Any

from fieldcrm.kit.units import distance_m
from fieldcrm.tracking.model import AlertKind, Doubt, LiveRep, RepState

LATE_MIN = 20
FAR_M = 2000.0
FAR_FOR_MS = 5 * 60_000
FRESH_S = 300
BATTERY_LOW_PCT = 15
CLOCK_WRONG_MS = 60_000
LINGER_MS = {AlertKind.mock: 120 * 60_000, AlertKind.clock_wrong: 15 * 60_000}
"""An alert ends once its reason has been away for so long; others after LINGER_ELSE_MS.

A fake-GPS app hides the mock flag now and then; that is no new event each time."""
LINGER_ELSE_MS = 60_000
PAUSED_FOR_MS = 10 * 60_000
LONG_STOP_MIN = 45
AT_STOP_M = 150.0
"""Nearer than this to a planned visit's place a rep stands there."""


@dataclass(frozen=True)
class PlannedStop:
    """A visit of today, in the order of the day."""

    visit_id: str
    state: str
    planned_ms: int | None
    lat: float | None
    lng: float | None
    is_there: bool = False
    """The rep has been at its place for a while, by his fixes."""


@dataclass(frozen=True)
class Wish:
    """An alert that a situation asks for."""

    kind: AlertKind
    data: dict[str, Any] = field(default_factory=dict)
    after_ms: int = 0
    """Only once it has been asked for so long."""


def wishes(rep: LiveRep, stops: Sequence[PlannedStop], now_ms: int) -> list[Wish]:
    """All that is worth an alert about a rep now; nothing off shift or at lunch."""
    is_at_lunch = rep.state is RepState.paused and rep.cause is None
    if rep.state is RepState.off_shift or is_at_lunch:
        return []
    asked = (
        _silent(rep, now_ms), _late(rep, stops, now_ms), _far(rep, stops), _long_stop(rep, stops, now_ms),
        _battery(rep), _mock(rep), _clock(rep),
    )  # fmt: skip
    return [wish for wish in asked if wish is not None]


def _silent(rep: LiveRep, now_ms: int) -> Wish | None:
    if rep.state not in (RepState.silent, RepState.paused) or rep.since_ms is None:
        return None
    minutes = (now_ms - rep.since_ms) // 60_000
    data = {"minutes": minutes, "cause": f"tracking.cause.{rep.cause or 'network'}"}
    if rep.battery_pct is not None:
        data["battery_pct"] = round(rep.battery_pct)
    if rep.lat is not None:
        data |= {"lat": rep.lat, "lng": rep.lng}
    return Wish(AlertKind.silent, data, PAUSED_FOR_MS if rep.state is RepState.paused else 0)


def _late(rep: LiveRep, stops: Sequence[PlannedStop], now_ms: int) -> Wish | None:
    """Late for the next planned visit, by the plan's own times; what he does instead is the cause."""
    ahead = [s for s in stops if s.state == "planned" and s.planned_ms is not None]
    if not ahead:
        return None
    coming = min(ahead, key=lambda s: s.planned_ms or 0)
    minutes = (now_ms - (coming.planned_ms or 0)) // 60_000
    if minutes < LATE_MIN:
        return None
    is_unmarked = coming.is_there and rep.state in (RepState.idle, RepState.moving)
    why = "there" if is_unmarked else rep.state.value
    data = {"visit_id": coming.visit_id, "minutes": minutes, "cause": f"alert.cause.late_{why}"}
    return Wish(AlertKind.late, data)


def _far(rep: LiveRep, stops: Sequence[PlannedStop]) -> Wish | None:
    """Away from every leg between the day's stops, while it still holds open visits."""
    if rep.lat is None or rep.lng is None or (rep.age_s or 0) > FRESH_S:
        return None
    if rep.state not in (RepState.moving, RepState.idle) or rep.doubts & Doubt.teleport:
        return None
    if not any(s.state == "planned" for s in stops):
        return None
    places = [(s.lat, s.lng) for s in stops if s.lat is not None and s.lng is not None]
    if not places:
        return None
    away_m = distance_to_line_m((rep.lat, rep.lng), places)
    if away_m <= FAR_M + (rep.accuracy_m or 0):
        return None
    data = {
        "distance_m": round(away_m), "km": round(away_m / 1000, 1), "lat": rep.lat, "lng": rep.lng,
        "cause": "alert.cause.distance",
    }  # fmt: skip
    return Wish(AlertKind.far_from_plan, data, FAR_FOR_MS)


def _long_stop(rep: LiveRep, stops: Sequence[PlannedStop], now_ms: int) -> Wish | None:
    """Stands still for long, outside any visit, while the day still holds planned ones."""
    if rep.state is not RepState.idle or rep.since_ms is None or rep.lat is None or rep.lng is None:
        return None
    minutes = (now_ms - rep.since_ms) // 60_000
    ahead = [s for s in stops if s.state == "planned"]
    if minutes < LONG_STOP_MIN or not ahead:
        return None
    at = next((s for s in ahead if _is_at(s, rep.lat, rep.lng)), None)
    cause = "alert.cause.stop_elsewhere" if at is None else "alert.cause.stop_at_client"
    data = {"minutes": minutes, "lat": rep.lat, "lng": rep.lng, "cause": cause}
    return Wish(AlertKind.long_stop, data | ({"visit_id": at.visit_id} if at else {}))


def _is_at(stop: PlannedStop, lat: float, lng: float) -> bool:
    if stop.lat is None or stop.lng is None:
        return False
    return distance_m(stop.lat, stop.lng, lat, lng) <= AT_STOP_M


def distance_to_line_m(point: tuple[float, float], line: Sequence[tuple[float, float]]) -> float:
    """Metres from a point to the nearest of a line's legs (flat Earth around the point)."""
    if len(line) == 1:
        return distance_m(*point, *line[0])
    return min(distance_m(*point, *_nearest(point, a, b)) for a, b in pairwise(line))


def _nearest(
    p: tuple[float, float], a: tuple[float, float], b: tuple[float, float]
) -> tuple[float, float]:
    squeeze = cos(radians(p[0]))
    along = (b[0] - a[0], (b[1] - a[1]) * squeeze)
    to = (p[0] - a[0], (p[1] - a[1]) * squeeze)
    length = along[0] ** 2 + along[1] ** 2
    share = 0.0 if length == 0 else max(0, min(1, (along[0] * to[0] + along[1] * to[1]) / length))
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def _battery(rep: LiveRep) -> Wish | None:
    if rep.battery_pct is None or rep.battery_pct > BATTERY_LOW_PCT or rep.is_charging:
        return None
    data = {"battery_pct": round(rep.battery_pct), "cause": "alert.cause.battery"}
    return Wish(AlertKind.battery_low, data)


def _mock(rep: LiveRep) -> Wish | None:
    if not rep.doubts & Doubt.mock:
        return None
    return Wish(AlertKind.mock, {"lat": rep.lat, "lng": rep.lng, "cause": "alert.cause.mock"})


def _clock(rep: LiveRep) -> Wish | None:
    if abs(rep.clock_offset_ms) < CLOCK_WRONG_MS:
        return None
    way = "behind" if rep.clock_offset_ms > 0 else "ahead"
    minutes = abs(round(rep.clock_offset_ms / 60_000))
    return Wish(AlertKind.clock_wrong, {"minutes": minutes, "cause": f"alert.cause.clock_{way}"})


def is_quiet(minute: int, quiet: tuple[int, int] | None) -> bool:
    """Whether a minute of the local day lies in the quiet hours (from, to), which may span midnight."""
    if quiet is None or quiet[0] == quiet[1]:
        return False
    start, end = quiet
    return start <= minute < end if start < end else minute >= start or minute < end


DEAF_MS = 120_000
"""After a start, silence is not told for so long: phones come back one after another."""


class Memory:
    """Since when each rep's alerts are asked for, and since when no more."""

    def __init__(self, began_ms: int | None = None) -> None:
        """`began_ms`: since when somebody listens; the first look when not given."""
        self._asked: dict[tuple[str, AlertKind], int] = {}
        self._began_ms = began_ms
        self._gone: dict[tuple[str, AlertKind], int] = {}

    def ripe(self, rep_id: str, asked: Sequence[Wish], now_ms: int) -> list[Wish]:
        """Those that have been asked for long enough.

        Who has only just begun to listen can't tell silence from not having heard yet.
        """
        if self._began_ms is None:
            self._began_ms = now_ms
        if now_ms - self._began_ms < DEAF_MS:
            asked = [w for w in asked if w.kind is not AlertKind.silent]
        kinds = {w.kind for w in asked}
        for key in [k for k in self._asked if k[0] == rep_id and k[1] not in kinds]:
            del self._asked[key]
        return [
            w for w in asked
            if now_ms - self._asked.setdefault((rep_id, w.kind), now_ms) >= w.after_ms
        ]  # fmt: skip

    def is_over(self, rep_id: str, kind: AlertKind, is_asked: bool, now_ms: int) -> bool:
        """Whether an open alert's reason has been away for long enough."""
        key = rep_id, kind
        if is_asked:
            self._gone.pop(key, None)
            return False
        since = self._gone.setdefault(key, now_ms)
        if now_ms - since < LINGER_MS.get(kind, LINGER_ELSE_MS):
            return False
        del self._gone[key]
        return True
