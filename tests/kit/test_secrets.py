"""The install's own key: made once, whoever asks first, and never seen half written."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from fieldcrm.kit import secrets

ASKERS = 8


def test_all_who_ask_at_once_have_one_key(home: Path) -> None:
    for n in range(20):
        together = Barrier(ASKERS)

        def ask(_n: int, together: Barrier = together) -> bytes:
            together.wait(60)
            return secrets.install_key()

        with ThreadPoolExecutor(ASKERS) as pool:
            keys = set(pool.map(ask, range(ASKERS)))
        (key,) = keys
        assert len(key) == 32, n
        path = home / "secret.key"
        assert path.read_bytes() == key
        assert path.stat().st_mode & 0o777 == 0o600
        assert [p.name for p in home.iterdir() if p.name.startswith("secret")] == ["secret.key"]
        path.unlink()
