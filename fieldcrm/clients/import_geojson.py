"""GeoJSON as rows of texts: one for each feature, its properties as columns; pure.

Map exports come as files of their own, or as a script that gives the collection a name
(`const pharmacy = {...};`): both are read.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from fieldcrm.clients.model import Trouble, UnreadableTable

ID, LAT, LNG, KIND = "id", "lat", "lng", "kind"
COLUMNS_MAX = 190
_ASSIGNED = re.compile(r"\s*(?:export\s+default|(?:var|let|const)\s+[\w$]+\s*=)\s*(?=\{)")
_NAMES = (".geojson", ".json", ".js")
_ADDRESS = ("addr:street", "addr:place", "addr:housenumber", "addr:unit")
"""In the order in which an address is written."""
_CONTACTS = ("phone", "email", "website", "opening_hours")
_KIND_KEYS = ("amenity", "healthcare", "shop", "building")
_KINDS = {"pharmacy": "pharmacy", "chemist": "pharmacy", "hospital": "organisation",
          "clinic": "organisation", "doctors": "organisation"}  # fmt: skip


def is_geojson(file_name: str, text: str) -> bool:
    """Whether a text holds JSON, or a script that names some."""
    return text.lstrip().startswith("{") or (
        file_name.lower().endswith(_NAMES) and _ASSIGNED.match(text) is not None
    )


def read(text: str) -> tuple[list[str], list[tuple[int, list[str]]], list[Trouble]]:
    """(titles, rows numbered by feature, features that are none); raises UnreadableTable."""
    features = _features(_parsed(text))
    rows: list[tuple[int, Mapping[str, str]]] = []
    bad: list[Trouble] = []
    for number, feature in enumerate(features, 1):
        cells = _cells(feature)
        if any(cells.values()):
            rows.append((number, cells))
        else:
            bad.append(Trouble(number, "no_feature", value=str(feature)[:80]))
    titles = _titles(row for _, row in rows)
    return titles, [(n, [row.get(t, "") for t in titles]) for n, row in rows], bad


def _parsed(text: str) -> Any:
    assigned = _ASSIGNED.match(text)
    body = text[assigned.end() :].rstrip().removesuffix(";") if assigned else text
    try:
        return msgspec.json.decode(body.strip().encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        raise UnreadableTable(why="json", row=_line_of_error(body)) from None


def _line_of_error(body: str) -> int | None:
    try:
        json.loads(body)
    except json.JSONDecodeError as error:
        return error.lineno
    except RecursionError:
        return None
    return None


def _features(found: Any) -> list[Any]:
    if isinstance(found, dict) and found.get("type") == "Feature":
        return [found]
    features = found.get("features") if isinstance(found, dict) else None
    if not isinstance(features, list):
        raise UnreadableTable(why="no_features")
    return features


def _titles(rows: Iterable[Mapping[str, str]]) -> list[str]:
    """Columns: our own first, an address in its order, the rest by how many features have them."""
    counted = Counter(name for row in rows for name in row)
    first = [t for t in (ID, "name", KIND, LAT, LNG, *_ADDRESS) if t in counted]
    others = [name for name, _ in counted.most_common() if name not in first]
    return (first + others)[:COLUMNS_MAX]


def _cells(feature: Any) -> dict[str, str]:
    """What a feature says; nothing when it is none."""
    if not isinstance(feature, dict):
        return {}
    properties = feature.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    cells = {str(k): _text(v) for k, v in properties.items() if k not in ("@id", "id")}
    for name in _CONTACTS:  # either way of writing them is in use
        if value := cells.pop(f"contact:{name}", ""):
            cells.setdefault(name, value)
    own = feature.get("id", properties.get("@id", properties.get("id")))
    kind = next((_KINDS[v] for k in _KIND_KEYS if (v := str(properties.get(k))) in _KINDS), "")
    place = _place(feature.get("geometry"))
    return cells | {ID: _text(own), KIND: _text(properties.get("kind") or kind)} | place


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(_text(v) for v in value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


# ---- where it is ----


def _place(geometry: Any) -> dict[str, str]:
    """Latitude and longitude of a point, else of the middle of a shape; RFC 7946: longitude first."""
    if not isinstance(geometry, dict):
        return {}
    if geometry.get("type") == "Point":
        at = geometry.get("coordinates")
        if not isinstance(at, list) or len(at) < 2:
            return {LAT: str(at)[:80], LNG: ""} if at else {}
        return {LAT: _number(at[1]), LNG: _number(at[0])}
    points = list(_points(geometry))
    if not points:
        return {}
    lngs, lats = [p[0] for p in points], [p[1] for p in points]
    return {LAT: _number(_middle(lats)), LNG: _number(_middle(lngs))}


def _middle(values: list[float]) -> float:
    return round((min(values) + max(values)) / 2, 7)


def _number(value: Any) -> str:
    return f"{value:.12f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _points(shape: Any) -> Iterator[tuple[float, float]]:
    """Every (longitude, latitude) of a geometry, walked without recursion: files may nest deep."""
    waiting: list[Any] = [shape]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting += [part.get("coordinates"), part.get("geometries")]
        elif isinstance(part, list) and _is_point(part):
            yield part[0], part[1]
        elif isinstance(part, list):
            waiting += part


def _is_point(part: list[Any]) -> bool:
    return len(part) >= 2 and all(isinstance(v, int | float) for v in part[:2])
