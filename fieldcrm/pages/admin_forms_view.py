"""The page of visit forms: the list, the editor, and the form as phones will ask it."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components.icons import icon
from fieldcrm.components.parts import badge, button, empty, icon_button
from fieldcrm.components.section import loaded
from fieldcrm.components.typed import typed
from fieldcrm.components.words import words
from fieldcrm.forms.service import templates
from fieldcrm.pages.admin import admin_page, labelled, said
from fieldcrm.pages.admin_forms import AdminForms as Forms
from fieldcrm.pages.forms_draft import KINDS, TYPES

LANGUAGES = ("en", "ru", "ro")


def admin_forms() -> rx.Component:
    """The page."""
    body = rx.cond(Forms.is_editing, _editor(), _lists())
    return admin_page("/admin/forms", said(Forms.refused), loaded(Forms, body))


# ── the lists ────────────────────────────────────────────────────────────────────────────────────


def _lists() -> rx.Component:
    return rx.el.div(_forms(), _products(), class_name="fm-l")


def _forms() -> rx.Component:
    new = rx.el.div(
        rx.el.span(words("form_admin.begin"), class_name="muted t1"),
        *[button(icon("plus", "s"), words(f"form_admin.template.{name}"), small=True, on_click=Forms.begin(name))
          for name in (*templates(), "blank")],
        class_name="row ad-t fm-new",
    )  # fmt: skip
    heads = ("form", "asked_of", "version", "since", "in_use")
    table = rx.el.table(
        rx.el.thead(rx.el.tr(*[rx.el.th(words(f"form_admin.{k}"), scope="col") for k in heads])),
        rx.el.tbody(rx.foreach(Forms.rows, _form_line)), class_name="tbl",
        aria_label=words("form_admin.forms"),
    )  # fmt: skip
    none = empty("no_match", words("form_admin.none"), words("form_admin.none_why"))
    shown = rx.el.div(
        table, class_name="scr", tab_index=0, role="region", aria_label=words("form_admin.forms")
    )
    return rx.el.section(
        new, rx.cond(Forms.rows.length() > 0, shown, none), class_name="card ad-c fm-c"
    )


def _form_line(row: Any) -> rx.Component:
    title = rx.el.button(
        row.title, type="button", class_name="way med", on_click=Forms.edit(row.id)
    )
    tick = rx.el.label(
        rx.el.input(type="checkbox", checked=row.is_active, on_change=lambda _: Forms.switch_asked(row.id)),
        rx.cond(row.is_active, words("form_admin.is_asked"), words("form_admin.is_not_asked")), class_name="tick",
    )  # fmt: skip
    return rx.el.tr(
        rx.el.td(title), rx.el.td(row.kinds), rx.el.td(row.version), rx.el.td(row.made, class_name="muted"),
        rx.el.td(tick),
    )  # fmt: skip


def _products() -> rx.Component:
    add = rx.el.form(
        rx.el.input(name="name", class_name="input sm", placeholder=words("form_admin.product_name"),
                    aria_label=words("form_admin.product_name"), max_length=200, auto_complete="off"),
        button(words("form_admin.add"), small=True, type="submit"),
        on_submit=Forms.add_product, reset_on_submit=True, class_name="row",
    )  # fmt: skip
    rows = rx.el.ul(rx.foreach(Forms.products, _product_line), class_name="fm-pr")
    head = rx.el.div(rx.el.h3(words("form_admin.products")), class_name="sec-h")
    return rx.el.section(
        head, rx.el.div(add, rows, class_name="fm-pb"), class_name="card ad-c fm-p"
    )


def _product_line(row: Any) -> rx.Component:
    return rx.el.li(
        rx.el.label(
            rx.el.input(type="checkbox", checked=row.is_active, on_change=lambda _: Forms.switch_product(row.id)),
            row.name, class_name="tick",
        )
    )  # fmt: skip


# ── the editor ───────────────────────────────────────────────────────────────────────────────────


def _editor() -> rx.Component:
    bar = rx.el.div(
        button(icon("chevron-left", "s"), words("form_admin.back"), kind="ghost", small=True, on_click=Forms.close),
        rx.cond(Forms.version > 0, badge(words("form_admin.version"), " ", Forms.version, tone="line"), rx.fragment()),
        rx.el.span(class_name="sp"),
        button(words("form_admin.save"), kind="primary", on_click=Forms.save,
               disabled=(Forms.faults.length() > 0) | ~Forms.is_changed),
        class_name="row ad-t",
    )  # fmt: skip
    faults = rx.cond(
        Forms.faults.length() > 0,
        rx.el.div(rx.el.ul(rx.foreach(Forms.faults, lambda f: rx.el.li(f)), class_name="fm-fault"),
                  class_name="note warn", role="status"),
        rx.fragment(),
    )  # fmt: skip
    left = rx.el.div(_head(), _fields(), _checks(), class_name="fm-e", tab_index=0, role="region",
                     aria_label=words("form_admin.editor"))  # fmt: skip
    return rx.el.div(bar, faults, rx.el.div(left, _preview(), class_name="fm-2"), class_name="fm-w")


def _head() -> rx.Component:
    titles = [
        labelled(rx.fragment(words("form_admin.title"), f" · {lang}"), rx.el.input(
            value=getattr(Forms, f"title_{lang}"), class_name="input", max_length=200,
            on_change=lambda text, lang=lang: Forms.write(f"title_{lang}", text)))
        for lang in LANGUAGES
    ]  # fmt: skip
    kinds = rx.el.fieldset(
        rx.el.legend(words("form_admin.asked_of")),
        rx.el.div(*[_tick(Forms.kinds.contains(kind), Forms.switch_kind(kind), f"form_admin.kind.{kind}") for kind in KINDS],
                  class_name="row fm-k"),
        class_name="field wide",
    )  # fmt: skip
    step = rx.el.div(
        _tick(Forms.needs_step, Forms.switch_step, "form_admin.needs_step"), class_name="wide"
    )
    return rx.el.section(rx.el.div(*titles, kinds, step, class_name="ad-f fm-3"), class_name="card")


def _tick(is_on: Any, press: Any, label: str) -> rx.Component:
    return rx.el.label(
        rx.el.input(type="checkbox", checked=is_on, on_change=lambda _: press),
        words(label),
        class_name="tick",
    )


def _fields() -> rx.Component:
    add = rx.el.select(
        rx.el.option(words("form_admin.add_field"), value=""),
        *[rx.el.option(words(f"form_admin.type.{kind}"), value=kind) for kind in TYPES],
        value="", on_change=Forms.put_field, class_name="input sm pick", aria_label=words("form_admin.add_field"),
    )  # fmt: skip
    head = rx.el.div(
        rx.el.h3(words("form_admin.fields")), rx.el.span(class_name="sp"), add, class_name="sec-h"
    )
    rows = rx.el.ol(rx.foreach(Forms.fields, _field_line), class_name="fm-f")
    return rx.el.section(head, rows, class_name="card")


def _field_line(row: Any, n: Any) -> rx.Component:
    line = rx.el.div(
        rx.el.button(rx.el.span(row.label, class_name="med el"), rx.el.span(row.kind_word, class_name="muted t1"),
                     type="button", class_name="fm-o", on_click=Forms.open_field(n),
                     aria_expanded=rx.cond(Forms.opened == n, "true", "false")),
        rx.cond(row.tag != "", badge(row.tag, tone="line"), rx.fragment()),
        icon_button("arrow-up", words("form_admin.up"), on_click=Forms.move_field(n, -1)),
        icon_button("arrow-down", words("form_admin.down"), on_click=Forms.move_field(n, 1)),
        icon_button("trash", words("form_admin.drop"), on_click=Forms.drop_field(n)),
        class_name="row",
    )  # fmt: skip
    return rx.el.li(line, rx.cond(Forms.opened == n, _field_form(), rx.fragment()))


def _field_form() -> rx.Component:
    f = Forms.field

    def text(name: str, label: Any, wide: bool = False, area: bool = False) -> rx.Component:
        made = rx.el.textarea if area else rx.el.input
        more = {"rows": "4"} if area else {"auto_complete": "off"}
        control = made(
            name=name,
            default_value=getattr(f, name),
            class_name="input area" if area else "input",
            **more,
        )
        return labelled(label, control, wide=wide)

    def three(name: str) -> list[rx.Component]:
        return [
            text(f"{name}_{lang}", rx.fragment(words(f"form_admin.{name}"), f" · {lang}"))
            for lang in LANGUAGES
        ]

    def tick(name: str) -> rx.Component:
        control = rx.el.input(type="checkbox", name=name, default_checked=getattr(f, name))
        return rx.el.label(control, words(f"form_admin.{name}"), class_name="tick")

    def of(*kinds: str) -> Any:
        asked = f.type == kinds[0]
        for kind in kinds[1:]:
            asked |= f.type == kind
        return asked

    bounds = rx.el.div(
        *[text(name, words(f"form_admin.{name}")) for name in ("min", "max", "total")],
        class_name="fm-4",
    )
    units = rx.cond(
        f.type == "number", rx.el.div(*three("unit"), class_name="fm-3 wide"), rx.fragment()
    )
    options = rx.cond(
        of("choice", "choices", "questionnaire"),
        rx.fragment(text("options", words("form_admin.options"), area=True, wide=True)), rx.fragment(),
    )  # fmt: skip
    questions = rx.cond(
        f.type == "questionnaire", rx.fragment(text("questions", words("form_admin.questions"), area=True, wide=True)),
        rx.fragment(),
    )  # fmt: skip
    terms = rx.cond(
        f.type == "agreement", rx.el.div(*three("text"), class_name="fm-3 wide"), rx.fragment()
    )
    return rx.el.form(
        rx.el.div(*three("label"), class_name="fm-3 wide"), rx.el.div(*three("hint"), class_name="fm-3 wide"),
        text("name", words("form_admin.name")),
        labelled(words("form_admin.type"), rx.el.select(
            *[rx.el.option(words(f"form_admin.type.{kind}"), value=kind) for kind in TYPES], name="type",
            default_value=f.type, class_name="input")),
        options, questions, terms, bounds, units,
        text("when", words("form_admin.when")), text("required_when", words("form_admin.required_when")),
        rx.el.div(tick("required"), tick("whole"), tick("with_price"), class_name="row wide"),
        rx.el.div(button(words("form_admin.keep"), kind="soft", type="submit"), class_name="row"),
        on_submit=Forms.keep_field, class_name="ad-f", key=Forms.revision,
    )  # fmt: skip


def _checks() -> rx.Component:
    area = typed(
        Forms.checks, lambda text: Forms.write("checks", text), is_area=True, rows="3",
        class_name="input area mono", spell_check=False,
        placeholder="samples: not answered(samples) or view != 'against' => No samples | … | …",
    )  # fmt: skip
    return rx.el.section(
        rx.el.div(labelled(words("form_admin.checks"), area, wide=True), class_name="ad-f"),
        rx.el.p(words("form_admin.language"), class_name="muted t1 fm-h"), class_name="card",
    )  # fmt: skip


# ── as the phone asks it ─────────────────────────────────────────────────────────────────────────


def _preview() -> rx.Component:
    phone = rx.el.div(
        rx.el.h4(rx.match(Forms.language, ("ru", Forms.title_ru), ("ro", Forms.title_ro), Forms.title_en)),
        rx.foreach(Forms.fields, _card), class_name="fm-ph", tab_index=0, role="region",
        aria_label=words("form_admin.preview"),
    )  # fmt: skip
    return rx.el.aside(rx.el.h3(words("form_admin.preview")), phone, class_name="fm-v")


def _card(row: Any) -> rx.Component:
    chips = rx.el.div(
        rx.foreach(row.chips, lambda c: rx.el.span(c, class_name="fm-chip")), class_name="fm-chips"
    )
    lines = rx.foreach(
        row.lines, lambda line: rx.el.div(rx.el.span(line), _line_tail(row), class_name="fm-line")
    )
    return rx.el.div(
        rx.el.div(rx.el.b(row.label), rx.cond(row.tag != "", rx.el.span(row.tag, class_name="badge warn"), rx.fragment()),
                  class_name="row"),
        rx.cond(row.hint != "", rx.el.p(row.hint, class_name="muted t1"), rx.fragment()),
        rx.cond(row.text != "", rx.el.p(row.text, class_name="fm-terms"), rx.fragment()),
        lines,
        rx.match(
            row.type, ("stock", rx.fragment()), ("questionnaire", rx.fragment()),
            ("number", _box()), ("text", _box("tall")), ("date", _box()), ("signature", _box("tall")),
            ("photo", rx.el.div(icon("plus", "l"), class_name="fm-shot")),
            ("agreement", rx.el.span(words("forms.agree"), class_name="fm-chip")), chips,
        ),
        rx.cond(row.when != "", rx.el.p(words("form_admin.asked_when"), " ", rx.el.code(row.when), class_name="muted t1"),
                rx.fragment()),
        class_name="fm-card",
    )  # fmt: skip


def _line_tail(row: Any) -> rx.Component:
    chips = rx.el.span(
        rx.foreach(row.chips, lambda c: rx.el.span(c, class_name="fm-chip")), class_name="fm-chips"
    )
    tail = rx.match(
        row.type, ("samples", rx.el.span("− 0 +", class_name="fm-chip")), ("products", rx.el.span("+", class_name="muted")),
        chips,
    )  # fmt: skip
    return rx.fragment(tail)


def _box(look: str = "") -> rx.Component:
    return rx.el.div(class_name=f"fm-box {look}")
