"""What the recorder put aside: listed, recorded once more when it can be, given up by name."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from fieldcrm import cli
from fieldcrm.kit import bus, clock
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import RoleForbids
from fieldcrm.reports import health
from fieldcrm.tracking import chunks, live_index, store, unreadable
from tests.gateway.test_recorder import fix, kept, last_edge_ms, put, work_off
from tests.gateway.town import Town
from workers.recorder.main import Recorder


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit status and JSON lines of `fieldcrm recorder unreadable ...`."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["recorder", "unreadable", *words])
    lines = capsys.readouterr().out.splitlines()
    return int(ended.value.code or 0), [json.loads(line) for line in lines]


def break_hour(town: Town, at_ms: int) -> bytes:
    """Spoil the chunk of that hour, so that nothing can be merged into it; its sound bytes."""
    with transaction() as session:
        row = store.chunk(session, town.reps[0], clock.from_ms(chunks.hour_of(at_ms)))
        assert row is not None
        sound, row.data = row.data, b"broken"
    return sound


def mend_hour(town: Town, at_ms: int, sound: bytes) -> None:
    with transaction() as session:
        row = store.chunk(session, town.reps[0], clock.from_ms(chunks.hour_of(at_ms)))
        assert row is not None
        row.data = sound


def test_pieces_are_listed_and_recorded_once_the_hour_is_mended(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    town.shift(hours_ago=9)
    edge = last_edge_ms()
    put([fix(town, n, edge + n * 1000) for n in range(3)])
    work_off(Recorder())
    sound = break_hour(town, edge)
    put([fix(town, n, edge + n * 1000) for n in range(2, 6)])
    work_off(Recorder())

    status, pieces = asked(capsys, "list")
    assert status == 0
    assert len(pieces) == 4
    assert {p["rep_ids"][0] for p in pieces} == {town.reps[0]}
    assert health.report()["unreadable"] == 4

    status, told = asked(capsys, "retry")
    assert status == 1
    assert told[-1] == {"recorded": 0, "left": 4, "fixes": 0, "off_shift": 0}
    assert "BrokenChunk" in told[0]["why"]

    mend_hour(town, edge, sound)
    status, told = asked(capsys, "retry", pieces[0]["name"])
    assert status == 0
    assert told == [{"recorded": 1, "left": 0, "fixes": 0, "off_shift": 0}]
    status, told = asked(capsys, "retry")
    assert status == 0
    assert told == [{"recorded": 3, "left": 0, "fixes": 3, "off_shift": 0}]
    assert kept(town) == list(range(6))
    assert unreadable.count() == 0
    kinds = [e.kind for e in people.event_log(cli._admin(), "track.unreadable")]
    assert kinds == ["track.unreadable_recorded"] * 2


def test_pieces_of_long_ago_go_by_the_shifts_of_their_time(town: Town) -> None:
    from workers.recorder import unreadable as tool

    town.shift(hours_ago=24 * 40, length_h=8)
    town.shift(hours_ago=2)
    then = round((clock.now() - timedelta(days=39, hours=20)).timestamp() * 1000)
    unreadable.put([fix(town, 1, then)])
    unreadable.put([fix(town, 2, then + 6 * 3_600_000)])
    tried, still = tool.retry(cli._admin())
    assert (tried.recorded, tried.fixes, tried.off_shift, still) == (2, 1, 1, [])
    with reading() as session:
        assert store.fixes_stored(session, [town.reps[0]]) == 1


def test_a_fix_that_no_shift_settles_stays_aside(town: Town) -> None:
    from workers.recorder import unreadable as tool

    unreadable.put([fix(town, 1, clock.now_ms() - 1000)])
    tried, still = tool.retry(cli._admin())
    assert (tried.recorded, tried.left) == (0, 1)
    assert still[0]["why"] == "no shift settles these fixes yet"
    assert unreadable.count() == 1


def test_nonsense_is_told_and_dropped_by_name(
    town: Town, capsys: pytest.CaptureFixture[str]
) -> None:
    bus.connection().xadd(bus.FIX_STREAM, {b"b": b"\xc1"})
    bus.connection().xadd(bus.FIX_STREAM, {b"other": b""})
    work_off(Recorder())
    _, pieces = asked(capsys, "list")
    assert [p["fixes"] for p in pieces] == [0, 0]
    assert all(p["why"] for p in pieces)
    assert asked(capsys, "drop", "--yes", pieces[0]["name"]) == (0, [{"dropped": 1}])
    assert [p["name"] for p in asked(capsys, "list")[1]] == [pieces[1]["name"]]
    with pytest.raises(SystemExit, match="1"):
        cli.main(["recorder", "unreadable", "drop", "--yes", pieces[0]["name"]])
    assert unreadable.count() == 1
    assert "lies aside" in capsys.readouterr().err


def test_an_entry_that_can_be_read_by_now_is_recorded(town: Town) -> None:
    """As after an upgrade: the entry itself is sound, an older program could not read it."""
    from workers.recorder import unreadable as tool

    town.shift(hours_ago=9)
    batch = live_index.encode([fix(town, n, last_edge_ms() + n * 1000) for n in range(5)])
    unreadable.put({live_index.BATCH_FIELD: batch})
    assert tool.retry(cli._admin())[0].fixes == 5
    assert kept(town) == list(range(5))


def test_only_an_administrator_may_look(town: Town) -> None:
    with pytest.raises(RoleForbids):
        unreadable.pieces(people.actor_of(town.dispatcher))
