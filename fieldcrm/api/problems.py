"""Refusals as RFC 9457 problem details: the one place where a kind of error gets its HTTP status."""

from __future__ import annotations

import logging
from typing import Any

import redis
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from starlette.exceptions import HTTPException

from fieldcrm.clients import import_texts
from fieldcrm.kit import errors, i18n, ids
from fieldcrm.tracking.areas import words as area_words

MEDIA_TYPE = "application/problem+json"
STATUSES: dict[type[errors.Refusal], int] = {
    errors.NotSignedIn: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.TooLarge: 413,
    errors.Invalid: 422,
    errors.TooMany: 429,
    errors.Unavailable: 503,
    errors.Refusal: 400,
}
_HTTP_CODES = {
    400: "invalid", 404: "not_found", 405: "method_not_allowed", 413: "too_large",
    415: "wrong_type", 422: "invalid",
}  # fmt: skip
_log = logging.getLogger(__name__)


class ForeignOrigin(errors.Forbidden):
    """Another site's page made this request with the person's cookie."""

    code = "foreign_origin"


class VersionMissing(errors.Refusal):
    """A change came without If-Match: it could overwrite what its author never saw."""

    code = "precondition"


def status_of(error: errors.Refusal) -> int:
    """The HTTP status of a refusal's kind."""
    if isinstance(error, VersionMissing):
        return 428
    return next(status for kind, status in STATUSES.items() if isinstance(error, kind))


def language_of(accepted: str) -> str:
    """The first language of an Accept-Language header that the product speaks."""
    for part in accepted.split(","):
        if (wanted := part.split(";")[0].strip()[:2].lower()) in i18n.LANGUAGES:
            return wanted
    return i18n.DEFAULT


def problem(
    request: Request, status: int, code: str, params: dict[str, Any] | None = None, **more: Any
) -> JSONResponse:
    """A problem in the reader's language; `code` and `params` are for machines."""
    language = language_of(request.headers.get("accept-language", ""))
    params = params or {}
    key = f"error.{code}"
    known = key if key in i18n.catalogue(language) else "error.refused"
    body = {
        "type": f"urn:fieldcrm:problem:{code}", "title": i18n.t(known, i18n.DEFAULT, **params),
        "status": status, "detail": _detail(known, params, language), "code": code,
        "params": params, "instance": request.url.path, **more,
    }  # fmt: skip
    return JSONResponse(body, status, _headers(status, params), MEDIA_TYPE)


def _detail(key: str, params: dict[str, Any], language: str) -> str:
    """What is wrong in the reader's language; for a file also where and why it can't be read."""
    if key == "error.unreadable_table":
        return import_texts.unreadable_text(params, language)
    if key in ("error.bad_area", "error.bad_area_file"):
        return area_words.why(params, language)
    return i18n.t(key, language, **params)


def _headers(status: int, params: dict[str, Any]) -> dict[str, str]:
    headers = {"Vary": "Accept-Language"}
    if status == 429 and "retry_after_s" in params:
        headers["Retry-After"] = str(params["retry_after_s"])
    return headers


def refused(request: Request, error: errors.Refusal) -> JSONResponse:
    """A service's 'no'. A stale version that came as If-Match is a failed precondition (412)."""
    status = status_of(error)
    if error.code == "stale" and "if-match" in request.headers:
        status = 412
    return problem(request, status, error.code, error.params)


def _malformed(request: Request, error: RequestValidationError) -> JSONResponse:
    """Which fields were wrong and why; never what was sent, since it may hold a password."""
    found = [
        {"field": ".".join(str(p) for p in e["loc"][1:]) or str(e["loc"][0]), "reason": e["msg"]}
        for e in error.errors()[:50]
    ]
    return problem(request, 422, "invalid", errors=found)


def _http(request: Request, error: HTTPException) -> JSONResponse:
    """What the framework refuses by itself: unknown paths, wrong methods, unreadable bodies."""
    code = _HTTP_CODES.get(error.status_code, "refused")
    answer = problem(request, error.status_code, code)
    answer.headers.update(error.headers or {})
    return answer


def _away(request: Request, error: Exception) -> JSONResponse:
    _log.warning("%s %s: %s", request.method, request.url.path, error)
    return problem(request, 503, errors.Unavailable.code)


def _bug(request: Request, error: Exception) -> JSONResponse:
    """A bug of ours: the log gets the trace, the caller an id to quote."""
    request_id = ids.new_id()
    _log.error("request %s failed", request_id, exc_info=error)
    return problem(request, 500, "internal", {"request_id": request_id})


def install(app: FastAPI) -> None:
    """Answer every error of the API as a problem."""
    handlers: dict[type[Exception], Any] = {
        errors.Refusal: refused, RequestValidationError: _malformed, HTTPException: _http,
        redis.ConnectionError: _away, redis.TimeoutError: _away, OperationalError: _away,
        NoConnectionFree: _away, Exception: _bug,
    }  # fmt: skip
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
