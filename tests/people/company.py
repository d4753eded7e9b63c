"""A small company for tests: two teams, each with a rep and a dispatcher, and an administrator."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from fieldcrm.kit import clock, ids
from fieldcrm.kit.database import transaction
from fieldcrm.people import service
from fieldcrm.people.model import Actor, Role
from fieldcrm.people.tables import Team, User, UserTeam

PASSWORD = "correct horse 7"


@dataclass(frozen=True)
class Company:
    """Ids of the people by login, and each as an actor."""

    teams: dict[str, str]
    users: dict[str, str]

    def actor(self, login: str) -> Actor:
        return service.actor_of(self.users[login])


def found() -> Company:
    """Write the company into the database at hand; everybody's password is PASSWORD."""
    hashed = _hashed()
    teams = {name: ids.new_id() for name in ("north", "south")}
    people = {
        "rep_north": (Role.rep, "north"), "rep_south": (Role.rep, "south"),
        "second_north": (Role.rep, "north"),
        "dispatcher_north": (Role.dispatcher, "north"),
        "dispatcher_south": (Role.dispatcher, "south"),
        "manager_north": (Role.manager, "north"), "manager_south": (Role.manager, "south"),
        "admin": (Role.admin, None),
    }  # fmt: skip
    users = {login: ids.new_id() for login in people}
    with transaction() as session:
        session.add_all(Team(id=i, name=n, created_at=clock.now()) for n, i in teams.items())
        session.flush()
        for login, (role, team) in people.items():
            session.add(
                User(
                    id=users[login], login=login, name=login.replace("_", " ").title(), role=role,
                    team_id=teams[team] if team and role is Role.rep else None,
                    password_hash=hashed, created_at=clock.now(),
                )
            )  # fmt: skip
        session.flush()
        for login, (role, team) in people.items():
            if team and role is not Role.rep:
                session.add(UserTeam(user_id=users[login], team_id=teams[team]))
    return Company(teams, users)


@cache
def _hashed() -> str:
    """Hashing is slow on purpose; once is enough for every test's company."""
    return service.hash_password(PASSWORD)
