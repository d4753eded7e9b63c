"""Times, distances and ways along a region's roads, on foot, by bicycle and by car (OSRM)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fieldcrm.regions.model import (
    MODES,
    UNREACHABLE,
    LatLng,
    Leg,
    Matrix,
    Mode,
    ModeMissing,
    Nearest,
    RegionMissing,
    Route,
)
from fieldcrm.regions.network import network_base
from fieldcrm.regions.rules import mutually_reachable

MAX_FROM_ROAD_M = 400.0
"""A point farther than this from every road of a mode is not on that mode's map."""

POINTS_KNOWN = 50_000
"""Of so many points it is remembered whether they lie on a road."""

CELLS_AT_ONCE = 250_000
"""The engine holds the interpreter while it fills a table, so a large one is filled in slices."""


class Roads:
    """A region's road networks. Safe to share between threads.

    Each mode is opened at its first use; its files are mapped into memory, so that processes
    share them. Methods raise ModeMissing for a mode without roads.
    """

    def __init__(self, folder: Path) -> None:
        """Raises RegionMissing if no region stands in the folder."""
        if not (folder / "region.json").is_file():
            raise RegionMissing(f"No region stands in {folder}.")
        self._folder = folder
        self._engines: dict[Mode, Any] = {}
        self._opening = threading.Lock()
        self._on_road: dict[tuple[Mode, LatLng], bool] = {}

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The ways of travelling that have roads here."""
        return tuple(mode for mode in MODES if self._is_built(mode))

    def close(self) -> None:
        """Let go of the networks; the next use opens them again."""
        with self._opening:
            self._engines.clear()

    def table(
        self,
        mode: Mode,
        sources: Sequence[LatLng],
        destinations: Sequence[LatLng] | None = None,
    ) -> Matrix:
        """Give times and distances from each source to each destination (default: the sources).

        UNREACHABLE where the roads offer no way or a point is off them; nothing is invented. A
        point on a cut-off bit of road reaches only what lies on that bit.
        """
        engine = self._engine(mode)
        to = sources if destinations is None else destinations
        rows, columns = self._on_roads(mode, sources), self._on_roads(mode, to)
        matrix = _nowhere(len(sources), len(to))
        if len(rows) and len(columns):
            near_sources = [sources[row] for row in rows]
            near_to = None if destinations is None else [to[column] for column in columns]
            seconds, metres = _fill_table(engine, near_sources, near_to)
            matrix.duration_s[np.ix_(rows, columns)] = seconds
            matrix.distance_m[np.ix_(rows, columns)] = metres
        return matrix

    def route(self, mode: Mode, points: Sequence[LatLng]) -> Route | None:
        """Give the way through the points in their order; None where there is none.

        Raises ValueError for fewer than two points.
        """
        if len(points) < 2:
            raise ValueError("A route needs two points or more.")
        engine = self._engine(mode)
        if len(self._on_roads(mode, points)) < len(points):
            return None
        import osrm

        wanted = osrm.RouteParameters(
            coordinates=_lng_lat(points), geometries="geojson", overview="full", steps=True,
            generate_hints=False,
        )  # fmt: skip
        answer = _asked(engine.Route, wanted)
        if answer is None or _is_any_far(answer["waypoints"]):
            return None
        return _route(answer["routes"][0])

    def nearest(self, mode: Mode, point: LatLng) -> Nearest | None:
        """Give the closest point of a road; None if none is within MAX_FROM_ROAD_M."""
        import osrm

        wanted = osrm.NearestParameters(coordinates=_lng_lat([point]), generate_hints=False)
        answer = _asked(self._engine(mode).Nearest, wanted)
        if answer is None or _is_any_far(answer["waypoints"]):
            return None
        found = answer["waypoints"][0]
        lng, lat = found["location"]
        return Nearest(LatLng(lat, lng), float(found["distance"]), found["name"] or None)

    def match(self, mode: Mode, fixes: Sequence[LatLng]) -> list[LatLng]:
        """Give the line along the roads that a track took; empty if it took none.

        Pieces that the track's gaps part are joined in their order. `fixes` are in time order.
        """
        if len(fixes) < 2:
            return []
        import osrm

        wanted = osrm.MatchParameters(
            coordinates=_lng_lat(fixes), geometries="geojson", overview="full", tidy=True,
            generate_hints=False,
        )  # fmt: skip
        answer = _asked(self._engine(mode).Match, wanted)
        pieces = [] if answer is None else answer["matchings"]
        return [point for piece in pieces for point in _line(piece["geometry"])]

    def reachable_set(self, mode: Mode, points: Sequence[LatLng]) -> list[int]:
        """Give the indices of a largest set of points that all reach each other both ways."""
        chosen = list(range(len(points)))
        while chosen:
            # Which bit of road a point lies on can depend on the company it is asked in, so the
            # answer is asked again of the chosen ones alone until it holds.
            table = self.table(mode, [points[index] for index in chosen])
            kept = mutually_reachable(table.is_reachable)
            if len(kept) == len(chosen):
                break
            chosen = [chosen[position] for position in kept]
        return chosen

    def _on_roads(self, mode: Mode, points: Sequence[LatLng]) -> list[int]:
        return [index for index, point in enumerate(points) if self._is_on_road(mode, point)]

    def _is_on_road(self, mode: Mode, point: LatLng) -> bool:
        """Asked of the same clients' points again and again."""
        known = self._on_road.get((mode, point))
        if known is None:
            if len(self._on_road) >= POINTS_KNOWN:
                self._on_road.clear()
            known = self._on_road[mode, point] = self.nearest(mode, point) is not None
        return known

    def _is_built(self, mode: Mode) -> bool:
        return Path(f"{network_base(self._folder, mode)}.hsgr").is_file()

    def _engine(self, mode: Mode) -> Any:
        engine = self._engines.get(mode)
        if engine is None:
            with self._opening:
                engine = self._engines.get(mode) or self._open(mode)
                self._engines[mode] = engine
        return engine

    def _open(self, mode: Mode) -> Any:
        if mode not in MODES or not self._is_built(mode):
            raise ModeMissing(f"{self._folder.name} has no roads for '{mode}'.")
        import osrm

        return osrm.OSRM(
            algorithm="CH",
            storage_config=str(network_base(self._folder, mode)),
            use_shared_memory=False,
            use_mmap=True,
            max_locations_distance_table=-1,
            max_locations_viaroute=-1,
            max_locations_map_matching=-1,
        )


def _fill_table(
    engine: Any, sources: Sequence[LatLng], destinations: Sequence[LatLng] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Fill a table in slices of rows; every slice names all points, so that all snap alike."""
    import osrm

    if destinations is None and len(sources) == 1:
        destinations = sources  # the engine takes no table of a single point
    points = _lng_lat([*sources, *(destinations or ())])
    columns = list(range(len(sources), len(points))) if destinations else []
    width = len(columns) or len(points)
    height = max(1, CELLS_AT_ONCE // width)
    seconds, metres = [], []
    for start in range(0, len(sources), height):
        wanted = osrm.TableParameters(
            coordinates=points,
            sources=list(range(start, min(start + height, len(sources)))),
            destinations=columns,
            annotations=["duration", "distance"],
            generate_hints=False,
        )
        answer = engine.Table(wanted)
        far = _far(answer["sources"])[:, None] | _far(answer["destinations"])[None, :]
        seconds.append(_whole(answer["durations"], far))
        metres.append(_whole(answer["distances"], far))
    return np.concatenate(seconds), np.concatenate(metres)


def _whole(rows: Any, far: np.ndarray) -> np.ndarray:
    values = np.array([list(row) for row in rows], dtype=float).reshape(far.shape)
    has_way = ~(np.isnan(values) | far)
    # Two points a step apart on one segment can come out as a fraction of a metre below zero.
    values = np.maximum(values, 0)
    return np.rint(np.where(has_way, values, UNREACHABLE)).astype(np.int32)


def _far(waypoints: Any) -> np.ndarray:
    return np.array([waypoint["distance"] > MAX_FROM_ROAD_M for waypoint in waypoints])


def _is_any_far(waypoints: Any) -> bool:
    return any(waypoint["distance"] > MAX_FROM_ROAD_M for waypoint in waypoints)


def _nowhere(rows: int, columns: int) -> Matrix:
    shape = (rows, columns)
    seconds = np.full(shape, UNREACHABLE, dtype=np.int32)
    return Matrix(seconds, seconds.copy())


def _asked(question: Any, wanted: Any) -> Any | None:
    """Ask the engine; None if it says that there is no such way or no such road."""
    try:
        return question(wanted)
    except RuntimeError as error:
        if str(error).startswith(("NoRoute", "NoSegment", "NoMatch")):
            return None
        raise


def _route(found: Any) -> Route:
    legs = [_leg(leg) for leg in found["legs"]]
    line = _line(found["geometry"])
    return Route(round(found["duration"]), round(found["distance"]), line, legs)


def _leg(found: Any) -> Leg:
    line: list[LatLng] = []
    for step in found["steps"]:
        points = _line(step["geometry"])
        line += points[1:] if line and points and line[-1] == points[0] else points
    return Leg(round(found["duration"]), round(found["distance"]), line)


def _line(geometry: Any) -> list[LatLng]:
    return [LatLng(lat, lng) for lng, lat in geometry["coordinates"]]


def _lng_lat(points: Sequence[LatLng]) -> list[tuple[float, float]]:
    return [(lng, lat) for lat, lng in points]
