"""Runs a build's programs, a few at a time, so that stopping leaves none of them behind.

One thread, no pool: each program is a child in a session of its own (a terminal's Ctrl-C reaches
only the builder, which then ends its children), its log is a file that tells how far it is. Where
the builder is killed, the kernel ends them.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fieldcrm.kit.children import fall_with_parent

POLL_S = 0.05
GRACE_S = 3.0
PERCENT = re.compile(r"(\d{1,3})\s*%")


@dataclass(frozen=True)
class Job:
    """Commands that run one after the other; `weight` is the job's share of the whole work."""

    name: str
    commands: Sequence[Sequence[str]]
    weight: float


@dataclass(frozen=True)
class Outcome:
    """How a job ended: the failed command's log, or None when all went well."""

    name: str
    failed_log: str | None


@dataclass
class _Run:
    job: Job
    folder: Path
    environment: Mapping[str, str]
    held: Sequence[int]
    step: int = 0
    child: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.child = self._start()

    @property
    def log(self) -> Path:
        return self.folder / f"{self.job.name}-{self.step}.log"

    def advance(self) -> Outcome | None:
        """Go on to the next command when one has ended; give the outcome at the end."""
        code = self.child.poll()
        if code is None:
            return None
        if code != 0:
            return Outcome(self.job.name, self.log.read_text(errors="replace"))
        self.step += 1
        if self.step == len(self.job.commands):
            return Outcome(self.job.name, None)
        self.child = self._start()
        return None

    def share_done(self) -> float:
        """How much of the job is done, 0 to 1, from what its running program last said."""
        return min(1.0, (self.step + _last_percent(self.log) / 100) / len(self.job.commands))

    def stop(self) -> None:
        """End the program and whatever it started, gently at first."""
        for number, grace_s in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, None)):
            if self.child.poll() is not None:
                return
            os.killpg(self.child.pid, number)
            try:
                self.child.wait(grace_s)
            except subprocess.TimeoutExpired:
                continue

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("wb") as log:
            return subprocess.Popen(
                self.job.commands[self.step],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.environment),
                start_new_session=True,
                pass_fds=self.held,
                preexec_fn=fall_with_parent,
            )


def run_jobs(
    jobs: Sequence[Job],
    folder: Path,
    environment: Mapping[str, str],
    at_once: int,
    progress: Callable[[float, str], None],
    held: Sequence[int] = (),
) -> dict[str, Outcome]:
    """Run the jobs, `at_once` at a time, their logs in the folder; give each one's outcome.

    `progress` hears the share done (0 to 1, never falling) and the names of what runs. If it
    raises, or Ctrl-C does, every child is ended before the exception goes on. Open files in `held`
    (descriptors) are the children's too: a lock among them lasts until the last child is gone.
    """
    waiting, running = list(jobs), list[_Run]()
    outcomes, told = dict[str, Outcome](), -1.0
    total = sum(job.weight for job in jobs)
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                running.append(_Run(waiting.pop(0), folder, environment, held))
            time.sleep(POLL_S)
            outcomes |= {end.name: end for run in running if (end := run.advance())}
            running = [run for run in running if run.job.name not in outcomes]
            share = _share(jobs, outcomes, running) / total
            if share > told:
                told = share
                progress(share, ", ".join(run.job.name for run in running))
    finally:
        for run in running:
            run.stop()
    return outcomes


def _share(jobs: Sequence[Job], outcomes: Mapping[str, Outcome], running: Sequence[_Run]) -> float:
    ended = sum(job.weight for job in jobs if job.name in outcomes)
    return ended + sum(run.job.weight * run.share_done() for run in running)


def _last_percent(log: Path) -> float:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 300))
        found = PERCENT.findall(file.read().decode(errors="replace"))
    return min(100.0, float(found[-1])) if found else 0.0
