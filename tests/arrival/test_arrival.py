"""A link shows one rep's coming to one client, for as long as he comes, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from fieldcrm.api.app import make_api
from fieldcrm.arrival import limits, service
from fieldcrm.arrival.model import (
    Coming,
    LinkOver,
    LookedTooOften,
    NothingToShow,
    Stage,
    TooManyLinks,
    UnknownLink,
)
from fieldcrm.arrival.tables import ArrivalLink
from fieldcrm.kit import bus, clock, ids, secrets
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import RoleForbids
from fieldcrm.tracking import live_index, shifts
from fieldcrm.tracking.model import Fix
from fieldcrm.visits.model import VisitNotFound
from fieldcrm.visits.tables import Visit
from tests.field import LAT, LNG, NOW, Field, lay_out
from tests.servers import Valkey
from workers.recorder.main import night

ADDRESS = "192.0.2.7"


@pytest.fixture
def field(any_db: str, valkey: Valkey) -> Iterator[Field]:
    """The company at ten o'clock; the first rep is on shift since eight."""
    with ExitStack() as held:
        held.enter_context(clock.held(NOW))
        found = lay_out()
        with transaction() as session:
            shifts.start_shift_in(session, found.reps[0], ids.new_id(), NOW - timedelta(hours=2))
        yield found


def stand(field: Field, east_m: float = 500, age_s: float = 20, rep: int = 0) -> None:
    at = round((clock.now() - timedelta(seconds=age_s)).timestamp() * 1000)
    fix = Fix(
        field.reps[rep].user_id, "phone", at, at, at, at, LAT, LNG + east_m / 55_000, accuracy_m=8
    )
    point = live_index.point_of(fix, at, 0)
    bus.connection().hset(live_index.LIVE, fix.rep_id, live_index.encode(point))  # type: ignore[arg-type]


def change(visit_id: str, **values: object) -> None:
    with transaction() as session:
        visit = session.get(Visit, visit_id)
        assert visit is not None
        for name, value in values.items():
            setattr(visit, name, value)
        session.add(visit)


def look(token: str) -> Coming:
    return service.look(token, ADDRESS)


# ── making one ──


def test_a_desk_makes_a_link_and_only_a_hash_of_it_is_kept(field: Field) -> None:
    made = service.make(field.dispatcher, field.visits[0])
    assert made.url.endswith(f"/arrival/{made.token}")
    assert made.link.expires_at == NOW + timedelta(hours=1)
    with reading() as session:
        row = session.get(ArrivalLink, made.link.id)
        assert row is not None
        assert row.token_hash == secrets.token_hash(made.token)
    log = people.event_log(field.admin, subject_id=field.visits[0])
    assert [e.kind for e in log] == ["arrival.made"]
    assert made.token not in str([e.data for e in log])
    assert [one.id for one in service.links(field.manager, field.visits[0])] == [made.link.id]


def test_nobody_else_makes_or_takes_back(field: Field) -> None:
    made = service.make(field.dispatcher, field.visits[0])
    with pytest.raises(VisitNotFound):
        service.make(field.other_manager, field.visits[0])
    with pytest.raises(VisitNotFound):
        service.links(field.other_manager, field.visits[0])
    with pytest.raises(UnknownLink):
        service.revoke(field.other_manager, made.link.id)
    with pytest.raises(RoleForbids):
        service.make(field.reps[0], field.visits[0])
    with pytest.raises(VisitNotFound):
        service.make(field.dispatcher, "nonsense")


@pytest.mark.parametrize(
    "values", [{"state": "closed"}, {"state": "under_way"}, {"day": NOW.date() + timedelta(1)}]
)
def test_only_a_visit_of_today_that_is_still_to_come(field: Field, values: dict) -> None:
    change(field.visits[0], **values)
    with pytest.raises(NothingToShow):
        service.make(field.dispatcher, field.visits[0])


def test_a_visit_has_five_living_links_at_most(field: Field) -> None:
    made = [service.make(field.dispatcher, field.visits[0]) for _ in range(5)]
    with pytest.raises(TooManyLinks):
        service.make(field.dispatcher, field.visits[0])
    service.revoke(field.dispatcher, made[0].link.id)
    assert service.make(field.dispatcher, field.visits[0]).token


# ── what it shows ──


def test_on_the_way_the_client_sees_where_the_rep_is_and_when_he_comes(field: Field) -> None:
    stand(field)
    made = service.make(field.dispatcher, field.visits[0])
    seen = look(made.token)
    assert seen.stage is Stage.on_way
    assert (seen.lat, seen.lng) == (LAT, round(LNG + 500 / 55_000, 5))
    assert seen.expected_at == NOW
    assert (seen.rep_name, seen.place) == ("Anna", "Doctor 1")
    assert (seen.place_lat, seen.place_lng) == (pytest.approx(LAT + 100 / 111_195), LNG)
    kinds = [e.kind for e in people.event_log(field.admin, subject_id=field.visits[0])]
    look(made.token)
    again = [e.kind for e in people.event_log(field.admin, subject_id=field.visits[0])]
    assert sorted(again) == sorted(kinds) == ["arrival.made", "arrival.opened"]


def test_before_that_he_is_elsewhere_and_where_is_nobodys_business(field: Field) -> None:
    stand(field)
    second = service.make(field.dispatcher, field.visits[1])
    seen = look(second.token)
    assert (seen.stage, seen.lat, seen.lng, seen.fix_at) == (Stage.later, None, None, None)
    assert seen.expected_at == NOW + timedelta(minutes=30)
    change(field.visits[0], state="under_way", checked_in_at=NOW)
    assert look(second.token).lat is None
    change(field.visits[0], state="closed")
    assert look(second.token).lat == LAT


def test_off_shift_in_a_pause_or_long_unheard_nothing_of_him_is_shown(field: Field) -> None:
    made = service.make(field.dispatcher, field.visits[0])
    assert look(made.token).lat is None  # nothing was ever heard
    stand(field, age_s=240)
    assert (look(made.token).stage, look(made.token).lat) == (Stage.on_way, None)
    stand(field)
    with transaction() as session:
        (shift,) = shifts.store.open_shifts(session, field.reps[0].user_id)
        shifts.pause_in(session, field.reps[0], shift.id, NOW - timedelta(minutes=1))
    assert (look(made.token).stage, look(made.token).lat) == (Stage.later, None)
    with transaction() as session:
        shifts.resume_in(session, field.reps[0], shift.id, NOW - timedelta(seconds=30))
    assert look(made.token).lat == LAT
    with transaction() as session:
        shifts.end_shift_in(session, field.reps[0], shift.id, NOW - timedelta(seconds=10))
    assert (look(made.token).stage, look(made.token).lat) == (Stage.later, None)


def test_once_he_is_there_the_link_says_so_without_a_place(field: Field) -> None:
    stand(field)
    made = service.make(field.dispatcher, field.visits[0])
    change(field.visits[0], state="under_way", checked_in_at=NOW)
    seen = look(made.token)
    assert (seen.stage, seen.lat, seen.expected_at) == (Stage.arrived, None, None)


def test_no_other_clients_name_or_number_is_in_the_answer(field: Field) -> None:
    stand(field)
    made = service.make(field.dispatcher, field.visits[0])
    answer = TestClient(make_api(), base_url="http://localhost").get(
        f"/api/v1/arrival/{made.token}"
    )
    assert answer.status_code == 200
    assert set(answer.json()) == {
        "stage", "rep_name", "place", "address", "place_lat", "place_lng", "expected_at", "lat",
        "lng", "fix_at", "ends_at", "now", "zone",
    }  # fmt: skip
    for other in ("Doctor 2", "Hospital", *field.visits, *field.clients, field.reps[0].user_id):
        assert other not in answer.text


# ── how it dies ──


def test_it_dies_after_an_hour_with_the_visit_and_when_it_is_taken_back(field: Field) -> None:
    stand(field)
    tokens = [service.make(field.dispatcher, v) for v in field.visits[:3]]
    service.revoke(field.dispatcher, tokens[2].link.id)
    assert_over(tokens[2].token)
    change(field.visits[0], state="closed")
    assert_over(tokens[0].token)
    assert service.links(field.dispatcher, field.visits[0]) == []
    with clock.held(NOW + timedelta(minutes=59)):
        assert look(tokens[1].token)
    with clock.held(NOW + timedelta(minutes=60)):
        assert_over(tokens[1].token)


@pytest.mark.parametrize("state", ["cancelled", "moved", "missed"])
def test_it_dies_when_the_visit_comes_to_nothing(field: Field, state: str) -> None:
    made = service.make(field.dispatcher, field.visits[0])
    change(field.visits[0], state=state)
    assert_over(made.token)


def test_another_rep_who_takes_the_visit_is_not_shown(field: Field) -> None:
    made = service.make(field.dispatcher, field.visits[0])
    change(field.visits[0], rep_id=field.reps[1].user_id)
    assert_over(made.token)


def test_what_has_been_over_for_a_day_is_erased_and_the_rest_stays(field: Field) -> None:
    old, taken_back = (service.make(field.dispatcher, v) for v in field.visits[:2])
    service.revoke(field.dispatcher, taken_back.link.id)
    with clock.held(NOW + timedelta(hours=24, minutes=30)):
        assert service.erase_over(clock.now()) == 1  # run out only 23 and a half hours ago: stays
        assert kept_links() == {old.link.id}
    with clock.held(NOW + timedelta(hours=25, minutes=1)):
        assert service.erase_over(clock.now()) == 1
        assert service.erase_over(clock.now()) == 0
    assert kept_links() == set()
    assert_over(old.token)


def test_a_living_link_outlives_the_night(field: Field) -> None:
    stand(field)
    made = service.make(field.dispatcher, field.visits[0])
    night()
    assert look(made.token)


def kept_links() -> set[str]:
    with reading() as session:
        return set(session.exec(select(ArrivalLink.id)))


def assert_over(token: str) -> None:
    assert not service.is_alive(token)
    with pytest.raises(LinkOver):
        look(token)
    client = TestClient(make_api(), base_url="http://localhost", raise_server_exceptions=False)
    answer = client.get(f"/api/v1/arrival/{token}", headers={"accept-language": "ru"})
    assert (answer.status_code, answer.json()["code"]) == (410, "arrival_over")
    assert "ссылк" in answer.json()["detail"]


def test_a_link_that_never_was_answers_as_one_that_is_over(field: Field) -> None:
    assert_over("x" * 43)


def test_looking_too_often_is_refused_for_that_link_alone(field: Field) -> None:
    stand(field)
    made = service.make(field.dispatcher, field.visits[0])
    other = service.make(field.dispatcher, field.visits[1])
    for _ in range(limits.LOOKS_OF_A_LINK):
        look(made.token)
    with pytest.raises(LookedTooOften) as refused:
        look(made.token)
    assert refused.value.params == {"retry_after_s": limits.WINDOW_S}
    assert look(other.token)


def test_guessing_is_refused_and_shuts_nobody_out(field: Field) -> None:
    stand(field)
    made = service.make(field.dispatcher, field.visits[0])
    for n in range(limits.MISSES_FROM_AN_ADDRESS):
        with pytest.raises(LinkOver):
            look(f"guess-{n}")
    with pytest.raises(LookedTooOften):
        look("one-more-guess")
    assert look(made.token)
