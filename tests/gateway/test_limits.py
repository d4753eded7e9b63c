"""Who may ask for how much, and from which pages; no sockets."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fieldcrm.kit.settings import Settings
from workers.gateway.identity import is_allowed_origin, session_token
from workers.gateway.limits import Buckets


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    buckets = Buckets(per_s=10, at_once=100)
    assert buckets.take("a", 100, 0) == 0
    assert buckets.take("a", 5, 0) == pytest.approx(0.5)
    assert buckets.take("b", 100, 0) == 0
    assert buckets.take("a", 0, 0.5) == 0
    assert buckets.is_empty("a", 0.5)
    assert not buckets.is_empty("a", 0.7)
    assert not buckets.is_empty("never seen", 0)
    assert buckets.take("a", 100, 1000) == 0


def test_buckets_forget_the_longest_unused() -> None:
    buckets = Buckets(per_s=1, at_once=1, most_keys=2)
    for key in "abac":
        buckets.take(key, 1, 0)
    assert not buckets.is_empty("b", 0)
    assert buckets.is_empty("a", 0)


@pytest.mark.parametrize(
    ("origin", "host", "is_allowed"),
    [
        ("http://localhost:8000", "localhost:8001", True),
        ("http://127.0.0.1:8000", "localhost:8001", True),
        ("http://localhost:8001", "localhost:8001", True),
        ("http://192.168.1.7:8000", "192.168.1.7:8001", True),
        ("http://192.168.1.7:8000", "localhost:8001", False),
        ("http://192.168.1.7:9999", "192.168.1.7:8001", False),
        ("http://localhost.evil.example:8000", "localhost:8001", False),
        ("http://localhost:8000@evil.example", "localhost:8001", False),
        ("ftp://localhost:8000", "localhost:8001", False),
        ("http://localhost:99999", "localhost:8001", False),
        ("null", "localhost:8001", False),
        ("", "localhost:8001", False),
        (None, "localhost:8001", True),
    ],
)
def test_origins_at_home(origin: str | None, host: str, is_allowed: bool) -> None:
    assert is_allowed_origin(origin, host, Settings(_env_file=None, port=8000)) is is_allowed  # type: ignore[call-arg]


def test_origins_of_a_company() -> None:
    s = Settings(public_url="https://crm.example.com", gateway_url="https://crm.example.com")
    assert is_allowed_origin("https://crm.example.com", "crm.example.com", s)
    assert not is_allowed_origin("http://localhost:443", "crm.example.com", s)
    assert not is_allowed_origin("https://example.com", "crm.example.com", s)
    assert not is_allowed_origin("http://crm.example.com", "other.example.com", s)


def test_the_session_among_other_cookies() -> None:
    assert session_token("a=b; fieldcrm_session=xyz; c=d") == "xyz"
    assert session_token("a=b") is None
    assert session_token(None) is None
    assert session_token("\x00;;=") is None


_FILES = """
import resource
from workers.gateway import limits
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 300))
print(limits.allow_files(200), limits.allow_files(150), limits.allow_files(1000))
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_as_many_files_may_be_open_as_are_needed_and_allowed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FILES], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["200", "200", "300", "300", "300"]
