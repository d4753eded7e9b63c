"""Real recordings with what was true beside them: read as the files of their makers are."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np

from fieldcrm.kit.units import distance_m
from fieldcrm.tracking.cleaning import Origin, Way
from fieldcrm.tracking.model import Fix
from fieldcrm.tracking.windows import Mask

csv.field_size_limit(50_000_000)
_PART = re.compile(r"\(([^()]+)\)")


@dataclass(frozen=True)
class Trip:
    """A car's trip: its fixes, and the length of the route somebody drew by hand."""

    name: str
    fixes: list[Fix]
    true_m: float


@dataclass(frozen=True)
class Diary:
    """A track, and at which of its fixes a diary says that somebody stayed."""

    fixes: list[Fix]
    is_stop: Mask


@dataclass(frozen=True)
class Labelled:
    """A track on a plane, and at which of its places somebody drove."""

    name: str
    way: Way
    is_driving: Mask


def fix(at_s: float, lat: float, lng: float) -> Fix:
    """A fix that tells time and place only."""
    at = round(at_s * 1000)
    return Fix("rep", "recording", None, at, at, at, lat, lng)


def hof_trips(folder: Path) -> list[Trip]:
    """Trips with a route, from `*points.csv` (id, time, geometry) and `*routes.csv` (id, WKT)."""
    routes = {row["id"]: _wkt_length_m(row["WKT"]) for row in _rows(_one(folder, "*routes.csv"))}
    fixes: dict[str, list[Fix]] = {}
    for row in _rows(_one(folder, "*points.csv")):
        ((lng, lat),) = _positions(row["geometry"])
        fixes.setdefault(row["id"], []).append(fix(_seconds(row["time"]), lat, lng))
    return [Trip(name, found, routes[name]) for name, found in fixes.items() if routes.get(name)]


def _one(folder: Path, pattern: str) -> Path:
    """The first file of the pattern; raises FileNotFoundError."""
    for file in sorted(folder.glob(pattern)):
        return file
    raise FileNotFoundError(folder / pattern)


def _wkt_length_m(text: str) -> float:
    return sum(length_of(part) for part in map(_pairs, _PART.findall(text)))


def _positions(text: str) -> list[tuple[float, float]]:
    return [pair for part in _PART.findall(text) for pair in _pairs(part)]


def _pairs(text: str) -> list[tuple[float, float]]:
    """`lng lat, lng lat` -> pairs."""
    found = [tuple(map(float, pair.split()[:2])) for pair in text.split(",")]
    return [(lng, lat) for lng, lat in found]


def length_of(line: list[tuple[float, float]]) -> float:
    """Metres along (lng, lat) pairs."""
    return sum(distance_m(a[1], a[0], b[1], b[0]) for a, b in pairwise(line))


def diary(file: Path) -> Diary:
    """A stop diary: ts, longitude, latitude, diary_label (`stop` or another word)."""
    rows = list(_rows(file))
    fixes = [fix(_seconds(r["ts"]), float(r["latitude"]), float(r["longitude"])) for r in rows]
    return Diary(fixes, np.array([r["diary_label"].lower() == "stop" for r in rows], bool))


def labelled(archive: Path) -> list[Labelled]:
    """Traces of a zip: timestamp, x, y (metres), groundtruth (Driving or OnFoot)."""
    found = []
    with zipfile.ZipFile(archive) as file:
        for name in sorted(
            n for n in file.namelist() if n.endswith(".csv") and "__MACOSX" not in n
        ):
            with io.TextIOWrapper(file.open(name), "utf-8") as text:
                rows = list(csv.DictReader(text))
            if len(rows) > 1:
                found.append(_labelled(name, rows))
    return found


def _labelled(name: str, rows: list[dict[str, str]]) -> Labelled:
    t = np.array([_seconds(r["timestamp"][:26]) for r in rows])
    x, y = (np.array([float(r[axis]) for r in rows]) for axis in "xy")
    return Labelled(name, Way(t, x, y), np.array([r["groundtruth"] == "Driving" for r in rows]))


def _seconds(text: str) -> float:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        return (moment - datetime(1970, 1, 1)).total_seconds()
    return moment.timestamp()


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as text:
        yield from csv.DictReader(text)


def way_of(fixes: Iterable[Fix]) -> Way:
    """Fixes on the plane around the first."""
    found = list(fixes)
    return Origin(found[0].lat, found[0].lng).way(found)
