"""What a shape may be, how far its border is, and when a rep counts as having gone over it."""

from __future__ import annotations

import random
from dataclasses import replace
from math import cos, radians

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldcrm.tracking.areas import rules
from fieldcrm.tracking.areas.model import (
    POINTS_MOST,
    BadArea,
    Crossing,
    Draft,
    Seen,
    Shape,
    ShapeKind,
)
from fieldcrm.tracking.areas.rules import Ground
from fieldcrm.tracking.model import Doubt, Fix

LAT, LNG = 60.17, 24.94
M_LAT = 1 / 111_195
M_LNG = M_LAT / cos(radians(LAT))
START_MS = 1_770_000_000_000


def polygon(*metres: tuple[float, float]) -> Shape:
    """A polygon by metres east and north of the middle."""
    ring = tuple((LAT + y * M_LAT, LNG + x * M_LNG) for x, y in metres)
    return Shape(ShapeKind.polygon, ring=ring)


def circle(radius_m: float) -> Shape:
    return Shape(ShapeKind.circle, centre=(LAT, LNG), radius_m=radius_m)


SQUARE = polygon((-200, -200), (200, -200), (200, 200), (-200, 200))


def fix(x_m: float, y_m: float = 0, at_s: float = 0, accuracy_m: float | None = 10, **other) -> Fix:
    at = START_MS + round(at_s * 1000)
    place = {"lat": LAT + y_m * M_LAT, "lng": LNG + x_m * M_LNG, "accuracy_m": accuracy_m}
    return Fix("rep", "phone", at, at, at, at, **(place | other))


def crossings(shape: Shape, *fixes: Fix, seen: Seen | None = None) -> list[Crossing]:
    return rules.follow(seen or Seen(), fixes, [Ground("a", shape)])[1]


def test_the_border_is_as_far_as_it_is() -> None:
    ground = Ground("a", SQUARE)
    for x, y, inside_m in (
        (0, 0, 200),
        (150, 0, 50),
        (250, 0, -50),
        (0, -500, -300),
        (230, 240, -50),
    ):
        at = fix(x, y)
        assert ground.inside_m(at.lat, at.lng) == pytest.approx(inside_m, abs=1)
    at = fix(80)
    assert Ground("a", circle(100)).inside_m(at.lat, at.lng) == pytest.approx(20, abs=0.5)


def test_a_notch_is_outside() -> None:
    notched = polygon((-300, -300), (300, -300), (300, 300), (0, -200), (-300, 300))
    ground = Ground("a", notched)
    at = fix(0, 100)
    assert ground.inside_m(at.lat, at.lng) < -100
    assert 80 < ground.depth_m < 150


@given(st.floats(-2000, 2000), st.floats(-2000, 2000))
@settings(max_examples=200, deadline=None)
def test_who_is_far_is_outside(x: float, y: float) -> None:
    ground, at = Ground("a", SQUARE), fix(x, y)
    assert not ground.is_far(at.lat, at.lng) or ground.inside_m(at.lat, at.lng) < -rules.FAR_M + 1


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (polygon((0, 0), (100, 0)), "points"),
        (polygon(*[(n, n * n) for n in range(POINTS_MOST + 1)]), "points"),
        (polygon((0, 0), (100, 100), (100, 0), (0, 100)), "crosses"),
        (polygon((0, 0), (100, 0), (50, 0), (50, 100)), "crosses"),
        (polygon((0, 0), (100, 0), (0, 0), (0, 100)), "crosses"),
        (polygon((0, 0), (200, 0), (100, 100), (100, 0), (50, 100)), "crosses"),
        (polygon((0, 0), (20, 0), (20, 20), (0, 20)), "size"),
        (polygon((0, 0), (400_000, 0), (0, 400_000)), "size"),
        (Shape(ShapeKind.polygon, ring=((0, 179), (0, -179), (1, 180))), "place"),
        (Shape(ShapeKind.polygon, ring=((91, 0), (0, 1), (1, 0))), "place"),
        (circle(20), "size"),
        (circle(200_000), "size"),
        (Shape(ShapeKind.circle, radius_m=100), "place"),
    ],
)  # fmt: skip
def test_what_cannot_be_watched_is_refused(shape: Shape, reason: str) -> None:
    with pytest.raises(BadArea) as refused:
        rules.check_shape(shape)
    assert refused.value.params == {"field": "shape", "reason": reason}


def test_good_shapes_pass() -> None:
    for good in (SQUARE, circle(30), polygon((0, 0), (100, 0), (50, 80))):
        rules.check_shape(good)


DRAFT = Draft("Depot", SQUARE)


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (replace(DRAFT, name="  "), "name"), (replace(DRAFT, name="x" * 81), "name"),
        (replace(DRAFT, on_enter=False, on_leave=False), "on_enter"),
        (replace(DRAFT, active_from_min=480), "active_from_min"),
        (replace(DRAFT, active_from_min=480, active_to_min=480), "active_from_min"),
        (replace(DRAFT, active_from_min=0, active_to_min=1440), "active_from_min"),
        (replace(DRAFT, days=""), "days"), (replace(DRAFT, days="118"), "days"),
        (replace(DRAFT, rep_ids=frozenset(map(str, range(201)))), "rep_ids"),
    ],
)  # fmt: skip
def test_choices_that_make_no_sense_are_refused(draft: Draft, field: str) -> None:
    rules.check_choices(DRAFT)
    with pytest.raises(BadArea) as refused:
        rules.check_choices(draft)
    assert refused.value.params["field"] == field


def test_active_hours_may_span_midnight_and_belong_to_the_day_they_begin_on() -> None:
    assert rules.is_active((None, None), "1", 700, 1)
    assert not rules.is_active((None, None), "1", 700, 2)
    assert rules.is_active((480, 1020), "12345", 480, 5)
    assert not rules.is_active((480, 1020), "12345", 1020, 5)
    assert rules.is_active((1320, 360), "5", 1400, 5)
    assert rules.is_active((1320, 360), "5", 100, 6)
    assert not rules.is_active((1320, 360), "5", 100, 5)
    assert rules.is_active((1320, 360), "7", 100, 1)


# ── going over the border ──


def test_a_way_in_and_out_is_told_once_each_at_its_own_time() -> None:
    xs = [*range(-600, 0, 50), *([0] * 5), *range(0, 650, 50)]
    found = crossings(SQUARE, *(fix(x, at_s=10 * n) for n, x in enumerate(xs)))
    assert [c.is_in for c in found] == [True, False]
    entered_s, left_s = ((c.at_ms - START_MS) / 1000 for c in found)
    assert xs[round(entered_s / 10)] == -150  # the first fix that is inside for sure
    assert xs[round(left_s / 10)] == 250
    assert (found[0].at_ms - found[0].unseen_from_ms) / 1000 == 20


def test_who_is_first_seen_inside_has_not_entered() -> None:
    assert crossings(SQUARE, *(fix(0, at_s=10 * n) for n in range(5))) == []


@pytest.mark.parametrize("accuracy_m", [5, 15, 30, 65])
def test_jitter_at_the_border_never_flaps(accuracy_m: float) -> None:
    """A night's worth of fixes right on the line, each with the error its accuracy states."""
    noise = random.Random(7)
    sigma = accuracy_m / 1.515  # accuracy is the radius that holds 68 % of fixes
    fixes = [
        fix(200 + noise.gauss(0, sigma), noise.gauss(0, sigma), 10 * n, accuracy_m)
        for n in range(3000)
    ]
    assert len(crossings(SQUARE, *fixes)) <= 1


def test_one_wild_fix_is_no_crossing_and_two_in_a_row_are() -> None:
    out = [fix(-400, at_s=s) for s in (0, 10)]
    wild = fix(-160, at_s=20)
    back = [fix(-400, at_s=s) for s in (30, 40)]
    assert crossings(SQUARE, *out, wild, *back) == []
    (entered,) = crossings(SQUARE, *out, wild, fix(-160, at_s=36))
    assert entered.at_ms == START_MS + 20_000


def test_deep_inside_needs_no_second_look() -> None:
    assert len(crossings(SQUARE, fix(-600), fix(0, at_s=30))) == 1


@pytest.mark.parametrize("doubt", [Doubt.mock, Doubt.teleport, Doubt.speed, Doubt.frozen])
def test_a_doubtful_fix_says_nothing(doubt: Doubt) -> None:
    told = [fix(0, at_s=30 * n, doubts=int(doubt)) for n in range(1, 5)]
    assert crossings(SQUARE, fix(-600), *told) == []


def test_an_inaccurate_fix_says_nothing_and_an_unknown_accuracy_counts_as_fifty_metres() -> None:
    vague = [fix(0, at_s=30 * n, accuracy_m=400) for n in range(1, 5)]
    assert crossings(SQUARE, fix(-600), *vague) == []
    near = [fix(-320 + 50, at_s=30 * n, accuracy_m=None) for n in range(1, 5)]
    assert crossings(SQUARE, fix(0), *near) == []
    assert (
        len(crossings(SQUARE, fix(0), *[fix(-310, at_s=30 * n, accuracy_m=None) for n in (1, 2)]))
        == 1
    )


def test_a_small_circle_can_be_entered_with_a_good_fix_only() -> None:
    small = circle(40)
    good = [fix(5, at_s=20 * n, accuracy_m=12) for n in (1, 2)]
    poor = [fix(5, at_s=20 * n, accuracy_m=90) for n in (1, 2, 3)]
    assert len(crossings(small, fix(-400), *good)) == 1
    assert crossings(small, fix(-400), *poor) == []


def test_a_backlog_takes_nobody_back() -> None:
    grounds = [Ground("a", SQUARE)]
    seen, _ = rules.follow(Seen(), [fix(-600), fix(0, at_s=600)], grounds)
    late = [fix(-600, at_s=s) for s in range(100, 500, 20)]
    after, found = rules.follow(seen, late, grounds)
    assert found == []
    assert after.by_area["a"].side == 1


def test_the_same_batch_twice_finds_the_same_and_then_nothing() -> None:
    grounds = [Ground("a", SQUARE)]
    batch = [fix(-600), fix(0, at_s=60), fix(5, at_s=120)]
    seen, first = rules.follow(Seen(), batch, grounds)
    _, again = rules.follow(Seen(), batch, grounds)
    assert first == again
    assert rules.follow(seen, batch, grounds)[1] == []


def test_after_a_night_nobody_has_crossed() -> None:
    assert crossings(SQUARE, fix(-600), fix(0, at_s=3 * 3600)) == []
    (late,) = crossings(SQUARE, fix(-600), fix(0, at_s=1800))
    assert late.unseen_from_ms == START_MS


def test_an_area_that_is_gone_is_forgotten() -> None:
    seen, _ = rules.follow(Seen(), [fix(0)], [Ground("a", SQUARE), Ground("b", SQUARE)])
    assert rules.follow(seen, [fix(0, at_s=5)], [Ground("b", SQUARE)])[0].by_area.keys() == {"b"}
