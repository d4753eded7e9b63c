"""Whether the compiled search stands: compiling takes a minute, once a machine and version.

The optimiser has it compiled by a process of its own and loads it between two jobs, before it forks
the next child; until then children plan without it. Anybody else compiles at first use.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

_compiling: subprocess.Popen[bytes] | None = None


def is_ready() -> bool:
    """Whether a plan may be made by the compiled search without waiting for a compiler."""
    return _compiling is None


def begin_compiling() -> None:
    """Have another process compile whatever isn't; until `load_if_compiled` nothing is ready."""
    global _compiling
    _compiling = subprocess.Popen([sys.executable, "-m", "workers.optimiser.days.ready"])


def load_if_compiled() -> None:
    """Load the compiled search if the other process is done; never waits for it."""
    global _compiling
    if _compiling is not None and _compiling.poll() == 0:
        _compiling = None
        load()


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


if __name__ == "__main__":
    load()
