"""A proposal in words: nothing better is said as such, and each figure names whose it is."""

from __future__ import annotations

from datetime import UTC, datetime

from fieldcrm.pages import dispatch_proposal as words
from fieldcrm.pages.dispatch_day import day_end

NAMES = {"a": "Anna K.", "b": "Boris L."}


def side(drive_s: int, *leaves: str, late: int = 0) -> dict:
    stops = [{"visit_id": leave, "leave_at": f"2026-09-21T{leave}:00+00:00"} for leave in leaves]
    return {"drive_s": drive_s, "late": late, "stops": stops}


def test_a_proposal_without_changes_changes_nothing() -> None:
    assert words.changes_nothing({"stops_moved": 0, "dropped": 0, "changes": []})
    assert words.title({"stops_moved": 0, "changes": []}, "en") == "Nothing better found"


def test_new_times_alone_are_a_change() -> None:
    summary = {"stops_moved": 0, "dropped": 0, "changes": [{"change": "earlier"}]}
    assert not words.changes_nothing(summary)
    assert words.title(summary, "en") == "New time for 1 stop"


def test_figures_of_two_reps_name_them() -> None:
    before = {"a": side(3600, "15:00", late=1), "b": side(1800, "14:00")}
    after = {"a": side(3000, "14:30"), "b": side(2400, "14:45")}
    found = [(row.label, row.before, row.after, row.change, row.tone)
             for row in words.compare(before, after, NAMES, "en")]  # fmt: skip
    assert found[0] == ("On the way · Anna K.", "1 h 00 min", "50 min", "−10 min", "good")
    assert found[1] == ("On the way · Boris L.", "30 min", "40 min", "+10 min", "late")
    assert [row[0] for row in found[2:4]] == ["Day ends · Anna K.", "Day ends · Boris L."]
    assert found[2][3:] == ("−30 min", "good")
    assert found[4] == ("Late arrivals", "1", "0", "−1", "good")


def test_figures_of_one_rep_do_not() -> None:
    found = words.compare({"a": side(60, "15:00")}, {"a": side(60, "15:00")}, NAMES, "en")
    assert [row.label for row in found] == ["On the way", "Day ends", "Late arrivals"]
    assert {row.change for row in found} == {"0"}


def test_a_day_ends_when_its_last_visit_is_left() -> None:
    late, early = (datetime(2026, 9, 21, hour, tzinfo=UTC) for hour in (16, 9))
    assert day_end([early, None, late]) == late
    assert day_end([None]) is None
    assert words.side_end(side(0)) is None
