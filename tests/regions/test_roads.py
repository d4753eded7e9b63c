from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fieldcrm.regions.model import UNREACHABLE, LatLng, ModeMissing, Region, RegionMissing
from fieldcrm.regions.roads import MAX_FROM_ROAD_M, Roads
from fieldcrm.regions.rules import great_circle_m

STATION = LatLng(60.17072, 24.94145)
ESPLANADE = LatLng(60.16735, 24.94680)
FAR_AWAY = LatLng(60.30, 25.20)


@pytest.fixture(scope="module")
def roads(helsinki: Region) -> Iterator[Roads]:
    opened = Roads(helsinki.folder)
    yield opened
    opened.close()


def test_all_places_reach_each_other_on_foot_and_by_bicycle(
    roads: Roads, place_points: list[LatLng]
) -> None:
    for mode in ("foot", "bicycle"):
        table = roads.table(mode, place_points)
        assert table.duration_s.shape == (139, 139)
        assert table.duration_s.dtype == table.distance_m.dtype == np.int32
        assert table.is_reachable.all()
        assert not table.duration_s.diagonal().any()


def test_no_place_is_nearer_by_road_than_by_air(roads: Roads, place_points: list[LatLng]) -> None:
    table = roads.table("foot", place_points)
    snaps = [roads.nearest("foot", point) for point in place_points]
    for i in range(0, 139, 7):
        for j in range(0, 139, 11):
            a, b = snaps[i], snaps[j]
            assert a is not None
            assert b is not None
            assert table.distance_m[i, j] >= great_circle_m(a.point, b.point) * 0.99 - 2


def test_by_car_only_what_has_a_way_has_a_time(roads: Roads, place_points: list[LatLng]) -> None:
    table = roads.table("car", place_points)
    missing = table.duration_s == UNREACHABLE
    assert 0.4 < missing.mean() < 0.6
    assert (missing == (table.distance_m == UNREACHABLE)).all()
    assert (table.duration_s[~missing] >= 0).all()


def test_the_places_a_car_reaches_both_ways(roads: Roads, place_points: list[LatLng]) -> None:
    chosen = roads.reachable_set("car", place_points)
    assert 78 <= len(chosen) <= 90
    assert chosen == sorted(set(chosen))
    assert roads.table("car", [place_points[index] for index in chosen]).is_reachable.all()
    assert roads.reachable_set("foot", place_points) == list(range(139))
    assert roads.reachable_set("car", [FAR_AWAY, STATION, FAR_AWAY]) == [1]
    assert roads.reachable_set("car", [FAR_AWAY]) == roads.reachable_set("car", []) == []


def test_a_point_off_the_roads_is_unreachable(roads: Roads) -> None:
    table = roads.table("foot", [STATION, FAR_AWAY], [ESPLANADE])
    assert table.duration_s.shape == (2, 1)
    assert table.duration_s[0, 0] > 0
    assert table.duration_s[1, 0] == table.distance_m[1, 0] == UNREACHABLE
    assert roads.route("foot", [STATION, FAR_AWAY]) is None
    assert roads.nearest("foot", FAR_AWAY) is None


def test_a_table_of_nothing_is_empty(roads: Roads) -> None:
    assert roads.table("foot", []).duration_s.shape == (0, 0)
    assert roads.table("foot", [STATION], []).duration_s.shape == (1, 0)


def test_a_large_table_is_filled_in_slices_alike(
    roads: Roads, place_points: list[LatLng], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = roads.table("car", place_points)
    monkeypatch.setattr("fieldcrm.regions.roads.CELLS_AT_ONCE", 139 * 10)
    sliced = roads.table("car", place_points)
    assert (whole.duration_s == sliced.duration_s).all()
    assert (whole.distance_m == sliced.distance_m).all()


def test_a_table_between_two_sets_is_a_part_of_the_whole(
    roads: Roads, place_points: list[LatLng]
) -> None:
    whole = roads.table("foot", place_points)
    part = roads.table("foot", place_points[:5], place_points[100:])
    assert (part.duration_s == whole.duration_s[:5, 100:]).all()


def test_a_route_agrees_with_the_table_and_its_legs(roads: Roads) -> None:
    stops = [STATION, ESPLANADE, LatLng(60.1655, 24.9390)]
    route = roads.route("foot", stops)
    assert route is not None
    table = roads.table("foot", stops)
    assert [leg.duration_s for leg in route.legs] == [
        pytest.approx(table.duration_s[0, 1], abs=2),
        pytest.approx(table.duration_s[1, 2], abs=2),
    ]
    assert route.distance_m == pytest.approx(sum(leg.distance_m for leg in route.legs), abs=2)
    assert route.legs[0].line[-1] == route.legs[1].line[0]
    assert great_circle_m(route.line[0], STATION) < MAX_FROM_ROAD_M
    length_m = sum(great_circle_m(a, b) for a, b in zip(route.line, route.line[1:], strict=False))
    assert length_m == pytest.approx(route.distance_m, rel=0.02)


def test_a_route_needs_two_points(roads: Roads) -> None:
    with pytest.raises(ValueError, match="two points"):
        roads.route("foot", [STATION])


def test_nearest_names_the_street(roads: Roads) -> None:
    nearest = roads.nearest("car", LatLng(60.1690, 24.9500))
    assert nearest is not None
    assert nearest.street == "Aleksanterinkatu"
    assert nearest.distance_m < 5


def test_a_noisy_walk_is_drawn_along_the_streets(roads: Roads) -> None:
    route = roads.route("foot", [STATION, ESPLANADE])
    assert route is not None
    noisy = [
        LatLng(point.lat + 4e-5 * (-1) ** number, point.lng + 4e-5)
        for number, point in enumerate(route.line[::3])
    ]
    line = roads.match("foot", noisy)
    assert len(line) > len(noisy)
    for point in line:
        nearest = roads.nearest("foot", point)
        assert nearest is not None
        assert nearest.distance_m < 1
    assert roads.match("foot", [FAR_AWAY, FAR_AWAY]) == roads.match("foot", noisy[:1]) == []


def test_threads_share_the_roads(helsinki: Region, place_points: list[LatLng]) -> None:
    roads = Roads(helsinki.folder)
    with ThreadPoolExecutor(4) as threads:
        tables = list(threads.map(lambda _: roads.table("bicycle", place_points[:40]), range(8)))
    roads.close()
    again = roads.table("bicycle", place_points[:40])  # opens anew
    assert all((table.duration_s == again.duration_s).all() for table in tables)


def test_unknown_regions_and_modes_are_told(roads: Roads, helsinki: Region) -> None:
    with pytest.raises(RegionMissing):
        Roads(helsinki.folder.parent / "nowhere")
    with pytest.raises(ModeMissing):
        roads.table("../car", [STATION])  # pyright: ignore[reportArgumentType]
