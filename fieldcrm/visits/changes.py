"""Every change of a visit is kept: who, when by which clock, where, from what to what."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from fieldcrm.kit import clock, events, ids
from fieldcrm.people.model import Actor
from fieldcrm.visits.model import MoveRequest
from fieldcrm.visits.tables import Visit, VisitChange

TOLD = (
    "state", "rep_id", "day", "position", "planned_at", "result", "comment", "details", "reason",
    "checked_in_at", "closed_at", "moved_to_id", "promise_id",
)  # fmt: skip
"""Fields whose values before and after a change keeps."""


def fields_of(visit: Visit | None) -> dict[str, Any]:
    """The values of TOLD as a change keeps them; nothing of no visit."""
    return {name: _plain(getattr(visit, name)) for name in TOLD} if visit else {}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def note(
    session: Session, actor: Actor, request: MoveRequest, visit: Visit, from_state: str | None,
    before: dict[str, Any], follow: dict[str, Any],
) -> None:  # fmt: skip
    """The change with both clocks, place and fields before and after; and its event."""
    change, event = rows_of(actor, request, visit, from_state, before, follow)
    session.add(VisitChange(**change))
    events.record(
        session, event["kind"], visit.id, actor_id=event["actor_id"], team_id=visit.team_id,
        source=actor.source, data=event["data"],
    )  # fmt: skip


def rows_of(
    actor: Actor, request: MoveRequest, visit: Visit, from_state: str | None,
    before: dict[str, Any], follow: dict[str, Any],
) -> tuple[dict[str, Any], dict[str, Any]]:  # fmt: skip
    """The columns of a change and of its event, for those who write many at once."""
    after = fields_of(visit)
    changed = [name for name in TOLD if before.get(name) != after[name]]
    where = request.position
    data = {
        "before": {name: before.get(name) for name in changed if before},
        "after": {name: after[name] for name in changed},
        "offset_ms": request.offset_ms, **request.clock_facts, **follow,
    }  # fmt: skip
    if request.reason:
        data["reason"] = request.reason
    now, by = clock.now(), actor.user_id or None
    change = {
        "id": request.change_id or ids.new_id(), "visit_id": visit.id, "move": request.move,
        "from_state": from_state, "to_state": visit.state, "actor_id": by,
        "device_at": request.device_at, "at": request.at, "server_at": now,
        "lat": where.lat if where else None, "lng": where.lng if where else None,
        "accuracy_m": where.accuracy_m if where else None, "source": actor.source, "data": data,
        "version": visit.version,
    }  # fmt: skip
    event = {
        "id": ids.new_id(), "at": now, "actor_id": by, "kind": f"visit.{request.move}",
        "subject_id": visit.id, "team_id": visit.team_id, "source": actor.source,
        "data": {"from": from_state, "to": visit.state, "fields": changed},
    }  # fmt: skip
    return change, event
