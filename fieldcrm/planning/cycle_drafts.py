"""Moves by hand as a cycle's proposal tells them: the days before and after. Pure over loaded facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from fieldcrm.planning import cycle_cost, cycle_outcome, outcome
from fieldcrm.planning.cycle_cost import Day, Stand
from fieldcrm.planning.cycle_hand_facts import Board, Facts, moment
from fieldcrm.planning.cycle_outcome import KEPT, MOVED, NEW, SAME
from fieldcrm.planning.model import NotMovable


@dataclass(frozen=True)
class Move:
    """A planned visit to another day or rep, or an unplanned client onto a day."""

    to_rep: str
    to_day: date
    visit_id: str = ""
    client_id: str = ""
    """Where no visit is named."""

    @property
    def key(self) -> str:
        return self.visit_id or f"{FRESH}{self.client_id}/{self.to_day}"


FRESH = "new/"


@dataclass(frozen=True)
class Drafted:
    """What a proposal holds."""

    before: dict[str, Any]
    after: dict[str, Any]
    summary: dict[str, Any]


def draft(facts: Facts, moves: Sequence[Move]) -> Drafted:
    """The days once these moves are made; raises NotMovable (locked, begun, forbidden there)."""
    changed: dict[str, set[date]] = {rep_id: set() for rep_id in facts.boards}
    for move in moves:
        _make(facts, move, changed)
    before = {rep_id: _before(facts, board) for rep_id, board in facts.boards.items()}
    after = {
        rep_id: {"days": _told(facts, board, changed[rep_id]), "removed": [], "left_out": []}
        for rep_id, board in facts.boards.items()
    }
    summary = cycle_outcome.summary(before, after)
    planned = [v for v in facts.rows.values() if v.state == "planned"]
    summary |= {"versions": {v.id: v.version for v in planned},
                "solver": {"engine": "by_hand", "is_estimate": facts.is_estimate}}  # fmt: skip
    return Drafted(before, after, summary)


def _make(facts: Facts, move: Move, changed: dict[str, set[date]]) -> None:
    """Take a visit from where it stands and put it at its cheapest place on the new day."""
    client = _taken(facts, move, changed)
    board = facts.boards[move.to_rep]
    day = board.days.get(move.to_day)
    if day is None:
        raise NotMovable(state="outside")
    stop = replace(facts.stand(board, move.key, client, move.to_day), planned_s=None)
    found = cycle_cost.price(day, stop, board.ways)
    if not found.is_possible:
        raise NotMovable(state=found.breaks[0].code)
    at = found.position - 1
    board.days[move.to_day] = replace(day, stops=(*day.stops[:at], stop, *day.stops[at:]))
    changed[move.to_rep].add(move.to_day)


def _taken(facts: Facts, move: Move, changed: dict[str, set[date]]) -> str:
    """Out of the day that holds it, if any does; returns the client."""
    if not move.visit_id:
        return move.client_id
    row = facts.rows.get(move.visit_id)
    if row is None or row.state != "planned" or row.is_locked:
        raise NotMovable(state=row.state if row else "outside")
    for rep_id, board in facts.boards.items():
        for day in board.days.values():
            if any(s.key == row.id for s in day.stops):
                if day.is_past:
                    raise NotMovable(state=cycle_cost.PAST)
                board.days[day.day] = cycle_cost.without(day, row.id)
                changed[rep_id].add(day.day)
                return row.client_id
    raise NotMovable(state="outside")


def _before(facts: Facts, board: Board) -> dict[str, Any]:
    days: dict[str, Any] = {}
    for row in facts.rows.values():
        if row.rep_id == board.rep.id and row.state == "planned":
            stops = days.setdefault(row.day.isoformat(), {"stops": []})["stops"]
            stops.append({"visit_id": row.id, "client_id": row.client_id,
                          "minutes": row.planned_minutes})  # fmt: skip
    return {"days": days}


def _told(facts: Facts, board: Board, changed: set[date]) -> dict[str, Any]:
    return {
        day.day.isoformat(): _day(facts, board, day) if day.day in changed else _as_is(facts, day)
        for day in board.days.values()
        if not day.is_past and (day.stops or day.day in changed)
    }


def _as_is(facts: Facts, day: Day) -> dict[str, Any]:
    """A day that nobody touched: its order and times stand."""
    rows = [facts.rows[s.key] for s in day.stops]
    stops = [
        {"visit_id": v.id, "client_id": v.client_id, "kind": KEPT, "from": None,
         "start_at": outcome.iso(v.planned_at), "travel_s": v.travel_s, "travel_m": v.travel_m,
         "minutes": v.planned_minutes, "mode": v.travel_mode, "position": v.position}
        for v in rows if v.state == "planned"
    ]  # fmt: skip
    drive = sum(v.travel_s or 0 for v in rows)
    return {"stops": stops, "drive_s": drive, "drive_m": sum(v.travel_m or 0 for v in rows),
            "work_s": drive + 60 * sum(v.planned_minutes for v in rows)}  # fmt: skip


def _day(facts: Facts, board: Board, day: Day) -> dict[str, Any]:
    timed, at = cycle_cost.drive(day, day.stops, board.ways), 0
    stops: list[dict[str, Any]] = []
    for stop, start_s in zip(day.stops, timed.starts, strict=True):
        told = {
            "client_id": stop.client_id, "minutes": stop.minutes, "mode": board.rep.mode,
            "start_at": moment(day.day, start_s).isoformat(),
            "travel_s": board.ways.time(at, stop.node),
            "travel_m": board.ways.length(at, stop.node),
        }  # fmt: skip
        stops.append(told | _kind(facts, board, day, stop, told))
        at = stop.node
    return {"stops": stops, "drive_s": timed.drive_s, "drive_m": timed.drive_m,
            "work_s": max(0, timed.ends_s - day.begin_s)}  # fmt: skip


def _kind(
    facts: Facts, board: Board, day: Day, stop: Stand, told: dict[str, Any]
) -> dict[str, Any]:
    """Whether a stop is new, came from elsewhere, or stays; a locked one keeps its time."""
    row = facts.rows.get(stop.key)
    if row is None:
        return {"visit_id": None, "kind": NEW, "from": None}
    named = {"visit_id": row.id, "from": None}
    if row.is_locked:
        return named | {"kind": KEPT, "start_at": outcome.iso(row.planned_at)}
    if (row.rep_id, row.day) != (board.rep.id, day.day):
        return named | {"kind": MOVED, "from": row.day.isoformat(), "from_rep": row.rep_id}
    is_same = told["start_at"] == outcome.iso(row.planned_at)
    return named | {"kind": KEPT if is_same and told["travel_s"] == row.travel_s else SAME}
