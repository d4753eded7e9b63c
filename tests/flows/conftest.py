"""Whole installs, started once where tests can share one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.install import Install, copy_home


@pytest.fixture(scope="module")
def install(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Install]:
    """A running sample company whose reps stand still, so that tests move them."""
    home = copy_home(sample_home, tmp_path_factory.mktemp("install") / "home")
    with Install(home, "--no-simulate", "--except", "") as running:
        yield running
