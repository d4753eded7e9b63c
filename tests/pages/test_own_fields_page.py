"""Own fields at the desk: made by the administrator, as columns and counts of the list of clients."""

from __future__ import annotations

from datetime import date
from typing import Any

from fieldcrm.clients import service as clients
from fieldcrm.clients.model import Condition
from fieldcrm.clients.ownfields import files
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.forms import service as forms
from fieldcrm.kit.database import transaction
from fieldcrm.pages.admin_fields import AdminFields
from fieldcrm.pages.client_draft import draft_of
from fieldcrm.pages.client_form import ClientForm
from fieldcrm.pages.clients import Clients
from fieldcrm.pages.visits import Visits
from fieldcrm.people.model import SYSTEM
from fieldcrm.visits import keeping
from fieldcrm.visits.tables import Visit
from tests.pages.conftest import Open, call
from tests.reports.conftest import Field

TYPED = {
    "name": "size", "label_en": "Size", "label_ru": "Размер",
    "options": "small = Small | Малая\nlarge = Large | Большая",
}  # fmt: skip
KINDS = ["organisation", "pharmacy"]


def test_a_field_is_added_worded_moved_and_archived(team: Field, open_page: Open) -> None:
    page = open_page(AdminFields, "admin")
    assert page.rows == []
    call(page, "begin")
    call(page, "switch_kind", "doctor")
    call(page, "switch_editor", "rep")
    call(page, "switch_viewer", "dispatcher")
    call(page, "save", TYPED)
    (row,) = page.rows
    assert (row.name, row.label, page.is_editing, page.refused) == ("size", "Size", False, "")
    (own,) = ownfields.list_fields(SYSTEM)
    assert set(own.kinds) == {"doctor", *KINDS}
    assert own.editors == {"dispatcher", "manager", "admin"}
    assert own.viewers == {"rep", "manager", "admin"}
    assert (row.viewers, row.editors) == (
        "Representative, Manager, Administrator",
        "Manager, Administrator",
    )
    call(page, "edit", row.id)
    call(page, "choose_type", "text")
    call(page, "save", TYPED | {"label_en": "How large", "name": "other"})
    assert [(r.name, r.label) for r in page.rows] == [("size", "How large")]
    call(page, "begin")
    call(page, "choose_type", "money")
    call(page, "save", {"name": "budget", "label_en": "Budget", "unit_en": "EUR"})
    call(page, "move", page.rows[1].id, -1)
    assert [r.name for r in page.rows] == ["budget", "size"]
    call(page, "archive", row.id, True)
    assert [r.name for r in page.rows] == ["budget"]
    call(page, "switch_archived")
    call(page, "archive", row.id, False)
    assert [(r.name, r.is_archived) for r in page.rows] == [("budget", False), ("size", False)]


def test_a_refused_field_says_why_and_keeps_what_was_typed(team: Field, open_page: Open) -> None:
    page = open_page(AdminFields, "admin")
    call(page, "begin")
    call(page, "save", TYPED | {"name": "kind"})
    assert "another meaning" in page.refused
    assert (page.is_editing, page.field.label_ru) == (True, "Размер")
    for kind in KINDS:
        call(page, "switch_kind", kind)
    call(page, "save", TYPED)
    assert "kind of client" in page.refused


def test_a_formula_and_a_reference_are_made(team: Field, open_page: Open) -> None:
    page = open_page(AdminFields, "admin")
    call(page, "begin")
    call(page, "choose_type", "number")
    call(page, "save", {"name": "beds", "label_en": "Beds"})
    call(page, "begin")
    call(page, "choose_type", "formula")
    call(page, "save", {"name": "double", "label_en": "Double", "formula": "rooms * 2"})
    assert "a field that there isn't" in page.refused
    assert (page.formula, page.field.name) == ("rooms * 2", "double")
    call(page, "save", {"name": "double", "label_en": "Double", "formula": "beds * 2"})
    call(page, "begin")
    assert page.formula == ""
    call(page, "choose_type", "reference")
    call(page, "switch_target", "organisation")
    call(page, "save", {"name": "head", "label_en": "Head office"})
    assert [(r.name, r.kind_word) for r in page.rows] == [
        ("beds", "Number"), ("double", "Formula"), ("head", "Another client"),
    ]  # fmt: skip
    call(page, "edit", page.rows[1].id)
    assert page.formula == "beds * 2"
    call(page, "edit", page.rows[2].id)
    assert page.of_kinds == ["organisation"]


def test_a_reference_is_looked_up_in_the_form_and_shown_in_list_and_card(
    team: Field, open_page: Open
) -> None:
    head = {"name": "head", "type": "reference", "label": "Head", "of_kinds": ["organisation"]}
    door = {"name": "door", "type": "position", "label": "Door"}
    twice = {"name": "twice", "type": "formula", "label": "Twice", "formula": "beds * 2"}
    beds = {"name": "beds", "type": "number", "label": "Beds"}
    for definition in (beds, head, door, twice):
        ownfields.save_field(SYSTEM, definition, KINDS, ["manager"])
    north = team.add_territory("north", "rep_north")
    office = clients.save(SYSTEM, {"name": "Klinik Aava", "kind": "organisation"}).id
    told = {"name": "Branch", "kind": "pharmacy", "territory_id": north, "own_fields": {"beds": 4}}
    branch = clients.save(SYSTEM, told).id
    page = edit(open_page(ClientForm, "admin"), branch)
    call(page, "find_own", "own.head", "aav")
    assert (page.own_asked, [c.value for c in page.own_found]) == ("own.head", [office])
    call(page, "choose_own", "own.head", "nobody")
    assert page.own[1].value == ""
    call(page, "find_own", "own.head", "branch")
    assert page.own_found == [], "of another kind"
    call(page, "find_own", "own.beds", "aav")
    assert page.own_found == []
    call(page, "find_own", "own.head", "aav")
    call(page, "choose_own", "own.head", office)
    assert (page.own[1].value, page.own[1].shown) == (office, "Klinik Aava")
    call(page, "save", {"name": "Branch", "territory_id": north, "own.beds": "5",
                        "own.head": office, "own.door": "60.17, 24.94", "own.twice": "7"})  # fmt: skip
    assert page.refused == ""
    values = {"beds": 5, "head": office, "door": {"lat": 60.17, "lng": 24.94}, "twice": 10}
    assert clients.get(SYSTEM, branch).own_fields == values
    shown = [(o.look, o.value, o.shown, o.is_locked) for o in edit(page, branch).own]
    assert shown == [
        ("line", "5", "5", False), ("reference", office, "Klinik Aava", False),
        ("line", "60.17, 24.94", "60.17, 24.94", False), ("line", "10", "", True),
    ]  # fmt: skip
    listing = open_page(Clients, "admin")
    for name in ("own.head", "own.door", "own.twice"):
        call(listing, "switch_column", name)
    row = next(r for r in listing.rows if r.id == branch)
    assert [c.text for c in row.cells[-3:]] == ["Klinik Aava", "60.17, 24.94", "10"]
    call(listing, "open", branch)
    facts = [(f.label, f.value) for f in listing.card.facts]
    for fact in (("Head", "Klinik Aava"), ("Door", "60.17, 24.94"), ("Twice", "10")):
        assert fact in facts


def test_a_file_goes_with_the_form_and_is_shown_with_its_size(team: Field, open_page: Open) -> None:
    maker = open_page(AdminFields, "admin")
    call(maker, "begin")
    call(maker, "choose_type", "file")
    call(maker, "save", {"name": "contract", "label_en": "Contract"})
    assert [(r.name, r.kind_word) for r in maker.rows] == [("contract", "File")]
    north = team.add_territory("north", "rep_north")
    told = {"name": "Branch", "kind": "pharmacy", "territory_id": north}
    branch = clients.save(SYSTEM, told).id
    page = edit(open_page(ClientForm, "manager_north"), branch)
    assert [(o.look, o.field, o.value, o.shown) for o in page.own] == [("file", "contract", "", "")]
    sent = files.keep(page._actor(), "contract", "Договор.pdf", b"%PDF-1.7" + bytes(1_500_000))
    typed = {"name": "Branch", "territory_id": north, "own.contract": sent["id"]}
    call(page, "save", typed)
    assert (page.refused, clients.get(SYSTEM, branch).own_fields) == ("", {"contract": sent})
    page = edit(page, branch)
    href = f"/api/v1/clients/{branch}/files/contract"
    assert [(o.value, o.shown, o.href) for o in page.own] == [
        (sent["id"], "Договор.pdf · 1.5 MB", href)
    ]
    version = clients.get(SYSTEM, branch).version
    call(page, "save", typed)
    assert clients.get(SYSTEM, branch).version == version, "nothing new changes nothing"
    listing = open_page(Clients, "manager_north")
    call(listing, "switch_column", "own.contract")
    assert next(r for r in listing.rows if r.id == branch).cells[-1].text == "Договор.pdf"
    call(listing, "open", branch)
    assert ("Contract", "Договор.pdf · 1.5 MB", href) in [
        (f.label, f.value, f.href) for f in listing.card.facts
    ]
    keeping.erase(rep_id=team.company.users["manager_north"])
    call(listing, "open", branch)
    assert ("Contract", "Договор.pdf (erased)", "") in [
        (f.label, f.value, f.href) for f in listing.card.facts
    ]
    call(edit(page, branch), "save", typed | {"own.contract": ""})
    assert clients.get(SYSTEM, branch).own_fields == {}


def test_wild_arguments_change_nothing(team: Field, open_page: Open) -> None:
    page = open_page(AdminFields, "admin")
    for name, args in (
        ("edit", ("nothing",)), ("move", ("nothing", 1)), ("move", ("nothing", 7)),
        ("archive", ("nothing", True)), ("choose_type", ("bomb",)), ("switch_kind", ("bomb",)),
        ("switch_editor", ("admin",)), ("switch_viewer", ("admin",)), ("switch_viewer", ("bomb",)), ("save", ({},)),
    ):  # fmt: skip
        call(page, name, *args)
    assert ownfields.list_fields(SYSTEM, archived=True) == []


def placed(**own: Any) -> str:
    name = f"Clinic {len(own)} {own.get('size', '')}"
    told = {"kind": "organisation", "name": name, "own_fields": own}
    return clients.save(SYSTEM, told).id


def test_the_list_has_the_columns_that_a_person_chooses_and_their_counts(
    team: Field, open_page: Open
) -> None:
    options = [{"value": "small", "label": "Small"}, {"value": "large", "label": "Large"}]
    size = {"name": "size", "type": "choice", "label": "Size", "options": options}
    ownfields.save_field(SYSTEM, size, KINDS, ["manager"])
    small, _, _ = placed(size="small"), placed(size="large"), placed()
    page = open_page(Clients, "admin")
    assert [(h.label, h.is_shown) for h in page.columns][-1] == ("Size", False)
    call(page, "switch_column", "own.size")
    call(page, "sort_by", "own.size")
    assert [r.cells[-1].text for r in page.rows] == ["", "Large", "Small"]
    call(page, "count", "size")
    assert [(b.label, b.count) for b in page.counts] == [
        ("Small", "1"), ("Large", "1"), ("No value", "1"),
    ]  # fmt: skip
    call(page, "only", "small")
    assert [r.id for r in page.rows] == [small]
    assert page._list_state().conditions == (Condition("own.size", "is", "small"),)
    assert len(page.counts) == 3
    call(page, "open", small)
    assert ("Size", "Small") in [(f.label, f.value) for f in page.card.facts]
    clients.save(SYSTEM, {"own_fields": {"size": "large"}}, small)
    call(page, "open", small)
    assert page.moments[0].text == "Size: Small → Large"
    call(page, "count", "")
    assert (len(page.rows), page.counts) == (3, [])


def test_the_form_of_a_client_fills_the_fields_that_are_the_persons(
    team: Field, open_page: Open
) -> None:
    options = [{"value": "ct", "label": "CT"}, {"value": "mri", "label": "MRI"}]
    for definition, editors, viewers in (
        ({"name": "beds", "type": "number", "label": "Beds", "min": 1}, ["manager"], None),
        (
            {"name": "gear", "type": "choices", "label": "Gear", "options": options},
            ["manager"],
            None,
        ),
        ({"name": "chain", "type": "yes_no", "label": "Chain"}, ["manager"], None),
        ({"name": "since", "type": "date", "label": "Since"}, ["manager"], None),
        ({"name": "grade", "type": "text", "label": "Grade"}, ["admin"], None),
        ({"name": "margin", "type": "money", "label": "Margin"}, ["admin"], ["admin"]),
    ):
        ownfields.save_field(SYSTEM, definition, KINDS, editors, viewers=viewers)
    north = team.add_territory("north", "rep_north")
    told = {"name": "Clinic", "kind": "organisation", "territory_id": north,
            "own_fields": {"grade": "A1", "margin": 5, "beds": 3, "gear": ["ct"]}}  # fmt: skip
    client = clients.save(SYSTEM, told).id
    page = open_page(ClientForm, "manager_north")
    assert page.own == [], "of a doctor"
    call(page, "compare", "kind", "organisation")
    assert [o.name for o in page.own] == [
        "own.beds",
        "own.gear",
        "own.chain",
        "own.since",
        "own.grade",
    ]
    page = edit(page, client)
    assert [(o.value, o.look, o.is_locked) for o in page.own] == [
        ("3", "line", False), ("ct", "ticks", False), ("", "select", False), ("", "day", False),
        ("A1", "line", True),
    ]  # fmt: skip
    assert [(o.name, o.is_on) for o in page.own[1].options] == [
        ("own.gear:ct", True), ("own.gear:mri", False),
    ]  # fmt: skip
    typed = {"name": "Clinic", "territory_id": north, "own.beds": "about 5", "own.gear:ct": "on",
             "own.gear:mri": "on", "own.chain": "false", "own.since": "2026-03-04"}  # fmt: skip
    call(page, "save", typed)
    assert (page.bad_field, page.refused) == ("beds", "Beds: this can't be read.")
    call(page, "save", typed | {"own.beds": "5"})
    assert clients.get(SYSTEM, client).own_fields == {
        "beds": 5, "gear": ["ct", "mri"], "chain": False, "since": "2026-03-04", "grade": "A1",
        "margin": 5,
    }  # fmt: skip
    call(edit(page, client), "save", {"name": "Clinic", "territory_id": north, "own.beds": "5",
                                      "own.margin": "1", "own.grade": "B"})  # fmt: skip
    assert clients.get(SYSTEM, client).own_fields == {"beds": 5, "grade": "A1", "margin": 5}


def edit(page: Any, client_id: str) -> Any:
    """The form of a client, as the address names it."""
    client = clients.get(page._actor(), client_id)
    page.draft, page.kind, page._values = draft_of(client), client.kind, dict(client.own_fields)
    page._show_own()
    return page


def test_answers_stand_in_the_list_of_visits_and_are_counted(team: Field, open_page: Open) -> None:
    options = [{"value": "warm", "label": "Warm"}, {"value": "cold", "label": "Cold"}]
    mood = {"name": "mood", "type": "choice", "label": "Mood", "options": options}
    form = forms.save_form(SYSTEM, {"title": "Talk", "kinds": ["doctor"], "fields": [mood]})
    made = team.add_visit("rep_north", team.add_client("A"), date(2026, 5, 4), verdict="confirmed")
    with transaction() as session:
        told = {"form_id": form.id, "version": 1, "answers": {"mood": "warm"}}
        session.get_one(Visit, made).details = {"form": told}
    page = open_page(Visits, "admin")
    call(page, "narrow", "last", "")
    assert [r.answers for r in page.rows] == ["Mood: Warm"]
    assert [q.text for q in page.questions] == ["Talk: Mood"]
    call(page, "ask", f"{form.id}:mood")
    assert [(b.label, b.count) for b in page.answered] == [("Warm", "1"), ("Cold", "0")]
    call(page, "ask", "nothing")
    assert page.answered == []
