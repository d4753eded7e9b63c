"""The line of a trip along the region's streets, beside the one that its fixes give."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from fieldcrm.kit.units import distance_m
from fieldcrm.regions import model as regions
from fieldcrm.regions.model import LatLng, ModeMissing, RegionMissing
from fieldcrm.regions.roads import Roads
from fieldcrm.tracking.modes import Mode

ROADS_OF: dict[str, regions.Mode] = {Mode.foot: "foot", Mode.driving: "car"}
APART_M = 30.0
"""Closer fixes tell the roads nothing more, and matching takes its time for each."""
LIKE = 1.5
"""A line along streets longer or shorter than the trip by more than this is another way."""


def along_streets(told: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    """For each part of a day's trips (`trips.describe`) its streets: {mode, from_ms, line}.

    Nothing for a part that took no streets we know: off the region, through a park, in a yard.
    """
    built_ns = _built_ns(folder)
    if built_ns is None:
        return []
    found = []
    for part in (part for trip in told["trips"] for part in trip["parts"]):
        places = _places(told["lines"], part["from_ms"], part["to_ms"])
        line = _matched(folder, built_ns, ROADS_OF[part["mode"]], places)
        if _is_like(line, part["distance_m"]):
            mode, from_ms = str(part["mode"]), part["from_ms"]
            found.append({"mode": mode, "from_ms": from_ms, "line": [list(p) for p in line]})
    return found


def _places(
    lines: Sequence[Sequence[Sequence[float]]], from_ms: int, to_ms: int
) -> tuple[LatLng, ...]:
    """A part's places, no closer than APART_M to each other but for the last."""
    inside = [LatLng(p[0], p[1]) for line in lines for p in line if from_ms <= p[2] <= to_ms]
    chosen = inside[:1]
    for place in inside[1:]:
        if distance_m(*chosen[-1], *place) >= APART_M:
            chosen.append(place)
    return tuple([*chosen[:-1], inside[-1]] if len(chosen) > 1 else chosen)


def _built_ns(folder: Path) -> int | None:
    """When the region was built: other roads, other lines; None without a region."""
    try:
        return (folder / "region.json").stat().st_mtime_ns
    except OSError:
        return None


@lru_cache(maxsize=2000)
def _matched(
    folder: Path, built_ns: int, mode: regions.Mode, places: tuple[LatLng, ...]
) -> tuple[LatLng, ...]:
    """Kept, for a trip once made stays as it is, and a day is looked at again and again."""
    if len(places) < 2:
        return ()
    try:
        return tuple(_roads(folder, built_ns).match(mode, places))
    except (ModeMissing, RegionMissing):
        return ()


@lru_cache(maxsize=2)
def _roads(folder: Path, built_ns: int) -> Roads:
    return Roads(folder)


def _is_like(line: Sequence[LatLng], part_m: float) -> bool:
    length = sum(distance_m(*a, *b) for a, b in pairwise(line))
    return 0 < part_m / LIKE <= length <= part_m * LIKE
