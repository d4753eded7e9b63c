"""The player of `replay_player.tsx` (a rep's days on the map, their time line, their doubts), and GPX in."""

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

_player = browser_file(__file__, "replay_player.tsx")
for _part in ("replay_track.ts", "replay_time.ts"):  # imported by replay_player.tsx
    browser_file(__file__, _part)

_TEXTS = (
    "map", "controls", "zoom_in", "zoom_out", "fit", "follow", "plan", "legend.track", "legend.plan",
    "legend.stop", "legend.gap", "loading", "failed", "retry",
    "timeline", "play", "pause", "speed", "doubts", "previous", "next", "time", "events",
    "no_doubts", "visits", "no_visits", "off_shift", "moving", "standing", "no_position", "kmh",
    "battery", "doubt.mock", "doubt.teleport", "doubt.speed", "doubt.accuracy",
    "doubt.frozen", "doubt.clock", "doubt.late",
)  # fmt: skip


_GPX_TEXTS = (
    "add", "close", "failed", "added", "line", "too_large", "not_xml", "doctype", "too_deep", "not_gpx",
    "no_points", "bad_place", "no_time", "bad_time", "too_many",
)  # fmt: skip


class _Player(NoSSRComponent):
    library = _player
    tag = "ReplayPlayer"
    lib_dependencies: list[str] = [*LIBRARIES]
    span: rx.Var[Any]
    words: rx.Var[dict[str, dict[str, str]]]
    lang: rx.Var[str]
    zone: rx.Var[str]
    on_step: rx.EventHandler[rx.event.passthrough_event_spec(int)]


def _nothing() -> list[Any]:
    return []


class _GpxDrop(rx.Component):
    library = browser_file(__file__, "gpx_drop.tsx")
    tag = "GpxDrop"
    rep: rx.Var[str]
    words: rx.Var[dict[str, dict[str, str]]]
    lang: rx.Var[str]
    on_added: rx.EventHandler[_nothing]


def gpx_drop(rep: Any, on_added: Any) -> rx.Component:
    """A button that adds a GPX file to a rep's track; `on_added` hears when there is more of it."""
    texts = all_texts(*(f"replay.gpx.{name}" for name in _GPX_TEXTS))
    return _GpxDrop.create(rep=rep, words=texts, lang=Desk.language, on_added=on_added)


def replay_player(span: Any, on_step: Any) -> rx.Component:
    """Plays days (`Days` in replay_player.tsx); `on_step(-1 | 1)` asks for those beside them."""
    texts = all_texts(*(f"replay.{name}" for name in _TEXTS))
    return _Player.create(
        span=span, words=texts, lang=Desk.language, zone=Desk.timezone, on_step=on_step
    )
