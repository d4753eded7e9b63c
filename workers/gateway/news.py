"""What has changed since the last beat, encoded once for all desks that hear of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache

import h3.api.basic_int as h3

from fieldcrm.tracking import frames
from fieldcrm.tracking.session import View

_MARGIN = 0.25
"""Of a cell's size: fine cells reach a little over the border of their coarse one."""


class Reach(Enum):
    """How a coarse cell lies to what a desk looks at."""

    inside = 1
    partly = 2
    outside = 3


class Group:
    """Reps of one team who have changed within one coarse cell."""

    __slots__ = ("full", "moves", "rep_ids", "rest")

    def __init__(self) -> None:
        self.rep_ids: set[str] = set()
        self.full: list[bytes] = []
        """Everybody's whole record."""
        self.moves: list[tuple[frames.Tile, bytes]] = []
        """Short records of those who only moved ..."""
        self.rest: list[bytes] = []
        """... and whole ones of the others."""


class News:
    """All groups of one beat, and bodies of frames already joined for somebody."""

    def __init__(self, server_ms: int) -> None:
        self.server_ms = server_ms
        self.by_team: dict[str | None, dict[int, Group]] = defaultdict(lambda: defaultdict(Group))
        self.nowhere: dict[str | None, set[str]] = defaultdict(set)
        """Changed reps whose place nobody knows."""
        self._full: dict[tuple[int, ...], tuple[int, bytes]] = {}
        self._moves: dict[tuple[int, ...], tuple[int, bytes, int, bytes]] = {}

    def groups_of(self, team_id: str | None) -> Iterable[tuple[int, Group]]:
        """A team's groups by coarse cell."""
        groups = self.by_team.get(team_id)
        return groups.items() if groups else ()

    def full_body(self, groups: list[Group]) -> tuple[int, bytes]:
        """(records, their bytes) of several groups, whole."""
        key = tuple(map(id, groups))
        body = self._full.get(key)
        if body is None:
            records = [record for group in groups for record in group.full]
            body = self._full[key] = len(records), b"".join(records)
        return body

    def moves_body(self, groups: list[Group]) -> tuple[int, bytes, int, bytes]:
        """(moves, their sections, whole records, their bytes) of several groups."""
        key = tuple(map(id, groups))
        body = self._moves.get(key)
        if body is None:
            moves = [move for group in groups for move in group.moves]
            rest = [record for group in groups for record in group.rest]
            body = self._moves[key] = (
                len(moves), b"".join(_sections(moves)), len(rest), b"".join(rest)
            )  # fmt: skip
        return body


def _sections(moves: Iterable[tuple[frames.Tile, bytes]]) -> Iterable[bytes]:
    by_tile: dict[frames.Tile, list[bytes]] = defaultdict(list)
    for tile, record in moves:
        by_tile[tile].append(record)
    return [frames.section(tile, b"".join(records)) for tile, records in by_tile.items()]


@lru_cache(maxsize=50_000)
def _box(cell: int) -> tuple[float, float, float, float] | None:
    """South, west, north, east of a cell with its margin; None at poles and the antimeridian."""
    border = h3.cell_to_boundary(cell)
    lats, lngs = [p[0] for p in border], [p[1] for p in border]
    high, wide = max(lats) - min(lats), max(lngs) - min(lngs)
    if wide > 90 or max(map(abs, lats)) > 85:
        return None
    return (
        min(lats) - high * _MARGIN, min(lngs) - wide * _MARGIN,
        max(lats) + high * _MARGIN, max(lngs) + wide * _MARGIN,
    )  # fmt: skip


def reach(view: View, cell: int) -> Reach:
    """How a coarse cell lies to a view; where that is not plain, partly."""
    box = _box(cell)
    if box is None or view.west < -180 or view.east > 180:
        return Reach.partly
    south, west, north, east = box
    if south > view.north or north < view.south or west > view.east or east < view.west:
        return Reach.outside
    is_inside = (
        south >= view.south and north <= view.north and west >= view.west and east <= view.east
    )
    return Reach.inside if is_inside else Reach.partly
