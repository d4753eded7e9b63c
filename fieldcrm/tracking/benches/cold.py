"""A database's file out of the machine's memory, and what reading it again takes."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

PAGE = 4096


class ColdFile:
    """A file that lies on the disk and nowhere else, as often as that is asked for.

    What a process keeps in memory of its own (SQLite's cache) it keeps.
    """

    def __init__(self, path: Path, seed: int = 1) -> None:
        self._file = os.open(path, os.O_RDONLY)
        self._pages = path.stat().st_size // PAGE
        self._dice = random.Random(seed)
        self.took_ms = list[float]()
        """Of each read of one page."""
        os.fsync(self._file)  # only what is written can be dropped

    def forget(self) -> None:
        """Drop the file from the system's cache, and read one page of it: what the disk takes."""
        os.posix_fadvise(self._file, 0, 0, os.POSIX_FADV_DONTNEED)
        place, began = PAGE * self._dice.randrange(self._pages), time.perf_counter()
        os.pread(self._file, PAGE, place)
        self.took_ms.append(1000 * (time.perf_counter() - began))

    def close(self) -> None:
        """Leave the file alone."""
        os.close(self._file)


def read_kb(process_id: int) -> float:
    """What a process has had read from the disk so far."""
    for line in Path(f"/proc/{process_id}/io").read_text().splitlines():
        name, _, value = line.partition(": ")
        if name == "read_bytes":
            return int(value) / 1024
    return 0.0
