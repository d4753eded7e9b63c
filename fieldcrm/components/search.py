"""The search box: finds reps, clients, visits, pages and actions, and leads to the whole lists."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

import reflex as rx

from fieldcrm.clients import service as clients
from fieldcrm.components import behaviour
from fieldcrm.components.navigation import pages_for
from fieldcrm.components.session import EVERYBODY, Desk, allows
from fieldcrm.kit import clock, i18n, ids
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import VisitFilters
from fieldcrm.visits.store import VisitView

MOST = 6
LONGEST = 80
KIND_GLYPHS = {"pharmacy": "pharmacy", "pharmacist": "doctor", "doctor": "doctor", "buyer": "doctor",
               "organisation": "org"}  # fmt: skip
PLACES = {"rep": "/dispatch?rep=", "client": "/clients?client=", "visit": "/visits?visit="}
LISTS = {"clients": "/clients?search=", "visits": "/visits?search="}
"""Where the lines lead that say there is more."""


@dataclass
class Found:
    """A line of the palette; `kind` and `id` say where it leads."""

    group: str
    kind: str
    id: str
    glyph: str
    title: str
    note: str = ""
    badge: str = ""


class Search(Desk):
    """What the palette shows."""

    found: list[Found] = []
    query: str = ""
    is_busy: bool = False

    @rx.event
    @allows(EVERYBODY)
    async def look_up(self, text: str):
        """Find as one types; an empty text shows pages and actions."""
        actor = self._actor()
        text = text.strip()[:LONGEST]
        self.found = await asyncio.to_thread(find, actor, text, self.language)
        self.query = text

    @rx.event
    @allows(EVERYBODY)
    def go(self, kind: str, subject_id: str):
        """Open what was chosen."""
        if kind == "page":
            return (
                rx.redirect(subject_id)
                if subject_id in {p.path for p in pages_for(self._actor().role)}
                else None
            )
        if kind == "theme":
            return rx.call_script("window.dispatchEvent(new Event('fieldcrm:next-theme'))")
        if kind in LISTS:
            return rx.redirect(f"{LISTS[kind]}{quote(subject_id[:LONGEST])}")
        if kind in PLACES and ids.is_id(subject_id):
            return rx.redirect(f"{PLACES[kind]}{subject_id}")
        return None


def find(actor: Actor, text: str, language: str) -> list[Found]:
    """Everything that fits, best groups first."""
    if not text:
        return [*_pages(actor, "", language), _theme(language)]
    if actor.role is Role.rep:
        return _pages(actor, text, language)
    found = _reps(actor, text, language) + _clients(actor, text, language)
    return found + _visits(actor, text, language) + _pages(actor, text, language)


def _reps(actor: Actor, text: str, language: str) -> list[Found]:
    group, wanted = i18n.t("desk.found.reps", language), text.casefold()
    fits = [rep for rep in people.visible_reps(actor) if wanted in rep.name.casefold()]
    return [Found(group, "rep", rep.id, "i-user", rep.name) for rep in fits[:MOST]]


def _clients(actor: Actor, text: str, language: str) -> list[Found]:
    group = i18n.t("desk.found.clients", language)
    page = clients.find(actor, search=text, limit=MOST)
    found = [
        Found(group, "client", c.id, KIND_GLYPHS.get(c.kind, "org"), c.name, c.address or "",
              c.category or "")
        for c in page.rows
    ]  # fmt: skip
    return found + _more(group, "clients", text, page.cursor is not None, language)


def _visits(actor: Actor, text: str, language: str) -> list[Found]:
    """Visits that fit and are nearest to today: half of them ahead, half behind."""
    today, half = clock.local(clock.now()).date(), MOST // 2
    ahead = VisitFilters(search=text, day_from=today)
    behind = VisitFilters(search=text, day_to=today - timedelta(days=1))
    group = i18n.t("desk.found.visits", language)
    pages = (visits.list_visits(actor, ahead, "day", half),
             visits.list_visits(actor, behind, "-day", half))  # fmt: skip
    found = [_visit(group, view, language) for page in pages for view in page.rows]
    is_cut = any(page.cursor is not None for page in pages)
    return found + _more(group, "visits", text, is_cut, language)


def _visit(group: str, view: VisitView, language: str) -> Found:
    note = f"{i18n.day(view.visit.day, language, 'd MMM')} · {view.rep_name}"
    sign = KIND_GLYPHS.get(view.client_kind, "org")
    return Found(group, "visit", view.visit.id, sign, view.client_name, note, view.category or "")


def _more(group: str, kind: str, text: str, is_cut: bool, language: str) -> list[Found]:
    """A line that leads to the whole list, where there is more than is shown."""
    if not is_cut:
        return []
    return [Found(group, kind, text, "i-ellipsis", i18n.t("desk.found.more", language))]


def _pages(actor: Actor, text: str, language: str) -> list[Found]:
    group = i18n.t("desk.found.pages", language)
    named = [(page, i18n.t(page.label, language)) for page in pages_for(actor.role)]
    return [
        Found(group, "page", page.path, f"i-{page.icon}", name)
        for page, name in named
        if text.casefold() in name.casefold()
    ]


def _theme(language: str) -> Found:
    return Found(
        i18n.t("desk.found.actions", language),
        "theme",
        "next",
        "i-moon",
        i18n.t("desk.theme.next", language),
    )


def search_box() -> rx.Component:
    """The box in the bar; Ctrl K opens it from anywhere."""
    return behaviour.palette(Search.found, Search.query, Search.is_busy, Search.look_up, Search.go)
