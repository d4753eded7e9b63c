"""Handing clients over between reps: looked at, done, undone, and the brief of what went."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from fieldcrm.api.identity import Boss, Person
from fieldcrm.api.shapes import ID, Day, Id, plain
from fieldcrm.handover import service as handovers
from fieldcrm.handover.model import CLIENTS_MOST, Order
from fieldcrm.handover.workbook import export_xlsx
from fieldcrm.kit import i18n

router = APIRouter(prefix="/api/v1/handovers", tags=["handovers"])
HandoverId = Annotated[str, Path(pattern=ID)]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class OrderBody(BaseModel):
    """All that a rep has when neither territories nor clients are named; clients need the new
    owner's territory they come into."""

    from_rep_id: Id
    to_rep_id: Id
    first_day: Day
    territory_ids: Annotated[list[Id], Field(max_length=500)] = []
    client_ids: Annotated[list[Id], Field(max_length=CLIENTS_MOST)] = []
    into_id: Id | None = None

    def order(self) -> Order:
        """The same as the domain's order."""
        return Order(
            self.from_rep_id, self.to_rep_id, self.first_day, frozenset(self.territory_ids),
            frozenset(self.client_ids), self.into_id,
        )  # fmt: skip


class SealedBody(OrderBody):
    """An order that was looked at: `seal` is the preview's."""

    seal: Annotated[str, Field(pattern=r"^[0-9a-f]{24}$")]


class PromiseShown(BaseModel):
    """A promise still open."""

    text: str
    due_on: Day | None


class BriefShown(BaseModel):
    """What the new owner has to know of a client."""

    client_id: str
    name: str
    category: str | None
    place: str
    promises: list[PromiseShown]
    last_visit: Day | None
    last_result: str | None
    last_comment: str | None
    next_visit: Day | None
    remaining: int


class PreviewShown(BaseModel):
    """What would happen; `brief` names clients with promises first, 200 at most."""

    from_name: str
    to_name: str
    territories: list[str]
    clients: int
    visits: int
    days: int
    promises: int
    staying: int
    brief: list[BriefShown]
    seal: str


class HandoverShown(BaseModel):
    """A handover that was done; `stayed` counts what an undoing left with the new owner."""

    id: str
    from_rep_id: str
    from_name: str
    to_rep_id: str
    to_name: str
    by: str | None
    done_at: datetime
    first_day: Day
    clients: int
    visits: int
    promises: int
    undone_at: datetime | None
    stayed: int


@router.get("", summary="Handovers of my teams", response_model=list[HandoverShown])
def list_handovers(actor: Boss) -> list[dict[str, Any]]:
    """The newest 200."""
    return plain(handovers.list_handovers(actor))


@router.post("/preview", summary="What a handover would do", response_model=PreviewShown)
def preview(body: OrderBody, actor: Boss) -> dict[str, Any]:
    """Nothing changes; its `seal` is asked back when it is done."""
    return plain(handovers.preview(actor, body.order()))


@router.post("", summary="Hand clients over", status_code=201, response_model=HandoverShown)
def hand_over(body: SealedBody, actor: Boss) -> dict[str, Any]:
    """Whole or not at all; 409 when something changed since it was looked at."""
    return plain(handovers.hand_over(actor, body.order(), body.seal))


@router.post("/{handover_id}/undo", summary="Undo a handover", response_model=HandoverShown)
def undo(handover_id: HandoverId, actor: Boss) -> dict[str, Any]:
    """All that nobody has built on since goes back; `stayed` counts the rest."""
    return plain(handovers.undo(actor, handover_id))


@router.get("/{handover_id}/brief.xlsx", summary="The brief as a workbook", response_class=Response)
def brief(
    handover_id: HandoverId, actor: Person, language: Annotated[str, Query(max_length=2)] = ""
) -> Response:
    """Managers of the team and the new owner read it."""
    chosen = language if language in i18n.LANGUAGES else actor.language
    headers = {"Content-Disposition": 'attachment; filename="brief.xlsx"'}
    return Response(export_xlsx(actor, handover_id, chosen), media_type=XLSX, headers=headers)
