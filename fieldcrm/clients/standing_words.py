"""Evidence and consent in the reader's words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from fieldcrm.clients import standing
from fieldcrm.kit import i18n


def said(told: Mapping[str, Any], language: str) -> str:
    """`given · 4 May 2026 · at a visit · signed the form`, of a consent or of evidence."""
    state = told.get("state", "")
    words = i18n.t(f"consent.state.{state}", language) if state else ""
    kind = "consent" if state else "evidence"
    day = i18n.day(date.fromisoformat(told["on"]), language, "d MMM y") if told["on"] else ""
    source = i18n.t(f"{kind}.source.{told['source']}", language)
    return " · ".join(t for t in (words, day, source, told["text"]) if t)


def loyalty_word(value: str | None, language: str) -> str:
    """Loyalty is free text; the usual grades are said in the reader's language."""
    key = f"phone.loyalty.{(value or '').lower()}"
    return i18n.t(key, language) if value and i18n.has(key) else value or ""


def consents(client: Any, language: str) -> list[tuple[str, str]]:
    """(channel, what is known of it) of the channels that somebody asked about."""
    return [
        (i18n.t(f"consent.channel.{c}", language), said(client.consents[c], language))
        for c in standing.CHANNELS
        if c in client.consents
    ]


def warning(client: Any, language: str) -> str:
    """`Consent withdrawn: e-mail, messages`; empty where nothing was withdrawn."""
    gone = _named(client, "withdrawn", language)
    return i18n.t("consent.withdrawn", language, channels=gone) if gone else ""


def short(client: Any, language: str) -> str:
    """`withdrawn: e-mail · visits, calls`: what was taken back, then what is allowed, for a cell of a list."""
    gone, given = (_named(client, state, language) for state in ("withdrawn", "given"))
    word = i18n.t("consent.state.withdrawn", language)
    return " · ".join(t for t in (f"{word}: {gone}" if gone else "", given) if t)


def _named(client: Any, state: str, language: str) -> str:
    channels = standing.of_state(client.consents, state)
    return ", ".join(i18n.t(f"consent.by.{c}", language) for c in channels)
