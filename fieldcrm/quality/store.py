"""Every SQL statement about how cards stand."""

# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportOptionalMemberAccess=false, reportCallIssue=false
# Columns of SQLModel rows look like plain values to the checker.

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, delete, func, literal, or_, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from fieldcrm.clients import folding
from fieldcrm.clients.duplicates.tables import Duplicate
from fieldcrm.clients.model import BadClientField, BadCursor
from fieldcrm.clients.store import in_scope
from fieldcrm.clients.tables import Affiliation, Client, Territory
from fieldcrm.people.model import Actor
from fieldcrm.people.tables import User
from fieldcrm.quality import rules
from fieldcrm.quality.model import BIT, Card, CardFilters, Code, PinStatus, Source
from fieldcrm.quality.tables import ClientConfirmed, ClientQuality, PinProposal
from fieldcrm.visits.tables import Visit

PAGE = 2_000
"""Clients judged at once."""
_CHUNK = 400
_OWN = (
    "id", "kind", "category", "territory_id", "phone", "phone_e164", "email", "specialty", "loyalty",
    "address", "city", "postcode", "lat", "lng", "opening_hours", "visit_minutes", "own_fields",
    "consents", "version",
)  # fmt: skip
"""What a card has from its client's own row."""
_CLIENT = [*(getattr(Client, name) for name in _OWN), Client.updated_at]
_WELCOME = ("confirmed", "doubtful", "unjudged")
"""Verdicts of visits that tell that somebody was there, or may have been."""


@dataclass
class Around:
    """What is known of clients beside their own rows, by client id."""

    met_at: dict[str, datetime] = field(default_factory=dict)
    confirmed_at: dict[str, datetime] = field(default_factory=dict)
    next_on: dict[str, date] = field(default_factory=dict)
    doubles: set[str] = field(default_factory=set)
    wrong_pins: set[str] = field(default_factory=set)
    at_work: set[str] = field(default_factory=set)
    """People with a workplace."""
    areas: dict[str, frozenset[int]] = field(default_factory=dict)
    """By territory."""


# ---- cards to judge ----


def around(session: Session, today: date, only: Collection[str] | None = None) -> Around:
    """What stands beside all clients, or beside these few."""
    return Around(
        met_at=_met(session, only), confirmed_at=_confirmed(session, only),
        next_on=_next(session, today, only), doubles=_doubles(session, only),
        wrong_pins=_wrong_pins(session, only), at_work=_at_work(session, only),
        areas=_areas(session, only),
    )  # fmt: skip


def _few(column: Any, only: Collection[str] | None) -> list[Any]:
    return [] if only is None else [col(column).in_(list(only))]


def _met(session: Session, only: Collection[str] | None) -> dict[str, datetime]:
    """When each client was visited last, as himself or as a place."""
    found: dict[str, datetime] = {}
    # by the index of clients: nearly all visits are closed, and no index of that helps
    state, verdict = (func.coalesce(column, "") for column in (Visit.state, Visit.verdict))
    for who in (Visit.client_id, Visit.place_id):
        wanted = (
            select(who, func.max(Visit.closed_at))
            .where(state == "closed", verdict.in_(_WELCOME), col(who).is_not(None))
            .where(*_few(who, only)).group_by(who)
        )  # fmt: skip
        for client_id, at in session.execute(wanted):
            if at is not None and (client_id not in found or found[client_id] < at):
                found[client_id] = at
    return found


def _next(session: Session, today: date, only: Collection[str] | None) -> dict[str, date]:
    """The day of each client's next planned visit."""
    found: dict[str, date] = {}
    for who in (Visit.client_id, Visit.place_id):
        wanted = (
            select(who, func.min(Visit.day))
            .where(Visit.state == "planned", Visit.day >= today, col(who).is_not(None))
            .where(*_few(who, only)).group_by(who)
        )  # fmt: skip
        for client_id, day in session.execute(wanted):
            found[client_id] = min(day, found.get(client_id, day))
    return found


def _confirmed(session: Session, only: Collection[str] | None) -> dict[str, datetime]:
    wanted = select(ClientConfirmed.client_id, ClientConfirmed.at)
    return dict(session.execute(wanted.where(*_few(ClientConfirmed.client_id, only))).all())


def _doubles(session: Session, only: Collection[str] | None) -> set[str]:
    """Clients in a pair that nobody has decided."""
    wanted = select(Duplicate.left_id, Duplicate.right_id).where(Duplicate.status == "open")
    if only is not None:
        some = list(only)
        wanted = wanted.where(
            or_(col(Duplicate.left_id).in_(some), col(Duplicate.right_id).in_(some))
        )
    return {client_id for pair in session.execute(wanted) for client_id in pair}


def _wrong_pins(session: Session, only: Collection[str] | None) -> set[str]:
    wanted = select(PinProposal.client_id).where(
        PinProposal.status == PinStatus.open, PinProposal.source == Source.visits,
        *_few(PinProposal.client_id, only),
    )  # fmt: skip
    return set(session.execute(wanted).scalars())


def _at_work(session: Session, only: Collection[str] | None) -> set[str]:
    wanted = select(Affiliation.person_id).where(*_few(Affiliation.person_id, only))
    return set(session.execute(wanted).scalars())


def _areas(session: Session, only: Collection[str] | None) -> dict[str, frozenset[int]]:
    """Areas have thousands of cells: for a few cards none but those of their territories is read."""
    wanted = select(Territory.id, Territory.cells)
    if only is not None:
        homes = select(Client.territory_id).where(col(Client.id).in_(list(only)))
        wanted = wanted.where(col(Territory.id).in_(homes))
    found = session.execute(wanted)
    made = ((territory_id, rules.cells_of(cells or ())) for territory_id, cells in found)
    return {territory_id: cells for territory_id, cells in made if cells}


def pages(session: Session, beside: Around) -> Iterator[list[Card]]:
    """The living clients as cards, oldest first, a page at a time."""
    after = ""
    while True:
        wanted = select(*_CLIENT).where(col(Client.archived_at).is_(None), Client.id > after)
        rows = session.execute(wanted.order_by(col(Client.id)).limit(PAGE)).all()
        if not rows:
            return
        yield [_card(row, beside) for row in rows]
        after = rows[-1][0]


def cards(session: Session, beside: Around, only: Collection[str]) -> list[Card]:
    """These clients as cards, those archived left out."""
    wanted = select(*_CLIENT).where(
        col(Client.archived_at).is_(None), col(Client.id).in_(list(only))
    )
    return [_card(row, beside) for row in session.execute(wanted)]


def _card(row: Any, beside: Around) -> Card:
    *own, changed_at = row
    told = dict(zip(_OWN, own, strict=True))
    client_id = told["id"]
    known = (changed_at, beside.met_at.get(client_id), beside.confirmed_at.get(client_id))
    return Card(
        **told, has_workplace=client_id in beside.at_work,
        known_at=max(at for at in known if at is not None),
        next_visit_on=beside.next_on.get(client_id), has_double=client_id in beside.doubles,
        has_wrong_pin=client_id in beside.wrong_pins,
        area=beside.areas.get(told["territory_id"] or ""),
    )  # fmt: skip


def count_living(session: Session) -> int:
    wanted = select(func.count()).select_from(Client).where(col(Client.archived_at).is_(None))
    return session.exec(wanted).one()


class Before(NamedTuple):
    """How a card stood at the last look."""

    score: int
    mask: int


def before(session: Session, client_ids: Sequence[str]) -> dict[str, Before]:
    """How these cards stood."""
    wanted = select(ClientQuality.client_id, ClientQuality.score, ClientQuality.mask)
    found: dict[str, Before] = {}
    for some in _chunks(client_ids):
        rows = session.execute(wanted.where(col(ClientQuality.client_id).in_(some)))
        found |= {client_id: Before(score, mask) for client_id, score, mask in rows}
    return found


def keep(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write how cards stand now instead of what stood there, also where another does so just now."""
    if not rows:
        return
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    new = dialect.insert(ClientQuality)
    changed = {name: new.excluded[name] for name in rows[0] if name != "client_id"}
    wanted = new.on_conflict_do_update(index_elements=["client_id"], set_=changed)
    session.connection().execute(wanted, list(rows))


def forget_gone(session: Session) -> int:
    """Drop what is kept of clients that are archived or no longer there; returns how many."""
    living = select(Client.id).where(col(Client.archived_at).is_(None))
    gone = delete(ClientQuality).where(col(ClientQuality.client_id).not_in(living))
    return session.execute(gone).rowcount


def changed_since(session: Session, actor: Actor, limit: int) -> list[str]:
    """Clients in scope whose card is another than the one that was judged, some at a time."""
    wanted = (
        select(Client.id).join(ClientQuality, col(ClientQuality.client_id) == Client.id)
        .where(Client.version != ClientQuality.version, in_scope(actor)).limit(limit)
    )  # fmt: skip
    return list(session.exec(wanted))


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    return (values[n : n + _CHUNK] for n in range(0, len(values), _CHUNK))


# ---- the list ----


class Row(NamedTuple):
    """A judged card with its client, territory and who holds that."""

    quality: ClientQuality
    client: Client
    territory: str | None
    owner: str | None


_KEYS: dict[str, Any] = {
    "value": ClientQuality.value, "score": ClientQuality.score, "name": Client.sort_name,
    "category": func.coalesce(Client.category, "Z"), "checked_at": ClientQuality.checked_at,
}  # fmt: skip


def _rows(actor: Actor, filters: CardFilters) -> Any:
    return (
        select(ClientQuality, Client, Territory.name, User.name)
        .join(Client, col(Client.id) == ClientQuality.client_id)
        .outerjoin(Territory, col(Territory.id) == Client.territory_id)
        .outerjoin(User, col(User.id) == Territory.rep_id)
        .where(col(Client.archived_at).is_(None), in_scope(actor), *_narrowed(filters))
    )  # fmt: skip


def _narrowed(f: CardFilters) -> list[ColumnElement[bool]]:
    found: list[Any] = []
    for alternatives in folding.needles(f.search.replace("\x00", "")[:200]):
        found.append(
            or_(*(col(Client.search_text).contains(w, autoescape=True) for w in alternatives))
        )
    if f.code in BIT:
        found.append(col(ClientQuality.mask).bitwise_and(BIT[Code(f.code)]) != 0)
    if f.category:
        found.append(Client.category == f.category)
    if f.territory_id:
        found.append(Client.territory_id == f.territory_id)
    if f.rep_id:
        held = select(Territory.id).where(Territory.rep_id == f.rep_id)
        found.append(col(Client.territory_id).in_(held))
    return found


def page(
    session: Session, actor: Actor, filters: CardFilters, sort: str, limit: int, cursor: str | None
) -> tuple[list[Row], str | None]:
    """A page by keyset, and the cursor of the next. Raises BadClientField, BadCursor."""
    name, is_down = sort.removeprefix("-"), sort.startswith("-")
    if name not in _KEYS:
        raise BadClientField(field="sort")
    key = (_KEYS[name], col(Client.id))
    wanted = _rows(actor, filters)
    if cursor:
        here = tuple_(
            *(literal(v, c.type) for v, c in zip(_decoded(cursor, name), key, strict=True))
        )
        wanted = wanted.where(tuple_(*key) < here if is_down else tuple_(*key) > here)
    order = [c.desc() if is_down else c.asc() for c in key]
    found = [Row(*row) for row in session.exec(wanted.order_by(*order).limit(limit + 1))]
    return found[:limit], _encoded(name, found[limit - 1]) if len(found) > limit else None


def count(session: Session, actor: Actor, filters: CardFilters) -> int:
    """How many cards the list has."""
    inside = _rows(actor, filters).with_only_columns(ClientQuality.client_id).subquery()
    return session.execute(select(func.count()).select_from(inside)).scalar_one()


def _encoded(name: str, row: Row) -> str:
    value: Any = {
        "value": row.quality.value, "score": row.quality.score, "name": row.client.sort_name,
        "category": row.client.category or "Z", "checked_at": row.quality.checked_at.isoformat(),
    }[name]  # fmt: skip
    return base64.urlsafe_b64encode(json.dumps([name, value, row.client.id]).encode()).decode()


def _decoded(cursor: str, name: str) -> list[Any]:
    try:
        made_for, value, client_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        kind = int if name in ("value", "score") else str
        if made_for != name or type(value) is not kind or not isinstance(client_id, str):
            raise BadCursor()
        if "\x00" in f"{value}{client_id}":
            raise BadCursor()
        return [datetime.fromisoformat(value) if name == "checked_at" else value, client_id]
    except (ValueError, TypeError) as error:
        raise BadCursor() from error


def one(session: Session, actor: Actor, client_id: str) -> Row | None:
    """A judged card in scope."""
    found = session.exec(_rows(actor, CardFilters()).where(Client.id == client_id)).first()
    return Row(*found) if found else None


# ---- how it stands on the whole ----


class Sum(NamedTuple):
    """Cards of one territory: how many, the sum of their scores, how many have each finding."""

    territory_id: str | None
    clients: int
    points: int
    counts: dict[Code, int]


def sums(session: Session, actor: Actor, filters: CardFilters) -> list[Sum]:
    """By territory, those without one beside them.

    The database counts cards of the same findings, of which there are few; which finding that makes
    how often is added up here. All cards are read from the narrow index of what is summed, and their
    clients by id; from the clients, rows many times as wide would be read twice.
    """
    judged: Any = col(ClientQuality.client_id)
    if filters == CardFilters():
        judged = func.coalesce(judged, judged)  # no index leads back to it
    wanted = (
        select(Client.territory_id, ClientQuality.mask, func.count(), func.sum(ClientQuality.score))
        .select_from(ClientQuality).join(Client, judged == Client.id)
        .where(col(Client.archived_at).is_(None), in_scope(actor), *_narrowed(filters))
        .group_by(Client.territory_id, ClientQuality.mask)
    )  # fmt: skip
    found: dict[str | None, Sum] = {}
    for where, mask, n, points in session.execute(wanted):
        known = found.get(where) or Sum(where, 0, 0, dict.fromkeys(BIT, 0))
        counts = {code: k + (n if mask & BIT[code] else 0) for code, k in known.counts.items()}
        found[where] = Sum(where, known.clients + n, known.points + int(points or 0), counts)
    return list(found.values())


# ---- who waits for a pin ----


def unplaced(
    session: Session, actor: Actor, after: tuple[int, str] | None, limit: int
) -> list[Row]:
    """Judged cards without a place, or with an impossible one, the most worth first."""
    bits = BIT[Code.no_place] | BIT[Code.bad_place]
    wanted = _rows(actor, CardFilters()).where(col(ClientQuality.mask).bitwise_and(bits) != 0)
    if after is not None:
        key, here = (ClientQuality.value, ClientQuality.client_id), after
        wanted = wanted.where(or_(key[0] < here[0], and_(key[0] == here[0], col(key[1]) < here[1])))
    order = (col(ClientQuality.value).desc(), col(ClientQuality.client_id).desc())
    return [Row(*row) for row in session.exec(wanted.order_by(*order).limit(limit))]


def near(
    session: Session, actor: Actor, city: str | None, territory_id: str | None
) -> tuple[float, float] | None:
    """The middle of the actor's placed clients of a town, else of a territory, else of all."""
    for where in (
        Client.city == city if city else None,
        Client.territory_id == territory_id if territory_id else None,
        True,
    ):
        if where is None:
            continue
        wanted = select(func.avg(Client.lat), func.avg(Client.lng)).where(
            where, col(Client.lat).is_not(None), col(Client.archived_at).is_(None), in_scope(actor)
        )
        lat, lng = session.exec(wanted).one()
        if lat is not None:
            return lat, lng
    return None


def confirm(session: Session, client_id: str, at: datetime, by: str | None) -> None:
    session.merge(ClientConfirmed(client_id=client_id, at=at, by=by))
