"""Messages as the office reads them: searched, narrowed, in an order of its choice, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from fieldcrm.clients.folding import search_text
from fieldcrm.kit import paging
from fieldcrm.kit.database import reading
from fieldcrm.messages import rules, store
from fieldcrm.messages.model import Filters, Kind, MessageView, Page
from fieldcrm.messages.service import standing_of
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role

LIMIT_MAX = 500
SEARCH_MOST = 200
NEWEST_FIRST = "-written"


def page(
    actor: Actor, filters: Filters, sort: str = NEWEST_FIRST, limit: int = 100,
    cursor: str | None = None,
) -> Page:  # fmt: skip
    """A page of messages to reps the actor sees.

    Sorts: written, rep, kind, when, state; a minus turns the order round. Raises BadSort, BadCursor.
    """
    where = _where(actor, filters)
    with reading() as session:
        rows, more = store.told(session, where, sort, min(limit, LIMIT_MAX), cursor)
    return Page([_view(row) for row in rows], more)


def _where(actor: Actor, filters: Filters) -> list[Any]:
    people.require(actor, Role.dispatcher, Role.manager, Role.admin)
    if filters.rep_id:
        people.scope_rep(actor, filters.rep_id)
    wanted = replace(filters, search=filters.search[:SEARCH_MOST].replace("\x00", ""))
    names = _names(actor) if wanted.search else {}
    return store.narrowed(wanted, people.visible_team_ids(actor), names)


def count(actor: Actor, filters: Filters) -> int:
    """How many messages the list has."""
    where = _where(actor, filters)
    with reading() as session:
        return store.count(session, where)


def every(actor: Actor, filters: Filters, sort: str = NEWEST_FIRST) -> Iterator[MessageView]:
    """All of the list, page by page."""
    return paging.every(lambda cursor: page(actor, filters, sort, LIMIT_MAX, cursor))


def sent(actor: Actor, kind: Kind | None = None) -> list[MessageView]:
    """The newest messages to reps the actor sees."""
    return page(actor, Filters(kind=kind)).rows


def _names(actor: Actor) -> dict[str, str]:
    """Reps the actor sees, as they are found."""
    return {rep.id: search_text(rep.name) for rep in people.visible_reps(actor, True)}


def _view(row: store.Told) -> MessageView:
    m = row.message
    state = rules.state(standing_of(m), m.arrived_at is not None, m.withdrawn_at is not None)
    return MessageView(
        id=m.id, kind=Kind(m.kind), text=m.text, rep_id=m.rep_id, rep_name=row.rep,
        team_id=m.team_id, by=row.by, created_at=m.created_at, day=m.day, due_at=m.due_at,
        place=row.place, lat=m.lat, lng=m.lng, radius_m=m.radius_m, state=state,
        arrived_at=m.arrived_at, seen_at=m.seen_at, accepted_at=m.accepted_at,
        declined_at=m.declined_at, done_at=m.done_at, withdrawn_at=m.withdrawn_at,
        comment=m.comment, phones=row.phones,
    )  # fmt: skip
