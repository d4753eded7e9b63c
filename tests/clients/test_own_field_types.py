"""Types that only cards have: a position, another client, a formula reckoned of other fields."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from fieldcrm.clients import exporting, importing, service
from fieldcrm.clients.model import BadClientField, ClientFilters, Condition, UnreadableTable
from fieldcrm.clients.ownfields import formulas
from fieldcrm.clients.ownfields import service as own
from fieldcrm.clients.ownfields.model import (
    BadOwnField,
    CardField,
    OwnField,
    OwnFieldReckoned,
    OwnFieldRefused,
    OwnFieldUnknown,
)
from fieldcrm.reports import answers
from tests.clients.base import Base, lay_out

EVERYBODY = ["rep", "dispatcher", "manager"]
PLACES = ["organisation", "pharmacy"]
STATION, FARMACIA, DOCTOR = (
    "Töölö Health Station", "Farmacia Ștefan cel Mare", "Dr Щербаков Артём",
)  # fmt: skip
DOOR = {"name": "door", "type": "position", "label": "Back door"}
HEAD = {"name": "head", "type": "reference", "label": "Head office", "of_kinds": ["organisation"]}
BEDS = {"name": "beds", "type": "number", "label": "Beds"}
WARDS = {"name": "wards", "type": "number", "label": "Wards"}
MARGIN = {"name": "margin", "type": "money", "label": "Margin"}
CHAIN = {"name": "chain", "type": "yes_no", "label": "Chain"}
NAME = {"name": "called", "type": "text", "label": "Called"}
SINCE = {"name": "since", "type": "date", "label": "Since"}
GEAR = {
    "name": "gear", "type": "choices", "label": "Gear",
    "options": [{"value": "ct", "label": "CT"}, {"value": "mri", "label": "MRI"}],
}  # fmt: skip


def formula(text: str, **more: Any) -> dict[str, Any]:
    return {"name": "sum", "type": "formula", "label": "Sum", "formula": text} | more


@pytest.fixture
def base(any_db: str) -> Base:
    return lay_out()


def make(base: Base, *definitions: dict[str, Any], viewers: Any = None) -> OwnField:
    every = [
        own.save_field(base.actor("admin"), d, PLACES, EVERYBODY, viewers=viewers)
        for d in definitions
    ]
    return every[-1]


def fill(base: Base, client: str, login: str = "admin", **values: Any) -> dict[str, Any]:
    saved = service.save(base.actor(login), {"own_fields": values}, base.clients[client])
    return saved.own_fields


def names(base: Base, sort: str = "name", login: str = "admin", **wanted: Any) -> list[str]:
    """A list read in pages of one, so that every cursor is read again."""
    found, cursor = [], None
    while True:
        page = service.find(base.actor(login), "", ClientFilters(**wanted), sort, 1, cursor)
        found += [c.name for c in page.rows]
        cursor = page.cursor
        if cursor is None:
            return found


def asks(field: str, op: str, value: str = "") -> dict[str, Any]:
    return {"conditions": (Condition(f"own.{field}", op, value),)}


def exported(base: Base, login: str = "admin") -> dict[str, dict[str, str]]:
    file = exporting.export_csv(base.actor(login)).decode("utf-8-sig")
    return {row["name"]: row for row in csv.DictReader(io.StringIO(file))}


# ---- positions ----


def test_a_position_is_kept_found_told_and_comes_in_again(base: Base) -> None:
    make(base, DOOR)
    place = {"lat": 60.18391, "lng": -24.9146}
    assert fill(base, STATION, "rep_north", door=place) == {"door": place}
    for wrong in ({"lat": 91, "lng": 0}, {"lat": 1}, {"lat": "1", "lng": 2}, "60, 24", [60, 24],
                  {"lat": True, "lng": 2}, {"lat": 1, "lng": 2, "alt": 3}):  # fmt: skip
        with pytest.raises(OwnFieldRefused):
            fill(base, STATION, door=wrong)
    assert names(base, **asks("door", "filled")) == [STATION]
    assert STATION not in names(base, **asks("door", "empty"))
    for wanted in (asks("door", "is", "60"), asks("door", "has", "60")):
        with pytest.raises(BadClientField):
            names(base, **wanted)
    with pytest.raises(BadClientField):
        names(base, "own.door")
    assert exported(base)[STATION]["own.door"] == "60.18391, -24.9146"
    (told, *_) = answers.own_changes(
        base.actor("admin"), service.history(base.actor("admin"), base.clients[STATION]), "en"
    )
    assert (told.label, told.before, told.after) == ("Back door", "", "60.18391, -24.9146")
    file = 'name,external_id,own.door\nX,F-001,"47.02; 28.83"\nY,F-002,at the gate\n'
    preview = importing.preview_import(base.actor("admin"), "a.csv", file.encode(), mode="upsert")
    assert [(t.row, t.code) for t in preview.troubles if t.column == "own.door"] == [(3, "bad_own")]
    importing.run_import(base.actor("admin"), preview.run_id)
    found = service.get(base.actor("admin"), base.clients[FARMACIA])
    assert found.own_fields == {"door": {"lat": 47.02, "lng": 28.83}}


# ---- references ----


def test_a_reference_names_a_client_that_its_author_sees_and_of_its_kinds(base: Base) -> None:
    make(base, HEAD)
    station = base.clients[STATION]
    assert fill(base, FARMACIA, head=station) == {"head": station}
    for wrong in (base.clients[DOCTOR], "nobody", "x" * 65, 7, {"id": station}):
        with pytest.raises(OwnFieldRefused):
            fill(base, FARMACIA, head=wrong)
    with pytest.raises(OwnFieldRefused):  # of another team: to him there is no such client
        fill(
            base, FARMACIA, "rep_south", head=fill(base, FARMACIA, head=None).get("head") or station
        )
    fill(base, FARMACIA, head=station)
    assert names(base, **asks("head", "has", "toolo")) == [FARMACIA]
    assert names(base, **asks("head", "has", "farmacia")) == []
    assert names(base, own=(("head", station),)) == [FARMACIA]
    assert names(base, login="rep_south", **asks("head", "has", "toolo")) == [], "not his to see"
    assert exported(base)[FARMACIA]["own.head"] == STATION
    assert exported(base, "rep_south")[FARMACIA]["own.head"] == "a client of others"
    (told, *_) = answers.own_changes(
        base.actor("admin"), service.history(base.actor("admin"), base.clients[FARMACIA]), "en"
    )
    assert (told.before, told.after) == ("", STATION)


def test_lists_go_by_the_names_that_references_tell_the_reader(base: Base) -> None:
    make(base, {**HEAD, "of_kinds": []})
    ours = {"kind": "pharmacy", "territory_id": base.territories["north"]}
    every = {
        name: service.save(base.actor("admin"), {"name": name, **ours}).id
        for name in ("Östra", "Ähtäri", "Nobody's")
    }
    admin = base.actor("admin")
    for name, to in (("Östra", STATION), ("Ähtäri", FARMACIA)):
        service.save(admin, {"own_fields": {"head": base.clients[to]}}, every[name])
    told = [n for n in names(base, "own.head") if n in every]
    assert told == ["Nobody's", "Ähtäri", "Östra"], "after Farmacia and Töölö"
    assert [n for n in names(base, "-own.head") if n in every] == told[::-1]
    seen = [n for n in names(base, "own.head", "rep_north") if n in every]
    assert set(seen[:2]) == {"Nobody's", "Ähtäri"}, "of whom he doesn't see, as of nobody"
    assert seen[2] == "Östra"


def test_files_name_a_client_by_code_or_by_a_name_that_is_one_clients_alone(base: Base) -> None:
    make(base, {**HEAD, "of_kinds": []})
    admin = base.actor("admin")
    for name in ("Twin", "Twin", "Single"):
        service.save(admin, {"name": name, "kind": "organisation"})
    rows = ("toolo health station", "F-001", "Twin", "Nobody", "single", base.clients[DOCTOR])
    file = "name,kind,external_id,own.head\n" + "".join(
        f"New {n},pharmacy,N-{n},{text}\n" for n, text in enumerate(rows)
    )
    preview = importing.preview_import(admin, "a.csv", file.encode())
    assert [(t.row, t.code, t.value) for t in preview.troubles if t.code == "own_no_client"] == [
        (4, "own_no_client", "Twin"), (5, "own_no_client", "Nobody"),
    ]  # fmt: skip
    importing.run_import(admin, preview.run_id)
    made = {c.name: c.own_fields.get("head") for c in service.find(admin, limit=100).rows}
    single = next(c.id for c in service.find(admin, "Single").rows)
    assert [made[f"New {n}"] for n in range(6)] == [
        base.clients[STATION], base.clients[FARMACIA], None, None, single, base.clients[DOCTOR],
    ]  # fmt: skip


# ---- formulas ----


def test_a_formula_is_reckoned_for_whoever_reads_and_set_by_nobody(base: Base) -> None:
    make(base, BEDS, WARDS, formula("beds / wards", unit="a ward"))
    assert fill(base, STATION, beds=9, wards=2) == {"beds": 9, "wards": 2, "sum": 4.5}
    assert fill(base, FARMACIA, beds=9, wards=0) == {"beds": 9, "wards": 0}
    assert service.get(base.actor("rep_north"), base.clients[STATION]).own_fields["sum"] == 4.5
    for value in (4.5, 7):
        with pytest.raises(OwnFieldReckoned):
            fill(base, STATION, sum=value)
    assert fill(base, STATION, beds=10)["sum"] == 5
    assert "sum" not in str(service.history(base.actor("admin"), base.clients[STATION])[0].data)
    assert exported(base)[STATION]["own.sum"] == "5"
    file = exporting.export_csv(base.actor("admin"))
    preview = importing.preview_import(base.actor("admin"), "a.csv", file, mode="update")
    assert "own.sum" not in preview.rules.mapping.values()
    told = {"name": "name", "external_id": "external_id", "own.sum": "own.sum"}
    with pytest.raises(UnreadableTable):
        importing.preview_import(base.actor("admin"), "a.csv", file, told)


def test_a_formula_of_no_sense_is_refused(base: Base) -> None:
    make(base, BEDS, NAME, GEAR, HEAD, DOOR)
    for text, why in (
        ("beds +", "formula"), ("beds; 1", "formula"), ("__import__('os')", "formula"),
        ("nothing_such + 1", "formula_names"), ("sum + 1", "formula_names"),
        ("head = 'x'", "formula_names"), ("door", "formula_names"), ("result = 'met'", "formula_names"),
        ("called + beds", "formula_types"), ("gear", "formula_types"), ("beds < called", "formula_types"),
        ("absent(beds)", "formula_types"), ("gear has called", "formula_types"), ("nothing", "formula_types"),
        ("(" * 31 + "beds" + ")" * 31, "formula"), ("beds + " * 80 + "1", "shape"), ("", "shape"),
    ):  # fmt: skip
        with pytest.raises(BadOwnField) as refused:
            make(base, formula(text))
        assert refused.value.params["why"] == why, text
    for wrong in (
        {"required": True},
        {"min": 1},
        {"options": GEAR["options"]},
        {"of_kinds": ["doctor"]},
    ):
        with pytest.raises(BadOwnField):
            make(base, formula("beds", **wrong))
    with pytest.raises(BadOwnField):
        make(base, BEDS | {"name": "other", "formula": "beds"})


FORMULAS = (
    "beds", "beds * 2 + wards", "-beds", "beds / wards", "beds / 0", "beds * 999999999 * 999999999",
    "beds = wards", "beds != wards", "beds < 5", "beds >= wards", "beds = called", "beds = nothing",
    "called", "called = 'alpha'", "called < 'beta'", "since >= '2026-01-01'", "chain", "not chain",
    "chain = true", "chain != true", "chain and beds > 3", "chain or called = 'alpha'",
    "gear has 'ct'", "not (gear has 'ct')", "count(gear)", "count(called) + count(gear) * 10",
    "answered(beds)", "answered(called)", "answered(gear)", "answered(chain)", "kind = 'pharmacy'",
    "category = 'A' and kind = 'organisation'", "category", "beds and called", "gear = nothing",
    "count(since) / 3 - 1", "beds / 7 * wards",
)  # fmt: skip
STATES: tuple[dict[str, Any], ...] = (
    {}, {"beds": 3, "wards": 2}, {"beds": 7.5, "wards": 0, "called": "alpha", "chain": True},
    {"beds": 3, "wards": 3, "called": "Ȁlpha", "chain": False, "gear": ["ct"], "since": "2026-03-04"},
    {"wards": -4, "called": "beta", "gear": ["mri", "ct"], "since": "2025-12-31"},
    {"beds": 0, "called": "Beta", "chain": True, "gear": ["mri"]},
)  # fmt: skip


def written(value: Any) -> str:
    """A value as a filter tells it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def listed(base: Base, sort: str = "name", **wanted: Any) -> list[str]:
    """Names of the clients of STATES that pass, in one page."""
    rows = service.find(base.actor("admin"), "", ClientFilters(**wanted), sort, 50).rows
    return [c.name for c in rows if c.name.startswith("State ")]


def test_the_database_reckons_as_the_card_does(base: Base) -> None:
    """Each formula over each state: what lists are narrowed and ordered by is what cards tell."""
    admin = base.actor("admin")
    make(base, BEDS, WARDS, CHAIN, NAME, SINCE, GEAR)
    for n, state in enumerate(STATES):
        told = {"name": f"State {n}", "kind": PLACES[n % 2], "category": "AB"[n % 2]}
        service.save(admin, told | {"own_fields": state})
    made = make(base, formula("beds"))
    for text in FORMULAS:
        made = own.save_field(admin, formula(text), PLACES, EVERYBODY, made.id)
        rows = [c for c in service.find(admin, "", limit=50).rows if c.name.startswith("State ")]
        values = {c.name: c.own_fields.get("sum") for c in rows}
        assert list(values.values()) == [
            formulas.value_of(text, state, c.kind, c.category)
            for state, c in zip(STATES, rows, strict=True)
        ], text
        by_value: dict[str, list[str]] = {}
        for name, value in values.items():
            by_value.setdefault("" if value is None else written(value), []).append(name)
        none = by_value.pop("", [])
        for value, same in by_value.items():
            assert listed(base, own=(("sum", value),)) == same, (text, value)
            assert listed(base, **asks("sum", "is", value)) == same, (text, value)
        assert listed(base, own=(("sum", ""),)) == none, text
        assert listed(base, **asks("sum", "empty")) == none, text
        assert listed(base, **asks("sum", "filled")) == [n for n in values if n not in none], text
        if made.sense == "number":
            known = [values[n] for n in listed(base, "own.sum") if values[n] is not None]
            assert known == sorted(known), text


def test_a_list_goes_on_where_a_page_ordered_by_a_formula_ended(base: Base) -> None:
    make(base, BEDS, WARDS, formula("beds / wards"))
    fill(base, STATION, beds=10, wards=3)
    fill(base, FARMACIA, beds=20, wards=7)
    assert names(base, "-own.sum") == [STATION, FARMACIA, DOCTOR]
    assert names(base, "own.sum") == [DOCTOR, FARMACIA, STATION]
    own.save_field(base.actor("admin"), formula("beds > 15"), PLACES, EVERYBODY,
                   own.list_fields(base.actor("admin"))[-1].id)  # fmt: skip
    with pytest.raises(BadClientField):
        names(base, "own.sum")
    assert names(base, **asks("sum", "is", "true")) == [FARMACIA]


def test_a_formula_is_seen_by_those_who_see_all_that_it_is_reckoned_of(base: Base) -> None:
    make(base, BEDS)
    make(base, MARGIN, viewers=["manager"])
    made = make(base, formula("margin * beds"))
    assert made.viewers == {"manager", "admin"}
    fill(base, STATION, beds=2, margin=50)
    assert service.get(base.actor("manager_north"), base.clients[STATION]).own_fields["sum"] == 100
    rep = base.actor("rep_north")
    assert service.get(rep, base.clients[STATION]).own_fields == {"beds": 2}
    assert [f.name for f in own.list_fields(rep)] == ["beds"]
    for wanted in ({"own": (("sum", "100"),)}, asks("sum", "from", "50")):
        with pytest.raises(BadClientField):
            names(base, login="rep_north", **wanted)
    with pytest.raises(OwnFieldUnknown):
        fill(base, STATION, "rep_north", sum=100)


def test_a_reckoned_number_is_whole_where_it_can_be() -> None:
    field = CardField(name="x", type="formula", label="X", formula="beds / 2")
    assert formulas.read(field, {"beds": "number"}) == ("number", {"beds": "number"})
    assert repr(formulas.value_of("beds / 2", {"beds": 4}, "pharmacy", None)) == "2"
    assert formulas.value_of("beds / 2", {"beds": "many"}, "pharmacy", None) is None


# ---- needed by stage ----

STAGE = {
    "name": "stage", "type": "choice", "label": "Stage",
    "options": [{"value": "talks", "label": "Talks"}, {"value": "contract", "label": "Contract"}],
}  # fmt: skip


def needed(when: str, **more: Any) -> dict[str, Any]:
    return {"name": "beds", "type": "number", "label": "Beds", "required_when": when} | more


def test_a_stage_is_reached_with_what_it_needs(base: Base) -> None:
    make(base, STAGE, needed("stage = 'contract'"), CHAIN)
    assert fill(base, STATION, stage="talks") == {"stage": "talks"}
    with pytest.raises(OwnFieldRefused) as refused:
        fill(base, STATION, stage="contract")
    assert refused.value.params == {"field": "beds", "why": "Beds: an answer is needed"}
    assert fill(base, STATION, stage="contract", beds=3) == {"stage": "contract", "beds": 3}
    with pytest.raises(OwnFieldRefused):
        fill(base, STATION, beds=None)
    assert fill(base, STATION, stage="talks", beds=None) == {"stage": "talks"}


def test_a_category_may_need_a_field_too_and_what_was_there_before_holds_up_nothing(
    base: Base,
) -> None:
    make(base, needed("category = 'A'"), CHAIN)
    boss = base.actor("admin")
    assert fill(base, STATION, chain=True) == {"chain": True}, "an A before, without beds"
    service.save(boss, {"city": "Espoo", "category": "A"}, base.clients[STATION])
    with pytest.raises(OwnFieldRefused):
        service.save(boss, {"category": "A"}, base.clients[FARMACIA])
    service.save(boss, {"category": "A", "own_fields": {"beds": 2}}, base.clients[FARMACIA])
    with pytest.raises(OwnFieldRefused):
        service.save(boss, {"name": "New", "kind": "pharmacy", "category": "A"})
    service.save(boss, {"name": "New", "kind": "doctor", "category": "A"})


def test_nobody_is_held_up_by_a_field_that_is_not_his_nor_told_of_one_he_may_not_see(
    base: Base,
) -> None:
    make(base, STAGE)
    make(base, needed("stage = 'contract'"), viewers=["manager"])
    assert fill(base, STATION, "rep_north", stage="contract") == {"stage": "contract"}
    make(base, MARGIN, viewers=["manager"])
    make(base, {"name": "why", "type": "text", "label": "Why", "required_when": "margin > 5"})
    told = {f.name: f.field.required_when for f in own.list_fields(base.actor("rep_north"))}
    assert told == {"stage": None, "why": None}
    told = {f.name: f.field.required_when for f in own.list_fields(base.actor("manager_north"))}
    assert (told["why"], told["beds"]) == ("margin > 5", "stage = 'contract'")


def test_a_condition_of_no_sense_is_refused(base: Base) -> None:
    for when in ("stage =", "nothing_such", "result = 'met'", "beds > 1"):
        with pytest.raises(BadOwnField):
            make(base, needed(when))
    make(base, STAGE)
    with pytest.raises(BadOwnField):
        make(base, formula("stage = 'talks'", required_when="stage = 'talks'"))
