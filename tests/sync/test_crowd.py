"""Phones, desks and the administrator change the same cards and visits in the same moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

from sqlmodel import col, func, select

from fieldcrm.clients import import_undo, importing, landed, workplaces
from fieldcrm.clients import service as clients
from fieldcrm.clients.duplicates import merging
from fieldcrm.clients.standing import CHANNELS
from fieldcrm.clients.tables import Client
from fieldcrm.kit.database import reading
from fieldcrm.kit.errors import Refusal
from fieldcrm.kit.tables import Event
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import MoveRequest
from tests.field import LAT, LNG, NOW, Field
from tests.sync.phone import Phone

ROUNDS, MEET_S = 8, 120.0
AROUND = [
    [LAT - 0.1, LNG - 0.2],
    [LAT - 0.1, LNG + 0.2],
    [LAT + 0.1, LNG + 0.2],
    [LAT + 0.1, LNG - 0.2],
]
CHANGES = ("client.changed", "client.noted")


def phone_works(company: Field) -> Iterator[None]:
    """A rep notes, asks for consents and makes his visits."""
    phone = Phone(company.reps[0], company.devices[0])
    for n in range(ROUNDS):
        one = company.clients[n % 2]
        said = {"channel": CHANNELS[n % len(CHANNELS)], "state": "given", "source": "visit"}
        sent = [
            phone.does("client.note", one, {"note": f"phone {n}", "base_note": None}),
            phone.does("client.consent", one, said | {"on": "2026-03-04"}),
        ]
        if n < len(company.visits):
            sent += [phone.checks_in(company.visits[n]), phone.closes(company.visits[n])]
        answers = phone.push(*sent)
        assert len(answers) == len(sent)
        assert {a.status for a in answers[:2]} == {"applied"}
        yield


def desk_saves(company: Field) -> Iterator[None]:
    """A dispatcher changes phones and notes of the same cards, and takes visits over."""
    for n in range(ROUNDS):
        told = {"phone": f"+358 40 000 {n:04}", "note": f"desk {n}"}
        clients.save(company.dispatcher, told, company.clients[n % 2])
        request = MoveRequest(
            visit_id=company.visits[n % len(company.visits)], move="cancel", at=NOW, reason="full"
        )
        with suppress(Refusal):  # one that is under way is not cancelled
            visits.move(company.dispatcher, request)
        yield


def office_arranges(company: Field) -> Iterator[None]:
    """The administrator redraws a territory, lets those who wait land and ties people to places."""
    for n in range(ROUNDS):
        territory = clients.list_territories(company.admin)[0]
        clients.save_territory(company.admin, {"name": f"Home {n}", "area": [AROUND]}, territory.id)
        landed.land(company.admin)
        workplaces.save_affiliation(
            company.admin, company.clients[n % 2], company.hospital, role=f"role {n}"
        )
        yield


def card_by_card(company: Field) -> Iterator[None]:
    """A manager goes over the same cards from the other end."""
    for n in range(ROUNDS):
        for one in reversed(company.clients[:2]):
            clients.save(company.manager, {"address": f"Street {n}"}, one)
        yield


def table_comes_and_goes(company: Field) -> Iterator[None]:
    """An import that names the cards by their codes, and its undo while nobody built on it."""
    for n in range(ROUNDS):
        content = f"code,name,kind\nN{n},New {n},doctor\nM{n},More {n},doctor\n".encode()
        mapping = {"code": "external_id", "name": "name", "kind": "kind"}
        seen = importing.preview_import(company.admin, "crowd.csv", content, mapping)
        told = importing.run_import(company.admin, seen.run_id)
        assert told["counts"]["create"] == 2
        with suppress(Refusal):  # somebody landed it meanwhile: then it stays
            import_undo.undo_import(company.admin, seen.run_id)
        yield


def two_are_one_and_two_again(company: Field) -> Iterator[None]:
    """A fresh pair is merged and parted, while the others go on."""
    for n in range(ROUNDS):
        fields = {"kind": "doctor", "name": f"Dr Twin {n}", "lat": LAT, "lng": LNG}
        pair = [clients.save(company.admin, fields).id for _ in range(2)]
        made = merging.merge(company.admin, *pair)
        merging.undo(company.admin, made.id)
        assert all(clients.get(company.admin, one).archived_at is None for one in pair)
        yield


def test_a_crowd_waits_for_each_other_and_loses_nothing(company: Field) -> None:
    doing: list[Callable[[Field], Iterator[None]]] = [
        phone_works, desk_saves, office_arranges, card_by_card, table_comes_and_goes,
        two_are_one_and_two_again,
    ]  # fmt: skip
    began, every = _versions(company), Barrier(len(doing))

    def work(steps: Callable[[Field], Iterator[None]]) -> int:
        every.wait(MEET_S)
        return sum(1 for _ in steps(company))

    with ThreadPoolExecutor(len(doing)) as pool:
        assert list(pool.map(work, doing)) == [ROUNDS] * len(doing)
    ended = _versions(company)
    for one in company.clients[:2]:
        assert ended[one] - began[one] == _told_of(one), "each change has its own version"
        assert set(clients.get(company.admin, one).consents) == _asked(company, one)


def _versions(company: Field) -> dict[str, int]:
    with reading() as session:
        wanted = select(Client.id, Client.version).where(col(Client.id).in_(company.clients[:2]))
        return dict(session.exec(wanted).all())


def _told_of(client_id: str) -> int:
    with reading() as session:
        wanted = select(func.count()).where(
            Event.subject_id == client_id, col(Event.kind).in_([*CHANGES, "client.workplace_set"])
        )
        return session.exec(wanted).one()


def _asked(company: Field, client_id: str) -> set[str]:
    at = company.clients.index(client_id)
    return {CHANNELS[n % len(CHANNELS)] for n in range(ROUNDS) if n % 2 == at}
