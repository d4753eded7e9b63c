"""SQL behind the list of corrections: each with its client, who asked, and the word on it."""

# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportOptionalMemberAccess=false
# Columns of SQLModel rows look like plain values to the checker.

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, func, literal, or_, tuple_
from sqlmodel import Session, col, select

from fieldcrm.clients import folding
from fieldcrm.clients.duplicates.tables import ClientMerge
from fieldcrm.clients.store import in_scope
from fieldcrm.clients.tables import Client
from fieldcrm.kit.aliases import shared_alias
from fieldcrm.kit.tables import Event
from fieldcrm.people.model import Actor
from fieldcrm.people.tables import User
from fieldcrm.sync.corrections import ACCEPTED, ASKED, DECLINED
from fieldcrm.visits.model import BadCursor, BadSort
from fieldcrm.visits.tables import Visit

DECIDED = (ACCEPTED, DECLINED)
OPEN = "open"
Asked: Any = shared_alias(Event)
Decision: Any = shared_alias(Event)
Rep: Any = shared_alias(User)
Decider: Any = shared_alias(User)
RepName: Any = func.coalesce(Rep.name, "")
"""Empty where the product asked itself, for what visits tell of a pin."""
SORTS: dict[str, Any] = {"at": Asked.id, "client": col(Client.sort_name), "rep": RepName}


class Row(NamedTuple):
    """A correction as it lies in the database."""

    asked: Event
    client: Client
    rep_name: str
    decision: Event | None
    decider_name: str | None


@dataclass(frozen=True)
class Wanted:
    """What narrows the list; `status` is `open`, a kind of decision, or empty."""

    search: str = ""
    status: str = ""
    fields: tuple[str, ...] = ()
    rep_id: str = ""
    client_id: str = ""
    since: datetime | None = None
    until: datetime | None = None


def _rows(actor: Actor) -> Any:
    """A correction and the decision on it share the correction's id, which stands in both events."""
    decided = and_(
        Decision.subject_id == Asked.subject_id,
        Decision.kind.in_(DECIDED),
        Decision.data["id"].as_string() == Asked.data["id"].as_string(),
    )
    return (
        select(Asked, Client, RepName, Decision, Decider.name)  # type: ignore[call-overload]
        .outerjoin(ClientMerge, _is_merged())
        .join(Client, col(Client.id) == func.coalesce(ClientMerge.standing_id, Asked.subject_id))
        .outerjoin(Rep, Rep.id == Asked.actor_id)
        .outerjoin(Decision, decided)
        .outerjoin(Decider, Decider.id == Decision.actor_id)
        .where(Asked.kind == ASKED, in_scope(actor))
    )


def _is_merged() -> Any:
    """What was asked of a client that is another now is about who stands for it."""
    return and_(col(ClientMerge.loser_id) == Asked.subject_id, col(ClientMerge.undone_at).is_(None))


def page(
    session: Session, actor: Actor, wanted: Wanted, sort: str, limit: int, cursor: str | None
) -> tuple[list[Row], str | None]:
    """A page by keyset, and the cursor of the next."""
    column, is_down = SORTS.get(sort.removeprefix("-")), sort.startswith("-")
    if column is None:
        raise BadSort(sort=sort)
    key = (column, Asked.id)
    statement = _rows(actor).where(*_narrowed(wanted))
    if cursor:
        here = tuple_(
            *(literal(value, c.type) for value, c in zip(_decoded(cursor), key, strict=True))
        )
        statement = statement.where(tuple_(*key) < here if is_down else tuple_(*key) > here)
    order = [c.desc() if is_down else c.asc() for c in key]
    found = [Row(*row) for row in session.exec(statement.order_by(*order).limit(limit + 1))]
    return found[:limit], _encoded(sort, found[limit - 1]) if len(found) > limit else None


def count(session: Session, actor: Actor, wanted: Wanted) -> int:
    """How many corrections the list has."""
    inside = _rows(actor).where(*_narrowed(wanted)).with_only_columns(Asked.id).subquery()
    return session.execute(select(func.count()).select_from(inside)).scalar_one()


def _narrowed(wanted: Wanted) -> list[Any]:
    limits: list[Any] = []
    for alternatives in folding.needles(wanted.search):
        said = [col(Client.search_text).contains(word, autoescape=True) for word in alternatives]
        limits.append(
            or_(*said, *(Rep.name.icontains(word, autoescape=True) for word in alternatives))
        )
    if wanted.status:
        limits.append(
            Decision.id.is_(None) if wanted.status == OPEN else Decision.kind == wanted.status
        )
    if wanted.status == OPEN:
        limits.append(col(Client.archived_at).is_(None))
    if wanted.fields:
        limits.append(
            or_(*(Asked.data["wanted"][f].as_string().is_not(None) for f in wanted.fields))
        )
    if wanted.rep_id:
        limits.append(Asked.actor_id == wanted.rep_id)
    if wanted.client_id:
        limits.append(col(Client.id) == wanted.client_id)
    if wanted.since:
        limits.append(Asked.at >= wanted.since)
    if wanted.until:
        limits.append(Asked.at < wanted.until)
    return limits


def _encoded(sort: str, row: Row) -> str:
    value = {"at": row.asked.id, "client": row.client.sort_name, "rep": row.rep_name}
    plain = json.dumps([value[sort.removeprefix("-")], row.asked.id])
    return base64.urlsafe_b64encode(plain.encode()).decode()


def _decoded(cursor: str) -> list[str]:
    try:
        plain = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except ValueError as error:
        raise BadCursor() from error
    if not isinstance(plain, list) or len(plain) != 2 or not all(isinstance(v, str) for v in plain):
        raise BadCursor()
    return plain


def one(session: Session, actor: Actor, correction_id: str) -> Row | None:
    """A correction by its id, whatever became of it."""
    wanted = _rows(actor).where(Asked.data["id"].as_string() == correction_id)
    found = session.exec(wanted).first()
    return Row(*found) if found else None


def check_ins(session: Session, client_id: str, limit: int) -> list[tuple[Visit, str]]:
    """The newest visits at a client or place that began with a position, with the rep's name."""
    wanted = (
        select(Visit, User.name)
        .join(User, col(User.id) == Visit.rep_id)
        .where(
            or_(Visit.client_id == client_id, Visit.place_id == client_id),
            col(Visit.checked_in_at).is_not(None),
            col(Visit.check_in)["lat"].as_float().is_not(None),
        )
        .order_by(col(Visit.checked_in_at).desc())
    )
    return [tuple(row) for row in session.exec(wanted.limit(limit))]  # type: ignore[misc]
