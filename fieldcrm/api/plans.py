"""Day plans, and proposals to change them that somebody confirms."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from fieldcrm.api.identity import DeskPerson, Person
from fieldcrm.api.live import PathDay
from fieldcrm.api.shapes import ID, Day, Id, plain
from fieldcrm.kit.errors import NotFound
from fieldcrm.people.model import BadField
from fieldcrm.planning import service as planning
from fieldcrm.planning import slots

router = APIRouter(prefix="/api/v1/plans", tags=["plans"])
ProposalId = Annotated[str, Path(pattern=ID)]


class ProposalBody(BaseModel):
    """What to work out: replan (the rest of one rep's day), move (a visit to a rep), plan_days."""

    kind: Literal["replan", "move", "plan_days"]
    day: Day | None = None
    rep_ids: Annotated[list[Id], Field(max_length=50)] = []
    visit_id: Id | None = None
    to_rep_id: Id | None = None
    position: Annotated[int, Field(ge=1, le=200)] | None = None


class ProposalMade(BaseModel):
    """Ask for it by its id until its status is ready."""

    id: str


@router.get("/days/{rep_id}/{day}", summary="A rep's plan of a day")
def day_plan(rep_id: Annotated[str, Path(pattern=ID)], day: PathDay, actor: Person) -> Any:
    """The newest version: stops in order with times and reasons, dropped visits, the way."""
    found = planning.day_plan(actor, rep_id, day)
    if found is None:
        raise NotFound()
    return plain(found)


@router.get("/proposals", summary="Open proposals of a day")
def list_proposals(day: Day, actor: DeskPerson) -> list[dict[str, Any]]:
    """Those being worked out or waiting for an answer, the newest first."""
    return plain(planning.open_proposals(actor, day))


@router.post(
    "/proposals", summary="Ask for a proposal", status_code=202, response_model=ProposalMade
)
def ask(body: ProposalBody, actor: DeskPerson) -> dict[str, str]:
    """A worker works it out; nothing moves before somebody applies it."""
    return {"id": _ask(body, actor)}


def _ask(body: ProposalBody, actor: Any) -> str:
    if body.kind == "move":
        if body.visit_id is None or body.to_rep_id is None:
            raise BadField(field="visit_id" if body.visit_id is None else "to_rep_id")
        return planning.request_move(actor, body.visit_id, body.to_rep_id, body.position)
    if body.day is None or not body.rep_ids:
        raise BadField(field="rep_ids" if body.day else "day")
    if body.kind == "replan":
        return planning.request_replan(actor, body.rep_ids[0], body.day)
    return planning.request_plan(actor, body.rep_ids, body.day)


class SlotsBody(BaseModel):
    """A visit that is wanted: to whom, on which day, by any of these reps."""

    client_id: Id
    day: Day
    rep_ids: Annotated[list[Id], Field(min_length=1, max_length=50)]
    minutes: Annotated[int, Field(ge=1, le=600)] | None = None


@router.post("/slots", summary="The best slots for a new visit")
def best_slots(body: SlotsBody, actor: DeskPerson) -> dict[str, Any]:
    """The three cheapest with their cost in minutes; why, where none fits. Nothing is changed."""
    return plain(slots.best_slots(actor, body.client_id, body.rep_ids, body.day, body.minutes))


@router.get("/proposals/{proposal_id}", summary="A proposal")
def get_proposal(proposal_id: ProposalId, actor: DeskPerson) -> dict[str, Any]:
    """Status, progress, the days before and after, what would change."""
    return plain(planning.proposal(actor, proposal_id))


@router.post("/proposals/{proposal_id}/apply", summary="Apply a proposal")
def apply(proposal_id: ProposalId, actor: DeskPerson) -> dict[str, Any]:
    """All of it or nothing; done visits stay. 409 when things moved on since."""
    return plain(planning.apply(actor, proposal_id))


@router.post("/proposals/{proposal_id}/undo", summary="Take an applied proposal back")
def undo(proposal_id: ProposalId, actor: DeskPerson) -> dict[str, Any]:
    """409 when a visit of it moved on since."""
    return plain(planning.undo(actor, proposal_id))


@router.post("/proposals/{proposal_id}/cancel", summary="Stop working one out", status_code=204)
def cancel(proposal_id: ProposalId, actor: DeskPerson) -> None:
    """The job stops at its next report."""
    planning.cancel(actor, proposal_id)


@router.delete("/proposals/{proposal_id}", summary="Say no to a proposal", status_code=204)
def discard(proposal_id: ProposalId, actor: DeskPerson) -> None:
    """Nothing moves."""
    planning.discard(actor, proposal_id)
