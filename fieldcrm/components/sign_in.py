"""The sign-in form of `sign_in.tsx` as a Reflex component."""

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components.beside import browser_file
from fieldcrm.components.words import all_texts

_library = browser_file(__file__, "sign_in.tsx")
_TEXTS = ("title", "login", "password", "enter", "entering", "ended", "wrong", "throttled", "remote",
          "unreachable", "failed", "missing", "sample", "claim", "no_account")  # fmt: skip


class _SignInForm(rx.Component):
    library = _library
    tag = "SignInForm"
    words: rx.Var[dict[str, dict[str, str]]]
    samples: rx.Var[list[Any]]
    password: rx.Var[str]


def sign_in_form(samples: Any, password: Any) -> rx.Component:
    """Login and password, problems in words, one button for each sample login."""
    texts = all_texts(*(f"sign_in.{name}" for name in _TEXTS))
    return _SignInForm.create(words=texts, samples=samples, password=password)
