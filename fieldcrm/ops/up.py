"""`fieldcrm up`: everything a laptop needs, in one command, until Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import IO, NoReturn

from fieldcrm.kit import clock, signals
from fieldcrm.kit.children import die_with_parent
from fieldcrm.kit.settings import Settings, settings
from fieldcrm.ops import build, tls, trust_page
from fieldcrm.ops.parts import Crew, Part

SAMPLE_PASSWORD = "fieldcrm-sample"
START_S = 180
"""How long web and gateway may take to answer: seconds, and minutes on a machine that is at its limit."""


class CannotStart(Exception):
    """A reason, in words, why this install can't run here."""


class Up:
    """One run: prepares the home, starts the parts, watches them."""

    def __init__(self, *, simulate: bool = True, sample: bool = True, speed: float = 1.0,
                 clock_start: datetime | None = None, except_reps: str = "sanna") -> None:  # fmt: skip
        self.wants = {"simulate": simulate, "sample": sample}
        self.speed, self.clock_start, self.except_reps = speed, clock_start, except_reps
        self.settings: Settings = settings()
        self.home = self.settings.home.resolve()
        self.crew = Crew(say)
        self.env = dict(os.environ) | {"FIELDCRM_HOME": str(self.home)}
        self.ending = threading.Event()
        self.lock: IO[str] | None = None

    def run(self) -> None:
        """Prepare, start, watch; returns after a signal, with nothing left running."""
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, lambda *_: signals.set_soon(self.ending))
        began = time.monotonic()
        try:
            self._prepare()
            self._start_parts()
            self._await_health()
            self._greet(time.monotonic() - began)
            while not self.ending.wait(0.2):
                self.crew.watch()
        except Stopped:
            pass
        finally:
            say("stopping")
            self.crew.stop()

    # -- before anything runs

    def _prepare(self) -> None:
        (self.home / "run").mkdir(parents=True, exist_ok=True)
        self._take_home()
        self._check_ports()
        if self.settings.tls:
            tls.ensure(self.home / "tls")
        self._start_valkey()
        with ThreadPoolExecutor(2) as side_by_side:
            pages = side_by_side.submit(self._build_pages)
            data = side_by_side.submit(self._prepare_data)
            _await(self, [pages, data])

    def _take_home(self) -> None:
        self.lock = (self.home / "run" / "up.lock").open("w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStart(f"fieldcrm already runs on {self.home}") from None

    def _check_ports(self) -> None:
        for port in (self.settings.port, self.settings.gateway_port):
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind((self.settings.host, port))
                except OSError as error:
                    raise CannotStart(
                        f"port {port} is taken ({error.strerror}); set FIELDCRM_PORT to another"
                    ) from None

    def _start_valkey(self) -> None:
        if self.settings.redis_url:
            return
        from fieldcrm.kit import valkey

        folder = self.home / "valkey"
        folder.mkdir(exist_ok=True)
        self.settings.redis_socket.unlink(missing_ok=True)
        self._add("valkey", valkey.command_line(folder, self.settings.redis_socket))
        self._await_redis()

    def _await_redis(self) -> None:
        from fieldcrm.kit import bus

        until = time.monotonic() + 20
        while time.monotonic() < until and not self.ending.is_set():
            try:
                bus.connection().ping()
            except Exception:
                time.sleep(0.05)
            else:
                return
        if self.ending.is_set():
            raise Stopped
        raise CannotStart(f"Valkey does not answer; see {self.home / 'log' / 'valkey.log'}")

    def _build_pages(self) -> None:
        if build.is_built():
            return
        say("building the pages and the phone app")
        began = time.monotonic()
        self._helper("build")
        say(f"pages built in {time.monotonic() - began:.0f} s")

    def _prepare_data(self) -> None:
        """One process for schema, sample and clock: starting Python thrice took two seconds more."""
        told = self.home / "run" / "clock"
        told.unlink(missing_ok=True)
        wants_clock = "FIELDCRM_CLOCK_START" not in os.environ and self.clock_start is None
        self._helper(
            "prepare", *(["--sample"] if self.wants["sample"] else []),
            *(["--clock", str(told)] if wants_clock else []),
        )  # fmt: skip
        self._set_clock(told.read_text().strip() if wants_clock else "")

    def _set_clock(self, told: str) -> None:
        """Sample data lives on its own clock; anybody else's data on the real one."""
        if "FIELDCRM_CLOCK_START" in os.environ:
            self._helper("sample", "is-only")
            return
        start = self.clock_start or (datetime.fromisoformat(told) if told else None)
        if start is None:
            return
        self.env |= {
            "FIELDCRM_CLOCK_START": start.isoformat(),
            "FIELDCRM_CLOCK_ORIGIN": clock.real_now().isoformat(),
            "FIELDCRM_CLOCK_SPEED": str(self.speed),
        }

    def _helper(self, *arguments: str) -> None:
        """Run a `fieldcrm` command that must succeed; its memory is freed when it ends."""
        process = subprocess.Popen(
            [sys.executable, "-m", "fieldcrm.cli", *arguments], env=self.env,
            stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=die_with_parent,
        )  # fmt: skip
        while process.poll() is None:
            if self.ending.is_set():
                process.terminate()
                process.wait(10)
                raise Stopped
            time.sleep(0.02)
        if process.returncode:
            raise CannotStart(f"`fieldcrm {' '.join(arguments)}` failed")

    # -- the parts

    def _start_parts(self) -> None:
        for name, *arguments in (
            ("web", "web"), ("gateway", "gateway"), ("recorder", "recorder"),
            ("optimiser", "optimiser", "--queue", "urgent"),
            ("optimiser-what-if", "optimiser", "--queue", "what_if"),
            ("optimiser-long", "optimiser", "--queue", "long"),
        ):  # fmt: skip
            self._add(name, [sys.executable, "-m", "fieldcrm.cli", *arguments])
        if self.settings.tls:
            trust_page.serve(self._trust_port, self.home / "tls" / "ca.pem", self._phone_address())

    def _start_simulator(self) -> None:
        if self.wants["simulate"] and "FIELDCRM_CLOCK_START" in self.env:
            command = [
                sys.executable,
                "-m",
                "fieldcrm.cli",
                "simulate",
                "--except",
                self.except_reps,
            ]
            self._add("simulate", command, may_end=True)

    def _add(self, name: str, command: list[str], may_end: bool = False) -> None:
        folder = self.home / "log"
        folder.mkdir(exist_ok=True)
        log = (folder / f"{name}.log").open("ab")
        self.crew.add(Part(name, command, self.env, log, may_end))

    def _await_health(self) -> None:
        """Wait until web and gateway accept connections; then the phones may start."""
        until = time.monotonic() + START_S
        waiting = [self.settings.port, self.settings.gateway_port]
        while waiting and time.monotonic() < until:
            waiting = [p for p in waiting if not _listens(self.settings.host, p)]
            self.crew.watch()
            if self.ending.wait(0.1):
                raise Stopped
        if waiting:
            raise CannotStart(f"nothing answers on port {waiting[0]}; see {self.home / 'log'}")
        self._start_simulator()

    # -- what people read

    @property
    def _trust_port(self) -> int:
        return self.settings.gateway_port + 1

    def _phone_address(self) -> str:
        return f"https://{tls.lan_address()}:{self.settings.port}/rep/"

    def _greet(self, seconds: float) -> None:
        s = self.settings
        lines = [
            "", f"fieldcrm runs (ready in {seconds:.0f} s): {s.web_address}",
            f"  phone app    {s.web_address}/rep/",
            f"  gateway      {s.gateway_address}  (trackers: {s.gateway_address}/ingest/osmand, "
            "owntracks, overland, gpslogger)",
            f"  health       {s.web_address}/healthz      API  {s.web_address}/api/docs",
        ]  # fmt: skip
        lines += self._sample_lines()
        print("\n".join([*lines, "  Ctrl-C stops everything.", ""]), flush=True)
        if s.tls:
            self._show_qr()

    def _sample_lines(self) -> list[str]:
        if "FIELDCRM_CLOCK_START" not in self.env:
            return ["  first administrator:  fieldcrm user add LOGIN --role admin"]
        shown = clock.scaled(clock.real_now(), Settings(
            clock_start=datetime.fromisoformat(self.env["FIELDCRM_CLOCK_START"]),
            clock_origin=datetime.fromisoformat(self.env["FIELDCRM_CLOCK_ORIGIN"]),
            clock_speed=float(self.env.get("FIELDCRM_CLOCK_SPEED", "1"))))  # fmt: skip
        return [
            f"  sample company, its clock says {clock.local(shown):%a %d %b %Y %H:%M}",
            "  sign in as   dispatcher | manager | admin | sanna (a rep; the others are played)",
            f"  password     {SAMPLE_PASSWORD}",
        ]

    def _show_qr(self) -> None:
        import segno

        address = f"http://{tls.lan_address()}:{self._trust_port}/"
        print(f"Scan with a phone on this network ({address}):", flush=True)
        segno.make(address).terminal(compact=True)
        if "FIELDCRM_CLOCK_START" in self.env and not self.settings.allow_sample_logins:
            print("Sample logins work on this machine only; FIELDCRM_ALLOW_SAMPLE_LOGINS=1 "
                  "lets phones use them.")  # fmt: skip


class Stopped(BaseException):
    """Somebody asked to stop."""


def _await(up: Up, futures: list) -> None:
    """Wait for all; the first failure or a stop ends the wait."""
    while not all(f.done() for f in futures):
        if up.ending.wait(0.1):
            raise Stopped
        for f in futures:
            if f.done():
                f.result()
    for f in futures:
        f.result()


def _listens(host: str, port: int) -> bool:
    target = "127.0.0.1" if host == "0.0.0.0" else host
    with socket.socket() as s:
        s.settimeout(0.5)
        return s.connect_ex((target, port)) == 0


def say(text: str) -> None:
    print(f"fieldcrm: {text}", flush=True)


def fail(reason: str) -> NoReturn:
    print(f"fieldcrm: {reason}", file=sys.stderr, flush=True)
    raise SystemExit(1)


def main(**wants: object) -> None:
    """Run until Ctrl-C; a reason not to start is one clear line and exit status 1."""
    Path(settings().home).mkdir(parents=True, exist_ok=True)
    try:
        Up(**wants).run()  # type: ignore[arg-type]
    except CannotStart as reason:
        fail(str(reason))
    except Stopped:
        return
