"""A territory's area while somebody draws it: cells added and taken away, its size, its outline. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import h3.api.basic_int as h3

from fieldcrm.clients.landing import COARSEST, FINEST, clean_cells

BY_HAND = 8
"""Resolution of a cell that is added alone: edges of about 460 m."""
OUTLINED = 4000
"""Cells of which an outline is made; a larger area is outlined by coarser ones."""


def united(cells: Iterable[str], more: Iterable[str]) -> list[str]:
    """All of both, none twice. Raises BadClientField where that is too many."""
    every = _numbers({*cells, *more})
    return clean_cells([f"{c:x}" for c in every if every.isdisjoint(_above(c))])


def without(cells: Iterable[str], less: Iterable[str]) -> list[str]:
    """What is left; a cell of which a part goes is split. Raises BadClientField where that is too many."""
    gone = _numbers(less)
    parted = {above for c in gone for above in _above(c)}
    kept, open_ = [], list(_numbers(cells))
    while open_:
        cell = open_.pop()
        if cell in gone or not gone.isdisjoint(_above(cell)):
            continue
        if cell in parted:
            open_.extend(h3.cell_to_children(cell))
        else:
            kept.append(f"{cell:x}")
    return clean_cells(kept)


def toggled(cells: Sequence[str], lat: float, lng: float) -> tuple[list[str], bool]:
    """The area with the cell around a place added, or taken away where it had the place; whether added."""
    fine = h3.latlng_to_cell(lat, lng, FINEST)
    cell = [f"{h3.cell_to_parent(fine, BY_HAND):x}"]
    is_in = not _numbers(cells).isdisjoint({fine, *_above(fine)})
    return (without(cells, cell), False) if is_in else (united(cells, cell), True)


def rim(lat: float, lng: float) -> list[list[float]]:
    """Corners [lng, lat] of the cell that `toggled` would add around a place."""
    cell = h3.cell_to_parent(h3.latlng_to_cell(lat, lng, FINEST), BY_HAND)
    corners = h3.cell_to_boundary(cell)
    return [[round(x, 5), round(y, 5)] for y, x in corners]


def area_km2(cells: Iterable[str]) -> float:
    """Square kilometres, to a percent: cells of one size are taken to be as large as one of them."""
    by_size: dict[str, list[str]] = {}
    for text in cells:
        by_size.setdefault(text[1], []).append(text)  # a cell's second digit is its resolution
    return sum(len(some) * h3.cell_area(int(some[0], 16)) for some in by_size.values())


def outline(cells: Sequence[str], most: int = OUTLINED) -> list[Any]:
    """GeoJSON coordinates of a MultiPolygon ([lng, lat]) around an area of at most `most` cells or so."""
    every = _numbers(cells)
    if not every:
        return []
    size = max(map(h3.get_resolution, every))
    while size > COARSEST and _count(every, size) > most:
        size -= 1
    shape = h3.cells_to_h3shape(list({c for cell in every for c in _at(cell, size)}), tight=False)
    return [
        [[[round(x, 5), round(y, 5)] for x, y in ring] for ring in polygon]
        for polygon in shape.__geo_interface__["coordinates"]
    ]


def bounds(shapes: Iterable[Any]) -> list[float]:
    """South, west, north, east of outlines; nothing of none."""
    points = [p for shape in shapes for polygon in shape for p in polygon[0]]
    if not points:
        return []
    lngs, lats = [p[0] for p in points], [p[1] for p in points]
    return [min(lats), min(lngs), max(lats), max(lngs)]


def _numbers(cells: Iterable[str]) -> set[int]:
    return {int(c, 16) for c in cells}


def _above(cell: int) -> Iterator[int]:
    """The coarser cells that hold a cell."""
    return (h3.cell_to_parent(cell, size) for size in range(COARSEST, h3.get_resolution(cell)))


def _count(cells: Iterable[int], size: int) -> float:
    return sum(7.0 ** (size - h3.get_resolution(c)) for c in cells)


def _at(cell: int, size: int) -> Iterable[int]:
    """A cell as cells of one size."""
    if h3.get_resolution(cell) > size:
        return [h3.cell_to_parent(cell, size)]
    return h3.cell_to_children(cell, size)
