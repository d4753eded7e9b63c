"""The input of `own_file.tsx` as a Reflex component."""

# pyright: reportCallIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components.beside import browser_file
from fieldcrm.components.session import Desk
from fieldcrm.components.words import all_texts
from fieldcrm.kit import file_types
from fieldcrm.kit.settings import settings

_library = browser_file(__file__, "own_file.tsx")
browser_file(__file__, "file_send.ts")  # imported by own_file.tsx
SENDING = ("admin.import.failed", "admin.import.too_large", "sign_in.unreachable")
"""What `file_send.ts` says."""
_TEXTS = ("choose", "replace", "remove", "sending")


class _OwnFile(rx.Component):
    library = _library
    tag = "OwnFile"
    name: rx.Var[str]
    field: rx.Var[str]
    label: rx.Var[str]
    value: rx.Var[str]
    shown: rx.Var[str]
    href: rx.Var[str]
    accept: rx.Var[str]
    words: rx.Var[dict[str, dict[str, str]]]
    lang: rx.Var[str]
    limit_mb: rx.Var[int]


def own_file(name: Any, field: Any, label: Any, value: Any, shown: Any, href: Any) -> rx.Component:
    """A file of an own field: what is there, another one, none; the form's `name` holds its id."""
    return _OwnFile.create(
        name=name, field=field, label=label, value=value, shown=shown, href=href,
        accept=file_types.ACCEPTED, limit_mb=settings().upload_limit_mb, lang=Desk.language,
        words=all_texts(*SENDING, *(f"own_fields.file.{key}" for key in _TEXTS)),
    )  # fmt: skip
