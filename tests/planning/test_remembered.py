"""Tables that grow by rows say what the roads say, and the dispatch bench runs on them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fieldcrm.cli import main
from fieldcrm.planning.remembered import RememberedRoads
from fieldcrm.regions.model import LatLng, Matrix, Place
from fieldcrm.regions.roads import Roads


@pytest.fixture(scope="module")
def points(places: list[Place], roads: Roads) -> list[LatLng]:
    """Places that all reach each other, so that company changes none of their bits of road."""
    named = [LatLng(*p.point) for p in places[:40]]
    return [named[n] for n in roads.reachable_set("foot", named)][:20]


def same(one: Matrix, other: Matrix) -> bool:
    return bool(
        (one.duration_s == other.duration_s).all() and (one.distance_m == other.distance_m).all()
    )


def test_a_grown_table_is_the_roads_own(roads: Roads, points: list[LatLng]) -> None:
    remembered = RememberedRoads(roads)
    for count in (1, 8, 9, len(points)):
        found = remembered.table("foot", points[:count])
        assert same(found, roads.table("foot", points[:count]))


def test_points_come_in_the_order_asked_and_as_often(roads: Roads, points: list[LatLng]) -> None:
    remembered = RememberedRoads(roads)
    remembered.table("foot", points)
    asked = [points[3], points[1], points[3]]
    assert same(remembered.table("foot", asked), roads.table("foot", asked))


def test_it_forgets_before_it_grows_too_large(roads: Roads, points: list[LatLng]) -> None:
    remembered = RememberedRoads(roads, most=6)
    remembered.table("foot", points[:6])
    for chosen in (points[4:9], points):
        assert same(remembered.table("foot", chosen), roads.table("foot", chosen))


def test_one_new_point_is_asked_about_and_not_remembered(
    roads: Roads, points: list[LatLng]
) -> None:
    class Counted:
        """The roads, and of how many pairs they were asked."""

        pairs = 0

        def table(self, mode: str, rows: list[LatLng], columns: list[LatLng] | None = None):
            self.pairs += len(rows) * len(rows if columns is None else columns)
            return roads.table(mode, rows, columns)

    counted = Counted()
    remembered = RememberedRoads(counted)
    remembered.remember("foot", points[:19])
    known_pairs = counted.pairs
    for _ in range(2):
        assert same(remembered.table("foot", points), roads.table("foot", points))
    assert counted.pairs - known_pairs == 2 * (1 + 2 * 19)


def test_a_guess_puts_a_new_point_beside_the_nearest_known(
    roads: Roads, points: list[LatLng]
) -> None:
    remembered = RememberedRoads(roads)
    remembered.remember("foot", points[:10])
    known = roads.table("foot", points[:10])
    beside = LatLng(points[0].lat + 1e-5, points[0].lng)
    guessed = remembered.guess("foot", [*points[:10], beside])
    assert (guessed.duration_s[:10, :10] == known.duration_s).all()
    assert abs(guessed.duration_s[10, :10] - known.duration_s[0]).max() <= 1
    assert abs(guessed.distance_m[:10, 10] - known.distance_m[:, 0]).max() <= 2
    assert guessed.duration_s[10, 10] == guessed.distance_m[10, 10] == 0


def test_the_dispatch_bench_measures_a_day(
    helsinki_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["bench", "dispatch", "--region", "helsinki", "--home", str(helsinki_home), "--reps", "3",
          "--visits", "15", "--seconds", "0.3", "--samples", "3"])  # fmt: skip

    told = json.loads(capsys.readouterr().out.splitlines()[-1])

    assert (told["violations"], told["replan_violations"]) == (0, 0)
    assert all(told[k] > 0 for k in ("solve_s", "replan_p95_ms", "best_slot_p95_ms"))
