"""From a desk to a closed app and back: woken through a push service, arrived, seen, accepted, done."""

from __future__ import annotations

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from sqlmodel import select

from fieldcrm.kit import clock, facts, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.tables import Event
from fieldcrm.messages import exporting, keys, listing, sending, service
from fieldcrm.messages.model import (
    Draft,
    Filters,
    Kind,
    MessageOver,
    MessageView,
    NobodyToTell,
    State,
    UnknownMessage,
)
from fieldcrm.messages.tables import Message, PushDelivery, PushSubscription
from fieldcrm.people import registry
from fieldcrm.people.model import Actor, DeviceTaken, OutOfScope, RoleForbids, UnknownDevice
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import BadCursor, BadSort, MoveRequest
from tests.field import NOW, TODAY, Field
from tests.messages.push_service import Browser, PushService, b64
from tests.sync.phone import Phone


def _subscribe(company: Field, pushes: PushService, rep: int = 0, name: str = "anna") -> Browser:
    browser = Browser()
    service.subscribe(
        company.reps[rep], company.devices[rep], pushes.endpoint(name), browser.p256dh,
        b64(browser.auth), "ru",
    )  # fmt: skip
    return browser


def _work(now: datetime = NOW) -> int:
    with clock.held(now):
        return sending.work(now)


def _task(company: Field, **more: Any) -> str:
    draft = Draft(Kind.task, "Bring the leaflets", frozenset({company.reps[0].user_id}), **more)
    return service.write(company.dispatcher, draft)[0]


def _view(company: Field, message_id: str) -> MessageView:
    return next(m for m in listing.sent(company.dispatcher) if m.id == message_id)


def _cancel(company: Field, by: Actor, visit: int = 2) -> None:
    visits.move(by, MoveRequest(company.visits[visit], "cancel", NOW, reason="client asked"))


# ---- a changed plan ----


def test_a_changed_plan_reaches_a_closed_app(company: Field, pushes: PushService) -> None:
    browser = _subscribe(company, pushes)
    _work()  # what was before is nobody's news
    _cancel(company, company.dispatcher)
    assert _work() == 1
    [pushed] = pushes.taken
    told = json.loads(browser.read(pushed.body))
    assert told["t"] == "plan"
    assert told["day"] == TODAY.isoformat()
    assert told["lang"] == "ru"
    assert set(told) == {"t", "id", "why", "lang", "day"}, "nothing of a person goes that way"
    assert pushed.key == keys.public_key()
    assert pushed.claims["sub"].startswith(("mailto:", "https:"))
    assert 0 < pushed.claims["exp"] - clock.real_now().timestamp() <= 86_400
    assert pushed.headers["urgency"] == "high"
    assert pushed.headers["topic"] == f"plan-{TODAY.isoformat()}"
    midnight = clock.day_bounds(TODAY)[1]
    assert abs(int(pushed.headers["ttl"]) - (midnight - NOW).total_seconds()) < 60
    assert _work() == 0, "once"


def test_own_changes_and_the_past_wake_nobody(company: Field, pushes: PushService) -> None:
    _subscribe(company, pushes)
    _work()
    _cancel(company, company.reps[0])
    assert _work() == 0
    _cancel(company, company.dispatcher, 3)
    assert _work(NOW + timedelta(days=1)) == 0, "a plan of yesterday"
    assert pushes.taken == []


def test_both_reps_hear_of_a_visit_given_on(company: Field, pushes: PushService) -> None:
    anna, boris = _subscribe(company, pushes), _subscribe(company, pushes, 1, "boris")
    _work()
    visits.move(
        company.dispatcher,
        MoveRequest(company.visits[0], "assign", NOW, rep_id=company.reps[1].user_id, order=1),
    )
    assert _work() == 2
    for browser, path in ((anna, "/wpush/anna"), (boris, "/wpush/boris")):
        [pushed] = [p for p in pushes.taken if p.path == path]
        assert json.loads(browser.read(pushed.body))["t"] == "plan"


def test_changes_until_it_is_seen_are_one_message(company: Field, pushes: PushService) -> None:
    _subscribe(company, pushes)
    _work()
    _cancel(company, company.dispatcher, 2)
    _work()
    _cancel(company, company.dispatcher, 3)
    assert _work() == 1
    plans = listing.sent(company.dispatcher, Kind.plan)
    assert [m.state for m in plans] == [State.waiting]


# ---- tasks and reminders ----


def test_a_task_from_desk_to_done(company: Field, pushes: PushService) -> None:
    browser = _subscribe(company, pushes)
    phone = Phone(company.reps[0], company.devices[0])
    phone.pull()
    task = _task(company, client_id=company.hospital, due_at=NOW + timedelta(hours=5))
    assert _view(company, task).state is State.waiting
    assert _view(company, task).phones == 1
    assert _work() == 1
    told = json.loads(browser.read(pushes.taken[0].body))
    assert (told["t"], told["id"], told["why"]) == ("task", task, "new")
    assert b"leaflets" not in browser.read(pushes.taken[0].body)

    wake = service.arrived(company.reps[0], task)
    assert (wake.text, wake.place) == ("Bring the leaflets", "Hospital")
    assert _view(company, task).state is State.arrived

    phone.pull()
    doc = phone.holds("message")[task]
    assert (doc["text"], doc["place"], doc["by"]) == ("Bring the leaflets", "Hospital", "Disp")
    assert doc["radius_m"] == 200
    steps = (("seen", State.seen), ("accepted", State.accepted), ("done", State.done))
    for number, (said, state) in enumerate(steps):
        at = NOW - timedelta(minutes=3 - number)
        mutation = phone.does("message.answer", task, {"answer": said, "comment": "left 20"}, at)
        assert [r.status for r in phone.push(mutation, mutation)] == ["applied", "applied"]
        assert _view(company, task).state is state
    seen = _view(company, task)
    assert (seen.seen_at, seen.done_at) == (NOW - timedelta(minutes=3), NOW - timedelta(minutes=1))
    assert seen.comment == "left 20"
    phone.pull()
    assert phone.holds("message")[task]["done_at_ms"]
    assert _work(NOW + timedelta(hours=6)) == 0, "what is done is not due"


def test_a_task_is_told_again_at_its_time(company: Field, pushes: PushService) -> None:
    browser = _subscribe(company, pushes)
    _task(company, due_at=NOW + timedelta(hours=2))
    assert [_work(NOW), _work(NOW + timedelta(hours=1)), _work(NOW + timedelta(hours=2))] == [
        1,
        0,
        1,
    ]
    said = [json.loads(browser.read(p.body))["why"] for p in pushes.taken]
    assert said == ["new", "due"]
    assert pushes.taken[1].headers["urgency"] == "high"
    assert pushes.taken[0].headers["topic"] == pushes.taken[1].headers["topic"]


def test_a_reminder_waits_for_its_time(company: Field, pushes: PushService) -> None:
    _subscribe(company, pushes)
    draft = Draft(Kind.reminder, "Call", team_id=company.teams[0], due_at=NOW + timedelta(hours=1))
    written = service.write(company.dispatcher, draft)
    assert len(written) == 2, "each of the team has his own"
    assert _work() == 0
    assert _work(NOW + timedelta(hours=1)) == 1, "one of the two has a phone that listens"


def test_a_declined_task_says_why(company: Field, pushes: PushService) -> None:
    phone = Phone(company.reps[0], company.devices[0])
    task = _task(company)
    phone.push(phone.does("message.answer", task, {"answer": "declined", "comment": "no car"}))
    shown = _view(company, task)
    assert (shown.state, shown.comment) == (State.declined, "no car")


def test_what_is_withdrawn_leaves_the_phone(company: Field, pushes: PushService) -> None:
    _subscribe(company, pushes)
    phone = Phone(company.reps[0], company.devices[0])
    task = _task(company)
    phone.pull()
    assert task in phone.holds("message")
    service.withdraw(company.dispatcher, task)
    phone.pull()
    assert task not in phone.holds("message")
    assert _work() == 0
    with pytest.raises(MessageOver):
        service.arrived(company.reps[0], task)
    done = phone.does("message.answer", task, {"answer": "done"})
    assert [r.status for r in phone.push(done)] == ["applied"], "what happened, happened"
    assert _view(company, task).state is State.done


def test_two_desks_withdraw_one_message_at_once(company: Field, pushes: PushService) -> None:
    """Both hear that it is gone; it is withdrawn once, and its phone is told once."""
    _subscribe(company, pushes)
    task = _task(company)
    together, versions = Barrier(2), []

    def withdraw(_: int) -> None:
        together.wait(90)
        with clock.held(NOW):
            service.withdraw(company.dispatcher, task)

    with ThreadPoolExecutor(2) as desks:
        assert list(desks.map(withdraw, range(2))) == [None, None]
    with reading() as session:
        versions = [m.version for m in session.exec(select(Message))]
        told = session.exec(select(Event).where(Event.kind == "message.withdrawn")).all()
    assert versions == [2]
    assert len(told) == 1
    assert _view(company, task).state is State.withdrawn
    assert _work() == 0


def test_a_task_is_withdrawn_while_its_rep_answers(company: Field, pushes: PushService) -> None:
    """Whichever is first, what the rep did is kept, and the desk's word is not lost."""
    phone = Phone(company.reps[0], company.devices[0])
    task = _task(company)
    together = Barrier(2)

    def withdraw() -> str:
        together.wait(90)
        with clock.held(NOW):
            try:
                service.withdraw(company.dispatcher, task)
            except MessageOver:
                return "over"
        return "withdrawn"

    def done() -> str:
        together.wait(90)
        with clock.held(NOW):
            [result] = phone.push(phone.does("message.answer", task, {"answer": "done"}))
        return result.status

    with ThreadPoolExecutor(2) as people_:
        desk, rep = people_.submit(withdraw), people_.submit(done)
        assert rep.result(60) == "applied"
        seen = desk.result(60)
    shown = _view(company, task)
    assert shown.state is State.done
    assert (shown.withdrawn_at is not None) == (seen == "withdrawn")


# ---- the desk's list ----


def test_found_by_its_words_its_rep_its_place_and_the_answer(
    company: Field, pushes: PushService
) -> None:
    """In any case and script, with or without marks."""
    ours = frozenset({company.reps[0].user_id})
    leaflets = service.write(company.dispatcher, Draft(Kind.task, "Передать Листовки", ours))[0]
    visit = Draft(Kind.task, "Vizită la Știrbei", ours, client_id=company.hospital)
    hospital = service.write(company.dispatcher, visit)[0]
    team = Draft(Kind.task, "Everybody", team_id=company.teams[0])
    both = service.write(company.dispatcher, team)
    phone = Phone(company.reps[0], company.devices[0])
    no_car = {"answer": "declined", "comment": "Нет Машины"}
    phone.push(phone.does("message.answer", leaflets, no_car))

    def found(search: str) -> set[str]:
        return {m.id for m in listing.page(company.dispatcher, Filters(search)).rows}

    assert found("листовки") == {leaflets}
    assert found("нет МАШИНЫ") == {leaflets}
    assert found("stirbei vizita") == {hospital}
    assert found("hospital") == {hospital}
    assert found("boris") == set(both) - {m.id for m in _of(company, 0)}
    assert found("anna everybody") == set(both) & {m.id for m in _of(company, 0)}
    assert found("nobody's word") == set()
    assert found("100%") == set()


def _of(company: Field, rep: int) -> list[MessageView]:
    return listing.page(company.dispatcher, Filters(rep_id=company.reps[rep].user_id)).rows


def test_each_message_is_found_by_the_state_it_is_shown_in(
    company: Field, pushes: PushService
) -> None:
    phone = Phone(company.reps[0], company.devices[0])
    by_answer = {answer: _task(company) for answer in ("seen", "accepted", "declined", "done")}
    waiting, arrived, withdrawn = _task(company), _task(company), _task(company)
    service.arrived(company.reps[0], arrived)
    service.withdraw(company.dispatcher, withdrawn)
    for answer, task in by_answer.items():
        phone.push(phone.does("message.answer", task, {"answer": answer}))
    expected = {State(answer): {task} for answer, task in by_answer.items()}
    expected |= {State.waiting: {waiting}, State.arrived: {arrived}, State.withdrawn: {withdrawn}}
    for state in State:
        rows = listing.page(company.dispatcher, Filters(state=state)).rows
        assert {m.id for m in rows} == expected[state], state
        assert {m.state for m in rows} == {state}
    still = listing.page(company.dispatcher, Filters(is_open=True)).rows
    over = {State.done, State.declined, State.withdrawn}
    assert {m.state for m in still} == set(State) - over


@pytest.mark.parametrize("sort", ["written", "rep", "kind", "when", "state"])
def test_pages_of_every_order_join_to_the_whole_list(
    company: Field, pushes: PushService, sort: str
) -> None:
    """Also where many are equal by it, and some have no time."""
    for n in range(4):
        due = NOW + timedelta(hours=n % 2 + 1) if n else None
        service.write(
            company.dispatcher, Draft(Kind.task, "x", team_id=company.teams[0], due_at=due)
        )
    service.withdraw(company.dispatcher, _of(company, 0)[1].id)
    for asked in (sort, f"-{sort}"):
        whole = listing.page(company.dispatcher, Filters(), asked, 50).rows
        joined, cursor = [], None
        while True:
            page = listing.page(company.dispatcher, Filters(), asked, 3, cursor)
            joined += page.rows
            cursor = page.cursor
            if cursor is None:
                break
        assert [m.id for m in joined] == [m.id for m in whole]
        assert len({m.id for m in whole}) == 8


def test_a_strange_order_or_cursor_is_refused(company: Field, pushes: PushService) -> None:
    _task(company)
    with pytest.raises(BadSort):
        listing.page(company.dispatcher, Filters(), "text")
    for cursor in ("nonsense", "W10=", "WzFd", "WyJ4IiwgIngiLCAieCJd"):
        with pytest.raises(BadCursor):
            listing.page(company.dispatcher, Filters(), "-written", 10, cursor)


def test_the_list_as_files(company: Field, pushes: PushService) -> None:
    """All of it in both; texts stay texts, moments are the company's."""
    formula = Draft(
        Kind.task, "=1+1", frozenset({company.reps[0].user_id}), due_at=NOW + timedelta(hours=1)
    )
    service.write(company.dispatcher, formula)
    _task(company)
    csv_file = exporting.export_csv(company.dispatcher, Filters(), "-written", "ru").decode(
        "utf-8-sig"
    )
    heads, *lines = list(csv.reader(csv_file.splitlines()))
    assert heads[:5] == ["Написано", "Кто написал", "Представитель", "Вид", "Что"]
    due = {line[4]: line[5] for line in lines}
    at = clock.local(NOW + timedelta(hours=1))
    assert due == {"Bring the leaflets": "", "'=1+1": f"{at:%Y-%m-%d %H:%M}"}
    book = exporting.export_xlsx(company.dispatcher, Filters(search="1+1"), "-written", "en")
    head, row = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    told = dict(zip(head, row, strict=False))
    assert told["What"] == "=1+1"
    assert told["When"] == at.replace(tzinfo=None)
    assert told["State"] == "Not arrived yet"


# ---- who may ----


def test_only_to_reps_of_ones_own(company: Field, pushes: PushService) -> None:
    carla = company.reps[2].user_id
    for draft in (
        Draft(Kind.task, "x", frozenset({carla})),
        Draft(Kind.task, "x", frozenset({company.reps[0].user_id, carla})),
        Draft(Kind.task, "x", team_id=company.teams[1]),
        Draft(Kind.task, "x", frozenset({company.dispatcher.user_id})),
    ):
        with pytest.raises(OutOfScope):
            service.write(company.dispatcher, draft)
    with pytest.raises(NobodyToTell):
        service.write(company.dispatcher, Draft(Kind.task, "x"))
    with pytest.raises(RoleForbids):
        service.write(company.reps[0], Draft(Kind.task, "x", frozenset({carla})))
    assert listing.sent(company.dispatcher) == []


def test_anothers_message_is_none(company: Field, pushes: PushService) -> None:
    task = _task(company)
    assert listing.sent(company.other_manager) == []
    with pytest.raises(UnknownMessage):
        service.withdraw(company.other_manager, task)
    with pytest.raises(UnknownMessage):
        service.arrived(company.reps[1], task)
    other = Phone(company.reps[1], company.devices[1])
    [result] = other.push(other.does("message.answer", task, {"answer": "seen"}))
    assert (result.status, result.code) == ("refused", "message_unknown")
    other.pull()
    assert other.holds("message") == {}


def test_a_phone_listens_for_its_own_rep_alone(company: Field, pushes: PushService) -> None:
    browser = Browser()
    told = (pushes.endpoint("x"), browser.p256dh, b64(browser.auth), "en")
    with pytest.raises(DeviceTaken):
        service.subscribe(company.reps[1], company.devices[0], *told)
    with pytest.raises(UnknownDevice):
        service.subscribe(company.reps[1], ids.new_id(), *told)


# ---- phones that come and go ----


def _rows(table: Any) -> int:
    with reading() as session:
        return len(list(session.exec(select(table))))


def test_a_revoked_phone_is_woken_no_more(company: Field, pushes: PushService) -> None:
    _subscribe(company, pushes)
    task = _task(company)
    registry.revoke_device(company.dispatcher, company.devices[0])
    assert _work() == 0
    assert pushes.asked == []
    assert _rows(PushSubscription) == 0
    assert _view(company, task).phones == 0


@pytest.mark.parametrize("status", [404, 410])
def test_an_expired_subscription_is_removed(
    company: Field, pushes: PushService, status: int
) -> None:
    _subscribe(company, pushes)
    pushes.will_answer("anna", status)
    _task(company)
    assert _work() == 0
    assert (_rows(PushSubscription), _rows(PushDelivery)) == (0, 0)
    _task(company)
    _work()
    assert len(pushes.asked) == 1


def _hurry() -> float:
    """Seconds until the next try, which is then due at once."""
    with transaction() as session:
        [waiting] = session.exec(select(PushDelivery))
        left = (waiting.due_at - clock.real_now()).total_seconds()
        waiting.due_at = clock.real_now()
        session.add(waiting)
    return left


def test_a_service_that_is_away_is_tried_again_later(company: Field, pushes: PushService) -> None:
    _subscribe(company, pushes)
    pushes.will_answer("anna", 503)
    pushes.will_answer("anna", 429, Retry_After="77")
    pushes.will_answer("anna", 201)
    _task(company)
    assert _work() == 0
    assert _work() == 0
    assert len(pushes.asked) == 1, "not before its time"
    assert 0 < _hurry() < 10
    assert _work() == 0
    assert 60 < _hurry() <= 77
    assert _work() == 1
    assert _rows(PushDelivery) == 0


def test_what_was_refused_is_not_tried_again(company: Field, pushes: PushService) -> None:
    _subscribe(company, pushes)
    pushes.will_answer("anna", 413)
    _task(company)
    _work()
    assert (len(pushes.asked), _rows(PushDelivery), _rows(PushSubscription)) == (1, 0, 1)


def test_nobody_answers_at_all(company: Field, pushes: PushService) -> None:
    _subscribe(company, pushes)
    pushes.stop()
    _task(company)
    assert _work() == 0
    assert _rows(PushDelivery) == 1


def test_a_newer_subscription_takes_the_place(company: Field, pushes: PushService) -> None:
    _subscribe(company, pushes, name="old")
    _subscribe(company, pushes, name="new")
    _task(company)
    assert _work() == 1
    assert pushes.asked == ["/wpush/new"]
    _subscribe(company, pushes, 1, "new")  # somebody else signed in on the same browser
    _task(company)
    assert _work() == 0
    service.unsubscribe(company.reps[0], company.devices[1])
    assert _rows(PushSubscription) == 1
    service.unsubscribe(company.reps[1], company.devices[1])
    assert _rows(PushSubscription) == 0


def test_the_feed_is_read_once(company: Field, pushes: PushService) -> None:
    """A sender that starts anew goes on where the last one stood."""
    _subscribe(company, pushes)
    _work()
    with reading() as session:
        before = facts.get(session, sending.FEED_SEQ)
    _cancel(company, company.dispatcher)
    assert _work() == 1
    with reading() as session:
        assert facts.get(session, sending.FEED_SEQ) > before
    assert _work() == 0
