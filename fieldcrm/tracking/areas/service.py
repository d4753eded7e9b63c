"""Areas for desks and the API: who may see, make, change and delete which."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec
from redis.exceptions import RedisError
from sqlmodel import Session

from fieldcrm.kit import bus, clock, events, feed, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, OutOfScope, Role
from fieldcrm.tracking import shifts
from fieldcrm.tracking.areas import exchange, rules, store
from fieldcrm.tracking.areas.model import (
    AREAS_MOST,
    AreaView,
    BadArea,
    BadAreaFile,
    Draft,
    Seen,
    Shape,
    StaleArea,
    TooManyAreas,
    UnknownArea,
)
from fieldcrm.tracking.areas.tables import Area
from fieldcrm.tracking.rules import current_span

_DESK = Role.dispatcher, Role.manager, Role.admin
_SHOWN = ("name", "on_enter", "on_leave", "active_from_min", "active_to_min", "days")
"""Fields whose change the event log tells."""


def areas(actor: Actor) -> list[AreaView]:
    """Areas that watch any of the actor's teams, by name."""
    people.require(actor, *_DESK)
    inside = _inside(actor)
    with reading() as session:
        found = store.areas(session, people.visible_team_ids(actor))
        teams = store.teams_of(session, [a.id for a in found])
    return [_view(actor, a, teams[a.id], inside.get(a.id, ())) for a in found]


def get(actor: Actor, area_id: str) -> AreaView:
    """One of them; raises UnknownArea."""
    people.require(actor, *_DESK)
    with reading() as session:
        found, teams = _visible(session, actor, area_id)
    return _view(actor, found, teams, _inside(actor).get(area_id, ()))


def save(
    actor: Actor, draft: Draft, area_id: str | None = None, version: int | None = None
) -> AreaView:
    """Make an area, or change one in all it is (`version`: the one it was changed from).

    Raises BadArea, UnknownArea, StaleArea, TooManyAreas, OutOfScope (a team or rep of others).
    """
    people.require(actor, *_DESK)
    rules.check_choices(draft)
    rules.check_shape(draft.shape)
    with feed.writing() as session:
        if area_id is None:
            saved = _add(session, actor, draft)
        else:
            saved = _change(session, actor, draft, area_id, version)
        teams = store.teams_of(session, [saved.id])[saved.id]
    return _view(actor, saved, teams, ())


def remove(actor: Actor, area_id: str) -> None:
    """Delete an area for good; alerts that were raised keep its name. Raises UnknownArea."""
    people.require(actor, *_DESK)
    with feed.writing() as session:
        gone = _changeable(session, actor, area_id)
        _tell(session, actor, gone, "area.deleted", {"name": gone.name})
        store.remove(session, gone)


def export(actor: Actor) -> dict[str, Any]:
    """The actor's areas as a GeoJSON FeatureCollection."""
    return exchange.collection_of(areas(actor))


def add_file(actor: Actor, content: bytes) -> int:
    """Add every area of a GeoJSON file, or none: raises BadAreaFile where one can't be."""
    people.require(actor, *_DESK)
    drafts = exchange.read_collection(content)
    for n, draft in enumerate(drafts, 1):
        try:
            rules.check_choices(draft)
            rules.check_shape(draft.shape)
        except BadArea as error:
            raise BadAreaFile(n=n, reason=error.params["reason"]) from error
    with transaction() as session:
        for draft in drafts:
            _add(session, actor, draft)
    return len(drafts)


# ── inside ──


def shape_in(row: Area) -> Shape:
    """The shape of a row."""
    return msgspec.convert(row.shape, Shape)


def _view(actor: Actor, row: Area, teams: frozenset[str], inside: Iterable[str]) -> AreaView:
    may_change = _may_change(actor, row, teams)
    shown = teams if may_change else teams & actor.team_ids
    reps = row.rep_ids if may_change else ()  # others' reps are nobody's business
    return AreaView(
        row.id, row.name, shape_in(row), row.on_enter, row.on_leave, row.is_for_all,
        tuple(sorted(shown)), tuple(reps), row.active_from_min, row.active_to_min, row.days,
        may_change, tuple(inside), row.updated_at, row.version,
    )  # fmt: skip


def _may_change(actor: Actor, row: Area, teams: frozenset[str]) -> bool:
    return actor.is_admin or (not row.is_for_all and teams <= actor.team_ids)


def _inside(actor: Actor) -> dict[str, list[str]]:
    """Which of the actor's reps at work stand in which area; nothing while Valkey is away."""
    reps = _at_work([rep.id for rep in people.visible_reps(actor)])
    found: dict[str, list[str]] = {}
    seen: Mapping[str, Seen] = {}
    with suppress(RedisError):
        seen = store.seen_of(bus.connection(), reps)
    newest = clock.now_ms() - rules.FORGOTTEN_MS
    for rep_id, one in seen.items():
        for area_id, standing in one.by_area.items():
            if standing.side > 0 and one.at_ms >= newest:
                found.setdefault(area_id, []).append(rep_id)
    return found


def _at_work(rep_ids: list[str]) -> list[str]:
    """Those who are on shift: where somebody stood when he went home is not told."""
    with reading() as session:
        spans = shifts.spans_in(session, clock.now() - timedelta(days=1), rep_ids)
    return [r for r in rep_ids if current_span(spans.get(r, ()), clock.now_ms()) is not None]


def _visible(session: Session, actor: Actor, area_id: str) -> tuple[Area, frozenset[str]]:
    found = store.area(session, area_id)
    if found is None:
        raise UnknownArea()
    teams, seen = store.teams_of(session, [area_id])[area_id], people.visible_team_ids(actor)
    if not (found.is_for_all or seen is None or teams & seen):
        raise UnknownArea()
    return found, teams


def _changeable(session: Session, actor: Actor, area_id: str) -> Area:
    """An area all of whose teams are the actor's; another's is answered as if it weren't there."""
    found, teams = _visible(session, actor, area_id)
    if not _may_change(actor, found, teams):
        raise UnknownArea()
    return found


def _add(session: Session, actor: Actor, draft: Draft) -> Area:
    if store.count(session) >= AREAS_MOST:
        raise TooManyAreas(most=AREAS_MOST)
    now = clock.now()
    made = Area(
        id=ids.new_id(), name="", shape={}, created_by=actor.user_id or None, created_at=now,
        updated_at=now,
    )  # fmt: skip
    _fill(session, actor, made, draft)
    _tell(session, actor, made, "area.created", {"name": made.name})
    return made


def _change(
    session: Session, actor: Actor, draft: Draft, area_id: str, version: int | None
) -> Area:
    changed = _changeable(session, actor, area_id)
    if version is not None and version != changed.version:
        raise StaleArea(version=changed.version)
    before = {name: getattr(changed, name) for name in _SHOWN}
    _fill(session, actor, changed, draft)
    changed.version, changed.updated_at = changed.version + 1, clock.now()
    after = {name: getattr(changed, name) for name in _SHOWN}
    moved = {name for name in _SHOWN if before[name] != after[name]}
    told = {"before": {n: before[n] for n in moved}, "after": {n: after[n] for n in moved}}
    _tell(session, actor, changed, "area.changed", {"area": changed.name, **told})
    return changed


def _fill(session: Session, actor: Actor, row: Area, draft: Draft) -> None:
    teams = _teams_wanted(actor, draft)
    _check_reps(session, actor, draft.rep_ids, teams)
    row.name, row.shape = draft.name.strip(), msgspec.to_builtins(draft.shape)
    row.on_enter, row.on_leave = draft.on_enter, draft.on_leave
    row.is_for_all, row.rep_ids = teams is None, sorted(draft.rep_ids)
    row.active_from_min, row.active_to_min = draft.active_from_min, draft.active_to_min
    row.days = "".join(sorted(draft.days))
    session.add(row)
    session.flush()
    store.set_teams(session, row.id, teams or ())
    session.flush()


def _teams_wanted(actor: Actor, draft: Draft) -> frozenset[str] | None:
    """The teams an area is to watch, None for the whole company; raises OutOfScope, BadArea."""
    known = {team.id for team in people.list_teams(actor)}
    if draft.team_ids is None:
        if actor.is_admin:
            return None
        if not known:
            raise BadArea(field="team_ids", reason="teams")
        return frozenset(known)
    if not draft.team_ids:
        raise BadArea(field="team_ids", reason="teams")
    if draft.team_ids - known:
        raise OutOfScope()
    return draft.team_ids


def _check_reps(
    session: Session, actor: Actor, rep_ids: Collection[str], teams: frozenset[str] | None
) -> None:
    for rep_id in rep_ids:
        rep = people.scope_rep_in(session, actor, rep_id)
        if teams is not None and rep.team_id not in teams:
            raise BadArea(field="rep_ids", reason="reps")


def _tell(session: Session, actor: Actor, row: Area, kind: str, data: dict[str, Any]) -> None:
    events.record(
        session, kind, row.id, actor_id=actor.user_id or None, source=actor.source, data=data
    )
    teams = store.teams_of(session, [row.id])[row.id]
    for team_id in teams or {team.id for team in people.list_teams(actor)}:
        feed.notify_desk(session, team_id, {"t": "changed", "entity": "area", "id": row.id})
