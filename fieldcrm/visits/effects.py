"""What each move does to a visit's row, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from fieldcrm.clients import service as clients
from fieldcrm.clients.duplicates import merging
from fieldcrm.clients.tables import Client
from fieldcrm.forms import service as forms
from fieldcrm.forms.model import Facts
from fieldcrm.kit import clock, feed, files, ids
from fieldcrm.people.model import Actor, OutOfScope, Role
from fieldcrm.people.tables import User
from fieldcrm.visits import changes, rules, store
from fieldcrm.visits.life import life
from fieldcrm.visits.model import ClientUnknown, MoveRequest, VisitExists, VisitNotFound
from fieldcrm.visits.tables import Attachment, Visit

REVISABLE = ("result", "comment", "details")
Outcome = tuple[Visit, dict[str, Any]]
"""The visit as it is now, and what its change says of what followed."""


def _plan(session: Session, actor: Actor, r: MoveRequest, _before: Visit | None) -> Outcome:
    """A visit for a rep of the actor's teams."""
    rep = rep_in_scope(session, actor, r.rep_id or "")
    return _new_visit(session, r, rep, _client(session, rep, r)), {}


def _create(session: Session, actor: Actor, r: MoveRequest, _before: Visit | None) -> Outcome:
    """A rep's own unplanned visit, last in his day."""
    rep = rep_in_scope(session, actor, actor.user_id)
    visit = _new_visit(session, r, rep, _client(session, rep, r))
    visit.is_unplanned = True
    visit.position = store.last_position(session, rep.id, visit.day) + 1
    return visit, {}


def rep_in_scope(session: Session, actor: Actor, rep_id: str) -> User:
    """A rep the actor may plan for or look at: himself, or one of his teams; raises OutOfScope."""
    rep = store.rep(session, rep_id)
    own = actor.role is not Role.rep or rep_id == actor.user_id
    seen = actor.is_admin or (rep is not None and rep.team_id in actor.team_ids)
    if rep is None or not own or not seen or rep.team_id is None:
        raise OutOfScope()
    return rep


def _client(session: Session, rep: User, r: MoveRequest) -> Client:
    """The client to visit, within the rep's reach; one that was merged leads to who stands for it."""
    client = _standing(session, r.client_id or "")
    reach = clients.clients_for_rep_in(session, rep.id)
    if (
        client is None
        or client.archived_at
        or not (client.id in reach or merging.is_reached_in(session, rep.id, r.client_id or ""))
    ):
        raise ClientUnknown()
    return client


def _standing(session: Session, client_id: str) -> Client | None:
    client = store.client(session, client_id)
    if client is None or client.archived_at is None:
        return client
    return store.client(session, merging.standing_in(session, client_id))


def _new_visit(session: Session, r: MoveRequest, rep: User, client: Client) -> Visit:
    place = _place(session, r, client)
    merging.note_arrival_in(session, r.client_id, "visit.client_id", r.visit_id)
    merging.note_arrival_in(session, r.place_id, "visit.place_id", r.visit_id)
    return new_row(r, rep, client, place)


def new_row(r: MoveRequest, rep: User, client: Client, place: Client | None) -> Visit:
    """The row of a new visit to a client at a place."""
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
    place = _standing(session, r.place_id)
    if place is None or not store.works_at(session, client.id, place.id):
        raise ClientUnknown(place_id=r.place_id)
    return place


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
    changes.note(session, actor, made, successor, None, {}, {"moved_from": visit.id})
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
        rep = rep_in_scope(session, actor, r.rep_id)
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
