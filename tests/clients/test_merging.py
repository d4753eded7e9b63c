"""Two clients become one and two again: with their work, and with what still arrives for either."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from fieldcrm.clients import service as clients
from fieldcrm.clients import workplaces
from fieldcrm.clients.duplicates import merging
from fieldcrm.clients.duplicates.model import MergeBuiltOn, MergeUndone, NoSuchMerge, NotMergeable
from fieldcrm.clients.model import BadClientField, ClientNotFound
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.tables import Affiliation, Client, Promise, Territory
from fieldcrm.forms.tables import ShelfCheck
from fieldcrm.kit import clock, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.messages import service as messages
from fieldcrm.messages.model import Draft, Kind
from fieldcrm.messages.tables import Message
from fieldcrm.people.model import SYSTEM, RoleForbids
from fieldcrm.planning.tables import CycleTarget
from fieldcrm.reports import event_words
from fieldcrm.sync import correction_list, corrections
from fieldcrm.visits.tables import Visit
from tests import field
from tests.field import Field
from tests.sync.phone import Phone

DAY = field.TODAY.isoformat()


@pytest.fixture
def company(any_db: str, valkey: object) -> Iterator[Field]:
    made = field.lay_out()
    with clock.held(field.NOW):
        yield made


def phone_of(company: Field, n: int = 0) -> Phone:
    return Phone(company.reps[n], company.devices[n])


def applied(phone: Phone, *mutations: Any) -> None:
    answers = [(r.status, r.code) for r in phone.push(*mutations)]
    assert answers == [("applied", None)] * len(mutations)


def add(company: Field, rep: int = 0, kind: str = "doctor", **fields: Any) -> str:
    with reading() as session:
        home = session.exec(select(Territory.id).where(Territory.rep_id == company.reps[rep].user_id)).one()  # fmt: skip
    wanted = {"kind": kind, "name": "Doctor Twin", "territory_id": home, **fields}
    return clients.save(company.admin, wanted).id


def card(client_id: str) -> Client:
    with reading() as session:
        return session.get_one(Client, client_id)


def owners(table: Any, *wanted: str) -> dict[str, str]:
    with reading() as session:
        return dict(session.exec(select(table.id, table.client_id).where(col(table.id).in_(wanted))).all())  # fmt: skip


class TestMerge:
    def test_all_that_is_the_losers_becomes_the_winners(self, company: Field) -> None:
        winner, loser = company.clients[0], company.clients[1]
        phone = phone_of(company)
        visit = company.visits[1]
        applied(phone, phone.checks_in(visit),
                phone.closes(visit, next_step={"text": "bring samples", "due_on": None}))  # fmt: skip
        made = merging.merge(company.admin, winner, loser)
        assert card(loser).archived_at is not None
        found = clients.card(company.manager, winner)
        assert [p.text for p in found.promises] == ["bring samples"]
        assert owners(Visit, *company.visits[:2]) == dict.fromkeys(company.visits[:2], winner)
        with reading() as session:
            targets = session.exec(select(CycleTarget).where(CycleTarget.client_id == winner)).all()
        assert [t.planned for t in targets] == [3]
        told = {e.kind for e in clients.history(company.manager, winner)}
        assert {"client.merged", "client.merged_into"} <= told
        assert made.standing_id == winner
        (event,) = (e for e in clients.history(company.admin, winner) if e.kind == "client.merged")
        (word,) = event_words.told(company.admin, [event], "en")
        assert word.change == "other card: Doctor 2 · Rows: 2"

    def test_phones_hear_that_the_card_is_gone_and_whose_the_visit_is(self, company: Field) -> None:
        winner, loser = company.clients[0], company.clients[1]
        phone = phone_of(company)
        phone.pull()
        assert {winner, loser} <= set(phone.holds("client"))
        made = merging.merge(company.admin, winner, loser)
        phone.pull()
        assert winner in phone.holds("client")
        assert loser not in phone.holds("client")
        assert phone.holds("visit")[company.visits[1]]["client_id"] == winner
        merging.undo(company.admin, made.id)
        phone.pull()
        assert {winner, loser} <= set(phone.holds("client"))
        assert phone.holds("visit")[company.visits[1]]["client_id"] == loser

    def test_the_card_gets_what_it_lacks_and_what_was_chosen(self, company: Field) -> None:
        winner = add(company, name="Dr Right", phone="040 1111111", tags=["a"], note="first")
        loser = add(company, name="Dr Wright", phone="040 2222222", email="w@example.org",
                    tags=["b"], note="second", lat=60.2, lng=24.9)  # fmt: skip
        made = merging.merge(company.admin, winner, loser, ("phone",))
        now = card(winner)
        assert (now.name, now.phone, now.email) == ("Dr Right", "040 2222222", "w@example.org")
        assert (now.tags, now.note, now.lat) == (["a", "b"], "first\n---\nsecond", 60.2)
        clients.save(company.admin, {"email": "new@example.org"}, winner)
        merging.undo(company.admin, made.id)
        back, other = card(winner), card(loser)
        assert (back.phone, back.tags, back.note, back.lat) == ("040 1111111", ["a"], "first", None)
        assert back.email == "new@example.org"
        assert (other.email, other.archived_at) == ("w@example.org", None)

    def test_who_works_at_both_works_at_one(self, company: Field) -> None:
        first, second = (add(company, kind="organisation", name=f"Clinic {n}") for n in "ab")
        both, one = company.clients[2], company.clients[3]
        for person, place, main in (
            (both, first, False),
            (both, second, True),
            (one, second, True),
        ):
            workplaces.save_affiliation(company.admin, person, place, is_main=main)
        before = ties()
        made = merging.merge(company.admin, first, second)
        assert [t.client_id for t in clients.card(company.admin, both).workplaces] == [first]
        assert {t.client_id for t in clients.card(company.admin, first).people} == {both, one}
        assert [t.is_main for t in clients.card(company.admin, both).workplaces] == [True]
        merging.undo(company.admin, made.id)
        assert ties() == before

    def test_a_merged_person_has_one_main_workplace(self, company: Field) -> None:
        place = add(company, kind="organisation", name="Clinic")
        workplaces.save_affiliation(company.admin, company.clients[1], place)
        made = merging.merge(company.admin, company.clients[0], company.clients[1])
        mains = [t.is_main for t in clients.card(company.admin, company.clients[0]).workplaces]
        assert sorted(mains) == [False, True]
        merging.undo(company.admin, made.id)
        assert [t.is_main for t in clients.card(company.admin, company.clients[1]).workplaces] == [True]  # fmt: skip

    def test_shelves_go_with_their_visits(self, company: Field) -> None:
        winner, loser, visit = company.clients[0], company.clients[1], company.visits[1]
        with transaction() as session:
            session.add(ShelfCheck(visit_id=visit, product_id="p", client_id=loser,
                                   rep_id=company.reps[0].user_id, team_id=company.teams[0],
                                   day=field.TODAY, is_there=True))  # fmt: skip
        made = merging.merge(company.admin, winner, loser)
        assert shelf(visit) == winner
        merging.undo(company.admin, made.id)
        assert shelf(visit) == loser


def make_beds() -> None:
    ownfields.save_field(
        SYSTEM, {"name": "beds", "type": "number", "label": "Beds"}, ["doctor"], ["rep"]
    )


def ties() -> list[tuple[str, str, bool]]:
    with reading() as session:
        rows = session.exec(select(Affiliation)).all()
    return sorted((t.person_id, t.organisation_id, t.is_main) for t in rows)


def shelf(visit_id: str) -> str:
    with reading() as session:
        return session.exec(select(ShelfCheck.client_id).where(ShelfCheck.visit_id == visit_id)).one()  # fmt: skip


class TestRefusals:
    def test_what_can_not_be_one_client(self, company: Field) -> None:
        first, second, third = company.clients[:3]
        with pytest.raises(NotMergeable):
            merging.merge(company.admin, first, first)
        with pytest.raises(NotMergeable):
            merging.merge(company.admin, first, company.hospital)
        merging.merge(company.admin, first, second)
        for winner, loser in ((third, second), (second, third)):
            with pytest.raises(NotMergeable):
                merging.merge(company.admin, winner, loser)
        with pytest.raises(BadClientField):
            merging.merge(company.admin, first, third, ("is_sample",))

    def test_only_managers_and_only_what_they_see(self, company: Field) -> None:
        first, second = company.clients[:2]
        for actor in (company.reps[0], company.dispatcher):
            with pytest.raises(RoleForbids):
                merging.merge(actor, first, second)
        with pytest.raises(ClientNotFound):
            merging.merge(company.manager, first, company.foreign_client)
        with pytest.raises(ClientNotFound):
            merging.merge(company.other_manager, first, second)
        made = merging.merge(company.manager, first, second)
        with pytest.raises(NoSuchMerge):
            merging.undo(company.other_manager, made.id)
        with pytest.raises(RoleForbids):
            merging.undo(company.dispatcher, made.id)
        with pytest.raises(NoSuchMerge):
            merging.undo(company.admin, "nobody")
        assert [m.id for m in merging.merges_of(company.manager, second)] == [made.id]

    def test_merges_are_undone_from_the_last(self, company: Field) -> None:
        first, second, third = company.clients[:3]
        earlier = merging.merge(company.admin, second, third)
        later = merging.merge(company.admin, first, second)
        with pytest.raises(MergeBuiltOn):
            merging.undo(company.admin, earlier.id)
        phone, visit = phone_of(company), ids.new_id()
        applied(phone, phone.does("visit.create", visit, {"client_id": third, "day": DAY}))
        assert owners(Visit, visit, *company.visits[:3]) == dict.fromkeys(
            [visit, *company.visits[:3]], first
        )
        merging.undo(company.admin, later.id)
        assert owners(Visit, visit) == {visit: second}
        merging.undo(company.admin, earlier.id)
        assert owners(Visit, visit, *company.visits[:3]) == {
            visit: third, **dict(zip(company.visits[:3], (first, second, third), strict=True)),
        }  # fmt: skip
        with pytest.raises(MergeUndone):
            merging.undo(company.admin, earlier.id)


class TestLateWork:
    def test_work_for_the_loser_is_the_winners_and_his_again(self, company: Field) -> None:
        """The loser was in another rep's territory, who was offline while the office merged."""
        winner, loser = company.clients[0], company.foreign_client
        phone = phone_of(company, 2)
        phone.pull()
        made = merging.merge(company.admin, winner, loser)
        visit = ids.new_id()
        applied(
            phone, phone.does("visit.create", visit, {"client_id": loser, "day": DAY}),
            phone.checks_in(visit),
            phone.closes(visit, next_step={"text": "call", "due_on": None}),
            phone.does("client.note", loser, {"note": "ask for Anna", "base_note": None}),
        )  # fmt: skip
        correction = phone.does("client.correct", loser, {"name": "Doctor Found"})
        applied(phone, correction)
        assert owners(Visit, visit) == {visit: winner}
        assert "ask for Anna" in (card(winner).note or "")
        (asked,) = correction_list.open_corrections(company.admin)
        assert asked.client_id == winner
        corrections.decide(company.admin, correction.id, True, overwrite=True)
        assert card(winner).name == "Doctor Found"
        assert correction_list.open_corrections(company.admin) == []
        merging.undo(company.admin, made.id)
        assert owners(Visit, visit) == {visit: loser}
        assert [p.text for p in clients.card(company.admin, loser).promises] == ["call"]
        assert clients.card(company.admin, winner).promises == []
        assert (card(loser).note, card(loser).name) == ("ask for Anna", "Doctor Found")

    def test_a_late_own_field_waits_on_the_losers_card(self, company: Field) -> None:
        """Where the winner's card says something else, the rep is asked; the loser's has it anyway."""
        winner, loser = company.clients[:2]
        make_beds()
        for client_id, beds in ((winner, 7), (loser, 5)):
            clients.save(company.admin, {"own_fields": {"beds": beds}}, client_id)
        phone = phone_of(company)
        phone.pull()
        made = merging.merge(company.admin, winner, loser)
        late = {"name": "beds", "value": 6, "base": 5}
        (answer,) = phone.push(phone.does("client.field", loser, late))
        assert len(answer.conflicts) == 1
        assert card(winner).own_fields == {"beds": 7}
        merging.undo(company.admin, made.id)
        assert (card(winner).own_fields, card(loser).own_fields) == ({"beds": 7}, {"beds": 6})

    def test_a_promise_is_kept_whoever_its_client_is_now(self, company: Field) -> None:
        """The rep has no visit there, and the winner is in another's territory."""
        phone, rep = phone_of(company, 2), company.reps[2]
        with transaction() as session:
            promise = clients.add_promise_in(
                session, rep, company.foreign_client, rep.user_id, "call", None
            )
        merging.merge(company.admin, company.clients[0], company.foreign_client)
        applied(phone, phone.does("promise.done", promise.id))
        (kept,) = clients.card(company.admin, company.clients[0]).promises
        assert kept.done_at is not None

    def test_a_new_colleague_at_the_losers_place(self, company: Field) -> None:
        place = add(company, kind="organisation", name="Clinic")
        phone, new = phone_of(company), ids.new_id()
        made = merging.merge(company.admin, company.hospital, place)
        found = {"kind": "doctor", "name": "Dr New", "place_id": place}
        applied(phone, phone.does("client.create", new, found))
        assert [t.client_id for t in clients.card(company.admin, new).workplaces] == [company.hospital]  # fmt: skip
        merging.undo(company.admin, made.id)
        assert [t.client_id for t in clients.card(company.admin, new).workplaces] == [place]

    def test_a_stranger_gets_no_foot_in_the_door(self, company: Field) -> None:
        merging.merge(company.admin, company.clients[0], company.clients[1])
        phone = phone_of(company, 2)
        answers = phone.push(
            phone.does("visit.create", ids.new_id(), {"client_id": company.clients[1], "day": DAY}),
            phone.does("client.note", company.clients[1], {"note": "x"}),
            phone.does("client.correct", company.clients[1], {"name": "x"}),
        )
        assert [a.code for a in answers] == ["client_unknown"] * 3


# ---- nothing is lost, whatever is done in whatever order ----

Step = tuple[str, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            (
                "create",
                "close",
                "note",
                "move",
                "promise",
                "edit",
                "correct",
                "task",
                "tag",
                "own",
                "consent",
                "weigh",
            )
        ),
        st.integers(0, 1),
    ),
    max_size=6,
)


class Story:
    """Two clients, what reps and the office do to either, and what each must have in the end."""

    def __init__(self, company: Field, number: int) -> None:
        self.company, self.phone = company, phone_of(company)
        here: dict[str, Any] = {"lat": 60.2, "lng": 24.9}  # where tasks are for
        self.pair = [add(company, name=f"Twin {number} {n}", note=f"n{n}", **here) for n in "ab"]
        self.visits: dict[str, int] = {}
        self.open: list[list[str]] = [[], []]
        self.promises: dict[str, int] = {}
        self.notes: list[list[str]] = [[], []]
        self.phones: dict[int, str] = {}
        self.corrections: dict[str, int] = {}
        self.tasks: dict[str, int] = {}
        self.tags: list[list[str]] = [[], []]
        self.own: list[int | None] = [None, None]
        self.consents: list[dict[str, str] | None] = [None, None]
        self.worth: list[tuple[str, str] | None] = [None, None]
        self.days = 0
        for which in (0, 1, 0, 1):
            self._create(which)

    def does(self, step: Step) -> None:
        getattr(self, f"_{step[0]}")(step[1])

    def _create(self, which: int) -> None:
        visit = ids.new_id()
        payload = {"client_id": self.pair[which], "day": DAY}
        applied(self.phone, self.phone.does("visit.create", visit, payload))
        self.visits[visit] = which
        self.open[which].append(visit)

    def _close(self, which: int) -> None:
        self._finish(which, {})

    def _promise(self, which: int) -> None:
        text = f"promise {len(self.promises)}"
        if self._finish(which, {"next_step": {"text": text, "due_on": None}}):
            self.promises[text] = which

    def _finish(self, which: int, payload: dict[str, Any]) -> bool:
        if not self.open[which]:
            return False
        visit = self.open[which].pop()
        applied(self.phone, self.phone.checks_in(visit), self.phone.closes(visit, **payload))
        return True

    def _move(self, which: int) -> None:
        if self.open[which]:
            visit, new = self.open[which].pop(), ids.new_id()
            self.days += 1
            day = field.TODAY + timedelta(days=self.days)
            payload = {"day": day.isoformat(), "reason": "closed_place", "new_visit_id": new}
            applied(self.phone, self.phone.does("visit.move", visit, payload))
            self.visits[new] = which

    def _note(self, which: int) -> None:
        text = f"note {which} {sum(map(len, self.notes))}"
        told = {"note": text, "base_note": card(self.pair[which]).note}
        applied(self.phone, self.phone.does("client.note", self.pair[which], told))
        self.notes[which] = [text]

    def _edit(self, which: int) -> None:
        """The office changes what it sees: a card that was merged is not there to be changed."""
        if card(self.pair[which]).archived_at is None:
            number = f"040 {len(self.phones):03} {which}111"
            clients.save(self.company.admin, {"phone": number}, self.pair[which])
            self.phones[which] = number

    def _task(self, which: int) -> None:
        if card(self.pair[which]).archived_at is None:
            rep = frozenset({self.company.reps[0].user_id})
            wanted = Draft(Kind.task, f"task {len(self.tasks)}", rep, client_id=self.pair[which])
            (made,) = messages.write(self.company.admin, wanted)
            self.tasks[made] = which

    def _tag(self, which: int) -> None:
        there = card(self.pair[which])
        if there.archived_at is None:
            new = f"tag {which} {sum(map(len, self.tags))}"
            clients.save(self.company.admin, {"tags": [*there.tags, new]}, self.pair[which])
            self.tags[which].append(new)

    def _consent(self, which: int) -> None:
        """The office notes another word of the client's, each of a later day or of the same."""
        if card(self.pair[which]).archived_at is None:
            self.days += 1
            state, on = ("given", "withdrawn")[self.days % 2], f"2026-01-{1 + self.days // 2:02}"
            told = {"state": state, "on": on, "source": "form", "text": f"said {self.days}"}
            clients.save(self.company.admin, {"consents": {"email": told}}, self.pair[which])
            self.consents[which] = told

    def _weigh(self, which: int) -> None:
        """Another category with what speaks for it."""
        if card(self.pair[which]).archived_at is None:
            self.days += 1
            letter, text = "ABC"[self.days % 3], f"figures {self.days}"
            told = {"category": letter, "evidence": {"category": {"source": "sales", "text": text}}}
            clients.save(self.company.admin, told, self.pair[which])
            self.worth[which] = (letter, text)

    def _own(self, which: int) -> None:
        """Offline, as the phone last knew the card; where the other's value stands, the rep is asked."""
        value = 10 * (self.own[which] or 0) + which + 1
        told = {"name": "beds", "value": value, "base": self.own[which]}
        (answer,) = self.phone.push(self.phone.does("client.field", self.pair[which], told))
        assert answer.status == "applied"
        if not answer.conflicts or card(self.pair[which]).archived_at is not None:
            self.own[which] = value

    def _correct(self, which: int) -> None:
        asked = self.phone.does("client.correct", self.pair[which], {"address": f"Street {which}"})
        applied(self.phone, asked)
        self.corrections[asked.id] = which

    def check(self) -> None:
        """Each has what is his, and nothing of it is missing."""
        for table, whose in ((Visit, self.visits), (Message, self.tasks)):
            wanted = {row: self.pair[which] for row, which in whose.items()}
            assert owners(table, *wanted) == wanted
        for which, client_id in enumerate(self.pair):
            found = clients.card(self.company.admin, client_id)
            mine = sorted(text for text, w in self.promises.items() if w == which)
            assert sorted(p.text for p in found.promises) == mine
            assert found.client.archived_at is None
            for text in self.notes[which]:
                assert text in (found.client.note or "")
            assert set(self.tags[which]) <= set(found.client.tags)
            if self.own[which] is not None:
                assert found.client.own_fields["beds"] == self.own[which]
            assert found.client.consents.get("email") == self.consents[which]
            if worth := self.worth[which]:
                proof = found.client.evidence["category"]
                assert (found.client.category, proof["text"]) == worth
            else:
                assert (found.client.category, found.client.evidence) == (None, {})
            if which in self.phones:
                assert found.client.phone == self.phones[which]
        asked = {c.id: c.client_id for c in correction_list.open_corrections(self.company.admin)}
        assert {i: asked[i] for i in self.corrections} == {
            i: self.pair[which] for i, which in self.corrections.items()
        }
        with reading() as session:
            texts = session.exec(select(Promise.text).where(col(Promise.client_id).in_(self.pair)))
            assert sorted(texts) == sorted(self.promises)


@pytest.fixture
def one_company(app_db: None, valkey: object) -> Iterator[Field]:
    made = field.lay_out()
    with clock.held(field.NOW):
        yield made


def test_nothing_is_lost_by_merging_and_parting(one_company: Field) -> None:
    told = iter(range(1, 10_000))
    make_beds()

    @settings(
        max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        phases=(Phase.generate,),  # each story takes a second: a failing one is told as it is
    )  # fmt: skip
    @given(STEPS, STEPS, STEPS, st.integers(0, 1))
    def holds(before: list[Step], merged: list[Step], after: list[Step], winner: int) -> None:
        with transaction() as session:  # a phone of its own each time: numbers begin anew
            one_company.devices[0] = field._device(session, session.get_one(field.User, one_company.reps[0].user_id))  # fmt: skip
        story = Story(one_company, next(told))
        for step in before:
            story.does(step)
        made = merging.merge(one_company.admin, story.pair[winner], story.pair[1 - winner])
        for step in merged:
            story.does(step)
        every = set(owners(Visit, *story.visits).values())
        assert every <= {story.pair[winner]}
        merging.undo(one_company.admin, made.id)
        for step in after:
            story.does(step)
        story.check()

    holds()
