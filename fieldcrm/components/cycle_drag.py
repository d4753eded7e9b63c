"""Dragging visits between the days of a cycle, as a Reflex component."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportCallIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components.beside import browser_file

_library = browser_file(__file__, "cycle_drag.tsx")


def _nothing() -> list[Any]:
    return []


class _CycleDrag(rx.Component):
    library = _library
    tag = "CycleDrag"
    is_off: rx.Var[bool]
    working: rx.Var[str]
    on_pick: rx.EventHandler[rx.event.passthrough_event_spec(str, str)]
    on_drop: rx.EventHandler[rx.event.passthrough_event_spec(str, str, str, str)]
    on_put_back: rx.EventHandler[_nothing]


def cycle_drag(state: Any, is_off: Any, working: Any) -> rx.Component:
    """Lets visits and clients be dragged: `state` picks, drops and puts back (`planning_held`)."""
    return _CycleDrag.create(
        is_off=is_off, working=working, on_pick=state.pick, on_drop=state.drop,
        on_put_back=state.put_back,
    )  # fmt: skip
