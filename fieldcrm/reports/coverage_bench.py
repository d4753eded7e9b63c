"""`fieldcrm bench coverage`: how fast a period of many reps is added up by cell.

Invented reps, each with a territory of his own, spend their working days in cells drawn from it;
their counted days fill a database of their own (or the empty one given by `--database`), months
are summed as the recorder sums them. Then an administrator asks for the whole span anew, for the
map's window, and for the days behind a cell. `days_ms` is the same without the months' sums;
`count_ms` is one rep's day counted from a track of 3,000 fixes. Prints one JSON object last.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import h3.api.basic_int as h3
import numpy as np

CENTRE = (47.02, 28.83)
TERRITORY, A_DAY = 700, 90
"""Cells of a rep's territory, and of one of his days."""
LAST = date(2026, 9, 30)
TRIES = 5


def main(arguments: list[str]) -> None:
    """Parse, prepare a database of its own, run."""
    parser = argparse.ArgumentParser(prog="fieldcrm bench coverage", description=__doc__)
    parser.add_argument("--reps", type=int, default=1000)
    parser.add_argument("--days", type=int, default=92)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", default="", help="URL of an empty database; else SQLite")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="fieldcrm-bench-") as home:
        os.environ["FIELDCRM_HOME"] = home
        os.environ.pop("FIELDCRM_DATABASE_URL", None)
        if options.database:
            os.environ["FIELDCRM_DATABASE_URL"] = options.database
        print(json.dumps(run(options)), flush=True)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Fill, ask, measure."""
    from fieldcrm.migrations import schema
    from fieldcrm.people.model import SYSTEM
    from fieldcrm.reports import coverage
    from fieldcrm.reports.coverage import Asked

    schema.upgrade()
    span = Asked(LAST - timedelta(days=options.days - 1), LAST)
    entries = _fill(options, span.first)
    by_day = _best(lambda: coverage.grid(SYSTEM, span, anew=True), 2)
    whole = coverage.grid(SYSTEM, span, anew=True)
    _sum_months()
    answer = _best(lambda: coverage.grid(SYSTEM, span, anew=True))
    summed = coverage.grid(SYSTEM, span, anew=True)
    assert (whole.cell == summed.cell).all()
    assert (whole.presence_s == summed.presence_s).all()
    window = (CENTRE[0] - 0.1, CENTRE[1] - 0.15, CENTRE[0] + 0.1, CENTRE[1] + 0.15)
    cell = h3.int_to_str(h3.latlng_to_cell(*CENTRE, 7))
    return {
        "reps": options.reps, "days": options.days, "entries": entries, "cells": len(whole.cell),
        "answer_ms": answer, "days_ms": by_day,
        "window_ms": _best(lambda: coverage.shown(SYSTEM, span, "presence", window, 12)),
        "behind_ms": _best(lambda: coverage.behind(SYSTEM, span, cell, "visits")),
        "count_ms": _count_ms(), "bytes_per_rep_day": round(_bytes() / (options.reps * options.days), 1),
    }  # fmt: skip


def _best(work: Callable[[], object], tries: int = TRIES) -> float:
    """The median time of some tries, in milliseconds."""
    times = []
    for _ in range(tries):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return round(sorted(times)[len(times) // 2] * 1000, 1)


def _fill(options: argparse.Namespace, first: date) -> int:
    """Reps and their counted days; how many entries there are."""
    from sqlmodel import insert

    from fieldcrm.kit.database import transaction
    from fieldcrm.people.tables import User
    from fieldcrm.tracking.tables import CoverageDay

    rng, entries = np.random.default_rng(options.seed), 0
    for n in range(options.reps):
        rep_id, home = (
            f"rep-{n:05d}",
            (CENTRE[0] + rng.normal(0, 0.5), CENTRE[1] + rng.normal(0, 0.7)),
        )
        rows = list(_days_of(rep_id, home, first, options.days, rng))
        entries += A_DAY * len(rows)
        with transaction() as session:
            session.add(User(id=rep_id, login=rep_id, name=f"Rep {n}", role="rep", password_hash="",
                             created_at=datetime.now(UTC)))  # fmt: skip
            session.flush()
            session.execute(insert(CoverageDay), rows)
        if n % 100 == 99:
            print(f"{n + 1} reps", file=sys.stderr)
    return entries


def _days_of(
    rep_id: str, home: tuple[float, float], first: date, days: int, rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    from fieldcrm.reports import coverage_rules as rules

    centre = h3.latlng_to_cell(*home, rules.FINE)
    territory = np.array(list(h3.grid_disk(centre, 15))[:TERRITORY], np.uint64)
    for day in (first + timedelta(days=n) for n in range(days)):
        if day.weekday() > 4:
            continue
        seen = np.sort(rng.choice(territory, A_DAY, replace=False))
        track, visits = np.zeros(A_DAY, rules.TRACK), np.zeros(A_DAY // 9, rules.VISITS)
        track["cell"], track["presence_s"] = seen, rng.integers(20, 600, A_DAY)
        track["silence_s"] = np.where(rng.random(A_DAY) < 0.05, 900, 0)
        visits["cell"], visits["category"] = seen[::9], rng.integers(0, 3, len(visits))
        visits["done"], visits["confirmed"], visits["checks"] = 1, rng.random(len(visits)) < 0.8, 2
        yield {
            "day": day, "rep_id": rep_id, "month": rules.month_of(day), "track_tag": "t", "visits_tag": "v",
            "track": track.tobytes(), "visits": visits.tobytes(), "counted_at": datetime.now(UTC),
        }  # fmt: skip


def _sum_months() -> None:
    """As the recorder does, once nothing else is due."""
    from fieldcrm.kit import clock
    from fieldcrm.reports import coverage_fill

    with clock.held(datetime(LAST.year, LAST.month, LAST.day, tzinfo=UTC) + timedelta(days=2)):
        while coverage_fill.fill(clock.now()):
            pass


def _count_ms() -> float:
    """One day of a rep, a fix every ten seconds, from its chunks to its entries."""
    from fieldcrm.reports import coverage_fill as filling
    from fieldcrm.tracking import chunks
    from fieldcrm.tracking.model import Fix
    from fieldcrm.tracking.tables import Shift, TrackChunk

    begun, rng = datetime(2026, 9, 30, 6, tzinfo=UTC), random.Random(1)
    lat, lng, fixes, start = *CENTRE, [], round(begun.timestamp() * 1000)
    for n in range(3000):
        lat, lng = lat + rng.gauss(0, 4e-4), lng + rng.gauss(0, 6e-4)
        at = start + n * 10_000
        fixes.append(Fix("r", "d", n, at, at, at, lat, lng, 12.0))
    rows = [
        TrackChunk(rep_id="r", hour=begun, count=len(part), first_at=begun, last_at=begun,
                   data=chunks.pack(part), updated_at=begun)
        for part in (fixes[n : n + 360] for n in range(0, len(fixes), 360))
    ]  # fmt: skip
    shift = Shift(id="s", rep_id="r", started_at=begun, ended_at=begun + timedelta(hours=9))
    later = begun + timedelta(days=1)
    return _best(
        lambda: filling.rules.track_entries(filling.moments_in(("r", LAST), rows, [shift], later))
    )


def _bytes() -> int:
    from sqlalchemy import func, select

    from fieldcrm.kit.database import reading
    from fieldcrm.tracking.tables import CoverageDay, CoverageMonth

    with reading() as session:
        return sum(
            session.execute(
                select(func.sum(func.length(t.track) + func.length(t.visits)))
            ).scalar_one()
            or 0  # type: ignore[attr-defined]
            for t in (CoverageDay, CoverageMonth)
        )
