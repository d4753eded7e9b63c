"""A pair's reasons in the reader's words."""

from __future__ import annotations

from collections.abc import Sequence

from fieldcrm.clients.duplicates.model import Reason
from fieldcrm.kit import i18n


def field(name: str, language: str) -> str:
    """A field's name."""
    key = "duplicates.position" if name == "position" else f"admin.field.{name}"
    return i18n.t(key, language)


def reason(said: Reason, language: str) -> str:
    """`Phone: the same`."""
    return f"{field(said.field, language)}: {i18n.t(f'duplicates.level.{said.level}', language)}"


WEIGHTS = ((9.0, "very"), (5.0, "strong"), (2.0, "some"), (0.0, "little"))
"""From how many bits on a field is said to speak so; five: such an agreement is 32 times as likely of
one client's cards as of two clients'."""


def weight(said: Reason, language: str) -> str:
    """`the same: speaks strongly for one client`."""
    size = next(name for least, name in WEIGHTS if abs(said.bits) >= least)
    side = "for" if said.bits > 0 else "against"
    level = i18n.t(f"duplicates.level.{said.level}", language)
    return f"{level}: {i18n.t(f'duplicates.weight.{side}.{size}', language)}"


def why(reasons: Sequence[Reason], language: str) -> str:
    """What speaks for a pair, what says most first; and what against it."""
    good = [reason(r, language) for r in reasons if r.bits > 0]
    bad = [reason(r, language) for r in reasons if r.bits < 0]
    against = f"{i18n.t('duplicates.against', language)}: {', '.join(bad)}" if bad else ""
    return " · ".join([*good, against] if against else good)
