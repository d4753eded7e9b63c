"""Areas on the live map (`area_tools.tsx`): shown, drawn, changed. It asks the API itself."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportCallIssue=false

from __future__ import annotations

import reflex as rx
from reflex_base.components.component import NoSSRComponent

from fieldcrm.components.beside import browser_file
from fieldcrm.components.session import Desk
from fieldcrm.components.words import all_texts

_tools = browser_file(__file__, "area_tools.tsx")
for _part in ("area_draw.ts", "area_layer.ts"):
    browser_file(__file__, _part)  # imported by area_tools.tsx

_TEXTS = (
    "areas.title", "areas.new", "areas.close", "areas.cancel", "areas.save", "areas.delete",
    "areas.delete_sure", "areas.show", "areas.none", "areas.company", "areas.draw_polygon",
    "areas.draw_circle", "areas.import", "areas.export", "areas.imported", "areas.failed",
    "areas.not_yours", "areas.inside", "areas.tells.both", "areas.tells.enter",
    "areas.tells.leave", "areas.name", "areas.name_hint", "areas.tell", "areas.on_enter",
    "areas.on_leave", "areas.whom", "areas.everybody", "areas.all_teams", "areas.all_reps",
    "areas.some_reps", "areas.when", "areas.any_time", "areas.from", "areas.until", "areas.days",
    "areas.circle_of", "areas.polygon_of", "areas.unit.ha", "areas.unit.km2", "areas.unit.m",
    "areas.unit.km", "areas.crosses", "areas.hint.polygon", "areas.hint.circle",
    "areas.hint.edit_polygon", "areas.hint.edit_circle", "areas.handle.corner",
    "areas.handle.middle", "areas.handle.centre", "areas.handle.rim",
)  # fmt: skip


class _AreaTools(NoSSRComponent):
    library = _tools
    tag = "AreaTools"
    words: rx.Var[dict[str, dict[str, str]]]
    lang: rx.Var[str]
    role: rx.Var[str]


def area_tools() -> rx.Component:
    """The button, the panel and the layer; stands beside the live map, in the same parent."""
    return _AreaTools.create(words=all_texts(*_TEXTS), lang=Desk.language, role=Desk.role)
