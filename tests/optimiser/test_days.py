"""The compiled search of a day: it reckons as the timetable does, and never makes a day worse."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings

from fieldcrm.planning import search
from fieldcrm.planning.board import Board
from fieldcrm.planning.model import Problem
from tests.planning.problems import job, line, problem, problems, shift
from workers.optimiser.days import kernel
from workers.optimiser.days.search import improve, make_facts
from workers.optimiser.solve import Limit, solve

LAW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@LAW
@given(problems())
def test_the_search_reckons_as_the_timetable_does(found: Problem) -> None:
    board = Board(found)
    if not found.jobs or not found.shifts:
        return
    facts = make_facts(board)
    state = kernel.make_state(facts, 1)
    kernel.fill(facts, state)
    kernel.run(facts, state, 0, 60, 300.0, 5.0, 5.0, 0.01)
    assert int(state.tally[kernel.BEST]) == board.draft(kernel.best_orders(state)).cost


@LAW
@given(problems())
def test_what_stands_is_never_made_worse(found: Problem) -> None:
    board = Board(found)
    if not found.jobs or not found.shifts:
        return
    now = search.fill(board, search.order_now(board))
    assert improve(board, now, lambda made: made / 100, seed=2).cost <= now.cost


def test_days_are_drawn_to_the_same_length() -> None:
    """One rep could do it all; a second way of two minutes is worth half a day's difference."""
    reps = [shift("a", lunch=None), shift("b", lunch=None)]
    travel = {"car": line(3, 60), "foot": line(3, 180)}
    found = problem([job(f"v{n}", 1, service_s=3000) for n in range(8)], reps, travel=travel)
    plan = solve(found, Limit(steps=2_000, seconds=30))
    worked = sorted(len(t.stops) for t in plan.tours)
    assert worked == [4, 4]


def test_many_reps_keep_their_hands_off_what_is_not_theirs() -> None:
    reps = [shift(f"r{n}", lunch=None) for n in range(20)]
    jobs = [job(f"v{n}", 1 + n % 5, shifts=frozenset([f"r{n % 20}", f"r{(n + 1) % 20}"]))
            for n in range(60)]  # fmt: skip
    plan = solve(problem(jobs, reps), Limit(steps=500, seconds=30))
    allowed = {j.id: j.shifts or frozenset() for j in jobs}
    assert all(t.shift_id in allowed[s.job_id] for t in plan.tours for s in t.stops)
    assert plan.dropped == ()


def test_a_hundred_clients_at_one_point() -> None:
    found = problem([job(f"v{n}", 1, service_s=600) for n in range(100)])
    plan = solve(found, Limit(steps=300, seconds=30))
    assert len(plan.tour("rep").stops) == int(np.floor((8 * 3600 - 1800 - 1200) / 600))
    assert {d.reason for d in plan.dropped} == {"no_time"}
