"""Which fields can be, and which values they take: by the forms' own language. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from fieldcrm.clients.model import ClientKind
from fieldcrm.clients.ownfields.model import EDITORS, TYPES, BadOwnField
from fieldcrm.forms import definitions
from fieldcrm.forms import rules as forms
from fieldcrm.forms.model import BadForm, Facts, FormDefinition, FormField, Problem

_UNFIT = ("when", "required_when", "questions", "total", "text")
_SPACES = re.compile(r"[\s\u00a0]+")
_WORDS = {True: ("yes", "true", "1", "да", "da"), False: ("no", "false", "0", "нет", "nu")}


def read_field(told: Mapping[str, Any]) -> FormField:
    """A field from JSON values, in the forms' language; raises BadOwnField with the first fault."""
    wanted = {"title": "-", "kinds": ["doctor"], "fields": [dict(told)]}
    try:
        field = definitions.read(wanted).fields[0]
    except BadForm as error:
        raise BadOwnField(why=error.params["faults"][0]["why"]) from error
    if field.type not in TYPES or any(getattr(field, name) for name in _UNFIT):
        raise BadOwnField(why="shape")
    return field


def read_kinds(told: Any) -> list[str]:
    """Kinds of clients, in their own order; raises BadOwnField."""
    return _some_of(told, tuple(ClientKind), "kinds")


def read_editors(told: Any) -> list[str]:
    """Roles that may fill a field; raises BadOwnField. The administrator is one of them."""
    return _some_of([*told, "admin"] if isinstance(told, list) else told, EDITORS, "editors")


def _some_of(told: Any, known: tuple[str, ...], why: str) -> list[str]:
    if not isinstance(told, list) or not told or any(each not in known for each in told):
        raise BadOwnField(why=why)
    return [str(each) for each in known if each in told]


def check_stays(before: FormField, after: FormField) -> None:
    """Raise BadOwnField for a change that would turn kept values into something else."""
    if (before.name, before.type) != (after.name, after.type):
        raise BadOwnField(why="name_or_type")


def settled(value: Any) -> Any:
    """A value as it is kept: texts trimmed, nothing for what is blank."""
    if isinstance(value, str):
        value = "".join(c for c in value if c >= " " or c in "\n\t").strip()
    return None if value in ("", [], {}) else value


def problem_of(field: FormField, value: Any, kind: str, day: str) -> Problem | None:
    """The rule that a value breaks, by the forms' own rules; `day` (ISO) is today's."""
    form = FormDefinition(title="-", kinds=[], fields=[field])
    found = forms.check(form, {field.name: value}, Facts(result=None, kind=kind, day=day))
    return found.problems[0] if found.problems else None


def difference(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What two states of a client's values differ in, as either has it; None where it has none."""
    names = sorted(n for n in {*before, *after} if before.get(n) != after.get(n))
    return {n: before.get(n) for n in names}, {n: after.get(n) for n in names}


# ---- values as people write them ----


def read_text(field: FormField, text: str) -> Any:
    """A cell of somebody's file as the field's value; what can't be read stays text."""
    match field.type:
        case "number" | "money":
            return _number(text)
        case "choice":
            return option_of(field, text) or text
        case "choices":
            parts = [p.strip() for p in re.split(r"[,;|\n]", text) if p.strip()]
            return list(dict.fromkeys(option_of(field, p) or p for p in parts))
        case "yes_no":
            return next((v for v, said in _WORDS.items() if text.strip().casefold() in said), text)
        case "date":
            return _day(text.strip())
    return text


def option_of(field: FormField, text: str) -> str | None:
    """The option that a text means: by its value, or by its label in any language."""
    wanted = text.strip().casefold()
    for option in field.options:
        labels = [option.label] if isinstance(option.label, str) else option.label.values()
        if wanted in {option.value.casefold(), *(label.casefold() for label in labels)}:
            return option.value
    return None


def _number(text: str) -> float | str:
    plain = _SPACES.sub("", text).replace(",", ".")
    if not re.fullmatch(r"-?\d{1,15}(\.\d{1,9})?", plain):
        return text
    return float(plain) if "." in plain else int(plain)


def _day(text: str) -> str:
    """An ISO day from `2026-03-04` (with a time behind it or not) or `04.03.2026`."""
    found = re.fullmatch(r"(\d{1,2})[./](\d{1,2})[./](\d{4})", text)
    if found:
        day, month, year = found.groups()
        return f"{year}-{int(month):02}-{int(day):02}"
    return text[:10] if re.fullmatch(r"\d{4}-\d{2}-\d{2}[T ].*", text) else text


def plain(field: FormField) -> dict[str, Any]:
    """The definition as JSON values."""
    return msgspec.to_builtins(field)
