"""Commits begin at once after a rest, soon when little waits, at once when much does."""

from __future__ import annotations

import asyncio
import time

from workers.gateway.pace import ENOUGH, LEAST_S, MOST_S, Pace, gap_s

WITHIN_S = 20.0


async def _turn(pace: Pace) -> float:
    """Let the next commit begin; when that was asked for, at the latest its own beginning."""
    asked = time.monotonic()
    await asyncio.wait_for(pace.due(), WITHIN_S)
    pace.begin()
    return asked


def test_a_message_after_a_rest_is_committed_by_itself() -> None:
    async def alone() -> None:
        pace = Pace()
        for _ in range(3):
            pace.more()
            await _turn(pace)
            await asyncio.sleep(2 * LEAST_S)

    asyncio.run(alone())


def test_few_messages_wait_for_the_next_commit_s_time() -> None:
    async def soon() -> float:
        pace = Pace()
        pace.more()
        first = await _turn(pace)
        pace.more()
        assert not pace.is_due
        await _turn(pace)
        return time.monotonic() - first

    assert asyncio.run(soon()) >= LEAST_S / 2  # event loops know milliseconds


def test_many_messages_wait_for_no_time() -> None:
    async def at_once() -> None:
        pace = Pace()
        pace.more()
        await _turn(pace)
        for n in range(ENOUGH):
            assert not pace.is_due, n
            pace.more()
        assert pace.is_due

    asyncio.run(at_once())


def test_an_old_commit_s_timer_does_not_hurry_a_younger_one() -> None:
    async def hurried() -> float:
        pace = Pace()
        pace.more()
        await _turn(pace)
        pace.more()  # winds the timer
        await asyncio.sleep(LEAST_S / 2)
        pace.more(ENOUGH)
        second = await _turn(pace)
        pace.more()
        await _turn(pace)
        return time.monotonic() - second

    assert asyncio.run(hurried()) >= LEAST_S / 2


def test_what_came_during_a_commit_is_not_forgotten() -> None:
    async def meanwhile() -> None:
        pace = Pace()
        pace.more()
        await _turn(pace)
        pace.more()
        await asyncio.sleep(5 * LEAST_S)  # the commit takes long
        assert pace.is_due

    asyncio.run(meanwhile())


def test_commits_are_rarer_where_many_desks_look_but_never_rare() -> None:
    gaps = [gap_s(desks / 50_000) for desks in (0, 10, 100, 1000)]
    assert gaps == sorted(gaps)
    assert (gaps[0], gaps[1], gaps[3]) == (LEAST_S, LEAST_S, MOST_S)
    assert LEAST_S < gaps[2] < MOST_S


def test_a_commit_waits_longer_while_desks_hear_seldom() -> None:
    async def later() -> float:
        pace = Pace(lambda: 10.0)
        pace.more()
        first = await _turn(pace)
        pace.more()
        await _turn(pace)
        return time.monotonic() - first

    assert asyncio.run(later()) >= MOST_S / 2
