"""A rep's day as the live desk shows it: its visits, figures, stops on the map, and time line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from fieldcrm.components.amounts import duration
from fieldcrm.kit import clock, i18n, units
from fieldcrm.pages.dispatch_reps import expected_at, late_text, lateness_s
from fieldcrm.people.tables import User
from fieldcrm.tracking.areas.model import VisitStay
from fieldcrm.tracking.modes import Mode
from fieldcrm.visits.store import VisitView
from fieldcrm.visits.tables import Visit

HIDES_HOUR = 4.5
"""An hour's label closer to now's own (per cent of the ribbon) is left out."""
KIND_GLYPHS = {"pharmacy": "pharmacy", "organisation": "org"}
UNMARKED_MS = 5 * 60_000
"""Who is at a client's for longer without checking in may have forgotten it."""
LEAST_TOLD_M = 50
"""Less would be told as 0.0 km."""
NOBODY_STAYED: Mapping[str, VisitStay] = {}
HELD = ("met", "order", "out_of_stock")


@dataclass
class VisitRow:
    """A visit of the selected rep's day."""

    id: str
    label: str
    order: int
    kind: str
    """done, now, planned, moved, missed, cancelled: the stop's look."""
    title: str
    sub: str
    category: str
    glyph: str
    plan: str
    first: str
    """Arrival: actual, or expected with a tilde before it."""
    second: str
    is_expected: bool
    there: str
    """That his fixes have him at the place of a visit that he did not check in at."""
    is_unmarked: bool
    """He has been there too long for that."""
    late: str
    verdict: str
    verdict_word: str
    is_locked: bool
    can_move: bool
    lat: float | None
    lng: float | None
    left: float
    """Per cent of the ribbon."""
    width: float
    ribbon: str


@dataclass
class StopDot:
    """A numbered stop on the map."""

    id: str
    label: str
    title: str
    kind: str
    lat: float
    lng: float


@dataclass
class DayFigures:
    """The figures over the list of visits."""

    done: int = 0
    total: int = 0
    contact: str = ""
    distance: str = ""
    ends: str = ""
    moved: str = ""
    """How the way was made: time moving, on foot, on wheels, and where nobody knows."""


@dataclass
class Hour:
    """A label of the ribbon."""

    text: str
    left: float


@dataclass
class Ribbon:
    """The day's time line: its hours and where now is (per cent; below 0 is outside)."""

    hours: list[Hour] = field(default_factory=list)
    now_left: float = -1
    now: str = ""


def visit_rows(
    day: list[VisitView],
    language: str,
    bounds: tuple[datetime, datetime],
    stays: Mapping[str, VisitStay] = NOBODY_STAYED,
) -> list[VisitRow]:
    """The day as a list: done with actual times, the rest with expected ones."""
    now_id = _under_way_or_next(day)
    return [
        _visit_row(n, view, view.visit.id == now_id, language, bounds, stays.get(view.visit.id))
        for n, view in enumerate(day, 1)
    ]


def _under_way_or_next(day: list[VisitView]) -> str | None:
    """The visit that is now; only today has one."""
    if not any(v.visit.day == clock.local(clock.now()).date() for v in day):
        return None
    ahead = [v.visit for v in day if v.visit.state in ("under_way", "planned")]
    return min(ahead, key=lambda v: v.state != "under_way").id if ahead else None


def _visit_row(
    n: int, view: VisitView, is_now: bool, language: str, bounds: tuple[datetime, datetime],
    stay: VisitStay | None,
) -> VisitRow:  # fmt: skip
    v = view.visit
    first, second, is_expected = _times(v, language)
    left, width = _span(v, bounds)
    kind = _kind(v, is_now)
    there, is_unmarked = _there(v, stay, language)
    return VisitRow(
        id=v.id, label=str(n), order=n, kind=kind, title=view.client_name, sub=_sub(view, language),
        category=view.category or "", glyph=KIND_GLYPHS.get(view.client_kind, "doctor"),
        plan=i18n.time_of_day(v.planned_at, language) if v.planned_at else "—",
        first=first, second=second, is_expected=is_expected, there=there, is_unmarked=is_unmarked,
        late=late_text(lateness_s(v), language) if v.state == "planned" else "",
        verdict=v.verdict if v.state == "closed" else "",
        verdict_word=i18n.t(f"verdict.{v.verdict}", language) if v.state == "closed" else "",
        is_locked=v.is_locked, can_move=_can_move(v),
        lat=v.lat, lng=v.lng, left=left, width=width, ribbon=_ribbon_class(kind),
    )  # fmt: skip


def _there(v: Visit, stay: VisitStay | None, language: str) -> tuple[str, bool]:
    """`there since 10:12`, and whether he should have checked in by now."""
    if stay is None or v.checked_in_at or v.state not in ("planned", "missed"):
        return "", False
    begin, end = (
        i18n.time_of_day(clock.from_ms(ms), language) for ms in (stay.from_ms, stay.last_ms)
    )
    if stay.left_ms:
        return i18n.t("dispatch.was_there", language, begin=begin, end=end), True
    is_unmarked = clock.now_ms() - stay.from_ms >= UNMARKED_MS
    key = "dispatch.there_unmarked" if is_unmarked else "dispatch.there_since"
    return i18n.t(key, language, at=begin), is_unmarked


def _can_move(v: Visit) -> bool:
    return v.state == "planned" and not v.is_locked and v.day >= clock.local(clock.now()).date()


def _kind(v: Visit, is_now: bool) -> str:
    if v.state == "closed":
        return "done"
    if v.state == "missed":
        return "missed"
    return "now" if is_now else "planned"


def _ribbon_class(kind: str) -> str:
    return {"done": "rb d", "now": "rb p now", "moved": "rb p moved", "missed": "rb p missed"}.get(
        kind, "rb p"
    )


def _sub(view: VisitView, language: str) -> str:
    v = view.visit
    if v.state == "missed":
        return i18n.t("state.missed", language)
    if v.state == "closed" and v.result not in (None, "met"):
        return i18n.t(f"result.{v.result}", language)
    if v.is_unplanned:
        return i18n.t("dispatch.unplanned", language)
    return view.place_name or view.address or i18n.t(f"kind.{view.client_kind}", language)


def _times(v: Visit, language: str) -> tuple[str, str, bool]:
    """The two lines under 'actual' and whether the first is only expected."""
    if v.checked_in_at:
        closed = i18n.time_of_day(v.closed_at, language) if v.closed_at else ""
        return i18n.time_of_day(v.checked_in_at, language), closed, False
    at = expected_at(v) or v.planned_at
    return (
        (i18n.time_of_day(at, language) if at and v.state == "planned" else "—"),
        "",
        v.state == "planned",
    )


def figures(day: list[VisitView], track: dict[str, Any], language: str) -> DayFigures:
    """Visits done, share of contacts among them, way made and how, when the day will end."""
    closed = [v.visit for v in day if v.visit.state == "closed"]
    held = sum(v.result in HELD for v in closed)
    ends = day_end(leaves_at(view.visit) for view in day)
    return DayFigures(
        done=len(closed), total=len(day),
        contact=i18n.number(100 * held / len(closed), language, 0) if closed else "—",
        distance=i18n.number(track["distance_m"] / 1000, language, 1),
        ends=i18n.time_of_day(ends, language) if ends else "—", moved=how_moved(track, language),
    )  # fmt: skip


def how_moved(track: dict[str, Any], language: str) -> str:
    """`25 min moving · 1.2 km on foot · 0.4 km unseen`; nothing of a day without a way."""
    parts = [part for trip in track["trips"] for part in trip["parts"]]
    by_mode = {m: sum(p["distance_m"] for p in parts if p["mode"] == m) for m in Mode}
    lengths = {
        "dispatch.way.foot": by_mode[Mode.foot], "dispatch.way.driving": by_mode[Mode.driving],
        "dispatch.way.unseen": track["unseen_m"],
    }  # fmt: skip
    told = [
        i18n.t(key, language, km=i18n.number(metres / 1000, language, 1))
        for key, metres in lengths.items()
        if metres >= LEAST_TOLD_M
    ]
    if not told:
        return ""
    moving = i18n.t("dispatch.way.moving", language, time=duration(track["moving_s"], language))
    return " · ".join([moving, *told])


def day_end(leaves: Iterable[datetime | None]) -> datetime | None:
    """When a day ends: when its last visit is left, whether that is known, expected or proposed."""
    return max((at for at in leaves if at), default=None)


def leaves_at(v: Visit) -> datetime | None:
    """When a visit was left, or will be as far as is known; None for one that doesn't take place."""
    if v.closed_at:
        return v.closed_at
    begins = v.checked_in_at or expected_at(v) or v.planned_at
    return begins + timedelta(minutes=v.planned_minutes) if begins and v.state != "missed" else None


def dots(rows: Sequence[VisitRow]) -> list[StopDot]:
    """The day's stops on the map; several visits at one place are one stop."""
    places: dict[tuple[float, float], list[VisitRow]] = {}
    for row in rows:
        if row.lat is not None and row.lng is not None:
            places.setdefault((round(row.lat, 4), round(row.lng, 4)), []).append(row)
    return [_dot(at_one_place) for at_one_place in places.values()]


def _dot(visits: list[VisitRow]) -> StopDot:
    first, last = visits[0], visits[-1]
    is_run = last.order - first.order == len(visits) - 1
    label = first.label
    if len(visits) > 1:
        label = f"{first.label}–{last.label}" if is_run else f"{first.label}+{len(visits) - 1}"
    ahead = next((v for v in visits if v.kind == "now"), None) or next(
        (v for v in visits if v.kind != "done"), first
    )
    title = "\n".join(f"{v.label}. {v.title}, {v.first}" for v in visits)
    return StopDot(first.id, label, title, ahead.kind, first.lat or 0.0, first.lng or 0.0)


def line_ahead(line: list[list[float]], day: list[VisitView]) -> list[list[float]]:
    """The plan's way from the last stop that was begun: behind it lies the track."""
    begun = [v.visit for v in day if v.visit.checked_in_at and v.visit.lat is not None]
    if not begun or not line:
        return line
    last = max(begun, key=lambda v: v.checked_in_at or clock.now())
    nearest = min(range(len(line)), key=lambda n: units.distance_m(*line[n], last.lat, last.lng))  # type: ignore[arg-type]
    return line[nearest:]


def day_bounds(rep: User, day: list[VisitView], on: date) -> tuple[datetime, datetime]:
    """From the hour the shift starts to the hour it ends, wider where visits lie outside."""
    start, _ = clock.day_bounds(on)
    moments = [
        start + timedelta(minutes=rep.shift_start_min),
        start + timedelta(minutes=rep.shift_end_min),
    ]
    for view in day:
        v = view.visit
        moments += [m for m in (v.planned_at, v.checked_in_at, leaves_at(v)) if m]
    first = min(moments).replace(minute=0, second=0, microsecond=0)
    last = max(moments) + timedelta(minutes=59)
    return first, last.replace(minute=0, second=0, microsecond=0)


def _share(at: datetime, bounds: tuple[datetime, datetime]) -> float:
    return round(100 * (at - bounds[0]) / max(bounds[1] - bounds[0], timedelta(hours=1)), 2)


def _span(v: Visit, bounds: tuple[datetime, datetime]) -> tuple[float, float]:
    begins = v.checked_in_at or expected_at(v) or v.planned_at
    ends = leaves_at(v)
    if begins is None or ends is None:
        return -10.0, 0.0
    left = _share(begins, bounds)
    return left, max(0.4, round(_share(ends, bounds) - left, 2))


def ribbon(bounds: tuple[datetime, datetime], language: str) -> Ribbon:
    """Hour labels and where now is."""
    hours, at = [], bounds[0]
    while at <= bounds[1]:
        hours.append(Hour(clock.local(at).strftime("%H"), _share(at, bounds)))
        at += timedelta(hours=1)
    now = clock.now()
    now_left = _share(now, bounds)
    hours = [hour for hour in hours if abs(hour.left - now_left) > HIDES_HOUR]
    return Ribbon(
        hours,
        _share(now, bounds) if bounds[0] <= now <= bounds[1] else -1,
        i18n.time_of_day(now, language),
    )
