"""Clients that may be one: hints at entry, sweeps, the queue, merges and their undoing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from fieldcrm.api.clients import ClientChanges, ClientView
from fieldcrm.api.identity import Administrator, Boss, Person
from fieldcrm.api.shapes import ID, Cursor, Id, IfMatch, Limit, Search, etag, version_in
from fieldcrm.clients.duplicates import files, hints, merging, queue, sweeping
from fieldcrm.clients.duplicates.model import PairFilters, Status
from fieldcrm.clients.duplicates.queue import PairView
from fieldcrm.kit import i18n

router = APIRouter(prefix="/api/v1", tags=["clients"])
RowId = Annotated[str, Path(pattern=ID)]
StatusName = Literal["", "open", "later", "different", "merged"]
Kind = Literal["", "doctor", "pharmacist", "buyer", "organisation", "pharmacy"]
Sort = Literal["probability", "-probability", "name", "-name", "found_at", "-found_at"]
MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class ReasonOut(BaseModel):
    """One field's word; `bits` above nought speak for one client, below against it."""

    model_config = ConfigDict(from_attributes=True)

    field: str
    level: str
    bits: float


class HintOut(BaseModel):
    """A client there is already that the new one may be."""

    model_config = ConfigDict(from_attributes=True)

    client: ClientView
    probability: float
    reasons: list[ReasonOut]


class FieldOut(BaseModel):
    """A field of both cards."""

    model_config = ConfigDict(from_attributes=True)

    field: str
    left: Any
    right: Any
    is_different: bool


class PairOut(BaseModel):
    """Two clients that may be one; `left` is the card that was there first."""

    id: str
    left: ClientView
    right: ClientView
    probability: float
    reasons: list[ReasonOut]
    status: StatusName
    found_at: datetime
    decided_by: str
    decided_at: datetime | None
    version: int
    fields: list[FieldOut]
    merge_id: str | None


class PairPage(BaseModel):
    """Some pairs; `cursor` asks for the next ones."""

    rows: list[PairOut]
    cursor: str | None


class SweepOut(BaseModel):
    """A look through the whole base; `progress` is 0 to 1."""

    id: str
    status: Literal["queued", "running", "done", "failed", "cancelled"]
    asked_at: datetime
    finished_at: datetime | None
    clients: int
    found: int
    merge_above: float | None
    merged: int
    progress: float


class SweepAsked(BaseModel):
    """`merge_above`: groups as sure as that (0.95 and more, below 1) are merged by rule."""

    merge_above: float | None = None


class Decision(BaseModel):
    """What a person says of a pair; `open` takes an earlier word back."""

    status: Literal["different", "later", "open"]


class MergeAsked(BaseModel):
    """`take` names fields of the other card that the winner's is to have instead of its own."""

    winner_id: Id
    take: Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=20)] = []


class MergeOut(BaseModel):
    """One client taken for another."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    winner_id: str
    loser_id: str
    merged_at: datetime
    undone_at: datetime | None


@router.post("/clients/alike", summary="Who a new client may be", response_model=list[HintOut])
def alike(body: ClientChanges, actor: Person, client_id: Id | None = None) -> list[Any]:
    """For a form while it is filled in: clients in the caller's scope, the likeliest first.

    `client_id` is the client's own id when a card there is already is being changed.
    """
    return hints.alike(actor, body.model_dump(exclude_unset=True, exclude_none=True), client_id)


@router.post(
    "/duplicates/sweeps", summary="Look through the whole base", response_model=SweepOut,
    status_code=202,
)  # fmt: skip
def ask_sweep(actor: Administrator, body: SweepAsked | None = None) -> dict[str, Any]:
    """In the background; 409 `sweep_under_way` while another is."""
    return _sweep_out(sweeping.ask(actor, body.merge_above if body else None))


@router.get("/duplicates/sweeps/latest", summary="The last look", response_model=SweepOut | None)
def latest_sweep(actor: Boss) -> dict[str, Any] | None:
    """With its progress; null before the first."""
    found = sweeping.latest(actor)
    return None if found is None else _sweep_out(found)


@router.delete("/duplicates/sweeps/{sweep_id}", summary="Stop a look", response_model=SweepOut)
def cancel_sweep(sweep_id: RowId, actor: Administrator) -> dict[str, Any]:
    """What earlier ones found stays."""
    return _sweep_out(sweeping.cancel(actor, sweep_id))


def _sweep_out(view: sweeping.SweepView) -> dict[str, Any]:
    return view.sweep.model_dump() | {"progress": view.progress}


@router.get("/duplicates", summary="Pairs that may be one client", response_model=PairPage)
def list_pairs(
    actor: Boss, search: Search = "", status: StatusName = "open", kind: Kind = "",
    sort: Sort = "-probability", limit: Limit = 50, cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Of which the caller may see both clients."""
    found = queue.page(actor, PairFilters(search, status, kind), sort, limit, cursor)
    return {"rows": [_pair_out(view) for view in found.rows], "cursor": found.cursor}


@router.get("/duplicates/export.{form}", summary="The queue as a file", response_class=Response)
def export_pairs(
    form: Literal["csv", "xlsx"], actor: Boss, search: Search = "", status: StatusName = "open",
    kind: Kind = "", sort: Sort = "-probability",
    language: Annotated[str, Query(max_length=2)] = "",
) -> Response:  # fmt: skip
    """All pairs of the list as it is narrowed and ordered. At most 5,000 rows, longer lists are made
    as files by `/exports`."""
    chosen = language if language in i18n.LANGUAGES else actor.language
    content = files.export(form, actor, PairFilters(search, status, kind), sort, chosen)
    headers = {"Content-Disposition": f'attachment; filename="duplicates.{form}"'}
    return Response(content, media_type=MEDIA[form], headers=headers)


@router.get("/duplicates/{pair_id}", summary="Two cards side by side", response_model=PairOut)
def get_pair(pair_id: RowId, actor: Boss, response: Response) -> dict[str, Any]:
    """With the ETag that a decision is made against."""
    view = queue.one(actor, pair_id)
    etag(response, view.pair.version)
    return _pair_out(view)


def _pair_out(view: PairView) -> dict[str, Any]:
    return view.pair.model_dump() | {
        "left": view.left, "right": view.right, "reasons": view.reasons, "fields": view.fields,
        "decided_by": view.decided_by, "merge_id": view.merge.id if view.merge else None,
    }  # fmt: skip


@router.post(
    "/duplicates/{pair_id}/decision", summary="Not the same, later, or open again",
    response_model=PairOut,
)  # fmt: skip
def decide(pair_id: RowId, body: Decision, actor: Boss, if_match: IfMatch = None) -> dict[str, Any]:
    """409 `duplicate_decided` when somebody was faster. Needs If-Match."""
    return _pair_out(queue.set_apart(actor, pair_id, Status(body.status), version_in(if_match)))


@router.post("/duplicates/{pair_id}/merge", summary="The same client", response_model=PairOut)
def merge_pair(
    pair_id: RowId, body: MergeAsked, actor: Boss, if_match: IfMatch = None
) -> dict[str, Any]:
    """The other card's visits, promises and workplaces become the winner's. Needs If-Match."""
    version = version_in(if_match)
    return _pair_out(queue.merge(actor, pair_id, body.winner_id, tuple(body.take), version))


@router.post(
    "/merges/{merge_id}/undo", summary="Make two clients of one again", response_model=MergeOut
)
def undo_merge(merge_id: RowId, actor: Boss) -> Any:
    """Each has what is his, of before and of since. 409 `merge_built_on` while a later one stands."""
    return merging.undo(actor, merge_id)


@router.get(
    "/clients/{client_id}/merges", summary="Merges of a client", response_model=list[MergeOut]
)
def list_merges(client_id: RowId, actor: Person) -> list[Any]:
    """Undone ones too, the newest first."""
    return merging.merges_of(actor, client_id)
