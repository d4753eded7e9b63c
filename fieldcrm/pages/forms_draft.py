"""A form being made at the desk: its definition as the editor's rows and back. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from fieldcrm.forms.words import said
from fieldcrm.kit import i18n
from fieldcrm.wire.forms import ClientKind, FieldType

Definition = dict[str, Any]
TYPES: tuple[str, ...] = get_args(FieldType)
KINDS: tuple[str, ...] = get_args(ClientKind)
MOST = 4000
BLANK: Definition = {"title": "", "kinds": [], "fields": [], "checks": []}
_NUMBERS = ("min", "max", "total")


@dataclass
class FieldForm:
    """A field as the editor's inputs hold it."""

    name: str = ""
    type: str = "choice"
    label_en: str = ""
    label_ru: str = ""
    label_ro: str = ""
    hint_en: str = ""
    hint_ru: str = ""
    hint_ro: str = ""
    text_en: str = ""
    text_ru: str = ""
    text_ro: str = ""
    unit_en: str = ""
    unit_ru: str = ""
    unit_ro: str = ""
    when: str = ""
    required: bool = False
    required_when: str = ""
    options: str = ""
    questions: str = ""
    min: str = ""
    max: str = ""
    total: str = ""
    whole: bool = False
    with_price: bool = False


@dataclass
class PreviewRow:
    """A field as the phone will ask it, in the reader's language."""

    name: str
    type: str
    kind_word: str
    label: str
    hint: str
    tag: str
    when: str
    text: str
    chips: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


# ---- texts ----


def text_of(told: Mapping[str, Any], prefix: str) -> str | dict[str, str] | None:
    """A text by language from `<prefix>_en` and so on; one string where only one is given."""
    by = {lang: _clean(told.get(f"{prefix}_{lang}")) for lang in i18n.LANGUAGES}
    given = {lang: text for lang, text in by.items() if text}
    return next(iter(given.values())) if len(given) == 1 else given or None


def texts_of(text: str | Mapping[str, str] | None, prefix: str) -> dict[str, str]:
    """The other way: a text as the inputs hold it."""
    by = {i18n.DEFAULT: text} if isinstance(text, str) else dict(text or {})
    return {f"{prefix}_{lang}": by.get(lang, "") for lang in i18n.LANGUAGES}


def _clean(value: Any) -> str:
    return str(value or "").replace("\x00", "").strip()[:MOST]


def options_of(lines: str) -> list[dict[str, Any]]:
    """Options from lines `value = English | Русский | Română`; the value may be left out."""
    found = []
    for line in _clean(lines).splitlines()[:60]:
        name, sign, rest = line.partition("=")
        labels = [part.strip() for part in (rest if sign else line).split("|")]
        if not any(labels):
            continue
        told = {f"x_{lang}": text for lang, text in zip(i18n.LANGUAGES, labels, strict=False)}
        found.append(
            {"value": name.strip() if sign else value_of(labels), "label": text_of(told, "x")}
        )
    return found


def value_of(labels: list[str]) -> str:
    """A value for an option that was given none."""
    word = re.sub(r"[^a-z0-9]+", "_", labels[0].lower()).strip("_")
    return word[:40] or labels[0][:40]


def lines_of(options: list[dict[str, Any]]) -> str:
    """Options as lines, for the editor."""
    return "\n".join(f"{o['value']} = {_labels(o['label'])}" for o in options)


def _labels(label: str | Mapping[str, str]) -> str:
    if isinstance(label, str):
        return label
    return " | ".join(label.get(lang, "") for lang in i18n.LANGUAGES)


# ---- fields ----


def field_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """A field's definition from the editor's inputs; what is empty is left out."""
    made: dict[str, Any] = {
        "name": _clean(told.get("name")), "type": _clean(told.get("type")),
        "label": text_of(told, "label") or "",
    }  # fmt: skip
    for name, value in (
        ("hint", text_of(told, "hint")), ("text", text_of(told, "text")),
        ("unit", text_of(told, "unit")), ("when", _clean(told.get("when"))),
        ("required_when", _clean(told.get("required_when"))),
        ("options", options_of(str(told.get("options") or ""))),
        ("questions", options_of(str(told.get("questions") or ""))),
    ):  # fmt: skip
        if value:
            made[name] = value
    made |= {n: v for n in _NUMBERS if (v := _number(told.get(n))) is not None}
    made |= {n: True for n in ("required", "whole", "with_price") if told.get(n)}
    return made


def _number(value: Any) -> float | None:
    text = _clean(value).replace(",", ".")
    return float(text) if re.fullmatch(r"-?\d{1,12}(\.\d{1,6})?", text) else None


def form_of(made: Mapping[str, Any]) -> FieldForm:
    """The other way: a field as the editor shows it."""
    numbers = {n: f"{made[n]:g}" for n in _NUMBERS if made.get(n) is not None}
    return FieldForm(
        name=made["name"], type=made["type"], **texts_of(made.get("label"), "label"),
        **texts_of(made.get("hint"), "hint"), **texts_of(made.get("text"), "text"),
        **texts_of(made.get("unit"), "unit"), when=made.get("when") or "",
        required=bool(made.get("required")), required_when=made.get("required_when") or "",
        options=lines_of(made.get("options", [])), questions=lines_of(made.get("questions", [])),
        whole=bool(made.get("whole")), with_price=bool(made.get("with_price")), **numbers,
    )  # fmt: skip


def new_name(draft: Definition, kind: str) -> str:
    """A name that no field has yet."""
    taken = {f["name"] for f in draft["fields"]}
    return next(n for k in range(1, 99) if (n := kind if k == 1 else f"{kind}_{k}") not in taken)


def new_field(draft: Definition, kind: str, language: str) -> dict[str, Any]:
    """A field to begin with, whole enough to be shown."""
    label = i18n.t(f"form_admin.type.{kind}", language)
    made: dict[str, Any] = {"name": new_name(draft, kind), "type": kind, "label": label}
    if kind in ("choice", "choices", "questionnaire"):
        yes, no = i18n.t("forms.yes", language), i18n.t("forms.no", language)
        made["options"] = [{"value": "yes", "label": yes}, {"value": "no", "label": no}]
    if kind == "questionnaire":
        made["questions"] = [{"value": "first", "label": label}]
    if kind == "agreement":
        made["text"] = label
    return made


# ---- checks between fields ----


def checks_of(lines: str) -> list[dict[str, Any]]:
    """Checks from lines `field: rule => English | Русский | Română`."""
    found = []
    for line in _clean(lines).splitlines()[:30]:
        name, _, rest = line.partition(":")
        rule, _, words = rest.partition("=>")
        texts = [part.strip() for part in words.split("|")]
        told = {f"x_{lang}": text for lang, text in zip(i18n.LANGUAGES, texts, strict=False)}
        if line.strip():
            found.append(
                {"field": name.strip(), "rule": rule.strip(), "text": text_of(told, "x") or ""}
            )
    return found


def check_lines(checks: list[dict[str, Any]]) -> str:
    """Checks as lines, for the editor."""
    return "\n".join(f"{c['field']}: {c['rule']} => {_labels(c['text'])}" for c in checks)


# ---- preview ----


def preview(draft: Definition, products: list[str], language: str) -> list[PreviewRow]:
    """The fields as the phone will ask them."""
    return [_preview(each, products, language) for each in draft["fields"]]


def _preview(made: dict[str, Any], products: list[str], language: str) -> PreviewRow:
    kind = made["type"]
    options = [said(o["label"], language) for o in made.get("options", [])]
    lines = [said(q["label"], language) for q in made.get("questions", [])]
    if kind == "yes_no":
        options = [i18n.t("forms.yes", language), i18n.t("forms.no", language)]
    if kind == "stock":
        options = [i18n.t("forms.in_stock", language), i18n.t("forms.out_of_stock", language)]
    if kind in ("products", "samples", "stock"):
        lines = products[:3]
    return PreviewRow(
        name=made["name"], type=kind, kind_word=i18n.t(f"form_admin.type.{kind}", language),
        label=said(made.get("label"), language), hint=said(made.get("hint"), language),
        tag=_tag(made, language), when=made.get("when") or "",
        text=said(made.get("text"), language), chips=options, lines=lines,
    )  # fmt: skip


def _tag(made: dict[str, Any], language: str) -> str:
    if made.get("required"):
        return i18n.t("form_admin.required", language)
    return i18n.t("form_admin.sometimes", language) if made.get("required_when") else ""
