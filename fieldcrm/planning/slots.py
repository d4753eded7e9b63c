"""Where a visit more would cost least in a day that is planned already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import batched
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sqlmodel import Session

from fieldcrm.clients import service as clients
from fieldcrm.clients.tables import Client
from fieldcrm.kit import clock
from fieldcrm.kit.database import reading
from fieldcrm.kit.settings import settings
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor
from fieldcrm.planning import assemble, dayfacts, reasons, search
from fieldcrm.planning.assemble import RepFacts, VisitFacts
from fieldcrm.planning.board import Board, Draft
from fieldcrm.planning.model import NoRoads, Problem
from fieldcrm.planning.remembered import RememberedRoads
from fieldcrm.planning.service import PLANNERS
from fieldcrm.planning.timing import FALLBACK, Timed

if TYPE_CHECKING:
    from fieldcrm.regions.model import Mode
    from fieldcrm.regions.roads import Roads

NEW = "new"
"""The id of the visit that is not there yet."""
OFFERED = 3
AT_ONCE = 12
"""For so many days the real ways to the new place are asked for; of 100 in one town the three
cheapest slots are among them (measured: docs/decisions/0006-solver.md)."""
LEAST_HOPE = 1e9
"""A day without a slot by guessed ways is looked at where fewer than three are found elsewhere."""


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
    visits = [*facts.visit_facts(), _wanted(client, reps, minutes)]
    return among(facts.day, settings().timezone, facts.rep_facts, visits,
                 remembered(settings().region_dir))  # fmt: skip


def _in_reach(session: Session, client: Client, rep_ids: Sequence[str]) -> frozenset[str]:
    """The reps who may visit this client at all."""
    return frozenset(r for r in rep_ids if client.id in clients.clients_for_rep_in(session, r))


def _wanted(client: Client, reps: frozenset[str], minutes: int | None) -> VisitFacts:
    point = None if client.lat is None or client.lng is None else (client.lat, client.lng)
    return VisitFacts(
        id=NEW, client_id=client.id, rep_id="", point=point, address=client.address,
        opening_hours=client.opening_hours, category=client.category, reps=reps,
        minutes=minutes or client.visit_minutes or dayfacts.DEFAULT_MINUTES,
    )  # fmt: skip


def among(
    day: date, zone: str, reps: Sequence[RepFacts], visits: Sequence[VisitFacts],
    known: RememberedRoads,
) -> Slots:  # fmt: skip
    """The cheapest slots for the last of these visits among all these days.

    All days are looked at with guessed ways to the new place first; the real ways are asked for
    the `AT_ONCE` best of these, and for more while one of them promises more than is found.
    """
    *planned, wanted = visits
    homes = [r for r in reps if wanted.reps is None or r.id in wanted.reps]
    _remember(known, homes, planned)
    guessed = _guessed(day, zone, homes, planned, wanted, known)
    hopeful = sorted(homes, key=lambda r: (guessed.get(r.id, LEAST_HOPE), r.id))
    found: list[Slot] = []
    for some in batched(hopeful, AT_ONCE):
        if guessed.get(some[0].id, LEAST_HOPE) < _last_offered(found):
            found += _all_slots(_board(day, zone, some, planned, wanted, known.table))
    if found:
        return _cheapest_of(found)
    return cheapest(assemble.make_problem(day, zone, reps, visits, known.table))


def _last_offered(found: list[Slot]) -> float:
    """What the third cheapest slot costs (minutes); more than anything while there are fewer."""
    costs = sorted(s.cost_minutes for s in found)
    return costs[OFFERED - 1] if len(costs) >= OFFERED else inf


def _guessed(
    day: date, zone: str, reps: Sequence[RepFacts], planned: Sequence[VisitFacts],
    wanted: VisitFacts, known: RememberedRoads,
) -> dict[str, float]:  # fmt: skip
    """What the cheapest slot of each day would cost by guessed ways (minutes); none, no entry."""
    found: dict[str, float] = {}
    for some in batched(reps, AT_ONCE):
        for slot in _all_slots(_board(day, zone, some, planned, wanted, known.guess)):
            found[slot.rep_id] = min(slot.cost_minutes, found.get(slot.rep_id, inf))
    return found


def _board(
    day: date, zone: str, reps: Sequence[RepFacts], planned: Sequence[VisitFacts],
    wanted: VisitFacts, table: assemble.Table,
) -> Board:  # fmt: skip
    ids = {r.id for r in reps}
    theirs = [v for v in planned if v.rep_id in ids]
    return Board(assemble.make_problem(day, zone, reps, [*theirs, wanted], table))


def _remember(
    known: RememberedRoads, reps: Sequence[RepFacts], planned: Sequence[VisitFacts]
) -> None:
    """The ways between all that is planned stay known: who asks once asks again."""
    from fieldcrm.regions.model import LatLng

    ids = {r.id for r in reps}
    ends = [p for r in reps for p in (r.here, r.home)]
    points = [LatLng(*p) for p in (*ends, *(v.point for v in planned if v.rep_id in ids)) if p]
    for mode in sorted({r.mode for r in reps} | {FALLBACK}):
        known.remember(cast("Mode", mode), points)


def cheapest(problem: Problem) -> Slots:
    """The cheapest slots of the problem's last job, its other jobs in their present orders."""
    board = Board(problem)
    if found := _all_slots(board):
        return _cheapest_of(found)
    return Slots([], reasons.why_out(board, search.order_now(board), len(problem.jobs) - 1)[0])


def _all_slots(board: Board) -> list[Slot]:
    job, now = len(board.problem.jobs) - 1, search.order_now(board)
    homes = [shift for shift, table in enumerate(board.tables) if table.may(job)]
    return [s for shift in homes for s in _slots_of(board, now, shift, job)]


def _cheapest_of(found: list[Slot]) -> Slots:
    return Slots(sorted(found, key=lambda s: (s.cost_minutes, s.rep_id, s.position))[:OFFERED])


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
