"""A past day as the player gets it, and who may ask for it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from fieldcrm.kit import clock, i18n
from fieldcrm.kit.database import transaction
from fieldcrm.pages import replay_day, replay_span
from fieldcrm.pages.replay_state import Replay
from fieldcrm.people import service as people
from fieldcrm.people.model import SYSTEM, Actor, RoleForbids
from fieldcrm.tracking import files, keeping, shifts
from fieldcrm.tracking import service as tracking
from fieldcrm.tracking.model import Fix
from tests.pages.conftest import Open, call
from tests.reports.conftest import Field

DAY = date(2026, 5, 4)
SHIFT = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
MINUTE_MS = 60_000
LINE = [[60.0, 24.0], [60.0, 24.01], [60.0, 24.02], [60.0, 24.03], [60.0, 24.04]]


def walk(field: Field, login: str = "rep_north", day: int = 0) -> str:
    """A rep's hour with ten silent minutes, so many days after DAY; his id."""
    rep_id, begun = field.company.users[login], SHIFT + timedelta(days=day)
    start = round(begun.timestamp() * 1000)
    minutes = [*range(25), *range(35, 60)]
    fixes = [
        Fix(rep_id, "phone", day * 100 + n, at, at, at, 60.17 + n * 3e-4, 24.94)
        for n, at in ((m, start + m * MINUTE_MS) for m in minutes)
    ]
    with clock.held(begun + timedelta(hours=1)), transaction() as session:
        shifts.start_shift_in(session, SYSTEM, f"shift-{login}-{day}", begun, rep_id=rep_id)
        shifts.end_shift_in(
            session, _rep(rep_id), f"shift-{login}-{day}", begun + timedelta(hours=1)
        )
        keeping.append(session, fixes)
    return rep_id


def _rep(rep_id: str) -> Actor:
    return people.actor_of(rep_id)


def opened(open_page: Open, login: str, rep_id: str, day: str = "2026-05-04") -> Any:
    state = open_page(Replay, login)
    call(state, "choose_rep", rep_id)
    call(state, "choose_day", day)
    return state


def test_a_dispatcher_sees_the_day_with_its_silence(team: Field, open_page: Open) -> None:
    rep_id = walk(team)
    state = opened(open_page, "dispatcher_north", rep_id)
    (played,) = state.played["days"]
    assert state.problem == ""
    assert [(g["to_ms"] - g["from_ms"]) // MINUTE_MS for g in played["gaps"]] == [11]
    assert played["url"] == f"/api/v1/tracks/{rep_id}/2026-05-04/replay"
    assert played["start_ms"] == round(SHIFT.timestamp() * 1000)
    assert played["from_ms"] == played["start_ms"] - replay_day.EDGE_MS
    assert played["to_ms"] >= played["start_ms"] + 60 * MINUTE_MS
    call(state, "step", 1)
    assert state.on_day == "2026-05-05"
    assert state.played["days"][0]["gaps"] == []
    assert state.played["days"][0]["empty_title"] == "No shift on this day."
    call(state, "choose_day", "not a day")
    assert state.on_day == "2026-05-05"


def test_another_teams_rep_is_not_shown(team: Field, open_page: Open) -> None:
    rep_id = walk(team)
    state = opened(open_page, "dispatcher_south", rep_id)
    assert state.played == {}
    assert state.problem
    assert rep_id not in {choice.value for choice in state.reps}


def test_days_far_ahead_stop_at_a_month(team: Field, open_page: Open) -> None:
    state = opened(open_page, "dispatcher_north", walk(team), "2199-01-01")
    assert date.fromisoformat(state.on_day) <= clock.local(clock.now()).date() + timedelta(days=31)
    assert state.played["days"][0]["empty_title"] == "This day is still to come."


def test_a_week_plays_day_after_day_without_days_off(team: Field, open_page: Open) -> None:
    rep_id = walk(team)
    for later in (1, 4):
        walk(team, day=later)
    state = opened(open_page, "dispatcher_north", rep_id, "2026-05-06")
    call(state, "choose_length", True)
    assert (state.on_day, state.to_day, state.is_day) == ("2026-05-04", "2026-05-10", False)
    days = state.played["days"]
    assert [d["url"].split("/")[-2] for d in days] == ["2026-05-04", "2026-05-05", "2026-05-08"]
    assert all(a["to_ms"] < b["from_ms"] for a, b in pairwise(days))
    assert state.played["start_ms"] == days[0]["start_ms"]
    assert state.figures.startswith(i18n.number(sum(d["distance_m"] for d in days) / 1000, "en", 1))
    call(state, "step", -1)
    assert (state.on_day, state.to_day) == ("2026-04-27", "2026-05-03")
    assert [d["empty_title"] for d in state.played["days"]] == ["No shift on this day."]
    call(state, "choose_length", False)
    assert (state.on_day, state.is_day) == ("2026-04-27", True)


def test_any_span_of_up_to_a_week_is_played_and_none_longer(team: Field, open_page: Open) -> None:
    state = opened(open_page, "dispatcher_north", walk(team))
    call(state, "choose_last", "2026-05-06")
    assert (state.on_day, state.to_day) == ("2026-05-04", "2026-05-06")
    call(state, "choose_day", "2026-05-10")
    assert (state.on_day, state.to_day) == ("2026-05-10", "2026-05-12")
    call(state, "choose_last", "2026-05-30")
    assert (state.on_day, state.to_day) == ("2026-05-24", "2026-05-30")
    call(state, "choose_last", "2026-05-02")
    assert (state.on_day, state.to_day, state.is_day) == ("2026-05-02", "2026-05-02", True)
    call(state, "choose_last", "not a day")
    assert state.to_day == "2026-05-02"


def test_a_span_begins_at_the_moment_asked_for(team: Field) -> None:
    rep_id = walk(team)
    walk(team, day=1)
    actor = people.actor_of(team.company.users["manager_north"])
    at = round((SHIFT + timedelta(days=1, minutes=30)).timestamp() * 1000)
    span = replay_span.load(actor, rep_id, DAY, DAY + timedelta(days=1), "en", at)
    assert span.start_ms == at
    assert replay_span.load(actor, rep_id, DAY, DAY, "en", at).start_ms == round(
        SHIFT.timestamp() * 1000
    )


@pytest.mark.parametrize("has_track", [True, False])
def test_a_shift_over_midnight_goes_on_at_the_next_days_begin(team: Field, has_track: bool) -> None:
    rep_id = team.company.users["rep_north"]
    begun, hours = datetime(2026, 5, 4, 19, 0, tzinfo=UTC), 6
    with clock.held(begun + timedelta(hours=hours)), transaction() as session:
        shifts.start_shift_in(session, SYSTEM, "night", begun, rep_id=rep_id)
        shifts.end_shift_in(session, _rep(rep_id), "night", begun + timedelta(hours=hours))
        at = [round(begun.timestamp() * 1000) + n * MINUTE_MS for n in range(hours * 60)]
        fixes = [
            Fix(rep_id, "p", n, ms, ms, ms, 60.17 + n * 1e-4, 24.94) for n, ms in enumerate(at)
        ]
        keeping.append(session, fixes if has_track else [])
    boss = team.company.actor("manager_north")
    first, second = (
        replay_day.load(boss, rep_id, DAY + timedelta(days=n), "en", 0) for n in (0, 1)
    )
    midnight = round(clock.day_bounds(DAY)[1].timestamp() * 1000)
    assert first.from_ms == round(begun.timestamp() * 1000) - replay_day.EDGE_MS
    assert first.to_ms == second.from_ms == second.start_ms == midnight
    assert (
        second.to_ms
        == round(begun.timestamp() * 1000) + hours * 60 * MINUTE_MS + replay_day.EDGE_MS
    )


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_a_day_on_which_the_clock_is_turned_is_as_long_as_it_is(
    team: Field, day: date, hours: int
) -> None:
    rep_id = team.company.users["rep_north"]
    start, end = clock.day_bounds(day)
    with clock.held(end + timedelta(hours=1)), transaction() as session:
        shifts.start_shift_in(session, SYSTEM, "long", start, rep_id=rep_id)
        shifts.end_shift_in(session, _rep(rep_id), "long", start + timedelta(hours=hours))
    played = replay_day.load(team.company.actor("manager_north"), rep_id, day, "en", 0)
    assert played.to_ms - played.from_ms == hours * 60 * MINUTE_MS


def test_the_ghost_walks_the_planned_line_by_the_plans_times() -> None:
    stops = [(60.0, 24.0, 0, 100), (60.0, 24.02, 300, 400), (60.0, 24.04, 600, 700)]
    points = replay_day.ghost(LINE, stops)
    assert [round(p[2]) for p in points] == [0, 100, 200, 300, 400, 500, 600, 700]
    assert [p[1] for p in points] == [24.0, 24.0, 24.01, 24.02, 24.02, 24.03, 24.04, 24.04]
    assert replay_day.ghost([], stops)[-1] == [60.0, 24.04, 700]
    assert replay_day.ghost(LINE, []) == []


def test_a_days_file_has_no_line_across_the_silence(team: Field) -> None:
    rep_id = walk(team)
    content, media_type = files.day_file(SYSTEM, rep_id, DAY, "geojson")
    lines = [f for f in json.loads(content)["features"] if f["properties"]["kind"] == "line"]
    assert [len(f["geometry"]["coordinates"]) for f in lines] == [25, 25]
    assert media_type == "application/geo+json"


def gpx(*minutes: int) -> bytes:
    points = "".join(
        f'<trkpt lat="60.2" lon="24.9"><time>{(SHIFT + timedelta(minutes=m)).isoformat()}</time></trkpt>'
        for m in minutes
    )
    return f'<gpx><trk><trkseg>{points}<trkpt lat="1" lon="1"/></trkseg></trk></gpx>'.encode()


def test_a_gpx_file_fills_the_silence_once_and_nothing_off_shift(team: Field) -> None:
    rep_id = walk(team)
    manager = people.actor_of(team.company.users["manager_north"])
    first = files.add_gpx(manager, rep_id, gpx(-30, 27, 30, 33, 90))
    assert (first.points, first.recorded, first.off_shift, first.without_time) == (6, 3, 2, 1)
    assert [t.code for t in first.troubles] == ["no_time"]
    again = files.add_gpx(manager, rep_id, gpx(-30, 27, 30, 33, 90))
    assert (again.recorded, again.known) == (0, 3)
    assert tracking.day_track(SYSTEM, rep_id, DAY)["fixes"] == 53


def test_no_dispatcher_and_no_rep_adds_to_a_track(team: Field) -> None:
    rep_id = walk(team)
    for login in ("dispatcher_north", "rep_north"):
        with pytest.raises(RoleForbids):
            files.add_gpx(people.actor_of(team.company.users[login]), rep_id, gpx(27))
