"""Groups of records that are one client, made so that one wrong link chains nothing.

Links are taken the surest first. Two groups become one only while the evidence between all their
records, those that nobody proposed as a pair too, speaks for it on the whole (average link).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from fieldcrm.clients.duplicates.model import Floats, Ints

GROUP_MOST = 300
"""Records that hang together beyond which weaker links are cut first."""
CUT_BITS = 2.0
DOUBT_MOST = -12.0
"""The most that a single pair can say against a group: one broken record is no proof."""
SURE_MOST = 12.0

Weigh = Callable[[Ints, Ints], Floats]
"""Evidence in bits for pairs of rows."""


def clusters(left: Ints, right: Ints, bits: Floats, weigh: Weigh, least: float) -> list[list[int]]:
    """Groups of two or more rows; `least` is the evidence in bits that a link needs."""
    hanging = list(_small_components(left, right, bits, least))
    pairs = [sorted(rows) for rows in hanging if len(rows) == 2]
    larger = [sorted(rows) for rows in hanging if len(rows) > 2]
    for rows, between in zip(larger, _matrices(larger, weigh), strict=True):
        pairs += _average_link(rows, between, least)
    return pairs


def _small_components(left: Ints, right: Ints, bits: Floats, least: float) -> Iterable[list[int]]:
    """Rows that hang together by links; where they are too many, by surer links."""
    good = bits >= least
    left, right, bits = left[good], right[good], bits[good]
    for rows in components(left.tolist(), right.tolist()):
        if len(rows) <= GROUP_MOST:
            yield rows
        else:
            inside = np.isin(left, rows)
            yield from _small_components(
                left[inside], right[inside], bits[inside], least + CUT_BITS
            )


def components(left: Sequence[int], right: Sequence[int]) -> Iterable[list[int]]:
    """Rows that hang together by links."""
    parent: dict[int, int] = {}

    def root(row: int) -> int:
        while parent.setdefault(row, row) != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for a, b in zip(left, right, strict=True):
        parent[root(a)] = root(b)
    groups: dict[int, list[int]] = {}
    for row in list(parent):
        groups.setdefault(root(row), []).append(row)
    return groups.values()


def _matrices(groups: list[list[int]], weigh: Weigh) -> Iterable[Floats]:
    """Evidence between all records of each group, weighed for all groups at once."""
    if not groups:
        return
    corners = [np.triu_indices(len(rows), 1) for rows in groups]
    left = np.concatenate([np.array(r)[a] for r, (a, _) in zip(groups, corners, strict=True)])
    right = np.concatenate([np.array(r)[b] for r, (_, b) in zip(groups, corners, strict=True)])
    bits, start = np.clip(weigh(left, right), DOUBT_MOST, SURE_MOST), 0
    for rows, (a, b) in zip(groups, corners, strict=True):
        found = np.zeros((len(rows), len(rows)))
        found[a, b] = bits[start : start + len(a)]
        start += len(a)
        yield found + found.T


def _average_link(rows: list[int], between: Floats, least: float) -> list[list[int]]:
    """Join the two groups with the strongest mean evidence until none reaches `least`."""
    groups = [[row] for row in rows]
    sizes = np.ones(len(rows))
    sums = between.copy()
    np.fill_diagonal(sums, -np.inf)
    while len(groups) > 1:
        means = sums / np.outer(sizes, sizes)
        a, b = sorted(divmod(int(np.argmax(means)), len(groups)))
        if means[a, b] < least:
            break
        groups[a] += groups.pop(b)
        sums[a] += sums[b]
        sums[:, a] += sums[:, b]
        sums[a, a] = -np.inf
        sizes[a] += sizes[b]
        sums = np.delete(np.delete(sums, b, 0), b, 1)
        sizes = np.delete(sizes, b)
    return [sorted(group) for group in groups if len(group) > 1]
