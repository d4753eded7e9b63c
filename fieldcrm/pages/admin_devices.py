"""Devices: what speaks for reps, when it was last heard, pairing by a code, cutting off."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass
from typing import Any

import reflex as rx

from fieldcrm.components.alerts import Toast
from fieldcrm.components.behaviour import age
from fieldcrm.components.icons import icon
from fieldcrm.components.messages import Messages
from fieldcrm.components.parts import LEAVES, badge, button, empty, icon_button
from fieldcrm.components.section import AdminSection, Choice, loaded
from fieldcrm.components.session import ADMINISTERING, Desk, allows
from fieldcrm.components.typed import typed
from fieldcrm.components.words import words
from fieldcrm.kit import i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages.admin import admin_page, labelled, said
from fieldcrm.people import registry
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, DeviceKind
from fieldcrm.tracking import service as tracking

PAIRED = tuple(k for k in DeviceKind if k is not DeviceKind.pwa)


@dataclass
class DeviceRow:
    """A device as the table shows it; `fix_ms` is its rep's last fix (0: none known)."""

    id: str
    rep_id: str
    rep: str
    kind: str
    name: str
    version: str
    paired: str
    fix_ms: float
    is_revoked: bool
    revoked: str


class AdminDevices(AdminSection, Desk):
    """The table, and the code of a device that was just paired."""

    rows: list[DeviceRow] = []
    reps: list[Choice] = []
    search: str = ""
    living_only: bool = True
    asked: str = ""
    """The device whose revocation awaits a second press."""
    is_pairing: bool = False
    refused: str = ""
    qr: str = ""
    uri: str = ""
    paired_for: str = ""

    @rx.event
    @allows(ADMINISTERING)
    async def load(self):
        """Fill the page."""
        await self._enter()
        self.is_pairing, self.qr, self.uri, self.asked = False, "", "", ""
        await self._show()

    @rx.event
    @allows(ADMINISTERING)
    async def find(self, text: str):
        """Devices whose rep or name holds the text."""
        self.search = str(text)[:100]
        await self._show()

    @rx.event
    @allows(ADMINISTERING)
    async def switch_living(self):
        """Living devices only, or the revoked ones too."""
        self.living_only = not self.living_only
        await self._show()

    async def _fill(self, cursor: str = "") -> None:
        every, self.reps = await asyncio.to_thread(_rows, self._actor(), self.language)
        wanted = self.search.strip().casefold()
        kept = [r for r in every if not (self.living_only and r.is_revoked)]
        self.rows = [r for r in kept if wanted in f"{r.rep} {r.name} {r.kind}".casefold()]

    @rx.event
    @allows(ADMINISTERING)
    async def revoke(self, device_id: str):
        """Asks once, then cuts the device off."""
        if self.asked != device_id:
            self.asked = device_id
            return
        self.asked = ""
        messages = await self.get_state(Messages)
        try:
            await asyncio.to_thread(registry.revoke_device, self._actor(), device_id)
        except Refusal as error:
            messages._say(Toast("device", "err", "contradicted", self._refusal(error)))
            return
        messages._say(Toast("device", "ok", "confirmed", self._t("admin.revoked_done")))
        await self._show()

    @rx.event
    @allows(ADMINISTERING)
    def start_pairing(self):
        """Open the drawer."""
        self.is_pairing, self.qr, self.uri, self.refused = True, "", "", ""

    @rx.event
    @allows(ADMINISTERING)
    def stop_pairing(self):
        """Close it; the code is not shown again."""
        self.is_pairing, self.qr, self.uri = False, "", ""

    @rx.event
    @allows(ADMINISTERING)
    async def pair(self, data: dict):
        """A new device and its code, shown now only."""
        wanted = (str(data.get("rep_id", "")), str(data.get("kind", "")), str(data.get("name", "")))
        try:
            device, _, uri, svg = await asyncio.to_thread(
                registry.pair_device, self._actor(), *wanted, self.router.url.hostname
            )
        except Refusal as error:
            self.refused = self._refusal(error)
            return
        self.refused, self.uri = "", uri
        self.qr = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
        self.paired_for = next((r.text for r in self.reps if r.value == device.user_id), "")
        await self._show()


def _rows(actor: Actor, language: str) -> tuple[list[DeviceRow], list[Choice]]:
    reps = {r.id: r for r in people.visible_reps(actor, inactive=True)}
    heard = {r.rep_id: r.fix_at_ms or 0 for r in tracking.live(actor)}
    rows = [
        DeviceRow(
            d.id, d.user_id, reps[d.user_id].name, i18n.t(f"admin.kind.{d.kind}", language), d.name,
            d.app_version, i18n.moment(d.paired_at, language, "d MMM y HH:mm"),
            0 if d.revoked_at else heard.get(d.user_id, 0), d.revoked_at is not None,
            i18n.moment(d.revoked_at, language) if d.revoked_at else "",
        )
        for d in registry.list_devices(actor) if d.user_id in reps
    ]  # fmt: skip
    return rows, [Choice(r.id, r.name) for r in reps.values() if r.is_active]


# ── the page ─────────────────────────────────────────────────────────────────────────────────────


def admin_devices() -> rx.Component:
    """The page."""
    drawer = rx.cond(AdminDevices.is_pairing, _drawer(), rx.fragment())
    search = typed(
        AdminDevices.search, AdminDevices.find, type="search", class_name="input sm ad-find",
        placeholder=words("admin.find_device"), aria_label=words("admin.find_device"),
    )  # fmt: skip
    living = rx.el.label(
        rx.el.input(type="checkbox", checked=AdminDevices.living_only, on_change=lambda _: AdminDevices.switch_living()),
        words("admin.living_only"), class_name="tick",
    )  # fmt: skip
    tools = rx.el.div(
        search, living, rx.el.span(class_name="sp"),
        button(icon("qr-code"), words("admin.pair"), kind="primary", on_click=AdminDevices.start_pairing),
        class_name="row ad-t",
    )  # fmt: skip
    return admin_page("/admin/devices", tools, loaded(AdminDevices, _table()), drawer=drawer)


def _table() -> rx.Component:
    heads = ["rep", "device", "kind", "app", "paired", "last_fix"]
    rows = rx.el.table(
        rx.el.thead(rx.el.tr(*[rx.el.th(words(f"admin.{k}"), scope="col") for k in heads],
                             rx.el.th(rx.el.span(words("admin.change"), class_name="vh"), scope="col"))),
        rx.el.tbody(rx.foreach(AdminDevices.rows, _line)), class_name="tbl", aria_label=words("admin.devices"),
    )  # fmt: skip
    none = empty("no_match", words("admin.no_devices"), words("admin.no_devices_why"))
    return rx.el.section(
        rx.cond(AdminDevices.rows.length() > 0,
                rx.el.div(rows, class_name="scr", tab_index=0, role="region", aria_label=words("admin.devices")), none),
        class_name="card ad-c",
    )  # fmt: skip


def _line(row: Any) -> rx.Component:
    act = rx.cond(
        row.is_revoked, badge(words("admin.is_revoked"), " ", row.revoked, tone="line"),
        button(rx.cond(AdminDevices.asked == row.id, words("admin.revoke_sure"), words("admin.revoke")),
               kind="danger", small=True, on_click=AdminDevices.revoke(row.id)),
    )  # fmt: skip
    return rx.el.tr(
        rx.el.td(row.rep, class_name="med"), rx.el.td(row.name), rx.el.td(row.kind),
        rx.el.td(row.version, class_name="mono muted"), rx.el.td(row.paired, class_name="muted"),
        rx.el.td(rx.cond(row.is_revoked, rx.el.span("—", class_name="faint"), age(row.rep_id, row.fix_ms))),
        rx.el.td(act, class_name="num"),
    )  # fmt: skip


def _drawer() -> rx.Component:
    title = words("admin.pair")
    head = rx.el.div(
        rx.el.h2(title), rx.el.span(class_name="sp"),
        icon_button("x", words("desk.close"), on_click=AdminDevices.stop_pairing, custom_attrs=LEAVES), class_name="sec-h",
    )  # fmt: skip
    form = rx.el.form(
        labelled(words("admin.rep"), rx.el.select(
            rx.foreach(AdminDevices.reps, lambda r: rx.el.option(r.text, value=r.value)), name="rep_id",
            class_name="input"), wide=True),
        labelled(words("admin.kind"), rx.el.select(
            *[rx.el.option(words(f"admin.kind.{k}"), value=k) for k in PAIRED], name="kind", class_name="input")),
        labelled(words("admin.device"), rx.el.input(name="name", class_name="input", auto_complete="off")),
        said(AdminDevices.refused),
        rx.el.p(words("admin.shift_first"), class_name="muted t1 wide"),
        rx.el.div(button(words("admin.make_code"), kind="primary", type="submit"), class_name="row"),
        on_submit=AdminDevices.pair, class_name="ad-f",
    )  # fmt: skip
    code = rx.el.div(
        rx.el.p(words("admin.scan"), " ", rx.el.b(AdminDevices.paired_for)),
        rx.el.img(src=AdminDevices.qr, alt=words("admin.qr"), class_name="qr"),
        rx.el.p(words("admin.shown_once"), class_name="muted t1"),
        rx.el.p(words("admin.shift_first"), class_name="note info"),
        rx.el.textarea(default_value=AdminDevices.uri, read_only=True, rows="5", class_name="input mono area",
                       aria_label=words("admin.setup_link"), key=AdminDevices.uri),
        class_name="sec said",
    )  # fmt: skip
    return rx.el.aside(
        head,
        rx.el.div(rx.cond(AdminDevices.qr != "", code, form), class_name="dr-b", tab_index=0, role="region", aria_label=words("admin.form")),
        class_name="drawer", aria_label=title,
    )  # fmt: skip
