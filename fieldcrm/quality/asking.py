"""Asks a geocoder, politely: one question a second, by name, again after a failure, never after a no."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import httpx

from fieldcrm.quality import answers
from fieldcrm.quality.model import Geocoder, Located

PACE_S = 1.0
"""Between two questions: what Nominatim's keepers allow at most."""
TIMEOUT_S = 10.0
BACKOFF_S = (2.0, 4.0, 8.0)
"""Waits before each further try."""
BODY_MOST = 1_000_000
NO = (401, 403, 429)
"""Answers by which a service says not to be asked: too often, or not by us."""


class Refused(Exception):
    """The service asked not to be asked any more; `status`, and what it said of when."""

    def __init__(self, status: int, retry_after: str) -> None:
        super().__init__(f"{status}")
        self.status = status
        self.retry_after = retry_after


class Away(Exception):
    """The service gave no answer, tried as often as is decent."""


class Asker:
    """A conversation with one geocoder; `wait` sleeps for seconds."""

    def __init__(
        self, geocoder: Geocoder, countries: Sequence[str], language: str = "en",
        pace_s: float = PACE_S, backoff_s: Sequence[float] = BACKOFF_S,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self._geocoder = geocoder
        self._countries = countries
        self._language = language
        self._pace_s = pace_s
        self._backoff_s = backoff_s
        self._wait = wait
        self._next_at = 0.0
        agent = f"fieldcrm/0.1 ({geocoder.contact})".encode("ascii", "replace").decode()
        self._http = httpx.Client(
            timeout=TIMEOUT_S, follow_redirects=False, trust_env=True,
            headers={"User-Agent": agent, "Accept": "application/json"},
        )  # fmt: skip

    def __enter__(self) -> Asker:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def ask(self, asked: str) -> Located | None:
        """Where an address is; None where the service knows nothing. Raises Refused, Away."""
        url, told = answers.request(
            self._geocoder.provider, self._geocoder.url, asked, self._countries, self._language
        )
        for pause in (*self._backoff_s, None):
            body = self._once(url, told)
            if body is not None:
                try:
                    return answers.read(self._geocoder.provider, json.loads(body), asked)
                except ValueError as error:
                    raise Away("no answer of a geocoder") from error
            if pause is not None:
                self._wait(pause)
        raise Away("no answer")

    def _once(self, url: str, told: dict[str, Any]) -> bytes | None:
        """One request in its turn; None for what may pass."""
        self._take_turn()
        try:
            with self._http.stream("GET", url, params=told) as answer:
                if answer.status_code in NO:
                    raise Refused(answer.status_code, answer.headers.get("retry-after", ""))
                if answer.status_code >= 500:
                    return None
                if answer.status_code != 200:
                    raise Away(f"status {answer.status_code}")
                return _body(answer)
        except httpx.HTTPError:
            return None

    def _take_turn(self) -> None:
        ahead = self._next_at - time.monotonic()
        if ahead > 0:
            self._wait(ahead)
        self._next_at = time.monotonic() + self._pace_s


def _body(answer: httpx.Response) -> bytes:
    """What was answered; a service that never stops is none."""
    read = bytearray()
    for piece in answer.iter_bytes():
        read += piece
        if len(read) > BODY_MOST:
            raise Away("too long an answer")
    return bytes(read)
