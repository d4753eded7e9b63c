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
    assert [e.data for e in logged("track.policy")] == [{"keep_days": 30}]


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
    assert [(e.subject_id, e.data) for e in logged("track.erased")] == [
        (town.reps[0], {"fixes": 30})
    ]


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
