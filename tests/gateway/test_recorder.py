"""The recorder alone: exactly once by key, and nothing broken holds up what is sound."""

from __future__ import annotations

import random
import threading
from datetime import timedelta
from typing import Any

import msgspec

from fieldcrm.kit import bus, clock
from fieldcrm.kit.database import reading, transaction
from fieldcrm.tracking import live_index, shifts, store
from fieldcrm.tracking import service as tracking
from fieldcrm.tracking.model import Fix
from tests.gateway.town import LAT, LNG, Town
from workers.recorder.main import UNREADABLE, Recorder

HOUR_MS = 3_600_000


def fix(town: Town, seq: int, at_ms: int, rep: int = 0, offset_ms: int = 0, **other) -> Fix:
    """A fix whose device's clock is corrected by `offset_ms`."""
    return Fix(town.reps[rep], f"device-{rep}", seq, at_ms + offset_ms, at_ms, at_ms, LAT, LNG,
               **other)  # fmt: skip


def put(fixes: list[Fix]) -> None:
    bus.connection().xadd(bus.FIX_STREAM, {live_index.BATCH_FIELD: live_index.encode(fixes)})


def work_off(recorder: Recorder) -> None:
    recorder.prepare()
    while bus.connection().xlen(bus.FIX_STREAM):
        recorder.step()


def kept(town: Town, rep: int = 0) -> list[int]:
    """Sequence numbers as stored, each as often as it is."""
    now = clock.now()
    with reading() as session:
        found = tracking.track_in(
            session, town.reps[rep], now - timedelta(hours=9), now + timedelta(hours=1)
        )
    return sorted(f.seq or 0 for f in found)


def last_edge_ms() -> int:
    """The start of an hour some hours ago."""
    return clock.now_ms() // HOUR_MS * HOUR_MS - 3 * HOUR_MS


def test_a_fix_corrected_differently_at_its_hours_edge_is_stored_once(town: Town) -> None:
    town.shift(hours_ago=9)
    edge, recorder = last_edge_ms(), Recorder()
    put([fix(town, n, edge - 40_000 + n * 2000) for n in range(40)])
    work_off(recorder)
    put([fix(town, n, edge - 40_000 + n * 2000, offset_ms=35_000) for n in range(40)])
    work_off(recorder)
    put([fix(town, n, edge - 40_000 + n * 2000, offset_ms=-70_000) for n in range(40)])
    work_off(recorder)
    assert kept(town) == list(range(40))


def test_a_clock_found_wrong_by_hours_between_two_sendings_stores_nothing_twice(
    town: Town,
) -> None:
    town.shift(hours_ago=9)
    edge, recorder = last_edge_ms(), Recorder()
    put([fix(town, n, edge + n * 1000) for n in range(20)])
    work_off(recorder)
    put([fix(town, n, edge + n * 1000, offset_ms=2 * HOUR_MS) for n in range(20)])
    work_off(recorder)
    assert kept(town) == list(range(20))


def test_both_corrections_of_a_fix_in_one_batch_are_one_fix(town: Town) -> None:
    town.shift(hours_ago=9)
    edge = last_edge_ms()
    put([fix(town, 1, edge - 1000), fix(town, 1, edge - 1000, offset_ms=31_000)])
    work_off(Recorder())
    assert kept(town) == [1]


def test_an_hour_that_cannot_be_read_holds_up_nobody_else(town: Town) -> None:
    town.shift(0, hours_ago=9)
    town.shift(1, hours_ago=9)
    edge = last_edge_ms()
    put([fix(town, 0, edge)])
    work_off(Recorder())
    with transaction() as session:
        row = store.chunk(session, town.reps[0], clock.from_ms(edge))
        assert row is not None
        row.data = b"\x01broken"
        session.add(row)
    put([fix(town, n, edge + n * 900_000) for n in range(1, 9)])
    put([fix(town, n, edge + n * 900_000, rep=1) for n in range(1, 9)])
    work_off(Recorder())
    assert kept(town, 1) == list(range(1, 9))
    set_aside: Any = bus.connection().lrange(UNREADABLE, 0, -1)
    aside = [msgspec.msgpack.decode(one, type=list[Fix])[0] for one in set_aside]
    with reading() as session:
        later = tracking.track_in(
            session, town.reps[0], clock.from_ms(edge + HOUR_MS + 400_000), clock.now()
        )
    assert sorted(f.seq or 0 for f in [*aside, *later]) == list(range(1, 9))
    assert len(aside) >= 3
    assert live_index.counts(bus.connection())["set_aside"] == len(aside)


def test_a_batch_that_is_no_batch_is_set_aside(town: Town) -> None:
    town.shift(hours_ago=9)
    edge = last_edge_ms()
    bus.connection().xadd(bus.FIX_STREAM, {b"b": b"\xc1"})
    bus.connection().xadd(bus.FIX_STREAM, {b"other": b""})
    put([fix(town, 7, edge)])
    work_off(Recorder())
    assert kept(town) == [7]
    assert bus.connection().llen(UNREADABLE) == 2


def test_recorders_side_by_side_that_die_between_write_and_receipt_store_once(town: Town) -> None:
    town.shift(hours_ago=9)
    edge, chance = last_edge_ms(), random.Random(5)
    for start in range(0, 600, 10):
        put([fix(town, n, edge + n * 1000) for n in range(start, start + 10)])

    def work(name: str) -> None:
        recorder = Recorder()
        recorder.consumer = name
        recorder.prepare()
        while bus.connection().xlen(bus.FIX_STREAM):
            entries = recorder._read(">", 100)[:10] or recorder._leftovers()[:10]
            batch = [f for i, fields in entries for f in recorder._decoded(i, fields)]
            shifts.record(batch)
            if chance.random() < 0.5:  # and here it dies; what follows has its leftovers
                continue
            ids = [i for i, _ in entries]
            if ids:
                bus.connection().xack(bus.FIX_STREAM, "recorder", *ids)
                bus.connection().xdel(bus.FIX_STREAM, *ids)

    workers = [threading.Thread(target=work, args=(name,)) for name in ("a", "a", "b")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert kept(town) == list(range(600))
