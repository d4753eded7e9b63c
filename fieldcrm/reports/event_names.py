"""SQL behind the event log's words: what the ids in it are called."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from fieldcrm.clients import tables as clients
from fieldcrm.people import tables as people
from fieldcrm.visits import tables as visits

# columns, not values: a type checker takes a row's fields for what they hold
Client: Any = clients.Client
Territory: Any = clients.Territory
ImportRun: Any = clients.ImportRun
User: Any = people.User
Team: Any = people.Team
Device: Any = people.Device
Visit: Any = visits.Visit


def names_of(session: Session, ids: Iterable[str]) -> dict[str, str]:
    """Names of users, teams, clients, territories, imports, a visit's client, a device's rep."""
    wanted = list(dict.fromkeys(ids))
    asked = [
        select(User.id, User.name).where(User.id.in_(wanted)),
        select(Team.id, Team.name).where(Team.id.in_(wanted)),
        select(Client.id, Client.name).where(Client.id.in_(wanted)),
        select(Territory.id, Territory.name).where(Territory.id.in_(wanted)),
        select(ImportRun.id, ImportRun.file_name).where(ImportRun.id.in_(wanted)),
        select(Visit.id, Client.name).join(Client, Client.id == Visit.client_id).where(Visit.id.in_(wanted)),
        select(Device.id, User.name).join(User, User.id == Device.user_id).where(Device.id.in_(wanted)),
    ]  # fmt: skip
    return {id_: name for query in asked for id_, name in session.execute(query)}
