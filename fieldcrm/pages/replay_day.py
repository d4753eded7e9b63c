"""A rep's past day as the player takes it: visits planned and made, stops, silences, the plan's way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from fieldcrm.kit import clock, i18n
from fieldcrm.kit.units import distance_m
from fieldcrm.pages.dispatch_loads import plain_lines
from fieldcrm.pages.dispatch_reps import in_order
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor
from fieldcrm.planning import service as planning
from fieldcrm.tracking import service as tracking
from fieldcrm.tracking.model import Span
from fieldcrm.visits import service as visits
from fieldcrm.visits.store import VisitView

EDGE_MS = 10 * 60_000
"""The time line begins and ends so long before and after what there is to see."""
SHORTEST_MS = 60 * 60_000
_WORDS = {"missed": "state.missed", "under_way": "state.in_visit"}
_KINDS = {"closed": "done", "missed": "missed", "under_way": "now"}
Timed = list[float]
"""[lat, lng, epoch ms]"""


@dataclass
class PlayedVisit:
    """A visit on the map and on the time line; 0 where a time is not known."""

    id: str
    label: str
    title: str
    sub: str
    kind: str
    verdict: str
    verdict_word: str
    lat: float | None
    lng: float | None
    from_ms: int
    to_ms: int
    planned_ms: int
    planned_end_ms: int


@dataclass
class Stretch:
    """A part of the time line."""

    from_ms: int
    to_ms: int
    title: str = ""


@dataclass
class Stay(Stretch):
    """A stop of the track."""

    lat: float = 0.0
    lng: float = 0.0


@dataclass
class PlayedDay:
    """Everything the player needs beside the track itself, which it fetches from `url`."""

    key: str
    url: str
    from_ms: int
    to_ms: int
    start_ms: int
    visits: list[PlayedVisit]
    stops: list[Stay]
    gaps: list[Stretch]
    pauses: list[Stretch]
    shifts: list[Stretch]
    lines: list[list[Timed]]
    """The way as it was cleaned: what is drawn; the track itself tells speed, battery and doubts."""
    plan: list[list[float]]
    ghost: list[Timed]
    distance_m: float = 0
    label: str = ""
    """The day in few letters, for the time line."""
    title: str = ""
    empty_title: str = ""
    empty_why: str = ""


def load(actor: Actor, rep_id: str, day: date, language: str, start_ms: int = 0) -> PlayedDay:
    """Read a day; `start_ms` is where to begin playing. Raises OutOfScope."""
    people.scope_rep(actor, rep_id)
    views = in_order(visits.day(actor, rep_id, day))
    track = tracking.day_track(actor, rep_id, day)
    spans = tracking.day_shifts(actor, rep_id, day)
    plan = planning.day_plan(actor, rep_id, day)
    line = plan.line if plan else []
    played = [_visit(n, view, language) for n, view in enumerate(views, 1)]
    now_ms = clock.now_ms()
    shifts = [Stretch(s.start_ms, min(s.end_ms or now_ms, now_ms)) for s in spans]
    first, last = bounds(day, played, shifts, track)
    begun = (at for at in [track["first_at_ms"], *(s.from_ms for s in shifts)] if at)
    begin = max(first, min(begun, default=first))  # a shift may have begun the evening before
    return PlayedDay(
        key=f"{rep_id}|{day}|{language}|{track['fixes']}", url=f"/api/v1/tracks/{rep_id}/{day}/replay",
        from_ms=first, to_ms=last, start_ms=start_ms if first <= start_ms <= last else begin,
        visits=played,
        stops=[_stay(stop, language) for stop in track["stops"]],
        gaps=[_gap(gap["from_ms"], gap["to_ms"], language) for gap in track.get("gaps", [])],
        pauses=list(_pauses(spans, now_ms, language)), shifts=shifts, lines=plain_lines(track["lines"]), plan=line,
        ghost=ghost(line, [_planned_stop(s, views) for s in plan.stops] if plan else []),
        distance_m=track["distance_m"], label=i18n.day(day, language, "EEE d"),
        title=i18n.day(day, language, "EEEE d MMMM"), **_empty(day, spans, language),
    )  # fmt: skip


def is_empty(day: PlayedDay) -> bool:
    """Whether nothing was planned, worked or recorded."""
    return not (day.visits or day.shifts or day.stops or day.lines)


def bounds(
    day: date, played: Iterable[PlayedVisit], shifts: Iterable[Stretch], track: dict[str, Any]
) -> tuple[int, int]:
    """Where the time line begins and ends (epoch ms): around shifts, track and plan, in the day.

    What goes on over midnight begins or ends there.
    """
    start, end = (_ms(at) for at in clock.day_bounds(day))
    lasting = [(s.from_ms, s.to_ms) for s in shifts] + [(v.from_ms, v.to_ms) for v in played]
    seen = [track["first_at_ms"], track["last_at_ms"]]
    seen += [
        at for s in lasting if s[0] and s[1] > start for at in (max(s[0], start), min(s[1], end))
    ]
    seen += [at for v in played for at in (v.planned_ms, v.planned_end_ms)]
    known = [at for at in seen if at and start <= at <= end]
    if not known:
        return start + 8 * SHORTEST_MS, start + 18 * SHORTEST_MS
    first, last = max(start, min(known) - EDGE_MS), min(end, max(known) + EDGE_MS)
    return first, max(last, min(end, first + SHORTEST_MS))


def ghost(line: Sequence[Sequence[float]], stops: Sequence[tuple[Any, ...]]) -> list[Timed]:
    """The planned way with the plan's times: stops are (lat, lng, arrives ms, leaves ms).

    Between two stops the time is shared out along the planned line by its length.
    """
    points: list[Timed] = []
    done = 0
    for stop in stops:
        lat, lng, arrives, leaves = stop
        until = _nearest(line, lat, lng, done)
        points += _on_the_way(line[done : until + 1], points[-1] if points else None, arrives)
        points += [[lat, lng, arrives], [lat, lng, leaves]]
        done = until
    return points


def _nearest(line: Sequence[Sequence[float]], lat: float, lng: float, since: int) -> int:
    """Index of the first closest point of the line, not before `since`."""
    ahead = range(since, len(line))
    return min(ahead, key=lambda i: distance_m(lat, lng, line[i][0], line[i][1]), default=since)


def _on_the_way(way: Sequence[Sequence[float]], left: Timed | None, arrives: float) -> list[Timed]:
    """Points of a stretch between the stop that was left and the next, by time."""
    if left is None or len(way) < 2 or arrives <= left[2]:
        return []
    lengths = [distance_m(a[0], a[1], b[0], b[1]) for a, b in pairwise(way)]
    whole, passed, told = sum(lengths) or 1.0, 0.0, []
    for point, length in zip(way[1:-1], lengths, strict=False):
        passed += length
        told.append([point[0], point[1], left[2] + (arrives - left[2]) * passed / whole])
    return told


def _planned_stop(stop: dict[str, Any], views: Sequence[VisitView]) -> tuple[Any, ...]:
    place = next((v.visit for v in views if v.visit.id == stop["visit_id"]), None)
    arrives, leaves = (_ms(_moment(stop[key])) for key in ("arrive_at", "leave_at"))
    if place is None or place.lat is None or place.lng is None:
        return (0.0, 0.0, 0, 0)
    return (place.lat, place.lng, arrives, leaves)


def _moment(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def _visit(n: int, view: VisitView, language: str) -> PlayedVisit:
    v = view.visit
    verdict = v.verdict if v.state == "closed" else ""
    begun, over = _ms(v.checked_in_at), _ms(v.closed_at)
    planned = _ms(v.planned_at)
    times = [v.checked_in_at, v.closed_at] if v.checked_in_at else [v.planned_at]
    told = "–".join(i18n.time_of_day(at, language) for at in times if at)
    word = f"verdict.{verdict}" if verdict else _WORDS.get(v.state)
    state = i18n.t(word, language) if word else ""
    return PlayedVisit(
        v.id, str(n), view.client_name, " · ".join(t for t in (told, state) if t), _KINDS.get(v.state, "planned"), verdict,
        state, v.lat, v.lng, begun, over or (begun and max(begun, min(clock.now_ms(), begun + EDGE_MS))),
        planned, planned + v.planned_minutes * 60_000 if planned else 0,
    )  # fmt: skip


def _stay(stop: dict[str, Any], language: str) -> Stay:
    title = _lasting("replay.stood", stop["from_ms"], stop["to_ms"], language)
    return Stay(stop["from_ms"], stop["to_ms"], title, stop["lat"], stop["lng"])


def _gap(from_ms: int, to_ms: int, language: str) -> Stretch:
    return Stretch(from_ms, to_ms, _lasting("replay.silent", from_ms, to_ms, language))


def _lasting(key: str, from_ms: int, to_ms: int, language: str) -> str:
    minutes = i18n.number(max(1, round((to_ms - from_ms) / 60_000)), language, 0)
    return i18n.t(key, language, minutes=minutes)


def _pauses(spans: Iterable[Span], now_ms: int, language: str) -> Iterable[Stretch]:
    for span in spans:
        for start, end in span.pauses:
            yield Stretch(
                start, end or min(span.end_ms or now_ms, now_ms), i18n.t("replay.break", language)
            )


def figures_of(days: Sequence[PlayedDay], language: str) -> str:
    """The days in one line: way, visits."""
    visits = [visit for day in days for visit in day.visits]
    return i18n.t(
        "replay.figures", language, km=i18n.number(sum(d.distance_m for d in days) / 1000, language, 1),
        done=sum(v.kind == "done" for v in visits), total=len(visits),
    )  # fmt: skip


def _empty(day: date, spans: Sequence[Span], language: str) -> dict[str, str]:
    """What to say if the day turns out to have no track."""
    today = clock.local(clock.now()).date()
    kind = "future" if day > today else "silent_day" if spans else "off_day"
    return {
        "empty_title": i18n.t(f"replay.{kind}", language),
        "empty_why": i18n.t(f"replay.{kind}_why", language),
    }


def _ms(moment: datetime | None) -> int:
    return round(moment.timestamp() * 1000) if moment else 0
