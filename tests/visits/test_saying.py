"""What came of a visit, in the reader's words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fieldcrm import phone
from fieldcrm.kit import i18n
from fieldcrm.visits.saying import REASONS, outcome_text
from fieldcrm.visits.tables import Visit


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"result": "met"}, "Состоялся"),
        ({"reason": "place_closed"}, "Место закрыто"),
        ({"reason": "already_there"}, "Уже по этому адресу"),
        ({"reason": "cycle_plan"}, "По плану цикла"),
        ({"reason": "Просил зайти в четверг"}, "Просил зайти в четверг"),
        ({"reason": "title"}, "title"),
        ({"reason": "words"}, "words"),
        ({}, ""),
    ],
)
def test_a_result_or_else_the_reason_is_said(told: dict[str, str], said: str) -> None:
    assert outcome_text(Visit(**told), "ru") == said


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_every_reason_of_ours_has_a_word(language: str) -> None:
    assert all(i18n.has(key) and i18n.t(key, language) != key for key in REASONS.values())


def test_what_a_rep_can_pick_is_told_by_a_word() -> None:
    screen = Path(phone.__file__).parent / "src" / "screens" / "change.tsx"
    lists = re.findall(r"_REASONS = \[(.*)\];", screen.read_text(encoding="utf-8"))
    assert len(lists) == 2
    assert {word for each in lists for word in re.findall(r'"(\w+)"', each)} <= set(REASONS)
