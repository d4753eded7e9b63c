"""Whom a schedule's three phones belong to: a rep with two, a colleague who shares clients with him, an office."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta

from sqlmodel import Session

from fieldcrm.phone.benches.stage import Group

CLOCK_ERRORS_S = (0, 0, 240, -7_200, 259_200, -86_400)
"""How far phones' clocks are off, at random."""
LAT, LNG = 60.17, 24.94
VISITS = 3
"""Of each phone alone, beside the two that both of a rep's phones make."""
MESSAGES = 2
"""That the office writes while the phones are at work."""


class Staff:
    """Makes people, clients and visits of schedules in the database at hand."""

    def __init__(self, session: Session, today: date) -> None:
        from fieldcrm.kit import clock

        self.session, self.today, self.now = session, today, clock.now()

    def rep(self, team_id: str, name: str) -> tuple[str, str, str]:
        """(rep, his territory, his session's cookie)."""
        from fieldcrm.clients.tables import Territory
        from fieldcrm.kit import ids

        rep_id, home = self._person(name, "rep", team_id), ids.new_id()
        self.session.add(Territory(id=home, name=f"Home of {name}", team_id=team_id, rep_id=rep_id))
        return rep_id, home, self._signed_in(rep_id)

    def dispatcher(self, team_id: str, name: str) -> str:
        """The cookie of one who is responsible for a team."""
        from fieldcrm.people.tables import UserTeam

        user_id = self._person(name, "dispatcher", None)
        self.session.add(UserTeam(user_id=user_id, team_id=team_id))
        return self._signed_in(user_id)

    def _person(self, name: str, role: str, team_id: str | None) -> str:
        from fieldcrm.kit import ids
        from fieldcrm.people.tables import User

        user = User(id=ids.new_id(), login=name.lower(), name=name, role=role, mode="foot",
                    team_id=team_id, password_hash="", created_at=self.now)  # fmt: skip
        self.session.add(user)
        self.session.flush()
        return user.id

    def _signed_in(self, user_id: str) -> str:
        from fieldcrm.kit import secrets
        from fieldcrm.people.signing import SESSION_COOKIE
        from fieldcrm.people.tables import SignIn

        token, until = secrets.new_token(), self.now + timedelta(days=30)
        self.session.add(SignIn(token_hash=secrets.token_hash(token), user_id=user_id,
                                created_at=self.now, expires_at=until))  # fmt: skip
        self.session.flush()
        return f"{SESSION_COOKIE}={token}"

    def team(self) -> str:
        from fieldcrm.kit import ids
        from fieldcrm.people.tables import Team

        team = Team(id=ids.new_id(), name="bench", created_at=self.now)
        self.session.add(team)
        self.session.flush()
        return team.id

    def client(self, home: str, name: str) -> str:
        from fieldcrm.clients.tables import Client
        from fieldcrm.kit import ids

        made = Client(id=ids.new_id(), kind="pharmacy", name=name, category="A", lat=LAT, lng=LNG,
                      territory_id=home, created_at=self.now, updated_at=self.now)  # fmt: skip
        self.session.add(made)
        self.session.flush()
        return made.id

    def visit(
        self, rep_id: str, team_id: str, client_id: str, position: int, day: date | None = None,
        at: datetime | None = None,
    ) -> str:  # fmt: skip
        """A planned visit of today or another day."""
        from fieldcrm.kit import ids
        from fieldcrm.visits.tables import Visit

        made = Visit(id=ids.new_id(), rep_id=rep_id, team_id=team_id, client_id=client_id, lat=LAT,
                     lng=LNG, day=day or self.today, position=position, planned_at=at,
                     created_at=self.now, updated_at=self.now)  # fmt: skip
        self.session.add(made)
        return made.id

    def message(self, rep_id: str, team_id: str, text: str) -> str:
        """A task that waits for a rep."""
        from fieldcrm.kit import ids
        from fieldcrm.messages.tables import Message

        made = Message(id=ids.new_id(), batch_id=ids.new_id(), rep_id=rep_id, team_id=team_id,
                       kind="task", text=text, created_at=self.now)  # fmt: skip
        self.session.add(made)
        return made.id

    def cycle(self, team_id: str, rep_id: str, clients: list[str]) -> None:
        from fieldcrm.kit import ids
        from fieldcrm.planning.tables import Cycle, CycleTarget

        cycle = Cycle(id=ids.new_id(), name="bench", team_id=team_id, starts_on=self.today
                      - timedelta(days=20), ends_on=self.today + timedelta(days=40))  # fmt: skip
        self.session.add(cycle)
        self.session.flush()
        self.session.add_all(
            CycleTarget(id=ids.new_id(), cycle_id=cycle.id, rep_id=rep_id, client_id=c,
                        category="A", planned=4) for c in clients
        )  # fmt: skip


def hire(number: int, seed: int, first_phone: int) -> Group:
    """A schedule's company, in a transaction of its own."""
    from fieldcrm.kit import clock
    from fieldcrm.kit.database import transaction

    today, chance = clock.local(clock.now()).date(), random.Random(seed)
    with transaction() as session:
        staff = Staff(session, today)
        team = staff.team()
        names = (f"Anna{number}", f"Boris{number}")
        anna, boris = (staff.rep(team, name) for name in names)
        clients = [[staff.client(rep[1], f"{n} {who}") for n in range(3)]
                   for who, rep in enumerate((anna, anna, boris))]  # fmt: skip
        shared = [staff.client(anna[1], f"shared {n}") for n in range(2)]
        staff.cycle(team, anna[0], [*clients[0], *clients[1], *shared])
        both = [staff.visit(anna[0], team, c, 20 + i) for i, c in enumerate(shared)]
        phones = []
        for phone, (rep, own) in enumerate(zip((anna, anna, boris), clients, strict=True)):
            places = own if phone < 2 else [*own[:1], *shared]
            visits = [
                staff.visit(rep[0], team, places[i % 3], 1 + i + 6 * phone) for i in range(VISITS)
            ]
            order = {v: 1 + i + 6 * phone for i, v in enumerate(visits)}
            order |= {v: 20 + i for i, v in enumerate(both)} if phone < 2 else {}
            phones.append({
                "number": first_phone + phone, "schedule": number, "seed": chance.randrange(1 << 31),
                "cookie": rep[2], "rep_id": rep[0], "visits": visits, "places": order, "clients": own,
                "contested": both if phone < 2 else [], "shared_clients": shared,
                "clock_error_ms": 1000 * chance.choice(CLOCK_ERRORS_S), "today": today.isoformat(),
                "keeps_shift": phone != 1,
            })  # fmt: skip
        texts = [(rep, f"task {who} of {number}") for who, rep in enumerate((anna, boris))]
        messages = {text: staff.message(rep[0], team, text) for rep, text in texts}
        office = {"cookie": staff.dispatcher(team, f"Olga{number}"), "rep_ids": [anna[0], boris[0]],
                  "seed": chance.randrange(1 << 31), "messages": MESSAGES}  # fmt: skip
        reps = {anna[0]: names[0], boris[0]: names[1]}
        return Group(number, seed, phones, office, reps, messages)
