"""Child processes of `fieldcrm up`: started, watched, restarted, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

from fieldcrm.kit.children import die_with_parent

_GENTLE_S = 8.0
_BACKOFF_S = (0.2, 0.5, 1, 2, 5)
_STEADY_S = 30


@dataclass
class Part:
    """One process that must run: `command` starts it, `process` is its present life."""

    name: str
    command: list[str]
    env: dict[str, str]
    log: IO[bytes]
    may_end: bool = False
    """Whether a clean exit is fine (the simulator), instead of a reason to restart."""
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    due: float = field(default=0.0)

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, env=self.env, stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=die_with_parent,
        )  # fmt: skip
        self.started = time.monotonic()

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal_group(self, number: int) -> None:
        """Signal the process and what it forked; one that is gone already is fine."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return


class Crew:
    """All parts of one install."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.parts: list[Part] = []
        self.say = say

    def add(self, part: Part) -> None:
        part.start()
        self.parts.append(part)

    def watch(self) -> None:
        """Look once at every part and bring back what died."""
        for part in self.parts:
            if not part.is_running:
                self._revive(part)

    def _revive(self, part: Part) -> None:
        now = time.monotonic()
        if part.due == 0.0:
            self._note_death(part, now)
        if part.due and now >= part.due:
            part.due = 0.0
            part.signal_group(signal.SIGKILL)  # children of the dead one
            part.start()

    def _note_death(self, part: Part, now: float) -> None:
        assert part.process is not None
        code = part.process.returncode
        if part.may_end and code == 0:
            self.parts.remove(part)
            return
        part.failures = 0 if now - part.started > _STEADY_S else part.failures + 1
        wait = _BACKOFF_S[min(part.failures, len(_BACKOFF_S) - 1)]
        part.due = now + wait
        self.say(f"{part.name} ended ({_ending(code)}); starting it again in {wait:g} s")

    def stop(self, last: tuple[str, ...] = ("valkey",)) -> None:
        """End every part, those named `last` after the others, and wait until none is left."""
        first = [p for p in self.parts if p.name not in last]
        for group in (first, [p for p in self.parts if p.name in last]):
            _end(group)
        self.parts.clear()


def _ending(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"


def _end(parts: list[Part]) -> None:
    for part in parts:
        part.signal_group(signal.SIGTERM)
    until = time.monotonic() + _GENTLE_S
    while time.monotonic() < until and any(p.is_running for p in parts):
        time.sleep(0.05)
    for part in parts:
        part.signal_group(signal.SIGKILL)
        if part.process:
            part.process.wait()
