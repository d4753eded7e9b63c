"""The crew brings back what died and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from fieldcrm.ops.parts import Crew, Part

SLEEPER = [
    sys.executable,
    "-c",
    "import subprocess,sys,time; subprocess.Popen([sys.executable,'-c','import time; time.sleep(60)']); time.sleep(60)",
]


def crew_with(
    tmp_path: Path, command: list[str], may_end: bool = False
) -> tuple[Crew, Part, list[str]]:
    said: list[str] = []
    crew = Crew(said.append)
    part = Part("sleeper", command, dict(os.environ), (tmp_path / "log").open("ab"), may_end)
    crew.add(part)
    return crew, part, said


def wait_for(condition, seconds: float = 60) -> None:  # type: ignore[no-untyped-def]
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_killed_part_comes_back(tmp_path: Path) -> None:
    crew, part, said = crew_with(tmp_path, SLEEPER)
    try:
        assert part.process
        first = part.process.pid
        wait_for(lambda: psutil.Process(first).children())
        orphan = psutil.Process(first).children()[0]
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: (crew.watch(), part.is_running and part.process.pid != first)[1])  # type: ignore[union-attr]
        assert "signal 9" in said[0]
        wait_for(lambda: not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE)
    finally:
        crew.stop()


def test_stop_leaves_no_process(tmp_path: Path) -> None:
    crew, part, _ = crew_with(tmp_path, SLEEPER)
    assert part.process
    pid = part.process.pid
    wait_for(lambda: psutil.Process(pid).children())
    family = [psutil.Process(pid), *psutil.Process(pid).children()]
    crew.stop()
    wait_for(lambda: all(not p.is_running() or p.status() == psutil.STATUS_ZOMBIE for p in family))


def test_a_part_that_may_end_is_not_restarted(tmp_path: Path) -> None:
    crew, part, said = crew_with(tmp_path, [sys.executable, "-c", ""], may_end=True)
    wait_for(lambda: not part.is_running)
    crew.watch()
    assert crew.parts == []
    assert said == []


def test_children_die_with_a_killed_parent(tmp_path: Path) -> None:
    program = (
        "import os,sys,time; from pathlib import Path; from fieldcrm.ops.parts import Crew, Part\n"
        "crew = Crew(print); log = open(os.devnull, 'ab')\n"
        "p = Part('s', [sys.executable, '-c', 'import time; time.sleep(60)'], dict(os.environ), log)\n"
        "crew.add(p); print(p.process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
