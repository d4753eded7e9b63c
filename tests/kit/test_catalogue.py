"""The catalogue is whole: the same keys, parameters and plural forms in every language, none unused."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from babel import Locale

from fieldcrm.kit import i18n

ROOT = Path(__file__).resolve().parents[2]
PARAMETER = re.compile(r"{(\w+)}")
OPEN_ENDED = re.compile(r"""["'`]([a-z0-9_]+(?:\.[a-z0-9_]+)*\.)(?:\$?\{|["'`]\s*[+,)])""")
CODE = re.compile(r"""^    code(?:: ClassVar\[str\])? = ["']([a-z0-9_]+)["']""", re.MULTILINE)
PROBLEM = re.compile(r"""["']([a-z_]+)["']""")
OTHERS = [language for language in i18n.LANGUAGES if language != i18n.DEFAULT]


@cache
def sources() -> str:
    """All source text that may name a key, catalogues left out."""
    roots = (ROOT / "fieldcrm", ROOT / "workers")
    files = [p for r in roots for s in ("*.py", "*.ts", "*.tsx", "life.json") for p in r.rglob(s)]
    kept = [p for p in files if not {"node_modules", "dist"} & {*p.parts}]
    return "\n".join(p.read_text(encoding="utf-8") for p in kept)


def forms(text: i18n.Text) -> dict[str, str]:
    return text if isinstance(text, dict) else {"other": text}


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_the_same_keys(language: str) -> None:
    ours, theirs = i18n.catalogue(i18n.DEFAULT), i18n.catalogue(language)
    assert theirs.keys() - ours.keys() == set()
    assert ours.keys() - theirs.keys() == set()


@pytest.mark.parametrize("language", OTHERS)
def test_parameters_agree(language: str) -> None:
    ours, theirs = i18n.catalogue(i18n.DEFAULT), i18n.catalogue(language)
    differing = {
        key: (parameters(ours[key]), parameters(theirs[key]))
        for key in ours
        if parameters(ours[key]) != parameters(theirs[key])
    }
    assert differing == {}


def parameters(text: i18n.Text) -> set[str]:
    return {name for form in forms(text).values() for name in PARAMETER.findall(form)} - {"n"}


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_plurals_have_every_form_of_the_language(language: str) -> None:
    wanted = set(Locale.parse(language).plural_form.tags) | {"other"}
    short = {
        key: wanted - text.keys()
        for key, text in i18n.catalogue(language).items()
        if isinstance(text, dict) and wanted - text.keys()
    }
    assert short == {}


def test_romanian_uses_commas_below() -> None:
    cedillas = {k for k, t in i18n.catalogue("ro").items() if re.search("[şţŞŢ]", str(t))}
    assert cedillas == set()


def test_no_key_is_unused() -> None:
    text = sources()
    open_ended = tuple(set(OPEN_ENDED.findall(text)))
    problems = (ROOT / "fieldcrm" / "api" / "problems.py").read_text()
    codes = {f"error.{code}" for code in [*CODE.findall(text), *PROBLEM.findall(problems)]}
    unused = {
        key
        for key in i18n.catalogue(i18n.DEFAULT)
        if key not in codes
        and f'"{key}"' not in text
        and f"'{key}'" not in text
        and not (key.startswith(open_ended) and not key.startswith("error."))
    }
    assert unused == set()


def test_every_refusal_has_a_text() -> None:
    codes = set(CODE.findall("\n".join(p.read_text() for p in (ROOT / "fieldcrm").rglob("*.py"))))
    missing = {code for code in codes if f"error.{code}" not in i18n.catalogue(i18n.DEFAULT)}
    assert missing == set()
