"""Who works on a proposal: a claim in Valkey that dies with its process."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from fieldcrm.kit import bus

LEASE_MS = 10_000
"""How long a worker's claim on a proposal outlives it, where nobody can see that it died."""


def _key(proposal_id: str) -> str:
    return f"lease:proposal:{proposal_id}"


@contextmanager
def lease(proposal_id: str) -> Iterator[bool]:
    """Claim a proposal for this process; False where a living process has it."""
    key, me = _key(proposal_id), f"{socket.gethostname()}:{os.getpid()}"
    connection = bus.connection()
    if not connection.set(key, me, nx=True, px=LEASE_MS):
        holder = connection.get(key)
        if isinstance(holder, bytes) and is_alive(holder.decode()):
            yield False
            return
        connection.set(key, me, px=LEASE_MS)
    stop = threading.Event()
    threading.Thread(target=_renew, args=(key, me, stop), daemon=True).start()
    try:
        yield True
    finally:
        stop.set()
        connection.delete(key)


def _renew(key: str, me: str, stop: threading.Event) -> None:
    while not stop.wait(LEASE_MS / 3000):
        bus.connection().set(key, me, px=LEASE_MS)


def is_alive(holder: str) -> bool:
    """Whether the process that holds a lease lives, as far as this machine can tell."""
    host, _, pid = holder.rpartition(":")
    if host != socket.gethostname():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def holder_lives(proposal_id: str) -> bool:
    """Whether some living process works on a proposal."""
    holder = bus.connection().get(_key(proposal_id))
    return isinstance(holder, bytes) and is_alive(holder.decode())
