"""Where a client is, in the desk's form: typed, exchanged where the two are the wrong way round, or pointed
at on a map."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

import asyncio
import json
from math import isfinite
from typing import Any

import reflex as rx

from fieldcrm.components.icons import icon
from fieldcrm.components.parts import button
from fieldcrm.components.pin_pick import pin_pick
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.components.words import words
from fieldcrm.pages.client_draft import place_of
from fieldcrm.quality import service as quality

CLOSE, FAR = 16, 13
"""Zoom where the client's place is known, and where only its town is."""
_TYPED = "Object.fromEntries(['lat','lng','city','territory_id'].map((n) => [n, document.querySelector(`.cf [name=${n}]`)?.value ?? '']))"


def _write(lat: str, lng: str) -> rx.event.EventSpec:
    """Put two numbers into the form, as if they had been typed."""
    return rx.call_script(
        f"for (const [n, v] of Object.entries({json.dumps({'lat': lat, 'lng': lng})}))"
        " { const field = document.querySelector(`.cf [name=${n}]`); if (field) field.value = v; }"
    )


class Placed(Desk, mixin=True):
    """Part of the form's state: the map, if it is open, and the pin on it."""

    is_mapped: bool = False
    start: dict[str, Any] = {}
    """{id, lat, lng, zoom}: where the map begins."""
    pin_lat: float = 0.0
    pin_lng: float = 0.0
    is_pinned: bool = False
    is_swapped: bool = False
    """Whether exchanging the two numbers would settle a doubt."""

    def _close_map(self) -> None:
        self.is_mapped = self.is_pinned = self.is_swapped = False

    @rx.event
    @allows(DISPATCHING)
    def ask_map(self):
        """Open the map where the form is, or close it."""
        if self.is_mapped:
            self.is_mapped = False
            return None
        return rx.call_script(_TYPED, callback=type(self).open_map)

    @rx.event
    @allows(DISPATCHING)
    def retyped(self, _: str):
        """The pin follows the numbers, if there is a map to see it on."""
        return rx.call_script(_TYPED, callback=type(self).open_map) if self.is_mapped else None

    @rx.event
    @allows(DISPATCHING)
    async def open_map(self, typed: dict):
        """At the numbers that are typed, else where the company's clients of that town are."""
        texts = {n: str((typed or {}).get(n) or "")[:200].strip() for n in ("city", "territory_id")}
        at = place_of(typed or {})
        self.is_pinned = at is not None
        if at is None:
            at = await asyncio.to_thread(
                quality.where_to_look, self._actor(), texts["city"], texts["territory_id"]
            )
            self._begin(at, FAR)
        else:
            self.pin_lat, self.pin_lng = at
            self._begin(at, CLOSE)
        self.is_mapped = True

    def _begin(self, at: tuple[float, float] | None, zoom: int) -> None:
        lat, lng = at or (None, None)
        self.start = {"id": f"{lat}:{lng}:{zoom}", "lat": lat, "lng": lng, "zoom": zoom}

    @rx.event
    @allows(DISPATCHING)
    def point(self, lat: float, lng: float):
        """A place on the map is the client's, once the form is saved."""
        if not all(isinstance(n, int | float) and isfinite(n) for n in (lat, lng)):
            return None
        self.pin_lat, self.pin_lng, self.is_pinned = round(lat, 6), round(lng, 6), True
        self.is_swapped = False
        return _write(str(self.pin_lat), str(self.pin_lng))

    @rx.event
    @allows(DISPATCHING)
    def exchange(self, typed: dict):
        """Latitude becomes longitude."""
        lat, lng = (str((typed or {}).get(n) or "")[:40] for n in ("lat", "lng"))
        self.is_swapped = False
        return _write(lng, lat)


def on_map(form: type[Any]) -> rx.Component:
    """The button that opens the map, and the map."""
    opener = button(
        icon("map-pin", "s"),
        rx.cond(form.is_mapped, words("client_form.map_close"), words("client_form.map_open")),
        small=True, type="button", aria_expanded=rx.cond(form.is_mapped, "true", "false"), on_click=form.ask_map,
    )  # fmt: skip
    drawn = rx.el.div(
        rx.el.div(
            pin_pick(form.start, form.pin_lat, form.pin_lng, form.is_pinned, words("quality.place.map"), form.point),
            class_name="map qu-map cf-m",
        ),
        rx.el.p(words("client_form.map_how"), class_name="faint t1"),
    )  # fmt: skip
    return rx.el.div(opener, rx.cond(form.is_mapped, drawn, rx.fragment()), class_name="wide")


def exchanging(form: type[Any]) -> rx.Component:
    """The way out of a doubt about the order of the two numbers."""
    swap = button(
        icon("arrow-left-right", "s"), words("client_form.exchange"), small=True, type="button",
        on_click=rx.call_script(_TYPED, callback=form.exchange),
    )  # fmt: skip
    return rx.cond(form.is_swapped, swap, rx.fragment())
