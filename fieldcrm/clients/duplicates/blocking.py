"""Which pairs are worth comparing: those that share something few records have.

Each record has keys: the sounds of its words, its numbers, the cells about its position. Records
that share a key of a small group are compared. A key of a large group counts only together with a
second one. So the number of pairs grows with the number of records, not with its square.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import h3
import numpy as np

from fieldcrm.clients.duplicates.model import Ints, Role
from fieldcrm.clients.duplicates.prepared import Prepared

GROUP_MOST = 24
"""Records of one key that are all compared with each other."""
COMMON_MOST = 8
"""A record's common keys, the rarest first, that are combined."""
CELL_LEVEL = 10
"""H3 cells about 130 m across; a position's neighbours count too."""


def candidate_pairs(columns: Sequence[Prepared]) -> tuple[Ints, Ints]:
    """Rows (left < right) of each pair to compare, each pair once."""
    records = len(columns[0].texts) if columns else 0
    owners, keys = _all_keys(columns)
    sizes = np.bincount(keys, minlength=1) if len(keys) else np.zeros(1, dtype=np.int64)
    small = sizes[keys] <= GROUP_MOST
    codes = [_pairs_of_groups(owners[small], keys[small], records)]
    second = _combined(owners[~small], keys[~small], sizes)
    if len(second[0]):
        size = np.unique(second[1], return_inverse=True, return_counts=True)
        fits = size[2][size[1]] <= GROUP_MOST
        codes.append(_pairs_of_groups(second[0][fits], size[1][fits], records))
    every = np.unique(np.concatenate(codes))
    return every // max(records, 1), every % max(records, 1)


def _all_keys(columns: Sequence[Prepared]) -> tuple[Ints, Ints]:
    """(record, key) of every key of every record; keys count from 0 across the columns."""
    owners, keys, base = [], [], 0
    for column in columns:
        for rows, made in _keys_of(column):
            owners.append(rows)
            keys.append(made + base)
            base += int(made.max()) + 1 if len(made) else 0
    if not owners:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return np.concatenate(owners), np.concatenate(keys)


def _keys_of(column: Prepared) -> Iterable[tuple[Ints, Ints]]:
    if column.role is Role.position:
        yield _cells(column)
        return
    if column.role in (Role.text, Role.address):
        yield _spread(column.words)
    if column.role is Role.phone or column.role is Role.address:
        rows, numbers = _spread(column.numbers)
        yield rows, np.unique(numbers, return_inverse=True)[1]
    if column.role is Role.digits:
        rows = np.flatnonzero(column.values >= 0)
        yield rows, column.values[rows]


def _spread(matrix: Ints) -> tuple[Ints, Ints]:
    rows, places = np.nonzero(matrix >= 0)
    return rows, matrix[rows, places]


def _cells(column: Prepared) -> tuple[Ints, Ints]:
    """Each record in its own cell and in those around, so that no border parts neighbours."""
    ids: dict[str, int] = {}
    rows: list[int] = []
    keys: list[int] = []
    assert column.places is not None
    for row in np.flatnonzero(~np.isnan(column.places[:, 0])):
        lat, lng = column.places[row]
        for cell in h3.grid_disk(h3.latlng_to_cell(lat, lng, CELL_LEVEL), 1):
            rows.append(int(row))
            keys.append(ids.setdefault(cell, len(ids)))
    return np.array(rows, dtype=np.int64), np.array(keys, dtype=np.int64)


def _combined(owners: Ints, keys: Ints, sizes: Ints) -> tuple[Ints, Ints]:
    """(record, code of two of its common keys), for a record's rarest common keys."""
    order = np.lexsort((keys, sizes[keys], owners))
    owners, keys = owners[order], keys[order]
    starts = np.searchsorted(owners, owners)
    place = np.arange(len(owners)) - starts
    kept = place < COMMON_MOST
    owners, keys = owners[kept], keys[kept]
    made: list[tuple[Ints, Ints]] = []
    for apart in range(1, COMMON_MOST):
        same = owners[:-apart] == owners[apart:]
        a, b = keys[:-apart][same], keys[apart:][same]
        made.append((owners[:-apart][same], np.minimum(a, b) * len(sizes) + np.maximum(a, b)))
    return np.concatenate([o for o, _ in made]), np.concatenate([c for _, c in made])


def _pairs_of_groups(owners: Ints, keys: Ints, records: int) -> Ints:
    """Codes (left * records + right) of all pairs within groups of one key."""
    order = np.lexsort((owners, keys))
    owners, keys = owners[order], keys[order]
    codes = [np.zeros(0, dtype=np.int64)]
    for apart in range(1, GROUP_MOST):
        same = (keys[:-apart] == keys[apart:]) & (owners[:-apart] != owners[apart:])
        codes.append(owners[:-apart][same] * records + owners[apart:][same])
    return np.unique(np.concatenate(codes))
