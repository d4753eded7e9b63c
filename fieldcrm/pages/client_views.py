"""Saved views of the list of clients: opened, saved, shared, one that opens by itself."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import reflex as rx

from fieldcrm.clients.model import CATEGORIES, ClientFilters, ClientKind, Condition
from fieldcrm.clients.views import service as views
from fieldcrm.clients.views.model import ListState, Shared, View, ViewNotFound, plain
from fieldcrm.components.icons import icon
from fieldcrm.components.parts import button, icon_button
from fieldcrm.components.section import Choice, Listing
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.components.words import words
from fieldcrm.kit.errors import Refusal
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role

QUICK = {"kind": "kind", "category": "letter", "territory_id": "territory"}
"""Fields that have a choice of their own above the list."""


@dataclass
class ViewRow:
    """A view that the person may open."""

    id: str
    name: str
    who: str
    """With whom it is shared, or whose it is."""
    is_default: bool
    is_open: bool


class Views(Listing, Desk, mixin=True):
    """Part of the list's state: how the list is looked at, as a whole."""

    views: list[ViewRow] = []
    view_id: str = ""
    view_name: str = ""
    view_note: str = ""
    """What the open view was made with and is gone."""
    view_problem: str = ""
    is_my_view: bool = False
    is_default_view: bool = False
    sharings: list[Choice] = []
    sharing: str = ""
    _view_version: int = 0
    _is_begun: bool = False

    def _list_state(self) -> ListState:
        """The list as it stands."""
        quick = tuple(
            Condition(field, "is", getattr(self, name))
            for field, name in QUICK.items()
            if self._is_known(field, getattr(self, name))
        )
        return ListState(
            tuple(self._chosen), self.sort, self.search, self.is_archive,
            (*quick, *self._own_conditions(), *self._conditions()), self.near,
            self.near_km if self.near else 0.0,
        )  # fmt: skip

    def _is_known(self, field: str, value: str) -> bool:
        known = {"kind": list(ClientKind), "category": CATEGORIES}.get(field)
        return bool(value) and (known is None or value in known)

    def _apply(self, state: ListState) -> None:
        """The list as a view has it."""
        self._chosen, self.sort, self.search = list(state.columns), state.sort, state.search
        self.columns = []
        self.is_archive, self.own, self.own_word = state.is_archive, "", ""
        self.near, self.near_km = state.near, state.near_km or self.near_km
        for name in QUICK.values():
            setattr(self, name, "")
        kept = []
        for each in state.conditions:
            quick = QUICK.get(each.field) if each.op == "is" else None
            if quick and not getattr(self, quick):
                setattr(self, quick, each.value)
            else:
                kept.append(self._narrowed(each))
        self.conditions = kept

    async def _read_views(self, actor: Actor) -> None:
        every = await asyncio.to_thread(views.list_views, actor)
        teams = await asyncio.to_thread(people.list_teams, actor)
        names = {t.id: t.name for t in teams}
        self.views = [
            ViewRow(v.id, v.name, self._who(v, names), v.is_default, v.id == self.view_id)
            for v in every
        ]
        shared = [Choice("", self._t("client_list.share.nobody"))]
        shared += [Choice(t.id, self._t("client_list.share.team", team=t.name))
                   for t in teams if actor.is_admin or t.id in actor.team_ids]  # fmt: skip
        if actor.role in (Role.manager, Role.admin):
            shared.append(Choice(Shared.everybody.value, self._t("client_list.share.everybody")))
        self.sharings = shared

    def _who(self, view: View, teams: dict[str, str]) -> str:
        shared = ""
        if view.shared is Shared.everybody:
            shared = self._t("client_list.share.everybody")
        elif view.shared is Shared.team:
            shared = self._t("client_list.share.team", team=teams.get(view.team_id or "", ""))
        return " · ".join(x for x in ("" if view.is_mine else view.owner_name, shared) if x)

    async def _begin(self, actor: Actor, asked: str) -> None:
        """What the address asks for; at first what the person likes."""
        habit = await asyncio.to_thread(views.habit, actor)
        if not self._is_begun:
            self._chosen, self.columns = list(habit.columns), []
        wanted = asked or ("" if self._is_begun else habit.view_id or "")
        self._is_begun = True
        if wanted and wanted != self.view_id:
            await self._open_view(actor, wanted)

    async def _open_view(self, actor: Actor, view_id: str) -> None:
        self.view_problem = ""
        try:
            found = await asyncio.to_thread(views.get, actor, view_id[:64])
        except ViewNotFound as error:
            self.view_problem = self._refusal(error)
            return
        self._apply(found.state)
        self._tell_view(found)

    def _tell_view(self, found: View) -> None:
        gone = [self._t("client_list.nearby") if g == "near" else g for g in found.gone]
        self.view_id, self.view_name, self.is_my_view = found.id, found.name, found.is_mine
        self._view_version, self.is_default_view = found.version, found.is_default
        self.sharing = found.team_id or found.shared.value
        self.view_note = self._t("client_list.gone", what=", ".join(gone)) if gone else ""

    def _forget_view(self) -> None:
        self.view_id, self.view_name, self.view_note, self.is_my_view = "", "", "", False
        self.view_problem, self.sharing, self.is_default_view = "", "", False

    async def _opened(self) -> Any:
        """Show the list and its address, which is the link to the view."""
        await self._show()
        address = f"/clients?view={self.view_id}" if self.view_id else "/clients"
        return rx.call_script(f"history.replaceState(history.state,'',{json.dumps(address)})")

    @rx.event
    @allows(DISPATCHING)
    async def open_view(self, view_id: str):
        """A saved view; none: all clients in the columns of every day."""
        actor = self._actor()
        if view_id:
            await self._open_view(actor, str(view_id))
        else:
            self._forget_view()
            habit = await asyncio.to_thread(views.habit, actor)
            self._apply(ListState(columns=habit.columns))
        return await self._opened()

    @rx.event
    @allows(DISPATCHING)
    async def save_view(self, data: dict):
        """The list as it stands under a name: a new view, or the open one anew where it is one's own."""
        is_anew = bool(data.get("anew")) and self.is_my_view
        name = self.view_name if is_anew and not data.get("name") else data.get("name")
        shared = str(data.get("shared", ""))
        team = shared if shared not in (Shared.nobody, Shared.everybody) else None
        kind = Shared.team.value if team else shared
        state = plain(self._list_state())
        try:
            saved = await asyncio.to_thread(
                views.save, self._actor(), name, state, kind, team,
                self.view_id if is_anew else None, self._view_version if is_anew else None,
            )  # fmt: skip
        except Refusal as error:
            self.view_problem = self._refusal(error)
            return None
        self.view_problem = ""
        self._tell_view(saved)
        return await self._opened()

    @rx.event
    @allows(DISPATCHING)
    async def remove_view(self):
        """Away with the open view; the list stays as it is."""
        try:
            await asyncio.to_thread(views.remove, self._actor(), self.view_id)
        except Refusal as error:
            self.view_problem = self._refusal(error)
            return None
        self._forget_view()
        return await self._opened()

    @rx.event
    @allows(DISPATCHING)
    async def switch_default(self):
        """The open view opens by itself, or no longer."""
        wanted = None if self.is_default_view else self.view_id
        try:
            await asyncio.to_thread(views.set_default, self._actor(), wanted)
        except Refusal as error:
            self.view_problem = self._refusal(error)
            return
        self.is_default_view = wanted is not None
        await self._show()

    async def _wanted(self) -> ClientFilters:
        """What narrows the list, as the service takes it."""
        return await asyncio.to_thread(views.filters_of, self._actor(), self._list_state())


# ── parts of the page ────────────────────────────────────────────────────────────────────────────


def view_tools(state: Any) -> rx.Component:
    """A menu of views, and the way to save one."""
    name = rx.cond(state.view_name != "", state.view_name, words("client_list.views"))
    return rx.el.details(
        rx.el.summary(icon("clipboard-check", "s"), rx.el.span(name, class_name="el li-n"), class_name="btn sm"),
        rx.el.div(
            rx.el.ul(
                rx.el.li(rx.el.button(words("client_list.all"), type="button", class_name="way",
                                      on_click=state.open_view(""))),
                rx.foreach(state.views, lambda v: _row(v, state)), class_name="li-v",
            ),
            rx.cond(state.view_id != "", _of_open(state), rx.fragment()), _saving(state),
            class_name="of-m card li-f",
        ),
        class_name="of-d",
    )  # fmt: skip


def _row(v: Any, state: Any) -> rx.Component:
    return rx.el.li(
        rx.el.button(v.name, type="button", class_name="way med", on_click=state.open_view(v.id),
                     aria_current=rx.cond(v.is_open, "true", "false")),
        rx.cond(v.is_default, icon("check", "s"), rx.fragment()),
        rx.cond(v.who != "", rx.el.span(v.who, class_name="t1 muted"), rx.fragment()),
    )  # fmt: skip


def _of_open(state: Any) -> rx.Component:
    """What can be done with the view that is open."""
    tick = rx.el.label(
        rx.el.input(type="checkbox", checked=state.is_default_view,
                    on_change=lambda _: state.switch_default()),
        words("client_list.by_itself"), class_name="tick",
    )  # fmt: skip
    link = rx.el.a(icon("link", "s"), words("client_list.link"), href=f"/clients?view={state.view_id}",
                   class_name="way t1")  # fmt: skip
    gone = icon_button("trash", words("client_list.remove"), small=True, on_click=state.remove_view)
    return rx.el.div(
        tick,
        link,
        rx.cond(state.is_my_view | (state.role == "admin"), gone, rx.fragment()),
        class_name="row li-o",
    )


def _saving(state: Any) -> rx.Component:
    anew = rx.el.label(
        rx.el.input(type="checkbox", name="anew", default_checked=True, key=state.view_id),
        words("client_list.anew"), class_name="tick",
    )  # fmt: skip
    return rx.el.form(
        rx.el.h3(words("client_list.save_as")),
        rx.el.input(name="name", class_name="input sm", max_length=80, default_value=state.view_name,
                    key=state.view_id, placeholder=words("client_list.name"), aria_label=words("client_list.name")),
        rx.el.select(
            rx.foreach(state.sharings, lambda c: rx.el.option(c.text, value=c.value)), name="shared",
            class_name="input sm", default_value=state.sharing, key=f"{state.view_id}{state.sharing}",
            aria_label=words("client_list.share"),
        ),
        rx.cond(state.is_my_view, anew, rx.fragment()),
        rx.cond(state.view_problem != "", rx.el.p(state.view_problem, class_name="t1 late", role="alert"),
                rx.fragment()),
        button(words("client_list.save"), small=True, kind="primary", type="submit"),
        on_submit=state.save_view,
    )  # fmt: skip


def view_notes(state: Any) -> rx.Component:
    """What of the open view is gone, or why one can't be opened."""

    def note(text: Any) -> rx.Component:
        return rx.cond(
            text != "", rx.el.div(icon("info", "s"), text, class_name="note warn", role="status"), rx.fragment()
        )  # fmt: skip

    return rx.fragment(note(state.view_note), note(state.view_problem))
