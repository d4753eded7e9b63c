"""Outliers go, corners come back, real turns stay."""

from __future__ import annotations

import numpy as np
import pytest

from fieldcrm.tracking.cleaning import (
    Way,
    curved,
    kept,
    length_m,
    steadied,
    thinned,
    way_taken,
)
from tests.tracking.ways import HELSINKI, blurred, fixes_of, joined, travelled

ALONG = travelled([(1000, 0, 12.5)])


def driven(way: Way) -> np.ndarray:
    return np.ones(len(way), bool)


def walked(way: Way) -> np.ndarray:
    return np.zeros(len(way), bool)


def moved(way: Way, index: int, east: float, north: float) -> Way:
    x, y = way.x.copy(), way.y.copy()
    x[index] += east
    y[index] += north
    return Way(way.t, x, y)


@pytest.mark.parametrize(("east", "north"), [(-130, 0), (0, 150), (-80, 60), (130, 5)])
def test_a_fix_that_lies_behind_or_beside_a_car_adds_no_length(east: float, north: float) -> None:
    off = moved(ALONG, 8, east, north)
    assert length_m(off) > 1.05 * length_m(ALONG)
    assert length_m(way_taken(off, driven(off))) == pytest.approx(1000, rel=0.01)


def test_an_old_place_told_twice_in_between_adds_no_length() -> None:
    off = moved(moved(ALONG, 8, -187.5, 0), 9, -250, 0)
    assert length_m(way_taken(off, driven(off))) == pytest.approx(1000, rel=0.01)


def test_a_place_told_again_is_no_place() -> None:
    assert kept(moved(ALONG, 5, -62.5, 0), driven(ALONG)).tolist() == [
        n != 5 for n in range(len(ALONG))
    ]


def test_nobody_on_foot_runs_aside_and_straight_back() -> None:
    way = travelled([(600, 0, 1.3)], 60)
    off = moved(way, 4, 0, 170)
    assert length_m(way_taken(off, walked(off))) == pytest.approx(length_m(way), rel=0.02)
    assert length_m(way_taken(off, driven(off))) > 1.3 * length_m(way)


def test_a_dead_end_that_was_driven_stays_in_the_way() -> None:
    there = [(200, 0, 8.0), (40, 0, 4.0), (0, 0, -20), (-40, 0, 4.0), (-200, 0, 8.0)]
    way = travelled(there)
    assert length_m(way_taken(way, driven(way))) == pytest.approx(480, rel=0.05)


def test_corners_between_fixes_come_back() -> None:
    """Around a ring road with a fix each 15 s: chords are 5 % short."""
    turn = np.arange(0, 2 * np.pi, 0.8)
    ring = Way(15 * turn / 0.8, 300 * np.cos(turn), 300 * np.sin(turn))
    true_m = 300 * float(turn[-1])
    assert length_m(ring) < 0.98 * true_m
    assert length_m(curved(ring)) == pytest.approx(true_m, rel=0.01)


def test_curves_keep_their_places_and_order() -> None:
    way = curved(travelled([(100, 0, 10), (0, 100, 10)]))
    assert (np.diff(way.t) > 0).all()
    assert {(0.0, 0.0), (100.0, 0.0), (100.0, 100.0)} <= set(
        zip(way.x.round(6).tolist(), way.y.round(6).tolist(), strict=True)
    )


@pytest.mark.parametrize("seed", range(5))
def test_a_walk_is_about_as_long_as_it_was(seed: int) -> None:
    true = travelled([(300, 0, 1.3), (0, 200, 1.3), (-150, 80, 1.3)])
    seen = blurred(true, 5, memory_s=10, seed=seed)
    assert length_m(seen) > 1.15 * length_m(true)
    assert length_m(way_taken(seen, walked(seen))) == pytest.approx(length_m(true), rel=0.08)


@pytest.mark.parametrize("every_s", [1, 5, 10])
@pytest.mark.parametrize("speed", [0.9, 1.4])
def test_a_straight_walk_keeps_its_ends(speed: float, every_s: float) -> None:
    told = [
        length_m(way_taken(seen, walked(seen)))
        for seed in range(8)
        for seen in [blurred(travelled([(400, 0, speed)], every_s), 3, seed=seed)]
    ]
    assert np.mean(told) == pytest.approx(400, rel=0.015)


@pytest.mark.parametrize("every_s", [1, 2, 5])
@pytest.mark.parametrize("speed", [2.5, 3.0, 4.0, 6.0])
def test_who_runs_or_cycles_needs_no_steadying(speed: float, every_s: float) -> None:
    """They are told as driving; steps below the error go, what is left errs by little."""
    true = travelled([(400, 0, speed), (0, 300, speed), (-300, 0, speed)], every_s)
    told = [
        length_m(way_taken(seen, driven(seen)))
        for seed in range(8)
        for seen in [blurred(true, 4, memory_s=10, seed=seed)]
    ]
    assert np.mean(told) == pytest.approx(length_m(true), rel=0.03)


def test_steadying_leaves_a_car_alone() -> None:
    way = blurred(ALONG)
    assert np.array_equal(steadied(way, driven(way)).x, way.x)
    slow = blurred(travelled([(100, 0, 1.3)]))
    assert not np.array_equal(steadied(slow, walked(slow)).x, slow.x)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_places_are_a_way_too(count: int) -> None:
    way = ALONG.only(slice(count))
    for made in (way_taken(way, driven(way)), thinned(way), curved(way)):
        assert len(made) == count


def test_thinning_keeps_both_ends() -> None:
    way = travelled([(100, 0, 1.0)])
    thin = thinned(way)
    assert (thin.x[0], thin.x[-1]) == (0, 100)
    assert len(thin) == 7
    tiny = joined([way.only(slice(2))])
    assert thinned(tiny).x.tolist() == tiny.x.tolist()


def test_the_plane_gives_back_its_places() -> None:
    fixes = fixes_of(travelled([(3000, 4000, 10)]))
    way = HELSINKI.way(fixes)
    assert length_m(way) == pytest.approx(5000, rel=0.001)
    lat, lng = HELSINKI.degrees(way.x, way.y)
    assert np.allclose(lat, [f.lat for f in fixes])
    assert np.allclose(lng, [f.lng for f in fixes])
