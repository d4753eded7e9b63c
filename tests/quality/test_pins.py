"""Where visits say that a pin should stand: found when they agree, left alone when they don't."""

from __future__ import annotations

from datetime import date, timedelta
from math import cos, radians
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.kit.units import distance_m
from fieldcrm.quality import pins
from fieldcrm.quality.pins import Sighting

LAT, LNG = 60.17, 24.94
DAY = date(2026, 5, 4)


def beside(north_m: float, east_m: float) -> tuple[float, float]:
    return LAT + north_m / 111_195, LNG + east_m / (111_195 * cos(radians(LAT)))


def seen(n: int, north_m: float, east_m: float = 0.0, day: int | None = None,
         accuracy_m: float | None = 12.0, is_mock: bool = False) -> Sighting:  # fmt: skip
    lat, lng = beside(north_m, east_m)
    on = DAY + timedelta(days=n if day is None else day)
    return Sighting(f"v{n}", "rep", on, lat, lng, accuracy_m, is_mock)


def wanders(n: int, north_m: float, seed: int, spread_m: float = 12.0) -> list[Sighting]:
    """Visits about a place, as a receiver sees them."""
    dice = Random(seed)
    return [
        seen(i, north_m + dice.gauss(0, spread_m), dice.gauss(0, spread_m)) for i in range(n)
    ]  # fmt: skip


def test_a_pin_that_visits_contradict_is_wrong_by_so_much() -> None:
    found = pins.wrong_pin(wanders(6, 300, seed=1), LAT, LNG)
    assert found is not None
    assert found.distance_m == pytest.approx(300, abs=20)
    assert distance_m(found.spot.lat, found.spot.lng, *beside(300, 0)) < 15
    assert len(found.spot.sightings) == 6


@pytest.mark.parametrize(
    "told",
    [
        wanders(6, 40, seed=2),
        wanders(2, 300, seed=3),
        [seen(n, 300, day=0) for n in range(6)],
        [seen(n, 300, is_mock=True) for n in range(6)],
        [seen(n, 300, accuracy_m=800.0) for n in range(6)],
        [seen(n, 300 * n, 170 * (n % 3)) for n in range(6)],
        [*wanders(4, 300, seed=4), *(seen(n, 0) for n in range(5, 9))],
        [seen(n, 160, accuracy_m=90.0) for n in range(3)],
    ],
    ids=["near", "few", "one day", "mock", "vague", "scattered", "also at the pin", "within error"],
)  # fmt: skip
def test_a_pin_stays_where_nothing_sure_speaks_against_it(told: list[Sighting]) -> None:
    assert pins.wrong_pin(told, LAT, LNG) is None


def test_a_visit_or_two_elsewhere_move_nothing() -> None:
    strays = [seen(20, -4_000), seen(21, 9_000, 2_000)]
    plain, with_strays = (
        pins.wrong_pin(told, LAT, LNG) for told in (wanders(8, 250, 5), [*wanders(8, 250, 5), *strays])
    )  # fmt: skip
    assert plain is not None
    assert with_strays is not None
    moved = distance_m(plain.spot.lat, plain.spot.lng, with_strays.spot.lat, with_strays.spot.lng)
    assert moved < 10
    assert {s.visit_id for s in with_strays.spot.sightings} == {f"v{n}" for n in range(8)}


@given(
    st.lists(st.tuples(st.floats(-80, 80), st.floats(-170, 170)), min_size=1, max_size=8),
    st.floats(-0.01, 0.01), st.floats(-0.01, 0.01),
)  # fmt: skip
def test_the_median_is_no_farther_from_all_than_any_of_them(points, north, east) -> None:
    near = [(points[0][0] + north * n, points[0][1] + east * n) for n in range(len(points))]
    lat, lng = pins.median(near)

    def total(a: float, b: float) -> float:
        return sum(distance_m(a, b, *p) for p in near)

    assert total(lat, lng) <= min(total(*p) for p in near) * 1.001 + 1.0


@given(st.integers(0, 10_000), st.integers(3, 15), st.floats(0, 1_000))
def test_what_is_proposed_is_always_farther_than_error_explains(
    seed: int, n: int, north_m: float
) -> None:
    found = pins.wrong_pin(wanders(n, north_m, seed), LAT, LNG)
    if found is not None:
        assert found.distance_m > pins.RADIUS_M + found.spot.error_m
        assert len({s.day for s in found.spot.sightings}) >= pins.DAYS_LEAST
    elif n >= 5:
        assert north_m < 160, "so far off, with such visits, it has to be seen"


@given(st.permutations(range(7)))
def test_the_order_of_visits_is_no_evidence(order: list[int]) -> None:
    told = wanders(7, 300, seed=8)
    a, b = pins.spot_of(told), pins.spot_of([told[n] for n in order])
    assert a is not None
    assert b is not None
    assert distance_m(a.lat, a.lng, b.lat, b.lng) < 0.5
