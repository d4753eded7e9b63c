"""Texts on pages: every language goes to the browser, the chosen one shows at once.

`words("part.key")` is a Var for labels that never change. Texts with numbers, names or plurals are
made in a State with `kit.i18n.t`, in the user's language, and made again when it is switched.
"""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import json

import reflex as rx

from fieldcrm.components.session import Desk
from fieldcrm.kit import i18n


class UnknownText(KeyError):
    """A page asks for a key that no catalogue has."""


def texts(key: str) -> dict[str, str]:
    """A key's text in every language; raises UnknownText."""
    found: dict[str, str] = {}
    for language in i18n.LANGUAGES:
        text = i18n.catalogue(language).get(key)
        if not isinstance(text, str):
            raise UnknownText(f"{key} ({language})")
        found[language] = text
    return found


def all_texts(*keys: str) -> dict[str, dict[str, str]]:
    """Several keys for a component in TypeScript: {key: {language: text}}."""
    return {key: texts(key) for key in keys}


def words(key: str) -> rx.Var[str]:
    """A label in the reader's language, as a Var for children and attributes alike."""
    choices = json.dumps(texts(key), ensure_ascii=False)
    return rx.Var(
        f"({choices})[{Desk.language!s}]", _var_data=Desk.language._get_all_var_data()
    ).to(str)
