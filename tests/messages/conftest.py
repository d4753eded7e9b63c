from __future__ import annotations

from collections.abc import Iterator

import pytest

from fieldcrm.kit import clock
from tests import field
from tests.conftest import forget_settings
from tests.messages.push_service import PushService


@pytest.fixture
def pushes(home: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[PushService]:
    """A push service on this machine, which only this setting allows."""
    monkeypatch.setenv("FIELDCRM_PUSH_LOOPBACK", "1")
    forget_settings()
    made = PushService()
    yield made
    made.stop()


@pytest.fixture
def company(any_db: str, valkey: object, pushes: PushService) -> Iterator[field.Field]:
    """The company on each database, its clock standing at a Wednesday morning."""
    made = field.lay_out()
    with clock.held(field.NOW):
        yield made
