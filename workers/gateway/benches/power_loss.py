"""Whether anything acknowledged is ever lost, or stored twice, when parts are killed under load.

`fieldcrm bench power-loss` lets phones insist over WebSocket and HTTP on several gateways and
recorders, kills one part after another at random moments, and in the end compares every
acknowledgement with the track chunks and the stream. Prints one JSON object last.

With `--fsync everysec` the gateways are made to trust a store that syncs later than it answers:
then losses must show, else this bench proves nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from workers.gateway.benches import crashes, hostile
from workers.gateway.benches.crashes import Plant
from workers.gateway.benches.insisting import OverlandPhone, OwnTracksPhone, Phone, SocketPhone

HOURS_ON_SHIFT = 13
RECOVERED_WITHIN_S = 60.0
DRAINED_WITHIN_S = 90.0
Key = tuple[str, int]


def main(argv: Sequence[str] | None = None) -> None:
    """Read the arguments, crash and compare, print; exit status 1 where something was lost."""
    parser = argparse.ArgumentParser(prog="fieldcrm bench power-loss", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--phones", type=int, default=36)
    parser.add_argument("--gateways", type=int, default=2)
    parser.add_argument("--recorders", type=int, default=2)
    parser.add_argument("--fsync", choices=["always", "everysec", "no"], default="always")
    parser.add_argument("--kinds", default=",".join(crashes.KINDS), help="comma-separated")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--hostile", action="store_true", help="attacks instead of crashes")
    parser.add_argument("--seconds", type=float, default=6.0, help="of each attack")
    chosen = parser.parse_args(argv)
    if chosen.hostile:
        hostile.main(chosen)
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and nothing is left running
    with tempfile.TemporaryDirectory(prefix="fieldcrm-bench-") as folder:
        found = run(Path(folder), chosen)
    print(json.dumps(found))
    if found.get("lost") or found.get("duplicated"):
        raise SystemExit(1)


def run(home: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    """Crash an install of its own in `home` and count what became of acknowledgements."""
    _settle_in(home)
    seed = chosen.seed if chosen.seed is not None else random.randrange(1 << 30)
    try:
        with crashes.plant(home, chosen.gateways, chosen.recorders, chosen.fsync) as plant:
            phones = hire(chosen.phones, plant.ports, seed)
            _let_go_of_database()
            rounds = asyncio.run(_rounds(plant, phones, chosen, random.Random(seed)))
            left = drain()
            found = stored()
    except crashes.NoCompiler:
        return {"rounds": 0, "error": "no C compiler: power cuts can't be played"}
    finally:
        _keep_log(home)
    acked = {(p.device_id, key) for p in phones for key in p.acked}
    lost = acked - found.keys() - left
    return {
        "rounds": len(rounds), "acked": len(acked), "lost": len(lost),
        "duplicated": sum(n - 1 for n in found.values()), "fsync": chosen.fsync,
        "kills": dict(Counter(kind for kind, _ in rounds)),
        "recovery_s": {k: _spread([s for kind, s in rounds if kind == k])
                       for k in sorted({kind for kind, _ in rounds})},
        "phones": len(phones), "gateways": chosen.gateways, "recorders": chosen.recorders,
        "sent_again": sum(p.sent_again for p in phones), "left_in_stream": len(left),
        "stored": sum(found.values()), "stored_not_acked": len(found.keys() - acked),
        "cut_bytes": plant.cut_bytes, "refused": dict(sum((Counter(p.refused) for p in phones),
                                                          Counter())),
        "seed": seed,
    }  # fmt: skip


def _settle_in(home: Path) -> None:
    for name in [n for n in os.environ if n.startswith("FIELDCRM_")]:
        del os.environ[name]
    os.environ["FIELDCRM_HOME"] = str(home)
    from fieldcrm.kit.database import engine
    from fieldcrm.migrations.schema import metadata

    metadata.create_all(engine())


def _let_go_of_database() -> None:
    """A power cut ends every program: this one must not keep the database's shared memory alive."""
    from fieldcrm.kit.database import engine

    engine().dispose()


def _keep_log(home: Path) -> None:
    """What the parts said goes where FIELDCRM_BENCH_LOG wished (the variable is gone by now)."""
    said = home / "parts.log"
    if _LOG and said.exists():
        Path(_LOG).write_bytes(said.read_bytes())


_LOG = os.environ.get("FIELDCRM_BENCH_LOG")


def hire(count: int, ports: Sequence[int], seed: int) -> list[Phone]:
    """Reps on shift with a device each: two in three on our own protocol."""
    from fieldcrm.kit import clock, ids
    from fieldcrm.kit.database import transaction
    from fieldcrm.people import registry
    from fieldcrm.people.model import SYSTEM
    from fieldcrm.people.tables import Team, User
    from fieldcrm.tracking.tables import Shift

    now, team_id = clock.now(), ids.new_id()
    rep_ids = [ids.new_id() for _ in range(count)]
    began = now - timedelta(hours=HOURS_ON_SHIFT)
    with transaction() as session:
        session.add(Team(id=team_id, name="bench", created_at=now))
        session.flush()
        for i, rep_id in enumerate(rep_ids):
            session.add(User(id=rep_id, login=f"rep{i}", name=f"Rep {i}", role="rep",
                             team_id=team_id, password_hash="", created_at=now))  # fmt: skip
        session.flush()
        session.add_all(Shift(id=ids.new_id(), rep_id=r, started_at=began) for r in rep_ids)
    phones: list[Phone] = []
    for i, rep_id in enumerate(rep_ids):
        kind = ("osmand", "osmand", "osmand", "osmand", "owntracks", "overland")[i % 6]
        device, token, *_ = registry.pair_device(SYSTEM, rep_id, kind, f"phone {i}")
        args = device.id, token, ports, random.Random(seed + i)
        if kind == "owntracks":
            phones.append(OwnTracksPhone(*args, began_s=int(began.timestamp()) + 600))
        else:
            phones.append(OverlandPhone(*args) if kind == "overland" else SocketPhone(*args))
    return phones


async def _rounds(
    plant: Plant, phones: Sequence[Phone], chosen: argparse.Namespace, chance: random.Random
) -> list[tuple[str, float]]:
    """Crash at random moments; (kind, seconds until every phone was acknowledged again)."""
    talks = [asyncio.create_task(phone.run()) for phone in phones]
    done: list[tuple[str, float]] = []
    try:
        await _all_acked_since(phones, time.monotonic())
        for kind in _kinds(chosen, chance):
            await asyncio.sleep(chance.uniform(0.1, 1.2))
            struck = time.monotonic()
            await asyncio.to_thread(plant.crash, kind, chance)
            done.append((kind, await _all_acked_since(phones, struck)))
            print(f"{len(done)}/{chosen.rounds} {kind} {done[-1][1]:.1f} s", file=sys.stderr)
    finally:
        for phone in phones:
            phone.is_stopping = True
        _, late = await asyncio.wait(talks, timeout=RECOVERED_WITHIN_S)
        for talk in late:
            talk.cancel()
    return done


def _kinds(chosen: argparse.Namespace, chance: random.Random) -> list[str]:
    """Each kind as often as the others, in a random order."""
    names = [k for k in chosen.kinds.split(",") if k in crashes.KINDS]
    kinds = (names * (chosen.rounds // len(names) + 1))[: chosen.rounds]
    chance.shuffle(kinds)
    return kinds


async def _all_acked_since(phones: Sequence[Phone], moment: float) -> float:
    """Wait until every phone has been acknowledged after a moment; the seconds from then to now."""
    until = time.monotonic() + RECOVERED_WITHIN_S
    while any(p.acked_at <= moment for p in phones):
        if time.monotonic() > until:
            silent = sum(p.acked_at <= moment for p in phones)
            raise RuntimeError(f"{silent} phones heard nothing for {RECOVERED_WITHIN_S:.0f} s")
        await asyncio.sleep(0.02)
    return time.monotonic() - moment


def drain() -> set[Key]:
    """Wait until the recorders have emptied the stream; what is still in it after that."""
    from fieldcrm.kit import bus
    from fieldcrm.tracking import live_index

    until = time.monotonic() + DRAINED_WITHIN_S
    while bus.connection().xlen(bus.FIX_STREAM) and time.monotonic() < until:
        time.sleep(0.1)
    left: Any = bus.connection().xrange(bus.FIX_STREAM)
    batches = [live_index.decode_batch(fields[live_index.BATCH_FIELD]) for _, fields in left]
    return {_key(fix) for batch in batches for fix in batch}


def stored() -> Counter[Key]:
    """How often each fix is in the track chunks."""
    from sqlmodel import select

    from fieldcrm.kit.database import reading
    from fieldcrm.tracking import chunks
    from fieldcrm.tracking.tables import TrackChunk

    with reading() as session:
        rows = session.exec(select(TrackChunk)).all()
    return Counter(_key(fix) for row in rows for fix in chunks.unpack(row.rep_id, row.data))


def _key(fix: Any) -> Key:
    return fix.device_id, fix.device_at_ms if fix.seq is None else fix.seq


def _spread(seconds: list[float]) -> dict[str, float]:
    ranked = sorted(seconds)
    return {"median": round(ranked[len(ranked) // 2], 2), "most": round(ranked[-1], 2)}


if __name__ == "__main__":
    main()
