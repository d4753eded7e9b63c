"""One catalogue for Python and TypeScript: flat keys, {named} parameters, plurals by CLDR.

A text is a string, or an object of CLDR plural forms chosen by the parameter `n`:
{"one": "{n} visit", "other": "{n} visits"}.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_decimal

from fieldcrm.kit import clock

LANGUAGES = ("en", "ru", "ro")
DEFAULT = "en"
FOLDER = Path(__file__).parent.parent / "locales"

Text = str | dict[str, str]


class DuplicateKey(Exception):
    """Two catalogue files define one key."""


@cache
def catalogue(language: str) -> dict[str, Text]:
    """All texts of a language: `locales/<language>.json` and every `locales/<part>.<language>.json`."""
    texts: dict[str, Text] = {}
    for path in sorted([*FOLDER.glob(f"{language}.json"), *FOLDER.glob(f"*.{language}.json")]):
        part: dict[str, Text] = json.loads(path.read_text(encoding="utf-8"))
        if twice := texts.keys() & part.keys():
            raise DuplicateKey(f"{path.name}: {sorted(twice)}")
        texts |= part
    return texts


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language if language in LANGUAGES else DEFAULT)


def t(key: str, language: str = DEFAULT, **params: Any) -> str:
    """The text for a key, filled; an unknown key shows itself, so that a gap is seen."""
    texts = catalogue(language if language in LANGUAGES else DEFAULT)
    return fill(texts.get(key, key), language, **params)


def has(key: str) -> bool:
    """Whether there is a text for a key."""
    return key in catalogue(DEFAULT)


def fill(text: Text, language: str, **params: Any) -> str:
    """A text with its parameters, numbers by locale, the plural form chosen by `n`."""
    if isinstance(text, dict):
        text = text.get(_locale(language).plural_form(params.get("n", 0))) or text["other"]
    shown = {k: number(v, language) if isinstance(v, int | float) else v for k, v in params.items()}
    return text.format_map(_Gaps(shown))


class _Gaps(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def number(value: float, language: str, digits: int | None = None) -> str:
    """A number by locale; `digits` fixes the decimals."""
    pattern = None if digits is None else "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(value, format=pattern, locale=_locale(language))


def day(value: date, language: str, form: str = "d MMM") -> str:
    """A date by a CLDR pattern (or short, medium, long, full)."""
    return format_date(value, format=form, locale=_locale(language))


def time_of_day(value: datetime, language: str) -> str:
    """Local hours and minutes of an aware moment."""
    return format_time(clock.local(value), "HH:mm", locale=_locale(language))


def moment(value: datetime, language: str, form: str = "d MMM HH:mm") -> str:
    """Local date and time of an aware moment by a CLDR pattern."""
    return format_datetime(clock.local(value), form, locale=_locale(language))
