"""A signal that comes while the main thread waits for the event which it sets."""

from __future__ import annotations

import signal
import subprocess
import sys

WAITER = """
import signal, threading
from fieldcrm.kit import signals
end = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: signals.set_soon(end))
print("ready", flush=True)
while not end.wait(0.00001):
    pass
"""


def test_a_signal_ends_a_wait_wherever_it_comes() -> None:
    """Each of twenty comes while the waiting is busy with the event's own lock, or nearly so."""
    waiters = [
        subprocess.Popen([sys.executable, "-c", WAITER], stdout=subprocess.PIPE) for _ in range(20)
    ]
    for waiter in waiters:
        assert waiter.stdout is not None
        assert waiter.stdout.readline() == b"ready\n"
        waiter.send_signal(signal.SIGTERM)
    for waiter in waiters:
        assert waiter.wait(20) == 0
        assert waiter.stdout is not None
        waiter.stdout.close()
