"""What came of a visit, in words."""

from __future__ import annotations

from fieldcrm.kit import i18n
from fieldcrm.visits.tables import Visit

REASON_WORDS = ("phone.reason.", "visits.reason.")
"""Where the words of reasons stand that are chosen (by a rep) or given (by a plan)."""


def outcome_text(visit: Visit, language: str) -> str:
    """Its result, or why it was moved or given up; nothing while neither is known."""
    if visit.result:
        return i18n.t(f"report.result.{visit.result}", language)
    return reason_text(visit.reason or "", language)


def reason_text(reason: str, language: str) -> str:
    """A reason that was chosen in the reader's language; one in somebody's own words as it is."""
    keys = (start + reason for start in REASON_WORDS)
    return next((i18n.t(key, language) for key in keys if i18n.has(key)), reason)
