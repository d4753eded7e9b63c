"""What the disk allows: how long the store's syncs took in a run, and bare ones beside it.

An acknowledgement is never sooner than its sync. So beside the delays stand those of Valkey's own
syncs in the same seconds (where a C compiler was found), and right after them, in the same folder
on the measured core with nothing else at work, those of a program that only appends and syncs, as
often and as many bytes at a time.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from workers.gateway.benches import lab, slow_sync
from workers.gateway.benches.lab import Lab, share

BARE_SECONDS = 3.0
MOST_PER_S = 4000.0


class Syncs:
    """The store's commits from when this was made until `end`."""

    def __init__(self, here: Lab) -> None:
        self._here = here
        self._began_s = time.perf_counter()
        self._before = self._figures()
        if here.sync_times is not None:
            here.sync_times.write_bytes(b"")
        self.per_s, self.size = 0.0, 0
        """Commits a second, and bytes of each in Valkey's file."""
        self.times: list[float] = []

    def _figures(self) -> tuple[int, int, int]:
        """(commits, bytes written, forks to write the file anew) so far."""
        from fieldcrm.kit import bus

        store: Any = bus.connection()
        commits = store.info("commandstats").get("cmdstat_exec", {"calls": 0})["calls"]
        forks = store.info("stats")["total_forks"]
        return commits, store.info("persistence")["aof_current_size"], forks

    def end(self) -> dict[str, Any]:
        """What came of it."""
        seconds = time.perf_counter() - self._began_s
        commits, written, forks = (
            now - then for now, then in zip(self._figures(), self._before, strict=True)
        )
        self.per_s = commits / seconds
        self.size = max(1, written // max(1, commits))
        if self._here.sync_times is not None:
            self.times = slow_sync.seconds_each(self._here.sync_times)
        return {
            "commits_per_s": round(self.per_s), "syncs_per_s": round(len(self.times) / seconds),
            "bytes_per_commit": self.size,
            "rewrites": forks, "store_sync_p50_ms": share(self.times, 0.5),
            "store_sync_p99_ms": share(self.times, 0.99),
        }  # fmt: skip

    def bare(self) -> dict[str, Any]:
        """The same syncs by a program that does nothing else."""
        lab.pin(lab.MEASURED_CORE)
        times = sync_each(
            self._here.home / "syncs", BARE_SECONDS, min(self.per_s, MOST_PER_S) or 1.0, self.size
        )
        lab.pin(lab.LOAD_CORE)
        return {"sync_p50_ms": share(times, 0.5), "sync_p99_ms": share(times, 0.99)}


def sync_each(path: Path, seconds: float, per_s: float, size: int) -> list[float]:
    """Append so many bytes so often and sync each time; how long each sync took, in seconds."""
    times, said = list[float](), b"x" * size
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        began = time.perf_counter()
        while (now := time.perf_counter()) < began + seconds:
            time.sleep(max(0.0, began + len(times) / per_s - now))
            os.write(fd, said)
            before = time.perf_counter()
            os.fdatasync(fd)
            times.append(time.perf_counter() - before)
    finally:
        os.close(fd)
        path.unlink()
    return times
