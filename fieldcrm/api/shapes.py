"""Shapes that several routes share: ids, pages, versions as ETags."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import Header, Query, Response
from pydantic import Field
from sqlmodel import SQLModel

from fieldcrm.api.problems import VersionMissing
from fieldcrm.people.model import BadField

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 1, 1)
Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]
ID = r"^[0-9A-Za-z_-]{1,64}$"
Id = Annotated[str, Field(pattern=ID)]
Search = Annotated[str, Query(max_length=200, description="words, or a part of a phone number")]
Cursor = Annotated[str | None, Query(max_length=600, description="`next` of the page before")]
Limit = Annotated[int, Query(ge=1, le=500)]
IfMatch = Annotated[str | None, Header(max_length=40, description="the ETag you changed from")]


def etag(response: Response, version: int) -> None:
    """Tell the version of what is answered."""
    response.headers["ETag"] = f'"{version}"'


def version_in(if_match: str | None) -> int:
    """The version an If-Match header names; raises VersionMissing, BadField."""
    if if_match is None:
        raise VersionMissing()
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise BadField(field="If-Match")
    return int(text)


def plain(value: Any) -> Any:
    """A domain's dataclasses, structs and rows as what JSON knows; times stay datetimes."""
    if isinstance(value, SQLModel):
        return value.model_dump()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in value]
    return value
