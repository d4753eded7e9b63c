"""How often and on which days, by rules alone; and any problem: its plan passes the check."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldcrm.planning import cycle_rules
from fieldcrm.planning.cycle_check import check_cycle
from fieldcrm.planning.cycle_problem import CycleRep, Fixed, Wish, days_of, left_out, make_rep_cycle
from fieldcrm.planning.cycle_rules import Match, Quota
from fieldcrm.planning.cycle_ways import Estimate
from workers.optimiser.cycles.solve import solve
from workers.optimiser.routes.solve import Stop

MONDAY = date(2026, 11, 23)
DAYS = tuple(MONDAY + timedelta(days=n) for n in range(28) if n % 7 < 5)
HOME = (60.17, 24.94)
REP = CycleRep("rep", "car", HOME, 9 * 60, 17 * 60, 12 * 60, 30, DAYS)
HOURS = (None, "Mo-Fr 10:00-12:00", "Tu,Th 09:00-18:00", "Sa 10:00-14:00", "Mo-Fr 16:30-19:00")
ZONE = "Europe/Helsinki"


def test_a_span_gets_its_share_of_what_the_cycle_still_owes() -> None:
    cycle = (date(2026, 11, 2), date(2027, 1, 24))
    span = (MONDAY, MONDAY + timedelta(days=27))
    assert cycle_rules.share_of_cycle(Quota(6, 1, 1), cycle, span) == Fraction(4 * 28, 63)
    assert cycle_rules.share_of_cycle(Quota(6, 7, 0), cycle, span) == 0
    beyond = (MONDAY, cycle[1] + timedelta(days=14))
    assert cycle_rules.share_of_cycle(Quota(6, 0, 0), cycle, beyond) == 6 + Fraction(6 * 14, 84)


def test_halves_go_to_who_waited_longest_within_the_category() -> None:
    exact = {c: Fraction(1, 2) for c in "abcd"} | {"e": Fraction(3, 2)}
    letters = dict.fromkeys("abcd", "C") | {"e": "A"}
    seen = {"a": MONDAY, "b": MONDAY - timedelta(days=9), "c": MONDAY, "d": MONDAY}
    found = cycle_rules.whole_visits(exact, letters, seen)
    assert sum(found[c] for c in "abcd") == 2
    assert found["b"] == 1
    assert found["e"] == 2


@given(
    st.lists(st.booleans(), min_size=20, max_size=60), st.integers(1, 6),
    st.lists(st.integers(-10, 59), max_size=3),
)  # fmt: skip
@settings(deadline=None)
def test_sets_of_days_keep_to_open_days_and_the_spacing(
    is_open: list[bool], visits: int, taken: list[int]
) -> None:
    spacing = cycle_rules.spacing_of(visits, len(is_open))
    sets = cycle_rules.day_sets(is_open, spacing, taken)
    assert len(sets) == len(set(sets)) <= cycle_rules.SETS_MOST
    for days in sets:
        assert spacing.allows(days)
        assert all(is_open[d] for d in days)
        assert all(abs(d - t) >= spacing.least for d in days for t in taken)


def test_a_visit_keeps_its_day_where_it_is_wanted_and_its_row_where_it_moves() -> None:
    a, b, c = MONDAY, MONDAY + timedelta(days=3), MONDAY + timedelta(days=8)
    assert cycle_rules.match_days([b, c], {"x": a, "y": b}) == [Match("y", b), Match("x", c)]
    assert cycle_rules.match_days([a], {"x": a, "y": b}) == [Match("x", a), Match("y", None)]
    assert cycle_rules.match_days([a, c], {}) == [Match(None, a), Match(None, c)]


wishes = st.builds(
    lambda n, letter, lat, lng, minutes, wanted, hours: Wish(
        f"c{n}", letter, None if lat == 0 else (60.1 + lat / 100, 24.8 + lng / 100), minutes,
        wanted, hours,
    ),
    st.integers(0, 10_000), st.sampled_from(["A", "B", "C", None]), st.integers(0, 20),
    st.integers(0, 30), st.sampled_from([5, 15, 45, 200]), st.integers(1, 5),
    st.sampled_from(HOURS),
)  # fmt: skip
fixed = st.builds(
    lambda n, day, lat, hour: Fixed(
        f"v{n}", f"f{n}", DAYS[day], (60.1 + lat / 100, 24.9), 15, "B",
        None if hour is None
        else datetime(DAYS[day].year, DAYS[day].month, DAYS[day].day, hour, tzinfo=UTC),
    ),
    st.integers(0, 10_000), st.integers(0, 19), st.integers(1, 20),
    st.sampled_from([None, 7, 9, 12, 22]),
)  # fmt: skip


@given(
    st.lists(wishes, max_size=25, unique_by=lambda w: w.client_id),
    st.lists(fixed, max_size=12, unique_by=lambda f: f.visit_id), st.integers(1, 12),
)  # fmt: skip
@settings(deadline=None, max_examples=25)
def test_any_plan_passes_the_check_and_names_everybody_it_leaves_out(
    wanted: list[Wish], standing: list[Fixed], most: int
) -> None:
    asked = make_rep_cycle(REP, standing, wanted, Estimate(), ZONE, most)
    size = len(asked.problem.service)
    tours = [[] for _ in DAYS] if size == 1 else solve(asked.problem, Stop(600), 1).plan
    assert check_cycle(asked.problem, tours) == []
    days = days_of(asked, tours)
    placed = {(s.visit_id, day) for day, told in days.items() for s in told.stops if s.visit_id}
    assert placed <= {(f.visit_id, f.day) for f in standing}, "what is fixed keeps its day"
    seen = [s.client_id for told in days.values() for s in told.stops if s.visit_id is None]
    out = {each.client_id: each for each in left_out(asked, tours)}
    for wish in wanted:
        assert seen.count(wish.client_id) in (0, wish.wanted)
        assert (wish.client_id in out) == (wish.client_id not in seen)
    for told in days.values():
        starts = [s.start_s for s in told.stops]
        assert starts == sorted(starts)
        assert len(told.stops) <= max(most, 12)


def test_the_break_leaves_everybody_within_his_hours() -> None:
    close = [Wish(f"c{n}", "A", (60.17, 24.94 + n / 1000), 45, 1, "Mo-Fr 09:00-17:00")
             for n in range(60)]  # fmt: skip
    asked = make_rep_cycle(REP, [], close, Estimate(), "UTC", 12)
    for told in days_of(asked, solve(asked.problem, Stop(2000), 1).plan).values():
        for stop in told.stops:
            begins, ends = stop.start_s, stop.start_s + stop.minutes * 60
            assert begins >= 9 * 3600
            assert ends <= 17 * 3600
            pause = [s.start_s for s in told.stops if s.start_s + 45 * 60 > 12 * 3600]
            assert not pause or min(pause) >= 12 * 3600 - 45 * 60 + 30 * 60


def test_where_no_roads_are_ways_are_estimated_and_say_so() -> None:
    seconds, metres = Estimate()("foot", [HOME, (60.18, 24.94)])
    assert metres[0, 1] == metres[1, 0] > 1_100
    assert np.array_equal(seconds.diagonal(), [0, 0])
    assert Estimate.is_estimate
