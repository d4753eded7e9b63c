"""A small client base over the small company: a territory for each team and clients in them."""

from __future__ import annotations

from dataclasses import dataclass

from fieldcrm.clients import service
from fieldcrm.people.model import Actor
from tests.people.company import Company, found


@dataclass(frozen=True)
class Base:
    """The company, its territories by team name, its clients by name."""

    company: Company
    territories: dict[str, str]
    clients: dict[str, str]

    def actor(self, login: str) -> Actor:
        return self.company.actor(login)


def lay_out() -> Base:
    """Write company, territories and three clients into the database at hand."""
    company = found()
    boss = company.actor("admin")
    territories = {
        team: service.save_territory(
            boss,
            {"name": team.title(), "team_id": team_id, "rep_id": company.users[f"rep_{team}"]},
        ).id
        for team, team_id in company.teams.items()
    }
    rows = [
        {"name": "Töölö Health Station", "kind": "organisation", "territory_id": territories["north"],
         "address": "Sibeliuksenkatu 14", "city": "Helsinki", "lat": 60.1839, "lng": 24.9146,
         "phone": "+358 9 310 45588", "category": "A"},
        {"name": "Dr Щербаков Артём", "kind": "doctor", "territory_id": territories["north"],
         "phone": "040 123 4567", "category": "B"},
        {"name": "Farmacia Ștefan cel Mare", "kind": "pharmacy", "city": "Chișinău",
         "territory_id": territories["south"], "category": "C", "external_id": "F-001"},
    ]  # fmt: skip
    clients = {row["name"]: service.save(boss, row).id for row in rows}
    return Base(company, territories, clients)
