"""Decisions of tracking: was it a shift, what does the rep do now. Values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from fieldcrm.tracking.model import RepState, Span

LONGEST_SHIFT_MS = 16 * 3_600_000
"""A shift that nobody ended counts as over after this long: somebody forgot."""
CLOCK_SLACK = timedelta(minutes=2)
"""How far ahead of the server a phone's corrected time may be."""
SILENT_AFTER_S = 420
"""Longer than the heartbeat (300 s) of a tracker that stands still."""
IDLE_AFTER_S = 180
LONG_VISIT_MS = 3_600_000
"""After an hour a silent phone in a visit is silent: its close may wait in an outbox."""
HELD_DAYS = 7
BATTERY_DYING_PCT = 8


class Duty(StrEnum):
    """Whether a moment was working time, as far as is known."""

    on = "on"
    paused = "paused"
    off = "off"
    unknown = "unknown"
    """Nothing said yet: the phone's outbox may still hold the start of a shift."""


def span_of(
    shift_id: str, started_at: datetime, ended_at: datetime | None, pauses: Iterable[dict[str, str]]
) -> Span:
    """A shift's row as a span in epoch ms."""
    return Span(
        shift_id, _ms(started_at), None if ended_at is None else _ms(ended_at),
        tuple((_ms_of(p["from"]), _ms_of(p["to"]) if p.get("to") else None) for p in pauses),
    )  # fmt: skip


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _ms_of(iso: str) -> int:
    return _ms(datetime.fromisoformat(iso))


def forgotten_end(started_at: datetime) -> datetime:
    """When a shift that nobody ends counts as over."""
    return started_at + timedelta(milliseconds=LONGEST_SHIFT_MS)


def last_moment(span: Span) -> int:
    """When a shift ended or, being open, will count as forgotten; epoch ms."""
    return span.end_ms if span.end_ms is not None else span.start_ms + LONGEST_SHIFT_MS


def duty_at(spans: Sequence[Span], at_ms: int) -> Duty:
    """What is known of a moment, from a rep's shifts of the last days in any order.

    A phone sends its shifts in order. So a moment before the start of a known shift is settled,
    and one after the last known end is not: the next shift may still be in the phone's outbox.
    Nor is one in a pause without an end: the way on may be told after the first fixes of it.
    """
    settled = False
    for span in spans:
        if span.start_ms <= at_ms <= last_moment(span):
            return _duty_within(span, at_ms)
        settled = settled or span.start_ms > at_ms
    return Duty.off if settled else Duty.unknown


def is_on_last(spans: Sequence[Span], at_ms: int) -> bool:
    """Whether a moment lies in the last shift, which has no pause: nearly every fix's does."""
    if not spans:
        return False
    last = spans[-1]
    return (
        last.start_ms <= at_ms and not last.pauses
        and at_ms <= (last.start_ms + LONGEST_SHIFT_MS if last.end_ms is None else last.end_ms)
    )  # fmt: skip


def is_all_on(spans: Sequence[Span], from_ms: int, to_ms: int) -> bool:
    """Whether one shift without a pause covers all that time, so that nobody need ask more."""
    for span in reversed(spans):  # the last one is nearly always it
        if span.start_ms <= from_ms:
            return to_ms <= last_moment(span) and not span.pauses
    return False


def _duty_within(span: Span, at_ms: int) -> Duty:
    pause = _pause_at(span, at_ms)
    if pause is None:
        return Duty.on
    return Duty.unknown if pause[1] is None else Duty.paused


def _pause_at(span: Span, at_ms: int) -> tuple[int, int | None] | None:
    return next((p for p in span.pauses if p[0] <= at_ms and (p[1] is None or at_ms < p[1])), None)


def is_in_pause(spans: Sequence[Span], at_ms: int) -> bool:
    """Whether a rep has said that he pauses."""
    return any(
        span.start_ms <= at_ms <= last_moment(span) and _pause_at(span, at_ms) is not None
        for span in spans
    )


def current_span(spans: Sequence[Span], now_ms: int) -> Span | None:
    """The shift a rep is in now."""
    for span in spans:
        if span.start_ms <= now_ms < last_moment(span):
            return span
    return None


def rep_state(
    now_ms: int, spans: Sequence[Span], *, fix_at_ms: int | None, still_since_ms: int | None,
    visit_since_ms: int | None, tracking_paused_ms: int | None = None,
    heard_at_ms: int | None = None,
) -> tuple[RepState, int | None]:  # fmt: skip
    """What a rep does now and since when (epoch ms, None where unknown).

    `fix_at_ms` is the newest fix, `still_since_ms` when he came to where he still is,
    `visit_since_ms` the start of a visit under way, `tracking_paused_ms` when his phone said that
    it paused tracking, `heard_at_ms` a tracker's last heartbeat. Desk pages
    and gateway both ask here, so they show the same.
    """
    span = current_span(spans, now_ms)
    if span is None:
        ends = [last_moment(s) for s in spans if last_moment(s) <= now_ms]
        return RepState.off_shift, max(ends, default=None)
    pause = next((a for a, b in span.pauses if a <= now_ms and (b is None or now_ms < b)), None)
    if pause is not None:
        return RepState.paused, pause
    heard = max(span.start_ms, fix_at_ms or 0, heard_at_ms or 0)
    is_silent = now_ms - heard > SILENT_AFTER_S * 1000
    if visit_since_ms is not None and not (is_silent and now_ms - visit_since_ms > LONG_VISIT_MS):
        return RepState.in_visit, visit_since_ms
    if tracking_paused_ms is not None:
        return RepState.paused, tracking_paused_ms
    if is_silent:
        return RepState.silent, heard
    if fix_at_ms is None or fix_at_ms < span.start_ms:
        return RepState.idle, span.start_ms
    if still_since_ms is not None and now_ms - still_since_ms >= IDLE_AFTER_S * 1000:
        return RepState.idle, max(still_since_ms, span.start_ms)
    return RepState.moving, None


def tracking_paused_since(
    tracking: str | None, since_ms: int | None, fix_at_ms: int | None
) -> int | None:
    """Since when a phone has said that it does not track; a newer fix proves otherwise."""
    if tracking not in ("paused", "off") or since_ms is None:
        return None
    return since_ms if fix_at_ms is None or fix_at_ms <= since_ms else None


def cause_of(
    state: RepState, *, battery_pct: float | None, is_charging: bool | None,
    permission: str | None, tracking: str | None, mode: str | None,
) -> str | None:  # fmt: skip
    """The likely reason why a rep is silent or paused, as a word under `tracking.cause.`."""
    if state not in (RepState.silent, RepState.paused):
        return None
    if permission == "denied":
        return "permission"
    if state is RepState.paused or tracking in ("paused", "off"):
        return "paused"
    if battery_pct is not None and battery_pct <= BATTERY_DYING_PCT and not is_charging:
        return "battery"
    return "screen" if mode == "web" else "network"
