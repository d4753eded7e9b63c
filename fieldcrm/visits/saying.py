"""What came of a visit, in words."""

from __future__ import annotations

from fieldcrm.kit import i18n
from fieldcrm.visits.tables import Visit

_CHOSEN = ("client_asked", "not_there", "running_late", "far", "client_refused", "place_closed",
           "wrong_address", "ill", "other", "already_there")  # fmt: skip
"""What a rep picks, or his phone says for him; their words stand among the phone's."""
_GIVEN = ("cycle_plan",)
"""What a plan says."""
REASONS = {word: f"phone.reason.{word}" for word in _CHOSEN} | {
    word: f"visits.reason.{word}" for word in _GIVEN
}
"""Reasons that are told by a word of ours, with its key; any other text is somebody's own."""


def outcome_text(visit: Visit, language: str) -> str:
    """Its result, or why it was moved or given up; nothing while neither is known."""
    if visit.result:
        return i18n.t(f"report.result.{visit.result}", language)
    return reason_text(visit.reason or "", language)


def reason_text(reason: str, language: str) -> str:
    """A reason that was chosen in the reader's language; one in somebody's own words as it is."""
    key = REASONS.get(reason)
    return i18n.t(key, language) if key else reason
