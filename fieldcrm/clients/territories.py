"""Territories: whose clients are where, and who hears when a territory changes hands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlmodel import Session

from fieldcrm.clients import rules, store
from fieldcrm.clients.model import BadClientField, StaleClient, TerritoryNotFound
from fieldcrm.clients.tables import Territory
from fieldcrm.kit import events, feed, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role


def list_territories(actor: Actor) -> list[Territory]:
    """Territories the actor sees, by name."""
    with reading() as session:
        return store.territories(session, actor)


def clients_by_territory(actor: Actor) -> dict[str, int]:
    """How many living clients each territory that the actor sees has."""
    with reading() as session:
        seen = {t.id for t in store.territories(session, actor)}
        found = store.clients_by_territory(session)
    return {territory_id: n for territory_id, n in found.items() if territory_id in seen}


def save_territory(
    actor: Actor, changes: Mapping[str, Any], territory_id: str | None = None,
    version: int | None = None,
) -> Territory:  # fmt: skip
    """Add a territory (name, team_id) or change one: name, team_id, rep_id, cells.

    A rep must be of the territory's team; phones of the rep before and after hear of its clients.
    """
    people.require(actor, Role.admin)
    with transaction() as session:
        territory = store.territory(session, territory_id) if territory_id else None
        if territory_id and territory is None:
            raise TerritoryNotFound()
        if territory and version is not None and territory.version != version:
            raise StaleClient(version=territory.version)
        kind = "territory.changed" if territory else "territory.added"
        territory = territory or Territory(id=ids.new_id(), name="", team_id="", version=0)
        before = _told_of(territory)
        territory.sqlmodel_update(_clean_territory(changes))
        with session.no_autoflush:
            _check_whole(session, actor, territory)
        territory.version += 1
        session.add(territory)
        session.flush()
        _tell_territory(session, actor, territory, kind, before)
        return territory


def reassign_in(
    session: Session, actor: Actor, territories: Iterable[Territory], rep_id: str
) -> None:  # fmt: skip
    """Give territories to another rep of their team inside a transaction; phones hear of it.

    The caller has made sure that the actor may: a handover does.
    """
    for territory in territories:
        before = _told_of(territory)
        territory.rep_id = rep_id
        territory.version += 1
        session.add(territory)
        session.flush()
        _tell_territory(session, actor, territory, "territory.changed", before)


def _told_of(territory: Territory) -> dict[str, Any]:
    """What the log tells of a territory; of its area only how large it is."""
    return {
        "name": territory.name or None, "team_id": territory.team_id or None,
        "rep_id": territory.rep_id, "cells": len(territory.cells or ()),
    }  # fmt: skip


def _clean_territory(changes: Mapping[str, Any]) -> dict[str, Any]:
    cleaned = {k: changes[k] for k in ("team_id", "rep_id") if k in changes}
    if "name" in changes:
        cleaned["name"] = rules.clean({"name": changes["name"]})["name"]
    if "cells" in changes:
        cells = changes["cells"]
        is_fit = isinstance(cells, list) and len(cells) <= 20_000
        if not is_fit or not all(isinstance(c, str) and len(c) <= 16 for c in cells):
            raise BadClientField(field="cells")
        cleaned["cells"] = cells
    return cleaned


def _check_whole(session: Session, actor: Actor, territory: Territory) -> None:
    if not territory.name:
        raise BadClientField(field="name")
    if territory.team_id not in {t.id for t in people.list_teams(actor)}:
        raise BadClientField(field="team_id")
    if territory.rep_id:
        rep = people.scope_rep_in(session, actor, territory.rep_id)
        if rep.team_id != territory.team_id:
            raise BadClientField(field="rep_id")


def _tell_territory(
    session: Session, actor: Actor, territory: Territory, kind: str, before: dict[str, Any]
) -> None:
    events.record(
        session, kind, territory.id, actor_id=actor.user_id or None, team_id=territory.team_id,
        source=actor.source, data=people.difference(before, _told_of(territory)),
    )  # fmt: skip
    if before["rep_id"] == territory.rep_id:
        return
    moved = {rep_id for rep_id in (before["rep_id"], territory.rep_id) if rep_id}
    for rep_id in moved:
        feed.touch(session, "profile", rep_id, rep_ids=[rep_id], team_id=territory.team_id)
    for client_id in store.ids_in_territory(session, territory.id):
        feed.touch(session, "client", client_id, rep_ids=moved)
