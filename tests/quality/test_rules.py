"""What is wrong with a card, what it costs, and what is most worth putting right."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import h3.api.basic_int as h3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.quality import rules
from fieldcrm.quality.model import (
    ON_CARD,
    POINTS,
    BadNorm,
    Card,
    Code,
    Finding,
    Geocoder,
    Norms,
)

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
TODAY = date(2026, 5, 4)
NORMS = Norms(countries=("FI",))
WHOLE = Card(
    id="1", kind="pharmacy", category="A", territory_id="t", phone="+358 9 31045588",
    phone_e164="+358931045588", address="Sibeliuksenkatu 14", city="Helsinki", lat=60.18, lng=24.91,
    opening_hours="Mo-Fr 09:00-17:00", known_at=NOW - timedelta(days=3),
)  # fmt: skip


def codes(norms: Norms = NORMS, **changes: Any) -> list[Code]:
    return [f.code for f in rules.findings(replace(WHOLE, **changes), norms, NOW)]


def test_a_whole_card_has_nothing_wrong() -> None:
    found = rules.findings(WHOLE, NORMS, NOW)
    assert (found, rules.score(found), rules.mask(found)) == ([], 100, 0)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"lat": None, "lng": None}, Code.no_place),
        ({"lat": 0.0, "lng": 0.0}, Code.bad_place),
        ({"lat": 24.91, "lng": 60.18}, Code.bad_place),
        ({"has_wrong_pin": True}, Code.wrong_pin),
        ({"has_double": True}, Code.duplicate),
        ({"known_at": NOW - timedelta(days=181)}, Code.stale),
        ({"known_at": None}, Code.stale),
        ({"phone": None}, Code.missing),
        ({"phone": "12", "phone_e164": None}, Code.bad_phone),
        ({"phone": "+358 40 0000000", "phone_e164": "+358400000000"}, Code.bad_phone),
        ({"opening_hours": "when we are there"}, Code.bad_hours),
        ({"opening_hours": "Mo-Su off"}, Code.never_open),
        ({"opening_hours": "2019 Jan 01 10:00-12:00"}, Code.never_open),
        ({"address": "Sibeliuksenkatu"}, Code.no_house),
        ({"area": frozenset({h3.latlng_to_cell(60.3, 25.1, 10)})}, Code.outside),
    ],
)
def test_each_thing_wrong_is_found_alone(changes: dict[str, Any], code: Code) -> None:
    assert codes(**changes) == [code]


@pytest.mark.parametrize(
    "changes",
    [
        {"phone": "8 (916) 123-45-67; +358 9 31045588", "phone_e164": "+358931045588"},
        {"phone": "09 310 45588", "phone_e164": None},
        {"opening_hours": "пн-пт 9-18"},
        {"opening_hours": "24/7"},
        {"address": "д. Сосновка, б/н"},
        {"address": "Str. Principală f.n."},
        {"area": frozenset({h3.latlng_to_cell(60.18, 24.91, 10)})},
        {"area": frozenset({h3.latlng_to_cell(60.18, 24.91, 7)})},
    ],
)
def test_what_is_right_is_left_alone(changes: dict[str, Any]) -> None:
    assert codes(**changes) == []


def test_a_person_at_a_workplace_is_not_asked_for_its_address_or_hours() -> None:
    doctor = {"kind": "doctor", "opening_hours": None, "address": None, "city": None}
    assert codes(**doctor, specialty="surgeon", has_workplace=True) == []
    named = [f.field for f in rules.findings(replace(WHOLE, **doctor), NORMS, NOW)]  # type: ignore[arg-type]
    assert named == ["specialty", "address", "city"]


def test_required_fields_go_by_category_and_know_own_fields() -> None:
    norms = replace(NORMS, required={"A": ("own.chain", "email"), "B": (), "C": (), "": ()})
    found = rules.findings(WHOLE, norms, NOW)
    assert [(f.code, f.field) for f in found] == [
        (Code.missing, "own.chain"), (Code.missing, "email"),
    ]  # fmt: skip
    assert rules.findings(replace(WHOLE, category="B"), norms, NOW) == []
    assert codes(norms, own_fields={"chain": False}, email="a@b.fi") == []


def test_consent_is_asked_of_people_with_a_contact_where_it_is_kept() -> None:
    doctor = {"kind": "doctor", "specialty": "surgeon", "opening_hours": None}
    norms = replace(NORMS, consent_field="consent")
    assert codes(norms, **doctor) == [Code.no_consent]
    assert codes(norms, **doctor, own_fields={"consent": True}) == []
    assert codes(norms) == []
    assert codes(**doctor) == []


@pytest.mark.parametrize(
    ("states", "email", "is_found"),
    [
        ({}, None, True), ({"call": "given"}, None, False), ({"message": "given"}, None, False),
        ({"call": "asked"}, None, True), ({"call": "withdrawn", "visit": "given"}, None, True),
        ({"call": "given"}, "a@b.fi", True), ({"call": "given", "email": "given"}, "a@b.fi", False),
        ({"call": "given", "email": "withdrawn"}, "a@b.fi", True),
    ],
)  # fmt: skip
def test_each_contact_wants_a_channel_that_was_allowed(
    states: dict[str, str], email: str | None, is_found: bool
) -> None:
    norms = replace(NORMS, consent_field=ON_CARD)
    doctor = {"kind": "doctor", "specialty": "surgeon", "opening_hours": None, "email": email,
              "consents": {c: {"state": s} for c, s in states.items()}}  # fmt: skip
    assert (Code.no_consent in codes(norms, **doctor)) == is_found


def test_worth_goes_by_category_visits_planned_and_gain() -> None:
    def worth(points: int, **changes: Any) -> int:
        return rules.value(replace(WHOLE, **changes), points, TODAY)

    assert worth(100) == 0
    assert worth(60) > worth(80) > 0
    assert worth(60) > worth(60, category="B") > worth(60, category="C") > 0
    soon, later = TODAY + timedelta(days=2), TODAY + timedelta(days=10)
    assert worth(60, next_visit_on=soon) > worth(60, next_visit_on=later) > worth(60)
    assert worth(60, next_visit_on=TODAY - timedelta(days=1)) == worth(60)


TEXTS = st.none() | st.text(max_size=30)
CARDS = st.builds(
    Card, id=st.just("1"), kind=st.sampled_from(["doctor", "pharmacy", "organisation", "buyer"]),
    category=st.sampled_from(["A", "B", "C", None]), territory_id=TEXTS, phone=TEXTS, email=TEXTS,
    specialty=TEXTS, address=TEXTS, city=TEXTS, opening_hours=TEXTS,
    lat=st.none() | st.floats(-90, 90), lng=st.none() | st.floats(-180, 180),
    known_at=st.none() | st.datetimes(timezones=st.just(UTC)), has_double=st.booleans(),
    has_wrong_pin=st.booleans(), has_workplace=st.booleans(),
)  # fmt: skip


@given(CARDS)
def test_any_card_gets_a_score_that_its_findings_explain(card: Card) -> None:
    found = rules.findings(card, NORMS, NOW)
    points = rules.score(found)
    assert 0 <= points <= 100
    assert points == max(0, 100 - sum(POINTS[f.code] for f in found))
    assert (points == 100) == (found == [])
    assert set(rules.codes_in(rules.mask(found))) == {f.code for f in found}
    assert (rules.value(card, points, TODAY) == 0) == (found == [])


@given(st.lists(st.sampled_from(list(Code)), max_size=12), st.integers(0, 11))
def test_putting_anything_right_never_lowers_a_score(some: list[Code], n: int) -> None:
    found = [Finding(code) for code in some]
    assert rules.score(found[:n] + found[n + 1 :]) >= rules.score(found)


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"required": {"A": ["shoe_size"]}}, "required"), ({"required": {"Z": []}}, "required"),
        ({"required": {"A": "phone"}}, "required"), ({"required": {"A": ["own.nothing"]}}, "required"),
        ({"stale_days": 1}, "stale_days"), ({"stale_days": True}, "stale_days"),
        ({"every_days": 1000}, "every_days"), ({"countries": ["Finland"]}, "countries"),
        ({"consent_field": "nothing"}, "consent_field"),
    ],
)  # fmt: skip
def test_norms_that_cannot_be_are_refused(told: dict[str, Any], field: str) -> None:
    with pytest.raises(BadNorm) as refused:
        rules.norms_of(told, ["chain"])
    assert refused.value.params["field"] == field


def test_norms_are_taken_as_told_beside_the_usual_ones() -> None:
    told = {"required": {"A": ["phone", "own.chain", "phone"]}, "stale_days": 90}
    norms = rules.norms_of(told, ["chain"])
    assert norms.required["A"] == ("phone", "own.chain")
    assert norms.required["B"] == Norms().required["B"]
    assert (norms.stale_days, norms.every_days) == (90, 7)


@pytest.mark.parametrize(
    "url", ["ftp://x.org", "geo.example.org", "https://u:p@x.org", "http://x/?q="]
)
def test_a_geocoder_needs_an_address_of_the_web(url: str) -> None:
    with pytest.raises(BadNorm):
        rules.check_geocoder(Geocoder(url=url, contact="a@b.org"))


def test_a_geocoder_needs_somebody_to_write_to_and_is_off_without_an_address() -> None:
    with pytest.raises(BadNorm):
        rules.check_geocoder(Geocoder(url="https://geo.example.org", contact=""))
    assert not rules.check_geocoder(Geocoder()).is_on
    assert rules.check_geocoder(Geocoder(url="http://127.0.0.1:8080/x", contact="a@b.org")).is_on
