"""How often one may fail to sign in: a sliding window per login and per address.

Kept in Valkey, so that it counts over all web processes; while Valkey is away each process counts
on its own, since reps must be able to sign in then too. An attempt is counted before the password
is looked at (parallel guesses can't slip under the limit) and taken back when it was right.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import deque
from dataclasses import dataclass

import redis

from fieldcrm.kit import bus, clock
from fieldcrm.people.model import SignInThrottled

WINDOW_S = 15 * 60
LOGIN_LIMIT = 10
ADDRESS_LIMIT = 60
"""An office of many shares one address."""
_REMEMBERED = 20_000

# KEYS: windows; ARGV: now_ms, window_ms, mark, then a limit for each key.
# Answers 0, or the ms after which the fullest window has room again.
_TAKE = """
local now, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local wait = 0
for i, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
  local limit = tonumber(ARGV[3 + i])
  local held = redis.call('ZCARD', key)
  if held >= limit then
    local oldest = redis.call('ZRANGE', key, held - limit, held - limit, 'WITHSCORES')
    wait = math.max(wait, tonumber(oldest[2]) + window - now)
  end
end
if wait > 0 then return math.ceil(wait) end
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, now, ARGV[3])
  redis.call('PEXPIRE', key, window)
end
return 0
"""


@dataclass(frozen=True)
class Attempt:
    """One counted attempt, to be forgotten when it succeeds."""

    login_key: str
    address_key: str
    mark: str


def take(login: str, address: str) -> Attempt:
    """Count an attempt; raises SignInThrottled when there were too many."""
    attempt = Attempt(_key("login", login), _key("address", address), os.urandom(8).hex())
    wait_ms = _take_shared(attempt)
    if wait_ms is None:
        wait_ms = _own.take(attempt, _now_ms())
    if wait_ms:
        raise SignInThrottled(retry_after_s=max(1, -(-wait_ms // 1000)))
    return attempt


def forget(attempt: Attempt) -> None:
    """The sign-in was right: the login starts afresh, the address gets its attempt back."""
    _own.forget(attempt)
    try:
        pipe = bus.connection().pipeline(transaction=False)
        pipe.delete(attempt.login_key)
        pipe.zrem(attempt.address_key, attempt.mark)
        pipe.execute()
    except redis.RedisError:
        return  # the shared windows are away with Valkey


def _take_shared(attempt: Attempt) -> int | None:
    """Milliseconds to wait by the shared windows (0: go on), None while Valkey is away."""
    try:
        return int(
            bus.connection().eval(
                _TAKE, 2, attempt.login_key, attempt.address_key, _now_ms(), WINDOW_S * 1000,
                attempt.mark, LOGIN_LIMIT, ADDRESS_LIMIT,
            )  # type: ignore[arg-type]
        )  # fmt: skip
    except redis.RedisError:
        return None


def _key(kind: str, value: str) -> str:
    return f"throttle:{kind}:{hashlib.sha256(value.encode()).hexdigest()[:32]}"


def _now_ms() -> int:
    return round(clock.real_now().timestamp() * 1000)


class _OwnWindows:
    """The same windows in this process's memory, bounded."""

    def __init__(self) -> None:
        self._held: dict[str, deque[tuple[int, str]]] = {}
        self._lock = threading.Lock()

    def take(self, attempt: Attempt, now_ms: int) -> int:
        limits = {attempt.login_key: LOGIN_LIMIT, attempt.address_key: ADDRESS_LIMIT}
        with self._lock:
            wait = max(self._wait(key, limit, now_ms) for key, limit in limits.items())
            if wait <= 0:
                for key in limits:
                    self._held.setdefault(key, deque()).append((now_ms, attempt.mark))
                self._shrink()
            return max(0, wait)

    def forget(self, attempt: Attempt) -> None:
        with self._lock:
            self._held.pop(attempt.login_key, None)
            kept = self._held.get(attempt.address_key, deque())
            self._held[attempt.address_key] = deque(m for m in kept if m[1] != attempt.mark)
            if not self._held[attempt.address_key]:
                del self._held[attempt.address_key]

    def _wait(self, key: str, limit: int, now_ms: int) -> int:
        held = self._held.get(key, deque())
        while held and held[0][0] <= now_ms - WINDOW_S * 1000:
            held.popleft()
        return held[-limit][0] + WINDOW_S * 1000 - now_ms if len(held) >= limit else 0

    def _shrink(self) -> None:
        while len(self._held) > _REMEMBERED:
            del self._held[next(iter(self._held))]


_own = _OwnWindows()
