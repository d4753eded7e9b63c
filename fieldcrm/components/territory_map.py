"""The map of `territory_map.tsx`: H3 cells by territory, numbered, cells to choose where a border moves."""

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

_TEXTS = ("map", "controls", "zoom_in", "zoom_out", "fit", "territory_no", "min")


class _TerritoryMap(NoSSRComponent):
    library = browser_file(__file__, "territory_map.tsx")
    tag = "TerritoryMap"
    lib_dependencies: list[str] = [*LIBRARIES]
    areas: rx.Var[list[Any]]
    bounds: rx.Var[list[float]]
    chosen: rx.Var[list[str]]
    can_choose: rx.Var[bool]
    words: rx.Var[dict[str, dict[str, str]]]
    lang: rx.Var[str]
    on_choose: rx.EventHandler[rx.event.passthrough_event_spec(str)]


def territory_map(
    areas: Any, bounds: Any, chosen: Any, can_choose: Any, on_choose: Any
) -> rx.Component:
    """Cells {id, number, tone, minutes, rim}; `on_choose(cell)` where cells can be chosen.

    Fills its positioned parent.
    """
    return _TerritoryMap.create(
        areas=areas, bounds=bounds, chosen=chosen, can_choose=can_choose, lang=Desk.language,
        words=all_texts(*(f"whatif.map.{name}" for name in _TEXTS)), on_choose=on_choose,
    )  # fmt: skip
