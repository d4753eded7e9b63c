"""Attachments: pieces, resumption, hashes, types, limits, two people, two requests at once."""

from __future__ import annotations

import hashlib
import threading
from contextvars import copy_context
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldcrm.kit import file_types, files, ids
from fieldcrm.kit.database import reading
from fieldcrm.kit.files import WrongHash
from fieldcrm.kit.settings import settings as install
from fieldcrm.people.model import RoleForbids
from fieldcrm.sync import pieces, service
from fieldcrm.sync.model import FileTooLarge, NoSuchFile, TooManyParts, WrongOffset, WrongType
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import VisitFilters
from fieldcrm.visits.tables import Attachment
from tests.field import TODAY, Field
from tests.sync.phone import Phone

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40


def named(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def send(actor: Any, content: bytes, size: int, sha256: str | None = None) -> tuple[int, bool]:
    """Send in pieces of `size`; each twice, as if the first answer was lost."""
    sha256 = sha256 or named(content)
    answer = (0, False)
    for at in range(0, len(content), size):
        piece = content[at : at + size]
        answer = service.take_piece(actor, sha256, at, len(content), piece)
        if not answer[1]:
            with pytest.raises(WrongOffset) as where:
                service.take_piece(actor, sha256, at, len(content), piece)
            assert where.value.params == {"offset": at + len(piece)}
    return answer


@pytest.mark.parametrize("size", [7, 1000, 100_000])
def test_in_pieces_with_every_answer_lost_once(company: Field, size: int) -> None:
    rep, content = company.reps[0], JPEG[:1200]
    assert send(rep, content, size) == (len(content), True)
    assert files.path_of(named(content)).read_bytes() == content
    assert service.take_piece(rep, named(content), 0, len(content), content) == (1200, True)
    assert service.attachment_offset(rep, named(content)) == (1200, True)


def test_a_file_whose_server_died_before_naming_it_is_named_when_asked_for(company: Field) -> None:
    """Else a phone that asks hears of every byte, and nobody ever finishes the file."""
    rep = company.reps[0]
    send(rep, JPEG, len(JPEG))
    whole = files.path_of(named(JPEG))
    whole.rename(pieces._part(rep.user_id, named(JPEG)))  # as a power cut leaves it
    files._is_kept.cache_clear()
    assert service.attachment_offset(rep, named(JPEG)) == (len(JPEG), True)
    assert whole.read_bytes() == JPEG


def test_every_byte_and_no_name_is_finished_by_an_empty_piece(company: Field) -> None:
    rep = company.reps[0]
    send(rep, JPEG, len(JPEG))
    files.path_of(named(JPEG)).rename(pieces._part(rep.user_id, named(JPEG)))
    files._is_kept.cache_clear()
    assert service.take_piece(rep, named(JPEG), len(JPEG), len(JPEG), b"") == (len(JPEG), True)


def test_a_photo_before_and_after_its_visit(company: Field) -> None:
    """Whichever comes first, the visit is complete when both are here, and others see it."""
    rep, phone = company.reps[0], Phone(company.reps[0], company.devices[0])
    early, late = JPEG, JPEG + b"2"
    send(rep, early, 4000)
    refs = [{"id": ids.new_id(), "sha256": named(c), "size": len(c)} for c in (early, late)]
    phone.push(
        phone.checks_in(company.visits[0]), phone.closes(company.visits[0], attachments=refs)
    )
    phone.pull()

    def stored() -> dict[str, bool]:
        doc = phone.holds("visit")[company.visits[0]]
        return {a["sha256"]: a["is_stored"] for a in doc["attachments"]}

    assert stored() == {named(early): True, named(late): False}
    receipt = service.receipt(rep, TODAY)
    assert (receipt.visits[0].photos, receipt.visits[0].photos_stored) == (2, 1)
    assert receipt.photos == [named(early)]
    send(rep, late, 4000)
    phone.pull()
    assert stored() == {named(early): True, named(late): True}
    for seer in (rep, company.dispatcher, company.manager, company.admin):
        path, kind = service.attachment_file(seer, named(late))
        assert (path.read_bytes(), kind) == (late, "image/jpeg")
    for stranger in (company.reps[1], company.reps[2], company.other_manager):
        with pytest.raises(NoSuchFile):
            service.attachment_file(stranger, named(late))
    assert len(visits.list_visits(company.manager, VisitFilters(states=("closed",))).rows) == 1


def test_a_receipt_is_signed_and_any_change_shows(company: Field) -> None:
    receipt = service.receipt(company.reps[0], TODAY)
    assert [v.id for v in receipt.visits] == company.visits
    assert service.is_genuine(receipt)
    receipt.visits[0].state = "closed"
    assert not service.is_genuine(receipt)


def test_a_wrong_hash_begins_again(company: Field) -> None:
    rep, promised = company.reps[0], named(b"something else")
    with pytest.raises(WrongHash):
        send(rep, JPEG, 50_000, promised)
    assert service.attachment_offset(rep, promised) == (0, False)
    assert not files.has(promised)


@pytest.mark.parametrize(
    "content",
    [b"<html><script>alert(1)</script></html>", b"MZ" + b"\0" * 99, b"\xff\xd8", b"%PDF-1.7 " * 9],
)
def test_what_is_no_photo_or_sound_is_refused_at_once(company: Field, content: bytes) -> None:
    with pytest.raises(WrongType):
        service.take_piece(company.reps[0], named(content), 0, len(content), content)
    assert service.attachment_offset(company.reps[0], named(content)) == (0, False)


@pytest.mark.parametrize(
    "content",
    [
        b"words that somebody called a sound", b"RIFF\x10\0\0\0AVI LIST" + b"\0" * 40,
        b"\0\0\0\x14ftypqt  " + b"\0" * 40, b"#!/bin/sh\n" * 9,
    ],
)  # fmt: skip
def test_a_spoken_note_that_is_no_sound_is_refused_by_name(company: Field, content: bytes) -> None:
    """The closing that names it stands, the receipt says which file is missing, the rest goes on."""
    rep, phone = company.reps[0], Phone(company.reps[0], company.devices[0])
    note = {"id": ids.new_id(), "sha256": named(content), "size": len(content), "kind": "audio",
            "content_type": "audio/webm"}  # fmt: skip
    photo = {"id": ids.new_id(), "sha256": named(JPEG), "size": len(JPEG)}
    began = phone.checks_in(company.visits[0])
    closed = phone.closes(company.visits[0], attachments=[note, photo])
    assert [a.status for a in phone.push(began, closed)] == ["applied", "applied"]
    for _ in range(2):  # however often it is sent
        with pytest.raises(WrongType) as refusal:
            service.take_piece(rep, named(content), 0, len(content), content)
        assert refusal.value.code == "wrong_file_type"
    assert not files.has(named(content))
    send(rep, JPEG, 4000)
    told = service.receipt(rep, TODAY)
    assert (told.visits[0].state, told.visits[0].photos, told.visits[0].photos_stored) == (
        "closed", 2, 1,
    )  # fmt: skip
    assert told.photos == [named(JPEG)]


@pytest.mark.parametrize(("named_as", "content", "is_in_fact"), [
    ("photo", b"OggS" + b"\0" * 60, ("audio", "audio/ogg")),
    ("audio", JPEG, ("photo", "image/jpeg")),
])  # fmt: skip
def test_a_file_counts_as_what_its_bytes_are(
    company: Field, named_as: str, content: bytes, is_in_fact: tuple[str, str]
) -> None:
    rep, phone = company.reps[0], Phone(company.reps[0], company.devices[0])
    told = {"id": ids.new_id(), "sha256": named(content), "size": len(content), "kind": named_as}
    began = phone.checks_in(company.visits[0])
    phone.push(began, phone.closes(company.visits[0], attachments=[told]))
    send(rep, content, 4000)
    with reading() as s:
        kept = s.get_one(Attachment, told["id"])
        assert (kept.kind, kept.content_type) == is_in_fact


def test_a_type_hidden_behind_small_pieces_is_refused(company: Field) -> None:
    content = b"<html>" * 20
    with pytest.raises(WrongType):
        send(company.reps[0], content, 5)


def test_limits(company: Field) -> None:
    rep, limit = company.reps[0], install().upload_limit_mb << 20
    with pytest.raises(FileTooLarge):
        service.take_piece(rep, named(JPEG), 0, limit + 1, JPEG)
    with pytest.raises(FileTooLarge):
        service.take_piece(rep, named(JPEG), 0, len(JPEG) - 1, JPEG)
    for n in range(pieces.PARTS_MAX):
        service.take_piece(rep, named(bytes([n])), 0, 20_000, JPEG)
    with pytest.raises(TooManyParts):
        service.take_piece(rep, named(b"one more"), 0, 20_000, JPEG)
    assert send(company.reps[1], JPEG, 50_000) == (len(JPEG), True)
    with pytest.raises(WrongHash):
        service.take_piece(rep, "../../etc/passwd", 0, len(JPEG), JPEG)


def test_two_people_never_mix_their_pieces(company: Field) -> None:
    """The second claims the first one's hash with other bytes: only his own part is spoilt."""
    first, second = company.reps[:2]
    sha256, half = named(JPEG), len(JPEG) // 2
    service.take_piece(first, sha256, 0, len(JPEG), JPEG[:half])
    wrong = b"\xff\xd8\xff" + b"x" * (len(JPEG) - 3)
    with pytest.raises(WrongHash):
        service.take_piece(second, sha256, 0, len(JPEG), wrong)
    assert service.take_piece(first, sha256, half, len(JPEG), JPEG[half:]) == (len(JPEG), True)


def test_the_same_piece_sent_twice_at_once(company: Field) -> None:
    outcomes: list[object] = []

    def go() -> None:
        try:
            outcomes.append(
                service.take_piece(company.reps[0], named(JPEG), 0, len(JPEG), JPEG[:5000])
            )
        except WrongOffset as refusal:
            outcomes.append(refusal.params["offset"])

    threads = [threading.Thread(target=copy_context().run, args=(go,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(map(str, outcomes)) == ["(5000, False)", "5000", "5000", "5000"]


def test_only_reps_send(company: Field) -> None:
    for office in (company.dispatcher, company.manager, company.admin):
        with pytest.raises(RoleForbids):
            service.take_piece(office, named(JPEG), 0, len(JPEG), JPEG)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(cuts=st.lists(st.integers(1, 5000), max_size=6), extra=st.binary(max_size=20))
def test_any_cutting_gives_the_same_file(home, cuts: list[int], extra: bytes) -> None:
    content = JPEG[:5001] + extra
    sha256, edges = named(content), [0, *sorted(set(cuts)), len(content)]
    files.path_of(sha256).unlink(missing_ok=True)
    for a, b in pairwise(edges):
        here, is_whole = pieces.take("somebody", sha256, a, len(content), content[a:b])
        assert (here, is_whole) == (b, b == len(content))
    assert files.path_of(sha256).read_bytes() == content


def test_types_by_their_first_bytes() -> None:
    assert file_types.photo_or_sound(b"\x89PNG\r\n\x1a\n0000") == "image/png"
    assert file_types.photo_or_sound(b"RIFF\0\0\0\0WEBPVP8 ") == "image/webp"
    assert file_types.photo_or_sound(b"OggS" + b"\0" * 12) == "audio/ogg"
    assert file_types.photo_or_sound(b"\0\0\0\x20ftypM4A \0\0") == "audio/mp4"
    assert file_types.photo_or_sound(b"GIF89a" + b"\0" * 10) is None
    assert file_types.photo_or_sound(b"<svg xmlns='x'>") is None
