"""The live map of `live_map.tsx` as a Reflex component."""

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

_map = browser_file(__file__, "live_map.tsx")
for _part in (
    "desk_link.ts", "fleet.ts", "rep_layer.ts", "map_marks.ts", "map_names.ts", "map_lines.ts",
    "map_stage.ts", "map_still.ts",
):  # fmt: skip
    browser_file(__file__, _part)  # imported by live_map.tsx

_TEXTS = (
    "controls", "zoom_in", "zoom_out", "fit", "follow", "layers", "layer.plan", "layer.track",
    "layer.names", "legend.done", "legend.now", "legend.planned", "legend.moved", "legend.track",
    "legend.plan", "legend.before", "idle", "offline", "offline_why", "retry", "no_base",
)  # fmt: skip


class _LiveMap(NoSSRComponent):
    library = _map
    tag = "LiveMap"
    lib_dependencies: list[str] = [*LIBRARIES]
    reps: rx.Var[list[Any]]
    selected: rx.Var[str]
    stops: rx.Var[list[Any]]
    lines: rx.Var[Any]
    shown: rx.Var[Any]
    is_today: rx.Var[bool]
    fit: rx.Var[str]
    spot: rx.Var[Any]
    gateway: rx.Var[str]
    words: rx.Var[dict[str, dict[str, str]]]
    lang: rx.Var[str]
    zone: rx.Var[str]
    follow: rx.Var[bool]
    on_select: rx.EventHandler[rx.event.passthrough_event_spec(str)]
    on_follow: rx.EventHandler[rx.event.passthrough_event_spec(bool)]
    on_notices: rx.EventHandler[rx.event.passthrough_event_spec(str)]
    on_link: rx.EventHandler[rx.event.passthrough_event_spec(str)]


def live_map(**props: Any) -> rx.Component:
    """The map of the reader's reps; see `Props` in live_map.tsx. Fills its positioned parent."""
    texts = all_texts(*(f"map.{name}" for name in _TEXTS))
    return _LiveMap.create(
        words=texts, lang=Desk.language, zone=Desk.timezone, gateway=Desk.gateway, **props
    )
