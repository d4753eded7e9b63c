"""Coverage by cell: what is counted from tracks and visits, for whom, and what late news changes."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from itertools import pairwise
from typing import Any

import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from fieldcrm.clients.tables import Client
from fieldcrm.kit import clock
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, RoleForbids
from fieldcrm.reports import coverage, coverage_book
from fieldcrm.reports import coverage_rules as rules
from fieldcrm.reports.coverage import Asked
from fieldcrm.tracking import keeping
from fieldcrm.tracking.model import Doubt, Span
from fieldcrm.tracking.tables import CoverageDay, CoverageMonth, Shift
from tests.reports.conftest import Field
from tests.reports.covered import (
    ALL,
    AWAY,
    DAY,
    HOME,
    MINUTE_MS,
    NOW,
    SHIFT,
    cell_of,
    fill,
    fixes,
    ms,
    record,
    work,
)  # fmt: skip


def cells(actor: Actor, asked: Asked = ALL) -> dict[int, tuple[int, ...]]:
    """(presence, silence, done, confirmed, checks, absent) by cell, counted anew."""
    found = coverage.grid(actor, asked, anew=True)
    columns = (
        found.presence_s,
        found.silence_s,
        found.done,
        found.confirmed,
        found.checks,
        found.absent,
    )
    return {int(c): tuple(int(v[n]) for v in columns) for n, c in enumerate(found.cell)}


def manager(field: Field, login: str = "manager_north") -> Actor:
    return people.actor_of(field.company.users[login])


# ---- rules ----


def seen(*places: tuple[int, tuple[float, float]]) -> rules.Seen:
    at = np.array([m * MINUTE_MS for m, _ in places], np.int64)
    lat, lng = (np.array([p[n] for _, p in places]) for n in (0, 1))
    return rules.seen(at, lat, lng, np.full(len(at), np.nan), np.zeros(len(at), np.int64))


def told(track: rules.Seen, *working: tuple[int, int]) -> dict[int, tuple[int, int]]:
    minutes = [(a * MINUTE_MS, b * MINUTE_MS) for a, b in working]
    rows = np.frombuffer(rules.track_entries(rules.moments(track, minutes)), rules.TRACK)
    return {int(r["cell"]): (int(r["presence_s"]) // 60, int(r["silence_s"]) // 60) for r in rows}


def test_the_time_between_two_cells_is_shared_by_both() -> None:
    track = seen((0, HOME), (4, HOME), (8, AWAY), (10, AWAY))
    assert told(track, (0, 10)) == {cell_of(HOME): (6, 0), cell_of(AWAY): (4, 0)}


def test_a_silence_counts_where_the_rep_was_seen_last() -> None:
    track = seen((0, HOME), (2, HOME), (42, AWAY), (44, AWAY))
    assert told(track, (0, 60)) == {cell_of(HOME): (2, 40), cell_of(AWAY): (2, 16)}


def test_a_phone_that_stands_still_is_present_for_half_an_hour_and_no_longer() -> None:
    assert told(seen((0, HOME), (30, HOME)), (0, 30)) == {cell_of(HOME): (30, 0)}
    assert told(seen((0, HOME), (31, HOME)), (0, 31)) == {cell_of(HOME): (0, 31)}


def test_before_the_first_fix_nobody_knows_where_the_silence_was() -> None:
    assert told(seen((20, HOME), (22, HOME)), (0, 22)) == {
        rules.NOWHERE: (0, 20),
        cell_of(HOME): (2, 0),
    }
    assert told(seen(), (0, 60)) == {rules.NOWHERE: (0, 60)}


def test_off_shift_and_in_pauses_nothing_counts() -> None:
    span = Span("s", 0, 60 * MINUTE_MS, ((20 * MINUTE_MS, 40 * MINUTE_MS),))
    working = rules.duty([span], 0, 100 * MINUTE_MS)
    assert working == [(0, 20 * MINUTE_MS), (40 * MINUTE_MS, 60 * MINUTE_MS)]
    open_pause = Span("s", 0, None, ((20 * MINUTE_MS, None),))
    assert rules.duty([open_pause], 0, 100 * MINUTE_MS) == [(0, 20 * MINUTE_MS)]
    track = seen(*((m, HOME) for m in range(70)))
    rows = np.frombuffer(rules.track_entries(rules.moments(track, working)), rules.TRACK)
    assert rows["presence_s"].tolist() == [40 * 60]


def test_what_an_app_invented_is_no_presence() -> None:
    at = np.array([0, 1, 2], np.int64)
    doubts = np.array([0, int(Doubt.mock), int(Doubt.teleport)], np.int64)
    places = np.full(3, 60.0), np.full(3, 24.0)
    assert rules.seen(at, *places, np.full(3, np.nan), doubts).at.tolist() == [0]
    poor = np.array([np.nan, 20.0, 900.0])
    assert rules.seen(at, *places, poor, np.zeros(3, np.int64)).at.tolist() == [0, 1]


@given(
    st.lists(st.tuples(st.integers(0, 600), st.sampled_from([HOME, AWAY])), max_size=40),
    st.lists(st.integers(0, 600), min_size=2, max_size=6, unique=True),
)
def test_presence_and_silence_never_exceed_the_working_time(
    places: list[tuple[int, tuple[float, float]]], edges: list[int]
) -> None:
    working = [(a, b) for a, b in pairwise(sorted(edges))][::2]
    found = told(seen(*sorted(dict(places).items())), *working)
    assert sum(sum(pair) for pair in found.values()) <= sum(b - a for a, b in working)


@given(st.floats(-80, 80), st.floats(-180, 180), st.integers(rules.COARSE, rules.FINE))
def test_ancestors_are_those_of_h3(lat: float, lng: float, resolution: int) -> None:
    cell = h3.latlng_to_cell(lat, lng, rules.FINE)
    found = rules.parents(np.array([cell, rules.NOWHERE], np.uint64), resolution)
    assert found.tolist() == [h3.cell_to_parent(cell, resolution), rules.NOWHERE]


@given(
    st.tuples(st.floats(-70, 70), st.floats(-170, 170)), st.integers(rules.COARSE, rules.FINE),
    st.floats(0.001, 0.5),
)  # fmt: skip
def test_a_window_holds_the_cells_whose_middle_it_holds(
    place: tuple[float, float], resolution: int, half: float
) -> None:
    cells = sorted(h3.grid_disk(h3.latlng_to_cell(*place, resolution), 4))
    window = (place[0] - half, place[1] - half, place[0] + half, place[1] + half)
    south, west, north, east = window
    wanted = [
        n for n, (lat, lng) in enumerate(map(h3.cell_to_latlng, cells))
        if south <= lat <= north and west <= lng <= east
    ]  # fmt: skip
    assert rules.within(np.array(cells, np.uint64), resolution, window) == wanted


def test_a_period_is_read_month_by_month() -> None:
    found = rules.blocks(date(2026, 1, 15), date(2026, 3, 31))
    assert [(b.first.day, b.last.day, b.month, b.is_whole) for b in found] == [
        (15, 31, 202601, False), (1, 28, 202602, True), (1, 31, 202603, True),
    ]  # fmt: skip
    assert rules.blocks(DAY, DAY) == [rules.Block(DAY, DAY, 202605, False)]


def test_days_joined_to_a_month_say_the_same() -> None:
    facts = [rules.VisitFact(cell_of(HOME), c, True, 2, 1) for c in ("A", "B", "A")]
    days = [rules.visit_entries(facts), rules.visit_entries(facts[:1])]
    tracks = [
        rules.track_entries([rules.Moment(cell_of(p), 0, 60, p is AWAY)]) for p in (HOME, AWAY)
    ]
    apart = rules.grid_of(tracks, days, "A")
    whole = rules.grid_of([rules.joined_track(tracks)], [rules.joined_visits(days)], "A")
    assert all((getattr(apart, n) == getattr(whole, n)).all() for n in apart.__dataclass_fields__)
    assert apart.done.sum() == 3


def test_shades_begin_at_shares_of_the_cells() -> None:
    assert rules.steps(np.arange(1.0, 101.0)) == [50.5, 80.2, 95.05]
    assert rules.steps(np.zeros(3)) == []
    assert rules.steps(np.ones(9)) == []


# ---- counted and read ----


def test_tracks_and_visits_count_by_cell(team: Field) -> None:
    rep = work(team)
    record(*fixes(rep, range(60), HOME), *fixes(rep, range(60, 121), AWAY))
    client = team.add_client("A")
    place: Any = {"lat": HOME[0], "lng": HOME[1]}
    team.add_visit("rep_north", client, DAY, details={"stock": {"x": True, "y": False}}, **place)
    team.add_visit(
        "rep_north", client, DAY, verdict="contradicted", details={"stock": {"x": False}}, **place
    )
    team.add_visit("rep_north", client, DAY, state="missed", **place)
    fill()
    found = cells(manager(team))
    assert found == {
        cell_of(HOME): (59 * 60 + 30, 0, 2, 1, 2, 1), cell_of(AWAY): (60 * 60 + 30, 0, 0, 0, 0, 0),
    }  # fmt: skip
    only_b = cells(manager(team), Asked(DAY, DAY, category="B"))
    assert only_b[cell_of(HOME)] == (59 * 60 + 30, 0, 0, 0, 0, 0)


def test_late_fixes_are_counted_with_the_next_round(team: Field) -> None:
    rep = work(team, hours=1)
    record(*fixes(rep, range(10), HOME))
    fill()
    assert cells(manager(team)) == {cell_of(HOME): (540, 51 * 60, 0, 0, 0, 0)}
    later = NOW + timedelta(minutes=30)
    record(*fixes(rep, range(10, 61), HOME), at=later)
    fill(later + timedelta(minutes=11))
    assert cells(manager(team)) == {cell_of(HOME): (3600, 0, 0, 0, 0, 0)}


@pytest.mark.parametrize("until", [NOW, NOW + timedelta(days=2)])
def test_what_is_erased_is_gone_at_once_and_stays_gone(team: Field, until: datetime) -> None:
    """An erased day is not called silent, unless it went on after the erasure."""
    rep = work(team)
    record(*fixes(rep, range(121), HOME))
    team.add_visit("rep_north", team.add_client("A"), DAY, lat=HOME[0], lng=HOME[1])
    may = Asked(date(2026, 5, 1), date(2026, 5, 31))
    fill(NOW + timedelta(days=40))
    with reading() as session:
        assert session.get(CoverageMonth, (202605, rep)) is not None
    with clock.held(NOW), transaction() as session:
        gone = keeping.erase_in(session, rep, datetime(1970, 1, 1, tzinfo=UTC), until)
        assert gone == 121
    left = {cell_of(HOME): (0, 0, 1, 1, 0, 0)}
    assert cells(manager(team), may) == left
    fill(NOW + timedelta(days=41))
    silent = {rules.NOWHERE: (0, 7200, 0, 0, 0, 0)} if until == NOW else {}
    assert cells(manager(team), may) == left | silent
    with reading() as session:
        row = session.get(CoverageDay, (DAY, rep))
        assert row
        assert cell_of(HOME).to_bytes(8, "little") not in row.track


def test_a_whole_month_says_what_its_days_say(team: Field) -> None:
    rep = work(team)
    record(*fixes(rep, range(121), HOME))
    asked = Asked(date(2026, 5, 1), date(2026, 5, 31))
    fill()
    by_day = cells(manager(team), asked)
    with reading() as session:
        assert session.get(CoverageMonth, (202605, rep)) is None
    fill(NOW + timedelta(days=40))
    with reading() as session:
        assert session.get(CoverageMonth, (202605, rep)) is not None
    assert cells(manager(team), asked) == by_day
    assert (
        len(coverage.behind(manager(team), asked, h3.int_to_str(cell_of(HOME)), "presence")[0]) == 1
    )


def test_a_shift_that_goes_on_grows_silent(team: Field) -> None:
    rep = team.company.users["rep_north"]
    with transaction() as session:
        session.add(Shift(id="s", rep_id=rep, started_at=SHIFT))
    record(*fixes(rep, range(11), HOME), at=SHIFT + timedelta(minutes=10))
    for minutes, silent in ((20, 600), (50, 2400)):
        fill(SHIFT + timedelta(minutes=minutes))
        with clock.held(SHIFT + timedelta(minutes=minutes)):
            assert cells(manager(team))[cell_of(HOME)] == (600, silent, 0, 0, 0, 0)


# ---- whose ----


def test_only_own_teams_reps_are_seen(team: Field) -> None:
    rep = work(team)
    record(*fixes(rep, range(121), HOME))
    fill()
    south = manager(team, "manager_south")
    assert cells(south) == {}
    assert cells(south, Asked(DAY, DAY, rep_id=rep)) == {}
    assert cells(south, Asked(DAY, DAY, team_id=team.company.teams["north"])) == {}
    assert coverage.behind(south, ALL, h3.int_to_str(cell_of(HOME)), "presence") == ([], 0)
    assert cell_of(HOME) in cells(manager(team, "dispatcher_north"))
    assert cell_of(HOME) in cells(manager(team, "admin"), Asked(DAY, DAY, rep_id=rep))
    with pytest.raises(RoleForbids):
        coverage.grid(manager(team, "rep_north"), ALL)


def test_a_cell_opens_its_days_at_the_moment_they_show_it(team: Field) -> None:
    rep = work(team)
    record(*fixes(rep, range(30), HOME), *fixes(rep, range(90, 121), AWAY))
    visit = team.add_visit("rep_north", team.add_client("A"), DAY, lat=AWAY[0], lng=AWAY[1])
    fill()
    home, away = (h3.int_to_str(cell_of(p)) for p in (HOME, AWAY))
    (row,), count = coverage.behind(manager(team), ALL, home, "silence")
    assert (count, row.silence_s, row.at_ms) == (1, 61 * 60, ms(SHIFT) + 29 * MINUTE_MS)
    assert (row.rep_id, row.day) == (rep, DAY)
    (there,), _ = coverage.behind(manager(team), ALL, away, "presence")
    assert (there.presence_s, there.at_ms) == (1800, ms(SHIFT) + 90 * MINUTE_MS)
    (seen_there,), _ = coverage.behind(manager(team), ALL, away, "visits")
    assert seen_there.visit_id == visit
    coarse = h3.int_to_str(h3.cell_to_parent(cell_of(HOME), 5))
    (whole,), _ = coverage.behind(manager(team), ALL, coarse, "presence")
    assert whole.presence_s == 29 * 60 + 1800


def test_a_map_gets_the_cells_of_its_window_only(team: Field) -> None:
    rep = work(team)
    record(*fixes(rep, range(60), HOME), *fixes(rep, range(60, 121), AWAY))
    fill()
    window = (60.16, 24.9, 60.18, 25.0)
    near = coverage.shown(manager(team), ALL, "presence", window, 13)
    assert [(c, v) for c, v, _ in near.cells] == [(h3.int_to_str(cell_of(HOME)), 59.5)]
    assert near.resolution == rules.FINE
    assert len(near.cells[0][2]) == 12
    far = coverage.shown(manager(team), ALL, "presence", (59, 23, 61, 26), 5)
    assert far.resolution == rules.COARSE
    assert [v for _, v, _ in far.cells] == [120.0]


@pytest.mark.parametrize("cell", ["", "zz", "8a1126d33d67fff", "81083ffffffffff", "-1"])
def test_no_cell_that_is_not_shown(team: Field, cell: str) -> None:
    with pytest.raises(coverage.BadCell):
        coverage.behind(manager(team), ALL, cell, "presence")


def test_no_period_backwards_or_without_end(team: Field) -> None:
    for last in (DAY - timedelta(days=1), DAY + timedelta(days=4000)):
        with pytest.raises(coverage.BadPeriod):
            coverage.grid(manager(team), Asked(DAY, last))


def test_a_long_count_tells_how_far_it_is_and_stops_when_told(team: Field) -> None:
    heard: list[float] = []

    class Enough(Exception):
        pass

    def tell(share: float) -> None:
        heard.append(share)
        if share >= 0.5:
            raise Enough

    year = Asked(date(2026, 1, 1), date(2026, 12, 31))
    with pytest.raises(Enough):
        coverage.grid(manager(team), year, tell, anew=True)
    assert heard == [n / 12 for n in range(7)]


# ---- as a list and as files ----


def spread(team: Field) -> None:
    """Two cells, the second with a client's street, and a silence nobody can place."""
    rep = work(team, hours=3)
    record(*fixes(rep, range(20, 60), HOME), *fixes(rep, range(60, 181), AWAY))
    with transaction() as session:
        client = session.get(Client, team.add_client("A"))
        assert client
        client.lat, client.lng = AWAY
        client.address, client.city = "Škofja iela 12 B", "Riga"
    team.add_visit("rep_north", team.clients[0], DAY, details={"stock": {"x": False, "y": True}})
    fill()


def test_cells_are_listed_by_any_measure_and_found_by_their_street(team: Field) -> None:
    spread(team)
    boss = manager(team, "admin")
    by_time, count = coverage_book.rows(boss, ALL, 9)
    assert count == 3
    assert [r.presence_s for r in by_time] == sorted((r.presence_s for r in by_time), reverse=True)
    assert by_time[0][1:] == ("Škofja iela", 7230, 0, 1, 1, 2, 1)
    assert coverage_book.rows(boss, ALL, 9, sort="presence")[0][0].silence_s == 1200
    assert coverage_book.rows(boss, ALL, 9, sort="-silence")[0][0].id == ""
    by_stock, _ = coverage_book.rows(boss, ALL, 9, sort="-out_of_stock")
    assert [r.checks for r in by_stock] == [2, 0, 0]
    assert [r.id for r in coverage_book.rows(boss, ALL, 9, "škofja")[0]] == [by_time[0].id]
    assert coverage_book.rows(boss, ALL, 9, "nowhere near") == ([], 0)
    assert len(coverage_book.rows(boss, ALL, 9, limit=2)[0]) == 2
    assert coverage_book.rows(boss, ALL, 9, sort="-place")[0][0].name == "Škofja iela"


def test_the_list_is_a_workbook_and_a_text(team: Field) -> None:
    spread(team)
    boss = manager(team, "admin")
    text = coverage_book.export_csv(boss, ALL, 9, "", "-presence", "ro").decode("utf-8-sig")
    head, first, *_ = csv.reader(text.splitlines())
    assert head[2] == "Prezență, min"
    assert first[1:8] == ["Škofja iela", "120", "1", "1", "0", "2", "1"]
    book = workbook_rows(coverage_book.export_xlsx(boss, ALL, 9, "", "-presence", "ru"))
    assert [str(v) for v in book[1][1:8]] == [
        str(v) for v in ("Škofja iela", 120.0, 1.0, 1.0, 0.0, 2.0, 1.0)
    ]
    assert len(book) == 4


def workbook_rows(content: bytes) -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(BytesIO(content)).get_sheet_by_index(0).to_python()
