"""Judging and explaining on real databases: tracks in chunks, verdict rows, feed, late evidence."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlmodel import select

from fieldcrm.evidence import service
from fieldcrm.evidence.tables import Verdict
from fieldcrm.kit import clock, files, i18n, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.tables import Event, FeedEntry
from fieldcrm.tracking import keeping, shifts
from fieldcrm.tracking.model import Fix
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import MoveRequest, NewAttachment, Position, VisitNotFound
from fieldcrm.visits.tables import Visit
from tests.evidence.tracks import START, Day, Receiver, at
from tests.field import Field
from tests.sync.phone import Phone

DOCTOR = (0.0, 100.0)
"""Where the first visit is: clients stand 100 m apart northwards."""
PHOTO = b"\xff\xd8\xff a photo"
HASH = "b" * 64


def walk() -> tuple[Day, float, float]:
    """To the first doctor, 12 minutes there, and on; with the times of check-in and closing."""
    day = Day(here=(-400.0, -300.0)).goes(DOCTOR)
    start = round(day.now) + 30.0
    day.stays(760).goes((500.0, 700.0)).stays(300)
    return day, start, start + 660


def when(seconds: float):
    return clock.from_ms(1000 * (START + seconds))


def made(
    company: Field, start: float, end: float, visit_id: str | None = None, photo: str = HASH
) -> str:
    """A visit checked in and closed at seconds of the day, from its very place."""
    visit_id, rep = visit_id or company.visits[0], company.reps[0]
    where = at(*DOCTOR)
    for name, t, more in (
        ("check_in", start, {}),
        ("close", end, {"result": "met", "attachments": (NewAttachment(ids.new_id(), photo),)}),
    ):
        position = Position(*where, 9.0, when(t - 2))
        with clock.held(when(t)):
            visits.move(rep, MoveRequest(visit_id, name, when(t), device_at=when(t),
                                         position=position, **more))  # fmt: skip
    return visit_id


def keep(company: Field, fixes: Sequence[Fix], at_s: float) -> None:
    """Record a rep's fixes at a moment, as the recorder does."""
    mine = [
        Fix(company.reps[0].user_id, company.devices[0], f.seq, f.fix_at_ms, f.fix_at_ms,
            f.fix_at_ms, f.lat, f.lng, f.accuracy_m, is_mock=f.is_mock)
        for f in fixes
    ]  # fmt: skip
    with clock.held(when(at_s)), transaction() as s:
        keeping.append(s, mine)


def judge(seconds: float) -> int:
    with clock.held(when(seconds)):
        return service.judge_due(when(seconds))


def state(visit_id: str) -> tuple[str, list[str]]:
    with reading() as s:
        visit = s.get(Visit, visit_id)
        assert visit is not None
        rows = s.exec(select(Verdict).where(Verdict.visit_id == visit_id)).all()
        return visit.verdict, sorted(r.verdict for r in rows)


def test_a_visit_is_judged_when_its_track_arrives(company: Field) -> None:
    day, start, end = walk()
    visit_id = made(company, start, end)
    fixes = Receiver(4).hears(day)
    assert judge(end + 30) == 0
    keep(company, [f for f in fixes if f.fix_at_ms / 1000 - START < end - 60], end)
    assert judge(end + 30) == 0
    assert state(visit_id) == ("unjudged", [])
    keep(company, fixes, day.now)
    assert judge(day.now + 1) == 1
    assert state(visit_id) == ("confirmed", ["confirmed"])
    with reading() as s:
        told = s.exec(select(FeedEntry).where(FeedEntry.entity_id == visit_id)).all()
        event = s.exec(select(Event).where(Event.kind == "visit.judged")).one()
        visit = s.get(Visit, visit_id)
    assert told[-1].rep_id == company.reps[0].user_id
    assert event.data == {"verdict": "confirmed", "before": None}
    assert visit is not None
    assert visit.verdict_reasons[:2] == ["at_place", "stayed"]
    assert judge(day.now + 2) == 0


def test_late_evidence_judges_again_and_keeps_the_first(company: Field) -> None:
    """The phone was offline: after a day nothing had come; then its track comes."""
    day, start, end = walk()
    visit_id = made(company, start, end)
    assert judge(end + 25 * 3600) == 1
    assert state(visit_id) == ("doubtful", ["doubtful"])
    assert judge(end + 26 * 3600) == 0
    keep(company, Receiver(4).hears(day), end + 27 * 3600)
    assert judge(end + 27 * 3600 + 10) == 1
    assert state(visit_id) == ("confirmed", ["confirmed", "doubtful"])
    told = service.explain(company.manager, visit_id)
    assert (told.verdict, [v.verdict for v in told.earlier]) == ("confirmed", ["doubtful"])
    assert judge(end + 28 * 3600) == 0


def test_more_fixes_that_change_nothing_add_no_verdict(company: Field) -> None:
    day, start, end = walk()
    visit_id = made(company, start, end)
    fixes = Receiver(4).hears(day)
    cut = int(len(fixes) * 0.95)
    keep(company, fixes[:cut], day.now)
    assert judge(day.now + 1) == 1
    keep(company, fixes[cut:], day.now + 60)
    assert judge(day.now + 61) == 0, "too soon"
    assert judge(day.now + 300) == 1
    assert judge(day.now + 900) == 0
    assert state(visit_id) == ("confirmed", ["confirmed"])


def test_a_shift_that_ends_settles_its_day(company: Field) -> None:
    rep, shift = company.reps[0], ids.new_id()
    day, start, end = walk()
    with clock.held(when(day.now)), transaction() as s:
        shifts.start_shift_in(s, rep, shift, when(0))
    made(company, start, end)
    keep(company, Receiver(4).hears(day), day.now)
    assert judge(day.now + 1) == 1
    with clock.held(when(day.now + 400)), transaction() as s:
        shifts.end_shift_in(s, rep, shift, when(day.now + 400))
    assert judge(day.now + 500) == 1
    assert judge(day.now + 5000) == 0


def test_a_photo_given_twice_is_doubted_only_the_second_time(company: Field) -> None:
    day, start, end = walk()
    first = made(company, start, start + 300)
    second = made(company, start + 310, end, company.visits[1])
    with transaction() as s:
        row = s.get(Visit, second)
        assert row is not None
        row.lat, row.lng = at(*DOCTOR)
    keep(company, Receiver(4).hears(day), day.now)
    assert judge(day.now + 1) == 2
    assert state(first)[0] == "confirmed"
    assert state(second)[0] == "doubtful"
    told = service.explain(company.manager, second)
    assert [p.is_repeated for p in told.photos] == [True]
    assert "photo_repeated" in {r.code for r in told.reasons}


def test_a_photo_that_comes_after_the_verdict_is_looked_at(company: Field) -> None:
    """A poor network brings the words first: the picture counts when it comes, either way."""
    day, start, end = walk()
    first = made(company, start, start + 300)
    second = made(company, start + 310, end, company.visits[1])
    with transaction() as s:
        row = s.get_one(Visit, second)
        row.lat, row.lng = at(*DOCTOR)
    keep(company, Receiver(4).hears(day), day.now)
    assert judge(day.now + 1) == 2
    assert "photo_missing" in reasons_of(company, first)
    arrives = day.now + 600
    with clock.held(when(arrives)):
        files.path_of(HASH).parent.mkdir(parents=True, exist_ok=True)
        files.path_of(HASH).write_bytes(PHOTO)
        assert visits.attach_stored(HASH, "image/jpeg") == 2
    assert judge(arrives + 5) == 2
    assert judge(arrives + 300) == 0
    assert "photo" in reasons_of(company, first)
    assert state(first)[0] == "confirmed"
    assert "photo_repeated" in reasons_of(company, second)
    assert state(second)[0] == "doubtful"


def reasons_of(company: Field, visit_id: str) -> set[str]:
    return {r.code for r in service.explain(company.manager, visit_id).reasons}


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_the_explanation_says_it_in_words(company: Field, language: str) -> None:
    day, start, end = walk()
    visit_id = made(company, start, end)
    files.path_of(HASH).parent.mkdir(parents=True, exist_ok=True)
    files.path_of(HASH).write_bytes(PHOTO)
    visits.attach_stored(HASH, "image/jpeg")
    keep(company, Receiver(4).hears(day), day.now)
    judge(day.now + 1)
    told = service.explain(company.manager, visit_id, language)
    assert told.verdict == "confirmed"
    assert told.reasons[0].code == "at_place"
    for reason in told.reasons:
        assert reason.text != f"evidence.{reason.code}"
        assert "{" not in reason.text
    assert told.figures["distance_m"] < 50
    first, last = told.track[0][2], told.track[-1][2]
    assert first < 1000 * (START + start) < 1000 * (START + end) < last
    assert told.check_in == pytest.approx(at(*DOCTOR))
    assert told.clocks_in is not None
    assert (told.clocks_in.at, told.clocks_in.off_s, told.clocks_in.late_s) == (when(start), 0, 0)
    assert told.clocks_in.gps_at == when(start - 2)
    assert [p.url for p in told.photos] == [f"/api/v1/attachments/{HASH}"]


def test_only_who_may_see_the_visit_sees_its_evidence(company: Field) -> None:
    visit_id = made(company, 100, 700)
    for seer in (company.reps[0], company.dispatcher, company.manager, company.admin):
        assert service.explain(seer, visit_id).verdict == "unjudged"
    for stranger in (company.reps[1], company.reps[2], company.other_manager):
        with pytest.raises(VisitNotFound):
            service.explain(stranger, visit_id)


def test_an_open_visit_has_no_verdict_yet(company: Field) -> None:
    told = service.explain(company.manager, company.visits[2])
    assert (told.verdict, told.score, told.reasons, told.track) == ("unjudged", None, [], [])


def test_old_visits_are_left_as_they_are(company: Field) -> None:
    visit_id = made(company, 100, 700)
    assert judge(service.DAYS * 86_400 + 3 * 86_400) == 0
    assert state(visit_id) == ("unjudged", [])


def test_a_far_track_contradicts(company: Field) -> None:
    visit_id = made(company, 600, 1200)
    day = Day(here=(3000.0, 0.0)).stays(1800)
    keep(company, Receiver(9).hears(day), 1800)
    assert judge(1801) == 1
    assert state(visit_id)[0] == "contradicted"
    reasons = service.explain(company.reps[0], visit_id).reasons
    assert reasons[0].code == "away"
    assert not reasons[0].is_for


def test_a_contradicted_visit_leaves_the_phone_s_figures(company: Field) -> None:
    phone, visit_id = Phone(company.reps[0], company.devices[0]), made(company, 600, 1200)
    phone.pull()
    with reading() as s:
        client_id = s.get_one(Visit, visit_id).client_id
    before = phone.holds("client")[client_id]["cycle"]["actual"]
    keep(company, Receiver(9).hears(Day(here=(3000.0, 0.0)).stays(1800)), 1800)
    judge(1801)
    phone.pull()
    anew = Phone(company.reps[0], company.devices[0])
    anew.pull()
    assert phone.holds("client")[client_id]["cycle"]["actual"] == before - 1
    for entity in ("client", "profile"):
        assert phone.holds(entity) == anew.holds(entity)
