"""How many clients have which value of an own field, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fieldcrm.clients.ownfields import service
from fieldcrm.clients.ownfields.model import OwnField


@dataclass(frozen=True)
class Counted:
    """How many clients have a value; an empty value is none at all."""

    value: str
    label: str
    clients: int


def spread(
    own: OwnField, found: Sequence[tuple[Any, int]], language: str, none: str
) -> list[Counted]:
    """(value, clients) as counts by option in its order; of several choices each counts for itself.

    `none` is what clients without a value are called; they come last.
    """
    by: dict[str, int] = {o.value: 0 for o in own.field.options}
    for value, n in found:
        each = value if isinstance(value, list) else [value]
        for one in each or [None]:
            key = "" if one is None else str(one)
            if own.field.type == "yes_no" and one is not None:
                key = "true" if one else "false"
            by[key] = by.get(key, 0) + n
    blank = by.pop("", 0)
    rows = [Counted(v, _label(own, v, language), n) for v, n in by.items()]
    return [*rows, Counted("", none, blank)]


def _label(own: OwnField, value: str, language: str) -> str:
    if own.field.type == "yes_no":
        return service.text_of(own, value == "true", language)
    return service.text_of(own, [value] if own.field.type == "choices" else value, language)
