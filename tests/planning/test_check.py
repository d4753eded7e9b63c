"""The check catches every kind of broken plan; each is made by hand from a good one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fieldcrm.planning import search
from fieldcrm.planning.check import check_plan
from fieldcrm.planning.model import Dropped, Plan, Problem, Tour, Window
from tests.planning.problems import HOUR, LUNCH, job, line, problem, shift

GOOD = problem(
    [job("a", 1), job("b", 2, windows=(Window(10 * HOUR, 16 * HOUR),)), job("c", 3),
     job("late", 2, service_s=3 * HOUR), job("fix", 1, fixed_s=15 * HOUR, is_locked=True,
                                             penalty_s=1 << 24),
     job("shut", 1, windows=()), job("lost", None)],
    before={"rep": ("a", "b", "c", "late", "fix")},
)  # fmt: skip
PLAN = search.plan_quickly(GOOD)


def tour_of(plan: Plan, **changes: Any) -> Plan:
    return replace(plan, tours=(replace(plan.tours[0], **changes), *plan.tours[1:]))


def stop_of(plan: Plan, job_id: str, **changes: Any) -> Plan:
    stops = tuple(replace(s, **changes) if s.job_id == job_id else s for s in plan.tours[0].stops)
    return tour_of(plan, stops=stops)


def shifted(plan: Plan, job_id: str, by_s: int) -> Plan:
    stop = next(s for s in plan.tours[0].stops if s.job_id == job_id)
    return stop_of(plan, job_id, arrive_s=stop.arrive_s + by_s, start_s=stop.start_s + by_s,
                   leave_s=stop.leave_s + by_s)  # fmt: skip


def without(plan: Plan, job_id: str) -> Plan:
    return tour_of(plan, stops=tuple(s for s in plan.tours[0].stops if s.job_id != job_id))


def dropped(plan: Plan, job_id: str, reason: str) -> Plan:
    return replace(without(plan, job_id), dropped=(*plan.dropped, Dropped(job_id, reason)))


def renamed(plan: Plan, reason: str) -> Plan:
    return replace(plan, dropped=tuple(replace(d, reason=reason) for d in plan.dropped))


def kinds(found: Problem, plan: Plan) -> set[str]:
    return {v.kind for v in check_plan(found, plan)}


def with_shift(**changes: Any) -> Problem:
    return replace(GOOD, shifts=(replace(GOOD.shifts[0], **changes),))


def with_job(job_id: str, **changes: Any) -> Problem:
    return replace(GOOD, jobs=tuple(
        replace(j, **changes) if j.id == job_id else j for j in GOOD.jobs))  # fmt: skip


def first(plan: Plan) -> str:
    return plan.tours[0].stops[0].job_id


def test_the_good_plan_is_good() -> None:
    assert check_plan(GOOD, PLAN) == []
    assert {s.job_id for s in PLAN.tours[0].stops} == {"a", "b", "c", "late", "fix"}


BROKEN: dict[str, Callable[[], tuple[Problem, Plan]]] = {
    "unknown_job": lambda: (GOOD, replace(PLAN, dropped=(*PLAN.dropped, Dropped("x", "closed")))),
    "job_twice": lambda: (GOOD, replace(PLAN, dropped=(*PLAN.dropped, Dropped("a", "no_time")))),
    "job_missing": lambda: (GOOD, without(PLAN, "a")),
    "done_touched": lambda: (with_shift(done=("a",)), PLAN),
    "shift_not_once": lambda: (GOOD, replace(PLAN, tours=())),
    "unknown_shift": lambda: (GOOD, replace(PLAN, tours=(*PLAN.tours, replace(PLAN.tours[0],
                              shift_id="x")))),
    "starts_before_shift": lambda: (GOOD, tour_of(PLAN, start_s=PLAN.tours[0].start_s - 1)),
    "ends_after_shift": lambda: (with_shift(end_s=PLAN.tours[0].end_s - 1), PLAN),
    "wrong_rep": lambda: (with_job("a", shifts=frozenset(["other"])), PLAN),
    "skill_missing": lambda: (with_job("a", skills=frozenset(["cold"])), PLAN),
    "no_position": lambda: (with_job("a", place=None), PLAN),
    "no_way": lambda: (replace(GOOD, travel={
        "car": line(5, cut={(0, n) for n in range(5)}),
        "foot": line(5, cut={(0, n) for n in range(5)})}), PLAN),
    "wrong_mode": lambda: (GOOD, stop_of(PLAN, first(PLAN), mode="foot")),
    "wrong_travel": lambda: (GOOD, stop_of(PLAN, first(PLAN), travel_s=1)),
    "arrives_too_soon": lambda: (GOOD, shifted(PLAN, first(PLAN), -60)),
    "starts_too_soon": lambda: (GOOD, shifted(PLAN, first(PLAN), -60)),
    "wrong_length": lambda: (GOOD, stop_of(PLAN, "a", leave_s=0)),
    "outside_window": lambda: (with_job("a", windows=(Window(0, 8 * HOUR),)), PLAN),
    "before_appointment": lambda: (with_job("fix", fixed_s=16 * HOUR), PLAN),
    "lateness_hidden": lambda: (with_job("fix", fixed_s=14 * HOUR), PLAN),
    "late_without_need": lambda: (GOOD, stop_of(shifted(PLAN, "fix", 600), "fix", late_s=600,
                                  arrive_s=14 * HOUR)),
    "home_too_soon": lambda: (GOOD, tour_of(PLAN, end_s=PLAN.tours[0].end_s - 60)),
    "break_missing": lambda: (GOOD, tour_of(PLAN, break_start_s=None)),
    "break_unknown": lambda: (with_shift(lunch=None), PLAN),
    "break_outside_window": lambda: (with_shift(lunch=replace(LUNCH, earliest_s=8 * HOUR,
                                     latest_s=9 * HOUR)), PLAN),
    "break_outside_shift": lambda: (GOOD, tour_of(PLAN, break_start_s=20 * HOUR)),
    "break_in_visit": lambda: (GOOD, tour_of(PLAN, break_start_s=next(
        s for s in PLAN.tours[0].stops if s.job_id == "late").start_s + 60)),
    "unnamed_reason": lambda: (GOOD, renamed(PLAN, "dunno")),
    "false_reason": lambda: (GOOD, renamed(PLAN, "no_time")),
    "locked_dropped": lambda: (GOOD, dropped(PLAN, "fix", "no_time")),
    "left_out_though_it_fits": lambda: (GOOD, dropped(PLAN, "c", "no_time")),
    "over_budget": lambda: (replace(GOOD, budget=0, before={"rep": tuple(
        reversed(PLAN.tours[0].job_ids))}), PLAN),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_every_kind_of_violation_is_found(kind: str) -> None:
    assert kind in kinds(*BROKEN[kind]())


def test_a_pause_between_stops_takes_its_time() -> None:
    """Stops that follow each other with no gap leave no room for the pause they claim."""
    found = problem([job("a", 1, service_s=3 * HOUR), job("b", 1, service_s=2 * HOUR)], [shift()])
    plan = search.plan_quickly(found)
    assert check_plan(found, plan) == []
    tour: Tour = plan.tours[0]
    assert tour.break_start_s is not None
    first, last = tour.stops
    assert last.start_s == first.leave_s + LUNCH.duration_s
    assert "starts_too_soon" in kinds(found, shifted(plan, last.job_id, -60))
    assert "break_in_visit" in kinds(found, shifted(plan, last.job_id, -LUNCH.duration_s))
