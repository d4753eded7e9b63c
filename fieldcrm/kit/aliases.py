"""Second names of tables in queries, safe for threads that meet them at once."""

from __future__ import annotations

from sqlalchemy import inspect
from sqlalchemy.orm import aliased


def shared_alias[T](entity: type[T], name: str | None = None) -> type[T]:
    """A table's second name for queries of all threads, whole before the first of them asks.

    By itself an alias is filled when it is first asked for a column, and a thread that asks
    meanwhile gets the table's own column instead, for as long as the process lives: its query then
    joins everybody with everybody, and a visit shows the name of whoever came last.
    """
    made = aliased(entity, name=name)
    for attribute, _column in inspect(entity).columns.items():  # type: ignore[union-attr]
        _ = getattr(made, attribute).expression
    return made
