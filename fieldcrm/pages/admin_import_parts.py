"""Parts of the import's page: what is kept of how a file is read, what changes, taking a run back."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.clients.import_places import BOXES
from fieldcrm.components.download import download
from fieldcrm.components.icons import icon
from fieldcrm.components.parts import badge, button, icon_button, note
from fieldcrm.components.typed import chosen
from fieldcrm.components.words import words
from fieldcrm.pages.admin_import_state import AdminImport


def switches() -> rx.Component:
    """Whether a row names the columns, and whether a bad row keeps the others out."""
    told = AdminImport.header_told
    header = rx.cond(told == "", words("admin.import.header"), told)
    return rx.el.div(
        _switch(header, AdminImport.has_header, AdminImport.switch_header()),
        _switch(words("admin.import.whole"), AdminImport.whole, AdminImport.switch_whole()),
        class_name="row im-sw",
    )


def above() -> rx.Component:
    """The lines above the header, which are no rows: they are named, so that nothing is lost unseen."""
    return rx.cond(
        AdminImport.above == "", rx.fragment(), note("info", AdminImport.above, role="status")
    )


def problem_files() -> rx.Component:
    """The problems as a file, all of them while nothing is written."""
    at = f"/api/v1/clients/imports/{AdminImport.run_id}/problems."
    files = [download(name, at + form) for name, form in (("CSV", "csv"), ("Excel", "xlsx"))]
    named = rx.el.div(
        *files, class_name="row g1", role="group", aria_label=words("admin.import.problems_file")
    )
    return rx.cond(AdminImport.troubles.length() > 0, named, rx.fragment())


def _switch(label: Any, is_on: Any, press: Any) -> rx.Component:
    return rx.el.label(
        rx.el.input(type="checkbox", checked=is_on, on_change=lambda _: press,
                    disabled=AdminImport.is_busy),
        label, class_name="im-s",
    )  # fmt: skip


def country() -> rx.Component:
    """Whose national phone numbers the file holds."""
    choice = chosen(
        rx.el.option(words("admin.import.own_country"), value=""),
        *[rx.el.option(code, value=code) for code in sorted(BOXES)],
        value=AdminImport.country, on_told=lambda v: AdminImport.choose("country", v),
        class_name="input sm",
    )  # fmt: skip
    return rx.el.label(words("admin.import.country"), choice, class_name="im-c")


def templates() -> rx.Component:
    """The template by which the file is read, and keeping this reading as one."""
    choice = rx.el.select(
        rx.el.option(words("admin.import.template.none"), value=""),
        rx.foreach(AdminImport.templates, lambda name: rx.el.option(name, value=name)),
        value=AdminImport.template, on_change=AdminImport.use_template, class_name="input sm pick",
        aria_label=words("admin.import.template"),
    )  # fmt: skip
    drop = icon_button(
        "trash", words("admin.import.template.drop"), on_click=AdminImport.drop_template
    )
    name = rx.el.input(name="name", required=True, max_length=80, class_name="input sm",
                       placeholder=words("admin.import.template.name"),
                       aria_label=words("admin.import.template.name"))  # fmt: skip
    keep = rx.el.form(
        name, button(words("admin.import.template.save"), small=True, type="submit"),
        on_submit=AdminImport.save_template, reset_on_submit=True, class_name="row im-t",
    )  # fmt: skip
    return rx.el.footer(
        choice,
        rx.cond(AdminImport.template != "", drop, rx.fragment()),
        keep,
        class_name="row im-tf",
    )


def field_changes(example: Any) -> rx.Component:
    """What of a row changes: what stands there now struck through, what will stand there marked."""
    return rx.el.ul(rx.foreach(example.fields, _field_change), class_name="im-f")


def _field_change(field: Any) -> rx.Component:
    before = rx.cond(
        field.before != "",
        rx.fragment(rx.el.del_(field.before), rx.el.span(" → ", aria_hidden="true")),
        rx.fragment(),
    )
    after = rx.cond(field.before != "", rx.el.ins(field.after), rx.el.span(field.after))
    return rx.el.li(rx.el.span(field.name, ": ", class_name="muted"), before, after)


def told() -> rx.Component:
    """What was just done, or what stands against undoing it."""
    standing = rx.el.ul(
        rx.foreach(AdminImport.against, lambda line: rx.el.li(line)), class_name="im-a"
    )
    return rx.fragment(
        rx.cond(AdminImport.told != "", note("ok", AdminImport.told, role="status"), rx.fragment()),
        rx.cond(
            AdminImport.against.length() > 0,
            rx.el.section(
                rx.el.h3(words("admin.import.against")), standing, class_name="card im-g"
            ),
            rx.fragment(),
        ),
    )


def undo_button(run_id: Any, small: bool = True) -> rx.Component:
    """One click takes an import back."""
    is_it = AdminImport.undoing == run_id
    return button(
        icon("undo-2", "s"),
        rx.cond(is_it, words("admin.import.undoing"), words("admin.import.undo")),
        kind="ghost" if small else "", small=small, on_click=AdminImport.undo(run_id),
        disabled=AdminImport.undoing != "",
    )  # fmt: skip


def past_run(row: Any) -> rx.Component:
    """An import of the past; one that still goes can be stopped, one that is in can be undone."""
    tone = rx.match(row.status, ("done", "ok"), ("failed", "err"), ("running", "accent"), "warn")
    stop = button(
        words("admin.import.stop_this"), kind="ghost", small=True, on_click=AdminImport.stop(row.id)
    )
    acts = rx.cond(
        row.status == "running", stop, rx.cond(row.can_undo, undo_button(row.id), rx.fragment())
    )
    return rx.el.tr(
        rx.el.td(row.at, class_name="muted"), rx.el.td(row.who), rx.el.td(row.file_name),
        rx.el.td(badge(row.status_word, tone=tone), acts, class_name="nw"),
        rx.el.td(rx.el.div(row.told, class_name="el", title=row.told), class_name="why muted"),
    )  # fmt: skip
