"""The sample's reps answer forms within their rules, whatever the dice say."""

from __future__ import annotations

import random
from datetime import date

import pytest

from fieldcrm.forms import definitions, rules, service
from fieldcrm.forms.model import Facts
from workers.simulator import words

DAY = date(2026, 3, 4)
PRODUCTS = [(f"p{n}", f"Product {n}") for n in range(6)]
DOCS = [
    {"form_id": name, "version": 1, "is_active": True, "definition": definitions.plain(form)}
    for name, form in service.templates().items()
]
FORM_OF = {"doctor": "doctor", "pharmacy": "pharmacy", "pharmacist": "pharmacy",
           "organisation": "organisation", "buyer": "organisation"}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(FORM_OF))
def test_a_thousand_answers_keep_the_rules_for_every_category(kind: str) -> None:
    form = service.templates()[FORM_OF[kind]]
    for seed in range(1000):
        dice = random.Random(seed)
        has_step = dice.random() < 0.5
        said = words.closing(kind, True, has_step, "en", PRODUCTS, DAY, dice, DOCS)
        filled = said["details"]["form"]
        has_reason = has_step or "no_next_step" in said["details"]
        for category in ("A", "B", "C", None):
            facts = Facts(said["result"], kind, DAY.isoformat(), category, None, has_reason)
            assert rules.check(form, filled["answers"], facts).problems == [], (seed, category)


def test_a_visit_that_was_not_held_answers_nothing() -> None:
    said = words.closing("doctor", False, False, "en", PRODUCTS, DAY, random.Random(1), DOCS)
    assert said["details"] == {}


def test_a_phone_without_forms_tells_what_it_told_before() -> None:
    before = words.closing("pharmacy", True, True, "en", PRODUCTS, DAY, random.Random(5))
    after = words.closing("pharmacy", True, True, "en", PRODUCTS, DAY, random.Random(5), DOCS)
    assert "form" not in before["details"]
    assert (before["result"], before["comment"], before["next_step"]) == (
        after["result"], after["comment"], after["next_step"],
    )  # fmt: skip
