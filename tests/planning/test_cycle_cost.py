"""What a visit costs on another day, and what it breaks there: rules without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.planning import cycle_cost as cost
from fieldcrm.planning.cycle_cost import Day, Stand, Ways
from fieldcrm.planning.model import Window

MONDAY = date(2026, 11, 23)
ALL_DAY = (Window(0, 24 * 3600),)
HOUR = 3600


def line(n: int, step_s: int = 600) -> Ways:
    """Places along a street, so many seconds apart; one metre a second."""
    at = np.arange(n) * step_s
    table = np.abs(at[:, None] - at[None, :]).astype(np.int64)
    return Ways(table, table)


def stand(node: int, **more) -> Stand:
    told = {"key": f"v{node}", "client_id": f"c{node}", "node": node, "minutes": 30}
    return Stand(**{**told, "windows": ALL_DAY, **more})


def day_of(*stops: Stand, **more) -> Day:
    told = {"is_workday": True, "is_past": False, "begin_s": 8 * HOUR, "end_s": 17 * HOUR,
            "lunch_s": 12 * HOUR, "pause_s": HOUR}  # fmt: skip
    return Day(MONDAY, **{**told, **more}, stops=stops)


def codes(found: cost.Price) -> set[str]:
    return {b.code for b in found.breaks}


def test_a_visit_on_the_way_costs_no_way() -> None:
    found = cost.price(day_of(stand(1), stand(3)), stand(2), line(5))
    assert (found.position, found.drive_s, found.drive_m, found.breaks) == (2, 0, 0, ())
    assert found.start_s == 8 * HOUR + 600 + 1800 + 600
    far = cost.price(day_of(stand(1), stand(3)), stand(4), line(5))
    assert (far.drive_s, far.position) == (1200, 2), "there and back, on either side of the last"


def test_each_rule_that_a_move_breaks_is_named_with_how_much() -> None:
    ways = line(5)
    plain = day_of(stand(1), stand(3))
    assert codes(cost.price(replace(plain, is_workday=False), stand(2), ways)) == {cost.ABSENCE}
    assert codes(cost.price(replace(plain, most=2), stand(2), ways)) == {cost.FULL}
    assert codes(cost.price(plain, stand(2, windows=()), ways)) == {cost.CLOSED}
    again = cost.price(plain, stand(2, client_id="c3"), ways)
    assert codes(again) == {cost.SAME_DAY}
    assert not again.is_possible
    assert not cost.price(replace(plain, is_past=True), stand(2), ways).is_possible
    short = replace(plain, end_s=8 * HOUR + 3 * 600 * 2 + 3600 + 600)
    [late] = cost.price(short, stand(2), ways).breaks
    assert (late.code, late.n) == (cost.LATE, 20)
    morning = cost.price(plain, stand(2, windows=(Window(6 * HOUR, 7 * HOUR),)), ways)
    assert codes(morning) == {cost.WINDOW}
    assert morning.is_possible


def test_who_comes_after_is_pushed_out_of_his_hours() -> None:
    tight = stand(3, windows=(Window(0, 8 * HOUR + 600 + 1800 + 1200 + 1800),))
    found = cost.price(day_of(stand(1), tight), stand(2), line(5))
    assert (found.position, found.breaks) == (3, ()), "a later place breaks nothing"
    at_noon = stand(2, windows=(Window(0, 9 * HOUR + 600),))
    assert codes(cost.price(day_of(stand(1), tight), at_noon, line(5))) == {cost.WINDOW}


def test_a_planned_time_is_kept_and_the_break_is_taken() -> None:
    timed = cost.drive(day_of(), [stand(1, planned_s=10 * HOUR), stand(2)], line(5))
    assert timed.starts == (10 * HOUR, 10 * HOUR + 1800 + 600)
    noon = cost.drive(day_of(), [stand(1, planned_s=12 * HOUR - 600), stand(2)], line(5))
    assert noon.starts[0] == 13 * HOUR - 600
    assert noon.ends_s == 13 * HOUR - 600 + 1800 + 600 + 1800 + 1200


def test_no_way_is_told() -> None:
    ways = line(5)
    ways.seconds[0, 2] = ways.seconds[2, 0] = -1
    assert cost.NO_ROUTE in codes(cost.price(day_of(stand(1)), stand(2), ways))


def test_visits_too_near_to_each_other_are_told_with_the_days_between() -> None:
    assert cost.least_gap(2, 28) == 8
    assert cost.too_near(MONDAY, [date(2026, 11, 27)], 8) == cost.Break(cost.SPACING, 4)
    assert cost.too_near(MONDAY, [date(2026, 12, 1)], 8) is None
    assert cost.too_near(MONDAY, [], 8) is None


@given(st.lists(st.integers(1, 9), unique=True, max_size=6), st.integers(1, 9))
def test_taking_a_visit_out_saves_what_it_costs_where_it_stood(nodes: list[int], new: int) -> None:
    ways, stop = line(10), stand(new, key="new", client_id="new")
    day = day_of(*map(stand, nodes))
    found = cost.price(day, stop, ways)
    at = found.position - 1
    fuller = replace(day, stops=(*day.stops[:at], stop, *day.stops[at:]))
    assert cost.saved(fuller, "new", ways) == (found.drive_s, found.drive_m)
    assert cost.without(fuller, "new") == day
