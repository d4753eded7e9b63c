"""What happened with a client: visits, calls, changes, documents, promises; and calls noted."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from fieldcrm.api.identity import Person
from fieldcrm.api.shapes import ID, Cursor
from fieldcrm.clients import calls
from fieldcrm.reports.timeline import timeline

router = APIRouter(prefix="/api/v1/clients", tags=["clients"])
ClientId = Annotated[str, Path(pattern=ID)]
Kind = Literal["visit", "call", "change", "document", "promise"]


class MomentView(BaseModel):
    """One thing that happened with a client."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    kind: Kind
    at: datetime
    title: str
    text: str
    by: str
    sign: str
    """Of a visit: its verdict, or its state while it has none."""
    visit_id: str
    href: str
    """Where a document is fetched; empty where it is gone or on its way."""


class TimelineView(BaseModel):
    """Some of what happened; `cursor` asks for what was before."""

    model_config = ConfigDict(from_attributes=True)

    rows: list[MomentView]
    cursor: str | None


class CallBody(BaseModel):
    """A call that was made."""

    outcome: Literal["reached", "not_reached"]
    text: Annotated[str, Field(max_length=500)] = ""


@router.get(
    "/{client_id}/timeline", summary="What happened with a client", response_model=TimelineView
)
def client_timeline(
    client_id: ClientId, actor: Person, kind: Kind | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20, cursor: Cursor = None,
) -> Any:  # fmt: skip
    """Visits, calls, changes, documents and promises in one order, the latest first, in my language."""
    return timeline(actor, client_id, actor.language, kind or "", limit, cursor)


@router.post("/{client_id}/calls", summary="Note a call to a client", status_code=204)
def note_call(client_id: ClientId, body: CallBody, actor: Person) -> None:
    """One that was answered says what about."""
    calls.note_call(actor, client_id, body.outcome, body.text)
