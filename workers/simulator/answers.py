"""How a rep answers a visit's form: within its rules, by chance. Seeded, pure."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec

from fieldcrm.forms import rules
from fieldcrm.forms.expressions import holds
from fieldcrm.forms.model import Facts
from fieldcrm.wire.forms import FormDefinition, FormField

ANSWERED_SHARE = 0.7
"""Of what a form doesn't insist on."""
REASONS = ("not_needed", "client_undecided", "office_decides")
"""Why there is no next step, as the phone app names them."""
SIGNATURE = [[120, 620, 260, 300, 330, 640, 470, 380, 560, 600, 880, 420]]


def asked(docs: Sequence[Mapping[str, Any]], kind: str) -> Mapping[str, Any] | None:
    """The form that clients of a kind are asked, among what a phone holds (wire.forms.FormDoc)."""
    return next((d for d in docs if d["is_active"] and kind in d["definition"]["kinds"]), None)


def fill(
    doc: Mapping[str, Any], kind: str, result: str, has_next_step: bool,
    products: Sequence[tuple[str, str]], said: Mapping[str, Any], day: date, dice: random.Random,
) -> dict[str, Any]:  # fmt: skip
    """Details with the form filled in; without it where its rules leave no way.

    `said` holds products, samples and stock as a rep tells them without a form. A client of the
    best category is asked most, so that is what is answered; the server keeps what it asks.
    """
    form = msgspec.convert(doc["definition"], FormDefinition)
    details: dict[str, Any] = dict(said)
    if form.next_step == "required" and not has_next_step:
        details["no_next_step"] = dice.choice(REASONS)
    facts = Facts(result, kind, day.isoformat(), "A", None, True)
    known: dict[str, Any] = {"result": result, "kind": kind, "category": "A"}
    for field in form.fields:
        known[field.name] = None
        if field.when is None or holds(field.when, known):
            known[field.name] = _answer(field, known, products, said, day, dice)
    answers = {f.name: known[f.name] for f in form.fields if known[f.name] is not None}
    checked = rules.check(form, answers, facts)
    for problem in checked.problems:
        answers.pop(problem.field, None)
    checked = rules.check(form, answers, facts)
    if checked.problems:
        return details
    filled = {"form_id": doc["form_id"], "version": doc["version"], "answers": checked.kept}
    return {**details, **rules.details_of(form, checked.kept), "form": filled}


def _answer(
    field: FormField, known: Mapping[str, Any], products: Sequence[tuple[str, str]],
    said: Mapping[str, Any], day: date, dice: random.Random,
) -> Any:  # fmt: skip
    needed = field.required or (
        field.required_when is not None and holds(field.required_when, known)
    )
    if not needed and dice.random() > ANSWERED_SHARE:
        return None
    options = [o.value for o in field.options]
    match field.type:
        case "choice":
            return dice.choice(options)
        case "choices":
            most = min(len(options), int(field.max or len(options)))
            return dice.sample(options, k=dice.randint(min(most, int(field.min or 1)), most))
        case "number":
            low = field.min or 0
            return float(dice.randint(int(low), int(min(low + 40, field.max or low + 40))))
        case "date":
            return (day + timedelta(days=int(field.min or 0) + dice.randint(1, 20))).isoformat()
        case "yes_no":
            return dice.random() < 0.5
        case "products":
            return said.get("products") or None
        case "samples":
            return said.get("samples") or None
        case "stock":
            return _shelf(field, products, said, dice)
        case "questionnaire":
            return {q.value: dice.choice(options) for q in field.questions}
        case "agreement":
            return True
        case "signature":
            return {"name": "", "strokes": SIGNATURE}
        case "text":
            return "…"
    return None


def _shelf(
    field: FormField, products: Sequence[tuple[str, str]], said: Mapping[str, Any],
    dice: random.Random,
) -> dict[str, Any]:  # fmt: skip
    seen = dict(said.get("stock") or {})
    for product, _ in products:
        if len(seen) < (field.min or 1):
            seen.setdefault(product, dice.random() > 0.09)
    return {
        product: {"there": there, "price": _price(product) if there and field.with_price else None}
        for product, there in seen.items()
    }  # fmt: skip


def _price(product: str) -> float:
    """Every product has its own price, which moves little from shelf to shelf."""
    return round(4 + random.Random(product).random() * 20, 2)
