"""A rep's day: what happens follows the plan, the seed and the rep's conduct."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from fieldcrm.kit.units import distance_m
from tests.simulator.streets import StraightStreets
from workers.simulator.day import (
    CheckedIn,
    Closed,
    LunchBegun,
    LunchOver,
    PutOff,
    RepDay,
    ShiftEnded,
    ShiftStarted,
    Stop,
    Timetable,
)
from workers.simulator.gps import Reading
from workers.simulator.scenario import TRAITS, RepTraits, Scenario

DAWN = 1_795_417_200.0 - 3600
HOME = (60.1700, 24.9400)
HOURS = Timetable(DAWN, DAWN + 8 * 3600, DAWN + 3 * 3600, 1800, "foot", HOME)
HONEST = RepTraits("websocket")
STEADY = Scenario(reschedule_share=0.0)


def stops(count: int = 12) -> list[Stop]:
    kinds = ("doctor", "doctor", "doctor", "pharmacist")
    return [
        Stop(f"v{n}", f"client {n}", kinds[n % 4], 60.1680 + 0.0011 * (n % 6),
             24.9400 + 0.0045 * (n // 6), n + 1)
        for n in range(count)
    ]  # fmt: skip


def day(login: str = "x", traits: RepTraits = HONEST, s: Scenario = STEADY, seed: str = "1"):
    return RepDay(login, traits, s, seed, HOURS, StraightStreets())


def whole(rep_day: RepDay, plan: list[Stop] | None = None) -> list:
    return rep_day.advance(DAWN + 14 * 3600, plan or stops())


def of(kind: type, happened: list) -> list:
    return [h for h in happened if isinstance(h, kind)]


def test_a_day_has_a_shift_a_lunch_and_every_visit_in_order():
    happened = whole(day())
    assert len(of(ShiftStarted, happened)) == len(of(ShiftEnded, happened)) == 1
    assert len(of(LunchBegun, happened)) == len(of(LunchOver, happened)) == 1
    assert [c.stop.position for c in of(Closed, happened)] == list(range(1, 13))
    times = [h.at for h in happened]
    assert times == sorted(times)


def test_doctors_take_a_talk_and_a_wait_pharmacies_five_to_thirty_minutes():
    begun, long_waits, doctors = {}, 0, 0
    for seed in range(40):
        for h in whole(day(seed=str(seed))):
            if isinstance(h, CheckedIn):
                begun[h.stop.visit_id] = h.at
            if isinstance(h, Closed):
                minutes = (h.at - begun[h.stop.visit_id]) / 60
                if h.stop.kind == "doctor":
                    doctors += 1
                    long_waits += minutes > 20 + 7
                    assert 5 + 1 <= minutes <= 7 + 35
                else:
                    assert 5 <= minutes <= 30
    assert 0.2 < long_waits / doctors < 0.4


def test_twelve_visits_fit_the_shift():
    ends = [of(ShiftEnded, whole(day(seed=str(n))))[0].at for n in range(40)]
    assert sum(e <= HOURS.ends + 30 * 60 for e in ends) >= 38


def test_nothing_is_recorded_before_the_shift_at_lunch_and_after():
    happened = whole(day())
    start, end = of(ShiftStarted, happened)[0].at, of(ShiftEnded, happened)[0].at
    lunch = of(LunchBegun, happened)[0].at, of(LunchOver, happened)[0].at
    readings = of(Reading, happened)
    assert all(start <= r.at <= end for r in readings)
    assert not [r for r in readings if lunch[0] < r.at < lunch[1]]
    seen = {r.at for r in readings}
    working = end - start - (lunch[1] - lunch[0])
    assert 0.85 < len(seen) * 20 / working < 2.0


def test_the_same_seed_is_the_same_day_whatever_the_steps():
    at_once = whole(day())
    stepwise: list = []
    rep_day = day()
    for second in range(0, 14 * 3600, 97):
        stepwise += rep_day.advance(DAWN + second, stops())
    stepwise += rep_day.advance(DAWN + 14 * 3600, stops())
    assert _told(stepwise) == _told(at_once)
    assert of(Reading, stepwise) == of(Reading, at_once)
    assert _told(whole(day(seed="2"))) != _told(at_once)


def _told(happened: list) -> list:
    return [h for h in happened if not isinstance(h, Reading)]


def test_a_visit_taken_away_is_not_made_and_a_new_one_is():
    rep_day, plan = day(), stops()
    happened = rep_day.advance(DAWN + 2 * 3600, plan)
    done = {c.stop.visit_id for c in of(Closed, happened)} | {
        c.stop.visit_id for c in of(CheckedIn, happened)
    }
    gone = next(s for s in reversed(plan) if s.visit_id not in done)
    new = replace(gone, visit_id="new", key="new client", position=11)
    happened += rep_day.advance(DAWN + 14 * 3600, [s for s in plan if s != gone] + [new])
    closed = [c.stop.visit_id for c in of(Closed, happened)]
    assert gone.visit_id not in closed
    assert "new" in closed


def test_a_turned_order_sends_the_rep_elsewhere_at_once():
    rep_day, plan = day(), stops()
    happened = rep_day.advance(DAWN + 2 * 3600, plan)
    begun = {c.stop.visit_id for c in of(CheckedIn, happened)}
    if rep_day.activity.kind == "settle":  # at the door already: that visit he still makes
        begun.add(rep_day.activity.stop.visit_id)
    turned = [s if s.visit_id in begun else replace(s, position=40 - s.position) for s in plan]
    rest = rep_day.advance(DAWN + 14 * 3600, turned)
    expected = sorted((s for s in turned if s.visit_id not in begun), key=lambda s: s.position)
    met = [c.stop.visit_id for c in of(CheckedIn, rest) if c.stop.visit_id not in begun]
    assert met == [s.visit_id for s in expected]


def test_the_padder_reports_five_of_twelve_from_afar_or_in_passing():
    traits = TRAITS["mikko"]
    for seed in range(8):
        happened = whole(day("mikko", traits, seed=str(seed)))
        begun = {c.stop.visit_id: c for c in of(CheckedIn, happened)}
        false = [c for c in of(Closed, happened) if c.truth != "honest"]
        assert len(false) == 5
        for closed in false:
            opened = begun[closed.stop.visit_id]
            true_spots = [r for r in of(Reading, happened) if opened.at <= r.at <= closed.at]
            if closed.truth == "passing":
                assert closed.at - opened.at < 60
            elif true_spots:
                lat = sorted(r.lat for r in true_spots)[len(true_spots) // 2]
                lng = sorted(r.lng for r in true_spots)[len(true_spots) // 2]
                assert distance_m(lat, lng, *closed.stop.point) > 220


def test_the_padders_spot_is_at_least_250_metres_from_what_he_pads():
    from workers.simulator import padding

    places = [(s.key, s.point) for s in stops()]
    chosen = padding.choose(places, STEADY, StraightStreets(), random.Random(1))
    far = [distance_m(*p, *chosen.spot) for key, p in places if key in chosen.from_spot]
    assert len(far) == 4
    assert min(far) >= 250


def test_the_fake_app_is_perfect_and_hides_its_flag_half_the_time():
    readings = []
    for seed in range(6):
        happened = whole(day("ion", TRAITS["ion"], seed=str(seed)))
        assert {c.truth for c in of(Closed, happened)} == {"fake"}
        readings += of(Reading, happened)
    assert {r.accuracy_m for r in readings} == {STEADY.fake_accuracy_m}
    assert 0.25 < sum(r.is_mock for r in readings) / len(readings) < 0.75


def test_gaps_leave_a_check_in_without_a_position_sometimes():
    ins = [c for n in range(30) for c in of(CheckedIn, whole(day(seed=str(n))))]
    without = sum(c.reading is None for c in ins) / len(ins)
    assert 0.03 < without < 0.2


def test_some_visits_are_put_off():
    s = Scenario(reschedule_share=0.5)
    happened = whole(day(s=s))
    put_off = {p.stop.visit_id for p in of(PutOff, happened)}
    assert put_off
    assert put_off.isdisjoint(c.stop.visit_id for c in of(Closed, happened))


@pytest.mark.parametrize("hours", [1.2, 2.1, 4.4, 6.0])
def test_a_day_taken_up_later_goes_on_where_it_stood(hours: float):
    before, plan = day(), stops()
    told = _told(before.advance(DAWN + hours * 3600, plan))
    known = {s.visit_id: s for s in plan}
    for h in told:
        if isinstance(h, CheckedIn):
            known[h.stop.visit_id] = replace(h.stop, state="under_way", checked_in=h.at)
        if isinstance(h, Closed):
            old = known[h.stop.visit_id]
            known[h.stop.visit_id] = replace(old, state="closed", closed=h.at)
    lunch = "over" if of(LunchOver, told) else "open" if of(LunchBegun, told) else "none"
    again = day()
    again.resume(DAWN + hours * 3600, list(known.values()), True, lunch)
    rest = again.advance(DAWN + 14 * 3600, list(known.values()))
    closed = [c.stop.visit_id for c in of(Closed, told)] + [
        c.stop.visit_id for c in of(Closed, rest)
    ]
    assert sorted(closed) == sorted(s.visit_id for s in plan)
    assert len(of(ShiftEnded, rest)) == 1
    assert not of(ShiftStarted, rest)


def test_readings_never_lie_in_the_future_of_what_was_asked():
    rep_day = day()
    for second in range(0, 3 * 3600, 61):
        now = DAWN + second
        assert all(h.at <= now for h in rep_day.advance(now, stops()))
    assert not math.isinf(now)
