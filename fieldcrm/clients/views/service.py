"""Saved views of the list of clients: kept for a person, shared with a team or everybody, opened by link."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlmodel import Session

from fieldcrm.clients import service as clients
from fieldcrm.clients.model import DISTANCE, ClientFilters, ClientNotFound, Near
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.views import rules, store
from fieldcrm.clients.views.model import (
    USUAL,
    VIEWS_MAX,
    BadView,
    Habit,
    ListState,
    Shared,
    View,
    ViewChanged,
    ViewNotFound,
    plain,
)
from fieldcrm.clients.views.tables import ClientListHabit, ClientView
from fieldcrm.kit import clock, events, feed, ids
from fieldcrm.kit.database import reading
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role

OFFICE = (Role.dispatcher, Role.manager, Role.admin)

# ---- opening ----


def list_views(actor: Actor) -> list[View]:
    """The actor's own views and those shared with him, by name."""
    people.require(actor, *OFFICE)
    with reading() as session:
        default = _habit(session, actor).view_id
        return [
            _told(actor, row, owner, default, _state(session, actor, row))
            for row, owner in store.views(session, actor)
        ]


def get(actor: Actor, view_id: str) -> View:
    """A view without what it names that is gone, which it tells; raises ViewNotFound."""
    people.require(actor, *OFFICE)
    with reading() as session:
        row, owner = _seen(session, actor, view_id)
        seen = ownfields.seen_in(session, actor)
        own = {f.name: f.sense for f in seen if not f.is_archived}
        labels = {f.name: ownfields.label_of(f, actor.language) for f in seen}
        state, gone = rules.standing(_state(session, actor, row), own)
        state, lost = _near_stands(session, actor, state)
        named = tuple(labels.get(name, name) for name in gone) + lost
        default = _habit(session, actor).view_id
        return _told(actor, row, owner, default, state, named)


def _state(session: Session, actor: Actor, row: ClientView) -> ListState:
    """What a view holds, without fields that there are not for its reader."""
    return rules.without(rules.read_state(row.state), ownfields.hidden_in(session, actor))


def _near_stands(
    session: Session, actor: Actor, state: ListState
) -> tuple[ListState, tuple[str, ...]]:
    """The same without a client to be near to that is gone, or has no place."""
    if not state.near or rules.point_in(state.near) or _place(session, actor, state.near):
        return state, ()
    sort = "name" if state.sort.endswith(DISTANCE) else state.sort
    return replace(state, near="", near_km=0.0, sort=sort), ("near",)


def _place(session: Session, actor: Actor, client_id: str) -> tuple[float, float] | None:
    try:
        found = clients.get_in(session, actor, client_id)
    except ClientNotFound:
        return None
    return (found.lat, found.lng) if found.lat is not None and found.lng is not None else None


def filters_of(actor: Actor, state: ListState) -> ClientFilters:
    """What a state narrows the list to; a client to be near to that is gone narrows nothing."""
    near = rules.near_point(state)
    if near is None and state.near:
        with reading() as session:
            place = _place(session, actor, state.near)
        near = Near(*place, km=state.near_km) if place else None
    return ClientFilters(archived=state.is_archive, conditions=state.conditions, near=near)


def _seen(session: Session, actor: Actor, view_id: str) -> tuple[ClientView, str]:
    found = store.view(session, actor, view_id)
    if found is None:
        raise ViewNotFound()
    return found


def _told(
    actor: Actor, row: ClientView, owner: str, default: str | None,
    state: ListState | None = None, gone: tuple[str, ...] = (),
) -> View:  # fmt: skip
    return View(
        row.id, row.name, state or rules.read_state(row.state), Shared(row.shared), row.team_id,
        row.owner_id, owner, row.owner_id == actor.user_id, row.id == default, row.version, gone,
    )  # fmt: skip


# ---- saving ----


def save(
    actor: Actor, name: Any, state: Any, shared: str = "", team_id: str | None = None,
    view_id: str | None = None, version: int | None = None,
) -> View:  # fmt: skip
    """Keep a view under a name, a new one or anew under its id, which only its owner may.

    Raises BadView, SharingForbidden, ViewNotFound, ViewChanged.
    """
    people.require(actor, *OFFICE)
    told = rules.read_state(plain(state) if isinstance(state, ListState) else state)
    kept = _read_shared(shared)
    rules.check_sharing(actor, kept, team_id)
    with feed.writing() as session:
        row = _mine(session, actor, view_id, version) if view_id else _new(session, actor)
        if kept is Shared.team and not store.is_team(session, team_id or ""):
            raise BadView(why="team")
        before = _said(row)
        row.name, row.state, row.shared = rules.read_name(name), plain(told), kept.value
        row.team_id = team_id if kept is Shared.team else None
        row.version, row.changed_at = row.version + 1, clock.now()
        session.add(row)
        session.flush()
        _log(session, actor, row, "client_view.saved", people.difference(before, _said(row)))
        return _told(actor, row, actor.name, _habit(session, actor).view_id)


def _read_shared(told: str) -> Shared:
    try:
        return Shared(told)
    except ValueError as error:
        raise BadView(why="shared") from error


def _new(session: Session, actor: Actor) -> ClientView:
    if store.count(session, actor.user_id) >= VIEWS_MAX:
        raise BadView(why="too_many")
    return ClientView(
        id=ids.new_id(), owner_id=actor.user_id, name="", version=0, changed_at=clock.now()
    )


def _mine(session: Session, actor: Actor, view_id: str, version: int | None) -> ClientView:
    row, _ = _seen(session, actor, view_id)
    if row.owner_id != actor.user_id:
        raise ViewNotFound()
    if version is not None and row.version != version:
        raise ViewChanged(version=row.version)
    return row


def remove(actor: Actor, view_id: str) -> None:
    """A view goes: its owner's wish, or the administrator's for one that is shared."""
    people.require(actor, *OFFICE)
    with feed.writing() as session:
        row, _ = _seen(session, actor, view_id)
        if row.owner_id != actor.user_id and not actor.is_admin:
            raise ViewNotFound()
        store.forget_default(session, row.id)
        session.delete(row)
        _log(session, actor, row, "client_view.removed", {"name": row.name})


def _said(row: ClientView) -> dict[str, Any]:
    """What the log tells of a view."""
    return {"name": row.name or None, "shared": row.shared or None, "team_id": row.team_id}


def _log(session: Session, actor: Actor, row: ClientView, kind: str, data: dict[str, Any]) -> None:
    events.record(
        session, kind, row.id, actor_id=actor.user_id, team_id=row.team_id, source=actor.source,
        data=data,
    )  # fmt: skip


# ---- habits ----


def habit(actor: Actor) -> Habit:
    """How the actor likes the list, on whichever computer."""
    people.require(actor, *OFFICE)
    with reading() as session:
        return _habit(session, actor)


def _habit(session: Session, actor: Actor) -> Habit:
    row = store.habit(session, actor.user_id)
    return Habit(tuple(row.columns) or USUAL, row.view_id) if row else Habit(USUAL, None)


def keep_columns(actor: Actor, columns: tuple[str, ...]) -> None:
    """Remember the columns of the list without a view; raises BadView."""
    people.require(actor, *OFFICE)
    kept = rules.read_state({"columns": columns}).columns
    with feed.writing() as session:
        _own_habit(session, actor).columns = list(kept)


def set_default(actor: Actor, view_id: str | None) -> None:
    """Which view opens by itself; None: none. Raises ViewNotFound."""
    people.require(actor, *OFFICE)
    with feed.writing() as session:
        if view_id is not None:
            _seen(session, actor, view_id)
        _own_habit(session, actor).view_id = view_id


def _own_habit(session: Session, actor: Actor) -> ClientListHabit:
    row = store.habit(session, actor.user_id) or ClientListHabit(user_id=actor.user_id)
    session.add(row)
    return row
