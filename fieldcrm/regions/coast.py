"""Closes the sea from its coastline.

An extract has no sea polygon, only coastline ways with the land on their left and the water on
their right (https://wiki.openstreetmap.org/wiki/Tag:natural%3Dcoastline). They are closed against
the extract's box: box and coast together cut the box into faces, and each face is sea or land by
the side of the coast it lies on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import shapely
from shapely.geometry import LineString, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from fieldcrm.regions.model import Bounds

SAME_LINE_DEG = 1e-9
MAX_GAP_SHARE = 0.05
"""A coast that stops this close to the box's edge (share of its longer side) was cut there."""


def close_sea(coast: Iterable[LineString], bounds: Bounds) -> MultiPolygon:
    """Give the sea within the box, in (lng, lat); empty where there is no usable coast.

    `coast` are directed lines, land on the left. Ends inside the box are led straight to its
    nearest edge if they stop just short of it; other loose ends bound nothing and are ignored.
    """
    box = shapely.box(bounds.west, bounds.south, bounds.east, bounds.north)
    lines = [line for line in coast if line.length and line.intersects(box)]
    if not lines:
        return MultiPolygon()
    chains = _led_to_edge(_chains(lines), box)
    faces = _faces(chains, box)
    segments = _segments(chains)
    tree = shapely.STRtree(np.asarray(shapely.linestrings(segments)))
    sea = shapely.union_all([face for face in faces if _water_vote(face, segments, tree) > 0])
    return _polygons(sea)


def _chains(lines: Sequence[LineString]) -> list[LineString]:
    """Join ways end to end without turning any round."""
    merged = shapely.line_merge(shapely.MultiLineString(list(lines)), directed=True)
    return [part for part in shapely.get_parts(merged) if isinstance(part, LineString)]


def _led_to_edge(chains: Sequence[LineString], box: Polygon) -> list[LineString]:
    west, south, east, north = box.bounds
    reach = MAX_GAP_SHARE * max(east - west, north - south)
    return [_led(chain, box, reach) for chain in chains]


def _led(chain: LineString, box: Polygon, reach: float) -> LineString:
    if chain.is_closed:
        return chain
    points = list(chain.coords)
    for end, place in ((points[0], 0), (points[-1], len(points))):
        end_point = shapely.Point(end)
        on_edge = box.exterior.interpolate(box.exterior.project(end_point))
        if box.contains(end_point) and end_point.distance(on_edge) <= reach:
            points.insert(0 if place == 0 else len(points), (on_edge.x, on_edge.y))
    return LineString(points)


def _faces(chains: Sequence[LineString], box: Polygon) -> list[Polygon]:
    # Rounding may leave a led end a hair inside the edge, so box edge and coast are noded together.
    inside = [chain.intersection(box) for chain in chains]
    edges = shapely.union_all([box.exterior, *inside])
    found = shapely.polygonize(list(_lines(edges)))
    return [face for face in shapely.get_parts(found) if isinstance(face, Polygon)]


def _segments(chains: Sequence[LineString]) -> np.ndarray:
    """Cut the coast into directed two-point segments, shape (n, 2, 2)."""
    runs = [np.asarray(chain.coords)[:, :2] for chain in chains]
    return np.concatenate([np.stack([run[:-1], run[1:]], axis=1) for run in runs])


def _water_vote(face: Polygon, segments: np.ndarray, tree: shapely.STRtree) -> float:
    """Weigh the coast along a face's edge by length: positive is sea, negative land, 0 unknown."""
    oriented = shapely.orient_polygons(face)  # the face's inside is on the left of its rings
    vote = 0.0
    for ring in (oriented.exterior, *oriented.interiors):
        points = np.asarray(ring.coords)[:, :2]
        steps, middles = np.diff(points, axis=0), (points[:-1] + points[1:]) / 2
        edge, coast = tree.query(
            shapely.points(middles), predicate="dwithin", distance=SAME_LINE_DEG
        )
        along = segments[coast, 1] - segments[coast, 0]
        same_way = np.sign((steps[edge] * along).sum(axis=1))
        vote -= float((same_way * np.hypot(*steps[edge].T)).sum())
    return vote


def _lines(shape: BaseGeometry) -> Iterable[LineString]:
    return (part for part in shapely.get_parts(shape) if isinstance(part, LineString))


def _polygons(shape: BaseGeometry) -> MultiPolygon:
    parts = [part for part in shapely.get_parts(shape) if isinstance(part, Polygon)]
    return MultiPolygon(parts)
