"""Push on real databases: order, repeats, holes, refusals, strangers, clocks."""

from __future__ import annotations

import threading
from contextvars import copy_context
from datetime import timedelta
from itertools import permutations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from fieldcrm.clients.tables import Client, Promise
from fieldcrm.kit import clock, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people.model import DeviceTaken, RoleForbids, UnknownDevice
from fieldcrm.sync import rules, service, store
from fieldcrm.sync.model import BadPush
from fieldcrm.sync.tables import Mutation
from fieldcrm.tracking.tables import Shift
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import MoveRequest
from fieldcrm.visits.tables import Attachment, Visit, VisitChange
from fieldcrm.wire import sync as wire
from tests.field import NOW, TODAY, Field
from tests.sync.phone import Phone, ms


def phone_of(company: Field, n: int = 0, **fields) -> Phone:
    return Phone(company.reps[n], company.devices[n], **fields)


def statuses(results: list[wire.MutationResult]) -> list[str]:
    return [r.status if r.code is None else f"{r.status}:{r.code}" for r in results]


def visit(visit_id: str) -> Visit:
    with reading() as s:
        found = s.get(Visit, visit_id)
        assert found is not None
        return found


def test_a_days_work_in_one_push(company: Field) -> None:
    phone, new = phone_of(company), ids.new_id()
    shift, photo = ids.new_id(), {"id": ids.new_id(), "sha256": "ab" * 32, "size": 9}
    results = phone.push(
        phone.does("shift.start", shift, at=NOW - timedelta(hours=1)),
        phone.checks_in(company.visits[0]),
        phone.closes(company.visits[0], attachments=[photo], details={"samples": {"p": 2}},
                     next_step={"text": "call", "due_on": "2026-03-10"}),
        phone.does("visit.create", new, {"client_id": company.clients[0], "day": "2026-03-04"}),
        phone.does("visit.move", company.visits[1], {"day": "2026-03-06", "reason": "ill"}),
        phone.does("visit.cancel", company.visits[2], {"reason": "closed"}),
        phone.does("visit.revise", company.visits[0], {"comment": "more"}),
        phone.does("client.note", company.clients[0], {"note": "second floor"}),
        phone.does("shift.pause", shift, {"kind": "lunch"}),
        phone.does("shift.resume", shift),
        phone.does("shift.end", shift),
    )  # fmt: skip
    assert statuses(results) == ["applied"] * 11
    done = visit(company.visits[0])
    assert (done.state, done.comment, done.details) == ("closed", "more", {"samples": {"p": 2}})
    assert [visit(v).state for v in company.visits[1:3]] == ["moved", "cancelled"]
    with reading() as s:
        assert s.get(Client, company.clients[0]).note == "second floor"  # type: ignore[union-attr]
        kept = s.exec(select(Promise)).one()
        assert s.exec(select(Attachment)).one().sha256 == "ab" * 32
        assert s.exec(select(Shift)).one().ended_at == NOW
    assert phone.push(phone.does("promise.done", kept.id))[0].status == "applied"
    with reading() as s:
        assert s.exec(select(Promise)).one().done_at == NOW


def test_twenty_replays_leave_one_visit(company: Field) -> None:
    phone = phone_of(company)
    sent = [phone.checks_in(company.visits[0]), phone.closes(company.visits[0])]
    answers = [phone.push(*sent) for _ in range(20)]
    assert all(a == answers[0] for a in answers)
    with reading() as s:
        assert len(s.exec(select(VisitChange)).all()) == 2
        assert len(s.exec(select(Mutation)).all()) == 2
    assert visit(company.visits[0]).version == 3


def test_a_repeat_is_answered_while_others_write(company: Field) -> None:
    """A phone that heard no answer sends all again: that must not queue among those who write."""
    phone, answers = phone_of(company), list[list[wire.MutationResult]]()
    sent = [phone.checks_in(company.visits[0]), phone.closes(company.visits[0])]
    first = phone.push(*sent)
    with transaction() as session:
        store.lock_device(session, phone.device_id)
        context = copy_context()
        again = threading.Thread(
            target=context.run, args=(lambda: answers.append(phone.push(*sent)),), daemon=True
        )
        again.start()
        again.join(90)
        assert answers == [first]


def test_a_refusal_is_repeated_and_lets_the_next_through(company: Field) -> None:
    phone = phone_of(company)
    sent = [
        phone.closes(company.visits[0]),
        phone.does("visit.fly", company.visits[0]),
        phone.does("visit.check_in", company.visits[0], {"position": {"lat": 91}}),
        phone.does("visit.check_in", "not an id", {}),
        phone.checks_in(company.visits[1]),
    ]
    first = phone.push(*sent)
    assert statuses(first) == [
        "refused:illegal_move", "refused:unknown_kind", "refused:bad_payload", "refused:bad_id",
        "applied",
    ]  # fmt: skip
    assert first[0].params == {"move": "close", "state": "planned"}
    assert phone.push(*sent) == first
    assert visit(company.visits[0]).version == 1


def test_a_hole_waits_and_closes(company: Field) -> None:
    phone = phone_of(company)
    one, two, three = (
        phone.checks_in(company.visits[0]), phone.closes(company.visits[0]),
        phone.checks_in(company.visits[1]),
    )  # fmt: skip
    assert statuses(phone.push(two, three)) == ["waiting", "waiting"]
    assert visit(company.visits[0]).state == "planned"
    assert statuses(phone.push(three, one, two)) == ["applied"] * 3


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_way_of_sending_ends_the_same(data, company: Field) -> None:
    """Batches in any order, with repeats and holes: each mutation is applied once, in order."""
    rep = company.reps[0]
    device = data.draw(st.uuids(version=4)).__str__()
    service.register_device(rep, wire.DeviceHello(device))
    phone, new = Phone(rep, device), ids.new_id()
    sent = [
        phone.does("visit.create", new, {"client_id": company.clients[0], "day": "2026-03-04"}),
        phone.checks_in(new), phone.does("visit.close", new, {}), phone.closes(new),
        phone.does("visit.revise", new, {"comment": "late"}),
    ]  # fmt: skip
    batches = data.draw(
        st.lists(st.lists(st.sampled_from(sent), max_size=6), max_size=6), label="batches"
    )
    seen: dict[str, wire.MutationResult] = {}
    for batch in [*batches, sent]:
        for result in phone.push(*batch):
            if result.status != "waiting":
                assert seen.setdefault(result.id, result) == result
    assert statuses([seen[m.id] for m in sent]) == [
        "applied", "applied", "refused:result_needed", "applied", "applied",
    ]  # fmt: skip
    moves = [c.move for c in visits.get(rep, new).changes]
    assert moves == ["create", "check_in", "close", "revise"]


def test_wrong_order_within_a_batch(company: Field) -> None:
    for n, order in enumerate(permutations(range(3))):
        rep, device = company.reps[0], ids.new_id()
        service.register_device(rep, wire.DeviceHello(device))
        phone, new = Phone(rep, device), ids.new_id()
        sent = [
            phone.does("visit.create", new, {"client_id": company.clients[n % 3], "day": "2026-03-04"}),
            phone.checks_in(new), phone.closes(new),
        ]  # fmt: skip
        assert statuses(phone.push(*(sent[i] for i in order))) == ["applied"] * 3


def test_an_id_with_other_content_is_refused(company: Field) -> None:
    phone = phone_of(company)
    first = phone.does("visit.cancel", company.visits[0], {"reason": "ill"})
    assert statuses(phone.push(first)) == ["applied"]
    forged = msgspec.structs.replace(first, subject_id=company.visits[1])
    assert statuses(phone.push(forged)) == ["refused:mutation_reused"]
    again = msgspec.structs.replace(first, id=ids.new_id())
    assert statuses(phone.push(again)) == ["refused:sequence_reused"]
    assert statuses(phone.push(first)) == ["applied"]
    other = phone_of(company, 1)
    other.seq = 0
    assert statuses(other.push(first)) == ["refused:mutation_reused"]
    assert visit(company.visits[1]).state == "planned"


def test_strangers_are_refused(company: Field) -> None:
    thief = Phone(company.reps[1], company.devices[0])
    with pytest.raises(DeviceTaken):
        thief.push(thief.checks_in(company.visits[0]))
    nobody = Phone(company.reps[0], ids.new_id())
    with pytest.raises(UnknownDevice):
        nobody.push(nobody.checks_in(company.visits[0]))
    with pytest.raises(DeviceTaken):
        service.register_device(company.reps[1], wire.DeviceHello(company.devices[0]))
    for office in (company.dispatcher, company.manager, company.admin):
        with pytest.raises(RoleForbids):
            service.push(office, wire.Push(company.devices[0], []))
        with pytest.raises(RoleForbids):
            service.pull(office, "0")
        with pytest.raises(RoleForbids):
            service.receipt(office, TODAY)
    other = phone_of(company, 1)
    results = other.push(
        other.checks_in(company.visits[0]),
        other.does("visit.create", company.visits[0], {"client_id": company.clients[0], "day": "2026-03-04"}),
        other.does("visit.create", ids.new_id(), {"client_id": company.foreign_client, "day": "2026-03-04"}),
        other.does("client.note", company.foreign_client, {"note": "mine"}),
        other.does("promise.done", ids.new_id()),
        other.does("shift.end", ids.new_id()),
    )  # fmt: skip
    assert statuses(results) == [
        "refused:visit_not_found", "refused:visit_not_found", "refused:client_unknown",
        "refused:client_unknown", "refused:promise_not_found", "refused:unknown_shift",
    ]  # fmt: skip
    assert visit(company.visits[0]).version == 1


def test_a_refused_mutation_leaves_nothing_behind(company: Field) -> None:
    """The photo is somebody else's id: the whole closing is undone, promise and all."""
    phone = phone_of(company)
    taken = {"id": ids.new_id(), "sha256": "cd" * 32}
    phone.push(
        phone.checks_in(company.visits[0]), phone.closes(company.visits[0], attachments=[taken]),
        phone.checks_in(company.visits[1]),
    )  # fmt: skip
    wrong = {**taken, "sha256": "ef" * 32}
    refused = phone.closes(company.visits[1], attachments=[wrong], next_step={"text": "x"})
    assert statuses(phone.push(refused)) == ["refused:visit_exists"]
    assert visit(company.visits[1]).state == "under_way"
    with reading() as s:
        assert s.exec(select(Promise)).all() == []
    assert statuses(phone.push(phone.closes(company.visits[1]))) == ["applied"]


def test_two_pushes_at_once(company: Field) -> None:
    phone = phone_of(company)
    sent = [phone.checks_in(company.visits[0]), phone.closes(company.visits[0])]
    answers: list[list[wire.MutationResult]] = []

    def go() -> None:
        answers.append(phone.push(*sent))

    threads = [threading.Thread(target=copy_context().run, args=(go,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    assert [statuses(a) for a in answers] == [["applied", "applied"]] * 3
    assert visit(company.visits[0]).version == 3


def test_order_is_by_number_whatever_the_clock(company: Field) -> None:
    """The phone's clock jumps back an hour between check-in and closing."""
    phone = phone_of(company)
    results = phone.push(
        phone.checks_in(company.visits[0]),
        phone.closes(company.visits[0], at=NOW - timedelta(hours=1)),
    )
    assert statuses(results) == ["applied", "applied"]
    done = visit(company.visits[0])
    assert done.closed_at == done.checked_in_at == NOW


@pytest.mark.parametrize("minutes", [-40, 4])
def test_a_wrong_clock_is_corrected(company: Field, minutes: int) -> None:
    phone = phone_of(company, error=timedelta(minutes=minutes))
    pressed = NOW - timedelta(minutes=30)
    assert statuses(phone.push(phone.checks_in(company.visits[0], pressed), now=NOW)) == ["applied"]
    row = visit(company.visits[0])
    assert row.checked_in_at == pressed
    assert row.check_in is not None
    assert row.check_in["device_at_ms"] == ms(pressed + timedelta(minutes=minutes))
    assert row.check_in["fix_at_ms"] == ms(pressed - timedelta(seconds=3))
    assert row.check_in["position_state"] == "fresh"
    assert "clock_doubt_ms" not in row.check_in


def test_a_clock_never_measured_is_doubted(company: Field) -> None:
    phone = phone_of(company, error=timedelta(minutes=-40))
    pressed = phone.checks_in(company.visits[0])
    phone.push(msgspec.structs.replace(pressed, offset_ms=0), now=NOW)
    told = visit(company.visits[0]).check_in
    assert told is not None
    assert told["clock_doubt_ms"] == 40 * 60_000
    assert told["measured_offset_ms"] == 40 * 60_000


@given(
    st.integers(-(10**9), 10**9),
    st.integers(-(10**9), 10**9),
    st.none() | st.integers(-(10**8), 10**8),
)
def test_no_moment_is_in_the_future_or_ages_ago(
    off_s: int, offset_s: int, now_s: int | None
) -> None:
    device_at = clock.from_ms(ms(NOW)) + timedelta(seconds=off_s)
    device_now = None if now_s is None else NOW + timedelta(seconds=now_s)
    when = rules.moment(device_at, offset_s * 1000, device_now, NOW)
    assert NOW - rules.OLDEST <= when.at <= NOW
    honest = device_at + timedelta(seconds=offset_s)
    if NOW - rules.OLDEST <= honest <= NOW:
        assert when.at == honest


def test_both_notes_stay_when_two_wrote(company: Field) -> None:
    rep, boss, client_id = company.reps[0], company.manager, company.clients[0]
    phone = phone_of(company)
    phone.push(phone.does("client.note", client_id, {"note": "old"}))
    from fieldcrm.clients import service as clients

    clients.save(boss, {"note": "boss was here"}, client_id)
    blind = phone.does("client.note", client_id, {"note": "rep was there", "base_note": "old"})
    assert statuses(phone.push(blind)) == ["applied"]
    note = clients.get(rep, client_id).note
    assert note is not None
    assert note.startswith("boss was here\n")
    assert note.endswith("\nrep was there")
    seen = phone.does("client.note", client_id, {"note": None, "base_note": note})
    phone.push(seen)
    assert clients.get(rep, client_id).note is None


def test_lesson_19_revisions_of_different_fields_merge(company: Field) -> None:
    phone, visit_id = phone_of(company), company.visits[0]
    results = phone.push(phone.checks_in(visit_id), phone.closes(visit_id, comment="a"))
    seen = results[1].version
    visits.move(company.manager, MoveRequest(visit_id, "revise", NOW, changes={"result": "order"},
                                             base_version=seen))  # fmt: skip
    phone.push(phone.does("visit.revise", visit_id, {"comment": None}, base_version=seen))
    merged = visit(visit_id)
    assert (merged.result, merged.comment, merged.conflicts) == ("order", None, [])


def test_lesson_19_a_field_both_revised_is_told_with_both_values_and_settled_by_choice(
    company: Field,
) -> None:
    """The office's word stands, the rep's is kept beside it and named in the answer."""
    phone, visit_id, boss = phone_of(company), company.visits[0], company.manager
    seen = phone.push(phone.checks_in(visit_id), phone.closes(visit_id, comment="a"))[1].version
    office = MoveRequest(visit_id, "revise", NOW, changes={"comment": "boss"}, base_version=seen)
    visits.move(boss, office)
    blind = phone.does("visit.revise", visit_id, {"comment": "rep", "result": "order"},
                       base_version=seen)  # fmt: skip
    (told,) = phone.push(blind)
    assert told.status == "applied"
    assert [(c.field, c.mine, c.theirs, c.by) for c in told.conflicts] == [
        ("comment", "rep", "boss", boss.name)
    ]
    assert phone.push(blind) == [told], "a repeat tells the same"
    both = visit(visit_id)
    assert (both.comment, both.result) == ("boss", "order"), "what only one changed is merged"
    with clock.held(NOW + timedelta(days=3)):  # the choice may come after the day
        late = NOW + timedelta(days=3)
        other = phone.does(
            "visit.revise", visit_id, {"result": "met"}, late, base_version=both.version
        )
        mine = phone.does(
            "visit.revise", visit_id, {"comment": "rep"}, late, base_version=both.version
        )
        assert statuses(phone.push(other, mine)) == ["refused:revise_too_late", "applied"]
    assert (visit(visit_id).comment, visit(visit_id).conflicts) == ("rep", [])


def test_notes_of_two_are_told_with_both_texts(company: Field) -> None:
    from fieldcrm.clients import service as clients

    phone, client_id = phone_of(company), company.clients[0]
    clients.save(company.manager, {"note": "boss was here"}, client_id)
    blind = phone.does("client.note", client_id, {"note": "rep was there", "base_note": None})
    (told,) = phone.push(blind)
    assert [(c.field, c.mine, c.theirs, c.by) for c in told.conflicts] == [
        ("note", "rep was there", "boss was here", company.manager.name)
    ]


@pytest.mark.parametrize(("mine", "theirs"), [(None, "new words"), ("new words", None)])
def test_a_note_that_one_cleared_and_another_wrote_is_asked_about(
    company: Field, mine: str | None, theirs: str | None
) -> None:
    """Nothing is a value too: the words stay until a person has chosen."""
    from fieldcrm.clients import service as clients

    phone, client_id = phone_of(company), company.clients[0]
    clients.save(company.manager, {"note": "old words"}, client_id)
    clients.save(company.manager, {"note": theirs}, client_id)
    blind = phone.does("client.note", client_id, {"note": mine, "base_note": "old words"})
    (told,) = phone.push(blind)
    assert [(c.field, c.mine, c.theirs) for c in told.conflicts] == [("note", mine, theirs)]
    assert clients.get(company.reps[0], client_id).note == "new words"


def test_a_refusal_says_who_was_faster(company: Field) -> None:
    phone, visit_id = phone_of(company), company.visits[0]
    visits.move(company.dispatcher, MoveRequest(visit_id, "cancel", NOW, reason="client asked"))
    (refused,) = phone.push(phone.checks_in(visit_id))
    assert refused.code == "illegal_move"
    assert refused.params == {
        "move": "check_in", "state": "cancelled", "by": company.dispatcher.name, "at_ms": ms(NOW),
        "reason": "client asked",
    }  # fmt: skip


ONE = {"id": "x", "seq": 1, "kind": "k", "subject_id": "s", "device_at_ms": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b'{"device_id": 3}', b"\xff\xfe", b"[" * 200_000, b'{"device_id":"d"}',
        msgspec.json.encode({"device_id": "d", "mutations": [ONE] * 201}),
        msgspec.json.encode({"device_id": "d", "mutations": [{**ONE, "seq": 0}]}),
        msgspec.json.encode({"device_id": "d", "mutations": [{**ONE, "id": "i" * 65}]}),
        msgspec.json.encode({"device_id": "d", "mutations": ["what"]}),
    ],
)  # fmt: skip
def test_a_message_that_cannot_be_answered_is_refused_whole(body: bytes) -> None:
    with pytest.raises(BadPush):
        service.decode_push(body)


def test_unknown_fields_are_ignored() -> None:
    extra = {"device_id": "d", "mutations": [{**ONE, "later": 1}], "more": True}
    assert service.decode_push(msgspec.json.encode(extra)).mutations[0].seq == 1


@pytest.mark.parametrize(
    "broken",
    [
        {"device_at_ms": 10**18}, {"kind": 7}, {"payload": []}, {"subject_id": None},
        {"payload": {"a": "x" * 70_000}}, {"payload": {"a": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}},
        {"offset_ms": "soon"},
    ],
)  # fmt: skip
def test_a_broken_mutation_is_refused_and_the_next_goes_through(company: Field, broken) -> None:
    phone = phone_of(company)
    wrong = {**msgspec.to_builtins(phone.checks_in(company.visits[0])), **broken}
    right = msgspec.to_builtins(phone.checks_in(company.visits[1]))
    body = msgspec.json.encode({"device_id": phone.device_id, "mutations": [wrong, right]})
    for _ in range(2):
        answer = service.push(phone.actor, service.decode_push(body))
        assert statuses(answer.results) == ["refused:bad_payload", "applied"]


def test_text_that_no_database_takes_is_freed_of_it(company: Field) -> None:
    """NUL, and an emoji that the app cut in two."""
    phone, visit_id = phone_of(company), company.visits[0]
    phone.push(phone.checks_in(visit_id))
    closing = msgspec.json.encode(msgspec.to_builtins(phone.closes(visit_id, comment="COMMENT")))
    spoilt = closing.replace(b"COMMENT", b"fine\\u0000 \\ud83d")
    body = b'{"device_id":"' + phone.device_id.encode() + b'","mutations":[' + spoilt + b"]}"
    answer = service.push(phone.actor, service.decode_push(body))
    assert statuses(answer.results) == ["applied"]
    assert visit(visit_id).comment == "fine \ufffd"


def test_long_texts_are_refused_by_name(company: Field) -> None:
    phone = phone_of(company)
    phone.push(phone.checks_in(company.visits[0]))
    result = phone.push(phone.closes(company.visits[0], comment="x" * 4001))[0]
    assert (result.status, result.code) == ("refused", "bad_payload")
    assert "comment" in result.params["why"]
