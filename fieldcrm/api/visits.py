"""Visits: list, detail with every change, and the moves a desk may make."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from fieldcrm.api.identity import DeskPerson, Person
from fieldcrm.api.shapes import ID, Cursor, Day, Id, IfMatch, Limit, Search, etag, plain, version_in
from fieldcrm.kit import clock, ids
from fieldcrm.people.model import BadField
from fieldcrm.visits import service
from fieldcrm.visits.model import MoveRequest, VisitFilters

router = APIRouter(prefix="/api/v1/visits", tags=["visits"])
VisitId = Annotated[str, Path(pattern=ID)]
Text = Annotated[str, Field(max_length=4000)]
Words = Annotated[list[Annotated[str, Field(max_length=40)]], Query(max_length=20)]
DESK_MOVES = frozenset({"revise", "move", "cancel", "assign", "reopen"})
"""What a desk does to a visit; checking in and closing are the phone's, with its evidence."""
_REVISABLE = ("result", "comment", "details")


class VisitPage(BaseModel):
    """Some visits; `cursor` asks for the next ones."""

    rows: list[dict[str, Any]]
    cursor: str | None


class NewVisit(BaseModel):
    """A visit to plan."""

    rep_id: Id
    client_id: Id
    place_id: Id | None = None
    day: Day
    objective: Text | None = None
    planned_at: datetime | None = None
    planned_minutes: Annotated[int, Field(ge=1, le=480)] | None = None


class MoveBody(BaseModel):
    """A move of the visit's life and what it needs.

    assign: rep_id or order; move: day and reason; cancel: reason; reopen; revise: result, comment,
    details.
    """

    move: Annotated[str, Field(max_length=20)]
    reason: Text | None = None
    comment: Text | None = None
    result: Annotated[str, Field(max_length=20)] | None = None
    details: dict[str, Any] | None = None
    day: Day | None = None
    rep_id: Id | None = None
    order: Annotated[int, Field(ge=0, le=200)] | None = None
    planned_at: datetime | None = None


@router.get("", summary="Visits", response_model=VisitPage)
def list_visits(
    actor: Person, search: Search = "", state: Words = [], verdict: Words = [],  # noqa: B006
    result: Words = [], category: Words = [], rep_id: Words = [], team_id: Words = [],  # noqa: B006
    client_id: Id | None = None, day_from: Day | None = None, day_to: Day | None = None,
    is_unplanned: bool | None = None, sort: Annotated[str, Query(max_length=20)] = "-day",
    limit: Limit = 50, cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Those of your scope, by day; each with its client's and rep's names and its verdict."""
    wanted = VisitFilters(
        search=search.replace("\x00", ""), states=tuple(state), verdicts=tuple(verdict),
        results=tuple(result), categories=tuple(category), rep_ids=tuple(rep_id),
        team_ids=tuple(team_id), client_id=client_id, day_from=day_from, day_to=day_to,
        is_unplanned=is_unplanned,
    )  # fmt: skip
    page = service.list_visits(actor, wanted, sort, limit, cursor)
    return {"rows": [view_of(row) for row in page.rows], "cursor": page.cursor}


@router.get("/{visit_id}", summary="A visit with its changes")
def get_visit(visit_id: VisitId, actor: Person, response: Response) -> dict[str, Any]:
    """Every change with actor, both clocks, place and source; photos by hash; version as ETag."""
    found = service.get(actor, visit_id)
    etag(response, found.view.visit.version)
    return view_of(found.view) | {
        "changes": plain(found.changes), "attachments": plain(found.attachments)
    }  # fmt: skip


@router.post("", summary="Plan a visit", status_code=201)
def plan_visit(body: NewVisit, actor: DeskPerson, response: Response) -> dict[str, Any]:
    """For a rep of yours and a client; the phone has it within seconds."""
    made = service.move(
        actor,
        MoveRequest(
            visit_id=ids.new_id(), move="plan", at=clock.now(), rep_id=body.rep_id,
            client_id=body.client_id, place_id=body.place_id, day=body.day,
            objective=body.objective, planned_at=aware(body.planned_at),
            planned_minutes=body.planned_minutes,
        ),
    )  # fmt: skip
    etag(response, made.version)
    return plain(made)


@router.post("/{visit_id}/moves", summary="Move a visit along its life")
def move_visit(
    visit_id: VisitId, body: MoveBody, actor: DeskPerson, response: Response,
    if_match: IfMatch = None,
) -> dict[str, Any]:  # fmt: skip
    """assign, move, cancel, reopen or revise; If-Match with the ETag you saw is required."""
    if body.move not in DESK_MOVES:
        raise BadField(field="move")
    version = version_in(if_match)
    given = body.model_dump(exclude_unset=True)
    changes = {k: given[k] for k in _REVISABLE if k in given} if body.move == "revise" else {}
    moved = service.move(
        actor,
        MoveRequest(
            visit_id=visit_id, move=body.move, at=clock.now(), reason=body.reason,
            comment=body.comment, day=body.day, rep_id=body.rep_id, order=body.order,
            planned_at=aware(body.planned_at), changes=changes, base_version=version,
            only_version=version,
        ),
    )  # fmt: skip
    etag(response, moved.version)
    return plain(moved)


def view_of(view: Any) -> dict[str, Any]:
    """A visit's row with the names beside it, flat."""
    names = {f.name: getattr(view, f.name) for f in fields(view) if f.name != "visit"}
    return plain(view.visit) | names


def aware(moment: datetime | None) -> datetime | None:
    """A moment with its zone; raises BadField without one."""
    if moment is not None and moment.tzinfo is None:
        raise BadField(field="planned_at")
    return moment
