"""How far a long run is, what it spends, and how it is stopped so that what it did counts."""

from __future__ import annotations

import argparse
import asyncio
import resource
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fieldcrm.phone.benches.network import Network
from fieldcrm.phone.benches.strikes import Strikes
from fieldcrm.phone.benches.tally import Tally

PIECE = 25
"""Schedules that share servers and are judged together."""
TOLD_EVERY_S = 30.0
STOPPING = "stopping: what has come to its end is judged; once more to end at once"


class Halt:
    """Ctrl-C and SIGTERM: the phones end, their work so far is judged; the second ends everything."""

    def __init__(self) -> None:
        self.is_asked = False
        self._file: Path | None = None

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Listen, in the main thread."""
        kinds = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(kind, lambda *_: self._ask()) for kind in kinds]
        try:
            yield
        finally:
            for kind, handler in zip(kinds, before, strict=True):
                signal.signal(kind, handler)

    def _ask(self) -> None:
        if self.is_asked:
            sys.exit("stopped")
        print(STOPPING, file=sys.stderr)
        self.is_asked = True
        self.tell_at(self._file)

    def tell_at(self, file: Path | None) -> None:
        """The file that stops the phones now at work."""
        self._file = file
        if file and self.is_asked:
            file.touch()


class Progress:
    """The pieces of a run: what is still to do, what came of the others, told on stderr."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self.chosen, self.halt, self.tally = chosen, Halt(), Tally()
        wanted = range(chosen.first, chosen.first + chosen.schedules)
        self.left = [0] if chosen.long else [*wanted]
        self.all, self._before = set(self.left), 0

    def take_up(self, piece: Tally) -> None:
        """Count what an earlier run did of this one."""
        if self.all.issuperset(piece.done):
            self.sum(piece)
            self._before += len(piece.done)

    def sum(self, piece: Tally) -> None:
        """Count what came of a piece."""
        self.tally.add(piece)
        self.left = [n for n in self.left if n not in piece.done]

    def next_piece(self) -> list[int]:
        """The schedules that come next; none once time is over."""
        gone_s = time.monotonic() - self.chosen.began
        is_over = self.halt.is_asked or gone_s >= min(self.chosen.within, self.chosen.stop)
        return [] if is_over else self.left[:PIECE]

    async def tell(self, words: Path, network: Network, strikes: Strikes) -> None:
        """Say every now and then how far it is, until cancelled."""
        while True:
            await asyncio.sleep(TOLD_EVERY_S)
            befell = sum(line.struck.total() for line in network.lines.values())
            print(self._line(_lines(words), befell + len(strikes.spans())), file=sys.stderr)

    def _line(self, now: int, befell: int) -> str:
        judged = len(self.tally.done)
        done, wanted = judged + now, len(self.all)
        here, gone_s = done - self._before, time.monotonic() - self.chosen.began
        each_s = gone_s / here if here else 0.0
        end = time.localtime(time.time() + each_s * (wanted - done))
        expected = (
            f"; {each_s:.1f} s each, ends about {time.strftime('%H:%M', end)}" if here else ""
        )
        faults = self.tally.faults.total() + befell
        return (f"{done} of {wanted} schedules, {faults} faults; {judged} judged: "
                f"{self.tally.wrong()}{expected}")  # fmt: skip


def _lines(file: Path) -> int:
    if not file.exists():
        return 0
    with file.open("rb") as words:
        return sum(piece.count(b"\n") for piece in iter(lambda: words.read(1 << 20), b""))


class Spent:
    """Time since it was made: by the wall, and of the processor."""

    def __init__(self) -> None:
        self._began, self._own, self._others = time.monotonic(), own_s(), children_s()

    def count(self, tally: Tally, parts: Mapping[str, float], phones_s: float) -> None:
        """Whose time it was; `rest` is what loading the servers took, and Valkey."""
        rest = children_s() - self._others - phones_s - sum(parts.values())
        named = {**parts, "phones": phones_s, "bench": own_s() - self._own, "rest": rest}
        tally.processor_ms.update({name: round(s * 1000) for name, s in named.items()})
        tally.ms += round((time.monotonic() - self._began) * 1000)


def own_s() -> float:
    """Processor time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def children_s() -> float:
    """Of its children that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
