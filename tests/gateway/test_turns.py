"""Short turns at the processor are asked for, and nothing else of a process changes."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from workers.gateway import turns

_CHILD = """
import os
from workers.gateway import turns
os.nice(3)
before = turns.length_s()
turns.shorten(0.0005)
print(os.nice(0), os.sched_getscheduler(0), before, turns.length_s())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such call")
def test_turns_are_short_and_niceness_and_policy_stay() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CHILD], capture_output=True, text=True, check=True
    )
    nice, policy, before, after = done.stdout.split()
    assert (nice, policy) == ("3", str(os.SCHED_OTHER))
    assert after in ("0.0005", before)  # a kernel before 6.12 takes no notice


_FIRST = """
import os, subprocess, sys, threading
from workers.gateway import turns
may = turns.go_first(turns.GATEWAY_RANK)
found = []
thread = threading.Thread(target=lambda: found.append(turns.goes_first()))
thread.start(), thread.join()
child = [sys.executable, "-c", "from workers.gateway import turns; print(turns.goes_first())"]
found.append(subprocess.run(child, capture_output=True, text=True).stdout.strip() == "True")
print(may, turns.goes_first(), *found)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such call")
@pytest.mark.parametrize("may_ask", [True, False])
def test_who_may_goes_first_alone_and_who_may_not_goes_on_as_usual(may_ask: bool) -> None:
    forbid = (
        []
        if may_ask or os.geteuid()
        else ["setpriv", "--bounding-set", "-sys_nice", "--inh-caps=-sys_nice"]
    )
    done = subprocess.run(
        [*forbid, sys.executable, "-c", _FIRST], capture_output=True, text=True, check=True
    )
    may, is_first, of_thread, of_child = done.stdout.split()
    assert may == is_first
    assert (of_thread, of_child) == ("False", "False")
    assert may == str(_may_ask() and not forbid)


def _may_ask() -> bool:
    """Whether this process has what Linux asks for (CAP_SYS_NICE, bit 23), and a second core."""
    held = re.search(r"CapEff:\s*(\w+)", Path("/proc/self/status").read_text())
    return held is not None and bool(int(held[1], 16) >> 23 & 1) and (os.cpu_count() or 1) > 1


def test_no_process_is_asked_for_that_is_not_there() -> None:
    assert not turns.go_first(turns.STORE_RANK, 2**22 + 1)
    assert not turns.goes_first(2**22 + 1)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such call")
def test_who_listens_on_a_unix_socket_is_known(tmp_path: Path) -> None:
    with (
        socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as link,
        socket.socket() as other,
    ):  # fmt: skip
        listening.bind(str(tmp_path / "s"))
        listening.listen()
        link.connect(str(tmp_path / "s"))
        assert turns.peer(link) == os.getpid()
        assert turns.peer(other) is None
    assert turns.peer(None) is None
