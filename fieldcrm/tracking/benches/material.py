"""Fixes to measure history with: a simulated company's days, and real tracks dressed as a phone's.

Real tracks hold time and place alone. What a phone adds to them is made up as it comes from phones:
speed and course measured by itself with errors of its own, accuracy that wanders, a battery that
sinks, milliseconds on the way to the server.
"""

from __future__ import annotations

import csv
import math
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from fieldcrm.regions.places import read_places
from fieldcrm.regions.roads import Roads
from fieldcrm.tracking.model import Fix

Placed = tuple[int, float, float]
"""(epoch ms, lat, lng)"""
MONDAY = date(2026, 3, 2)
OPENS_H = 9
SHIFT_H = 8
STOPS = 13
_M_PER_DEGREE = 111_195.0
_POINT = re.compile(r"POINT \(([-\d.]+) ([-\d.]+)\)")


def workdays(count: int) -> list[date]:
    """Mondays to Fridays from MONDAY on."""
    return [MONDAY + timedelta(weeks=n // 5, days=n % 5) for n in range(count)]


class Company:
    """Simulated reps on real roads; a fix each `every_s` seconds, standing or not."""

    def __init__(self, roads: Roads, extract: Path, every_s: int) -> None:
        self._day = import_module("workers.simulator.day")
        scenario = import_module("workers.simulator.scenario")
        self._traits = list(scenario.TRAITS.values())
        self._scenario = replace(
            scenario.Scenario(), moving_every_s=every_s, standing_every_s=every_s
        )
        self._streets = import_module("workers.simulator.streets").RoadStreets(roads)
        self._places = [place.point for place in read_places(extract)]

    def day(self, rep_id: str, number: int, day: date) -> list[Fix]:
        """A rep's day as his phone sends it."""
        rng = random.Random(f"{rep_id}|{day}")
        opens = datetime(day.year, day.month, day.day, OPENS_H, tzinfo=UTC).timestamp()
        mode = ("foot", "bicycle", "car")[number % 3]
        hours = self._day.Timetable(
            opens, opens + SHIFT_H * 3600, opens + 4 * 3600, 1800, mode, rng.choice(self._places)
        )
        traits = self._traits[number % len(self._traits)]
        stops = [self._stop(rng, n) for n in range(STOPS)]
        rep_day = self._day.RepDay(rep_id, traits, self._scenario, str(day), hours, self._streets)
        happened = rep_day.advance(opens + (SHIFT_H + 2) * 3600, stops)
        readings = [h for h in happened if hasattr(h, "accuracy_m")]
        error_ms = 1000 * traits.clock_error_s + rng.randint(-900, 900)
        return _sent(rep_id, readings, error_ms, rng)

    def _stop(self, rng: random.Random, n: int) -> Any:
        lat, lng = rng.choice(self._places)
        kind = rng.choice(("doctor", "pharmacy"))
        return self._day.Stop(f"v{n}", f"{n}|{lat:.5f}|{lng:.5f}", kind, lat, lng, n + 1)


def _sent(rep_id: str, readings: Sequence[Any], error_ms: int, rng: random.Random) -> list[Fix]:
    fixes = []
    for seq, r in enumerate(readings):
        at = round(r.at * 1000)
        fixes.append(Fix(
            rep_id, _device_of(rep_id), seq, at, at + error_ms, at + _lag_ms(rng), r.lat, r.lng,
            r.accuracy_m, round(r.speed_mps, 2),
            None if r.course_deg is None else round(r.course_deg % 360, 1) % 360,
            float(r.battery_pct), r.is_charging, r.is_mock, "osmand", 0,
        ))  # fmt: skip
    return fixes


def _device_of(rep_id: str) -> str:
    return "d" + rep_id[1:]


def _lag_ms(rng: random.Random) -> int:
    """From the phone to the server, by a mobile network: some 150 ms, with a long tail."""
    return int(60 + rng.lognormvariate(4.5, 0.6))


# Real tracks


def hof(folder: Path) -> list[list[Placed]]:
    """The car trips of Hof, each in order of time."""
    with (folder / "hof_points.csv").open() as file:
        rows = [(row["id"], _of_hof(row)) for row in csv.DictReader(file)]
    return [[p for _, p in trip] for _, trip in groupby(rows, key=lambda row: row[0])]


def _of_hof(row: dict[str, str]) -> Placed:
    found = _POINT.match(row["geometry"])
    if found is None:
        raise ValueError(row["geometry"])
    return _ms(row["time"]), float(found[2]), float(found[1])


def diary(folder: Path) -> list[list[Placed]]:
    """The day with a diary of its stops."""
    with (folder / "stopgo_raw_example.csv").open() as file:
        rows = csv.DictReader(file)
        return [[(_ms(r["ts"]), round(float(r["latitude"]), 7), round(float(r["longitude"]), 7))
                 for r in rows]]  # fmt: skip


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def dressed(rep_id: str, tracks: Sequence[Sequence[Placed]]) -> list[Fix]:
    """Tracks as one rep's fixes, in order of time."""
    fixes = [f for n, track in enumerate(tracks) for f in _dress(rep_id, track, random.Random(n))]
    fixes.sort(key=lambda f: f.fix_at_ms)
    return [msgspec.structs.replace(fix, seq=seq) for seq, fix in enumerate(fixes)]


def _dress(rep_id: str, track: Sequence[Placed], rng: random.Random) -> Iterator[Fix]:
    error_ms, battery = rng.randint(-3000, 3000), rng.randint(40, 100)
    accuracy = rng.lognormvariate(1.8, 0.5)
    for seq, (at, lat, lng) in enumerate(track):
        before, after = track[max(0, seq - 1)], track[min(len(track) - 1, seq + 1)]
        seconds = max(1.0, (after[0] - before[0]) / 1000)
        north = (after[1] - before[1]) * _M_PER_DEGREE
        east = (after[2] - before[2]) * _M_PER_DEGREE * math.cos(math.radians(lat))
        mps = math.hypot(east, north) / seconds
        course = math.degrees(math.atan2(east, north)) + rng.gauss(0, 60 / (1 + 8 * mps) + 1)
        accuracy = math.exp(0.9 * math.log(accuracy) + 0.19 + rng.gauss(0, 0.15))
        battery -= rng.random() < seconds / 600 and battery > 5
        yield Fix(
            rep_id, _device_of(rep_id), seq, at, at + error_ms, at + _lag_ms(rng), lat, lng,
            round(min(accuracy, 200.0), 1), round(max(0.0, mps + rng.gauss(0, 0.15)), 2),
            round(course % 360, 1) % 360, float(battery), False, False, "osmand", 0,
        )  # fmt: skip
