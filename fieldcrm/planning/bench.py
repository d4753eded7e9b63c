"""How fast and how well days are planned: real places and roads, random days, one JSON object."""

from __future__ import annotations

import json
import random
import resource
import statistics
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fieldcrm.planning import search
from fieldcrm.planning.assemble import RepFacts, VisitFacts, make_problem
from fieldcrm.planning.board import Board
from fieldcrm.planning.check import check_plan
from fieldcrm.planning.model import Plan, Problem

if TYPE_CHECKING:
    from fieldcrm.regions.model import Place
    from fieldcrm.regions.roads import Roads

ZONE = "Europe/Helsinki"
MONDAY = date(2026, 11, 16)
MODES = ("foot", "bicycle", "car")


def random_day(
    roads: Roads, places: list[Place], reps: int, visits: int, seed: int, is_shared: bool = False
) -> Problem:
    """A day of real places at their own hours, given to reps at random; `is_shared`: anybody's."""
    rng = random.Random(seed)
    day = MONDAY + timedelta(days=rng.randrange(5))
    people = [_rep(n, rng.choice(places).point) for n in range(reps)]
    names = frozenset(p.id for p in people) if is_shared else None
    wanted = [_visit(n, rng.choice(places), people[n % reps].id, names, rng) for n in range(visits)]
    return make_problem(day, ZONE, people, wanted, roads.table)


def _rep(n: int, home: tuple[float, float]) -> RepFacts:
    return RepFacts(f"rep{n}", MODES[n % 3], home, 9 * 60, 17 * 60)


def _visit(
    n: int, place: Place, rep_id: str, reps: frozenset[str] | None, rng: random.Random
) -> VisitFacts:
    return VisitFacts(
        f"v{n}", f"c{n}", rep_id, place.point, f"{place.address.street} {place.address.housenumber}"
        if place.address.street else None, place.opening_hours, rng.choice((10, 15, 20, 30)),
        rng.choice((1, 1, 1, 2)), rng.choice("ABBCCC"), reps=reps,
    )  # fmt: skip


def measure(make: Callable[[], Plan], problem: Problem) -> dict[str, Any]:
    """Seconds (also of the processor alone), cost and violations of one way to plan."""
    started, busy = time.perf_counter(), time.process_time()
    plan = make()
    return {
        "cpu_s": round(time.process_time() - busy, 3),
        "seconds": round(time.perf_counter() - started, 3), "cost": plan.cost,
        "travel_s": sum(t.travel_s for t in plan.tours), "dropped": len(plan.dropped),
        "violations": len(check_plan(problem, plan)),
    }  # fmt: skip


def bench(home: Path, seeds: int = 5, log: Callable[[str], None] = print) -> dict[str, Any]:
    """One rep's day of 15 visits and six reps' day of 78, each with `seeds` random days."""
    from fieldcrm.regions.build import build_region, sample_extract
    from fieldcrm.regions.places import read_places
    from fieldcrm.regions.roads import Roads

    extract = sample_extract()
    roads = Roads(build_region(extract, home, "helsinki").folder)
    places = read_places(extract)
    found: dict[str, Any] = {
        "one_rep_15_visits": _series(roads, places, 1, 15, seeds, 2.0, False),
        "six_reps_78_visits": _series(roads, places, 6, 78, seeds, 10.0, False),
        "six_reps_78_visits_shared": _series(roads, places, 6, 78, seeds, 10.0, True),
    }
    found["rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    log(json.dumps(found))
    return found


def _series(
    roads: Roads, places: list[Place], reps: int, visits: int, seeds: int, limit_s: float,
    is_shared: bool,
) -> dict[str, Any]:  # fmt: skip
    from importlib import import_module

    solver = import_module("workers.optimiser.solve")
    runs: dict[str, list[dict[str, Any]]] = {}
    for seed in range(1, seeds + 1):
        started = time.perf_counter()
        problem = random_day(roads, places, reps, visits, seed, is_shared)
        problem_s = time.perf_counter() - started
        ways: dict[str, Callable[[], Plan]] = {
            "solve": lambda p=problem, s=seed: solver.solve(
                p, solver.Limit(seconds=0.75 * limit_s), seed=s
            ),
            "quick": lambda p=problem, s=seed: search.plan_quickly(p, s),
            "ortools_default": lambda p=problem: solver.plain(p, limit_s),
            "nearest": lambda p=problem: search.plan_of(
                (b := Board(p)), search.nearest_neighbour(b), "nearest"
            ),
        }
        for name, make in ways.items():
            run = measure(make, problem) | {"seed": seed}
            run["seconds"] = round(run["seconds"] + problem_s, 3)
            runs.setdefault(name, []).append(run)
    return {"limit_s": limit_s, **{name: _summary(found, limit_s) for name, found in runs.items()}}


def _summary(runs: list[dict[str, Any]], limit_s: float) -> dict[str, Any]:
    return {
        "max_s": max(r["seconds"] for r in runs),
        "mean_s": round(statistics.mean(r["seconds"] for r in runs), 3),
        "mean_cpu_s": round(statistics.mean(r["cpu_s"] for r in runs), 3),
        "is_within_limit": all(r["seconds"] <= limit_s for r in runs),
        "mean_cost": round(statistics.mean(r["cost"] for r in runs)),
        "mean_travel_s": round(statistics.mean(r["travel_s"] for r in runs)),
        "dropped": sum(r["dropped"] for r in runs),
        "violations": sum(r["violations"] for r in runs),
        "runs": runs,
    }  # fmt: skip


def main(arguments: list[str]) -> None:
    """`fieldcrm bench plan [--seeds N] [--home FOLDER]`: prints one JSON object last."""
    import argparse
    import tempfile

    parser = argparse.ArgumentParser(prog="fieldcrm bench plan", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="random days of each kind")
    parser.add_argument("--home", type=Path, help="where the region is built or stands already")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        bench(options.home or Path(folder), options.seeds)
