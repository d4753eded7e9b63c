"""How a territory takes clients, in words; what a form says of its rule, as the service takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fieldcrm.clients.area_cells import area_km2
from fieldcrm.clients.landing import CONDITIONS
from fieldcrm.clients.model import CATEGORIES, ClientKind
from fieldcrm.kit import i18n
from fieldcrm.planning.territory_load import TerritoryLoad

TYPED = ("specialties", "cities", "postcodes", "tags")
"""Conditions whose values are typed, with commas between them."""
NAMED = 3
"""Values of a condition that a row names."""
SMALL_KM2 = 10
"""Smaller areas are told to a tenth."""


def takes(cells: Sequence[str], rule: Mapping[str, Sequence[str]], language: str) -> str:
    """`area 12 km² · rule: pharmacies; in Chișinău`, or that it is a list."""
    told = [i18n.t("territory.area_of", language, size=size(cells, language))] if cells else []
    if asked := [_condition(c, rule[c], language) for c in CONDITIONS if rule.get(c)]:
        told.append(i18n.t("territory.rule_of", language, rule="; ".join(asked)))
    return " · ".join(told) or i18n.t("territory.list", language)


def size(cells: Sequence[str], language: str) -> str:
    """An area's size in km²."""
    km2 = area_km2(cells)
    digits = 1 if km2 < SMALL_KM2 else 0
    return i18n.t("territory.km2", language, n=i18n.number(round(km2, digits), language, digits))


def visits_told(load: TerritoryLoad, language: str) -> str:
    """`12 of 180`: visits held of those wanted over the cycle; nothing where none is wanted."""
    if not load.wanted:
        return ""
    held, wanted = (i18n.number(n, language) for n in (load.held, load.wanted))
    return i18n.t("territory.visits_of", language, held=held, wanted=wanted)


def _condition(name: str, values: Sequence[str], language: str) -> str:
    if name == "kinds":
        values = [i18n.t(f"form_admin.kind.{v}", language).lower() for v in values]
    shown = ", ".join(values[:NAMED])
    if more := len(values) - NAMED if len(values) > NAMED else 0:
        shown = i18n.t("territory.and_more", language, values=shown, n=more)
    return i18n.t(f"territory.asks.{name}", language, values=shown)


def read_rule(data: Mapping[str, Any]) -> dict[str, list[str]]:
    """A form's ticks (`kinds:doctor`) and texts as a rule; the service judges it."""
    ticked = {"kinds": list(ClientKind), "categories": list(CATEGORIES)}
    rule = {n: [str(v) for v in vs if data.get(f"{n}:{v}")] for n, vs in ticked.items()}
    return rule | {name: _split(str(data.get(name) or "")) for name in TYPED}


def _split(text: str) -> list[str]:
    return [value for part in text.replace(";", ",").split(",") if (value := part.strip())]
