"""Fields of clients that the administrator makes, and how many clients have which value."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Query, Response
from pydantic import BaseModel, Field

from fieldcrm.api.clients import Letters, OwnValues, filters_of
from fieldcrm.api.identity import Administrator, DeskPerson, Person
from fieldcrm.api.shapes import ID, Id, IfMatch, etag, version_in
from fieldcrm.clients.ownfields import files, rules, service
from fieldcrm.clients.ownfields import listing as own_listing
from fieldcrm.clients.ownfields.model import OwnField
from fieldcrm.kit import i18n

router = APIRouter(prefix="/api/v1/client-fields", tags=["clients"])
FieldId = Annotated[str, Path(pattern=ID)]
FieldName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Words = Annotated[list[Annotated[str, Field(max_length=20)]], Field(max_length=10)]


class FieldBody(BaseModel):
    """A field in the forms' language (docs/forms.md): name, type, label, hint, required, options,
    min, max, whole, unit."""

    definition: dict[str, Any]
    kinds: Words
    editors: Words
    """Roles that may fill it: rep, dispatcher, manager; the administrator always may."""
    viewers: Words | None = None
    """Roles that may see it, alike; for the others there is no such field, and nothing to fill.
    Left out: everybody for a new field, as it was for another."""


class FieldOut(BaseModel):
    id: str
    name: str
    definition: dict[str, Any]
    kinds: list[str]
    editors: list[str]
    viewers: list[str]
    is_archived: bool
    changed_at: datetime
    version: int


class FileOut(BaseModel):
    """A file that was sent: its `id` is the value that a client's field is to be given."""

    id: str
    name: str
    size: int
    """Bytes."""
    type: str
    """Media type, by its bytes."""


class Kept(BaseModel):
    """Whether cards have the field."""

    is_archived: bool


class Step(BaseModel):
    """A place up or down."""

    by: Literal[-1, 1]


class CountOut(BaseModel):
    """How many clients have a value; an empty one is none at all."""

    value: str
    label: str
    clients: int


def _out(own: OwnField) -> dict[str, Any]:
    return {
        "id": own.id, "name": own.name, "definition": rules.plain(own.field),
        "kinds": [*own.kinds], "editors": sorted(own.editors), "viewers": sorted(own.viewers), "is_archived": own.is_archived,
        "changed_at": own.changed_at, "version": own.version,
    }  # fmt: skip


@router.get("", summary="Own fields of clients", response_model=list[FieldOut])
def list_fields(actor: Person, archived: bool = False) -> Any:
    """Those that you may see, as they stand on a card; with `archived` those kept no more, too."""
    return [_out(own) for own in service.list_fields(actor, archived=archived)]


@router.post("", summary="Add a field", status_code=201, response_model=FieldOut)
def add_field(body: FieldBody, actor: Administrator, response: Response) -> Any:
    """Phones ask it from their next sync on; 422 `bad_own_field` says what is wrong."""
    made = service.save_field(
        actor, body.definition, body.kinds, body.editors, viewers=body.viewers
    )
    etag(response, made.version)
    return _out(made)


@router.put("/{field_id}", summary="Change a field", response_model=FieldOut)
def change_field(
    field_id: FieldId, body: FieldBody, actor: Administrator, response: Response,
    if_match: IfMatch = None,
) -> Any:  # fmt: skip
    """Its name and type stay as they are. If-Match with the ETag you saw is required."""
    saved = service.save_field(
        actor, body.definition, body.kinds, body.editors, field_id, version_in(if_match),
        viewers=body.viewers,
    )  # fmt: skip
    etag(response, saved.version)
    return _out(saved)


@router.put("/{field_id}/archived", summary="Archive a field", response_model=FieldOut)
def archive_field(field_id: FieldId, body: Kept, actor: Administrator) -> Any:
    """Cards don't have it any more, or again; values stay where they are."""
    return _out(service.set_archived(actor, field_id, body.is_archived))


@router.post("/{field_id}/move", summary="Order fields", status_code=204)
def move_field(field_id: FieldId, body: Step, actor: Administrator) -> None:
    """One place up or down on the card."""
    service.move(actor, field_id, body.by)


@router.get("/{name}/counts", summary="Clients by value of a field", response_model=list[CountOut])
def count_clients(
    name: FieldName, actor: DeskPerson,
    kind: Letters = [], category: Letters = [], territory_id: Id | None = None,  # noqa: B006
    team_id: Id | None = None, rep_id: Id | None = None, archived: bool = False,
    own: OwnValues = [],  # noqa: B006
) -> Any:  # fmt: skip
    """Of a choice, several choices or yes and no; the filters are those of the list."""
    wanted = filters_of(kind, category, territory_id, team_id, rep_id, archived, own=own)
    return own_listing.count_by(actor, name, wanted, i18n.t("own_fields.no_value", actor.language))


@router.post(
    "/{name}/files", summary="Send a file for a field", status_code=201, response_model=FileOut
)
def send_file(
    name: FieldName, actor: Person,
    content: Annotated[bytes, Body(media_type="application/octet-stream")],
    file_name: Annotated[str, Query(max_length=400)],
) -> Any:  # fmt: skip
    """The body is the file: a photo, sound, PDF or office document without macros, by its bytes (422
    `own_file_unfit`). Then give a client its `id` as the field's value; a file that no client is
    given goes after two days."""
    return files.keep(actor, name, file_name, content)
