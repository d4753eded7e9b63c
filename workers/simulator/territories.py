"""Six compact territories of like size, two of them only where a car gets about. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

from workers.simulator.movement import Point

NAMES: dict[str, Point] = {
    "Kamppi": (60.1685, 24.9330), "Kluuvi": (60.1715, 24.9440), "Kruununhaka": (60.1735, 24.9560),
    "Kaartinkaupunki": (60.1655, 24.9480), "Punavuori": (60.1620, 24.9390),
    "Hakaniemi": (60.1790, 24.9510), "Töölönlahti": (60.1750, 24.9360),
    "Esplanadi": (60.1675, 24.9470), "Erottaja": (60.1665, 24.9420),
}  # fmt: skip
"""Central Helsinki's quarters, for the territories' names."""


def share_out(
    cells: Mapping[str, Sequence[Point]], drivable: Collection[str], each: int
) -> list[list[str]]:
    """Cells by territory: the first two are drivable ones, of about `each` places; four the rest."""
    by_car = _tightest(cells, [c for c in cells if c in drivable], 2 * each)
    rest = [c for c in cells if c not in set(by_car)]
    west, east = _halves(cells, rest)
    return [*_halves(cells, by_car), *_halves(cells, west), *_halves(cells, east)]


def centre(points: Sequence[Point]) -> Point:
    """The mean of points."""
    return sum(p[0] for p in points) / len(points), sum(p[1] for p in points) / len(points)


def name_all(centres: Sequence[Point]) -> list[str]:
    """A quarter's name for each territory, none twice, the nearest first."""
    left, named = dict(NAMES), dict[int, str]()
    while len(named) < len(centres):
        _, at, name = min(
            (_flat_m(c, p), i, n)
            for i, c in enumerate(centres) if i not in named for n, p in left.items()
        )  # fmt: skip
        named[at] = name
        del left[name]
    return [named[i] for i in range(len(centres))]


def _tightest(cells: Mapping[str, Sequence[Point]], allowed: list[str], wanted: int) -> list[str]:
    """The group of allowed cells around one of them that holds enough places within least."""
    best: tuple[float, list[str]] | None = None
    for seed in allowed:
        middle = centre(cells[seed])
        group, held = list[str](), 0
        for cell in sorted(allowed, key=lambda c: (_flat_m(middle, centre(cells[c])), c)):
            if held >= wanted:
                break
            group.append(cell)
            held += len(cells[cell])
        reach = max(_flat_m(middle, centre(cells[c])) for c in group)
        if best is None or reach < best[0]:
            best = (reach, group)
    return best[1] if best else []


def _halves(cells: Mapping[str, Sequence[Point]], group: list[str]) -> tuple[list[str], list[str]]:
    """Cut a group across its longer side into two of like many places."""
    centres = {c: centre(cells[c]) for c in group}
    tall = _spread([p[0] for p in centres.values()], 1.0)
    wide = _spread([p[1] for p in centres.values()], math.cos(math.radians(60.17)))
    ordered = sorted(group, key=lambda c: (centres[c][0 if tall >= wide else 1], c))
    half, held = sum(len(cells[c]) for c in group) / 2, 0
    for cut, cell in enumerate(ordered):
        if held + len(cells[cell]) / 2 >= half:
            return ordered[:cut], ordered[cut:]
        held += len(cells[cell])
    return ordered, []


def _spread(values: list[float], scale: float) -> float:
    return (max(values) - min(values)) * scale if values else 0.0


def _flat_m(a: Point, b: Point) -> float:
    east = (a[1] - b[1]) * math.cos(math.radians(a[0]))
    return math.hypot(a[0] - b[0], east) * 111_195
