"""The moment at which the power fails: in the middle of a write and of a renaming (power_moment.c)."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

VARIABLE = "FIELDCRM_POWER_AT"
STEPS = ("rename", "write")
REACHED_WITHIN_S = 1.0
"""Phones may be silent just then: the power fails all the same."""
LOOKED_EVERY_S = 0.001
_SOURCE = Path(__file__).with_name("power_moment.c")


def build(home: Path) -> Path | None:
    """Compile the library into `home`; None where there is no compiler or it fails."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    made = home / "power_moment.so"
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(made), str(_SOURCE), "-ldl"]
    return made if subprocess.run(command, check=False).returncode == 0 else None


class Moment:
    """Where programs under the library stop for good, once they are told to."""

    def __init__(self, home: Path) -> None:
        self.library = build(home)
        self.at = home / "run" / "power"

    def preloaded(self, others: str) -> dict[str, str]:
        """The environment of a program under this library and others."""
        return {"LD_PRELOAD": f"{self.library}:{others}"} if self.library else {}

    def come(self) -> tuple[int, Path] | None:
        """Wait until a renaming and then a write have been stopped halfway, or nobody comes there.

        In this order: a write may be a commit, behind which everybody waits. What was written and
        never synced: (first byte, file).
        """
        for step in STEPS:
            self._come_to(self._beside(step))
        return self._unsynced(self._beside("written"))

    def _unsynced(self, told: Path) -> tuple[int, Path] | None:
        said = told.read_text().strip() if told.exists() else ""
        told.unlink(missing_ok=True)
        first, _, file = said.partition(" ")
        return (int(first), Path(file)) if file else None

    def _come_to(self, wanted: Path) -> None:
        wanted.touch()
        taken = wanted.with_name(f"{wanted.name}.taken")
        until = time.monotonic() + REACHED_WITHIN_S
        while (wanted.exists() or taken.exists()) and time.monotonic() < until:
            time.sleep(LOOKED_EVERY_S)
        for each in (wanted, taken):
            each.unlink(missing_ok=True)

    def _beside(self, what: str) -> Path:
        return self.at.with_name(f"{self.at.name}.{what}")
