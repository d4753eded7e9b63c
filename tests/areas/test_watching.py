"""Areas on both databases with a real Valkey: who may keep which, and alerts from recorded fixes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from math import cos, radians

import pytest

from fieldcrm.kit import bus, clock
from fieldcrm.kit.database import transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, OutOfScope, RoleForbids
from fieldcrm.tracking import live_index, person, policy, shifts
from fieldcrm.tracking import service as tracking
from fieldcrm.tracking.areas import service, store, watching
from fieldcrm.tracking.areas.model import (
    AreaView,
    BadAreaFile,
    Draft,
    Shape,
    ShapeKind,
    StaleArea,
    UnknownArea,
)
from fieldcrm.tracking.model import AlertView, Fix
from tests.gateway.town import LAT, LNG, Town, build_town
from tests.servers import Valkey

DEPOT = Draft("Depot", Shape(ShapeKind.circle, centre=(LAT, LNG), radius_m=200))
M_LNG = 1 / (111_195 * cos(radians(LAT)))


@pytest.fixture
def town(any_db: str, valkey: Valkey) -> Town:
    found = build_town()
    found.shift(0, hours_ago=6)
    found.shift(1, hours_ago=6)
    return found


def dispatcher(town: Town) -> Actor:
    return people.actor_of(town.dispatcher)


def fix(
    town: Town, east_m: float, minutes_ago: float, rep: int = 0, heard_ago: float | None = None
) -> Fix:
    at = clock.now_ms() - round(minutes_ago * 60_000)
    heard = at if heard_ago is None else clock.now_ms() - round(heard_ago * 60_000)
    return Fix(town.reps[rep], "phone", at, at, at, heard, LAT, LNG + east_m * M_LNG, accuracy_m=10)


def raised(actor: Actor) -> list[AlertView]:
    found = [a for a in tracking.alerts(actor) if a.kind.startswith("area_")]
    return sorted(found, key=lambda a: a.at)


# ── keeping areas ──


def test_a_dispatcher_keeps_areas_of_his_teams_only(town: Town) -> None:
    mine, boss = dispatcher(town), people.actor_of(town.admin)
    made = service.save(mine, DEPOT)
    assert made.team_ids == (town.teams[0],)
    assert made.may_change
    foreign = service.save(boss, replace(DEPOT, name="South", team_ids=frozenset({town.teams[1]})))
    everywhere = service.save(boss, replace(DEPOT, name="All"))
    assert everywhere.is_for_all
    assert [(a.name, a.may_change) for a in service.areas(mine)] == [
        ("All", False),
        ("Depot", True),
    ]
    assert len(service.areas(boss)) == 3
    for area_id in (foreign.id, everywhere.id, "nonsense"):
        with pytest.raises(UnknownArea):
            service.save(mine, DEPOT, area_id)
        with pytest.raises(UnknownArea):
            service.remove(mine, area_id)
    with pytest.raises(UnknownArea):
        service.get(mine, foreign.id)
    with pytest.raises(OutOfScope):
        service.save(mine, replace(DEPOT, team_ids=frozenset(town.teams)))
    with pytest.raises(OutOfScope):
        service.save(mine, replace(DEPOT, rep_ids=frozenset({town.reps[1]})))
    with pytest.raises(RoleForbids):
        service.areas(town.actor())


def test_an_area_shared_with_another_team_is_shown_and_not_changed(town: Town) -> None:
    boss = people.actor_of(town.admin)
    both = replace(DEPOT, team_ids=frozenset(town.teams), rep_ids=frozenset(town.reps))
    shared = service.save(boss, both)
    (seen,) = service.areas(dispatcher(town))
    assert seen.team_ids == (town.teams[0],)
    assert seen.rep_ids == ()
    assert not seen.may_change
    with pytest.raises(UnknownArea):
        service.remove(dispatcher(town), shared.id)


def test_changes_count_versions_and_deletion_is_for_good(town: Town) -> None:
    mine = dispatcher(town)
    made = service.save(mine, DEPOT)
    changed = service.save(mine, replace(DEPOT, name="Yard"), made.id, made.version)
    assert (changed.name, changed.version) == ("Yard", 2)
    with pytest.raises(StaleArea):
        service.save(mine, DEPOT, made.id, made.version)
    service.remove(mine, made.id)
    assert service.areas(mine) == []
    told = [e.kind for e in people.event_log(people.actor_of(town.admin), subject_id=made.id)]
    assert sorted(told) == ["area.changed", "area.created", "area.deleted"]


def test_areas_go_out_and_in_as_geojson(town: Town) -> None:
    mine = dispatcher(town)
    ring = ((LAT, LNG), (LAT, 24.9484), (60.1799, LNG))
    service.save(mine, DEPOT)
    service.save(mine, Draft("Port", Shape(ShapeKind.polygon, ring=ring), on_leave=False,
                             active_from_min=480, active_to_min=1020, days="12345"))  # fmt: skip
    content = json.dumps(service.export(mine)).encode()
    for area in service.areas(mine):
        service.remove(mine, area.id)
    assert service.add_file(mine, content) == 2
    depot, port = service.areas(mine)
    assert depot.shape == DEPOT.shape
    assert port.shape.ring == ring
    assert (port.on_enter, port.on_leave, port.days) == (True, False, "12345")
    assert (port.active_from_min, port.active_to_min) == (480, 1020)


POLYGON = {"type": "Polygon", "coordinates": [[[24, 60], [25, 60], [25, 61], [24, 60]]]}


@pytest.mark.parametrize(
    ("geometry", "reason"),
    [
        ({"type": "LineString", "coordinates": [[24, 60], [25, 60]]}, "kind"),
        ({"type": "Polygon", "coordinates": [[[24, 60], [25, 60], [25, 61], [24, 61]]]}, "open"),
        ({"type": "Polygon", "coordinates": POLYGON["coordinates"] * 2}, "holes"),
        ({"type": "Polygon", "coordinates": [[[24, 60], [25, "x"], [25, 61], [24, 60]]]}, "place"),
        ({"type": "Point", "coordinates": [24, 60]}, "radius"),
        (None, "kind"),
    ],
)  # fmt: skip
def test_a_file_with_one_bad_area_adds_none(app_db: None, valkey: Valkey, geometry, reason) -> None:
    town = build_town()
    good = {"type": "Feature", "properties": {"name": "x"}, "geometry": POLYGON}
    features = [good, {"type": "Feature", "properties": {}, "geometry": geometry}]
    content = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    with pytest.raises(BadAreaFile) as refused:
        service.add_file(dispatcher(town), content)
    assert refused.value.params == {"n": 2, "reason": reason}
    assert service.areas(dispatcher(town)) == []


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"type": "FeatureCollection"}', b"\xff"])
def test_what_is_no_geojson_is_refused(app_db: None, content: bytes) -> None:
    with pytest.raises(BadAreaFile):
        service.add_file(dispatcher(build_town()), content)


# ── watching them ──


def make(actor: Actor, draft: Draft) -> AreaView:
    """An area that has been there since before the shift."""
    with clock.held(clock.now() - timedelta(hours=7)):
        return service.save(actor, draft)


def test_a_crossing_is_told_once_at_its_own_time_whoever_reads_it_again(town: Town) -> None:
    made = make(dispatcher(town), DEPOT)
    way = [fix(town, 900, 5), fix(town, 0, 4), fix(town, 0, 3)]
    assert watching.Watch().hear(way) == 1
    assert watching.Watch().hear(way) == 0
    bus.connection().delete(store.SEEN)  # as after a crash before where he stands was kept
    assert watching.Watch().hear(way) == 0
    (alert,) = raised(dispatcher(town))
    assert (alert.kind, alert.data["area"]) == ("area_entered", "Depot")
    assert abs(alert.at.timestamp() * 1000 - way[1].fix_at_ms) < 1
    assert service.get(dispatcher(town), made.id).inside == (town.reps[0],)
    with transaction() as session:
        (shift,) = shifts.store.open_shifts(session, town.reps[0])
        shifts.end_shift_in(session, town.actor(), shift.id, clock.now() - timedelta(minutes=2))
    assert service.get(dispatcher(town), made.id).inside == ()
    assert watching.Watch().hear([fix(town, 900, 1)]) == 0  # after the shift


def test_coming_and_going_are_told_each(town: Town) -> None:
    make(dispatcher(town), DEPOT)
    watch = watching.Watch()
    assert watch.hear([fix(town, 900, 5), fix(town, 0, 4), fix(town, 900, 1)]) == 2
    assert [a.kind for a in raised(dispatcher(town))] == ["area_entered", "area_left"]


def test_the_same_again_within_a_quarter_of_an_hour_is_no_news(town: Town) -> None:
    make(dispatcher(town), replace(DEPOT, on_leave=False))
    watch = watching.Watch()
    ways = [(900, 9), (0, 8), (900, 6), (0, 5), (900, 3), (0, 2)]
    assert [watch.hear([fix(town, *at)]) for at in ways] == [0, 1, 0, 0, 0, 0]


def test_a_backlog_tells_only_what_still_holds(town: Town) -> None:
    """Forty minutes in a tunnel: he came at the start of it and is still there."""
    make(dispatcher(town), DEPOT)
    watch = watching.Watch()
    watch.hear([fix(town, 900, 50)])
    backlog = [fix(town, 0, ago, heard_ago=0) for ago in (45, 40, 30, 20)]
    show(fix(town, 0, 1))
    assert watch.hear(backlog) == 1
    (alert,) = raised(dispatcher(town))
    assert abs(alert.at.timestamp() * 1000 - backlog[0].fix_at_ms) < 1
    assert alert.data["cause"] == "alert.cause.area_late"
    assert alert.data["heard"] == clock.local(clock.now()).strftime("%H:%M")


def test_a_backlog_is_silent_about_what_is_over(town: Town) -> None:
    make(dispatcher(town), DEPOT)
    watch = watching.Watch()
    watch.hear([fix(town, 900, 100)])
    show(fix(town, 900, 1))
    through = [
        fix(town, x, ago, heard_ago=0) for x, ago in ((0, 90), (0, 80), (900, 70), (900, 60))
    ]
    first, last = through[:2], through[2:]
    assert watch.hear(first) == 0  # by now he is elsewhere
    assert watch.hear(last) == 1
    assert [a.kind for a in raised(dispatcher(town))] == ["area_left"]
    assert watch.hear([fix(town, 0, 85), fix(town, 0, 75)]) == 0


def show(one: Fix) -> None:
    point = live_index.point_of(one, one.fix_at_ms, 0)
    bus.connection().hset(live_index.LIVE, one.rep_id, live_index.encode(point))  # type: ignore[arg-type]


def test_who_was_not_seen_for_long_is_told_with_the_time_before(town: Town) -> None:
    make(dispatcher(town), DEPOT)
    watch = watching.Watch()
    before = fix(town, 900, 40)
    watch.hear([before])
    assert watch.hear([fix(town, 0, 1)]) == 1
    (alert,) = raised(dispatcher(town))
    since = clock.local(clock.from_ms(before.fix_at_ms)).strftime("%H:%M")
    assert (alert.data["cause"], alert.data["since"]) == ("alert.cause.area_unseen", since)


def test_off_shift_nobody_is_watched(town: Town) -> None:
    make(dispatcher(town), DEPOT)
    watch = watching.Watch()
    assert watch.hear([fix(town, 900, 480), fix(town, 0, 470)]) == 0
    assert store.seen_of(bus.connection(), town.reps) == {}


def test_quiet_hours_and_the_areas_own_hours_keep_it_silent(town: Town) -> None:
    boss, mine = people.actor_of(town.admin), dispatcher(town)
    minute = clock.local(clock.now()).hour * 60 + clock.local(clock.now()).minute
    elsewhen = (minute + 120) % 1440, (minute + 240) % 1440
    asleep = replace(DEPOT, name="Asleep", active_from_min=elsewhen[0], active_to_min=elsewhen[1])
    make(mine, asleep)
    watch = watching.Watch()
    assert watch.hear([fix(town, 900, 6), fix(town, 0, 5)]) == 0
    make(mine, DEPOT)
    policy.set_policy(boss, quiet_from_min=(minute - 60) % 1440, quiet_to_min=(minute + 60) % 1440)
    watch = watching.Watch()
    watch.hear([fix(town, 900, 4)])
    assert watch.hear([fix(town, 0, 2)]) == 0
    policy.set_policy(boss, quiet_from_min=None, quiet_to_min=None)
    assert watch.hear([fix(town, 0, 1)]) == 0  # he stands there already
    assert raised(mine) == []


def test_only_whom_it_is_meant_for(town: Town) -> None:
    make(dispatcher(town), DEPOT)
    watch = watching.Watch()
    south = [fix(town, 900, 5, rep=1), fix(town, 0, 4, rep=1)]
    assert watch.hear(south) == 0
    boss = people.actor_of(town.admin)
    make(boss, replace(DEPOT, name="All"))
    watch = watching.Watch()
    assert watch.hear([fix(town, 900, 3, rep=1), fix(town, 0, 2, rep=1)]) == 1
    assert raised(dispatcher(town)) == []
    assert [a.rep_id for a in raised(boss)] == [town.reps[1]]


def test_an_alert_goes_half_an_hour_after_it_was_seen_or_next_day(town: Town) -> None:
    make(dispatcher(town), DEPOT)
    watch = watching.Watch()
    watch.hear([fix(town, 900, 5), fix(town, 0, 4), fix(town, 900, 2), fix(town, 900, 1)])
    entered, left = raised(dispatcher(town))
    now = clock.now()
    assert watching.settle(now) == 0
    tracking.acknowledge(dispatcher(town), entered.id)
    assert watching.settle(now + timedelta(minutes=31)) == 1
    assert [a.id for a in raised(dispatcher(town))] == [left.id]
    assert watching.settle(now + timedelta(hours=13)) == 1
    assert raised(dispatcher(town)) == []


def test_the_watch_over_states_leaves_crossings_alone(town: Town) -> None:
    from fieldcrm.tracking import alerting

    make(dispatcher(town), DEPOT)
    watching.Watch().hear([fix(town, 900, 5), fix(town, 0, 4)])
    memory = alerting.Memory(began_ms=0)
    tracking.raise_alerts(memory)
    with clock.held(clock.now() + timedelta(minutes=5)):
        tracking.raise_alerts(memory)
    assert len(raised(dispatcher(town))) == 1


def test_a_persons_erased_track_takes_along_where_he_stands(town: Town) -> None:
    make(dispatcher(town), DEPOT)
    watching.Watch().hear([fix(town, 900, 5), fix(town, 0, 4)])
    person.erase_track(people.actor_of(town.admin), town.reps[0])
    assert store.seen_of(bus.connection(), town.reps) == {}
    assert raised(dispatcher(town)) == []


def test_a_new_area_is_watched_without_a_restart(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "KNOWN_FOR_S", 0.0)
    watch = watching.Watch()
    assert watch.hear([fix(town, 900, 9)]) == 0
    made = make(dispatcher(town), DEPOT)
    watch.hear([fix(town, 900, 8)])
    assert watch.hear([fix(town, 0, 7)]) == 1
    service.remove(dispatcher(town), made.id)
    assert watch.hear([fix(town, 900, 6)]) == 0


def test_a_border_that_is_moved_over_somebody_is_no_crossing(town: Town) -> None:
    mine = dispatcher(town)
    made = make(mine, DEPOT)
    watching.Watch().hear([fix(town, 900, 9), fix(town, 0, 8)])
    elsewhere = Shape(ShapeKind.circle, centre=(LAT + 0.02, LNG), radius_m=100)
    with clock.held(clock.now() - timedelta(minutes=6)):
        service.save(mine, replace(DEPOT, shape=elsewhere), made.id)
    assert watching.Watch().hear([fix(town, 0, 5), fix(town, 0, 4)]) == 0
    assert service.get(mine, made.id).inside == ()


def test_the_recorder_tells_of_what_comes_through_its_stream(town: Town) -> None:
    from workers.recorder.main import Recorder

    make(dispatcher(town), DEPOT)
    recorder = Recorder()
    recorder.prepare()
    for batch in ([fix(town, 900, 3)], [fix(town, 0, 2), fix(town, 0, 1)]):
        bus.connection().xadd(bus.FIX_STREAM, {live_index.BATCH_FIELD: live_index.encode(batch)})  # type: ignore[dict-item]
        while recorder.step() == 0:
            pass
    assert [a.kind for a in raised(dispatcher(town))] == ["area_entered"]
