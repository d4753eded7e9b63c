"""The search box: finds reps, clients, today's visits, pages and actions."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import reflex as rx

from fieldcrm.clients import service as clients
from fieldcrm.components import behaviour
from fieldcrm.components.navigation import pages_for
from fieldcrm.components.session import EVERYBODY, Desk, allows
from fieldcrm.kit import i18n, ids
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role

MOST = 6
LONGEST = 80
KIND_GLYPHS = {"pharmacy": "pharmacy", "pharmacist": "doctor", "doctor": "doctor", "buyer": "doctor",
               "organisation": "org"}  # fmt: skip


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
        if kind in ("rep", "client") and ids.is_id(subject_id):
            return rx.redirect(f"/dispatch?{kind}={subject_id}")
        return None


def find(actor: Actor, text: str, language: str) -> list[Found]:
    """Everything that fits, best groups first."""
    if not text:
        return [*_pages(actor, "", language), _theme(language)]
    found = _reps(actor, text, language) if actor.role is not Role.rep else []
    found += _clients(actor, text, language)
    return found + _pages(actor, text, language)


def _reps(actor: Actor, text: str, language: str) -> list[Found]:
    group, wanted = i18n.t("desk.found.reps", language), text.casefold()
    fits = [rep for rep in people.visible_reps(actor) if wanted in rep.name.casefold()]
    return [Found(group, "rep", rep.id, "i-user", rep.name) for rep in fits[:MOST]]


def _clients(actor: Actor, text: str, language: str) -> list[Found]:
    group = i18n.t("desk.found.clients", language)
    page = clients.find(actor, search=text, limit=MOST)
    return [
        Found(
            group,
            "client",
            c.id,
            KIND_GLYPHS.get(c.kind, "org"),
            c.name,
            c.address or "",
            c.category or "",
        )
        for c in page.rows
    ]


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
