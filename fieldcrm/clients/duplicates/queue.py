"""The queue of pairs that may be one client: read, decided, put off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlmodel import Session

from fieldcrm.clients.duplicates import merging, records, store
from fieldcrm.clients.duplicates.model import (
    FieldPair,
    NoSuchPair,
    PairDecided,
    PairFilters,
    Reason,
    Status,
)
from fieldcrm.clients.duplicates.tables import ClientMerge, Duplicate
from fieldcrm.clients.model import Page
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.tables import Client
from fieldcrm.kit import clock, events, feed, paging
from fieldcrm.kit.database import reading
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role

LIMIT_MAX = 500
DECIDERS = (Role.manager, Role.admin)


@dataclass(frozen=True)
class PairView:
    """A pair with both its clients."""

    pair: Duplicate
    left: Client
    right: Client
    decided_by: str
    reasons: list[Reason]
    merge: ClientMerge | None = None
    """The merge in force between the two."""

    @property
    def fields(self) -> list[FieldPair]:
        """Both cards side by side."""
        return records.side_by_side(self.left, self.right)


def page(
    actor: Actor, filters: PairFilters, sort: str = "-probability", limit: int = 50,
    cursor: str | None = None,
) -> Page:  # fmt: skip
    """Pairs whose clients are both in scope. Raises BadClientField, BadCursor."""
    people.require(actor, *DECIDERS)
    with reading() as session:
        limit = max(1, min(limit, LIMIT_MAX))
        rows, more = store.page(session, actor, filters, sort, limit, cursor)
        return Page([_view(row) for row in _shown(session, actor, rows)], more)


def _shown(session: Session, actor: Actor, rows: list[store.Row]) -> list[store.Row]:
    """Pairs whose cards tell what the actor may see of them."""
    ownfields.show_in(session, actor, (card for row in rows for card in (row.left, row.right)))
    return rows


def every(actor: Actor, filters: PairFilters, sort: str = "-probability") -> Iterator[PairView]:
    """The whole queue, page by page."""
    return paging.every(lambda cursor: page(actor, filters, sort, LIMIT_MAX, cursor))


def count(actor: Actor, filters: PairFilters) -> int:
    """How many pairs pass the filters."""
    people.require(actor, *DECIDERS)
    with reading() as session:
        return store.count(session, actor, filters)


def one(actor: Actor, pair_id: str) -> PairView:
    """A pair by its id. Raises NoSuchPair."""
    people.require(actor, *DECIDERS)
    with reading() as session:
        (row,) = _shown(session, actor, [_row(session, actor, pair_id)])
        return _view(row, session)


def of_client(actor: Actor, client_id: str) -> list[PairView]:
    """Pairs of a client that wait or were put off, for those who decide; none for others."""
    if actor.role not in DECIDERS:
        return []
    with reading() as session:
        rows = store.waiting_pairs_of(session, actor, client_id)
        return [_view(row) for row in _shown(session, actor, rows)]


def _row(session: Session, actor: Actor, pair_id: str) -> store.Row:
    found = store.one(session, actor, pair_id)
    if found is None:
        raise NoSuchPair()
    return found


def _view(row: store.Row, session: Session | None = None) -> PairView:
    said = [Reason(**r) for r in row.pair.reasons]
    merge = merging.between(session, row.left.id, row.right.id) if session else None
    return PairView(row.pair, row.left, row.right, row.decided_by or "", said, merge)


def set_apart(actor: Actor, pair_id: str, status: Status, version: int | None = None) -> PairView:
    """Say that a pair is not the same (`different`), to be looked at `later`, or `open` again.

    Raises NoSuchPair, PairDecided where somebody was faster, or the pair is merged.
    """
    people.require(actor, *DECIDERS)
    if status is Status.merged:
        raise PairDecided()
    with feed.writing() as session:
        row = _row(session, actor, pair_id)
        _check_fresh(row.pair, version)
        if row.pair.status != status:
            _decide(session, actor, row.pair, status)
            _log(session, actor, row, f"duplicate.{status.value}")
    return one(actor, pair_id)


def merge(
    actor: Actor, pair_id: str, winner_id: str, take: tuple[str, ...] = (),
    version: int | None = None,
) -> PairView:  # fmt: skip
    """Say that a pair is one client: the other's work becomes the winner's, with these fields of it.

    Raises NoSuchPair, PairDecided, NotMergeable, BadClientField.
    """
    people.require(actor, *DECIDERS)
    with feed.writing() as session:
        row = _row(session, actor, pair_id)
        _check_fresh(row.pair, version)
        if winner_id not in (row.left.id, row.right.id):
            raise NoSuchPair()
        loser_id = row.right.id if winner_id == row.left.id else row.left.id
        merging.merge_in(session, actor, winner_id, loser_id, take)
    return one(actor, pair_id)


def _check_fresh(pair: Duplicate, version: int | None) -> None:
    if pair.status == Status.merged or (version is not None and pair.version != version):
        raise PairDecided(status=pair.status)


def _decide(session: Session, actor: Actor, pair: Duplicate, status: Status) -> None:
    pair.status, pair.version = status, pair.version + 1
    is_decided = status is not Status.open
    pair.decided_by = actor.user_id or None if is_decided else None
    pair.decided_at = clock.now() if is_decided else None
    session.flush()


def _log(session: Session, actor: Actor, row: store.Row, kind: str) -> None:
    """Both clients' histories tell of it."""
    for mine, other in ((row.left, row.right), (row.right, row.left)):
        data = {"other_id": other.id}
        events.record(session, kind, mine.id, actor_id=actor.user_id or None, team_id=None,
                      source=actor.source, data=data)  # fmt: skip
