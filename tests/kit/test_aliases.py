"""Second names of tables: the same columns whoever asks first."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from fieldcrm.kit.aliases import shared_alias
from fieldcrm.people.tables import User

THREADS, TIMES = 6, 300


@pytest.fixture
def hasty() -> Iterator[None]:
    """Threads that give way to each other as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("hasty")
def test_threads_that_meet_an_alias_at_once_all_ask_it_and_not_the_table() -> None:
    columns = list(User.__table__.columns.keys())[:THREADS]  # type: ignore[attr-defined]
    for _ in range(TIMES):
        mate, gate = shared_alias(User, "mate"), threading.Barrier(THREADS)
        asked: list[str] = []

        def ask(name: str, mate=mate, gate=gate, asked=asked) -> None:
            gate.wait()
            asked.append(str(select(getattr(mate, name))))

        threads = [threading.Thread(target=ask, args=(name,)) for name in columns]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(asked) == THREADS
        assert all('FROM "user" AS mate' in statement for statement in asked)
