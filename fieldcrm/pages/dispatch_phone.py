"""What a rep's phone does, in words: what sends, how it is powered, what it is allowed, how it is heard."""

from __future__ import annotations

from dataclasses import dataclass

from fieldcrm.components.amounts import duration
from fieldcrm.kit import clock, i18n
from fieldcrm.pages.dispatch_reps import LOW_BATTERY_PCT, NO_BREAK
from fieldcrm.tracking.live_index import PhoneStatus
from fieldcrm.tracking.model import LiveRep

WRONG_CLOCK_MS = 30_000
"""A clock wrong by less is never corrected (docs/protocol.md)."""
COARSE_M = 100


@dataclass
class PhoneFact:
    """A line of the panel; `tone` is bad, late or empty."""

    label: str
    text: str
    tone: str = ""


def phone_facts(
    live: LiveRep | None, heard: PhoneStatus | None, language: str, drain: float | None = None
) -> list[PhoneFact]:
    """The panel's lines, from the last fix and the phone's last sign of life.

    `drain`: percent of the battery an hour, of today's track.
    """
    if live is None:
        return []
    made = [
        _mode(live, heard, language), _power(live, drain, language), _permission(heard, language),
        _network(live, heard, language), _accuracy(live, language), _clock(live, language),
    ]  # fmt: skip
    return [fact for fact in made if fact is not None]


def _fact(name: str, text: str, language: str, tone: str = "") -> PhoneFact:
    return PhoneFact(i18n.t(f"phone_does.{name}", language), text, tone)


def _mode(live: LiveRep, heard: PhoneStatus | None, language: str) -> PhoneFact:
    source = live.source or (heard.mode if heard else "")
    if not source:
        return _fact("mode", i18n.t("phone_does.never", language), language, "late")
    told = i18n.t(f"dispatch.source.{source}", language)
    if heard and heard.tracking in ("paused", "off"):
        off = i18n.t(f"phone_does.tracking.{heard.tracking}", language)
        return _fact("mode", f"{told}, {off}", language, "late")
    if live.is_mock:
        return _fact("mode", f"{told}, {i18n.t('dispatch.is_mock', language)}", language, "bad")
    return _fact("mode", told, language)


def _power(live: LiveRep, drain: float | None, language: str) -> PhoneFact | None:
    if live.battery_pct is None:
        return _fact("battery", i18n.t("phone_does.unknown", language), language)
    told = f"{round(live.battery_pct)}{NO_BREAK}%"
    if live.is_charging is not None:
        word = i18n.t(f"phone_does.{'charging' if live.is_charging else 'discharging'}", language)
        told = f"{told}, {word}"
    if drain is not None:
        per_hour = i18n.number(drain, language, 0)
        told = f"{told}, {i18n.t('phone_does.drain', language, pct=per_hour)}"
    is_low = live.battery_pct < LOW_BATTERY_PCT and not live.is_charging
    return _fact("battery", told, language, "bad" if is_low else "")


def _permission(heard: PhoneStatus | None, language: str) -> PhoneFact:
    word = heard.permission if heard and heard.permission else "unknown"
    told = i18n.t(f"phone_does.permission.{word}", language)
    return _fact("permission", told, language, "bad" if word == "denied" else "")


def _network(live: LiveRep, heard: PhoneStatus | None, language: str) -> PhoneFact | None:
    last_ms = max(heard.heard_at_ms if heard else 0, live.fix_at_ms or 0)
    if not last_ms:
        return None
    age_s = max(0.0, (clock.now_ms() - last_ms) / 1000)
    fresh = i18n.t("phone_does.heard_now", language)
    told = (
        fresh if age_s < 60 else i18n.t("phone_does.heard", language, age=duration(age_s, language))
    )
    return _fact("network", told, language, "late" if age_s >= 300 else "")


def _accuracy(live: LiveRep, language: str) -> PhoneFact | None:
    if live.accuracy_m is None:
        return None
    told = f"±{i18n.number(live.accuracy_m, language, 0)}{NO_BREAK}{i18n.t('dispatch.m', language)}"
    return _fact("accuracy", told, language, "late" if live.accuracy_m > COARSE_M else "")


def _clock(live: LiveRep, language: str) -> PhoneFact:
    off_ms = live.clock_offset_ms
    if abs(off_ms) < WRONG_CLOCK_MS:
        return _fact("clock", i18n.t("phone_does.clock.right", language), language)
    by, way = duration(abs(off_ms) / 1000, language), "behind" if off_ms > 0 else "ahead"
    told = i18n.t(f"phone_does.clock.{way}", language, by=by)
    return _fact("clock", told, language, "late")
