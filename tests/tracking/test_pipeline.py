"""Each step of a fix's path has one reason, and here its test."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.kit.units import distance_m
from fieldcrm.tracking import pipeline, steps
from fieldcrm.tracking.memory import DeviceMemory, RepMemory, SeqSet, TimeSet
from fieldcrm.tracking.model import Decoded, Doubt, Fix, Outcome, RawFix, Span
from fieldcrm.tracking.phone_clock import observe_clock
from fieldcrm.tracking.pipeline import identify, walk
from fieldcrm.tracking.steps import Judged

NOW = 1_790_000_000_000
DAY, HOUR, MINUTE = 86_400_000, 3_600_000, 60_000
ON_SHIFT = (Span("s", NOW - 20 * DAY, NOW - 19 * DAY), Span("t", NOW - 8 * HOUR, None))


class Path:
    """A device's and a rep's memory through several messages."""

    def __init__(self, spans: tuple[Span, ...] = ON_SHIFT) -> None:
        self.device, self.rep, self.spans = DeviceMemory(), RepMemory(), spans

    def send(self, *raw: RawFix, now: int = NOW, phone_now: int | None = NOW) -> Judged:
        judged = pipeline.judge(
            Decoded(list(raw)), rep_id="rep", device_id="phone", source="web", device=self.device,
            rep=self.rep, spans=self.spans, now_ms=now, phone_now_ms=phone_now,
        )  # fmt: skip
        self.device.remember(judged.recorded)
        return judged


def raw(ago: int = 0, lat: float = 60.0, lng: float = 25.0, **more) -> RawFix:
    return RawFix(NOW - ago, lat, lng, **more)


def doubts(judged: Judged) -> Doubt:
    return Doubt(judged.recorded[-1].doubts)


@pytest.mark.parametrize(("lat", "lng"), [(91, 0), (-90.1, 5), (5, 181), (5, -180.5), (0, 0)])
def test_impossible(lat: float, lng: float) -> None:
    assert Path().send(raw(lat=lat, lng=lng)).outcome.rejected == {"impossible": 1}


def test_ancient() -> None:
    assert Path().send(raw(31 * DAY)).outcome.rejected == {"ancient": 1}


def test_future() -> None:
    judged = Path().send(raw(-3 * MINUTE), raw(-MINUTE))
    assert (judged.outcome.rejected, judged.outcome.accepted) == ({"future": 1}, 1)


def test_duplicate_by_number_and_by_time() -> None:
    path = Path()
    path.send(raw(seq=1), raw(9000, seq=2), raw(4000))
    again = path.send(raw(seq=1), raw(seq=3), raw(4000), raw(9000, seq=2))
    assert (again.outcome.rejected, again.outcome.accepted) == ({"duplicate": 3}, 1)


def test_nothing_is_a_duplicate_before_it_is_on_disk() -> None:
    path = Path()
    for _ in range(2):
        judged = pipeline.judge(
            Decoded([raw(seq=1)]), rep_id="rep", device_id="phone", source="web",
            device=path.device, rep=path.rep, spans=ON_SHIFT, now_ms=NOW,
        )  # fmt: skip
        assert judged.outcome.rejected == {}


def test_late_is_marked() -> None:
    assert doubts(Path().send(raw(6 * MINUTE))) == Doubt.late
    assert doubts(Path().send(raw(4 * MINUTE))) == Doubt.none


def test_mock_accuracy_and_speed_are_marked_and_kept() -> None:
    assert doubts(Path().send(raw(is_mock=True))) == Doubt.mock
    assert doubts(Path().send(raw(accuracy_m=101))) == Doubt.accuracy
    assert doubts(Path().send(raw(is_poor=True))) == Doubt.accuracy
    assert doubts(Path().send(raw(speed_mps=61))) == Doubt.speed
    assert doubts(Path().send(raw(accuracy_m=100, speed_mps=40, is_mock=False))) == Doubt.none


def test_teleport_is_marked_once_and_the_new_place_believed() -> None:
    path = Path()
    path.send(raw(30_000), raw(20_000, lat=60.1))
    judged = path.send(raw(10_000, lat=60.1001))
    assert doubts(judged) == Doubt.none
    assert path.rep.anchor is not None
    jump = Path().send(raw(20_000), raw(10_000, lat=60.1))
    assert doubts(jump) == Doubt.teleport
    train = Path().send(raw(60_000), raw(0, lat=60.03))
    assert doubts(train) == Doubt.none


def test_frozen_coordinates_are_marked() -> None:
    path = Path()
    for i in range(29):
        judged = path.send(raw((29 - i) * MINUTE))
    assert doubts(judged) & Doubt.frozen == 0
    assert doubts(path.send(raw(0))) == Doubt.frozen


def test_only_the_newest_moves_the_marker() -> None:
    path = Path()
    assert path.send(raw(10_000)).newest is not None
    assert path.send(raw(60_000)).newest is None
    newest = path.send(raw(5000), raw(8000), raw(2000), raw(20_000)).newest
    assert newest is not None
    assert newest.fix_at_ms == NOW - 2000


def test_off_shift_paused_and_not_yet_told() -> None:
    spans = (
        Span("a", NOW - 9 * HOUR, NOW - 5 * HOUR, ((NOW - 7 * HOUR, NOW - 6 * HOUR),)),
        Span("b", NOW - 3 * HOUR, NOW - 2 * HOUR),
    )
    judged = Path(spans).send(*(raw(round(h * HOUR)) for h in (10, 8, 6.5, 5.5, 4, 2.5, 1)))
    assert judged.outcome.rejected == {"off_shift": 2, "paused": 1}
    assert [round((NOW - f.fix_at_ms) / HOUR, 1) for f in judged.recorded] == [8, 5.5, 2.5]
    assert [NOW - f.fix_at_ms for f in judged.held] == [HOUR]
    assert judged.outcome.accepted == 4


def test_motion_keeps_since_when_the_rep_stands() -> None:
    path = Path()
    for i in range(10):
        path.send(raw((60 - i) * MINUTE, lat=60 + i * 0.001))
    arrived = path.rep.still_since_ms
    for i in range(10):
        path.send(raw((40 - i) * MINUTE, lat=60.009 + (i % 3) * 0.0001))
    assert path.rep.still_since_ms == arrived == NOW - 51 * MINUTE


def test_a_heartbeat_is_no_fix() -> None:
    judged = Path().send(RawFix(battery_pct=7))
    assert judged.heard
    assert (judged.recorded, judged.outcome.accepted) == ([], 1)


@pytest.mark.parametrize("minutes", [4, 40, -4, -40])
def test_a_clock_that_tells_its_time_is_corrected_at_once(minutes: int) -> None:
    skew = minutes * MINUTE
    told = RawFix(NOW + skew - 1000, 60, 25)
    judged = Path().send(told, phone_now=NOW + skew - 300)
    (fix,) = judged.recorded
    assert abs(fix.fix_at_ms - (NOW - 1000)) < 1000
    assert fix.device_at_ms == NOW + skew - 1000
    assert doubts(judged) == Doubt.clock


@pytest.mark.parametrize("minutes", [4, 40, -4, -40])
def test_a_clock_that_only_stamps_its_fixes_is_found_out(minutes: int) -> None:
    path, now = Path(), NOW - HOUR
    for i in range(60):
        now = NOW - HOUR + i * 20_000
        told = RawFix(now + minutes * MINUTE - 500 - i % 7 * 900, 60, 25 + i * 1e-4)
        judged = path.send(told, now=now, phone_now=None)
    (fix,) = judged.recorded
    assert abs(fix.fix_at_ms - now) < 12_000
    assert doubts(judged) == Doubt.clock


def test_a_backlog_is_not_taken_for_a_slow_clock() -> None:
    path = Path()
    for i in range(60):
        told = RawFix(NOW - 2 * HOUR + i * MINUTE, 60, 25 + i * 1e-4)
        path.send(told, now=NOW + i * 15_000, phone_now=None)
    assert path.device.offset_ms == 0


def test_a_clock_ahead_stays_known_through_a_backlog_and_is_forgotten_once_right() -> None:
    path, ahead = Path(), 4 * MINUTE
    for i in range(5):
        path.send(RawFix(NOW + i * 10_000 + ahead, 60, 25), now=NOW + i * 10_000, phone_now=None)
    assert path.device.offset_ms == -ahead
    for i in range(10):
        told = RawFix(NOW + i * 10_000 + ahead - 20 * MINUTE, 60, 25)
        path.send(told, now=NOW + MINUTE + i * 10_000, phone_now=None)
    assert path.device.offset_ms == -ahead
    for i in range(90):
        at = NOW + 5 * MINUTE + i * 10_000
        path.send(RawFix(at, 60, 25), now=at, phone_now=None)
    assert path.device.offset_ms == 0


def test_one_nonsense_time_changes_no_clock() -> None:
    path = Path()
    for i in range(10):
        at = NOW + i * 10_000
        told = RawFix(at + (HOUR if i == 5 else 0), 60, 25 + i * 1e-4)
        path.send(told, now=at, phone_now=None)
    assert path.device.offset_ms == 0


def test_a_clock_set_right_again_is_believed_again() -> None:
    path = Path()
    path.send(raw(), phone_now=NOW + 40 * MINUTE)
    assert path.device.offset_ms == -40 * MINUTE
    for _ in range(3):
        path.send(raw(), phone_now=NOW)
    assert path.device.offset_ms == 0


NUMBERS = st.integers(0, 60) | st.integers(500, 530) | st.integers(40, 200)


@given(st.lists(NUMBERS | st.lists(NUMBERS, max_size=80), max_size=100))
def test_a_seq_set_holds_what_was_put_in(told: list[int | list[int]]) -> None:
    held, known = SeqSet(), set()
    for some in told:
        if isinstance(some, int):
            held.add(some)
            known.add(some)
        else:
            held.update(some)
            known.update(some)
        assert [n for n in range(600) if n in held] == sorted(known)


@pytest.mark.parametrize("at_once", [1, 500])
@pytest.mark.parametrize("order", ["sorted", "reversed", "shuffled"])
def test_a_seq_set_without_holes_is_two_ends_whatever_the_order(order: str, at_once: int) -> None:
    numbers = list(range(51_200 - 7))
    if order == "reversed":
        numbers.reverse()
    elif order == "shuffled":
        random.Random(1).shuffle(numbers)
    held = SeqSet()
    for i in range(0, len(numbers), at_once):
        assert not any(number in held for number in numbers[i : i + at_once])
        held.update(numbers[i : i + at_once])
    assert all(number in held for number in numbers)
    assert 51_193 not in held
    assert len(held) == 0


def test_a_seq_set_stays_small() -> None:
    held = SeqSet()
    for number in range(0, 1_000_000, 2):
        held.add(number)
    assert len(held) == SeqSet.MOST_PAGES
    assert 999_998 in held


@given(st.lists(st.integers(0, 40) | st.integers(0, 2000), max_size=80), st.booleans())
def test_a_time_set_holds_what_was_put_in(told: list[int], is_long: bool) -> None:
    held, known = TimeSet(), set()
    for at in [*range(500, 1500), *told] if is_long else told:
        held.add(at)
        known.add(at)
        last = sorted(known)[-500:] if not is_long else [at]
        assert all(one in held for one in last)
    assert not [at for at in range(2001) if at in held and at not in known]


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(-2, 2), st.floats(-2, 2),
       st.floats(0, 100_000))  # fmt: skip
def test_further_apart_is_what_measuring_says(lat, lng, north, east, metres) -> None:
    there = max(-90.0, min(90.0, lat + north)), lng + east
    apart = distance_m(lat, lng, *there)
    if abs(apart - metres) > 1e-3:
        assert steps.is_beyond(lat, lng, *there, metres) == (apart > metres)


PAUSED = Span("p", NOW - 2 * HOUR, None, ((NOW - 30 * MINUTE, NOW - 20 * MINUTE),))
SOMETIMES = st.none() | st.floats(0, 300)
MESSAGES = st.lists(
    st.builds(
        RawFix,
        at_ms=st.none() | st.integers(NOW - HOUR, NOW + 3 * MINUTE),
        lat=st.none() | st.floats(59.999, 60.001) | st.sampled_from([0.0, 60.0, 61.0, 91.0]),
        lng=st.floats(24.999, 25.001) | st.sampled_from([0.0, 25.0, 25.0, 181.0]),
        seq=st.none() | st.integers(0, 12), accuracy_m=SOMETIMES, speed_mps=SOMETIMES,
        is_mock=st.none() | st.booleans(), is_poor=st.sampled_from([False, False, True]),
    ),
    max_size=14,
)  # fmt: skip


CLOCKS = st.sampled_from([NOW, None, NOW - 90_000])


@given(MESSAGES, st.sampled_from([ON_SHIFT, (PAUSED,), ()]), CLOCKS)
def test_a_glance_sees_what_the_steps_see(told: list[RawFix], spans, phone_now) -> None:
    quick, slow = Path(spans), Path(spans)
    for one in told:
        seen = at_a_glance(quick, one, phone_now)
        walked = through_the_steps(slow, one, phone_now)
        if seen is None:
            through_the_steps(quick, one, phone_now)
        else:
            assert (walked.recorded, walked.held, walked.newest) == ([seen], (), seen)
            assert walked.outcome == Outcome(1)
            quick.device.remember_one(seen)
        assert remembered(quick.rep) == remembered(slow.rep)
        assert remembered(quick.device) == remembered(slow.device)


def at_a_glance(path: Path, one: RawFix, phone_now: int | None) -> Fix | None:
    return pipeline.at_a_glance(
        one, "rep", "phone", "web", path.device, path.rep, path.spans, NOW, phone_now
    )


def through_the_steps(path: Path, one: RawFix, phone_now: int | None) -> Judged:
    """A message of one fix judged without the glance."""
    decoded, judged = Decoded([one]), Judged(path.device, path.rep, path.spans, NOW)
    observe_clock(path.device, NOW, phone_now, [one])
    judged.raw = [one] if one.lat is not None and one.lng is not None else []
    judged.recorded = [identify(r, "rep", "phone", "web", NOW) for r in judged.raw]
    walk(judged, decoded)
    path.device.remember(judged.recorded)
    return judged


def remembered(memory: DeviceMemory | RepMemory) -> dict[str, object]:
    """All that a memory holds, comparable."""
    plain = {name: getattr(memory, name) for name in type(memory).__slots__}
    for name in ("seqs", "lateness", "times"):
        held = plain.get(name)
        if held is not None:
            plain[name] = {n: getattr(held, n) for n in type(held).__slots__}
    return plain


@pytest.mark.parametrize("phone_now", [NOW, None])
def test_most_fixes_take_a_glance(phone_now: int | None) -> None:
    path = Path()
    path.send(raw(9000, seq=1), phone_now=phone_now)
    path.send(raw(8000, seq=2), phone_now=phone_now)
    assert at_a_glance(path, raw(4000, lat=60.0001, seq=3), phone_now) == path.rep.newest
    assert at_a_glance(path, raw(4000, lat=60.0001, seq=3), phone_now) is None


WAYS = st.lists(
    st.tuples(
        st.integers(-HOUR, HOUR), st.floats(-1e-3, 1e-3), st.floats(-2e-3, 2e-3),
        st.none() | st.floats(0, 2000), st.sampled_from([0, 0, 0, 0.05]),
    ),
    min_size=1, max_size=40,
)  # fmt: skip


@given(WAYS, st.sampled_from([60.0, 79.9995, 80.0005, -89.999, 0.0]), st.booleans())
def test_a_message_of_many_is_judged_as_many_of_one(told, lat: float, is_numbered: bool) -> None:
    """Wherever they lie and in whatever order: what looks at all of them together leaves none out."""
    many = [
        RawFix(
            NOW - HOUR - ago,
            lat + north,
            24.9 + east + leap,
            i if is_numbered else None,
            accuracy_m,
        )
        for i, (ago, north, east, accuracy_m, leap) in enumerate(told)
        if is_numbered or ago not in {one[0] for one in told[:i]}
    ]
    together, singly = Path(), Path()
    judged = together.send(*many)
    each = [fix for one in many for fix in through_the_steps(singly, one, NOW).recorded]
    assert list(judged.recorded) == each
    assert remembered(together.rep) == remembered(singly.rep)
    assert remembered(together.device) == remembered(singly.device)


@given(WAYS, st.sampled_from([60.0, 79.9995, 80.0005, -89.999, 0.0]))
def test_nobody_is_thought_to_stand_who_has_left(told, lat: float) -> None:
    quick, exact = RepMemory(), RepMemory()
    fixes = [
        identify(RawFix(i, max(-90.0, lat + north), east, accuracy_m=meters), "r", "d", "web", NOW)
        for i, (_, north, east, meters, _) in enumerate(told)
    ]
    judged = Judged(DeviceMemory(), quick, ON_SHIFT, NOW)
    judged.fresh = fixes
    steps.motion(judged)
    for fix in fixes:
        steps.follow(exact, fix)
    assert (quick.anchor, quick.still_since_ms) == (exact.anchor, exact.still_since_ms)
