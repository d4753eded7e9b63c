"""Rows of forms: the form, every version of it, products, and what visits found on shelves."""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as something else than the text it takes.

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlmodel import Field, Index, SQLModel

from fieldcrm.kit.database import Json, UtcDateTime


class Form(SQLModel, table=True):
    """A form that held visits to clients of some kinds are asked; its words are its versions'."""

    __tablename__ = "form"
    id: str = Field(primary_key=True)
    version: int = 1
    """The newest."""
    is_active: bool = True
    kinds: list[str] = Field(default_factory=list, sa_type=Json)
    """Of the newest version."""
    asked_since: datetime = Field(sa_type=UtcDateTime)
    """Since when clients of these kinds are asked without a break."""
    is_sample: bool = False


class FormVersion(SQLModel, table=True):
    """One version of a form; never changed or deleted, so that old answers stay readable."""

    __tablename__ = "form_version"
    form_id: str = Field(foreign_key="form.id", primary_key=True)
    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    definition: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """As in wire.forms.FormDefinition."""
    made_by: str | None = None
    made_at: datetime = Field(sa_type=UtcDateTime)


class Product(SQLModel, table=True):
    __tablename__ = "product"
    id: str = Field(primary_key=True)
    name: str
    is_active: bool = True
    is_sample: bool = False


class ShelfCheck(SQLModel, table=True):
    """One product on a client's shelf as a visit found it."""

    __tablename__ = "shelf_check"
    __table_args__ = (
        Index("shelf_check_client_day", "client_id", "day"),
        Index("shelf_check_day_product", "day", "product_id"),
    )
    visit_id: str = Field(foreign_key="visit.id", primary_key=True)
    product_id: str = Field(primary_key=True)
    client_id: str
    """Where the shelf is: the place visited, else the client."""
    rep_id: str
    team_id: str
    day: date
    is_there: bool
    price: float | None = None
    """In the company's currency; None where none was noted."""
