"""Short turns at the processor for who has little to do and somebody waiting.

Linux lets a woken process interrupt only one that asked for longer turns than it did (6.12 and newer;
before, these calls change nothing). So the store gets its turn as soon as a commit reaches it, though
the gateway is at work on the same core, and the gateway gets its own before what computes for long.

Where the system allows it (a limit of real-time priority, `ulimit -r`, of two or more; root) and there
is a second core for the rest, both go before everything else: otherwise a kernel's thread that runs
for 8 ms once a second is the p99 of ten thousand answers. The store goes before the gateway, since
what it syncs everybody waits for, and the gateway has work to do meanwhile.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import socket
import struct
import sys
from typing import Any

GATEWAY_S, STORE_S = 0.0005, 0.0001
GATEWAY_RANK, STORE_RANK = 1, 2
"""Real-time priorities, the greater the sooner; the least there are."""
_CALLS = {"x86_64": (314, 315), "aarch64": (274, 275)}
"""By machine: numbers of sched_setattr(2) and sched_getattr(2), which not every C library has."""
_ATTRIBUTES = struct.Struct("IIQiIQQQ")
"""struct sched_attr: size, policy, flags, nice, priority, runtime (ns), deadline, period."""
_USUAL_POLICY = 0
_PEER = struct.Struct("3i")
"""struct ucred: process, user, group."""


def shorten(seconds: float, process: int = 0) -> None:
    """Have a process (0: this one) take turns of so long; one of another policy stays as it is."""
    calls = _CALLS.get(platform.machine())
    if sys.platform != "linux" or calls is None:
        return
    with contextlib.suppress(OSError, AttributeError):
        call = ctypes.CDLL(None).syscall
        told = ctypes.create_string_buffer(_ATTRIBUTES.size)
        if call(calls[1], process, told, _ATTRIBUTES.size, 0) != 0:
            return
        size, policy, _, nice, *_ = _ATTRIBUTES.unpack(told.raw)
        if policy == _USUAL_POLICY:
            wanted = _ATTRIBUTES.pack(size, policy, 0, nice, 0, round(seconds * 1e9), 0, 0)
            call(calls[0], process, wanted, 0)


def go_first(rank: int, process: int = 0) -> bool:
    """Have a process (0: this one) go before all that is not real-time; False where it may not.

    Its main thread alone: threads and processes that it starts go at the usual pace. The kernel
    still keeps a twentieth of each second for the others (sched(7), sched_rt_runtime_us).
    """
    if not hasattr(os, "SCHED_RESET_ON_FORK") or (os.cpu_count() or 1) < 2:
        return False
    policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
    try:
        os.sched_setscheduler(process, policy, os.sched_param(rank))
    except OSError:
        return False
    return True


def goes_first(process: int = 0) -> bool:
    """Whether a process goes before all that is not real-time."""
    try:
        return os.sched_getscheduler(process) & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR
    except (AttributeError, OSError):
        return False


def length_s(process: int = 0) -> float | None:
    """How long a process's turns are; None where that is not told."""
    calls = _CALLS.get(platform.machine())
    if sys.platform != "linux" or calls is None:
        return None
    told = ctypes.create_string_buffer(_ATTRIBUTES.size)
    if ctypes.CDLL(None).syscall(calls[1], process, told, _ATTRIBUTES.size, 0) != 0:
        return None
    return _ATTRIBUTES.unpack(told.raw)[5] / 1e9


def peer(link: Any) -> int | None:
    """The process at the other end of a Unix socket on this machine."""
    if link is None or link.family != getattr(socket, "AF_UNIX", None):
        return None
    with contextlib.suppress(OSError, AttributeError):
        found = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
        return _PEER.unpack(found)[0] or None
    return None
