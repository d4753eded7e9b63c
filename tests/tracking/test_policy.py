"""What a company decides, and what a person may ask for: kept, quiet, exported, erased."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from fieldcrm import cli
from fieldcrm.kit import bus, clock
from fieldcrm.kit.database import reading
from fieldcrm.kit.errors import Unavailable
from fieldcrm.kit.tables import Event
from fieldcrm.people import service as people
from fieldcrm.people.model import SYSTEM, RoleForbids
from fieldcrm.tracking import alerting, keeping, live_index, person, policy, service
from fieldcrm.tracking.model import BadPolicy, Fix
from tests.gateway.town import LAT, LNG, Town, build_town
from tests.servers import Valkey

DAY_MIN = 24 * 60


@pytest.fixture
def town(any_db: str, valkey: Valkey) -> Town:
    return build_town()


def fix(town: Town, minutes_ago: float, rep: int = 0) -> Fix:
    at = clock.now_ms() - round(minutes_ago * 60_000)
    return Fix(town.reps[rep], f"device-{rep}", None, at, at, at, LAT, LNG, battery_pct=4)


def show(one: Fix) -> None:
    point = live_index.point_of(one, one.fix_at_ms, 0)
    bus.connection().hset(live_index.LIVE, one.rep_id, live_index.encode(point))  # type: ignore[arg-type]


def store_all(*fixes: Fix) -> None:
    from fieldcrm.kit.database import transaction

    with transaction() as session:
        keeping.append(session, fixes)


def kept(town: Town, rep: int = 0) -> list[Fix]:
    now = clock.now()
    with reading() as session:
        return service.track_in(session, town.reps[rep], now - timedelta(days=900), now)


def logged(kind: str) -> list[Event]:
    return [e for e in people.event_log(SYSTEM, kind=kind) if e.kind == kind]


def test_tracks_are_kept_as_long_as_the_company_says(town: Town) -> None:
    store_all(*(fix(town, days * DAY_MIN, rep) for days in (0.01, 5, 40, 600) for rep in (0, 1)))
    show(fix(town, 40 * DAY_MIN, 1))
    assert policy.sweep(clock.now()) == 2
    assert [len(kept(town, rep)) for rep in (0, 1)] == [3, 3]
    policy.set_policy(people.actor_of(town.admin), keep_days=30)
    assert policy.sweep(clock.now()) == 0, "once a day is enough"
    assert policy.sweep(clock.now() + timedelta(days=1)) == 2
    assert [len(kept(town, rep)) for rep in (0, 1)] == [2, 2]
    assert live_index.points_of(bus.connection(), town.reps) == {}
    assert sorted(e.data["fixes"] for e in logged("track.expired")) == [2, 2]
    assert [e.data for e in logged("track.policy")] == [
        {"before": {"keep_days": 400}, "after": {"keep_days": 30}}
    ]


def test_only_an_administrator_decides_and_only_sense(town: Town) -> None:
    for other in (people.actor_of(town.dispatcher), town.actor()):
        with pytest.raises(RoleForbids):
            policy.set_policy(other, keep_days=30)
    with pytest.raises(RoleForbids):
        policy.policy(town.actor())
    admin = people.actor_of(town.admin)
    for wrong in (
        {"keep_days": 0},
        {"quiet_from_min": 60},
        {"quiet_from_min": 1, "quiet_to_min": 1440},
    ):
        with pytest.raises(BadPolicy):
            policy.set_policy(admin, **wrong)
    assert policy.policy(admin) == policy.Policy()
    assert policy.minutes_of("20:30-07:00") == (1230, 420)
    with pytest.raises(BadPolicy):
        policy.minutes_of("late-early")


def test_in_quiet_hours_nobody_is_alarmed(town: Town) -> None:
    admin, memory = people.actor_of(town.admin), alerting.Memory(began_ms=0)
    here = clock.local(clock.now())
    minute = here.hour * 60 + here.minute
    policy.set_policy(
        admin, quiet_from_min=(minute - 30) % DAY_MIN, quiet_to_min=(minute + 30) % DAY_MIN
    )
    town.shift()
    show(fix(town, 1))
    assert service.raise_alerts(memory) == 0
    policy.set_policy(admin, quiet_from_min=None, quiet_to_min=None)
    assert service.raise_alerts(memory) == 1
    (alert,) = service.alerts(admin)
    assert (alert.kind, alert.data["cause"]) == ("battery_low", "alert.cause.battery")
    service.acknowledge(admin, alert.id)
    assert service.alerts(admin)[0].acknowledged_by == town.admin


def test_a_persons_track_in_a_file(town: Town, tmp_path, capfd: pytest.CaptureFixture[str]) -> None:
    town.shift()
    store_all(*(fix(town, n) for n in range(30)), fix(town, 3, rep=1))
    live_index.hold(bus.connection(), [fix(town, 50)])
    cli.main(["person", "export", "rep-north", str(tmp_path / "track.jsonl")])
    lines = [json.loads(line) for line in (tmp_path / "track.jsonl").read_text().splitlines()]
    kinds = [next(iter(line)) for line in lines]
    assert [kinds.count(k) for k in ("person", "shift", "fix", "held")] == [1, 1, 30, 1]
    assert {line["fix"]["rep_id"] for line in lines if "fix" in line} == {town.reps[0]}
    cli.main(["person", "export", "rep-south"])
    assert len(capfd.readouterr().out.splitlines()) == 2
    assert [e.data["fixes"] for e in reversed(logged("track.exported"))] == [30, 1]


def test_a_persons_track_is_erased_everywhere_and_nobody_elses(
    town: Town, capfd: pytest.CaptureFixture[str]
) -> None:
    town.shift()
    store_all(*(fix(town, n) for n in range(30)), fix(town, 3, rep=1))
    for rep in (0, 1):
        show(fix(town, 0.1, rep))
        live_index.hold(bus.connection(), [fix(town, 60, rep)])
        bus.connection().hset(live_index.CLOCKS, f"{town.reps[rep]}|device", 5)  # type: ignore[arg-type]
    assert service.raise_alerts(alerting.Memory(began_ms=0)) > 0
    cli.main(["person", "erase", "rep-north", "--yes"])
    assert json.loads(capfd.readouterr().out) == {"erased": 30}
    assert (kept(town), len(kept(town, 1))) == ([], 1)
    assert list(live_index.points_of(bus.connection(), town.reps)) == [town.reps[1]]
    assert live_index.held_reps(bus.connection()) == [town.reps[1]]
    assert bus.connection().hkeys(live_index.CLOCKS) == [f"{town.reps[1]}|device".encode()]
    assert {a.rep_id for a in service.alerts(SYSTEM)} <= {town.reps[1]}
    (erased,) = logged("track.erased")
    assert (erased.subject_id, erased.data["fixes"]) == (town.reps[0], 30)
    assert erased.data["alerts"] > 0


def test_nothing_is_erased_that_would_come_back(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.shift()
    store_all(fix(town, 5))
    monkeypatch.setattr(person, "DRAINED_WITHIN_S", 0.2)
    bus.connection().xadd(bus.FIX_STREAM, {"b": live_index.encode([fix(town, 1)])})
    with pytest.raises(Unavailable):
        person.erase_track(people.actor_of(town.admin), town.reps[0])
    assert len(kept(town)) == 1


def test_only_an_administrator_takes_or_erases_a_track(town: Town) -> None:
    for other in (people.actor_of(town.dispatcher), town.actor()):
        with pytest.raises(RoleForbids):
            person.export_track(other, town.reps[0])
        with pytest.raises(RoleForbids):
            person.erase_track(other, town.reps[0])


def test_settled_alerts_go_with_time_and_open_ones_stay(town: Town) -> None:
    from fieldcrm.kit import ids
    from fieldcrm.kit.database import transaction
    from fieldcrm.tracking.tables import Alert

    long_ago = clock.now() - timedelta(days=90)
    with transaction() as session:
        for resolved_at in (None, long_ago):
            session.add(Alert(id=ids.new_id(), rep_id=town.reps[0], team_id=town.teams[0],
                              kind="silent", at=long_ago, resolved_at=resolved_at))  # fmt: skip
    admin = people.actor_of(town.admin)
    assert policy.overdue(admin, alert_days=30) == policy.Overdue(alerts=1)
    policy.set_policy(admin, alert_days=30)
    policy.sweep(clock.now())
    (expired,) = logged("track.expired")
    assert expired.data == {"fixes": 0, "alerts": 1, "photos": 0}
    assert len(service.alerts(SYSTEM)) == 1


def test_what_a_shorter_time_would_erase_is_told_before(town: Town) -> None:
    store_all(*(fix(town, days * DAY_MIN, rep) for days in (0.01, 5, 40) for rep in (0, 1)))
    admin = people.actor_of(town.admin)
    assert policy.overdue(admin, keep_days=30) == policy.Overdue(fixes=2, reps=2)
    assert policy.overdue(admin, keep_days=60) == policy.Overdue()
    assert policy.policy(admin).keep_days == policy.KEEP_DAYS, "asking changes nothing"
    with pytest.raises(BadPolicy):
        policy.overdue(admin, photo_days=3)
    with pytest.raises(RoleForbids):
        policy.overdue(people.actor_of(town.dispatcher), keep_days=30)


def test_the_command_line_says_how_long_photos_are_kept(
    town: Town, capfd: pytest.CaptureFixture[str]
) -> None:
    cli.main(["policy", "--photo-days", "365", "--alert-days", "90"])
    assert json.loads(capfd.readouterr().out)["photo_days"] == 365
    cli.main(["policy", "--photo-days", "none"])
    assert json.loads(capfd.readouterr().out)["photo_days"] is None
    changes = [e.data["after"] for e in reversed(logged("track.policy"))]
    assert changes == [{"alert_days": 90, "photo_days": 365}, {"photo_days": None}]
