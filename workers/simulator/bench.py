"""`fieldcrm bench day`: a simulated day of six reps against a whole install, counted twice.

The simulator's own log says what truly happened; the manager's table, the stored tracks and the
files say what the product holds. Prints one JSON object last. With `--kill` every part is killed
during the day, one after another.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil

from workers.simulator.log import read
from workers.simulator.scenario import TRAITS

OPENS = (8, 40)
"""Local hour and minute at which the day's clock starts."""
START_UP_S = 30.0
"""Real seconds that an install may take to start before the day begins."""
DISTANCE_RULE_M = 200.0
"""What a rule of distance alone confirms: a check-in this near to the client."""
KILLS = (
    (10.4, "gateway"),
    (11.3, "recorder"),
    (13.0, "optimiser"),
    (13.8, "web"),
    (14.5, "valkey"),
)
"""Local hour (decimal) at which each part is killed."""
BACK_WITHIN_S = 60.0
EDGE_S = 30.0
"""Product seconds by which two clocks may differ at speed 60: half a real second."""
SETTLE_S = 90.0
"""Real seconds within which the last visits must be judged."""


@dataclass
class Install:
    """A whole install of its own: home, ports, clock, and the process that keeps it running."""

    home: Path
    port: int
    opens: datetime
    speed: float
    origin: datetime | None = None
    process: subprocess.Popen[bytes] | None = None
    servers: dict[str, str] = field(default_factory=dict)
    """FIELDCRM_DATABASE_URL and FIELDCRM_REDIS_URL where these are servers of their own."""

    @property
    def server(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def gateway(self) -> str:
        return f"http://localhost:{self.port + 1}"

    def env(self, speed: float | None = None) -> dict[str, str]:
        """The variables that every process of this install gets."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("FIELDCRM_")}
        return kept | self.servers | {
            "FIELDCRM_HOME": str(self.home), "FIELDCRM_PORT": str(self.port),
            "FIELDCRM_CLOCK_START": self.opens.isoformat(),
            "FIELDCRM_CLOCK_ORIGIN": (self.origin or datetime.now(UTC)).isoformat(),
            "FIELDCRM_CLOCK_SPEED": str(self.speed if speed is None else speed),
        }  # fmt: skip

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "fieldcrm.cli", *arguments]

    def prepare(self, template: Path | None) -> None:
        """Build the pages; fill the home from a template, else by loading the sample."""
        subprocess.run(self.command("build"), env=self.env(1.0), check=True, stdout=sys.stderr)
        if self.servers:
            template = None  # a template is a folder; what is in a server is not
        if template is not None and (template / "fieldcrm.db").is_file():
            shutil.copytree(template, self.home, dirs_exist_ok=True)
            return
        for verb in (("db", "upgrade"), ("sample", "load", "--if-empty")):
            subprocess.run(self.command(*verb), env=self.env(1.0), check=True, stdout=sys.stderr)
        if template is not None:
            shutil.copytree(self.home, template, dirs_exist_ok=True)

    def start(self) -> None:
        """Start every part; the day begins once they had time to."""
        self.origin = datetime.now(UTC) + timedelta(seconds=START_UP_S)
        log = (self.home / "up.log").open("wb")
        self.process = subprocess.Popen(
            self.command("up", "--no-simulate", "--no-sample"), env=self.env(), stdout=log,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        until = time.monotonic() + 180
        while not self.is_healthy():
            if time.monotonic() > until or self.process.poll() is not None:
                raise SystemExit(f"the install does not start; see {log.name}")
            time.sleep(0.3)

    def is_healthy(self) -> bool:
        """Whether every part says that it works."""
        try:
            found = httpx.get(f"{self.server}/healthz", timeout=3).json()
        except (httpx.HTTPError, ValueError):
            return False
        return found.get("status") == "ok"

    def hour(self) -> float:
        """The local hour of the install's clock, decimal."""
        shown = self.now().astimezone(self.opens.tzinfo)
        midnight = shown.replace(hour=0, minute=0, second=0, microsecond=0)
        return (shown - midnight).total_seconds() / 3600

    def now(self) -> datetime:
        assert self.origin is not None
        return self.opens + (datetime.now(UTC) - self.origin) * self.speed

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()

    def processes(self) -> list[psutil.Process]:
        """The supervisor and all it started."""
        assert self.process is not None
        above = psutil.Process(self.process.pid)
        return [above, *above.children(recursive=True)]


# Killing


@dataclass
class Killer:
    """Kills parts at their hour, in a thread of its own."""

    install: Install
    recovery_s: dict[str, float | None] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        ours = [k for k in KILLS if k[1] != "valkey" or not self.install.servers]
        for hour, part in ours:
            while self.install.hour() < hour:
                if self.ended.wait(0.5):
                    return
            self.recovery_s[part] = kill_and_wait(self.install, part)
            _say(f"killed {part}, back after {self.recovery_s[part]} s")


def rejections() -> dict[str, int]:
    """Fixes of this install that were refused for a reason, by it."""
    from fieldcrm.kit import bus
    from fieldcrm.tracking import live_index
    from fieldcrm.tracking.model import Reason

    reasons = {r.value for r in Reason} - {Reason.held.value, Reason.duplicate.value}
    told = live_index.counts(bus.connection())
    return {why: n for why, n in told.items() if why.removeprefix("late_") in reasons}


def kill_and_wait(install: Install, part: str) -> float | None:
    """SIGKILL a part with all its processes; real seconds until it works again, None if never."""
    victims = part_processes(install, part)
    for victim in victims:
        victim.kill()
    began = time.monotonic()
    gone = {v.pid for v in victims}
    while time.monotonic() < began + BACK_WITHIN_S:
        if is_back(install, part, gone):
            return round(time.monotonic() - began, 2)
        time.sleep(0.05)
    return None


def part_processes(install: Install, part: str) -> list[psutil.Process]:
    """The processes of a part: those that its command line names, and their children."""
    found: dict[int, psutil.Process] = {}
    for process in install.processes()[1:]:
        if is_of_part(_words(process), part):
            found |= {p.pid: p for p in (process, *process.children(recursive=True))}
    return list(found.values())


def is_of_part(words: Sequence[str], part: str) -> bool:
    """Whether a command line is that of a part."""
    if part == "valkey":
        return bool(words) and "valkey-server" in words[0]
    return any(w.endswith("fieldcrm.cli") and part in words[i:] for i, w in enumerate(words))


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def is_back(install: Install, part: str, gone: set[int]) -> bool:
    """Whether a part works again, by another process than those killed."""
    from fieldcrm.kit import bus, pulse

    try:
        if part == "web":
            return httpx.get(f"{install.server}/api/v1/me", timeout=1).status_code == 401
        if part == "gateway":
            return httpx.get(f"{install.gateway}/healthz", timeout=1).is_success
        if part == "valkey":
            return bool(bus.connection().ping())
        living = {beat["pid"] for beat in pulse.living().get(part, [])}
        return bool(living - gone)
    except Exception:
        bus.connection().connection_pool.disconnect()
        return False


# Counting


def report(install: Install, day: date, log: Path) -> dict[str, Any]:
    """What the log tells beside what the product holds."""
    entries = read(log)
    truth = {e["visit"]: e["truth"] for e in entries if e["t"] == "closed"}
    answered = {e["subject"]: e for e in entries if _is_close(e)}
    closed = {v: truth[v] for v, e in answered.items() if e["status"] == "applied"}
    table = settled_table(day, set(closed))
    fixes = count_fixes(entries, day, rejections())
    photos = count_photos(install, entries)
    held, near = [v for v in closed if v in table], near_visits(closed)
    return {
        "visits": len(closed), "in_table": len(held), "in_table_total": len(table),
        "manager_total": manager_total(day),
        **_shares(closed, {v for v in held if table[v]["verdict"] == "confirmed"}),
        "distance_rule": _shares(closed, near),
        "verdicts": _by_truth(closed, table),
        "unconfirmed_honest": [
            {"visit": v, **table.get(v, {})} for v, told in closed.items()
            if told == "honest" and table.get(v, {}).get("verdict") != "confirmed"
        ],
        "refused": [e["code"] for e in answered.values() if e["status"] == "refused"],
        **fixes, **photos,
    }  # fmt: skip


def _is_close(entry: dict[str, Any]) -> bool:
    return entry["t"] == "answered" and entry["kind"] == "visit.close"


def _shares(closed: dict[str, str], confirmed: set[str]) -> dict[str, Any]:
    honest = [v for v, told in closed.items() if told == "honest"]
    false = [v for v, told in closed.items() if told != "honest"]
    share = sum(v in confirmed for v in honest) / len(honest) if honest else math.nan
    return {"honest_confirmed_share": round(share, 4),
            "false_confirmed": sum(v in confirmed for v in false)}  # fmt: skip


def _by_truth(closed: dict[str, str], table: dict[str, dict[str, Any]]) -> dict[str, Any]:
    counted: dict[str, Counter[str]] = {}
    for visit, told in closed.items():
        verdict = table.get(visit, {}).get("verdict", "missing")
        counted.setdefault(told, Counter())[verdict] += 1
    return {told: dict(c) for told, c in sorted(counted.items())}


def manager_table(day: date) -> dict[str, dict[str, Any]]:
    """The closed visits of a day as the manager's report lists them, by id."""
    from fieldcrm.reports import service

    rows: dict[str, dict[str, Any]] = {}
    cursor = None
    while True:
        page = service.visits_behind(
            _manager(), "closed", _period(day), limit=500, cursor=cursor, language="en"
        )
        for row in page.rows:
            rows[row.id] = {"rep": row.rep_name, "verdict": row.verdict, "reasons": row.reasons}
        cursor = page.cursor
        if cursor is None:
            return rows


def manager_total(day: date) -> int:
    """The number of closed visits that the report's total line shows."""
    from fieldcrm.reports import service

    return service.plan_vs_actual(_manager(), _period(day)).total.closed.closed


def settled_table(day: date, wanted: set[str]) -> dict[str, dict[str, Any]]:
    """The table once every wanted visit is judged, or as it stands when that takes too long."""
    until = time.monotonic() + SETTLE_S
    while True:
        table = manager_table(day)
        waiting = [v for v in wanted if table.get(v, {}).get("verdict", "unjudged") == "unjudged"]
        if not waiting or time.monotonic() > until:
            return table
        time.sleep(1)


def near_visits(closed: dict[str, str]) -> set[str]:
    """Visits that a rule of distance alone would confirm."""
    from fieldcrm.kit import database
    from fieldcrm.kit.units import distance_m
    from fieldcrm.visits.tables import Visit

    near: set[str] = set()
    with database.reading() as session:
        for visit_id in closed:
            visit = session.get(Visit, visit_id)
            told = (visit.check_in if visit else None) or {}
            if visit is None or visit.lat is None or told.get("lat") is None:
                continue
            apart = distance_m(visit.lat, visit.lng or 0.0, told["lat"], told["lng"])
            if apart <= DISTANCE_RULE_M:
                near.add(visit_id)
    return near


def count_fixes(
    entries: Sequence[dict[str, Any]], day: date, rejected: dict[str, int]
) -> dict[str, Any]:
    """Acknowledged fixes against those stored, matched by rep and the phone's own time."""
    from fieldcrm.kit import clock, database
    from fieldcrm.tracking import service as tracking

    sent: dict[str, set[int]] = {}
    names: dict[str, str] = {}
    for entry in entries:
        if entry["t"] == "fixes":
            sent.setdefault(entry["rep_id"], set()).update(entry["at"])
            names[entry["rep_id"]] = entry["rep"]
    start, end = clock.day_bounds(day)
    missing: dict[str, list[int]] = {}
    stored = 0
    with database.reading() as session:
        for rep_id, times in sent.items():
            kept = {f.device_at_ms for f in tracking.track_in(session, rep_id, start, end)}
            stored += len(kept & times)
            if times - kept:
                missing[names[rep_id]] = sorted(times - kept)
    count = sum(map(len, sent.values()))
    gone = sum(map(len, missing.values()))
    edge = sum(at_edge(rep, times, start, end) for rep, times in true_times(missing, names))
    return {
        "fixes_sent": count, "fixes_stored": stored, "rejected": rejected,
        "at_edge": edge, "lost": max(0, gone - edge - sum(rejected.values())),
        "not_stored": {rep: len(times) for rep, times in missing.items()},
        "not_stored_at": {
            rep: [clock.local(clock.from_ms(t)).strftime("%H:%M:%S") for t in times[:5]]
            for rep, times in missing.items()
        },
    }  # fmt: skip


def true_times(
    missing: dict[str, list[int]], names: dict[str, str]
) -> list[tuple[str, list[float]]]:
    """(rep id, true epoch seconds) of what is missing: without the phones' clock errors."""
    ids = {login: rep_id for rep_id, login in names.items()}
    return [
        (ids[login], [at / 1000 - TRAITS[login].clock_error_s for at in times])
        for login, times in missing.items()
    ]


def at_edge(rep_id: str, times: Sequence[float], start: datetime, end: datetime) -> int:
    """How many lie so near to the start or end of a shift or pause that clocks can't tell.

    A phone measures the server's clock over a network whose delay this bench's speed multiplies.
    """
    from fieldcrm.kit import database
    from fieldcrm.tracking import shifts

    with database.reading() as session:
        spans = shifts.spans_in(session, start, [rep_id]).get(rep_id, ())
    bounds = [b for s in spans for pair in ((s.start_ms, s.end_ms), *s.pauses) for b in pair if b]
    return sum(any(abs(at - b / 1000) <= EDGE_S for b in bounds) for at in times)


def count_photos(install: Install, entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Photos the server took against those on disk and named by their visit."""
    from sqlmodel import col, select

    from fieldcrm.kit import database, files
    from fieldcrm.visits.tables import Attachment

    taken = {e["sha256"] for e in entries if e["t"] == "photo"}
    named = {s for e in entries if _is_close(e) and e["status"] == "applied" for s in e["photos"]}
    with database.reading() as session:
        wanted = select(Attachment.sha256).where(
            col(Attachment.sha256).in_(list(named)), col(Attachment.stored_at).is_not(None)
        )
        complete = set(session.exec(wanted).all())
    return {
        "photos": len(named), "photos_complete": len(complete),
        "photos_lost": sum(not files.has(s) for s in taken),
    }  # fmt: skip


def _manager() -> Any:
    from sqlmodel import select

    from fieldcrm.kit import database
    from fieldcrm.people import service as people
    from fieldcrm.people.tables import User

    with database.reading() as session:
        user_id = session.exec(select(User.id).where(User.login == "manager")).one()
    return people.actor_of(user_id, "cli")


def _period(day: date) -> Any:
    from fieldcrm.reports.model import Period, PeriodKind

    return Period(PeriodKind.week, day, day, day)


def memory(install: Install) -> dict[str, float]:
    """Resident memory of all parts (MB): the plain sum, and with shared pages shared out."""
    rss = pss = 0
    for process in install.processes():
        try:
            rss += process.memory_info().rss
            pss += process.memory_full_info().pss
        except psutil.Error:
            continue
    return {"rss_mb": round(rss / 1e6, 1), "pss_mb": round(pss / 1e6, 1)}


# Running


def free_port_pair() -> int:
    """A port that nobody uses, nor the next one."""
    while True:
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            with socket.socket() as second:
                if second.connect_ex(("127.0.0.1", port + 1)):
                    return port


def use(install: Install) -> None:
    """Let this process read the install's data by the install's clock."""
    os.environ.update(install.env())
    from fieldcrm.kit import bus, database, settings

    for cached in (settings.settings, database.engine, bus.connection):
        cached.cache_clear()


def play(install: Install, options: argparse.Namespace, log: Path) -> None:
    """Run the simulator for the day; it ends by itself."""
    arguments = ["simulate", "--day", options.day.isoformat(), "--seed", str(options.seed),
                 "--log", str(log)]  # fmt: skip
    with (install.home / "simulate.log").open("wb") as out:
        subprocess.run(install.command(*arguments), env=install.env(), stdout=out,
                       stderr=subprocess.STDOUT, check=True,
                       timeout=14 * 3600 / options.speed + 300)  # fmt: skip


def run(options: argparse.Namespace) -> dict[str, Any]:
    """One day; the result as a dict."""
    from fieldcrm.kit import clock

    opens = datetime(options.day.year, options.day.month, options.day.day, *OPENS,
                     tzinfo=clock.zone())  # fmt: skip
    home = Path(options.home or tempfile.mkdtemp(prefix="fieldcrm-bench-"))
    install = Install(home, options.port or free_port_pair(), opens, options.speed,
                      servers=servers(options))  # fmt: skip
    log = home / "truth.jsonl"
    began = time.monotonic()
    try:
        install.prepare(options.template)
        _say(f"sample ready after {time.monotonic() - began:.0f} s, in {home}")
        install.start()
        use(install)
        killer = Killer(install)
        if options.kill:
            threading.Thread(target=killer.run, daemon=True).start()
        play(install, options, log)
        _say(f"day played after {time.monotonic() - began:.0f} s")
        killer.ended.set()
        found = report(install, options.day, log)
        found |= memory(install) | {"seed": options.seed, "speed": options.speed}
        if options.kill:
            found["recovery_s"] = killer.recovery_s
        return found
    finally:
        install.stop()
        if not options.keep and not options.home:
            shutil.rmtree(home, ignore_errors=True)


def servers(options: argparse.Namespace) -> dict[str, str]:
    """The variables that name servers of their own; both or none, since one is left as it is."""
    given = {"FIELDCRM_DATABASE_URL": options.database, "FIELDCRM_REDIS_URL": options.redis}
    named = {name: url for name, url in given.items() if url}
    if len(named) == 1:
        raise SystemExit("bench day: --database and --redis go together")
    return named


def _say(text: str) -> None:
    print(f"bench day: {text}", file=sys.stderr, flush=True)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="fieldcrm bench day", description=__doc__)
    made.add_argument("--speed", type=float, default=60.0)
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--kill", action="store_true", help="SIGKILL every part during the day")
    made.add_argument("--day", type=date.fromisoformat, default=None, help="a workday")
    made.add_argument("--port", type=int, help="of the web part; the gateway takes the next one")
    made.add_argument("--home", help="use and keep this empty folder")
    made.add_argument("--template", type=Path, help="take the loaded sample from here, or leave it")
    made.add_argument("--database", help="an empty PostgreSQL database's URL, instead of SQLite")
    made.add_argument("--redis", help="the URL of an empty Valkey with AOF, instead of our own")
    made.add_argument("--keep", action="store_true", help="keep the home")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the result as one JSON object."""
    from fieldcrm.kit import clock
    from workers.simulator.clock import first_start

    options = parser().parse_args(arguments)
    options.day = options.day or clock.local(first_start(clock.real_now())).date()
    print(json.dumps(run(options)), flush=True)
