"""The replay: a rep's days played again beside their plan, with jumps to whatever is doubtful."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components.download import download
from fieldcrm.components.parts import empty, failed, icon_button, segments, skeleton
from fieldcrm.components.replay_player import gpx_drop, replay_player
from fieldcrm.components.session import MANAGING
from fieldcrm.components.shell import page
from fieldcrm.components.words import words
from fieldcrm.pages.replay_state import Replay

FILES = {"GPX": "gpx", "GeoJSON": "geojson", "KML": "kml"}
"""A day's track as files: the form's name and its ending."""


def replay() -> rx.Component:
    """The page."""
    return page("/replay", words("replay.title"), _tools(), _body(), class_name="replay")


def _reps(class_name: str) -> rx.Component:
    """Whose day: nobody's until one is chosen."""
    return rx.el.select(
        rx.el.option(words("replay.choose"), value="", disabled=True),
        rx.foreach(Replay.reps, lambda rep: rx.el.option(rep.text, value=rep.value)),
        value=Replay.rep_id, on_change=Replay.choose_rep, class_name=class_name,
        aria_label=words("replay.rep"),
    )  # fmt: skip


def _day(value: Any, act: Any, label: str) -> rx.Component:
    return rx.el.input(
        type="date",
        value=value,
        on_change=act,
        class_name="input sm rp-day",
        aria_label=words(label),
    )


def _tools() -> rx.Component:
    last = rx.fragment(
        rx.el.span("–", class_name="faint", aria_hidden="true"),
        _day(Replay.to_day, Replay.choose_last, "replay.last_day"),
    )
    first = rx.cond(
        Replay.is_day, _day(Replay.on_day, Replay.choose_day, "replay.day"),
        _day(Replay.on_day, Replay.choose_day, "replay.first_day"),
    )  # fmt: skip
    lengths = segments(
        (words("replay.one_day"), Replay.is_day, Replay.choose_length(False)),
        (words("replay.week"), ~Replay.is_day, Replay.choose_length(True)),
        label=words("replay.length"),
    )  # fmt: skip
    days = rx.el.div(
        icon_button("chevron-left", words("replay.day_before"), on_click=Replay.step(-1)),
        first, rx.cond(Replay.is_day, rx.fragment(), last),
        icon_button("chevron-right", words("replay.day_after"), on_click=Replay.step(1)),
        rx.el.span(Replay.day_word, class_name="muted nw rp-dw"),
        class_name="row g1 rp-days",
    )  # fmt: skip
    return rx.el.div(
        _reps("input sm rp-rep"), lengths, days, rx.cond(Replay.rep_id != "", _files(), rx.fragment()),
        class_name="row rp-head",
    )  # fmt: skip


def _body() -> rx.Component:
    nobody = empty(
        "no_plan",
        words("replay.nobody"),
        words("replay.nobody_why"),
        _reps("input"),
        heading=rx.el.h2,
    )  # fmt: skip
    return rx.cond(
        ~Replay.has_loaded, skeleton(8),
        rx.cond(
            Replay.problem != "", failed(words("replay.broken"), Replay.problem, Replay.again),
            rx.cond(Replay.rep_id == "", nobody, _player()),
        ),
    )  # fmt: skip


def _files() -> rx.Component:
    """The days in one line; a day as a file, a file into the track."""
    managing = rx.Var.create(sorted(role.value for role in MANAGING))
    links = [download(form, Replay.download + ending) for form, ending in FILES.items()]
    saves = rx.fragment(rx.el.span(words("replay.save"), class_name="muted t1"), *links)
    return rx.fragment(
        rx.el.span(Replay.figures, class_name="muted el"), rx.el.span(class_name="sp"),
        rx.cond(managing.contains(Replay.role), gpx_drop(Replay.rep_id, Replay.again), rx.fragment()),
        rx.cond(Replay.is_day, saves, rx.fragment()),
    )  # fmt: skip


def _player() -> rx.Component:
    return rx.cond(
        Replay.played.length() > 0,
        replay_player(Replay.played, on_step=Replay.step),
        skeleton(8),
    )
