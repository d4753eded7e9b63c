"""A day read as people read it: trips, stops, gaps, lines."""

from __future__ import annotations

import pytest

from fieldcrm.tracking import trips
from fieldcrm.tracking.model import Doubt, Fix, Span
from tests.tracking.ways import Leg, blurred, fixes_of, joined, travelled, without

VISIT: Leg = (0, 0, -900)
DAY: list[Leg] = [
    (0, 0, -300), (1500, 800, 11), (0, 0, -30), (0, 60, 1.3), VISIT, (0, -60, 1.3), (0, 0, -30),
    (0, 2000, 12), VISIT,
]  # fmt: skip


def told(fixes: list[Fix], spans: list[Span] | None = None) -> dict:
    return trips.describe(fixes, spans or [])


def test_a_day_of_two_drives() -> None:
    day = told(fixes_of(blurred(travelled(DAY), error_m=3), 8.0))
    assert [t["mode"] for t in day["trips"]].count("driving") == 2
    assert len(day["stops"]) == 3
    assert day["distance_m"] == pytest.approx(1700 + 60 + 60 + 2000, rel=0.04)
    assert day["moving_s"] == pytest.approx(1700 / 11 + 2000 / 12 + 2 * 60 / 1.3, abs=100)
    assert day["unseen_m"] == 0
    assert len(day["lines"]) == 1


@pytest.mark.parametrize("seed", range(5))
def test_parked_jitter_is_one_stop_and_no_way(seed: int) -> None:
    day = told(fixes_of(blurred(travelled([(0, 0, -7200)]), error_m=6, seed=seed), 15.0))
    assert len(day["stops"]) == 1
    assert day["distance_m"] == 0
    assert day["moving_s"] == 0
    assert day["lines"] == []


def test_no_line_across_a_gap_and_what_is_unseen_is_told_apart() -> None:
    drive = travelled([(6000, 0, 12)])
    day = told(fixes_of(without(drive, 100, 420)))
    assert len(day["lines"]) == 2
    assert day["distance_m"] == pytest.approx(6000 - 12 * 320, rel=0.02)
    assert day["unseen_m"] == pytest.approx(12 * 320, rel=0.02)
    (gap,) = day["gaps"]
    assert gap["to_ms"] - gap["from_ms"] == 320_000


def test_no_line_from_one_shift_to_the_next() -> None:
    fixes = fixes_of(travelled([(3600, 0, 12)]))
    middle = fixes[30].fix_at_ms
    spans = [Span("a", fixes[0].fix_at_ms, middle), Span("b", middle + 1, None)]
    day = told(fixes, spans)
    assert len(day["lines"]) == 2
    assert day["gaps"] == []
    assert day["unseen_m"] == 0


def test_a_phone_silent_indoors_stays_at_one_stop() -> None:
    way = without(travelled([(300, 0, 1.3), (0, 0, -2400), (300, 0, 1.3)]), 500, 1500)
    day = told(fixes_of(way))
    assert len(day["stops"]) == 1
    assert day["unseen_m"] == 0
    assert day["stops"][0]["to_ms"] - day["stops"][0]["from_ms"] == pytest.approx(2.4e6, abs=4e4)


def test_heartbeats_of_a_phone_that_stands_still_are_one_stop() -> None:
    way = blurred(travelled([(0, 0, -1500)], 301), error_m=8)
    day = told(fixes_of(joined([travelled([(900, 0, 9)]), way, travelled([(900, 0, 9)])])))
    assert len(day["stops"]) == 1
    assert day["gaps"] == []
    assert day["distance_m"] == pytest.approx(1800, rel=0.05)


def test_a_pause_is_no_stop_and_nothing_of_it_is_guessed() -> None:
    fixes = fixes_of(without(travelled([(0, 0, -3000)]), 900, 2100))
    start = fixes[0].fix_at_ms
    pause = (start + 905_000, start + 2_095_000)
    day = told(fixes, [Span("a", start, None, (pause,))])
    assert len(day["stops"]) == 2
    assert day["stops"][0]["to_ms"] <= pause[0] < pause[1] <= day["stops"][1]["from_ms"]
    assert day["gaps"] == []


def test_coming_back_later_is_another_stop() -> None:
    loop: list[Leg] = [VISIT, (500, 0, 10), (-500, 0, 10), VISIT]
    assert len(told(fixes_of(travelled(loop)))["stops"]) == 2


def test_a_red_light_is_no_stop() -> None:
    lit = told(fixes_of(travelled([(800, 0, 11), (0, 0, -80), (800, 0, 11)])))
    assert lit["stops"] == []
    assert [t["mode"] for t in lit["trips"]] == ["driving"]
    parked = told(fixes_of(travelled([(800, 0, 11), (0, 0, -240), (800, 0, 11)])))
    assert len(parked["stops"]) == 1
    assert len(parked["trips"]) == 2


def test_parts_of_a_trip_add_up() -> None:
    way = joined(
        [travelled([(200, 0, 1.3), (0, 0, -20), (0, 1500, 10), (0, 0, -20), (150, 0, 1.3)])]
    )
    (trip,) = told(fixes_of(blurred(way, error_m=2)))["trips"]
    assert [part["mode"] for part in trip["parts"]] == ["foot", "driving", "foot"]
    assert sum(part["distance_m"] for part in trip["parts"]) == pytest.approx(
        trip["distance_m"], abs=3
    )
    assert trip["mode"] == "driving"
    assert trip["parts"][0]["from_ms"] == trip["from_ms"]
    assert trip["parts"][-1]["to_ms"] == trip["to_ms"]


def test_fixes_that_no_line_should_visit() -> None:
    fixes = fixes_of(travelled([(1200, 0, 12)]))
    fixes[5].lat += 0.1
    fixes[5].doubts = int(Doubt.teleport)
    fixes[9].lng += 0.01
    fixes[9].accuracy_m = 900.0
    day = told(fixes)
    assert day["distance_m"] == pytest.approx(1200, rel=0.01)
    assert day["fixes"] == len(fixes)
    assert len(day["raw"][0]) == len(fixes) - 2


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_fixes(count: int) -> None:
    fixes = fixes_of(travelled([(100, 0, 10)]))[:count]
    day = told(fixes)
    assert day["fixes"] == count
    assert day["stops"] == []
    assert day["first_at_ms"] == (fixes[0].fix_at_ms if fixes else None)
