"""Whether a column is one of many texts that are told as one parameter.

An `IN` with a mark for each of 300 ids is written, hashed and parsed anew for every number of them;
one list is the same statement each time.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


class Texts(TypeDecorator[Collection[str]]):
    """A list of texts as a parameter: an array in PostgreSQL, JSON in SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(Text()))

    def process_bind_param(self, value: Collection[str] | None, dialect: Dialect) -> Any:
        told = list(value or ())
        return json.dumps(told) if dialect.name == "sqlite" else told


class _Each(FunctionElement[str]):
    """The texts of such a parameter as rows."""

    type = Text()
    inherit_cache = True


@compiles(_Each)
def _unnest(element: _Each, compiler: SQLCompiler, **kw: Any) -> str:
    return f"unnest({compiler.process(element.clauses, **kw)})"


@compiles(_Each, "sqlite")
def _json_each(element: _Each, compiler: SQLCompiler, **kw: Any) -> str:
    return f"value FROM json_each({compiler.process(element.clauses, **kw)})"


def among(column: Any, name: str) -> ColumnElement[bool]:
    """Whether a column is one of the texts of the parameter of this name."""
    texts = select(_Each(bindparam(name, type_=Texts())))
    return column.in_(texts)
