"""Signing in and out, and who one is."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from fieldcrm.api.identity import (
    Person,
    address_of,
    drop_session,
    set_session,
    token_of,
)
from fieldcrm.kit import clock, facts, i18n
from fieldcrm.kit.database import reading
from fieldcrm.kit.settings import settings
from fieldcrm.people import registry, signing
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor
from fieldcrm.regions.build import open_region
from fieldcrm.regions.model import RegionMissing
from fieldcrm.wire.protocol import SCHEMA

router = APIRouter(prefix="/api/v1", tags=["session"])


class SignInBody(BaseModel):
    """What one signs in with."""

    login: Annotated[str, Field(min_length=1, max_length=200)]
    password: Annotated[str, Field(min_length=1, max_length=1000)]


class PersonView(BaseModel):
    """The signed-in person."""

    id: str
    name: str
    role: str
    language: str


class TeamView(BaseModel):
    """A team the person belongs to or is responsible for."""

    id: str
    name: str


class RegionView(BaseModel):
    """The map at hand; `bbox` is [south, west, north, east], `centre` [lat, lng]."""

    name: str
    bbox: list[float]
    centre: list[float]


class Me(BaseModel):
    """The person and what a client needs to know of this install."""

    user: PersonView
    team: TeamView | None
    teams: list[TeamView]
    gateway: str
    server_time_ms: int
    clock_speed: float
    timezone: str
    languages: list[str]
    sample: bool
    region: RegionView | None
    schema_: str = Field(alias="schema")
    """Hash of the sync messages' wire format."""


class PasswordBody(BaseModel):
    """A new password, with the present one."""

    current: Annotated[str, Field(max_length=1000)]
    password: Annotated[str, Field(max_length=1000)]


class LanguageBody(BaseModel):
    """The language of one's screens."""

    language: Annotated[str, Field(max_length=2)]


@router.post("/session", summary="Sign in", response_model=Me)
def sign_in(body: SignInBody, request: Request, response: Response) -> dict[str, Any]:
    """Opens a session and sets its cookie. A wrong login is 401, too many of them 429."""
    agent = request.headers.get("user-agent", "")
    token, actor = signing.sign_in(body.login, body.password, address_of(request), agent, "api")
    set_session(request, response, token)
    return _me(request, actor)


@router.delete("/session", summary="Sign out", status_code=204)
def sign_out(request: Request, response: Response) -> None:
    """Ends this session, here and in the browser; without one it does nothing."""
    if token := token_of(request):
        signing.sign_out(token, "api")
    drop_session(request, response)


@router.get("/me", summary="Who I am", response_model=Me)
def me(request: Request, actor: Person) -> dict[str, Any]:
    """The signed-in person, the gateway's address, the server's time, the region."""
    return _me(request, actor)


@router.put("/me/password", summary="Change my password", status_code=204)
def change_password(body: PasswordBody, request: Request, actor: Person) -> None:
    """Sets a new password; other sessions of mine end."""
    people.set_own_password(actor, body.current, body.password, keep_token=token_of(request))


@router.put("/me/language", summary="Choose my language", status_code=204)
def choose_language(body: LanguageBody, actor: Person) -> None:
    """en, ru or ro."""
    people.set_language(actor, body.language)


def _me(request: Request, actor: Actor) -> dict[str, Any]:
    teams = [{"id": t.id, "name": t.name} for t in people.list_teams(actor)]
    with reading() as session:
        is_sample = bool(facts.get(session, facts.SAMPLE, False))
    return {
        "user": {
            "id": actor.user_id, "name": actor.name, "role": actor.role.value,
            "language": actor.language,
        },
        "team": teams[0] if len(teams) == 1 else None,
        "teams": teams,
        "gateway": registry.reached_at(request.url.hostname)[1],
        "server_time_ms": clock.now_ms(),
        "clock_speed": settings().clock_speed,
        "timezone": settings().timezone,
        "languages": list(i18n.LANGUAGES),
        "sample": is_sample,
        "region": _region(),
        "schema": SCHEMA,
    }  # fmt: skip


def _region() -> dict[str, Any] | None:
    try:
        region = open_region(settings().region_dir)
    except RegionMissing:
        return None
    b = region.bounds
    centre = region.centre
    return {
        "name": region.name, "bbox": [b.south, b.west, b.north, b.east],
        "centre": [centre[0], centre[1]],
    }  # fmt: skip
