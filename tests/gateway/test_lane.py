"""Long work in pieces: everybody's in turn, and the event loop is free between them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from workers.gateway.lane import TURN_S, Lane


async def _until(is_so: Callable[[], bool]) -> None:
    for _ in range(10_000):
        if is_so():
            return
        await asyncio.sleep(0)
    raise AssertionError("never")


def test_pieces_of_several_are_done_one_after_another() -> None:
    async def done() -> list[str]:
        lane, log = Lane(), list[str]()

        def piece(name: str, left: int) -> None:
            log.append(name)
            if left:
                lane.add(lambda: piece(name, left - 1))

        for name in "abc":
            lane.add(lambda name=name: piece(name, 2))
        await _until(lambda: len(log) == 9)
        return log

    assert asyncio.run(done()) == list("abcabcabc")


def test_others_are_looked_after_between_pieces_that_take_long() -> None:
    async def seen() -> list[int]:
        lane, done = Lane(), list[int]()

        def piece(n: int) -> None:
            time.sleep(2 * TURN_S)
            done.append(n)

        for n in range(5):
            lane.add(lambda n=n: piece(n))
        turns = list[int]()
        while len(done) < 5:
            await asyncio.sleep(0)
            turns.append(len(done))
        return turns

    assert sorted(set(asyncio.run(seen())) - {0}) == [1, 2, 3, 4, 5]
