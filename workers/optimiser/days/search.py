"""Lays a day's problem out for the compiled search, and brings its orders back as drafts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fieldcrm.planning.board import Board, Draft, Orders
from fieldcrm.planning.model import NO_WAY, Shift
from fieldcrm.planning.timing import UNPLACED, due_break, start_windows
from workers.optimiser.days import kernel

STRENGTH, LONGEST, BLINK = 10.0, 10.0, 0.01
"""Visits taken out on average, the longest string, and places overlooked (the paper's values)."""
HOT, COLD = 1.0, 0.01
"""First and last temperature, in mean ways."""
NEAR = 300
"""So many visits near a removed one are looked at for further days to take from."""
CHUNK = 60_000
"""Steps between two looks at the clock, for one visit; fewer the more visits there are."""
STEPS, STEPS_A_VISIT = 4_000, 250
"""Steps that a search of so many visits is worth."""


def steps_worth(jobs: int) -> int:
    """After so many steps more of them bring next to nothing (docs/decisions/0006-solver.md)."""
    return STEPS + STEPS_A_VISIT * jobs


def improve(
    board: Board, start: Draft, done: Callable[[int], float], seed: int, is_even: bool = False,
    keep: Callable[[Orders], None] = lambda orders: None,
) -> Draft:  # fmt: skip
    """The best draft found from one on.

    `done` tells from the steps made which share of the limit is used up (1: stop); `keep` hears of
    good orders on the way. `is_even` draws all days to the mean working time as `balance` does.
    """
    facts = make_facts(board)
    state = kernel.make_state(facts, seed)
    jobs = np.array([j for order in start.orders for j in order], np.int32)
    ends = np.cumsum([0, *(len(order) for order in start.orders)]).astype(np.int64)
    kernel.load(facts, state, jobs, ends, _mean_worked(board, start) if is_even else -1)
    kernel.fill(facts, state)
    heat = HOT * _mean_way(state)
    steps, chunk = 0, max(20, CHUNK // (20 + len(board.placeable)))
    while (share := done(steps)) < 1:
        warmth = heat * (COLD / HOT) ** max(0.0, share)
        kernel.run(facts, state, steps, chunk, warmth, STRENGTH, LONGEST, BLINK)
        steps += chunk
        keep(kernel.best_orders(state))
    return board.draft(kernel.best_orders(state))


def _mean_way(state: kernel.State) -> float:
    ways = int(state.tally[kernel.PLACED] + state.tally[kernel.USED])
    return max(10.0, float(state.travel.sum()) / max(1, ways))


def _mean_worked(board: Board, draft: Draft) -> int:
    """Mean working time of the days that can have visits at all, in seconds."""
    tables = [(t, o) for t, o in zip(board.tables, draft.orders, strict=True) if t.allowed]
    timed = [t.time(order) for t, order in tables]
    worked = [found.end_s - t.shift.start_s for found, (t, _) in zip(timed, tables, strict=True)
              if found is not None]  # fmt: skip
    return sum(worked) // max(1, len(worked))


def make_facts(board: Board) -> kernel.Facts:
    """The board's problem laid out for the kernel."""
    problem = board.problem
    modes = sorted({shift.mode for shift in problem.shifts})
    leg = np.stack([_ways(board, mode) for mode in modes])
    place = np.array([job.place or 0 for job in problem.jobs], np.int32)
    starts = [start_windows(job) for job in problem.jobs]
    flat = [w for windows in starts for w in windows] or [(0, -1)]
    return kernel.Facts(
        leg=leg, back=np.ascontiguousarray(leg.transpose(0, 2, 1)), place=place,
        service=np.array([job.service_s for job in problem.jobs], np.int64),
        window=np.cumsum([0, *(len(w) for w in starts)]).astype(np.int32),
        start_from=np.array([a for a, _ in flat], np.int64),
        start_last=np.array([min(b, UNPLACED - 1) for _, b in flat], np.int64),
        fixed=np.array([-1 if j.fixed_s is None else j.fixed_s for j in problem.jobs], np.int64),
        penalty=np.array([job.penalty_s for job in problem.jobs], np.int64),
        home=np.cumsum([0, *(len(h) for h in board.homes)]).astype(np.int32),
        homes=np.array([s for h in board.homes for s in h] or [0], np.int32),
        may=_may(board),
        near=_near(leg[0], place),
        shift=np.array([_shift(s, modes.index(s.mode)) for s in problem.shifts], np.int64),
    )  # fmt: skip


def _may(board: Board) -> np.ndarray:
    may = np.zeros((len(board.homes), len(board.tables)), np.bool_)
    for job, homes in enumerate(board.homes):
        may[job, homes] = True
    return may


def _ways(board: Board, mode: str) -> np.ndarray:
    """[P, P] seconds by a mode or on foot, FAR where there is no way."""
    table = next(t for t in board.tables if t.shift.mode == mode)
    seconds = np.array([np.asarray(row, np.int32) for row in table.ways.duration_s], np.int32)
    seconds[seconds == NO_WAY] = kernel.FAR
    return seconds


def _near(leg: np.ndarray, place: np.ndarray) -> np.ndarray:
    """[J, k] visits by the way there and back, each one itself first."""
    count = len(place)
    kept = min(NEAR, count)
    found = np.zeros((count, kept), np.int32)
    for j in range(count):
        away = leg[place[j], place].astype(np.int64) + leg[place, place[j]]
        away[j] = -1
        few = np.argpartition(away, kept - 1)[:kept] if kept < count else np.arange(count)
        found[j] = few[np.lexsort((few, away[few]))]
    return found


def _shift(shift: Shift, mode: int) -> list[int]:
    lunch = due_break(shift)
    pause = [0, 0, -1] if lunch is None else [
        lunch.earliest_s, lunch.latest_s, lunch.duration_s
    ]  # fmt: skip
    return [
        shift.start_place,
        shift.end_place,
        shift.start_s,
        min(shift.end_s, UNPLACED - 1),
        mode,
        *pause,
    ]
