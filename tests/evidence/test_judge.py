"""The judge on synthetic days: honest ones are confirmed, false ones never are."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from math import cos, sin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldcrm.evidence import rules
from fieldcrm.evidence.model import Claim, Judgement, Photo, Sibling, VerdictName, VisitFacts
from fieldcrm.tracking.model import Fix
from tests.evidence.tracks import Day, Receiver, fix, later, perfect, round_of, steady, visit

A, B, C = (400.0, 300.0), (900.0, -200.0), (1500.0, 400.0)


def judged(facts: VisitFacts, fixes: list[Fix], wait_s: float = 90_000) -> Judgement:
    found = rules.judge(facts, fixes, later(facts, wait_s))
    assert found is not None
    return found


def codes(found: Judgement) -> set[str]:
    return {r.code for r in found.reasons}


def some_gaps(day: Day, dice: random.Random) -> list[tuple[float, float]]:
    """A tenth of the day in stretches of one to six minutes."""
    left, gaps = day.now / 10, list[tuple[float, float]]()
    while left > 0:
        length = min(left, dice.uniform(60, 360))
        start = dice.uniform(0, day.now - length)
        gaps.append((start, start + length))
        left -= length
    return gaps


@pytest.mark.parametrize("mps", [1.33, 4.2, 9.0])
@pytest.mark.parametrize("every_s", [10.0, 30.0])
def test_honest_days_are_confirmed(mps: float, every_s: float) -> None:
    outcome: Counter[str] = Counter()
    for seed in range(25):
        dice = random.Random(seed)
        places = [(dice.uniform(-900, 900), dice.uniform(-900, 900)) for _ in range(6)]
        stays = [dice.uniform(300, 1800) for _ in places]
        day, told = round_of(places, stays, mps)
        fixes = Receiver(seed, every_s=every_s).hears(day, some_gaps(day, dice))
        for place, (start, end) in zip(places, told, strict=True):
            outcome[judged(visit(place, start, end), fixes).verdict] += 1
    assert outcome["confirmed"] >= 0.98 * outcome.total()
    assert outcome["contradicted"] == 0


def test_visits_told_from_one_spot_are_contradicted() -> None:
    """A padder sits in a cafe and reports what lies 250 m and more away."""
    for seed in range(40):
        dice = random.Random(seed)
        spot = (dice.uniform(-300, 300), dice.uniform(-300, 300))
        place = (spot[0] + dice.choice((-1, 1)) * dice.uniform(250, 600), spot[1])
        day = Day().goes(spot).stays(3600)
        day.goes((0.0, -600.0))
        fixes = Receiver(seed).hears(day, some_gaps(day, dice))
        for start in (day.now - 3600 - 400, day.now - 2800):
            honest_position = visit(place, start, start + 600, said=spot)
            found = judged(honest_position, fixes)
            assert found.verdict != VerdictName.confirmed, (seed, found)
            lied_position = visit(place, start, start + 600)
            assert judged(lied_position, fixes).verdict != VerdictName.confirmed


def test_the_spot_is_named_when_it_shows() -> None:
    day = Day().goes(A).stays(3600).goes(B)
    claims = [
        visit(p, 900 + n * 700, 1500 + n * 700, said=A) for n, p in enumerate((B, C, (0.0, 900.0)))
    ]
    siblings = tuple(Sibling(str(n), c.lat, c.lng, c.check_in) for n, c in enumerate(claims))
    facts = replace(claims[0], siblings=siblings[1:])
    found = judged(facts, Receiver(3).hears(day))
    assert {"away", "one_spot"} <= codes(found)
    assert found.verdict == VerdictName.contradicted


@pytest.mark.parametrize("metres", [0.0, 40.0, 70.0, 130.0, 300.0])
def test_a_long_stay_speaks_for_a_visit_only_at_its_place(metres: float) -> None:
    """Twenty minutes are worth something at the door, nothing in a cafe down the street."""
    spot = (A[0], A[1] + metres)
    day, told = round_of([spot], [1200])
    found = judged(visit(A, *told[0]), Receiver(7).hears(day))
    stays = {r.code: r.weight for r in found.reasons if r.code.startswith("stayed")}
    if metres < 100:
        assert stays == {"stayed": 1.5}
        assert found.verdict == VerdictName.confirmed
    else:
        assert stays == {"stayed_elsewhere": 0.0}
        assert found.verdict != VerdictName.confirmed


@pytest.mark.parametrize("mps", [1.33, 4.2])
@pytest.mark.parametrize("told_s", [40.0, 600.0])
def test_passing_by_is_never_confirmed(mps: float, told_s: float) -> None:
    """Under 60 s on the spot, whether the rep says so or claims ten minutes."""
    for seed in range(40):
        day = Day(mps=mps).goes(A)
        start = day.now
        day.stays(40).goes(C).stays(900)
        found = judged(visit(A, start, start + told_s), Receiver(seed).hears(day))
        assert found.verdict != VerdictName.confirmed, (seed, found)


@pytest.mark.parametrize("mps", [1.33, 4.2, 9.0])
@pytest.mark.parametrize("shown", ["never", "first_half", "stretches"])
def test_a_fake_gps_app_is_never_confirmed(mps: float, shown: str) -> None:
    hidden = {
        "never": lambda t: True,
        "first_half": lambda t: t > 3000,
        "stretches": lambda t: (t // 900) % 2 == 0,
    }[shown]
    places = [A, B, C, (200.0, -700.0)]
    day, told = round_of(places, [700] * 4, mps)
    fixes = perfect(day, hidden)
    for place, (start, end) in zip(places, told, strict=True):
        facts = visit(place, start, end)
        known = [f for f in fixes if f.fix_at_ms <= facts.closed_ms + 30_000]
        for seen in (known, fixes):
            assert judged(facts, seen).verdict != VerdictName.confirmed
        if shown == "never":
            assert codes(judged(facts, fixes)) & {"too_perfect", "too_steady", "too_still"}


def test_one_speed_and_one_accuracy_all_day_is_never_confirmed() -> None:
    day, told = round_of([A, B], [700, 700])
    found = judged(visit(A, *told[0]), steady(day, 1.33))
    assert found.verdict != VerdictName.confirmed
    assert "too_steady" in codes(found)


def test_the_mock_flag_contradicts() -> None:
    day, told = round_of([A], [700])
    fixes = [fix(t, day.place(t), 8.0, n, True) for n, t in enumerate(range(0, int(day.now), 10))]
    found = judged(visit(A, *told[0]), fixes)
    assert found.verdict == VerdictName.contradicted
    assert found.reasons[0].code == "mock_here"


def test_it_waits_for_the_track() -> None:
    day, told = round_of([A], [700])
    fixes = Receiver(1).hears(day)
    facts = visit(A, *told[0])
    before = [f for f in fixes if f.fix_at_ms < facts.closed_ms]
    assert rules.judge(facts, [], later(facts, 60)) is None
    assert rules.judge(facts, before, later(facts, 23.9 * 3600)) is None
    assert judged(facts, fixes, 200).verdict == VerdictName.confirmed
    assert judged(facts, [], 24 * 3600).verdict == VerdictName.doubtful
    over = replace(facts, shift_ended_ms=facts.closed_ms + 5000)
    assert rules.judge(over, before, later(facts, 60)) is None
    assert judged(over, before, 700).verdict == VerdictName.confirmed


@pytest.mark.parametrize("minutes", [-40, -4, 4, 40])
def test_a_clock_that_was_turned_is_aligned_with_the_track(minutes: int) -> None:
    day, told = round_of([A, B, C], [900, 900, 900])
    fixes = Receiver(5).hears(day)
    start, end = told[1]
    wrong = visit(B, start + 60 * minutes, end + 60 * minutes, clock_doubt_ms=abs(minutes) * 60_000)
    found = judged(wrong, fixes)
    assert found.verdict == VerdictName.confirmed
    assert abs(found.figures["clock_shift_s"] + 60 * minutes) <= 900


def test_a_corrected_clock_does_not_matter() -> None:
    day, told = round_of([A], [700])
    fixes = Receiver(5).hears(day)
    facts = visit(A, *told[0])
    found = judged(replace(facts, offset_ms=2_400_000), fixes)
    assert found.verdict == judged(facts, fixes).verdict == VerdictName.confirmed
    assert "clock_wrong" in codes(found)


def test_a_gap_over_the_whole_visit() -> None:
    """In and out close by leaves room for it; ends far away don't; a short silence doesn't."""
    day = Day().goes(A).stays(800).goes(C)
    arrives = day.legs[1][1]
    told = (arrives + 30, arrives + 700)
    close = Receiver(2).hears(day, [(told[0] - 60, told[1] + 60)])
    assert judged(visit(A, *told), close).verdict == VerdictName.confirmed
    far = [f for f in close if abs(f.fix_at_ms / 1000 - close[0].fix_at_ms / 1000 - told[0]) > 900]
    assert judged(visit(A, *told), far).verdict == VerdictName.doubtful
    walked_on = Day().goes(A).goes(C).stays(900)
    passed = walked_on.legs[1][1]
    fixes = Receiver(2).hears(walked_on, [(passed - 60, passed + 90)])
    found = judged(visit(A, passed - 40, passed + 600), fixes)
    assert found.verdict != VerdictName.confirmed


def test_photos() -> None:
    day, told = round_of([A], [700])
    fixes, facts = Receiver(1).hears(day), visit(A, *told[0])
    fresh = judged(replace(facts, photos=(Photo("a", True),)), fixes)
    assert "photo" in codes(fresh)
    assert fresh.verdict == VerdictName.confirmed
    again = judged(replace(facts, photos=(Photo("a", True, "other"),)), fixes)
    assert again.verdict == VerdictName.doubtful
    missing = judged(replace(facts, photos=(Photo("a", False),)), fixes)
    assert "photo_missing" in codes(missing)


def test_no_place_and_no_position() -> None:
    day, told = round_of([A], [700])
    fixes, facts = Receiver(1).hears(day), visit(A, *told[0])
    assert judged(replace(facts, lat=None, lng=None), fixes).verdict == VerdictName.doubtful
    blind = replace(facts, check_in=Claim(), check_out=Claim())
    assert judged(blind, fixes).verdict == VerdictName.confirmed
    assert rules.distance_rule(blind) == VerdictName.doubtful


def test_a_jump_across_the_town_is_doubted() -> None:
    day, told = round_of([A], [700])
    fixes = Receiver(1).hears(day)
    away = [
        fix(t, (60_000.0, 0.0), 8.0, 10_000 + n)
        for n, t in enumerate(range(int(told[0][1]) + 100, int(told[0][1]) + 160, 10))
    ]
    kept = [f for f in fixes if not away[0].fix_at_ms <= f.fix_at_ms <= away[-1].fix_at_ms]
    found = judged(visit(A, *told[0]), [*kept, *away])
    assert "teleport" in codes(found)
    assert found.verdict != VerdictName.confirmed


def test_the_naive_rule_believes_the_phone() -> None:
    day = Day().goes(A).stays(30).goes(C).stays(900)
    facts = visit(A, day.legs[2][0], day.legs[2][0] + 600)
    assert rules.distance_rule(facts) == VerdictName.confirmed
    assert judged(facts, Receiver(1).hears(day)).verdict != VerdictName.confirmed


# ---- laws ----

points = st.tuples(st.floats(-800, 800), st.floats(-800, 800))


@settings(max_examples=40, deadline=None)
@given(points, st.integers(0, 10_000), st.integers(0, 59))
def test_a_mock_flag_never_helps(place, seed: int, which: int) -> None:
    day, told = round_of([place], [600])
    fixes, facts = Receiver(seed).hears(day), visit(place, *told[0])
    flagged = [_flagged(f) if n % 60 == which else f for n, f in enumerate(fixes)]
    assert judged(facts, flagged).score <= judged(facts, fixes).score


def _flagged(f: Fix) -> Fix:
    return Fix(f.rep_id, f.device_id, f.seq, f.fix_at_ms, f.device_at_ms, f.server_at_ms, f.lat,
               f.lng, f.accuracy_m, is_mock=True)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(points, st.integers(0, 10_000), st.integers(-(10**9), 10**9))
def test_the_hour_of_the_day_does_not_matter(place, seed: int, shift_s: int) -> None:
    day, told = round_of([place], [600])
    fixes, facts = Receiver(seed).hears(day), visit(place, *told[0])
    moved = [
        Fix(
            f.rep_id,
            f.device_id,
            f.seq,
            f.fix_at_ms + 1000 * shift_s,
            0,
            0,
            f.lat,
            f.lng,
            f.accuracy_m,
        )
        for f in fixes
    ]
    later_facts = replace(
        facts, checked_in_ms=facts.checked_in_ms + 1000 * shift_s,
        closed_ms=facts.closed_ms + 1000 * shift_s,
    )  # fmt: skip
    assert judged(later_facts, moved).verdict == judged(facts, fixes).verdict


@settings(max_examples=40, deadline=None)
@given(points, st.integers(0, 10_000), st.floats(0, 6.283), st.floats(400, 5000))
def test_a_place_far_from_the_whole_track_is_never_confirmed(place, seed, angle, far) -> None:
    day, told = round_of([place], [900])
    fixes = Receiver(seed).hears(day)
    xs, ys = zip(*(day.place(t) for t in range(0, int(day.now), 5)), strict=True)
    corner = (
        (max(xs) + far, max(ys) + far)
        if cos(angle) + sin(angle) > 0
        else (min(xs) - far, min(ys) - far)
    )
    assert judged(visit(corner, *told[0]), fixes).verdict == VerdictName.contradicted


@settings(max_examples=25, deadline=None)
@given(st.lists(points, min_size=1, max_size=40), st.integers(10, 600))
def test_any_track_gets_a_verdict(path, every_s: int) -> None:
    """However odd the fixes: same moments, no accuracy, one fix only."""
    fixes = [fix(every_s * (n // 2), p, 8.0, n) for n, p in enumerate(path)]
    fixes[0].accuracy_m = None
    found = judged(visit(A, 100, 500), fixes)
    assert 0 <= found.score <= 1
    assert [abs(a.weight) >= abs(b.weight) for a, b in pairwise(found.reasons)].count(False) == 0


def test_order_of_fixes_does_not_matter() -> None:
    day, told = round_of([A], [700])
    fixes, facts = Receiver(1).hears(day), visit(A, *told[0])
    assert judged(facts, fixes[::-1]) == judged(facts, fixes)
