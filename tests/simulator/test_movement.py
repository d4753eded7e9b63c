"""Ways keep to real speeds, stop at lights and never leave their line."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.kit.units import distance_m
from workers.simulator.movement import along, perfect, speed_of
from workers.simulator.scenario import Scenario

S = Scenario()
A, B = (60.1650, 24.9400), (60.1740, 24.9400)  # about a kilometre, due north


@pytest.mark.parametrize(("mode", "mps"), [("foot", S.foot_mps), ("bicycle", S.bicycle_mps)])
def test_a_way_takes_its_modes_speed_with_slow_downs(mode: str, mps: float):
    length = distance_m(*A, *B)
    seconds = [along([A, B], mps, S, random.Random(n)).duration_s for n in range(200)]
    mean_mps = length / (sum(seconds) / len(seconds))
    assert 0.55 * mps < mean_mps < mps
    assert speed_of(mode, length, 60, S) == mps


def test_a_car_is_as_fast_as_the_roads_and_no_faster_than_town():
    assert speed_of("car", 1000, 200, S) == 5.0
    assert speed_of("car", 1000, 10, S) == S.car_max_mps


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_one_is_always_on_the_way_and_never_goes_back(seed: int, share: float):
    way = along([A, B], 1.33, S, random.Random(seed))
    at = share * way.duration_s
    spot, later = way.at(at), way.at(at + 5)
    assert A[0] - 1e-9 <= spot.lat <= later.lat + 1e-9 <= B[0] + 2e-9
    assert spot.lng == pytest.approx(A[1])
    assert 0 <= spot.speed_mps <= 1.33 * 1.25 + 1e-6


def test_a_way_begins_and_ends_at_its_doors():
    way = along([A, B], 1.33, S, random.Random(1))
    assert (way.at(-5).lat, way.at(way.duration_s + 5).lat) == (A[0], B[0])
    assert way.at(-5).course_deg is None
    assert way.at(way.duration_s / 3).course_deg in (0.0, None)


def test_the_fake_apps_way_has_one_speed():
    way = perfect([A, B], 8.0)
    speeds = {round(way.at(t).speed_mps, 6) for t in range(1, int(way.duration_s))}
    assert speeds == {8.0}
