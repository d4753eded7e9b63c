"""The map of `territory_draw.tsx`, on which a territory's area is drawn or made of cells."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportCallIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx
from reflex_base.components.component import NoSSRComponent

from fieldcrm.components import area_tools
from fieldcrm.components.beside import browser_file
from fieldcrm.components.region_map import LIBRARIES
from fieldcrm.components.session import Desk
from fieldcrm.components.words import all_texts

browser_file(area_tools.__file__, "area_draw.ts")  # imported by territory_draw.tsx

_TEXTS = ("map", "controls", "zoom_in", "zoom_out", "fit", "tools", "draw", "cut", "cells", "undo",
          "clear", "hint.none", "hint.draw", "hint.cells", "crosses", "corner")  # fmt: skip


class _TerritoryDraw(NoSSRComponent):
    library = browser_file(__file__, "territory_draw.tsx")
    tag = "TerritoryDraw"
    lib_dependencies: list[str] = [*LIBRARIES]
    own: rx.Var[list[Any]]
    others: rx.Var[list[Any]]
    bounds: rx.Var[list[float]]
    aim: rx.Var[list[Any]]
    can_undo: rx.Var[bool]
    words: rx.Var[dict[str, dict[str, str]]]
    lang: rx.Var[str]
    on_ring: rx.EventHandler[rx.event.passthrough_event_spec(list, bool)]
    on_cell: rx.EventHandler[rx.event.passthrough_event_spec(float, float)]
    on_look: rx.EventHandler[rx.event.passthrough_event_spec(float, float)]
    on_undo: rx.EventHandler[rx.event.no_args_event_spec]
    on_clear: rx.EventHandler[rx.event.no_args_event_spec]


def territory_draw(state: Any) -> rx.Component:
    """The area of the open territory of a State, with the others' paler beneath, and its tools.

    The State has own, others {name, shape}, bounds, aim, can_undo and the handlers draw, choose_cell,
    look, undo and clear; shapes are coordinates of a GeoJSON MultiPolygon.
    """
    return _TerritoryDraw.create(
        own=state.own, others=state.others, bounds=state.bounds, aim=state.aim, can_undo=state.can_undo,
        words=all_texts(*(f"territory.{name}" for name in _TEXTS)), lang=Desk.language,
        on_ring=state.draw, on_cell=state.choose_cell, on_look=state.look, on_undo=state.undo,
        on_clear=state.clear,
    )  # fmt: skip
