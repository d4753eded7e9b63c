"""What a saved view may hold, what of it still stands, and who may share with whom. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from fieldcrm.clients import conditions
from fieldcrm.clients.model import DISTANCE, SORTS, BadClientField, Condition, Near
from fieldcrm.clients.ownfields.model import PREFIX, UNSORTED
from fieldcrm.clients.views.model import (
    COLUMNS,
    COLUMNS_MAX,
    NAME_MAX,
    BadView,
    ListState,
    Shared,
    SharingForbidden,
)
from fieldcrm.people.model import Actor, Role

_POINT = re.compile(r"\s*(-?\d{1,2}(?:\.\d{1,12})?)\s*[,; ]\s*(-?\d{1,3}(?:\.\d{1,12})?)\s*")
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_OWN_NAME = re.compile(r"own\.[a-z][a-z0-9_]{0,60}")


def read_state(told: Any) -> ListState:
    """A state from JSON values; raises BadView for what no list can be."""
    try:
        state = msgspec.convert(told, ListState)
    except msgspec.ValidationError as error:
        raise BadView(why="shape") from error
    columns = tuple(dict.fromkeys(state.columns))
    if len(columns) > COLUMNS_MAX or not all(_is_name(c, COLUMNS) for c in columns):
        raise BadView(why="columns")
    by = state.sort.removeprefix("-")
    if not _is_name(by, SORTS) and not (by == DISTANCE and state.near):
        raise BadView(why="sort")
    if len(state.search) > 200 or "\x00" in state.search:
        raise BadView(why="search")
    _check_conditions(state)
    _check_near(state)
    return replace(state, columns=columns)


def _is_name(name: str, known: Collection[str]) -> bool:
    return name in known or _OWN_NAME.fullmatch(name) is not None


def _check_conditions(state: ListState) -> None:
    """Columns' conditions are known now; those of own fields only by their shape."""
    if len(state.conditions) > conditions.CONDITIONS_MAX:
        raise BadView(why="conditions")
    for each in state.conditions:
        is_own = _OWN_NAME.fullmatch(each.field) is not None
        try:
            conditions.check(each, "text" if is_own else conditions.FIELDS.get(each.field))
        except BadClientField as error:
            if not (is_own and each.op in ("from", "to") and len(each.value) <= 200):
                raise BadView(why="conditions") from error


def _check_near(state: ListState) -> None:
    if not state.near:
        return
    is_place = point_in(state.near) is not None or _ID.fullmatch(state.near) is not None
    if not (is_place and 0 < state.near_km <= conditions.KM_MAX):
        raise BadView(why="near")


def point_in(text: str) -> tuple[float, float] | None:
    """(latitude, longitude) of a text that holds such; None for anything else."""
    found = _POINT.fullmatch(text)
    if found is None:
        return None
    lat, lng = float(found[1]), float(found[2])
    return (lat, lng) if abs(lat) <= 89 and abs(lng) <= 180 else None


def near_point(state: ListState) -> Near | None:
    """The circle of a state that names a point."""
    point = point_in(state.near) if state.near else None
    return Near(*point, km=state.near_km) if point else None


def standing(state: ListState, own: Mapping[str, str]) -> tuple[ListState, tuple[str, ...]]:
    """(what of a state still stands, names of own fields that are gone or changed their sense).

    `own`: name -> type of the fields in use.
    """
    gone: dict[str, None] = {}

    def is_there(name: str) -> bool:
        known = not name.startswith(PREFIX) or name.removeprefix(PREFIX) in own
        if not known:
            gone[name.removeprefix(PREFIX)] = None
        return known

    columns = tuple(c for c in state.columns if is_there(c))
    kept = tuple(c for c in state.conditions if is_there(c.field) and _stands(c, own))
    for each in state.conditions:
        if each not in kept:
            gone[each.field.removeprefix(PREFIX)] = None
    by = state.sort.removeprefix("-")
    is_sorted = is_there(by) and own.get(by.removeprefix(PREFIX)) not in UNSORTED
    sort = state.sort if is_sorted else "name"
    return replace(state, columns=columns, conditions=kept, sort=sort), tuple(gone)


def without(state: ListState, hidden: Collection[str]) -> ListState:
    """A state that says nothing of some own fields (by name)."""
    unsaid = {PREFIX + name for name in hidden}
    return replace(
        state, columns=tuple(c for c in state.columns if c not in unsaid),
        conditions=tuple(c for c in state.conditions if c.field not in unsaid),
        sort="name" if state.sort.removeprefix("-") in unsaid else state.sort,
    )  # fmt: skip


def _stands(condition: Condition, own: Mapping[str, str]) -> bool:
    if not condition.field.startswith(PREFIX):
        return True
    kind = conditions.OWN_TYPES.get(own.get(condition.field.removeprefix(PREFIX), ""))
    try:
        conditions.check(condition, kind)
    except BadClientField:
        return False
    return True


def read_name(told: Any) -> str:
    """A view's name; raises BadView for none."""
    name = " ".join("".join(c if c >= " " else " " for c in str(told or "")).split())
    if not name or len(name) > NAME_MAX:
        raise BadView(why="name")
    return name


def check_sharing(actor: Actor, shared: Shared, team_id: str | None) -> None:
    """A team is shared with by whoever is responsible for it, everybody by manager and administrator."""
    if shared is Shared.everybody and actor.role not in (Role.manager, Role.admin):
        raise SharingForbidden()
    if shared is Shared.team and not (team_id and (actor.is_admin or team_id in actor.team_ids)):
        raise SharingForbidden()
