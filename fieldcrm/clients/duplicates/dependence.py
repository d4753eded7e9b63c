"""Which columns tell of one thing, so that their agreement is not counted twice.

An address gives the town, a town the county: neighbours agree in all of them. What is given by a
finer column is coarse: it adds nothing where that one has a value, and speaks against a pair alone.
Addresses and positions tell of one place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fieldcrm.clients.duplicates.model import Role
from fieldcrm.clients.duplicates.prepared import Prepared

GIVEN_LEAST = 0.9
"""Share of the finer column's groups that have one value in the coarser one."""
COARSER_MOST = 0.5
"""Values of the coarser column for each of the finer. Copies of whole records agree in everything
too, but then no column has fewer values than another."""
GROUPS_LEAST = 20
PLACE = "place"


def about_one_thing(columns: list[Prepared]) -> list[Prepared]:
    """The columns, those about one thing marked so; what somebody has marked stays."""
    for column in columns:
        if column.about == column.name and column.role in (Role.address, Role.position):
            column.about = PLACE
    finest_first = sorted(columns, key=lambda c: -len(c.value_counts))
    for place, column in enumerate(finest_first):
        by = _given_by(column, finest_first[:place]) if column.about == column.name else None
        if by is not None:
            column.about, column.is_coarse = by.about, True
    return columns


def _given_by(column: Prepared, finer: Sequence[Prepared]) -> Prepared | None:
    return next((f for f in finer if _is_given(column, f)), None)


def _is_given(coarse: Prepared, fine: Prepared) -> bool:
    """Whether a value of the finer column nearly always comes with one value of the coarser."""
    if len(coarse.value_counts) > COARSER_MOST * len(fine.value_counts):
        return False
    both = (coarse.values >= 0) & (fine.values >= 0)
    keys, values = fine.values[both], coarse.values[both]
    _, sizes = np.unique(keys, return_counts=True)
    pairs = np.unique(keys * (len(coarse.value_counts) + 1) + values)
    _, kinds = np.unique(pairs // (len(coarse.value_counts) + 1), return_counts=True)
    groups = kinds[sizes > 1]
    return len(groups) >= GROUPS_LEAST and float(np.mean(groups == 1)) >= GIVEN_LEAST
