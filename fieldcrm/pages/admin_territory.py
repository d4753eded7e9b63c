"""The page of territories: how each takes clients, whose it is, and who waits to land in one."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components.parts import button, empty
from fieldcrm.components.section import loaded, sort_head
from fieldcrm.components.typed import chosen, typed
from fieldcrm.components.words import words
from fieldcrm.pages.admin import admin_page, said
from fieldcrm.pages.admin_landing import landing_strip
from fieldcrm.pages.admin_teams import AdminTeams, named, rename
from fieldcrm.pages.admin_territory_drawer import territory_drawer
from fieldcrm.pages.admin_territory_state import AdminTerritory
from fieldcrm.pages.list_files import file_tools


def admin_territories() -> rx.Component:
    """Territories."""
    search = typed(
        AdminTeams.search, AdminTeams.find, type="search", class_name="input sm ad-find long",
        placeholder=words("admin.find_territory"), aria_label=words("admin.find_territory"),
    )  # fmt: skip
    add = rx.el.form(
        rx.el.input(name="name", class_name="input sm ad-nt", placeholder=words("admin.new_territory"),
                    aria_label=words("admin.new_territory"), required=True),
        rx.el.select(rx.foreach(AdminTeams.teams, lambda t: rx.el.option(t.name, value=t.id)), name="team_id",
                     class_name="input sm pick", aria_label=words("admin.team")),
        button(words("admin.add"), kind="primary", small=True, type="submit"),
        on_submit=AdminTeams.add_territory, reset_on_submit=True, class_name="row",
    )  # fmt: skip
    heads = [
        sort_head(words("admin.territory"), "name", AdminTeams),
        rx.el.th(words("territory.takes"), scope="col"),
        sort_head(words("admin.team"), "team", AdminTeams),
        sort_head(words("admin.rep"), "rep", AdminTeams),
        sort_head(words("admin.clients"), "clients", AdminTeams, "num"),
        sort_head(words("territory.cycle_visits"), "wanted", AdminTeams, "num"),
        rx.el.th(rx.el.span(words("admin.change"), class_name="vh"), scope="col"),
    ]
    rows = rx.el.table(
        rx.el.thead(rx.el.tr(*heads)),
        rx.el.tbody(rx.foreach(AdminTeams.territories, _territory)), class_name="tbl",
        aria_label=words("admin.territories"),
    )  # fmt: skip
    none = empty("no_match", words("admin.no_territories"), words("admin.no_territories_why"))
    card = rx.el.section(
        rx.cond(AdminTeams.territories.length() > 0,
                rx.el.div(rows, class_name="scr", tab_index=0, role="region", aria_label=words("admin.territories")), none),
        class_name="card ad-c",
    )  # fmt: skip
    files = file_tools(AdminTeams, "xlsx", "csv")
    shown = rx.el.span(AdminTeams.shown, class_name="muted t1 nw", role="status")
    tools = rx.el.div(search, shown, files, rx.el.span(class_name="sp"), add, class_name="row ad-t")
    return admin_page(
        "/admin/territories", tools, landing_strip(), said(AdminTeams.refused),
        loaded(AdminTeams, card), drawer=territory_drawer(),
    )  # fmt: skip


def _territory(row: Any) -> rx.Component:
    rep = chosen(
        rx.el.option(words("admin.nobody"), value=""),
        rx.foreach(row.reps, lambda r: rx.el.option(r.text, value=r.value)),
        value=row.rep_id, on_told=lambda rep_id: AdminTeams.hand_over(row.id, rep_id), is_held=True,
        class_name="input sm pick", aria_label=f"{words('admin.rep')}: {row.name}",
    )  # fmt: skip
    return rx.el.tr(
        rx.el.td(named(row, AdminTeams.rename_territory)), rx.el.td(_takes(row)), rx.el.td(row.team),
        rx.el.td(rep), rx.el.td(row.clients, class_name="num"), rx.el.td(row.wanted, class_name="num nw"),
        rx.el.td(rename(row), class_name="num"),
        aria_selected=rx.cond(AdminTerritory.opened == row.id, "true", "false"),
    )  # fmt: skip


def _takes(row: Any) -> rx.Component:
    """How a territory takes clients, and the way to change it."""
    says = f"{words('territory.area_and_rule')}: {row.name}"
    opens = button(words("territory.area_and_rule"), kind="ghost", small=True, aria_label=says,
                   on_click=AdminTerritory.open(row.id))  # fmt: skip
    return rx.el.div(
        rx.el.span(row.takes, class_name="te-w", title=row.takes), opens, class_name="te-r"
    )
