"""Where reps are now, and where they were on a day."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field

from fieldcrm.api.identity import Person
from fieldcrm.api.shapes import FIRST_DAY, ID, LAST_DAY, plain
from fieldcrm.people import service as people
from fieldcrm.people.model import BadField
from fieldcrm.tracking import service as tracking

router = APIRouter(prefix="/api/v1", tags=["positions"])
PathDay = Annotated[date, Path(), Field(ge=FIRST_DAY, le=LAST_DAY)]


@router.get("/live", summary="Where reps are now")
def live(
    actor: Person,
    bbox: Annotated[str | None, Query(max_length=120, description="south,west,north,east")] = None,
) -> list[dict[str, Any]]:
    """The last known position, state and age of each rep you see; `bbox` narrows to a box."""
    return [plain(rep) for rep in tracking.live(actor, _box(bbox) if bbox else None)]


def _box(text: str) -> tuple[float, float, float, float]:
    """South, west, north, east in degrees; raises BadField."""
    try:
        south, west, north, east = (float(part) for part in text.split(","))
    except ValueError as error:
        raise BadField(field="bbox") from error
    if not (-90 <= south <= north <= 90 and -180 <= west <= 180 and -180 <= east <= 180):
        raise BadField(field="bbox")
    return south, west, north, east


@router.get("/tracks/{rep_id}/{day}", summary="A rep's track of a day")
def track(
    rep_id: Annotated[str, Path(pattern=ID)], day: PathDay, actor: Person,
    raw: Annotated[bool, Query(description="also the fixes as they came")] = False,
    streets: Annotated[bool, Query(description="also the line along the region's streets")] = False,
) -> dict[str, Any]:  # fmt: skip
    """GeoJSON: a LineString for each stretch of the way, a Point for each stop; trips and gaps."""
    people.scope_rep(actor, rep_id)
    found = plain(tracking.day_track(actor, rep_id, day, streets))
    lines = [("line", line) for line in found["lines"]]
    lines += [("raw", line) for line in found["raw"]] if raw else []
    features = [_line(line, kind) for kind, line in lines]
    features += [_line(s["line"], "street", mode=s["mode"]) for s in found.get("streets", ())]
    told = ("distance_m", "unseen_m", "moving_s", "trips", "gaps")
    return {
        "type": "FeatureCollection", "features": features + [_stop(s) for s in found["stops"]],
        "properties": {"rep_id": rep_id, "day": day, **{name: found[name] for name in told}},
    }  # fmt: skip


def _line(line: list[list[float]], kind: str, **more: Any) -> dict[str, Any]:
    """A stretch of [lat, lng, at_ms] as a Feature; `times_ms` goes along its coordinates."""
    return {
        "type": "Feature",
        "properties": {"kind": kind, "times_ms": [p[2] for p in line if len(p) > 2], **more},
        "geometry": {"type": "LineString", "coordinates": [[p[1], p[0]] for p in line]},
    }


def _stop(stop: dict[str, Any]) -> dict[str, Any]:
    more = {k: v for k, v in stop.items() if k not in ("lat", "lng")}
    return {
        "type": "Feature", "properties": {"kind": "stop", **more},
        "geometry": {"type": "Point", "coordinates": [stop["lng"], stop["lat"]]},
    }  # fmt: skip
