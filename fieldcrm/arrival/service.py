"""Arrival links: a desk makes one for a client, the client looks, it dies by itself."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from fieldcrm.arrival import limits, rules, store
from fieldcrm.arrival.model import (
    Coming,
    Facts,
    LinkOver,
    LinkView,
    NewLink,
    NothingToShow,
    Stage,
    TooManyLinks,
    UnknownLink,
)
from fieldcrm.arrival.tables import ArrivalLink
from fieldcrm.kit import clock, events, ids, secrets
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.settings import settings
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.tracking import service as tracking
from fieldcrm.tracking.model import LiveRep, RepState
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import VisitNotFound
from fieldcrm.visits.tables import Visit

_DESK = Role.dispatcher, Role.manager, Role.admin
AT_WORK = frozenset({RepState.moving, RepState.idle, RepState.silent})
DIGITS = 5  # of a degree: a metre


# ── for the desk ──


def make(actor: Actor, visit_id: str) -> NewLink:
    """A link to one visit of today; raises VisitNotFound, NothingToShow, TooManyLinks.

    The token is told here and never again.
    """
    people.require(actor, *_DESK)
    now, token = clock.now(), secrets.new_token()
    with transaction() as session:
        visit = _own_visit(session, actor, visit_id)
        if visit.state != "planned" or visit.day != clock.local(now).date():
            raise NothingToShow()
        if len(store.living(session, visit_id, now)) >= rules.LINKS_MOST:
            raise TooManyLinks(most=rules.LINKS_MOST)
        made = ArrivalLink(
            id=ids.new_id(), token_hash=secrets.token_hash(token), visit_id=visit.id,
            rep_id=visit.rep_id, created_by=actor.user_id or None, created_at=now,
            expires_at=now + rules.LASTS,
        )  # fmt: skip
        session.add(made)
        _log(session, actor, made, visit, "arrival.made")
    return NewLink(_view(made), token, f"{settings().web_address}/arrival/{token}")


def links(actor: Actor, visit_id: str) -> list[LinkView]:
    """A visit's links that still live, the newest first; raises VisitNotFound."""
    people.require(actor, *_DESK)
    with reading() as session:
        visit = _own_visit(session, actor, visit_id)
        if visit.state not in rules.COMING:
            return []
        return [_view(one) for one in store.living(session, visit_id, clock.now())]


def revoke(actor: Actor, link_id: str) -> None:
    """Take a link back: it shows nothing from now on. Raises UnknownLink."""
    people.require(actor, *_DESK)
    with transaction() as session:
        found = store.link(session, link_id)
        visit = store.visit(session, found.visit_id) if found else None
        if found is None or visit is None or not visits.may_see(actor, visit):
            raise UnknownLink()
        if found.revoked_at is None:
            found.revoked_at = clock.now()
            session.add(found)
            _log(session, actor, found, visit, "arrival.revoked")


def erase_over(now: datetime) -> int:
    """Erase links that have been over for a day; returns how many."""
    with transaction() as session:
        return store.erase_ended_before(session, now - rules.KEPT_WHEN_OVER)


def _own_visit(session: Session, actor: Actor, visit_id: str) -> Visit:
    found = store.visit(session, visit_id)
    if found is None or not visits.may_see(actor, found):
        raise VisitNotFound()
    return found


def _view(link: ArrivalLink) -> LinkView:
    return LinkView(link.id, link.visit_id, link.created_at, link.expires_at, link.opened_at)


def _log(session: Session, actor: Actor | None, link: ArrivalLink, visit: Visit, kind: str) -> None:
    events.record(
        session, kind, visit.id, actor_id=actor.user_id or None if actor else None,
        team_id=visit.team_id, source=actor.source if actor else "web",
        data={"rep_id": link.rep_id},
    )  # fmt: skip


# ── for the client ──


def is_alive(token: str) -> bool:
    """Whether a page at this address has anything to show; counts nothing, logs nothing."""
    with reading() as session:
        link = store.link_of(session, secrets.token_hash(token))
        return link is not None and _alive(session, link, clock.now())


def look(token: str, address: str) -> Coming:
    """What a link shows now; raises LinkOver, LookedTooOften, Unavailable without Valkey."""
    now = clock.now()
    with reading() as session:
        link = store.link_of(session, secrets.token_hash(token))
        if link is None or not _alive(session, link, now):
            limits.count_miss(address)
            raise LinkOver()
        limits.count_look(link.id)
        told = store.told_of(session, link.visit_id)
        is_next = _is_next(session, told[0])
    live = tracking.live_of(told[1], now)
    if link.opened_at is None:
        _note_opened(link.id, now)
    return _coming(link, told, _facts(link, told[0], is_next, live, now), live)


def _alive(session: Session, link: ArrivalLink, now: datetime) -> bool:
    visit = store.visit(session, link.visit_id)
    if visit is None:
        return False
    facts = _facts(link, visit, is_next=False, live=None, now=now)
    return rules.is_alive(facts, link.expires_at, link.revoked_at, now)


def _is_next(session: Session, visit: Visit) -> bool:
    ahead = store.open_visits(session, visit.rep_id, visit.day)
    return bool(ahead) and ahead[0].id == visit.id


def _facts(
    link: ArrivalLink, visit: Visit, is_next: bool, live: LiveRep | None, now: datetime
) -> Facts:
    return Facts(
        state=visit.state, is_today=visit.day == clock.local(now).date(),
        is_same_rep=visit.rep_id == link.rep_id, is_next=is_next,
        is_at_work=live is not None and live.state in AT_WORK,
        fix_age_s=live.age_s if live else None,
    )  # fmt: skip


def _coming(link: ArrivalLink, told: tuple, facts: Facts, live: LiveRep) -> Coming:
    visit, rep, client, other_place = told
    place, shown = other_place or client, rules.shows_position(facts)
    has_place = live.lat is not None and live.lng is not None
    at = (live.lat, live.lng) if shown and has_place else (None, None)
    stage = rules.stage(facts)
    expected = None if stage is Stage.arrived else visit.expected_at or visit.planned_at
    return Coming(
        stage, rules.first_name(rep.name), place.name, ", ".join(p for p in (place.address, place.city) if p),
        visit.lat if visit.lat is not None else place.lat,
        visit.lng if visit.lng is not None else place.lng, expected,
        *(None if v is None else round(v, DIGITS) for v in at),
        fix_at=clock.from_ms(live.fix_at_ms) if shown and live.fix_at_ms else None,
        ends_at=link.expires_at,
    )  # fmt: skip


def _note_opened(link_id: str, now: datetime) -> None:
    with transaction() as session:
        link = store.link(session, link_id)
        visit = store.visit(session, link.visit_id) if link else None
        if link is None or visit is None or link.opened_at is not None:
            return
        link.opened_at = now
        session.add(link)
        _log(session, None, link, visit, "arrival.opened")
