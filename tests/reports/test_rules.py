"""The indicators by hand-made numbers and by laws."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.reports import rules
from fieldcrm.reports.model import Cell, GroupBy, Indicator, Period, PeriodKind, Tally, Target

MONDAY = date(2026, 11, 2)
CYCLE = (date(2026, 10, 1), date(2026, 12, 31))
NOVEMBER = (date(2026, 11, 1), date(2026, 11, 30))


def target(goal: int, done: int, client: str = "c", **more: int) -> Target:
    return Target(client, "r", "t", "A", goal, Tally(confirmed=done, **more))


def value(targets: list[Target], name: Indicator) -> float | None:
    return rules.measures([], targets, 0)[name].value


# ---- periods ----


def test_a_month_is_compared_with_as_many_days_of_the_month_before() -> None:
    november = rules.period_at(PeriodKind.month, date(2026, 11, 19), date(2026, 11, 19), None)
    assert (november.starts_on, november.ends_on, november.until) == (*NOVEMBER, date(2026, 11, 19))
    assert november.is_under_way
    before = rules.period_before(november)
    assert (before.starts_on, before.until) == (date(2026, 10, 1), date(2026, 10, 19))


def test_a_whole_month_is_compared_with_the_whole_one_before() -> None:
    february = rules.period_at(PeriodKind.month, date(2026, 2, 3), date(2026, 11, 19), None)
    assert rules.period_before(february).until == date(2026, 1, 31)


def test_a_week_begins_on_monday_and_a_cycle_is_its_own() -> None:
    week = rules.period_at(PeriodKind.week, date(2026, 11, 8), date(2026, 11, 19), None)
    assert (week.starts_on, week.ends_on) == (MONDAY, date(2026, 11, 8))
    cycle = rules.period_at(PeriodKind.cycle, MONDAY, MONDAY, CYCLE)
    assert (cycle.starts_on, cycle.ends_on) == CYCLE
    assert rules.period_before(cycle).ends_on == date(2026, 9, 30)


def test_a_period_in_the_future_has_no_day_behind_it() -> None:
    later = rules.period_at(PeriodKind.month, date(2026, 12, 5), date(2026, 11, 19), None)
    assert later.until < later.starts_on
    assert not later.is_under_way


# ---- sub-goals ----


@pytest.mark.parametrize(("planned", "months"), [(6, [2, 2, 2]), (3, [1, 1, 1]), (1, [0, 1, 0])])
def test_a_cycle_splits_into_monthly_goals(planned: int, months: list[int]) -> None:
    spans = [(date(2026, 10, 1), date(2026, 10, 31)), NOVEMBER, (date(2026, 12, 1), CYCLE[1])]
    assert [rules.goal_within(planned, CYCLE, s, 0) for s in spans] == months


def test_what_was_done_ahead_is_not_asked_for_again_and_what_was_missed_is_not_added() -> None:
    assert rules.goal_within(6, CYCLE, NOVEMBER, 3) == 1
    assert rules.goal_within(6, CYCLE, NOVEMBER, 9) == 0
    assert rules.goal_within(6, CYCLE, NOVEMBER, 0) == 2


@given(st.integers(0, 60), st.lists(st.integers(0, 91), max_size=6))
def test_goals_of_any_split_add_up_to_the_plan(planned: int, cuts: list[int]) -> None:
    edges = sorted({0, 92, *(c for c in cuts if c)})
    spans = [
        (CYCLE[0] + timedelta(a), CYCLE[0] + timedelta(b - 1)) for a, b in itertools.pairwise(edges)
    ]
    assert sum(rules.goal_within(planned, CYCLE, s, 0) for s in spans) == planned


# ---- targets ----


def test_coverage_frequency_and_full_frequency_by_hand() -> None:
    targets = [target(2, 2), target(2, 1), target(1, 0), target(1, 3), target(0, 4)]
    assert value(targets, Indicator.coverage) == 75.0
    assert value(targets, Indicator.frequency) == pytest.approx(100 * (2 + 1 + 0 + 1) / 6)
    assert value(targets, Indicator.full_frequency) == 50.0


def test_a_contradicted_visit_covers_nobody_and_is_shown() -> None:
    measure = rules.measures([], [target(1, 0, contradicted=1)], 0)[Indicator.coverage]
    assert measure.value == 0.0
    assert measure.visits.contradicted == 1


def test_doubtful_and_unjudged_visits_count_until_contradicted() -> None:
    measure = rules.measures([], [target(2, 0, doubtful=1, unjudged=1)], 0)[Indicator.frequency]
    assert measure.value == 100.0
    assert (measure.visits.doubtful, measure.visits.unjudged) == (1, 1)


def test_nothing_is_said_of_nothing() -> None:
    assert {m.value for m in rules.measures([], [], 0).values()} == {None}


goals_and_done = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 30)), min_size=1, max_size=40
)


@given(goals_and_done, st.integers(1, 50))
def test_over_visiting_one_client_never_hides_a_gap_at_another(
    pairs: list[tuple[int, int]], extra: int
) -> None:
    targets = [target(g, d) for g, d in pairs]
    full = max(targets, key=lambda t: t.done.valid - t.goal)
    if full.done.valid < full.goal:
        return
    over = [target(t.goal, t.done.valid + extra) if t is full else t for t in targets]
    for name in (Indicator.frequency, Indicator.full_frequency):
        assert value(over, name) == value(targets, name)
    assert sum(t.missing for t in over) == sum(t.missing for t in targets)


@given(goals_and_done)
def test_target_indicators_stay_between_nought_and_a_hundred(pairs: list[tuple[int, int]]) -> None:
    targets = [target(g, d) for g, d in pairs]
    for name in (Indicator.coverage, Indicator.frequency, Indicator.full_frequency):
        found = value(targets, name)
        assert found is None or 0 <= found <= 100
    full, covered = value(targets, Indicator.full_frequency), value(targets, Indicator.coverage)
    assert full is None or covered is None or full <= covered


def test_a_colleagues_visit_goes_to_the_clients_first_target_and_own_ones_stay() -> None:
    given_to = rules.credited(
        [("c", "anna"), ("c", "boris"), ("d", "anna")],
        [("c", "boris", Tally(confirmed=2), 0), ("c", "carl", Tally(doubtful=1), 3),
         ("d", "carl", Tally(confirmed=1), 0), ("e", "anna", Tally(confirmed=9), 9)],
    )  # fmt: skip
    assert given_to == [(Tally(doubtful=1), 3), (Tally(confirmed=2), 0), (Tally(confirmed=1), 0)]


# ---- cells ----


def cell(day: date = MONDAY, rep: str = "r", category: str = "A", **more: object) -> Cell:
    return Cell("t", rep, day, category, **more)  # type: ignore[arg-type]


def test_plan_adherence_call_rate_and_evidence_by_hand() -> None:
    cells = [
        cell(
            planned=5, closed=Tally(3, 1, 1, 1), same_day=Tally(2, 1, 1, 0), near_day=Tally(3, 1, 1)
        ),
        cell(category="B", planned=3, closed=Tally(confirmed=2), on_target=Tally(confirmed=2)),
    ]
    found = rules.measures(cells, [], 1.5)
    assert found[Indicator.same_day].value == pytest.approx(100 * 3 / 8)
    assert found[Indicator.near_day].value == pytest.approx(100 * 4 / 8)
    assert found[Indicator.call_rate].value == pytest.approx(7 / 1.5)
    assert found[Indicator.evidence_rate].value == pytest.approx(100 * 5 / 8)
    assert found[Indicator.on_target].value == pytest.approx(100 * 2 / 7)
    assert found[Indicator.evidence_rate].visits == Tally(5, 1, 1, 1)


def test_time_in_field_is_first_check_in_to_last_check_out_of_each_rep_day() -> None:
    nine = int(datetime(2026, 11, 2, 9, tzinfo=UTC).timestamp())
    cells = [
        cell(first_in_s=nine, last_out_s=nine + 3600, contact_s=1800),
        cell(category="B", first_in_s=nine + 7200, last_out_s=nine + 10_800, contact_s=900),
        cell(rep="other", first_in_s=nine, last_out_s=nine + 3600, contact_s=0),
        cell(day=MONDAY + timedelta(1)),
    ]
    assert rules.field_seconds(cells) == 10_800 + 3600
    found = rules.measures(cells, [], 2)
    assert found[Indicator.time_in_field].value == pytest.approx(2.0)
    assert found[Indicator.contact_share].value == pytest.approx(100 * 2700 / 14_400)


def test_stock_found_absent() -> None:
    found = rules.measures([cell(stock_checked=8, stock_absent=2)], [], 1)
    assert found[Indicator.out_of_stock].value == 25.0


tallies = st.builds(Tally, *[st.integers(0, 9)] * 4)
some_cells = st.lists(
    st.builds(cell, day=st.dates(MONDAY, MONDAY + timedelta(6)), rep=st.sampled_from("xy"),
              category=st.sampled_from("AB"), planned=st.integers(0, 9), closed=tallies),
    min_size=1, max_size=20,
)  # fmt: skip


@given(some_cells, st.sampled_from(list(GroupBy)))
def test_lines_add_up_to_the_total(cells: list[Cell], by: GroupBy) -> None:
    names = {rules.KEY_OF[by](c): "" for c in cells}
    made = rules.lines(by, cells, [], [], names)
    assert rules.tally(x.closed for x in made) == rules.tally(c.closed for c in cells)
    assert sum(x.planned for x in made) == sum(c.planned for c in cells)


def test_a_category_has_no_time_in_field_and_a_day_no_coverage() -> None:
    by_category = rules.lines(
        GroupBy.category, [cell(contact_s=9)], [target(1, 1)], [], {"A": "A"}
    )[0]
    assert by_category.measures[Indicator.contact_share].value is None
    assert by_category.measures[Indicator.coverage].value == 100.0
    by_day = rules.lines(GroupBy.day, [cell()], [target(1, 1)], [], {MONDAY.isoformat(): ""})[0]
    assert by_day.measures[Indicator.coverage].value is None


# ---- field days ----


def test_field_days_are_workdays_less_time_off_and_today_counts_as_it_passes() -> None:
    days = rules.worked_days(
        "12345", MONDAY, date(2026, 11, 10), (date(2026, 11, 10), 0.25), {date(2026, 11, 4): 0.5,
        date(2026, 11, 5): 1.0},
    )  # fmt: skip
    assert sum(days.values()) == pytest.approx(5 - 0.5 - 1 + 1 + 0.25)
    assert date(2026, 11, 7) not in days


def test_overlapping_pauses_count_once_and_only_within_the_shift() -> None:
    midnight = datetime(2026, 11, 2, tzinfo=UTC)

    def at(hour: float) -> datetime:
        return midnight + timedelta(hours=hour)

    pauses = [(at(8), at(11)), (at(10), at(12)), (at(16), at(20))]
    assert rules.off_share(pauses, midnight, (9 * 60, 17 * 60)) == pytest.approx((3 + 1) / 8)


def test_share_of_the_day_that_has_passed() -> None:
    assert [rules.day_share((540, 1020), m) for m in (0, 540, 780, 1020, 1400)] == [0, 0, 0.5, 1, 1]


# ---- chart and map ----


def test_bars_show_workdays_and_days_with_visits_until_today() -> None:
    period = Period(PeriodKind.week, MONDAY, MONDAY + timedelta(6), MONDAY + timedelta(5))
    saturday = MONDAY + timedelta(5)
    made = rules.bars(
        [cell(saturday, closed=Tally(1))], period, saturday, lambda d: d.isoweekday() < 6
    )
    assert [b.day.day for b in made] == [2, 3, 4, 5, 6, 7]
    assert made[-1].is_today
    assert made[-1].closed.valid == 1


def test_gaps_are_summed_by_cell_the_widest_first() -> None:
    targets = [Target(str(n), "r", "t", "A", 2, Tally(), float(n // 2), 0.0) for n in range(3)]
    made = rules.gaps(targets, lambda lat, _: f"cell{lat:.0f}")
    assert [(g.cell, g.missing, g.clients) for g in made] == [("cell0", 4, 2), ("cell1", 2, 1)]


def test_trends_end_with_the_last_whole_week() -> None:
    weeks = rules.weeks_back(date(2026, 11, 19))
    assert len(weeks) == 8
    assert weeks[-1] == (date(2026, 11, 9), date(2026, 11, 15))
    assert all(b[0] - a[0] == timedelta(7) for a, b in itertools.pairwise(weeks))
