"""Forms on real databases: made at the desk, held by phones, judged at the closing, kept and read."""

from __future__ import annotations

import base64
import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from fieldcrm.clients.tables import Client
from fieldcrm.components.evidence_drawer import _answer, evidence_view
from fieldcrm.evidence import service as evidence
from fieldcrm.forms import definitions, service, words
from fieldcrm.forms.model import (
    BadForm,
    FormChanged,
    FormKindTaken,
    FormNotFound,
    FormRefused,
    ProductNameNeeded,
)
from fieldcrm.forms.tables import Form, ShelfCheck
from fieldcrm.kit import clock, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.tables import Event
from fieldcrm.people.model import RoleForbids
from fieldcrm.reports import visit_list
from fieldcrm.visits import service as visits
from fieldcrm.visits.tables import Visit
from tests.field import NOW, TODAY, Field
from tests.sync.phone import Phone

QUIZ = {"dose": "yes", "trial": "no", "colleagues": "partly"}
GOOD = {"shown": ["p1"], "view": "tries", "samples": {"p1": 2}, "quiz": QUIZ}
STEP = {"text": "bring the study", "due_on": "2026-03-10"}


def filled(form: Form, **answers: Any) -> dict[str, Any]:
    return {"form": {"form_id": form.id, "version": form.version, "answers": GOOD | answers}}


def close(phone: Phone, visit_id: str, details: dict[str, Any], **more: Any) -> Any:
    told = {"details": details, "next_step": STEP, **more}
    return phone.push(phone.checks_in(visit_id), phone.closes(visit_id, **told))[-1]


def visit_of(visit_id: str) -> Visit:
    with reading() as s:
        found = s.get(Visit, visit_id)
        assert found is not None
        return found


def test_a_form_reaches_the_phone_and_its_answers_the_desk(
    company: Field, phone: Phone, doctor_form: Form
) -> None:
    phone.pull()
    (doc,) = phone.holds("form").values()
    assert (doc["form_id"], doc["version"], doc["is_active"]) == (doctor_form.id, 1, True)
    assert (
        close(phone, company.visits[0], filled(doctor_form, why_not="never asked")).status
        == "applied"
    )
    kept = visit_of(company.visits[0]).details
    assert kept["form"]["answers"] == GOOD
    assert (kept["products"], kept["samples"]) == (["p1"], {"p1": 2})
    read = service.reader([kept], "ru")
    assert read.title(kept) == "Визит к врачу"
    assert [(r.name, r.text) for r in read.rows(kept)] == [
        ("shown", "p1"), ("view", "Попробует"), ("samples", "p1 × 2"),
        ("quiz", "Знает новую дозировку: Да; Видел исследование: Нет; "
         "Обсуждает с коллегами: Частично"),
    ]  # fmt: skip
    phone.pull()
    assert phone.holds("visit")[company.visits[0]]["details"]["form"]["answers"] == GOOD


def test_a_closing_that_breaks_a_rule_is_refused_by_the_fields_name(
    company: Field, phone: Phone, doctor_form: Form
) -> None:
    refused = close(phone, company.visits[0], filled(doctor_form, samples={"p1": 5}))
    assert (refused.status, refused.code) == ("refused", "form_refused")
    assert refused.params["fields"] == "Samples handed over: at most 4"
    assert refused.params["problems"] == [
        {"field": "samples", "code": "too_large", "params": {"max": 4}}
    ]
    assert visit_of(company.visits[0]).state == "under_way"
    again = phone.push(phone.closes(company.visits[0], details=filled(doctor_form), next_step=STEP))
    assert again[0].status == "applied"


def test_a_next_step_has_a_date_or_there_is_a_reason_why_none(
    company: Field, phone: Phone, doctor_form: Form
) -> None:
    first, second, third = company.visits[:3]
    refused = close(phone, first, filled(doctor_form), next_step={"text": "call"})
    assert refused.params["problems"][0]["field"] == "next_step"
    with_reason = filled(doctor_form) | {"no_next_step": "leaves the clinic"}
    assert close(phone, second, with_reason, next_step=None).status == "applied"
    assert visit_of(second).details["no_next_step"] == "leaves the clinic"
    assert close(phone, third, filled(doctor_form)).status == "applied"


def test_quick_statuses_need_no_form(company: Field, phone: Phone, doctor_form: Form) -> None:
    told = {"result": "closed_place", "comment": "on holiday", "next_step": None}
    assert close(phone, company.visits[0], {}, **told).status == "applied"


def test_answers_to_an_old_version_are_judged_by_it_and_stay_readable(
    company: Field, phone: Phone, doctor_form: Form
) -> None:
    changed = definitions.plain(service.templates()["doctor"])
    changed["fields"] = [
        f | {"label": "Renamed", "max": 1} if f["name"] == "samples" else f
        for f in changed["fields"]
    ]
    newer = service.save_form(company.admin, changed, doctor_form.id, 1)
    assert newer.version == 2
    phone.pull()
    assert {d["version"]: d["is_active"] for d in phone.holds("form").values()} == {
        1: False, 2: True,
    }  # fmt: skip
    old = filled(newer)
    old["form"]["version"] = 1
    assert close(phone, company.visits[0], old).status == "applied"
    assert close(phone, company.visits[1], filled(newer)).code == "form_refused"
    details = visit_of(company.visits[0]).details
    labels = [r.label for r in service.reader([details], "en").rows(details)]
    assert labels[:3] == ["Products detailed", "What the doctor thinks", "Samples handed over"]


def test_an_unknown_version_is_kept_and_shown(
    company: Field, phone: Phone, doctor_form: Form
) -> None:
    told = {"form": {"form_id": doctor_form.id, "version": 9, "answers": {"anything": ["x", 1]}}}
    assert close(phone, company.visits[0], told).status == "applied"
    details = visit_of(company.visits[0]).details
    read = service.reader([details], "en")
    assert not read.is_known(details)
    assert [(r.label, r.text) for r in read.rows(details)] == [("anything", "x, 1")]


@pytest.mark.parametrize(
    "form",
    [
        {"form_id": "f", "version": 0, "answers": {}},
        {"form_id": "f", "version": 1, "answers": {"Bad name": 1}},
        {"form_id": "f", "version": 1, "answers": []},
        {"form_id": "f" * 65, "version": 1, "answers": {}},
        {"version": 1, "answers": {}},
        "form",
    ],
)
def test_a_form_that_is_none_is_refused(
    form: Any, company: Field, phone: Phone, doctor_form: Form
) -> None:
    assert close(phone, company.visits[0], {"form": form}).code == "bad_payload"
    assert visit_of(company.visits[0]).state == "under_way"


def test_answers_have_a_weight_limit(company: Field, phone: Phone, doctor_form: Form) -> None:
    told = {"form": {"form_id": "f", "version": 1, "answers": {"a": "x" * service.ANSWERS_MAX}}}
    assert close(phone, company.visits[0], told).code == "answers_too_large"


def test_a_phone_that_could_not_know_the_form_is_not_refused(
    company: Field, phone: Phone, doctor_form: Form
) -> None:
    assert close(phone, company.visits[0], {}).status == "applied"
    with clock.held(NOW + service.GRACE + timedelta(hours=1)):
        late = phone.checks_in(company.visits[1], clock.now())
        told = phone.closes(company.visits[1], clock.now(), next_step=STEP)
        assert phone.push(late, told)[-1].code == "form_needed"


def test_a_retired_form_is_needed_no_more(company: Field, phone: Phone, doctor_form: Form) -> None:
    service.set_active(company.admin, doctor_form.id, False)
    with clock.held(NOW + service.GRACE + timedelta(hours=1)):
        late = phone.checks_in(company.visits[1], clock.now())
        told = phone.closes(company.visits[1], clock.now(), next_step=STEP)
        assert phone.push(late, told)[-1].status == "applied"


def test_a_revision_of_answers_is_judged_too(
    company: Field, phone: Phone, doctor_form: Form
) -> None:
    close(phone, company.visits[0], filled(doctor_form))
    worse = phone.does(
        "visit.revise", company.visits[0], {"details": filled(doctor_form, view="no")}
    )
    assert phone.push(worse)[0].code == "form_refused"
    better = phone.does(
        "visit.revise", company.visits[0], {"details": filled(doctor_form, samples={"p1": 3})}
    )
    assert phone.push(better)[0].status == "applied"
    assert visit_of(company.visits[0]).details["samples"] == {"p1": 3}


def test_a_photo_of_the_form_is_one_of_the_visit(company: Field, phone: Phone) -> None:
    told = {
        "title": "Photo", "kinds": ["doctor"],
        "fields": [{"name": "shelf", "type": "photo", "label": "Shelf", "required": True}],
    }  # fmt: skip
    form = service.save_form(company.admin, told)
    answers = {"form": {"form_id": form.id, "version": 1, "answers": {"shelf": ["ab" * 32]}}}
    strange = close(phone, company.visits[0], answers)
    assert strange.params["problems"][0]["code"] == "photo_unknown"
    named = [{"id": ids.new_id(), "sha256": "ab" * 32}]
    again = phone.push(phone.closes(company.visits[0], details=answers, attachments=named))
    assert again[0].status == "applied"


# ---- shelves ----


def pharmacy(company: Field, phone: Phone) -> str:
    """A visit of today to the hospital, which is a pharmacy now."""
    with transaction() as s:
        place = s.get(Client, company.hospital)
        assert place is not None
        place.kind = "pharmacy"
        s.add(place)
    visit_id = ids.new_id()
    made = phone.push(
        phone.does("visit.create", visit_id, {"client_id": company.hospital, "day": "2026-03-04"})
    )
    assert made[0].status == "applied"
    return visit_id


def test_out_of_stock_by_client_day_and_product(company: Field, phone: Phone) -> None:
    form = service.save_form(company.admin, definitions.plain(service.templates()["pharmacy"]))
    visit_id = pharmacy(company, phone)
    shelf = {"a": {"there": True, "price": 4.5}, "b": {"there": False}, "c": {"there": True}}
    answers = {"shelf": shelf, "why_out": "no_order"}
    told = {"form": {"form_id": form.id, "version": 1, "answers": answers}}
    assert close(phone, visit_id, told).status == "applied"
    assert visit_of(visit_id).details["stock"] == {"a": True, "b": False, "c": True}
    (row,) = service.list_shelves(company.manager, TODAY, TODAY, absent_only=True)
    assert (row.check.client_id, row.check.day, row.check.product_id) == (
        company.hospital,
        TODAY,
        "b",
    )
    assert row.lat is not None
    priced = service.list_shelves(company.manager, TODAY, TODAY, product_ids=["a"])
    assert [r.check.price for r in priced] == [4.5]
    assert service.list_shelves(company.other_manager, TODAY, TODAY) == []
    assert service.list_shelves(company.reps[1], TODAY, TODAY) == []
    assert len(service.list_shelves(company.reps[0], TODAY, TODAY)) == 3


def test_a_shelf_told_without_a_form_counts_and_a_revision_replaces_it(
    company: Field, phone: Phone
) -> None:
    visit_id = pharmacy(company, phone)
    close(phone, visit_id, {"stock": {"a": False, "b": True}})
    phone.push(phone.does("visit.revise", visit_id, {"details": {"stock": {"a": True}}}))
    with reading() as s:
        rows = s.exec(select(ShelfCheck.product_id, ShelfCheck.is_there)).all()
    assert [tuple(r) for r in rows] == [("a", True)]


# ---- making forms ----


def test_only_an_administrator_makes_forms_and_products(company: Field) -> None:
    told = definitions.plain(service.templates()["doctor"])
    for actor in (company.manager, company.dispatcher, company.reps[0]):
        with pytest.raises(RoleForbids):
            service.save_form(actor, told)
        with pytest.raises(RoleForbids):
            service.save_product(actor, "Ibuprofen")
    with pytest.raises(RoleForbids):
        service.list_forms(company.reps[0])
    assert service.list_forms(company.manager) == []


def test_two_editors_do_not_overwrite_each_other(company: Field, doctor_form: Form) -> None:
    told = definitions.plain(service.templates()["doctor"])
    service.save_form(company.admin, told, doctor_form.id, 1)
    with pytest.raises(FormChanged):
        service.save_form(company.admin, told, doctor_form.id, 1)
    assert [v.version for v in service.list_versions(company.admin, doctor_form.id)] == [2, 1]
    with pytest.raises(FormNotFound):
        service.save_form(company.admin, told, ids.new_id(), 1)


def test_clients_of_one_kind_are_asked_one_form(company: Field, doctor_form: Form) -> None:
    told = definitions.plain(service.templates()["doctor"])
    with pytest.raises(FormKindTaken):
        service.save_form(company.admin, told)
    service.set_active(company.admin, doctor_form.id, False)
    other = service.save_form(company.admin, told)
    with pytest.raises(FormKindTaken):
        service.set_active(company.admin, doctor_form.id, True)
    assert [v.form.id for v in service.list_forms(company.admin)] == [other.id, doctor_form.id]
    with reading() as s:
        kinds = s.exec(select(Event.kind).where(Event.subject_id == doctor_form.id)).all()
    assert set(kinds) == {"form.saved", "form.retired"}


def test_a_broken_form_is_refused_with_its_faults(company: Field) -> None:
    told = {
        "title": "X",
        "kinds": ["doctor"],
        "fields": [{"name": "a", "type": "choice", "label": "A"}],
    }
    with pytest.raises(BadForm) as refused:
        service.save_form(company.admin, told)
    assert refused.value.params["faults"] == [{"where": "a", "why": "options_needed"}]
    with pytest.raises(BadForm):
        service.save_form(company.admin, {"title": "X"})


def test_products_reach_phones(company: Field, phone: Phone) -> None:
    phone.pull()
    made = service.save_product(company.admin, "  Ibuprofen   200 ")
    service.save_product(company.admin, "Ibuprofen", made.id, is_active=False)
    phone.pull()
    assert phone.holds("product")[made.id] == {
        "id": made.id,
        "name": "Ibuprofen",
        "is_active": False,
    }
    with pytest.raises(ProductNameNeeded):
        service.save_product(company.admin, " ")


@pytest.mark.parametrize("name", ["doctor", "pharmacy", "organisation"])
def test_templates_have_no_faults_and_three_languages(name: str) -> None:
    form = service.templates()[name]
    assert definitions.faults(form) == []
    texts = [form.title, *(f.label for f in form.fields), *(c.text for c in form.checks)]
    texts += [o.label for f in form.fields for o in (*f.options, *f.questions)]
    assert all(isinstance(t, dict) and set(t) == {"en", "ru", "ro"} for t in texts)


def test_a_desks_revision_with_a_broken_form_is_refused(
    company: Field, phone: Phone, doctor_form: Form
) -> None:
    close(phone, company.visits[0], filled(doctor_form))
    request = visits.MoveRequest(
        company.visits[0], "revise", at=NOW, changes={"details": {"form": {"form_id": 3}}}
    )
    with pytest.raises(FormRefused):
        visits.move(company.manager, request)


# ---- at the desk ----


def test_the_desk_reads_answers_in_the_drawer_and_in_the_workbook(
    company: Field, phone: Phone, doctor_form: Form
) -> None:
    close(phone, company.visits[0], filled(doctor_form))
    shown = evidence_view(evidence.explain(company.manager, company.visits[0], "ro"), "ro")
    assert (shown.form, shown.form_note) == ("Vizită la medic", "")
    assert [(a.label, a.text) for a in shown.answers][:2] == [
        ("Produse prezentate", "p1"), ("Părerea medicului", "Va încerca"),
    ]  # fmt: skip
    filters = visit_list.filters_of()
    book = zipfile.ZipFile(io.BytesIO(visit_list.export_xlsx(company.manager, filters, "ro")))
    texts = book.read("xl/worksheets/sheet1.xml").decode()
    assert "Vizită la medic" in texts
    assert "Părerea medicului: Va încerca" in texts


def test_the_desk_says_that_a_version_is_unknown_and_draws_a_signature(
    company: Field, phone: Phone
) -> None:
    told = {"form": {"form_id": "gone", "version": 3, "answers": {"mood": "good"}}}
    close(phone, company.visits[0], told)
    shown = evidence_view(evidence.explain(company.manager, company.visits[0], "en"), "en")
    assert shown.form_note
    assert [(a.label, a.text) for a in shown.answers] == [("mood", "good")]
    signed = words.AnswerRow("signed", "Signature", "A. V.", strokes=((1, 2, 3, 4),))
    drawing = base64.b64decode(_answer(signed).drawing.removeprefix("data:image/svg+xml;base64,"))
    assert b'points="1 2 3 4"' in drawing
