"""A person's data: what is kept, all of it in a file, or the track erased in two steps."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import reflex as rx

from fieldcrm.components import behaviour
from fieldcrm.components.download import download
from fieldcrm.components.icons import icon
from fieldcrm.components.parts import LEAVES, button, card, empty
from fieldcrm.components.section import AdminSection, Choice, loaded
from fieldcrm.components.session import ADMINISTERING, Desk, allows
from fieldcrm.components.words import words
from fieldcrm.kit import i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.kit.standing import UNDER_WAY
from fieldcrm.pages.admin import admin_page, said
from fieldcrm.people import service as people
from fieldcrm.privacy import service as privacy
from fieldcrm.privacy.model import Footprint, PersonFileView

LOOK_EVERY_MS = 1500


@dataclass
class Amount:
    """A kind of thing that is kept, and how much of it."""

    label: str
    value: str


@dataclass
class FileRow:
    """A person's file as the table shows it."""

    id: str
    who: str
    asked: str
    status: str
    word: str
    percent: int
    size: str
    until: str
    is_under_way: bool


class AdminPerson(AdminSection, Desk):
    """The chosen rep, what is kept of him, the erasure that is being prepared, the actor's files."""

    reps: list[Choice] = []
    rep: str = ""
    name: str = ""
    erase_title: str = ""
    type_login: str = ""
    kept: list[Amount] = []
    goes: list[Amount] = []
    stays: list[Amount] = []
    is_erasing: bool = False
    refused: str = ""
    done: str = ""
    files: list[FileRow] = []
    is_making: bool = False
    _seal: str = ""

    @rx.event
    @allows(ADMINISTERING)
    async def load(self):
        """Fill the page."""
        await self._enter()
        self.is_erasing, self.refused, self.done, self._seal = False, "", "", ""
        await self._show()

    async def _fill(self, cursor: str = "") -> None:
        actor = self._actor()
        every = await asyncio.to_thread(people.visible_reps, actor, True)
        self.reps = [Choice(r.id, r.name) for r in every]
        await self._read_files()
        if self.rep:
            self._tell(await asyncio.to_thread(privacy.footprint, actor, self.rep))

    def _tell(self, found: Footprint) -> None:
        self.name = found.name
        self.erase_title = self._t("privacy.erase_title", name=found.name)
        self.type_login = self._t("privacy.type_login", login=found.login)
        self.goes, self.stays = _goes(found, self.language), _stays(found, self.language)
        self.kept = [*self.goes, *self.stays]

    async def _read_files(self) -> None:
        found = await asyncio.to_thread(privacy.files, self._actor())
        self.files = [_file(each, self.language) for each in found]
        self.is_making = any(row.is_under_way for row in self.files)

    @rx.event
    @allows(ADMINISTERING)
    async def choose(self, rep_id: str):
        """Whose data."""
        self.rep, self.is_erasing, self.refused, self.done = str(rep_id)[:64], False, "", ""
        await self._show()

    @rx.event
    @allows(ADMINISTERING)
    async def ask_file(self):
        """Have his file made."""
        await self._try(privacy.ask_file, self.rep)

    @rx.event
    @allows(ADMINISTERING)
    async def cancel(self, file_id: str):
        """Stop making a file, or erase a ready one."""
        await self._try(privacy.cancel_file, str(file_id)[:64])

    async def _try(self, act: Any, row_id: str) -> None:
        self.refused, self.done = "", ""
        try:
            await asyncio.to_thread(act, self._actor(), row_id)
        except Refusal as error:
            self.refused = self._refusal(error)
        await self._read_files()

    @rx.event
    @allows(ADMINISTERING)
    async def look(self):
        """How far the files are."""
        if self.is_making:
            await self._read_files()

    @rx.event
    @allows(ADMINISTERING)
    async def prepare(self):
        """The first step: count anew what would go."""
        self.refused, self.done = "", ""
        try:
            counted = await asyncio.to_thread(privacy.count_erasure, self._actor(), self.rep)
        except Refusal as error:
            self.refused = self._refusal(error)
            return
        self._tell(counted.footprint)
        self._seal, self.is_erasing = counted.seal, True

    @rx.event
    @allows(ADMINISTERING)
    def leave(self):
        """Don't erase."""
        self.is_erasing, self.refused, self._seal = False, "", ""

    @rx.event
    @allows(ADMINISTERING)
    async def erase(self, data: dict):
        """The second step, with the login typed."""
        login, pictures = str(data.get("login", ""))[:200], bool(data.get("photos"))
        try:
            gone = await asyncio.to_thread(
                privacy.erase, self._actor(), self.rep, login, self._seal, pictures
            )
        except Refusal as error:
            self.refused = self._refusal(error)
            return
        self.is_erasing, self.refused, self._seal = False, "", ""
        self.done = self._t(
            "privacy.erased", fixes=gone.fixes, photos=gone.photos, messages=gone.messages
        )
        await self._show()


def _goes(found: Footprint, language: str) -> list[Amount]:
    """What an erasure takes."""
    counts = {
        "fixes": found.fixes,
        "waiting": found.waiting,
        "aside": found.aside,
        "alerts": found.alerts,
        "messages": found.messages,
    }
    told = [_amount(name, count, language) for name, count in counts.items()]
    if found.first_at and found.last_at:
        days = (i18n.day(at.date(), language, "d MMM y") for at in (found.first_at, found.last_at))
        told.insert(1, Amount(i18n.t("privacy.span", language), " – ".join(days)))
    return told


def _stays(found: Footprint, language: str) -> list[Amount]:
    told = [_amount("visits", found.visits, language), _amount("shifts", found.shifts, language)]
    photos = _amount("photos", found.photos, language)
    if found.photos:
        photos.value += f" ({_megabytes(found.photo_bytes, language)})"
    return [*told, photos]


def _amount(name: str, count: int, language: str) -> Amount:
    shown = i18n.number(count, language) if count else i18n.t("privacy.none_kept", language)
    return Amount(i18n.t(f"privacy.{name}", language), shown)


def _megabytes(size: int, language: str) -> str:
    return i18n.t("privacy.mb", language, n=i18n.number(max(size / 1e6, 0.1), language, 1))


def _file(found: PersonFileView, language: str) -> FileRow:
    is_under_way, word = found.status in UNDER_WAY, i18n.t(f"privacy.file.{found.status}", language)
    doing = f"{word}: {i18n.t(found.note, language)}" if is_under_way and found.note else word
    is_ready = found.status == "ready"
    return FileRow(
        found.id, found.rep_name, i18n.moment(found.asked_at, language, "d MMM HH:mm"), found.status,
        doing, round(found.progress * 100), _megabytes(found.size, language) if is_ready else "",
        i18n.moment(found.expires_at, language, "d MMM HH:mm") if is_ready and found.expires_at else "",
        is_under_way,
    )  # fmt: skip


# ── the page ─────────────────────────────────────────────────────────────────────────────────────


def admin_person() -> rx.Component:
    """The page."""
    chosen = rx.el.select(
        rx.el.option(words("privacy.choose"), value=""),
        rx.foreach(AdminPerson.reps, lambda r: rx.el.option(r.text, value=r.value)), value=AdminPerson.rep,
        on_change=AdminPerson.choose, class_name="input sm pick", aria_label=words("privacy.whose"),
    )  # fmt: skip
    tools = rx.el.div(
        rx.el.span(words("privacy.whose"), class_name="muted t1"), chosen, class_name="row ad-t"
    )
    looks = rx.cond(
        AdminPerson.is_making, behaviour.ticker(LOOK_EVERY_MS, AdminPerson.look), rx.fragment()
    )
    body = rx.el.div(
        rx.cond(AdminPerson.rep != "", rx.cond(AdminPerson.is_erasing, _erasing(), _kept()), _nobody()),
        _files(), class_name="pv",
    )  # fmt: skip
    return admin_page("/admin/person", tools, looks, loaded(AdminPerson, body))


def _nobody() -> rx.Component:
    why = empty("locked", words("privacy.choose"), words("privacy.choose_why"))
    return rx.el.section(why, class_name="card")


def _amounts(rows: Any) -> rx.Component:
    return rx.el.dl(
        rx.foreach(rows, lambda a: rx.el.div(rx.el.dt(a.label), rx.el.dd(a.value))),
        class_name="sec facts pv-a",
    )


def _kept() -> rx.Component:
    return card(
        AdminPerson.name, _amounts(AdminPerson.kept),
        rx.el.div(
            said(AdminPerson.refused), said(AdminPerson.done, "ok"),
            rx.el.div(
                button(icon("download"), words("privacy.ask_file"), kind="primary", on_click=AdminPerson.ask_file),
                button(icon("trash"), words("privacy.erase"), kind="danger", on_click=AdminPerson.prepare),
                class_name="row",
            ),
            rx.el.p(words("privacy.ask_file_why"), class_name="muted t1"), class_name="sec said pv-b",
        ),
    )  # fmt: skip


def _erasing() -> rx.Component:
    tick = rx.el.label(
        rx.el.input(type="checkbox", name="photos"), words("privacy.with_photos"), class_name="tick"
    )
    typed = rx.el.label(
        rx.el.span(AdminPerson.type_login),
        rx.el.input(name="login", class_name="input", auto_complete="off", auto_focus=True), class_name="field",
    )  # fmt: skip
    form = rx.el.form(
        tick, typed, said(AdminPerson.refused),
        rx.el.div(
            button(icon("trash"), words("privacy.erase_now"), kind="danger solid", type="submit"),
            button(words("privacy.keep_it"), on_click=AdminPerson.leave, custom_attrs=LEAVES), class_name="row",
        ),
        on_submit=AdminPerson.erase, class_name="sec said pv-b",
    )  # fmt: skip
    return card(
        AdminPerson.erase_title,
        rx.el.div(rx.el.h3(words("privacy.goes")), class_name="sec pv-h"), _amounts(AdminPerson.goes),
        rx.el.div(rx.el.h3(words("privacy.stays")), rx.el.p(words("privacy.stays_why"), class_name="muted t1"),
                  class_name="sec said pv-h"),
        _amounts(AdminPerson.stays), form,
    )  # fmt: skip


def _files() -> rx.Component:
    heads = ("who", "asked", "state", "size", "until", "act")
    rows = rx.el.table(
        rx.el.thead(rx.el.tr(*[rx.el.th(words(f"privacy.file.{k}"), scope="col") for k in heads])),
        rx.el.tbody(rx.foreach(AdminPerson.files, _line)), class_name="tbl tight", aria_label=words("privacy.files"),
    )  # fmt: skip
    none = rx.el.p(words("privacy.files_none"), class_name="sec muted t1")
    listed = rx.el.div(
        rows, class_name="scr", tab_index=0, role="region", aria_label=words("privacy.files")
    )
    return card(words("privacy.files"), rx.cond(AdminPerson.files.length() > 0, listed, none))


def _line(row: Any) -> rx.Component:
    bar = rx.el.div(rx.el.i(style={"width": f"{row.percent}%"}), class_name="bart", role="progressbar",
                    aria_valuenow=row.percent, aria_valuemin=0, aria_valuemax=100, aria_label=row.word)  # fmt: skip
    state = rx.el.div(row.word, rx.cond(row.is_under_way, bar, rx.fragment()))
    act = rx.cond(
        row.status == "ready",
        rx.el.div(
            download(words("privacy.file.fetch"), f"/api/v1/person-files/{row.id}/file"),
            button(words("privacy.file.erase"), small=True, kind="ghost", on_click=AdminPerson.cancel(row.id)),
            class_name="row",
        ),
        rx.cond(row.is_under_way, button(words("privacy.file.cancel"), small=True, on_click=AdminPerson.cancel(row.id)),
                rx.fragment()),
    )  # fmt: skip
    return rx.el.tr(
        rx.el.td(row.who, class_name="med"), rx.el.td(row.asked, class_name="muted nw"), rx.el.td(state),
        rx.el.td(row.size, class_name="num nw"), rx.el.td(row.until, class_name="muted nw"), rx.el.td(act),
    )  # fmt: skip
