"""How long things are kept; a person's data as a file; a person's track erased."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from fieldcrm.api.identity import Administrator, DeskPerson
from fieldcrm.api.shapes import ID, plain
from fieldcrm.kit.standing import FileStatus
from fieldcrm.privacy import service
from fieldcrm.tracking import policy

router = APIRouter(prefix="/api/v1", tags=["privacy"])
RepId = Annotated[str, Path(pattern=ID)]
FileId = Annotated[str, Path(pattern=ID)]


class PolicyShape(BaseModel):
    """Days and minutes of the local day; null: photos for ever, no quiet hours."""

    keep_days: int = Field(description="tracks")
    alert_days: int
    photo_days: int | None
    quiet_from_min: int | None
    quiet_to_min: int | None


class Overdue(BaseModel):
    """What the next night erases."""

    fixes: int
    reps: int
    alerts: int
    photos: int


class Kept(BaseModel):
    """What is kept of a rep; erasure takes fixes, waiting, aside, alerts, messages, on wish photos."""

    rep_id: str
    login: str
    name: str
    fixes: int
    first_at: datetime | None
    last_at: datetime | None
    waiting: int
    aside: int
    alerts: int
    photos: int
    photo_bytes: int
    visits: int
    shifts: int
    messages: int


class Counted(BaseModel):
    """`seal` is needed for the second step, within ten minutes, once."""

    footprint: Kept
    seal: str


class Erasure(BaseModel):
    """`login` of the rep, typed once more by a person."""

    login: str = Field(max_length=200)
    seal: str = Field(max_length=100)
    photos: bool = False


class Erased(BaseModel):
    fixes: int
    photos: int
    messages: int


class PersonFileOut(BaseModel):
    """`progress` from 0 to 1; `note` is a catalogue key of what is done now."""

    id: str
    rep_id: str
    rep_name: str
    status: FileStatus
    progress: float
    note: str
    asked_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None
    size: int
    counts: dict[str, int]


@router.get("/policy", summary="How long things are kept", response_model=PolicyShape)
def get_policy(actor: DeskPerson) -> dict[str, Any]:
    return asdict(policy.policy(actor))


@router.put("/policy", summary="Decide how long things are kept", response_model=PolicyShape)
def put_policy(body: PolicyShape, actor: Administrator) -> dict[str, Any]:
    """What is past its time is erased in the next night; ask `/policy/overdue` first."""
    return asdict(policy.set_policy(actor, **body.model_dump()))


@router.post("/policy/overdue", summary="What a policy would erase", response_model=Overdue)
def overdue(body: PolicyShape, actor: Administrator) -> dict[str, Any]:
    """Changes nothing."""
    return asdict(policy.overdue(actor, **body.model_dump()))


@router.post(
    "/people/{rep_id}/erasure/count", summary="Count what an erasure takes", response_model=Counted
)
def count_erasure(rep_id: RepId, actor: Administrator) -> Any:
    """The first of two steps."""
    return plain(service.count_erasure(actor, rep_id))


@router.post("/people/{rep_id}/erasure", summary="Erase a rep's track", response_model=Erased)
def erase(rep_id: RepId, body: Erasure, actor: Administrator) -> Any:
    """The second step: every fix until now, where he is, alerts about him, messages to him; his
    visits stay."""
    return plain(service.erase(actor, rep_id, body.login, body.seal, body.photos))


@router.post(
    "/people/{rep_id}/files", summary="Have a rep's data put in a file", status_code=202,
    response_model=PersonFileOut,
)  # fmt: skip
def ask_file(rep_id: RepId, actor: Administrator) -> Any:
    """Made in the background; only the caller may fetch it, for 72 hours."""
    return plain(service.ask_file(actor, rep_id))


@router.get(
    "/person-files", summary="Files the caller asked for", response_model=list[PersonFileOut]
)
def list_files(actor: Administrator) -> Any:
    return plain(service.files(actor))


@router.delete("/person-files/{file_id}", summary="Cancel or erase a file", status_code=204)
def cancel_file(file_id: FileId, actor: Administrator) -> Response:
    service.cancel_file(actor, file_id)
    return Response(status_code=204)


@router.get(
    "/person-files/{file_id}/file", summary="A person's data as zip", response_class=FileResponse
)
def fetch_file(file_id: FileId, actor: Administrator) -> Response:
    """For its maker alone, until it expires."""
    path, name = service.fetch_file(actor, file_id)
    return FileResponse(path, media_type="application/zip", filename=name,
                        headers={"Cache-Control": "no-store"})  # fmt: skip
