"""Hours, addresses, differences, the cycle's arithmetic."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.planning import rules
from fieldcrm.planning.assemble import RepFacts, VisitFacts, make_problem
from fieldcrm.planning.check import check_plan
from fieldcrm.planning.cycle import MONTHLY, Target, make_cycle_plan, visits_wanted
from fieldcrm.planning.model import Window
from fieldcrm.planning.search import plan_days_fast, plan_quickly
from fieldcrm.regions.model import Matrix

ZONE = "Europe/Helsinki"
THURSDAY = date(2026, 11, 19)
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
"""Sundays on which Helsinki's clocks change."""


def windows(text: str | None, day: date = THURSDAY) -> list[tuple[float, float]]:
    return [(w.start_s / 3600, w.end_s / 3600) for w in rules.hours_on(text, day, ZONE).windows]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mo-Fr 10:00-18:00; Sa 10:00-16:00", [(10, 18)]),
        ("Mo-Fr 08:00-12:00,13:00-17:00", [(8, 12), (13, 17)]),
        ("Mo-Su 07:00-24:00", [(7, 24)]),
        ("24/7", [(0, 24)]),
        ("Sa-Su 10:00-12:00", []),
        ("Th off", []),
        ("We-Th 22:00-02:00", [(0, 2), (22, 24)]),
    ],
)
def test_windows_of_a_day(text: str, expected: list[tuple[float, float]]) -> None:
    assert windows(text) == expected
    assert rules.hours_on(text, THURSDAY, ZONE).is_known


@pytest.mark.parametrize(
    "text", [None, "", "  ", "Seasonal, only summer time", "by appointment??", "x" * 500,
             "Mo-Fr 10:00-18:00 unknown", "\x00", "🦷"]
)  # fmt: skip
def test_hours_that_say_nothing_are_unknown_and_never_invented(text: str | None) -> None:
    found = rules.hours_on(text, THURSDAY, ZONE)
    assert not found.is_known
    assert found.windows == (Window(0, 86_400),)
    assert not rules.is_closed_on(text, THURSDAY, ZONE)


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    assert rules.hours_on(text, THURSDAY, ZONE).windows is not None


def test_a_day_with_a_clock_change_is_as_long_as_it_is() -> None:
    assert rules.day_seconds(SPRING, ZONE) == 23 * 3600
    assert rules.day_seconds(AUTUMN, ZONE) == 25 * 3600
    assert windows("Mo-Su 10:00-18:00", SPRING) == [(9, 17)]
    assert windows("Mo-Su 10:00-18:00", AUTUMN) == [(11, 19)]
    assert rules.local_minute_s(AUTUMN, 9 * 60, ZONE) == 10 * 3600


def table(mode: str, points: list[tuple[float, float]]) -> Matrix:
    """Ten minutes between any two places."""
    seconds = np.full((len(points), len(points)), 600, dtype=np.int32)
    np.fill_diagonal(seconds, 0)
    return Matrix(seconds, seconds * 10)


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_a_day_with_a_clock_change_is_planned_by_the_wall_clock(day: date) -> None:
    rep = RepFacts("rep", "foot", (60.17, 24.94), 9 * 60, 17 * 60)
    visits = [VisitFacts(f"v{n}", f"c{n}", "rep", (60.17, 24.94 + n / 1000),
                         opening_hours="Mo-Su 10:00-18:00") for n in range(6)]  # fmt: skip
    problem = make_problem(day, ZONE, [rep], visits, table)
    plan = plan_quickly(problem)
    assert check_plan(problem, plan) == []
    assert not plan.dropped
    first = problem.origin + timedelta(seconds=plan.tours[0].stops[0].start_s)
    assert first.astimezone(rules.ZoneInfo(ZONE)).hour == 10
    assert problem.shifts[0].end_s - problem.shifts[0].start_s == 8 * 3600


def test_one_address_is_one_stop() -> None:
    points = [(60.17, 24.94), (60.1701, 24.9401), (60.17, 24.94), (60.20, 24.94), (60.18, 24.95)]
    addresses = ["Simonkatu 1", "simonkatu  1", None, "Simonkatu 1", None]
    assert rules.group_places(points, addresses) == [0, 0, 0, 3, 4]


def test_moving_is_counted_by_the_fewest_stops_that_must_be_taken_out() -> None:
    before = {"a": ["1", "2", "3", "4"], "b": ["5", "6"]}
    assert rules.moved_ids(before, before) == frozenset()
    assert rules.moved_ids(before, {"a": ["4", "1", "2", "3"], "b": ["5", "6"]}) == {"4"}
    assert rules.moved_ids(before, {"a": ["1", "3", "4"], "b": ["5", "2", "6"]}) == {"2"}
    assert rules.moved_ids(before, {"a": ["1", "2", "9", "4"], "b": ["5", "6"]}) == frozenset()


def test_missing_an_important_client_costs_more_however_long_its_visit() -> None:
    assert rules.missed_cost_s(1, "A", 600) > 3 * rules.missed_cost_s(1, "C", 600)
    assert rules.missed_cost_s(1, "C", 3600) > rules.missed_cost_s(1, "C", 600)
    assert rules.missed_cost_s(3, None, 600) > rules.missed_cost_s(1, "A", 3600)


def test_the_cycle_s_arithmetic() -> None:
    some = rules.CycleCount(planned=6, actual=2, scheduled=3)
    assert (some.remaining, some.to_schedule) == (4, 1)
    over = rules.CycleCount(planned=2, actual=3, scheduled=1)
    assert (over.remaining, over.to_schedule) == (0, 0)
    assert rules.pace(60, 15, 10, 40) == 1.0
    assert rules.pace(60, 0, 0, 40) is None


# the cycle


def quarter() -> list[date]:
    return rules.workdays(date(2026, 10, 1), date(2026, 12, 31))


def base(reps: int, each: int) -> tuple[list[Target], dict[str, int]]:
    targets, wanted = [], {}
    for rep in range(reps):
        for n in range(each):
            name, category = f"r{rep}c{n}", "ABCC"[n % 4] if n % 3 else "B"
            spot = n % 40
            targets.append(Target(name, f"r{rep}", category, 60.16 + spot / 3000,
                                  24.93 + (spot * 7 % 40) / 3000, f"street {rep}-{spot}",
                                  "Mo-We 09:00-17:00" if n % 10 == 0 else None))  # fmt: skip
            wanted[name] = visits_wanted(category, 3, n)
    return targets, wanted


def is_open(text: str | None, day: date) -> bool:
    return not rules.is_closed_on(text, day, ZONE)


def test_a_quarter_of_six_reps_is_spread_with_spacing_hours_and_load() -> None:
    targets, wanted = base(6, 150)
    plan = make_cycle_plan(targets, wanted, quarter(), is_open)
    seen: dict[str, list[int]] = {}
    for (_, day), clients in plan.days.items():
        assert len(clients) == len(set(clients)) <= 12
        for client in clients:
            seen.setdefault(client, []).append(quarter().index(day))
    by_id = {t.client_id: t for t in targets}
    assert all(is_open(by_id[c].opening_hours, quarter()[d]) for c, ds in seen.items() for d in ds)
    for client, count in wanted.items():
        missed = plan.short.get(client, (0, ""))[0]
        assert len(seen.get(client, [])) + missed == count
        gaps = np.diff(sorted(seen.get(client, [])))
        assert all(g >= 0.25 * len(quarter()) / count for g in gaps)
    placed = sum(map(len, seen.values()))
    assert placed >= 0.97 * sum(wanted.values())
    assert all(by_id[c].category == "C" for c in plan.short)


def test_clients_of_one_address_are_seen_together() -> None:
    targets, wanted = base(1, 150)
    plan = make_cycle_plan(targets, wanted, quarter(), is_open)
    address = {t.client_id: t.address for t in targets}
    stops = sum(len({address[c] for c in clients}) for clients in plan.days.values())
    visits = sum(map(len, plan.days.values()))
    assert stops < 0.75 * visits


def test_a_client_that_is_never_open_is_named() -> None:
    shut = Target("c", "r", "A", 60.17, 24.94, "", "Sa 10:00-12:00")
    plan = make_cycle_plan([shut], {"c": 6}, quarter(), is_open)
    assert plan.short == {"c": (6, "closed_always")}
    assert plan.days == {}


def test_frequencies_come_out_over_a_base() -> None:
    assert [visits_wanted(c, 3) for c in "AB"] == [6, 3]
    assert sum(visits_wanted("C", 3, n) for n in range(100)) == 150 == 100 * 3 * MONTHLY["C"]
    assert visits_wanted("", 3) == 0


def test_many_days_are_planned_at_once() -> None:
    rep = RepFacts("rep", "foot", (60.17, 24.94), 9 * 60, 17 * 60)
    days = [
        make_problem(THURSDAY, ZONE, [rep], [
            VisitFacts(f"v{n}", f"c{n}", "rep", (60.17, 24.94 + (n * 5 + k) % 17 / 1000),
                       opening_hours=("Mo-Fr 09:00-12:00", None)[n % 2]) for n in range(12)
        ], table) for k in range(20)
    ]  # fmt: skip
    plans = plan_days_fast(days)
    assert all(check_plan(d, p) == [] for d, p in zip(days, plans, strict=True))
