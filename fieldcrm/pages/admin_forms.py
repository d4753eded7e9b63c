"""Visit forms at the desk: made from a template or from nothing, looked at, put in use, changed."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
import copy
import json
from dataclasses import dataclass
from typing import Any

import reflex as rx

from fieldcrm.components.alerts import Toast
from fieldcrm.components.messages import Messages
from fieldcrm.components.section import AdminSection
from fieldcrm.components.session import ADMINISTERING, Desk, allows
from fieldcrm.forms import definitions, service, words
from fieldcrm.forms.model import BadForm
from fieldcrm.kit import i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages import forms_draft
from fieldcrm.pages.forms_draft import FieldForm, PreviewRow
from fieldcrm.people.model import Actor

MOST_FIELDS = 60


@dataclass
class FormRow:
    """A form as the list shows it."""

    id: str
    title: str
    kinds: str
    version: int
    made: str
    is_active: bool


@dataclass
class ProductRow:
    id: str
    name: str
    is_active: bool


class AdminForms(AdminSection, Desk):
    """The list of forms and products, and the form that is being made."""

    rows: list[FormRow] = []
    products: list[ProductRow] = []
    refused: str = ""
    is_editing: bool = False
    form_id: str = ""
    version: int = 0
    title_en: str = ""
    title_ru: str = ""
    title_ro: str = ""
    kinds: list[str] = []
    needs_step: bool = False
    checks: str = ""
    fields: list[PreviewRow] = []
    opened: int = -1
    """Index of the field that is open for change."""
    field: FieldForm = FieldForm()
    revision: int = 0
    """Rises so that inputs take their values anew."""
    faults: list[str] = []
    is_changed: bool = False
    _draft: str = "{}"
    """The definition as JSON: Reflex would wrap its parts, and readers want plain values."""

    @rx.event
    @allows(ADMINISTERING)
    async def load(self):
        """Fill the page."""
        await self._enter()
        self.is_editing, self.refused = False, ""
        await self._show()

    async def _fill(self, cursor: str = "") -> None:
        self.rows, self.products = await asyncio.to_thread(_lists, self._actor(), self.language)

    # ── which form ──

    @rx.event
    @allows(ADMINISTERING)
    async def begin(self, template: str):
        """A new form, from a template or from nothing."""
        known = service.templates().get(str(template))
        told = definitions.plain(known) if known else copy.deepcopy(forms_draft.BLANK)
        self._take(told, "", 0)

    @rx.event
    @allows(ADMINISTERING)
    async def edit(self, form_id: str):
        """Open a form as it stands."""
        row = next((r for r in self.rows if r.id == form_id), None)
        if row is None:
            return
        found = await asyncio.to_thread(service.get_version, self._actor(), row.id, row.version)
        self._take(definitions.plain(found), row.id, row.version)

    def _read(self) -> dict[str, Any]:
        return json.loads(self._draft)

    def _take(self, told: dict[str, Any], form_id: str, version: int) -> None:
        draft = {**forms_draft.BLANK, **told}
        self.form_id, self.version, self.is_editing = form_id, version, True
        for name, text in forms_draft.texts_of(draft["title"], "title").items():
            setattr(self, name, text)
        self.kinds = [*draft["kinds"]]
        self.needs_step = draft.get("next_step") == "required"
        self.checks = forms_draft.check_lines(draft["checks"])
        self.opened, self.refused = -1, ""
        self._redraw(draft)
        self.is_changed = False

    @rx.event
    @allows(ADMINISTERING)
    def close(self):
        """Away with the editor; what wasn't saved is gone."""
        self.is_editing, self.opened = False, -1

    # ── what it says ──

    @rx.event
    @allows(ADMINISTERING)
    def write(self, name: str, text: str):
        """The title in a language, or the checks between fields."""
        if name not in ("title_en", "title_ru", "title_ro", "checks"):
            return
        setattr(self, name, str(text)[: forms_draft.MOST])
        self._changed(self._read())

    @rx.event
    @allows(ADMINISTERING)
    def switch_kind(self, kind: str):
        """Ask clients of a kind, or no more."""
        if kind in forms_draft.KINDS:
            others = [k for k in self.kinds if k != kind]
            self.kinds = others if kind in self.kinds else [*others, kind]
            self._changed(self._read())

    @rx.event
    @allows(ADMINISTERING)
    def switch_step(self):
        """A next step with its date, or why there is none: needed or not."""
        self.needs_step = not self.needs_step
        self._changed(self._read())

    # ── its fields ──

    @rx.event
    @allows(ADMINISTERING)
    def put_field(self, kind: str):
        """One more field at the end, opened."""
        draft = self._read()
        if kind in forms_draft.TYPES and len(draft["fields"]) < MOST_FIELDS:
            draft["fields"].append(forms_draft.new_field(draft, kind, self.language))
            self._changed(draft)
            self._open(len(draft["fields"]) - 1)

    @rx.event
    @allows(ADMINISTERING)
    def open_field(self, index: int):
        """A field for change; again closes it."""
        if self._has(index):
            self._open(-1 if self.opened == index else index)

    def _open(self, index: int) -> None:
        self.opened, self.revision = index, self.revision + 1
        made = self._read()["fields"][index] if index >= 0 else None
        self.field = forms_draft.form_of(made) if made else FieldForm()

    def _has(self, index: Any) -> bool:
        return isinstance(index, int) and 0 <= index < len(self._read().get("fields", []))

    @rx.event
    @allows(ADMINISTERING)
    def keep_field(self, data: dict):
        """The open field as its inputs say."""
        if not self._has(self.opened):
            return
        draft = self._read()
        draft["fields"][self.opened] = forms_draft.field_of(data)
        self._changed(draft)
        self._open(-1)

    @rx.event
    @allows(ADMINISTERING)
    def move_field(self, index: int, by: int):
        """A field up or down."""
        if self._has(index) and by in (-1, 1) and self._has(index + by):
            draft = self._read()
            rows = draft["fields"]
            rows[index], rows[index + by] = rows[index + by], rows[index]
            self._changed(draft)
            self._open(-1)

    @rx.event
    @allows(ADMINISTERING)
    def drop_field(self, index: int):
        """Away with a field; answers given to it stay with their version."""
        if self._has(index):
            draft = self._read()
            del draft["fields"][index]
            self._changed(draft)
            self._open(-1)

    def _changed(self, draft: dict[str, Any]) -> None:
        self.is_changed, self.refused = True, ""
        self._redraw(draft)

    def _redraw(self, draft: dict[str, Any]) -> None:
        whole = {**draft, **self._head()}
        self._draft = json.dumps(whole)
        names = [p.name for p in self.products if p.is_active]
        self.fields = forms_draft.preview(whole, names, self.language)
        self.faults = _faults(whole, self.language)

    def _head(self) -> dict[str, Any]:
        titles = {f"title_{lang}": getattr(self, f"title_{lang}") for lang in i18n.LANGUAGES}
        return {
            "title": forms_draft.text_of(titles, "title") or "",
            "kinds": [k for k in forms_draft.KINDS if k in self.kinds],
            "next_step": "required" if self.needs_step else "optional",
            "checks": forms_draft.checks_of(self.checks),
        }

    # ── into use ──

    @rx.event
    @allows(ADMINISTERING)
    async def save(self):
        """The next version, asked from the phones' next sync on."""
        kept = self.form_id or None
        try:
            form = await asyncio.to_thread(
                service.save_form, self._actor(), self._read(), kept, self.version or None
            )
        except Refusal as error:
            self.refused = self._refusal(error)
            return
        await self._say("form_admin.saved", version=form.version)
        self.is_editing, self.opened = False, -1
        await self._show()

    @rx.event
    @allows(ADMINISTERING)
    async def switch_asked(self, form_id: str):
        """Ask a form, or no more."""
        row = next((r for r in self.rows if r.id == form_id), None)
        if row is not None:
            await self._do(service.set_active, self._actor(), row.id, not row.is_active)

    @rx.event
    @allows(ADMINISTERING)
    async def add_product(self, data: dict):
        """One more product for every phone."""
        await self._do(service.save_product, self._actor(), str(data.get("name", "")))

    @rx.event
    @allows(ADMINISTERING)
    async def switch_product(self, product_id: str):
        """Offer a product, or no more."""
        row = next((p for p in self.products if p.id == product_id), None)
        if row is not None:
            await self._do(
                service.save_product, self._actor(), row.name, row.id, is_active=not row.is_active
            )

    async def _do(self, work: Any, *args: Any, **named: Any) -> None:
        self.refused = ""
        try:
            await asyncio.to_thread(work, *args, **named)
        except Refusal as error:
            self.refused = self._refusal(error)
        await self._show()

    async def _say(self, key: str, **params: Any) -> None:
        messages = await self.get_state(Messages)
        messages._say(Toast("form", "ok", "confirmed", self._t(key, **params)))


def _lists(actor: Actor, language: str) -> tuple[list[FormRow], list[ProductRow]]:
    forms = [
        FormRow(
            v.form.id, words.said(v.definition.title, language),
            ", ".join(i18n.t(f"form_admin.kind.{k}", language) for k in v.form.kinds),
            v.form.version, i18n.moment(v.made_at, language, "d MMM y HH:mm"), v.form.is_active,
        )
        for v in service.list_forms(actor)
    ]  # fmt: skip
    return forms, [ProductRow(p.id, p.name, p.is_active) for p in service.list_products(actor)]


def _faults(draft: dict[str, Any], language: str) -> list[str]:
    """What keeps a draft from being saved, in words."""
    try:
        definitions.read(draft)
    except BadForm as error:
        told = error.params["faults"]
        return [_fault(f["where"], f["why"], f.get("what", ""), language) for f in told]
    return []


def _fault(where: str, why: str, what: str, language: str) -> str:
    text = i18n.t(f"form_admin.fault.{why}", language)
    _, _, place = what.partition("`$.")
    return ": ".join(t for t in (where, text) if t) + (f" ({place.rstrip('`')})" if place else "")
