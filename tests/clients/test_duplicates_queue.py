"""Pairs that may be one client: swept, hinted at entry, shown to whom they concern, decided."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import select

from fieldcrm.clients import service as clients
from fieldcrm.clients.duplicates import hints, merging, queue, sweeping, words
from fieldcrm.clients.duplicates.model import (
    BadThreshold,
    NoSuchPair,
    NoSuchSweep,
    PairDecided,
    PairFilters,
    Status,
    SweepStatus,
    SweepUnderWay,
)
from fieldcrm.clients.duplicates.tables import Duplicate, DuplicateSweep
from fieldcrm.clients.model import BadClientField, BadCursor
from fieldcrm.kit import jobs
from fieldcrm.kit.database import reading
from fieldcrm.kit.tables import Event
from fieldcrm.people.model import RoleForbids
from tests.clients.base import Base

STATION = {
    "name": "Terveysasema Toolo, Health Station", "kind": "organisation", "city": "Helsinki",
    "address": "Sibeliuksenkatu 14 A", "lat": 60.18391, "lng": 24.91462, "phone": "09 31045588",
}  # fmt: skip


def add(base: Base, team: str = "north", **fields: Any) -> str:
    wanted = {"kind": "pharmacy", "territory_id": base.territories[team], **fields}
    return clients.save(base.actor("admin"), wanted).id


def sweep(base: Base) -> DuplicateSweep:
    """A look through the base, by the job itself."""
    asked = sweeping.ask(base.actor("admin")).sweep
    sweeping.run(asked.id)
    found = sweeping.latest(base.actor("admin"))
    assert found is not None
    return found.sweep


def names(base: Base, login: str = "admin", **filters: Any) -> list[tuple[str, str]]:
    found = queue.page(base.actor(login), PairFilters(**filters)).rows
    return [(v.left.name, v.right.name) for v in found]


def swept_pairs() -> int:
    """Pairs that a sweep has found."""
    with reading() as session:
        return len([d for d in session.exec(select(Duplicate)) if d.sweep_id])


@pytest.fixture
def doubled(base: Base) -> str:
    """The base with its health station entered once more; that card's id."""
    return add(base, **STATION)


class TestSweep:
    def test_it_finds_who_is_there_twice_and_says_why(self, base: Base, doubled: str) -> None:
        done = sweep(base)
        assert (done.status, done.clients, done.found) == (SweepStatus.done, 4, 1)
        (pair,) = queue.page(base.actor("admin"), PairFilters()).rows
        assert (pair.left.name, pair.right.id) == ("Töölö Health Station", doubled)
        assert pair.pair.probability > 0.9
        said = {r.field: r.level for r in pair.reasons}
        assert said["phone"] == "same"
        assert said.get("position", said.get("address")) in ("here", "same")

    def test_colleagues_of_one_clinic_are_no_duplicates(self, base: Base) -> None:
        shared = {"kind": "doctor", "phone": "+358 9 5551234", "address": "Mannerheimintie 5",
                  "city": "Helsinki", "lat": 60.17, "lng": 24.93}  # fmt: skip
        for name in ("Aino Virtanen", "Jukka Korhonen", "Elena Petrova", "Ion Rusu"):
            add(base, name=name, **shared)
        sweep(base)
        assert names(base) == []

    def test_another_script_and_the_same_phone_are_one_doctor(self, base: Base) -> None:
        add(base, name="Dr Artyom Shcherbakov", kind="doctor", phone="+358401234567")
        sweep(base)
        assert names(base) == [("Dr Щербаков Артём", "Dr Artyom Shcherbakov")]

    def test_what_was_decided_stays_decided_and_what_is_gone_goes(
        self, base: Base, doubled: str
    ) -> None:
        add(base, name="Farmacia Stefan cel Mare", city="Chișinău", team="south", external_id="F-9")
        sweep(base)
        assert len(names(base)) == 2
        station = next(v for v in queue.every(base.actor("admin"), PairFilters())
                       if v.right.id == doubled)  # fmt: skip
        queue.set_apart(base.actor("admin"), station.pair.id, Status.different)
        pharmacy = names(base)
        clients.save(base.actor("admin"), {"name": "Aptos", "city": "Bălți"},
                     next(c.id for c in clients.find(base.actor("admin"), "F-9").rows))  # fmt: skip
        assert sweep(base).found == 0
        assert (len(pharmacy), names(base)) == (1, [])
        assert len(names(base, status="different")) == 1

    def test_one_at_a_time_and_only_for_administrators(self, base: Base) -> None:
        asked = sweeping.ask(base.actor("admin")).sweep
        with pytest.raises(SweepUnderWay):
            sweeping.ask(base.actor("admin"))
        for login in ("rep_north", "dispatcher_north", "manager_north"):
            with pytest.raises(RoleForbids):
                sweeping.ask(base.actor(login))
            with pytest.raises(RoleForbids):
                sweeping.cancel(base.actor(login), asked.id)
        for login in ("rep_north", "dispatcher_north"):
            with pytest.raises(RoleForbids):
                sweeping.latest(base.actor(login))

    def test_a_cancelled_one_changes_nothing(self, base: Base, doubled: str) -> None:
        asked = sweeping.ask(base.actor("admin")).sweep
        sweeping.cancel(base.actor("admin"), asked.id)
        sweeping.run(asked.id)
        seen = sweeping.latest(base.actor("admin"))
        assert seen is not None
        assert (seen.sweep.status, swept_pairs()) == (SweepStatus.cancelled, 0)
        with pytest.raises(NoSuchSweep):
            sweeping.cancel(base.actor("admin"), "nobody")

    def test_a_running_one_stops_at_its_next_word(self, base: Base, doubled: str) -> None:
        asked = sweeping.ask(base.actor("admin")).sweep

        def tell(_share: float) -> None:
            sweeping.cancel(base.actor("admin"), asked.id)
            jobs.report(asked.id, 0.5)

        with pytest.raises(jobs.Cancelled):
            sweeping.look(asked.id, tell)
        assert swept_pairs() == 0

    def test_one_whose_worker_died_holds_nobody_up(self, base: Base) -> None:
        from fieldcrm.kit import bus

        sweeping.ask(base.actor("admin"))
        bus.connection().flushall()
        assert sweep(base).status == SweepStatus.done

    def test_an_empty_base_has_no_pairs(self, any_db: str, valkey: object) -> None:
        from tests.people.company import found

        company = found()
        asked = sweeping.ask(company.actor("admin")).sweep
        sweeping.run(asked.id)
        seen = sweeping.latest(company.actor("admin"))
        assert seen is not None
        assert (seen.sweep.status, seen.sweep.clients, seen.progress) == ("done", 0, 1.0)


class TestRule:
    def by_rule(self, base: Base, above: float = 0.99) -> DuplicateSweep:
        asked = sweeping.ask(base.actor("admin"), above).sweep
        sweeping.run(asked.id)
        found = sweeping.latest(base.actor("admin"))
        assert found is not None
        return found.sweep

    def test_who_is_surely_one_is_made_one_and_can_be_parted(self, base: Base) -> None:
        for n in range(3):
            add(base, name="Kulman apteekki", phone="+358 50 1234567", city="Espoo",
                address="Kulmakatu 7", email="kulma@example.org" if n == 1 else None)  # fmt: skip
        add(base, name="Kulman terveyskeskus", kind="organisation", phone="+358 50 1234567")
        done = self.by_rule(base)
        assert (done.status, done.merged) == ("done", 2)
        (left,) = clients.find(base.actor("admin"), "kulman apteekki").rows
        assert left.email == "kulma@example.org", "the fuller card stays"
        merges = merging.merges_of(base.actor("admin"), left.id)
        assert {m.merged_by for m in merges} == {base.company.users["admin"]}
        for made in merges:
            merging.undo(base.actor("admin"), made.id)
        assert len(clients.find(base.actor("admin"), "kulman apteekki").rows) == 3

    def test_what_people_said_stands_above_it(self, base: Base, doubled: str) -> None:
        (pair,) = queue.page(base.actor("admin"), PairFilters()).rows
        queue.set_apart(base.actor("admin"), pair.pair.id, Status.different)
        assert self.by_rule(base, 0.95).merged == 0
        assert clients.get(base.actor("admin"), doubled).archived_at is None

    def test_it_is_never_less_than_sure(self, base: Base) -> None:
        for above in (0.5, 1.0, 7.0, float("nan")):
            with pytest.raises(BadThreshold):
                sweeping.ask(base.actor("admin"), above)


class TestQueue:
    def test_it_shows_pairs_of_whom_one_sees_both(self, base: Base, doubled: str) -> None:
        add(base, "south", **(STATION | {"name": "Töölö Health Station Oy"}))
        sweep(base)
        assert len(names(base)) == 3
        assert len(names(base, "manager_north")) == 1
        assert names(base, "manager_south") == []
        (hidden,) = (p.pair.id for p in queue.every(base.actor("manager_north"), PairFilters()))
        for ask in (
            lambda a: queue.one(a, hidden),
            lambda a: queue.set_apart(a, hidden, Status.different),
            lambda a: queue.merge(a, hidden, doubled),
        ):
            with pytest.raises(NoSuchPair):
                ask(base.actor("manager_south"))
            for login in ("rep_north", "dispatcher_north"):
                with pytest.raises(RoleForbids):
                    ask(base.actor(login))

    def test_it_is_searched_sorted_and_turned_page_by_page(self, base: Base) -> None:
        for n, name in enumerate(("Kulma", "Harju", "Lehto", "Saari", "Vaahtera", "Pelto")):
            for suffix in ("", " Oy"):
                add(base, name=f"{name}n apteekki{suffix}", phone=f"+358 50 {n}7{n}3{n}91",
                    address=f"{name}katu {n * 7 + 3}", city="Espoo")  # fmt: skip
        sweep(base)
        actor = base.actor("admin")
        for sort in ("probability", "-probability", "name", "-name", "found_at", "-found_at"):
            seen, cursor = list[str](), None
            while True:
                page = queue.page(actor, PairFilters(), sort, 2, cursor)
                seen += [v.pair.id for v in page.rows]
                cursor = page.cursor
                if cursor is None:
                    break
            assert len(seen) == len(set(seen)) == 6
        assert names(base, search="vaahtera") == [("Vaahteran apteekki", "Vaahteran apteekki Oy")]
        assert names(base, kind="doctor") == []
        assert queue.count(actor, PairFilters()) == 6
        with pytest.raises(BadClientField):
            queue.page(actor, PairFilters(), "colour")
        with pytest.raises(BadCursor):
            queue.page(actor, PairFilters(), "name", cursor="x")

    def test_a_word_on_a_pair_is_kept_and_logged(self, base: Base, doubled: str) -> None:
        sweep(base)
        (pair,) = queue.page(base.actor("manager_north"), PairFilters()).rows
        put_off = queue.set_apart(base.actor("manager_north"), pair.pair.id, Status.later, 1)
        assert (put_off.pair.status, put_off.pair.version) == ("later", 2)
        with pytest.raises(PairDecided):
            queue.set_apart(base.actor("admin"), pair.pair.id, Status.different, 1)
        queue.set_apart(base.actor("admin"), pair.pair.id, Status.open, 2)
        assert len(names(base)) == 1
        with reading() as session:
            told = session.exec(select(Event).where(Event.subject_id == doubled)).all()
        assert {"duplicate.later", "duplicate.open"} <= {e.kind for e in told}

    def test_same_makes_one_client_and_the_pair_says_so(self, base: Base, doubled: str) -> None:
        sweep(base)
        (pair,) = queue.page(base.actor("admin"), PairFilters()).rows
        merged = queue.merge(base.actor("admin"), pair.pair.id, pair.left.id, ("address",))
        assert merged.pair.status == "merged"
        assert merged.left.address == STATION["address"]
        assert merged.merge is not None
        assert merged.merge.loser_id == doubled
        with pytest.raises(PairDecided):
            queue.merge(base.actor("admin"), pair.pair.id, pair.left.id)
        assert sweep(base).found == 0
        with reading() as session:
            assert [d.status for d in session.exec(select(Duplicate))] == ["merged"]


class TestEntry:
    def test_a_new_client_waits_in_the_queue_at_once(self, base: Base, doubled: str) -> None:
        (pair,) = queue.page(base.actor("admin"), PairFilters()).rows
        assert (pair.right.id, pair.pair.sweep_id) == (doubled, None)
        assert pair.pair.probability > 0.5
        assert sweep(base).found == 1
        assert [p.pair.id for p in queue.every(base.actor("admin"), PairFilters())] == [
            pair.pair.id
        ]

    def test_also_where_who_added_it_does_not_see_the_other(self, base: Base) -> None:
        found = {k: v for k, v in STATION.items() if k != "territory_id"}
        made = clients.save(base.actor("rep_south"), found)
        assert names(base) == [("Töölö Health Station", made.name)]
        assert names(base, "manager_south") == []


class TestHints:
    def test_who_is_there_already_is_named_at_entry(self, base: Base) -> None:
        for fields in (
            {"name": "Toolo health station", "phone": "(09) 310 45588"},
            {"name": "Töölön terveysasema", "phone": "+358931045588", "address": "Sibeliuksenkatu 14"},
            {"name": "Töölö Health Station", "lat": 60.184, "lng": 24.9146},
        ):  # fmt: skip
            (hint,) = hints.alike(base.actor("admin"), {"kind": "organisation", **fields})
            assert hint.client.name == "Töölö Health Station"
            assert hint.probability >= 0.5
            assert hint.reasons[0].bits > 0

    @pytest.mark.parametrize(
        "fields",
        [
            {"name": "Kallio Health Station", "kind": "organisation", "phone": "09 7654321"},
            {"name": "Töölö Health Station", "kind": "doctor"},
            {"name": "Anna Berg", "kind": "doctor", "phone": "040 123 4567"},
            {"name": "", "kind": "doctor"},
            {"name": "!!!", "kind": "doctor"},
        ],
    )
    def test_others_are_not(self, base: Base, fields: dict[str, str]) -> None:
        assert hints.alike(base.actor("admin"), fields) == []

    @pytest.mark.parametrize(
        "fields",
        [
            {"phone": "09 310 45588"},
            {"address": "Sibeliuksenkatu 14"},
            {"address": "Sibeliuksenkatu 14", "city": "Helsinki", "phone": "09 7654321"},
            {"lat": 60.184, "lng": 24.9146},
        ],
    )
    def test_one_typed_in_as_another_kind_is_named_too(
        self, base: Base, fields: dict[str, Any]
    ) -> None:
        wanted = {"name": "Töölö health station", "kind": "pharmacy", **fields}
        (hint,) = hints.alike(base.actor("admin"), wanted)
        assert hint.client.id == base.clients["Töölö Health Station"]
        good, _, bad = words.why(hint.reasons, "en").partition("Against: ")
        assert "Name: the same" in good
        assert "Kind: different" in bad
        assert hint.reasons == sorted(hint.reasons, key=lambda r: -r.bits)

    @pytest.mark.parametrize(
        "fields",
        [
            {"name": "Töölö Health Station"},
            {"name": "Töölö Health Station", "phone": "09 7654321"},
            {"name": "Töölö Health Station", "address": "Mannerheimintie 2"},
            {"name": "Töölö Health Station", "address": "Sibeliuksenkatu 14", "city": "Järvenpää"},
            {"name": "Töölö Health Station", "lat": 60.1849, "lng": 24.9146},
            {"name": "Kallio Pharmacy", "phone": "09 310 45588", "address": "Sibeliuksenkatu 14"},
            {"name": "Health Station", "address": "Sibeliuksenkatu 14"},
        ],
    )
    def test_of_another_kind_a_name_alone_says_nothing_nor_does_a_place(
        self, base: Base, fields: dict[str, Any]
    ) -> None:
        assert hints.alike(base.actor("admin"), {"kind": "pharmacy", **fields}) == []

    def test_a_practice_that_bears_its_doctor_s_name_is_not_he(self, base: Base) -> None:
        fields = {"name": "Clinic Щербаков Артём", "phone": "040 123 4567"}
        boss = base.actor("admin")
        assert hints.alike(boss, {"kind": "organisation", **fields}) == []
        found = hints.alike(boss, {**fields, "name": "Щербаков Артём", "kind": "pharmacist"})
        assert [h.client.name for h in found] == ["Dr Щербаков Артём"]

    def test_those_of_its_own_kind_come_first(self, base: Base) -> None:
        twin = add(base, **{**STATION, "name": "Töölö Health Station", "kind": "pharmacy"})
        wanted = {**STATION, "name": "Töölö Health Station", "kind": "pharmacy"}
        found = [h.client.id for h in hints.alike(base.actor("admin"), wanted)]
        assert found == [twin, base.clients["Töölö Health Station"]]

    def test_another_kind_makes_no_pair_and_is_told_to_nobody_out_of_sight(
        self, base: Base
    ) -> None:
        wanted = {"name": "Töölö Health Station", "kind": "pharmacy", "phone": "09 310 45588"}
        assert len(hints.alike(base.actor("rep_north"), wanted)) == 1
        assert hints.alike(base.actor("rep_south"), wanted) == []
        add(base, **wanted)
        assert names(base) == []

    def test_nobody_hears_of_a_client_he_may_not_see(self, base: Base) -> None:
        wanted = {"name": "Töölö Health Station", "kind": "organisation", "phone": "09 310 45588"}
        assert len(hints.alike(base.actor("rep_north"), wanted)) == 1
        assert hints.alike(base.actor("rep_south"), wanted) == []
        assert hints.alike(base.actor("manager_south"), wanted) == []

    def test_a_client_is_not_its_own_double(self, base: Base) -> None:
        card = clients.get(base.actor("admin"), base.clients["Töölö Health Station"])
        fields = {name: getattr(card, name) for name in ("name", "kind", "phone", "address")}
        assert hints.alike(base.actor("admin"), fields, card.id) == []

    def test_what_the_sweep_learned_is_used(self, base: Base, doubled: str) -> None:
        sweep(base)
        wanted = {"name": "Health Station Töölö", "kind": "organisation", "phone": "0931045588"}
        found = hints.alike(base.actor("admin"), wanted)
        assert {h.client.id for h in found} == {base.clients["Töölö Health Station"], doubled}
