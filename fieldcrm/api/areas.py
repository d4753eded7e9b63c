"""Areas of the map that are watched: kept, changed, taken out and in as GeoJSON."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from fieldcrm.api.identity import DeskPerson
from fieldcrm.api.shapes import ID, Id, IfMatch, etag, plain, version_in
from fieldcrm.tracking.areas import exchange
from fieldcrm.tracking.areas import service as areas
from fieldcrm.tracking.areas.model import NAME_MOST, REPS_MOST, AreaView, Draft

router = APIRouter(prefix="/api/v1/areas", tags=["areas"])
AreaId = Annotated[str, Path(pattern=ID)]
Minute = Annotated[int, Field(ge=0, lt=1440)]
GEOJSON = "application/geo+json"


class AreaBody(BaseModel):
    """An area as it is to be. `geometry`: a GeoJSON Polygon without holes, or a Point for a circle.

    Without `team_ids` it watches all teams of who asks; without `rep_ids` all their reps.
    """

    name: Annotated[str, Field(min_length=1, max_length=NAME_MOST)]
    geometry: dict[str, Any]
    radius_m: float | None = None
    on_enter: bool = True
    on_leave: bool = True
    team_ids: Annotated[list[Id], Field(max_length=200)] | None = None
    rep_ids: Annotated[list[Id], Field(max_length=REPS_MOST)] = []
    active_from_min: Minute | None = None
    active_to_min: Minute | None = None
    days: Annotated[str, Field(pattern="^[1-7]{1,7}$")] = "1234567"

    def draft(self) -> Draft:
        """The wish behind it; raises BadArea."""
        shape = exchange.shape_from(self.geometry, self.radius_m)
        teams = None if self.team_ids is None else frozenset(self.team_ids)
        return Draft(
            self.name, shape, self.on_enter, self.on_leave, teams, frozenset(self.rep_ids),
            self.active_from_min, self.active_to_min, self.days,
        )  # fmt: skip


def _told(area: AreaView) -> dict[str, Any]:
    told = plain(area)
    told.pop("shape")
    told["geometry"] = exchange.geometry_of(area.shape)
    told["radius_m"] = area.shape.radius_m or None
    return told


@router.get("", summary="Areas that watch your teams")
def list_areas(actor: DeskPerson) -> list[dict[str, Any]]:
    """By name, each with those of your reps who stand in it now."""
    return [_told(area) for area in areas.areas(actor)]


@router.post("", summary="Make an area", status_code=201)
def make(body: AreaBody, actor: DeskPerson, response: Response) -> dict[str, Any]:
    """A closed polygon whose sides don't cross, of at most 200 corners, or a circle."""
    made = areas.save(actor, body.draft())
    etag(response, made.version)
    return _told(made)


@router.get("/export.geojson", summary="Your areas as GeoJSON", response_class=JSONResponse)
def export(actor: DeskPerson) -> JSONResponse:
    """A FeatureCollection; a circle is a Point with `radius_m` among its properties."""
    name = 'attachment; filename="areas.geojson"'
    found = areas.export(actor)
    return JSONResponse(found, headers={"Content-Disposition": name}, media_type=GEOJSON)


@router.post("/import", summary="Add areas from GeoJSON", status_code=201)
async def add_file(request: Request, actor: DeskPerson) -> dict[str, int]:
    """The body is the file. All of its areas are added, or none: the answer names the first that
    can't be."""
    content = await request.body()
    return {"added": await asyncio.to_thread(areas.add_file, actor, content)}


@router.get("/{area_id}", summary="An area")
def get(area_id: AreaId, actor: DeskPerson, response: Response) -> dict[str, Any]:
    """One area, with its version as ETag."""
    found = areas.get(actor, area_id)
    etag(response, found.version)
    return _told(found)


@router.put("/{area_id}", summary="Change an area")
def change(
    area_id: AreaId, body: AreaBody, actor: DeskPerson, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    """In all it is; needs If-Match. Only who is responsible for all of its teams may."""
    changed = areas.save(actor, body.draft(), area_id, version_in(if_match))
    etag(response, changed.version)
    return _told(changed)


@router.delete("/{area_id}", summary="Delete an area", status_code=204)
def remove(area_id: AreaId, actor: DeskPerson) -> None:
    """For good; alerts that were raised keep its name."""
    areas.remove(actor, area_id)
