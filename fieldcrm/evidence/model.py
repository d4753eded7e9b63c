"""What a visit's evidence is made of: the claim, the track, reasons, a verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class VerdictName(StrEnum):
    """What the evidence says of a closed visit; unjudged is the absence of one."""

    confirmed = "confirmed"
    doubtful = "doubtful"
    contradicted = "contradicted"


@dataclass(frozen=True)
class Claim:
    """Where the phone said it was when a button was pressed; None where it had no position."""

    lat: float | None = None
    lng: float | None = None
    accuracy_m: float | None = None
    is_mock: bool | None = None
    is_fresh: bool = False


@dataclass(frozen=True)
class Photo:
    """A photo named by the visit."""

    sha256: str
    is_stored: bool
    repeated_in: str | None = None
    """Another visit that names the very same file."""


@dataclass(frozen=True)
class Sibling:
    """Another closed visit of the same rep and day: its place and where it was reported from."""

    visit_id: str
    lat: float | None
    lng: float | None
    claim: Claim


@dataclass(frozen=True)
class VisitFacts:
    """All that is told of a closed visit; times in epoch ms by the phone's corrected clock."""

    visit_id: str
    lat: float | None
    """The place; None when nobody knows where it is."""
    lng: float | None
    checked_in_ms: int
    closed_ms: int
    check_in: Claim
    check_out: Claim
    mode: str = "car"
    offset_ms: int = 0
    """How wrong the phone's clock was."""
    clock_doubt_ms: int = 0
    """How far the corrected times may still be wrong: the clock was turned in between."""
    photos: tuple[Photo, ...] = ()
    siblings: tuple[Sibling, ...] = ()
    shift_ended_ms: int | None = None
    """End of the shift the visit lies in, once known."""


@dataclass(frozen=True)
class Reason:
    """One thing that speaks for or against; its text is `evidence.<code>` filled with params."""

    code: str
    weight: float
    """Log-odds: positive for, negative against, 0 tells and doesn't count."""
    params: dict[str, Any] = field(default_factory=dict)
    forbids_confirming: bool = False

    @property
    def is_for(self) -> bool:
        return self.weight > 0


@dataclass(frozen=True)
class Judgement:
    """A verdict with its reasons (the weightiest first) and the figures it rests on."""

    verdict: VerdictName
    score: float
    """Weight for 'it took place as told', 0 to 1."""
    reasons: tuple[Reason, ...]
    figures: dict[str, Any]
