"""The storm: many phones sync for the first time in the same moment.

`fieldcrm bench first-sync --phones 300`: each registers, copies 300 clients and 14 days of visits page by
page as the app does, and fetches the region's map. Every row is counted. Prints one JSON object last.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from fieldcrm.phone.benches import plant as plants
from workers.gateway.benches.lab import BusyTime

WITHIN_S = 120.0
PLACES = 100
"""Of a rep's clients; the others are people who work at them."""
MAP_BYTES = 4_000_000
"""Of a made-up map, where the install has none."""


class Page(msgspec.Struct):
    """What a phone must know of a page before it asks for the next."""

    cursor: str
    more: bool
    changes: list[Change]


class Change(msgspec.Struct):
    entity: str
    op: str


_read = msgspec.json.Decoder(Page).decode


@dataclass
class Line:
    """One phone's connection, and what came over it."""

    port: int
    cookie: str
    received: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    error: str | None = None
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None

    async def ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        """One request over the kept connection; raises OSError for anything but a 200."""
        if self.writer is None or self.reader is None:
            self.reader, self.writer = await asyncio.open_connection(
                "127.0.0.1", self.port, limit=1 << 20
            )
        head = (f"{method} {path} HTTP/1.1\r\nHost: localhost:{self.port}\r\nCookie: {self.cookie}\r\n"
                f"Accept-Encoding: gzip\r\nX-Fieldcrm-Protocol: 1\r\nContent-Length: {len(body)}\r\n\r\n")  # fmt: skip
        self.writer.write(head.encode() + body)
        told = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        length = int(told.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        content = await self.reader.readexactly(length)
        self.received[path.split("?")[0]] += len(told) + length
        if not told.startswith(b"http/1.1 200"):
            raise OSError(told.split(b"\r\n", 1)[0].decode())
        return gzip.decompress(content) if b"content-encoding: gzip" in told else content

    async def sync(self, number: int, began: float) -> None:
        """Everything a new phone asks for."""
        from fieldcrm.kit import ids

        try:
            hello = json.dumps({"device_id": ids.new_id(), "name": f"bench {number}"}).encode()
            await self.ask("POST", "/api/v1/sync/device", hello)
            await self._pull()
            await self.ask("GET", "/region/basemap.pmtiles")
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            self.error = repr(error)
        self.seconds = time.perf_counter() - began

    async def _pull(self) -> None:
        cursor, more = "0", True
        while more:
            page = _read(await self.ask("GET", f"/api/v1/sync/pull?cursor={cursor}&limit=500"))
            self.rows.update(c.entity for c in page.changes if c.op == "put")
            cursor, more = page.cursor, page.more


def main(argv: Sequence[str] | None = None) -> None:
    """Read the arguments, let the storm come, print; exit status 1 where a phone went without."""
    parser = argparse.ArgumentParser(prog="fieldcrm bench first-sync", description=__doc__)
    parser.add_argument("--phones", type=int, default=300)
    parser.add_argument("--clients", type=int, default=300, help="of each rep")
    parser.add_argument("--visits", type=int, default=10, help="of each day")
    parser.add_argument("--map", type=Path, help="a basemap.pmtiles; the install's own by default")
    chosen = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and nothing is left running
    with tempfile.TemporaryDirectory(prefix="fieldcrm-bench-") as folder:
        found = _run(Path(folder), chosen)
    print(json.dumps(found))
    if found["errors"]:
        raise SystemExit(1)


def _run(home: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    _lay_map(home, chosen.map)
    plants.settle_in(home)
    cookies = populate(chosen.phones, chosen.clients, chosen.visits)
    plant = plants.Plant(home, (plants.VALKEY, plants.WEB), is_watched=False)
    try:
        plant.start()
        web, valkey = (plant.process(p) for p in (plants.WEB, plants.VALKEY))
        busy = BusyTime(*(cast("Any", p) for p in (valkey, web, *_helpers(web.pid))))
        lines = [Line(plant.port, cookie) for cookie in cookies]
        began, own_s = time.perf_counter(), _own_seconds()
        asyncio.run(_storm(lines, began))
        valkey_s, web_s, *helpers_s = busy.seconds()
        used = {"web": web_s, "valkey": valkey_s, "helpers": sum(helpers_s),
                "phones": _own_seconds() - own_s}  # fmt: skip
        load = os.getloadavg()[0]
    finally:
        plant.close()
    return _told(lines, chosen, used) | {"machine_load": round(load, 1)}


def _helpers(pid: int) -> list[SimpleNamespace]:
    """Processes that a process has made."""
    told = Path(f"/proc/{pid}/task/{pid}/children")
    return [SimpleNamespace(pid=int(p)) for p in told.read_text().split()] if told.exists() else []


def _own_seconds() -> float:
    """The processor's time that this process, which plays the phones, has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _lay_map(home: Path, own: Path | None) -> None:
    from fieldcrm.kit.settings import settings

    source = own or settings().region_dir / "basemap.pmtiles"
    folder = home / "regions" / "helsinki"
    folder.mkdir(parents=True)
    content = source.read_bytes() if source.is_file() else os.urandom(MAP_BYTES)
    (folder / "basemap.pmtiles").write_bytes(content)
    settings.cache_clear()


async def _storm(lines: list[Line], began: float) -> None:
    phones = [line.sync(n, began) for n, line in enumerate(lines)]
    await asyncio.wait_for(asyncio.gather(*phones), WITHIN_S)


def _told(lines: list[Line], chosen: argparse.Namespace, used: dict[str, float]) -> dict[str, Any]:
    wanted = {"client": chosen.clients, "visit": 14 * chosen.visits}
    for line in lines:
        if line.error is None and any(line.rows[k] != n for k, n in wanted.items()):
            line.error = f"not whole: {dict(line.rows)}"
    errors = Counter(line.error for line in lines if line.error)
    seconds = sorted(line.seconds for line in lines)
    received = sum((line.received for line in lines), Counter[str]())
    every = len(lines)
    return {
        "phones": every, "errors": errors.total(), "p50_s": round(seconds[every // 2], 2),
        "p95_s": round(seconds[int(every * 0.95)], 2), "longest_s": round(seconds[-1], 2),
        "bytes_per_phone": received.total() // every,
        "data_bytes": received["/api/v1/sync/pull"] // every,
        "map_bytes": received["/region/basemap.pmtiles"] // every, "clients": chosen.clients,
        "visits": 14 * chosen.visits, "web_cpu_s": round(used["web"], 1),
        "helpers_cpu_s": round(used["helpers"], 1),
        "cpu_ms_per_phone": round((used["web"] + used["helpers"]) * 1000 / every, 1),
        "valkey_ms_per_phone": round(used["valkey"] * 1000 / every, 1),
        "bench_ms_per_phone": round(used["phones"] * 1000 / every, 1), "said": dict(errors.most_common(3)),
    }  # fmt: skip


# ---- the company ----


def populate(reps: int, clients: int, visits: int) -> list[str]:
    """Reps with their territories, cards, workplaces and two weeks of visits; their cookies."""
    from fieldcrm.kit import clock
    from fieldcrm.kit.database import engine, transaction
    from fieldcrm.phone.benches.staff import Staff

    today, cookies = clock.local(clock.now()).date(), []
    with transaction() as session:
        staff = Staff(session, today)
        team = staff.team()
        for n in range(reps):
            rep_id, home, cookie = staff.rep(team, f"Rep {n}")
            cookies.append(cookie)
            ids = _cards(session, home, clients, n)
            _diary(session, rep_id, team, ids, visits, today)
            staff.cycle(team, rep_id, ids[: clients // 2]) if n == 0 else None
    engine().dispose()
    return cookies


def _cards(session: Any, home: str, count: int, n: int) -> list[str]:
    """A third places, the others people who work there."""
    from sqlalchemy import insert

    from fieldcrm.clients.tables import Affiliation, Client
    from fieldcrm.kit import clock
    from fieldcrm.kit import ids as made

    now, ids = clock.now(), [made.new_id() for _ in range(count)]
    places = ids[: count // 3]
    session.execute(insert(Client), [
        {"id": i, "kind": "pharmacy" if at < len(places) else "doctor", "name": f"Клиент {n} {at}",
         "specialty": "cardiology", "category": "ABC"[at % 3], "loyalty": "neutral",
         "phone": f"+358 40 {n:03} {at:04}", "phone_e164": f"+35840{n:03}{at:04}", "lat": 60.17,
         "lng": 24.94, "address": f"Mannerheimintie {at}", "city": "Helsinki", "postcode": "00100",
         "opening_hours": "Mo-Fr 08:00-21:00; Sa 09:00-18:00", "visit_minutes": 15, "tags": ["vip"],
         "note": "Ring twice, the door is at the back.", "territory_id": home, "source": "office",
         "is_sample": False, "search_text": "", "sort_name": "", "created_at": now,
         "updated_at": now, "version": 1}
        for at, i in enumerate(ids)
    ])  # fmt: skip
    session.execute(insert(Affiliation), [
        {"id": made.new_id(), "person_id": i, "organisation_id": places[at % len(places)],
         "role": "physician", "hours": "Tu, Th 9-13", "is_main": True}
        for at, i in enumerate(ids[len(places) :])
    ])  # fmt: skip
    return ids


def _diary(session: Any, rep_id: str, team: str, clients: list[str], each: int, today: Any) -> None:
    """Six days behind, closed and told of; today and a week ahead, planned."""
    from sqlalchemy import insert

    from fieldcrm.kit import clock
    from fieldcrm.kit import ids as made
    from fieldcrm.visits.tables import Visit

    now, rows = clock.now(), []
    for day in range(-6, 8):
        at = now.replace(hour=8, minute=0) + timedelta(days=day)
        for n in range(each):
            is_done = day < 0
            begun = at + timedelta(minutes=40 * n)
            rows.append({
                "id": made.new_id(), "rep_id": rep_id, "team_id": team, "lat": 60.17, "lng": 24.94,
                "client_id": clients[(day * each + n) % len(clients)], "day": today + timedelta(days=day),
                "state": "closed" if is_done else "planned", "position": n + 1, "planned_at": begun,
                "expected_at": begun, "planned_minutes": 15, "travel_s": 600, "travel_m": 2500,
                "travel_mode": "car", "priority": 1, "pause_min": 0, "is_locked": False,
                "is_unplanned": False, "objective": "Новый препарат", "details": {},
                "checked_in_at": begun if is_done else None, "closed_at": begun if is_done else None,
                "result": "met" if is_done else None, "verdict": "unjudged", "verdict_reasons": [],
                "comment": "Обсудили дозировку и цену" if is_done else None, "conflicts": [],
                "is_sample": False, "created_at": now, "updated_at": now, "version": 1,
            })  # fmt: skip
    session.execute(insert(Visit), rows)


if __name__ == "__main__":
    main()
