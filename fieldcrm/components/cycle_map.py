"""The map beside a cycle's calendar, as a Reflex component."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportCallIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx
from reflex_base.components.component import NoSSRComponent

from fieldcrm.components import place_map
from fieldcrm.components.beside import browser_file
from fieldcrm.components.region_map import LIBRARIES

_library = browser_file(__file__, "cycle_map.tsx")
assert place_map.__name__  # its map is imported by this one's TypeScript


class _CycleMap(NoSSRComponent):
    library = _library
    lib_dependencies: list[str] = [*LIBRARIES]
    tag = "CycleMap"
    pins: rx.Var[list[Any]]
    held: rx.Var[str]
    label: rx.Var[str]


def cycle_map(pins: Any, held: Any, label: Any) -> rx.Component:
    """Visits and clients of a span; the day under the pointer is numbered. Fills its parent."""
    return _CycleMap.create(pins=pins, held=held, label=label)
