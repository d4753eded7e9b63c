"""All that happened with one client in one place: visits, calls, changes, documents and promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlmodel import Session, col, select

from fieldcrm.clients import cursors
from fieldcrm.clients import service as clients
from fieldcrm.clients.duplicates import merging
from fieldcrm.clients.model import CALLED, BadClientField, BadCursor, Page
from fieldcrm.clients.ownfields import files as own_files
from fieldcrm.clients.ownfields import rules as own_rules
from fieldcrm.clients.tables import CardPhoto, Promise
from fieldcrm.kit import clock, files, i18n
from fieldcrm.kit.database import reading
from fieldcrm.kit.tables import Event
from fieldcrm.people.model import Actor, Role
from fieldcrm.reports import event_names, event_words
from fieldcrm.reports.answers import own_changes
from fieldcrm.reports.visit_list import actual_text
from fieldcrm.visits import service as visits
from fieldcrm.visits import store as visit_store
from fieldcrm.visits.model import VisitFilters
from fieldcrm.visits.store import VisitView

KINDS = ("visit", "call", "change", "document", "promise")
VISITS_MOST = visits.LIST_MAX
EVENTS_MOST = 1000
"""So far back a timeline reaches: what a client has beyond is in the lists of visits and events."""
PAGE_MOST = 100
_SORT = "-timeline"
_BESIDE = ("promise.", "client.merged_into")
"""Kinds of events that a timeline tells by their rows, or by the client that stayed."""


@dataclass(frozen=True)
class Moment:
    """One thing that happened, in the reader's words."""

    id: str
    kind: str
    """One of KINDS."""
    at: datetime
    """When it happened; of a visit that is yet to come, when it should."""
    when: str
    title: str
    text: str = ""
    by: str = ""
    sign: str = ""
    """Of a visit its verdict, or the state that it is in before it has one."""
    visit_id: str = ""
    href: str = ""
    """Where a document is fetched; empty where its bytes are gone or on their way."""


@dataclass(frozen=True)
class _Found:
    """A moment before it has words: what it is made of, and by which of `_SAY`."""

    at: datetime
    id: str
    kind: str
    by: str
    row: Any

    @property
    def key(self) -> tuple[datetime, str]:
        return self.at, self.id


@dataclass(frozen=True)
class _Words:
    """What a page of moments is worded with."""

    language: str
    names: Mapping[str, str]
    own: Mapping[str, list[str]]
    """Event's id -> changes of own fields."""

    def t(self, key: str, **params: Any) -> str:
        return i18n.t(key, self.language, **params)

    def who(self, event: Event) -> str:
        """Whoever did it, or the product itself."""
        return self.names.get(event.actor_id or "") or event_words.source(
            event.source, self.language
        )


def timeline(
    actor: Actor, client_id: str, language: str, kind: str = "", limit: int = 20,
    cursor: str | None = None,
) -> Page:  # fmt: skip
    """Moments of a client in the actor's sight, the latest first, of one kind or of all.

    The last 500 visits and 1,000 events are looked at. Raises ClientNotFound, BadClientField for a
    kind that isn't one, BadCursor.
    """
    if kind and kind not in KINDS:
        raise BadClientField(field="kind")
    limit = max(1, min(limit, PAGE_MOST))
    every = [f for f in _found(actor, client_id) if not kind or f.kind == kind]
    every.sort(key=lambda f: f.key, reverse=True)
    if cursor:
        after = _read(cursor)
        every = [f for f in every if f.key < after]
    shown = every[:limit]
    words = _words(actor, shown, language)
    rows = [_SAY[f.by](f, words) for f in shown]
    is_last = len(every) <= limit
    return Page(
        rows, None if is_last else cursors.written(_SORT, shown[-1].at.isoformat(), shown[-1].id)
    )


def _read(cursor: str) -> tuple[datetime, str]:
    value, last_id = cursors.read(cursor, _SORT)
    try:
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC), last_id
    except (ValueError, OverflowError) as error:
        raise BadCursor() from error


def _words(actor: Actor, shown: Sequence[_Found], language: str) -> _Words:
    events = [f.row for f in shown if f.by == "event"]
    own: dict[str, list[str]] = {}
    for c in own_changes(actor, events, language):
        own.setdefault(c.event_id, []).append(f"{c.label}: {c.before or '—'} → {c.after or '—'}")
    mentioned = {i for f in shown for i in event_words.ids_in(_mentions(f))}
    with reading() as session:
        return _Words(language, event_names.names_of(session, mentioned), own)


def _mentions(found: _Found) -> Any:
    row = found.row[0] if found.by == "file" else found.row
    if isinstance(row, Event):
        return [row.actor_id, row.data]
    return row.rep_id if isinstance(row, Promise | CardPhoto) else None


# ---- what there is ----


def _found(actor: Actor, client_id: str) -> Iterator[_Found]:
    card = clients.card(actor, client_id)
    past = visits.list_visits(actor, VisitFilters(client_id=client_id), "-day", VISITS_MOST).rows
    events = clients.history(actor, client_id, EVENTS_MOST)
    for view in past:
        yield _Found(_moment_of(view), view.visit.id, "visit", "visit", view)
    for event in events:
        if not event.kind.startswith(_BESIDE):
            yield from _of_event(event, card.client)
    with reading() as session:
        yield from _of_visits(session, past)
        yield from _of_corrections(session, actor, client_id)
    for promise in card.promises:
        yield _Found(promise.created_at, promise.id, "promise", "made", promise)
        if promise.done_at:
            yield _Found(promise.done_at, f"{promise.id}:kept", "promise", "kept", promise)


def _moment_of(view: VisitView) -> datetime:
    v = view.visit
    return v.closed_at or v.checked_in_at or v.planned_at or clock.day_bounds(v.day)[0]


def _of_event(event: Event, client: Any) -> Iterator[_Found]:
    """A call, a change, or the file that an own field was given."""
    if event.kind == CALLED:
        yield _Found(event.at, event.id, "call", "call", event)
        return
    after = event.data.get("after")
    own = after.get("own_fields") if isinstance(after, dict) else None
    sent = {n: v for n, v in own.items() if own_rules.is_file(v)} if isinstance(own, dict) else {}
    for name, value in sent.items():
        is_there = client.own_fields.get(name) == value
        href = own_rules.address_of(client.id, name) if is_there else ""
        yield _Found(event.at, f"{event.id}:{name}", "document", "file", (event, value, href))
    if not sent or len(sent) < len(own or ()) or len(after or ()) > 1:
        yield _Found(event.at, event.id, "change", "event", event)


def _of_visits(session: Session, past: Sequence[VisitView]) -> Iterator[_Found]:
    """Photos and sounds of visits."""
    of_visit = {view.visit.id: view for view in past}
    for visit_id, kept in visit_store.attachments(session, of_visit).items():
        view = of_visit[visit_id]
        for a in kept:
            at = a.taken_at or a.stored_at or _moment_of(view)
            yield _Found(at, a.id, "document", "attachment", (a, view))


def _of_corrections(session: Session, actor: Actor, client_id: str) -> Iterator[_Found]:
    """Photos by which somebody showed what should be corrected; a rep sees his own."""
    every = merging.with_merged_in(session, client_id)
    wanted = select(CardPhoto).where(col(CardPhoto.client_id).in_(every))
    if actor.role is Role.rep:
        wanted = wanted.where(CardPhoto.rep_id == actor.user_id)
    for photo in session.exec(wanted):
        yield _Found(photo.taken_at or photo.asked_at, photo.id, "document", "card_photo", photo)


# ---- how it is said ----


def _visit(found: _Found, words: _Words) -> Moment:
    view: VisitView = found.row
    v, is_closed = view.visit, view.visit.state == "closed"
    word = words.t(f"report.{v.verdict}" if is_closed else f"visits_page.state.{v.state}")
    actual = actual_text(v.checked_in_at, v.closed_at)
    when = " ".join(t for t in (_day(v.day, words.language), actual) if t)
    result = words.t(f"report.result.{v.result}") if v.result else ""
    text = " · ".join(t for t in (result, v.comment) if t)
    sign = v.verdict if is_closed else v.state
    return _moment(found, when, word, text, view.rep_name, sign=sign, visit_id=v.id)


def _change(found: _Found, words: _Words) -> Moment:
    event: Event = found.row
    others = event_words.change(_without_own(event), words.names, words.language)
    text = " · ".join(t for t in (*words.own.get(event.id, ()), others) if t)
    title = event_words.what(event.kind, words.language)
    return _moment(found, _when(found, words), title, text, words.who(event))


def _without_own(event: Event) -> Event:
    """Own fields are told by their labels, the rest by the log's words."""
    told = {
        name: {n: v for n, v in state.items() if n != "own_fields"}
        if name in ("before", "after") and isinstance(state, dict) else state
        for name, state in event.data.items()
    }  # fmt: skip
    return Event(id=event.id, at=event.at, kind=event.kind, data=told)


def _call(found: _Found, words: _Words) -> Moment:
    event: Event = found.row
    title = words.t(f"event.outcome.{event.data['outcome']}")
    text = str(event.data.get("text", ""))
    return _moment(found, _when(found, words), title, text, words.who(event))


def _file(found: _Found, words: _Words) -> Moment:
    event, value, href = found.row
    gone = value["id"] in own_files.erased_among([value])
    title = words.t("own_fields.file.erased", name=value["name"]) if gone else value["name"]
    return _moment(
        found, _when(found, words), title, "", words.who(event), href="" if gone else href
    )


def _attachment(found: _Found, words: _Words) -> Moment:
    kept, view = found.row
    title = words.t(f"timeline.{kept.kind}")
    text = words.t("timeline.of_visit", day=_day(view.visit.day, words.language))
    at = words.t("timeline.gone") if kept.erased_at else text
    is_here = kept.stored_at is not None and kept.erased_at is None
    href = f"/api/v1/attachments/{kept.sha256}" if is_here else ""
    return _moment(found, _when(found, words), title, at, view.rep_name,
                   visit_id=view.visit.id, href=href)  # fmt: skip


def _card_photo(found: _Found, words: _Words) -> Moment:
    photo: CardPhoto = found.row
    text = words.t("timeline.gone" if photo.erased_at else "timeline.of_correction")
    is_here = photo.erased_at is None and files.has(photo.sha256)
    href = f"/api/v1/attachments/{photo.sha256}" if is_here else ""
    return _moment(found, _when(found, words), words.t("timeline.photo"), text,
                   words.names.get(photo.rep_id, ""), href=href)  # fmt: skip


def _made(found: _Found, words: _Words) -> Moment:
    due = found.row.due_on
    title = words.t("timeline.promised_for", day=_day(due, words.language)) if due else ""
    return _promise(found, words, title or words.t("event.promise.made"))


def _kept(found: _Found, words: _Words) -> Moment:
    return _promise(found, words, words.t("event.promise.kept"))


def _promise(found: _Found, words: _Words, title: str) -> Moment:
    promise: Promise = found.row
    return _moment(found, _when(found, words), title, promise.text,
                   words.names.get(promise.rep_id, ""), visit_id=promise.visit_id or "")  # fmt: skip


def _moment(found: _Found, when: str, title: str, text: str, by: str, **more: str) -> Moment:
    return Moment(found.id, found.kind, found.at, when, title, text, by, **more)


def _day(day: date, language: str) -> str:
    is_past = day.year != clock.local(clock.now()).year
    return i18n.day(day, language, "d MMM y" if is_past else "EEE d MMM")


def _when(found: _Found, words: _Words) -> str:
    at = clock.local(found.at)
    return f"{_day(at.date(), words.language)} {i18n.time_of_day(at, words.language)}"


_SAY: Mapping[str, Callable[[_Found, _Words], Moment]] = {
    "visit": _visit, "event": _change, "call": _call, "file": _file, "attachment": _attachment,
    "card_photo": _card_photo, "made": _made, "kept": _kept,
}  # fmt: skip
