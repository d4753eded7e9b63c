"""The HTTP API as one FastAPI app; pages are mounted below it by who composes the web process."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from fieldcrm.api import (
    areas,
    arrivals,
    client_fields,
    client_timeline,
    client_views,
    clients,
    corrections,
    coverage,
    cycles,
    devices,
    docs_page,
    duplicates,
    exports,
    forms,
    handovers,
    live,
    messages,
    plans,
    privacy,
    problems,
    quality,
    reports,
    session,
    sync,
    tracks,
    users,
    visits,
)
from fieldcrm.api.gate import Gate

PARTS = (session, live, tracks, areas, arrivals, clients, visits, plans, cycles, devices, users,
         reports, coverage, sync, corrections, privacy, forms, messages, handovers, duplicates,
         quality, client_fields, client_views, client_timeline, exports)  # fmt: skip
DESCRIPTION = (
    "What a field team did, where, and how sure that is. Sign in with `POST /api/v1/session`; the "
    "answer sets an HttpOnly cookie that every other call needs. Times are ISO 8601 in UTC, "
    "coordinates WGS84 degrees, ids text. You see the rows of your role: a rep his own, a "
    "dispatcher or manager their teams', an administrator all; others' answer 404. Errors are "
    "problem details (RFC 9457)."
)


def make_api() -> FastAPI:
    """A new app with every route below /api."""
    api = FastAPI(
        title="fieldcrm", version="1", description=DESCRIPTION, openapi_url=None, docs_url=None,
        redoc_url=None, redirect_slashes=False,
    )  # fmt: skip
    api.add_middleware(Gate)
    problems.install(api)
    api.state.routers = [*(part.router for part in PARTS), _about(api)]
    for router in api.state.routers:
        api.include_router(router)
    api.add_api_route(
        "/api/{path:path}", _nothing_here, include_in_schema=False,
        methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
    )  # fmt: skip
    return api


def description_of(api: FastAPI) -> dict[str, Any]:
    """The API as OpenAPI 3.1, with problems for every error."""
    if api.openapi_schema is None:
        made = get_openapi(
            title=api.title, version=api.version, description=api.description, routes=api.routes
        )
        api.openapi_schema = _with_problems(made)
    return api.openapi_schema


def _with_problems(schema: dict[str, Any]) -> dict[str, Any]:
    components = schema.setdefault("components", {})
    shapes = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        shapes.pop(unused, None)
    shapes["Problem"] = _PROBLEM
    components["securitySchemes"] = {
        "session": {"type": "apiKey", "in": "cookie", "name": "fieldcrm_session"}
    }
    content = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in schema["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = {"description": "A problem", "content": content}
    return schema


_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem details; `code` and `params` are for machines.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "In the language of Accept-Language"},
        "code": {"type": "string"},
        "params": {"type": "object"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "Fields that don't fit",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
    },
}


def _about(api: FastAPI) -> APIRouter:
    about = APIRouter(include_in_schema=False)

    @about.get("/api/openapi.json")
    def openapi() -> dict[str, Any]:
        return description_of(api)

    @about.get("/api/docs")
    def docs() -> HTMLResponse:
        page, policy = docs_page.render(description_of(api))
        return HTMLResponse(page, headers={"Content-Security-Policy": policy})

    return about


async def _nothing_here(request: Request) -> None:
    """Answers what no route takes, so that pages mounted below never see a path of the API."""
    methods = _methods_at(request)
    if methods and request.method not in methods:
        raise HTTPException(405, headers={"Allow": ", ".join(sorted(methods))})
    raise HTTPException(404)


def _methods_at(request: Request) -> set[str]:
    """Methods that routes of the same path take."""
    path = request.url.path
    here = (r.methods or () for r in routes_of(request.app) if r.path_regex.match(path))
    return {method for methods in here for method in methods}


def routes_of(api: FastAPI) -> list[APIRoute]:
    """Every route of the API but the one that catches the rest."""
    routes = (route for router in api.state.routers for route in router.routes)
    return [route for route in routes if isinstance(route, APIRoute)]
