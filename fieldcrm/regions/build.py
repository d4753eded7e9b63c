"""Makes a region from one OpenStreetMap extract: road networks, basemap, and what they are.

Everything is built in a folder beside the region's and renamed when whole, so that a build that
is stopped or killed leaves the region as it was.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fieldcrm.kit import clock
from fieldcrm.regions.extract import read_bounds, sample_extract, sha256_of
from fieldcrm.regions.model import (
    ATTRIBUTION,
    MODES,
    Bounds,
    Mode,
    Region,
    RegionFailed,
    RegionMissing,
)
from fieldcrm.regions.network import (
    drop_leftovers,
    drop_network,
    has_no_roads,
    network_commands,
)
from fieldcrm.regions.rules import is_region_name
from fieldcrm.regions.steps import Job, Outcome, run_jobs

__all__ = ["BUILDER_VERSION", "build_region", "open_region", "sample_extract"]

BUILDER_VERSION = 1
"""Raise it when what a build writes changes; regions of an older version are then built anew."""

# Longest first, so that two at a time end together; the weights are measured seconds.
WEIGHTS: dict[str, float] = {"foot": 7.0, "map": 2.2, "bicycle": 1.1, "car": 0.6}
AT_ONCE = 2

Progress = Callable[[float, str], None]


def _silent(share: float, doing: str) -> None:
    """Tell nobody."""


def build_region(pbf: Path, home: Path, name: str, progress: Progress = _silent) -> Region:
    """Make the region `home/regions/<name>` from an extract; give what stands there already if
    the same file made it.

    `progress` hears a share from 0 to 1 and what is being made; an exception it raises, like
    Ctrl-C, stops the build. Raises RegionFailed with the reason for a bad name or file.
    """
    if not is_region_name(name):
        raise RegionFailed(
            f"'{name}' can't name a region: use a-z, 0-9, - and _, at most 63, a letter first."
        )
    read_bounds(pbf)
    regions = home / "regions"
    regions.mkdir(parents=True, exist_ok=True)
    with _only_builder(regions, name) as lock:
        _clear_leftovers(regions, name)
        sha256 = sha256_of(pbf)
        standing = _standing(regions / name, sha256)
        return standing or _build(pbf, regions, name, sha256, progress, lock)


def open_region(folder: Path) -> Region:
    """Read a built region's facts. Raises RegionMissing if none stands in the folder."""
    try:
        facts: dict[str, Any] = json.loads((folder / "region.json").read_text(encoding="utf-8"))
        return Region(
            folder=folder,
            name=facts["name"],
            bounds=Bounds(*facts["bbox"]),
            built_at=facts["built_at"],
            source_name=facts["source_name"],
            source_sha256=facts["source_sha256"],
            builder_version=facts["builder_version"],
            modes=tuple(facts["modes"]),
            counts=facts["counts"],
            attribution=facts["attribution"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RegionMissing(f"No region stands in {folder}.") from error


def _build(
    pbf: Path, regions: Path, name: str, sha256: str, progress: Progress, lock: int
) -> Region:
    making = regions / f".{name}.making-{os.getpid()}"
    making.mkdir()
    try:
        jobs = _jobs(pbf.resolve(), making)
        outcomes = run_jobs(
            jobs, making, _environment(), AT_ONCE, _up_to(0.99, progress), held=[lock]
        )
        modes = _built_modes(pbf, making, outcomes)
        _write_facts(pbf, making, name, sha256, modes)
        for log in making.glob("*.log"):
            log.unlink()
        _put_in_place(making, regions / name)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    progress(1.0, "")
    return open_region(regions / name)


def _up_to(end: float, progress: Progress) -> Progress:
    """Leave the last bit of the progress for putting the region in place."""
    return lambda share, doing: progress(share * end, doing)


def _jobs(pbf: Path, making: Path) -> list[Job]:
    threads = max(1, (os.cpu_count() or 1) // AT_ONCE)
    draw = [sys.executable, "-m", "fieldcrm.regions.basemap", str(pbf), str(making)]
    commands = {"map": [draw]}
    commands |= {mode: network_commands(mode, pbf, making, threads) for mode in MODES}
    return [Job(name, commands[name], weight) for name, weight in WEIGHTS.items()]


def _environment() -> dict[str, str]:
    """Let the children find this very package, wherever the process was started."""
    packages = str(Path(__file__).parents[2])
    paths = [packages, *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


def _built_modes(pbf: Path, making: Path, outcomes: dict[str, Outcome]) -> tuple[Mode, ...]:
    """Give the modes that have roads. Raises RegionFailed if anything else went wrong."""
    if (log := outcomes["map"].failed_log) is not None:
        raise RegionFailed(_reason(pbf, log))
    built: list[Mode] = []
    for mode in MODES:
        log = outcomes[mode].failed_log
        if log is None:
            drop_leftovers(making, mode)
            built.append(mode)
        elif has_no_roads(log):
            drop_network(making, mode)
        else:
            raise RegionFailed(_reason(pbf, log))
    if not built:
        raise RegionFailed(f"{pbf.name} holds no roads.")
    return tuple(built)


def _reason(pbf: Path, log: str) -> str:
    """Find the sentence in a program's log that says why it gave up."""
    lines = [line.strip() for line in log.splitlines() if line.strip() and "%" not in line]
    telling = [line for line in lines if "what():" in line or "[error]" in line] or lines[-1:]
    if not telling:
        return f"{pbf.name} can't be built; the program gave no reason."
    why = telling[0].split("what():")[-1].split("[error]")[-1].strip()
    return why if why.startswith(pbf.name) else f"{pbf.name} can't be built: {why}"


def _write_facts(pbf: Path, making: Path, name: str, sha256: str, modes: tuple[Mode, ...]) -> None:
    drawn_file = making / "drawn.json"
    drawn = json.loads(drawn_file.read_text(encoding="utf-8"))
    drawn_file.unlink()
    bounds = Bounds(*drawn["bounds"])
    facts = {
        "name": name,
        "bbox": bounds,  # south, west, north, east
        "centre": bounds.centre,  # lat, lng
        "built_at": clock.real_now().isoformat(timespec="seconds"),
        "source_name": pbf.name,
        "source_sha256": sha256,
        "builder_version": BUILDER_VERSION,
        "modes": modes,
        "counts": drawn["counts"],
        "attribution": ATTRIBUTION,
    }
    text = json.dumps(facts, ensure_ascii=False, indent=2)
    (making / "region.json").write_text(text + "\n", encoding="utf-8")


def _standing(folder: Path, sha256: str) -> Region | None:
    try:
        region = open_region(folder)
    except RegionMissing:
        return None
    is_same = (region.source_sha256, region.builder_version) == (sha256, BUILDER_VERSION)
    return region if is_same else None


def _put_in_place(making: Path, folder: Path) -> None:
    """Swap the new region in; processes that hold the old one keep reading its files."""
    aside = _aside(folder)
    if folder.exists():
        folder.rename(aside)
    making.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)


def _clear_leftovers(regions: Path, name: str) -> None:
    """Remove what killed builds left; if one died between its two renames, undo the first."""
    folder, aside = regions / name, _aside(regions / name)
    if aside.exists() and not folder.exists():
        aside.rename(folder)
    for left in [aside, *regions.glob(f".{name}.making-*")]:
        shutil.rmtree(left, ignore_errors=True)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.replaced")


@contextmanager
def _only_builder(regions: Path, name: str) -> Iterator[int]:
    """Hold the region's lock (given: its descriptor); a second build of the same region waits for
    the first, and for the programs of one that was killed."""
    with (regions / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()
