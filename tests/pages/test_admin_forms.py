"""The page of forms: a form is made from a template, changed, put in use; what is wrong is told."""

from __future__ import annotations

from typing import Any

import pytest

from fieldcrm.forms import definitions, service
from fieldcrm.pages import forms_draft
from fieldcrm.pages.admin_forms import AdminForms
from fieldcrm.people.model import Actor, Role
from tests.pages.conftest import Open, call
from tests.reports.conftest import Field


def boss(team: Field) -> Actor:
    return Actor(team.company.users["admin"], Role.admin, frozenset())


def test_a_template_becomes_a_form_and_its_next_version(team: Field, open_page: Open) -> None:
    page = open_page(AdminForms, "admin")
    assert page.rows == []
    call(page, "begin", "doctor")
    assert page.faults == []
    assert [f.type for f in page.fields][:3] == ["products", "choice", "text"]
    call(page, "write", "title_en", "Cardiologist")
    call(page, "save")
    (row,) = page.rows
    assert (row.title, row.version, row.is_active, page.is_editing) == (
        "Cardiologist",
        1,
        True,
        False,
    )
    call(page, "edit", row.id)
    call(page, "drop_field", 0)
    assert page.faults == ["samples: " + "the rule names a field that isn't above it"]
    call(page, "open_field", 2)
    assert page.field.name == "samples"
    call(page, "keep_field", vars(page.field) | {"when": ""})
    assert page.faults == []
    call(page, "save")
    assert [(r.version, r.id) for r in page.rows] == [(2, row.id)]
    assert len(service.list_versions(boss(team), row.id)) == 2


def test_a_form_from_nothing_says_what_is_missing(team: Field, open_page: Open) -> None:
    page = open_page(AdminForms, "admin")
    call(page, "begin", "blank")
    assert page.faults
    call(page, "write", "title_ru", "Кабинет")
    call(page, "switch_kind", "doctor")
    call(page, "put_field", "choice")
    assert (page.opened, page.faults) == (0, [])
    told = vars(page.field) | {
        "name": "mood",
        "options": "good = Good | Хорошо | Bine\nBad",
        "required": "on",
    }
    call(page, "keep_field", told)
    assert page.fields[0].chips == ["Good", "Bad"]
    call(page, "save")
    (view,) = service.list_forms(boss(team))
    mood = view.definition.fields[0]
    assert [o.value for o in mood.options] == ["good", "bad"]
    assert (mood.required, view.definition.title) == (True, "Кабинет")


def test_wild_arguments_change_nothing(team: Field, open_page: Open) -> None:
    page = open_page(AdminForms, "admin")
    call(page, "begin", "pharmacy")
    before = [f.name for f in page.fields]
    for name, args in (
        ("open_field", (99,)), ("move_field", (0, 7)), ("drop_field", (-1,)), ("put_field", ("bomb",)),
        ("switch_kind", ("bomb",)), ("write", ("is_editing", "x")), ("edit", ("nothing",)),
        ("switch_asked", ("nothing",)), ("switch_product", ("nothing",)), ("keep_field", ({},)),
    ):  # fmt: skip
        call(page, name, *args)
    assert [f.name for f in page.fields] == before
    assert page.is_editing is True


def test_a_form_in_the_way_is_told_and_can_be_retired(team: Field, open_page: Open) -> None:
    service.save_form(boss(team), definitions.plain(service.templates()["doctor"]))
    page = open_page(AdminForms, "admin")
    call(page, "begin", "doctor")
    call(page, "write", "title_en", "Another")
    call(page, "save")
    assert "already asked another form" in page.refused
    call(page, "switch_asked", page.rows[0].id)
    assert page.rows[0].is_active is False
    call(page, "save")
    assert {r.title for r in page.rows} == {"Another", "Visit to a doctor"}


def test_products_are_added_and_put_away(team: Field, open_page: Open) -> None:
    page = open_page(AdminForms, "admin")
    call(page, "add_product", {"name": " Ibuprofen "})
    assert [(p.name, p.is_active) for p in page.products] == [("Ibuprofen", True)]
    call(page, "switch_product", page.products[0].id)
    assert page.products[0].is_active is False
    call(page, "add_product", {"name": ""})
    assert page.refused


@pytest.mark.parametrize("name", ["doctor", "pharmacy", "organisation"])
def test_the_editor_keeps_a_templates_fields_as_they_are(name: str) -> None:
    told: Any = definitions.plain(service.templates()[name])
    for made in told["fields"]:
        again = forms_draft.field_of(vars(forms_draft.form_of(made)))
        assert again == made


def test_a_unit_is_kept_in_every_language() -> None:
    """Opened and kept again, no language is lost."""
    unit = {"en": "pcs", "ru": "шт.", "ro": "buc."}
    made = {"name": "left", "type": "number", "label": "Left", "unit": unit}
    assert forms_draft.field_of(vars(forms_draft.form_of(made))) == made
    told = {"name": "left", "type": "number", "label_ru": "Осталось", "unit_ru": "шт."}
    assert forms_draft.field_of(told)["unit"] == "шт."


@pytest.mark.parametrize("name", ["doctor", "pharmacy", "organisation"])
def test_the_editor_keeps_a_templates_checks_as_they_are(name: str) -> None:
    told: Any = definitions.plain(service.templates()[name])
    lines = forms_draft.check_lines(told.get("checks", []))
    assert forms_draft.checks_of(lines) == told.get("checks", [])
