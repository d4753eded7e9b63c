from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from fieldcrm.regions.basemap import LAYERS
from fieldcrm.regions.style import COLOURS, Theme, basemap_style

TILES = "https://example.org/region/basemap.pmtiles"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_style_needs_nothing_but_its_tiles(theme: Theme) -> None:
    style = basemap_style(theme, TILES, "ru")
    assert style["sources"]["region"]["url"] == f"pmtiles://{TILES}"
    assert "OpenStreetMap contributors" in style["sources"]["region"]["attribution"]
    assert not {"glyphs", "sprite"} & style.keys()
    assert len(re.findall(r"https?://", str(style))) == 1
    assert basemap_style(theme, f"pmtiles://{TILES}", "ru") == style


def test_every_layer_draws_from_one_that_the_basemap_has() -> None:
    layers = basemap_style("light", TILES)["layers"]
    assert {layer["source-layer"] for layer in layers if "source-layer" in layer} <= set(LAYERS)
    ids = [layer["id"] for layer in layers]
    assert len(set(ids)) == len(ids)
    assert layers[0]["paint"]["background-color"] == COLOURS["light"]["land"]


def test_light_and_dark_differ_in_colours_alone() -> None:
    light, dark = (str(basemap_style(theme, TILES)["layers"]) for theme in ("light", "dark"))
    assert light != dark
    assert re.sub("#[0-9a-f]{6}", "#", light) == re.sub("#[0-9a-f]{6}", "#", dark)


def test_names_are_in_the_readers_language_if_the_map_has_them() -> None:
    layers = {layer["id"]: layer for layer in basemap_style("dark", TILES, "ro")["layers"]}
    expected = ["coalesce", ["get", "name:ro"], ["get", "name"]]
    assert layers["minor-name"]["layout"]["text-field"] == expected
    assert layers["minor-name"]["layout"]["symbol-placement"] == "line"


def test_streets_lie_over_their_edges_and_names_over_all() -> None:
    ids = [layer["id"] for layer in basemap_style("light", TILES)["layers"]]
    assert ids.index("building") < ids.index("flat-motorway-edge") < ids.index("flat-service")
    assert ids.index("bridge-motorway") < ids.index("minor-name") < ids.index("place-name")


def test_a_web_process_loads_no_geometry_library() -> None:
    modules = ("build", "places", "roads", "style")
    lines = [f"import fieldcrm.regions.{module}" for module in modules]
    lines += ["import sys", "print(sorted({'osrm', 'pyogrio', 'shapely'} & set(sys.modules)))"]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.strip() == "[]"
