from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.affinity import rotate
from shapely.geometry import LineString, Point, Polygon

from fieldcrm.regions.coast import close_sea
from fieldcrm.regions.extract import read_bounds, read_features
from fieldcrm.regions.model import Bounds

BOX = Bounds(south=0, west=0, north=10, east=10)
NORTHWARD = LineString([(4, -1), (4, 11)])
ISLAND = LineString([(6, 4), (8, 4), (8, 6), (6, 6), (6, 4)])


def test_the_sea_lies_on_the_right_of_the_coast() -> None:
    assert close_sea([NORTHWARD], BOX).equals(Polygon([(4, 0), (10, 0), (10, 10), (4, 10)]))
    assert close_sea([NORTHWARD.reverse()], BOX).equals(Polygon([(0, 0), (4, 0), (4, 10), (0, 10)]))


def test_an_island_is_a_hole_in_the_sea() -> None:
    sea = close_sea([NORTHWARD, ISLAND], BOX)
    assert sea.area == pytest.approx(60 - 4)
    assert not sea.contains(Point(7, 5))


def test_an_island_alone_makes_all_the_rest_sea() -> None:
    assert close_sea([ISLAND], BOX).area == pytest.approx(100 - 4)


def test_a_ring_the_other_way_round_is_water_inside_land() -> None:
    assert close_sea([ISLAND.reverse()], BOX).area == pytest.approx(4)


def test_ways_are_joined_whatever_their_order() -> None:
    ways = [
        LineString([(4, 5), (4, 11)]),
        LineString([(4, -1), (4, 2)]),
        LineString([(4, 2), (4, 5)]),
    ]
    assert close_sea(ways, BOX).equals(close_sea([NORTHWARD], BOX))


def test_a_coast_cut_just_short_of_the_edge_is_led_to_it() -> None:
    assert close_sea([LineString([(4, 0.2), (4, 9.9)])], BOX).area == pytest.approx(60)


def test_a_coast_that_bounds_nothing_makes_no_sea() -> None:
    assert close_sea([LineString([(4, 3), (4, 7)])], BOX).is_empty
    assert close_sea([LineString([(20, 0), (20, 10)])], BOX).is_empty
    assert close_sea([], BOX).is_empty


def test_a_strait_has_land_on_both_sides() -> None:
    strait = [NORTHWARD, LineString([(6, 11), (6, -1)])]
    assert close_sea(strait, BOX).equals(Polygon([(4, 0), (6, 0), (6, 10), (4, 10)]))


def test_a_coast_that_leaves_and_returns_makes_bays_apart() -> None:
    winding = LineString([(2, 11), (2, 8), (-1, 8), (-1, 2), (3, 2), (3, -1)])
    sea = close_sea([winding], BOX)
    assert sorted(part.area for part in sea.geoms) == pytest.approx([4, 6])


@given(st.lists(st.floats(0.5, 9.5), min_size=2, max_size=12), st.sampled_from([0, 90, 180, 270]))
def test_any_coast_from_edge_to_edge_halves_the_box(heights: list[float], turn: int) -> None:
    step = 12 / (len(heights) - 1)
    coast = LineString([(-1 + number * step, y) for number, y in enumerate(heights)])
    turned = rotate(coast, turn, origin=(5, 5))
    one, other = close_sea([turned], BOX), close_sea([turned.reverse()], BOX)
    assert one.area + other.area == pytest.approx(100, rel=1e-6)
    assert one.intersection(other).area == pytest.approx(0, abs=1e-6)
    below = rotate(Point(5, 0.01), turn, origin=(5, 5))  # eastward, the water is to the south
    assert one.contains(below)


def test_helsinki_has_its_bays(extract: Path) -> None:
    coast = [
        LineString(line.shape.coords)
        for line in read_features(extract, "lines", lambda tags: tags.get("natural") == "coastline")
    ]
    bounds = read_bounds(extract)
    assert bounds is not None
    sea = close_sea(coast, bounds)
    assert sea.is_valid
    assert sea.contains(Point(24.9440, 60.1785))  # Eläintarhanlahti
    assert not sea.contains(Point(24.9415, 60.1710))  # the railway station
    share = sea.area / ((bounds.north - bounds.south) * (bounds.east - bounds.west))
    assert 0.05 < share < 0.065
