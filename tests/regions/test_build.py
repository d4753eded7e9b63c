from __future__ import annotations

import gzip
import json
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from fieldcrm.regions.build import build_region, open_region
from fieldcrm.regions.model import Bounds, LatLng, Region, RegionFailed, RegionMissing
from fieldcrm.regions.roads import Roads
from fieldcrm.regions.rules import is_region_name, name_from_file
from tests.regions.small_extracts import write_extract

CORNERS = [LatLng(46.9, 28.8), LatLng(46.9, 28.81), LatLng(46.91, 28.81), LatLng(46.91, 28.8)]
AROUND = Bounds(46.89, 28.79, 46.92, 28.82)
BUILDER = """
import signal, sys
from pathlib import Path
from fieldcrm.regions.build import build_region
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background
def tell(share, doing): print(share, flush=True)
build_region(Path(sys.argv[1]), Path(sys.argv[2]), "town", tell)
"""


def test_a_region_says_what_it_is(helsinki: Region, extract: Path) -> None:
    facts = json.loads((helsinki.folder / "region.json").read_text(encoding="utf-8"))
    assert facts["attribution"] == "© OpenStreetMap contributors"
    assert facts["source_name"] == extract.name
    assert facts["bbox"] == pytest.approx([60.164155, 24.9351763, 60.179113, 24.9534146])
    assert facts["centre"] == pytest.approx([60.171634, 24.944295], abs=1e-5)
    assert facts["modes"] == ["foot", "bicycle", "car"]
    assert open_region(helsinki.folder) == helsinki
    assert helsinki.counts["building"] > 400
    assert not list(helsinki.folder.glob("*.log"))


def test_the_basemap_has_named_layers(helsinki: Region) -> None:
    tiles = helsinki.basemap.read_bytes()  # https://github.com/protomaps/PMTiles, version 3
    start, length = struct.unpack_from("<QQ", tiles, 24)
    described = json.loads(gzip.decompress(tiles[start : start + length]))
    layers = {layer["id"] for layer in described["vector_layers"]}
    assert tiles[:8] == b"PMTiles\x03"
    assert layers >= {"land", "water", "park", "building", "road", "road_name", "rail", "place"}
    assert (tiles[100], tiles[101]) == (4, 15)  # least and greatest zoom


def test_the_same_file_is_not_built_twice(
    helsinki: Region, extract: Path, helsinki_home: Path
) -> None:
    told: list[float] = []
    again = build_region(extract, helsinki_home, "helsinki", lambda share, _: told.append(share))
    assert again == helsinki
    assert told == []


def test_progress_rises_to_the_end_and_another_file_replaces_the_region(tmp_path: Path) -> None:
    told: list[float] = []
    first = build_region(_town(tmp_path), tmp_path, "town", lambda share, _: told.append(share))
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 3
    old_roads = Roads(first.folder)
    before = old_roads.table("car", CORNERS[:2]).distance_m[0, 1]
    second = build_region(_town(tmp_path, CORNERS[::-1]), tmp_path, "town")
    assert second.source_sha256 != first.source_sha256
    assert old_roads.table("car", CORNERS[:2]).distance_m[0, 1] == before
    assert _folders(tmp_path) == ["town"]


def test_a_region_without_car_roads_has_no_car(tmp_path: Path) -> None:
    file = tmp_path / "path.osm.pbf"
    write_extract(file, CORNERS, [([0, 1, 2, 3], {"highway": "footway"})], AROUND)
    region = build_region(file, tmp_path, "paths")
    assert "foot" in region.modes
    assert "car" not in region.modes
    assert not list(region.folder.glob("car*"))


def test_an_extract_without_roads_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "river.osm.pbf"
    write_extract(file, CORNERS, [([0, 1, 2], {"waterway": "river"})], AROUND)
    with pytest.raises(RegionFailed, match="holds no roads"):
        build_region(file, tmp_path, "river")
    assert _folders(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"hello", b"\0\0\0\x0d\n\tOSMHeader\x18Q", b"\xff" * 99])
def test_a_file_that_is_no_extract_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bad.osm.pbf"
    file.write_bytes(content)
    with pytest.raises(RegionFailed, match=r"bad\.osm\.pbf is not an OpenStreetMap extract"):
        build_region(file, tmp_path, "bad")


def test_a_file_cut_short_is_refused_and_the_old_region_stays(
    tmp_path: Path, extract: Path
) -> None:
    standing = build_region(_town(tmp_path), tmp_path, "town")
    cut = tmp_path / "cut.osm.pbf"
    cut.write_bytes(extract.read_bytes()[:200_000])
    with pytest.raises(RegionFailed, match=r"cut\.osm\.pbf can't be"):
        build_region(cut, tmp_path, "town")
    assert open_region(standing.folder) == standing
    assert _folders(tmp_path) == ["town"]


def test_a_missing_file_and_a_bad_name_are_told(tmp_path: Path, extract: Path) -> None:
    with pytest.raises(RegionFailed, match="No such file"):
        build_region(tmp_path / "none.osm.pbf", tmp_path, "none")
    for name in ("", "../up", "Üst", ".hidden", "a" * 64):
        with pytest.raises(RegionFailed, match="can't name a region"):
            build_region(extract, tmp_path, name)
    with pytest.raises(RegionMissing):
        open_region(tmp_path)


def test_an_exception_from_progress_stops_the_build(tmp_path: Path, extract: Path) -> None:
    class Stopped(Exception): ...

    def stop(share: float, _: str) -> None:
        if share > 0.05:
            raise Stopped

    with pytest.raises(Stopped):
        build_region(extract, tmp_path, "town", stop)
    assert _folders(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_build_leaves_nothing_half_made(
    tmp_path: Path, extract: Path, number: signal.Signals
) -> None:
    builder = subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(extract), str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
    )
    assert builder.stdout is not None
    while float(builder.stdout.readline()) < 0.3:
        pass
    builder.send_signal(number)
    assert builder.wait(60) != 0
    builder.stdout.close()
    assert "town" not in _folders(tmp_path)
    if number == signal.SIGINT:
        assert _folders(tmp_path) == []
        assert not _tools_reading(tmp_path)
    region = build_region(extract, tmp_path, "town")
    assert region.modes == ("foot", "bicycle", "car")
    assert _folders(tmp_path) == ["town"]


def test_names_of_regions() -> None:
    assert is_region_name("greater-porto_2")
    assert not is_region_name("a/b")
    assert name_from_file("Greater Porto.osm.pbf") == "greater-porto"
    assert name_from_file("Хельсинки.osm.pbf") == "region"


def _town(folder: Path, points: list[LatLng] = CORNERS) -> Path:
    streets = {"highway": "residential", "name": "Strada Florilor"}
    file = folder / "town.osm.pbf"
    return write_extract(file, points, [([0, 1, 2, 3, 0], streets)], AROUND)


def _folders(home: Path) -> list[str]:
    regions = home / "regions"
    return (
        sorted(path.name for path in regions.iterdir() if path.is_dir()) if regions.exists() else []
    )


def _tools_reading(home: Path) -> list[str]:
    commands = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            commands.append(process.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return [command for command in commands if str(home) in command and "osrm-" in command]
