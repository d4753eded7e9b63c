from __future__ import annotations

import pytest

from tests.clients.base import Base, lay_out


@pytest.fixture
def base(any_db: str, valkey: object) -> Base:
    return lay_out()
