"""The solver: the compiled search makes orders, CP-SAT decides between them.

OR-Tools Routing and the plain search stand in while nothing is compiled yet (`days.ready`).
Deterministic for a problem, a seed and a number of steps; the limit in seconds is a net below that,
and a plan cut off by it says so.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from fieldcrm.planning import balance, search
from fieldcrm.planning.board import Board, Draft, Orders
from fieldcrm.planning.model import NO_WAY, Plan, Problem
from fieldcrm.planning.timing import LATE_WEIGHT, SPAN_SHARE, due_break, start_windows
from workers.optimiser.days import ready

PLAIN_SHARE = 0.9
"""Of what is left of the limit, so much at most goes to OR-Tools' own search of a shared day."""
PLAIN_STEPS = 300
"""Steps of the plain search, where it stands in."""
FEW_VISITS = 40
"""One rep's day of so many visits is planned as well without loading the compiled search."""
MANY_VISITS = 400
"""So many are placed by the compiled search's first step: placing 1,200 one by one takes 13 s."""
FEW_REPS = 12
"""So many reps' days are combined by CP-SAT and evened out at the end; more only by the search."""
Progress = Callable[[float, Plan | None], None]
"""(share done 0 to 1, best plan so far or None); raising stops the search."""


@dataclass(frozen=True)
class Limit:
    """When to stop: after so many steps, and at the latest after so many seconds."""

    steps: int | None = None
    """Ruin-and-recreate steps for each part of the problem; None: as many as its size is worth."""
    seconds: float = 8.0
    is_cancelled: Callable[[], bool] = lambda: False


def solve(
    problem: Problem, limit: Limit | None = None, seed: int = 0, progress: Progress | None = None
) -> Plan:
    """The best plan found; never worse than keeping the present orders.

    Raises nothing for an impossible problem: what can't be placed is dropped with its reason.
    """
    limit, tell = limit or Limit(), progress or (lambda share, plan: None)
    if problem.budget is not None:
        return _Solver(problem, limit, seed, tell).run()
    parts, plans = search.independent_parts(problem), list[Plan]()
    until = time.monotonic() + limit.seconds
    for n, part in enumerate(parts):
        mine = replace(limit, seconds=max(0.0, (until - time.monotonic()) / (len(parts) - n)))
        plans.append(_Solver(part, mine, seed, _share_of(tell, n, len(parts))).run())
    return search.joined(problem, plans)


def _share_of(tell: Progress, n: int, parts: int) -> Progress:
    """Progress of one part as progress of the whole; a plan is told only where it is the whole."""
    return lambda share, plan: tell((n + share) / parts, plan if parts == 1 else None)


class _Solver:
    def __init__(self, problem: Problem, limit: Limit, seed: int, progress: Progress) -> None:
        self.board, self.limit, self.seed, self.progress = Board(problem), limit, seed, progress
        self.problem = problem
        self.until = time.monotonic() + limit.seconds
        self.was_cut = False
        self.pool: list[dict[tuple[int, ...], int]] = [{} for _ in problem.shifts]

    def run(self) -> Plan:
        best = self._start()
        self.progress(0.1, self._plan(best))
        if self.problem.budget is not None:
            best = self._within_budget(best, self.problem.budget)
        elif len(best.out) < len(self.problem.jobs) or self.board.placeable:
            best = self._search(best)
        self.progress(1.0, None)
        return self._plan(best)

    def _start(self) -> Draft:
        """The better of the present orders, filled up, and orders made from nothing."""
        now = search.order_now(self.board)
        if self.problem.budget is not None:
            return now
        locked = [i for i, job in enumerate(self.problem.jobs) if job.is_locked]
        if len(self.problem.jobs) > MANY_VISITS and ready.is_ready():
            return search.fill(self.board, now, locked)
        fresh = search.fill(self.board, search.fill(self.board, self.board.empty(), locked))
        return min(search.fill(self.board, now), fresh, key=lambda d: d.cost)

    def _search(self, best: Draft) -> Draft:
        """The compiled search, then CP-SAT's choice among its orders; each only where it is better."""
        is_alone = len(self.problem.shifts) < 2
        for n, improver in enumerate(self._improvers(is_alone)):
            if self._is_wanted():
                better = improver(best)
                is_better = better is not None and self._price(better) < self._price(best)
                best = better if better is not None and is_better else best
            self.progress(0.8 + 0.05 * n, self._plan(best) if self._is_small else None)
        best = search.fill(self.board, best)
        return best if is_alone or not self._is_small else balance.balanced(self.board, best)

    def _improvers(self, is_alone: bool) -> list[Callable[[Draft], Draft | None]]:
        """What is tried in turn (measured: docs/decisions/0006-solver.md)."""
        if is_alone and len(self.board.placeable) <= FEW_VISITS:
            return [self._by_steps, self._by_routing]
        if not ready.is_ready():
            return [self._by_plain_routing, self._by_steps, self._by_combining]
        return [self._by_compiled, *([self._by_combining] if self._is_small else [])]

    @property
    def _is_small(self) -> bool:
        return len(self.problem.shifts) <= FEW_REPS

    def _price(self, draft: Draft) -> float:
        return balance.price(self.board, draft) if len(self.problem.shifts) > 1 else draft.cost

    def _by_compiled(self, best: Draft) -> Draft:
        from workers.optimiser.days import search as days

        worth = self.limit.steps or days.steps_worth(len(self.board.placeable))
        begun = time.monotonic()

        def done(steps: int) -> float:
            spent = (time.monotonic() - begun) / max(1e-3, self.until - begun)
            share = max(steps / worth, spent)
            self.progress(0.1 + 0.7 * min(1.0, share), None)
            return share if steps / worth >= 1 or self._is_wanted() else 1.0

        keep = self._keep_orders if self._is_small else lambda orders: None
        return days.improve(self.board, best, done, self.seed, len(self.problem.shifts) > 1, keep)

    def _keep_orders(self, orders: Orders) -> None:
        for shift, order in enumerate(orders):
            if order not in self.pool[shift]:
                self.pool[shift][order] = self.board.order_cost(shift, order) or 0

    def _by_steps(self, best: Draft) -> Draft:
        steps = min(PLAIN_STEPS, self.limit.steps or PLAIN_STEPS)
        found = search.improve(self.board, best, steps, self.seed, self._is_wanted, self._keep)
        self._keep(found)
        return found

    def _by_plain_routing(self, best: Draft) -> Draft | None:
        """OR-Tools comes to an end by itself; cut short on a busy machine it would be worse alone."""
        seconds = PLAIN_SHARE * (self.until - time.monotonic())
        return self._checked(route(self.board, None, 0, max(0.1, seconds), is_plain=True))

    def _within_budget(self, start: Draft, budget: int) -> Draft:
        """Few changes of the present orders; a free search counts where it happens to be as tame."""
        best = search.change_within(self.board, start, budget)
        free = self._by_steps(search.fill(self.board, best)) if budget else best
        is_tame = search.moved(self.board, free) <= budget
        return free if is_tame and free.cost < best.cost - search.WORTH_A_CHANGE_S else best

    def _is_wanted(self) -> bool:
        if time.monotonic() > self.until or self.limit.is_cancelled():
            self.was_cut = True
        return not self.was_cut

    def _keep(self, draft: Draft) -> None:
        """Remember each order as a column for `_by_combining`."""
        for shift, order in enumerate(draft.orders):
            self.pool[shift].setdefault(order, self.board.order_cost(shift, order) or 0)

    def _plan(self, draft: Draft) -> Plan:
        return search.plan_of(self.board, draft, "ruin+ortools", not self.was_cut)

    def _by_routing(self, best: Draft) -> Draft | None:
        """OR-Tools' own local search from the best draft on."""
        seconds = min(self.limit.seconds / 4, self.until - time.monotonic())
        solutions = min(60, 10 + 4 * len(self.board.placeable))
        orders = route(self.board, best.orders, solutions, seconds=max(0.1, seconds))
        return self._checked(orders)

    def _checked(self, orders: Orders | None) -> Draft | None:
        """Orders as a draft, None if our own timetable finds one of them impossible."""
        if orders is None or any(
            self.board.order_cost(s, order) is None for s, order in enumerate(orders)
        ):
            return None
        draft = self.board.draft(orders)
        self._keep(draft)
        return draft

    def _by_combining(self, best: Draft) -> Draft | None:
        """CP-SAT chooses one order per rep from all that were found (set partitioning)."""
        if len(self.problem.shifts) < 2:
            return None
        return self._checked(combine(self.board, self.pool, best))


def combine(
    board: Board, pool: list[dict[tuple[int, ...], int]], best: Draft, columns: int = 400
) -> Orders | None:
    """The cheapest choice of one known order per shift, no job twice."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    chosen: dict[tuple[int, tuple[int, ...]], Any] = {}
    cost: list[Any] = []
    covering: dict[int, list[Any]] = {}
    for shift, orders in enumerate(pool):
        kept = dict(sorted(orders.items(), key=lambda item: (item[1], item[0]))[-columns:])
        for order in {*kept, (), best.orders[shift]}:
            pick = model.new_bool_var("")
            chosen[shift, order] = pick
            price = board.order_cost(shift, order) or 0
            cost.append(pick * (price - sum(board.problem.jobs[j].penalty_s for j in order)))
            for job in order:
                covering.setdefault(job, []).append(pick)
        model.add_exactly_one(p for (s, _), p in chosen.items() if s == shift)
    for picks in covering.values():
        model.add_at_most_one(picks)
    for shift, order in enumerate(best.orders):
        for (s, o), pick in chosen.items():
            if s == shift:
                model.add_hint(pick, o == order)
    model.minimize(sum(cost))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_deterministic_time = 1.0
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    picked = {s: order for (s, order), pick in chosen.items() if solver.value(pick)}
    return tuple(picked[s] for s in range(len(pool)))


def route(
    board: Board, start: Orders | None, solutions: int, seconds: float, is_plain: bool = False
) -> Orders | None:
    """OR-Tools Routing on the whole problem: guided local search from given orders.

    `is_plain` uses its default search instead, for comparison. None where it finds nothing.
    """
    return _RoutingModel(board).solve(start, solutions, seconds, is_plain)


class _RoutingModel:
    """The problem in OR-Tools' terms: nodes 0..n-1 are placeable jobs, then starts, then ends.

    Costs are tenths of a second, so that a second of working time weighs a tenth of one of travel.
    """

    def __init__(self, board: Board) -> None:
        from ortools.constraint_solver import pywrapcp

        self.board, problem = board, board.problem
        self.jobs = sorted(board.placeable)
        n, k = len(self.jobs), len(problem.shifts)
        starts, ends = list(range(n, n + k)), list(range(n + k, n + 2 * k))
        self.manager = pywrapcp.RoutingIndexManager(n + 2 * k, k, starts, ends)
        self.model = pywrapcp.RoutingModel(self.manager)
        self.place = [problem.jobs[j].place or 0 for j in self.jobs]
        self.place += [s.start_place for s in problem.shifts]
        self.place += [s.end_place for s in problem.shifts]
        self.service = [problem.jobs[j].service_s for j in self.jobs] + [0] * (2 * k)
        self.horizon = max([s.end_s for s in problem.shifts], default=0) + 86_400
        self._add_travel()
        self._add_jobs()
        self._add_breaks()

    def _add_travel(self) -> None:
        """A time and a cost matrix per mode; a pair without a way costs more than a day."""
        by_mode: dict[str, tuple[int, int]] = {}
        for shift, table in zip(self.board.problem.shifts, self.board.tables, strict=True):
            if shift.mode not in by_mode:
                rows = table.ways.duration_s
                travel = [[self._leg(rows[a][b]) for b in self.place] for a in self.place]
                with_visit = [
                    [t + s for t in row] for row, s in zip(travel, self.service, strict=True)
                ]
                cost = [[t * SPAN_SHARE for t in row] for row in travel]
                by_mode[shift.mode] = (
                    self.model.RegisterTransitMatrix(with_visit),
                    self.model.RegisterTransitMatrix(cost),
                )
        chosen = [by_mode[s.mode] for s in self.board.problem.shifts]
        for vehicle, (_, cost) in enumerate(chosen):
            self.model.SetArcCostEvaluatorOfVehicle(cost, vehicle)
        self.model.AddDimensionWithVehicleTransits(
            [t for t, _ in chosen], self.horizon, self.horizon, False, "time"
        )
        self.time = self.model.GetDimensionOrDie("time")
        self.time.SetSpanCostCoefficientForAllVehicles(1)
        for vehicle, shift in enumerate(self.board.problem.shifts):
            self.time.CumulVar(self.model.Start(vehicle)).SetValue(shift.start_s)
            self.time.CumulVar(self.model.End(vehicle)).SetRange(shift.start_s, shift.end_s)

    def _leg(self, seconds: int) -> int:
        return self.horizon if seconds == NO_WAY else seconds

    def _add_jobs(self) -> None:
        for node, job_index in enumerate(self.jobs):
            job = self.board.problem.jobs[job_index]
            index = self.manager.NodeToIndex(node)
            self.model.AddDisjunction([index], job.penalty_s * SPAN_SHARE)
            self.model.VehicleVar(index).SetValues([-1, *self.board.homes[job_index]])
            windows = start_windows(job)
            cumul = self.time.CumulVar(index)
            cumul.SetRange(windows[0][0], min(windows[-1][1], self.horizon))
            for (_, last), (begin, _) in itertools.pairwise(windows):
                if last + 1 <= begin - 1:
                    cumul.RemoveInterval(last + 1, begin - 1)
            if job.fixed_s is not None:
                self.time.SetCumulVarSoftUpperBound(index, job.fixed_s, LATE_WEIGHT * SPAN_SHARE)

    def _add_breaks(self) -> None:
        solver = self.model.solver()
        for vehicle, shift in enumerate(self.board.problem.shifts):
            lunch = due_break(shift)
            if lunch is not None:
                interval = solver.FixedDurationIntervalVar(
                    lunch.earliest_s, lunch.latest_s, lunch.duration_s, False, f"lunch {vehicle}"
                )
                self.time.SetBreakIntervalsOfVehicle([interval], vehicle, self.service_by_index())

    def service_by_index(self) -> list[int]:
        """Visit lengths by OR-Tools' own index: the part of a transit that a pause can't cut."""
        size = self.model.Size() + self.model.vehicles()
        return [self.service[self.manager.IndexToNode(i)] for i in range(size)]

    def solve(
        self, start: Orders | None, solutions: int, seconds: float, is_plain: bool
    ) -> Orders | None:
        from ortools.constraint_solver import pywrapcp, routing_enums_pb2

        wanted = pywrapcp.DefaultRoutingSearchParameters()
        wanted.time_limit.FromMilliseconds(round(seconds * 1000))
        if not is_plain:
            first, local = (
                routing_enums_pb2.FirstSolutionStrategy, routing_enums_pb2.LocalSearchMetaheuristic
            )  # fmt: skip
            wanted.first_solution_strategy = first.SAVINGS
            wanted.local_search_metaheuristic = local.GUIDED_LOCAL_SEARCH
            wanted.solution_limit = solutions
            self.model.AddSearchMonitor(self.model.solver().FailuresLimit(20 * solutions))
        if start is None:
            answer = self.model.SolveWithParameters(wanted)
        else:
            self.model.CloseModelWithParameters(wanted)
            node = {job: n for n, job in enumerate(self.jobs)}
            routes = [[self.manager.NodeToIndex(node[j]) for j in order] for order in start]
            begin = self.model.ReadAssignmentFromRoutes(routes, True)
            answer = begin and self.model.SolveFromAssignmentWithParameters(begin, wanted)
        return self._orders(answer) if answer else None

    def _orders(self, answer: Any) -> Orders:
        return tuple(self._order(answer, v) for v in range(self.model.vehicles()))

    def _order(self, answer: Any, vehicle: int) -> tuple[int, ...]:
        order: list[int] = []
        index = answer.Value(self.model.NextVar(self.model.Start(vehicle)))
        while not self.model.IsEnd(index):
            order.append(self.jobs[self.manager.IndexToNode(index)])
            index = answer.Value(self.model.NextVar(index))
        return tuple(order)


def plain(problem: Problem, seconds: float) -> Plan:
    """OR-Tools Routing with its defaults alone, for the bench."""
    board = Board(problem)
    orders = route(board, None, 0, seconds, is_plain=True)
    if orders is None or any(board.order_cost(s, o) is None for s, o in enumerate(orders)):
        return replace(search.plan_of(board, board.empty(), "ortools-default"))
    return search.plan_of(board, board.draft(orders), "ortools-default")
