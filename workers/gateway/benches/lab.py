"""What every bench of the gateway stands on: its own home, Valkey, company and processes.

Gateway and Valkey run on one core, the load on the other, where there are two.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

MEASURED_CORE, LOAD_CORE = 0, 1
_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
"""What this program may use as it starts; what is pinned sees only its own core afterwards."""
_MEMORY = Path("/dev/shm")
"""Where a file costs no disk anything."""
_TICKS = os.sysconf("SC_CLK_TCK")
GATEWAY = "import workers.gateway.server as g; g.main()"


@dataclass
class Company:
    """Who sends and who watches: device tokens, and cookies of dispatchers with their reps."""

    tokens: list[str] = field(default_factory=list)
    rep_ids: list[str] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)


class Lab:
    """A home with Valkey, and processes on the measured core."""

    def __init__(self, home: Path, fsync_delay_ms: float = 0.0) -> None:
        self.home, self.port = home, free_port()
        self.fsync_delay_ms = fsync_delay_ms
        self.sync_times: Path | None = None
        """Where Valkey notes how long its syncs take; None where it doesn't."""
        self._started: list[subprocess.Popen[bytes]] = []
        os.environ |= {
            "FIELDCRM_HOME": str(home), "FIELDCRM_GATEWAY_PORT_OVERRIDE": str(self.port),
            "FIELDCRM_REDIS_URL": f"unix://{home}/valkey.sock",
        }  # fmt: skip

    def start_valkey(self, notes_syncs: bool = False) -> subprocess.Popen[bytes]:
        """A durable Valkey; on a slow disk where a delay was asked for."""
        from fieldcrm.kit.valkey import command_line

        watched = self._slower(notes_syncs) if self.fsync_delay_ms or notes_syncs else {}
        return self.start([*command_line(self.home, self.home / "valkey.sock")], **watched)

    def _slower(self, notes_syncs: bool) -> dict[str, str]:
        """The environment in which Valkey syncs more slowly and notes how long it took."""
        from workers.gateway.benches import slow_sync

        library = slow_sync.build(self.home)
        if library is None and self.fsync_delay_ms:
            raise SystemExit("--fsync-delay-ms needs a C compiler, and none was found")
        if library is None:
            return {}
        if notes_syncs and _MEMORY.is_dir():
            handle, name = tempfile.mkstemp(prefix="fieldcrm-bench-", dir=_MEMORY)
            os.close(handle)
            self.sync_times = Path(name)
        return slow_sync.variables(library, self.fsync_delay_ms, times=self.sync_times)

    def start_gateway(
        self, variables: Mapping[str, str] | None = None, port: int = 0
    ) -> subprocess.Popen[bytes]:
        """A gateway that listens."""
        told = {"FIELDCRM_GATEWAY_PORT_OVERRIDE": str(port or self.port), **(variables or {})}
        process = self.start_python(GATEWAY, **told)
        wait_for_port(port or self.port)
        return process

    def start_python(self, code: str, **variables: str) -> subprocess.Popen[bytes]:
        """A Python program on the measured core."""
        return self.start([sys.executable, "-c", code], **variables)

    def start(self, command: Sequence[str], **variables: str) -> subprocess.Popen[bytes]:
        """Any program on the measured core."""
        log = None if os.environ.get("FIELDCRM_BENCH_LOG") else subprocess.DEVNULL
        process = subprocess.Popen(
            command, preexec_fn=lambda: pin(MEASURED_CORE), stdout=log, stderr=log,
            env={**os.environ, **variables},
        )  # fmt: skip
        self._started.append(process)
        return process

    def stop(self) -> None:
        """End all that was started."""
        for process in reversed(self._started):
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            process.wait(10)
        if self.sync_times is not None:
            self.sync_times.unlink(missing_ok=True)


@contextmanager
def lab(fsync_delay_ms: float = 0.0) -> Iterator[Lab]:
    """A lab in a temporary home, all of it gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="fieldcrm-bench-"))
    made = Lab(home, fsync_delay_ms)
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(home, ignore_errors=True)


def pin(core: int) -> None:
    """Stay on one core, where there are two: also a child of what is pinned to another one."""
    if len(_CORES) > 1:
        os.sched_setaffinity(0, {_CORES[core]})


def hurry() -> bool:
    """Let this program, a load, go before whatever else its core does, where that is allowed.

    A kernel's thread that takes the load's core for 8 ms each second would else be told as the
    delay of every answer that came meanwhile. What is started later goes at the usual pace.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except (AttributeError, OSError):
        return False
    return True


def build_company(
    phones: int, dispatchers: int = 0, reps_seen: int = 0, hours: float = 15.0
) -> Company:
    """Reps on shift for so long and with a device each; dispatchers who each see `reps_seen`.

    Teams hold `reps_seen` reps, the dispatchers are spread over them evenly.
    """
    from fieldcrm.kit import clock, ids, secrets
    from fieldcrm.kit.database import engine, transaction
    from fieldcrm.migrations.schema import metadata
    from fieldcrm.people.tables import Device, SignIn, Team, User, UserTeam
    from fieldcrm.tracking.tables import Shift

    metadata.create_all(engine())
    now, made = clock.now(), Company()
    per_team = reps_seen or phones
    teams = [ids.new_id() for _ in range(-(-phones // per_team))]
    with transaction() as session:
        session.add_all([Team(id=t, name=f"team {i}", created_at=now) for i, t in enumerate(teams)])
        session.flush()
        made.rep_ids = [ids.new_id() for _ in range(phones)]
        made.tokens = [secrets.new_token() for _ in range(phones)]
        session.add_all(
            User(id=rep_id, login=f"rep{i}", name=f"Rep {i}", role="rep", password_hash="",
                 team_id=teams[i // per_team], created_at=now)
            for i, rep_id in enumerate(made.rep_ids)
        )  # fmt: skip
        session.flush()
        for i, rep_id in enumerate(made.rep_ids):
            session.add(Device(id=f"d{i}", user_id=rep_id, kind="osmand", paired_at=now,
                               token_hash=secrets.token_hash(made.tokens[i])))  # fmt: skip
            session.add(Shift(id=ids.new_id(), rep_id=rep_id, ended_at=now + timedelta(hours=1),
                              started_at=now - timedelta(hours=hours)))  # fmt: skip
        for i in range(dispatchers):
            user_id, cookie = ids.new_id(), secrets.new_token()
            session.add(User(id=user_id, login=f"desk{i}", name=f"Desk {i}", role="dispatcher",
                             password_hash="", created_at=now))  # fmt: skip
            session.flush()
            session.add(UserTeam(user_id=user_id, team_id=teams[i % len(teams)]))
            session.add(SignIn(token_hash=secrets.token_hash(cookie), user_id=user_id,
                               created_at=now, expires_at=now + timedelta(days=1)))  # fmt: skip
            made.cookies.append(cookie)
    return made


class BusyTime:
    """How much of a core some processes have used since this was made."""

    def __init__(self, *processes: subprocess.Popen[bytes]) -> None:
        self._processes = processes
        self._since = time.perf_counter()
        self._used_before = self._used()

    def _used(self) -> list[float]:
        return [_cpu_seconds(p.pid) for p in self._processes]

    def seconds(self) -> list[float]:
        """CPU seconds of each process."""
        return [now - then for now, then in zip(self._used(), self._used_before, strict=True)]

    def cores(self) -> float:
        """The share of one core that all of them took."""
        return sum(self.seconds()) / (time.perf_counter() - self._since)


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def missing(acked: Mapping[str, Collection[int]]) -> tuple[int, int]:
    """(acknowledged and not in the stream, in the stream twice); `acked`: keys of each device."""
    found = stored()
    lost = sum((device, key) not in found for device, keys in acked.items() for key in keys)
    return lost, sum(n - 1 for n in found.values())


def stored() -> dict[tuple[str, int], int]:
    """How often each fix is in the stream, by device and number (or device time, without one)."""
    from fieldcrm.kit import bus
    from fieldcrm.tracking import live_index

    found: dict[tuple[str, int], int] = {}
    start_at: Any = "-"
    while entries := bus.connection().xrange(bus.FIX_STREAM, start_at, count=500):
        for entry_id, fields in entries:  # type: ignore[union-attr]
            for fix in live_index.decode_batch(fields[live_index.BATCH_FIELD]):
                key = fix.device_id, fix.device_at_ms if fix.seq is None else fix.seq
                found[key] = found.get(key, 0) + 1
            start_at = b"(" + entry_id
    return found


def share(times: Sequence[float], part: float) -> float:
    """A percentile of seconds in milliseconds; 0 where there are none."""
    ordered = sorted(times)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000, 3) if times else 0


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port: int, seconds: float = 30.0) -> None:
    """Wait until somebody listens."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on {port}")


def wait_for_file(path: Path, seconds: float = 20.0) -> None:
    """Wait until something is there, such as a server's socket."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not path.exists():
        time.sleep(0.05)
