"""The bench in which a gateway dies under its phones: all come back, nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys


def test_all_phones_come_back_with_what_they_had() -> None:
    command = [
        sys.executable,
        "-m",
        "workers.gateway.benches.live",
        "--reconnect",
        "40",
        "--seconds",
        "1",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["sockets"], found["back"], found["lost"]) == (40, 40, 0)
    assert found["attempts"] >= 40
    assert found["acked"] > 0
