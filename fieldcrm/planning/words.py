"""A plan's reasons and changes in a person's language, for desks; the phone words them itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fieldcrm.kit import i18n


def why(reason: dict[str, Any] | None, language: str, on_foot: bool = False) -> list[str]:
    """Lines that say why a visit stands where it does, or why it was left out.

    `reason` is `Visit.plan_reason` (or a stop's); `on_foot`: its way is walked for want of a route.
    """
    if not reason:
        return []
    if reason["code"] == "dropped":
        return [left_out(reason["reason"], reason.get("params", {}), language)]
    lines = [_window(reason, language)]
    if reason.get("detour_min") is not None:
        lines.append(i18n.t("planning.why.detour", language, n=reason["detour_min"]))
    if (reason.get("elsewhere_min") or 0) > 0:
        lines.append(i18n.t("planning.why.elsewhere", language, n=reason["elsewhere_min"]))
    if on_foot:
        lines.append(i18n.t("planning.why.on_foot", language))
    return lines


def _window(reason: dict[str, Any], language: str) -> str:
    text = i18n.t(f"planning.why.{reason['code']}", language)
    if "opens_at" not in reason:
        return text
    opens, closes = (
        i18n.time_of_day(datetime.fromisoformat(reason[k]), language)
        for k in ("opens_at", "closes_at")
    )
    return f"{text} {opens}\u2013{closes}"


def left_out(reason: str, params: dict[str, Any], language: str) -> str:
    """Why a visit is not in the day."""
    return i18n.t(f"planning.dropped.{reason}", language, **params)


def change(kind: str, language: str) -> str:
    """One entry of a proposal's changes: moved, other_rep, added, earlier, later, dropped."""
    return i18n.t(f"planning.change.{kind}", language)


def status(value: str, language: str) -> str:
    """A proposal's status."""
    return i18n.t(f"planning.status.{value}", language)
