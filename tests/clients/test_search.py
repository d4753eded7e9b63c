"""A client is found as people type: with slips, in another order or script, by any form of a phone."""

from __future__ import annotations

import pytest
from sqlalchemy import event
from sqlmodel import Session, select

from fieldcrm.clients import folding, search_lookup, service
from fieldcrm.clients.tables import Client, ClientTerm
from fieldcrm.kit.database import engine, reading, transaction
from tests.clients.base import Base

FOUND = {
    "name": ("Ștefan Țurcanu", "Stefan Turcanu", "turcanu stefan", "TURCANU"),
    "slip": ("Stefan Turcnau", "Turanu", "Turcanuu Stefan", "Tvrcanu"),
    "script": ("Щербаков", "Shcherbakov", "Scherbakov Oleg", "олег щербаков", "Shcherbakof"),
    "address": ("Mannerheimintie 20", "mannerhejmintie", "20 mannerheimintie"),
    "phone": ("8 (916) 123-45-67", "+79161234567", "9161234567", "4567", "123-45-67", "007 916 1234567"),
    "second_phone": ("0740 555 777", "+40 740555777", "5777"),
}  # fmt: skip


@pytest.fixture(params=["looked through", "by the index"])
def base_of(request: pytest.FixtureRequest, base: Base, monkeypatch: pytest.MonkeyPatch) -> Base:
    """The same answers from a small base and, as if it were large, by its index."""
    if request.param == "by the index":
        monkeypatch.setattr(search_lookup, "LARGE", 0)
    return base


def add(base: Base, **fields: str) -> str:
    return service.save(base.actor("admin"), {"kind": "doctor", **fields}).id


def names(base: Base, query: str) -> list[str]:
    return [c.name for c in service.find(base.actor("admin"), query).rows]


def fill(base: Base) -> None:
    add(base, name="Ștefan Țurcanu", phone="+373 22 000 111; +40 740 555 777")
    add(base, name="Олег Щербаков", phone="+7 916 123 45 67")
    add(base, name="Aino Korpela", address="Mannerheimintie 20 B")


def test_as_one_types(base_of: Base) -> None:
    fill(base_of)
    whose = {"name": "Ștefan Țurcanu", "slip": "Ștefan Țurcanu", "script": "Олег Щербаков",
             "address": "Aino Korpela", "phone": "Олег Щербаков", "second_phone": "Ștefan Țurcanu"}  # fmt: skip
    missed = [
        (kind, query) for kind, queries in FOUND.items() for query in queries
        if whose[kind] not in names(base_of, query)
    ]  # fmt: skip
    assert missed == []


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Töölönlahdenkatu", "Тёёлёнлахденкату"), ("Töölönlahti", "ТЁЁЛЁНЛАХТИ"),
        ("Yrjönkatu", "Юрьёнкату"), ("Ylämyllyntie", "Юлямюллюнтие"), ("Köln Apotheke", "Кёльн"),
        ("Артём Кюрасов", "Артём Кюрасов"), ("Фёдор Королёв", "Fedor Korolev"),
    ],
)  # fmt: skip
def test_rounded_vowels_are_found_as_russian_writes_them(
    base_of: Base, name: str, typed: str
) -> None:
    add(base_of, name=name)
    assert names(base_of, typed) == [name]


@pytest.mark.parametrize("query", ["%", "_", "'", '"', "( )", "🙂"])
def test_signs_alone_find_nobody_and_count_nobody(base_of: Base, query: str) -> None:
    fill(base_of)
    assert names(base_of, query) == []
    assert service.count(base_of.actor("admin"), search=query) == 0
    assert len(names(base_of, " ")) > 2


def test_what_is_there_is_not_taken_for_a_slip(base_of: Base) -> None:
    add(base_of, name="Anna Maria")
    add(base_of, name="Anni Korhonen")
    assert names(base_of, "anni") == ["Anni Korhonen"]
    assert names(base_of, "anna korhonen") == []
    assert names(base_of, "wholly unknown") == []


def test_terms_follow_a_clients_changes(base_of: Base) -> None:
    client_id = add(base_of, name="Vanha Nimi", phone="+358 40 1112223")
    service.save(
        base_of.actor("admin"), {"name": "Uusi Nimi", "phone": "+358 40 9998887"}, client_id
    )
    with reading() as session:
        kept = set(session.exec(select(ClientTerm.term).where(ClientTerm.client_id == client_id)))
        client = session.exec(select(Client).where(Client.id == client_id)).one()
        assert kept == folding.terms(client.search_text)
    assert names(base_of, "vanha") == []
    assert names(base_of, "2223") == []
    assert names(base_of, "8887") == ["Uusi Nimi"]


def test_pages_of_a_search_hold_everyone_once(base_of: Base) -> None:
    for n in range(25):
        add(base_of, name=f"Koskinen {n:02}")
    seen, cursor = list[str](), None
    while True:
        page = service.find(base_of.actor("admin"), "koskinen", limit=10, cursor=cursor)
        seen += [c.name for c in page.rows]
        if (cursor := page.cursor) is None:
            break
    assert seen == [f"Koskinen {n:02}" for n in range(25)]


WAYS = {
    "all are named": {},
    "by the terms of another word": {"SOME": 1, "FEW": 9, "MANY": 99},
    "common words, by terms": {"SOME": 1, "FEW": 3, "MANY": 99},
    "common words, by walking both": {"SOME": 1, "FEW": 3, "MANY": 3},
    "one walked beside the other": {"SOME": 1, "TERMS_MOST": 0},
    "rows read": {"SOME": 1, "TERMS_MOST": 0, "ROW": 0},
}


@pytest.mark.parametrize("way", WAYS)
def test_words_that_many_share_find_who_has_them_all(
    base: Base, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Whichever way a query's words are looked up, as the base is large or small."""
    for name, value in {"LARGE": 0, **WAYS[way]}.items():
        monkeypatch.setattr(search_lookup, name, value)
    for n in range(12):
        add(base, name=f"Elena Popescu {n:02}", address=f"Calea {n + 80}")
        add(base, name=f"Ioana Popescu {n:02}", address=f"Calea {n}")
        add(base, name=f"Elena Ionescu {n:02}", phone=f"+7 916 000 00 {n:02}")
    assert names(base, "elena popescu") == [f"Elena Popescu {n:02}" for n in range(12)]
    assert names(base, "pope ele") == [f"Elena Popescu {n:02}" for n in range(12)]
    assert names(base, "popescu calea 85") == ["Elena Popescu 05"]
    assert names(base, "Popescu Ele 07 calea") == ["Elena Popescu 07"]
    assert names(base, "8 (916) 000-00-05") == ["Elena Ionescu 05"]
    assert len(names(base, "elena")) == 24


def test_a_search_takes_few_turns_to_the_database(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many words are typed: each turn is waited for, on a loaded server longest."""
    monkeypatch.setattr(search_lookup, "LARGE", 0)
    fill(base)
    boss, turns = base.actor("admin"), list[str]()
    service.find(boss, "the first one looks how large the base is")
    event.listen(engine(), "before_cursor_execute", lambda *told: turns.append(told[2]))
    for query in ("Turcanu", "Stefan Turcanu", "Aino Korpela Mannerheimintie 20"):
        turns.clear()
        assert service.find(boss, query).rows
        assert len(turns) == 4, turns  # what sounds so, who has it, their rows, own fields


def test_a_short_number_is_the_end_of_one_before_it_is_its_beginning(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_lookup, "LARGE", 0)
    add(base, name="Ends", phone="+40 721 000 407")
    add(base, name="Begins", phone="+407 210 003 33")
    assert names(base, "0407") == ["Ends"]
    assert set(names(base, "+407")) == {"Begins", "Ends"}


@pytest.mark.parametrize(
    ("typed", "word", "is_one"),
    [
        ("popescu", "popescu", True), ("popesu", "popescu", True), ("popesccu", "popescu", True),
        ("poepscu", "popescu", True), ("popescu", "popescv", True), ("popescu", "popes", False),
        ("ppoescu", "popesuc", False), ("opescu", "popescu", True), ("popescuu", "popescu", True),
    ],
)  # fmt: skip
def test_one_slip_is_told_from_two(typed: str, word: str, is_one: bool) -> None:
    assert folding.is_one_slip(typed, word) is is_one
    assert folding.is_one_slip(word, typed) is is_one


def test_a_search_stays_within_ones_rows(base_of: Base) -> None:
    fill(base_of)
    assert service.find(base_of.actor("rep_north"), "Țurcanu").rows == []


@pytest.mark.parametrize(
    "query",
    ["%", "_", "'; drop table client; --", "\x00", "((((", "ь", "＃", "🙂🙂🙂🙂", "+", "0000"],
)
def test_odd_queries_are_answered(base_of: Base, query: str) -> None:
    fill(base_of)
    assert isinstance(names(base_of, query), list)


def test_a_word_that_is_rolled_back_is_known_when_it_comes_again(base: Base) -> None:
    def write(session: Session) -> None:
        client = session.exec(select(Client)).first()
        assert client is not None
        client.name = "Ainutlaatuinen"
        session.flush()

    def fail() -> None:
        with transaction() as session:
            write(session)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with transaction() as session:
        write(session)
    assert names(base, "ainutlaatunen") == ["Ainutlaatuinen"]
