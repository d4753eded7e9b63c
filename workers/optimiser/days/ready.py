"""Whether the compiled search stands: compiling takes a minute, once a machine and version.

The optimiser of long jobs has it compiled by a process of its own; until that is done its children
plan without it. It loads nothing itself: 130 MB at rest would be dear, and a child loads it in a
second. Anybody else compiles at first use.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from datetime import UTC, datetime

from fieldcrm.kit.settings import settings

_compiling: subprocess.Popen[bytes] | None = None


def is_ready() -> bool:
    """Whether a plan may be made by the compiled search without waiting for a compiler."""
    return _compiling is None


def begin_compiling() -> None:
    """Have another process compile whatever isn't; until `look` sees it done nothing is ready."""
    global _compiling
    _compiling = subprocess.Popen([sys.executable, "-m", "workers.optimiser.days.ready"])


def stop_compiling() -> None:
    """End the other process, if it runs still."""
    if _compiling is not None:
        _compiling.terminate()
        _compiling.wait()


def look() -> None:
    """See whether the other process is done; to be asked in the process that began it."""
    global _compiling
    if _compiling is not None and _compiling.poll() == 0:
        _compiling = None


def load() -> None:
    """Search a least problem, which loads all that is compiled, or compiles it."""
    from fieldcrm.planning.board import Board
    from fieldcrm.planning.model import Job, Problem, Shift, Travel, Window
    from workers.optimiser.days import search

    travel = Travel(((0, 1), (1, 0)), ((0, 1), (1, 0)))
    least = Board(Problem(
        datetime(2026, 1, 1, tzinfo=UTC), ((0.0, 0.0), (0.0, 1.0)), {"foot": travel},
        (Shift("rep", 0, 0, 0, 3600, "foot"),), (Job("visit", 1, 60, (Window(0, 3600),)),),
    ))  # fmt: skip
    search.improve(least, least.empty(), lambda steps: float(steps > 0), seed=1)


def _compile() -> None:
    """Compile what isn't, behind everybody else's work; two optimisers that start do it once."""
    os.nice(10)
    home = settings().home
    home.mkdir(parents=True, exist_ok=True)
    with (home / "compiling.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        load()


if __name__ == "__main__":
    _compile()
