from __future__ import annotations

from collections.abc import Iterator

import pytest

from fieldcrm.kit import clock
from tests import field


@pytest.fixture
def company(any_db: str, valkey: object) -> Iterator[field.Field]:
    """The company on each database, its clock standing at a Wednesday morning."""
    made = field.lay_out()
    with clock.held(field.NOW):
        yield made
