"""Chooses the best set of routes out of all that a search met: GLOP prices them, CP-SAT decides.

Set partitioning. The linear program's prices throw out every route that can't be part of anything
better than what is known, which leaves CP-SAT a small exact problem.
"""

from __future__ import annotations

from dataclasses import dataclass

Route = tuple[int, ...]


@dataclass(frozen=True)
class Columns:
    """Routes to choose from, and what each costs less the prizes of its clients."""

    routes: list[Route]
    costs: list[int]


def combine(
    columns: Columns, clients: int, is_optional: list[bool], fleet: int, bound: int, seconds: float
) -> list[int] | None:
    """Indices of a choice cheaper than `bound`, None where there is none or no time.

    Every client 1..clients once, at most once where optional; at most `fleet` routes.
    """
    from ortools.sat.python import cp_model

    kept = _worth(columns, clients, is_optional, fleet, bound)
    if not kept:
        return None
    model = cp_model.CpModel()
    picks = {n: model.new_bool_var("") for n in kept}
    covering: list[list[cp_model.IntVar]] = [[] for _ in range(clients + 1)]
    for n, pick in picks.items():
        for client in columns.routes[n]:
            covering[client].append(pick)
    for client in range(1, clients + 1):
        if is_optional[client]:
            model.add_at_most_one(covering[client])
        else:
            model.add_exactly_one(covering[client])
    model.add(sum(picks.values()) <= fleet)
    cost = sum(pick * columns.costs[n] for n, pick in picks.items())
    model.add(cost <= bound - 1)
    model.minimize(cost)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_deterministic_time = seconds
    solver.parameters.max_time_in_seconds = 2 * seconds
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    return [n for n, pick in picks.items() if solver.value(pick)]


def _worth(
    columns: Columns, clients: int, is_optional: list[bool], fleet: int, bound: int
) -> list[int]:
    """Columns whose reduced cost leaves room below `bound`; none if nothing can be better."""
    from ortools.linear_solver import pywraplp

    solver = pywraplp.Solver.CreateSolver("GLOP")
    endless = solver.infinity()
    rows = [
        solver.RowConstraint(0.0 if is_optional[c] else 1.0, 1.0, "") for c in range(clients + 1)
    ]
    rows[0].SetBounds(0.0, float(fleet))
    goal = solver.Objective()
    variables = []
    for route, cost in zip(columns.routes, columns.costs, strict=True):
        variable = solver.NumVar(0.0, endless, "")
        goal.SetCoefficient(variable, cost)
        rows[0].SetCoefficient(variable, 1.0)
        for client in route:
            rows[client].SetCoefficient(variable, 1.0)
        variables.append(variable)
    goal.SetMinimization()
    if solver.Solve() != pywraplp.Solver.OPTIMAL:
        return []
    room = bound - goal.Value() - 1
    if room < -1e-6:
        return []
    ranked = sorted((v.reduced_cost(), n) for n, v in enumerate(variables))
    return [n for reduced, n in ranked[:MOST_FOR_CP] if reduced <= room + 1e-6]


MOST_FOR_CP = 2500
"""Columns that CP-SAT gets; more timed out."""
