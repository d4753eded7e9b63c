"""Moving visits by hand, and what stands still meanwhile, as Reflex components."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportCallIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components.beside import browser_file

_drag = browser_file(__file__, "visit_drag.tsx")
_still = browser_file(__file__, "hold_still.tsx")
browser_file(__file__, "still_store.ts")  # imported by both
browser_file(__file__, "carry.ts")  # imported by visit_drag and cycle_drag


class _VisitDrag(rx.Component):
    library = _drag
    tag = "VisitDrag"
    rep: rx.Var[str]
    is_off: rx.Var[bool]
    on_move: rx.EventHandler[rx.event.passthrough_event_spec(str, str, int, str)]


class _HoldStill(rx.Component):
    library = _still
    tag = "HoldStill"


def visit_drag(rep: Any, is_off: Any, on_move: Any) -> rx.Component:
    """Lets rows marked `data-drag-visit` be moved: calls `on_move(visit_id, rep_id, order, after)`.

    Order 0 leaves the place in the day to the planner; `after` is the visit that will come before it.
    """
    return _VisitDrag.create(rep=rep, is_off=is_off, on_move=on_move)


def hold_still(*children: Any) -> rx.Component:
    """Children that change nothing of what they show while a visit is dragged."""
    return _HoldStill.create(*children)
