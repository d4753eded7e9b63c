"""What the product reads from real tracks beside what was true, and a naive rule beside it.

`fieldcrm bench tracks --hof DIR --stops FILE --modes ZIP` prints one JSON object last. Everything
goes through the product's own reading (`tracking.trips`, `tracking.modes`) with its one set of
parameters; nothing is random. The weights of `modes` were learnt from public traces: of those,
`crossed` figures are the ones to believe. They learn anew, as the product's weights were learnt,
without the traces that they then tell (`--folds` times).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from fieldcrm.kit.units import distance_m
from fieldcrm.tracking import modes, trips
from fieldcrm.tracking.benches.fit_modes import crossed
from fieldcrm.tracking.benches.made_days import made_day
from fieldcrm.tracking.benches.recordings import (
    Diary,
    Labelled,
    Trip,
    diary,
    fix,
    hof_trips,
    labelled,
)
from fieldcrm.tracking.benches.scores import (
    events_found,
    mode_doubt,
    mode_scores,
    precision_recall,
)
from fieldcrm.tracking.cleaning import Way
from fieldcrm.tracking.model import Fix
from fieldcrm.tracking.windows import Mask

NAIVE_STOP_M, NAIVE_STOP_S = 50.0, 120.0
FOLDS = 4
"""Weights are learnt anew so often, each time without the traces that they then tell."""
MADE_DAYS, MADE_EVERY_S = 20, (5.0, 10.0, 30.0)
NAIVE_DRIVING_MPS, NAIVE_AROUND = 1.8, 2
"""The threshold that is best on the public traces, over so many steps on each side."""
DAY_FIXES = 5_760
"""A rep's day of eight hours with a fix each five seconds."""

Found = dict[str, Any]


# ---- how long was the trip ----


def told_m(fixes: Sequence[Fix]) -> float:
    """A trip's length as the product tells it; across a gap the least it can have been."""
    told = trips.describe(fixes, [])
    return told["distance_m"] + told["unseen_m"]


def raw_m(fixes: Sequence[Fix]) -> float:
    """From fix to fix."""
    return sum(_apart_m(a, b) for a, b in pairwise(fixes))


def length_scores(found: Sequence[Trip]) -> Found:
    """Median and 95th percentile of the relative error, ours and of the raw line."""
    scores: Found = {"hof_trips": len(found)}
    for prefix, told in (("", told_m), ("naive_", raw_m)):
        errors = np.array([abs(told(t.fixes) / t.true_m - 1) for t in found])
        parts = {"": errors, "_first_half": errors[::2], "_second_half": errors[1::2]}
        for name, part in parts.items():
            if len(part):
                scores[f"{prefix}hof_median_error{name}"] = float(np.median(part))
                scores[f"{prefix}hof_p95_error{name}"] = float(np.quantile(part, 0.95))
    return scores


# ---- where did somebody stay ----


def told_stops(fixes: Sequence[Fix]) -> Mask:
    """At which fixes the product says that somebody stayed."""
    at = np.array([f.fix_at_ms for f in fixes])
    stops = trips.describe(fixes, [])["stops"]
    within = [(at >= stop["from_ms"]) & (at <= stop["to_ms"]) for stop in stops]
    return np.any(within, axis=0) if within else np.zeros(len(at), bool)


def naive_stops(fixes: Sequence[Fix]) -> Mask:
    """Two minutes or more within 50 m of the first fix."""
    stays, first = np.zeros(len(fixes), bool), 0
    while first < len(fixes):
        end = first + 1
        while end < len(fixes) and _apart_m(fixes[first], fixes[end]) <= NAIVE_STOP_M:
            end += 1
        if fixes[end - 1].fix_at_ms - fixes[first].fix_at_ms >= NAIVE_STOP_S * 1000:
            stays[first:end], first = True, end
        else:
            first += 1
    return stays


def _apart_m(a: Fix, b: Fix) -> float:
    return distance_m(a.lat, a.lng, b.lat, b.lng)


def stop_scores(found: Diary) -> Found:
    """Precision and recall over the diary's fixes, and over whole stops; also of each half."""
    scores: Found = {}
    half = len(found.fixes) // 2
    for prefix, rule in (("", told_stops), ("naive_", naive_stops)):
        told = rule(found.fixes)
        for name, part in (
            ("", slice(None)),
            ("_first_half", slice(half)),
            ("_second_half", slice(half, None)),
        ):
            precision, recall = precision_recall(found.is_stop[part], told[part])
            scores[f"{prefix}stop_precision{name}"] = precision
            scores[f"{prefix}stop_recall{name}"] = recall
        precision, recall = events_found(found.is_stop, told)
        scores[f"{prefix}stop_event_precision"] = precision
        scores[f"{prefix}stop_event_recall"] = recall
    return scores


def made_stop_scores() -> Found:
    """The same over days made up by rules, on which nothing was fitted."""
    scores: Found = {}
    for every_s in MADE_EVERY_S:
        days = [made_day(seed, every_s, bool(seed % 2)) for seed in range(MADE_DAYS)]
        truth = np.concatenate([day.is_stop for day in days])
        for prefix, rule in (("", told_stops), ("naive_", naive_stops)):
            told = [rule(day.fixes) for day in days]
            found = (
                precision_recall(truth, np.concatenate(told)),
                np.mean(
                    [events_found(d.is_stop, t) for d, t in zip(days, told, strict=True)], axis=0
                ),
            )
            for kind, (precision, recall) in zip(("", "_event"), found, strict=True):
                scores[f"{prefix}made_stop{kind}_precision_{every_s:.0f}s"] = float(precision)
                scores[f"{prefix}made_stop{kind}_recall_{every_s:.0f}s"] = float(recall)
    return scores


# ---- on foot or driving ----


def naive_driving(way: Way) -> Mask:
    """Faster than the threshold over two steps on each side."""
    own = np.arange(len(way))
    first, last = np.maximum(own - NAIVE_AROUND, 0), np.minimum(own + NAIVE_AROUND, len(way) - 1)
    told = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(way.x), np.diff(way.y)))])
    return (told[last] - told[first]) > NAIVE_DRIVING_MPS * np.maximum(
        way.t[last] - way.t[first], 1
    )


def all_mode_scores(found: Sequence[Labelled]) -> Found:
    """Ours and the naive rule's; ours also of each half of the traces."""
    rules: dict[str, Callable[[Way], Mask]] = {"": modes.is_driving, "naive_": naive_driving}
    told = {prefix: [rule(t.way) for t in found] for prefix, rule in rules.items()}
    scores = {
        f"{prefix}{name}": value
        for prefix in rules
        for name, value in mode_scores(found, told[prefix]).items()
    }
    for name, part in (("first_half", slice(0, None, 2)), ("second_half", slice(1, None, 2))):
        scores[f"mode_f1_{name}"] = mode_scores(found[part], told[""][part])["mode_f1"]
    return {"mode_traces": len(found), **scores}


def crossed_mode_scores(found: Sequence[Labelled], folds: int) -> Found:
    """What weights learnt in the same way say of traces they never saw, all together and by fold,
    with the naive rule of the same traces; nothing of a single one."""
    folds = min(folds, len(found))
    if folds < 2:
        return {}
    told = crossed(found, folds)
    scores = {f"{name}_crossed": value for name, value in mode_scores(found, told).items()}
    naive = [naive_driving(trace.way) for trace in found]
    each = {
        f"{prefix}mode_f1_by_fold": [
            round(mode_scores(found[fold::folds], rule[fold::folds])["mode_f1"], 4)
            for fold in range(folds)
        ]
        for prefix, rule in (("", told), ("naive_", naive))
    }
    return {"mode_folds": folds, **scores, "mode_f1_doubt": mode_doubt(found, told), **each}


def driving_share(tracks: Sequence[Sequence[Fix]]) -> float:
    """Share of the length of tracks that is told as driven: recordings no weight was learnt from."""
    parts = [
        part
        for fixes in tracks
        for trip in trips.describe(fixes, [])["trips"]
        for part in trip["parts"]
    ]
    driven = sum(part["distance_m"] for part in parts if part["mode"] == modes.Mode.driving)
    return driven / max(1, sum(part["distance_m"] for part in parts))


# ---- how long it takes ----


def day_ms(found: Sequence[Trip], rounds: int = 5) -> float:
    """Milliseconds of a processor to read a day of 5,760 fixes made of real trips on end (best of rounds)."""
    fixes = _day(found)
    seconds = []
    for _ in range(rounds):
        started = time.process_time()
        trips.describe(fixes, [])
        seconds.append(time.process_time() - started)
    return min(seconds) * 1000


def _day(found: Sequence[Trip]) -> list[Fix]:
    places = [f for trip in found for f in trip.fixes][:DAY_FIXES]
    return [fix(5.0 * n, f.lat, f.lng) for n, f in enumerate(places)]


def bench(hof: Path, stops: Path, archive: Path, folds: int) -> Found:
    """All figures; crossed ones by so many folds."""
    car, walker, traces = hof_trips(hof), diary(stops), labelled(archive)
    scores = length_scores(car) | stop_scores(walker)
    scores |= all_mode_scores(traces) | crossed_mode_scores(traces, folds)
    scores |= made_stop_scores()
    scores["hof_driving_share"] = driving_share([trip.fixes for trip in car])
    scores["diary_driving_share"] = driving_share([walker.fixes])
    rounded = {k: round(v, 4) if isinstance(v, float) else v for k, v in scores.items()}
    return rounded | {"day_fixes": DAY_FIXES, "day_ms": round(day_ms(car), 1)}


def main(arguments: list[str]) -> None:
    """`fieldcrm bench tracks --hof DIR --stops FILE --modes ZIP`: prints one JSON object last."""
    parser = argparse.ArgumentParser(prog="fieldcrm bench tracks", description=__doc__)
    parser.add_argument("--hof", type=Path, required=True, help="hof_points.csv, hof_routes.csv")
    parser.add_argument("--stops", type=Path, required=True, help="a stop diary (CSV)")
    parser.add_argument("--modes", type=Path, required=True, help="labelled traces (ZIP of CSV)")
    parser.add_argument("--folds", type=int, default=FOLDS, help="0: no crossed figures")
    options = parser.parse_args(arguments)
    print(json.dumps(bench(options.hof, options.stops, options.modes, options.folds)))
