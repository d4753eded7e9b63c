"""In which territory a client lands by itself: by what it is, by where it lies, or both. Pure.

A territory takes clients by a rule (kinds, towns, postcodes...), by an area of H3 cells, or by both, which
then must both hold. One with neither takes nobody: its clients are a list that people keep.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any

import h3.api.basic_int as h3
from h3 import H3BaseException

from fieldcrm.clients.folding import fold
from fieldcrm.clients.model import CATEGORIES, BadClientField, ClientKind
from fieldcrm.kit.units import distance_m

CELLS_MAX = 20_000
"""Of one territory, compacted."""
FINEST, COARSEST = 10, 4
"""Resolutions of an area's cells: edges of about 76 m and 23 km."""
FILLED_MAX = 60_000
"""Cells that fill an area before it is compacted."""
RING_MAX = 500
"""Corners of one area that somebody draws."""
RINGS_MAX = 20
LAT_MAX = 85.0
"""Where maps end."""
VALUES_MAX, TEXT_MAX = 200, 80
CONDITIONS = ("kinds", "categories", "specialties", "cities", "postcodes", "tags")
"""What a rule may ask; a client must answer each that is asked with one of its values."""
LANDS_BY = frozenset(
    {"kind", "category", "specialty", "city", "postcode", "tags", "lat", "lng"}
)  # fmt: skip
"""Fields of a client whose change may let it land."""


def clean_rule(told: Any) -> dict[str, list[str]]:
    """A rule as it is kept: conditions that ask nothing left out. Raises BadClientField."""
    if told is None:
        return {}
    if not isinstance(told, Mapping) or set(told) - set(CONDITIONS):
        raise BadClientField(field="rule")
    cleaned = {name: _values(name, told[name]) for name in CONDITIONS if name in told}
    return {name: values for name, values in cleaned.items() if values}


def _values(name: str, told: Any) -> list[str]:
    if not isinstance(told, list | tuple) or len(told) > VALUES_MAX:
        raise BadClientField(field=name)
    if any(not isinstance(v, str) or len(v) > TEXT_MAX for v in told):
        raise BadClientField(field=name)
    allowed = {"kinds": set(ClientKind), "categories": set(CATEGORIES)}.get(name)
    if allowed is not None and not allowed.issuperset(told):
        raise BadClientField(field=name)
    return list(dict.fromkeys(text for v in told if (text := v.strip())))


# ---- areas ----


def clean_cells(told: Any) -> list[str]:
    """H3 cells (hex) of an area, each once and compacted. Raises BadClientField."""
    if not isinstance(told, list | tuple) or not all(isinstance(c, str) for c in told):
        raise BadClientField(field="cells")
    if len(told) > FILLED_MAX:
        raise BadClientField(field="cells", limit=CELLS_MAX)
    return _compacted({_cell(text) for text in told})


def _cell(text: str) -> int:
    try:
        cell = int(text, 16)
    except ValueError as error:
        raise BadClientField(field="cells") from error
    if not 0 < cell < 1 << 63 or not h3.is_valid_cell(cell):
        raise BadClientField(field="cells")
    if not COARSEST <= h3.get_resolution(cell) <= FINEST:
        raise BadClientField(field="cells")
    return cell


def _compacted(cells: set[int]) -> list[str]:
    """With seven neighbours written as the one cell that they fill."""
    by_size: dict[int, set[int]] = {}
    for cell in cells:
        by_size.setdefault(h3.get_resolution(cell), set()).add(cell)
    for size in range(max(by_size, default=0), COARSEST, -1):
        for cell in h3.compact_cells(list(by_size.pop(size, ()))):
            by_size.setdefault(min(size, h3.get_resolution(cell)), set()).add(cell)
    return _written({c for some in by_size.values() for c in some})


def _written(cells: Iterable[int]) -> list[str]:
    every = sorted(cells)
    if len(every) > CELLS_MAX:
        raise BadClientField(field="cells", limit=CELLS_MAX)
    return [f"{cell:x}" for cell in every]


def cells_of_rings(rings: Any) -> list[str]:
    """Cells whose middles lie in any of the areas drawn; each ring is a list of [lat, lng].

    As fine as fits, so that a town is kept to 100 m and a country to a few kilometres. Raises
    BadClientField.
    """
    if not isinstance(rings, list | tuple) or not 0 < len(rings) <= RINGS_MAX:
        raise BadClientField(field="area")
    shapes = [h3.LatLngPoly(_ring(ring)) for ring in rings]
    for size in range(FINEST, COARSEST - 1, -1):
        if sum(_filling(shape, size) for shape in shapes) <= FILLED_MAX:
            return _written(h3.compact_cells(list(_filled(shapes, size))))
    raise BadClientField(field="area", limit=FILLED_MAX)


def _filled(shapes: Iterable[Any], size: int) -> set[int]:
    try:
        found = {cell for shape in shapes for cell in h3.h3shape_to_cells(shape, size)}
    except H3BaseException as error:  # corners that enclose nothing
        raise BadClientField(field="area") from error
    if not found:
        raise BadClientField(field="area")
    return found


def _ring(told: Any) -> list[tuple[float, float]]:
    if not isinstance(told, list | tuple) or not 3 <= len(told) <= RING_MAX:
        raise BadClientField(field="area")
    return [_corner(corner) for corner in told]


def _corner(told: Any) -> tuple[float, float]:
    if not isinstance(told, list | tuple) or len(told) != 2:
        raise BadClientField(field="area")
    if any(isinstance(v, bool) or not isinstance(v, int | float) or not isfinite(v) for v in told):
        raise BadClientField(field="area")
    lat, lng = float(told[0]), float(told[1])
    if abs(lat) > LAT_MAX or abs(lng) > 180:
        raise BadClientField(field="area")
    return lat, lng


def _filling(shape: Any, size: int) -> float:
    """About how many cells fill the box around a shape."""
    lats, lngs = [lat for lat, _ in shape.outer], [lng for _, lng in shape.outer]
    south, north, west, east = min(lats), max(lats), min(lngs), max(lngs)
    middle = (south + north) / 2
    box_m2 = distance_m(south, west, north, west) * distance_m(middle, west, middle, east)
    return box_m2 / 1e6 / h3.average_hexagon_area(size)


# ---- landing ----


@dataclass(frozen=True)
class Taker:
    """What a territory takes."""

    territory_id: str
    name: str
    cells: frozenset[int]
    asked: tuple[tuple[str, frozenset[str] | tuple[str, ...]], ...]
    """Condition and its values as they are compared."""

    @cached_property
    def sizes(self) -> frozenset[int]:
        """Resolutions of its cells."""
        return frozenset(map(h3.get_resolution, self.cells))

    @cached_property
    def rank(self) -> tuple[Any, ...]:
        """Who comes first where several take a client: the one that asks most, then the smallest."""
        asks = len(self.asked) + bool(self.cells)
        return -asks, sum(h3.cell_area(c) for c in self.cells), self.name, self.territory_id


class Landing:
    """Finds the territory of a client among those that take clients by themselves."""

    def __init__(self, takers: Iterable[Taker]) -> None:
        self._takers = sorted(takers, key=lambda t: t.rank)
        self._sizes = sorted({size for t in self._takers for size in t.sizes})

    def __bool__(self) -> bool:
        return bool(self._takers)

    def of(self, client: Mapping[str, Any]) -> str | None:
        """Id of the territory that takes a client of these fields, None where none does."""
        if not self._takers:
            return None
        here = self._cells(client.get("lat"), client.get("lng"))
        facts = _facts(client)
        found = (t for t in self._takers if _takes(t, here, facts))
        return next((t.territory_id for t in found), None)

    def _cells(self, lat: float | None, lng: float | None) -> frozenset[int]:
        """The cell that holds a place and those that this one was compacted into."""
        if lat is None or lng is None:
            return frozenset()
        fine = h3.latlng_to_cell(lat, lng, FINEST)
        return frozenset(h3.cell_to_parent(fine, size) for size in self._sizes)


def taker(
    territory_id: str, name: str, cells: Sequence[str], rule: Mapping[str, Sequence[str]]
) -> Taker | None:
    """What a territory takes, None where it takes nobody by itself."""
    if not cells and not rule:
        return None
    asked = tuple((c, _compared(c, rule[c])) for c in CONDITIONS if rule.get(c))
    return Taker(territory_id, name, frozenset(int(c, 16) for c in cells), asked)


def _compared(condition: str, values: Sequence[str]) -> frozenset[str] | tuple[str, ...]:
    if condition == "postcodes":
        return tuple(_postcode(v) for v in values)
    is_code = condition in ("kinds", "categories")
    return frozenset(values if is_code else map(fold, values))


def _postcode(text: str) -> str:
    return "".join(c for c in text.upper() if c.isalnum())


def _facts(client: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kinds": {str(client.get("kind") or "")}, "categories": {client.get("category") or ""},
        "specialties": {fold(client.get("specialty") or "")}, "cities": {fold(client.get("city") or "")},
        "postcodes": _postcode(client.get("postcode") or ""),
        "tags": {fold(t) for t in client.get("tags") or ()},
    }  # fmt: skip


def _takes(t: Taker, here: frozenset[int], facts: Mapping[str, Any]) -> bool:
    if t.cells and t.cells.isdisjoint(here):
        return False
    return all(_answers(facts[condition], values) for condition, values in t.asked)


def _answers(fact: Any, values: frozenset[str] | tuple[str, ...]) -> bool:
    if isinstance(values, tuple):
        return bool(fact) and fact.startswith(values)
    return not values.isdisjoint(fact)
