"""`fieldcrm bench recorder`: how fast fixes get from the stream into the database, and at what cost.

So many seconds of so many fixes a second lie in the stream in the gateway's batches; each rep has
half an hour's track already. One recorder works it off. Prints one JSON object last.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator, Sequence
from typing import Any

import psutil

from fieldcrm.tracking.model import Fix
from workers.gateway.benches import lab

RECORDER = "import workers.recorder.main as r; r.main()"
A_BATCH = 500
"""Fixes of a gateway's commit: some twenty a second."""
BEFORE_S, BEFORE_EVERY_S = 1800, 10


def main(arguments: list[str]) -> None:
    """The command's options; prints one JSON object last."""
    parser = argparse.ArgumentParser(prog="fieldcrm bench recorder", description=__doc__)
    parser.add_argument("--phones", type=int, default=2000)
    parser.add_argument("--rate", type=int, default=10_000, help="fixes a second")
    parser.add_argument("--seconds", type=int, default=30)
    chosen = parser.parse_args(arguments)
    with lab.lab() as made:
        valkey = made.home / "valkey.sock"
        made.start_valkey()
        lab.wait_for_file(valkey)
        found = _work_off(made, chosen)
    print(json.dumps(vars(chosen) | found), flush=True)


def _work_off(made: lab.Lab, chosen: argparse.Namespace) -> dict[str, float]:
    reps = lab.build_company(chosen.phones).rep_ids
    before, sent = _live_half_an_hour(reps), chosen.rate * chosen.seconds
    _fill_stream(reps, chosen.rate, sent)
    process = made.start_python(RECORDER)
    _await_work()
    began, used = time.perf_counter(), lab.BusyTime(process)
    memory = _memory_until_done(process.pid)
    took, busy_s = time.perf_counter() - began, used.seconds()[0]
    kept = _kept() - before
    return {
        "recorded_per_s": round(sent / took), "core": round(busy_s / took, 2),
        "us_per_fix": round(1e6 * busy_s / sent, 1), "memory_mb": round(memory / 1e6),
        "lost": max(0, sent - kept), "duplicated": max(0, kept - sent),
    }  # fmt: skip


def _await_work() -> None:
    """Wait until the recorder, having started, has taken its first batch."""
    from fieldcrm.kit import bus

    while True:
        groups: Any = bus.connection().xinfo_groups(bus.FIX_STREAM)
        if any(group["pending"] for group in groups):
            return
        time.sleep(0.02)


def _memory_until_done(process_id: int) -> int:
    """The most bytes it held until the stream was empty."""
    process, most = psutil.Process(process_id), 0
    while _left():
        most = max(most, process.memory_info().rss)
        time.sleep(0.05)
    return most


def _live_half_an_hour(reps: Sequence[str]) -> int:
    from fieldcrm.kit import clock
    from fieldcrm.kit.database import transaction
    from fieldcrm.tracking import keeping

    end_ms, count = clock.now_ms() - 120_000, BEFORE_S // BEFORE_EVERY_S
    for start in range(0, len(reps), 500):
        with transaction() as session:
            keeping.append(session, (
                _fix(rep, number, n - count, end_ms + 1000 * BEFORE_EVERY_S * (n - count))
                for number, rep in enumerate(reps[start : start + 500], start)
                for n in range(count)
            ))  # fmt: skip
    return count * len(reps)


def _fill_stream(reps: Sequence[str], rate: int, count: int) -> None:
    from fieldcrm.kit import bus
    from fieldcrm.tracking import live_index

    fixes = _driven(reps, rate, count)
    for _ in range(count // A_BATCH):
        batch = [next(fixes) for _ in range(A_BATCH)]
        bus.connection().xadd(bus.FIX_STREAM, {live_index.BATCH_FIELD: live_index.encode(batch)})


def _driven(reps: Sequence[str], rate: int, count: int) -> Iterator[Fix]:
    """Fixes of all reps in turn, a rep's own in order of time, ending now."""
    from fieldcrm.kit import clock

    began_ms = clock.now_ms() - 1000 * count // rate
    for n in range(count):
        number = n % len(reps)
        yield _fix(reps[number], number, n // len(reps), began_ms + 1000 * n // rate)


def _fix(rep_id: str, number: int, seq: int, at_ms: int) -> Fix:
    noise = random.random()
    return Fix(
        rep_id, f"d{number}", seq + 1000, at_ms, at_ms + 12, at_ms + 100 + round(90 * noise),
        60.17 + 1e-5 * seq + 1e-6 * number, 24.94 + 1e-5 * noise, round(4 + 3 * noise, 1), 8.0,
        round(80 + noise, 1), 80.0, False, False, "web", 0,
    )  # fmt: skip


def _left() -> int:
    from fieldcrm.kit import bus

    return int(bus.connection().xlen(bus.FIX_STREAM))  # type: ignore[arg-type]


def _kept() -> int:
    from fieldcrm.kit.database import reading
    from fieldcrm.tracking import store

    with reading() as session:
        return store.fixes_stored(session)
