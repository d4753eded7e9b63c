"""Corrections that reps ask for, and the office's word on them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from fieldcrm.api.identity import DeskPerson
from fieldcrm.api.shapes import ID, Day, Id, Search, plain
from fieldcrm.kit import i18n
from fieldcrm.sync import correction_list, corrections
from fieldcrm.sync.correction_list import Filters
from fieldcrm.sync.correction_workbook import export_xlsx

router = APIRouter(prefix="/api/v1", tags=["clients"])
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CorrectionId = Annotated[str, Path(pattern=ID)]
Status = Literal["", "open", "accepted", "declined"]
What = Literal["", "pin", "address", "name"]


class CorrectionOut(BaseModel):
    """What a rep asks to change of a card: what it said then, what it says now, what it should say."""

    id: str
    client_id: str
    client_name: str
    rep_id: str
    rep_name: str
    at: datetime
    wanted: dict[str, Any]
    before: dict[str, Any]
    now: dict[str, Any]
    comment: str | None


class CheckInOut(BaseModel):
    """Where somebody checked in at this client; metres to the old and the wanted pin."""

    visit_id: str
    day: date
    rep_name: str
    lat: float
    lng: float
    accuracy_m: float | None
    is_mock: bool
    old_m: float | None
    new_m: float | None


class ListedOut(BaseModel):
    """`overtaken` names fields of an open correction that somebody changed since."""

    correction: CorrectionOut
    status: Status
    decided_by: str
    decided_at: datetime | None
    reason: str
    overtaken: list[str]


class DetailOut(ListedOut):
    """Check-ins at the client, the newest first, and how many lie within 75 m of each pin."""

    check_ins: list[CheckInOut]
    photos: list[str]
    """By their hash: /api/v1/attachments/{sha256}, once the phone has sent them."""
    near_old: int
    near_new: int


class Decision(BaseModel):
    """`overwrite`: also what somebody changed since the rep looked; `edits`: fields of the correction
    -> what to write instead of the wanted value."""

    accept: bool
    overwrite: bool = False
    reason: str = Field(default="", max_length=corrections.REASON_MOST)
    edits: dict[str, str | float | None] = {}


class Decided(BaseModel):
    client_id: str
    version: int


@router.get(
    "/corrections",
    summary="Corrections that wait for the office",
    response_model=list[CorrectionOut],
)
def list_corrections(actor: DeskPerson) -> list[dict[str, Any]]:
    """Of clients in the caller's scope, the oldest first."""
    return [vars(each) for each in correction_list.open_corrections(actor)]


@router.get(
    "/corrections/export.xlsx", summary="Corrections as a workbook", response_class=Response
)
def export(
    actor: DeskPerson, search: Search = "", status: Status = "", what: What = "",
    rep_id: Id | None = None, first: Day | None = None, last: Day | None = None,
    language: Annotated[str, Query(max_length=2)] = "",
) -> Response:  # fmt: skip
    """Open and decided ones, a line for each wanted field. At most 5,000 lines, longer lists are made
    as files by `/exports`."""
    filters = Filters(search, status, what, rep_id or "", first, last)
    chosen = language if language in i18n.LANGUAGES else actor.language
    headers = {"Content-Disposition": 'attachment; filename="corrections.xlsx"'}
    return Response(export_xlsx(actor, filters, chosen), media_type=XLSX, headers=headers)


@router.get(
    "/corrections/{correction_id}",
    summary="A correction and its evidence",
    response_model=DetailOut,
)
def get_correction(correction_id: CorrectionId, actor: DeskPerson) -> dict[str, Any]:
    """Open or decided."""
    found = correction_list.detail(actor, correction_id)
    listed = plain(found.listed) | {"overtaken": found.listed.overtaken}
    near = {"near_old": found.near_old, "near_new": found.near_new}
    photos = [p.sha256 for p in found.photos if p.erased_at is None]
    return listed | near | {"check_ins": plain(found.check_ins), "photos": photos}


@router.post(
    "/corrections/{correction_id}", summary="Accept or decline a correction", response_model=Decided
)
def decide(correction_id: CorrectionId, body: Decision, actor: DeskPerson) -> dict[str, Any]:
    """409 `correction_overtaken` names fields that changed meanwhile; send `overwrite` to go on."""
    client = corrections.decide(
        actor, correction_id, body.accept, body.overwrite, body.reason, body.edits
    )
    return {"client_id": client.id, "version": client.version}
