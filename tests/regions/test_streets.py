"""A trip's line along the streets of a real region, beside the one of its fixes."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from fieldcrm.kit.units import distance_m
from fieldcrm.regions.model import LatLng, Region
from fieldcrm.regions.roads import Roads
from fieldcrm.tracking import trips
from fieldcrm.tracking.cleaning import Origin, Way, length_m
from fieldcrm.tracking.model import Fix
from fieldcrm.tracking.streets import along_streets
from tests.tracking.ways import START_S, blurred, fixes_of

FROM, TO = LatLng(60.1710, 24.9450), LatLng(60.1650, 24.9350)


def driven(region: Region, speed: float = 8.0) -> tuple[list[Fix], list[LatLng]]:
    """A drive along real streets as a receiver sees it, and the streets."""
    route = Roads(region.folder).route("car", [FROM, TO])
    assert route is not None
    here = Origin(60.17, 24.94)
    line = here.way([Fix("r", "d", None, 0, 0, 0, p.lat, p.lng) for p in route.line])
    told = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(line.x), np.diff(line.y)))])
    along = np.arange(0, told[-1], 5 * speed)
    true = Way(
        START_S + along / speed, np.interp(along, told, line.x), np.interp(along, told, line.y)
    )
    assert length_m(true) > 800
    return fixes_of(blurred(true, error_m=3)), route.line


@pytest.fixture(scope="module")
def drive(helsinki: Region) -> tuple[list[Fix], list[LatLng]]:
    return driven(helsinki)


def test_a_drive_lies_on_its_streets(helsinki: Region, drive: tuple) -> None:
    fixes, true = drive
    (found,) = along_streets(trips.describe(fixes, []), helsinki.folder)
    assert found["mode"] == "driving"
    off = [min(distance_m(*p, *q) for q in _dense(true)) for p in found["line"]]
    assert np.quantile(off, 0.9) < 6
    raw = [min(distance_m(f.lat, f.lng, *q) for q in _dense(true)) for f in fixes]
    assert np.mean(off) < np.mean(raw)


def test_nothing_is_invented_off_the_map(drive: tuple, helsinki: Region, tmp_path: Path) -> None:
    told = trips.describe(drive[0], [])
    assert along_streets(told, tmp_path) == []
    away = [Fix(*(getattr(f, n) for n in Fix.__struct_fields__)) for f in drive[0]]
    for fix in away:
        fix.lat += 1
    assert along_streets(trips.describe(away, []), helsinki.folder) == []


def test_a_day_without_trips_has_no_streets(helsinki: Region) -> None:
    assert along_streets(trips.describe([], []), helsinki.folder) == []


def _dense(line: list[LatLng]) -> list[tuple[float, float]]:
    shares = np.linspace(0, 1, 20)
    return [
        (a.lat + (b.lat - a.lat) * s, a.lng + (b.lng - a.lng) * s)
        for a, b in pairwise(line)
        for s in shares
    ]
