"""Fields of clients that the administrator makes: defined, filled, found, taken out and in again."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import pytest

from fieldcrm.clients import exporting, import_command, importing, service
from fieldcrm.clients.duplicates import merging
from fieldcrm.clients.model import BadClientField, ClientFilters
from fieldcrm.clients.ownfields import listing, rules
from fieldcrm.clients.ownfields import service as own
from fieldcrm.clients.ownfields.model import (
    BadOwnField,
    OwnField,
    OwnFieldArchived,
    OwnFieldChanged,
    OwnFieldForbidden,
    OwnFieldNotAsked,
    OwnFieldRefused,
    OwnFieldUnknown,
)
from fieldcrm.forms.model import FormField
from fieldcrm.people.model import RoleForbids
from fieldcrm.wire.forms import FormOption
from tests.clients.base import Base, lay_out

LABEL = {"en": "Beds", "ru": "Койки", "ro": "Paturi"}
BEDS = {"name": "beds", "type": "number", "label": LABEL, "min": 1, "whole": True}
SIZE = {
    "name": "size", "type": "choice", "label": {"en": "Size", "ru": "Размер"},
    "options": [{"value": "small", "label": {"en": "Small", "ru": "Малая"}},
                {"value": "large", "label": {"en": "=Large", "ru": "Большая"}}],
}  # fmt: skip
EQUIPMENT = {
    "name": "equipment", "type": "choices", "label": "Equipment",
    "options": [{"value": "mri", "label": "MRI"}, {"value": "ct", "label": "КТ"}],
}  # fmt: skip
BUDGET = {"name": "budget", "type": "money", "label": "Budget", "unit": "EUR"}
CHAIN = {"name": "chain", "type": "yes_no", "label": "In a chain"}
PLACES = ["organisation", "pharmacy"]
EVERYBODY = ["rep", "dispatcher", "manager"]
STATION, FARMACIA = "Töölö Health Station", "Farmacia Ștefan cel Mare"


@pytest.fixture
def base(any_db: str) -> Base:
    return lay_out()


def make(base: Base, definition: dict[str, Any], editors: list[str] = EVERYBODY) -> OwnField:
    return own.save_field(base.actor("admin"), definition, PLACES, editors)


def fill(base: Base, login: str, client: str, **values: Any) -> dict[str, Any]:
    saved = service.save(base.actor(login), {"own_fields": values}, base.clients[client])
    return saved.own_fields


# ---- definitions ----


def test_a_field_is_made_worded_anew_moved_and_archived(base: Base) -> None:
    boss = base.actor("admin")
    beds, size = make(base, BEDS), make(base, SIZE)
    worded = {**BEDS, "label": "Hospital beds"}
    saved = own.save_field(boss, worded, ["organisation"], ["manager"], beds.id, beds.version)
    assert (saved.kinds, saved.editors) == (("organisation",), {"manager", "admin"})
    with pytest.raises(OwnFieldChanged):
        own.save_field(boss, worded, PLACES, EVERYBODY, beds.id, beds.version)
    own.move(boss, size.id, -1)
    assert [f.name for f in own.list_fields(boss)] == ["size", "beds"]
    own.set_archived(boss, size.id, True)
    assert [f.name for f in own.list_fields(boss)] == ["beds"]
    assert [f.name for f in own.list_fields(boss, archived=True)] == ["size", "beds"]
    assert own.set_archived(boss, size.id, False).is_archived is False


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "stock"}, {"type": "photo"}, {"name": "Beds"}, {"name": "kind"}, {"label": ""},
        {"min": 5, "max": 1}, {"type": "choice"}, {"when": "beds > 1"}, {"type": "bomb"},
    ],
)  # fmt: skip
def test_what_is_no_field_is_refused(base: Base, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadOwnField):
        make(base, BEDS | wrong)
    assert own.list_fields(base.actor("admin")) == []


def test_a_name_is_one_fields_and_keeps_its_type(base: Base) -> None:
    beds = make(base, BEDS)
    with pytest.raises(BadOwnField):
        make(base, SIZE | {"name": "beds"})
    with pytest.raises(BadOwnField):
        own.save_field(base.actor("admin"), BUDGET | {"name": "beds"}, PLACES, [], beds.id)
    for kinds, editors in (([], ["rep"]), (["ship"], ["rep"]), (PLACES, ["guest"]), (PLACES, None)):
        with pytest.raises(BadOwnField):
            own.save_field(base.actor("admin"), SIZE, kinds, editors)


@pytest.mark.parametrize("login", ["dispatcher_north", "manager_north", "rep_north"])
def test_fields_are_the_administrators_to_make(base: Base, login: str) -> None:
    beds = make(base, BEDS)
    for work in (
        lambda a: own.save_field(a, SIZE, PLACES, EVERYBODY),
        lambda a: own.save_field(a, BEDS, PLACES, EVERYBODY, beds.id),
        lambda a: own.set_archived(a, beds.id, True),
        lambda a: own.move(a, beds.id, 1),
    ):
        with pytest.raises(RoleForbids):
            work(base.actor(login))


# ---- values ----


def test_each_role_fills_the_fields_that_are_its(base: Base) -> None:
    make(base, BEDS)
    make(base, SIZE, ["manager"])
    assert fill(base, "rep_north", STATION, beds=120) == {"beds": 120}
    assert fill(base, "manager_north", STATION, size="large") == {"beds": 120, "size": "large"}
    with pytest.raises(OwnFieldForbidden):
        fill(base, "rep_north", STATION, size="small")
    assert fill(base, "admin", STATION, size="small", beds=None) == {"size": "small"}
    with pytest.raises(RoleForbids):
        service.save(base.actor("rep_north"), {"name": "Mine"}, base.clients[STATION])


def test_values_keep_their_fields_rules(base: Base) -> None:
    for definition in (BEDS | {"required": True}, SIZE, EQUIPMENT, BUDGET, CHAIN):
        make(base, definition)
    fill(base, "admin", STATION, beds=3)
    for name, value in (
        ("beds", 0), ("beds", 2.5), ("beds", "3"), ("beds", None), ("beds", True), ("size", "huge"),
        ("equipment", ["mri", "mri"]), ("equipment", "mri"), ("budget", 1.005), ("chain", "yes"),
        ("budget", float("nan")),
    ):  # fmt: skip
        with pytest.raises(OwnFieldRefused):
            fill(base, "admin", STATION, **{name: value})
    with pytest.raises(OwnFieldUnknown):
        fill(base, "admin", STATION, colour="red")
    with pytest.raises(OwnFieldNotAsked):
        fill(base, "admin", "Dr Щербаков Артём", beds=3)
    with pytest.raises(BadClientField):
        service.save(base.actor("admin"), {"own_fields": [1]}, base.clients[STATION])
    assert service.get(base.actor("admin"), base.clients[STATION]).own_fields == {"beds": 3}


def test_an_archived_field_takes_nothing_and_keeps_what_it_has(base: Base) -> None:
    beds = make(base, BEDS)
    make(base, CHAIN)
    fill(base, "admin", STATION, beds=3)
    own.set_archived(base.actor("admin"), beds.id, True)
    with pytest.raises(OwnFieldArchived) as refused:
        fill(base, "rep_north", STATION, beds=4)
    assert refused.value.params == {"field": "Beds"}
    assert fill(base, "rep_north", STATION, chain=False) == {"beds": 3, "chain": False}


def test_a_change_is_told_with_what_was_there(base: Base) -> None:
    make(base, BEDS)
    make(base, CHAIN)
    fill(base, "admin", STATION, beds=3, chain=True)
    fill(base, "rep_north", STATION, beds=4)
    newest = service.history(base.actor("admin"), base.clients[STATION])[0]
    assert newest.actor_id == base.actor("rep_north").user_id
    assert newest.data == {
        "before": {"own_fields": {"beds": 3}},
        "after": {"own_fields": {"beds": 4}},
    }


# ---- lists ----


def names(base: Base, sort: str = "name", **wanted: str) -> list[str]:
    filters = ClientFilters(own=tuple(wanted.items()))
    found, cursor = [], None
    while True:  # a page of one, so that every cursor is read again
        page = service.find(base.actor("admin"), "", filters, sort, 1, cursor)
        found += [c.name for c in page.rows]
        cursor = page.cursor
        if cursor is None:
            return found


def test_lists_are_ordered_and_narrowed_by_own_fields(base: Base) -> None:
    for definition in (BEDS, SIZE, EQUIPMENT, BUDGET, CHAIN):
        make(base, definition)
    fill(base, "admin", STATION, beds=9, size="small", equipment=["ct"], budget=9.5, chain=True)
    fill(base, "admin", FARMACIA, beds=10, size="large", equipment=["ct", "mri"], chain=False)
    doctor = "Dr Щербаков Артём"
    assert names(base, "-own.beds") == [FARMACIA, STATION, doctor]
    assert names(base, "own.beds") == [doctor, STATION, FARMACIA]
    assert names(base, "own.size") == [doctor, FARMACIA, STATION]
    assert names(base, size="large") == [FARMACIA]
    assert names(base, equipment="mri") == [FARMACIA]
    assert names(base, equipment="ct", chain="true") == [STATION]
    assert names(base, chain="false") == [FARMACIA]
    assert names(base, beds="9") == [STATION]
    assert names(base, beds="many") == []
    assert set(names(base, budget="")) == {FARMACIA, doctor}
    for sort in ("own.chain", "own.equipment", "own.nothing"):
        with pytest.raises(BadClientField):
            names(base, sort)


def test_clients_are_counted_by_value_in_scope_and_filters(base: Base) -> None:
    for definition in (SIZE, EQUIPMENT, BEDS, CHAIN):
        make(base, definition)
    fill(base, "admin", STATION, size="small", equipment=["ct"], chain=True)
    fill(base, "admin", FARMACIA, size="small", equipment=["ct", "mri"])

    def counted(login: str, name: str, **told: Any) -> dict[str, int]:
        rows = listing.count_by(base.actor(login), name, ClientFilters(**told), "none")
        return {row.label: row.clients for row in rows}

    assert counted("admin", "size") == {"Small": 2, "=Large": 0, "none": 0}
    assert counted("admin", "equipment") == {"MRI": 1, "КТ": 2, "none": 0}
    assert counted("admin", "chain") == {"Yes": 1, "none": 1}
    assert counted("admin", "size", kinds=("pharmacy",)) == {"Small": 1, "=Large": 0, "none": 0}
    assert counted("rep_north", "size") == {"Small": 1, "=Large": 0, "none": 0}
    with pytest.raises(BadClientField):
        counted("admin", "beds")


# ---- out and in ----


def test_an_export_comes_back_by_the_import(base: Base) -> None:
    for definition in (BEDS, SIZE, EQUIPMENT, BUDGET, CHAIN):
        make(base, definition)
    told = {"beds": 9, "size": "large", "equipment": ["ct", "mri"], "budget": 9.5, "chain": True}
    fill(base, "admin", FARMACIA, **told)
    boss = base.actor("admin")
    file = exporting.export_csv(boss)
    rows = list(csv.DictReader(io.StringIO(file.decode("utf-8-sig"))))
    row = next(r for r in rows if r["name"] == FARMACIA)
    assert (row["own.size"], row["own.equipment"], row["own.beds"]) == ("'=Large", "КТ, MRI", "9")
    workbook = zipfile.ZipFile(io.BytesIO(exporting.export_xlsx(boss)))
    sheet = workbook.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    service.save(boss, {"own_fields": dict.fromkeys(told)}, base.clients[FARMACIA])
    preview = importing.preview_import(boss, "clients.csv", file, mode="update")
    assert preview.rules.mapping["own.budget"] == "own.budget"
    assert importing.run_import(boss, preview.run_id)["counts"]["update"] == 1
    assert service.get(boss, base.clients[FARMACIA]).own_fields == told
    again = importing.preview_import(boss, "clients.csv", file, mode="update")
    assert again.counts["update"] == 0


def test_a_column_is_told_by_a_label_and_bad_cells_are_named(base: Base) -> None:
    make(base, BEDS)
    file = "код;название;Койки\nF-001;Farmacia Ștefan cel Mare;двадцать\nF-002;Новая;12\n"
    boss = base.actor("admin")
    preview = importing.preview_import(boss, "a.csv", file.encode(), constants={"kind": "pharmacy"})
    assert preview.rules.mapping["Койки"] == "own.beds"
    assert [(t.row, t.code) for t in preview.troubles] == [(2, "bad_own")]
    importing.run_import(boss, preview.run_id)
    assert names(base, beds="12") == ["Новая"]


@pytest.mark.parametrize("title", ["Койки", "Beds", "beds", "BEDS", "own.beds"])
def test_a_column_is_told_by_any_label_also_when_another_was_mapped_by_hand(
    base: Base, tmp_path, title: str
) -> None:
    make(base, BEDS)
    path = tmp_path / "a.csv"
    path.write_text(f"код;кто там;{title}\nF-002;Новая;12\n")
    report = import_command.import_file(path, {"кто там": "name"}, constants={"kind": "pharmacy"})
    assert report["rules"]["mapping"] == {
        "код": "external_id",
        "кто там": "name",
        title: "own.beds",
    }
    assert names(base, beds="12") == ["Новая"]


def test_a_merge_keeps_both_cards_values(base: Base) -> None:
    make(base, BEDS)
    make(base, CHAIN)
    fill(base, "admin", STATION, beds=3)
    fill(base, "admin", FARMACIA, beds=5, chain=True)
    boss, winner = base.actor("admin"), base.clients[STATION]
    made = merging.merge(boss, winner, base.clients[FARMACIA])
    assert service.get(boss, winner).own_fields == {"beds": 3, "chain": True}
    merging.undo(boss, made.id)
    assert service.get(boss, winner).own_fields == {"beds": 3}
    made = merging.merge(boss, winner, base.clients[FARMACIA])
    fill(base, "admin", STATION, beds=4)  # changed since: stays; the other goes back
    merging.undo(boss, made.id)
    assert service.get(boss, winner).own_fields == {"beds": 4}


# ---- values as people write them ----


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("number", "1 200,5", 1200.5), ("number", "about 3", "about 3"), ("money", "12", 12),
        ("date", "04.03.2026", "2026-03-04"), ("date", "2026-03-04 00:00:00", "2026-03-04"),
        ("yes_no", "Да", True), ("yes_no", "nu", False), ("yes_no", "?", "?"),
        ("choice", "малая", "small"), ("choice", "Huge", "Huge"),
        ("choices", "small; =LARGE", ["small", "large"]), ("text", " a ", " a "),
    ],
)  # fmt: skip
def test_cells_are_read_as_people_write_them(kind: Any, text: str, value: Any) -> None:
    options = [FormOption("small", {"en": "Small", "ru": "Малая"}), FormOption("large", "=Large")]
    field = FormField(name="x", type=kind, label="X", options=options)
    assert rules.read_text(field, text) == value
