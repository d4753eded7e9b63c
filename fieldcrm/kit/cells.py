"""H3 cells as integers: at which resolution the product keeps and publishes positions."""

from __future__ import annotations

import h3.api.basic_int as h3

FINE = 10
"""Resolution under which a rep's last fix is kept (edge about 76 m)."""
PUBLISH = 7
"""Resolution of the pub/sub channels (edge about 1.4 km)."""


def fine_cell(lat: float, lng: float) -> int:
    """The cell (resolution FINE) that holds a point."""
    return h3.latlng_to_cell(lat, lng, FINE)


def parent(cell: int, resolution: int) -> int:
    """The ancestor of a cell at a coarser resolution."""
    return h3.cell_to_parent(cell, resolution)


_DIGIT_BITS, _RESOLUTION_BIT, _FINEST = 3, 52, 15
_UNUSED = sum(7 << _DIGIT_BITS * (_FINEST - r) for r in range(PUBLISH + 1, FINE + 1))
_NO_RESOLUTION = ~(15 << _RESOLUTION_BIT)


def published(fine: int) -> int:
    """The ancestor at PUBLISH of a cell at FINE, by the bits of an H3 index: every fix asks."""
    return fine & _NO_RESOLUTION | PUBLISH << _RESOLUTION_BIT | _UNUSED
