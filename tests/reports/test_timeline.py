"""A client's timeline: visits, calls, changes, documents and promises in one order, in one's own sight."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta

import pytest

from fieldcrm.clients import calls
from fieldcrm.clients import service as clients
from fieldcrm.clients.duplicates import merging
from fieldcrm.clients.model import BadClientField, BadCursor, ClientNotFound
from fieldcrm.clients.ownfields import files as own_files
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.tables import CardPhoto
from fieldcrm.kit import clock, ids
from fieldcrm.kit.database import transaction
from fieldcrm.people.model import SYSTEM
from fieldcrm.reports.timeline import Moment, timeline
from fieldcrm.visits.tables import Attachment
from tests.reports.conftest import Field

pytestmark = pytest.mark.usefixtures("any_db")
PDF = b"%PDF-1.7\n%a contract\n"


def today() -> date:
    return clock.local(clock.now()).date()


def moments(login: str, team: Field, client: str, kind: str = "") -> list[Moment]:
    return timeline(team.company.actor(login), client, "en", kind, 100).rows


@pytest.fixture
def known(team: Field) -> str:
    """A client of the north with a visit of three days ago and one to come."""
    client = team.add_client("B", team.add_territory("north", "rep_north"))
    team.add_visit("rep_north", client, today() - timedelta(days=3), comment="wants samples")
    team.add_visit("rep_north", client, today() + timedelta(days=3), state="planned")
    return client


def test_everything_stands_in_one_order(team: Field, known: str) -> None:
    boss, rep = team.company.actor("manager_north"), team.company.actor("rep_north")
    clients.save(boss, {"category": "A", "city": "Espoo"}, known)
    calls.note_call(boss, known, "reached", "comes back in May")
    with transaction() as session:
        promise = clients.add_promise_in(session, rep, known, rep.user_id or "", "Samples", None)
        clients.keep_promise_in(session, rep, promise.id, clock.now())
    told = moments("manager_north", team, known)
    assert [m.kind for m in told] == ["visit", "promise", "promise", "call", "change", "visit"]
    coming, kept, made, call, change, past = told
    assert (coming.sign, past.sign, past.by) == ("planned", "confirmed", "Rep North")
    assert past.text == "Held · wants samples"
    assert (made.title, made.text, kept.title) == ("Promise made", "Samples", "Promise kept")
    assert (call.title, call.text, call.by) == (
        "Spoke to the client", "comes back in May", "Manager North",
    )  # fmt: skip
    assert change.text == "Category: B → A · City: — → Espoo"
    assert [m.at for m in told] == sorted((m.at for m in told), reverse=True)


def test_one_kind_alone_and_a_page_at_a_time(team: Field, known: str) -> None:
    boss = team.company.actor("manager_north")
    for n in range(5):
        calls.note_call(boss, known, "reached", f"call {n}")
    pages, cursor = list[list[str]](), None
    while True:
        page = timeline(boss, known, "en", "call", 2, cursor)
        pages.append([m.text for m in page.rows])
        cursor = page.cursor
        if cursor is None:
            break
    assert pages == [["call 4", "call 3"], ["call 2", "call 1"], ["call 0"]]
    every = moments("manager_north", team, known)
    assert len(every) == len({m.id for m in every}) == 7
    with pytest.raises(BadClientField):
        timeline(boss, known, "en", "dance")
    with pytest.raises(BadCursor):
        timeline(boss, known, "en", "", 2, "nonsense")


def test_photos_and_files_are_documents(team: Field, known: str) -> None:
    boss = team.company.actor("manager_north")
    ownfields.save_field(SYSTEM, {"name": "contract", "type": "file", "label": "Contract"},
                         ["doctor"], ["manager"])  # fmt: skip
    value = own_files.keep(boss, "contract", "deal.pdf", PDF)
    clients.save(boss, {"own_fields": {"contract": value["id"]}}, known)
    (visit, *_) = [m for m in moments("manager_north", team, known, "visit") if m.sign != "planned"]
    sha = hashlib.sha256(b"x").hexdigest()
    taken = clock.now() - timedelta(days=3)
    with transaction() as session:
        for erased in (None, clock.now()):
            session.add(_attachment(visit.visit_id, sha, taken, erased))
        session.add(CardPhoto(id=ids.new_id(), client_id=known, correction_id=ids.new_id(), sha256=sha,
                              rep_id=team.company.users["rep_south"], asked_at=clock.now()))  # fmt: skip
    shown, file, *photos = moments("manager_north", team, known, "document")
    assert (shown.text, shown.by) == ("with a request to correct the card", "Rep South")
    assert (file.title, file.href) == ("deal.pdf", f"/api/v1/clients/{known}/files/contract")
    assert sorted((p.title, p.href, p.text == "No longer kept") for p in photos) == [
        ("Photo", "", True), ("Photo", f"/api/v1/attachments/{sha}", False),
    ]  # fmt: skip
    assert not moments("manager_north", team, known, "change")[1:], "the file alone is no change"
    own = [m.title for m in moments("rep_north", team, known, "document")]
    assert own == ["deal.pdf", "Photo", "Photo"], "a photo that another rep took is not his to see"


def _attachment(visit_id: str, sha256: str, taken: datetime, erased: datetime | None) -> Attachment:
    return Attachment(id=ids.new_id(), visit_id=visit_id, sha256=sha256, taken_at=taken,
                      stored_at=taken, erased_at=erased)  # fmt: skip


def test_each_sees_what_is_his(team: Field, known: str) -> None:
    calls.note_call(team.company.actor("rep_north"), known, "not_reached")
    south = team.company.actor("manager_south")
    for wanted in (lambda: timeline(south, known, "en"), lambda: calls.note_call(south, known, "not_reached")):  # fmt: skip
        with pytest.raises(ClientNotFound):
            wanted()
    team.add_visit("rep_south", known, today() - timedelta(days=1))  # now the south knows him too
    assert [m.by for m in moments("manager_south", team, known, "visit")] == ["Rep South"]
    assert [m.by for m in moments("manager_south", team, known, "call")] == ["Rep North"]


@pytest.mark.parametrize(("outcome", "text"), [("danced", "x"), ("reached", " "), ("reached", "x" * 501)])  # fmt: skip
def test_a_call_says_what_came_of_it(team: Field, known: str, outcome: str, text: str) -> None:
    with pytest.raises(BadClientField):
        calls.note_call(SYSTEM, known, outcome, text)
    assert moments("admin", team, known, "call") == []


def test_a_merge_brings_the_others_past(team: Field, known: str) -> None:
    twin = team.add_client("B", None)
    calls.note_call(SYSTEM, twin, "reached", "as the twin")
    team.add_visit("rep_north", twin, today() - timedelta(days=9))
    made = merging.merge(SYSTEM, known, twin, ())
    assert [m.text for m in moments("admin", team, known, "call")] == ["as the twin"]
    assert len(moments("admin", team, known, "visit")) == 3
    assert [m.title for m in moments("admin", team, known, "change")] == [
        "Client merged with another"
    ]
    merging.undo(SYSTEM, made.id)
    assert moments("admin", team, known, "call") == []
    assert len(moments("admin", team, known, "visit")) == 2
