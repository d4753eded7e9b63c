"""Own fields at the desk: made by the administrator, as columns and counts of the list of clients."""

from __future__ import annotations

from datetime import date
from typing import Any

from fieldcrm.clients import service as clients
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.forms import service as forms
from fieldcrm.kit.database import transaction
from fieldcrm.pages.admin_fields import AdminFields
from fieldcrm.pages.clients import Clients
from fieldcrm.pages.visits import Visits
from fieldcrm.people.model import SYSTEM
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
    call(page, "save", TYPED)
    (row,) = page.rows
    assert (row.name, row.label, page.is_editing, page.refused) == ("size", "Size", False, "")
    (own,) = ownfields.list_fields(SYSTEM)
    assert set(own.kinds) == {"doctor", *KINDS}
    assert own.editors == {"dispatcher", "manager", "admin"}
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


def test_wild_arguments_change_nothing(team: Field, open_page: Open) -> None:
    page = open_page(AdminFields, "admin")
    for name, args in (
        ("edit", ("nothing",)), ("move", ("nothing", 1)), ("move", ("nothing", 7)),
        ("archive", ("nothing", True)), ("choose_type", ("bomb",)), ("switch_kind", ("bomb",)),
        ("switch_editor", ("admin",)), ("save", ({},)),
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
    assert [(h.label, h.is_shown) for h in page.columns] == [("Size", False)]
    call(page, "switch_column", "size")
    call(page, "sort_by", "own.size")
    assert [r.own for r in page.rows] == [[""], ["Large"], ["Small"]]
    call(page, "count", "size")
    assert [(b.label, b.count) for b in page.counts] == [
        ("Small", "1"), ("Large", "1"), ("No value", "1"),
    ]  # fmt: skip
    call(page, "only", "small")
    assert [r.id for r in page.rows] == [small]
    assert "own=size%3Dsmall" in page.export_url
    assert len(page.counts) == 3
    call(page, "open", small)
    assert ("Size", "Small") in [(f.label, f.value) for f in page.card.facts]
    clients.save(SYSTEM, {"own_fields": {"size": "large"}}, small)
    call(page, "open", small)
    assert page.card.changes[0].text == "Size: Small → Large"
    call(page, "count", "")
    assert (len(page.rows), page.counts) == (3, [])


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
