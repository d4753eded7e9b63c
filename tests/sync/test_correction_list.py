"""The office's list of corrections: found, narrowed, in order, with what speaks for each."""

from __future__ import annotations

import io
import zipfile
from datetime import date, timedelta
from itertools import count

import pytest
from sqlmodel import select

from fieldcrm.clients import service as clients
from fieldcrm.clients.model import BadClientField
from fieldcrm.kit import clock
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.tables import Event
from fieldcrm.people.model import Actor, RoleForbids
from fieldcrm.sync import corrections
from fieldcrm.sync.correction_list import Filters, Listed, detail, page
from fieldcrm.sync.correction_workbook import export_xlsx
from fieldcrm.sync.model import NoSuchCorrection
from fieldcrm.visits.model import BadCursor, BadSort
from fieldcrm.visits.tables import Visit
from tests.field import LAT, LNG, NOW, TODAY, Field
from tests.sync.phone import Phone
from tests.sync.test_field_clients import phone_of, statuses

EVERY = Filters()
SECONDS = count()
PHONES: dict[str, Phone] = {}
"""By device: a phone counts its mutations for ever."""


def asked(company: Field, number: int, rep: int = 0, **wanted: object) -> str:
    phone = PHONES.setdefault(company.devices[rep], phone_of(company, rep))
    client_id = company.foreign_client if rep == 2 else company.clients[number]
    with clock.held(NOW + timedelta(seconds=next(SECONDS))):  # each a little later than the last
        correction = phone.does("client.correct", client_id, wanted)
        assert statuses(phone.push(correction)) == ["applied"]
    return correction.id


def found(actor: Actor, filters: Filters = EVERY, sort: str = "-at") -> list[Listed]:
    return page(actor, filters, sort, 50)[0]


def ids(listed: list[Listed]) -> list[str]:
    return [each.correction.id for each in listed]


def test_each_sees_those_of_his_clients_with_the_word_on_them(company: Field) -> None:
    first = asked(company, 0, address="Mikonkatu 9", comment="moved")
    second = asked(company, 1, name="Doctor Other")
    foreign = asked(company, 0, rep=2, city="Espoo")
    corrections.decide(company.dispatcher, second, False, reason="  the name is right  ")
    newest, oldest = found(company.dispatcher)
    assert ids([newest, oldest]) == [second, first]
    assert (newest.status, newest.decided_by, newest.reason) == (
        "declined", "Disp", "the name is right",
    )  # fmt: skip
    assert (oldest.status, oldest.correction.rep_name, oldest.decided_at) == ("open", "Anna", None)
    assert ids(found(company.other_manager)) == [foreign]
    assert len(found(company.admin)) == 3
    with pytest.raises(RoleForbids):
        found(company.reps[0])
    with pytest.raises(NoSuchCorrection):
        detail(company.other_manager, first)


def test_the_list_is_searched_narrowed_and_sorted(company: Field) -> None:
    pin = asked(company, 2, lat=LAT + 0.01, lng=LNG)
    address = asked(company, 0, address="Mikonkatu 9")
    name = asked(company, 1, name="Doctor Other")
    corrections.decide(company.manager, address, True)
    boss = company.manager
    assert ids(found(boss, Filters(search="doctor 3"))) == [pin]
    assert len(found(boss, Filters(search="anna"))) == 3
    assert found(boss, Filters(search="100%")) == []
    assert ids(found(boss, Filters(status="open"), "at")) == [pin, name]
    assert ids(found(boss, Filters(status="accepted"))) == [address]
    assert ids(found(boss, Filters(what="pin"))) == [pin]
    assert ids(found(boss, Filters(what="name"))) == [name]
    assert ids(found(boss, sort="client")) == [address, name, pin]
    assert len(found(boss, Filters(rep_id=company.reps[0].user_id))) == 3
    assert found(boss, Filters(rep_id=company.reps[1].user_id)) == []
    assert len(found(boss, Filters(first=TODAY, last=TODAY))) == 3
    assert found(boss, Filters(last=date(2020, 1, 1))) == []
    for wrong in ("", "name", "at; drop"):
        with pytest.raises(BadSort):
            found(boss, sort=wrong)


@pytest.mark.parametrize("sort", ["at", "-at", "client", "-client", "rep", "-rep"])
def test_pages_hold_each_correction_once(company: Field, sort: str) -> None:
    every = {asked(company, n % 4, city=f"City {n}") for n in range(9)}
    seen: list[str] = []
    cursor: str | None = None
    while True:
        rows, cursor = page(company.manager, EVERY, sort, 2, cursor)
        seen += ids(rows)
        if cursor is None:
            break
    assert len(seen) == len(every)
    assert set(seen) == every
    for wrong in ("x", "bnVsbA==", "WzEsMl0="):
        with pytest.raises(BadCursor):
            page(company.manager, EVERY, sort, 2, wrong)


def checked_in(company: Field, number: int, metres_north: float, is_mock: bool = False) -> None:
    with transaction() as session:
        visit = session.get(Visit, company.visits[number])
        assert visit is not None
        visit.client_id = company.clients[0]
        visit.checked_in_at = visit.planned_at
        visit.day = TODAY - timedelta(days=number)
        visit.check_in = {"lat": LAT + metres_north / 111_195, "lng": LNG, "accuracy_m": 9,
                          "is_mock": is_mock}  # fmt: skip


def test_check_ins_at_the_client_speak_for_a_pin(company: Field) -> None:
    """The client's pin stands 100 m north of the hospital, the wanted one 400 m north."""
    for number, metres in enumerate((395, 420, 110)):
        checked_in(company, number, metres)
    checked_in(company, 3, 400, is_mock=True)
    correction = asked(company, 0, lat=LAT + 400 / 111_195, lng=LNG)
    shown = detail(company.dispatcher, correction)
    assert (len(shown.check_ins), shown.near_new, shown.near_old) == (4, 2, 1)
    nearest = min(shown.check_ins, key=lambda c: c.new_m or 0)
    assert nearest.is_mock
    real = sorted(round(c.new_m or 0) for c in shown.check_ins if not c.is_mock)
    assert real == pytest.approx([5, 20, 290], abs=1)


def test_what_was_changed_since_is_named(company: Field) -> None:
    correction = asked(company, 0, address="Mikonkatu 9", city="Espoo")
    clients.save(company.manager, {"address": "Mikonkatu 11"}, company.clients[0])
    assert detail(company.dispatcher, correction).listed.overtaken == ["address"]
    corrections.decide(company.dispatcher, correction, True, overwrite=True)
    assert detail(company.dispatcher, correction).listed.overtaken == []


def test_the_list_as_a_workbook(company: Field) -> None:
    asked(company, 0, address="=1+1", city="Espoo", comment="moved")
    asked(company, 0, rep=2, city="Vantaa")
    book = zipfile.ZipFile(io.BytesIO(export_xlsx(company.manager, EVERY, "ro")))
    texts = "".join(book.read(n).decode() for n in book.namelist() if n.endswith(".xml"))
    assert "=1+1" in texts
    assert "<f>" not in texts
    assert "Espoo" in texts
    assert "Vantaa" not in texts


def test_the_office_writes_it_otherwise_and_says_so(company: Field) -> None:
    asked_for = asked(company, 0, address="Mikonkatu 9", city="Helsingfors")
    boss, edits = company.manager, {"address": "Mikonkatu 9 A", "city": "Helsingfors"}
    with pytest.raises(BadClientField):
        corrections.decide(boss, asked_for, True, edits={"name": "Somebody else"})
    with pytest.raises(BadClientField):
        corrections.decide(boss, asked_for, True, edits={"address": "x" * 10_000})
    done = corrections.decide(boss, asked_for, True, edits=edits, reason="the yard's door")
    assert (done.address, done.city) == ("Mikonkatu 9 A", "Helsingfors")
    [listed] = found(boss)
    assert (listed.status, listed.reason) == ("accepted", "the yard's door")
    with reading() as session:
        [word] = session.exec(select(Event).where(Event.kind == corrections.ACCEPTED)).all()
    assert word.data["edited"] == {"address": "Mikonkatu 9 A"}
