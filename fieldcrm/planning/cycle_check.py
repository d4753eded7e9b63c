"""Judges a cycle's plan without trusting whoever made it.

Shares nothing with the solver but the problem: drives every tour by the problem's own tables and
counts every client's days by the rule that it has.
"""

from __future__ import annotations

from collections.abc import Iterator

from fieldcrm.planning.cycle_model import ENDLESS, SHARPNESS, CycleProblem, Tours
from fieldcrm.planning.model import Violation

SLACK = 1e-6


def check_cycle(problem: CycleProblem, plan: Tours) -> list[Violation]:
    """Every rule that the plan breaks; empty where it may be kept."""
    found = list(_check_shape(problem, plan))
    if found:
        return found
    for day, tours in enumerate(plan):
        for number, tour in enumerate(tours):
            found += _check_tour(problem, day, f"day {day} tour {number}", tour)
    return found + list(_check_clients(problem, plan))


def _check_shape(problem: CycleProblem, plan: Tours) -> Iterator[Violation]:
    if len(plan) != problem.days:
        yield Violation("wrong_days", "plan", f"{len(plan)}, the cycle has {problem.days}")
    known = range(1, len(problem.service))
    for day, tours in enumerate(plan):
        seen = [c for tour in tours for c in tour]
        if sum(bool(tour) for tour in tours) > problem.tours:
            yield Violation("too_many_tours", f"day {day}", f"{len(tours)} > {problem.tours}")
        for client in sorted(set(seen)):
            if client not in known:
                yield Violation("unknown_client", str(client), f"day {day}")
            if seen.count(client) > 1:
                yield Violation("client_twice", str(client), f"day {day}")


def _check_tour(problem: CycleProblem, day: int, name: str, tour: list[int]) -> Iterator[Violation]:
    """Drive the tour: leave as early as allowed, wait at closed doors."""
    carried = sum(int(problem.demand[c]) for c in tour)
    if carried > problem.capacity[day]:
        yield Violation("overloaded", name, f"{carried} > {problem.capacity[day]}")
    if problem.exact is not None:
        yield from _check_length(problem, day, name, tour)
        return
    now, at = int(problem.ready[day, 0]), 0
    for client in tour:
        now = max(now + int(problem.time[at, client]), int(problem.ready[day, client]))
        service = int(problem.service[client])
        ends = now + (service if problem.must_end_in_window else 0)
        if ends > problem.due[day, client]:
            yield Violation("outside_window", str(client), f"{name}, {now}-{now + service}")
        now, at = now + service, client
    now += int(problem.time[at, 0])
    if tour and now > problem.due[day, 0]:
        yield Violation("home_too_late", name, f"{now} > {problem.due[day, 0]}")


def _check_length(
    problem: CycleProblem, day: int, name: str, tour: list[int]
) -> Iterator[Violation]:
    """Where ways have true lengths, a tour's length with its visits must not exceed the limit."""
    assert problem.exact is not None
    if problem.due[day, 0] >= ENDLESS:
        return
    length = sum(problem.exact[a, b] for a, b in zip([0, *tour], [*tour, 0], strict=True))
    length += sum(int(problem.service[c]) for c in tour) / SHARPNESS
    if length > problem.due[day, 0] / SHARPNESS + SLACK:
        yield Violation("too_long", name, f"{length:.2f}")


def _check_clients(problem: CycleProblem, plan: Tours) -> Iterator[Violation]:
    """Each client on days that belong together, or not at all where it may be left out."""
    days: dict[int, list[int]] = {}
    for day, tours in enumerate(plan):
        for client in (c for tour in tours for c in tour):
            days.setdefault(client, []).append(day)
    for client in range(1, len(problem.service)):
        on = days.get(client, [])
        if not on:
            if problem.penalty[client] == 0:
                yield Violation("left_out", str(client))
            continue
        rule = problem.spacing.get(problem.category[client])
        allowed = rule.allows(on) if rule else tuple(on) in problem.patterns[client]
        if not allowed:
            yield Violation("wrong_days_of_client", str(client), f"{on}")
