"""A list as a file: asked for in one of its forms, made in the background, fetched when it is ready."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import reflex as rx

from fieldcrm.components import behaviour
from fieldcrm.components.icons import icon
from fieldcrm.components.parts import icon_button
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.components.words import words
from fieldcrm.exports import service as exports
from fieldcrm.exports.model import ExportView
from fieldcrm.kit import i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.kit.standing import UNDER_WAY, FileStatus

LOOK_EVERY_MS = 1500
SHOWN = 6
FORMS = {"csv": "CSV", "xlsx": "Excel", "geojson": "GeoJSON", "vcf": "vCard"}


@dataclass
class FileRow:
    """A file that the person asked for."""

    id: str
    title: str
    word: str
    percent: int
    is_under_way: bool
    is_ready: bool


class ListFiles(Desk, mixin=True):
    """Part of a list's state; the page says in `_asked` which list it is and what narrows it."""

    files: list[FileRow] = []
    is_making: bool = False
    file_problem: str = ""

    def _asked(self) -> tuple[str, dict[str, Any]]:
        """(name of the list, what narrows and orders it)."""
        raise NotImplementedError

    async def _read_files(self) -> None:
        found = await asyncio.to_thread(exports.exports, self._actor())
        self.files = [_row(each, self.language) for each in found[:SHOWN]]
        self.is_making = any(row.is_under_way for row in self.files)

    async def _try(self, act: Any, *args: Any) -> None:
        self.file_problem = ""
        try:
            await asyncio.to_thread(act, self._actor(), *args)
        except Refusal as error:
            self.file_problem = self._refusal(error)
        await self._read_files()

    @rx.event
    @allows(DISPATCHING)
    async def ask_file(self, form: str):
        """Have the list as it stands made into a file."""
        list_name, asked = self._asked()
        await self._try(exports.ask, list_name, str(form)[:10], asked)

    @rx.event
    @allows(DISPATCHING)
    async def cancel_file(self, file_id: str):
        """Stop making a file, or erase a ready one."""
        await self._try(exports.cancel, str(file_id)[:64])

    @rx.event
    @allows(DISPATCHING)
    async def look_files(self):
        """How far the files are."""
        if self.is_making:
            await self._read_files()


def _row(found: ExportView, language: str) -> FileRow:
    form = FORMS.get(found.form, found.form)
    asked = i18n.moment(found.asked_at, language, "d MMM HH:mm")
    title = f"{i18n.t(f'client_list.list.{found.list_name}', language)} · {form} · {asked}"
    is_ready = found.status is FileStatus.ready
    word = i18n.t(f"client_list.file.{found.status}", language)
    if is_ready:
        word = i18n.t(
            "client_list.file_size", language, mb=i18n.number(found.size / 1e6, language, 1)
        )
    return FileRow(
        found.id, title, word, round(found.progress * 100), found.status in UNDER_WAY, is_ready
    )


# ── parts of a page ──────────────────────────────────────────────────────────────────────────────


def file_tools(state: Any, *forms: str, told: Any = None) -> rx.Component:
    """A menu of the forms that a list can be given in, and of the files that were asked for.

    `told` stands above the forms: what a file would hold.
    """
    asks = [
        rx.el.button(FORMS[form], type="button", class_name="btn sm", on_click=state.ask_file(form))
        for form in forms
    ]
    looks = rx.cond(
        state.is_making, behaviour.ticker(LOOK_EVERY_MS, state.look_files), rx.fragment()
    )
    return rx.el.details(
        rx.el.summary(icon("download", "s"), words("client_list.export"), class_name="btn sm"),
        rx.el.div(
            looks, told or rx.fragment(), rx.el.div(*asks, class_name="row li-w", role="group", aria_label=words("client_list.form")),
            rx.cond(state.file_problem != "", rx.el.p(state.file_problem, class_name="t1 late", role="alert"),
                    rx.fragment()),
            rx.el.ul(rx.foreach(state.files, lambda f: _line(f, state)), class_name="li-v", aria_live="polite"),
            rx.el.p(words("client_list.file_note"), class_name="t1 muted"),
            class_name="of-m card li-f li-r",
        ),
        class_name="of-d",
    )  # fmt: skip


def _line(f: Any, state: Any) -> rx.Component:
    fetched = rx.el.a(
        icon("download", "s"), f.title, href=f"/api/v1/exports/{f.id}/file", class_name="way med",
        custom_attrs={"download": "", "reloadDocument": True},
    )  # fmt: skip
    bar = rx.el.progress(value=f.percent.to_string(), max="100", aria_label=f.title)
    gone = icon_button(
        "x", f"{words('client_list.cancel_file')}: {f.title}", on_click=state.cancel_file(f.id)
    )
    return rx.el.li(
        rx.cond(f.is_ready, fetched, rx.el.span(f.title)),
        rx.cond(f.is_under_way, bar, rx.el.span(f.word, class_name="t1 muted")),
        rx.cond(f.is_under_way | f.is_ready, gone, rx.fragment()), class_name="row",
    )  # fmt: skip
