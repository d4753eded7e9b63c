"""What is known of a team's span when somebody asks what if: each rep's clients, all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date

from sqlmodel import Session

from fieldcrm.clients.tables import Client
from fieldcrm.kit.settings import settings
from fieldcrm.people.tables import User
from fieldcrm.planning import cycle_facts, cycle_store, store
from fieldcrm.planning.cycle_facts import RepFacts, Span
from fieldcrm.planning.cycle_problem import Point, Wish
from fieldcrm.planning.dayfacts import DEFAULT_MINUTES
from fieldcrm.planning.tables import WhatIf
from fieldcrm.planning.whatif_model import Assumptions, Base, Part
from fieldcrm.visits.tables import Visit


def load(session: Session, asked: WhatIf) -> tuple[Base, list[Visit]]:
    """The team as it is, and the visits that stand in its calendar."""
    assumed = Assumptions(**asked.assumptions)
    span = Span(asked.first_day, asked.last_day, most_a_day=assumed.most_a_day)
    facts = [
        (user, cycle_facts.load_rep(session, user, span))
        for user in store.reps(session, asked.rep_ids)
        if user.team_id == asked.team_id  # who went to another team since is that team's to look at
    ]
    base = Base(
        asked.first_day, asked.last_day, settings().timezone, assumed.most_a_day, asked.resolution,
        tuple(_part(session, each) for _, each in facts),
    )  # fmt: skip
    return base, [v for _, each in facts for v in each.standing]


def points_of(session: Session, users: Sequence[User], span: Span) -> list[Point]:
    """Where a team's clients are."""
    parts = [_part(session, cycle_facts.load_rep(session, u, span)) for u in users]
    return [w.point for p in parts for w in p.wishes if w.point]


def _part(session: Session, facts: RepFacts) -> Part:
    """A rep's share; clients for whom the span asks nothing are in it, since a frequency may change."""
    wished = {w.client_id for w in facts.wishes}
    rest = sorted(c for c in facts.quotas if c not in wished)
    named, works = cycle_store.names(session, rest), cycle_store.workplaces(session, rest)
    seen = cycle_store.last_seen(session, facts.rep.id)
    more = [_idle(named[c], works.get(c), seen.get(c)) for c in rest if c in named]
    wishes = sorted([*facts.wishes, *more], key=lambda w: w.client_id)
    return Part(facts.rep, tuple(wishes), tuple(facts.fixed))


def _idle(client: Client, work: tuple[str | None, Client] | None, last: date | None) -> Wish:
    """A client of whom nothing more is wanted now."""
    hours, place = work or (None, client)
    return Wish(
        client.id, client.category, _point(place) or _point(client),
        client.visit_minutes or DEFAULT_MINUTES, 0,
        hours or client.opening_hours or place.opening_hours, (last,) if last else (),
    )  # fmt: skip


def _point(client: Client) -> Point | None:
    return None if client.lat is None or client.lng is None else (client.lat, client.lng)


def seal_of(base: Base, standing: Sequence[Visit]) -> str:
    """The same for the same data: what scenarios must share to be compared."""
    stand = sorted((v.id, v.day.isoformat(), v.position) for v in standing)
    return hashlib.sha256(repr((base.parts, stand)).encode()).hexdigest()[:32]
