"""The live desk's handlers on a real database: what they show, ask for, and refuse."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from fieldcrm.components.alerts import Alerts
from fieldcrm.components.session import Desk
from fieldcrm.kit.database import reading, transaction
from fieldcrm.pages import dispatch_day
from fieldcrm.pages.dispatch_state import Dispatch
from fieldcrm.people.tables import SignIn
from fieldcrm.planning.tables import Proposal
from fieldcrm.tracking.tables import Alert
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import MoveRequest
from fieldcrm.visits.tables import Visit
from tests.dispatch.conftest import tree_with
from tests.field import NOW, Field


def cookie_for(user_id: str) -> str:
    """A session of a user of the test company, who has no password of his own."""
    from datetime import timedelta

    from fieldcrm.components.session import COOKIE
    from fieldcrm.kit import clock, secrets

    token, now = secrets.new_token(), clock.real_now()
    with transaction() as s:
        s.add(
            SignIn(token_hash=secrets.token_hash(token), user_id=user_id, created_at=now,
                   expires_at=now + timedelta(hours=8))
        )  # fmt: skip
    return f"{COOKIE}={token}"


def desk_of(user_id: str, query: str = "") -> Dispatch:
    root = tree_with(cookie_for(user_id), query=query)
    return asyncio.run(root.get_state(Dispatch))


def call(state: Any, name: str, *args: Any) -> Any:
    """Run a handler as the server would."""
    result = type(state).event_handlers[name].fn(state, *args)
    return asyncio.run(result) if asyncio.iscoroutine(result) else result


@pytest.fixture
def desk(field: Field) -> Dispatch:
    found = desk_of(field.dispatcher.user_id)
    call(found, "load")
    return found


def test_a_dispatcher_sees_his_team_only(field: Field, desk: Dispatch) -> None:
    assert {rep.id for rep in desk.reps} == {actor.user_id for actor in field.reps[:2]}
    assert desk.is_in
    assert desk.user_name


def test_an_administrator_sees_every_team(field: Field) -> None:
    found = desk_of(field.admin.user_id)
    call(found, "load")
    assert {rep.id for rep in found.reps} == {actor.user_id for actor in field.reps}


def test_the_day_is_shown_in_order_with_progress(field: Field, desk: Dispatch) -> None:
    call(desk, "select_rep", field.reps[0].user_id)
    assert [v.id for v in desk.day] == field.visits
    assert [v.order for v in desk.day] == [1, 2, 3, 4]
    assert desk.day[0].kind == "now"
    assert all(v.can_move for v in desk.day)
    assert desk.figures.total == 4
    assert next(r for r in desk.reps if r.id == field.reps[0].user_id).total == 4


def test_another_teams_rep_cannot_be_chosen(field: Field, desk: Dispatch) -> None:
    call(desk, "select_rep", field.reps[2].user_id)
    assert desk.selected == ""
    assert desk.day == []


def test_a_rep_taken_from_scope_meanwhile_is_put_away(field: Field, desk: Dispatch) -> None:
    call(desk, "select_rep", field.reps[0].user_id)
    desk.selected = field.reps[2].user_id  # as if the browser's state had been tampered with
    call(desk, "tick")
    assert desk.selected == ""
    assert desk.day == []


def test_moving_a_visit_asks_for_a_proposal_and_moves_nothing(field: Field, desk: Dispatch) -> None:
    call(desk, "select_rep", field.reps[0].user_id)
    call(desk, "move_visit", field.visits[1], field.reps[1].user_id, 0)
    assert desk.proposal_status == "queued"
    with reading() as s:
        asked = s.get(Proposal, desk.proposal_id)
        assert asked is not None
        assert asked.request["to_rep_id"] == field.reps[1].user_id
        assert asked.requested_by == field.dispatcher.user_id
        visit = s.get(Visit, field.visits[1])
        assert visit is not None
        assert visit.rep_id == field.reps[0].user_id


def test_a_place_in_the_day_goes_with_the_question(field: Field, desk: Dispatch) -> None:
    call(desk, "select_rep", field.reps[0].user_id)
    call(desk, "move_visit", field.visits[3], field.reps[0].user_id, 2)
    with reading() as s:
        asked = s.get(Proposal, desk.proposal_id)
        assert asked is not None
        assert asked.request["position"] == 2


def test_a_place_behind_a_visit_is_found_in_a_day_that_has_changed_since(
    field: Field, desk: Dispatch
) -> None:
    """Dropped behind the third visit while the first had gone: the second place, not the third."""
    call(desk, "select_rep", field.reps[0].user_id)
    visits.move(field.dispatcher, MoveRequest(field.visits[0], "cancel", NOW, reason="x"))
    call(desk, "tick")
    call(desk, "move_visit", field.visits[1], field.reps[0].user_id, 3, field.visits[2])
    with reading() as s:
        asked = s.get(Proposal, desk.proposal_id)
        assert asked is not None
        assert asked.request["position"] == 2


def test_the_same_place_asks_nothing(field: Field, desk: Dispatch) -> None:
    call(desk, "select_rep", field.reps[0].user_id)
    call(desk, "move_visit", field.visits[1], field.reps[0].user_id, 2)
    assert desk.proposal_id == ""


@pytest.mark.parametrize("which", ["foreign rep", "foreign visit", "nonsense"])
def test_foreign_ids_are_refused_in_words(field: Field, desk: Dispatch, which: str) -> None:
    call(desk, "select_rep", field.reps[0].user_id)
    visit, rep = field.visits[0], field.reps[1].user_id
    if which == "foreign rep":
        rep = field.reps[2].user_id
    elif which == "foreign visit":
        visit = foreign_visit(field)
    else:
        visit = "nonsense"
    call(desk, "move_visit", visit, rep, 0)
    assert desk.proposal_id == ""
    assert desk.toasts[0].tone == "err"
    assert desk.toasts[0].text


def foreign_visit(field: Field) -> str:
    from fieldcrm.kit import ids

    made = Visit(id=ids.new_id(), rep_id=field.reps[2].user_id, team_id=field.teams[1],
                 client_id=field.foreign_client, day=NOW.date(), created_at=NOW, updated_at=NOW)  # fmt: skip
    with transaction() as s:
        s.add(made)
    return made.id


def test_discarding_puts_the_proposal_away(field: Field, desk: Dispatch) -> None:
    call(desk, "select_rep", field.reps[0].user_id)
    call(desk, "replan")
    proposal_id = desk.proposal_id
    call(desk, "discard")
    assert desk.proposal_id == ""
    with reading() as s:
        found = s.get(Proposal, proposal_id)
        assert found is not None
        assert found.status == "cancelled"


def test_locking_a_visit_keeps_it_from_being_dragged(field: Field, desk: Dispatch) -> None:
    call(desk, "select_rep", field.reps[0].user_id)
    call(desk, "set_lock", field.visits[2], True)
    assert [v.is_locked for v in desk.day] == [False, False, True, False]
    assert not desk.day[2].can_move
    call(desk, "set_lock", field.visits[2], False)
    assert desk.day[2].can_move


def test_filters_narrow_the_list(field: Field, desk: Dispatch) -> None:
    call(desk, "filter_text", "ann")
    call(desk, "fold_off_shift")
    assert [rep.name for rep in desk.off_reps] == ["Anna"]
    call(desk, "filter_text", "")
    call(desk, "filter_state", "silent")
    assert desk.shown_reps == []
    call(desk, "clear_filters")
    assert len(desk.off_reps) == 2


def test_nonsense_from_a_browser_changes_nothing(field: Field, desk: Dispatch) -> None:
    before = len(desk.reps)
    call(desk, "notices", "{not json")
    call(desk, "notices", '{"t": "changed"}')
    call(desk, "filter_state", "'; drop table")
    call(desk, "filter_team", "nobody's")
    call(desk, "press", "Enter")
    call(desk, "answer_alert", "none", "seen")
    call(desk, "toast_act", "none", "acknowledge")
    assert (len(desk.reps), desk.state_filter, desk.team) == (before, "", "")


def test_an_alert_speaks_up_until_it_is_answered(field: Field) -> None:
    rep = field.reps[0].user_id
    with transaction() as s:
        s.add(Alert(id="a1", rep_id=rep, team_id=field.teams[0], kind="silent", at=NOW,
                    data={"minutes": 14, "battery_pct": 6, "cause": "tracking.cause.battery"}))  # fmt: skip
    found = desk_of(field.dispatcher.user_id)
    call(found, "load")
    assert found.speaking[0].title == "Silent 14 min: battery nearly empty"
    assert found.toasts == []
    bell = asyncio.run(found.get_state(Alerts))
    assert bell.new_count == 1
    call(found, "answer_alert", "a1", "seen")
    assert found.speaking == []
    call(bell, "acknowledge", "a1")
    assert bell.new_count == 0
    assert bell.rows[0].seen.startswith("seen by Disp, ")


def test_a_language_changes_texts_made_here(field: Field, desk: Dispatch) -> None:
    root = asyncio.run(desk.get_state(Desk))
    asyncio.run(Desk.event_handlers["choose_language"].fn(root, "ru"))
    call(desk, "load")
    assert desk.language == "ru"
    assert {rep.state_word for rep in desk.reps} == {"Не на смене"}


def test_several_visits_at_one_place_are_one_stop(field: Field, desk: Dispatch) -> None:
    call(desk, "select_rep", field.reps[0].user_id)
    for row in desk.day[:3]:
        row.lat, row.lng = 60.17, 24.94
    labels = [dot.label for dot in dispatch_day.dots(desk.day)]
    assert labels[0] == "1–3"
    assert len(labels) == 2


def test_the_day_before_and_after_are_shown_and_today_is_found_again(
    field: Field, desk: Dispatch
) -> None:
    call(desk, "select_rep", field.reps[0].user_id)
    call(desk, "step_day", -1)
    assert (desk.day_word, desk.is_today, desk.is_past, desk.day) == ("Yesterday", False, True, [])
    call(desk, "back_to_today")
    assert (desk.day_word, len(desk.day)) == ("Today", 4)
    call(desk, "step_day", 1)
    assert (desk.day_word, desk.is_past) == ("Tomorrow", False)
    call(desk, "unselect")
    assert desk.is_today


def test_a_day_beyond_the_planned_ones_is_not_shown(field: Field, desk: Dispatch) -> None:
    call(desk, "select_rep", field.reps[0].user_id)
    for _ in range(40):
        call(desk, "step_day", 1)
    assert (date.fromisoformat(desk.on_day) - NOW.date()).days == 31


def test_an_alert_of_the_rep_whose_other_day_is_shown_leads_to_his_today(
    field: Field, desk: Dispatch
) -> None:
    with transaction() as session:
        ahead = session.get(Visit, field.visits[3])
        assert ahead is not None
        ahead.day = NOW.date() + timedelta(days=1)
    rep_id = field.reps[0].user_id
    call(desk, "select_rep", rep_id)
    call(desk, "step_day", 1)
    assert [v.id for v in desk.day] == field.visits[3:]
    call(desk, "show_alert", rep_id)
    assert (desk.is_today, [v.id for v in desk.day]) == (True, field.visits[:3])
    call(desk, "step_day", 1)
    first, _ = call(desk, "replan_of", rep_id)
    call(desk, first.handler.fn.__name__, rep_id)
    assert (desk.is_today, [v.id for v in desk.day]) == (True, field.visits[:3])


def test_visits_of_a_rep_who_is_not_at_work_want_another(field: Field, desk: Dispatch) -> None:
    assert [v.id for v in desk.loose] == field.visits
    assert desk.loose[0].why == "Anna is not on shift"


def test_a_cancelled_visit_is_planned_again_only_while_it_is_proposed(
    field: Field, desk: Dispatch
) -> None:
    visit_id = field.visits[1]
    cancel = MoveRequest(visit_id, "cancel", NOW, reason="client_asked")
    visits.move(field.dispatcher, cancel)
    call(desk, "tick")
    assert {v.id: v.why for v in desk.loose}[visit_id] == "Cancelled (Anna)"
    call(desk, "move_visit", visit_id, field.reps[1].user_id, 0)
    assert visits.get(field.dispatcher, visit_id).view.visit.state == "planned"
    call(desk, "discard")
    back = visits.get(field.dispatcher, visit_id).view.visit
    assert (back.state, back.reason) == ("cancelled", "client_asked")


def test_the_phone_is_told_in_words(field: Field, desk: Dispatch) -> None:
    call(desk, "select_rep", field.reps[0].user_id)
    facts = {fact.label: fact.text for fact in desk.phone}
    assert facts["Sends by"] == "nothing heard yet"
    assert facts["Position allowed"] == "the app doesn’t say"
    assert facts["Clock"] == "right"
