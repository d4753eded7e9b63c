"""Finds good orders by putting visits where they cost least, taking some out and trying again.

Ruin and recreate after Christiaens and Vanden Berghe, "Slack Induction by String Removals"
(Transportation Science 2020), small enough to plan a rep's day in milliseconds. Deterministic for a
seed. Pure; the optimiser worker adds OR-Tools on top, the sample's history uses it alone.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from fieldcrm.planning import reasons, rules
from fieldcrm.planning.board import Board, Draft, Orders, inserted
from fieldcrm.planning.model import Dropped, Plan, Problem
from fieldcrm.planning.timing import may_do

WORTH_A_CHANGE_S = 60
"""A stop is taken elsewhere only if that saves so much: a rep's plan is not stirred for seconds."""


def fill(board: Board, draft: Draft, jobs: Iterable[int] | None = None) -> Draft:
    """Place what still fits, most valuable first, each where it costs least."""
    wanted = (draft.out if jobs is None else frozenset(jobs)) & board.placeable
    for job in sorted(wanted, key=lambda j: (-board.problem.jobs[j].penalty_s, j)):
        place = board.best_insertion(draft, job)
        if place is not None:
            draft = board.draft(inserted(draft.orders, place[1], place[2], job))
    return draft


def improve(
    board: Board, draft: Draft, steps: int, seed: int,
    is_wanted: Callable[[], bool] = lambda: True, on_best: Callable[[Draft], None] | None = None,
) -> Draft:  # fmt: skip
    """Ruin and recreate for a number of steps, accepting worse drafts less and less.

    `is_wanted` is asked each step; the best draft so far is returned when it says no.
    """
    rng = random.Random(seed)
    best = now = draft
    heat = max(20.0, 0.02 * (best.cost - sum(board.problem.jobs[j].penalty_s for j in best.out)))
    for step in range(steps):
        if not is_wanted():
            break
        tried = _recreate(board, *_ruin(board, now, rng), rng)
        warmth = heat * 0.01 ** (step / max(1, steps))
        if tried.cost < now.cost - warmth * math.log(rng.random() or 1e-9):
            now = tried
        if now.cost < best.cost:
            best = now
            if on_best:
                on_best(best)
    return best


def _ruin(board: Board, draft: Draft, rng: random.Random) -> tuple[list[list[int]], list[int]]:
    """Take out strings of stops around a random one."""
    orders = [list(order) for order in draft.orders]
    placed = [j for order in orders for j in order]
    if not placed:
        return orders, []
    centre = rng.choice(placed)
    near = _by_nearness(board, centre, orders)
    removed: list[int] = []
    for shift, index in near[: rng.randint(1, 3)]:
        order = orders[shift]
        length = rng.randint(1, min(6, len(order)))
        start = max(0, min(index - rng.randint(0, length - 1), len(order) - length))
        removed += order[start : start + length]
        del order[start : start + length]
    return orders, removed


def _by_nearness(board: Board, centre: int, orders: list[list[int]]) -> list[tuple[int, int]]:
    """(shift, index) of the stop nearest to the centre in each order, nearest order first."""
    place = board.problem.jobs[centre].place
    found: list[tuple[int, int, int]] = []
    for shift, order in enumerate(orders):
        if order:
            row = board.tables[shift].ways.duration_s[place or 0]
            seconds, index = min(
                (row[board.problem.jobs[j].place or 0], i) for i, j in enumerate(order)
            )
            found.append((seconds if centre not in order else -1, shift, index))
    return [(shift, index) for _, shift, index in sorted(found)]


def _recreate(
    board: Board, orders: list[list[int]], removed: list[int], rng: random.Random
) -> Draft:
    """Put back what is out, in one of several sequences, each at its cheapest place."""
    # Taking a stop out can break an order: a way on foot may be longer than two drives.
    frozen = [_keep_feasible(board, shift, order) for shift, order in enumerate(orders)]
    placed = {j for order in frozen for j in order}
    waiting = [j for j in board.placeable if j not in placed]
    for job in _sequence(board, waiting, rng):
        best: tuple[int, int, int] | None = None
        for shift in board.homes[job]:
            place = board.best_place(shift, frozen[shift], job, 0.02, rng)
            if place is not None and (best is None or place[0] < best[0]):
                best = (place[0], shift, place[1])
        if best is not None and best[0] < board.problem.jobs[job].penalty_s:
            order = frozen[best[1]]
            frozen[best[1]] = (*order[: best[2]], job, *order[best[2] :])
    return board.draft(tuple(frozen))


def _sequence(board: Board, jobs: list[int], rng: random.Random) -> list[int]:
    jobs = sorted(jobs)
    rng.shuffle(jobs)
    chosen = rng.random()
    info = board.problem.jobs
    if chosen < 0.4:
        jobs.sort(key=lambda j: -info[j].penalty_s)
    elif chosen < 0.7:
        jobs.sort(key=lambda j: sum(w.end_s - w.start_s for w in info[j].windows))
    return jobs


def order_now(board: Board) -> Draft:
    """The present orders as a draft: what can't be kept in its place is out."""
    index = {job.id: i for i, job in enumerate(board.problem.jobs)}
    orders: list[tuple[int, ...]] = []
    for shift, table in zip(board.problem.shifts, board.tables, strict=True):
        wanted = [index[i] for i in board.problem.before.get(shift.id, ()) if i in index]
        orders.append(_keep_feasible(board, len(orders), [j for j in wanted if table.may(j)]))
    return board.draft(tuple(orders))


def _keep_feasible(board: Board, shift: int, wanted: list[int]) -> tuple[int, ...]:
    """The wanted order without what breaks it, the least valuable left out first."""
    order = tuple(wanted)
    if board.order_cost(shift, order) is not None:
        return order
    kept: set[int] = set()
    for job in sorted(wanted, key=lambda j: (-board.problem.jobs[j].penalty_s, wanted.index(j))):
        tried = tuple(j for j in wanted if j in kept or j == job)
        if board.order_cost(shift, tried) is not None:
            kept.add(job)
    return tuple(j for j in wanted if j in kept)


def change_within(board: Board, draft: Draft, budget: int) -> Draft:
    """The best draft that takes at most `budget` stops of the present orders elsewhere.

    What is out goes back in as far as the budget allows, then the best single change again and
    again, while it is worth a minute.
    """
    draft = _fill_within(board, draft, budget)
    while (tried := _best_change(board, draft, budget)) is not None:
        if tried.cost > draft.cost - WORTH_A_CHANGE_S:
            break
        draft = tried
    return draft


def _fill_within(board: Board, draft: Draft, budget: int) -> Draft:
    jobs = board.problem.jobs
    for job in sorted(draft.out & board.placeable, key=lambda j: (-jobs[j].penalty_s, j)):
        options = [d for d in _everywhere(board, draft.orders, job) if moved(board, d) <= budget]
        draft = min(options, key=lambda d: d.cost, default=draft)
    return draft


def _best_change(board: Board, draft: Draft, budget: int) -> Draft | None:
    """The best draft that differs in where one stop stands (and in what then fits as well)."""
    best: Draft | None = None
    for shift, order in enumerate(draft.orders):
        for index, job in enumerate(order):
            rest = (*order[:index], *order[index + 1 :])
            if board.order_cost(shift, rest) is None:
                continue
            without = (*draft.orders[:shift], rest, *draft.orders[shift + 1 :])
            for tried in _everywhere(board, without, job):
                if moved(board, tried) > budget:  # taking in more never makes it fewer
                    continue
                tried = _fill_within(board, tried, budget) if draft.out else tried
                if best is None or tried.cost < best.cost:
                    best = tried
    return best


def _everywhere(board: Board, orders: Orders, job: int) -> Iterable[Draft]:
    for shift in board.homes[job]:
        for index in range(len(orders[shift]) + 1):
            tried = inserted(orders, shift, index, job)
            if board.order_cost(shift, tried[shift]) is not None:
                yield board.draft(tried)


def moved(board: Board, draft: Draft) -> int:
    """How many stops of the present orders a draft takes elsewhere (see `rules.moved_ids`)."""
    named = {
        shift.id: [board.problem.jobs[j].id for j in order]
        for shift, order in zip(board.problem.shifts, draft.orders, strict=True)
    }
    return len(rules.moved_ids(board.problem.before, named))


def plan_of(board: Board, draft: Draft, engine: str, is_done: bool = True) -> Plan:
    """The draft as a plan: times, a reason for each stop and for each visit left out."""
    tours = []
    for table, order in zip(board.tables, draft.orders, strict=True):
        timed = table.time(order)
        if timed is None:
            raise ValueError("an impossible order in a draft")
        tours.append(table.tour(order, timed))
    explained = reasons.explain(board, draft, tuple(tours))
    left = tuple(Dropped(board.problem.jobs[j].id, *reasons.why_out(board, draft, j))
                 for j in sorted(draft.out))  # fmt: skip
    return Plan(explained, left, draft.cost, engine, is_done)


def nearest_neighbour(board: Board) -> Draft:
    """The plainest plan: each rep goes to the nearest visit that still fits. For comparison only."""
    draft, open_jobs = board.empty(), set(board.placeable)
    while True:
        step = _nearest_step(board, draft, open_jobs)
        if step is None:
            return draft
        shift, job = step
        draft = board.draft(inserted(draft.orders, shift, len(draft.orders[shift]), job))
        open_jobs.discard(job)


def _nearest_step(board: Board, draft: Draft, open_jobs: set[int]) -> tuple[int, int] | None:
    found: list[tuple[int, int, int]] = []
    for shift, order in enumerate(draft.orders):
        table = board.tables[shift]
        at = board.problem.jobs[order[-1]].place if order else table.shift.start_place
        row = table.ways.duration_s[at or 0]
        found += [
            (row[board.problem.jobs[j].place or 0], shift, j)
            for j in open_jobs & table.allowed
            if board.order_cost(shift, (*order, j)) is not None
        ]
    return min(found)[1:] if found else None


def independent_parts(problem: Problem) -> list[Problem]:
    """The problem cut where no visit could go to a rep of another part; each is solved alone.

    Reps who keep their own visits make a part each, which turns a team's day into small days.
    """
    groups: list[tuple[set[str], list[str]]] = [({s.id}, []) for s in problem.shifts]
    nobody: list[str] = []
    for job in problem.jobs:
        mine = [g for g in groups if any(s.id in g[0] and may_do(job, s) for s in problem.shifts)]
        if not mine:
            nobody.append(job.id)
            continue
        for other in mine[1:]:
            mine[0][0].update(other[0])
            mine[0][1].extend(other[1])
            groups.remove(other)
        mine[0][1].append(job.id)
    if nobody:
        groups.append((set(), nobody))
    return [_part(problem, shifts, set(jobs)) for shifts, jobs in groups]


def _part(problem: Problem, shifts: set[str], jobs: set[str]) -> Problem:
    return replace(
        problem, shifts=tuple(s for s in problem.shifts if s.id in shifts),
        jobs=tuple(j for j in problem.jobs if j.id in jobs),
        before={rep: ids for rep, ids in problem.before.items() if rep in shifts},
    )  # fmt: skip


def joined(problem: Problem, plans: Sequence[Plan]) -> Plan:
    """The plans of a problem's independent parts as one."""
    tours = {t.shift_id: t for p in plans for t in p.tours}
    return Plan(
        tuple(tours[s.id] for s in problem.shifts), tuple(d for p in plans for d in p.dropped),
        sum(p.cost for p in plans), plans[0].engine if plans else "",
        all(p.is_optimal_search_done for p in plans),
    )  # fmt: skip


def plan_quickly(problem: Problem, seed: int = 0, steps: int = 60) -> Plan:
    """A good plan within some 30 ms for a rep's day of 12 visits, without the worker."""
    parts = independent_parts(problem)
    return joined(problem, [_part_quickly(part, seed, steps) for part in parts])


def _part_quickly(problem: Problem, seed: int, steps: int) -> Plan:
    board = Board(problem)
    draft = min(
        (fill(board, order_now(board)), fill(board, board.empty())), key=lambda d: d.cost
    )  # fmt: skip
    best = fill(board, improve(board, draft, steps, seed))
    return plan_of(board, best, "insertion")


def plan_days_fast(problems: Sequence[Problem], seed: int = 0) -> list[Plan]:
    """Many days at once, for a sample's history; each is a problem of its own."""
    return [plan_quickly(problem, seed + n) for n, problem in enumerate(problems)]
