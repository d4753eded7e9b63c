"""The run and what people do with it, on both databases: scores, scope, wrong pins, reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from fieldcrm.clients import service as clients
from fieldcrm.clients.model import StaleClient
from fieldcrm.clients.tables import Client
from fieldcrm.kit import clock, jobs
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.tables import Event, FeedEntry
from fieldcrm.kit.units import distance_m
from fieldcrm.people.model import Actor, RoleForbids
from fieldcrm.quality import checking, pinning, running, service, settings
from fieldcrm.quality.model import (
    CardFilters,
    Code,
    NoSuchCard,
    NoSuchPin,
    PinDecided,
    RunStatus,
    RunUnderWay,
)
from fieldcrm.quality.tables import ClientQuality, QualityRun
from fieldcrm.sync import correction_list, corrections
from fieldcrm.sync.model import CorrectionOvertaken
from fieldcrm.visits.tables import Visit
from tests.evidence.tracks import at
from tests.field import Field
from tests.quality.conftest import PLACE, TRULY, judge_all, walked

DAYS = (1, 2, 5, 6)


def card(company: Field, actor: Actor | None = None, client: str | None = None) -> set[Code]:
    row = service.one(actor or company.manager, client or company.clients[0])
    return {f.code for f in service.findings_of(row)}


def stored(client_id: str) -> Client:
    with reading() as session:
        return session.get_one(Client, client_id)


def events(kind: str) -> list[Event]:
    with reading() as session:
        return list(session.exec(select(Event).where(Event.kind == kind)))


# ---- the run and the list ----


def test_a_run_judges_every_living_card_and_the_next_one_tells_what_changed(company: Field) -> None:
    first = checking.run_now(company.admin)
    assert (first.status, first.progress) == ("done", 1.0)
    total = company.clients and len(company.clients) + 2
    with reading() as session:
        assert len(list(session.exec(select(ClientQuality)))) == total
    worst = service.page(company.admin, CardFilters()).rows[0]
    clients.save(
        company.admin, {"phone": "+358 9 31045588", "specialty": "surgeon", "address": "Katu 1",
                        "city": "Helsinki"}, company.clients[0],
    )  # fmt: skip
    clients.archive(company.admin, company.clients[1])
    with clock.held(clock.now() + timedelta(minutes=1)):
        checking.run_now(company.admin)
    newest, before = checking.reports(company.admin)
    assert (newest.clients, before.clients) == (total - 1, total)
    assert newest.score is not None
    assert newest.score_before is not None
    assert newest.score > newest.score_before
    missing = next(line for line in newest.lines if line.code is Code.missing)
    assert (missing.before, missing.now, missing.cleared) == (total - 1, total - 2, 1)
    assert before.score_before is None
    assert worst.quality.score < 100
    with reading() as session:
        assert session.get(ClientQuality, company.clients[1]) is None


def test_the_list_is_searched_narrowed_sorted_and_paged(company: Field) -> None:
    clients.save(company.admin, {"category": "C", "phone": "12"}, company.clients[2])
    checking.run_now(company.admin)
    whole = [r.client.id for r in service.page(company.manager, CardFilters(), "name", 100).rows]
    paged, cursor = [], None
    while True:
        found = service.page(company.manager, CardFilters(), "name", 2, cursor)
        paged += [r.client.id for r in found.rows]
        cursor = found.cursor
        if cursor is None:
            break
    assert paged == whole
    assert len(whole) == len(company.clients) + 1
    for sort in ("-value", "score", "category", "-checked_at"):
        down = service.page(company.manager, CardFilters(), sort, 3)
        more = service.page(company.manager, CardFilters(), sort, 100, down.cursor)
        assert {r.client.id for r in (*down.rows, *more.rows)} == set(whole)
    odd = service.page(company.manager, CardFilters(code="bad_phone")).rows
    assert [r.client.id for r in odd] == [company.clients[2]]
    last = service.page(company.manager, CardFilters(), "-value").rows[-1]
    assert last.quality.value <= odd[0].quality.value or last.client.id == company.clients[2]
    assert service.page(company.manager, CardFilters(search="hospital")).rows[0].client.id == company.hospital  # fmt: skip
    assert service.page(company.manager, CardFilters(category="C")).rows == odd


def test_everybody_sees_the_rows_of_his_own_scope(company: Field) -> None:
    checking.run_now(company.admin)
    mine = {r.client.id for r in service.page(company.dispatcher, CardFilters()).rows}
    theirs = {r.client.id for r in service.page(company.other_manager, CardFilters()).rows}
    assert theirs == {company.foreign_client}
    assert mine == {*company.clients, company.hospital}
    with pytest.raises(NoSuchCard):
        service.one(company.other_manager, company.clients[0])
    with pytest.raises(NoSuchCard):
        service.confirm(company.other_manager, company.clients[0])
    with pytest.raises(NoSuchCard):
        service.place(company.other_manager, company.clients[0], 60.1, 24.9, 1)
    own = service.summary(company.other_manager)
    assert (own.clients, [t.name for t in own.territories]) == (1, ["Home of Carla"])
    assert [o.name for o in own.owners] == ["Carla"]
    assert service.summary(company.admin).clients == len(mine) + 1
    (report,) = checking.reports(company.other_manager)
    assert report.clients == 1
    for ask in (checking.ask, checking.run_now):
        with pytest.raises(RoleForbids):
            ask(company.manager)
    with pytest.raises(RoleForbids):
        service.page(company.reps[0], CardFilters())


def test_a_changed_card_is_judged_again_before_it_is_listed(company: Field) -> None:
    checking.run_now(company.admin)
    clients.save(company.admin, {"phone": "12"}, company.clients[0])
    found = service.page(company.manager, CardFilters(code="bad_phone")).rows
    assert [r.client.id for r in found] == [company.clients[0]]


def test_a_card_that_somebody_confirmed_is_fresh_again(company: Field) -> None:
    with clock.held(clock.now() + timedelta(days=400)):
        assert Code.stale in card(company)
        service.confirm(company.dispatcher, company.clients[0])
        assert Code.stale not in card(company)
        checking.run_now(company.admin)
        assert Code.stale not in card(company)
        assert Code.stale in card(company, client=company.clients[1])
    assert [e.subject_id for e in events("client.confirmed")] == [company.clients[0]]


def test_a_visit_tells_that_a_card_was_right(company: Field) -> None:
    with clock.held(clock.now() + timedelta(days=400)):
        walked(company, -399, PLACE)
        assert Code.stale not in card(company)
        with transaction() as session:
            visit = session.exec(select(Visit).where(Visit.state == "closed")).one()
            visit.verdict = "contradicted"
        assert Code.stale in card(company)


def test_norms_are_the_administrators_and_count_at_once(company: Field) -> None:
    settings.set_norms(company.admin, {"required": {"A": ["email"]}, "countries": ["RO"]})
    row = service.one(company.manager, company.clients[0])
    assert [f.field for f in service.findings_of(row) if f.code is Code.missing] == ["email"]
    assert Code.bad_place in {f.code for f in service.findings_of(row)}
    assert settings.norms(company.dispatcher).countries == ("RO",)
    with pytest.raises(RoleForbids):
        settings.set_norms(company.manager, {"stale_days": 30})
    assert len(events("quality.norms_changed")) == 1


# ---- a run's life ----


def test_only_one_run_at_a_time_and_a_dead_one_holds_nobody_up(company: Field) -> None:
    asked = checking.ask(company.admin)
    with pytest.raises(RunUnderWay):
        checking.ask(company.admin)
    with clock.held(clock.now() + running.SILENT + timedelta(minutes=1)):
        again = checking.ask(company.admin)
    with reading() as session:
        assert session.get_one(QualityRun, asked.id).status == "failed"
        assert session.get_one(QualityRun, again.id).status == "queued"


def test_a_cancelled_run_stops_where_it_is(company: Field) -> None:
    asked = checking.ask(company.admin)
    assert running.start(asked.id)

    def tell(share: float) -> None:
        if share > 0:
            running.cancel(company.admin, asked.id)

    checking.look(asked.id, tell)
    with pytest.raises(jobs.Cancelled):
        checking.look(asked.id)
    checking.run(asked.id)
    (report,) = checking.reports(company.admin)
    assert (report.run.status, report.lines) == ("cancelled", [])
    with pytest.raises(RoleForbids):
        running.cancel(company.manager, asked.id)


def test_the_base_is_looked_through_by_itself_at_night_every_so_many_days(company: Field) -> None:
    evening = clock.now()
    night = evening + timedelta(hours=9)
    assert not checking.ask_if_due(evening)
    with clock.held(night):
        assert checking.ask_if_due(night)
        assert not checking.ask_if_due(night)
        checking.run(checking.reports(company.admin)[0].run.id)
        assert checking.reports(company.admin)[0].run.status == "done"
    for days, is_due in ((6, False), (7, True)):
        with clock.held(night + timedelta(days=days)):
            assert checking.ask_if_due(clock.now()) is is_due
    running.finish(checking.reports(company.admin)[0].run.id, RunStatus.failed)
    with clock.held(night + timedelta(days=8)):
        assert checking.ask_if_due(clock.now()), "what failed is tried again the next night"
        running.finish(checking.reports(company.admin)[0].run.id, RunStatus.failed)
        assert not checking.ask_if_due(clock.now())
    settings.set_norms(company.admin, {"every_days": 0})
    with clock.held(night + timedelta(days=70)):
        assert not checking.ask_if_due(clock.now())


# ---- wrong pins ----


def proposed(company: Field) -> pinning.PinRow:
    for days_ago in DAYS:
        walked(company, days_ago)
    judge_all()
    checking.run_now(company.admin)
    (found,) = pinning.page(company.dispatcher).rows
    return found


def test_visits_that_agree_on_another_place_propose_it_and_move_nothing(company: Field) -> None:
    found = proposed(company)
    before = stored(company.clients[0])
    assert distance_m(found.pin.lat, found.pin.lng, *at(*TRULY)) < 25
    assert found.pin.distance_m == pytest.approx(320, abs=30)
    assert len(pinning.as_told(found.pin)) == len(DAYS)
    assert (before.lat, before.version) == (pytest.approx(at(*PLACE)[0]), 1)
    assert Code.wrong_pin in card(company)
    (asked,) = correction_list.open_corrections(company.manager)
    assert (asked.id, asked.rep_name, set(asked.wanted)) == (found.pin.id, "", {"lat", "lng"})
    with pytest.raises(NoSuchPin):
        pinning.one(company.other_manager, found.pin.id)
    with pytest.raises(NoSuchPin):
        pinning.decide(company.other_manager, found.pin.id, accept=True)
    assert pinning.page(company.other_manager).rows == []
    assert checking.run_now(company.admin).report["pins"] == 0


def test_an_accepted_pin_moves_by_a_correction_and_phones_hear(company: Field) -> None:
    found = proposed(company)
    done = pinning.decide(company.dispatcher, found.pin.id, accept=True)
    now = stored(company.clients[0])
    assert (done.pin.status, done.decided_by) == ("accepted", company.dispatcher.name)
    assert {k for v in pinning.as_told(done.pin) for k in v} == {"id", "day", "old_m", "new_m"}
    assert (now.lat, now.lng, now.version) == (found.pin.lat, found.pin.lng, 2)
    assert Code.wrong_pin not in card(company)
    (word,) = events("client.correction_accepted")
    assert (word.actor_id, word.data["id"]) == (company.dispatcher.user_id, found.pin.id)
    with reading() as session:
        told = session.exec(select(FeedEntry).where(FeedEntry.entity == "client")).all()
    assert company.reps[0].user_id in {f.rep_id for f in told if f.entity_id == company.clients[0]}
    with pytest.raises(PinDecided):
        pinning.decide(company.dispatcher, found.pin.id, accept=False)
    assert checking.run_now(company.admin).report["pins"] == 0


def test_a_declined_pin_is_not_proposed_again(company: Field) -> None:
    found = proposed(company)
    pinning.decide(company.manager, found.pin.id, accept=False, reason="the ward moved for a while")
    assert Code.wrong_pin not in card(company)
    checking.run_now(company.admin)
    assert pinning.page(company.manager).rows == []
    (old,) = pinning.page(company.manager, status="declined").rows
    assert old.pin.id == found.pin.id
    assert stored(company.clients[0]).version == 1


def test_what_was_decided_among_the_corrections_counts_here(company: Field) -> None:
    found = proposed(company)
    corrections.decide(company.manager, found.pin.id, accept=True)
    assert pinning.page(company.manager).rows == []
    (done,) = pinning.page(company.manager, status="accepted").rows
    assert done.decided_by == company.manager.name
    assert Code.wrong_pin not in card(company)


def test_a_pin_that_somebody_moved_meanwhile_is_not_moved_unseen(company: Field) -> None:
    found = proposed(company)
    lat, lng = at(50.0, 50.0)
    clients.save(company.manager, {"lat": lat, "lng": lng}, company.clients[0])
    with pytest.raises(CorrectionOvertaken):
        pinning.decide(company.dispatcher, found.pin.id, accept=True)
    assert pinning.one(company.dispatcher, found.pin.id).pin.status == "open"
    clients.save(company.manager, dict(zip(("lat", "lng"), at(*TRULY), strict=True)), company.clients[0])  # fmt: skip
    checking.run_now(company.admin)
    assert pinning.one(company.dispatcher, found.pin.id).pin.status == "withdrawn"
    assert correction_list.open_corrections(company.manager) == []


def test_buttons_pressed_elsewhere_than_the_track_propose_nothing(company: Field) -> None:
    for days_ago in DAYS:
        walked(company, days_ago, to=(900.0, -500.0), said=TRULY)
    checking.run_now(company.admin)
    assert pinning.page(company.manager).rows == []


# ---- placing ----


def test_who_waits_for_a_pin_comes_one_after_another(company: Field) -> None:
    for client_id, category in zip(company.clients[:2], "CA", strict=True):
        clients.save(company.admin, {"lat": None, "lng": None, "category": category}, client_id)
    checking.run_now(company.admin)
    first = service.next_unplaced(company.dispatcher)
    assert first is not None
    assert first.row.client.id == company.clients[1]
    assert first.near is not None, "where others of the territory are"
    after = (first.row.quality.value, first.row.client.id)
    second = service.next_unplaced(company.dispatcher, after)
    assert second is not None
    assert second.row.client.id == company.clients[0]
    assert service.next_unplaced(company.other_manager) is None
    with pytest.raises(StaleClient):
        service.place(
            company.dispatcher, company.clients[1], 60.2, 24.9, first.row.client.version - 1
        )
    service.place(company.dispatcher, company.clients[1], 60.2, 24.9, first.row.client.version)
    placed = stored(company.clients[1])
    assert (placed.lat, placed.lng) == (60.2, 24.9)
    left = service.next_unplaced(company.dispatcher)
    assert left is not None
    assert left.row.client.id == company.clients[0]
    assert service.can_be_at(company.dispatcher, 60.2, 24.9)
    assert not service.can_be_at(company.dispatcher, 24.9, 60.2)


def test_a_candidate_without_tracks_is_not_proven(company: Field) -> None:
    seen = [walked(company, n) for n in DAYS]
    with reading() as session:
        from fieldcrm.quality import pin_store

        (candidate,) = pinning._candidates(pin_store.check_ins(session, clock.now().date() - timedelta(days=30)))  # fmt: skip
        assert {s.visit_id for s in candidate.wrong.spot.sightings} == set(seen)
        assert pinning.prove(session, candidate) is not None
        away = replace(candidate.wrong.spot, lat=candidate.lat + 0.05)
        lost = replace(candidate, wrong=replace(candidate.wrong, spot=away))
        assert pinning.prove(session, lost) is None
