"""Saved views of the list of clients: a person's own and those shared with him."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from fieldcrm.api.identity import DeskPerson
from fieldcrm.api.shapes import ID, Id, IfMatch, etag, plain, version_in
from fieldcrm.clients.views import model, service

router = APIRouter(prefix="/api/v1/client-views", tags=["clients"])
ViewId = Annotated[str, Path(pattern=ID)]


class ConditionShape(BaseModel):
    """`field` is a client's column or `own.<name>`; `op` one of is, is_not, has, from, to, empty,
    filled."""

    field: str = Field(max_length=80)
    op: str = Field(max_length=10)
    value: str = Field(default="", max_length=200)


class StateShape(BaseModel):
    """What the list shows, in which order, narrowed how; `near` is `latitude,longitude` or a client."""

    columns: list[Annotated[str, Field(max_length=80)]] = Field(
        default=list(model.USUAL), max_length=40
    )
    sort: str = Field(default="name", max_length=80)
    search: str = Field(default="", max_length=200)
    is_archive: bool = False
    conditions: list[ConditionShape] = Field(default=[], max_length=40)
    near: str = Field(default="", max_length=80)
    near_km: float = 0.0


class ViewBody(BaseModel):
    """A view to keep; shared with nobody (empty), a team or everybody."""

    name: str = Field(max_length=200)
    state: StateShape = StateShape()
    shared: Literal["", "team", "everybody"] = ""
    team_id: Id | None = None


class ViewOut(BaseModel):
    """`gone` names what the view was made with and is there no longer; `state` leaves it out."""

    id: str
    name: str
    state: StateShape
    shared: str
    team_id: str | None
    owner_id: str
    owner_name: str
    is_mine: bool
    is_default: bool
    gone: list[str]
    version: int


class DefaultBody(BaseModel):
    """Which view opens by itself; null: none."""

    view_id: Id | None


@router.get("", summary="Views I may open", response_model=list[ViewOut])
def list_views(actor: DeskPerson) -> Any:
    """By name."""
    return plain(service.list_views(actor))


@router.post("", summary="Save a view", status_code=201, response_model=ViewOut)
def add_view(body: ViewBody, actor: DeskPerson, response: Response) -> Any:
    """A team is shared with by who is responsible for it, everybody by manager and administrator."""
    return _save(actor, body, response, None, None)


@router.put("/default", summary="What opens by itself", status_code=204)
def set_default(body: DefaultBody, actor: DeskPerson) -> None:
    """For the caller alone, on whichever computer."""
    service.set_default(actor, body.view_id)


@router.get("/{view_id}", summary="A view", response_model=ViewOut)
def get_view(view_id: ViewId, actor: DeskPerson, response: Response) -> Any:
    """As far as what it names is still there."""
    found = service.get(actor, view_id)
    etag(response, found.version)
    return plain(found)


@router.put("/{view_id}", summary="Save a view anew", response_model=ViewOut)
def save_view(
    view_id: ViewId, body: ViewBody, actor: DeskPerson, response: Response, if_match: IfMatch = None
) -> Any:
    """Its owner's alone; If-Match with the ETag you saw is required."""
    return _save(actor, body, response, view_id, version_in(if_match))


@router.delete("/{view_id}", summary="Remove a view", status_code=204)
def remove_view(view_id: ViewId, actor: DeskPerson) -> None:
    """Its owner's, or the administrator's where it is shared."""
    service.remove(actor, view_id)


def _save(
    actor: Any, body: ViewBody, response: Response, view_id: str | None, version: int | None
) -> Any:
    saved = service.save(
        actor, body.name, body.state.model_dump(), body.shared, body.team_id, view_id, version
    )
    etag(response, saved.version)
    return plain(saved)
