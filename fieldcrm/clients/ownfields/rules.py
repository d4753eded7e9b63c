"""Which fields can be, and which values they take: by the forms' own language. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec
from typing_extensions import TypeIs

from fieldcrm.clients.model import ClientKind
from fieldcrm.clients.ownfields.model import EDITORS, OF_CARDS, BadOwnField, CardField
from fieldcrm.forms import definitions
from fieldcrm.forms import rules as forms
from fieldcrm.forms.expressions import number
from fieldcrm.forms.model import BadForm, Facts, FormDefinition, FormField, Problem

_UNFIT = ("when", "questions", "total", "text")
_OF_FORMS = ("options", "min", "max")
"""What fields of cards' own types have none of."""
_POINT = re.compile(r"([+-]?\d{1,3}(?:\.\d+)?)\s*[,; ]\s*([+-]?\d{1,3}(?:\.\d+)?)")
ID_MAX = 64
_SPACES = re.compile(r"[\s\u00a0]+")
_WORDS = {True: ("yes", "true", "1", "да", "da"), False: ("no", "false", "0", "нет", "nu")}


def read_field(told: Mapping[str, Any]) -> CardField:
    """A field from JSON values, in the forms' language; raises BadOwnField with the first fault."""
    of_form = {name: value for name, value in told.items() if name != "required_when"}
    of_form |= {"type": "text"} if told.get("type") in OF_CARDS else {}
    wanted = {"title": "-", "kinds": ["doctor"], "fields": [of_form]}
    try:
        field = definitions.read(wanted).fields[0]
        made = msgspec.convert(dict(told), CardField)
    except BadForm as error:
        raise BadOwnField(why=error.params["faults"][0]["why"]) from error
    except msgspec.ValidationError as error:
        raise BadOwnField(why="shape") from error
    if any(getattr(field, name) for name in _UNFIT) or not _is_fit(made):
        raise BadOwnField(why="shape")
    return made


def _is_fit(made: CardField) -> bool:
    """Whether a field says nothing that its type doesn't have."""
    if made.type in OF_CARDS and any(getattr(made, name) for name in _OF_FORMS):
        return False
    is_formula = made.type == "formula"
    is_asked = made.required or made.required_when
    if is_formula != (made.formula is not None) or (is_formula and is_asked):
        return False
    return made.type == "reference" or not made.of_kinds


def read_kinds(told: Any) -> list[str]:
    """Kinds of clients, in their own order; raises BadOwnField."""
    return _some_of(told, tuple(ClientKind), "kinds")


def read_editors(told: Any) -> list[str]:
    """Roles that may fill a field; raises BadOwnField. The administrator is one of them."""
    return _some_of([*told, "admin"] if isinstance(told, list) else told, EDITORS, "editors")


def read_viewers(told: Any) -> list[str]:
    """Roles that may see a field; raises BadOwnField. The administrator is one of them."""
    return _some_of([*told, "admin"] if isinstance(told, list) else told, EDITORS, "viewers")


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
    if value is not None and field.type in _OF_ITS_OWN:
        return None if _OF_ITS_OWN[field.type](value) else Problem(field.name, "wrong_type")
    form = FormDefinition(title="-", kinds=[], fields=[field])
    found = forms.check(form, {field.name: value}, Facts(result=None, kind=kind, day=day))
    return found.problems[0] if found.problems else None


def is_point(value: Any) -> bool:
    """{lat, lng} in degrees."""
    if not isinstance(value, dict) or set(value) != {"lat", "lng"}:
        return False
    lat, lng = number(value["lat"]), number(value["lng"])
    return lat is not None and lng is not None and abs(lat) <= 90 and abs(lng) <= 180


def is_id(value: Any) -> bool:
    """What can be a client's id."""
    return isinstance(value, str) and 0 < len(value) <= ID_MAX


def is_file(value: Any) -> TypeIs[dict[str, Any]]:
    """{id, name, size, type} of a file that was sent."""
    return isinstance(value, dict) and value.keys() == {"id", "name", "size", "type"}


def address_of(client_id: str, name: str) -> str:
    """Where the file of a client's field is fetched."""
    return f"/api/v1/clients/{client_id}/files/{name}"


_OF_ITS_OWN: Mapping[str, Callable[[Any], bool]] = {
    "position": is_point, "reference": is_id, "file": is_file,
}  # fmt: skip
"""What tells a value of types that the forms' rules don't know."""


def difference(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What two states of a client's values differ in, as either has it; None where it has none."""
    names = sorted(n for n in {*before, *after} if before.get(n) != after.get(n))
    return {n: before.get(n) for n in names}, {n: after.get(n) for n in names}


def without(values: Mapping[str, Any], hidden: Collection[str]) -> dict[str, Any]:
    """Values without those of hidden fields."""
    return {name: value for name, value in values.items() if name not in hidden}


IN_PARTS = ("own_fields", "evidence", "consents")
"""Columns of a client that hold several values, each with a history of its own."""


def changes_told(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What the log tells of a change: of a column of several values those alone that changed."""
    was, now = dict(before), dict(after)
    for name in IN_PARTS:
        if name in now:
            was[name], now[name] = difference(was[name], now[name])
    return {"before": was, "after": now}


def told_without(data: Mapping[str, Any], hidden: Collection[str]) -> dict[str, Any] | None:
    """What a log tells of a client without hidden fields; None where nothing else changed."""
    told, had, has = dict(data), False, False
    for side in ("before", "after"):
        state = told.get(side)
        if not isinstance(state, dict):
            continue
        if isinstance(state.get("own_fields"), dict):
            own = without(state["own_fields"], hidden)
            had = had or len(own) < len(state["own_fields"])
            state = {n: v for n, v in state.items() if n != "own_fields"}
            state |= {"own_fields": own} if own else {}
        told[side], has = state, has or bool(state)
    return None if had and not has else told


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
        case "position":
            return _point(text.strip())
    return text


def on_phone(field: FormField) -> FormField:
    """A field as phones know it: one of cards' own types is a text there."""
    if field.type not in OF_CARDS:
        return field
    return FormField(name=field.name, type="text", label=field.label, hint=field.hint)


def as_sense(field: FormField, sense: str) -> FormField:
    """A formula's field as one of the type that it comes to, for words."""
    if field.type == sense:
        return field
    return FormField(name=field.name, type=sense, label=field.label, unit=field.unit)  # type: ignore[arg-type]


def written(field: FormField, value: Any) -> str:
    """A value as a form's input holds it; `read_text` reads it again."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    if isinstance(value, dict) and is_point(value):
        return f"{value['lat']}, {value['lng']}"
    if is_file(value):
        return str(value["id"])
    return ", ".join(value) if isinstance(value, list) else str(value)


def option_of(field: FormField, text: str) -> str | None:
    """The option that a text means: by its value, or by its label in any language."""
    wanted = text.strip().casefold()
    for option in field.options:
        labels = [option.label] if isinstance(option.label, str) else option.label.values()
        if wanted in {option.value.casefold(), *(label.casefold() for label in labels)}:
            return option.value
    return None


def _point(text: str) -> dict[str, float] | str:
    """`60.1699, 24.9384`; a latitude first."""
    found = _POINT.fullmatch(text)
    return {"lat": float(found[1]), "lng": float(found[2])} if found else text


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
