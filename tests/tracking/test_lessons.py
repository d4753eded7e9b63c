"""What reps and dispatchers suffered from with trackers, one test for each lesson of the field."""

from __future__ import annotations

from typing import Any

import pytest

from fieldcrm.kit import i18n
from fieldcrm.pages import dispatch_phone
from fieldcrm.tracking import alerting, battery, rules, trips
from fieldcrm.tracking.live_index import PhoneStatus
from fieldcrm.tracking.model import AlertKind, Doubt, Fix, RepState, Span
from tests.tracking.test_pipeline import HOUR, MINUTE, NOW, Path, raw
from tests.tracking.test_rules import rep
from tests.tracking.ways import blurred, fixes_of, travelled, without


@pytest.mark.parametrize("mode", ["web", "osmand"])
def test_lesson_1_the_dispatcher_reads_what_tracks_and_that_it_has_paused(mode: str) -> None:
    paused = PhoneStatus("r", NOW, tracking="paused", mode=mode, since_ms=NOW - MINUTE)
    for language in i18n.LANGUAGES:
        told = i18n.t(f"dispatch.source.{mode}", language)
        by = dispatch_phone.phone_facts(rep(source=mode), None, language)[0]
        assert (by.text, by.tone) == (told, "")
        off = dispatch_phone.phone_facts(rep(source=mode), paused, language)[0]
        assert off.text == f"{told}, {i18n.t('phone_does.tracking.paused', language)}"
        assert off.tone == "late"


@pytest.mark.parametrize(
    ("said", "cause"),
    [({"battery_pct": 6.0}, "battery"), ({"battery_pct": 6.0, "is_charging": True}, "network"),
     ({"permission": "denied"}, "permission"), ({"tracking": "paused"}, "paused"),
     ({"mode": "web"}, "screen"), ({}, "network")],
)  # fmt: skip
def test_lesson_2_a_tracker_that_fell_silent_is_told_of_with_its_likely_cause(
    said: dict[str, Any], cause: str
) -> None:
    """The cause follows from what the phone last said of itself; off shift nobody is called silent."""
    known = {"battery_pct": 80.0, "is_charging": False, "permission": None, "tracking": None, "mode": "osmand"}  # fmt: skip
    found = rules.cause_of(RepState.silent, **{**known, **said})
    quiet = rep(state=RepState.silent, since_ms=NOW - 9 * MINUTE, cause=found)
    (wish,) = (w for w in alerting.wishes(quiet, (), NOW) if w.kind is AlertKind.silent)
    assert (wish.data["cause"], wish.data["minutes"]) == (f"tracking.cause.{cause}", 9)
    for language in i18n.LANGUAGES:
        assert i18n.t(wish.data["cause"], language) != wish.data["cause"]
    off = rep(state=RepState.off_shift, since_ms=NOW - 9 * MINUTE, cause=found)
    assert alerting.wishes(off, (), NOW) == []
    assert rules.cause_of(RepState.off_shift, **{**known, **said}) is None


def charged(at_min: float, pct: float | None, is_charging: bool | None = False) -> Fix:
    at = NOW + round(at_min * MINUTE)
    return Fix(
        "rep", "phone", None, at, at, at, 60.0, 25.0, battery_pct=pct, is_charging=is_charging
    )


def test_lesson_3_the_drain_of_a_phone_is_told_per_hour_without_the_time_at_a_charger() -> None:
    falls = [charged(m, 80 - m / 10) for m in range(0, 121, 5)]
    assert battery.drain_pct_per_h(falls) == pytest.approx(6, abs=0.1)
    plugged = [charged(130 + m, 68 + m, True) for m in range(0, 21, 5)]
    after = [charged(160 + m, 88 - m / 10) for m in range(0, 61, 5)]
    assert battery.drain_pct_per_h([*falls, *plugged, *after]) == pytest.approx(6, abs=0.2)
    assert battery.drain_pct_per_h(falls[:3]) is None, "ten minutes tell nothing"
    assert battery.drain_pct_per_h([charged(m, None) for m in range(120)]) is None
    two = [charged(m, 90 if m % 2 else 40) for m in range(120)]
    assert battery.drain_pct_per_h(two) is None, "two phones of one rep are no drain"


def test_lesson_4_what_looks_faked_is_recorded_and_marked_never_dropped() -> None:
    """The flag may be hidden, so leaps, speed and the clock are looked at as well."""
    told = Path().send(
        raw(30_000, is_mock=True), raw(20_000, lat=60.5), raw(10_000, lat=60.5, speed_mps=90)
    )
    assert told.outcome.rejected == {}
    marks = [Doubt(f.doubts) for f in told.recorded]
    assert Doubt.mock in marks[0]
    assert Doubt.teleport in marks[1]
    assert Doubt.speed in marks[2]


def test_lesson_6_a_parked_phone_makes_one_stop_and_no_way_and_its_fixes_stay() -> None:
    fixes = fixes_of(blurred(travelled([(0, 0, -7200)]), error_m=8, seed=4), 20.0)
    day = trips.describe(fixes, [])
    assert (len(day["stops"]), day["distance_m"], day["lines"]) == (1, 0, [])
    assert day["fixes"] == len(fixes)


@pytest.mark.parametrize("wrong_min", [-180, -7, 7, 180])
def test_lesson_7_a_wrong_clock_is_corrected_and_every_time_is_kept(wrong_min: int) -> None:
    """The fix's own time, the phone's and the server's: three of them, and the order is the true one."""
    off = wrong_min * MINUTE
    told = Path().send(raw(60_000 - off), raw(5000 - off), phone_now=NOW + off)
    assert [f.fix_at_ms for f in told.recorded] == [NOW - 60_000, NOW - 5000]
    assert [f.device_at_ms for f in told.recorded] == [NOW - 60_000 + off, NOW - 5000 + off]
    assert {f.server_at_ms for f in told.recorded} == {NOW}
    assert all(Doubt(f.doubts) & Doubt.clock for f in told.recorded)


def test_lesson_11_no_line_is_drawn_across_a_gap_or_from_shift_to_shift() -> None:
    way = travelled([(6000, 0, 12)])
    gone = trips.describe(fixes_of(without(way, 100, 450)), [])
    fixes = fixes_of(way)
    noon = fixes[len(fixes) // 2]
    shifts = [Span("a", fixes[0].fix_at_ms, noon.fix_at_ms), Span("b", noon.fix_at_ms + 1, None)]
    halves = trips.describe(fixes, shifts)
    for told, border in ((gone, fixes[50].lng), (halves, noon.lng + 1e-9)):
        for lines in (told["lines"], told["raw"]):
            west, east = sorted(lines)
            assert max(place[1] for place in west) < border < min(place[1] for place in east)
    assert gone["unseen_m"] == pytest.approx(4200, rel=0.05), "said, not drawn"


def test_lesson_27_off_shift_and_on_a_break_nothing_is_recorded() -> None:
    day = (Span("a", NOW - 6 * HOUR, NOW - HOUR, ((NOW - 4 * HOUR, NOW - 3 * HOUR),)),
           Span("b", NOW - MINUTE, None))  # fmt: skip
    told = Path(day).send(*(raw(round(h * HOUR)) for h in (6.5, 5, 3.5, 2, 0.5)), raw(1000))
    assert told.outcome.rejected == {"off_shift": 2, "paused": 1}
    assert [f.fix_at_ms for f in told.recorded] == [NOW - 5 * HOUR, NOW - 2 * HOUR, NOW - 1000]
    assert told.held == []
