"""Where a visit more would cost least in a day that is planned already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlmodel import Session

from fieldcrm.clients import service as clients
from fieldcrm.clients.tables import Client
from fieldcrm.kit import clock
from fieldcrm.kit.database import reading
from fieldcrm.kit.settings import settings
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor
from fieldcrm.planning import assemble, dayfacts, reasons, search
from fieldcrm.planning.board import Board, Draft
from fieldcrm.planning.model import NoRoads, Problem
from fieldcrm.planning.remembered import RememberedRoads
from fieldcrm.planning.service import PLANNERS
from fieldcrm.planning.timing import Timed

if TYPE_CHECKING:
    from fieldcrm.regions.roads import Roads

NEW = "new"
"""The id of the visit that is not there yet."""
OFFERED = 3


@dataclass(frozen=True)
class Slot:
    """One place for the visit: after so many planned stops of a rep's day, and what it costs."""

    rep_id: str
    position: int
    """1 is before all stops that are still planned."""
    starts_at: datetime
    travel_minutes: int
    """More travel than without the visit."""
    longer_minutes: int
    """So much later the rep is done for the day."""
    cost_minutes: float
    """What the order of slots goes by: travel, and a tenth of the working time."""


@dataclass(frozen=True)
class Slots:
    """The cheapest slots, or why there is none."""

    slots: list[Slot]
    reason: str | None = None
    """One of `model.DROP_REASONS` where no slot fits."""


def best_slots(
    actor: Actor, client_id: str, rep_ids: Sequence[str], day: date, minutes: int | None = None
) -> Slots:
    """The three cheapest slots for a new visit to a client among these reps' days.

    The stops planned keep their order. Raises OutOfScope, RoleForbids, ClientNotFound, NoRoads.
    """
    people.require(actor, *PLANNERS)
    with reading() as session:
        client = clients.get_in(session, actor, client_id)
        chosen = sorted(set(rep_ids))
        for rep_id in chosen:
            people.scope_rep_in(session, actor, rep_id)
        facts = dayfacts.load(session, chosen, day, clock.now())
        reps = _in_reach(session, client, chosen)
    return cheapest(_problem(facts, client, reps, minutes))


def _in_reach(session: Session, client: Client, rep_ids: Sequence[str]) -> frozenset[str]:
    """The reps who may visit this client at all."""
    return frozenset(r for r in rep_ids if client.id in clients.clients_for_rep_in(session, r))


def _problem(
    facts: dayfacts.DayFacts, client: Client, reps: frozenset[str], minutes: int | None
) -> Problem:
    point = None if client.lat is None or client.lng is None else (client.lat, client.lng)
    wanted = assemble.VisitFacts(
        id=NEW, client_id=client.id, rep_id="", point=point, address=client.address,
        opening_hours=client.opening_hours, category=client.category, reps=reps,
        minutes=minutes or client.visit_minutes or dayfacts.DEFAULT_MINUTES,
    )  # fmt: skip
    return assemble.make_problem(
        facts.day, settings().timezone, facts.rep_facts, [*facts.visit_facts(), wanted],
        remembered(settings().region_dir).table,
    )  # fmt: skip


def cheapest(problem: Problem) -> Slots:
    """The cheapest slots of the problem's last job, its other jobs in their present orders."""
    board, job = Board(problem), len(problem.jobs) - 1
    now = search.order_now(board)
    homes = [shift for shift, table in enumerate(board.tables) if table.may(job)]
    found = [s for shift in homes for s in _slots_of(board, now, shift, job)]
    found.sort(key=lambda s: (s.cost_minutes, s.rep_id, s.position))
    if found:
        return Slots(found[:OFFERED])
    return Slots([], reasons.why_out(board, now, job)[0])


def _slots_of(board: Board, now: Draft, shift: int, job: int) -> list[Slot]:
    table, order = board.tables[shift], now.orders[shift]
    without = table.time(order)
    found: list[Slot] = []
    for index in range(len(order) + 1):
        longer = (*order[:index], job, *order[index:])
        timed = table.time(longer)
        if timed is not None and without is not None:
            found.append(_slot(board, shift, (order, without), (longer, timed), index))
    return found


def _slot(
    board: Board, shift: int, was: tuple[tuple[int, ...], Timed],
    now: tuple[tuple[int, ...], Timed], index: int,
) -> Slot:  # fmt: skip
    table = board.tables[shift]
    travel_s = table.travelled(now[0])["drive_s"] - table.travelled(was[0])["drive_s"]
    return Slot(
        rep_id=table.shift.id, position=index + 1,
        starts_at=board.problem.origin + timedelta(seconds=now[1].times[index][1]),
        travel_minutes=round(travel_s / 60), longer_minutes=round((now[1].end_s - was[1].end_s) / 60),
        cost_minutes=round((now[1].cost - was[1].cost) / 60, 1),
    )  # fmt: skip


def roads(folder: Path) -> Roads:
    """The region's roads, opened once a process and again after a rebuild; raises NoRoads."""
    from fieldcrm.regions.model import RegionMissing

    try:
        return _roads(folder, (folder / "region.json").stat().st_mtime_ns)
    except (OSError, RegionMissing):
        raise NoRoads() from None


def remembered(folder: Path) -> RememberedRoads:
    """The same with its tables remembered; raises NoRoads."""
    return _remembered(roads(folder))


@lru_cache(maxsize=1)
def _remembered(opened: Roads) -> RememberedRoads:
    return RememberedRoads(opened)


@lru_cache(maxsize=1)
def _roads(folder: Path, built_ns: int) -> Roads:
    from fieldcrm.regions.roads import Roads

    return Roads(folder)
