"""A rep's day as a player takes it, and as files for other programs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Path, Response

from fieldcrm.api.identity import Person
from fieldcrm.api.live import PathDay
from fieldcrm.api.shapes import ID
from fieldcrm.tracking import service as tracking

router = APIRouter(prefix="/api/v1/tracks", tags=["positions"])
RepId = Annotated[str, Path(pattern=ID)]
PRIVATE = "private, no-cache"
"""Only this browser may keep it, and asks each time whether it still holds."""


@router.get("/{rep_id}/{day}/replay", summary="A rep's day for a player", response_class=Response)
def replay(
    rep_id: RepId, day: PathDay, actor: Person,
    if_none_match: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:  # fmt: skip
    """Each fix in few bytes: times, positions, speed, doubts; the layout is in docs/protocol.md."""
    known = (if_none_match or "").removeprefix("W/").strip('"')
    tag, content = tracking.day_replay(actor, rep_id, day, known)
    headers = {"ETag": f'"{tag}"', "Cache-Control": PRIVATE}
    if tag == known:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/octet-stream", headers=headers)
