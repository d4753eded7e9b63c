"""A slower disk, and what a power cut would leave on it: builds slow_sync.c for LD_PRELOAD."""

from __future__ import annotations

import shutil
import subprocess
from array import array
from collections.abc import Sequence
from pathlib import Path

_SOURCE = Path(__file__).with_name("slow_sync.c")


def build(home: Path) -> Path | None:
    """Compile the library into `home`; None where there is no compiler or it fails."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    made = home / "slow_sync.so"
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(made), str(_SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, check=False)
    return made if done.returncode == 0 else None


def variables(
    library: Path, delay_ms: float = 0.0, log: Path | None = None, times: Path | None = None
) -> dict[str, str]:
    """The environment under which a program syncs more slowly, and says how far and how long."""
    chosen = {"LD_PRELOAD": str(library), "FIELDCRM_FSYNC_DELAY_US": str(round(delay_ms * 1000))}
    told = {"FIELDCRM_SYNCED_LOG": log, "FIELDCRM_SYNC_TIMES": times}
    return chosen | {name: str(path) for name, path in told.items() if path is not None}


def seconds_each(times: Path) -> list[float]:
    """How long each sync took that a program noted in `times`, the added delay with it."""
    return [us / 1e6 for us in array("I", times.read_bytes())]


def synced_lengths(log: Path) -> dict[int, int]:
    """By inode: how many bytes of a file were on disk at its last completed sync."""
    if not log.exists():
        return {}
    rows = [line.split(b" ", 2) for line in log.read_bytes().splitlines()]
    return {int(inode): int(length) for length, inode, _ in rows}


def cut_to_synced(folder: Path, *logs: Path) -> int:
    """Do to a folder's files what a power cut may: take back all that no sync has covered.

    Returns how many bytes are gone. The programs that wrote them must have ended.
    """
    synced, gone = dict[int, int](), 0
    for log in logs:
        for inode, length in synced_lengths(log).items():
            synced[inode] = max(length, synced.get(inode, 0))
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        there = path.stat()
        kept = min(there.st_size, synced.get(there.st_ino, 0))
        if kept < there.st_size:
            gone += there.st_size - kept
            with path.open("r+b") as file:
                file.truncate(kept)
    return gone


def undo_renames(logs: Sequence[Path], folder: Path) -> int:
    """Take back renamings in `folder` that no sync of their folder followed; how many.

    `logs` in the order in which their programs ran; what they noted of names is used up.
    """
    unsure: dict[Path, Path] = {}
    for names in (log.with_name(f"{log.name}.names") for log in logs):
        for line in names.read_text().splitlines() if names.exists() else ():
            kind, _, told = line.partition(" ")
            if kind == "D":
                unsure = {new: old for new, old in unsure.items() if new.parent != Path(told)}
            else:
                old, _, new = told.partition("\t")
                unsure[Path(new)] = Path(old)
        names.unlink(missing_ok=True)
    undone = [(new, old) for new, old in unsure.items() if new.is_relative_to(folder)]
    for new, old in reversed(undone):
        if new.exists() and not old.exists():
            new.rename(old)
    return len(undone)
