"""A signal that comes while the main thread waits for the event which it sets."""

from __future__ import annotations

import signal
import threading

import pytest

from fieldcrm.kit import signals


@pytest.mark.timeout(120)
def test_a_signal_within_a_wait_sets_its_event_after_it() -> None:
    """The handler runs while this thread holds the event's own lock, as a wait does for a moment."""
    end = threading.Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: signals.set_soon(end))
    try:
        with end._cond:  # type: ignore[attr-defined]
            signal.raise_signal(signal.SIGUSR1)
            assert not end.is_set()
        assert end.wait(60)
    finally:
        signal.signal(signal.SIGUSR1, before)
