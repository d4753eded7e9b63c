"""A small team on real streets, for the tests of planning."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlmodel import col, select

from fieldcrm.clients.tables import Client
from fieldcrm.kit import clock, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people.model import Actor, Role
from fieldcrm.people.tables import Team, User, UserTeam
from fieldcrm.planning.tables import Cycle, CycleTarget
from fieldcrm.regions.model import Place
from fieldcrm.visits.tables import Visit

DAY = date(2026, 11, 19)
HOURS = "Mo-Fr 08:00-20:00"
FIRST = date(2026, 11, 23)
"""A Monday, four days after the company's day."""
LAST = FIRST + timedelta(days=27)
PER_CYCLE = {"A": 6, "B": 3, "C": 2}


@dataclass
class Company:
    """Ids of who works here and the actors who plan."""

    team_id: str
    reps: list[str]
    dispatcher: Actor
    stranger: Actor
    """A dispatcher of another team."""

    def visits(self, rep: int) -> list[Visit]:
        """A rep's visits of the day in order."""
        with reading() as session:
            wanted = select(Visit).where(Visit.rep_id == self.reps[rep], Visit.day == DAY)
            return sorted(session.exec(wanted), key=lambda v: (not v.position, v.position, v.id))

    def visit(self, visit_id: str) -> Visit:
        with reading() as session:
            return session.get_one(Visit, visit_id)


def make_company(places: list[Place], per_rep: int = 8) -> Company:
    """Write teams, people, clients and visits straight into the database."""
    now = clock.now()
    team, other = ids.new_id(), ids.new_id()
    reps = [
        User(id=ids.new_id(), login=f"rep{n}", name=f"Rep {n}", role="rep", team_id=team,
             password_hash="x", mode=mode, start_lat=places[n].lat, start_lng=places[n].lng,
             created_at=now)
        for n, mode in enumerate(("foot", "bicycle"))
    ]  # fmt: skip
    desks = [
        User(id=ids.new_id(), login=f"desk{n}", name=f"Desk {n}", role="dispatcher",
             password_hash="x", created_at=now)
        for n in range(2)
    ]  # fmt: skip
    with transaction() as session:
        session.add_all([Team(id=team, name="Centre", created_at=now),
                         Team(id=other, name="East", created_at=now)])  # fmt: skip
        session.flush()
        session.add_all([*reps, *desks])
        session.flush()
        session.add_all([UserTeam(user_id=desks[0].id, team_id=team),
                         UserTeam(user_id=desks[1].id, team_id=other)])  # fmt: skip
        for n, rep in enumerate(reps):
            _add_day(session, rep, places[10 + n * 30 : 10 + n * 30 + per_rep], now)
    actors = [Actor(d.id, Role.dispatcher, frozenset([t]), d.name)
              for d, t in zip(desks, (team, other), strict=True)]  # fmt: skip
    return Company(team, [r.id for r in reps], *actors)


def _add_day(session, rep: User, places: list[Place], now: datetime) -> None:
    for n, place in enumerate(places):
        client = Client(id=ids.new_id(), kind="pharmacy", name=place.name, category="ABC"[n % 3],
                        lat=place.lat, lng=place.lng, opening_hours=HOURS, created_at=now,
                        updated_at=now)  # fmt: skip
        session.add(client)
        session.flush()
        at = datetime(2026, 11, 19, 8, 15, tzinfo=UTC) + timedelta(minutes=30 * n)
        session.add(Visit(
            id=ids.new_id(), rep_id=rep.id, team_id=rep.team_id or "", client_id=client.id,
            lat=place.lat, lng=place.lng, day=DAY, position=n + 1, planned_at=at, expected_at=at,
            planned_minutes=15, created_at=now, updated_at=now,
        ))  # fmt: skip


@dataclass
class Staff:
    company: Company
    manager: Actor
    clients: dict[str, list[str]]
    """By rep."""


def span(rep_ids: list[str]) -> dict[str, Visit]:
    with reading() as session:
        wanted = select(Visit).where(
            col(Visit.rep_id).in_(rep_ids), Visit.day >= FIRST, Visit.day <= LAST,
            Visit.state == "planned",
        )  # fmt: skip
        return {v.id: v for v in session.exec(wanted)}


def make_staff(company: Company) -> Staff:
    """The company within a cycle of twelve weeks, and who approves its plans."""
    now, boss = clock.now(), ids.new_id()
    clients = {rep: [v.client_id for v in company.visits(n)] for n, rep in enumerate(company.reps)}
    with transaction() as session:
        session.add(User(id=boss, login="boss", name="Boss", role="manager", password_hash="x",
                         created_at=now))  # fmt: skip
        cycle = Cycle(id=ids.new_id(), name="Q4", team_id=company.team_id,
                      starts_on=date(2026, 11, 2), ends_on=date(2027, 1, 24))  # fmt: skip
        session.add(cycle)
        session.flush()
        session.add(UserTeam(user_id=boss, team_id=company.team_id))
        for rep, mine in clients.items():
            for n, client in enumerate(mine):
                letter = "ABC"[n % 3]
                session.add(CycleTarget(
                    id=ids.new_id(), cycle_id=cycle.id, rep_id=rep, client_id=client,
                    category=letter, planned=PER_CYCLE[letter],
                ))  # fmt: skip
    manager = Actor(boss, Role.manager, frozenset([company.team_id]), "Boss")
    return Staff(company, manager, clients)
