"""Many moves of a desk at once: judged one by one as any move is, loaded and written together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import batched
from typing import Any

from sqlmodel import Session

from fieldcrm.clients import service as clients
from fieldcrm.clients.tables import Client
from fieldcrm.kit import clock, feed
from fieldcrm.people.model import Actor
from fieldcrm.people.tables import User
from fieldcrm.visits import changes, effects, running, service, store
from fieldcrm.visits.model import MoveRequest, UnknownMove, VisitExists, VisitNotFound
from fieldcrm.visits.tables import Visit

MOVES = frozenset({"plan", "assign", "cancel", "reopen"})
AT_ONCE = 200
"""Rows written in one go; between two of them the reader hears how far it is."""
Report = Callable[[int, int], None]
"""(moves written, moves wanted) -> nothing."""


@dataclass
class _Known:
    """What the moves need of the database, asked for once."""

    rows: dict[str, Visit]
    cards: dict[str, tuple[Client, Client | None]]
    reps: dict[str, User] = field(default_factory=dict)
    reach: dict[str, set[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Done:
    """A move that was made."""

    request: MoveRequest
    visit: Visit
    from_state: str | None
    before: dict[str, Any]
    follow: dict[str, Any]


def apply_moves(
    session: Session, actor: Actor, requests: Sequence[MoveRequest], report: Report | None = None
) -> dict[str, Visit]:
    """Make moves of MOVES, at most one a visit: rows, changes, events, feed; the visits by id.

    All of them or none (the caller's transaction). Raises what `visits.service.apply_move` does.
    """
    feed.take_turn(session)
    known = _load(session, requests)
    done: list[_Done] = []
    for some in batched(requests, AT_ONCE):
        made = [_make(session, actor, r, known) for r in some]
        session.add_all(d.visit for d in made)
        session.flush()  # a change's row names its visit's
        told = [
            changes.rows_of(actor, d.request, d.visit, d.from_state, d.before, d.follow)
            for d in made
        ]
        store.add_changes(session, [c for c, _ in told], [e for _, e in told])
        done += made
        if report:
            report(len(done), len(requests))
    _tell(session, actor, done)
    return {d.visit.id: d.visit for d in done}


def _load(session: Session, requests: Sequence[MoveRequest]) -> _Known:
    wrong = next((r for r in requests if r.move not in MOVES or r.change_id), None)
    if wrong is not None:
        raise UnknownMove(move=wrong.move)
    new = [r.client_id for r in requests if r.move == "plan" and r.client_id]
    return _Known(
        store.visits_for_writing(session, [r.visit_id for r in requests]),
        store.clients_with_places(session, new),
    )


def _make(session: Session, actor: Actor, request: MoveRequest, known: _Known) -> _Done:
    before = known.rows.get(request.visit_id)
    is_new = request.move == "plan"
    if not is_new and (before is None or not service.may_see(actor, before)):
        raise VisitNotFound()
    if is_new and before is not None:
        raise VisitExists() if service.may_see(actor, before) else VisitNotFound()
    service.check_request(request)
    from_state = before.state if before else None
    to_state = service.state_after(actor, request, before)
    fields = changes.fields_of(before)
    visit, follow = _effect(session, actor, request, before, known)
    visit.state, visit.updated_at = to_state, clock.now()
    visit.version = before.version + 1 if before else 1
    return _Done(request, visit, from_state, fields, follow)


def _effect(
    session: Session, actor: Actor, request: MoveRequest, before: Visit | None, known: _Known
) -> effects.Outcome:
    """As one move alone; a new visit to a living client within reach needs no more questions."""
    card = known.cards.get(request.client_id or "")
    is_plain = request.move == "plan" and request.place_id is None and card is not None
    if not is_plain or card is None or card[0].archived_at is not None:
        return effects.EFFECTS[request.move](session, actor, request, before)
    rep = _rep(session, actor, request.rep_id or "", known)
    client, place = card
    if client.id not in known.reach[rep.id]:
        return effects.EFFECTS[request.move](session, actor, request, before)
    is_place = client.kind in ("organisation", "pharmacy")
    return effects.new_row(request, rep, client, None if is_place else place), {}


def _rep(session: Session, actor: Actor, rep_id: str, known: _Known) -> User:
    if rep_id not in known.reps:
        known.reps[rep_id] = effects.rep_in_scope(session, actor, rep_id)
        known.reach[rep_id] = clients.clients_for_rep_in(session, rep_id)
    return known.reps[rep_id]


# ---- telling ----


def _tell(session: Session, actor: Actor, done: Sequence[_Done]) -> None:
    """Phones of the reps now and before, the teams' desks, colleagues who were asked along."""
    feed.touch_many(session, "visit", {d.visit.id: _reps(d) for d in done})
    for d in done:
        feed.notify_desk(session, d.visit.team_id, {
            "t": "changed", "entity": "visit", "id": d.visit.id, "rep_ids": sorted(_reps(d)),
            "move": d.request.move, "state": d.visit.state,
        })  # fmt: skip
    feed.touch_many(session, "client", _cards(done))
    rows = store.joint_rows(session, [d.visit.id for d in done])
    feed.touch_many(session, "joint", {j.id: {j.rep_id, j.colleague_id} for j in rows})
    for rep_id, day in sorted({(d.visit.rep_id, d.visit.day) for d in done if _is_off(d)}):
        running.refresh_expected_in(session, rep_id, day)
    for d in done:
        if actor.user_id:
            feed.note_plan_change(session, d.visit.day, _reps(d) - {actor.user_id})


def _reps(d: _Done) -> set[str]:
    return {d.visit.rep_id, d.before.get("rep_id") or d.visit.rep_id}


def _is_off(d: _Done) -> bool:
    return d.request.move == "cancel"


def _cards(done: Sequence[_Done]) -> dict[str, set[str]]:
    """Clients' cards that say something else now: visits planned still; whose client it is."""
    found: dict[str, set[str]] = {}
    for d in done:
        was = d.before
        has_moved = was.get("state") != d.visit.state or was.get("day") != d.visit.day.isoformat()
        changes_hands = len(_reps(d)) > 1
        if has_moved or changes_hands:
            found.setdefault(d.visit.client_id, set()).update(_reps(d))
        if changes_hands and d.visit.place_id:
            found.setdefault(d.visit.place_id, set()).update(_reps(d))
    return found
