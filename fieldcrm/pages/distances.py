"""Distances in the reader's words."""

from __future__ import annotations

from fieldcrm.kit import i18n


def distance(metres: float, language: str) -> str:
    """`35 m` or `1.2 km`."""
    if round(metres) < 1000:
        return f"{i18n.number(round(metres), language, 0)}\u00a0{i18n.t('dispatch.m', language)}"
    return f"{i18n.number(metres / 1000, language, 1)}\u00a0{i18n.t('correct.km', language)}"
