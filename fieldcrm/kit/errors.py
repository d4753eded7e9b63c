"""The kinds of refusal a service can answer with; each domain names its own facts under one.

`code` is a stable machine word, also the catalogue key `error.<code>`; `params` fill its text.
The HTTP edge maps the kind to a status in one place (`fieldcrm.api.problems`).
"""

from __future__ import annotations

from typing import Any, ClassVar


class Refusal(Exception):
    """An expected 'no': says what and why, never a bug."""

    code: ClassVar[str] = "refused"

    def __init__(self, detail: str = "", **params: Any) -> None:
        super().__init__(detail or self.code)
        self.detail = detail
        self.params = params


class NotFound(Refusal):
    """The thing isn't there, or this person may not know that it is."""

    code = "not_found"


class Forbidden(Refusal):
    """The person is known and may not do this."""

    code = "forbidden"


class Gone(Refusal):
    """It was there once and will not come back; also what never was, where nobody may know."""

    code = "gone"


class NotSignedIn(Refusal):
    """No valid session or token came with the request."""

    code = "not_signed_in"


class Invalid(Refusal):
    """The input is wrong; `params` names fields."""

    code = "invalid"


class Conflict(Refusal):
    """The state moved on since the caller looked."""

    code = "conflict"


class TooMany(Refusal):
    """Rate limit; `params['retry_after_s']` says when to come again."""

    code = "too_many"


class TooLarge(Refusal):
    """More bytes than the limit allows."""

    code = "too_large"


class Unavailable(Refusal):
    """A part this needs does not answer now."""

    code = "unavailable"
