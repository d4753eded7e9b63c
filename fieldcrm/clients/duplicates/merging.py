"""Two clients become one, and two again: nothing that belongs to either is ever lost.

The loser's card stays as it is, put away; the rows that belong to it become the winner's, each
remembered. What still arrives for the loser, from a phone that was offline, is led to the winner and
remembered too, so that undoing the merge gives each client what is his.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from fieldcrm.clients import service as clients
from fieldcrm.clients import store as client_store
from fieldcrm.clients.duplicates import merge_rules, merge_store, store
from fieldcrm.clients.duplicates.model import MergeBuiltOn, MergeUndone, NoSuchMerge, Status
from fieldcrm.clients.duplicates.tables import ClientMerge, Duplicate, MergeMove
from fieldcrm.clients.ownfields import rules as own_rules
from fieldcrm.clients.tables import Client
from fieldcrm.kit import clock, feed, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role

ON_PHONES = timedelta(days=60)
"""Visits of so many days ago phones may still hold."""
VISITS = ("visit.client_id", "visit.place_id")

# ---- who stands for whom ----


def standing_in(session: Session, client_id: str) -> str:
    """The id that stands for a client: its own, or the one of whom it was merged into."""
    found = merge_store.in_force(session, client_id)
    return found.standing_id if found else client_id


def with_merged_in(session: Session, client_id: str) -> list[str]:
    """A client's id and the ids of all whom it stands for."""
    return [client_id, *merge_store.standing_for(session, client_id)]


def is_reached_in(session: Session, rep_id: str, client_id: str) -> bool:
    """Whether a merged client was a rep's: his late work for it is taken."""
    is_merged = merge_store.in_force(session, client_id) is not None
    return is_merged and client_store.is_in_reps_scope(session, rep_id, client_id)


def note_arrival_in(session: Session, asked_id: str | None, place: str, row_id: str) -> None:
    """Remember that a row of `table.column` was meant for a client that another stands for."""
    found = merge_store.in_force(session, asked_id) if asked_id else None
    while found is not None:
        merge_store.note_moves(session, found.id, place, [row_id])
        found = merge_store.in_force(session, found.winner_id)


def keep_in(
    session: Session, actor: Actor, loser: Client, changes: Mapping[str, Any],
    kind: str = "client.changed",
) -> None:  # fmt: skip
    """What was said of a client that is another now: its own card keeps it too, for its return."""
    before = {n: getattr(loser, n) for n, value in changes.items() if getattr(loser, n) != value}
    if before:
        after = {name: changes[name] for name in before}
        loser.sqlmodel_update(after)
        session.flush()
        clients.tell_in(session, actor, loser, kind, own_rules.changes_told(before, after))


def between(session: Session, one: str, other: str) -> ClientMerge | None:
    """The merge in force of two clients."""
    for loser, winner in ((one, other), (other, one)):
        found = merge_store.in_force(session, loser)
        if found is not None and found.winner_id == winner:
            return found
    return None


def merges_of(actor: Actor, client_id: str) -> list[ClientMerge]:
    """Every merge of a client in scope, undone or not, the newest first."""
    with reading() as session:
        clients.get_in(session, actor, client_id)
        return merge_store.of_clients(session, client_id)


# ---- merging ----


def merge(actor: Actor, winner_id: str, loser_id: str, take: tuple[str, ...] = ()) -> ClientMerge:
    """Make two clients one. Raises ClientNotFound, NotMergeable, BadClientField, RoleForbids."""
    with transaction() as session:
        return merge_in(session, actor, winner_id, loser_id, take)


def merge_in(
    session: Session, actor: Actor, winner_id: str, loser_id: str, take: tuple[str, ...] = ()
) -> ClientMerge:
    """The same inside another transaction."""
    people.require(actor, Role.manager, Role.admin)
    feed.take_turn(session)
    winner, loser = (clients.get_in(session, actor, i) for i in (winner_id, loser_id))
    merged = [merge_store.in_force(session, i) is not None for i in (winner_id, loser_id)]
    merge_rules.check_mergeable(winner, loser, *merged)
    holders = _holders(session, winner_id, loser_id)
    made = ClientMerge(
        id=ids.new_id(), loser_id=loser_id, winner_id=winner_id, standing_id=winner_id,
        merged_by=actor.user_id or None, merged_at=clock.now(),
        was_archived=loser.archived_at is not None, fields=_take_fields(session, actor, winner, loser, take),
    )  # fmt: skip
    session.add(made)
    session.flush()
    moved = _move_rows(session, made)
    merge_store.restand(session, loser_id, winner_id)
    loser.archived_at = loser.archived_at or clock.now()
    _settle_pair(session, actor, winner_id, loser_id, Status.merged)
    _tell(session, actor, made, (winner, loser), moved, holders)
    return made


def _holders(session: Session, *client_ids: str) -> set[str]:
    found = client_store.reps_of(session, client_ids)
    return {rep_id for reps in found.values() for rep_id in reps}


def _take_fields(
    session: Session, actor: Actor, winner: Client, loser: Client, take: tuple[str, ...]
) -> dict[str, list[object]]:
    """What the winner's card got: {field: [before, after]}."""
    wanted = merge_rules.changes(winner, loser, take)
    before = {name: getattr(winner, name) for name in wanted}
    clients.change_in(session, actor, winner, wanted)
    return {name: [before[name], getattr(winner, name)] for name in wanted}


def _move_rows(session: Session, made: ClientMerge) -> dict[str, int]:
    """All that names the loser names the winner; how many rows by place."""
    _fold_targets(session, made)
    _fold_ties(session, made)
    moved: dict[str, int] = {}
    visits: list[str] = []
    for place in merge_store.PLACES:
        rows = merge_store.rows_naming(session, place, made.loser_id)
        merge_store.note_moves(session, made.id, place, rows)
        merge_store.give(session, place, rows, made.loser_id, made.winner_id)
        moved |= {place: len(rows)} if rows else {}
        visits += rows if place in VISITS else []
    merge_store.settle_shelves(session, visits)
    _keep_one_main(session, made)
    _touch_visits(session, visits)
    return moved


def _fold_targets(session: Session, made: ClientMerge) -> None:
    """A rep who had both as targets has one, as often as the more frequent."""
    for (mine, planned), (theirs, wanted) in merge_store.like_targets(
        session, made.winner_id, made.loser_id
    ):
        _take_out(session, made, "cycle_target", theirs)
        _set(session, made, "cycle_target", mine, "planned", planned, max(planned, wanted))


def _fold_ties(session: Session, made: ClientMerge) -> None:
    """Who works at both works at one."""
    for (mine, is_main), (theirs, was_main) in merge_store.like_ties(
        session, made.winner_id, made.loser_id
    ):
        _take_out(session, made, "affiliation", theirs)
        _set(session, made, "affiliation", mine, "is_main", is_main, is_main or was_main)


def _keep_one_main(session: Session, made: ClientMerge) -> None:
    """Of a merged person's main workplaces the first stays the main one."""
    for tie in merge_store.main_ties(session, made.winner_id)[1:]:
        _set(session, made, "affiliation", tie, "is_main", True, False)


def _take_out(session: Session, made: ClientMerge, name: str, row_id: str) -> None:
    whole = merge_store.row(session, name, row_id)
    merge_store.note_moves(session, made.id, f"{name} taken out", [row_id], whole)
    merge_store.take_out(session, name, row_id)


def _set(
    session: Session, made: ClientMerge, name: str, row_id: str, field: str, before: object, after: object
) -> None:  # fmt: skip
    if before != after:
        merge_store.note_moves(session, made.id, f"{name} set", [row_id], [field, before, after])
        merge_store.set_value(session, name, row_id, **{field: after})


def _touch_visits(session: Session, visit_ids: Sequence[str]) -> None:
    """Phones that hold these visits fetch them anew."""
    since = clock.local(clock.now()).date() - ON_PHONES
    for visit_id, rep_id in merge_store.on_phones(session, visit_ids, since):
        feed.touch(session, "visit", visit_id, rep_ids=[rep_id])


def _settle_pair(
    session: Session, actor: Actor, winner_id: str, loser_id: str, status: Status
) -> None:
    """The queue knows of the merge, whichever way it came about."""
    pair = store.pair_of(session, winner_id, loser_id)
    if pair is None:
        left, right = sorted((winner_id, loser_id))
        pair = Duplicate(id=ids.new_id(), left_id=left, right_id=right, probability=1.0,
                         found_at=clock.now(), version=0)  # fmt: skip
        session.add(pair)
    is_decided = status is not Status.open
    pair.status, pair.version = status, pair.version + 1
    pair.decided_by = actor.user_id or None if is_decided else None
    pair.decided_at = clock.now() if is_decided else None
    session.flush()


def _tell(
    session: Session, actor: Actor, made: ClientMerge, cards: tuple[Client, Client],
    moved: dict[str, int], holders: Iterable[str],
) -> None:  # fmt: skip
    """Both histories tell of it, and every phone that held either card hears."""
    winner, loser = cards
    is_undone = made.undone_at is not None
    for card, other, kind in (
        (winner, loser, "client.merged"),
        (loser, winner, "client.merged_into"),
    ):
        card.version += 1
        card.updated_at = clock.now()
        session.flush()
        told = {"id": made.id, "other_id": other.id, "rows": sum(moved.values())}
        kind = "client.unmerged" if is_undone else kind
        clients.tell_in(session, actor, card, kind, told, also=holders)


# ---- and back ----


def undo(actor: Actor, merge_id: str) -> ClientMerge:
    """Make two clients of one again: each has what is his, of before, and of since.

    What was changed on the winner's card since stays; what arrived for the loser is his. Raises
    NoSuchMerge, MergeUndone, MergeBuiltOn where the winner was merged into a third.
    """
    people.require(actor, Role.manager, Role.admin)
    with transaction() as session:
        feed.take_turn(session)
        made = merge_store.merge(session, merge_id)
        winner = client_store.client(session, actor, made.winner_id) if made else None
        if made is None or winner is None:
            raise NoSuchMerge()
        _check_undoable(session, made)
        loser = session.get_one(Client, made.loser_id)
        holders = _holders(session, winner.id, loser.id)
        made.undone_at, made.undone_by = clock.now(), actor.user_id or None
        session.flush()
        moved = _move_back(session, made)
        _give_fields_back(session, actor, winner, made)
        loser.archived_at = loser.archived_at if made.was_archived else None
        _restand_behind(session, loser.id)
        _settle_pair(session, actor, winner.id, loser.id, Status.open)
        _tell(session, actor, made, (winner, loser), moved, holders)
        return made


def _check_undoable(session: Session, made: ClientMerge) -> None:
    if made.undone_at is not None:
        raise MergeUndone()
    if merge_store.in_force(session, made.winner_id) is not None:
        raise MergeBuiltOn()


def _move_back(session: Session, made: ClientMerge) -> dict[str, int]:
    """Rows remembered by the merge, and what grew out of them since, are the loser's again."""
    kept = merge_store.moves(session, made.id)
    by_place: dict[str, list[str]] = {place: [] for place in merge_store.PLACES}
    for move in kept:
        if move.place in by_place:
            by_place[move.place].append(move.row_id)
    _add_followers(session, by_place)
    moved = Counter[str]()
    for place, rows in by_place.items():
        moved[place] += merge_store.give(session, place, rows, made.winner_id, made.loser_id)
    merge_store.settle_shelves(session, [v for place in VISITS for v in by_place[place]])
    for move in reversed(kept):
        _put_back(session, move)
    _touch_visits(session, [v for place in VISITS for v in by_place[place]])
    return {place: n for place, n in moved.items() if n}


def _add_followers(session: Session, by_place: dict[str, list[str]]) -> None:
    """A visit's later days and promises belong to whom the visit belongs to."""
    for place in VISITS:
        by_place[place] += merge_store.moved_on_from(session, by_place[place])
    by_place["promise.client_id"] += merge_store.promised_at(session, by_place["visit.client_id"])


def _put_back(session: Session, move: MergeMove) -> None:
    name, _, what = move.place.partition(" ")
    if what == "taken out":
        merge_store.put_back(session, name, move.was)
    elif what == "set":
        field, before, after = move.was
        now = merge_store.row(session, name, move.row_id)
        if now is not None and now[field] == after:
            merge_store.set_value(session, name, move.row_id, **{field: before})


def _give_fields_back(session: Session, actor: Actor, winner: Client, made: ClientMerge) -> None:
    clients.change_in(session, actor, winner, merge_rules.given_back(winner, made.fields))


def _restand_behind(session: Session, client_id: str) -> None:
    """Whoever was merged into the loser before is stood for by him again."""
    waiting = [client_id]
    while waiting:
        for earlier in merge_store.into(session, waiting.pop()):
            earlier.standing_id = client_id
            waiting.append(earlier.loser_id)
    session.flush()
