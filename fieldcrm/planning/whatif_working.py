"""A scenario worked out, in the worker: the team loaded, changed, planned rep by rep, judged, kept.

A quick plan of everybody comes first and is kept at once; then each rep's is searched for longer. So
somebody who looks sees figures soon, and what was cancelled keeps the best it had.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from fieldcrm.kit import clock, feed, job_rows
from fieldcrm.kit.database import reading, transaction
from fieldcrm.planning import whatif_facts, whatif_outcome, whatif_rules, whatif_store
from fieldcrm.planning.cycle_check import check_cycle
from fieldcrm.planning.cycle_model import CycleProblem, Tours
from fieldcrm.planning.cycle_problem import NO_WAY, Ways, make_rep_cycle
from fieldcrm.planning.model import NothingToPlan, Violation
from fieldcrm.planning.notices import notice
from fieldcrm.planning.tables import WhatIf, WhatIfScenario
from fieldcrm.planning.whatif_check import check_changed, check_outcome
from fieldcrm.planning.whatif_model import Base, Change, Changed, Part, RepOutcome
from fieldcrm.visits.tables import Visit

STEPS_ALL = 60_000
"""So many steps of search for a whole team, shared out by clients: some seconds."""
STEPS_A_NODE = (20, 400)
STEPS_LEAST = 800
ROUGH = 8
"""The quick plan gets this part of the steps."""
Solve = Callable[[CycleProblem, int], Tours]
"""(problem, steps) -> tours."""
Tell = Callable[[float], None]
"""Hears the share done; raises when nobody wants it any more."""


class Broken(Exception):
    """A plan or a changed team breaks a rule: never kept."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__(", ".join(sorted({v.kind for v in violations})))
        self.violations = list(violations)


@dataclass
class Work:
    """What a scenario's job has in hand."""

    asked: WhatIf
    scenario: WhatIfScenario
    base: Base
    standing: list[Visit]
    seal: str
    known: dict[str, RepOutcome] = field(default_factory=dict)
    """Outcomes of problems answered before, by key."""


def begin(scenario_id: str) -> tuple[WhatIf, WhatIfScenario] | None:
    """Take a scenario up; None when nobody wants it any more."""
    with transaction() as session:
        found = job_rows.take_up(whatif_store.scenario(session, scenario_id, lock=True))
        asked = whatif_store.question(session, found.what_if_id) if found else None
        if found is None or asked is None:
            return None
        feed.notify_desk(session, asked.team_id, notice(found.id, found.status, 0.0))
        return asked, found


def load(asked: WhatIf, scenario: WhatIfScenario) -> Work:
    """The team as it is now, and what is known from scenarios before; raises NothingToPlan."""
    with reading() as session:
        base, standing = whatif_facts.load(session, asked)
        others = whatif_store.scenarios(session, asked.id)
    if not any(p.wishes or p.fixed for p in base.parts):
        raise NothingToPlan(day=asked.first_day.isoformat())
    told = [r for o in others if not o.outcome.get("is_rough") for r in o.outcome.get("reps", [])]
    known = {r.key: r for r in map(whatif_outcome.of_json, told)}
    return Work(asked, scenario, base, standing, whatif_facts.seal_of(base, standing), known)


def work_out(work: Work, ways: Ways, solve: Solve, tell: Tell, is_estimate: bool) -> None:
    """Plan the team as it is where that isn't known yet, then as it would be; keep both."""
    base, mine = work.base, work.scenario
    steps = steps_a_node(base)
    shown = Shown(work, is_estimate)
    now = whatif_rules.as_it_is(base)
    is_base = mine.number == 0
    first = _Team(now, work, ways, steps)
    reps = first.plan(solve, tell if is_base else _half(tell, 0.0), shown.base if is_base else None)
    calendar = [_standing(p, work.standing, ways) for p in base.parts]
    shown.keep_base(now, reps, calendar)
    if is_base:
        return
    leg = whatif_outcome.mean_leg_min(reps, base.leg_min)
    changes = [Change.of(c) for c in mine.changes]
    whatif_rules.check_changes(changes, [p.rep.id for p in base.parts], base.resolution)
    after = whatif_rules.change_all(base.with_leg(leg), changes)
    _judge(check_changed(base, changes, after))
    team = _Team(after, work, ways, steps)
    reps = team.plan(solve, _half(tell, 0.5), lambda found: shown.scenario(after, found, True))
    shown.scenario(after, reps, False)


def _half(tell: Tell, begins: float) -> Tell:
    return lambda share: tell(begins + share / 2)


def steps_a_node(base: Base) -> int:
    """Steps of search for each client: the same for all of a team's scenarios, so that they compare."""
    clients = sum(len(p.wishes) + len(p.fixed) for p in base.parts)
    least, most = STEPS_A_NODE
    return max(least, min(most, STEPS_ALL // max(1, clients)))


def _judge(violations: Sequence[Violation]) -> None:
    if violations:
        raise Broken(violations)


class _Team:
    """A team's problems and how they are planned."""

    def __init__(self, team: Changed, work: Work, ways: Ways, steps: int) -> None:
        self.work, self.parts = work, team.parts
        base = work.base
        self.problems = [
            make_rep_cycle(p.rep, p.fixed, p.wishes, ways, base.zone, base.most_a_day)
            for p in team.parts
        ]
        self.steps = [max(STEPS_LEAST, steps * len(a.problem.service)) for a in self.problems]
        self.keys = [
            whatif_outcome.key_of(a, s) for a, s in zip(self.problems, self.steps, strict=True)
        ]

    def plan(
        self, solve: Solve, tell: Tell, show: Callable[[list[RepOutcome]], None] | None
    ) -> list[RepOutcome]:
        """Everybody's span: what is known already, else a quick plan, shown, and a better one."""
        known = self.work.known
        new = [n for n, key in enumerate(self.keys) if key not in known]
        found = [known.get(key) for key in self.keys]
        for done, n in enumerate(new):
            found[n] = self._solve(n, self.steps[n] // ROUGH, solve)
            tell((done + 1) / len(new) / ROUGH)
        if show and new:
            show([r for r in found if r])
        for done, n in enumerate(new):
            better = self._solve(n, self.steps[n], solve)
            known[self.keys[n]] = found[n] = better
            tell(1 / ROUGH + (done + 1) / len(new) * (1 - 1 / ROUGH))
        return [r for r in found if r]

    def _solve(self, n: int, steps: int, solve: Solve) -> RepOutcome:
        part, asked = self.parts[n], self.problems[n]
        nobody = whatif_outcome.nothing_planned(asked.problem)
        is_idle = len(asked.problem.service) < 2 or not asked.problem.days
        tours = nobody if is_idle else solve(asked.problem, steps)
        told = whatif_outcome.outcome_of(part, asked, tours, self.keys[n])
        _judge([*check_cycle(asked.problem, tours), *check_outcome(part, asked, tours, told)])
        return told


def _standing(part: Part, visits: Sequence[Visit], ways: Ways) -> RepOutcome:
    """A rep's calendar as it stands, driven in its order: what is planned, whoever planned it."""
    mine = [v for v in visits if v.rep_id == part.rep.id]
    points = {w.client_id: w.point for w in whatif_rules.clients_of(part)}
    at = [points.get(v.client_id) or _place(v) for v in mine]
    places = sorted({p for p in at if p})
    told = RepOutcome(part.rep.id, "", part.rep.mode, len(part.rep.days), len(mine),
                      capacity_s=round(part.capacity * 60))  # fmt: skip
    home = part.rep.home or (places[0] if places else (0.0, 0.0))
    seconds, metres = ways(part.rep.mode, [home, *places])
    number = {p: n for n, p in enumerate(places, 1)}
    for day in sorted({v.day for v in mine}):
        order = [number[p] for v, p in zip(mine, at, strict=True) if p and v.day == day]
        for a, b in zip([0, *order], [*order, 0], strict=True):
            if seconds[a, b] != NO_WAY:
                told.drive_s += int(seconds[a, b])
                told.drive_m += max(0, int(metres[a, b]))
    rest_s = part.rep.lunch_minutes * 60 * len({v.day for v in mine})
    told.work_s = told.drive_s + rest_s + sum((v.planned_minutes or 0) * 60 for v in mine)
    told.categories = whatif_outcome.by_category(part, [v.client_id for v in mine])
    return told


def _place(visit: Visit) -> tuple[float, float] | None:
    return None if visit.lat is None or visit.lng is None else (visit.lat, visit.lng)


# ---- keeping ----


class Shown:
    """Writes what is found as it is found."""

    def __init__(self, work: Work, is_estimate: bool) -> None:
        self.work, self.is_estimate = work, is_estimate

    def base(self, reps: list[RepOutcome]) -> None:
        """The team as it is, planned quickly."""
        now = whatif_rules.as_it_is(self.work.base)
        self._write(self.work.scenario.id, self._told(now, reps, True), is_done=False)

    def keep_base(
        self, now: Changed, reps: list[RepOutcome], calendar: list[RepOutcome]
    ) -> None:  # fmt: skip
        """The team as it is, in its own row, whichever scenario's job found it."""
        told = self._told(now, reps, False)
        told["now"] = [whatif_outcome.as_json(r) for r in calendar]
        with reading() as session:
            rows = whatif_store.scenarios(session, self.work.asked.id)
        if rows and rows[0].number == 0:  # else somebody deleted the question meanwhile
            self._write(rows[0].id, told, is_done=True)

    def scenario(self, after: Changed, reps: list[RepOutcome], is_rough: bool) -> None:
        """The team as it would be."""
        self._write(self.work.scenario.id, self._told(after, reps, is_rough), is_done=not is_rough)

    def _told(self, team: Changed, reps: list[RepOutcome], is_rough: bool) -> dict[str, Any]:
        return {
            "reps": [whatif_outcome.as_json(r) for r in reps],
            "cells": {f"{c:x}": o for c, o in team.cells.items()},
            "load": {f"{c:x}": round(minutes) for c, minutes in team.load.items()},
            "handed": len(team.handed), "is_rough": is_rough, "is_estimate": self.is_estimate,
        }  # fmt: skip

    def _write(self, scenario_id: str, told: dict[str, Any], is_done: bool) -> None:
        with transaction() as session:
            row = whatif_store.scenario(session, scenario_id, lock=True)
            if row is None or (row.status == "cancelled" and row.id == self.work.scenario.id):
                return
            row.outcome, row.facts = told, self.work.seal
            if is_done:
                row.status, row.error, row.finished_at = "ready", None, clock.now()
            _notify(session, self.work.asked, row)


def _notify(session: Session, asked: WhatIf, row: WhatIfScenario) -> None:
    share = 1.0 if row.status == "ready" else 0.1
    feed.notify_desk(session, asked.team_id, notice(row.id, row.status, share))


def fail(scenario_id: str, error: str, status: str = "failed") -> None:
    """Close a scenario that came to nothing; `error` is a word after planning.error."""
    with transaction() as session:
        row = job_rows.end(whatif_store.scenario(session, scenario_id, lock=True), status)
        if row is None:
            return
        row.error = f"planning.error.{error}"
        asked = whatif_store.question(session, row.what_if_id)
        if asked is not None:
            _notify(session, asked, row)
