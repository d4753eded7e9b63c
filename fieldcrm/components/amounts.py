"""Durations and differences as people read them, in a language."""

from __future__ import annotations

from fieldcrm.kit import i18n


def duration(seconds: float, language: str) -> str:
    """`54 min` or `1 h 12 min`."""
    minutes = round(seconds / 60)
    if minutes < 60:
        return i18n.t("dispatch.minutes", language, n=minutes)
    return i18n.t("dispatch.hours", language, h=minutes // 60, m=f"{minutes % 60:02}")


def signed_duration(seconds: float, language: str) -> str:
    """A difference in minutes with its sign; `0` when there is none."""
    minutes = round(seconds / 60)
    if not minutes:
        return "0"
    return f"{'−' if minutes < 0 else '+'}{duration(abs(seconds), language)}"


def signed_count(change: int) -> str:
    """A difference of a count with its sign."""
    return f"−{-change}" if change < 0 else f"+{change}" if change else "0"
