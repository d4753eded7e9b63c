"""A small company for tests of the field: two teams, three reps, clients, a day of visits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from fieldcrm.clients.tables import Affiliation, Client, Territory
from fieldcrm.kit import ids
from fieldcrm.kit.database import transaction
from fieldcrm.people.model import Actor, Role
from fieldcrm.people.tables import Device, Team, User, UserTeam
from fieldcrm.planning.tables import Cycle, CycleTarget
from fieldcrm.visits.tables import Product, Visit

NOW = datetime.fromisoformat("2026-03-04T10:00:00+02:00")
"""A Wednesday morning in Helsinki."""
TODAY = date(2026, 3, 4)
LAT, LNG = 60.17, 24.94


@dataclass
class Field:
    """Ids and actors of the company."""

    teams: list[str]
    reps: list[Actor]
    """Two of the first team, one of the second."""
    dispatcher: Actor
    """Of the first team."""
    manager: Actor
    other_manager: Actor
    admin: Actor
    devices: list[str]
    clients: list[str]
    """Doctors of the first rep's territory, 100 m apart."""
    hospital: str
    foreign_client: str
    """In the third rep's territory."""
    visits: list[str] = field(default_factory=list)
    """The first rep's day, in order, 30 minutes apart from ten."""


def lay_out(visits: int = 4) -> Field:
    """Make the company in the database at hand."""
    with transaction() as s:
        teams = [_team(s, "North"), _team(s, "South")]
        users = [
            _user(s, login, "rep", team)
            for login, team in (("anna", teams[0]), ("boris", teams[0]), ("carla", teams[1]))
        ]
        people = {
            name: _user(s, name, role, None)
            for name, role in (("disp", "dispatcher"), ("boss", "manager"), ("chief", "manager"),
                               ("root", "admin"))
        }  # fmt: skip
        s.flush()
        for name, team in (("disp", teams[0]), ("boss", teams[0]), ("chief", teams[1])):
            s.add(UserTeam(user_id=people[name].id, team_id=team))
        devices = [_device(s, user) for user in users]
        homes = [_territory(s, user) for user in users]
        hospital = _client(s, homes[0], "organisation", "Hospital", 0)
        doctors = [_client(s, homes[0], "doctor", f"Doctor {n}", n) for n in range(1, visits + 2)]
        foreign = _client(s, homes[2], "doctor", "Doctor Foreign", 50)
        s.add(Product(id=ids.new_id(), name="Aspirin"))
        s.flush()
        s.add(Affiliation(id=ids.new_id(), person_id=doctors[0].id, organisation_id=hospital.id,
                          role="surgeon"))  # fmt: skip
        planned = [_visit(s, users[0], c, n) for n, c in enumerate(doctors[:visits], 1)]
        _cycle(s, users[0], [c.id for c in doctors])
    team = frozenset(teams[:1])
    return Field(
        teams=teams, reps=[_actor(u) for u in users], clients=[c.id for c in doctors],
        dispatcher=_actor(people["disp"], team), manager=_actor(people["boss"], team),
        other_manager=_actor(people["chief"], frozenset(teams[1:])), admin=_actor(people["root"]),
        devices=devices, hospital=hospital.id, foreign_client=foreign.id,
        visits=[v.id for v in planned],
    )  # fmt: skip


def _team(s: Any, name: str) -> str:
    team = Team(id=ids.new_id(), name=name, created_at=NOW)
    s.add(team)
    s.flush()
    return team.id


def _user(s: Any, login: str, role: str, team: str | None) -> User:
    user = User(
        id=ids.new_id(), login=login, name=login.title(), role=role, team_id=team, mode="foot",
        password_hash="", created_at=NOW,
    )  # fmt: skip
    s.add(user)
    s.flush()
    return user


def _device(s: Any, user: User) -> str:
    device = Device(id=ids.new_id(), user_id=user.id, kind="pwa", token_hash=ids.new_id(),
                    paired_at=NOW)  # fmt: skip
    s.add(device)
    return device.id


def _territory(s: Any, user: User) -> str:
    home = Territory(id=ids.new_id(), name=f"Home of {user.name}", team_id=user.team_id or "",
                     rep_id=user.id)  # fmt: skip
    s.add(home)
    s.flush()
    return home.id


def _client(s: Any, home: str, kind: str, name: str, n: int) -> Client:
    """The n-th client stands n x 100 m north of the hospital."""
    client = Client(
        id=ids.new_id(), kind=kind, name=name, category="A", lat=LAT + n * 100 / 111_195, lng=LNG,
        territory_id=home, search_text=name.lower(), visit_minutes=15, created_at=NOW,
        updated_at=NOW,
    )  # fmt: skip
    s.add(client)
    s.flush()
    return client


def _visit(s: Any, user: User, client: Client, n: int) -> Visit:
    start = NOW + timedelta(minutes=30 * (n - 1))
    visit = Visit(
        id=ids.new_id(), rep_id=user.id, team_id=user.team_id or "", client_id=client.id,
        lat=client.lat, lng=client.lng, day=TODAY, position=n, planned_at=start,
        expected_at=start, travel_s=600, created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    s.add(visit)
    return visit


def _cycle(s: Any, user: User, clients: list[str]) -> None:
    cycle = Cycle(id=ids.new_id(), name="Q1", team_id=user.team_id or "",
                  starts_on=date(2026, 2, 2), ends_on=date(2026, 5, 1))  # fmt: skip
    s.add(cycle)
    s.flush()
    for client_id in clients:
        s.add(CycleTarget(id=ids.new_id(), cycle_id=cycle.id, rep_id=user.id,
                          client_id=client_id, category="A", planned=3))  # fmt: skip


def _actor(user: User, teams: frozenset[str] | None = None) -> Actor:
    own = frozenset({user.team_id}) if user.team_id else frozenset()
    return Actor(user.id, Role(user.role), own if teams is None else teams, user.name,
                 source="phone" if user.role == "rep" else "web")  # fmt: skip
