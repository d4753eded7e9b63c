from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.regions.model import MODES, LatLng
from fieldcrm.regions.rules import estimate, great_circle_m, mutually_reachable

points = st.builds(LatLng, st.floats(-89, 89), st.floats(-180, 180))


def test_great_circle_of_a_known_pair() -> None:
    london, paris = LatLng(51.5007, -0.1246), LatLng(48.8584, 2.2945)
    assert great_circle_m(london, paris) == pytest.approx(340_500, rel=0.01)
    assert great_circle_m(LatLng(0, 0), LatLng(1, 0)) == pytest.approx(111_195, abs=1)


@given(points, points)
def test_an_estimate_is_the_same_both_ways_and_never_shorter_than_the_air(
    a: LatLng, b: LatLng
) -> None:
    for mode in MODES:
        there, back = estimate(mode, a, b), estimate(mode, b, a)
        assert there.is_estimate
        assert there.distance_m == pytest.approx(back.distance_m, abs=1)
        assert there.distance_m >= great_circle_m(a, b) - 1


def test_a_kilometre_of_air_takes_these_times() -> None:
    a, b = LatLng(60.0, 25.0), LatLng(60.0 + 1 / 111.195, 25.0)
    assert estimate("foot", a, b).duration_s == pytest.approx(938, abs=2)
    assert estimate("bicycle", a, b).duration_s == pytest.approx(312, abs=2)
    assert estimate("car", a, b).duration_s == pytest.approx(180, abs=2)


@given(st.integers(0, 8).flatmap(lambda n: st.lists(
    st.lists(st.booleans(), min_size=n, max_size=n), min_size=n, max_size=n)))  # fmt: skip
def test_the_mutual_set_reaches_itself(rows: list[list[bool]]) -> None:
    reach = np.array(rows, dtype=bool).reshape(len(rows), len(rows))
    chosen = mutually_reachable(reach)
    assert reach[np.ix_(chosen, chosen)].all()
    assert bool(chosen) == reach.diagonal().any()


def test_the_larger_of_two_groups_is_taken() -> None:
    reach = np.eye(5, dtype=bool)
    reach[np.ix_([0, 3], [0, 3])] = True
    reach[np.ix_([1, 2, 4], [1, 2, 4])] = True
    assert mutually_reachable(reach) == [1, 2, 4]
