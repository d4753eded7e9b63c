"""The phone app's HTTP: device, push, pull, receipt, and attachments in pieces."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec
from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from fieldcrm.api.identity import DeskPerson, Person, PhoneCaller, PhoneRep
from fieldcrm.kit import clock
from fieldcrm.kit.settings import settings
from fieldcrm.sync import copying, importing, service
from fieldcrm.sync.model import AppTooOld, BadPush, FileTooLarge
from fieldcrm.wire import protocol
from fieldcrm.wire import sync as wire


async def spoken(
    told: Annotated[int, Header(alias=protocol.HEADER, ge=0)] = protocol.PROTOCOL_VERSION,
) -> None:
    """Refuse a phone app whose protocol is too old; its outbox stays on the phone."""
    if told < protocol.OLDEST:
        raise AppTooOld(oldest=protocol.OLDEST)


router = APIRouter(prefix="/api/v1", tags=["sync"], dependencies=[Depends(spoken)])
_encode = msgspec.json.Encoder().encode
BODY_MAX = 8 << 20
EXPORT_MAX = 200 << 20
"""A day or two of photos that found no network."""


def _schema(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """A message's JSON schema with every part written out where it is used."""
    (root,), parts = msgspec.json.schema_components((struct,), ref_template="{name}")

    def whole(node: Any) -> Any:
        if isinstance(node, list):
            return [whole(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return whole(parts[node["$ref"]])
        return {key: whole(value) for key, value in node.items()}

    return whole(root)


def _answers(struct: type[msgspec.Struct]) -> dict[int | str, dict[str, Any]]:
    """What a route answers, for the API's description."""
    content = {"application/json": {"schema": _schema(struct)}}
    return {200: {"description": "As described", "content": content}}


def _takes(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """What a route's body holds, for the API's description."""
    content = {"application/json": {"schema": _schema(struct)}}
    return {"requestBody": {"required": True, "content": content}}


_FILE = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def _json(message: msgspec.Struct) -> Response:
    return Response(_encode(message), media_type="application/json")


_limiter: RunVar[CapacityLimiter] = RunVar("pulls")


def _turns() -> CapacityLimiter:
    """The turns of this event loop's pulls: more at once make each slower, and leave nothing to others."""
    try:
        return _limiter.get()
    except LookupError:
        _limiter.set(made := CapacityLimiter(copying.HERE + len(copying.crowd.pids)))
        return made


async def _body(request: Request, limit: int) -> bytes:
    """The body, read no further than the limit."""
    read = bytearray()
    async for chunk in request.stream():
        read += chunk
        if len(read) > limit:
            raise FileTooLarge(limit_mb=limit >> 20)
    return bytes(read)


@router.post(
    "/sync/device", summary="Register this phone app", responses=_answers(wire.DeviceAnswer),
    openapi_extra=_takes(wire.DeviceHello),
)  # fmt: skip
async def register_device(request: Request, actor: PhoneRep) -> Response:
    """Body: {device_id, name, app_version}. Safe to repeat; another rep's device id is refused."""
    try:
        hello = msgspec.json.decode(await _body(request, 1 << 14), type=wire.DeviceHello)
    except msgspec.MsgspecError as error:
        raise BadPush(why=str(error)[:300]) from error
    return _json(await run_in_threadpool(service.register_device, actor, hello))


@router.post(
    "/sync/push", summary="Send what was done offline", responses=_answers(wire.PushAnswer),
    openapi_extra=_takes(wire.Push),
)  # fmt: skip
async def push(request: Request, actor: PhoneRep) -> Response:
    """At most 200 mutations in order of seq; each answers applied, refused or waiting."""
    message = service.decode_push(await _body(request, BODY_MAX))
    return _json(await run_in_threadpool(service.push, actor, message))


@router.get("/sync/pull", summary="What changed since a cursor", responses=_answers(wire.Pull))
async def pull(
    request: Request, caller: PhoneCaller, cursor: Annotated[str, Query(max_length=200)] = "0",
    limit: Annotated[int, Query(ge=1, le=service.PULL_MAX)] = 500,
) -> Response:  # fmt: skip
    """Cursor 0 begins a first copy; go on with the cursor of each answer while `more` is true."""

    may_pack = "gzip" in request.headers.get("accept-encoding", "")

    def answer() -> copying.Page:
        return copying.page(copying.Wanted(caller.actor(), cursor, limit, may_pack))

    made = await to_thread.run_sync(answer, limiter=_turns())
    headers = {"Vary": "Accept-Encoding"} | ({"Content-Encoding": "gzip"} if made.is_packed else {})
    return Response(made.content, media_type="application/json", headers=headers)


@router.get(
    "/sync/receipt", summary="What the server holds of a day", responses=_answers(wire.Receipt)
)
def receipt(actor: PhoneRep, day: date | None = None) -> Response:
    """Visits with their state, photos held whole, signed by this install. Day: today if not said."""
    return _json(service.receipt(actor, day or clock.local(clock.now()).date()))


@router.post(
    "/sync/export", summary="Bring in a phone's exported work", openapi_extra=_FILE,
    responses=_answers(wire.ExportReport),
)  # fmt: skip
async def import_export(request: Request, actor: DeskPerson) -> Response:
    """Body: the file a rep exported. Applied as if his phone had sent it; safe to repeat."""
    content = await _body(request, EXPORT_MAX)
    return _json(await run_in_threadpool(importing.import_export, actor, content))


@router.head("/attachments/{sha256}", summary="How much of a file is here")
def attachment_offset(sha256: str, actor: PhoneRep) -> Response:
    """`Upload-Offset` says where to go on; `Upload-Complete: ?1` that it is whole."""
    return _progress(200, *service.attachment_offset(actor, sha256))


@router.put(
    "/attachments/{sha256}", summary="Send a piece of a file", status_code=201,
    response_class=Response, openapi_extra=_FILE,
)  # fmt: skip
async def put_attachment(
    sha256: str, request: Request, actor: PhoneRep,
    upload_length: Annotated[int | None, Header(ge=1)] = None,
    upload_offset: Annotated[int, Header(ge=0)] = 0,
) -> Response:  # fmt: skip
    """201 when the file is whole, on disk, and its bytes are what its name says; 204 before.

    409 `wrong_offset` says where to go on, 422 `wrong_hash` to begin again.
    """
    limit = settings().upload_limit_mb << 20
    piece = await _body(request, limit)
    length = upload_length if upload_length is not None else upload_offset + len(piece)
    here, is_whole = await run_in_threadpool(
        service.take_piece, actor, sha256, upload_offset, length, piece
    )
    return _progress(201 if is_whole else 204, here, is_whole)


def _progress(status: int, here: int, is_whole: bool) -> Response:
    complete = "?1" if is_whole else "?0"
    return Response(
        status_code=status, headers={"Upload-Offset": str(here), "Upload-Complete": complete}
    )


@router.get(
    "/attachments/{sha256}", summary="A visit's photo or sound", response_class=FileResponse
)
def get_attachment(sha256: str, actor: Person) -> Response:
    """For whom may see a visit that names it; others are told there is none."""
    path, kind = service.attachment_file(actor, sha256)
    headers = {
        "Cache-Control": "private, max-age=31536000, immutable",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return FileResponse(path, media_type=kind, headers=headers)
