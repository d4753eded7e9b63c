"""How long things are kept, and how the parts are."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import reflex as rx

from fieldcrm.components.icons import glyph
from fieldcrm.components.parts import button, card
from fieldcrm.components.section import AdminSection, loaded
from fieldcrm.components.session import ADMINISTERING, Desk, allows
from fieldcrm.components.words import words
from fieldcrm.kit import i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages.admin import admin_page, said
from fieldcrm.reports import health
from fieldcrm.tracking import policy
from fieldcrm.tracking.model import BadPolicy
from fieldcrm.tracking.policy import Overdue, Policy


@dataclass
class PartRow:
    """A part of the product and how it is."""

    name: str
    state: str
    glyph: str


@dataclass
class Form:
    """The choices as the form shows them."""

    keep_days: str = ""
    alert_days: str = ""
    photo_days: str = ""
    quiet_from: str = ""
    quiet_to: str = ""


GLYPHS = {"ok": "confirmed", "down": "contradicted", "unknown": "doubtful"}


class AdminData(AdminSection, Desk):
    """The form, what a shorter time would erase, and the state of the parts."""

    form: Form = Form()
    version: int = 0
    """Counts savings, so that the form is drawn anew."""
    refused: str = ""
    saved: str = ""
    warning: str = ""
    """What the next night would erase; saving waits for a second press."""
    parts: list[PartRow] = []
    aside: str = ""
    has_aside: bool = False
    _wanted: dict[str, int | None] = {}

    @rx.event
    @allows(ADMINISTERING)
    async def load(self):
        """Fill the page."""
        await self._enter()
        self.refused, self.saved, self.warning = "", "", ""
        await self._show()

    async def _fill(self, cursor: str = "") -> None:
        found = await asyncio.to_thread(policy.policy, self._actor())
        told = await asyncio.to_thread(health.report)
        self.form, self.version = _form(found), self.version + 1
        self.parts = [_part(name, state, self.language) for name, state in told["parts"].items()]
        self.has_aside = bool(told["unreadable"])
        self.aside = _aside(told["unreadable"], self.language)

    @rx.event
    @allows(ADMINISTERING)
    async def save(self, data: dict):
        """Save at once where nothing would be erased, else say what first."""
        self.refused, self.saved, self.warning = "", "", ""
        try:
            self._wanted = _changes(data)
            gone = await asyncio.to_thread(policy.overdue, self._actor(), **self._wanted)
        except Refusal as error:
            self.refused = self._refusal(error)
            return
        if gone == Overdue():
            await self._save()
        else:
            self.form = _form(Policy(**self._wanted))  # type: ignore[arg-type]
            self.warning = self._t("privacy.keep.will_go", **vars(gone))

    @rx.event
    @allows(ADMINISTERING)
    async def save_and_erase(self):
        """The second press."""
        if self.warning:
            await self._save()

    @rx.event
    @allows(ADMINISTERING)
    async def back(self):
        """Leave everything as it was."""
        self.warning = ""
        await self._show()

    async def _save(self) -> None:
        try:
            await asyncio.to_thread(policy.set_policy, self._actor(), **self._wanted)
        except Refusal as error:
            self.refused = self._refusal(error)
            return
        self.warning, self.saved = "", self._t("privacy.keep.saved")
        await self._show()


def _form(found: Policy) -> Form:
    return Form(
        str(found.keep_days), str(found.alert_days), str(found.photo_days or ""),
        _clock(found.quiet_from_min), _clock(found.quiet_to_min),
    )  # fmt: skip


def _clock(minute: int | None) -> str:
    return "" if minute is None else f"{minute // 60:02}:{minute % 60:02}"


def _changes(data: dict[str, Any]) -> dict[str, int | None]:
    """The form's texts as a policy. Raises BadPolicy."""
    quiet = [str(data.get(name, "")).strip() for name in ("quiet_from", "quiet_to")]
    start, end = policy.minutes_of("-".join(quiet) if any(quiet) else "none")
    return {
        "keep_days": _days(data, "keep_days"), "alert_days": _days(data, "alert_days"),
        "photo_days": _days(data, "photo_days") if str(data.get("photo_days", "")).strip() else None,
        "quiet_from_min": start, "quiet_to_min": end,
    }  # fmt: skip


def _days(data: dict[str, Any], name: str) -> int:
    text = str(data.get(name, "")).strip()
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise BadPolicy(field=name)
    return int(text)


def _part(name: str, state: str, language: str) -> PartRow:
    word = i18n.t(f"privacy.health.{state}", language)
    return PartRow(
        i18n.t(f"privacy.health.part.{name}", language), word, GLYPHS.get(state, "doubtful")
    )


def _aside(pieces: int | None, language: str) -> str:
    if pieces is None:
        return i18n.t("privacy.health.unknown", language)
    key = "privacy.health.aside_some" if pieces else "privacy.health.aside_none"
    return i18n.t(key, language, n=pieces)


# ── the page ─────────────────────────────────────────────────────────────────────────────────────


def admin_data() -> rx.Component:
    """The page."""
    both = rx.el.div(_keeping(), _health(), class_name="pv")
    return admin_page("/admin/data", loaded(AdminData, both))


def _keeping() -> rx.Component:
    form = rx.el.form(
        _number("keep_days", AdminData.form.keep_days, "privacy.keep.tracks", "privacy.keep.tracks_why"),
        _number("alert_days", AdminData.form.alert_days, "privacy.keep.alerts", "privacy.keep.alerts_why"),
        _number("photo_days", AdminData.form.photo_days, "privacy.keep.photos", "privacy.keep.photos_why"),
        _quiet(), said(AdminData.refused), said(AdminData.saved, "ok"),
        rx.cond(AdminData.warning != "", _sure(), rx.el.div(
            button(words("privacy.keep.save"), kind="primary", type="submit"), class_name="row")),
        on_submit=AdminData.save, class_name="pv-f", key=f"keep-{AdminData.version}",
    )  # fmt: skip
    return card(words("privacy.keep.title"), form)


def _number(name: str, value: Any, label: str, why: str) -> rx.Component:
    box = rx.el.input(
        type="text", input_mode="numeric", name=name, default_value=value, class_name="input num", id=name,
        auto_complete="off", aria_describedby=f"{name}-why",
    )  # fmt: skip
    return rx.el.div(
        rx.el.label(words(label), html_for=name), box,
        rx.el.p(words(why), id=f"{name}-why", class_name="hint muted t1"), class_name="pv-i",
    )  # fmt: skip


def _quiet() -> rx.Component:
    def hour(name: str, value: Any, label: str) -> rx.Component:
        return rx.el.input(type="time", name=name, default_value=value, class_name="input", aria_label=words(label))  # fmt: skip

    return rx.el.div(
        rx.el.span(words("privacy.keep.quiet"), class_name="lb"),
        rx.el.div(
            hour("quiet_from", AdminData.form.quiet_from, "privacy.keep.from"), "–",
            hour("quiet_to", AdminData.form.quiet_to, "privacy.keep.to"), class_name="row",
        ),
        rx.el.p(words("privacy.keep.quiet_why"), class_name="hint muted t1"), class_name="pv-i",
    )  # fmt: skip


def _sure() -> rx.Component:
    return rx.el.div(
        rx.el.div(AdminData.warning, class_name="note warn", role="alert"),
        rx.el.div(
            button(words("privacy.keep.save_and_erase"), kind="danger solid", on_click=AdminData.save_and_erase),
            button(words("privacy.keep.back"), on_click=AdminData.back), class_name="row",
        ),
        class_name="pv-s",
    )  # fmt: skip


def _health() -> rx.Component:
    aside = rx.el.div(
        rx.el.dt(words("privacy.health.aside")),
        rx.el.dd(
            AdminData.aside,
            rx.cond(AdminData.has_aside, rx.el.p(words("privacy.health.aside_why"), class_name="muted t1"), rx.fragment()),
        ),
    )  # fmt: skip
    parts = rx.foreach(
        AdminData.parts,
        lambda p: rx.el.div(rx.el.dt(p.name), rx.el.dd(glyph(p.glyph, "s"), p.state, class_name="row")),
    )  # fmt: skip
    return card(words("privacy.health.title"), rx.el.dl(parts, aside, class_name="sec facts"))
