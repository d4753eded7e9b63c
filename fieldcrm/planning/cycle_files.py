"""Problems of cycles as files: a rep's cycle as JSON and Cordeau's PVRP (docs/problem-format.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from fieldcrm.planning.cycle_model import (
    ENDLESS,
    SHARPNESS,
    CycleProblem,
    Days,
    Spacing,
    Tours,
    spaced,
)
from fieldcrm.planning.model import UnreadablePlan

WEEKDAYS = 5
RULES: dict[str, dict[str, Any]] = {
    "A": {"visits": 4, "gap": [4, 6], "penalty": 200_000},
    "B": {"visits": 2, "gap": [8, 12], "penalty": 60_000},
    "C": {"visits": 1, "gap": [1, 20], "penalty": 8_000},
}
"""Where a file states no rules of its own."""


def is_cycle(path: Path) -> bool:
    """Whether a file is a problem of a cycle (and not of a day)."""
    try:
        with path.open("rb") as opened:
            start = opened.read(200).lstrip()
        return not start.startswith(b"{") or "cls" in json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False


def read_cycle(path: Path) -> CycleProblem:
    """The problem in a file; raises UnreadablePlan."""
    try:
        text = path.read_text()
        if text.lstrip().startswith("{"):
            return _territory(path.stem, json.loads(text))
        return _pvrp(path, text)
    except (OSError, ValueError, KeyError, IndexError, TypeError) as broken:
        raise UnreadablePlan(detail=f"{path}: {broken!r}") from broken


def read_cycle_plan(path: Path) -> Tours:
    """The tours in a plan's file; raises UnreadablePlan."""
    try:
        days = json.loads(path.read_bytes())["days"]
        return [[[int(c) for c in tour] for tour in tours] for tours in days]
    except (OSError, ValueError, KeyError, TypeError) as broken:
        raise UnreadablePlan(detail=f"{path}: {broken!r}") from broken


def _territory(name: str, told: dict[str, Any]) -> CycleProblem:
    """One rep's clients over weeks of five days."""
    days, categories = int(told["days"]), tuple(str(c) for c in told["cls"])
    rules = told.get("rules", RULES)
    windows = np.array(told["tw_weekday"], np.int64)
    weekdays = np.arange(days) % WEEKDAYS
    ready, due = windows[:, weekdays, 0].T.copy(), windows[:, weekdays, 1].T.copy()
    spacing = {c: Spacing(int(r["visits"]), *map(int, r["gap"])) for c, r in rules.items()}
    service = np.array(told["service"], np.int64)
    is_open = due - ready >= service[None, :]
    duration = np.array(told["dur"], np.int64)
    return CycleProblem(
        name=name, days=days, tours=int(told.get("tours", 1)), cost=duration, time=duration,
        service=service, ready=ready, due=due,
        patterns=((), *(
            spaced(days, spacing[c], is_open[:, n].tolist())
            for n, c in enumerate(categories[1:], 1)
        )),
        demand=np.zeros(len(service), np.int64), capacity=np.full(days, ENDLESS, np.int64),
        penalty=np.array([0, *(int(rules[c]["penalty"]) for c in categories[1:])], np.int64),
        category=categories, spacing=spacing, must_end_in_window=True,
    )  # fmt: skip


def _pvrp(path: Path, text: str) -> CycleProblem:
    """Cordeau's format: type, vehicles, clients, days; a limit and a load a day; depot; clients."""
    rows = [[float(v) for v in line.split()] for line in text.splitlines() if line.strip()]
    kind, tours, count, days = (int(v) for v in rows[0][:4])
    if kind != 1:
        raise ValueError(f"type {kind} is not the periodic problem")
    limits = np.array([row[:2] for row in rows[1 : days + 1]])
    nodes = rows[days + 1 : days + 2 + count]
    points = np.array([row[1:3] for row in nodes])
    exact = np.sqrt(((points[:, None, :] - points[None, :, :]) ** 2).sum(axis=2))
    tenths = np.ceil(exact * SHARPNESS - 1e-6).astype(np.int64)
    due = np.full((days, count + 1), ENDLESS, np.int64)
    longest = np.floor(limits[:, 0] * SHARPNESS + 1e-6).astype(np.int64)
    due[:, 0] = np.where(longest > 0, longest, ENDLESS)
    return CycleProblem(
        name=path.stem, days=days, tours=tours, cost=tenths, time=tenths,
        service=np.array([0, *(round(row[3] * SHARPNESS) for row in nodes[1:])], np.int64),
        ready=np.zeros_like(due), due=due,
        patterns=((), *(_combinations(row, days) for row in nodes[1:])),
        demand=np.array([0, *(int(row[4]) for row in nodes[1:])], np.int64),
        capacity=np.where(limits[:, 1] > 0, limits[:, 1], ENDLESS).astype(np.int64),
        penalty=np.zeros(count + 1, np.int64), category=("-", *["C"] * count), exact=exact,
        best_known=_published(path),
    )  # fmt: skip


def _combinations(row: list[float], days: int) -> tuple[Days, ...]:
    """The allowed sets of days: numbers whose binary digits are the days, the first one leading."""
    count = int(row[6])
    chosen = [int(v) for v in row[7 : 7 + count]]
    return tuple(tuple(d for d in range(days) if c >> (days - 1 - d) & 1) for c in chosen)


def _published(path: Path) -> float | None:
    """The published cost, in `best/NAME.res` beside the file."""
    result = path.parent / "best" / f"{path.stem}.res"
    return float(result.read_text().split()[0]) if result.exists() else None
