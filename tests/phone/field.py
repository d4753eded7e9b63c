"""A rep's day for the phone's tests: real people, clients and visits of today, served by a real web process."""

from __future__ import annotations

import os
import shutil
import time
import urllib.request
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from fieldcrm.clients.tables import Affiliation, Client, Promise, Territory
from fieldcrm.kit import clock, ids
from fieldcrm.kit.database import transaction
from fieldcrm.people.service import hash_password
from fieldcrm.people.tables import User
from fieldcrm.visits.tables import Product, Visit
from tests.install import PORTS
from tests.people.company import PASSWORD, Company, found
from tests.ports import free_ports
from tests.seedbed import Sprout, seedbed

LAT, LNG = 60.1699, 24.9384
LOGIN = "rep_north"


@dataclass(frozen=True)
class Day:
    """Ids of one rep's day: visits and their clients in order."""

    company: Company
    visits: tuple[str, ...]
    clients: tuple[str, ...]


def lay_out(visits: int = 5) -> Day:
    """Write a company whose rep has visits today, 100 m apart, into the database at hand."""
    company = found()
    now = clock.now()
    rep = company.users[LOGIN]
    with transaction() as s:
        user = s.get_one(User, rep)
        user.language, user.mode, user.password_hash = "en", "foot", hash_password(PASSWORD)
        home = Territory(id=ids.new_id(), name="North", team_id=company.teams["north"], rep_id=rep)
        s.add(home)
        s.flush()
        place = _client("pharmacy", "Erottajan Apteekki", 0, home.id, phone="+358 9 161 2307",
                        opening_hours="Mo-Su 00:00-24:00", category="A")  # fmt: skip
        people = [
            _client("doctor", name, n, home.id, specialty="Cardiology", category="ABC"[n % 3])
            for n, name in enumerate(_NAMES[:visits], 1)
        ]
        s.add_all([place, *people])
        s.add_all(Product(id=ids.new_id(), name=n) for n in ("Cardilen 5 mg", "Neurovel 20 mg"))
        s.flush()
        s.add(Affiliation(id=ids.new_id(), person_id=people[0].id, organisation_id=place.id))
        s.add(Promise(id=ids.new_id(), client_id=people[0].id, rep_id=rep, text="Price list",
                      due_on=clock.local(now).date(), created_at=now))  # fmt: skip
        made = [_visit(company, rep, c, n) for n, c in enumerate(people, 1)]
        s.add_all(made)
        return Day(company, tuple(v.id for v in made), tuple(c.id for c in people))


_NAMES = ("Elina Korhonen", "Ирина Соколова", "Ștefan Țurcanu", "Mikael Lindqvist", "Kaisa Mäkelä")


@dataclass(frozen=True)
class Stop:
    """A visit of a week, and whom it is with."""

    visit_id: str
    name: str


@dataclass(frozen=True)
class Week:
    """Five days of one rep, from a Monday on."""

    company: Company
    monday: date
    days: tuple[tuple[Stop, ...], ...]


def lay_out_week(monday: date) -> Week:
    """Write five days of twelve visits each: all the doctors of one hospital, each seen once."""
    company = found()
    rep = company.users[LOGIN]
    with transaction() as s:
        user = s.get_one(User, rep)
        user.language, user.mode, user.password_hash = "en", "foot", hash_password(PASSWORD)
        home = Territory(id=ids.new_id(), name="North", team_id=company.teams["north"], rep_id=rep)
        s.add(home)
        s.flush()
        days = []
        for n, given in enumerate(_GIVEN):
            with clock.held(morning(monday, n)):
                doctors = [
                    _client("doctor", f"{given} {family}", 1 + place / 40, home.id)
                    for place, family in enumerate(_FAMILY)
                ]
                s.add_all(doctors)
                s.flush()
                visits = [_visit(company, rep, c, place) for place, c in enumerate(doctors, 1)]
                s.add_all(visits)
            names = zip(visits, doctors, strict=True)
            days.append(tuple(Stop(v.id, c.name) for v, c in names))
        return Week(company, monday, tuple(days))


def morning(monday: date, day: int) -> datetime:
    """Nine o'clock in the company's zone on a day of the week (0: Monday)."""
    return clock.day_bounds(monday + timedelta(days=day))[0] + timedelta(hours=9)


_GIVEN = ("Elina", "Ирина", "Ștefan", "Mikael", "Kaisa")
_FAMILY = ("Aalto", "Berg", "Cojocaru", "Dahl", "Eskola", "Forss", "Grön", "Heino", "Ionescu",
           "Jokela", "Koski", "Lundin")  # fmt: skip


def _client(kind: str, name: str, n: float, home: str, **more: Any) -> Client:
    now = clock.now()
    return Client(
        id=ids.new_id(), kind=kind, name=name, lat=LAT + n * 100 / 111_195, lng=LNG,
        address=f"Mannerheimintie {n:g}", city="Helsinki", territory_id=home,
        search_text=name.lower(), created_at=now, updated_at=now, **more,
    )  # fmt: skip


def _visit(company: Company, rep: str, client: Client, n: int) -> Visit:
    now = clock.now()
    at = now + timedelta(minutes=20 * n)
    return Visit(
        id=ids.new_id(), rep_id=rep, team_id=company.teams["north"], client_id=client.id,
        lat=client.lat, lng=client.lng, day=clock.local(now).date(), position=n, planned_at=at,
        expected_at=at, travel_s=120, travel_m=100, travel_mode="foot", created_at=now,
        updated_at=now,
    )  # fmt: skip


class Server:
    """A web process that serves the API and a built phone app; may be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_ports(PORTS)
        self.base = f"http://localhost:{self.port}"
        self.process: Sprout | None = None
        os.environ["FIELDCRM_PORT"] = str(self.port)

    def start(self, oldest_protocol: int = 1) -> None:
        self.process = seedbed().start(
            "tests.phone.serve:main", str(self.folder), str(oldest_protocol)
        )
        until = time.monotonic() + 120
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(f"{self.base}/rep/", timeout=10).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise RuntimeError("the web process does not answer")

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait(60)
            self.process = None


def copy_app(built: Path, target: Path) -> Path:
    """A copy of a built app that a test may change."""
    return Path(shutil.copytree(built, target))
