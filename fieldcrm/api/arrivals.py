"""Links by which a client sees one rep come to him."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel

from fieldcrm.api.identity import DeskPerson, address_of
from fieldcrm.api.shapes import ID, plain
from fieldcrm.arrival import service as arrival
from fieldcrm.kit import clock
from fieldcrm.kit.settings import settings

router = APIRouter(prefix="/api/v1", tags=["arrival"])
TOKEN = r"^[0-9A-Za-z_-]{16,64}$"


class LinkMade(BaseModel):
    """`url` is told only now: keep it, or make another."""

    id: str
    url: str
    expires_at: Any


@router.post(
    "/visits/{visit_id}/arrival-links", summary="Make a link that shows a rep's arrival",
    status_code=201, response_model=LinkMade,
)  # fmt: skip
def make(visit_id: Annotated[str, Path(pattern=ID)], actor: DeskPerson) -> dict[str, Any]:
    """Lives for an hour at most and until the visit is over. Only for a visit of today that is
    planned."""
    made = arrival.make(actor, visit_id)
    return {"id": made.link.id, "url": made.url, "expires_at": made.link.expires_at}


@router.get("/visits/{visit_id}/arrival-links", summary="A visit's living links")
def links(visit_id: Annotated[str, Path(pattern=ID)], actor: DeskPerson) -> list[dict[str, Any]]:
    """Without their addresses: those are nowhere kept."""
    return plain(arrival.links(actor, visit_id))


@router.delete("/arrival-links/{link_id}", summary="Take a link back", status_code=204)
def revoke(link_id: Annotated[str, Path(pattern=ID)], actor: DeskPerson) -> None:
    """It shows nothing from now on."""
    arrival.revoke(actor, link_id)


@router.get("/arrival/{token}", summary="What a link shows, without signing in")
def look(token: Annotated[str, Path(pattern=TOKEN)], request: Request) -> dict[str, Any]:
    """Stage, expected time, the place of the visit; the rep's place only while he is on the way to
    it. 410 once the link is over, also where there never was one."""
    found = arrival.look(token, address_of(request))
    return plain(found) | {"now": clock.now(), "zone": settings().timezone}
