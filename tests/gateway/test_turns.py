"""Short turns at the processor are asked for, and nothing else of a process changes."""

from __future__ import annotations

import os
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
