"""The team as the live desk lists it: what each rep does now, how far his day is, who needs attention."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fieldcrm.components.amounts import duration, signed_duration
from fieldcrm.kit import clock, i18n
from fieldcrm.people.tables import User
from fieldcrm.tracking.areas.model import Stays
from fieldcrm.tracking.model import LiveRep
from fieldcrm.visits.board import DayVisit
from fieldcrm.visits.store import VisitView
from fieldcrm.visits.tables import Visit

LATE_S = 5 * 60
"""Lateness below this is the day's own noise."""
VERY_LATE_S = 15 * 60
LONG_LATE_S = 60 * 60
LOW_BATTERY_PCT = 15
LONG_IDLE_S = 10 * 60
STATES = ("moving", "in_visit", "idle", "silent", "paused", "off_shift")
GLYPHS = {"moving": "moving", "in_visit": "in-visit", "idle": "idle", "silent": "silent",
          "paused": "paused", "off_shift": "off"}  # fmt: skip
GONE = ("cancelled", "moved")
NO_BREAK = "\u00a0"


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


def short_name(name: str) -> str:
    """A first name and an initial."""
    first, *rest = name.split() or [""]
    return f"{first} {rest[-1][0]}." if rest else first


def lateness_s(visit: Visit | DayVisit) -> int:
    """By how much a visit begins after its plan, as far as is known now (0 when unknown)."""
    starts = visit.checked_in_at or expected_at(visit)
    if visit.planned_at is None or starts is None:
        return 0
    return round((starts - visit.planned_at).total_seconds())


def expected_at(visit: Visit | DayVisit) -> datetime | None:
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


def rep_rows(
    reps: Sequence[User], live: Sequence[LiveRep], visits: Sequence[DayVisit], language: str,
    stays: Mapping[str, Stays],
) -> list[RepRow]:  # fmt: skip
    """Every rep, those who need attention first; `stays`: who is at his visits' places."""
    where = {row.rep_id: row for row in live}
    days: dict[str, list[DayVisit]] = {rep.id: [] for rep in reps}
    for view in visits:
        days.get(view.visit.rep_id, []).append(view)
    rows = [
        rep_row(rep, where.get(rep.id), in_order(days[rep.id]), language, stays.get(rep.id, {}))
        for rep in reps
    ]
    return sorted(rows, key=lambda row: (row.rank, row.name))


def in_order[View: (VisitView, DayVisit)](views: Sequence[View]) -> list[View]:
    """A day's visits that still count, in their order; those without a place in it last."""
    kept = [v for v in views if v.visit.state not in GONE]
    far = datetime.max.replace(tzinfo=clock.now().tzinfo)
    return sorted(
        kept, key=lambda v: (v.visit.position or 999, v.visit.planned_at or far, v.visit.id)
    )


def rep_row(
    rep: User, live: LiveRep | None, day: list[DayVisit], language: str, stays: Stays
) -> RepRow:
    state = live.state.value if live else "off_shift"
    ahead = next((v for v in day if v.visit.state == "planned"), None)
    late_s = lateness_s(ahead.visit) if ahead else 0
    battery = live.battery_pct if live else None
    return RepRow(
        id=rep.id, name=rep.name, short=short_name(rep.name), team_id=rep.team_id or "",
        phone=rep.phone or "", state=state, glyph=GLYPHS[state],
        state_word=i18n.t(f"state.{state}", language),
        what=_what(live, state, day, language, stays), is_bad=state == "silent",
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


def _what(
    live: LiveRep | None, state: str, day: list[DayVisit], language: str, stays: Stays
) -> str:
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
        return _at(_lasts(word, live.since_ms, language), place)
    if state == "paused":
        return f"{word}{_because(live, language)}"
    if state == "idle":
        return _at(_lasts(word, live.since_ms, language), _place_of(day, stays))
    return word


def _at(told: str, place: str) -> str:
    return f"{told} · {place}" if place else told


def _place_of(day: list[DayVisit], stays: Stays) -> str:
    """Whose place he is at by his fixes, of those he has yet to visit."""
    there = {visit_id for visit_id, stay in stays.items() if not stay.left_ms}
    return next((v.client_name for v in day if v.id in there and v.state == "planned"), "")


def _lasts(word: str, since_ms: int | None, language: str) -> str:
    lasts_s = (clock.now_ms() - since_ms) / 1000 if since_ms else 0
    return f"{word} {duration(lasts_s, language)}" if lasts_s >= 60 else word


def _because(live: LiveRep, language: str) -> str:
    if not live.cause:
        return ""
    key = live.cause if "." in live.cause else f"tracking.cause.{live.cause}"
    battery = "" if live.battery_pct is None else round(live.battery_pct)
    return f" · {i18n.t(key, language, battery_pct=battery, pct=battery)}"


def _segments(day: list[DayVisit]) -> list[str]:
    marks = {"closed": "d", "under_way": "v", "missed": "m"}
    made = [marks.get(v.visit.state, "") for v in day]
    if "v" not in made and "" in made and "d" in made:
        made[made.index("")] = "n"
    return made


def _start(view: DayVisit | None, language: str) -> str:
    if view is None:
        return ""
    at = expected_at(view.visit) or view.visit.planned_at
    return i18n.time_of_day(at, language) if at else ""
