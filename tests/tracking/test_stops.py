"""A stay is where a minute goes by; jitter is not movement, a walk is no stay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.tracking.cleaning import Way
from fieldcrm.tracking.stops import centre, stays
from fieldcrm.tracking.windows import around, highest
from tests.tracking.ways import Leg, blurred, travelled, without

THERE_AND_ON: list[Leg] = [(300, 0, 1.3), (0, 0, -600), (0, 300, 1.3)]


def test_a_visit_on_foot_is_one_stay() -> None:
    way = travelled(THERE_AND_ON)
    ((a, b),) = stays(way)
    assert way.t[a] - way.t[0] == pytest.approx(300 / 1.3, abs=20)
    assert way.t[b] - way.t[a] == pytest.approx(600, abs=30)
    assert centre(way, (a, b)) == pytest.approx((300, 0), abs=1)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("every_s", [5, 15, 30])
def test_jitter_while_parked_is_one_stay(seed: int, every_s: int) -> None:
    still = blurred(travelled([(0, 0, -3600)], every_s), error_m=6, seed=seed)
    accuracy = np.full(len(still), 15.0)
    assert stays(still, accuracy) == [(0, len(still) - 1)]


@pytest.mark.parametrize("speed", [0.9, 1.4, 5, 14])
def test_who_goes_on_does_not_stay(speed: float) -> None:
    assert stays(blurred(travelled([(900, 0, speed), (0, 900, speed)]), error_m=3)) == []


def test_a_single_outlier_leaves_no_stay() -> None:
    way = travelled([(0, 0, -900)])
    x = way.x.copy()
    x[90] += 140
    assert stays(Way(way.t, x, way.y)) == [(0, len(way) - 1)]


def test_up_to_the_door_and_back_is_one_stay() -> None:
    way = travelled([(0, 0, -300), (40, 0, 1.2), (0, 0, -300), (-40, 0, 1.2), (0, 0, -300)])
    assert len(stays(way)) == 1
    loop = travelled([(0, 0, -300), (200, 0, 8), (-200, 0, 8), (0, 0, -300)])
    assert len(stays(loop)) == 2
    far = travelled([(0, 0, -300), (200, 0, 1.2), (0, 0, -300)])
    assert len(stays(far)) == 2


def test_a_phone_silent_while_it_stands_still_stays() -> None:
    way = without(travelled(THERE_AND_ON), 260, 480)
    ((a, b),) = stays(way)
    assert way.t[b] - way.t[a] == pytest.approx(600, abs=35)


def test_a_silence_longer_than_the_way_takes_was_spent_standing() -> None:
    """Two silences within one visit, 30 m apart: the phone tells only of the steps in between."""
    there: list[Leg] = [(300, 0, 1.3), (0, 0, -200), (30, 0, 1.0), (0, 0, -200), (0, 300, 1.3)]
    way = without(without(travelled(there, 10), 231, 430), 461, 650)
    ((a, b),) = stays(way)
    assert way.t[a] - way.t[0] == pytest.approx(231, abs=12)
    assert way.t[b] - way.t[0] == pytest.approx(661, abs=12)


@pytest.mark.parametrize("silence_s", [60, 120, 240])
@pytest.mark.parametrize("speed", [0.9, 1.4, 8.0])
def test_a_silence_on_the_way_is_no_stay(silence_s: float, speed: float) -> None:
    way = without(travelled([(900, 0, speed)], 10), 100 / speed, 100 / speed + silence_s)
    assert stays(way) == []


def test_who_creeps_on_from_house_to_house_has_no_stop_of_a_whole_street() -> None:
    """A fix each five minutes, 50 m farther on each time: each step alone would be one place."""
    count = 24
    way = Way(300.0 * np.arange(count), 50.0 * np.arange(count), np.zeros(count))
    found = stays(way)
    assert len(found) >= 4
    assert max(way.x[b] - way.x[a] for a, b in found) <= 4 * 75


def test_after_a_silence_a_stay_lasts_until_one_leaves_the_circle() -> None:
    way = travelled([(300, 0, 1.3), (0, 0, -230), (6, 0, 1.0), (0, 0, -30), (0, 300, 1.3)], 10)
    ((_, b),) = stays(without(way, 231, 450))
    assert without(way, 231, 450).t[b] - way.t[0] == pytest.approx(497, abs=12)


def test_a_stay_that_is_too_short_without_its_way_in_and_out_is_none() -> None:
    """A minute between two fixes at a slow walking distance, and walking on both sides."""
    t = np.array([0, 10, 20, 80, 90, 100, 110.0])
    x = np.array([-24, -12, 0, 8, 20, 32, 44.0])
    assert stays(Way(t, x, np.zeros(7))) == []


def test_an_unsure_phone_gets_a_wider_circle() -> None:
    way = travelled([(0, 0, -100)])
    x = 14 * np.array([(-1) ** (n // 3) for n in range(len(way))])
    way = Way(way.t, x.astype(float), way.y)
    sure, unsure = (stays(way, np.full(len(way), m)) for m in (5.0, 40.0))
    assert sure == []
    assert unsure == [(0, len(way) - 1)]


def test_walking_about_without_getting_anywhere_is_a_stay() -> None:
    about: list[Leg] = [(25, 0, 1.0), (0, 20, 1.0), (-25, 0, 1.0), (0, -20, 1.0)]
    way = travelled([(300, 0, 1.3), *(about * 5), (0, 300, 1.3)])
    ((a, b),) = stays(way)
    assert way.t[b] - way.t[a] == pytest.approx(5 * 90, abs=60)


def test_the_way_in_and_out_is_no_part_of_a_stay() -> None:
    way = travelled([(300, 0, 1.3), (0, 0, -600), (0, 300, 1.3)], 10)
    ((a, b),) = stays(way)
    assert way.x[a] == pytest.approx(300, abs=14)
    assert way.y[b] == pytest.approx(0, abs=14)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_places(count: int) -> None:
    assert stays(travelled([(0, 0, -10)]).only(slice(count))) == []


@given(
    st.lists(st.floats(-100, 100), min_size=2, max_size=40),
    st.lists(st.floats(0.5, 60), min_size=40, max_size=40),
)
def test_the_greatest_around_each_moment(values: list[float], steps: list[float]) -> None:
    t = np.cumsum(steps)[: len(values)]
    first, last = around(t, 30)
    told = highest(np.array(values), first, last)
    slow = [max(values[a : b + 1]) for a, b in zip(first, last, strict=True)]
    assert told.tolist() == slow
    assert ((first < last) & (first <= np.arange(len(t))) & (last >= np.arange(len(t)))).all()
