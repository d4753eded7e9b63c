"""How near our routes come to the best known ones, beside other solvers on the same processor."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

from workers.optimiser.routes import peers
from workers.optimiser.routes.instances import Instance, read_instance
from workers.optimiser.routes.peers import Routes
from workers.optimiser.routes.solve import Stop, solve

CLOCKS = {"wall": time.monotonic, "processor": time.process_time}


def main(arguments: list[str]) -> None:
    """`fieldcrm bench routes --seconds S [...] FILE...`: prints one JSON object last."""
    options = _parser().parse_args(arguments)
    known = _reference(options.reference)
    wanted = [p for p in options.against.split(",") if p]
    _warm_up(read_instance(options.files[0]))
    ours: list[dict[str, Any]] = []
    theirs: dict[str, list[dict[str, Any]]] = {p: [] for p in wanted if peers.is_installed(p)}
    for path in options.files:
        instance = read_instance(path)
        best = known.get(path.stem, known.get(instance.name, _beside(path)))
        ours.append(_row(instance, best, _ours(instance, options)))
        for peer, rows in theirs.items():
            if peer == "vroom" and instance.is_prize_collecting:
                continue
            found = peers.plan(peer, instance, options.seconds, options.seed, CLOCKS[options.clock])
            rows.append(_row(instance, best, found))
        shown = {peer: rows[-1].get("gap") for peer, rows in theirs.items() if rows}
        print(json.dumps(ours[-1] | shown), flush=True)
    missing = {p: {"error": "not installed (pip install 'fieldcrm[bench]')"} for p in wanted}
    told = {p: _summary(rows) for p, rows in theirs.items()}
    print(json.dumps(
        {"seconds": options.seconds, "seed": options.seed, "clock": options.clock}
        | _summary(ours) | {"peers": missing | told}
    ))  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fieldcrm bench routes", description=__doc__)
    parser.add_argument("--seconds", type=float, required=True, help="for each file and solver")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reference", type=Path, help='JSON: name to a number or to {"bks": n}')
    parser.add_argument("--against", default="", help="of pyvrp,vroom,ortools")
    parser.add_argument(
        "--clock", choices=sorted(CLOCKS), default="wall",
        help="processor: seconds this process computes, for busy machines (ours and PyVRP)",
    )  # fmt: skip
    parser.add_argument("files", nargs="+", type=Path)
    return parser


def _reference(path: Path | None) -> dict[str, float]:
    told = json.loads(path.read_text()) if path else {}
    return {n: float(v["bks"] if isinstance(v, dict) else v) for n, v in told.items()}


def _beside(path: Path) -> float | None:
    """The cost in the solution file beside an instance, None without one."""
    solution = path.with_suffix(".sol")
    if not solution.exists():
        return None
    words = solution.read_text().split()
    return float(words[-1]) if words and words[-2].lower().startswith("cost") else None


def _warm_up(instance: Instance) -> None:
    """Load the compiled search before the clock runs (the first time ever it is compiled)."""
    solve(instance, Stop(steps=1))


def _ours(instance: Instance, options: argparse.Namespace) -> Routes:
    stop = Stop(seconds=options.seconds, clock=CLOCKS[options.clock])
    return solve(instance, stop, options.seed).routes


def _row(instance: Instance, best: float | None, routes: Routes) -> dict[str, Any]:
    routes = [route for route in routes if route]
    faults = instance.faults(routes)
    cost = round(instance.shown_cost(routes), 1)
    gap = None if best is None or faults else round(100 * (cost / best - 1), 4)
    row = {"name": instance.name, "cost": cost, "gap": gap, "routes": len(routes)}
    return row | ({"faults": faults} if faults else {})


def _summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The mean gap counts only where every file has one: a fault is no good result."""
    gaps = [row["gap"] for row in rows]
    complete = bool(gaps) and None not in gaps
    return {"mean_gap": round(statistics.mean(gaps), 4) if complete else None, "files": rows}
