"""What came of a visit, in the reader's words."""

from __future__ import annotations

import pytest

from fieldcrm.visits.saying import outcome_text
from fieldcrm.visits.tables import Visit


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"result": "met"}, "Состоялся"),
        ({"reason": "place_closed"}, "Место закрыто"),
        ({"reason": "already_there"}, "Уже по этому адресу"),
        ({"reason": "cycle_plan"}, "По плану цикла"),
        ({"reason": "Просил зайти в четверг"}, "Просил зайти в четверг"),
        ({}, ""),
    ],
)
def test_a_result_or_else_the_reason_is_said(told: dict[str, str], said: str) -> None:
    assert outcome_text(Visit(**told), "ru") == said
