"""H3 cells as integers: at which resolution the product keeps and publishes positions."""

from __future__ import annotations

from functools import lru_cache
from math import cos, hypot, radians

import h3.api.basic_int as h3

FINE = 10
"""Resolution under which a rep's last fix is kept (edge about 76 m)."""
PUBLISH = 7
"""Resolution of the pub/sub channels (edge about 1.4 km)."""


def fine_cell(lat: float, lng: float) -> int:
    """The cell (resolution FINE) that holds a point."""
    return h3.latlng_to_cell(lat, lng, FINE)


Core = tuple[float, float, float, float]
"""A circle within a cell: lat and lng of its middle, how long a degree east is to one north, and its
radius squared, in degrees north."""
_SURELY = 0.95
"""Of the way from a cell's middle to its nearest side: these are not quite straight, nor is it flat."""


def is_in_core(core: Core, lat: float, lng: float) -> bool:
    """Whether a place lies so far inside a cell that H3 need not be asked: a tenth of what that costs."""
    north, east = lat - core[0], (lng - core[1]) * core[2]
    return north * north + east * east < core[3]


@lru_cache(maxsize=20_000)
def core_of(cell: int) -> Core:
    """The circle around a cell's middle that lies within it."""
    lat, lng = h3.cell_to_latlng(cell)
    wide = cos(radians(lat))
    corners = [((a - lat), (b - lng) * wide) for a, b in h3.cell_to_boundary(cell)]
    nearest = min(map(_from_origin, corners, [*corners[1:], corners[0]]))
    return lat, lng, wide, (nearest * _SURELY) ** 2


def _from_origin(a: tuple[float, float], b: tuple[float, float]) -> float:
    """How far the line through two points passes from the origin."""
    return abs(a[0] * b[1] - a[1] * b[0]) / hypot(b[0] - a[0], b[1] - a[1])


def parent(cell: int, resolution: int) -> int:
    """The ancestor of a cell at a coarser resolution."""
    return h3.cell_to_parent(cell, resolution)


_DIGIT_BITS, _RESOLUTION_BIT, _FINEST = 3, 52, 15
_UNUSED = sum(7 << _DIGIT_BITS * (_FINEST - r) for r in range(PUBLISH + 1, FINE + 1))
_NO_RESOLUTION = ~(15 << _RESOLUTION_BIT)


def published(fine: int) -> int:
    """The ancestor at PUBLISH of a cell at FINE, by the bits of an H3 index: every fix asks."""
    return fine & _NO_RESOLUTION | PUBLISH << _RESOLUTION_BIT | _UNUSED
