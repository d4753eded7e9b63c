"""A team's month for reports: people, targets and visits written straight into the tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from fieldcrm.clients.tables import Client, Territory
from fieldcrm.kit import clock, ids
from fieldcrm.kit.database import transaction
from fieldcrm.planning.tables import Cycle, CycleTarget
from fieldcrm.visits.tables import Visit
from tests.people.company import Company, found


@dataclass
class Field:
    """A company whose visits a test writes one by one."""

    company: Company
    clients: list[str] = field(default_factory=list)

    def add_client(self, category: str | None, territory: str | None = None) -> str:
        now, client_id = clock.now(), ids.new_id()
        with transaction() as session:
            session.add(
                Client(
                    id=client_id, kind="doctor", name=f"Врач {len(self.clients)} ș", category=category,
                    lat=60.17 + 0.001 * len(self.clients), lng=24.94, territory_id=territory,
                    created_at=now, updated_at=now,
                )
            )  # fmt: skip
        self.clients.append(client_id)
        return client_id

    def add_territory(self, team: str, rep: str, name: str = "Центр") -> str:
        with transaction() as session:
            row = Territory(id=ids.new_id(), name=name, team_id=self.company.teams[team],
                            rep_id=self.company.users[rep])  # fmt: skip
            session.add(row)
            return row.id

    def add_cycle(
        self, team: str, first: date, last: date, wants: list[tuple[str, str, int]]
    ) -> None:
        """`wants`: (rep's login, client, visits planned)."""
        with transaction() as session:
            cycle = Cycle(id=ids.new_id(), name="cycle", team_id=self.company.teams[team],
                          starts_on=first, ends_on=last)  # fmt: skip
            session.add(cycle)
            session.flush()
            for rep, client_id, planned in wants:
                session.add(
                    CycleTarget(id=ids.new_id(), cycle_id=cycle.id, rep_id=self.company.users[rep],
                                client_id=client_id, category="A", planned=planned)
                )  # fmt: skip

    def add_visit(
        self, rep: str, client_id: str, day: date, state: str = "closed",
        verdict: str = "confirmed", done_on: date | None = None, minutes: int = 10,
        hour: int = 10, **more: Any,
    ) -> str:  # fmt: skip
        """A visit planned for `day` at `hour` local; closed ones were on `done_on` at that hour."""
        on = done_on or day
        start = datetime(on.year, on.month, on.day, hour, tzinfo=clock.zone())
        closed = state == "closed"
        with transaction() as session:
            visit = Visit(
                id=ids.new_id(), rep_id=self.company.users[rep], client_id=client_id, day=day,
                team_id=self.company.teams["south" if rep.endswith("south") else "north"],
                state=state, verdict=verdict if closed else "unjudged",
                planned_at=datetime(day.year, day.month, day.day, hour, tzinfo=clock.zone()),
                checked_in_at=start if closed else None,
                closed_at=start + timedelta(minutes=minutes) if closed else None,
                result="met" if closed else None, created_at=start, updated_at=start, **more,
            )  # fmt: skip
            session.add(visit)
            return visit.id


@pytest.fixture
def team(any_db: str) -> Field:
    return Field(found())
