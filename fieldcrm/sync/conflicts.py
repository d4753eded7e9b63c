"""What the office and a phone both changed: told to the rep, so that a person decides."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from fieldcrm.kit.errors import Refusal
from fieldcrm.people.model import Actor
from fieldcrm.sync import store
from fieldcrm.visits.model import IllegalMove
from fieldcrm.visits.tables import Visit
from fieldcrm.wire import sync as wire


def set_aside(
    session: Session, actor: Actor, visit: Visit, mutation_id: str
) -> tuple[wire.FieldConflict, ...]:
    """The fields of a visit that a mutation could not set because another had changed them."""
    other = store.last_change_by_others(session, visit.id, actor.user_id)
    return tuple(
        wire.FieldConflict(
            field=aside["field"], mine=aside["value"], theirs=getattr(visit, aside["field"]),
            by=other.by if other else None, at_ms=other.at_ms if other else None,
        )
        for aside in visit.conflicts
        if aside.get("change_id") == mutation_id
    )  # fmt: skip


def of_note(
    session: Session, actor: Actor, client_id: str, mine: str | None, theirs: str | None
) -> wire.FieldConflict:
    """Two notes on one card; both are kept in it meanwhile."""
    other = store.last_event_by_others(session, client_id, actor.user_id)
    return wire.FieldConflict(
        field="note", mine=mine, theirs=theirs, by=other.by if other else None,
        at_ms=other.at_ms if other else None,
    )  # fmt: skip


def of_own_field(
    session: Session, actor: Actor, client_id: str, name: str, mine: Any, theirs: Any
) -> wire.FieldConflict:
    """A card's own field that two people set; the office's value stands until the rep chooses."""
    other = store.last_event_by_others(session, client_id, actor.user_id)
    return wire.FieldConflict(
        field=f"own.{name}", mine=mine, theirs=theirs, by=other.by if other else None,
        at_ms=other.at_ms if other else None,
    )  # fmt: skip


def of_refusal(
    session: Session, actor: Actor, m: wire.Mutation, refusal: Refusal
) -> dict[str, Any]:
    """Who put a visit into the state that forbids a rep's move, when and why; {} when nobody did."""
    if not isinstance(refusal, IllegalMove):
        return {}
    other = store.last_change_by_others(session, m.subject_id, actor.user_id)
    if other is None:
        return {}
    return {"by": other.by, "at_ms": other.at_ms, "reason": other.reason}
