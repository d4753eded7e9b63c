"""Territories made of H3 cells: which cell is whose, so that work is even and areas hang together. Pure.

Cells with work are the nodes of a graph. The empty cells around them belong to the nearest one, and
two with work are neighbours where their patches touch; towns apart are joined by their shortest way.
So a territory that hangs together in the graph hangs together on the map.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import h3.api.basic_int as h3

Point = tuple[float, float]
RINGS = 2
"""Empty cells so near to one with work belong to its territory."""
FINEST, COARSEST = 10, 5
CELLS_MOST = 400
"""Cells with work: more make the search slow and the map no clearer."""
SHAPE_WEIGHT = 0.15
"""What compactness counts beside evenness where several moves make work more even."""
MOVES_MOST = 2_000


@dataclass(frozen=True)
class Land:
    """Where a team's work lies."""

    load: dict[int, float]
    """Cell -> minutes of work."""
    links: dict[int, tuple[int, ...]]
    """Cell with work -> its neighbours with work."""
    patch: dict[int, int]
    """Every cell of the map -> the cell with work that it goes with."""
    middle: dict[int, Point]


def resolution_for(points: Sequence[Point]) -> int:
    """How fine cells should be: several clients in each, and few enough to work with."""
    most = min(CELLS_MOST, max(24, len(points) // 2))
    for resolution in range(FINEST, COARSEST, -1):
        if len({h3.latlng_to_cell(*p, resolution) for p in points}) <= most:
            return resolution
    return COARSEST


def make_land(load: Mapping[int, float]) -> Land:
    """The graph over these cells (all of one resolution)."""
    patch = _patches(sorted(load))
    links: dict[int, set[int]] = {cell: set() for cell in load}
    for cell, core in patch.items():
        for other in h3.grid_disk(cell, 1):
            if (theirs := patch.get(other, core)) != core:
                links[core].add(theirs)
                links[theirs].add(core)
    middle: dict[int, Point] = {}
    for cell in load:
        lat, lng = h3.cell_to_latlng(cell)
        middle[cell] = (lat, lng)
    _bridge(links, middle)
    return Land(dict(load), {c: tuple(sorted(n)) for c, n in links.items()}, patch, middle)


def _patches(cores: Sequence[int]) -> dict[int, int]:
    """Cells within RINGS of one with work, each with the nearest: grown ring by ring."""
    patch = {core: core for core in cores}
    rim = list(cores)
    for _ in range(RINGS):
        grown: list[int] = []
        for cell in rim:
            for other in sorted(h3.grid_disk(cell, 1)):
                if other not in patch:
                    patch[other] = patch[cell]
                    grown.append(other)
        rim = grown
    return patch


def _bridge(links: dict[int, set[int]], middle: Mapping[int, Point]) -> None:
    """Join what lies apart by the shortest way, until all hangs together."""
    parts = components(links, links)
    while len(parts) > 1:
        first, rest = parts[0], parts[1:]
        others = [c for part in rest for c in part]
        a, b = min(
            ((a, b) for a in first for b in others),
            key=lambda ab: (apart_m(middle[ab[0]], middle[ab[1]]), ab),
        )
        links[a].add(b)
        links[b].add(a)
        joined = next(part for part in rest if b in part)
        parts = [first | joined, *(part for part in rest if part is not joined)]


def components(cells: Iterable[int], links: Mapping[int, Collection[int]]) -> list[set[int]]:
    """What hangs together among these cells."""
    left, found = set(cells), list[set[int]]()
    for start in sorted(left):
        if start not in left:
            continue
        part, queue = {start}, deque([start])
        left.discard(start)
        while queue:
            for other in links[queue.popleft()]:
                if other in left:
                    left.discard(other)
                    part.add(other)
                    queue.append(other)
        found.append(part)
    return found


def apart_m(a: Point, b: Point) -> float:
    """About how far two places lie apart: flat, for comparing within a region."""
    north = (a[0] - b[0]) * 111_195
    east = (a[1] - b[1]) * 111_195 * math.cos(math.radians((a[0] + b[0]) / 2))
    return math.hypot(north, east)


# ---- how even ----


def loads(land: Land, owner: Mapping[int, str], names: Iterable[str]) -> dict[str, float]:
    """Minutes of work by territory."""
    found = dict.fromkeys(names, 0.0)
    for cell, whose in owner.items():
        found[whose] = found.get(whose, 0.0) + land.load[cell]
    return found


def unevenness(load: Mapping[str, float], capacity: Mapping[str, float]) -> float:
    """How far loads are from everybody's fair share: squares about it, weighed by capacity; 0 is even."""
    whole = sum(capacity[n] for n in load) or 1.0
    fair = (sum(load.values()) / whole) or 1.0
    return sum(capacity[n] * (load[n] / capacity[n] / fair - 1) ** 2 for n in load) / whole


# ---- growing ----


def grown(
    land: Land, owner: Mapping[int, str], capacity: Mapping[str, float],
    anchors: Mapping[str, Point],
) -> dict[int, str]:  # fmt: skip
    """Every cell somebody's: whoever has least work takes the free neighbour nearest to its anchor.

    Cells that have an owner keep it. Raises ValueError where nobody has a cell to grow from.
    """
    found = dict(owner)
    load = loads(land, found, capacity)
    rim: dict[str, set[int]] = {name: set() for name in capacity}
    for cell, whose in found.items():
        rim[whose].update(n for n in land.links[cell] if n not in found)
    while len(found) < len(land.load):
        able = [n for n in capacity if rim[n]]
        if not able:
            raise ValueError("nothing to grow from")
        name = min(able, key=lambda n: (load[n] / capacity[n], n))
        near = anchors[name]
        cell = min(rim[name], key=lambda c: (apart_m(land.middle[c], near), c))
        found[cell] = name
        load[name] += land.load[cell]
        for others in rim.values():
            others.discard(cell)
        rim[name].update(n for n in land.links[cell] if n not in found)
    return found


def seeded(
    land: Land, capacity: Mapping[str, float], anchors: Mapping[str, Point]
) -> dict[int, str]:  # fmt: skip
    """One cell for each, the free one nearest to its anchor; fewer where cells run out."""
    found: dict[int, str] = {}
    for name in sorted(capacity):
        free = [c for c in land.load if c not in found]
        if free:
            near = anchors[name]
            found[min(free, key=lambda c: (apart_m(land.middle[c], near), c))] = name
    return found


# ---- balancing ----


def balanced(
    land: Land, owner: Mapping[int, str], capacity: Mapping[str, float],
    anchors: Mapping[str, Point], movable: Collection[int] | None = None,
    takers: Collection[str] | None = None,
) -> dict[int, str]:  # fmt: skip
    """The same after the best moves of single border cells, each of which makes work more even.

    No move tears a territory apart or takes its last cell. `movable` limits which cells may change
    hands, `takers` who may be given any.
    """
    found, load = dict(owner), loads(land, owner, capacity)
    for _ in range(MOVES_MOST):
        move = _best_move(land, found, load, capacity, anchors, movable, takers)
        if move is None:
            break
        cell, to = move
        load[found[cell]] -= land.load[cell]
        load[to] += land.load[cell]
        found[cell] = to
    return found


def _best_move(
    land: Land, owner: Mapping[int, str], load: Mapping[str, float],
    capacity: Mapping[str, float], anchors: Mapping[str, Point],
    movable: Collection[int] | None, takers: Collection[str] | None,
) -> tuple[int, str] | None:  # fmt: skip
    fair = sum(load.values()) / (sum(capacity.values()) or 1.0) or 1.0
    size = max((apart_m(land.middle[c], anchors[o]) for c, o in owner.items()), default=1.0) or 1.0
    tried: list[tuple[float, int, str]] = []
    for cell, giver in owner.items():
        if movable is not None and cell not in movable:
            continue
        for to in {owner[n] for n in land.links[cell]} - {giver}:
            if takers is not None and to not in takers:
                continue
            gain = _gain(land.load[cell], load, capacity, giver, to, fair)
            if gain > 1e-9:
                here = land.middle[cell]
                worse = (apart_m(here, anchors[to]) - apart_m(here, anchors[giver])) / size
                tried.append((gain * (1 - SHAPE_WEIGHT * worse), cell, to))
    tried.sort(key=lambda t: (-t[0], t[1], t[2]))
    return next(((c, to) for _, c, to in tried if can_go(land, owner, c)), None)


def _gain(
    work: float, load: Mapping[str, float], capacity: Mapping[str, float], giver: str, to: str,
    fair: float,
) -> float:  # fmt: skip
    """By how much a move lessens the sum of squares."""

    def square(name: str, change: float) -> float:
        return capacity[name] * ((load[name] + change) / capacity[name] / fair - 1) ** 2

    return square(giver, 0) + square(to, 0) - square(giver, -work) - square(to, work)


def can_go(land: Land, owner: Mapping[int, str], cell: int) -> bool:
    """Whether a cell can go without tearing its territory apart or ending it."""
    mine = {c for c, o in owner.items() if o == owner[cell]}
    part = next(p for p in components(mine, land.links) if cell in p)
    return len(part) > 1 and len(components(part - {cell}, land.links)) == 1


def proposed(
    land: Land, now: Mapping[int, str], capacity: Mapping[str, float],
    anchors: Mapping[str, Point],
) -> dict[int, str]:  # fmt: skip
    """Territories by workload: grown anew from the anchors, or today's made even, whichever is more so.

    Never less even than today's.
    """
    kept = balanced(land, now, capacity, anchors)
    fresh = balanced(
        land, grown(land, seeded(land, capacity, anchors), capacity, anchors), capacity, anchors
    )
    torn = [n for n in capacity if _parts(land, kept, n) > _parts(land, fresh, n)]
    is_better = unevenness(loads(land, fresh, capacity), capacity) < unevenness(
        loads(land, kept, capacity), capacity
    )
    is_fair = unevenness(loads(land, fresh, capacity), capacity) <= unevenness(
        loads(land, now, capacity), capacity
    )
    return fresh if is_better or (torn and is_fair) else kept


def _parts(land: Land, owner: Mapping[int, str], name: str) -> int:
    return len(components([c for c, o in owner.items() if o == name], land.links))


def on_the_map(land: Land, owner: Mapping[int, str]) -> dict[int, str]:
    """Every cell of the map with its territory, the empty ones too."""
    return {cell: owner[core] for cell, core in land.patch.items()}
