"""Whatever the problem, the plan passes the check, and what is left out has a true name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from fieldcrm.kit.jobs import Cancelled
from fieldcrm.planning import bench, search
from fieldcrm.planning.board import Board
from fieldcrm.planning.check import check_plan
from fieldcrm.planning.model import Plan, Problem, Window
from fieldcrm.planning.rules import moved_ids
from fieldcrm.regions.model import Place
from fieldcrm.regions.roads import Roads
from tests.planning.problems import HOUR, NINE, job, line, problem, problems, shift
from workers.optimiser.solve import Limit, solve

QUICK = Limit(steps=30, seconds=2.0)
LAW = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def reasons(plan: Plan) -> dict[str, str]:
    return {d.job_id: d.reason for d in plan.dropped}


def solved(found: Problem) -> Plan:
    plan = solve(found, QUICK)
    assert check_plan(found, plan) == []
    return plan


@LAW
@given(problems())
def test_every_solved_plan_passes_the_check(found: Problem) -> None:
    solved(found)


@LAW
@given(problems())
def test_every_quick_plan_passes_the_check(found: Problem) -> None:
    assert check_plan(found, search.plan_quickly(found, steps=15)) == []


@LAW
@given(problems(with_budget=True))
def test_a_replan_never_exceeds_its_budget(found: Problem) -> None:
    plan = solved(found)
    after = {t.shift_id: t.job_ids for t in plan.tours}
    assert found.budget is not None
    assert len(moved_ids(found.before, after)) <= found.budget


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(problems())
def test_the_same_seed_gives_the_same_plan(found: Problem) -> None:
    first, second = (solve(found, Limit(steps=25, seconds=60), seed=7) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_real_days_are_planned_without_violation_and_better_than_nearest(
    roads: Roads, places: list[Place], seed: int
) -> None:
    found = bench.random_day(roads, places, 6, 78, seed)
    plan = search.plan_quickly(found, seed)
    board = Board(found)
    assert check_plan(found, plan) == []
    assert plan.cost < search.nearest_neighbour(board).cost
    one = bench.random_day(roads, places, 1, 15, seed)
    better = solve(one, seed=seed)
    assert check_plan(one, better) == []
    assert better.cost <= search.plan_quickly(one, seed).cost


def test_car_pairs_without_a_route_are_walked_and_said(roads: Roads, places: list[Place]) -> None:
    found = bench.random_day(roads, places, 3, 40, 1)
    driver = next(s for s in found.shifts if s.mode == "car")
    tour = solve(found, QUICK).tour(driver.id)
    modes = {s.mode for s in tour.stops}
    assert "foot" in modes, "half of Helsinki's pairs have no way by car"
    assert check_plan(found, solve(found, QUICK)) == []


# adversarial days


def test_more_work_than_time_keeps_the_important_and_names_the_rest() -> None:
    jobs = [job(f"j{n}", 1 + n % 9, service_s=1800, penalty_s=20_000) for n in range(30)]
    jobs[7] = replace(jobs[7], penalty_s=400_000, priority=3)
    plan = solved(problem(jobs))
    assert "j7" not in reasons(plan)
    assert set(reasons(plan).values()) == {"no_time"}
    assert len(plan.tours[0].stops) == 9, "80 minutes each way leave time for nine"


def test_all_clients_in_the_morning_only() -> None:
    morning = (Window(9 * HOUR, 11 * HOUR),)
    plan = solved(problem([job(f"j{n}", 1 + n % 6, windows=morning) for n in range(12)]))
    assert 3 <= len(plan.tours[0].stops) < 12
    assert set(reasons(plan).values()) == {"no_time"}


def test_mornings_asked_for_in_the_afternoon() -> None:
    late = shift(start_s=14 * HOUR)
    plan = solved(problem([job("a", 1, windows=(Window(9 * HOUR, 11 * HOUR),))], [late]))
    assert reasons(plan) == {"a": "outside_shift"}


def test_an_island_has_no_route() -> None:
    cut = {(n, 3) for n in range(6)}
    jobs = [job("near", 1), job("island", 3)]
    found = problem(jobs, travel={"car": line(5, 600, cut), "foot": line(5, 1800, cut)})
    assert reasons(solved(found)) == {"island": "no_route"}


def test_a_client_closed_all_day() -> None:
    plan = solved(problem([job("closed", 1, windows=()), job("open", 2)]))
    assert reasons(plan) == {"closed": "closed"}


def test_a_hundred_clients_at_one_point_are_one_stop_on_the_road() -> None:
    plan = solved(problem([job(f"j{n}", 1, service_s=240) for n in range(100)]))
    assert len(plan.tours[0].stops) == 100
    assert plan.tours[0].travel_s == 1200


def test_a_rep_without_a_shift() -> None:
    plan = solved(problem([job("a", 1, shifts=frozenset(["away"]))], []))
    assert reasons(plan) == {"a": "no_shift"}


def test_a_window_shorter_than_the_visit() -> None:
    plan = solved(problem([job("a", 1, windows=(Window(NINE, NINE + 600),))]))
    assert reasons(plan) == {"a": "window_too_short"}
    assert plan.dropped[0].params == {"minutes": 10, "needed": 15}


def test_a_client_without_a_position() -> None:
    assert reasons(solved(problem([job("a", None)]))) == {"a": "no_position"}


def test_a_shift_that_is_over() -> None:
    over = shift(start_s=17 * HOUR - 300)
    assert reasons(solved(problem([job("a", 2)], [over]))) == {"a": "shift_over"}


def test_nothing_to_do() -> None:
    plan = solved(problem([]))
    assert (plan.tours[0].stops, plan.cost) == ((), 0)


def test_a_cancelled_search_stops_at_once() -> None:
    def tell(_share: float, _plan: Plan | None) -> None:
        raise Cancelled("somebody")

    with pytest.raises(Cancelled):
        solve(problem([job("a", 1)]), QUICK, progress=tell)


def test_the_best_plan_so_far_is_told_and_valid() -> None:
    told: list[Plan] = []
    found = problem([job(f"j{n}", n + 1) for n in range(8)])
    plan = solve(found, QUICK, progress=lambda _s, p: told.append(p) if p else None)
    assert len(told) >= 2
    assert all(check_plan(found, p) == [] for p in told)
    assert plan.cost <= min(p.cost for p in told)


def test_a_search_cut_short_says_so() -> None:
    plan = solve(problem([job(f"j{n}", n + 1) for n in range(8)]), Limit(steps=10_000, seconds=0.0))
    assert plan.is_optimal_search_done is False


def test_an_appointment_is_kept_even_late_and_its_lateness_shown() -> None:
    fixed = [job(f"f{n}", 5, fixed_s=10 * HOUR, is_locked=True, service_s=1800,
                 penalty_s=1 << 24) for n in range(2)]  # fmt: skip
    plan = solved(problem(fixed))
    stops = plan.tours[0].stops
    assert [s.late_s for s in stops] == [0, 1800]


def test_lunch_is_taken_within_its_window() -> None:
    plan = solved(problem([job(f"j{n}", 1 + n % 4, service_s=1800) for n in range(9)]))
    tour = plan.tours[0]
    assert tour.break_start_s is not None
    assert 11.5 * HOUR <= tour.break_start_s <= 13 * HOUR


def test_each_stop_says_what_it_costs_and_when_the_client_is_there() -> None:
    hours = (Window(10 * HOUR, 12 * HOUR),)
    plan = solved(problem([job("a", 1, windows=hours, hours="open"), job("b", 3)]))
    why = {s.job_id: s.reason for s in plan.tours[0].stops}
    assert why["a"]["code"] == "hours"
    assert why["a"]["window_s"] == [10 * HOUR, 12 * HOUR]
    assert why["b"]["code"] == "no_hours"
    assert why["b"]["detour_s"] > 2400
    assert all(w["wait_s"] >= 0 for w in why.values())
