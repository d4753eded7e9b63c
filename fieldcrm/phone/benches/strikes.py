"""What befalls the servers of a run: which schedule brings which crash, at which of its requests."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from fieldcrm.phone.benches.plant import GATEWAY, POWER, RECORDER, VALKEY, WEB, Plant

ROUND = (WEB, POWER, POWER, RECORDER, GATEWAY, VALKEY, None)
"""Of so many schedules each brings one of these, in an order of chance; not every power cut finds a write
and a renaming under way."""
AT_REQUEST = (15, 100)
"""Of a schedule's own requests, of which it has about 150."""


def wanted(seed: int, number: int) -> tuple[int, str] | None:
    """The crash that a schedule brings, whatever others run beside it: (at which request, what)."""
    around = list(ROUND)
    random.Random(seed * 7 + number // len(ROUND)).shuffle(around)
    kind = around[number % len(ROUND)]
    return kind and (random.Random(seed * 11 + number).randint(*AT_REQUEST), kind)


class Strikes:
    """Hears of each request, ends what is due then, one crash after the other."""

    def __init__(
        self, plant: Plant, ahead: Mapping[int, Sequence[tuple[int, str]]], seed: int
    ) -> None:
        self.plant, self.chance = plant, random.Random(seed)
        self.told: list[str] = []
        """`TIME == PART ends` and `TIME == PART is back`, TIME in epoch ms."""
        self._ahead = {group: sorted(each) for group, each in ahead.items() if each}
        self._asked: Counter[int] = Counter()
        self._due: asyncio.Queue[str] = asyncio.Queue()

    def hear(self, group: int) -> None:
        """A request of one of a group's phones goes to the server."""
        self._asked[group] += 1
        ahead = self._ahead.get(group)
        if ahead and self._asked[group] >= ahead[0][0]:
            self._due.put_nowait(ahead.pop(0)[1])

    async def work(self) -> None:
        """Strike until cancelled; a crash that has begun comes to its end."""
        while True:
            kind = await self._due.get()
            self.told.append(f"{time.time() * 1000:.0f} == {kind} ends")
            await asyncio.shield(asyncio.to_thread(self.plant.crash, kind, self.chance))
            self.told.append(f"{time.time() * 1000:.0f} == {kind} is back")

    def spans(self) -> list[tuple[float, float, str]]:
        """(from, until, what) of each crash, epoch ms."""
        began = [(float(line.split()[0]), line.split()[2]) for line in self.told[::2]]
        back = [float(line.split()[0]) for line in self.told[1::2]]
        ends = [*back, *[time.time() * 1000] * (len(began) - len(back))]
        return [(at, end, kind) for (at, kind), end in zip(began, ends, strict=True)]
