"""The sample company: what it holds, that its past is whole, that a killed load does no harm."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import func, select

from fieldcrm.clients.tables import Affiliation, Client, Territory
from fieldcrm.forms.tables import ShelfCheck
from fieldcrm.people.tables import Team, User
from fieldcrm.planning.tables import CycleTarget, DayPlan
from fieldcrm.tracking.tables import Shift, TrackChunk
from fieldcrm.visits.tables import Attachment, Product, Visit, VisitChange
from tests.conftest import forget_settings

NOW = datetime(2026, 11, 25, 10, 10, tzinfo=ZoneInfo("Europe/Helsinki"))  # a Wednesday
TODAY = NOW.date()


@contextmanager
def pointing_at(home: Path) -> Iterator[None]:
    """Settings of another home, for a while."""
    before = os.environ.get("FIELDCRM_HOME")
    os.environ["FIELDCRM_HOME"] = str(home)
    forget_settings()
    try:
        yield
    finally:
        forget_settings()
        os.environ.pop("FIELDCRM_HOME") if before is None else os.environ.update(
            FIELDCRM_HOME=before
        )


@pytest.fixture(scope="session")
def sample_home(helsinki_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the whole sample company, loaded once."""
    from fieldcrm.kit.database import engine
    from fieldcrm.migrations.schema import metadata
    from workers.simulator import company

    home = tmp_path_factory.mktemp("sample")
    (home / "regions").symlink_to(helsinki_home / "regions")
    with pointing_at(home):
        metadata.create_all(engine())
        shares: list[float] = []
        company.load(lambda share, _what: shares.append(share), NOW)
        assert shares == sorted(shares)
        assert shares[-1] == 1.0
    return home


@pytest.fixture
def sample(sample_home: Path) -> Iterator[None]:
    with pointing_at(sample_home):
        yield


def rows(wanted) -> list:
    from fieldcrm.kit import database

    with database.reading() as session:
        return list(session.exec(wanted).all())


def test_real_places_keep_what_the_map_has(sample):
    places = rows(select(Client).where(Client.source == "osm"))
    assert len(places) == 139
    assert 50 <= sum(p.phone is not None for p in places) <= 60
    assert 55 <= sum(p.opening_hours is not None for p in places) <= 70
    assert sum(p.phone_e164 is not None for p in places) >= 50
    assert any(p.address is None for p in places)


def test_everything_is_marked_as_sample(sample):
    for table in (Client, User, Team, Territory, Product, Visit):
        assert not rows(select(table).where(table.is_sample.is_(False)))


def test_held_visits_of_the_past_answer_their_forms(sample):
    held = rows(
        select(Visit)
        .join(Client, Client.id == Visit.client_id)
        .where(Visit.state == "closed", Visit.result.in_(["met", "order", "out_of_stock"]))
    )
    answered = [v for v in held if "form" in v.details]
    assert len(held) > 500
    assert len(answered) == len(held)
    shelves = rows(select(ShelfCheck))
    assert {s.is_there for s in shelves} == {True, False}
    assert all(s.price for s in shelves if s.is_there)


def test_about_900_targets_fill_six_reps_days(sample):
    targets = rows(select(Client).where(Client.category.is_not(None)))
    assert 880 <= len(targets) <= 940
    wanted = sum(t.planned for t in rows(select(CycleTarget)))
    workdays = 65
    assert 11 <= wanted / workdays / 6 <= 12.5
    doctors = sum(t.kind == "doctor" for t in targets)
    assert doctors / len(targets) == pytest.approx(0.75, abs=0.02)


def test_frequencies_follow_the_category(sample):
    planned = defaultdict(set)
    for target in rows(select(CycleTarget)):
        planned[target.category].add(target.planned)
    assert planned == {"A": {6}, "B": {3}, "C": {1, 2}}


def test_people_have_one_main_workplace_and_some_two(sample):
    counted = Counter(a.person_id for a in rows(select(Affiliation)))
    assert set(counted.values()) == {1, 2}
    assert sum(n == 2 for n in counted.values()) >= 20
    mains = Counter(a.person_id for a in rows(select(Affiliation).where(Affiliation.is_main)))
    assert set(mains.values()) == {1}
    people = rows(select(Client.id).where(Client.kind.in_(["doctor", "pharmacist", "buyer"])))
    assert set(counted) == set(people)


def test_reps_teams_and_modes(sample):
    reps = rows(select(User).where(User.role == "rep"))
    assert {r.login for r in reps} == {"aino", "mikko", "elena", "sanna", "oleg", "ion"}
    assert Counter(r.mode for r in reps) == {"foot": 2, "bicycle": 2, "car": 2}
    assert sorted(Counter(r.team_id for r in reps).values()) == [3, 3]
    assert {r.language for r in reps} == {"en", "ru", "ro"}
    assert {u.role for u in rows(select(User))} == {"rep", "dispatcher", "manager", "admin"}


def test_drivers_places_reach_each_other_by_car(sample):
    from fieldcrm.kit.settings import settings
    from fieldcrm.regions.model import LatLng
    from fieldcrm.regions.roads import Roads

    drivers = rows(select(User).where(User.mode == "car", User.role == "rep"))
    for driver in drivers:
        (territory,) = rows(select(Territory).where(Territory.rep_id == driver.id))
        places = rows(
            select(Client).where(Client.territory_id == territory.id, Client.source == "osm")
        )
        points = [LatLng(p.lat, p.lng) for p in places]
        assert len(points) >= 18
        assert Roads(settings().region_dir).table("car", points).is_reachable.all()


def test_territories_share_no_cell_and_cover_every_place(sample):
    cells = [c for t in rows(select(Territory)) for c in t.cells]
    assert len(cells) == len(set(cells))
    assert not rows(select(Client).where(Client.territory_id.is_(None)))


def test_passwords_are_hashed_each_with_its_salt(sample):
    from fieldcrm.people.passwords import is_right

    users = rows(select(User))
    assert len({u.password_hash for u in users}) == len(users)
    assert is_right(users[0].password_hash, "fieldcrm-sample")


def test_four_weeks_lie_behind_and_two_ahead(sample):
    days = sorted(set(rows(select(Visit.day))))
    assert days[0] <= TODAY - timedelta(days=28)
    assert days[-1] >= TODAY + timedelta(days=13)
    assert all(d.weekday() < 5 for d in days)
    for day in days:
        if day < TODAY - timedelta(days=1):
            states = set(rows(select(Visit.state).where(Visit.day == day)))
            assert "planned" not in states
            assert "under_way" not in states


def test_days_hold_about_twelve_visits(sample):
    counted = Counter(rows(select(Visit.rep_id, Visit.day).where(Visit.position > 0)))
    mean = sum(counted.values()) / len(counted)
    assert 11 <= mean <= 13
    assert max(counted.values()) <= 13


def test_every_closed_visit_has_its_changes_and_is_judged(sample):
    closed = rows(select(Visit).where(Visit.state == "closed", Visit.day < TODAY))
    assert len(closed) > 1100
    moves = defaultdict(list)
    for change in rows(select(VisitChange).order_by(VisitChange.version)):
        moves[change.visit_id].append(change.move)
    assert all(moves[v.id] == ["plan", "check_in", "close"] for v in closed)
    assert all(v.checked_in_at < v.closed_at for v in closed)
    assert not [v for v in closed if v.verdict == "unjudged"]


def test_history_convicts_the_fakes_and_not_the_honest(sample):
    logins = {u.id: u.login for u in rows(select(User))}
    verdicts = defaultdict(Counter)
    for visit in rows(select(Visit).where(Visit.state == "closed", Visit.day < TODAY)):
        verdicts[logins[visit.rep_id]][visit.verdict] += 1
    assert verdicts["ion"]["confirmed"] == 0
    assert verdicts["mikko"]["confirmed"] <= 0.65 * verdicts["mikko"].total()
    for login in ("aino", "elena", "sanna", "oleg"):
        assert verdicts[login]["confirmed"] >= 0.95 * verdicts[login].total()


def test_this_morning_is_under_way_but_for_the_visitors_rep(sample):
    done = rows(
        select(User.login, func.count()).join(Visit, Visit.rep_id == User.id)
        .where(Visit.day == TODAY, Visit.state.in_(["closed", "under_way"])).group_by(User.login)
    )  # fmt: skip
    assert {login for login, _ in done} >= {"aino", "mikko", "elena", "oleg", "ion"} - {"sanna"}
    assert "sanna" not in dict(done)
    open_shifts = rows(
        select(User.login).join(Shift, Shift.rep_id == User.id).where(Shift.ended_at.is_(None))
    )
    assert sorted(open_shifts) == ["aino", "elena", "ion", "mikko", "oleg"]
    assert max(rows(select(TrackChunk.last_at))) <= NOW


def test_photos_are_on_disk_under_their_hash(sample):
    import hashlib

    from fieldcrm.kit import files

    attached = rows(select(Attachment))
    assert len(attached) > 200
    assert len({a.sha256 for a in attached}) == len(attached)
    for one in attached[:20]:
        content = files.path_of(one.sha256).read_bytes()
        assert hashlib.sha256(content).hexdigest() == one.sha256
        assert one.stored_at is not None


def test_day_plans_follow_the_roads(sample):
    plans = rows(select(DayPlan).where(DayPlan.day == TODAY))
    assert len(plans) == 6
    for plan in plans:
        assert len(plan.stops) >= 9
        assert len(plan.line) > len(plan.stops)
        assert [s["position"] for s in plan.stops] == list(range(1, len(plan.stops) + 1))


def test_only_an_empty_database_takes_the_sample(sample):
    from workers.simulator import company

    assert company.is_loaded()
    with pytest.raises(company.NotEmpty):
        company.load(now=NOW)


LOAD = """
import os, sys
from datetime import datetime
from fieldcrm.kit.database import engine
from fieldcrm.migrations.schema import metadata
from workers.simulator import company
metadata.create_all(engine())
company.load(lambda share, what: print(share, flush=True), datetime.fromisoformat(sys.argv[1]))
"""


def test_a_killed_load_leaves_a_database_that_can_be_loaded(helsinki_home: Path, home: Path):
    from fieldcrm.kit import database, facts
    from workers.simulator import company

    (home / "regions").symlink_to(helsinki_home / "regions")
    process = subprocess.Popen(
        [sys.executable, "-c", LOAD, NOW.isoformat()], stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    for line in process.stdout:
        if float(line) > 0.3:
            break
    process.kill()
    process.wait()
    assert rows(select(func.count()).select_from(Client))[0] > 1000
    assert not company.is_loaded()
    assert company.is_empty()
    company._begin()
    assert rows(select(func.count()).select_from(Client)) == [0]
    assert rows(select(func.count()).select_from(Visit)) == [0]
    with database.reading() as session:
        assert facts.get(session, facts.SAMPLE) is True
