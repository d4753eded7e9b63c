"""How a part says that it lives, and who lives now."""

from __future__ import annotations

import json
import os
import threading
from typing import Any

from fieldcrm.kit import bus, clock

EXPIRY_S = 10
EVERY_S = 3


def beat(part: str) -> None:
    """Say once that this process lives, as `part` (web, gateway, recorder, optimiser...)."""
    value = json.dumps({"pid": os.getpid(), "at": clock.real_now().isoformat()})
    bus.connection().set(f"part:{part}:{os.getpid()}", value, ex=EXPIRY_S)


def keep_beating(part: str) -> threading.Event:
    """Beat from a thread until the returned event is set; a lost Valkey is waited for."""
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            try:
                beat(part)
            except Exception:  # Valkey restarts: the next beat tells
                bus.connection().connection_pool.disconnect()
            stop.wait(EVERY_S)

    threading.Thread(target=run, name=f"pulse-{part}", daemon=True).start()
    return stop


def living() -> dict[str, list[dict[str, Any]]]:
    """The processes that beat lately, by part."""
    found: dict[str, list[dict[str, Any]]] = {}
    for key in bus.connection().scan_iter("part:*"):
        value = bus.connection().get(key)
        if value:
            found.setdefault(key.decode().split(":")[1], []).append(json.loads(value))  # type: ignore[arg-type]
    return found
