"""What is wrong with a card, in the reader's words."""

from __future__ import annotations

from collections.abc import Sequence

from fieldcrm.clients.ownfields.model import PREFIX
from fieldcrm.kit import i18n
from fieldcrm.quality.model import Code, Finding


def label(code: Code, language: str) -> str:
    """A kind of finding."""
    return i18n.t(f"quality.finding.{code.value}", language)


def finding(found: Finding, language: str) -> str:
    """One finding; a missing field by its name."""
    if found.code is not Code.missing:
        return label(found.code, language)
    return i18n.t("quality.missing", language, fields=field_name(found.field, language))


def why(found: Sequence[Finding], language: str) -> str:
    """All findings of a card in one line, its missing fields together."""
    missing = [field_name(f.field, language) for f in found if f.code is Code.missing]
    told = [label(f.code, language) for f in found if f.code is not Code.missing]
    if missing:
        told.append(i18n.t("quality.missing", language, fields=", ".join(missing)))
    return " · ".join(told)


def field_name(name: str, language: str) -> str:
    """A field as cards call it; an own field by its own name."""
    if name.startswith(PREFIX):
        return name.removeprefix(PREFIX)
    return i18n.t(f"admin.field.{'territory' if name == 'territory_id' else name}", language)
