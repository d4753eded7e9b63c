"""A commit that fails: what was remembered of it is forgotten, so what comes again is taken again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import urlsplit

import pytest

from fieldcrm.kit import bus, clock
from fieldcrm.kit.settings import settings
from fieldcrm.tracking import live_index
from fieldcrm.tracking.model import Decoded, Outcome, RawFix
from tests.conftest import forget_settings
from tests.gateway.test_recorder import kept, work_off
from tests.gateway.town import LAT, LNG, Town
from workers.gateway.committer import Committer
from workers.gateway.crew import Crew
from workers.recorder.main import Recorder

Lost = Literal["nothing", "request", "answer"]


class Line:
    """TCP between a gateway and Valkey, which can break just at a commit."""

    def __init__(self, port: int) -> None:
        self._port, self.lost = port, "nothing"
        self.cuts = 0

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        is_committing = asyncio.Event()
        answers = asyncio.create_task(self._bring_back(there, writer, is_committing))
        while data := await reader.read(1 << 16):
            if b"XADD" in data:
                is_committing.set()
            if is_committing.is_set() and self.lost == "request":
                self.cuts += 1
                break
            back.write(data)
        answers.cancel()
        back.close()
        writer.close()

    async def _bring_back(
        self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, commits: asyncio.Event
    ) -> None:
        while data := await there.read(1 << 16):
            if commits.is_set() and self.lost == "answer":
                await asyncio.sleep(0.2)  # the store has it all by now
                self.cuts += 1
                writer.close()
                return
            writer.write(data)


@asynccontextmanager
async def breakable(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Line]:
    """A line to the Valkey of the settings, through which the settings lead from now on."""
    there = urlsplit(settings().redis)
    line = Line(there.port or 6379)
    server = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setenv("FIELDCRM_REDIS_URL", f"redis://127.0.0.1:{port}{there.path}")
    forget_settings()
    try:
        yield line
    finally:
        server.close()


async def sent(
    committer: Committer, town: Town, seqs: Sequence[int], began_ms: int
) -> Outcome | None:
    """What becomes of a message of the first rep's phone."""
    told: asyncio.Future[Outcome | None] = asyncio.get_running_loop().create_future()
    fixes = [RawFix(began_ms + 1000 * n, LAT, LNG + n * 1e-5, seq=n) for n in seqs]
    key = town.reps[0], "device-0"
    assert committer.submit(key, "web", Decoded(fixes), clock.now_ms(), told.set_result)
    return await asyncio.wait_for(told, 60)


async def _fail_between(
    town: Town, lost: Lost, monkeypatch: pytest.MonkeyPatch
) -> list[Outcome | None]:
    """Fixes 0, then 1 to 9 over a line that breaks, then the same twice over a sound one."""
    async with breakable(monkeypatch) as line:
        crew = Crew(lambda _changed: None)
        await crew.load()
        committer = Committer(crew, lambda _points: None, lambda _status: None)
        committing = asyncio.create_task(committer.run())
        began_ms = clock.now_ms() - 600_000
        told = [await sent(committer, town, [0], began_ms)]
        line.lost = lost
        told.append(await sent(committer, town, range(1, 10), began_ms))
        assert (line.cuts, committer.devices) == (1, {})
        line.lost = "nothing"
        told += [await sent(committer, town, range(1, 10), began_ms) for _ in range(2)]
        committing.cancel()
    return told


@pytest.mark.parametrize(("lost", "entries"), [("request", 10), ("answer", 19)])
def test_a_failed_commit_is_forgotten_and_what_comes_again_is_stored_once(
    town: Town, lost: Lost, entries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.shift(hours_ago=9)
    to_valkey = settings().redis
    first, failed, again, once_more = asyncio.run(_fail_between(town, lost, monkeypatch))
    monkeypatch.setenv("FIELDCRM_REDIS_URL", to_valkey)
    forget_settings()
    assert first == Outcome(1)
    assert failed is None, "acknowledged though nobody knows whether it is on disk"
    assert again == Outcome(9), "taken for known though it may not be on disk"
    assert once_more == Outcome(0, {"duplicate": 9})
    in_stream = bus.connection().xrange(bus.FIX_STREAM)
    batches = (live_index.decode_batch(entry[live_index.BATCH_FIELD]) for _, entry in in_stream)  # type: ignore[union-attr]
    assert sum(len(batch) for batch in batches) == entries
    work_off(Recorder())
    assert kept(town) == list(range(10))
    counts = live_index.counts(bus.connection())
    assert (counts["stored"], counts.get("stored_again", 0)) == (10, entries - 10)
