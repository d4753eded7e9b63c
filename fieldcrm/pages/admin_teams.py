"""Teams and territories: names, whose they are, and handing a territory to another rep; the page of teams."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import reflex as rx

from fieldcrm.clients import service as clients
from fieldcrm.components.alerts import Toast
from fieldcrm.components.messages import Messages
from fieldcrm.components.parts import LEAVES, button, empty
from fieldcrm.components.section import AdminSection, Choice, loaded
from fieldcrm.components.session import ADMINISTERING, Desk, allows
from fieldcrm.components.words import words
from fieldcrm.kit import i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages.admin import admin_page, said
from fieldcrm.pages.admin_territory_words import takes, visits_told
from fieldcrm.pages.list_files import ListFiles
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor
from fieldcrm.planning.territory_load import NOTHING, territory_loads


@dataclass
class TeamRow:
    """A team and how many belong to it."""

    id: str
    name: str
    reps: str
    leaders: str
    territories: str


@dataclass
class TerritoryRow:
    """A territory, its rep, and the reps it could go to."""

    id: str
    version: int
    name: str
    team_id: str
    team: str
    rep_id: str
    clients: str
    count: int
    wanted: str = ""
    """Visits held of those wanted over the cycle."""
    work: int = 0
    """Visits wanted over the cycle."""
    takes: str = ""
    """How it takes clients, in words."""
    reps: list[Choice] = field(default_factory=list)


class AdminTeams(ListFiles, AdminSection, Desk):
    """Both tables; each page shows one."""

    teams: list[TeamRow] = []
    territories: list[TerritoryRow] = []
    search: str = ""
    shown: str = ""
    """How many territories are listed."""
    sort: str = "name"
    refused: str = ""
    renaming: str = ""
    """The row whose name is being changed."""

    @rx.event
    @allows(ADMINISTERING)
    async def load(self):
        """Fill the page."""
        await self._enter()
        self.refused = self.renaming = ""
        await self._show()
        await self._read_files()

    def _asked(self) -> tuple[str, dict[str, Any]]:
        return "territories", {"search": self.search} if self.search else {}

    @rx.event
    @allows(ADMINISTERING)
    async def sort_by(self, name: str):
        """Territories by a column; again turns it round."""
        if name in SORTS:
            self.sort = f"-{name}" if self.sort == name else name
            await self._show()

    @rx.event
    @allows(ADMINISTERING)
    async def find(self, text: str):
        """Territories whose name or rep holds the text."""
        self.search = str(text)[:100]
        await self._show()

    async def _fill(self, cursor: str = "") -> None:
        self.teams, every = await asyncio.to_thread(_both, self._actor(), self.language)
        wanted = self.search.strip().casefold()
        found = [t for t in every if wanted in f"{t.name} {t.team} {_rep_name(t)}".casefold()]
        by, is_down = SORTS[self.sort.removeprefix("-")], self.sort.startswith("-")
        self.territories = sorted(found, key=by, reverse=is_down)
        self.shown = self._t("admin.territories_shown", n=len(found))

    @rx.event
    @allows(ADMINISTERING)
    def rename(self, row_id: str):
        """Open a row's name for change; again closes it."""
        self.renaming = "" if self.renaming == row_id else row_id
        self.refused = ""

    @rx.event
    @allows(ADMINISTERING)
    async def save_team(self, data: dict):
        """Add a team, or rename the one that is open."""
        name, team_id = str(data.get("name", "")), str(data.get("id", "")) or None
        await self._do(people.save_team, self._actor(), name, team_id)

    @rx.event
    @allows(ADMINISTERING)
    async def add_territory(self, data: dict):
        """A territory of a team; its rep is chosen in the table."""
        changes = {"name": str(data.get("name", "")), "team_id": str(data.get("team_id", ""))}
        await self._do(clients.save_territory, self._actor(), changes)

    @rx.event
    @allows(ADMINISTERING)
    async def rename_territory(self, data: dict):
        """A new name."""
        row = self._territory(str(data.get("id", "")))
        if row is not None:
            changes = {"name": str(data.get("name", ""))}
            await self._do(clients.save_territory, self._actor(), changes, row.id, row.version)

    @rx.event
    @allows(ADMINISTERING)
    async def hand_over(self, territory_id: str, rep_id: str):
        """To another rep of its team, or to nobody; both phones hear of it."""
        row = self._territory(territory_id)
        if row is not None:
            changes = {"rep_id": rep_id or None}
            await self._do(clients.save_territory, self._actor(), changes, row.id, row.version)

    def _territory(self, territory_id: str) -> TerritoryRow | None:
        return next((t for t in self.territories if t.id == territory_id), None)

    async def _do(self, act: Any, *arguments: Any) -> None:
        try:
            saved = await asyncio.to_thread(act, *arguments)
        except Refusal as error:
            self.refused = self._refusal(error)
        else:
            self.refused = self.renaming = ""
            messages = await self.get_state(Messages)
            text = self._t("admin.saved", name=saved.name)
            messages._say(Toast(f"teams:{saved.id}", "ok", "confirmed", text))
        await self._show()


def _rep_name(row: TerritoryRow) -> str:
    return next((r.text for r in row.reps if r.value == row.rep_id), "")


SORTS: Mapping[str, Callable[[TerritoryRow], tuple[Any, ...]]] = {
    "name": lambda t: (t.name.casefold(), t.id),
    "team": lambda t: (t.team.casefold(), t.name.casefold()),
    "rep": lambda t: (_rep_name(t).casefold(), t.name.casefold()),
    "clients": lambda t: (t.count, t.name.casefold()),
    "wanted": lambda t: (t.work, t.name.casefold()),
}


def _both(actor: Actor, language: str) -> tuple[list[TeamRow], list[TerritoryRow]]:
    teams, places = people.list_teams(actor), clients.list_territories(actor)
    reps = people.visible_reps(actor)
    counted, loads = clients.clients_by_territory(actor), territory_loads(actor)
    of_team = Counter(r.team_id for r in reps)
    leads = Counter(t for ts in people.teams_of_users(actor).values() for t in ts)
    has = Counter(t.team_id for t in places)

    def number(n: int) -> str:
        return i18n.number(n, language)

    names = {t.id: t.name for t in teams}
    choices: dict[str, list[Choice]] = {}
    for rep in reps:
        choices.setdefault(rep.team_id or "", []).append(Choice(rep.id, rep.name))
    return (
        [TeamRow(t.id, t.name, number(of_team[t.id]), number(leads[t.id]), number(has[t.id])) for t in teams],
        [TerritoryRow(t.id, t.version, t.name, t.team_id, names.get(t.team_id, ""), t.rep_id or "",
                      number(counted.get(t.id, 0)), counted.get(t.id, 0),
                      visits_told(loads.get(t.id, NOTHING), language), loads.get(t.id, NOTHING).wanted,
                      takes(t.cells or (), t.rule or {}, language),
                      choices.get(t.team_id, [])) for t in places],
    )  # fmt: skip


# ── the pages ────────────────────────────────────────────────────────────────────────────────────


def admin_teams() -> rx.Component:
    """Teams."""
    add = rx.el.form(
        rx.el.input(name="name", class_name="input sm", placeholder=words("admin.new_team"),
                    aria_label=words("admin.new_team"), required=True),
        button(words("admin.add"), kind="primary", small=True, type="submit"),
        on_submit=AdminTeams.save_team, reset_on_submit=True, class_name="row",
    )  # fmt: skip
    heads = [
        ("admin.team", ""),
        ("admin.reps", "num"),
        ("admin.leaders", "num"),
        ("admin.territories", "num"),
        ("", ""),
    ]
    rows = rx.el.table(
        rx.el.thead(rx.el.tr(*[rx.el.th(words(k) if k else rx.el.span(words("admin.change"), class_name="vh"),
                                        scope="col", class_name=c) for k, c in heads])),
        rx.el.tbody(rx.foreach(AdminTeams.teams, _team)), class_name="tbl", aria_label=words("admin.teams"),
    )  # fmt: skip
    none = empty("no_match", words("admin.no_teams"), words("admin.no_teams_why"))
    card = rx.el.section(rx.cond(AdminTeams.teams.length() > 0, rows, none), class_name="card ad-c")
    tools = rx.el.div(add, class_name="row ad-t")
    return admin_page("/admin/teams", tools, said(AdminTeams.refused), loaded(AdminTeams, card))


def _team(row: Any) -> rx.Component:
    return rx.el.tr(
        rx.el.td(named(row, AdminTeams.save_team)), rx.el.td(row.reps, class_name="num"),
        rx.el.td(row.leaders, class_name="num"), rx.el.td(row.territories, class_name="num"), rx.el.td(rename(row), class_name="num"),
    )  # fmt: skip


def named(row: Any, act: Any) -> rx.Component:
    """A name, or the field that changes it."""
    form = rx.el.form(
        rx.el.input(type="hidden", name="id", default_value=row.id),
        rx.el.input(name="name", default_value=row.name, class_name="input sm", aria_label=words("admin.name"),
                    auto_focus=True),
        button(words("admin.save"), kind="primary", small=True, type="submit"),
        on_submit=act, class_name="row",
    )  # fmt: skip
    return rx.cond(AdminTeams.renaming == row.id, form, rx.el.span(row.name, class_name="med"))


def rename(row: Any) -> rx.Component:
    is_open = AdminTeams.renaming == row.id
    leaves = {name: rx.cond(is_open, value, None) for name, value in LEAVES.items()}
    says = rx.cond(is_open, words("admin.cancel"), words("admin.rename"))
    return button(says, kind="ghost", small=True, aria_label=f"{says}: {row.name}", on_click=AdminTeams.rename(row.id), custom_attrs=leaves)  # fmt: skip
