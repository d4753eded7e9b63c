"""SQL of merges: rows of any domain that name a client, known here by table and column only."""

# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportOptionalMemberAccess=false
# Columns of SQLModel rows look like plain values to the checker.

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Boolean, Date, Integer, String, and_, column, func, or_, table, update
from sqlmodel import Session, col, select

from fieldcrm.clients.duplicates.tables import ClientMerge, MergeMove
from fieldcrm.clients.tables import Promise
from fieldcrm.kit import ids

_CHUNK = 400
# Domains above clients are known by the names of their tables.
VISIT = table(
    "visit", column("id", String), column("client_id", String), column("place_id", String),
    column("rep_id", String), column("day", Date), column("state", String),
    column("moved_to_id", String),
)  # fmt: skip
MESSAGE = table("message", column("id", String), column("client_id", String))
SHELF = table("shelf_check", column("visit_id", String), column("client_id", String))
TARGET = table(
    "cycle_target", column("id", String), column("cycle_id", String), column("rep_id", String),
    column("client_id", String), column("category", String), column("planned", Integer),
)  # fmt: skip
TIE = table(
    "affiliation", column("id", String), column("person_id", String),
    column("organisation_id", String), column("role", String), column("hours", String),
    column("is_main", Boolean),
)  # fmt: skip
PROMISE = table("promise", column("id", String), column("client_id", String), column("visit_id", String))  # fmt: skip
PLACES: dict[str, tuple[Any, Any]] = {
    f"{t.name}.{name}": (t, t.c[name])
    for t, name in (
        (VISIT, "client_id"), (VISIT, "place_id"), (PROMISE, "client_id"), (MESSAGE, "client_id"),
        (TARGET, "client_id"), (TIE, "person_id"), (TIE, "organisation_id"),
    )
}  # fmt: skip
"""Where rows name the client they belong to."""
WHOLE = {"cycle_target": TARGET, "affiliation": TIE}
"""Tables with rows that a merge may take out, because the winner has the like."""


# ---- merges ----


def merge(session: Session, merge_id: str) -> ClientMerge | None:
    return session.get(ClientMerge, merge_id)


def in_force(session: Session, loser_id: str) -> ClientMerge | None:
    """The merge by which a client is another now."""
    wanted = select(ClientMerge).where(
        ClientMerge.loser_id == loser_id, col(ClientMerge.undone_at).is_(None)
    )
    return session.exec(wanted).first()


def into(session: Session, winner_id: str) -> list[ClientMerge]:
    """Merges in force that a client has won itself."""
    wanted = select(ClientMerge).where(
        ClientMerge.winner_id == winner_id, col(ClientMerge.undone_at).is_(None)
    )
    return list(session.exec(wanted.order_by(col(ClientMerge.id))))


def standing_for(session: Session, client_id: str) -> list[str]:
    """Ids of those whom a client stands for, however many merges ago."""
    wanted = select(ClientMerge.loser_id).where(
        ClientMerge.standing_id == client_id, col(ClientMerge.undone_at).is_(None)
    )
    return list(session.exec(wanted))


def of_clients(session: Session, client_id: str) -> list[ClientMerge]:
    """Every merge of a client, undone or not, the newest first."""
    mine = or_(ClientMerge.loser_id == client_id, ClientMerge.winner_id == client_id)
    return list(session.exec(select(ClientMerge).where(mine).order_by(col(ClientMerge.id).desc())))


def restand(session: Session, before: str, now: str) -> None:
    """Whoever stood for others is stood for himself."""
    session.execute(
        update(ClientMerge)
        .where(col(ClientMerge.standing_id) == before, col(ClientMerge.undone_at).is_(None))
        .values(standing_id=now)
    )


# ---- rows that change hands ----


def rows_naming(session: Session, place: str, client_id: str) -> list[str]:
    """Ids of rows that name a client there."""
    held, by = PLACES[place]
    return list(session.execute(select(held.c.id).where(by == client_id)).scalars())


def give(session: Session, place: str, row_ids: Sequence[str], before: str, after: str) -> int:
    """Rows of the first that are the second's from now on; those that are neither's stay."""
    held, by = PLACES[place]
    given = 0
    for some in _chunks(row_ids):
        wanted = update(held).where(held.c.id.in_(some), by == before).values({by.name: after})
        given += session.execute(wanted).rowcount  # type: ignore[attr-defined]
    return given


def note_moves(session: Session, merge_id: str, place: str, row_ids: Iterable[str], was: Any = None) -> None:  # fmt: skip
    """Remember which rows a merge gave away; a row that is remembered already stays as it is."""
    known = set(
        session.exec(
            select(MergeMove.row_id).where(MergeMove.merge_id == merge_id, MergeMove.place == place)
        )
    )
    session.add_all(
        MergeMove(id=ids.new_id(), merge_id=merge_id, place=place, row_id=row_id, was=was)
        for row_id in row_ids
        if row_id not in known
    )


def moves(session: Session, merge_id: str) -> list[MergeMove]:
    """What a merge gave away and what arrived since, in that order."""
    wanted = select(MergeMove).where(MergeMove.merge_id == merge_id)
    return list(session.exec(wanted.order_by(col(MergeMove.id))))


def row(session: Session, name: str, row_id: str) -> dict[str, Any] | None:
    """One row of a table whose rows may be taken out."""
    held = WHOLE[name]
    found = session.execute(select(*held.c).where(held.c.id == row_id)).mappings().first()
    return dict(found) if found else None


def take_out(session: Session, name: str, row_id: str) -> None:
    held = WHOLE[name]
    session.execute(held.delete().where(held.c.id == row_id))


def put_back(session: Session, name: str, whole: dict[str, Any]) -> None:
    """A row that was taken out, as it was; one that is there again stays."""
    if row(session, name, whole["id"]) is None:
        session.execute(WHOLE[name].insert().values(**whole))


def set_value(session: Session, name: str, row_id: str, **values: Any) -> None:
    held = WHOLE[name]
    session.execute(update(held).where(held.c.id == row_id).values(**values))


def like_targets(session: Session, winner_id: str, loser_id: str) -> list[tuple[Any, Any]]:
    """(winner's, loser's) targets of one rep in one cycle."""
    other = TARGET.alias()
    wanted = select(TARGET.c.id, TARGET.c.planned, other.c.id, other.c.planned).where(
        TARGET.c.client_id == winner_id, other.c.client_id == loser_id,
        TARGET.c.cycle_id == other.c.cycle_id, TARGET.c.rep_id == other.c.rep_id,
    )  # fmt: skip
    return [((a, b), (c, d)) for a, b, c, d in session.execute(wanted)]


def like_ties(session: Session, winner_id: str, loser_id: str) -> list[tuple[Any, Any]]:
    """(winner's, loser's) workplaces, or people, that are the same."""
    other = TIE.alias()
    same = or_(
        and_(TIE.c.person_id == winner_id, other.c.person_id == loser_id,
             TIE.c.organisation_id == other.c.organisation_id),
        and_(TIE.c.organisation_id == winner_id, other.c.organisation_id == loser_id,
             TIE.c.person_id == other.c.person_id),
    )  # fmt: skip
    wanted = select(TIE.c.id, TIE.c.is_main, other.c.id, other.c.is_main).where(same)
    return [((a, bool(b)), (c, bool(d))) for a, b, c, d in session.execute(wanted)]


def main_ties(session: Session, person_id: str) -> list[str]:
    """A person's main workplaces, the oldest first; there should be one."""
    wanted = select(TIE.c.id).where(TIE.c.person_id == person_id, TIE.c.is_main.is_(True))
    return list(session.execute(wanted.order_by(TIE.c.id)).scalars())


# ---- what goes with visits ----


def settle_shelves(session: Session, visit_ids: Sequence[str]) -> None:
    """A shelf is where its visit was: at the place, else at the client."""
    where = (
        select(func.coalesce(VISIT.c.place_id, VISIT.c.client_id))
        .where(VISIT.c.id == SHELF.c.visit_id)
        .scalar_subquery()
    )
    for some in _chunks(visit_ids):
        session.execute(update(SHELF).where(SHELF.c.visit_id.in_(some)).values(client_id=where))


def moved_on_from(session: Session, visit_ids: Collection[str]) -> list[str]:
    """Visits that replaced some of these on another day, and those that replaced them."""
    found: list[str] = []
    last = list(visit_ids)
    while last:
        step: list[str] = []
        for some in _chunks(last):
            wanted = select(VISIT.c.moved_to_id).where(
                VISIT.c.id.in_(some), VISIT.c.moved_to_id.is_not(None)
            )
            step += session.execute(wanted).scalars()
        last = [v for v in step if v not in visit_ids and v not in found]
        found += last
    return found


def promised_at(session: Session, visit_ids: Sequence[str]) -> list[str]:
    """Promises made at visits."""
    return [
        promise_id
        for some in _chunks(visit_ids)
        for promise_id in session.exec(select(Promise.id).where(col(Promise.visit_id).in_(some)))
    ]


def on_phones(session: Session, visit_ids: Sequence[str], since: date) -> list[tuple[str, str]]:
    """(visit, rep) of visits that phones hold: those to come and those of late."""
    return [
        (visit_id, rep_id)
        for some in _chunks(visit_ids)
        for visit_id, rep_id in session.execute(
            select(VISIT.c.id, VISIT.c.rep_id).where(VISIT.c.id.in_(some), VISIT.c.day >= since)
        )
    ]


def _chunks(values: Collection[str]) -> Iterable[list[str]]:
    every = list(dict.fromkeys(values))
    return (every[i : i + _CHUNK] for i in range(0, len(every), _CHUNK))
