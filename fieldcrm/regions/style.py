"""The map style of a region's basemap, in the product's colours, for MapLibre 6.

MapLibre 6 draws glyphs from the reader's own fonts when a style names no glyph server, so the map
needs nothing but its tiles. The colours are those of the look's tokens (--map-*).
"""

from __future__ import annotations

from typing import Any, Literal

from fieldcrm.regions.model import ATTRIBUTION

Theme = Literal["light", "dark"]
Layer = dict[str, Any]

SOURCE = "region"
FONT = ["Noto Sans Medium", "system-ui", "sans-serif"]
"""Families as in CSS; MapLibre reads the weight out of the first one's name."""

# "square" is no token: it lies between land and road, so that squares stay behind streets.
COLOURS: dict[Theme, dict[str, str]] = {
    "light": {
        "land": "#f3f2ee", "water": "#c9dde6", "park": "#dfe9d8", "building": "#e6e3dc",
        "road": "#ffffff", "road_edge": "#d8d4cb", "label": "#5b656d", "halo": "#ffffff",
        "rail": "#d2cec6", "square": "#f9f9f7",
    },
    "dark": {
        "land": "#15181a", "water": "#0f1e26", "park": "#15261b", "building": "#1b1f21",
        "road": "#394146", "road_edge": "#101314", "label": "#a3adb3", "halo": "#15181a",
        "rail": "#262b2e", "square": "#1f2427",
    },
}  # fmt: skip

# Road width in pixels at zooms 6, 11, 14, 16 and 19, thinnest class first.
WIDTHS: dict[str, tuple[float, ...]] = {
    "service": (0, 0, 0.6, 3.0, 11),
    "track": (0, 0, 0.6, 2.0, 8),
    "pedestrian": (0, 0, 1.2, 4.5, 16),
    "minor": (0, 0.4, 1.8, 6.0, 24),
    "tertiary": (0, 0.9, 2.8, 8.0, 30),
    "secondary": (0.4, 1.3, 3.6, 10, 36),
    "primary": (0.6, 1.8, 4.4, 11, 40),
    "trunk": (0.9, 2.2, 4.8, 12, 42),
    "motorway": (1.0, 2.6, 5.4, 13, 44),
}
WIDTH_ZOOMS = (6, 11, 14, 16, 19)
EDGE_PX = 1.0


def basemap_style(theme: Theme, tiles_url: str, language: str = "en") -> dict[str, Any]:
    """Give the MapLibre style of a basemap.

    `tiles_url` is the address of a `.pmtiles` file, with or without `pmtiles://` before it (its
    server must answer range requests). Names are in `language` (en, ru, ro) where the map has
    them, else as they stand on the street sign.
    """
    colours = COLOURS[theme]
    url = tiles_url if tiles_url.startswith("pmtiles://") else f"pmtiles://{tiles_url}"
    return {
        "version": 8,
        "name": f"fieldcrm {theme}",
        "sources": {SOURCE: {"type": "vector", "url": url, "attribution": ATTRIBUTION}},
        "layers": [
            *_ground(colours),
            *_roads(colours),
            *_labels(colours, _name_in(language)),
        ],
    }


def _ground(colours: dict[str, str]) -> list[Layer]:
    return [
        {"id": "ground", "type": "background", "paint": {"background-color": colours["land"]}},
        _fill("land", "land", colours["land"]),
        _fill("park", "park", colours["park"]),
        _fill("water", "water", colours["water"]),
        _line("waterway", "waterway", colours["water"], _by_zoom((8, 0.5), (14, 2), (18, 8))),
        _fill("square", "square", colours["square"]) | {"minzoom": 14},
        _fill("building", "building", colours["building"]) | {"minzoom": 13},
        _line("rail", "rail", colours["rail"], _by_zoom((8, 0.6), (14, 1.0), (17, 1.8)))
        | {"filter": ["all", _is("kind", "rail"), _not("tunnel")]},
    ]


def _roads(colours: dict[str, str]) -> list[Layer]:
    """Draw every edge below every road, so that crossings stay open; bridges come last."""
    kinds = [kind for kind in WIDTHS if kind != "track"]
    return [
        _path("tunnel-path", colours, _has("tunnel")),
        *[_road_line(kind, colours, "tunnel") for kind in kinds],
        _path("path", colours, _flat()),
        *[_road_edge(kind, colours, "flat") for kind in kinds],
        *[_road_line(kind, colours, "flat") for kind in kinds],
        *[_road_edge(kind, colours, "bridge") for kind in kinds],
        *[_road_line(kind, colours, "bridge") for kind in kinds],
        _path("bridge-path", colours, _has("bridge")),
    ]


def _road_edge(kind: str, colours: dict[str, str], level: str) -> Layer:
    paint_width = _widths(kind, extra=2 * EDGE_PX)
    layer = _line(f"{level}-{kind}-edge", "road", colours["road_edge"], paint_width)
    is_main = kind in {"motorway", "trunk", "primary", "secondary"}
    # Far out, a bridge's edge would only cut across the road it carries.
    from_zoom = 14 if level == "bridge" else 9 if is_main else 12
    return layer | {"minzoom": from_zoom, "filter": ["all", _is("kind", kind), _on(level)]}


def _road_line(kind: str, colours: dict[str, str], level: str) -> Layer:
    layer = _line(f"{level}-{kind}", "road", colours["road"], _widths(kind))
    layer["filter"] = ["all", _is("kind", kind), _on(level)]
    if level == "tunnel":
        layer["layout"]["line-cap"] = "butt"
        layer["paint"] |= {"line-opacity": 0.4, "line-dasharray": [2, 1]}
    return layer


def _path(layer_id: str, colours: dict[str, str], where: list[Any]) -> Layer:
    width = _by_zoom((14, 0.5), (16, 1.15), (19, 3))
    layer = _line(layer_id, "road", colours["road"], width)
    layer["layout"]["line-cap"] = "butt"
    layer["paint"] |= {"line-dasharray": [2, 2.5], "line-opacity": 0.75}
    kinds = ["match", ["get", "kind"], ["path", "track"], True, False]
    return layer | {"minzoom": 14, "filter": ["all", kinds, where]}


def _labels(colours: dict[str, str], name: list[Any]) -> list[Layer]:
    return [
        _dot(colours),
        _label("water-name", "water", name, colours, 11)
        | {"minzoom": 13, "filter": ["has", "name"]},
        _label("park-name", "park", name, colours, 11) | {"minzoom": 16, "filter": ["has", "name"]},
        _along("minor-name", name, colours)
        | {"minzoom": 14.5, "filter": _kinds("minor", "pedestrian", "service", "track", "path")},
        _along("major-name", name, colours)
        | {
            "minzoom": 12,
            "filter": _kinds("motorway", "trunk", "primary", "secondary", "tertiary"),
        },
        _label("place-name", "place", name, colours, _by_zoom((5, 12), (12, 14), (16, 13)))
        | {"maxzoom": 16},
    ]


def _dot(colours: dict[str, str]) -> Layer:
    return {
        "id": "poi", "type": "circle", "source": SOURCE, "source-layer": "poi", "minzoom": 17,
        "paint": {
            "circle-color": colours["label"], "circle-opacity": 0.45,
            "circle-radius": _by_zoom((17, 1.8), (19, 3.2)),
        },
    }  # fmt: skip


def _along(layer_id: str, name: list[Any], colours: dict[str, str]) -> Layer:
    """Write a street's name along the street."""
    layer = _label(layer_id, "road_name", name, colours, _by_zoom((13, 10), (16, 11.5), (19, 14)))
    layer["layout"] |= {
        "symbol-placement": "line", "symbol-spacing": 320, "text-max-angle": 35,
        "text-pitch-alignment": "viewport", "text-padding": 4,
    }  # fmt: skip
    return layer


def _label(layer_id: str, of: str, name: list[Any], colours: dict[str, str], size: Any) -> Layer:
    return {
        "id": layer_id, "type": "symbol", "source": SOURCE, "source-layer": of,
        "layout": {
            "text-field": name, "text-font": FONT, "text-size": size, "text-max-width": 8,
            "text-letter-spacing": 0.01,
        },
        "paint": {
            "text-color": colours["label"], "text-halo-color": colours["halo"],
            "text-halo-width": 1.5,
        },
    }  # fmt: skip


def _fill(layer_id: str, of: str, colour: str) -> Layer:
    return {
        "id": layer_id, "type": "fill", "source": SOURCE, "source-layer": of,
        "paint": {"fill-color": colour},
    }  # fmt: skip


def _line(layer_id: str, of: str, colour: str, width: Any) -> Layer:
    return {
        "id": layer_id, "type": "line", "source": SOURCE, "source-layer": of,
        "layout": {"line-cap": "round", "line-join": "round"},
        "paint": {"line-color": colour, "line-width": width},
    }  # fmt: skip


def _widths(kind: str, extra: float = 0.0) -> list[Any]:
    stops = zip(WIDTH_ZOOMS, WIDTHS[kind], strict=True)
    return _by_zoom(*((zoom, width + extra if width else 0) for zoom, width in stops), base=1.6)


def _by_zoom(*stops: tuple[float, float], base: float = 1.0) -> list[Any]:
    return ["interpolate", ["exponential", base], ["zoom"], *(x for stop in stops for x in stop)]


def _name_in(language: str) -> list[Any]:
    return ["coalesce", ["get", f"name:{language}"], ["get", "name"]]


def _is(key: str, value: str) -> list[Any]:
    return ["==", ["get", key], value]


def _has(key: str) -> list[Any]:
    return ["==", ["get", key], True]


def _not(key: str) -> list[Any]:
    return ["!=", ["get", key], True]


def _flat() -> list[Any]:
    return ["all", _not("tunnel"), _not("bridge")]


def _on(level: str) -> list[Any]:
    return _flat() if level == "flat" else _has(level)


def _kinds(*kinds: str) -> list[Any]:
    return ["all", ["has", "name"], ["match", ["get", "kind"], list(kinds), True, False]]
