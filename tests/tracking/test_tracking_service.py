"""Shifts, live positions and alerts on both databases, with a real Valkey."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fieldcrm.kit import bus, clock, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import OutOfScope, RoleForbids
from fieldcrm.tracking import alerting, keeping, live_index, service, shifts, store
from fieldcrm.tracking.model import (
    Fix,
    RepState,
    ShiftOver,
    ShiftTime,
    UnknownAlert,
    UnknownShift,
)
from tests.gateway.town import Town, build_town
from tests.servers import Valkey


@pytest.fixture
def town(any_db: str, valkey: Valkey) -> Town:
    return build_town()


def fix(town: Town, minutes_ago: float, rep: int = 0, **other) -> Fix:
    at = clock.now_ms() - round(minutes_ago * 60_000)
    values = {"lat": 60.17, "lng": 24.94, "battery_pct": 80.0, **other}
    return Fix(town.reps[rep], "phone", at, at, at, at, **values)


def show(*fixes: Fix, offset_ms: int = 0) -> None:
    for one in fixes:
        point = live_index.point_of(one, one.fix_at_ms, offset_ms)
        bus.connection().hset(live_index.LIVE, one.rep_id, live_index.encode(point))


def fixes_of(town: Town, rep: int = 0) -> list[Fix]:
    now = clock.now()
    with reading() as session:
        return service.track_in(session, town.reps[rep], now - timedelta(days=1), now)


def test_a_shift_starts_once_and_only_its_rep_may(town: Town) -> None:
    shift_id, at = town.shift(), clock.now()
    with transaction() as session:
        shifts.start_shift_in(session, town.actor(), shift_id, at)
        with pytest.raises(UnknownShift):
            shifts.start_shift_in(session, town.actor(1), shift_id, at)
        with pytest.raises(UnknownShift):
            shifts.end_shift_in(session, town.actor(1), shift_id, at)
        with pytest.raises(OutOfScope):
            shifts.start_shift_in(session, town.actor(1), ids.new_id(), at, rep_id=town.reps[0])
        dispatcher = people.actor_of(town.dispatcher)
        with pytest.raises(OutOfScope):
            shifts.start_shift_in(session, dispatcher, ids.new_id(), at, rep_id=town.reps[0])
        with pytest.raises(ShiftTime):
            shifts.start_shift_in(session, town.actor(), ids.new_id(), at + timedelta(hours=1))
        with pytest.raises(ShiftTime):
            shifts.end_shift_in(session, town.actor(), shift_id, at - timedelta(days=1))
        assert len(store.open_shifts(session, town.reps[0])) == 1


def test_a_forgotten_shift_ends_where_the_next_begins(town: Town) -> None:
    first = town.shift(hours_ago=30)
    second = town.shift(hours_ago=1)
    with reading() as session:
        ended = store.shift(session, first)
        assert ended is not None
        assert ended.ended_at is not None
        assert ended.ended_at == ended.started_at + timedelta(hours=16)
        assert [s.id for s in store.open_shifts(session, town.reps[0])] == [second]


def test_a_pause_that_arrives_late_erases_what_was_recorded_in_it(town: Town) -> None:
    shift_id = town.shift()
    with transaction() as session:
        keeping.append(session, [fix(town, m) for m in range(60)])
    with transaction() as session:
        at = clock.now() - timedelta(minutes=30, seconds=30)
        shifts.pause_in(session, town.actor(), shift_id, at)
        shifts.pause_in(session, town.actor(), shift_id, at)
        shifts.resume_in(session, town.actor(), shift_id, at + timedelta(minutes=20))
    assert len(fixes_of(town)) == 40  # the ten minutes since the pause stay
    with transaction() as session:
        shifts.end_shift_in(session, town.actor(), shift_id, clock.now())
        with pytest.raises(ShiftOver):
            shifts.pause_in(session, town.actor(), shift_id, clock.now())


def test_recording_asks_the_database_about_shifts(town: Town) -> None:
    town.shift(hours_ago=3, length_h=1)
    town.shift(hours_ago=1, length_h=0.5)
    arrived = [fix(town, m) for m in (170, 90, 45, 10)]
    assert shifts.record(arrived) == {
        "stored": 2, "stored_again": 0, "held_again": 1, "late_off_shift": 1, "late_paused": 0,
    }  # fmt: skip
    assert shifts.record(arrived)["stored_again"] == 2
    assert len(live_index.held_of(bus.connection(), town.reps[0])) == 1
    town.shift(hours_ago=0.25)
    assert shifts.settle_held() == {"held_kept": 1}
    assert live_index.held_reps(bus.connection()) == []
    assert bus.connection().xlen(bus.FIX_STREAM) == 1
    assert live_index.points_of(bus.connection(), town.reps)[town.reps[0]].fix == arrived[3]


def test_what_waits_for_a_shift_is_erased_after_seven_days(town: Town) -> None:
    live_index.hold(bus.connection(), [fix(town, 8 * 1440), fix(town, 6 * 1440)])
    assert shifts.settle_held() == {"held_expired": 1}
    assert len(live_index.held_of(bus.connection(), town.reps[0])) == 1


def test_live_shows_each_person_only_their_reps(town: Town) -> None:
    town.shift(0)
    show(fix(town, 0), fix(town, 0, rep=1, lat=61.0))
    admin, dispatcher = people.actor_of(town.admin), people.actor_of(town.dispatcher)
    states = {r.rep_id: r.state for r in service.live(admin)}
    assert states == {town.reps[0]: RepState.moving, town.reps[1]: RepState.off_shift}
    assert [r.rep_id for r in service.live(dispatcher)] == [town.reps[0]]
    assert [r.rep_id for r in service.live(town.actor(1))] == [town.reps[1]]
    assert [r.rep_id for r in service.live(admin, (60.5, 24, 62, 26))] == [town.reps[1]]
    with pytest.raises(OutOfScope):
        service.track(dispatcher, town.reps[1], clock.now(), clock.now())
    with pytest.raises(OutOfScope):
        service.day_track(dispatcher, town.reps[1], clock.now().date())


def test_lesson_2_a_silent_rep_is_told_of_once_with_its_cause_and_resolved_by_himself(
    town: Town,
) -> None:
    town.shift()
    show(fix(town, 20, battery_pct=5.0))
    dispatcher, memory = people.actor_of(town.dispatcher), alerting.Memory(began_ms=0)
    assert service.raise_alerts(memory) == 2
    assert service.raise_alerts(memory) == 0
    found = {a.kind: a for a in service.alerts(dispatcher)}
    assert found["silent"].data["cause"] == "tracking.cause.battery"
    service.acknowledge(dispatcher, found["silent"].id)
    service.snooze(dispatcher, found["battery_low"].id)
    (left,) = service.alerts(dispatcher)
    assert left.acknowledged_by == town.dispatcher
    show(fix(town, 0))
    assert service.raise_alerts(memory) == 0
    memory._gone = {key: at - 120_000 for key, at in memory._gone.items()}
    assert service.raise_alerts(memory) == 2
    assert service.alerts(dispatcher, snoozed=True) == []
    show(fix(town, 20))
    assert service.raise_alerts(alerting.Memory(began_ms=0)) == 1
    (again,) = service.alerts(dispatcher)
    assert (again.id, again.acknowledged_by) == (left.id, town.dispatcher)


def test_who_has_just_begun_to_listen_calls_nobody_silent(town: Town) -> None:
    town.shift()
    show(fix(town, 20))
    assert service.raise_alerts(alerting.Memory()) == 0
    assert service.raise_alerts(alerting.Memory(began_ms=0)) == 1


def test_alerts_are_a_teams_own(town: Town) -> None:
    town.shift(1)
    show(fix(town, 0, rep=1, doubts=1), offset_ms=300_000)
    assert service.raise_alerts(alerting.Memory()) == 2
    assert service.alerts(people.actor_of(town.dispatcher)) == []
    theirs = service.alerts(people.actor_of(town.admin))
    assert {a.kind.value for a in theirs} == {"mock", "clock_wrong"}
    for act in (service.acknowledge, service.snooze):
        with pytest.raises(UnknownAlert):
            act(people.actor_of(town.dispatcher), theirs[0].id)
        with pytest.raises(RoleForbids):
            act(town.actor(1), theirs[0].id)
    with pytest.raises(RoleForbids):
        service.alerts(town.actor(1))


def test_a_day_as_lines_and_stops(town: Town) -> None:
    town.shift(hours_ago=3)
    with transaction() as session:
        keeping.append(session, [fix(town, m / 4, lat=60.17) for m in range(0, 100)])
    day = clock.local(clock.now() - timedelta(minutes=1)).date()
    told = service.day_track(people.actor_of(town.dispatcher), town.reps[0], day)
    assert told["distance_m"] == 0
    assert len(told["stops"]) == 1
