"""Territories as a table: whose each is, and how many clients it has."""

from __future__ import annotations

from dataclasses import dataclass

from fieldcrm.clients import service as clients
from fieldcrm.clients.export_forms import Sheet
from fieldcrm.kit import i18n
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor
from fieldcrm.planning.territory_load import NOTHING, TerritoryLoad, territory_loads

HEADS = (
    "admin.territory", "admin.team", "admin.rep", "admin.clients", "territory.visits_wanted",
    "territory.visits_held",
)  # fmt: skip
WIDTHS = (32, 24, 28, 12, 16, 16)


@dataclass(frozen=True)
class Listed:
    """A territory as the table tells it."""

    name: str
    team: str
    rep: str
    clients: int
    work: TerritoryLoad


def listed(actor: Actor, search: str = "") -> list[Listed]:
    """Territories the actor sees whose name, team or rep holds the text, by name."""
    teams = {t.id: t.name for t in people.list_teams(actor)}
    reps = {r.id: r.name for r in people.visible_reps(actor)}
    counted, wanted = clients.clients_by_territory(actor), search.strip().casefold()
    loads = territory_loads(actor)
    every = (
        Listed(
            t.name,
            teams.get(t.team_id, ""),
            reps.get(t.rep_id or "", ""),
            counted.get(t.id, 0),
            loads.get(t.id, NOTHING),
        )
        for t in clients.list_territories(actor)
    )
    return [t for t in every if wanted in f"{t.name} {t.team} {t.rep}".casefold()]


def sheet(found: list[Listed], language: str) -> Sheet:
    """A line for each."""
    titles = [i18n.t(key, language) for key in HEADS]
    rows = ((t.name, t.team, t.rep, t.clients, t.work.wanted, t.work.held) for t in found)
    return Sheet(i18n.t("admin.territories", language), titles, WIDTHS, rows)
