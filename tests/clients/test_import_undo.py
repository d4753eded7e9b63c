"""Undoing an import: the base as it was to the last byte, and what stands against it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlmodel import select

from fieldcrm.clients import (
    calls,
    import_command,
    import_plan,
    import_texts,
    import_undo,
    importing,
    service,
)
from fieldcrm.clients.import_bench import dump
from fieldcrm.clients.model import ImportBuiltOn, ImportNotFound, ImportNotReady
from fieldcrm.clients.tables import Client, ImportRun
from fieldcrm.kit import bus, clock, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.jobs import Cancelled
from fieldcrm.kit.tables import Event, FeedEntry
from fieldcrm.people.model import RoleForbids
from fieldcrm.quality import checking
from fieldcrm.quality.tables import ClientQuality, PinProposal
from tests.clients.base import Base

HEAD = "external_id,name,kind,phone,lat,lng,category,territory\n"
NEW = HEAD + "E1,Alpha,doctor,040 111 2222,60.17,24.94,A,North\nE2,Beta,pharmacy,,,,,\n"
MIXED = HEAD + "E1,Alpha Ltd,doctor,040 999 8888,61.5,24.94,B,South\nE9,Zeta,doctor,,,,,\n"


def brought_in(base: Base, text: str, **options: Any) -> dict[str, Any]:
    boss = base.actor("admin")
    seen = importing.preview_import(boss, "file.csv", text.encode(), **options)
    return importing.run_import(boss, seen.run_id)


def of(external_id: str) -> Client:
    with reading() as session:
        return session.exec(select(Client).where(Client.external_id == external_id)).one()


def judged_clients() -> set[str]:
    with reading() as session:
        return set(session.exec(select(ClientQuality.client_id)))


class TestUndo:
    def test_new_clients_leave_nothing_but_the_log(self, base: Base):
        before = dump()
        report = brought_in(base, NEW)
        assert dump() != before
        told = import_undo.undo_import(base.actor("admin"), report["run_id"])
        assert (told["removed"], told["restored"]) == (2, 0)
        assert dump() == before
        with reading() as session:
            kinds = [
                e.kind for e in session.exec(select(Event).order_by(Event.id)) if "client" in e.kind
            ]
        assert {"clients.imported", "clients.import_undone", "client.removed"} <= set(kinds)

    def test_what_the_product_said_of_new_clients_by_itself_goes_with_them(self, base: Base):
        boss = base.actor("admin")
        checking.run_now(boss)
        before, judged = dump(), judged_clients()
        report = brought_in(base, NEW)
        checking.run_now(boss)
        assert len(judged_clients()) == len(judged) + 2
        with transaction() as session:
            session.add(PinProposal(id=ids.new_id(), client_id=of("E2").id, source="geocoder", lat=60.2,
                                    lng=24.9, found_at=clock.now()))  # fmt: skip
        assert not import_undo.against(boss, report["run_id"]).n
        assert import_undo.undo_import(boss, report["run_id"])["removed"] == 2
        assert judged_clients() == judged
        with reading() as session:
            assert session.exec(select(PinProposal)).all() == []
        own = {"quality_run", "client_quality"}  # when a card was judged last
        assert {t: d for t, d in dump().items() if t not in own} == {
            t: d for t, d in before.items() if t not in own
        }

    def test_changed_clients_are_as_they_were_with_words_and_version(self, base: Base):
        brought_in(base, NEW)
        before = dump()
        report = brought_in(base, MIXED)
        assert (of("E1").name, of("E1").version) == ("Alpha Ltd", 2)
        assert service.find(base.actor("admin"), "0409998888").rows
        told = import_undo.undo_import(base.actor("admin"), report["run_id"])
        assert (told["removed"], told["restored"]) == (1, 1)
        assert dump() == before
        assert [c.name for c in service.find(base.actor("admin"), "0401112222").rows] == ["Alpha"]

    def test_a_client_that_somebody_called_stays(self, base: Base):
        report, boss = brought_in(base, NEW), base.actor("admin")
        calls.note_call(boss, of("E1").id, "reached", "asks for samples")
        with pytest.raises(ImportBuiltOn):
            import_undo.undo_import(boss, report["run_id"])
        found = import_undo.against(boss, report["run_id"])
        assert [(o.name, o.what) for o in found.some] == [("Alpha", "called")]
        assert import_texts.obstacle_text(found.some[0], "en") == "Alpha: somebody called it"

    def test_phones_of_both_reps_hear_of_it(self, base: Base):
        brought_in(base, NEW)
        report = brought_in(base, MIXED)
        with reading() as session:
            heard = max(e.seq or 0 for e in session.exec(select(FeedEntry)))
        import_undo.undo_import(base.actor("admin"), report["run_id"])
        client_id = of("E1").id
        with reading() as session:
            wanted = select(FeedEntry).where(FeedEntry.entity_id == client_id)
            reps = {e.rep_id for e in session.exec(wanted) if (e.seq or 0) > heard}
        assert reps == {base.company.users["rep_north"], base.company.users["rep_south"]}

    def test_two_imports_are_undone_the_later_first(self, base: Base):
        boss, before = base.actor("admin"), dump()
        first, second = brought_in(base, NEW), brought_in(base, MIXED)
        with pytest.raises(ImportBuiltOn):
            import_undo.undo_import(boss, first["run_id"])
        import_undo.undo_import(boss, second["run_id"])
        import_undo.undo_import(boss, first["run_id"])
        assert dump() == before

    def test_an_import_is_undone_once(self, base: Base):
        boss = base.actor("admin")
        report = brought_in(base, NEW)
        import_undo.undo_import(boss, report["run_id"])
        with pytest.raises(ImportNotFound):
            import_undo.undo_import(boss, report["run_id"])
        runs = importing.list_runs(boss)
        assert [(r.id, r.status) for r in runs] == [(report["run_id"], "undone")]
        assert runs[0].report["counts"]["removed"] == 2

    def test_only_an_administrator_undoes(self, base: Base):
        report = brought_in(base, NEW)
        for login in ("rep_north", "dispatcher_north", "manager_north"):
            with pytest.raises(RoleForbids):
                import_undo.undo_import(base.actor(login), report["run_id"])
            with pytest.raises(RoleForbids):
                import_undo.against(base.actor(login), report["run_id"])

    def test_the_command_line_undoes_and_says_so_as_json(self, base: Base, tmp_path):
        before = dump()
        path = tmp_path / "a.csv"
        path.write_text(NEW)
        told = import_command.as_json(import_command.import_file(path))
        assert (told["rows"], told["created"], told["rejected"]) == (2, 2, [])
        assert json.loads(json.dumps(import_command.undo(told["import_id"])))["status"] == "undone"
        assert dump() == before


class TestAgainst:
    def test_somebody_changed_a_client_since(self, base: Base):
        report = brought_in(base, NEW)
        service.save(base.actor("manager_north"), {"note": "met him"}, of("E1").id)
        before = dump()
        with pytest.raises(ImportBuiltOn) as refusal:
            import_undo.undo_import(base.actor("admin"), report["run_id"])
        assert refusal.value.params == {"n": 1}
        found = import_undo.against(base.actor("admin"), report["run_id"])
        assert [(o.name, o.what) for o in found.some] == [("Alpha", "changed")]
        assert found.some[0].by
        assert found.some[0].at is not None
        assert dump() == before

    def test_somebody_promised_something_to_a_new_client(self, base: Base):
        report = brought_in(base, NEW)
        with transaction() as session:
            rep = base.company.users["rep_north"]
            service.add_promise_in(session, base.actor("rep_north"), of("E1").id, rep, "call", None)
        found = import_undo.against(base.actor("admin"), report["run_id"])
        assert [(o.name, o.what) for o in found.some] == [("Alpha", "promise")]
        told = import_command.undo(report["run_id"])
        assert (told["status"], told["clients"]) == ("built_on", 1)
        assert told["against"] == ["Alpha: a next step was promised to it"]

    def test_a_client_of_another_edit_stands_alone(self, base: Base):
        brought_in(base, NEW)
        report = brought_in(base, HEAD + "E9,Zeta,doctor,,,,,\n")
        service.save(base.actor("admin"), {"note": "x"}, of("E1").id)
        assert import_undo.against(base.actor("admin"), report["run_id"]).n == 0


class TestHalfway:
    """What stops between two pieces is taken back."""

    @pytest.fixture(autouse=True)
    def _small_pieces(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(import_plan, "PIECE", 2)

    MANY = "external_id,name\n" + "".join(f"M{n},Name{n} Word{n}\n" for n in range(9))

    @pytest.mark.parametrize("error", [Cancelled, RuntimeError])
    def test_a_run_that_stops_takes_back_what_it_wrote(self, base: Base, error: type[Exception]):
        boss, before = base.actor("admin"), dump()
        seen = importing.preview_import(boss, "file.csv", self.MANY.encode())
        with_preview = dump()
        assert {k for k in before if before[k] != with_preview[k]} == {"import_run"}

        def stop(share: float, what: str) -> None:
            if what == "import.writing" and share > 0.7:
                raise error

        with pytest.raises(error):
            importing.run_import(boss, seen.run_id, stop)
        after = dump()
        assert {k for k in before if before[k] != after[k]} == {"import_run"}
        assert importing.list_runs(boss)[0].status == (
            "cancelled" if error is Cancelled else "failed"
        )

    def test_a_run_whose_process_died_is_undone_by_hand(self, base: Base):
        boss, before = base.actor("admin"), dump()
        report = brought_in(base, self.MANY)
        with transaction() as session:
            run = session.get(ImportRun, report["run_id"])
            assert run is not None
            run.status = "running"
        with pytest.raises(ImportNotReady):  # it may still be at work
            import_undo.undo_import(boss, report["run_id"])
        bus.connection().delete(f"import:{report['run_id']}")
        assert importing.list_runs(boss)[0].status == "stopped"
        import_undo.undo_import(boss, report["run_id"])
        assert dump() == before

    def test_somebody_writes_between_two_pieces(self, base: Base):
        """A client that appears meanwhile is met, not doubled."""
        boss = base.actor("admin")
        seen = importing.preview_import(boss, "file.csv", self.MANY.encode())

        def add(share: float, what: str) -> None:
            if what == "import.writing" and 0.5 < share < 0.7 and not made:
                made.append(
                    service.save(
                        boss, {"name": "Name8 Word8", "kind": "buyer", "external_id": "M8"}
                    ).id
                )

        made: list[str] = []
        report = importing.run_import(boss, seen.run_id, add)
        assert made == [of("M8").id]
        assert (report["counts"]["create"], report["counts"]["unchanged"]) == (8, 1)

    def test_a_discarded_preview_leaves_nothing(self, base: Base):
        boss, before = base.actor("admin"), dump()
        seen = importing.preview_import(boss, "file.csv", self.MANY.encode())
        importing.discard(boss, seen.run_id)
        assert dump() == before
