"""The committer's connection: everything is answered, and a refusal is never taken for success."""

from __future__ import annotations

import asyncio

import pytest

from fieldcrm.kit import bus
from fieldcrm.kit.resp import Commands
from fieldcrm.tracking import live_index
from fieldcrm.tracking.live_index import Writes
from fieldcrm.tracking.model import Doubt, Fix
from tests.servers import Valkey
from workers.gateway import store_link
from workers.gateway.store_link import StoreError

AT = 1_790_000_000_000


def fix(rep: int, seq: int, doubts: int = 0) -> Fix:
    return Fix(f"rep {rep}", "d", seq, AT + seq, AT + seq, AT, 60 + rep, 24.9, doubts=doubts)


async def run(*batches: Commands) -> None:
    link = await store_link.connect()
    try:
        for commands in batches:
            await asyncio.wait_for(link.run(commands), 30)
    finally:
        link.close()


def test_a_batch_is_what_is_read_back(valkey: Valkey) -> None:
    writes = Writes()
    many = [fix(rep, seq) for rep in range(3) for seq in range(40)]
    writes.record(many)
    writes.record([fix(5, 1, int(Doubt.mock | Doubt.late))])
    for rep in range(3):
        writes.move(live_index.point_of(fix(rep, 39), 7, 0))
    writes.held += [fix(9, 2), fix(9, 3)]
    writes.offsets["rep 1|d"] = -5
    writes.count("duplicate", 4)
    asyncio.run(run(live_index.commands_of(writes), live_index.commands_of(Writes())))
    ((_, entry),) = bus.connection().xrange(bus.FIX_STREAM)  # type: ignore[misc]
    stored = live_index.decode_batch(entry[live_index.BATCH_FIELD])
    assert stored == [*many, fix(5, 1, int(Doubt.mock | Doubt.late))]
    points = live_index.points_of(bus.connection(), [f"rep {i}" for i in range(4)])
    assert {r: p.fix.seq for r, p in points.items()} == {"rep 0": 39, "rep 1": 39, "rep 2": 39}
    assert [f for _, f in live_index.held_of(bus.connection(), "rep 9")] == writes.held
    assert live_index.held_reps(bus.connection()) == ["rep 9"]
    assert live_index.counts(bus.connection()) == {
        "recorded": 121, "held": 2, "duplicate": 4, "doubt_mock": 1, "doubt_late": 1,
    }  # fmt: skip


@pytest.mark.parametrize("wrong", [b"XADD", b"NOSUCH"])
def test_a_refused_transaction_is_an_error_and_stores_nothing(valkey: Valkey, wrong: bytes) -> None:
    commands = Commands()
    commands.begin()
    commands.add(b"SET", b"a", b"1")
    commands.add(wrong, b"a")
    commands.end()
    with pytest.raises(StoreError):
        asyncio.run(run(commands))
    assert bus.connection().get("a") is None


def test_a_command_that_fails_within_the_transaction_is_an_error(valkey: Valkey) -> None:
    commands = Commands()
    commands.begin()
    commands.add(b"SET", b"a", b"1")
    commands.add(b"HSET", b"a", b"b", b"c")
    commands.end()
    with pytest.raises(StoreError):
        asyncio.run(run(commands))


def test_a_lost_connection_is_an_error(valkey: Valkey) -> None:
    async def lose() -> None:
        link = await store_link.connect()
        waiting = Commands()
        waiting.add(b"BLPOP", b"nothing", b"0")
        task = asyncio.create_task(link.run(waiting))
        await asyncio.sleep(0.1)
        await asyncio.to_thread(bus.connection().execute_command, "CLIENT", "KILL", "TYPE", "normal",
                                "SKIPME", "yes")  # fmt: skip
        await asyncio.wait_for(task, 30)

    with pytest.raises(StoreError):
        asyncio.run(lose())


def test_an_answer_that_is_overdue_is_an_error(valkey: Valkey) -> None:
    async def wait_in_vain() -> None:
        link = await store_link.connect(answer_within_s=0.3)
        try:
            quick, never = Commands(), Commands()
            quick.add(b"SET", b"a", b"1")
            never.add(b"BLPOP", b"nothing", b"0")
            await link.run(quick)
            with pytest.raises(StoreError, match="no answer"):
                await asyncio.wait_for(link.run(never), 20)
        finally:
            link.close()

    asyncio.run(wait_in_vain())
