"""Visit forms, products, and what visits found on shelves."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from fieldcrm.api.identity import Administrator, DeskPerson, Person
from fieldcrm.api.shapes import ID, Day, Id, IfMatch, etag, plain, version_in
from fieldcrm.forms import definitions, service
from fieldcrm.people.model import BadField

router = APIRouter(prefix="/api/v1", tags=["forms"])
FormId = Annotated[str, Path(pattern=ID)]
Ids = Annotated[list[Id], Query(max_length=50)]
MOST_DAYS = 100


class FormOut(BaseModel):
    """A form with its newest definition (docs/forms.md)."""

    id: str
    version: int
    is_active: bool
    kinds: list[str]
    made_at: datetime
    definition: dict[str, Any]


class FormSaved(BaseModel):
    id: str
    version: int
    is_active: bool


class Asked(BaseModel):
    """Whether clients of the form's kinds are asked it."""

    is_active: bool


class ProductBody(BaseModel):
    name: Annotated[str, Field(max_length=200)]
    is_active: bool = True


class ProductOut(BaseModel):
    id: str
    name: str
    is_active: bool


class ShelfOut(BaseModel):
    """One product on one client's shelf as a visit of that day found it."""

    visit_id: str
    client_id: str
    client_name: str
    lat: float | None
    lng: float | None
    rep_id: str
    day: date
    product_id: str
    product_name: str
    is_there: bool
    price: float | None


@router.get("/forms", summary="Forms", response_model=list[FormOut])
def list_forms(actor: DeskPerson) -> list[dict[str, Any]]:
    """Every form with its newest version, those in use first."""
    return [
        plain(view.form) | {
            "made_at": view.made_at, "definition": definitions.plain(view.definition)
        }
        for view in service.list_forms(actor)
    ]  # fmt: skip


@router.get("/forms/{form_id}/versions/{version}", summary="One version of a form")
def get_version(
    form_id: FormId, version: Annotated[int, Path(ge=1, le=1 << 31)], actor: DeskPerson
) -> dict[str, Any]:
    """Old versions stay, so that answers to them can be read."""
    return definitions.plain(service.get_version(actor, form_id, version))


@router.post("/forms", summary="Make a form", status_code=201, response_model=FormSaved)
def make_form(definition: dict[str, Any], actor: Administrator, response: Response) -> Any:
    """Asked from the phones' next sync on; 422 `bad_form` names what is wrong and where."""
    made = service.save_form(actor, definition)
    etag(response, made.version)
    return plain(made)


@router.put("/forms/{form_id}", summary="The next version of a form", response_model=FormSaved)
def change_form(
    form_id: FormId, definition: dict[str, Any], actor: Administrator, response: Response,
    if_match: IfMatch = None,
) -> Any:  # fmt: skip
    """If-Match with the version you changed from is required."""
    saved = service.save_form(actor, definition, form_id, version_in(if_match))
    etag(response, saved.version)
    return plain(saved)


@router.put("/forms/{form_id}/asked", summary="Ask a form, or no more", response_model=FormSaved)
def ask_form(form_id: FormId, body: Asked, actor: Administrator) -> Any:
    """Clients of one kind are asked one form: 409 `form_kind_taken`."""
    return plain(service.set_active(actor, form_id, body.is_active))


@router.get("/products", summary="Products", response_model=list[ProductOut])
def list_products(actor: Person) -> list[Any]:
    """What reps talk about, by name."""
    return [plain(product) for product in service.list_products(actor)]


@router.post("/products", summary="Add a product", status_code=201, response_model=ProductOut)
def add_product(body: ProductBody, actor: Administrator) -> Any:
    return plain(service.save_product(actor, body.name, is_active=body.is_active))


@router.put("/products/{product_id}", summary="Change a product", response_model=ProductOut)
def change_product(product_id: FormId, body: ProductBody, actor: Administrator) -> Any:
    """One that is not active is offered no more; what was said of it stays."""
    return plain(service.save_product(actor, body.name, product_id, is_active=body.is_active))


@router.get("/shelves", summary="What visits found on shelves", response_model=list[ShelfOut])
def list_shelves(
    actor: Person, day_from: Day, day_to: Day, product_id: Ids = [],  # noqa: B006
    client_id: Id | None = None, absent: bool = False,
) -> list[dict[str, Any]]:  # fmt: skip
    """By client, day and product, the newest first; `absent` is out of stock alone."""
    if not 0 <= (day_to - day_from).days < MOST_DAYS:
        raise BadField(field="day_to")
    rows = service.list_shelves(
        actor, day_from, day_to, product_ids=product_id, absent_only=absent, client_id=client_id
    )
    return [
        plain(row.check) | {
            "client_name": row.client_name, "lat": row.lat, "lng": row.lng,
            "product_name": row.product_name,
        }
        for row in rows
    ]  # fmt: skip
