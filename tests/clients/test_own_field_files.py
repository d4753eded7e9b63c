"""Files as own fields: sent, judged by their bytes, named by a card, fetched by whoever sees it."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest

from fieldcrm.clients import exporting, importing, service
from fieldcrm.clients.duplicates import merging
from fieldcrm.clients.model import ClientFilters, ClientNotFound, Condition, UnreadableTable
from fieldcrm.clients.ownfields import files
from fieldcrm.clients.ownfields import service as own
from fieldcrm.clients.ownfields.model import (
    BadOwnField,
    OwnFieldForbidden,
    OwnFieldRefused,
    OwnFieldUnknown,
    OwnFileNotFound,
    OwnFileTooLarge,
    OwnFileUnfit,
)
from fieldcrm.clients.ownfields.tables import ClientFile
from fieldcrm.kit import clock, file_types
from fieldcrm.kit.database import transaction
from fieldcrm.reports import answers
from fieldcrm.visits import keeping
from tests.clients.base import Base, lay_out

STATION, FARMACIA = "Töölö Health Station", "Farmacia Ștefan cel Mare"
EVERYBODY = ["rep", "dispatcher", "manager"]
PAPER = {"name": "contract", "type": "file", "label": "Contract"}
PDF = b"%PDF-1.7\n1 0 obj << >> endobj\n%%EOF\n"
OTHER = PDF + b"another"
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 20


def package(**parts: str) -> bytes:
    """A zip with some parts, `__` in a name standing for a slash and `_dot_` for a point."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as into:
        for name, text in parts.items():
            into.writestr(name.replace("__", "/").replace("_dot_", "."), text)
    return made.getvalue()


def office(**more: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as into:
        into.writestr("[Content_Types].xml", "<Types/>")
        into.writestr("word/document.xml", "<w:document/>")
        for name, text in more.items():
            into.writestr(name, text)
    return made.getvalue()


@pytest.fixture
def base(any_db: str) -> Base:
    return lay_out()


def make(base: Base, definition: dict[str, Any] = PAPER, **more: Any) -> None:
    kinds = ["organisation", "pharmacy"]
    editors = more.pop("editors", EVERYBODY)
    own.save_field(base.actor("admin"), definition, kinds, editors, **more)


def send(base: Base, login: str, content: bytes = PDF, name: str = "Договор 7.pdf") -> str:
    return files.keep(base.actor(login), "contract", name, content)["id"]


def put(base: Base, login: str, told: Any, client: str = STATION) -> dict[str, Any]:
    saved = service.save(
        base.actor(login), {"own_fields": {"contract": told}}, base.clients[client]
    )
    return saved.own_fields


def fetched(base: Base, login: str, client: str = STATION) -> bytes:
    path, _, _ = files.fetch(base.actor(login), base.clients[client], "contract")
    return path.read_bytes()


# ---- what is taken ----


@pytest.mark.parametrize(
    ("content", "kind"),
    [(PDF, "application/pdf"), (JPEG, "image/jpeg"), (b"GIF89a" + b"\0" * 20, None),
     (b"<html>", None), (b"<svg xmlns='x'>", None), (b"MZ" + b"\0" * 60, None), (b"", None),
     (b"PK\x03\x04 broken", None), (package(readme_dot_txt="x"), None),
     (office(), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
     (office(**{"word/vbaProject.bin": "x"}), None),
     (package(mimetype="application/vnd.oasis.opendocument.text", content_dot_xml="x"),
      "application/vnd.oasis.opendocument.text"),
     (package(mimetype="application/vnd.oasis.opendocument.text", Basic__x="x"), None),
     (package(mimetype="text/html", content_dot_xml="x"), None)],
)  # fmt: skip
def test_a_file_is_what_its_bytes_say(content: bytes, kind: str | None) -> None:
    assert file_types.of_document(content) == kind


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Договор.PDF", "Договор.PDF"), ("invoice.exe", "invoice.exe.pdf"), ("", "file.pdf"),
     ("../../etc/passwd", "passwd.pdf"), ("C:\\papers\\a.pdf", "a.pdf"), (" ..pdf", "pdf.pdf"),
     ("fdp\u202e.exe\x00.pdf", "fdp.exe.pdf"), ("x" * 300 + ".pdf", "x" * 116 + ".pdf")],
)  # fmt: skip
def test_a_name_ends_as_its_type_does_and_hides_nothing(name: str, shown: str) -> None:
    assert file_types.named(name, "application/pdf") == shown


def test_what_is_no_document_or_too_large_or_for_no_such_field_is_refused(base: Base) -> None:
    with pytest.raises(OwnFieldUnknown):
        send(base, "admin")
    make(base)
    with pytest.raises(OwnFileUnfit):
        send(base, "admin", b"<html>")
    with pytest.raises(OwnFileTooLarge) as error:
        send(base, "admin", PDF + bytes(25 << 20))
    assert error.value.params == {"limit_mb": 25}


@pytest.mark.parametrize(
    "more", [{"min": 1}, {"options": [{"value": "a", "label": "A"}]}, {"formula": "1"}]
)
def test_a_field_of_files_says_nothing_that_files_have_not(base: Base, more: Any) -> None:
    with pytest.raises(BadOwnField):
        make(base, PAPER | more)


# ---- on a card ----


def test_a_file_is_kept_on_a_card_replaced_and_taken_away_with_its_history(base: Base) -> None:
    make(base)
    first = send(base, "rep_north")
    told = {"id": first, "name": "Договор 7.pdf", "size": len(PDF), "type": "application/pdf"}
    assert put(base, "rep_north", first) == {"contract": told}
    assert fetched(base, "rep_north") == PDF
    version = service.get(base.actor("admin"), base.clients[STATION]).version
    assert put(base, "admin", first) == {"contract": told}, "another's, but it is there already"
    assert put(base, "admin", told | {"href": "/x"}) == {"contract": told}
    assert service.get(base.actor("admin"), base.clients[STATION]).version == version
    put(base, "admin", send(base, "admin", OTHER, "new.pdf"))
    assert fetched(base, "rep_north") == OTHER
    assert put(base, "admin", None) == {}
    with pytest.raises(OwnFileNotFound):
        fetched(base, "admin")
    said = answers.own_changes(
        base.actor("admin"), service.history(base.actor("admin"), base.clients[STATION]), "en"
    )
    assert [(c.before, c.after) for c in said] == [
        ("new.pdf", ""), ("Договор 7.pdf", "new.pdf"), ("", "Договор 7.pdf"),
    ]  # fmt: skip


def test_nobody_puts_a_file_on_a_card_that_he_has_not_sent(base: Base) -> None:
    make(base)
    make(base, PAPER | {"name": "licence"})
    theirs = send(base, "rep_south")
    mine = send(base, "rep_north")
    forged = {"id": 7, "name": "x", "size": 1, "type": "text/html"}
    for wrong in (theirs, "nothing", {"id": theirs}, forged, 5, ["x"]):
        with pytest.raises(OwnFileNotFound):
            put(base, "rep_north", wrong)
    with pytest.raises(OwnFileNotFound):
        service.save(base.actor("rep_north"), {"own_fields": {"licence": mine}},
                     base.clients[STATION])  # fmt: skip


def test_a_file_is_fetched_by_row_and_by_role(base: Base) -> None:
    make(base, viewers=["manager"], editors=["manager"])
    put(base, "manager_north", send(base, "manager_north"))
    assert fetched(base, "manager_north") == fetched(base, "admin") == PDF
    with pytest.raises(OwnFieldUnknown):
        fetched(base, "rep_north")
    with pytest.raises(OwnFieldUnknown):
        send(base, "rep_north")
    with pytest.raises(ClientNotFound):
        fetched(base, "manager_south")
    field = own.list_fields(base.actor("admin"))[0]
    own.save_field(base.actor("admin"), PAPER, [*field.kinds], ["manager"], field.id,
                   viewers=EVERYBODY)  # fmt: skip
    assert fetched(base, "rep_north") == PDF
    with pytest.raises(OwnFieldForbidden):
        send(base, "rep_north")


def test_a_stage_may_need_a_file(base: Base) -> None:
    stage = {"name": "stage", "type": "choice", "label": "Stage",
             "options": [{"value": "deal", "label": "Deal"}]}  # fmt: skip
    make(base, stage)
    make(base, PAPER | {"required_when": "stage = 'deal'"})
    client = base.clients[STATION]
    with pytest.raises(OwnFieldRefused):
        service.save(base.actor("admin"), {"own_fields": {"stage": "deal"}}, client)
    told = {"stage": "deal", "contract": send(base, "admin")}
    service.save(base.actor("admin"), {"own_fields": told}, client)
    with pytest.raises(OwnFieldRefused):
        put(base, "admin", None)


# ---- in lists and files ----


def test_lists_order_and_narrow_by_a_files_name_and_exports_tell_it(base: Base) -> None:
    make(base)
    put(base, "admin", send(base, "admin", PDF, "b contract.pdf"))
    put(base, "admin", send(base, "admin", PDF, "a offer.pdf"), FARMACIA)

    def names(sort: str = "name", **wanted: Any) -> list[str]:
        found, cursor = list[str](), None
        while True:
            page = service.find(base.actor("admin"), "", ClientFilters(**wanted), sort, 1, cursor)
            found += [c.name for c in page.rows]
            if (cursor := page.cursor) is None:
                return found

    assert names("own.contract")[1:] == [FARMACIA, STATION]
    assert names("-own.contract")[:2] == [STATION, FARMACIA]
    for op, value, fit in (("has", "OFFER", [FARMACIA]), ("filled", "", [FARMACIA, STATION]),
                           ("is", "b contract.pdf", [STATION])):  # fmt: skip
        assert names(conditions=(Condition("own.contract", op, value),)) == fit
    told = exporting.export_csv(base.actor("admin")).decode("utf-8-sig")
    assert "a offer.pdf" in told
    assert "application/pdf" not in told


def test_an_import_never_writes_a_file(base: Base) -> None:
    make(base)
    put(base, "admin", send(base, "admin"))
    table = f"name,external_id,own.contract\n{FARMACIA},F-001,other.pdf\n".encode()
    preview = importing.preview_import(base.actor("admin"), "a.csv", table)
    assert "own.contract" not in preview.rules.mapping.values()
    with pytest.raises(UnreadableTable):
        importing.preview_import(base.actor("admin"), "a.csv", table,
                                 {"name": "name", "own.contract": "own.contract"})  # fmt: skip
    importing.run_import(base.actor("admin"), preview.run_id)
    assert service.get(base.actor("admin"), base.clients[FARMACIA]).own_fields == {}


def test_a_merge_keeps_the_losers_file(base: Base) -> None:
    make(base)
    put(base, "admin", send(base, "admin"))
    twin = service.save(base.actor("admin"), {"name": "Töölö station", "kind": "organisation"}).id
    merging.merge(base.actor("admin"), twin, base.clients[STATION])
    path, _, name = files.fetch(base.actor("admin"), twin, "contract")
    assert (path.read_bytes(), name) == (PDF, "Договор 7.pdf")


# ---- how long ----


def test_erasing_a_person_takes_what_he_sent_and_nothing_that_others_hold(base: Base) -> None:
    make(base)
    put(base, "rep_north", send(base, "rep_north"))
    put(base, "admin", send(base, "admin"), FARMACIA)
    rep = base.company.users["rep_north"]
    with transaction() as session:
        assert keeping.count_in(session, rep_id=rep) == (1, len(PDF))
    assert keeping.erase(rep_id=rep) == 1
    with pytest.raises(OwnFileNotFound):
        fetched(base, "admin")
    assert fetched(base, "admin", FARMACIA) == PDF, "the same bytes, sent by another"
    value = service.get(base.actor("admin"), base.clients[STATION]).own_fields["contract"]
    assert value["name"] == "Договор 7.pdf", "that there was one stays"
    assert files.erased_among([value]) == {value["id"]}
    keeping.erase(rep_id=base.company.users["admin"])
    path = files.files.path_of(_hash(value["id"]))
    assert not path.exists()


def _hash(file_id: str) -> str:
    with transaction() as session:
        return session.get_one(ClientFile, file_id).sha256


def test_a_file_that_no_card_was_given_goes(base: Base) -> None:
    make(base)
    old, used = send(base, "admin"), send(base, "admin", OTHER)
    put(base, "admin", used)
    with clock.held(clock.now() + timedelta(days=3)):
        new = send(base, "admin", JPEG, "new.jpg")
        with pytest.raises(OwnFileNotFound):
            put(base, "admin", old)
        assert fetched(base, "admin") == OTHER
        put(base, "admin", new)
        assert fetched(base, "admin") == JPEG
