"""Reads published routing benchmarks: Solomon's text format and VRPLIB with time windows and prizes.

Costs follow the DIMACS convention: distances truncated to one decimal. Everything is kept in
tenths, so that all sums are of integers.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SCALE = 10
Ints = NDArray[np.int64]


class UnreadableInstance(ValueError):
    """The file is in neither of the two formats."""


@dataclass(frozen=True)
class Instance:
    """One depot (node 0), one fleet, clients 1..n; tenths of the file's units."""

    name: str
    distance: Ints
    """[n + 1, n + 1]; also the travel time."""
    demand: Ints
    ready: Ints
    due: Ints
    service: Ints
    prize: Ints
    """What leaving a client out costs; 0 where it must be served."""
    capacity: int
    vehicles: int

    @property
    def is_prize_collecting(self) -> bool:
        return bool(self.prize.any())

    def cost(self, routes: list[list[int]]) -> int:
        """Distance of the routes and the prizes missed, in tenths."""
        out = set(range(1, len(self.demand))) - {c for route in routes for c in route}
        return self.travelled(routes) + sum(int(self.prize[c]) for c in out)

    def travelled(self, routes: list[list[int]]) -> int:
        total = 0
        for route in routes:
            way = [0, *route, 0]
            total += sum(int(self.distance[a, b]) for a, b in itertools.pairwise(way))
        return total

    def shown_cost(self, routes: list[list[int]]) -> float:
        """The cost as references state it: tenths for prize-collecting files, else units."""
        cost = self.cost(routes)
        return cost if self.is_prize_collecting else cost / SCALE

    def faults(self, routes: list[list[int]]) -> list[str]:
        """Broken rules, found without anything of the search: visits, loads, windows, fleet."""
        found = [f"more than {self.vehicles} routes"] if len(routes) > self.vehicles else []
        seen = [c for route in routes for c in route]
        if len(seen) != len(set(seen)) or not set(seen) <= set(range(1, len(self.demand))):
            found.append("a client twice, or an unknown one")
        missed = set(range(1, len(self.demand))) - set(seen)
        found += [f"client {c} is left out" for c in sorted(missed) if not self.prize[c]]
        for n, route in enumerate(routes):
            if sum(int(self.demand[c]) for c in route) > self.capacity:
                found.append(f"route {n} is overloaded")
            found += self._late(n, route)
        return found

    def _late(self, n: int, route: list[int]) -> list[str]:
        now, at = int(self.ready[0]), 0
        for client in [*route, 0]:
            now = now + int(self.service[at]) + int(self.distance[at, client])
            now = max(now, int(self.ready[client]))
            if now > self.due[client]:
                return [f"route {n} is late at {client}"]
            at = client
        return []


def read_instance(path: Path) -> Instance:
    """The instance in a file; raises UnreadableInstance."""
    text = path.read_text()
    try:
        return _vrplib(text) if "NODE_COORD_SECTION" in text else _solomon(text)
    except (ValueError, KeyError, IndexError) as broken:
        raise UnreadableInstance(f"{path}: {broken}") from broken


def _solomon(text: str) -> Instance:
    lines = [line.split() for line in text.splitlines() if line.strip()]
    numbers = [line for line in lines if line[0].lstrip("-").replace(".", "").isdigit()]
    fleet = [int(v) for v in numbers[0]]
    rows = np.array([[float(v) for v in row] for row in numbers[1:]])
    tenths = (rows * SCALE).astype(np.int64)
    return Instance(
        name=lines[0][0], distance=_distances(rows[:, 1:3]), demand=rows[:, 3].astype(np.int64),
        ready=tenths[:, 4], due=tenths[:, 5], service=tenths[:, 6],
        prize=np.zeros(len(rows), np.int64), capacity=fleet[1], vehicles=fleet[0],
    )  # fmt: skip


def _distances(points: NDArray[np.float64]) -> Ints:
    apart = np.sqrt(((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=2))
    return (apart * SCALE).astype(np.int64)


def _vrplib(text: str) -> Instance:
    facts, sections = _sections(text)
    points = np.array([row[1:3] for row in sections["NODE_COORD"]])
    windows = np.array([row[1:3] for row in sections["TIME_WINDOW"]])
    size = len(points)
    prizes = [row[1] for row in sections.get("PRIZE", [])] or [0.0] * size
    service = np.full(size, int(float(facts.get("SERVICE_TIME", "0")) * SCALE), np.int64)
    service[0] = 0
    return Instance(
        name=facts["NAME"], distance=_distances(points),
        demand=np.array([row[1] for row in sections["DEMAND"]]).astype(np.int64),
        ready=(windows[:, 0] * SCALE).astype(np.int64), due=(windows[:, 1] * SCALE).astype(np.int64),
        service=service, prize=(np.array(prizes) * SCALE).astype(np.int64),
        capacity=int(facts["CAPACITY"]), vehicles=int(facts.get("VEHICLES", size - 1)),
    )  # fmt: skip


def _sections(text: str) -> tuple[dict[str, str], dict[str, list[list[float]]]]:
    facts: dict[str, str] = {}
    sections: dict[str, list[list[float]]] = {}
    rows: list[list[float]] = []
    for line in text.splitlines():
        if ":" in line:
            name, _, value = line.partition(":")
            facts[name.strip()] = value.strip()
        elif line.strip().endswith("_SECTION"):
            rows = sections.setdefault(line.strip().removesuffix("_SECTION"), [])
        elif line.strip() and line.strip() != "EOF":
            rows.append([float(v) for v in line.split()])
    return facts, sections
