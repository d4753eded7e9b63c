"""A town, and a gateway that runs for one test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.gateway.town import GatewayProcess, Process, Town, build_town
from tests.servers import Valkey


@pytest.fixture
def town(any_db: str, valkey: Valkey) -> Town:
    return build_town()


@pytest.fixture
def gateway(town: Town) -> Iterator[GatewayProcess]:
    process = GatewayProcess()
    yield process
    process.kill()


@pytest.fixture
def recorder(town: Town) -> Iterator[Process]:
    process = Process("workers.recorder.main")
    yield process
    process.kill()
