"""What may be done with visits, by whom, and what follows from each move."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from fieldcrm.clients import service as clients
from fieldcrm.clients.tables import Client
from fieldcrm.forms import service as forms
from fieldcrm.forms.model import Facts
from fieldcrm.kit import clock, events, feed, files, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people.model import SYSTEM, Actor, OutOfScope, Role
from fieldcrm.people.tables import User
from fieldcrm.visits import rules, store
from fieldcrm.visits.life import life
from fieldcrm.visits.model import (
    ClientUnknown,
    MoveRequest,
    VisitExists,
    VisitFilters,
    VisitNotFound,
)
from fieldcrm.visits.store import Page, VisitView
from fieldcrm.visits.tables import Attachment, Product, Visit, VisitChange

REVISABLE = ("result", "comment", "details")
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
    UnknownMove, MoveForbidden, IllegalMove, MissingNeed, UnknownResult, WrongDay, ClientUnknown.
    """
    if request.change_id and (done := store.change(session, request.change_id)) is not None:
        return _replayed(session, actor, request, done)
    feed.take_turn(session)
    before = _load(session, actor, request)
    _check(session, actor, request, before)
    from_state = before.state if before else None
    to_state = _decide(actor, request, before)
    fields_before = _fields(before)
    visit, follow = EFFECTS[request.move](session, actor, request, before)
    visit.state = to_state
    visit.updated_at = clock.now()
    visit.version = (before.version + 1) if before else 1
    session.add(visit)
    session.flush()
    _note_change(session, actor, request, visit, from_state, fields_before, follow)
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
    return visit


def _check(session: Session, actor: Actor, request: MoveRequest, before: Visit | None) -> None:
    rules.check_result(life(), request.changes.get("result", request.result))
    if request.move in ("plan", "create", "move"):
        rules.check_new_day(request.day, clock.local(request.at).date(), life().limits)


def _decide(actor: Actor, request: MoveRequest, before: Visit | None) -> str:
    standing = _standing(before)
    given = rules.given(life(), request, standing, clock.local(request.at).date())
    return rules.decide(life(), request.move, standing.state, _role(actor), given)


def _standing(visit: Visit | None) -> rules.Standing:
    if visit is None:
        return rules.Standing(state=None, day=None)
    closed_on = clock.local(visit.closed_at).date() if visit.closed_at else None
    open_fields = frozenset(c["field"] for c in visit.conflicts)
    return rules.Standing(visit.state, visit.day, closed_on, visit.result, open_fields)


TOLD = (
    "state", "rep_id", "day", "position", "planned_at", "result", "comment", "details", "reason",
    "checked_in_at", "closed_at", "moved_to_id", "promise_id",
)  # fmt: skip
"""Fields whose values before and after a change keeps."""


def _fields(visit: Visit | None) -> dict[str, Any]:
    return {name: _plain(getattr(visit, name)) for name in TOLD} if visit else {}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def _note_change(
    session: Session, actor: Actor, request: MoveRequest, visit: Visit, from_state: str | None,
    before: dict[str, Any], follow: dict[str, Any],
) -> None:  # fmt: skip
    """The change with both clocks, place and fields before and after; and its event."""
    after = _fields(visit)
    changed = [name for name in TOLD if before.get(name) != after[name]]
    where = request.position
    data = {
        "before": {name: before.get(name) for name in changed if before},
        "after": {name: after[name] for name in changed},
        "offset_ms": request.offset_ms, **request.clock_facts, **follow,
    }  # fmt: skip
    if request.reason:
        data["reason"] = request.reason
    session.add(
        VisitChange(
            id=request.change_id or ids.new_id(), visit_id=visit.id, move=request.move,
            from_state=from_state, to_state=visit.state, actor_id=actor.user_id or None,
            device_at=request.device_at, at=request.at, server_at=clock.now(),
            lat=where.lat if where else None, lng=where.lng if where else None,
            accuracy_m=where.accuracy_m if where else None, source=actor.source, data=data,
            version=visit.version,
        )
    )  # fmt: skip
    events.record(
        session, f"visit.{request.move}", visit.id, actor_id=actor.user_id or None,
        team_id=visit.team_id, source=actor.source,
        data={"from": from_state, "to": visit.state, "fields": changed},
    )  # fmt: skip


def _tell(session: Session, request: MoveRequest, visit: Visit, before: dict[str, Any]) -> None:
    """Phones of the rep now and of the one before, and the team's desks."""
    reps = {visit.rep_id, before.get("rep_id") or visit.rep_id}
    feed.touch(
        session, "visit", visit.id, rep_ids=reps, team_id=visit.team_id,
        desk={"move": request.move, "state": visit.state},
    )  # fmt: skip
    if before.get("rep_id") not in (None, visit.rep_id):
        _send_cards(session, visit, reps)
    if request.move in ("close", "revise"):
        clients.tell_holders_in(session, visit.client_id, reps)  # colleagues' cards show it too
    elif before.get("state") != visit.state or before.get("day") != visit.day.isoformat():
        feed.touch(session, "client", visit.client_id, rep_ids=reps)  # how many are still planned
    if request.move in ("close", "revise"):
        feed.touch(session, "profile", visit.rep_id, rep_ids=[visit.rep_id])
    if request.move in ("check_in", "close", "cancel", "move", "create"):
        refresh_expected_in(session, visit.rep_id, visit.day)


def _send_cards(session: Session, visit: Visit, reps: set[str]) -> None:
    """Who is given a visit needs the cards of its client and place; who loses it may lose them."""
    for client_id in {visit.client_id, visit.place_id} - {None}:
        feed.touch(session, "client", str(client_id), rep_ids=reps)


# ---- what each move does to the row ----

Outcome = tuple[Visit, dict[str, Any]]


def _plan(session: Session, actor: Actor, r: MoveRequest, _before: Visit | None) -> Outcome:
    """A visit for a rep of the actor's teams."""
    rep = _rep_in_scope(session, actor, r.rep_id or "")
    return _new_visit(session, r, rep, _client(session, rep, r)), {}


def _create(session: Session, actor: Actor, r: MoveRequest, _before: Visit | None) -> Outcome:
    """A rep's own unplanned visit, last in his day."""
    rep = _rep_in_scope(session, actor, actor.user_id)
    visit = _new_visit(session, r, rep, _client(session, rep, r))
    visit.is_unplanned = True
    visit.position = store.last_position(session, rep.id, visit.day) + 1
    return visit, {}


def _rep_in_scope(session: Session, actor: Actor, rep_id: str) -> User:
    rep = store.rep(session, rep_id)
    own = actor.role is not Role.rep or rep_id == actor.user_id
    seen = actor.is_admin or (rep is not None and rep.team_id in actor.team_ids)
    if rep is None or not own or not seen or rep.team_id is None:
        raise OutOfScope()
    return rep


def _client(session: Session, rep: User, r: MoveRequest) -> Client:
    """The client to visit, within the rep's reach."""
    client = store.client(session, r.client_id or "")
    reach = clients.clients_for_rep_in(session, rep.id)
    if client is None or client.archived_at or client.id not in reach:
        raise ClientUnknown()
    return client


def _new_visit(session: Session, r: MoveRequest, rep: User, client: Client) -> Visit:
    place = _place(session, r, client)
    at = place if place and place.lat is not None else client
    now = clock.now()
    assert r.day is not None
    assert rep.team_id is not None
    return Visit(
        id=r.visit_id, rep_id=rep.id, team_id=rep.team_id, client_id=client.id,
        place_id=place.id if place else None, lat=at.lat, lng=at.lng, day=r.day,
        position=r.order or 0, planned_at=r.planned_at, expected_at=r.planned_at,
        planned_minutes=r.planned_minutes or client.visit_minutes or 15, objective=r.objective,
        is_sample=client.is_sample and rep.is_sample, created_at=now, updated_at=now,
    )  # fmt: skip


def _place(session: Session, r: MoveRequest, client: Client) -> Client | None:
    """Where a person is visited: as asked, or at the main workplace."""
    if client.kind in ("organisation", "pharmacy"):
        return None
    if r.place_id is None:
        return store.main_place(session, client.id)
    if not store.works_at(session, client.id, r.place_id):
        raise ClientUnknown(place_id=r.place_id)
    return store.client(session, r.place_id)


def _check_in(session: Session, _actor: Actor, r: MoveRequest, before: Visit | None) -> Outcome:
    visit = _there(before)
    visit.checked_in_at = r.at
    visit.check_in = place_time(r)
    visit.reason = None
    follow = {"late_of": "missed"} if visit.state == "missed" else {}
    if r.comment is not None:
        visit.comment = r.comment
    _attach(session, visit, r)
    return visit, follow


def _close(session: Session, actor: Actor, r: MoveRequest, before: Visit | None) -> Outcome:
    """A closing never lies before its check-in, whatever the phone's clock did between."""
    visit = _there(before)
    begun = visit.checked_in_at or r.at
    visit.closed_at = max(begun, r.at)
    visit.check_out = place_time(r)
    visit.result = r.result
    visit.comment = r.comment if r.comment is not None else visit.comment
    visit.verdict = "unjudged"
    _attach(session, visit, r)
    visit.details = _answered(session, actor, visit, r, r.details or {})
    _promise(session, actor, visit, r)
    return visit, {"clock_turned_s": (begun - r.at).total_seconds()} if r.at < begun else {}


def _revise(session: Session, actor: Actor, r: MoveRequest, before: Visit | None) -> Outcome:
    """Later words about a closed visit; what overlaps with another's unseen change waits aside."""
    visit = _there(before)
    wanted = {k: v for k, v in r.changes.items() if k in REVISABLE}
    lost = _overlaps(session, actor, visit, wanted, r.base_version)
    for name, value in wanted.items():
        if name not in lost:
            setattr(visit, name, value)
    kept = [c for c in visit.conflicts if c["field"] not in wanted or c["field"] in lost]
    aside = [
        {"field": name, "value": wanted[name], "actor_id": actor.user_id,
         "at": r.at.isoformat(), "change_id": r.change_id}
        for name in sorted(lost)
    ]  # fmt: skip
    visit.conflicts = [*kept, *aside]
    _attach(session, visit, r)
    if wanted.get("details") is not None and "details" not in lost:
        visit.details = _answered(session, actor, visit, r, wanted["details"])
    _promise(session, actor, visit, r)
    return visit, {"conflicts": aside} if aside else {}


def _overlaps(
    session: Session, actor: Actor, visit: Visit, wanted: dict[str, Any], base: int | None
) -> frozenset[str]:
    """Fields of `wanted` that another changed to something else since the caller looked."""
    if base is None or base >= visit.version:
        return frozenset()
    since = store.changes_since(session, visit.id, base)
    others = [c.data.get("after", {}) for c in since if c.actor_id != (actor.user_id or None)]
    differing = [name for name, value in wanted.items() if getattr(visit, name) != value]
    return rules.overlapping(differing, others)


def _move(session: Session, actor: Actor, r: MoveRequest, before: Visit | None) -> Outcome:
    """The day's visit ends as moved; another takes its place on the new day."""
    visit = _there(before)
    assert r.day is not None
    new_id = r.new_visit_id or ids.new_id()
    if not ids.is_id(new_id) or store.visit(session, new_id) is not None:
        raise VisitExists()
    now = clock.now()
    successor = Visit(
        id=new_id, rep_id=visit.rep_id, team_id=visit.team_id, client_id=visit.client_id,
        place_id=visit.place_id, lat=visit.lat, lng=visit.lng, day=r.day,
        planned_minutes=visit.planned_minutes, priority=visit.priority,
        objective=visit.objective, is_unplanned=visit.is_unplanned, is_sample=visit.is_sample,
        created_at=now, updated_at=now,
    )  # fmt: skip
    session.add(successor)
    session.flush()
    made = replace(r, visit_id=new_id, move="plan", change_id=None, position=None)
    _note_change(session, actor, made, successor, None, {}, {"moved_from": visit.id})
    feed.touch(session, "visit", new_id, rep_ids=[visit.rep_id], team_id=visit.team_id)
    visit.moved_to_id = new_id
    visit.reason = r.reason
    return visit, {}


def _cancel(_session: Session, _actor: Actor, r: MoveRequest, before: Visit | None) -> Outcome:
    visit = _there(before)
    visit.reason = r.reason
    if r.comment is not None:
        visit.comment = r.comment
    return visit, {}


def _miss(_session: Session, _actor: Actor, r: MoveRequest, before: Visit | None) -> Outcome:
    visit = _there(before)
    visit.reason = r.reason
    return visit, {}


def _assign(session: Session, actor: Actor, r: MoveRequest, before: Visit | None) -> Outcome:
    """Another rep, day, order or time; what isn't named stays."""
    visit = _there(before)
    if r.rep_id is not None and r.rep_id != visit.rep_id:
        rep = _rep_in_scope(session, actor, r.rep_id)
        assert rep.team_id is not None
        visit.rep_id, visit.team_id, visit.pause_min = rep.id, rep.team_id, 0
    for name, value in (("position", r.order), ("planned_at", r.planned_at), ("day", r.day)):
        if value is not None:
            setattr(visit, name, value)
    return visit, {}


def _reopen(_session: Session, _actor: Actor, _r: MoveRequest, before: Visit | None) -> Outcome:
    """Planned again; what a check-in before the cancelling told stays in the changes."""
    visit = _there(before)
    visit.reason = visit.checked_in_at = visit.check_in = None
    return visit, {}


EFFECTS: dict[str, Callable[[Session, Actor, MoveRequest, Visit | None], Outcome]] = {
    "plan": _plan, "create": _create, "check_in": _check_in, "close": _close, "revise": _revise,
    "move": _move, "cancel": _cancel, "miss": _miss, "assign": _assign, "reopen": _reopen,
    "reorder": _assign,
}  # fmt: skip


def _there(visit: Visit | None) -> Visit:
    if visit is None:
        raise VisitNotFound()
    return visit


def place_time(r: MoveRequest) -> dict[str, Any]:
    """Where and when a button was pressed, with every clock, as the row keeps it."""
    where, pressed = r.position, r.device_at or r.at
    state = rules.position_state(where, pressed, life().limits)
    fix_at = where.fix_at + timedelta(milliseconds=r.offset_ms) if where else None
    return {
        "at_ms": _ms(r.at), "device_at_ms": _ms(r.device_at), "server_at_ms": clock.now_ms(),
        "offset_ms": r.offset_ms, "lat": where.lat if where else None,
        "lng": where.lng if where else None, "accuracy_m": where.accuracy_m if where else None,
        "fix_at_ms": _ms(fix_at), "is_mock": where.is_mock if where else None,
        "source": where.source if where else None, "no_gps_reason": r.no_gps_reason,
        "position_state": state.value, **r.clock_facts,
    }  # fmt: skip


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)


def _attach(session: Session, visit: Visit, r: MoveRequest) -> None:
    """Name the photos; one whose bytes came first is complete at once."""
    for new in r.attachments:
        known = store.attachment(session, new.id)
        if known is not None:
            if known.visit_id != visit.id or known.sha256 != new.sha256:
                raise VisitExists(attachment_id=new.id)
            continue
        session.add(
            Attachment(
                id=new.id, visit_id=visit.id, sha256=new.sha256, kind=new.kind,
                content_type=new.content_type, size=new.size, taken_at=new.taken_at, lat=new.lat,
                lng=new.lng, stored_at=clock.now() if files.has(new.sha256) else None,
            )
        )  # fmt: skip


def _answered(
    session: Session, actor: Actor, visit: Visit, r: MoveRequest, details: dict[str, Any]
) -> dict[str, Any]:  # fmt: skip
    """The details as they are kept, judged by their form's rules; its shelf is noted too."""
    visited = forms.Visited(
        visit.id, visit.place_id or visit.client_id, visit.rep_id, visit.team_id, visit.day,
        _form_facts(session, visit, r), visit.result in life().held_results,
        visit.closed_at or r.at,
    )  # fmt: skip
    return forms.take_in(session, actor, visited, details, is_closing=r.move == "close")


def _form_facts(session: Session, visit: Visit, r: MoveRequest) -> Facts:
    """What a form's rules ask of a visit; a step promised before counts as one."""
    client = store.client(session, visit.client_id)
    session.flush()
    photos = store.attachments(session, [visit.id]).get(visit.id, [])
    step = r.next_step
    is_dated = step is not None and bool(step.text.strip()) and step.due_on is not None
    return Facts(
        visit.result, client.kind if client else "", visit.day.isoformat(),
        client.category if client else None, frozenset(p.sha256 for p in photos),
        is_dated or visit.promise_id is not None,
    )  # fmt: skip


def _promise(session: Session, actor: Actor, visit: Visit, r: MoveRequest) -> None:
    if r.next_step is None or not r.next_step.text.strip():
        return
    session.flush()
    made = clients.add_promise_in(
        session, actor, visit.client_id, visit.rep_id, r.next_step.text, r.next_step.due_on,
        visit.id,
    )  # fmt: skip
    visit.promise_id = made.id


# ---- the day as it goes on ----

PAST = "past"
"""Key of `session.info` under which the sample's history says that a day is over."""
NOTABLE_S = 60
"""A shift of the expected time below this is not worth waking a phone."""


def refresh_expected_in(session: Session, rep_id: str, day: date) -> None:
    """Write the expected times of a rep's day anew and tell his phone what changed."""
    is_past = session.info.get(PAST)  # the sample's history: nobody waits there any more
    if is_past or day != clock.local(clock.now()).date():
        return
    visits = store.day_of(session, rep_id, day)
    expected = rules.expected_times([_stop(v) for v in visits], clock.now())
    for visit in visits:
        wanted = expected.get(visit.id)
        if wanted is None or not _is_notable(visit.expected_at, wanted):
            continue
        visit.expected_at = wanted
        session.add(visit)
        feed.touch(session, "visit", visit.id, rep_ids=[rep_id])


def begin_pause_in(session: Session, rep_id: str, day: date) -> None:
    """The break of the day is being taken: it falls before the next visit, wherever it was planned."""
    visits = store.day_of(session, rep_id, day)
    next_id, minutes = rules.pause_moves_to([_stop(v) for v in visits])
    _put_pause(session, visits, next_id, minutes)
    refresh_expected_in(session, rep_id, day)


def end_pause_in(session: Session, rep_id: str, day: date) -> None:
    """The break of the day has been taken: it delays nothing any more."""
    _put_pause(session, store.day_of(session, rep_id, day), None, 0)
    refresh_expected_in(session, rep_id, day)


def _put_pause(session: Session, visits: Sequence[Visit], before: str | None, minutes: int) -> None:
    for visit in visits:
        wanted = minutes if visit.id == before else 0
        if visit.state == "planned" and visit.pause_min != wanted:
            visit.pause_min = wanted
            session.add(visit)
            feed.touch(session, "visit", visit.id, rep_ids=[visit.rep_id])


def _is_notable(before: datetime | None, after: datetime) -> bool:
    return before is None or abs((after - before).total_seconds()) >= NOTABLE_S


def _stop(v: Visit) -> rules.Stop:
    return rules.Stop(
        v.id, v.state, v.position, v.planned_at, v.planned_minutes, v.travel_s, v.checked_in_at,
        v.closed_at, v.pause_min,
    )  # fmt: skip


def refresh_running_days(now: datetime) -> int:
    """Push on the expected times of reps whose next visit should have begun; returns how many."""
    today = clock.local(now).date()
    with reading() as session:
        late = store.reps_running_late(session, today, now)
    for rep_id in late:
        with transaction() as session:
            feed.take_turn(session)
            refresh_expected_in(session, rep_id, today)
    return len(late)


def mark_missed(now: datetime, limit: int = 500) -> int:
    """Mark planned visits whose local day is over as missed; returns how many."""
    today = clock.local(now).date()
    with reading() as session:
        overdue = store.overdue(session, today, limit)
    for visit_id in overdue:
        with transaction() as session:
            visit = store.visit(session, visit_id, lock=True)
            if visit is not None and visit.state == "planned" and visit.day < today:
                apply_move(session, SYSTEM, MoveRequest(visit_id, "miss", at=now))
    return len(overdue)


# ---- attachments ----


def attach_stored(sha256: str) -> int:
    """Note that a file's bytes are whole; returns how many attachments wait for nothing now."""
    with reading() as session:
        if all(a.stored_at for a in store.attachments_of_hash(session, sha256)):
            return 0
    with transaction() as session:
        feed.take_turn(session)
        waiting = [a for a in store.attachments_of_hash(session, sha256) if a.stored_at is None]
        for attachment in waiting:
            attachment.stored_at = clock.now()
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
        _rep_in_scope(session, actor, rep_id)
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
    where = [_scope(actor), *store.filter_clauses(filters or VisitFilters())]
    with reading() as session:
        return store.page(session, where, sort, max(1, min(limit, LIST_MAX)), cursor)


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
