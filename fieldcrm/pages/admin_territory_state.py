"""The drawer of a territory: its area while it is drawn, its rule, its workload."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import reflex as rx

from fieldcrm.clients import area_cells, landing
from fieldcrm.clients import service as clients
from fieldcrm.clients.tables import Territory
from fieldcrm.components.alerts import Toast
from fieldcrm.components.messages import Messages
from fieldcrm.components.session import ADMINISTERING, Desk, allows
from fieldcrm.kit import i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages.admin_landing_state import AdminLanding
from fieldcrm.pages.admin_teams import AdminTeams
from fieldcrm.pages.admin_territory_words import TYPED, read_rule, size, visits_told
from fieldcrm.people.model import Actor
from fieldcrm.planning.territory_load import NOTHING, TerritoryLoad, territory_loads

STEPS_MOST = 20
"""Steps of a drawing that can be taken back."""
OTHERS_OUTLINED = 500
"""Cells of which another territory's outline is made."""
AROUND = 0.1
"""Degrees around the clients' middle that the map of a territory without an area shows."""


@dataclass
class Other:
    """Another territory's area on the map: a MultiPolygon's coordinates."""

    name: str
    shape: list[Any] = field(default_factory=list)


@dataclass
class RuleForm:
    """A territory's rule as its form shows it."""

    id: str = ""
    version: int = 0
    kinds: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    specialties: str = ""
    cities: str = ""
    postcodes: str = ""
    tags: str = ""


@dataclass
class Load:
    """A figure of a territory's workload."""

    label: str
    value: str


class AdminTerritory(Desk):
    """The open territory."""

    opened: str = ""
    name: str = ""
    form: RuleForm = RuleForm()
    own: list[Any] = []
    others: list[Other] = []
    bounds: list[float] = []
    """What the map shows when it is opened."""
    aim: list[list[float]] = []
    """The cell under the cross."""
    size: str = ""
    heard: str = ""
    """What the last step of drawing did."""
    can_undo: bool = False
    loads: list[Load] = []
    problem: str = ""
    bad_field: str = ""
    is_stale: bool = False
    _cells: list[str] = []
    _past: list[list[str]] = []
    _is_drawn: bool = False

    @rx.event
    @allows(ADMINISTERING)
    async def open(self, territory_id: str):
        """Open a territory as it is now."""
        territory_id = str(territory_id)[:64]
        found = await asyncio.to_thread(_read, self._actor(), territory_id)
        if found is None:
            self.opened = ""
            return AdminTeams.reload
        one, self.others, counted, work, near = found
        self.opened, self.name, self.form = one.id, one.name, _form(one)
        self._cells, self._past, self._is_drawn = list(one.cells or ()), [], False
        self.problem = self.bad_field = self.heard = ""
        self.is_stale, self.can_undo, self.aim = False, False, []
        self._show_area()
        self.bounds = (
            area_cells.bounds([self.own]) or area_cells.bounds(o.shape for o in self.others) or near
        )
        waits = (await self.get_state(AdminLanding))._takes(one.id)
        self.loads = _loads(counted, work, waits, self.language)
        return None

    @rx.event
    @allows(ADMINISTERING)
    def close(self):
        """Away with the drawer; what was not saved is gone."""
        self.opened = ""

    # ---- drawing ----

    def _show_area(self) -> None:
        self.own = area_cells.outline(self._cells)
        self.size = size(self._cells, self.language) if self._cells else ""
        self.can_undo = bool(self._past)

    def _step(self, make: Callable[[], tuple[list[str], str]]) -> None:
        self.bad_field = self.problem = ""
        try:
            cells, said = make()
        except Refusal as error:
            self._refuse(error)
            return
        self._past = [*self._past, self._cells][-STEPS_MOST:]
        self._cells, self._is_drawn = cells, True
        self._show_area()
        self._hear(said)

    def _hear(self, said: str) -> None:
        now = (
            self._t("territory.now", size=self.size) if self.size else self._t("territory.no_area")
        )
        self.heard = f"{self._t(said)} {now}"

    @rx.event
    @allows(ADMINISTERING)
    def draw(self, ring: list[Any], is_cut: bool):
        """A ring of [lat, lng] is added to the area, or cut out of it."""
        act = area_cells.without if is_cut else area_cells.united
        said = "territory.did_cut" if is_cut else "territory.did_draw"
        self._step(lambda: (act(self._cells, landing.cells_of_rings([ring])), said))

    @rx.event
    @allows(ADMINISTERING)
    def choose_cell(self, lat: float, lng: float):
        """The cell around a place is added, or taken away."""
        if not _is_place(lat, lng):
            return

        def made() -> tuple[list[str], str]:
            cells, is_added = area_cells.toggled(self._cells, lat, lng)
            return cells, "territory.did_add" if is_added else "territory.did_take"

        self._step(made)

    @rx.event
    @allows(ADMINISTERING)
    def look(self, lat: float, lng: float):
        """Show the cell under the cross."""
        self.aim = area_cells.rim(lat, lng) if _is_place(lat, lng) else []

    @rx.event
    @allows(ADMINISTERING)
    def undo(self):
        """Take the last step back."""
        if self._past:
            self._cells, self._past = self._past[-1], self._past[:-1]
            self._show_area()
            self._hear("territory.did_undo")

    @rx.event
    @allows(ADMINISTERING)
    def clear(self):
        """No area."""
        if self._cells:
            self._step(lambda: ([], "territory.did_clear"))

    # ---- saving ----

    @rx.event
    @allows(ADMINISTERING)
    async def save(self, data: dict):
        """Keep the rule and the area; what was typed stays where it is refused."""
        changes: dict[str, Any] = {"rule": read_rule(data)}
        if self._is_drawn:
            changes["cells"] = self._cells
        self.problem, self.bad_field, self.is_stale = "", "", False
        try:
            saved = await asyncio.to_thread(
                clients.save_territory, self._actor(), changes, self.opened, self.form.version
            )
        except Refusal as error:
            self._refuse(error)
            return None
        self.opened = ""
        text = self._t("admin.saved", name=saved.name)
        (await self.get_state(Messages))._say(
            Toast(f"territory:{saved.id}", "ok", "confirmed", text)
        )
        return [AdminTeams.reload, AdminLanding.count]

    def _refuse(self, error: Refusal) -> None:
        name = str(error.params.get("field", ""))
        self.is_stale = error.code == "stale"
        key = f"territory.bad.{name}"
        if self.is_stale:
            self.problem = self._t("territory.stale")
        elif i18n.has(key):
            self.bad_field = "area" if name in ("area", "cells") else name
            self.problem = self._t(key)
        else:
            self.problem = self._refusal(error)


def _is_place(lat: Any, lng: Any) -> bool:
    numbers = all(isinstance(v, int | float) and isfinite(v) for v in (lat, lng))
    return numbers and abs(lat) <= landing.LAT_MAX and abs(lng) <= 180


def _read(
    actor: Actor, territory_id: str
) -> tuple[Territory, list[Other], dict[str, int], TerritoryLoad, list[float]] | None:
    """A territory, the others' areas, its clients by category, its work, where to look; None where it is gone."""
    every = clients.list_territories(actor)
    one = next((t for t in every if t.id == territory_id), None)
    if one is None:
        return None
    others = [
        Other(t.name, area_cells.outline(t.cells, OTHERS_OUTLINED))
        for t in every if t.cells and t.id != territory_id
    ]  # fmt: skip
    counted = clients.clients_by_category(actor, territory_id)
    work = territory_loads(actor).get(territory_id, NOTHING)
    return one, others, counted, work, _near(clients.mean_place(actor))


def _near(middle: tuple[float, float] | None) -> list[float]:
    if middle is None:
        return []
    lat, lng = middle
    return [lat - AROUND, lng - 2 * AROUND, lat + AROUND, lng + 2 * AROUND]


def _form(one: Territory) -> RuleForm:
    rule = one.rule or {}
    typed = {name: ", ".join(rule.get(name, ())) for name in TYPED}
    return RuleForm(one.id, one.version, rule.get("kinds", []), rule.get("categories", []), **typed)


def _loads(counted: dict[str, int], work: TerritoryLoad, waits: int, language: str) -> list[Load]:
    def load(key: str, n: int) -> Load:
        return Load(i18n.t(f"territory.load.{key}", language), i18n.number(n, language))

    letters = [
        Load(i18n.t("territory.load.category", language, letter=c), i18n.number(n, language))
        for c in landing.CATEGORIES if (n := counted.get(c, 0))
    ]  # fmt: skip
    hours = i18n.t("territory.hours", language, n=i18n.number(work.hours, language, 1))
    asked = [
        Load(i18n.t("territory.load.visits", language), visits_told(work, language)),
        Load(i18n.t("territory.load.hours", language), hours),
    ]
    return [
        load("clients", sum(counted.values())),
        *letters,
        *(asked if work.wanted else ()),
        load("waits", waits),
    ]
