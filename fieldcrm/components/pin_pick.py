"""The map of `pin_pick.tsx` on which a person says where a client is."""

# pyright: reportCallIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx
from reflex_base.components.component import NoSSRComponent

from fieldcrm.components.beside import browser_file
from fieldcrm.components.region_map import LIBRARIES

_library = browser_file(__file__, "pin_pick.tsx")


class _PinPick(NoSSRComponent):
    library = _library
    tag = "PinPick"
    lib_dependencies: list[str] = [*LIBRARIES]
    start: rx.Var[Any]
    lat: rx.Var[float]
    lng: rx.Var[float]
    placed: rx.Var[bool]
    label: rx.Var[str]
    on_point: rx.EventHandler[rx.event.passthrough_event_spec(float, float)]


def pin_pick(
    start: Any, lat: Any, lng: Any, is_placed: Any, label: Any, on_point: Any
) -> rx.Component:
    """Calls `on_point(lat, lng)` for a click, or Enter at the cross in the middle; fills its parent.

    `start` {id, lat, lng, zoom} is where it looks for each new client.
    """
    return _PinPick.create(start=start, lat=lat, lng=lng, placed=is_placed, label=label, on_point=on_point)  # fmt: skip
