"""Clients' own fields in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fieldcrm.clients.ownfields import rules
from fieldcrm.clients.ownfields.model import OwnField
from fieldcrm.forms import words
from fieldcrm.kit import i18n


@dataclass(frozen=True)
class Said:
    """A client's value in words."""

    name: str
    label: str
    text: str
    href: str = ""
    """Where a file is fetched."""


def said_of(
    fields: Iterable[OwnField], client: Any, language: str, names: Mapping[str, str]
) -> list[Said]:
    """A client's values in words, as its card shows them; `names` of whom they refer to."""
    return [
        Said(own.name, label_of(own, language), text, _address(client, own))
        for own in fields if own.is_asked_of(client.kind)
        if (text := noted(own, client.own_fields.get(own.name), language, names))
    ]  # fmt: skip


def _address(client: Any, own: OwnField) -> str:
    is_file = rules.is_file(client.own_fields.get(own.name))
    return rules.address_of(client.id, own.name) if is_file else ""


def label_of(own: OwnField, language: str) -> str:
    """What a field is called."""
    return words.said(own.field.label, language)


def text_of(
    own: OwnField, value: Any, language: str, names: Mapping[str, str] | None = None
) -> str:
    """One value in words; nothing for none, itself where its field can't read it.

    `names` (see `names_of`): of whom references name; others are told to be elsewhere.
    """
    if value is None:
        return ""
    if own.field.type == "reference":
        return (names or {}).get(str(value)) or i18n.t("own_fields.elsewhere", language)
    if own.field.type == "position":
        return rules.written(own.field, value)
    if rules.is_file(value):
        return str(value["name"])
    try:
        return words.value_text(rules.as_sense(own.field, own.sense), value, language)
    except (TypeError, ValueError, AttributeError):
        return str(value)


def noted(own: OwnField, value: Any, language: str, names: Mapping[str, str] | None = None) -> str:
    """One value in words as a card shows it: a file with its size."""
    text = text_of(own, value, language, names)
    return f"{text} · {size_text(value['size'], language)}" if rules.is_file(value) else text


def size_text(size: int, language: str) -> str:
    """Bytes as `0.3 MB`."""
    return i18n.t("privacy.mb", language, n=i18n.number(max(size / 1e6, 0.1), language, 1))
