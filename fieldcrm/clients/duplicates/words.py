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


def why(reasons: Sequence[Reason], language: str) -> str:
    """What speaks for a pair, what says most first; and what against it."""
    good = [reason(r, language) for r in reasons if r.bits > 0]
    bad = [reason(r, language) for r in reasons if r.bits < 0]
    against = f"{i18n.t('duplicates.against', language)}: {', '.join(bad)}" if bad else ""
    return " · ".join([*good, against] if against else good)
