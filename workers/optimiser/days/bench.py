"""A big company's day on real roads: matrix, plan, a dragged visit planned anew, the best slot."""

from __future__ import annotations

import argparse
import json
import random
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from fieldcrm.kit.settings import settings
from fieldcrm.planning import slots
from fieldcrm.planning.assemble import RepFacts, VisitFacts, make_problem
from fieldcrm.planning.check import check_plan
from fieldcrm.planning.model import Plan
from fieldcrm.planning.remembered import RememberedRoads
from fieldcrm.regions.build import open_region
from fieldcrm.regions.model import LatLng
from fieldcrm.regions.roads import Roads
from workers.optimiser.days import ready
from workers.optimiser.solve import Limit, solve

DAY, ZONE = date(2026, 11, 18), "Europe/Lisbon"
HOURS = (None, None, "Mo-Fr 09:00-17:00", "Mo-Fr 09:00-13:00", "Mo-Fr 09:00-12:00,14:00-18:00",
         "Mo-Fr 14:00-18:00")  # fmt: skip
IN_TOWN = 0.7
"""Share of clients around the region's middle; the others are anywhere in it."""


def main(arguments: list[str]) -> None:
    """`fieldcrm bench dispatch --region NAME --reps N --visits M`: prints one JSON object last."""
    options = _parser().parse_args(arguments)
    folder = options.home / "regions" / options.region
    ready.load()
    company = _Company(Roads(folder), folder, options.reps, options.visits, options.seed)
    print(json.dumps(_measure(company, options.seconds, options.seed, options.samples)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fieldcrm bench dispatch", description=__doc__)
    parser.add_argument("--region", required=True, help="made by `fieldcrm region add`")
    parser.add_argument("--reps", type=int, default=100)
    parser.add_argument("--visits", type=int, default=1200)
    parser.add_argument("--seconds", type=float, default=15.0, help="limit of the search")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--samples", type=int, default=60, help="re-plans and slots timed")
    parser.add_argument("--home", type=Path, default=settings().home, help="where regions stand")
    return parser


class _Company:
    """Reps at home and clients at random points of the roads, anybody's to visit."""

    def __init__(self, roads: Roads, folder: Path, reps: int, visits: int, seed: int) -> None:
        self.roads, self.rng = roads, random.Random(seed)
        self.bounds, self.centre = open_region(folder).bounds, open_region(folder).centre
        self.reps = [self._rep(n) for n in range(reps)]
        everybody = frozenset(r.id for r in self.reps)
        self.visits = [self._visit(n, everybody) for n in range(visits)]

    def point(self) -> LatLng:
        """A point on the roads for cars."""
        south, west, north, east = self.bounds
        while True:
            if self.rng.random() < IN_TOWN:
                at = LatLng(self.rng.gauss(self.centre.lat, (north - south) / 10),
                            self.rng.gauss(self.centre.lng, (east - west) / 10))  # fmt: skip
            else:
                at = LatLng(self.rng.uniform(south, north), self.rng.uniform(west, east))
            if self.roads.nearest("car", at):
                return at

    def _rep(self, n: int) -> RepFacts:
        return RepFacts(f"rep{n}", "car", self.point(), 9 * 60, 17 * 60 + 30)

    def _visit(self, n: int, reps: frozenset[str]) -> VisitFacts:
        return VisitFacts(
            f"v{n}", f"c{n}", "", self.point(), None, self.rng.choice(HOURS),
            self.rng.choice((10, 15, 20, 30)), 1, self.rng.choice("ABBCCC"), reps=reps,
        )  # fmt: skip


def _measure(company: _Company, seconds: float, seed: int, samples: int) -> dict[str, Any]:
    begun = time.perf_counter()
    problem = make_problem(DAY, ZONE, company.reps, company.visits, company.roads.table)
    matrix_s = time.perf_counter() - begun
    plan = solve(problem, Limit(seconds=seconds), seed)
    broken = check_plan(problem, plan)
    solve_s = time.perf_counter() - begun - matrix_s
    planned = _as_planned(company.visits, plan)
    replans = [_replan(company, planned, n) for n in range(samples)]
    remembered = RememberedRoads(company.roads)
    first_ms = _best_slot(company, planned, remembered)
    asked = [_best_slot(company, planned, remembered) for _ in range(samples)]
    return {
        "reps": len(company.reps), "visits": len(company.visits),
        "matrix_s": round(matrix_s, 2), "solve_s": round(solve_s, 2), "violations": len(broken),
        "cost": plan.cost, "travel_h": round(sum(t.travel_s for t in plan.tours) / 3600, 1),
        "dropped": len(plan.dropped), "is_search_done": plan.is_optimal_search_done,
        "replan_p95_ms": _p95([ms for ms, _ in replans]),
        "replan_violations": sum(count for _, count in replans),
        "best_slot_p95_ms": _p95(asked), "first_best_slot_ms": round(first_ms),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }  # fmt: skip


def _as_planned(visits: Sequence[VisitFacts], plan: Plan) -> dict[str, list[VisitFacts]]:
    """The visits as they stand once the plan is applied: each rep's own, in order."""
    by_id = {v.id: v for v in visits}
    return {
        tour.shift_id: [
            replace(by_id[job], rep_id=tour.shift_id, position=n, reps=frozenset([tour.shift_id]))
            for n, job in enumerate(tour.job_ids, 1)
        ]
        for tour in plan.tours
    }


def _replan(
    company: _Company, planned: dict[str, list[VisitFacts]], sample: int
) -> tuple[float, int]:
    """(ms, violations) of a visit dragged to another rep's day: problem, plan and check."""
    rng = random.Random(sample)
    giver = rng.choice([r for r in company.reps if planned[r.id]])
    taker = rng.choice([r for r in company.reps if r.id != giver.id])
    dragged = rng.choice(planned[giver.id])
    at = rng.randrange(len(planned[taker.id]) + 1)

    def run() -> int:
        moved = replace(dragged, rep_id=taker.id, reps=frozenset([taker.id]))
        theirs = [*planned[taker.id][:at], moved, *planned[taker.id][at:]]
        wanted = [v for v in planned[giver.id] if v.id != dragged.id]
        wanted += [replace(v, position=n) for n, v in enumerate(theirs, 1)]
        problem = make_problem(DAY, ZONE, [giver, taker], wanted, company.roads.table, budget=0)
        return len(check_plan(problem, solve(problem, Limit(seconds=1.5), 1)))

    return _timed(run)


def _best_slot(
    company: _Company, planned: dict[str, list[VisitFacts]], remembered: RememberedRoads
) -> float:
    """Milliseconds to find the three cheapest slots for a new client among all reps' days."""
    wanted = VisitFacts(slots.NEW, "new", "", company.point(), None, None, 20,
                        reps=frozenset(planned))  # fmt: skip

    def run() -> slots.Slots:
        visits = [*(v for mine in planned.values() for v in mine), wanted]
        return slots.among(DAY, ZONE, company.reps, visits, remembered)

    return _timed(run)[0]


def _timed[Result](run: Callable[[], Result]) -> tuple[float, Result]:
    begun = time.perf_counter()
    found = run()
    return 1000 * (time.perf_counter() - begun), found


def _p95(values: list[float]) -> float:
    return round(sorted(values)[int(0.95 * (len(values) - 1))], 1)
