"""The forms' language and rules: every case of the file that the phone's suite runs too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.forms import definitions, expressions, rules
from fieldcrm.forms.model import BadForm, Facts, FormDefinition

CASES = json.loads((Path(__file__).parent / "cases.json").read_text(encoding="utf-8"))
FORMS = {name: definitions.read(told) for name, told in CASES["forms"].items()}
REFUSED = "refused"


def value_of(case: dict[str, Any]) -> Any:
    try:
        tree = expressions.parse(case["of"])
    except expressions.BadExpression:
        return REFUSED
    return expressions.evaluate(tree, case.get("with", {}))


@pytest.mark.parametrize("case", CASES["expressions"], ids=lambda c: c["of"][:40])
def test_expression(case: dict[str, Any]) -> None:
    found = value_of(case)
    assert found == case["is"]
    assert isinstance(found, bool) == isinstance(case["is"], bool)


def facts_of(told: dict[str, Any]) -> Facts:
    all_of = CASES["facts"] | told
    photos = all_of.pop("photos")
    return Facts(**all_of, photos=None if photos is None else frozenset(photos))


@pytest.mark.parametrize("case", CASES["checks"], ids=lambda c: json.dumps(c["answers"])[:60])
def test_check(case: dict[str, Any]) -> None:
    found = rules.check(FORMS[case["form"]], case["answers"], facts_of(case["facts"]))
    told = [[p.field, p.code, *([p.params] if p.params else [])] for p in found.problems]
    assert told == case["problems"]
    if "kept" in case:
        assert found.kept == case["kept"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 2000) | st.floats(-9, 9) | st.text(max_size=5)
    | st.sampled_from(["a", "h1", "for", "2026-03-09"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["p", "dose", "there", "price", "strokes", "name"]), inner),
    max_leaves=8,
)  # fmt: skip


@given(st.sampled_from(sorted(FORMS)), st.data())
def test_any_answer_is_judged_and_what_is_kept_is_judged_alike(name: str, data: Any) -> None:
    form = FORMS[name]
    answers = {field.name: data.draw(_JSON) for field in form.fields}
    once = rules.check(form, answers, facts_of({}))
    again = rules.check(form, once.kept, facts_of({}))
    assert again.kept == once.kept
    rules.details_of(form, once.kept)
    rules.shelves(form, once.kept)


def test_what_answers_tell_of_products() -> None:
    form = FORMS["doctor"]
    told = rules.details_of(form, {"shown": ["p", "q"], "left": {"p": 2, "q": 0}})
    assert told == {"products": ["p", "q"], "samples": {"p": 2}}


def test_shelves_have_a_price_only_where_the_product_is() -> None:
    rows = {"p": {"there": True, "price": 4}, "q": {"there": False, "price": 5}}
    found = {
        s.product_id: (s.is_there, s.price) for s in rules.shelves(FORMS["every"], {"shelf": rows})
    }
    assert found == {"p": (True, 4.0), "q": (False, None)}


FIELD = {"name": "a", "type": "text", "label": "A"}


@pytest.mark.parametrize(
    ("fields", "checks", "faults"),
    [
        ([FIELD, FIELD], [], [("a", "name_twice")]),
        ([FIELD | {"name": "result"}], [], [("result", "reserved_name")]),
        ([FIELD | {"when": "b = 1"}, FIELD | {"name": "b"}], [], [("a", "unknown_name")]),
        ([FIELD | {"when": "a = 1"}], [], [("a", "unknown_name")]),
        ([FIELD | {"required_when": "= 1"}], [], [("a", "bad_expression")]),
        ([FIELD | {"min": 2, "max": 1}], [], [("a", "min_above_max")]),
        ([FIELD | {"type": "choice"}], [], [("a", "options_needed")]),
        ([FIELD | {"type": "questionnaire"}], [], [("a", "options_needed"), ("a", "questions_needed")]),
        ([FIELD | {"type": "agreement"}], [], [("a", "text_needed")]),
        ([FIELD | {"type": "choice", "options": [{"value": "x", "label": "X"}] * 2}], [], [("a", "option_twice")]),
        ([FIELD], [{"rule": "b", "field": "c", "text": "no"}], [("checks.1", "unknown_name"), ("checks.1", "unknown_field")]),
    ],
)  # fmt: skip
def test_faults_of_a_definition(
    fields: list[dict[str, Any]], checks: list[dict[str, Any]], faults: list[tuple[str, str]]
) -> None:
    told = {"title": "T", "kinds": ["doctor"], "fields": fields, "checks": checks}
    with pytest.raises(BadForm) as refused:
        definitions.read(told)
    assert [(f["where"], f["why"]) for f in refused.value.params["faults"]] == faults


def test_a_definition_survives_its_way_as_json() -> None:
    for form in FORMS.values():
        sent = json.loads(json.dumps(definitions.plain(form)))
        assert msgspec.convert(sent, FormDefinition) == form
