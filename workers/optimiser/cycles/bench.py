"""How good our plans of a cycle are: a rep's territory, and published periodic problems."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

from fieldcrm.planning.cycle_check import check_cycle
from fieldcrm.planning.cycle_files import read_cycle
from fieldcrm.planning.cycle_model import CycleProblem, Tours, plan_as_json
from workers.optimiser.cycles.solve import solve
from workers.optimiser.routes.solve import Stop

CLOCKS = {"wall": time.monotonic, "processor": time.process_time}


def main(arguments: list[str]) -> None:
    """`fieldcrm bench cycle --seconds S [...] FILE...`: prints one JSON object last."""
    options = _parser().parse_args(arguments)
    solve(read_cycle(options.files[0]), Stop(steps=1))  # loads the compiled search, or compiles it
    rows: list[dict[str, Any]] = []
    for path in options.files:
        problem = read_cycle(path)
        stop = Stop(seconds=options.seconds, clock=CLOCKS[options.clock])
        found = solve(problem, stop, options.seed)
        rows.append(_row(problem, found.plan))
        print(json.dumps(rows[-1] | {"steps": found.steps}), flush=True)
        if options.out:
            options.out.write_text(json.dumps(plan_as_json(problem, found.plan)) + "\n")
    gaps = [row["gap"] for row in rows if row["gap"] is not None]
    print(json.dumps({
        "seconds": options.seconds, "seed": options.seed, "clock": options.clock,
        "mean_gap": round(statistics.mean(gaps), 3) if gaps else None, "files": rows,
    }))  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fieldcrm bench cycle", description=__doc__)
    parser.add_argument("--seconds", type=float, required=True, help="for each file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="where the (last) plan is written as JSON")
    parser.add_argument(
        "--clock", choices=sorted(CLOCKS), default="wall",
        help="processor: seconds this process computes, for busy machines",
    )  # fmt: skip
    parser.add_argument("files", nargs="+", type=Path)
    return parser


def _row(problem: CycleProblem, plan: Tours) -> dict[str, Any]:
    broken = [f"{v.kind} {v.subject} {v.detail}".rstrip() for v in check_cycle(problem, plan)]
    cost = round(problem.told_cost(plan), 2)
    best = problem.best_known
    is_fair = best is not None and not broken
    row: dict[str, Any] = {
        "name": problem.name, "cost": cost,
        "missed": {"A": 0, "B": 0, "C": 0} | problem.missed_by_category(plan),
        "visits": sum(len(tour) for tours in plan for tour in tours),
        "driving_h": round(problem.travel_s(plan) / 3600, 2) if problem.exact is None else None,
        "violations": len(broken),
        "gap": round(100 * (cost / best - 1), 3) if best is not None and is_fair else None,
    }  # fmt: skip
    return row | ({"broken": broken[:20]} if broken else {})
