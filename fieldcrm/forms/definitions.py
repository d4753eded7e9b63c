"""Reading a form's definition, and what is wrong with one. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from fieldcrm.forms.expressions import WORDS, BadExpression, names, parse
from fieldcrm.forms.model import BadForm, Fault, FormDefinition, FormField
from fieldcrm.forms.rules import NEXT_STEP

FACTS = frozenset({"result", "kind", "category"})
RESERVED = FACTS | WORDS | {NEXT_STEP}
NEEDS_OPTIONS = frozenset({"choice", "choices", "questionnaire"})


def read(told: Any) -> FormDefinition:
    """A definition from JSON values; raises BadForm with every fault."""
    try:
        form = msgspec.convert(told, FormDefinition)
    except msgspec.ValidationError as error:
        raise BadForm(faults=[{"where": "", "why": "shape", "what": str(error)[:300]}]) from error
    if found := faults(form):
        raise BadForm(faults=[{"where": f.where, "why": f.why} for f in found])
    return form


def plain(form: FormDefinition) -> dict[str, Any]:
    """The definition as JSON values."""
    return msgspec.to_builtins(form)


def faults(form: FormDefinition) -> list[Fault]:
    """Everything that makes a definition unusable, in the form's order."""
    found: list[Fault] = []
    known = set(FACTS)
    for field in form.fields:
        found += _field_faults(field, known)
        known.add(field.name)
    for n, each in enumerate(form.checks, start=1):
        found += _expression_faults(f"checks.{n}", each.rule, known)
        if each.field not in known - FACTS:
            found.append(Fault(f"checks.{n}", "unknown_field"))
    return found


def _field_faults(field: FormField, known: set[str]) -> Iterable[Fault]:
    if field.name in RESERVED:
        yield Fault(field.name, "reserved_name")
    elif field.name in known:
        yield Fault(field.name, "name_twice")
    for expression in (field.when, field.required_when):
        if expression is not None:
            yield from _expression_faults(field.name, expression, known)
    if field.min is not None and field.max is not None and field.min > field.max:
        yield Fault(field.name, "min_above_max")
    yield from _list_faults(field)
    if field.type == "agreement" and field.text is None:
        yield Fault(field.name, "text_needed")


def _list_faults(field: FormField) -> Iterable[Fault]:
    if field.type in NEEDS_OPTIONS and not field.options:
        yield Fault(field.name, "options_needed")
    if field.type == "questionnaire" and not field.questions:
        yield Fault(field.name, "questions_needed")
    for rows in (field.options, field.questions):
        if len({row.value for row in rows}) < len(rows):
            yield Fault(field.name, "option_twice")


def _expression_faults(where: str, expression: str, known: set[str]) -> Iterable[Fault]:
    try:
        if names(parse(expression)) - known:
            yield Fault(where, "unknown_name")
    except BadExpression:
        yield Fault(where, "bad_expression")
