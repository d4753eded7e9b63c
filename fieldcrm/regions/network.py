"""The commands that turn an extract into road networks, with the tools of the osrm-bindings wheel.

Each way of travelling is extracted and contracted (contraction hierarchies) on its own; the
profiles are those that the wheel ships.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from fieldcrm.regions.model import Mode, RegionFailed

# Files of the build that an opened network never reads.
LEFTOVERS = (
    "cnbg", "cnbg_to_ebg", "ebg", "enw", "restrictions", "turn_penalties_index",
)  # fmt: skip
NO_ROADS = ("no snappable edges", "there are no edges", "contains no edges")


def network_base(folder: Path, mode: Mode) -> Path:
    """Give the path that all of a network's files begin with."""
    return folder / f"{mode}.osrm"


def network_commands(mode: Mode, pbf: Path, folder: Path, threads: int) -> list[list[str]]:
    """Give the commands, in order, that build one mode's network into the folder."""
    home, base = _osrm_home(), str(network_base(folder, mode))
    profile = home / "share" / "profiles" / f"{mode}.lua"
    extract = [str(home / "bin" / "osrm-extract"), "-t", str(threads), "-p", str(profile)]
    contract = [str(home / "bin" / "osrm-contract"), "-t", str(threads), base]
    return [[*extract, "-o", base, str(pbf)], contract]


def has_no_roads(log: str) -> bool:
    """Say whether a failed build only found no roads for its mode."""
    lowered = log.lower()
    return any(words in lowered for words in NO_ROADS)


def drop_leftovers(folder: Path, mode: Mode) -> None:
    """Remove what only the build needed."""
    for ending in LEFTOVERS:
        Path(f"{network_base(folder, mode)}.{ending}").unlink(missing_ok=True)


def drop_network(folder: Path, mode: Mode) -> None:
    """Remove every file of a mode that could not be built."""
    for file in folder.glob(f"{mode}.osrm*"):
        file.unlink()


def _osrm_home() -> Path:
    spec = find_spec("osrm")
    if spec is None or not spec.submodule_search_locations:
        raise RegionFailed("The road tools are not installed: pip install osrm-bindings.")
    return Path(next(iter(spec.submodule_search_locations)))
