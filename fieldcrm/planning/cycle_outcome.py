"""A solved cycle as its proposal holds it: each rep's days before and after, and the difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from fieldcrm.planning import cycle_rules, rules
from fieldcrm.planning.cycle_facts import RepFacts
from fieldcrm.planning.cycle_model import Tours
from fieldcrm.planning.cycle_problem import (
    NO_ROOM,
    LeftOut,
    Placed,
    PlannedDay,
    RepCycle,
    days_of,
    left_out,
)
from fieldcrm.visits.tables import Visit

KEPT, SAME, MOVED, NEW, REMOVED = "kept", "same", "moved", "new", "removed"
"""kept: fixed; same: stays on its day; moved: to another day; removed: wanted no more."""


def before(facts: RepFacts) -> dict[str, Any]:
    """The span as it stands: who is visited on which day."""
    days: dict[str, Any] = {}
    for visit in facts.standing:
        stops = days.setdefault(visit.day.isoformat(), {"stops": []})["stops"]
        stops.append({"visit_id": visit.id, "client_id": visit.client_id,
                      "minutes": visit.planned_minutes})  # fmt: skip
    return {"days": days}


def after(asked: RepCycle, tours: Tours, facts: RepFacts) -> dict[str, Any]:
    """The span as it would be: each day's visits in order, what is taken away, who is left out."""
    days = days_of(asked, tours)
    named = _named(days, facts)
    told = {
        day.isoformat(): _day(asked, day, plan, named) for day, plan in days.items() if plan.stops
    }
    _keep_unplaced(told, facts)
    removed = [
        {"visit_id": match.visit_id, "client_id": client, "from": facts.movable[client][match.visit_id]
         .isoformat()}
        for client, matches in sorted(named.items()) for match in matches
        if match.day is None and match.visit_id
    ]  # fmt: skip
    out = left_out(asked, tours)
    return {"days": told, "removed": removed, "left_out": [_left(each) for each in out]}


def _named(days: dict[date, PlannedDay], facts: RepFacts) -> dict[str, list[cycle_rules.Match]]:
    """Which standing visit each planned one is, by client."""
    wanted: dict[str, list[date]] = {client: [] for client in facts.movable}
    for day, plan in days.items():
        for stop in plan.stops:
            if stop.visit_id is None:
                wanted.setdefault(stop.client_id, []).append(day)
    return {
        client: cycle_rules.match_days(mine, facts.movable.get(client, {}))
        for client, mine in wanted.items()
    }


def _day(
    asked: RepCycle, day: date, plan: PlannedDay, named: dict[str, list[cycle_rules.Match]]
) -> dict[str, Any]:
    start = rules.day_start(day, asked.zone)
    stops = [_stop(stop, day, start, named) | {"mode": asked.rep.mode} for stop in plan.stops]
    return {"stops": stops, "drive_s": plan.drive_s, "drive_m": plan.drive_m, "work_s": plan.work_s}


def _stop(
    stop: Placed, day: date, start: datetime, named: dict[str, list[cycle_rules.Match]]
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "client_id": stop.client_id, "visit_id": stop.visit_id, "kind": KEPT, "from": None,
        "start_at": (start + timedelta(seconds=stop.start_s)).isoformat(),
        "travel_s": stop.travel_s, "travel_m": stop.travel_m, "minutes": stop.minutes,
    }  # fmt: skip
    if stop.visit_id is None:
        match = next(m for m in named[stop.client_id] if m.day == day)
        told |= {"visit_id": match.visit_id, "kind": NEW if match.visit_id is None else SAME}
    return told


def _keep_unplaced(told: dict[str, Any], facts: RepFacts) -> None:
    """A visit that stands but found no time in its day stands still; its day shows it last."""
    placed = {s["visit_id"] for d in told.values() for s in d["stops"]}
    movable = {i for mine in facts.movable.values() for i in mine}
    for visit in facts.standing:
        if visit.id not in placed and visit.id not in movable:
            day = told.setdefault(
                visit.day.isoformat(), {"stops": [], "drive_s": 0, "drive_m": 0, "work_s": 0}
            )
            day["stops"].append({
                "client_id": visit.client_id, "visit_id": visit.id, "kind": KEPT, "from": None,
                "start_at": None, "travel_s": None, "travel_m": None, "mode": None,
                "minutes": visit.planned_minutes,
            })  # fmt: skip


def _left(out: LeftOut) -> dict[str, Any]:
    return {"client_id": out.client_id, "wanted": out.wanted, "got": out.got, "reason": out.reason}


def mark_moves(told: dict[str, Any], standing: Iterable[Visit]) -> None:
    """Say of each visit that keeps its row whether it changes its day, and from which."""
    was = {v.id: v.day.isoformat() for v in standing}
    for day, plan in told["days"].items():
        for stop in plan["stops"]:
            if stop["kind"] == SAME and was[stop["visit_id"]] != day:
                stop["kind"], stop["from"] = MOVED, was[stop["visit_id"]]


def summary(was: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """The difference in numbers."""
    stops = [s for mine in wanted.values() for d in mine["days"].values() for s in d["stops"]]
    kinds = Counter(s["kind"] for s in stops)
    out = [each for mine in wanted.values() for each in mine["left_out"]]
    days = [d for mine in wanted.values() for d in mine["days"].values()]
    return {
        "visits_before": sum(len(d["stops"]) for m in was.values() for d in m["days"].values()),
        "visits_after": len(stops),
        "removed": sum(len(mine["removed"]) for mine in wanted.values()),
        **{kind: kinds[kind] for kind in (KEPT, SAME, MOVED, NEW)},
        "left_out": len({each["client_id"] for each in out}),
        "left_out_visits": sum(each["wanted"] - each["got"] for each in out),
        "no_room": sum(each["reason"] == NO_ROOM for each in out),
        "drive_s": sum(d["drive_s"] for d in days), "drive_m": sum(d["drive_m"] for d in days),
        "work_s": sum(d["work_s"] for d in days),
    }  # fmt: skip
