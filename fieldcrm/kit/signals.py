"""What a signal's handler may do: it runs between any two steps of the main thread."""

from __future__ import annotations

import threading


def set_soon(event: threading.Event) -> None:
    """Set an event from a signal's handler.

    Not in place: the main thread may be waiting for this very event and hold its lock, which it
    would then wait for itself, for ever.
    """
    threading.Thread(target=event.set, daemon=True).start()
