"""Messages to reps for desks; for phones: where they can be woken, and what woke them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from fieldcrm.api.identity import DeskPerson, PhoneRep
from fieldcrm.api.shapes import ID, Cursor, Id, Limit, Search, plain
from fieldcrm.kit import i18n
from fieldcrm.messages import exporting, listing
from fieldcrm.messages import service as messages
from fieldcrm.messages.model import RADIUS_M, REPS_MOST, TEXT_MOST, Draft, Filters, Kind, State

router = APIRouter(prefix="/api/v1", tags=["messages"])
MessageId = Annotated[str, Path(pattern=ID)]
Sort = Annotated[str, Query(max_length=20)]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class MessageBody(BaseModel):
    """A task or reminder for reps by name, for a whole team, or both; a reminder needs a time or a
    place. The place is a client's, or a point."""

    kind: Literal["task", "reminder"]
    text: Annotated[str, Field(min_length=1, max_length=TEXT_MOST)]
    rep_ids: Annotated[list[Id], Field(max_length=REPS_MOST)] = []
    team_id: Id | None = None
    due_at: AwareDatetime | None = None
    client_id: Id | None = None
    lat: Annotated[float, Field(ge=-90, le=90)] | None = None
    lng: Annotated[float, Field(ge=-180, le=180)] | None = None
    radius_m: int = RADIUS_M


class Written(BaseModel):
    """The ids of the messages, one for each rep."""

    ids: list[str]


class MessageShown(BaseModel):
    """A message and how far it is."""

    id: str
    kind: str
    text: str
    rep_id: str
    rep_name: str
    team_id: str
    by: str | None
    created_at: datetime
    day: Any
    due_at: datetime | None
    place: str | None
    lat: float | None
    lng: float | None
    radius_m: int | None
    state: str
    arrived_at: datetime | None
    seen_at: datetime | None
    accepted_at: datetime | None
    declined_at: datetime | None
    done_at: datetime | None
    withdrawn_at: datetime | None
    comment: str | None
    phones: int


class MessagePage(BaseModel):
    """`cursor` asks for the next page; null on the last."""

    rows: list[MessageShown]
    cursor: str | None


@router.get("/messages", summary="Messages to my reps", response_model=MessagePage)
def sent(
    actor: DeskPerson, search: Search = "", rep_id: Id | None = None, kind: Kind | None = None,
    state: State | None = None, open: bool = False, sort: Sort = listing.NEWEST_FIRST,
    limit: Limit = 100, cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Search takes any case or script, in the text, the answer, the rep's name and the place's;
    `sort` is written, rep, kind, when or state (`-` turns it round)."""
    wanted = Filters(search, rep_id or "", kind, state, open)
    return plain(listing.page(actor, wanted, sort, limit, cursor))


@router.get("/messages/export.{form}", summary="Messages as a file", response_class=Response)
def export(
    form: Literal["csv", "xlsx"], actor: DeskPerson, search: Search = "", rep_id: Id | None = None,
    kind: Kind | None = None, state: State | None = None, open: bool = False,
    sort: Sort = listing.NEWEST_FIRST, language: Annotated[str, Query(max_length=2)] = "",
) -> Response:  # fmt: skip
    """The same list, whole; CSV is UTF-8 with its mark, and no cell starts a formula. At most 5,000
    rows, longer lists are made as files by `/exports`."""
    wanted = Filters(search, rep_id or "", kind, state, open)
    make = exporting.export_csv if form == "csv" else exporting.export_xlsx
    chosen = language if language in i18n.LANGUAGES else actor.language
    headers = {"Content-Disposition": f'attachment; filename="messages.{form}"'}
    media_type = "text/csv; charset=utf-8" if form == "csv" else XLSX
    return Response(make(actor, wanted, sort, chosen), headers=headers, media_type=media_type)


@router.post("/messages", summary="Write to reps", status_code=201, response_model=Written)
def write(body: MessageBody, actor: DeskPerson) -> dict[str, Any]:
    """Each rep gets a message of his own, which tells when it arrived, was seen, accepted and done."""
    draft = Draft(
        Kind(body.kind), body.text, frozenset(body.rep_ids), body.team_id, body.due_at,
        body.client_id, body.lat, body.lng, body.radius_m,
    )  # fmt: skip
    return {"ids": messages.write(actor, draft)}


@router.delete("/messages/{message_id}", summary="Withdraw a message", status_code=204)
def withdraw(message_id: MessageId, actor: DeskPerson) -> None:
    """It leaves the phone, unless it was answered already."""
    messages.withdraw(actor, message_id)


class SubscriptionBody(BaseModel):
    """What the browser's `PushSubscription` tells, and whose phone it is."""

    device_id: Id
    endpoint: Annotated[str, Field(max_length=1000)]
    p256dh: Annotated[str, Field(max_length=200)]
    auth: Annotated[str, Field(max_length=100)]
    language: Literal["en", "ru", "ro"] = "en"


class PushKey(BaseModel):
    """The `applicationServerKey`, base64url."""

    key: str


@router.get("/push/key", summary="The key a phone subscribes with", response_model=PushKey)
def push_key(actor: PhoneRep) -> dict[str, str]:
    """A P-256 point; the same as long as the install lives."""
    return {"key": messages.push_key(actor)}


@router.put("/push/subscription", summary="Where my phone can be woken", status_code=204)
def subscribe(body: SubscriptionBody, actor: PhoneRep) -> None:
    """Takes the place of an earlier one of the same phone. Only push services that the settings
    allow."""
    messages.subscribe(actor, body.device_id, body.endpoint, body.p256dh, body.auth, body.language)


@router.delete("/push/subscription/{device_id}", summary="Wake my phone no more", status_code=204)
def unsubscribe(device_id: Annotated[str, Path(pattern=ID)], actor: PhoneRep) -> None:
    """A phone that was never subscribed is none of our business either."""
    messages.unsubscribe(actor, device_id)


@router.post("/messages/{message_id}/arrived", summary="A message woke my phone")
def arrived(message_id: MessageId, actor: PhoneRep) -> dict[str, Any]:
    """What the notification shows; the office sees that it came."""
    return plain(messages.arrived(actor, message_id))
