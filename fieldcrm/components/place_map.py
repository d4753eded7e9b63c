"""Small still maps of `place_map.tsx`: where visits are wanting, the track around a visit, a client among others."""

from __future__ import annotations

from typing import Any

import reflex as rx
from reflex_base.components.component import NoSSRComponent

from fieldcrm.components.beside import browser_file
from fieldcrm.components.region_map import LIBRARIES

_library = browser_file(__file__, "place_map.tsx")


class _Map(NoSSRComponent):
    library = _library
    lib_dependencies: list[str] = [*LIBRARIES]
    label: rx.Var[str]


class _GapMap(_Map):
    tag = "GapMap"
    hexes: rx.Var[list[Any]]


class _VisitMap(_Map):
    tag = "VisitMap"
    around: rx.Var[Any]


class _PinsMap(_Map):
    tag = "PinsMap"
    pins: rx.Var[Any]


class _ClientMap(_Map):
    tag = "ClientMap"
    spot: rx.Var[Any]


def client_map(spot: Any, label: Any) -> rx.Component:
    """A client's pin among the clients near it (`id, at, near: [id, name, letter, at]`)."""
    return _ClientMap.create(spot=spot, label=label)


def pins_map(pins: Any, label: Any) -> rx.Component:
    """An old and a wanted pin, the way between, and check-ins (`seen`); fills its positioned parent."""
    return _PinsMap.create(pins=pins, label=label)


def gap_map(hexes: Any, label: Any) -> rx.Component:
    """H3 cells by missing visits; fills its positioned parent."""
    return _GapMap.create(hexes=hexes, label=label)


def visit_map(around: Any, label: Any) -> rx.Component:
    """The place with its radius, the track around the visit, where buttons were pressed."""
    return _VisitMap.create(around=around, label=label)
