"""When a rep is at a planned visit's place by his fixes: what the desk and the late alert are told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fieldcrm.kit import bus, clock
from fieldcrm.kit.database import transaction
from fieldcrm.pages import dispatch_day, dispatch_loads
from fieldcrm.people import service as people
from fieldcrm.tracking import alerting, live_index, person, shifts
from fieldcrm.tracking import service as tracking
from fieldcrm.tracking.areas import rules, store, visit_stays
from fieldcrm.tracking.areas.model import Shape, ShapeKind, Stays, VisitStay
from fieldcrm.tracking.areas.rules import Ground
from fieldcrm.tracking.model import Doubt, Fix
from fieldcrm.visits.tables import Visit
from tests.conftest import forget_settings
from tests.field import LAT, LNG, NOW, TODAY, Field, lay_out
from workers.recorder.main import Recorder

M = 1 / 111_195
MINUTE = 60_000
PLACE = [Ground("v", Shape(ShapeKind.circle, centre=(LAT, LNG), radius_m=visit_stays.RADIUS_M))]


def fix_at(at_ms: int, north_m: float = 0, rep_id: str = "r", **more: Any) -> Fix:
    return Fix(
        rep_id, "d", at_ms, at_ms, at_ms, at_ms, LAT + north_m * M, LNG, accuracy_m=8, **more
    )


def stay_after(*fixes: Fix, was: Stays | None = None) -> VisitStay | None:
    return rules.follow_visits(was or {}, fixes, PLACE).get("v")


# ── who is there ──


def test_a_stay_lasts_from_the_first_fix_there_to_the_last() -> None:
    there = [fix_at(n * MINUTE, 10) for n in range(10, 16)]
    assert stay_after(*there) == VisitStay(10 * MINUTE, 15 * MINUTE)
    gone = stay_after(*there, fix_at(16 * MINUTE, 600))
    assert gone == VisitStay(10 * MINUTE, 15 * MINUTE, 15 * MINUTE)
    assert gone is not None
    assert rules.has_lasted(gone)


def test_who_only_comes_past_has_not_stayed() -> None:
    past = [fix_at(0, -400), fix_at(10_000, -40), fix_at(50_000, 40), fix_at(60_000, 400)]
    found = stay_after(*past)
    assert found is not None
    assert not rules.has_lasted(found)
    later = stay_after(fix_at(5 * MINUTE), was={"v": found})
    assert later == VisitStay(5 * MINUTE, 5 * MINUTE)


def test_a_wild_fix_and_a_way_to_the_car_do_not_end_a_stay() -> None:
    there = [fix_at(n * MINUTE) for n in range(5)]
    assert stay_after(*there, fix_at(5 * MINUTE, 900), fix_at(8 * MINUTE)) == VisitStay(
        0, 8 * MINUTE
    )
    again = stay_after(*there, fix_at(5 * MINUTE, 900), fix_at(40 * MINUTE))
    assert again == VisitStay(40 * MINUTE, 40 * MINUTE)


@pytest.mark.parametrize("doubt", [Doubt.mock, Doubt.teleport])
def test_what_an_app_invents_is_nowhere(doubt: Doubt) -> None:
    assert stay_after(*(fix_at(n * MINUTE, doubts=int(doubt)) for n in range(9))) is None


def test_a_backlog_in_any_order_says_the_same() -> None:
    way = [fix_at(n * MINUTE, 0 if 3 <= n <= 9 else 700) for n in range(12)]
    in_order = stay_after(*way)
    assert in_order is not None
    assert in_order == VisitStay(3 * MINUTE, 9 * MINUTE, 9 * MINUTE)
    found: Stays = {}
    for one in reversed(way):
        found = rules.follow_visits(found, [one], PLACE)
    assert (found["v"].from_ms, found["v"].last_ms) == (3 * MINUTE, 9 * MINUTE)
    assert rules.follow_visits({"v": in_order}, way, PLACE) == {"v": in_order}


# ── what the recorder notes of it ──


@pytest.fixture
def field(valkey: Any, app_db: None, monkeypatch: pytest.MonkeyPatch) -> Field:
    """The first rep's day of four visits 100 m apart, his shift since nine, ten o'clock."""
    monkeypatch.setenv("FIELDCRM_CLOCK_START", NOW.isoformat())
    monkeypatch.setenv("FIELDCRM_CLOCK_ORIGIN", clock.real_now().isoformat())
    forget_settings()
    found = lay_out()
    with transaction() as session:
        shifts.start_shift_in(session, found.reps[0], "shift", NOW - timedelta(hours=1))
        for n, visit_id in enumerate(found.visits, 1):  # farther apart than a fence is wide
            visit = session.get(Visit, visit_id)
            assert visit is not None
            visit.lat = LAT + n * 1000 * M
    return found


def send(field: Field, *ago_min: float, north_m: float = 1000) -> None:
    """Have fixes of the first rep recorded, so many minutes before now, while he stands."""
    rep_id, now_ms = field.reps[0].user_id, clock.now_ms()
    fixes = [fix_at(now_ms - round(m * MINUTE), north_m, rep_id) for m in ago_min]
    bus.connection().xadd(bus.FIX_STREAM, {live_index.BATCH_FIELD: live_index.encode(fixes)})
    newest = max(fixes, key=lambda f: f.fix_at_ms)
    point = live_index.point_of(newest, min(f.fix_at_ms for f in fixes), 0)
    bus.connection().hset(live_index.LIVE, rep_id, live_index.encode(point))  # type: ignore[arg-type]
    recorder = Recorder()
    recorder.prepare()
    while bus.connection().xlen(bus.FIX_STREAM):
        recorder.step()


def row_of(field: Field, n: int = 0) -> dispatch_day.VisitRow:
    """The dispatcher's line of a visit."""
    loaded = dispatch_loads.load_day(field.dispatcher, field.reps[0].user_id, TODAY)
    bounds = dispatch_day.day_bounds(loaded.rep, loaded.day, TODAY)
    return dispatch_day.visit_rows(loaded.day, "en", bounds, loaded.stays)[n]


def test_the_desk_sees_who_is_there_and_has_not_checked_in(field: Field) -> None:
    send(field, 3, 2.5, 2)
    assert row_of(field).there == ""
    send(field, 1.5, 1, 0.5)
    assert (row_of(field).there, row_of(field).is_unmarked) == ("there since 09:57", False)
    assert row_of(field, 1).there == ""
    send(field, 9, 8, 7, 6, 5, 4)
    assert (row_of(field).there, row_of(field).is_unmarked) == (
        "there since 09:51, not checked in",
        True,
    )
    send(field, 0.2, north_m=400)
    assert row_of(field).there == "was there 09:51–09:59, not checked in"


def test_whom_it_concerns_hears_of_coming_and_going_at_once(field: Field) -> None:
    heard = bus.connection().pubsub(ignore_subscribe_messages=True)
    heard.subscribe(bus.desk_channel(field.teams[0]))
    heard.get_message(timeout=1)
    send(field, 9, 8, 7, 6, 5)
    send(field, 4, 3)
    send(field, 1, north_m=400)
    told = []
    while message := heard.get_message(timeout=0.5):
        told.append(message["data"])
    stays = [data for data in told if b'"entity":"stay"' in data]
    assert len(stays) == 2
    assert all(field.visits[0].encode() in data for data in stays)


def test_off_shift_and_another_day_nothing_is_noted(field: Field) -> None:
    off = field.reps[1].user_id
    now_ms = clock.now_ms()
    watch = visit_stays.Watch()
    with transaction() as session:
        visit = session.get(Visit, field.visits[0])
        assert visit is not None
        visit.rep_id = off
    assert watch.hear([fix_at(now_ms - n * MINUTE, 1000, off) for n in range(9)]) == 0
    rep_id = field.reps[0].user_id
    yesterday = [fix_at(now_ms - 86_400_000 + n * MINUTE, 2000, rep_id) for n in range(9)]
    assert watch.hear(yesterday) == 0
    assert visit_stays.stays_of([off, rep_id], TODAY) == {}


def test_who_is_late_at_the_clients_door_is_said_to_be_there(field: Field) -> None:
    with transaction() as session:
        visit = session.get(Visit, field.visits[0])
        assert visit is not None
        visit.planned_at = NOW - timedelta(minutes=40)
    causes = []
    for north_m in (400, 1000):
        send(field, *(n / 2 for n in range(20, 0, -1)), north_m=north_m)
        tracking.raise_alerts(alerting.Memory(0))
        causes += [a.data["cause"] for a in tracking.alerts(field.dispatcher) if a.kind == "late"]
    assert causes == ["alert.cause.late_idle", "alert.cause.late_there"]


def test_a_rep_who_stands_at_a_clients_is_listed_with_the_client(field: Field) -> None:
    send(field, *(n / 2 for n in range(30, 0, -1)))
    loaded = dispatch_loads.load_team(field.dispatcher, "", "en")
    what = next(row.what for row in loaded.reps if row.id == field.reps[0].user_id)
    assert what.startswith("Idle")
    assert what.endswith("· Doctor 1")


def test_a_day_is_shown_while_valkey_is_away(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIELDCRM_REDIS_URL", "redis://127.0.0.1:1/0")
    forget_settings()
    assert row_of(field).there == ""


def test_an_erased_track_takes_its_stays_along(field: Field) -> None:
    send(field, 9, 8, 7, 6, 5)
    rep_id = field.reps[0].user_id
    assert visit_stays.stays_of([rep_id], TODAY)
    person.erase_track(people.actor_of(field.admin.user_id), rep_id)
    assert store.stays_of(bus.connection(), TODAY, [rep_id]) == {}
