"""Small invented problems for pure tests: places on a line or a grid, minutes apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from fieldcrm.planning.model import NO_WAY, Break, Job, Problem, Shift, Travel, Window

ORIGIN = datetime(2026, 11, 18, 22, 0, tzinfo=UTC)
HOUR = 3600
NINE, FIVE = 9 * HOUR, 17 * HOUR
LUNCH = Break(11 * HOUR + 1800, 13 * HOUR, 1800)
ALL_DAY = (Window(0, 24 * HOUR),)


def shift(name: str = "rep", **changes: Any) -> Shift:
    """Nine to five from place 0 and back, with lunch."""
    return replace(Shift(name, 0, 0, NINE, FIVE, "car", LUNCH), **changes)


def job(name: str, place: int | None, **changes: Any) -> Job:
    """A quarter of an hour at any time."""
    return replace(Job(name, place, 900, ALL_DAY, penalty_s=40_000), **changes)


def line(count: int, step_s: int = 600, cut: set[tuple[int, int]] | None = None) -> Travel:
    """Places on a line, `step_s` apart; pairs in `cut` have no way."""
    gone = cut or set()

    def seconds(a: int, b: int) -> int:
        return NO_WAY if (a, b) in gone or (b, a) in gone else abs(a - b) * step_s

    rows = tuple(tuple(seconds(a, b) for b in range(count)) for a in range(count))
    metres = tuple(tuple(NO_WAY if s == NO_WAY else s * 10 for s in row) for row in rows)
    return Travel(rows, metres)


def problem(jobs: list[Job], shifts: list[Shift] | None = None, **changes: Any) -> Problem:
    """Places on a line ten minutes apart by car, thirty on foot."""
    count = 2 + max([j.place or 0 for j in jobs], default=0)
    made = Problem(
        ORIGIN, tuple((60.0, 24.0 + n / 1000) for n in range(count)),
        {"car": line(count), "foot": line(count, 1800)}, tuple([shift()] if shifts is None else shifts),
        tuple(jobs),
    )  # fmt: skip
    return replace(made, **changes)


@st.composite
def problems(draw: st.DrawFn, with_budget: bool = False) -> Problem:
    """Any day: reps of different shifts, asymmetric roads with holes, windows, locks, skills."""
    count = draw(st.integers(2, 7))
    reps = draw(st.integers(0, 2))
    names = [f"r{n}" for n in range(reps)]
    shifts = [_shift(draw, name, count) for name in names]
    jobs = [_job(draw, n, count, names) for n in range(draw(st.integers(0, 8)))]
    travel = {mode: _travel(draw, count) for mode in ("car", "foot")}
    before: dict[str, tuple[str, ...]] = dict.fromkeys(names, ())
    for one in jobs:
        if names and (owner := draw(st.sampled_from([*names, ""]))):
            named = one.shifts is None or owner in one.shifts
            before[owner] = (*before[owner], one.id) if named else before[owner]
    places = tuple((60.0 + n / 1000, 24.0) for n in range(count))
    budget = draw(st.integers(0, 3)) if with_budget else None
    return Problem(ORIGIN, places, travel, tuple(shifts), tuple(jobs), before, budget)


def _shift(draw: st.DrawFn, name: str, count: int) -> Shift:
    start = draw(st.integers(7, 14)) * HOUR
    end = start + draw(st.integers(0, 10)) * HOUR
    place = st.integers(0, count - 1)
    lunch = draw(st.sampled_from([None, LUNCH, Break(12 * HOUR, 12 * HOUR, 3600)]))
    skills = draw(st.sampled_from([frozenset[str](), frozenset(["cold"])]))
    return Shift(name, draw(place), draw(place), start, end, "car", lunch, skills)


def _job(draw: st.DrawFn, n: int, count: int, names: list[str]) -> Job:
    windows = draw(st.sampled_from([
        ALL_DAY, (), (Window(8 * HOUR, 12 * HOUR),), (Window(10 * HOUR, 10 * HOUR + 600),),
        (Window(9 * HOUR, 10 * HOUR), Window(15 * HOUR, 18 * HOUR)), (Window(20 * HOUR, 22 * HOUR),),
    ]))  # fmt: skip
    named = [frozenset([name]) for name in names]
    return job(
        f"j{n}", draw(st.none() | st.integers(0, count - 1)), windows=windows,
        service_s=draw(st.sampled_from([300, 900, 3600])),
        shifts=draw(st.sampled_from([None, *named])),
        skills=draw(st.sampled_from([frozenset[str](), frozenset[str](), frozenset(["cold"])])),
        penalty_s=draw(st.sampled_from([1000, 15_000, 100_000])),
    )  # fmt: skip


def _travel(draw: st.DrawFn, count: int) -> Travel:
    seconds = st.sampled_from([NO_WAY, 60, 300, 900, 2400])
    rows = [
        [0 if a == b else draw(seconds) for b in range(count)] for a in range(count)
    ]  # fmt: skip
    metres = tuple(tuple(s if s == NO_WAY else s * 8 for s in row) for row in rows)
    return Travel(tuple(map(tuple, rows)), metres)
