"""What a rep does now, what his track says, and when somebody should be told."""

from __future__ import annotations

import math
import random

import pytest

from fieldcrm.kit import i18n
from fieldcrm.tracking import alerting, rules, trips
from fieldcrm.tracking.model import AlertKind, Doubt, Fix, LiveRep, RepState, Span
from fieldcrm.tracking.rules import Duty

NOW = 1_790_000_000_000
MINUTE, HOUR = 60_000, 3_600_000
SHIFT = Span("s", NOW - 4 * HOUR, None)


def state(spans=(SHIFT,), *, fix=NOW, still=None, visit=None, paused=None, heard=None):
    return rules.rep_state(
        NOW, spans, fix_at_ms=fix, still_since_ms=still, visit_since_ms=visit,
        tracking_paused_ms=paused, heard_at_ms=heard,
    )  # fmt: skip


def test_states_in_their_order_of_weight() -> None:
    lunch = Span("s", NOW - HOUR, None, ((NOW - MINUTE, None),))
    over = Span("s", NOW - 3 * HOUR, NOW - HOUR)
    forgotten = Span("s", NOW - 20 * HOUR, None)
    assert state(()) == (RepState.off_shift, None)
    assert state((over,)) == (RepState.off_shift, NOW - HOUR)
    assert state((forgotten,)) == (RepState.off_shift, NOW - 4 * HOUR)
    assert state((lunch,), visit=NOW) == (RepState.paused, NOW - MINUTE)
    assert state(visit=NOW - MINUTE, fix=None) == (RepState.in_visit, NOW - MINUTE)
    assert state(visit=NOW - 2 * HOUR, fix=NOW - MINUTE)[0] is RepState.in_visit
    assert state(visit=NOW - 2 * HOUR, fix=NOW - HOUR) == (RepState.silent, NOW - HOUR)
    assert state(paused=NOW - MINUTE) == (RepState.paused, NOW - MINUTE)
    assert state(fix=NOW - 8 * MINUTE) == (RepState.silent, NOW - 8 * MINUTE)
    assert state(fix=NOW - 8 * MINUTE, heard=NOW - MINUTE)[0] is RepState.moving
    assert state(still=NOW - 4 * MINUTE) == (RepState.idle, NOW - 4 * MINUTE)
    assert state(still=NOW - MINUTE) == (RepState.moving, None)
    assert state((Span("s", NOW - MINUTE, None),), fix=NOW - HOUR)[0] is RepState.idle


def test_a_moment_is_settled_once_a_later_shift_is_known() -> None:
    spans = (Span("a", 100, 200, ((120, 130),)), Span("b", 300, 400))
    known = {50: Duty.off, 100: Duty.on, 125: Duty.paused, 130: Duty.on, 250: Duty.off,
             400: Duty.on, 401: Duty.unknown}  # fmt: skip
    assert {at: rules.duty_at(spans, at) for at in known} == known
    assert rules.duty_at((), 5) is Duty.unknown


def test_a_pause_without_an_end_settles_nothing() -> None:
    spans = (Span("a", 100, None, ((120, None),)),)
    assert rules.duty_at(spans, 110) is Duty.on
    assert rules.duty_at(spans, 125) is Duty.unknown
    assert rules.is_in_pause(spans, 125)
    assert not rules.is_in_pause(spans, 110)


def test_an_open_shift_is_forgotten_after_sixteen_hours() -> None:
    spans = (Span("a", 0, None),)
    assert rules.duty_at(spans, 16 * HOUR) is Duty.on
    assert rules.duty_at(spans, 16 * HOUR + 1) is Duty.unknown


def walk(minutes: float, lat: float, lng: float, to: tuple[float, float], began: int) -> list[Fix]:
    steps = int(minutes * 12)
    return [
        noisy(began + i * 5000, lat + (to[0] - lat) * i / steps, lng + (to[1] - lng) * i / steps)
        for i in range(steps)
    ]


_chance = random.Random(4)


def noisy(at: int, lat: float, lng: float, sigma_m: float = 7) -> Fix:
    north, east = _chance.gauss(0, sigma_m), _chance.gauss(0, sigma_m)
    return Fix("r", "d", None, at, at, at, lat + north / 111_195,
               lng + east / 111_195 / math.cos(math.radians(lat)), 10.0)  # fmt: skip


def test_parked_phones_make_one_stop_and_no_way() -> None:
    fixes = [noisy(NOW + i * 5000, 60.17, 24.94, 9) for i in range(720)]
    fixes[300].lat += 0.0013
    told = trips.describe(fixes, [])
    assert len(told["stops"]) == 1
    assert told["distance_m"] < 20
    assert told["stops"][0]["lat"] == pytest.approx(60.17, abs=2e-5)


def test_a_walk_between_two_visits() -> None:
    there, next_door = (60.17, 24.94), (60.18, 24.94)
    fixes = (
        [noisy(NOW + i * 5000, *there) for i in range(120)]
        + walk(14, *there, next_door, NOW + 10 * MINUTE)
        + [noisy(NOW + 24 * MINUTE + i * 5000, *next_door) for i in range(120)]
    )
    told = trips.describe(fixes, [])
    assert len(told["stops"]) == 2
    assert told["distance_m"] == pytest.approx(1112, rel=0.08)
    assert len(told["lines"]) == 1
    assert 12 * 60 <= told["moving_s"] <= 16 * 60


def test_no_line_across_a_gap_a_shift_or_a_leap() -> None:
    fixes = walk(4, 60.17, 24.94, (60.175, 24.94), NOW)
    later = walk(4, 60.19, 24.94, (60.195, 24.94), NOW + 12 * MINUTE)
    assert len(trips.describe([*fixes, *later], [])["lines"]) == 2
    whole = walk(8, 60.17, 24.94, (60.18, 24.94), NOW)
    spans = [Span("a", NOW - 1, NOW + 4 * MINUTE), Span("b", NOW + 4 * MINUTE + 1, None)]
    assert len(trips.describe(whole, spans)["lines"]) == 2
    without = trips.describe([*whole[:40], *whole[41:]], [])["distance_m"]
    whole[40].lat += 5
    whole[40].doubts = Doubt.teleport
    assert trips.describe(whole, [])["distance_m"] == pytest.approx(without, rel=0.02)
    assert trips.describe([], []) == {
        "lines": [], "raw": [], "stops": [], "trips": [], "gaps": [], "distance_m": 0,
        "unseen_m": 0, "moving_s": 0, "fixes": 0, "first_at_ms": None, "last_at_ms": None,
    }  # fmt: skip


def rep(**other) -> LiveRep:
    values = {
        "rep_id": "r", "name": "R", "team_id": "t", "state": RepState.moving, "since_ms": None,
        "lat": 60.17, "lng": 24.94, "accuracy_m": 8, "speed_mps": 1, "course_deg": 0,
        "battery_pct": 80, "fix_at_ms": NOW, "age_s": 0, "source": "web", "is_mock": None,
        "doubts": 0, "cause": None,
    }  # fmt: skip
    return LiveRep(**{**values, **other})


def stop(visit_id: str, minutes: int, lat: float = 60.17, lng: float = 24.94, state="planned"):
    return alerting.PlannedStop(visit_id, state, NOW + minutes * MINUTE, lat, lng)


def kinds(live: LiveRep, *stops) -> set[AlertKind]:
    return {w.kind for w in alerting.wishes(live, stops, NOW)}


def test_what_asks_for_an_alert() -> None:
    assert kinds(rep(), stop("a", 5)) == set()
    silent = rep(state=RepState.silent, since_ms=NOW - 9 * MINUTE, cause="battery", battery_pct=4)
    assert kinds(silent) == {AlertKind.silent, AlertKind.battery_low}
    (wish, _) = alerting.wishes(silent, (), NOW)
    assert (wish.data["minutes"], wish.data["cause"]) == (9, "tracking.cause.battery")
    assert kinds(rep(), stop("a", -25, state="closed"), stop("b", -21)) == {AlertKind.late}
    assert kinds(rep(battery_pct=15)) == {AlertKind.battery_low}
    assert kinds(rep(battery_pct=15, is_charging=True)) == set()
    assert kinds(rep(doubts=int(Doubt.mock))) == {AlertKind.mock}
    assert kinds(rep(clock_offset_ms=-40 * MINUTE)) == {AlertKind.clock_wrong}
    for quiet in (RepState.off_shift, RepState.paused):
        assert kinds(rep(state=quiet, battery_pct=1, doubts=1), stop("a", -60)) == set()


def cause(live: LiveRep, *stops) -> str:
    (wish,) = alerting.wishes(live, stops, NOW)
    return wish.data["cause"]


def test_each_alert_tells_its_cause() -> None:
    late = stop("a", -25)
    told = {
        s: cause(rep(state=s, since_ms=NOW), late) for s in (RepState.moving, RepState.in_visit)
    }
    assert told == {
        RepState.moving: "alert.cause.late_moving", RepState.in_visit: "alert.cause.late_in_visit",
    }  # fmt: skip
    assert cause(rep(clock_offset_ms=-5 * MINUTE)) == "alert.cause.clock_ahead"
    assert cause(rep(clock_offset_ms=5 * MINUTE)) == "alert.cause.clock_behind"
    assert cause(rep(doubts=int(Doubt.mock))) == "alert.cause.mock"
    assert cause(rep(battery_pct=3)) == "alert.cause.battery"
    for kind in ("moving", "in_visit", "idle", "silent", "paused"):
        assert i18n.t(f"alert.cause.late_{kind}", "ru") != f"alert.cause.late_{kind}"


def test_a_long_stop_outside_any_visit() -> None:
    stands = rep(state=RepState.idle, since_ms=NOW - 50 * MINUTE)
    ahead = stop("a", 30, 60.18, 24.94)
    assert kinds(stands, ahead) == {AlertKind.long_stop}
    assert cause(stands, ahead) == "alert.cause.stop_elsewhere"
    assert cause(stands, stop("b", 30, 60.1709, 24.94)) == "alert.cause.stop_at_client"
    assert kinds(stands) == set(), "his day is done"
    assert kinds(stands, stop("c", -90, state="closed")) == set()
    assert kinds(rep(state=RepState.idle, since_ms=NOW - 44 * MINUTE), ahead) == set()
    assert kinds(rep(state=RepState.in_visit, since_ms=NOW - 90 * MINUTE), ahead) == set()


@pytest.mark.parametrize(
    ("minute", "quiet", "is_quiet"),
    [
        (600, None, False), (1260, (1200, 420), True), (100, (1200, 420), True),
        (420, (1200, 420), False), (1199, (1200, 420), False), (720, (700, 740), True),
        (740, (700, 740), False), (5, (300, 300), False),
    ],
)  # fmt: skip
def test_quiet_hours(minute: int, quiet: tuple[int, int] | None, is_quiet: bool) -> None:
    assert alerting.is_quiet(minute, quiet) is is_quiet


def test_far_from_every_leg_of_the_plan() -> None:
    plan = (stop("a", 5, 60.17, 24.90), stop("b", 60, 60.17, 25.00))
    assert kinds(rep(lat=60.171, lng=24.95), *plan) == set()
    assert kinds(rep(lat=60.20, lng=24.95), *plan) == {AlertKind.far_from_plan}
    assert kinds(rep(lat=60.20, lng=24.95, age_s=600), *plan) == set()
    assert alerting.distance_to_line_m((60.18, 24.95), [(60.17, 24.9), (60.17, 25.0)]) == (
        pytest.approx(1112, rel=0.01)
    )


def test_an_alert_ripens_and_lingers() -> None:
    memory = alerting.Memory()
    far = alerting.Wish(AlertKind.far_from_plan, {}, 5 * MINUTE)
    assert memory.ripe("r", [far], NOW) == []
    assert memory.ripe("r", [far], NOW + 5 * MINUTE) == [far]
    assert memory.ripe("r", [], NOW + 6 * MINUTE) == []
    assert memory.ripe("r", [far], NOW + 7 * MINUTE) == []
    assert not memory.is_over("r", AlertKind.late, False, NOW)
    assert not memory.is_over("r", AlertKind.late, False, NOW + 50_000)
    assert not memory.is_over("r", AlertKind.late, True, NOW + 55_000)
    assert not memory.is_over("r", AlertKind.late, False, NOW + MINUTE)
    assert memory.is_over("r", AlertKind.late, False, NOW + 2 * MINUTE)
    assert not memory.is_over("r", AlertKind.mock, False, NOW)
    assert not memory.is_over("r", AlertKind.mock, False, NOW + HOUR)
    assert memory.is_over("r", AlertKind.mock, False, NOW + 2 * HOUR)
