"""What a phone holds of each row: documents in the wire's own shapes, made in bulk."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from fieldcrm.clients.ownfields import rules as own_rules
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.ownfields.model import OF_CARDS, OwnField
from fieldcrm.clients.service import clients_for_rep_in
from fieldcrm.forms import service as forms
from fieldcrm.kit import clock
from fieldcrm.people.model import Actor, Role
from fieldcrm.sync import document_store as store
from fieldcrm.sync.from_office import message_docs, message_ids
from fieldcrm.sync.rep_asks import (
    colleagues,
    correction_docs,
    correction_ids,
    joint_docs,
    joint_ids,
)
from fieldcrm.sync.told import ms
from fieldcrm.wire import sync as wire

DAYS_BEHIND = 7
DAYS_AHEAD = 14
SHELF_DAYS = 183
"""How old a figure of a shelf may be and still tell something of it."""


@dataclass(frozen=True)
class Reach:
    """Whose phone it is, and which days it holds."""

    rep_id: str
    today: date
    _known: dict[str, Any] = field(default_factory=dict, compare=False)
    """Looked up once for an answer."""

    def clients(self, session: Session) -> frozenset[str]:
        """Whose cards the phone holds."""
        if "clients" not in self._known:
            self._known["clients"] = frozenset(clients_for_rep_in(session, self.rep_id))
        return self._known["clients"]

    def figures(self, session: Session) -> dict[str, wire.CycleFigures]:
        """The cycle's arithmetic of every client with a target."""
        if "figures" not in self._known:
            self._known["figures"] = cycle_figures(session, self)
        return self._known["figures"]

    def user(self, session: Session) -> Any:
        """The rep's own row."""
        if "user" not in self._known:
            self._known["user"] = store.user(session, self.rep_id)
        return self._known["user"]

    def actor(self, session: Session) -> Actor:
        """The rep, as one who reads cards."""
        rep = self.user(session)
        team_ids = frozenset({rep.team_id} if rep and rep.team_id else ())
        return Actor(self.rep_id, Role.rep, team_ids, language=rep.language if rep else "en")

    def cycle(self, session: Session) -> store.Span | None:
        """The cycle of the rep's team that today belongs to."""
        if "cycle" not in self._known:
            rep = self.user(session)
            team_id = rep.team_id if rep else None
            self._known["cycle"] = store.current_cycle(session, team_id, self.today)
        return self._known["cycle"]

    def forms(self, session: Session) -> list[tuple[Any, Any, Any]]:
        """The forms' versions that phones hold."""
        if "forms" not in self._known:
            self._known["forms"] = forms.on_phones_in(session)
        return self._known["forms"]

    def plans(self, session: Session) -> list[Any]:
        """The newest plan of each day within reach."""
        if "plans" not in self._known:
            self._known["plans"] = store.newest_plans(session, self.rep_id, self.first, self.last)
        return self._known["plans"]

    @property
    def first(self) -> date:
        return self.today - timedelta(days=DAYS_BEHIND)

    @property
    def last(self) -> date:
        return self.today + timedelta(days=DAYS_AHEAD)


def reach(actor: Actor) -> Reach:
    """The days around the company's today."""
    return Reach(actor.user_id, clock.local(clock.now()).date())


Made = dict[str, Any]
"""Structs of wire.DOCS by id."""
Maker = Callable[[Session, Reach, Collection[str]], Made]


def make(session: Session, r: Reach, entity: str, ids: Collection[str]) -> Made:
    """Documents by id; an id that is missing here is no longer this phone's to hold."""
    return MAKERS[entity](session, r, ids) if ids else {}


def ids_after(session: Session, r: Reach, entity: str, after: str, limit: int) -> list[str]:
    """The next ids of an entity in a first copy, in the order of their text."""
    return LISTS[entity](session, r, after, limit)


# ---- visits ----


def visit_docs(session: Session, r: Reach, ids: Collection[str]) -> Made:
    rows = store.visits(session, r.rep_id, r.first, r.last, ids)
    photos: dict[str, list[wire.AttachmentDoc]] = {}
    for each in store.attachments(session, [key for key, *_ in rows]):
        photos.setdefault(each.visit_id, []).append(_attachment(each))
    return {row[0]: _visit(row, photos) for row in rows}


def _visit(row: Any, photos: Mapping[str, list[wire.AttachmentDoc]]) -> wire.VisitDoc:
    """A visit of a row whose values stand in the document's own order."""
    *own, conflicts, updated_at_ms, version = row
    both_changed = sorted({c["field"] for c in conflicts}) if conflicts else conflicts
    told: tuple[Any, ...] = (*own, both_changed, photos.get(row[0], []), updated_at_ms, version)
    return wire.VisitDoc(*told)


def _attachment(a: Any) -> wire.AttachmentDoc:
    return wire.AttachmentDoc(
        id=a.id, sha256=a.sha256, kind=a.kind, content_type=a.content_type, size=a.size,
        taken_at_ms=ms(a.taken_at), is_stored=a.stored_at is not None,
    )  # fmt: skip


# ---- clients ----


def client_docs(session: Session, r: Reach, ids: Collection[str]) -> Made:
    mine = r.clients(session).intersection(ids)
    rows = store.clients(session, mine)
    around = _Around(session, r, [key for key, *_ in rows])
    made = {row[0]: _client(row, around) for row in rows}
    ownfields.tell_phone_in(session, r.actor(session), made.values())
    return made


class _Around:
    """What a card shows beside the client's own row, read once for a page of cards."""

    def __init__(self, session: Session, r: Reach, ids: list[str]) -> None:
        self.people: dict[str, list[wire.Workplace]] = {}
        self.workplaces: dict[str, list[wire.Workplace]] = {}
        self.promises: dict[str, list[wire.PromiseDoc]] = {}
        self.history: dict[str, list[wire.PastVisit]] = {}
        for link in store.affiliations(session, ids):
            self._link(link)
        for promise in store.promises(session, r.rep_id, ids):
            self.promises.setdefault(promise.client_id, []).append(_promise(promise))
        for visit in store.history(session, ids):
            self.history.setdefault(visit.client_id, []).append(_past(visit))
        self.shelves: dict[str, dict[str, wire.ShelfFigure]] = {}
        for seen in store.last_seen(session, ids, r.today - timedelta(days=SHELF_DAYS)):
            self.shelves.setdefault(seen.client_id, {})[seen.product_id] = _seen(seen)
        self.cycle = r.figures(session)

    def _link(self, link: store.Link) -> None:
        here = _workplace(link, link.organisation_id, link.organisation)
        self.workplaces.setdefault(link.person_id, []).append(here)
        who = _workplace(link, link.person_id, link.person)
        self.people.setdefault(link.organisation_id, []).append(who)


def _workplace(link: store.Link, other_id: str, name: str) -> wire.Workplace:
    return wire.Workplace(other_id, name, link.role, link.hours, link.is_main)


def _client(row: Any, around: _Around) -> wire.ClientDoc:
    """A card of a row whose values stand in the card's own order."""
    key, *own, version, evidence, consents = row
    told: tuple[Any, ...] = (
        key, *own, around.people.get(key, []), around.workplaces.get(key, []),
        around.promises.get(key, []), around.history.get(key, []), around.cycle.get(key), version,
        [*around.shelves.get(key, {}).values()], evidence, consents,
    )  # fmt: skip
    return wire.ClientDoc(*told)


def _promise(p: Any) -> wire.PromiseDoc:
    return wire.PromiseDoc(
        id=p.id, text=p.text, due_on=p.due_on.isoformat() if p.due_on else None,
        done_at_ms=ms(p.done_at), visit_id=p.visit_id,
    )  # fmt: skip


def _past(v: store.Past) -> wire.PastVisit:
    return wire.PastVisit(v.id, v.day, v.result, v.comment, v.rep_name)


def _seen(s: store.Seen) -> wire.ShelfFigure:
    return wire.ShelfFigure(
        product_id=s.product_id, is_there=s.is_there, price=s.price, day=s.day,
        at_ms=s.closed_at_ms, rep_name=s.rep_name, visit_id=s.visit_id,
    )  # fmt: skip


def cycle_figures(session: Session, r: Reach) -> dict[str, wire.CycleFigures]:
    """The cycle's arithmetic by target: remaining = max(planned - actual, 0)."""
    cycle = r.cycle(session)
    targets = store.targets(session, cycle.id, r.rep_id) if cycle else {}
    if cycle is None or not targets:
        return {}
    actual = store.counted(session, r.rep_id, cycle.starts_on, cycle.ends_on, "closed")
    ahead = store.counted(session, r.rep_id, r.today, cycle.ends_on, "planned")
    return {
        client_id: wire.CycleFigures(
            planned=planned, actual=actual.get(client_id, 0), scheduled=ahead.get(client_id, 0),
            remaining=max(planned - actual.get(client_id, 0), 0),
        )
        for client_id, planned in targets.items()
    }  # fmt: skip


# ---- the rest ----


def product_docs(session: Session, _r: Reach, ids: Collection[str]) -> Made:
    return {p.id: wire.ProductDoc(*p) for p in store.products(session, ids)}


def form_docs(session: Session, r: Reach, ids: Collection[str]) -> Made:
    """Versions of forms; only the newest of a form in use is asked."""
    return {
        forms.key_of(row): wire.FormDoc(
            id=forms.key_of(row), form_id=form.id, version=row.version,
            is_active=form.is_active and row.version == form.version, definition=definition,
        )
        for row, form, definition in r.forms(session) if forms.key_of(row) in ids
    }  # fmt: skip


def shift_docs(session: Session, r: Reach, ids: Collection[str]) -> Made:
    return {s.id: _shift(s) for s in store.shifts(session, r.rep_id, ids)}


def _shift(s: Any) -> wire.ShiftDoc:
    pauses = [
        wire.ShiftPause(from_ms=_iso_ms(p["from"]) or 0, to_ms=_iso_ms(p.get("to")), kind=p["kind"])
        for p in s.pauses
    ]
    return wire.ShiftDoc(
        id=s.id, started_at_ms=ms(s.started_at) or 0, ended_at_ms=ms(s.ended_at), pauses=pauses
    )


def plan_docs(session: Session, r: Reach, ids: Collection[str]) -> Made:
    return {p.day.isoformat(): _plan(p) for p in r.plans(session) if p.day.isoformat() in ids}


def _plan(p: Any) -> wire.PlanDoc:
    return wire.PlanDoc(
        id=p.day.isoformat(), day=p.day.isoformat(), version=p.version,
        stops=[_stop(s) for s in p.stops if s.get("visit_id")], line=p.line, drive_s=p.drive_s,
        distance_m=p.distance_m,
    )  # fmt: skip


def _stop(s: dict[str, Any]) -> wire.PlanStop:
    return wire.PlanStop(
        visit_id=s["visit_id"], position=s.get("position") or 0,
        arrive_at_ms=_iso_ms(s.get("arrive_at")), start_at_ms=_iso_ms(s.get("start_at")),
        leave_at_ms=_iso_ms(s.get("leave_at")), travel_s=s.get("travel_s"),
        travel_m=s.get("travel_m"), mode=s.get("mode"),
    )  # fmt: skip


def profile_docs(session: Session, r: Reach, ids: Collection[str]) -> Made:
    user = r.user(session)
    if user is None or user.id not in ids:
        return {}
    doc = wire.ProfileDoc(
        id=user.id, name=user.name, team_id=user.team_id,
        team_name=user.team_name, mode=user.mode, language=user.language,
        start_lat=user.start_lat, start_lng=user.start_lng, shift_start_min=user.shift_start_min,
        shift_end_min=user.shift_end_min,
        lunch=wire.Lunch(start_min=user.lunch_start_min, minutes=user.lunch_minutes),
        territories=store.territory_names(session, user.id), cycle=_progress(session, r),
        colleagues=colleagues(session, user.team_id, user.id),
        client_fields=_client_fields(session, r),
    )  # fmt: skip
    return {user.id: doc}


def _client_fields(session: Session, r: Reach) -> list[wire.ClientFieldDoc]:
    """The fields in use that reps may see; one that is archived leaves the cards of every phone."""
    rep = r.actor(session)
    seen = (own for own in ownfields.seen_in(session, rep) if not own.is_archived)
    return [_client_field(own, rep) for own in seen]


def _client_field(own: OwnField, rep: Actor) -> wire.ClientFieldDoc:
    is_typed = own.field.type not in OF_CARDS
    may = own.is_filled_by(rep)
    return wire.ClientFieldDoc(
        own_rules.on_phone(own.field), [*own.kinds], may and is_typed,  # type: ignore[arg-type]
        is_file=own.field.type == "file", is_of_desk=may and not is_typed,
        is_sent=may and own.field.type == "file",
    )  # fmt: skip


def _progress(session: Session, r: Reach) -> wire.CycleProgress | None:
    """Over-visiting one client never hides a gap at another."""
    cycle = r.cycle(session)
    figures = r.figures(session).values()
    planned = sum(f.planned for f in figures)
    if cycle is None or not planned:
        return None
    done = sum(min(f.actual, f.planned) for f in figures)
    gone = (r.today - cycle.starts_on).days + 1
    due = planned * gone / ((cycle.ends_on - cycle.starts_on).days + 1)
    return wire.CycleProgress(done=done, planned=planned, pace=round(done / due, 3))


MAKERS: dict[str, Maker] = {
    "profile": profile_docs, "visit": visit_docs, "client": client_docs, "product": product_docs,
    "form": form_docs, "shift": shift_docs, "plan": plan_docs,
    "message": message_docs, "correction": correction_docs, "joint": joint_docs,
}  # fmt: skip


# ---- which ids a first copy holds ----


def _profile_ids(_session: Session, r: Reach, after: str, _limit: int) -> list[str]:
    return [r.rep_id] if r.rep_id > after else []


def _visit_ids(session: Session, r: Reach, after: str, limit: int) -> list[str]:
    return store.visit_ids(session, r.rep_id, r.first, r.last, after, limit)


def _client_ids(session: Session, r: Reach, after: str, limit: int) -> list[str]:
    mine = r.clients(session)
    return sorted(client_id for client_id in mine if client_id > after)[:limit]


def _product_ids(session: Session, _r: Reach, after: str, limit: int) -> list[str]:
    return store.product_ids(session, after, limit)


def _form_ids(session: Session, r: Reach, after: str, limit: int) -> list[str]:
    keys = (forms.key_of(row) for row, *_ in r.forms(session))
    return sorted(key for key in keys if key > after)[:limit]


def _shift_ids(session: Session, r: Reach, after: str, limit: int) -> list[str]:
    since = clock.day_bounds(r.today)[0]
    return sorted(s for s in store.current_shifts(session, r.rep_id, since) if s > after)[:limit]


def _plan_ids(session: Session, r: Reach, after: str, limit: int) -> list[str]:
    days = [p.day.isoformat() for p in r.plans(session) if p.day >= r.today]
    return sorted(d for d in days if d > after)[:limit]


LISTS: dict[str, Callable[[Session, Reach, str, int], list[str]]] = {
    "profile": _profile_ids, "product": _product_ids, "form": _form_ids, "shift": _shift_ids, "plan": _plan_ids,
    "message": message_ids, "correction": correction_ids, "joint": joint_ids, "visit": _visit_ids, "client": _client_ids,
}  # fmt: skip
"""In the order of a first copy: the day's work first, the cards last."""


def _iso_ms(told: str | int | None) -> int | None:
    """Plans and pauses keep moments as ISO 8601 text."""
    if told is None or isinstance(told, int):
        return told
    return ms(datetime.fromisoformat(told))
