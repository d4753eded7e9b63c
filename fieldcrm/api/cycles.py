"""Plans of a cycle: asked for, and the clients of a rep's cycle as a file."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from fieldcrm.api.identity import DeskPerson
from fieldcrm.api.shapes import Day, Id
from fieldcrm.kit import i18n
from fieldcrm.planning import cycle_board, cycle_book
from fieldcrm.planning import service as planning
from fieldcrm.planning.model import CycleWishes

router = APIRouter(prefix="/api/v1/plans/cycles", tags=["plans"])
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class CycleBody(BaseModel):
    """Whose cycle, from which day on, for how many weeks, and what is to be kept to."""

    rep_ids: Annotated[list[Id], Field(min_length=1, max_length=50)]
    first: Day
    weeks: Annotated[int, Field(ge=4, le=12)]
    most_a_day: Annotated[int, Field(ge=1, le=40)] = 12
    keeps: bool = False
    days_off: Annotated[list[Day], Field(max_length=84)] = []
    most_per_year: Annotated[int, Field(ge=1, le=1000)] | None = None


class CycleAsked(BaseModel):
    """Ask for it among the proposals until its status is ready."""

    id: str


@router.post("", summary="Ask for a cycle's plan", status_code=202, response_model=CycleAsked)
def ask(body: CycleBody, actor: DeskPerson) -> dict[str, str]:
    """A worker works it out; a manager applies it by the route of proposals."""
    wishes = CycleWishes(body.most_a_day, body.keeps, tuple(body.days_off), body.most_per_year)
    return {"id": planning.request_cycle(actor, body.rep_ids, body.first, body.weeks, wishes)}


@router.get(
    "/clients.{form}", summary="Clients of a rep's cycle as a file", response_class=Response
)
def as_file(
    form: Annotated[Literal["xlsx", "csv"], Path()], actor: DeskPerson, rep_id: Id, first: Day,
    weeks: Annotated[int, Query(ge=1, le=12)] = 4, proposal_id: Id | None = None,
    lacking: bool = False, search: Annotated[str, Query(max_length=200)] = "",
    sort: Annotated[str, Query(max_length=20)] = "-lacking",
    language: Annotated[str, Query(max_length=2)] = "",
) -> Response:  # fmt: skip
    """A row a client: planned, done, ahead, lacking and why; as a proposal has it where one is named."""
    shown = cycle_board.shown_proposal(actor, proposal_id or "")
    rows = cycle_board.clients(actor, rep_id, first, weeks, shown, lacking, search, sort)
    chosen = language if language in i18n.LANGUAGES else actor.language
    make, kind = (
        (cycle_book.as_csv, "text/csv; charset=utf-8")
        if form == "csv"
        else (cycle_book.as_xlsx, XLSX)
    )
    headers = {"Content-Disposition": f'attachment; filename="cycle_{first}.{form}"'}
    return Response(make(rows, chosen), media_type=kind, headers=headers)
