"""What a rep writes down when he closes a visit, in his own language. Seeded, pure."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from workers.simulator import answers, names

Product = tuple[str, str]
"""id, name"""
SHELVES = ("pharmacy", "pharmacist", "buyer", "organisation")


def closing(
    kind: str, is_held: bool, has_next_step: bool, language: str, products: Sequence[Product],
    today: date, dice: random.Random, forms: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:  # fmt: skip
    """Result, comment, details and next step of a `visit.close` (see wire.sync.ClosePayload);
    `forms` are the versions that the phone holds."""
    shown = dice.sample(list(products), k=min(len(products), dice.randint(1, 3)))
    if not is_held:
        result = dice.choice(("not_met", "not_met", "declined", "closed_place"))
        comment = dice.choice(names.NOT_MET[language])
        return {"result": result, "comment": comment, "details": {}, "next_step": None}
    said = {
        "result": _result(kind, dice),
        "comment": _comment(language, shown, dice),
        "details": _details(kind, shown, products, dice),
        "next_step": _next_step(language, shown, today, dice) if has_next_step else None,
    }
    if (form := answers.asked(forms, kind)) is not None:
        said["details"] = answers.fill(
            form, kind, said["result"], has_next_step, products, said["details"], today, dice
        )
    return said


def _result(kind: str, dice: random.Random) -> str:
    if kind not in SHELVES:
        return "met"
    return dice.choices(("met", "order", "out_of_stock"), (45, 45, 10))[0]


def _comment(language: str, shown: Sequence[Product], dice: random.Random) -> str | None:
    if not shown or dice.random() < 0.25:
        return None
    return dice.choice(names.TALKED[language]).format(product=shown[0][1])


def _details(
    kind: str, shown: Sequence[Product], products: Sequence[Product], dice: random.Random
) -> dict[str, Any]:
    details: dict[str, Any] = {"products": [p for p, _ in shown]}
    if kind in SHELVES:
        checked = dice.sample(list(products), k=min(4, len(products)))
        details["stock"] = {p: dice.random() > 0.09 for p, _ in checked}
    elif shown and dice.random() < 0.35:
        details["samples"] = {shown[0][0]: dice.randint(1, 4)}
    return details


def _next_step(
    language: str, shown: Sequence[Product], today: date, dice: random.Random
) -> dict[str, Any]:
    name = shown[0][1] if shown else ""
    text = dice.choice(names.NEXT_STEPS[language]).format(product=name)
    return {"text": text, "due_on": (today + timedelta(days=dice.randint(5, 21))).isoformat()}
