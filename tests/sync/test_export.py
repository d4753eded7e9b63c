"""A phone's exported work comes in through the office: once, in the rep's name, by who may."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import msgspec
import pytest
from sqlmodel import select

from fieldcrm.kit import files, ids
from fieldcrm.kit.database import reading
from fieldcrm.kit.tables import Event
from fieldcrm.people.model import DeviceTaken, OutOfScope, RoleForbids
from fieldcrm.sync import export_file, importing
from fieldcrm.sync.model import BadExport, ForeignExport
from fieldcrm.visits import service as visits
from fieldcrm.wire import sync as wire
from tests.field import NOW, Field
from tests.sync.phone import Phone, ms

PHOTO = b"\xff\xd8\xff the door of the clinic"
SHA = hashlib.sha256(PHOTO).hexdigest()


def exported(phone: Phone, *mutations: wire.Mutation, **more: Any) -> bytes:
    """The file as the phone makes it."""
    photo = wire.ExportPhoto(SHA, base64.b64encode(PHOTO).decode())
    content = wire.ExportContent(
        rep_id=phone.actor.user_id, device_id=phone.device_id, made_at_ms=ms(NOW),
        mutations=[msgspec.to_builtins(m) for m in mutations], photos=[photo],
    )  # fmt: skip
    content = msgspec.structs.replace(content, **more)
    return export_file.seal(content, base64.b64decode(export_file.public_key()), b"n" * 12)


def worked(company: Field) -> tuple[Phone, list[wire.Mutation]]:
    phone = Phone(company.reps[0], company.devices[0])
    photo = {"id": ids.new_id(), "sha256": SHA, "size": len(PHOTO)}
    return phone, [
        phone.checks_in(company.visits[0]), phone.closes(company.visits[0], attachments=[photo])
    ]  # fmt: skip


def test_an_export_is_applied_once_however_it_comes(company: Field) -> None:
    phone, sent = worked(company)
    file = exported(phone, *sent)
    first = importing.import_export(company.dispatcher, file)
    assert (first.applied, first.refused, first.waiting, first.photos) == (2, 0, 0, 1)
    assert importing.import_export(company.admin, file).results == first.results
    assert phone.push(*sent) == first.results, (
        "the phone that finds a network later is told the same"
    )
    seen = visits.get(company.manager, company.visits[0])
    assert seen.view.visit.state == "closed"
    assert [a.stored_at is not None for a in seen.attachments] == [True]
    assert files.path_of(SHA).read_bytes() == PHOTO
    assert {c.source for c in seen.changes if c.move in ("check_in", "close")} == {"file"}
    with reading() as s:
        told = s.exec(select(Event).where(Event.kind == "sync.imported")).all()
    assert [e.actor_id for e in told] == [company.dispatcher.user_id, company.admin.user_id]


def test_only_the_reps_office_brings_it_in(company: Field) -> None:
    phone, sent = worked(company)
    file = exported(phone, *sent)
    for rep in company.reps:
        with pytest.raises(RoleForbids):
            importing.import_export(rep, file)
    with pytest.raises(OutOfScope):
        importing.import_export(company.other_manager, file)
    stolen = exported(phone, *sent, device_id=company.devices[1])
    with pytest.raises(DeviceTaken):
        importing.import_export(company.dispatcher, stolen)
    assert visits.get(company.manager, company.visits[0]).view.visit.state == "planned"


def test_a_changed_cut_or_foreign_file_is_refused(
    company: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone, sent = worked(company)
    file = exported(phone, *sent)
    for wrong in (b"", b"hello", file[:60], b"x" + file):
        with pytest.raises(BadExport):
            importing.import_export(company.dispatcher, wrong)
    with pytest.raises(ForeignExport):
        importing.import_export(company.dispatcher, file[:-1] + bytes([file[-1] ^ 1]))
    monkeypatch.setattr(
        "fieldcrm.kit.secrets.install_key", lambda: b"another install's key, 32 bytes."
    )
    with pytest.raises(ForeignExport):
        importing.import_export(company.dispatcher, file)


def test_a_spoilt_photo_or_action_holds_up_nothing(company: Field) -> None:
    phone, sent = worked(company)
    broken = {**msgspec.to_builtins(phone.closes(company.visits[1])), "payload": 7}
    spoilt = [wire.ExportPhoto("cd" * 32, "AAAA"), wire.ExportPhoto("ef" * 32, "not base64"),
              wire.ExportPhoto(SHA, base64.b64encode(PHOTO).decode())]  # fmt: skip
    told = importing.import_export(
        company.dispatcher,
        exported(phone, photos=spoilt, mutations=[*map(msgspec.to_builtins, sent), broken]),
    )
    assert (told.applied, told.refused, told.photos, told.photos_refused) == (2, 1, 1, 2)
