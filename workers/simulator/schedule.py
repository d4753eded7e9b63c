"""The sample's plans: which visits on which day, in a checked order with times along the roads."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from sqlalchemy import func, insert
from sqlmodel import Session, SQLModel, col, select

from fieldcrm.clients.tables import Affiliation, Client
from fieldcrm.kit import clock, database, ids
from fieldcrm.kit.settings import settings
from fieldcrm.kit.tables import Event
from fieldcrm.people.tables import User
from fieldcrm.planning import assemble, outcome, search
from fieldcrm.planning.check import check_plan
from fieldcrm.planning.model import Plan, Problem
from fieldcrm.planning.model import Stop as Placed
from fieldcrm.planning.tables import Cycle, CycleTarget, DayPlan
from fieldcrm.regions.model import LatLng, Matrix
from fieldcrm.regions.roads import Roads
from fieldcrm.visits.tables import Visit, VisitChange
from workers.simulator import rota
from workers.simulator.streets import RoadStreets

Point = tuple[float, float]
STEPS = 12
"""Of the quick search, per rep and day that is still ahead; days behind keep the first order."""


class BrokenPlan(Exception):
    """A plan of the sample breaks a rule: never stored."""


@dataclass(frozen=True)
class Target:
    """A target with all that a day's problem asks of it."""

    client: Client
    place: Client

    @property
    def point(self) -> Point:
        return self.place.lat or 0.0, self.place.lng or 0.0


def make(
    days: Sequence[date],
    now: datetime,
    progress: Callable[[float], None],
    after: date | None = None,
) -> int:
    """Plan workdays (given from the cycle's first on) for every rep; returns how many visits.

    With `after` only the days later than that; the rota goes on where it stood.
    """
    with database.reading() as session:
        reps = list(session.exec(select(User).where(User.role == "rep").order_by(User.login)))
        targets = {rep.id: _targets(session, rep) for rep in reps}
    table = Tables(Roads(settings().region_dir), [t.point for ts in targets.values() for t in ts],
                   [_home(rep) for rep in reps])  # fmt: skip
    rows: dict[type[SQLModel], list[SQLModel]] = defaultdict(list)
    for number, rep in enumerate(reps):
        for day, chosen in zip(days, _chosen(targets[rep.id], len(days)), strict=True):
            if after is None or day > after:
                planned_on = min(_decided_at(day), now - timedelta(hours=18))
                steps = STEPS if day >= clock.local(now).date() else 0
                _plan_day(rep, day, chosen, table, rows, planned_on, steps)
        progress((number + 1) / len(reps))
    with database.transaction() as session:
        for kind, found in rows.items():
            session.execute(insert(kind), [row.model_dump() for row in found])
    return len(rows[Visit])


def extend(now: datetime) -> int:
    """Plan further days when less than a week lies ahead of the sample's clock."""
    today = clock.local(now).date()
    with database.reading() as session:
        cycle = session.exec(select(Cycle).order_by(col(Cycle.starts_on))).first()
        last = session.exec(select(func.max(DayPlan.day))).one()
    if cycle is None or last is None or last >= today + timedelta(days=7):
        return 0
    return make(workdays(cycle.starts_on, today + timedelta(days=14)), now, lambda _: None, last)


def workdays(first: date, last: date) -> list[date]:
    """Mondays to Fridays from the first to the last day."""
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if day.weekday() < 5]


class Tables:
    """The roads' times between all places of the sample, asked once per mode."""

    def __init__(self, roads: Roads, points: Sequence[Point], homes: Sequence[Point]) -> None:
        self.roads, self.streets = roads, RoadStreets(roads)
        self._points = list(dict.fromkeys([*points, *homes]))
        self._index = {p: i for i, p in enumerate(self._points)}
        self._whole: dict[str, Matrix] = {}

    def __call__(self, mode: str, points: Sequence[Point]) -> Matrix:
        """As `Roads.table`, for points named at the start."""
        if mode not in self._whole:
            self._whole[mode] = self.roads.table(mode, [LatLng(*p) for p in self._points])  # type: ignore[arg-type]
        rows = [self._index[p] for p in points]
        whole = self._whole[mode]
        return Matrix(whole.duration_s[np.ix_(rows, rows)], whole.distance_m[np.ix_(rows, rows)])


def _targets(session: Session, rep: User) -> list[Target]:
    """A rep's targets with where each is visited."""
    wanted = (
        select(Client, CycleTarget)
        .join(CycleTarget, col(CycleTarget.client_id) == Client.id)
        .join(Cycle, col(Cycle.id) == CycleTarget.cycle_id)
        .where(CycleTarget.rep_id == rep.id)
    )
    works_at = (
        select(Affiliation.person_id, Client)
        .join(Client, col(Client.id) == Affiliation.organisation_id)
        .where(col(Affiliation.is_main))
    )
    places = dict(session.exec(works_at).all())
    return [Target(c, places.get(c.id, c)) for c, _ in session.exec(wanted)]


def _chosen(targets: Sequence[Target], days: int) -> list[list[Target]]:
    by_id = {t.client.id: t for t in targets}
    lat = sum(t.point[0] for t in targets) / len(targets)
    lng = sum(t.point[1] for t in targets) / len(targets)

    def sweep(t: Target) -> float:
        turn = math.atan2(t.point[0] - lat, (t.point[1] - lng) / 2)
        return (turn + math.pi) / math.tau

    wanted = [
        rota.Target(t.client.id, t.client.category or "C", t.client.kind == "doctor", sweep(t))
        for t in targets
    ]
    return [[by_id[i] for i in day] for day in rota.days_of(wanted, days)]


def _home(rep: User) -> Point:
    return rep.start_lat or 0.0, rep.start_lng or 0.0


def _plan_day(
    rep: User, day: date, chosen: Sequence[Target], table: Tables,
    rows: dict[type[SQLModel], list[SQLModel]], planned_on: datetime, steps: int,
) -> None:  # fmt: skip
    by_visit = {ids.new_id(planned_on): target for target in chosen}
    facts = assemble.RepFacts(
        rep.id, rep.mode, _home(rep), rep.shift_start_min, rep.shift_end_min, rep.lunch_start_min,
        rep.lunch_minutes,
    )  # fmt: skip
    wanted = [_visit_facts(i, rep, t) for i, t in by_visit.items()]
    problem = assemble.make_problem(day, settings().timezone, [facts], wanted, table)
    plan = search.plan_quickly(problem, day.toordinal(), steps)
    if broken := check_plan(problem, plan):
        raise BrokenPlan(f"{rep.login} on {day}: {broken[0]}")
    tour = plan.tour(rep.id)
    pauses = outcome.pause_minutes(problem.shifts[0], tour)
    for position, (stop, pause_min) in enumerate(zip(tour.stops, pauses, strict=True), 1):
        target = by_visit[stop.job_id]
        visit = _visit(rep, day, target, problem, stop, position, pause_min, planned_on)
        rows[Visit].append(visit)
        rows[VisitChange].append(_change(visit, planned_on))
        rows[Event].append(_event(visit, planned_on))
    rows[DayPlan].append(_day_plan(rep, day, problem, plan, by_visit, table, planned_on))


def _decided_at(day: date) -> datetime:
    """The Friday before the day's week, in the afternoon."""
    friday = day - timedelta(days=day.weekday() + 3)
    return datetime(friday.year, friday.month, friday.day, 15, 30, tzinfo=clock.zone())


def _visit_facts(visit_id: str, rep: User, target: Target) -> assemble.VisitFacts:
    return assemble.VisitFacts(
        visit_id, target.client.id, rep.id, target.point, target.place.address,
        target.place.opening_hours, target.client.visit_minutes or 20,
        category=target.client.category,
    )  # fmt: skip


def _visit(
    rep: User, day: date, target: Target, problem: Problem, stop: Placed, position: int,
    pause_min: int, planned_on: datetime,
) -> Visit:  # fmt: skip
    start = problem.origin + timedelta(seconds=stop.start_s)
    is_person = target.place.id != target.client.id
    return Visit(
        id=stop.job_id, rep_id=rep.id, team_id=rep.team_id or "", client_id=target.client.id,
        place_id=target.place.id if is_person else None, lat=target.point[0], lng=target.point[1],
        day=day, position=position, planned_at=start, expected_at=start,
        planned_minutes=target.client.visit_minutes or 20, travel_s=stop.travel_s,
        pause_min=pause_min, travel_m=stop.travel_m, travel_mode=stop.mode, plan_reason=stop.reason, is_sample=True,
        created_at=planned_on, updated_at=planned_on,
    )  # fmt: skip


def _change(visit: Visit, at: datetime) -> VisitChange:
    return VisitChange(
        id=ids.new_id(at), visit_id=visit.id, move="plan", to_state="planned", at=at, server_at=at,
        source="sample", data={"after": {"day": visit.day.isoformat(), "position": visit.position}},
        version=1,
    )  # fmt: skip


def _event(visit: Visit, at: datetime) -> Event:
    return Event(id=ids.new_id(at), at=at, kind="visit.plan", subject_id=visit.id,
                 team_id=visit.team_id, source="sample", data={"to": "planned"})  # fmt: skip


def _day_plan(
    rep: User, day: date, problem: Problem, plan: Plan, by_visit: dict[str, Target], table: Tables,
    planned_on: datetime,
) -> DayPlan:  # fmt: skip
    tour = plan.tour(rep.id)
    return DayPlan(
        id=ids.new_id(planned_on), rep_id=rep.id, day=day, created_at=planned_on,
        stops=[_stop(problem, s, n) for n, s in enumerate(tour.stops, 1)],
        line=_line(rep, [by_visit[s.job_id].point for s in tour.stops],
                   [s.mode for s in tour.stops], table),
        dropped=[
            {"visit_id": d.job_id, "client_id": by_visit[d.job_id].client.id, "reason": d.reason,
             "params": d.params}
            for d in plan.dropped
        ],
        drive_s=tour.travel_s, distance_m=tour.travel_m,
        solver={"engine": plan.engine, "seed": day.toordinal(), "checked": []},
    )  # fmt: skip


def _stop(problem: Problem, stop: Placed, position: int) -> dict[str, object]:
    def moment(seconds: int) -> str:
        return (problem.origin + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")

    return {
        "visit_id": stop.job_id, "position": position, "arrive_at": moment(stop.arrive_s),
        "start_at": moment(stop.start_s), "leave_at": moment(stop.leave_s),
        "travel_s": stop.travel_s, "travel_m": stop.travel_m, "mode": stop.mode,
        "reason": stop.reason,
    }  # fmt: skip


def _line(
    rep: User, points: Sequence[Point], modes: Sequence[str], table: Tables
) -> list[list[float]]:
    line, here = [list(_home(rep))], _home(rep)
    for point, mode in zip(points, modes, strict=True):
        line += [list(p) for p in table.streets.line(mode, here, point).points[1:]]
        here = point
    return line
