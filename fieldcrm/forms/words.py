"""A form's texts and answers in a reader's language. Pure but for the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from fieldcrm.forms.model import FormDefinition, FormField, Problem
from fieldcrm.forms.rules import NEXT_STEP
from fieldcrm.kit import i18n


def said(text: str | Mapping[str, str] | None, language: str) -> str:
    """A form's text in a language; the first one it has where it lacks that."""
    if text is None or isinstance(text, str):
        return text or ""
    return text.get(language) or text.get(i18n.DEFAULT) or next(iter(text.values()), "")


def label_of(form: FormDefinition, name: str, language: str) -> str:
    """What a field is called; a name the form doesn't know shows itself."""
    if name == NEXT_STEP:
        return i18n.t("forms.next_step", language)
    field = next((f for f in form.fields if f.name == name), None)
    return said(field.label, language) if field else name


def problem_text(form: FormDefinition, problem: Problem, language: str) -> str:
    """'Samples handed over: at most 5'."""
    name = label_of(form, problem.field, language)
    if problem.code == "check":
        return f"{name}: {said(form.checks[problem.params['check']].text, language)}"
    return f"{name}: {i18n.t(f'forms.problem.{problem.code}', language, **problem.params)}"


@dataclass(frozen=True)
class AnswerRow:
    """One answer in words; `strokes` of a signature, `photos` by hash."""

    name: str
    label: str
    text: str
    photos: tuple[str, ...] = ()
    strokes: tuple[tuple[float, ...], ...] = ()


def answer_rows(
    form: FormDefinition, answers: Mapping[str, Any], products: Mapping[str, str], language: str
) -> list[AnswerRow]:
    """Answers in the form's order, as far as they can be read."""
    return [
        _row(field, answers[field.name], products, language)
        for field in form.fields if answers.get(field.name) is not None
    ]  # fmt: skip


def raw_rows(answers: Mapping[str, Any]) -> list[AnswerRow]:
    """Answers to a form that isn't known here, as they came."""
    return [AnswerRow(name, name, _raw(value)) for name, value in answers.items()]


def no_step_row(reason: str, language: str) -> AnswerRow:
    """Why there is no next step; a reason that isn't one of the phone's list is text."""
    key = f"forms.no_step.{reason}"
    told = i18n.t(key, language)
    label = i18n.t("forms.no_step", language)
    return AnswerRow("no_next_step", label, reason if told == key else told)


def _raw(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}: {_raw(v)}" for k, v in list(value.items())[:50])
    if isinstance(value, list):
        return ", ".join(_raw(v) for v in value[:50])
    return "" if value is None else str(value)[:500]


def value_text(field: FormField, value: Any, language: str) -> str:
    """One value in words, of a field that speaks of no products."""
    return _text(field, value, {}, language)


def _row(field: FormField, value: Any, products: Mapping[str, str], language: str) -> AnswerRow:
    label = said(field.label, language)
    if field.type == "photo":
        text = i18n.t("forms.photos", language, n=len(value))
        return AnswerRow(field.name, label, text, photos=tuple(value))
    if field.type == "signature":
        strokes = tuple(tuple(stroke) for stroke in value.get("strokes", []))
        return AnswerRow(field.name, label, value.get("name", ""), strokes=strokes)
    return AnswerRow(field.name, label, _text(field, value, products, language))


def _text(field: FormField, value: Any, products: Mapping[str, str], language: str) -> str:
    match field.type:
        case "choice":
            return _option(field, value, language)
        case "choices":
            return ", ".join(_option(field, each, language) for each in value)
        case "number":
            unit = said(field.unit, language)
            return " ".join(t for t in (i18n.number(value, language), unit) if t)
        case "money":
            unit = said(field.unit, language)
            return " ".join(t for t in (i18n.number(value, language, 2), unit) if t)
        case "date":
            return i18n.day(date.fromisoformat(value), language, "d MMM y")
        case "yes_no":
            return i18n.t("forms.yes" if value else "forms.no", language)
        case "products":
            return ", ".join(products.get(each, each) for each in value)
        case "samples":
            return ", ".join(_pieces(value, products, language))
        case "stock":
            return ", ".join(_shelf_texts(value, products, language))
        case "questionnaire":
            return "; ".join(_questions(field, value, language))
        case "agreement":
            return i18n.t("forms.agreed", language)
    return str(value)


def _option(field: FormField, value: str, language: str) -> str:
    found = next((o for o in field.options if o.value == value), None)
    return said(found.label, language) if found else value


def _pieces(value: Mapping[str, Any], products: Mapping[str, str], language: str) -> Iterable[str]:
    for product, n in value.items():
        if n:
            yield f"{products.get(product, product)} × {i18n.number(n, language)}"


def _shelf_texts(
    value: Mapping[str, Any], products: Mapping[str, str], language: str
) -> Iterable[str]:
    for product, row in value.items():
        name = products.get(product, product)
        if not row["there"]:
            yield f"{name}: {i18n.t('forms.out_of_stock', language)}"
        elif row.get("price") is not None:
            yield f"{name}: {i18n.number(row['price'], language, 2)}"
        else:
            yield f"{name}: {i18n.t('forms.in_stock', language)}"


def _questions(field: FormField, value: Mapping[str, str], language: str) -> Iterable[str]:
    for question in field.questions:
        if question.value in value:
            answer = _option(field, value[question.value], language)
            yield f"{said(question.label, language)}: {answer}"
