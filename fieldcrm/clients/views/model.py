"""Saved views of the list of clients: what is kept of one, with whom it is shared, what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fieldcrm.clients.model import Condition
from fieldcrm.kit.errors import Conflict, Forbidden, Invalid, NotFound

COLUMNS = (
    "kind", "category", "specialty", "address", "city", "phone", "territory", "loyalty", "email",
    "website", "postcode", "opening_hours", "visit_minutes", "tags", "consents", "note", "external_id",
    "source", "created_at", "updated_at", "distance",
)  # fmt: skip
"""What a list can show beside the name, which it always has; own fields come as `own.<name>`."""
USUAL = ("kind", "category", "specialty", "address", "city", "phone", "territory")
"""Columns of a person who has chosen none."""
COLUMNS_MAX = 24
NAME_MAX = 80
VIEWS_MAX = 100
"""Of one person."""


class Shared(StrEnum):
    """Who may open a view beside its owner."""

    nobody = ""
    team = "team"
    everybody = "everybody"


@dataclass(frozen=True)
class ListState:
    """How a list is looked at: its columns in order, what orders it and what narrows it."""

    columns: tuple[str, ...] = USUAL
    sort: str = "name"
    search: str = ""
    is_archive: bool = False
    conditions: tuple[Condition, ...] = ()
    near: str = ""
    """`latitude,longitude`, or the id of a client to be near to; empty: anywhere."""
    near_km: float = 0.0


@dataclass(frozen=True)
class View:
    """A saved view as the asking person sees it."""

    id: str
    name: str
    state: ListState
    shared: Shared
    team_id: str | None
    owner_id: str
    owner_name: str
    is_mine: bool
    is_default: bool
    version: int
    gone: tuple[str, ...] = ()
    """What it names that is there no longer (fields, the client it is near to); left out of `state`."""


@dataclass(frozen=True)
class Habit:
    """How a person likes the list without a view, and which view opens by itself."""

    columns: tuple[str, ...]
    view_id: str | None


class ViewNotFound(NotFound):
    """No such view, or it isn't shared with this person."""

    code = "view_not_found"


class ViewChanged(Conflict):
    """Somebody saved the view since it was opened."""

    code = "view_changed"


class BadView(Invalid):
    """A view that can't be kept; `params['why']` says what is wrong with it."""

    code = "bad_view"


class SharingForbidden(Forbidden):
    """This person may not share with them."""

    code = "sharing_forbidden"


def plain(state: ListState) -> dict[str, Any]:
    """A state as JSON values."""
    return {
        "columns": list(state.columns), "sort": state.sort, "search": state.search,
        "is_archive": state.is_archive, "near": state.near, "near_km": state.near_km,
        "conditions": [{"field": c.field, "op": c.op, "value": c.value} for c in state.conditions],
    }  # fmt: skip
