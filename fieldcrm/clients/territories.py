"""Territories: whose clients are where, and who hears when a territory changes hands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlmodel import Session

from fieldcrm.clients import landing, rules, store
from fieldcrm.clients.landing import Landing, Taker
from fieldcrm.clients.model import BadClientField, StaleClient, TerritoryNotFound
from fieldcrm.clients.tables import Territory
from fieldcrm.kit import events, feed, ids
from fieldcrm.kit.database import reading
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


def mean_place(actor: Actor) -> tuple[float, float] | None:
    """Around where the company's clients lie (administrator); None where nobody knows."""
    people.require(actor, Role.admin)
    with reading() as session:
        return store.mean_place(session)


def clients_by_category(actor: Actor, territory_id: str) -> dict[str, int]:
    """Living clients of a territory that the actor sees, by category; those without one under ""."""
    with reading() as session:
        if territory_id not in {t.id for t in store.territories(session, actor)}:
            raise TerritoryNotFound()
        return store.clients_by_category(session, territory_id)


def save_territory(
    actor: Actor, changes: Mapping[str, Any], territory_id: str | None = None,
    version: int | None = None,
) -> Territory:  # fmt: skip
    """Add a territory (name, team_id) or change one: name, team_id, rep_id, cells, area, rule.

    `area` is drawn, as rings of [lat, lng], and becomes cells; `rule` is what a client must be to land
    here. A rep must be of the territory's team; phones of the rep before and after hear of its clients.
    """
    people.require(actor, Role.admin)
    with feed.writing() as session:
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
        "rule": territory.rule or None,
    }  # fmt: skip


def _clean_territory(changes: Mapping[str, Any]) -> dict[str, Any]:
    cleaned = {k: changes[k] for k in ("team_id", "rep_id") if k in changes}
    if "name" in changes:
        cleaned["name"] = rules.clean({"name": changes["name"]})["name"]
    if "area" in changes:
        cleaned["cells"] = landing.cells_of_rings(changes["area"]) if changes["area"] else []
    elif "cells" in changes:
        cleaned["cells"] = landing.clean_cells(changes["cells"])
    if "rule" in changes:
        cleaned["rule"] = landing.clean_rule(changes["rule"])
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


# ---- clients land by themselves ----


def landing_in(session: Session, actor: Actor) -> Landing:
    """Whom the territories that the actor sees take; somebody's new client never leaves his sight."""
    return landing_among(store.territories(session, actor))


def landing_among(territories: Iterable[Territory]) -> Landing:
    """Whom these take. An area's cells are read anew only when its territory has changed: an import asks
    for every piece of its file."""
    return Landing([taker for t in territories if (taker := _taker(t))])


_TAKERS_MOST = 2_000
_takers: dict[str, tuple[int, Taker | None]] = {}
"""Territory -> the version it was read at, and whom it took then."""


def _taker(territory: Territory) -> Taker | None:
    known = _takers.get(territory.id)
    if known is None or known[0] != territory.version:
        if len(_takers) >= _TAKERS_MOST:
            _takers.clear()
        made = landing.taker(
            territory.id, territory.name, territory.cells or (), territory.rule or {}
        )
        known = _takers[territory.id] = territory.version, made
    return known[1]
