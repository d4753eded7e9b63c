"""On foot or driving, on made-up tracks; what it is worth on real ones the bench tells."""

from __future__ import annotations

from itertools import pairwise, product
from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.tracking import modes, spells
from fieldcrm.tracking.cleaning import Way
from fieldcrm.tracking.modes import Mode, driving_odds, is_driving
from fieldcrm.tracking.windows import runs
from tests.tracking.ways import Leg, blurred, travelled

PARCEL: list[Leg] = [
    (0, 0, -30), (60, 0, 1.3), (0, 0, -30), (-60, 0, 1.3), (0, 0, -20), (0, 100, 5), (0, 400, 9),
    (0, 80, 5), (0, 0, -30), (30, 0, 1.3), (0, 0, -90), (-30, 0, 1.3), (0, 0, -15),
]  # fmt: skip


def test_a_drive_between_two_walks_is_found() -> None:
    way = blurred(travelled(PARCEL), error_m=2)
    ((a, b),) = runs(is_driving(way))
    began, ended = 172.3, 172.3 + 100 / 5 + 400 / 9 + 80 / 5
    assert way.t[a] - way.t[0] == pytest.approx(began, abs=15)
    assert way.t[b] - way.t[0] == pytest.approx(ended, abs=15)


@pytest.mark.parametrize(("speed", "driving"), [(1.0, False), (1.5, False), (7, True), (25, True)])
@pytest.mark.parametrize("every_s", [5, 10, 30])
def test_steady_movement(speed: float, driving: bool, every_s: float) -> None:
    way = blurred(travelled([(0, 0, -60), (1200, 900, speed), (0, 0, -60)], every_s), error_m=3)
    middle = (way.t > way.t[0] + 100) & (way.t < way.t[-1] - 100)
    assert (is_driving(way)[middle] == driving).all()


def test_a_red_light_is_part_of_the_drive() -> None:
    way = travelled([(600, 0, 10), (0, 0, -20), (600, 0, 10)])
    assert is_driving(way)[10:-10].all()


def test_one_who_stands_is_on_foot() -> None:
    assert not is_driving(blurred(travelled([(0, 0, -900)]))).any()


def test_odds_are_those_of_all_labellings_weighed() -> None:
    """The answer against the sum over every labelling of a short way."""
    way = travelled(PARCEL, 40).only(slice(8))
    w = modes.learnt()
    score = w.places_bias + modes._curves(modes.place_signals(way), w.places)
    steps = modes.step_signals(way)
    getting_in = w.to_driving_bias + modes._curves(steps, w.to_driving)
    getting_out = w.to_foot_bias + modes._curves(steps, w.to_foot)
    seen = spells.measures(way.t[None], way.x[None], way.y[None], modes.SHORTEST_S)
    whole = [modes._spell_scores(seen, 8, c)[0] for c in (w.foot_spells, w.driving_spells)]
    sums = np.zeros((2, len(way)))
    for labels in product((0, 1), repeat=len(way)):
        told = sum(s for s, label in zip(score, labels, strict=True) if label)
        for i, (a, b) in enumerate(pairwise(labels)):
            told += getting_in[i] * (a < b) + getting_out[i] * (a > b)
        told += sum(whole[mode][a, b] for mode in (0, 1) for a, b in runs(np.array(labels) == mode))
        for i, label in enumerate(labels):
            sums[label, i] += exp(told)
    assert driving_odds(way) == pytest.approx(np.log(sums[1] / sums[0]))


def test_a_walk_knows_how_far_it_led_and_that_it_came_back() -> None:
    """To a door 40 m away and back to the car."""
    way = travelled([(0, 40, 1.0), (0, -40, 1.0)], 10)
    fastest, lasted, net, led, share = (
        values[0] for values in spells.measures(way.t[None], way.x[None], way.y[None], 1.0)
    )
    first, last = spells.stretches(len(way))
    (there_and_back,) = np.flatnonzero((first == 1) & (last == len(way) - 2))
    assert fastest[there_and_back] == pytest.approx(1)
    assert np.exp(lasted[there_and_back]) == pytest.approx(way.t[-2] - way.t[1])
    assert np.exp(net[there_and_back]) - 3 == pytest.approx(0, abs=1)
    assert np.exp(led[there_and_back]) - 3 == pytest.approx(40, abs=1)
    assert share[there_and_back] < 0.1


def test_a_long_way_is_told_as_its_parts_are() -> None:
    """A place in the middle of a span needs no more than the span."""
    way = blurred(travelled(PARCEL * 3), error_m=2)
    span = slice(modes.SPAN // 2, modes.SPAN // 2 + modes.SPAN)
    inner = slice(modes.SPAN // 4 + 10, 3 * modes.SPAN // 4 - 10)
    assert len(way) > 2 * modes.SPAN
    assert (is_driving(way)[span][inner] == is_driving(way.only(span))[inner]).all()


@given(
    st.lists(st.tuples(st.floats(0, 600), st.floats(-1e5, 1e5), st.floats(-1e5, 1e5)), max_size=40)
)
def test_any_way_has_an_answer(places: list[tuple[float, float, float]]) -> None:
    t = np.cumsum([p[0] for p in places])
    way = Way(t, np.array([p[1] for p in places]), np.array([p[2] for p in places]))
    odds = driving_odds(way)
    assert len(is_driving(way)) == len(places)
    assert not np.isnan(odds).any()


def test_a_step_knows_what_led_to_it_and_what_came_of_it() -> None:
    """Getting in: standing for half a minute before the step, driving for half a minute after."""
    way = travelled([(0, 0, -60), (600, 0, 10)])
    signals = np.array(modes.step_signals(way))
    assert signals.shape == (3 + 4 * len(modes.BESIDE_S), len(way) - 1)
    getting_in = int(np.searchsorted(way.t, way.t[0] + 60))
    beside = signals[3:, getting_in].reshape(len(modes.BESIDE_S), 2, 2)
    assert beside[:, 0] == pytest.approx(0)
    assert beside[:, 1] == pytest.approx(10)


def test_what_lies_beside_a_step_is_told_straight_and_along_the_way() -> None:
    """To a door and back: as fast along the way as before, but nowhere."""
    way = travelled([(10, 0, 1.0), (-10, 0, 1.0), (10, 0, 1.0), (-10, 0, 1.0)], 2.5)
    net, told = np.array(modes.step_signals(way))[3 + 4 :][:2]
    back = int(np.searchsorted(way.t, way.t[0] + 20))
    assert net[back] == pytest.approx(0)
    assert told[back] == pytest.approx(1)


def test_names() -> None:
    assert {m.value for m in Mode} == {"foot", "driving"}
