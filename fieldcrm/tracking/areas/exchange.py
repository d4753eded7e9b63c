"""Areas as GeoJSON and back: polygons as they are, circles as points with `radius_m`. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from fieldcrm.tracking.areas.model import (
    AREAS_MOST,
    AreaView,
    BadArea,
    BadAreaFile,
    Draft,
    Json,
    LatLng,
    Shape,
    ShapeKind,
)

DIGITS = 6  # of a degree: a tenth of a metre


def geometry_of(shape: Shape) -> Json:
    """A shape as a GeoJSON geometry; a circle's radius is told by its feature."""
    if shape.kind is ShapeKind.circle:
        return {"type": "Point", "coordinates": _turned(shape.centre or (0.0, 0.0))}
    closed = [*shape.ring, shape.ring[0]]
    return {"type": "Polygon", "coordinates": [[_turned(p) for p in closed]]}


def _turned(point: LatLng) -> list[float]:
    return [round(point[1], DIGITS), round(point[0], DIGITS)]


def shape_from(geometry: Any, radius_m: Any = None) -> Shape:
    """The shape of a geometry: a Polygon without holes, or a Point with a radius. Raises BadArea."""
    if not isinstance(geometry, dict):
        raise _bad("kind")
    coordinates = geometry.get("coordinates")
    if geometry.get("type") == "Point":
        if not _is_number(radius_m):
            raise _bad("radius")
        return Shape(ShapeKind.circle, centre=_point(coordinates), radius_m=float(radius_m))
    if geometry.get("type") != "Polygon" or not isinstance(coordinates, list) or not coordinates:
        raise _bad("kind")
    if len(coordinates) > 1:
        raise _bad("holes")
    return Shape(ShapeKind.polygon, ring=_ring(coordinates[0]))


def _ring(line: Any) -> tuple[LatLng, ...]:
    if not isinstance(line, list) or len(line) < 4:
        raise _bad("points")
    points = tuple(_point(p) for p in line)
    if points[0] != points[-1]:
        raise _bad("open")
    return points[:-1]


def _point(value: Any) -> LatLng:
    if not isinstance(value, list) or len(value) not in (2, 3) or not all(map(_is_number, value)):
        raise _bad("place")
    return round(float(value[1]), 7), round(float(value[0]), 7)


def _is_number(value: Any) -> bool:
    is_one = isinstance(value, int | float) and not isinstance(value, bool)
    return is_one and math.isfinite(value)


def _bad(reason: str) -> BadArea:
    return BadArea(field="shape", reason=reason)


def collection_of(areas: Iterable[AreaView]) -> Json:
    """Areas as a FeatureCollection that this product and others can read."""
    return {"type": "FeatureCollection", "features": [feature_of(a) for a in areas]}


def feature_of(area: AreaView) -> Json:
    """One area: its shape, name and what it tells of."""
    told: Json = {"name": area.name, "on_enter": area.on_enter, "on_leave": area.on_leave,
                  "days": area.days}  # fmt: skip
    if area.shape.kind is ShapeKind.circle:
        told["radius_m"] = round(area.shape.radius_m, 1)
    if area.active_from_min is not None:
        told |= {"active_from_min": area.active_from_min, "active_to_min": area.active_to_min}
    return {"type": "Feature", "id": area.id, "properties": told,
            "geometry": geometry_of(area.shape)}  # fmt: skip


def read_collection(content: bytes) -> list[Draft]:
    """The areas of a GeoJSON file; raises BadAreaFile, naming the feature by its number from 1."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadAreaFile(n=0, reason="json") from error
    if isinstance(found, dict) and found.get("type") == "Feature":
        found = {"type": "FeatureCollection", "features": [found]}
    features = found.get("features") if isinstance(found, dict) else None
    if not isinstance(features, list) or found.get("type") != "FeatureCollection":
        raise BadAreaFile(n=0, reason="json")
    if not features:
        raise BadAreaFile(n=0, reason="empty")
    if len(features) > AREAS_MOST:
        raise BadAreaFile(n=0, reason="many")
    return [_draft(feature, n) for n, feature in enumerate(features, 1)]


def _draft(feature: Any, n: int) -> Draft:
    told = feature.get("properties") or {} if isinstance(feature, dict) else None
    if not isinstance(told, dict):
        raise BadAreaFile(n=n, reason="kind")
    try:
        shape = shape_from(feature.get("geometry"), told.get("radius_m"))
    except BadArea as error:
        raise BadAreaFile(n=n, reason=error.params["reason"]) from error
    hours = [m if isinstance(m := told.get(k), int) and not isinstance(m, bool) else None
             for k in ("active_from_min", "active_to_min")]  # fmt: skip
    name = str(told.get("name") or told.get("title") or n)
    return Draft(
        name, shape, on_enter=told.get("on_enter") is not False,
        on_leave=told.get("on_leave") is not False, active_from_min=hours[0],
        active_to_min=hours[1], days=str(told.get("days") or "1234567"),
    )  # fmt: skip
