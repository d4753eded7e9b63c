"""The heat map of `coverage_map.tsx`: cells of a window, fetched as the map is moved."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportCallIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx
from reflex_base.components.component import NoSSRComponent

from fieldcrm.components.beside import browser_file
from fieldcrm.components.region_map import LIBRARIES
from fieldcrm.components.session import Desk
from fieldcrm.components.words import all_texts

_TEXTS = (
    "map", "controls", "zoom_in", "zoom_out", "fit", "failed", "retry", "nothing", "presence", "visits",
    "confirmed", "silence", "out_of_stock", "unit.min", "unit.h",
)  # fmt: skip


class _CoverageMap(NoSSRComponent):
    library = browser_file(__file__, "coverage_map.tsx")
    tag = "CoverageMap"
    lib_dependencies: list[str] = [*LIBRARIES]
    url: rx.Var[str]
    measure: rx.Var[str]
    bounds: rx.Var[list[float]]
    picked: rx.Var[str]
    words: rx.Var[dict[str, dict[str, str]]]
    lang: rx.Var[str]
    on_pick: rx.EventHandler[rx.event.passthrough_event_spec(str)]
    on_look: rx.EventHandler[rx.event.passthrough_event_spec(int)]


def coverage_map(
    url: Any, measure: Any, bounds: Any, picked: Any, on_pick: Any, on_look: Any
) -> rx.Component:
    """Cells from `url`; `on_pick(cell)` opens one, `on_look(resolution)` says how fine they are.

    `bounds` is south, west, north, east of what there is to see; fills its positioned parent.
    """
    return _CoverageMap.create(
        url=url, measure=measure, bounds=bounds, picked=picked, lang=Desk.language,
        words=all_texts(*(f"coverage.{name}" for name in _TEXTS)), on_pick=on_pick, on_look=on_look,
    )  # fmt: skip
