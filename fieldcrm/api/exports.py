"""Lists made into files in the background, fetched whole or in pieces by who asked for them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field

from fieldcrm.api.identity import DeskPerson
from fieldcrm.api.shapes import ID, plain
from fieldcrm.exports import service
from fieldcrm.kit.standing import FileStatus

router = APIRouter(prefix="/api/v1/exports", tags=["exports"])
ExportId = Annotated[str, Path(pattern=ID)]
MEDIA = {
    "csv": "text/csv; charset=utf-8", "geojson": "application/geo+json", "vcf": "text/vcard; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip


class ExportBody(BaseModel):
    """`asked` narrows and orders the list: a saved view's `state` for clients, plain texts by the
    names of the list's filters otherwise."""

    list: Literal[
        "clients",
        "visits",
        "messages",
        "quality",
        "duplicates",
        "corrections",
        "territories",
        "plan_vs_actual",
        "events",
    ]
    form: Literal["csv", "xlsx", "geojson", "vcf"]
    asked: dict[str, Any] = Field(default_factory=dict, max_length=40)


class ExportOut(BaseModel):
    """`progress` from 0 to 1; `rows` where the list counts them."""

    id: str
    list_name: str
    form: str
    status: FileStatus
    progress: float
    asked_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None
    rows: int
    size: int


@router.post("", summary="Have a list made into a file", status_code=202, response_model=ExportOut)
def ask(body: ExportBody, actor: DeskPerson) -> Any:
    """Made in the background with the caller's own rows; only the caller may fetch it, for a day."""
    return plain(service.ask(actor, body.list, body.form, body.asked))


@router.get("", summary="Files the caller asked for", response_model=list[ExportOut])
def list_exports(actor: DeskPerson) -> Any:
    """The newest first."""
    return plain(service.exports(actor))


@router.get("/{export_id}", summary="How a file stands", response_model=ExportOut)
def get_export(export_id: ExportId, actor: DeskPerson) -> Any:
    """For its maker alone."""
    return plain(service.get(actor, export_id))


@router.delete("/{export_id}", summary="Cancel or erase a file", status_code=204)
def cancel(export_id: ExportId, actor: DeskPerson) -> Response:
    """One that is being made stops, a ready one is erased."""
    service.cancel(actor, export_id)
    return Response(status_code=204)


@router.get("/{export_id}/file", summary="The file", response_class=FileResponse)
def fetch(
    export_id: ExportId, actor: DeskPerson, range_: Annotated[str | None, Header(alias="Range")] = None
) -> Response:  # fmt: skip
    """Whole, or from where a broken download stopped: `Range` with the ETag as `If-Range`."""
    is_first = range_ is None or range_.startswith("bytes=0-")
    path, name = service.fetch(actor, export_id, is_first)
    return FileResponse(path, media_type=MEDIA[path.suffix[1:]], filename=name,
                        headers={"Cache-Control": "private, no-cache"})  # fmt: skip
