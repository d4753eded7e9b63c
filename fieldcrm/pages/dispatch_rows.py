"""What the live desk shows of reps, visits and the day: rows made from services' answers, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from fieldcrm.components.amounts import duration, signed_count, signed_duration
from fieldcrm.kit import clock, i18n, units
from fieldcrm.people.tables import User
from fieldcrm.tracking.model import LiveRep
from fieldcrm.visits.store import VisitView
from fieldcrm.visits.tables import Visit

LATE_S = 5 * 60
"""Lateness below this is the day's own noise."""
VERY_LATE_S = 15 * 60
LONG_LATE_S = 60 * 60
LOW_BATTERY_PCT = 15
LONG_IDLE_S = 10 * 60
HIDES_HOUR = 4.5
"""An hour's label closer to now's own (per cent of the ribbon) is left out."""
STATES = ("moving", "in_visit", "idle", "silent", "paused", "off_shift")
GLYPHS = {"moving": "moving", "in_visit": "in-visit", "idle": "idle", "silent": "silent",
          "paused": "paused", "off_shift": "off"}  # fmt: skip
KIND_GLYPHS = {"pharmacy": "pharmacy", "organisation": "org"}
HELD = ("met", "order", "out_of_stock")
GONE = ("cancelled", "moved")
NO_BREAK = "\u00a0"
NARROW = "\u202f"


@dataclass
class RepRow:
    """A rep in the list and on the map."""

    id: str
    name: str
    short: str
    team_id: str
    phone: str
    state: str
    glyph: str
    state_word: str
    what: str
    """What he does now, in a line."""
    is_bad: bool
    since_ms: int
    lat: float | None
    lng: float | None
    course: float | None
    fix_ms: int
    battery: str
    battery_width: str
    is_battery_low: bool
    segments: list[str]
    """A class of `.steps12` for each visit: d done, n next, v in visit, m missed, empty ahead."""
    done: int
    total: int
    next_name: str
    next_at: str
    late: str
    tracker: str
    """What tracks him and how well: `Traccar Client · ±6 m`."""
    rank: int
    """Who needs attention first."""


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


def short_name(name: str) -> str:
    """A first name and an initial."""
    first, *rest = name.split() or [""]
    return f"{first} {rest[-1][0]}." if rest else first


def lateness_s(visit: Visit) -> int:
    """By how much a visit begins after its plan, as far as is known now (0 when unknown)."""
    starts = visit.checked_in_at or _expected(visit)
    if visit.planned_at is None or starts is None:
        return 0
    return round((starts - visit.planned_at).total_seconds())


def _expected(visit: Visit) -> datetime | None:
    """When a visit ahead will begin: not in the past, whatever was expected before."""
    if visit.expected_at is None or visit.state != "planned":
        return visit.expected_at
    return max(visit.expected_at, clock.now())


def late_text(seconds: int, language: str) -> str:
    """`+6 min`, `+2.9 h`, or nothing while it isn't worth a word."""
    if seconds < LATE_S:
        return ""
    if seconds < LONG_LATE_S:
        return signed_duration(seconds, language)
    return f"+{i18n.t('dispatch.hours_only', language, n=i18n.number(seconds / 3600, language, 1))}"


# ── reps ─────────────────────────────────────────────────────────────────────────────────────────


def rep_rows(
    reps: Sequence[User], live: Sequence[LiveRep], visits: Sequence[VisitView], language: str
) -> list[RepRow]:
    """Every rep, those who need attention first."""
    where = {row.rep_id: row for row in live}
    days: dict[str, list[VisitView]] = {rep.id: [] for rep in reps}
    for view in visits:
        days.get(view.visit.rep_id, []).append(view)
    rows = [rep_row(rep, where.get(rep.id), in_order(days[rep.id]), language) for rep in reps]
    return sorted(rows, key=lambda row: (row.rank, row.name))


def in_order(views: Sequence[VisitView]) -> list[VisitView]:
    """A day's visits that still count, in their order; those without a place in it last."""
    kept = [v for v in views if v.visit.state not in GONE]
    far = datetime.max.replace(tzinfo=clock.now().tzinfo)
    return sorted(
        kept, key=lambda v: (v.visit.position or 999, v.visit.planned_at or far, v.visit.id)
    )


def rep_row(rep: User, live: LiveRep | None, day: list[VisitView], language: str) -> RepRow:
    state = live.state.value if live else "off_shift"
    ahead = next((v for v in day if v.visit.state == "planned"), None)
    late_s = lateness_s(ahead.visit) if ahead else 0
    battery = live.battery_pct if live else None
    return RepRow(
        id=rep.id, name=rep.name, short=short_name(rep.name), team_id=rep.team_id or "",
        phone=rep.phone or "", state=state, glyph=GLYPHS[state],
        state_word=i18n.t(f"state.{state}", language),
        what=_what(live, state, day, language), is_bad=state == "silent",
        since_ms=(live.since_ms or 0) if live else 0, lat=live.lat if live else None,
        lng=live.lng if live else None, course=live.course_deg if live else None,
        fix_ms=(live.fix_at_ms or 0) if live else 0,
        battery="" if battery is None else str(round(battery)),
        battery_width="0" if battery is None else f"{14.3 * battery / 100:.1f}",
        is_battery_low=battery is not None and battery < LOW_BATTERY_PCT,
        segments=_segments(day), done=sum(v.visit.state == "closed" for v in day), total=len(day),
        next_name=ahead.client_name if ahead else "", next_at=_start(ahead, language),
        late=late_text(late_s, language), tracker=_tracker(live, language),
        rank=_rank(state, late_s, live.since_ms if live else None),
    )  # fmt: skip


def _tracker(live: LiveRep | None, language: str) -> str:
    if live is None or not live.source:
        return i18n.t("dispatch.no_fix", language)
    told = [i18n.t(f"dispatch.source.{live.source}", language)]
    if live.accuracy_m is not None:
        told.append(
            f"±{i18n.number(live.accuracy_m, language, 0)}{NO_BREAK}{i18n.t('dispatch.m', language)}"
        )
    if live.is_mock:
        told.append(i18n.t("dispatch.is_mock", language))
    return " · ".join(told)


def _rank(state: str, late_s: int, since_ms: int | None) -> int:
    """Silent, then very late, then long idle; the rest keep their places however they move."""
    if state in ("silent", "off_shift"):
        return 0 if state == "silent" else 9
    if late_s >= VERY_LATE_S:
        return 1
    is_long = since_ms is not None and clock.now_ms() - since_ms >= LONG_IDLE_S * 1000
    return 2 if state == "idle" and is_long else 3


def _what(live: LiveRep | None, state: str, day: list[VisitView], language: str) -> str:
    word = i18n.t(f"state.{state}", language)
    if live is None:
        return word
    if state == "moving" and live.speed_mps is not None and live.speed_mps * 3.6 >= 1:
        speed = i18n.number(live.speed_mps * 3.6, language, 0)
        return f"{word} · {speed}{NO_BREAK}{i18n.t('dispatch.kmh', language)}"
    if state == "silent":
        return f"{_lasts(word, live.fix_at_ms, language)}{_because(live, language)}"
    if state == "in_visit":
        place = next((v.client_name for v in day if v.visit.state == "under_way"), "")
        told = _lasts(word, live.since_ms, language)
        return f"{told} · {place}" if place else told
    if state == "paused":
        return f"{word}{_because(live, language)}"
    return _lasts(word, live.since_ms, language) if state == "idle" else word


def _lasts(word: str, since_ms: int | None, language: str) -> str:
    lasts_s = (clock.now_ms() - since_ms) / 1000 if since_ms else 0
    return f"{word} {duration(lasts_s, language)}" if lasts_s >= 60 else word


def _because(live: LiveRep, language: str) -> str:
    if not live.cause:
        return ""
    key = live.cause if "." in live.cause else f"tracking.cause.{live.cause}"
    battery = "" if live.battery_pct is None else round(live.battery_pct)
    return f" · {i18n.t(key, language, battery_pct=battery, pct=battery)}"


def _segments(day: list[VisitView]) -> list[str]:
    marks = {"closed": "d", "under_way": "v", "missed": "m"}
    made = [marks.get(v.visit.state, "") for v in day]
    if "v" not in made and "" in made and "d" in made:
        made[made.index("")] = "n"
    return made


def _start(view: VisitView | None, language: str) -> str:
    if view is None:
        return ""
    at = _expected(view.visit) or view.visit.planned_at
    return i18n.time_of_day(at, language) if at else ""


# ── the selected rep's day ───────────────────────────────────────────────────────────────────────


def visit_rows(
    day: list[VisitView], language: str, bounds: tuple[datetime, datetime]
) -> list[VisitRow]:
    """The day as a list: done with actual times, the rest with expected ones."""
    now_id = next((v.visit.id for v in day if v.visit.state == "under_way"), None) or next(
        (v.visit.id for v in day if v.visit.state == "planned"), None
    )
    return [
        _visit_row(n, view, view.visit.id == now_id, language, bounds)
        for n, view in enumerate(day, 1)
    ]


def _visit_row(
    n: int, view: VisitView, is_now: bool, language: str, bounds: tuple[datetime, datetime]
) -> VisitRow:
    v = view.visit
    first, second, is_expected = _times(v, language)
    left, width = _span(v, bounds)
    kind = _kind(v, is_now)
    return VisitRow(
        id=v.id, label=str(n), order=n, kind=kind, title=view.client_name, sub=_sub(view, language),
        category=view.category or "", glyph=KIND_GLYPHS.get(view.client_kind, "doctor"),
        plan=i18n.time_of_day(v.planned_at, language) if v.planned_at else "—",
        first=first, second=second, is_expected=is_expected,
        late=late_text(lateness_s(v), language) if v.state == "planned" else "",
        verdict=v.verdict if v.state == "closed" else "",
        verdict_word=i18n.t(f"verdict.{v.verdict}", language) if v.state == "closed" else "",
        is_locked=v.is_locked, can_move=v.state == "planned" and not v.is_locked,
        lat=v.lat, lng=v.lng, left=left, width=width, ribbon=_ribbon_class(kind),
    )  # fmt: skip


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
    at = _expected(v) or v.planned_at
    return (
        (i18n.time_of_day(at, language) if at and v.state == "planned" else "—"),
        "",
        v.state == "planned",
    )


def figures(day: list[VisitView], distance_m: float | None, language: str) -> DayFigures:
    """Visits done, share of contacts among them, way made, when the day will end."""
    closed = [v.visit for v in day if v.visit.state == "closed"]
    held = sum(v.result in HELD for v in closed)
    ends = max((_ends_at(v.visit) for v in day if _ends_at(v.visit)), default=None)  # type: ignore[type-var]
    return DayFigures(
        done=len(closed), total=len(day),
        contact=i18n.number(100 * held / len(closed), language, 0) if closed else "—",
        distance="—" if distance_m is None else i18n.number(distance_m / 1000, language, 1),
        ends=i18n.time_of_day(ends, language) if ends else "—",
    )  # fmt: skip


def _ends_at(v: Visit) -> datetime | None:
    if v.closed_at:
        return v.closed_at
    begins = v.checked_in_at or v.expected_at or v.planned_at
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


# ── the ribbon ───────────────────────────────────────────────────────────────────────────────────


def day_bounds(rep: User, day: list[VisitView]) -> tuple[datetime, datetime]:
    """From the hour the shift starts to the hour it ends, wider where visits lie outside."""
    start, _ = clock.day_bounds(clock.local(clock.now()).date())
    moments = [
        start + timedelta(minutes=rep.shift_start_min),
        start + timedelta(minutes=rep.shift_end_min),
    ]
    for view in day:
        v = view.visit
        moments += [m for m in (v.planned_at, v.checked_in_at, _ends_at(v)) if m]
    first = min(moments).replace(minute=0, second=0, microsecond=0)
    last = max(moments) + timedelta(minutes=59)
    return first, last.replace(minute=0, second=0, microsecond=0)


def _share(at: datetime, bounds: tuple[datetime, datetime]) -> float:
    return round(100 * (at - bounds[0]) / max(bounds[1] - bounds[0], timedelta(hours=1)), 2)


def _span(v: Visit, bounds: tuple[datetime, datetime]) -> tuple[float, float]:
    begins = v.checked_in_at or v.expected_at or v.planned_at
    ends = _ends_at(v)
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


# ── a proposal ───────────────────────────────────────────────────────────────────────────────────


@dataclass
class CompareRow:
    """A line of the proposal's table: before, after, and the difference with its tone."""

    label: str
    before: str
    after: str
    change: str
    tone: str


def compare(before: dict[str, Any], after: dict[str, Any], language: str) -> list[CompareRow]:
    """Driving, late arrivals and the end of the day, of one rep or summed over two."""

    def total(side: dict[str, Any], name: str) -> int:
        return sum(int(day.get(name) or 0) for day in side.values())

    drive = (total(before, "drive_s"), total(after, "drive_s"))
    late = (total(before, "late"), total(after, "late"))
    rows = [
        CompareRow(i18n.t("proposal.driving", language), duration(drive[0], language),
                   duration(drive[1], language), signed_duration(_whole(drive[1]) - _whole(drive[0]), language), _tone(drive[1] - drive[0])),
        CompareRow(i18n.t("proposal.late", language), str(late[0]), str(late[1]),
                   signed_count(late[1] - late[0]), _tone(late[1] - late[0])),
    ]  # fmt: skip
    ends = _ends(before), _ends(after)
    if ends[0] and ends[1]:
        by = (_minute(ends[1]) - _minute(ends[0])).total_seconds()
        rows.append(CompareRow(i18n.t("proposal.ends", language), i18n.time_of_day(ends[0], language),
                               i18n.time_of_day(ends[1], language), signed_duration(by, language), _tone(by)))  # fmt: skip
    return rows


def _whole(seconds: float) -> int:
    """Seconds of the minutes that are shown."""
    return round(seconds / 60) * 60


def _minute(moment: datetime) -> datetime:
    """The minute that is shown, so that a difference is that of the shown figures."""
    return moment.replace(second=0, microsecond=0)


def _tone(change: float) -> str:
    return "good" if change < 0 else "late" if change > 0 else "faint"


def _ends(side: dict[str, Any]) -> datetime | None:
    moments = [datetime.fromisoformat(d["ends_at"]) for d in side.values() if d.get("ends_at")]
    return max(moments, default=None)
