"""Clients that no territory has: where they would land, and letting them.

A client lands when it is added or changed. A territory that was drawn since, or whose rule changed, takes
those who wait when an administrator says so; nobody leaves a territory by himself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlmodel import Session

from fieldcrm.clients import service, store
from fieldcrm.clients.landing import Landing
from fieldcrm.clients.tables import Client
from fieldcrm.clients.territories import landing_in
from fieldcrm.kit import feed
from fieldcrm.kit.database import reading
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role

PIECE = 200
"""Clients in one transaction: phones and desks come through between."""


@dataclass
class Waiting:
    """Living clients without a territory."""

    lands: dict[str, int] = field(default_factory=dict)
    """Territory -> how many it takes."""
    nowhere: int = 0
    """Whom no territory takes."""


def waiting(actor: Actor) -> Waiting:
    """Where those who wait would land (administrator)."""
    people.require(actor, Role.admin)
    with reading() as session:
        landing, counted, after = landing_in(session, actor), Counter[str | None](), ""
        while found := store.without_territory(session, after, PIECE):
            counted.update(landing.of(c.model_dump()) for c in found)
            after = found[-1].id
            session.expunge_all()
    return _told(counted)


def land(actor: Actor, progress: Callable[[int], None] = lambda done: None) -> Waiting:
    """Let them; each lands as if the administrator had chosen its territory.

    `progress` hears how many were looked at, and may raise: who has landed stays.
    """
    people.require(actor, Role.admin)
    counted, after, done = Counter[str | None](), "", 0
    while True:
        with feed.writing() as session:
            landing = landing_in(session, actor)
            found = store.without_territory(session, after, PIECE)
            counted.update(_land(session, actor, landing, client) for client in found)
            after = found[-1].id if found else ""
        if not found:
            return _told(counted)
        done += len(found)
        progress(done)


def _land(session: Session, actor: Actor, landing: Landing, client: Client) -> str | None:
    territory_id = landing.of(client.model_dump())
    if territory_id:
        service.change_in(session, actor, client, {"territory_id": territory_id})
    return territory_id


def _told(counted: Counter[str | None]) -> Waiting:
    nowhere = counted.pop(None, 0)
    return Waiting({t: n for t, n in counted.items() if t}, nowhere)
