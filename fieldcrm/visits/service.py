"""What may be done with visits, by whom, and what follows from each move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from fieldcrm.clients import service as clients
from fieldcrm.forms import service as forms
from fieldcrm.kit import clock, feed
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people.model import SYSTEM, Actor, Role
from fieldcrm.visits import changes, effects, joint, rules, running, store
from fieldcrm.visits.life import life
from fieldcrm.visits.model import (
    MoveRequest,
    StaleVisit,
    VisitExists,
    VisitFilters,
    VisitNotFound,
)
from fieldcrm.visits.store import Page, VisitView
from fieldcrm.visits.tables import Attachment, Product, Visit, VisitChange

LIST_MAX = 500


@dataclass(frozen=True)
class VisitDetail:
    """A visit with all that hangs on it."""

    view: VisitView
    changes: list[VisitChange]
    attachments: list[Attachment]


# ---- who may see ----


def may_see(actor: Actor, visit: Visit) -> bool:
    """A rep sees his own, a dispatcher and a manager their teams', an administrator all."""
    if actor.role is Role.rep:
        return visit.rep_id == actor.user_id
    return actor.is_admin or visit.team_id in actor.team_ids


def _scope(actor: Actor) -> Any:
    if actor.role is Role.rep:
        return store.scope_clause(actor.user_id, None)
    return store.scope_clause(None, None if actor.is_admin else actor.team_ids)


def _role(actor: Actor) -> str:
    """The actor's name in the life table; the product itself is 'system'."""
    return actor.role.value if actor.user_id else "system"


# ---- moves ----


def move(actor: Actor, request: MoveRequest) -> Visit:
    """Make one move in a transaction of its own, for desks."""
    with transaction() as session:
        return apply_move(session, actor, request)


def apply_move(session: Session, actor: Actor, request: MoveRequest) -> Visit:
    """Move a visit along its life: change, event, feed and what follows, or a refusal.

    A request whose `change_id` was applied before changes nothing. Raises VisitNotFound,
    UnknownMove, MoveForbidden, IllegalMove, MissingNeed, UnknownResult, WrongDay, ClientUnknown,
    StaleVisit.
    """
    if request.change_id and (done := store.change(session, request.change_id)) is not None:
        return _replayed(session, actor, request, done)
    feed.take_turn(session)
    before = _load(session, actor, request)
    check_request(request)
    from_state = before.state if before else None
    to_state = state_after(actor, request, before)
    fields_before = changes.fields_of(before)
    visit, follow = effects.EFFECTS[request.move](session, actor, request, before)
    visit.state = to_state
    visit.updated_at = clock.now()
    visit.version = (before.version + 1) if before else 1
    session.add(visit)
    session.flush()
    changes.note(session, actor, request, visit, from_state, fields_before, follow)
    _tell(session, request, visit, fields_before)
    if request.move in REPLANNING and actor.user_id:
        readers = {visit.rep_id, fields_before.get("rep_id") or visit.rep_id}
        feed.note_plan_change(session, visit.day, readers - {actor.user_id})
    return visit


REPLANNING = frozenset({"plan", "assign", "move", "cancel", "reopen"})
"""Moves by which somebody changes another's day: he is told, also when his app is closed."""


def _replayed(session: Session, actor: Actor, request: MoveRequest, done: VisitChange) -> Visit:
    visit = store.visit(session, done.visit_id)
    if visit is None or not may_see(actor, visit) or done.visit_id != request.visit_id:
        raise VisitNotFound()
    return visit


def _load(session: Session, actor: Actor, request: MoveRequest) -> Visit | None:
    """The visit to move, locked; None for one that is to be made."""
    visit = store.visit(session, request.visit_id, lock=True)
    if request.move in ("plan", "create"):
        if visit is not None:
            raise VisitExists() if may_see(actor, visit) else VisitNotFound()
        return None
    if visit is None or not may_see(actor, visit):
        raise VisitNotFound()
    if request.only_version not in (None, visit.version):
        raise StaleVisit()
    return visit


def check_request(request: MoveRequest) -> None:
    """Whether a move's own words hold, whatever the visit; raises UnknownResult, WrongDay."""
    rules.check_result(life(), request.changes.get("result", request.result))
    if request.move in ("plan", "create", "move"):
        at = clock.local(request.at)
        first = (at - rules.MIDNIGHT_DOUBT).date() if request.move == "create" else None
        rules.check_new_day(request.day, at.date(), life().limits, first)


def state_after(actor: Actor, request: MoveRequest, before: Visit | None) -> str:
    """The state a move leads to; raises UnknownMove, MoveForbidden, IllegalMove, MissingNeed."""
    standing = _standing(before)
    given = rules.given(life(), request, standing, clock.local(request.at).date())
    return rules.decide(life(), request.move, standing.state, _role(actor), given)


def _standing(visit: Visit | None) -> rules.Standing:
    if visit is None:
        return rules.Standing(state=None, day=None)
    closed_on = clock.local(visit.closed_at).date() if visit.closed_at else None
    open_fields = frozenset(c["field"] for c in visit.conflicts)
    return rules.Standing(visit.state, visit.day, closed_on, visit.result, open_fields)


def _tell(session: Session, request: MoveRequest, visit: Visit, before: dict[str, Any]) -> None:
    """Phones of the rep now and of the one before, and the team's desks."""
    reps = {visit.rep_id, before.get("rep_id") or visit.rep_id}
    feed.touch(
        session, "visit", visit.id, rep_ids=reps, team_id=visit.team_id,
        desk={"move": request.move, "state": visit.state},
    )  # fmt: skip
    joint.follow_in(session, visit.id)
    if before.get("rep_id") not in (None, visit.rep_id):
        _send_cards(session, visit, reps)
    if request.move in ("close", "revise"):
        clients.tell_holders_in(session, visit.client_id, reps)  # colleagues' cards show it too
        if visit.place_id and _looked_at_shelf(request, visit):
            clients.tell_holders_in(session, visit.place_id, reps)  # the shelf is the place's
    elif before.get("state") != visit.state or before.get("day") != visit.day.isoformat():
        feed.touch(session, "client", visit.client_id, rep_ids=reps)  # how many are still planned
    if request.move in ("close", "revise"):
        feed.touch(session, "profile", visit.rep_id, rep_ids=[visit.rep_id])
    if request.move in ("check_in", "close", "cancel", "move", "create"):
        running.refresh_expected_in(session, visit.rep_id, visit.day)


def _looked_at_shelf(request: MoveRequest, visit: Visit) -> bool:
    """Whether a place's shelf may stand otherwise on its card now; a revision may take it back."""
    return bool((visit.details or {}).get("stock")) or "details" in request.changes


def _send_cards(session: Session, visit: Visit, reps: set[str]) -> None:
    """Who is given a visit needs the cards of its client and place; who loses it may lose them."""
    for client_id in {visit.client_id, visit.place_id} - {None}:
        feed.touch(session, "client", str(client_id), rep_ids=reps)


def mark_missed(now: datetime, limit: int = 500) -> int:
    """Mark planned visits whose local day is over as missed; returns how many."""
    today = clock.local(now).date()
    with reading() as session:
        overdue = store.overdue(session, today, limit)
    for visit_id in overdue:
        with feed.writing() as session:
            visit = store.visit(session, visit_id, lock=True)
            if visit is not None and visit.state == "planned" and visit.day < today:
                apply_move(session, SYSTEM, MoveRequest(visit_id, "miss", at=now))
    return len(overdue)


# ---- attachments ----


def attach_stored(sha256: str, content_type: str) -> int:
    """Note that a file's bytes are whole; returns how many attachments wait for nothing now.

    `content_type` is what its bytes are: a sound that was named a photo counts as a sound.
    """
    with reading() as session:
        if all(a.stored_at for a in store.attachments_of_hash(session, sha256)):
            return 0
    with transaction() as session:
        feed.take_turn(session)
        waiting = [a for a in store.attachments_of_hash(session, sha256) if a.stored_at is None]
        for attachment in waiting:
            attachment.stored_at, attachment.content_type = clock.now(), content_type
            attachment.kind = "audio" if content_type.startswith("audio/") else "photo"
            visit = store.visit(session, attachment.visit_id)
            if visit is not None:
                feed.touch(
                    session, "visit", visit.id, rep_ids=[visit.rep_id], team_id=visit.team_id,
                    desk={"photo": sha256},
                )  # fmt: skip
        return len(waiting)


def may_see_file(actor: Actor, sha256: str) -> Attachment | None:
    """The attachment by which the actor may see a file, None when there is none."""
    with reading() as session:
        seen = {v.id for v in store.visits_of_hash(session, sha256) if may_see(actor, v)}
        rows = store.attachments_of_hash(session, sha256)
    return next((a for a in rows if a.visit_id in seen), None)


# ---- reading ----


def day(actor: Actor, rep_id: str, day: date) -> list[VisitView]:
    """A rep's visits of one local day in their order; raises OutOfScope."""
    with reading() as session:
        effects.rep_in_scope(session, actor, rep_id)
        return store.views(session, Visit.rep_id == rep_id, Visit.day == day, _scope(actor))


def get(actor: Actor, visit_id: str) -> VisitDetail:
    """One visit with its changes and attachments; raises VisitNotFound."""
    with reading() as session:
        found = store.views(session, Visit.id == visit_id, _scope(actor), limit=1)
        if not found:
            raise VisitNotFound()
        return VisitDetail(
            found[0], store.changes(session, visit_id),
            store.attachments(session, [visit_id]).get(visit_id, []),
        )  # fmt: skip


def list_visits(
    actor: Actor, filters: VisitFilters | None = None, sort: str = "-day", limit: int = 50,
    cursor: str | None = None,
) -> Page[VisitView]:  # fmt: skip
    """One page of the visits the actor may see; raises BadSort, BadCursor."""
    wanted, of_office = filters or VisitFilters(), actor.role is not Role.rep
    is_wide = of_office and store.is_wide(wanted)
    by_day = sort.removeprefix("-") == "day"
    by_order = of_office and not actor.is_admin and (is_wide or by_day)
    seen = store.unindexed(Visit.team_id).in_(actor.team_ids) if by_order else _scope(actor)
    where = [seen, *store.filter_clauses(wanted, is_led_by_day=by_day or not is_wide)]
    with reading() as session:
        return store.page(session, where, sort, max(1, min(limit, LIST_MAX)), cursor, is_wide)


def count(actor: Actor, filters: VisitFilters | None = None, most: int | None = None) -> int:
    """How many visits a list has that the actor may see; counting ends one above `most`."""
    where = [_scope(actor), *store.filter_clauses(filters or VisitFilters())]
    with reading() as session:
        return store.count(session, where, most)


def export_rows(actor: Actor, filters: VisitFilters | None = None) -> Iterator[VisitView]:
    """Every visit of a list in order of day, page by page, for exports."""
    cursor: str | None = None
    while True:
        page = list_visits(actor, filters, "day", LIST_MAX, cursor)
        yield from page.rows
        cursor = page.cursor
        if cursor is None:
            return


def products(actor: Actor) -> list[Product]:
    """What reps talk about, by name; everybody may see them."""
    return forms.list_products(actor)
