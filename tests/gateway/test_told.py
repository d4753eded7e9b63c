"""Everybody is told, also where a commit is due whose messages the one before has taken along."""

from __future__ import annotations

import asyncio

from fieldcrm.kit import clock
from fieldcrm.tracking.model import Decoded, Outcome, RawFix
from tests.gateway.town import LAT, LNG, Town
from workers.gateway.committer import Committer
from workers.gateway.crew import Crew
from workers.gateway.pace import ENOUGH


def _submit(committer: Committer, town: Town, seq: int, began_ms: int) -> asyncio.Future:
    told = asyncio.get_running_loop().create_future()
    fix = RawFix(began_ms + 1000 * seq, LAT, LNG + seq * 1e-5, seq=seq)
    key = town.reps[0], "device-0"
    assert committer.submit(key, "web", Decoded([fix]), clock.now_ms(), told.set_result)
    return told


async def _enough_while_it_connects(town: Town) -> list[Outcome | None]:
    """One message, and enough for the next commit while the first one waits for its connection."""
    crew = Crew(lambda _changed: None)
    await crew.load()
    committer = Committer(crew, lambda _points: None, lambda _status: None)
    committing = asyncio.create_task(committer.run())
    began_ms = clock.now_ms() - 600_000
    told = [_submit(committer, town, 0, began_ms)]
    while committer._pace._waiting:  # until that commit has begun
        await asyncio.sleep(0)
    told += [_submit(committer, town, seq, began_ms) for seq in range(1, ENOUGH + 1)]
    found = await asyncio.wait_for(asyncio.gather(*told), 30)
    committing.cancel()
    return found


def test_phones_hear_though_the_next_commit_has_nothing_in_it(town: Town) -> None:
    town.shift(hours_ago=9)
    found = asyncio.run(_enough_while_it_connects(town))
    assert found == [Outcome(1)] * (ENOUGH + 1)
