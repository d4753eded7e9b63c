"""Every SQL statement about sweeps and the pairs they found."""

# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportOptionalMemberAccess=false
# Columns of SQLModel rows look like plain values to the checker.

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import and_, delete, func, literal, or_, tuple_
from sqlmodel import Session, col, select

from fieldcrm.clients import folding
from fieldcrm.clients.duplicates.model import SORTS, PairFilters, Status
from fieldcrm.clients.duplicates.records import Record
from fieldcrm.clients.duplicates.tables import Duplicate, DuplicateSweep
from fieldcrm.clients.model import BadClientField, BadCursor
from fieldcrm.clients.store import in_scope
from fieldcrm.clients.tables import Client, ClientTerm
from fieldcrm.kit.aliases import shared_alias
from fieldcrm.kit.standing import UNDER_WAY
from fieldcrm.people.model import Actor
from fieldcrm.people.tables import User

PAGE = 2_000
"""Clients read at once."""
ALIKE_MOST = 200
"""Clients that a new one is compared with."""
ALIKE_SHOWN = 5
_CHUNK = 400
Left: Any = shared_alias(Client)
Right: Any = shared_alias(Client)
_RECORD = [getattr(Client, name) for name in Record._fields]


class Row(NamedTuple):
    """A pair with both its clients, and who decided it."""

    pair: Duplicate
    left: Client
    right: Client
    decided_by: str | None


# ---- clients to compare ----


def kinds(session: Session) -> dict[str, int]:
    """How many living clients there are of each kind."""
    wanted = select(Client.kind, func.count()).where(col(Client.archived_at).is_(None))
    return dict(session.exec(wanted.group_by(col(Client.kind))).all())


def records(session: Session, kind: str) -> Iterator[list[Record]]:
    """The living clients of a kind, oldest first, a page at a time."""
    after = ""
    while True:
        wanted = (
            select(*_RECORD)  # type: ignore[call-overload]
            .where(Client.kind == kind, col(Client.archived_at).is_(None), Client.id > after)
            .order_by(col(Client.id))
            .limit(PAGE)
        )
        rows = [Record(*row) for row in session.execute(wanted)]
        if not rows:
            return
        yield rows
        after = rows[-1].id


def having_terms(
    session: Session, actor: Actor, kinds: Collection[str], beginnings: Sequence[str],
    near: Sequence[Any],
) -> list[Client]:  # fmt: skip
    """Living clients of some kinds in scope that share a term, or lie within a box of degrees."""
    said = []
    if beginnings:
        held = or_(*(and_(ClientTerm.term >= b, ClientTerm.term < _behind(b)) for b in beginnings))
        said.append(col(Client.id).in_(select(ClientTerm.client_id).where(held)))
    if near:
        south, west, north, east = near
        said.append(
            and_(col(Client.lat).between(south, north), col(Client.lng).between(west, east))
        )
    if not said:
        return []
    wanted = select(Client).where(
        col(Client.kind).in_(kinds), col(Client.archived_at).is_(None), in_scope(actor), or_(*said)
    )
    return list(session.exec(wanted.order_by(col(Client.id)).limit(ALIKE_MOST)))


def _behind(text: str) -> str:
    return text[:-1] + chr(ord(text[-1]) + 1)


def how_common(session: Session, words: Iterable[str], most: int) -> dict[str, int]:
    """How many clients have each word, counted up to `most`."""
    found = {}
    for word in words:
        some = select(ClientTerm.client_id).where(ClientTerm.term == word).limit(most).subquery()
        found[word] = session.execute(select(func.count()).select_from(some)).scalar_one()
    return found


def living(session: Session) -> int:
    return sum(kinds(session).values())


# ---- sweeps ----


def sweep(session: Session, sweep_id: str, *, lock: bool = False) -> DuplicateSweep | None:
    return session.get(DuplicateSweep, sweep_id, with_for_update=lock or None)


def latest_sweep(session: Session, *statuses: str) -> DuplicateSweep | None:
    """The newest sweep, or the newest in one of the statuses."""
    wanted = select(DuplicateSweep).order_by(col(DuplicateSweep.id).desc())
    if statuses:
        wanted = wanted.where(col(DuplicateSweep.status).in_(statuses))
    return session.exec(wanted.limit(1)).first()


def sweep_under_way(session: Session) -> DuplicateSweep | None:
    return latest_sweep(session, *UNDER_WAY)


def known_pairs(session: Session, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Any]:
    """The pairs of these that lie here already."""
    found = {}
    for start in range(0, len(keys), _CHUNK):
        some = keys[start : start + _CHUNK]
        wanted = select(Duplicate).where(col(Duplicate.left_id).in_({left for left, _ in some}))
        found |= {(d.left_id, d.right_id): d for d in session.exec(wanted)}
    return found


def forget_open(session: Session, but_of_sweep: str) -> None:
    """Erase undecided pairs that the last sweep found no more."""
    session.execute(
        delete(Duplicate).where(
            col(Duplicate.status) == Status.open.value,
            or_(col(Duplicate.sweep_id) != but_of_sweep, col(Duplicate.sweep_id).is_(None)),
        )
    )


def pair_of(session: Session, one: str, other: str) -> Duplicate | None:
    """The pair of two clients, in whatever order."""
    wanted = select(Duplicate).where(
        or_(
            and_(col(Duplicate.left_id) == one, col(Duplicate.right_id) == other),
            and_(col(Duplicate.left_id) == other, col(Duplicate.right_id) == one),
        )
    )
    return session.exec(wanted).first()


def has_word(session: Session, client_ids: Sequence[str]) -> bool:
    """Whether people have said of any two of these that they are different, or looked at later."""
    said = col(Duplicate.status).in_((Status.different.value, Status.later.value))
    inside = (col(Duplicate.left_id).in_(client_ids), col(Duplicate.right_id).in_(client_ids))
    return session.exec(select(Duplicate.id).where(said, *inside).limit(1)).first() is not None


def living_client(session: Session, client_id: str) -> Client | None:
    found = session.get(Client, client_id)
    return found if found is not None and found.archived_at is None else None


# ---- the queue ----


def _rows(actor: Actor) -> Any:
    made = (
        select(Duplicate, Left, Right, User.name)  # type: ignore[call-overload]
        .join(Left, Left.id == Duplicate.left_id)
        .join(Right, Right.id == Duplicate.right_id)
        .outerjoin(User, col(User.id) == Duplicate.decided_by)
    )
    if actor.is_admin:
        return made
    return made.where(in_scope(actor, Left), in_scope(actor, Right))


def page(
    session: Session, actor: Actor, filters: PairFilters, sort: str, limit: int, cursor: str | None
) -> tuple[list[Row], str | None]:
    """A page of pairs whose clients are both in scope, and the cursor of the next."""
    by, is_down = sort.removeprefix("-"), sort.startswith("-")
    if by not in SORTS:
        raise BadClientField(field="sort")
    column = {"probability": Duplicate.probability, "name": Left.sort_name,
              "found_at": Duplicate.id}[by]  # fmt: skip
    key = (column, Duplicate.id)
    statement = _rows(actor).where(*_narrowed(filters))
    if cursor:
        here = tuple_(*(literal(v) for v in _decoded(cursor, by)))
        statement = statement.where(tuple_(*key) < here if is_down else tuple_(*key) > here)
    order = [col(c).desc() if is_down else col(c).asc() for c in key]
    found = [Row(*row) for row in session.exec(statement.order_by(*order).limit(limit + 1))]
    return found[:limit], _encoded(by, found[limit - 1]) if len(found) > limit else None


def _narrowed(filters: PairFilters) -> list[Any]:
    limits: list[Any] = []
    if filters.status:
        limits.append(Duplicate.status == filters.status)
    if filters.status in (Status.open, Status.later):
        limits += [Left.archived_at.is_(None), Right.archived_at.is_(None)]
    if filters.kind:
        limits.append(Left.kind == filters.kind)
    for alternatives in folding.needles(filters.search):
        texts = [t for c in (Left, Right) for w in alternatives
                 for t in [c.search_text.contains(w, autoescape=True)]]  # fmt: skip
        limits.append(or_(*texts))
    return limits


def _encoded(by: str, row: Row) -> str:
    value = {"probability": row.pair.probability, "name": row.left.sort_name,
             "found_at": row.pair.id}[by]  # fmt: skip
    return base64.urlsafe_b64encode(json.dumps([by, value, row.pair.id]).encode()).decode()


def _decoded(cursor: str, by: str) -> list[Any]:
    try:
        made_for, value, pair_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, TypeError) as error:
        raise BadCursor() from error
    is_right = isinstance(value, float if by == "probability" else str)
    if (
        made_for != by
        or not is_right
        or not isinstance(pair_id, str)
        or "\x00" in f"{value}{pair_id}"
    ):
        raise BadCursor()
    return [value, pair_id]


def one(session: Session, actor: Actor, pair_id: str) -> Row | None:
    """A pair whose clients are both in scope."""
    found = session.exec(_rows(actor).where(Duplicate.id == pair_id)).first()
    return Row(*found) if found else None


def waiting_pairs_of(session: Session, actor: Actor, client_id: str) -> list[Row]:
    """Undecided pairs of a client whose other client is in scope too, the likeliest first."""
    mine = or_(col(Duplicate.left_id) == client_id, col(Duplicate.right_id) == client_id)
    waiting = col(Duplicate.status).in_((Status.open.value, Status.later.value))
    living = (Left.archived_at.is_(None), Right.archived_at.is_(None))
    wanted = _rows(actor).where(mine, waiting, *living)
    found = session.exec(wanted.order_by(col(Duplicate.probability).desc()).limit(ALIKE_SHOWN))
    return [Row(*row) for row in found]


def count(session: Session, actor: Actor, filters: PairFilters) -> int:
    """How many pairs pass the filters."""
    inside = _rows(actor).where(*_narrowed(filters)).with_only_columns(Duplicate.id).subquery()
    return session.execute(select(func.count()).select_from(inside)).scalar_one()
