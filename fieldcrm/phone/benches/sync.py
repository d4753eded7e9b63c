"""Whether anything a rep does on the phone is ever lost, done twice, or seen differently.

`fieldcrm bench sync --schedules N --seed S` lets simulated phones run the app's own sync code against
real servers over a network that loses, repeats, delays and cuts; servers are killed, the power goes,
apps are reloaded at any step, clocks are wrong. In the end the power goes once more, and what the server
holds is held against a model of what the reps did, every phone against a whole copy. `--long` plays 20
phones over 7 days of the product's clock instead. Prints one JSON object last.

One schedule again: `--seed S --first K --schedules 1`. What failed is told with all that happened. Many:
with `--keep FILE`, after Ctrl-C or `--within` the same command goes on, and sums all of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fieldcrm.phone.benches import plant as plants
from fieldcrm.phone.benches import staff, stage, strikes, truth, week
from fieldcrm.phone.benches.network import Network
from fieldcrm.phone.benches.progress import Progress, Spent
from fieldcrm.phone.benches.tally import LEAST, WRONG, Keeping, Tally

FAULTS_EACH, FAULTY_SHARE = 7, 0.4
"""Of the network for each phone, and of its requests while any is ahead."""


def main(argv: Sequence[str] | None = None) -> None:
    """Read the arguments, let them work, print; exit status 1 where anything went wrong."""
    chosen = _arguments(argv)
    chosen.began = time.monotonic()
    progress = Progress(chosen)
    with progress.halt.heard():
        try:
            tally = _pieces(chosen, progress)
        except plants.NoCompiler:
            print(
                json.dumps({"schedules": 0, "error": "no C compiler: power cuts can't be played"})
            )
            raise SystemExit(1) from None
    print(json.dumps(tally.told(chosen.seed, chosen.first)))
    if tally.failed:
        raise SystemExit(1)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fieldcrm bench sync", description=__doc__)
    parser.add_argument("--schedules", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first schedule")
    parser.add_argument("--at-once", type=int, default=12, help="schedules beside each other")
    parser.add_argument(
        "--within", type=float, default=1e6, help="seconds after which no schedule begins any more"
    )
    parser.add_argument(
        "--stop",
        type=float,
        default=1e6,
        help="seconds after which what isn't done is left unfinished",
    )
    parser.add_argument(
        "--still", type=float, default=600.0,
        help="seconds after which a phone is given up of which nothing at all moves",
    )  # fmt: skip
    parser.add_argument(
        "--keep", type=Path, help="file of what was judged: the same run goes on from there"
    )
    parser.add_argument("--long", action="store_true", help="one run of 20 phones over 7 days")
    parser.add_argument(
        "--day-s", type=float, default=week.DAY_S, help="how long a day of the long run lasts"
    )
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
    return parser.parse_args(argv)


def _pieces(chosen: argparse.Namespace, progress: Progress) -> Tally:
    """One after the other in an install of its own each, those left out that were done before."""
    names = ("seed", "long", "calm", "careless", *(["day_s"] if chosen.long else []))
    keeping = Keeping(chosen.keep, {name: getattr(chosen, name) for name in names})
    for piece in keeping.pieces():
        progress.take_up(piece)
    while numbers := progress.next_piece():
        with tempfile.TemporaryDirectory(prefix="fieldcrm-bench-") as folder:
            piece = _run(Path(folder), numbers, chosen, progress)
        keeping.keep(piece)
        progress.sum(piece)
    return progress.tally


def _run(home: Path, numbers: list[int], chosen: argparse.Namespace, progress: Progress) -> Tally:
    """All of it: the company, the servers, the phones' work, the last power cut, the judgement."""
    spent = Spent()
    plants.settle_in(home)
    from fieldcrm.kit import clock
    from fieldcrm.kit.database import engine

    company = _week(chosen) if chosen.long else _schedules(chosen, numbers)
    engine().dispose()  # a power cut must find no program that keeps the database's memory alive
    plant = plants.Plant(home, is_careless=chosen.careless)
    try:
        plant.start()
        played = asyncio.run(_played(plant, company, chosen, progress))
        plant.cut_power()
    finally:
        plant.close()
        _keep_log(home)
    tally = Tally()
    _judge(tally, home, company.groups, played, chosen, clock.zone())
    _count_servers(tally, plant, played)
    spent.count(tally, plant.processor_s(), played.phones_s)
    return tally


@dataclass(frozen=True)
class _Company:
    """Who works, and what is to befall servers and lines."""

    groups: list[stage.Group]
    ahead: Mapping[int, Sequence[tuple[int, str]]]
    faults_each: int
    faulty_share: float


def _schedules(chosen: argparse.Namespace, numbers: list[int]) -> _Company:
    groups = [staff.hire(n, chosen.seed * 1_000_003 + n, 3 * n) for n in numbers]
    ahead = {n: [s] if (s := strikes.wanted(chosen.seed, n)) else [] for n in numbers}
    return _Company(groups, ahead, FAULTS_EACH, FAULTY_SHARE)


def _week(chosen: argparse.Namespace) -> _Company:
    week.begin_clock(chosen.day_s)
    group = week.hire(chosen.seed)
    ahead = {group.number: week.strikes(chosen.seed)}
    return _Company([group], ahead, week.FAULTS_EACH, week.FAULTY_SHARE)


async def _played(
    plant: plants.Plant, company: _Company, chosen: argparse.Namespace, progress: Progress
) -> stage.Played:
    network = Network(plant.port, company.faults_each, company.faulty_share)
    striking = strikes.Strikes(plant, {} if chosen.calm else company.ahead, chosen.seed)
    gone_s = time.monotonic() - chosen.began
    options = ["--at-once", str(chosen.at_once), "--within", f"{chosen.within - gone_s:.1f}",
               "--stop", f"{chosen.stop - gone_s:.1f}", "--still", str(chosen.still)]  # fmt: skip
    progress.halt.tell_at(plant.home / stage.STOP)
    telling = asyncio.create_task(progress.tell(plant.home / stage.WORDS, network, striking))
    try:
        return await stage.play(
            plant, company.groups, network, striking, *options, *["--watch"] * chosen.watch
        )
    finally:
        telling.cancel()
        progress.halt.tell_at(None)


_LOG = os.environ.get("FIELDCRM_BENCH_LOG")


def _keep_log(home: Path) -> None:
    """What the parts said goes where FIELDCRM_BENCH_LOG wished (the variable is gone by now)."""
    if _LOG and (home / "parts.log").exists():
        Path(_LOG).write_bytes((home / "parts.log").read_bytes())


def _count_servers(tally: Tally, plant: plants.Plant, played: stage.Played) -> None:
    tally.counts.update({
        "requests": played.network.requests, "cut_bytes": plant.cut_bytes, "undone": plant.undone,
        "cuts_in_a_write": plant.cuts_in_a_write, "cuts_in_a_renaming": plant.cuts_in_a_renaming,
    })  # fmt: skip
    tally.faults.update(f"{kind}_killed" for _, _, kind in played.strikes.spans())


def _judge(
    tally: Tally, home: Path, groups: Sequence[stage.Group], played: stage.Played,
    chosen: argparse.Namespace, zone: Any,
) -> None:  # fmt: skip
    """Each group that came to its end by what it told; one that didn't is lost."""
    left_out = played.left_out()
    tally.unfinished = left_out["unfinished"]
    none = {*left_out["not_begun"], *left_out["unfinished"]}
    waiting = {g.number: g for g in groups if g.number not in none}
    tally.done = [*waiting]
    for told in played.groups():
        group = waiting.pop(told["number"])
        found, faults = truth.judge(home, group, told, zone), played.faults_of(told)
        _count(tally, group, found, faults)
        tally.struck.update(played.struck_while(told))
        if not found.is_good():
            _tell(chosen, group, found, told, played)
    tally.counts["lost"] += len(waiting)
    tally.failed += waiting
    for number in waiting:
        print(f"schedule {number} never came to its end", file=sys.stderr)


def _count(tally: Tally, group: stage.Group, found: truth.Found, faults: Counter[str]) -> None:
    tally.faults.update(faults)
    tally.kinds.update(found.kinds)
    tally.refused.update(found.refused)
    done = {"mutations": found.mutations, "attachments": found.attachments}
    wrong = {name: len(getattr(found, name)) for name in WRONG}
    tally.counts.update({"schedules": 1, "phones": len(group.phones), **done, **wrong})
    if any((done | {"faults": faults.total()})[name] < least for name, least in LEAST.items()):
        tally.thin.append(group.number)
    if not found.is_good():
        tally.failed.append(group.number)


def _tell(
    chosen: argparse.Namespace, group: stage.Group, found: truth.Found, told: dict[str, Any],
    played: stage.Played,
) -> None:  # fmt: skip
    """Everything that happened to a group that failed, in order of time, in a file of its own."""
    wrong = [f"{name}: {each}" for name in WRONG for each in getattr(found, name)]
    which = "--long" if chosen.long else f"--first {group.number} --schedules 1"
    again = f"fieldcrm bench sync --seed {chosen.seed} {which}"
    lines = [(float(line.split()[0]), f"      {line}") for line in played.strikes.told]
    for phone in told["phones"]:
        name = f"p{phone['number']:<5}"
        happened = [*phone["trace"], *played.network.lines[phone["number"]].trace]
        lines += [(float(line.split()[0]), f"{name}{line}") for line in happened]
    own = [text for at, text in sorted(lines) if told["began_ms"] <= at <= told["ended_ms"]]
    chosen.traces.mkdir(parents=True, exist_ok=True)
    file = chosen.traces / f"schedule-{chosen.seed}-{group.number}.txt"
    file.write_text("\n".join([again, "", *wrong, "", *own]) + "\n")
    for each in wrong[:6]:
        print(f"schedule {group.number}: {each}", file=sys.stderr)
    print(f"schedule {group.number}: {file}", file=sys.stderr)


if __name__ == "__main__":
    main()
