"""Fields of clients at the administrator's desk: added, worded, ordered, archived."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import reflex as rx

from fieldcrm.clients.ownfields import rules, service
from fieldcrm.clients.ownfields.model import EDITORS, TYPES, BadOwnField, OwnField
from fieldcrm.components.icons import icon
from fieldcrm.components.parts import LEAVES, badge, button, empty, icon_button
from fieldcrm.components.section import AdminSection, loaded
from fieldcrm.components.session import ADMINISTERING, Desk, allows
from fieldcrm.components.words import words
from fieldcrm.forms.words import said as text_in
from fieldcrm.kit import i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages import forms_draft
from fieldcrm.pages.admin import admin_page, labelled, said
from fieldcrm.pages.forms_draft import KINDS, FieldForm
from fieldcrm.people.model import Actor

FIRST = "label_en"
"""Where the editor begins: who opens it by the keyboard goes on there."""
WITH_BOUNDS = ("number", "money", "date", "text", "choices")


@dataclass
class FieldRow:
    """A field as the list shows it."""

    id: str
    name: str
    label: str
    kind_word: str
    kinds: str
    editors: str
    viewers: str
    is_required: bool
    is_archived: bool


class AdminFields(AdminSection, Desk):
    """The list of fields, and the one that is being made or worded anew."""

    rows: list[FieldRow] = []
    refused: str = ""
    with_archived: bool = False
    is_editing: bool = False
    field_id: str = ""
    version: int = 0
    field: FieldForm = FieldForm()
    type: str = "choice"
    kinds: list[str] = []
    editors: list[str] = []
    viewers: list[str] = []
    formula: str = ""
    of_kinds: list[str] = []
    """Whom a reference may name; none: clients of every kind."""
    revision: int = 0
    """Rises so that inputs take their values anew."""

    @rx.event
    @allows(ADMINISTERING)
    async def load(self):
        """Fill the page."""
        await self._enter()
        self.is_editing, self.refused = False, ""
        await self._show()

    async def _fill(self, cursor: str = "") -> None:
        every = await asyncio.to_thread(
            service.list_fields, self._actor(), archived=self.with_archived
        )
        self.rows = [_row(own, self.language) for own in every]

    @rx.event
    @allows(ADMINISTERING)
    async def switch_archived(self):
        """Also the fields that are kept no more."""
        self.with_archived = not self.with_archived
        await self._show()

    # ── one field ──

    @rx.event
    @allows(ADMINISTERING)
    def begin(self):
        """A new field."""
        self._take(
            FieldForm(type="choice"), ["organisation", "pharmacy"], [*EDITORS], [*EDITORS], "", 0
        )

    @rx.event
    @allows(ADMINISTERING)
    async def edit(self, field_id: str):
        """A field as it stands."""
        own = await asyncio.to_thread(_find, self._actor(), field_id)
        if own is not None:
            form = forms_draft.form_of(rules.plain(own.field))
            self._take(form, [*own.kinds], [*own.editors], [*own.viewers], own.id, own.version)
            self.formula, self.of_kinds = own.field.formula or "", [*own.field.of_kinds]

    def _take(
        self, form: FieldForm, kinds: list[str], editors: list[str], viewers: list[str],
        field_id: str, version: int,
    ) -> None:  # fmt: skip
        self.field, self.type, self.kinds, self.editors = form, form.type, kinds, editors
        self.viewers, self.formula, self.of_kinds = viewers, "", []
        self.field_id, self.version, self.refused = field_id, version, ""
        self.is_editing, self.revision = True, self.revision + 1

    @rx.event
    @allows(ADMINISTERING)
    def close(self):
        """Away with the editor."""
        self.is_editing = False

    @rx.event
    @allows(ADMINISTERING)
    def choose_type(self, kind: str):
        """What the field holds; a field that is there keeps its type."""
        if kind in TYPES and not self.field_id:
            self.type = kind

    @rx.event
    @allows(ADMINISTERING)
    def switch_kind(self, kind: str):
        """Clients of a kind have it, or not."""
        if kind in KINDS:
            self.kinds = _switched(self.kinds, kind)

    @rx.event
    @allows(ADMINISTERING)
    def switch_target(self, kind: str):
        """A reference may name clients of a kind, or not."""
        if kind in KINDS:
            self.of_kinds = _switched(self.of_kinds, kind)

    @rx.event
    @allows(ADMINISTERING)
    def switch_editor(self, role: str):
        """A role fills it, or not; the administrator always may."""
        if role in EDITORS and role != "admin":
            self.editors = _switched(self.editors, role)

    @rx.event
    @allows(ADMINISTERING)
    def switch_viewer(self, role: str):
        """For a role there is such a field, or there is none; for the administrator always."""
        if role in EDITORS and role != "admin":
            self.viewers = _switched(self.viewers, role)

    @rx.event
    @allows(ADMINISTERING)
    async def save(self, data: dict):
        """Keep the field; phones have it from their next sync on."""
        told = dict(data) | {"type": self.type}
        if self.field_id:
            told["name"] = self.field.name
        made = forms_draft.field_of(told) | self._of_card(told)
        try:
            await asyncio.to_thread(
                service.save_field, self._actor(), made, self.kinds, [*self.editors, "admin"],
                self.field_id or None, self.version or None, viewers=[*self.viewers, "admin"],
            )  # fmt: skip
        except BadOwnField as error:
            self._keep_typed(told)
            self.refused = i18n.t(f"own_fields.fault.{error.params['why']}", self.language)
            return
        except Refusal as error:
            self._keep_typed(told)
            self.refused = self._refusal(error)
            return
        self.is_editing, self.refused = False, ""
        await self._show()

    def _of_card(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """What only types of cards have."""
        if self.type == "reference":
            return {"of_kinds": [kind for kind in KINDS if kind in self.of_kinds]}
        return {"formula": str(told.get("formula") or "").strip()} if self.type == "formula" else {}

    def _keep_typed(self, told: Mapping[str, Any]) -> None:
        """What was typed stays in the inputs of a refused form."""
        known = FieldForm.__dataclass_fields__
        typed = {n: bool(v) if n == "required" else str(v) for n, v in told.items() if n in known}
        self.field = FieldForm(**typed)
        self.formula = str(told.get("formula") or "")
        self.revision += 1

    # ── in the list ──

    @rx.event
    @allows(ADMINISTERING)
    async def move(self, field_id: str, by: int):
        """A field up or down on the card."""
        if by in (-1, 1):
            await self._do(service.move, self._actor(), str(field_id), by)

    @rx.event
    @allows(ADMINISTERING)
    async def archive(self, field_id: str, is_archived: bool):
        """Keep a field no more, or again."""
        await self._do(service.set_archived, self._actor(), str(field_id), bool(is_archived))

    async def _do(self, work: Any, *args: Any) -> None:
        self.refused = ""
        try:
            await asyncio.to_thread(work, *args)
        except Refusal as error:
            self.refused = self._refusal(error)
        await self._show()


def _find(actor: Actor, field_id: str) -> OwnField | None:
    every = service.list_fields(actor, archived=True)
    return next((f for f in every if f.id == field_id), None)


def _switched(chosen: list[str], one: str) -> list[str]:
    others = [each for each in chosen if each != one]
    return others if one in chosen else [*others, one]


def _row(own: OwnField, language: str) -> FieldRow:
    return FieldRow(
        own.id, own.name, text_in(own.field.label, language),
        i18n.t(f"form_admin.type.{own.field.type}", language),
        _kinds(own.kinds, language),
        _roles(own.editors & own.viewers, language), _roles(own.viewers, language),
        own.field.required, own.is_archived,
    )  # fmt: skip


def _kinds(kinds: Collection[str], language: str) -> str:
    """Which kinds, in a word where it is all of them: columns stay on the screen."""
    if len(kinds) == len(KINDS):
        return i18n.t("own_fields.every_kind", language)
    return ", ".join(i18n.t(f"form_admin.kind.{k}", language) for k in kinds)


def _roles(roles: Collection[str], language: str) -> str:
    if len(roles) == len(EDITORS):
        return i18n.t("own_fields.everybody", language)
    return ", ".join(i18n.t(f"desk.role.{r}", language) for r in EDITORS if r in roles)


# ── the page ─────────────────────────────────────────────────────────────────────────────────────


def admin_fields() -> rx.Component:
    """The page."""
    body = rx.cond(AdminFields.is_editing, _editor(), _list())
    return admin_page("/admin/fields", said(AdminFields.refused), loaded(AdminFields, body))


def _list() -> rx.Component:
    archived = rx.el.label(
        rx.el.input(type="checkbox", checked=AdminFields.with_archived, on_change=lambda _: AdminFields.switch_archived()),
        words("own_fields.with_archived"), class_name="tick",
    )  # fmt: skip
    new = rx.el.div(
        button(icon("plus", "s"), words("own_fields.add"), small=True, on_click=AdminFields.begin),
        archived, class_name="row ad-t",
    )  # fmt: skip
    heads = ("field", "type", "kinds", "viewers", "editors")
    table = rx.el.table(
        rx.el.thead(
            rx.el.tr(
                *[rx.el.th(words(f"own_fields.{k}"), scope="col") for k in heads],
                rx.el.th(rx.el.span(words("own_fields.order"), class_name="vh"), scope="col"),
            )
        ),
        rx.el.tbody(rx.foreach(AdminFields.rows, _line)), class_name="tbl",
        aria_label=words("own_fields.fields"),
    )  # fmt: skip
    shown = rx.el.div(
        table, class_name="scr", tab_index=0, role="region", aria_label=words("own_fields.fields")
    )
    none = empty("no_match", words("own_fields.none"), words("own_fields.none_why"))
    return rx.el.section(
        new, rx.cond(AdminFields.rows.length() > 0, shown, none), class_name="card ad-c"
    )


def _line(row: Any) -> rx.Component:
    tags = rx.fragment(
        rx.cond(row.is_required, badge(words("form_admin.required"), tone="line"), rx.fragment()),
        rx.cond(row.is_archived, badge(words("own_fields.archived"), tone="warn"), rx.fragment()),
    )
    title = rx.el.div(
        rx.el.button(row.label, type="button", class_name="way med", on_click=AdminFields.edit(row.id)),
        rx.el.code(row.name, class_name="muted t1"), tags, class_name="row",
    )  # fmt: skip
    acts = rx.cond(
        row.is_archived,
        button(words("own_fields.restore"), small=True, on_click=AdminFields.archive(row.id, False)),
        rx.el.div(
            icon_button("arrow-up", words("form_admin.up"), on_click=AdminFields.move(row.id, -1)),
            icon_button("arrow-down", words("form_admin.down"), on_click=AdminFields.move(row.id, 1)),
            button(words("own_fields.archive"), kind="ghost", small=True, on_click=AdminFields.archive(row.id, True)),
            class_name="row g0",
        ),
    )  # fmt: skip
    return rx.el.tr(
        rx.el.td(title), rx.el.td(row.kind_word), rx.el.td(row.kinds),
        rx.el.td(row.viewers, class_name="muted"), rx.el.td(row.editors, class_name="muted"), rx.el.td(acts),
    )  # fmt: skip


def _editor() -> rx.Component:
    f = AdminFields.field

    def text(name: str, label: Any) -> rx.Component:
        control = rx.el.input(
            name=name, default_value=getattr(f, name), class_name="input", auto_complete="off",
            auto_focus=name == FIRST,
        )  # fmt: skip
        return labelled(label, control)

    def three(name: str) -> rx.Component:
        each = [
            text(f"{name}_{lang}", rx.fragment(words(f"form_admin.{name}"), f" · {lang}"))
            for lang in i18n.LANGUAGES
        ]
        return rx.el.div(*each, class_name="fm-3 wide")

    has_options = (AdminFields.type == "choice") | (AdminFields.type == "choices")
    options = labelled(words("form_admin.options"), rx.el.textarea(
        name="options", default_value=f.options, class_name="input area", rows="4",
        placeholder="small = Small | Малая | Mică"), wide=True)  # fmt: skip
    has_unit = rx.Var.create(["number", "money", "formula"]).contains(AdminFields.type)
    has_bounds = rx.Var.create(list(WITH_BOUNDS)).contains(AdminFields.type)
    bounds = rx.el.div(
        text("min", words("form_admin.min")), text("max", words("form_admin.max")),
        class_name="fm-3 wide",
    )  # fmt: skip
    needed = rx.el.label(
        rx.el.input(type="checkbox", name="required", default_checked=f.required),
        words("own_fields.required"), class_name="tick wide",
    )  # fmt: skip
    whole = rx.el.label(
        rx.el.input(type="checkbox", name="whole", default_checked=f.whole),
        words("form_admin.whole"), class_name="tick",
    )  # fmt: skip
    form = rx.el.form(
        three("label"), _name(), _type(),
        rx.cond(has_options, rx.fragment(options), rx.fragment()),
        rx.cond(has_unit, rx.fragment(three("unit")), rx.fragment()),
        rx.cond(has_bounds, rx.fragment(bounds), rx.fragment()),
        rx.cond(AdminFields.type == "formula", _formula(), rx.fragment()),
        rx.cond(AdminFields.type == "reference", _targets(), rx.fragment()),
        three("hint"),
        _ticks("own_fields.kinds", KINDS, "form_admin.kind", AdminFields.kinds, AdminFields.switch_kind),
        _ticks("own_fields.viewers", EDITORS[:-1], "desk.role", AdminFields.viewers, AdminFields.switch_viewer),
        rx.cond(AdminFields.type == "formula", rx.fragment(), _needed_when()),
        rx.cond(
            AdminFields.type == "formula", rx.fragment(),
            _ticks("own_fields.editors", EDITORS[:-1], "desk.role", AdminFields.editors, AdminFields.switch_editor),
        ),
        rx.el.div(rx.cond(AdminFields.type == "formula", rx.fragment(), needed), rx.cond(AdminFields.type == "number", whole, rx.fragment()), class_name="row wide"),
        rx.el.div(button(words("own_fields.save"), kind="primary", type="submit"),
                  button(words("own_fields.cancel"), kind="ghost", on_click=AdminFields.close,
                         custom_attrs=LEAVES), class_name="row"),
        on_submit=AdminFields.save, class_name="ad-f", key=AdminFields.revision,
    )  # fmt: skip
    return rx.el.section(form, class_name="card ad-c of-e", aria_label=words("own_fields.editor"))


def _formula() -> rx.Component:
    """What is reckoned, with an example of the language."""
    control = rx.el.input(
        name="formula", default_value=AdminFields.formula, class_name="input mono", auto_complete="off",
        spell_check=False, max_length=500, placeholder="(beds + wards * 4) / 2",
    )  # fmt: skip
    why = rx.el.p(words("own_fields.formula_why"), class_name="t1 muted")
    return rx.el.div(labelled(words("own_fields.formula"), control), why, class_name="wide")


def _needed_when() -> rx.Component:
    """By which state of the card it is needed, such as a stage that is chosen."""
    control = rx.el.input(
        name="required_when", default_value=AdminFields.field.required_when, class_name="input mono",
        auto_complete="off", spell_check=False, max_length=500, placeholder="stage = 'contract'",
    )  # fmt: skip
    return labelled(words("own_fields.required_when"), control, wide=True)


def _targets() -> rx.Component:
    return _ticks(
        "own_fields.of_kinds", KINDS, "form_admin.kind", AdminFields.of_kinds,
        AdminFields.switch_target,
    )  # fmt: skip


def _name() -> rx.Component:
    control = rx.el.input(
        name="name", default_value=AdminFields.field.name, class_name="input mono", auto_complete="off",
        spell_check=False, disabled=AdminFields.field_id != "", pattern="[a-z][a-z0-9_]{0,39}",
    )  # fmt: skip
    return labelled(words("form_admin.name"), control)


def _type() -> rx.Component:
    control = rx.el.select(
        *[rx.el.option(words(f"form_admin.type.{kind}"), value=kind) for kind in TYPES],
        value=AdminFields.type, on_change=AdminFields.choose_type, class_name="input",
        disabled=AdminFields.field_id != "",
    )  # fmt: skip
    return labelled(words("form_admin.type"), control)


def _ticks(label: str, each: Any, prefix: str, chosen: Any, switch: Any) -> rx.Component:
    boxes = [
        rx.el.label(
            rx.el.input(type="checkbox", checked=chosen.contains(one), on_change=lambda _, o=one: switch(o)),
            words(f"{prefix}.{one}"), class_name="tick",
        )
        for one in each
    ]  # fmt: skip
    return rx.el.fieldset(
        rx.el.legend(words(label), class_name="t1 muted"), rx.el.div(*boxes, class_name="row wrap"),
        class_name="wide of-k",
    )  # fmt: skip
