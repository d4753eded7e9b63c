"""What the live plane speaks of: fixes, doubts, a rep's state, stops; and what can be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntFlag, StrEnum
from typing import Any

import msgspec

from fieldcrm.kit.errors import Conflict, Invalid, NotFound


class Doubt(IntFlag):
    """Why a kept fix deserves less trust; bits of `Fix.doubts`."""

    none = 0
    mock = 1
    """The phone says that an app invented the position."""
    teleport = 2
    """Too far from the fix before it for the time between."""
    speed = 4
    """The phone reports a speed no rep travels at."""
    accuracy = 8
    """The phone says it knows the place to 100 m at best."""
    frozen = 16
    """The very same coordinates over and over while time goes on."""
    clock = 32
    """The phone's clock was wrong; `fix_at_ms` is corrected."""
    late = 64
    """Arrived more than five minutes after it was taken."""


class Reason(StrEnum):
    """Why a fix was not recorded (or, for `held`, not yet)."""

    malformed = "malformed"
    impossible = "impossible"
    ancient = "ancient"
    future = "future"
    duplicate = "duplicate"
    off_shift = "off_shift"
    paused = "paused"
    held = "held"
    """Waits unseen until the phone's outbox says whether its rep was on shift."""
    too_many = "too_many"


class RepState(StrEnum):
    """What a rep does now, as the desk shows it."""

    moving = "moving"
    in_visit = "in_visit"
    idle = "idle"
    silent = "silent"
    paused = "paused"
    off_shift = "off_shift"


class AlertKind(StrEnum):
    late = "late"
    silent = "silent"
    far_from_plan = "far_from_plan"
    battery_low = "battery_low"
    mock = "mock"
    clock_wrong = "clock_wrong"
    long_stop = "long_stop"
    area_entered = "area_entered"
    area_left = "area_left"
    replan_asked = "replan_asked"


AREA_KINDS = frozenset({AlertKind.area_entered, AlertKind.area_left})
MOMENT_KINDS = AREA_KINDS | {AlertKind.replan_asked}
"""Moments, not states: nothing ends them but somebody's look, or time."""


class Fix(msgspec.Struct, array_like=True, gc=False):
    """One position of a rep as judged; times in epoch ms, degrees WGS84, None is unknown."""

    rep_id: str
    device_id: str
    seq: int | None
    """The device's own number of this fix; None where its protocol has none."""
    fix_at_ms: int
    """When the position was true: the device's time corrected by its clock offset."""
    device_at_ms: int
    """The same moment as the device's own clock told it."""
    server_at_ms: int
    """When it came in."""
    lat: float
    lng: float
    accuracy_m: float | None = None
    speed_mps: float | None = None
    course_deg: float | None = None
    battery_pct: float | None = None
    is_charging: bool | None = None
    is_mock: bool | None = None
    source: str = "web"
    """web, osmand, owntracks, overland, gpslogger, sample."""
    doubts: int = 0
    """Bits of Doubt."""

    @property
    def key(self) -> tuple[str, int | None, int]:
        """What makes it the same fix: (device, seq), or (device, its time) without a seq."""
        return (self.device_id, self.seq, self.device_at_ms if self.seq is None else 0)


@dataclass(frozen=True, slots=True)
class Span:
    """A shift as the pipeline and the state rule need it; epoch ms, None is still open."""

    shift_id: str
    start_ms: int
    end_ms: int | None
    pauses: tuple[tuple[int, int | None], ...] = ()


@dataclass(frozen=True)
class Stop:
    """A place where a rep stayed: jitter while parked is one stop."""

    lat: float
    lng: float
    from_ms: int
    to_ms: int
    fixes: int


@dataclass(frozen=True)
class LiveRep:
    """A rep on the live map; `age_s` counts from the last fix, None fields are unknown."""

    rep_id: str
    name: str
    team_id: str | None
    state: RepState
    since_ms: int | None
    lat: float | None
    lng: float | None
    accuracy_m: float | None
    speed_mps: float | None
    course_deg: float | None
    battery_pct: float | None
    fix_at_ms: int | None
    age_s: int | None
    source: str | None
    is_mock: bool | None
    doubts: int
    cause: str | None
    """For a silent or paused rep the likely cause (catalogue key `tracking.cause.<word>`)."""
    clock_offset_ms: int = 0
    is_charging: bool | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """What the state rule needs of a rep beside his fixes."""

    rep_id: str
    name: str
    team_id: str | None
    spans: tuple[Span, ...] = ()
    """Shifts of the last days, in order."""
    visit_since_ms: int | None = None
    """Start of a visit under way."""


@dataclass(frozen=True)
class AlertView:
    """An open alert as a desk shows it."""

    id: str
    rep_id: str
    rep_name: str
    team_id: str
    kind: AlertKind
    at: datetime
    data: dict[str, Any]
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    snoozed_until: datetime | None


class UnknownShift(NotFound):
    """No such shift, or somebody else's."""

    code = "unknown_shift"


class ShiftOver(Conflict):
    """The shift has ended already."""

    code = "shift_over"


class ShiftTime(Invalid):
    """A shift can't end before it starts, nor start in the future."""

    code = "shift_time"


class BadPolicy(Invalid):
    """Days to keep tracks, or quiet hours, that make no sense; `field` says which."""

    code = "bad_policy"


@dataclass(frozen=True)
class Silence:
    """An alert that nothing is heard of a rep in his shift."""

    alert_id: str
    rep_id: str
    minutes: int
    """For how long."""
    cause: str
    """The likely one, a catalogue key."""
    is_over: bool


class UnknownAlert(NotFound):
    """No such alert, or another team's."""

    code = "unknown_alert"


class BrokenChunk(Exception):
    """A stored chunk that doesn't decode: a bug or a damaged disk, never an input error."""


class RawFix(msgspec.Struct, gc=False):
    """What a phone told, in our units and otherwise as it came; None is unknown."""

    at_ms: int | None = None
    """By the device's clock; None where it gave no time: the server's counts then."""
    lat: float | None = None
    lng: float | None = None
    """Without a position it is a heartbeat: the phone lives."""
    seq: int | None = None
    accuracy_m: float | None = None
    speed_mps: float | None = None
    course_deg: float | None = None
    battery_pct: float | None = None
    is_charging: bool | None = None
    is_mock: bool | None = None
    is_poor: bool = False
    """The phone itself says that the position is not a valid one."""


class Decoded(msgspec.Struct, gc=False):
    """A message's fixes, and how many parts of it were no fix at all."""

    fixes: list[RawFix]
    malformed: int = 0


class Unreadable(Exception):
    """A whole message that can't be read; its text says why."""


class Outcome(msgspec.Struct):
    """What became of a message's fixes: recorded or held, and the rest by reason."""

    accepted: int = 0
    rejected: dict[str, int] = {}

    def reject(self, reason: Reason, count: int = 1) -> None:
        """Count fixes that are not recorded."""
        self.rejected[reason.value] = self.rejected.get(reason.value, 0) + count
