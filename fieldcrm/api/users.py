"""People and teams, and the event log: for administrators; reps also for those who lead them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from fieldcrm.api.identity import Administrator, DeskPerson, Person
from fieldcrm.api.shapes import ID, Id, IfMatch, Limit, Search, etag, version_in
from fieldcrm.people import service as people
from fieldcrm.people.tables import User

router = APIRouter(prefix="/api/v1", tags=["people"])
UserId = Annotated[str, Path(pattern=ID)]
Short = Annotated[str, Field(max_length=300)]


class UserView(BaseModel):
    """A person, without anything one signs in with."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    login: str
    name: str
    role: str
    team_id: str | None
    language: str
    phone: str | None
    email: str | None
    is_active: bool
    mode: str
    start_lat: float | None
    start_lng: float | None
    shift_start_min: int
    shift_end_min: int
    lunch_start_min: int
    lunch_minutes: int
    work_days: str
    version: int


class UserChanges(BaseModel):
    """Fields to set; one left out stays as it is."""

    login: Short | None = None
    name: Short | None = None
    role: Short | None = None
    team_id: Short | None = None
    team_ids: Annotated[list[Id], Field(max_length=200)] | None = None
    language: Short | None = None
    phone: Short | None = None
    email: Short | None = None
    mode: Short | None = None
    start_lat: float | None = None
    start_lng: float | None = None
    shift_start_min: int | None = None
    shift_end_min: int | None = None
    lunch_start_min: int | None = None
    lunch_minutes: int | None = None
    work_days: Short | None = None


class NewUser(UserChanges):
    """A user to add; login, name, role and password are needed."""

    password: Annotated[str, Field(max_length=1000)]


class NewPassword(BaseModel):
    """A password an administrator gives somebody."""

    password: Annotated[str, Field(max_length=1000)]


class TeamBody(BaseModel):
    """A team's name."""

    name: Short


class TeamView(BaseModel):
    """A team."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str


class EventView(BaseModel):
    """One write: who did what to which row."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    at: datetime
    actor_id: str | None
    kind: str
    subject_id: str | None
    team_id: str | None
    source: str
    data: dict[str, Any]


@router.get("/users", summary="People", response_model=list[UserView])
def list_users(
    actor: DeskPerson, search: Search = "", role: Annotated[str, Query(max_length=20)] = ""
) -> list[User]:
    """An administrator sees all, a dispatcher or manager the reps of their teams."""
    return people.list_users(actor, search, role or None)


@router.get("/users/{user_id}", summary="One person", response_model=UserView)
def get_user(user_id: UserId, actor: Person, response: Response) -> User:
    """With the version as ETag."""
    return _answer(response, people.get_user(actor, user_id))


@router.post("/users", summary="Add a person", status_code=201, response_model=UserView)
def add_user(body: NewUser, actor: Administrator, response: Response) -> User:
    """Login, name, role and password are needed; a rep also needs a team."""
    return _answer(response, people.save_user(actor, body.model_dump(exclude_unset=True)))


@router.patch("/users/{user_id}", summary="Change a person", response_model=UserView)
def change_user(
    user_id: UserId, body: UserChanges, actor: Administrator, response: Response,
    if_match: IfMatch = None,
) -> User:  # fmt: skip
    """Sets the given fields; If-Match with the ETag you saw is required."""
    changes = body.model_dump(exclude_unset=True)
    return _answer(response, people.save_user(actor, changes, user_id, version_in(if_match)))


@router.put("/users/{user_id}/password", summary="Give a new password", status_code=204)
def set_password(user_id: UserId, body: NewPassword, actor: Administrator) -> None:
    """The person's sessions end."""
    people.set_password(actor, user_id, body.password)


@router.delete("/users/{user_id}", summary="Let somebody go", response_model=UserView)
def deactivate_user(user_id: UserId, actor: Administrator) -> User:
    """Sessions end, devices are revoked, history stays."""
    return people.deactivate_user(actor, user_id)


@router.post("/users/{user_id}/activate", summary="Take somebody back", response_model=UserView)
def activate_user(user_id: UserId, actor: Administrator) -> User:
    """Devices must be paired again."""
    return people.activate_user(actor, user_id)


@router.get("/teams", summary="Teams I see", response_model=list[TeamView])
def list_teams(actor: Person) -> list[Any]:
    """By name."""
    return people.list_teams(actor)


@router.post("/teams", summary="Add a team", status_code=201, response_model=TeamView)
def add_team(body: TeamBody, actor: Administrator) -> Any:
    """A new, empty team."""
    return people.save_team(actor, body.name)


@router.put("/teams/{team_id}", summary="Rename a team", response_model=TeamView)
def rename_team(team_id: Annotated[str, Path(pattern=ID)], body: TeamBody, actor: Administrator):
    """Its people stay."""
    return people.save_team(actor, body.name, team_id)


@router.get("/events", summary="Event log", response_model=list[EventView])
def list_events(
    actor: Administrator, kind: Annotated[str, Query(max_length=60)] = "",
    subject_id: Id | None = None, actor_id: Id | None = None, before: Id | None = None,
    limit: Limit = 100,
) -> list[Any]:  # fmt: skip
    """The newest first; `kind` is a beginning such as `visit.`; `before` is the last id you have."""
    return people.event_log(actor, kind, subject_id, actor_id, before, limit)


def _answer(response: Response, user: User) -> User:
    etag(response, user.version)
    return user
