"""A rep's day as a player takes it, and as files for other programs."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Request, Response

from fieldcrm.api.identity import Allows, AnyCaller, Person
from fieldcrm.api.live import PathDay
from fieldcrm.api.shapes import ID, plain
from fieldcrm.kit.database import glancing
from fieldcrm.people.model import Actor, Role
from fieldcrm.tracking import files, player

router = APIRouter(prefix="/api/v1/tracks", tags=["positions"])
RepId = Annotated[str, Path(pattern=ID)]
Manager = Annotated[Actor, Depends(Allows(Role.manager, Role.admin))]
PRIVATE = "private, no-cache"
"""Only this browser may keep it, and asks each time whether it still holds."""


@router.get("/{rep_id}/{day}/replay", summary="A rep's day for a player", response_class=Response)
def replay(
    rep_id: RepId, day: PathDay, caller: AnyCaller,
    if_none_match: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:  # fmt: skip
    """Each fix in few bytes: times, positions, speed, doubts; the layout is in docs/protocol.md."""
    known = (if_none_match or "").removeprefix("W/").strip('"')
    with glancing() as session:
        tag, content = player.day_replay_in(session, caller.actor_in(session), rep_id, day, known)
    headers = {"ETag": f'"{tag}"', "Cache-Control": PRIVATE}
    if tag == known:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/octet-stream", headers=headers)


@router.get(
    "/{rep_id}/{day}/track.{form}", summary="A rep's day as a file", response_class=Response
)
def as_file(
    rep_id: RepId, day: PathDay, form: Literal["gpx", "geojson", "kml"], actor: Person
) -> Response:
    """GPX 1.1, GeoJSON or KML: a line per stretch, none across a gap, and the day's stops."""
    content, media_type = files.day_file(actor, rep_id, day, form)
    name = f'attachment; filename="track-{day}.{form}"'
    headers = {"Content-Disposition": name, "Cache-Control": PRIVATE}
    return Response(content, media_type=media_type, headers=headers)


@router.post("/{rep_id}/gpx", summary="Add a GPX file to a rep's track")
async def add_gpx(rep_id: RepId, request: Request, actor: Manager) -> dict[str, Any]:
    """The body is the file. Points with a time on shift are recorded; the answer counts what became
    of each and says what is wrong with the file, with the line where it was first met."""
    content = await request.body()
    return plain(await asyncio.to_thread(files.add_gpx, actor, rep_id, content))
