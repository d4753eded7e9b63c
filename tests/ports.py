"""Ports for tests: below those the system gives to connections, and each given to one process only.

A port asked of the system (`bind` to 0) lies among those it gives to outgoing connections and to
whoever asks next, so a server that starts a second later may find it taken by either.
"""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from pathlib import Path
from typing import IO

_FIRST, _LAST = 20_000, 32_000
_held: dict[int, IO[bytes]] = {}


def free_ports(count: int = 1) -> int:
    """The first of `count` ports in a row that are free and stay this process's until it ends."""
    start = _FIRST + os.getpid() * 97 % (_LAST - _FIRST)
    for step in range(_LAST - _FIRST):
        first = _FIRST + (start - _FIRST + step) % (_LAST - _FIRST)
        if _take(range(first, first + count)):
            return first
    raise RuntimeError("no free ports")


def _take(ports: range) -> bool:
    """Hold all of `ports`, or none."""
    locks = {port: _lock(port) for port in ports if port not in _held}
    found = {port: lock for port, lock in locks.items() if lock and _is_free(port)}
    if len(found) == len(ports):
        _held.update(found)
        return True
    for lock in filter(None, locks.values()):
        lock.close()
    return False


def _lock(port: int) -> IO[bytes] | None:
    """The lock file of a port, locked until it is closed; None while another process has it."""
    folder = Path(tempfile.gettempdir()) / "fieldcrm-ports"
    folder.mkdir(exist_ok=True)
    lock = (folder / str(port)).open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _is_free(port: int) -> bool:
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
