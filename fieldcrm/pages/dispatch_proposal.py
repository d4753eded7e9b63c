"""A proposal in words: its title, what it changes, the day as it would be, the figures side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fieldcrm.components.amounts import duration, signed_count, signed_duration
from fieldcrm.kit import i18n
from fieldcrm.pages.dispatch_day import VisitRow, day_end

WEIGHTY = ("other_rep", "added", "moved", "dropped")
"""Changes of place; the others change a time alone."""


@dataclass
class ChangeRow:
    """One visit that a proposal changes."""

    text: str
    note: str


@dataclass
class CompareRow:
    """A line of the proposal's table: before, after, and the difference with its tone."""

    label: str
    before: str
    after: str
    change: str
    tone: str


def changes_nothing(summary: dict[str, Any]) -> bool:
    """Whether applying a proposal would leave every visit where and when it is."""
    return not (summary.get("changes") or summary.get("stops_moved") or summary.get("dropped"))


def title(summary: dict[str, Any], language: str) -> str:
    """`Move 2 stops, saves 18 min`."""
    moved, saved = int(summary.get("stops_moved") or 0), int(summary.get("minutes_saved") or 0)
    told = _what(summary, moved, language)
    if not told:
        return i18n.t("proposal.nothing", language)
    if not saved:
        return told
    by = duration(60 * abs(saved), language)
    return i18n.t("proposal.saves" if saved > 0 else "proposal.costs", language, what=told, by=by)


def _what(summary: dict[str, Any], moved: int, language: str) -> str:
    dropped, told = int(summary.get("dropped") or 0), summary.get("changes") or []
    retimed = 0 if moved or dropped else sum(c["change"] not in WEIGHTY for c in told)
    added = sum(c["change"] == "added" for c in told)
    parts = (("proposal.moves", moved), ("proposal.adds", added), ("proposal.drops", dropped),
             ("proposal.retimes", retimed))  # fmt: skip
    return ", ".join(i18n.t(key, language, n=n) for key, n in parts if n)


def weighty_first(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What changes place before what only changes its time."""
    return sorted(changes, key=lambda change: change["change"] not in WEIGHTY)


def change_row(change: dict[str, Any], names: Mapping[str, str], language: str) -> ChangeRow:
    """One change as a line: what, and from where to where or why."""
    kind = change["change"]
    at = _time(change.get("at"), language)
    if kind == "other_rep":
        note = i18n.t("proposal.to_rep", language, rep=names.get(change["rep_id"], "?"), at=at)
    elif kind == "dropped":
        note = _why_dropped(change, language)
    else:
        note = f"{_time(change.get('was_at'), language)} → {at}"
    return ChangeRow(change["client_name"], note)


def _why_dropped(gone: dict[str, Any], language: str) -> str:
    key = f"planning.dropped.{gone['reason']}"
    return i18n.t(key, language, **(gone.get("params") or {}))


def _time(iso: str | None, language: str) -> str:
    return i18n.time_of_day(datetime.fromisoformat(iso), language) if iso else "—"


# ── the figures side by side ─────────────────────────────────────────────────────────────────────


def compare(
    before: dict[str, Any], after: dict[str, Any], names: Mapping[str, str], language: str
) -> list[CompareRow]:
    """Way and end of each rep's day, and late arrivals of all; several reps are named."""
    reps = [rep_id for rep_id in after if rep_id in before]
    named = {rep: names.get(rep, "") if len(reps) > 1 else "" for rep in reps}
    rows = [_driving(before[rep], after[rep], named[rep], language) for rep in reps]
    rows += [row for rep in reps if (row := _ends(before[rep], after[rep], named[rep], language))]
    return [*rows, _late(before.values(), after.values(), language)]


def side_end(side: dict[str, Any]) -> datetime | None:
    """When a rep's day ends on one side of a proposal."""
    return day_end(datetime.fromisoformat(stop["leave_at"]) for stop in side.get("stops") or [])


def _driving(was: dict[str, Any], is_now: dict[str, Any], name: str, language: str) -> CompareRow:
    before, after = int(was.get("drive_s") or 0), int(is_now.get("drive_s") or 0)
    by = _whole(after) - _whole(before)
    return CompareRow(_label("proposal.driving", name, language), duration(before, language),
                      duration(after, language), signed_duration(by, language), _tone(by))  # fmt: skip


def _ends(
    was: dict[str, Any], is_now: dict[str, Any], name: str, language: str
) -> CompareRow | None:
    before, after = side_end(was), side_end(is_now)
    if not before and not after:
        return None
    by = (_minute(after) - _minute(before)).total_seconds() if before and after else 0.0
    told = [i18n.time_of_day(at, language) if at else "—" for at in (before, after)]
    change = signed_duration(by, language) if before and after else ""
    return CompareRow(_label("proposal.ends", name, language), told[0], told[1], change, _tone(by))


def _late(
    was: Iterable[dict[str, Any]], is_now: Iterable[dict[str, Any]], language: str
) -> CompareRow:
    before, after = (sum(int(day.get("late") or 0) for day in side) for side in (was, is_now))
    return CompareRow(i18n.t("proposal.late", language), str(before), str(after),
                      signed_count(after - before), _tone(after - before))  # fmt: skip


def _label(key: str, name: str, language: str) -> str:
    told = i18n.t(key, language)
    return f"{told} · {name}" if name else told


def _whole(seconds: float) -> int:
    """Seconds of the minutes that are shown."""
    return round(seconds / 60) * 60


def _minute(moment: datetime) -> datetime:
    """The minute that is shown, so that a difference is that of the shown figures."""
    return moment.replace(second=0, microsecond=0)


def _tone(change: float) -> str:
    return "good" if change < 0 else "late" if change > 0 else "faint"


# ── the day as it would be ───────────────────────────────────────────────────────────────────────


def proposed_day(
    day: list[VisitRow], after: dict[str, Any], moved: set[str], language: str
) -> list[VisitRow]:
    """The day in the proposed order: what is done stays, moved stops say where they were, what is
    left out stands last."""
    known = {row.id: row for row in day}
    stops = after.get("stops") or []
    named = {stop["visit_id"] for stop in stops}
    left_out = {gone["visit_id"]: gone for gone in after.get("dropped") or []}
    kept = [row for row in day if row.id not in named | left_out.keys() and not row.can_move]
    made = [replace(row, order=n, label=str(n)) for n, row in enumerate(kept, 1)]
    for n, stop in enumerate(stops, len(kept) + 1):
        is_moved = stop["visit_id"] in moved
        made.append(_proposed_row(known.get(stop["visit_id"]), stop, n, is_moved, language))
    gone = [_left_out(row, left_out[row.id], language) for row in day if row.id in left_out]
    return made + gone


def _left_out(row: VisitRow, gone: dict[str, Any], language: str) -> VisitRow:
    return replace(row, kind="missed", label="–", first="—", late="", there="", sub=_why_dropped(gone, language),
                   can_move=False, is_expected=False, ribbon="rb p missed")  # fmt: skip


def _proposed_row(
    row: VisitRow | None, stop: dict[str, Any], n: int, is_moved: bool, language: str
) -> VisitRow:
    begins = _time(stop["start_at"], language)
    if row is None:  # comes from another rep: all that is known is in the proposal
        return VisitRow(
            id=stop["visit_id"], label=str(n), order=n, kind="moved", title=stop["client_name"],
            sub=i18n.t("proposal.comes", language), category="", glyph="doctor", plan="—",
            first=begins, second="", is_expected=True, there="", is_unmarked=False, late="", verdict="", verdict_word="",
            is_locked=False, can_move=False, lat=None, lng=None, left=-10, width=0,
            ribbon="rb p moved",
        )  # fmt: skip
    return replace(
        row, label=str(n), order=n, first=begins, late="", can_move=False,
        kind="moved" if is_moved else row.kind, ribbon="rb p moved" if is_moved else row.ribbon,
        sub=i18n.t("proposal.was", language, n=row.order) if is_moved else row.sub,
        there="" if is_moved else row.there,
    )  # fmt: skip
