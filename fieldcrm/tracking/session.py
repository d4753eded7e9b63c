"""The conversation with a phone or a desk without any socket: messages in, events and texts out.

A shell (workers.gateway) feeds what it reads and writes what it gets; nothing here waits, reads a
clock or touches Valkey. The messages are specified in docs/protocol.md.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from fieldcrm.tracking.model import Decoded, Outcome, RawFix
from fieldcrm.tracking.protocols.values import flag, measure, percent

_LATEST_MS = 253_402_300_799_000  # the year 9999
_CLOCK_LATEST = 10**14
SINGLY_USUAL, SINGLY_MOST = 500, 20_000
MOST_FIXES = 2_000
"""Fixes in one message of a phone."""


class Batch(Decoded, kw_only=True, gc=False):
    """Fixes to judge and to put on disk, then to acknowledge under `number`."""

    number: int
    phone_now_ms: int | None = None


class Hello(msgspec.Struct):
    """Who the phone says it is."""

    device_id: str
    app: str
    mode: str
    phone_now_ms: int | None


class Status(msgspec.Struct):
    """Whether the phone tracks, and what stands in its way."""

    tracking: str
    """on, paused or off."""
    permission: str
    """granted, denied, prompt or unknown."""
    battery_pct: float | None


class View(msgspec.Struct):
    """What part of the map a desk looks at (degrees, and MapLibre's zoom), and how it likes it."""

    south: float
    west: float
    north: float
    east: float
    zoom: float
    singly: int = SINGLY_USUAL
    """More reps than this in view are to come as counts by cell."""
    moves: bool = False
    """Whether it reads frames of moves."""


class Resync(msgspec.Struct):
    """A desk lost count: it wants everything in view again."""


class Bye(msgspec.Struct):
    """Close the connection with a WebSocket code."""

    code: int
    reason: str


PhoneEvent = Batch | Hello | Status | Bye
DeskEvent = View | Resync | Bye
UNSUPPORTED, POLICY, TOO_BIG, TRY_LATER = 1003, 1008, 1009, 1013


class _Fixes(msgspec.Struct, tag_field="t", tag="fixes"):
    n: int
    fixes: list[msgspec.Raw]
    now_ms: float | None = None


class _Fix(msgspec.Struct):
    at: Annotated[float, msgspec.Meta(ge=0, lt=_LATEST_MS)]
    lat: float
    lng: float
    s: Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)] | None = None
    acc: float | None = None
    spd: float | None = None
    crs: float | None = None
    bat: float | None = None
    chg: bool | None = None
    mock: bool | None = None


class _LooseFix(msgspec.Struct):
    """The same with any nonsense in what may be missing: only that is lost then."""

    at: Annotated[float, msgspec.Meta(ge=0, lt=_LATEST_MS)]
    lat: float
    lng: float
    s: Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)] | None = None
    acc: Any = None
    spd: Any = None
    crs: Any = None
    bat: Any = None
    chg: Any = None
    mock: Any = None


class _Hello(msgspec.Struct, tag_field="t", tag="hello"):
    device_id: str
    app: str = ""
    now_ms: float | None = None
    mode: str = "web"


class _Status(msgspec.Struct, tag_field="t", tag="status"):
    tracking: Literal["on", "paused", "off"] = "on"
    permission: str = "unknown"
    battery: float | None = None


class _View(msgspec.Struct, tag_field="t", tag="view"):
    bbox: tuple[float, float, float, float]
    zoom: float = 12.0
    singly: Annotated[int, msgspec.Meta(ge=1, le=SINGLY_MOST)] = SINGLY_USUAL
    moves: bool = False


class _Resync(msgspec.Struct, tag_field="t", tag="resync"):
    pass


class _UsualFix(
    RawFix, kw_only=True, gc=False,
    rename={"at_ms": "at", "seq": "s", "accuracy_m": "acc", "speed_mps": "spd", "course_deg": "crs",
            "battery_pct": "bat", "is_charging": "chg", "is_mock": "mock", "is_poor": " "},
):  # fmt: skip
    """A fix as nearly every phone writes it: nothing in it needs to be put right."""

    at_ms: Annotated[int, msgspec.Meta(ge=0, lt=_LATEST_MS)]  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    lat: float  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    lng: float  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    seq: Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)] | None = None
    accuracy_m: Annotated[float, msgspec.Meta(ge=0)] | None = None
    speed_mps: Annotated[float, msgspec.Meta(ge=0)] | None = None
    course_deg: Annotated[float, msgspec.Meta(ge=0)] | None = None
    battery_pct: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    is_charging: bool | None = None
    is_mock: bool | None = None
    is_poor: bool = False
    """Not a phone's to say; its name is one that no phone sends."""


class _UsualBatch(
    Batch, kw_only=True, gc=False, tag_field="t", tag="fixes",
    rename={"number": "n", "phone_now_ms": "now_ms", "malformed": " "},
):  # fmt: skip
    """A message that holds only such fixes is decoded in one go."""

    fixes: Annotated[list[_UsualFix], msgspec.Meta(max_length=MOST_FIXES)]  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
    malformed: Literal[0] = 0  # pyright: ignore[reportIncompatibleVariableOverride]
    """Not a phone's to say; its name is one that no phone sends."""
    number: int
    phone_now_ms: Annotated[int, msgspec.Meta(gt=0, lt=_CLOCK_LATEST)] | None = None


_usual = msgspec.json.Decoder(_UsualBatch)
_from_phone = msgspec.json.Decoder(_Fixes | _Hello | _Status)
_from_desk = msgspec.json.Decoder(_View | _Resync)


class PhoneSession:
    """One phone's side of /ws/phone; `device_id` is fixed where a token named the device."""

    __slots__ = ("_token_device", "device_id")

    def __init__(self, device_id: str | None = None) -> None:
        self.device_id = device_id
        self._token_device = device_id

    def usual(self, message: str | bytes) -> Batch | None:
        """What nearly every message is: fixes without any fault; None for `receive` to read it."""
        if self.device_id is None:
            return None
        try:
            return _usual.decode(message)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None

    def receive(self, message: str | bytes) -> list[PhoneEvent]:
        """What a message asks for; a message that can't be read ends the connection."""
        if (usual := self.usual(message)) is not None:
            return [usual]
        try:
            said = _from_phone.decode(message)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return [Bye(UNSUPPORTED, f"unreadable: {error}"[:100])]
        if isinstance(said, _Hello):
            return self._greet(said)
        if isinstance(said, _Status):
            return [Status(said.tracking, said.permission[:20], percent(said.battery))]
        return self._fixes(said)

    def _greet(self, said: _Hello) -> list[PhoneEvent]:
        if not 0 < len(said.device_id) <= 64:
            return [Bye(POLICY, "device_id")]
        self.device_id = self._token_device or said.device_id
        return [Hello(self.device_id, said.app[:40], said.mode[:20], _clock(said.now_ms))]

    def _fixes(self, said: _Fixes) -> list[PhoneEvent]:
        if self.device_id is None:
            return [Bye(POLICY, "hello first")]
        if len(said.fixes) > MOST_FIXES:
            return [Bye(TOO_BIG, f"at most {MOST_FIXES} fixes in a message")]
        read = [read_fix(one) for one in said.fixes]
        good = [fix for fix in read if fix is not None]
        return [
            Batch(
                good, len(read) - len(good), number=said.n, phone_now_ms=_clock(said.now_ms)
            )
        ]  # fmt: skip


_fix = msgspec.json.Decoder(_Fix)
_loose_fix = msgspec.json.Decoder(_LooseFix)


def read_fix(one: bytes | msgspec.Raw) -> RawFix | None:
    """One fix of our own protocol; None when it is none."""
    try:
        told = _fix.decode(one)
    except msgspec.ValidationError:
        return _read_loosely(one)
    return RawFix(
        int(told.at), told.lat, told.lng, told.s, _positive(told.acc), _positive(told.spd),
        _positive(told.crs), percent(told.bat), told.chg, told.mock,
    )  # fmt: skip


def _read_loosely(one: bytes | msgspec.Raw) -> RawFix | None:
    try:
        told = _loose_fix.decode(one)
    except msgspec.ValidationError:
        return None
    return RawFix(
        int(told.at), told.lat, told.lng, told.s, measure(told.acc), measure(told.spd),
        measure(told.crs), percent(told.bat), flag(told.chg), flag(told.mock),
    )  # fmt: skip


def _positive(value: float | None) -> float | None:
    return None if value is None or value < 0 else value


def _clock(now_ms: float | None) -> int | None:
    return int(now_ms) if now_ms is not None and 0 < now_ms < _CLOCK_LATEST else None


def hello(now_ms: int) -> bytes:
    """The server's greeting with its time."""
    return b'{"t":"hello","now_ms":%d}' % now_ms


_encode = msgspec.json.encode


def ack(batch_number: int, outcome: Outcome) -> bytes:
    """Everything of a batch that will ever be stored is on disk."""
    if not outcome.rejected:
        return b'{"t":"ack","n":%d,"accepted":%d,"rejected":{}}' % (batch_number, outcome.accepted)
    return _encode(
        {"t": "ack", "n": batch_number, "accepted": outcome.accepted, "rejected": outcome.rejected}
    )


class DeskSession:
    """One desk's side of /ws/desk."""

    def receive(self, message: str | bytes) -> list[DeskEvent]:
        """What a message asks for."""
        try:
            said = _from_desk.decode(message)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return [Bye(UNSUPPORTED, f"unreadable: {error}"[:100])]
        if isinstance(said, _Resync):
            return [Resync()]
        south, west, north, east = said.bbox
        if not (-90 <= south <= north <= 90 and -540 <= west <= 540 and -540 <= east <= 540):
            return [Bye(POLICY, "bbox")]
        return [View(south, west, north, east, said.zoom, said.singly, said.moves)]
