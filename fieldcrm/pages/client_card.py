"""A client's card in the list's drawer: its facts, people and places, promises, likely doubles,
who knows the client, how often it is still to be seen, and who is near. What happened with it is
`client_timeline`'s."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fieldcrm.clients import service as clients
from fieldcrm.clients import standing_words
from fieldcrm.clients.duplicates import queue as duplicates
from fieldcrm.clients.duplicates import words as pair_words
from fieldcrm.clients.duplicates.queue import PairView
from fieldcrm.clients.model import DISTANCE, ClientCard, ClientFilters, Near
from fieldcrm.kit import clock, i18n
from fieldcrm.kit.units import distance_m
from fieldcrm.pages.client_counts import own_facts
from fieldcrm.pages.distances import distance
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor
from fieldcrm.reports.of_client import Aim, Knower, of_client

FACTS = ("specialty", "loyalty", "phone", "email", "website", "address", "city", "postcode", "opening_hours",
         "visit_minutes", "external_id", "note")  # fmt: skip
NEAR_KM = 1.0
NEAR_MOST = 6


@dataclass
class Pair:
    """A fact with its name."""

    label: str
    value: str
    href: str = ""
    """Of a file."""


@dataclass
class TieRow:
    """A person at a workplace, seen from either side."""

    id: str
    name: str
    note: str
    is_main: bool


@dataclass
class PromiseRow:
    """A next step somebody promised."""

    text: str
    due: str
    is_done: bool
    is_late: bool


@dataclass
class DoubleRow:
    """Another client that this one may be: a pair of the queue."""

    pair_id: str
    name: str
    why: str


@dataclass
class AimRow:
    """How often a rep is still to see the client in this cycle."""

    name: str
    left: str
    text: str
    is_done: bool


@dataclass
class KnowerRow:
    """A rep who has seen the client."""

    name: str
    text: str


@dataclass
class NearRow:
    """A client close by; `at` is (lat, lng) in degrees."""

    id: str
    name: str
    letter: str
    way: str
    at: list[float]


@dataclass
class Card:
    """A client's card in the reader's words."""

    id: str = ""
    name: str = ""
    kind: str = ""
    category: str = ""
    territory: str = ""
    why: str = ""
    """What speaks for the category."""
    warning: str = ""
    """Of consent that was withdrawn."""
    consents: list[Pair] = field(default_factory=list)
    facts: list[Pair] = field(default_factory=list)
    ties: list[TieRow] = field(default_factory=list)
    promises: list[PromiseRow] = field(default_factory=list)
    doubles: list[DoubleRow] = field(default_factory=list)
    aims: list[AimRow] = field(default_factory=list)
    knowers: list[KnowerRow] = field(default_factory=list)
    near: list[NearRow] = field(default_factory=list)
    has_map: bool = False
    spot: dict[str, Any] = field(default_factory=dict)
    """What `place_map.tsx` draws: id and `at` of the client, and the clients near."""


def card_of(actor: Actor, client_id: str, language: str) -> Card:
    """The card of a client in the reader's words. Raises ClientNotFound."""
    found = clients.card(actor, client_id)
    c = found.client
    facts = [(name, _said(c, name, language)) for name in FACTS]
    knowers, aims = of_client(actor, client_id)
    near = _near(actor, found, language)
    return Card(
        c.id, c.name, i18n.t(f"admin.client.{c.kind}", language), c.category or "",
        found.territory.name if found.territory else "",
        _why(c, "category", language), standing_words.warning(c, language),
        [Pair(*said) for said in standing_words.consents(c, language)],
        [Pair(i18n.t(f"admin.field.{n}", language), str(v)) for n, v in facts if v not in (None, "")]
        + [Pair(*fact) for fact in own_facts(c, actor, language)]
        + _known_by(found, actor, language),
        _ties(found), [_promise(p, language) for p in found.promises[:8]],
        [_double(v, client_id, language) for v in duplicates.of_client(actor, client_id)],
        [_aim(a, language) for a in aims], [_knower(k, language) for k in knowers], near,
        c.lat is not None, _spot(c, near),
    )  # fmt: skip


def _why(client: Any, facet: str, language: str) -> str:
    proof = client.evidence.get(facet)
    return standing_words.said(proof, language) if proof else ""


def _said(client: Any, name: str, language: str) -> Any:
    """A fact; loyalty with what speaks for it."""
    value = getattr(client, name)
    if name != "loyalty" or not value:
        return value
    return " · ".join(
        t for t in (standing_words.loyalty_word(value, language), _why(client, name, language)) if t
    )


def _known_by(found: ClientCard, actor: Actor, language: str) -> list[Pair]:
    """Who looks after the client, its tags, where the card comes from and when it changed."""
    c, territory = found.client, found.territory
    reps = {r.id: r.name for r in people.visible_reps(actor, True)}
    said = (
        ("quality.owner", reps.get(territory.rep_id, "") if territory else ""),
        ("admin.field.tags", ", ".join(c.tags)),
        ("client_list.field.source", i18n.t(f"client_list.source.{c.source}", language)),
        ("client_list.field.created_at", i18n.moment(c.created_at, language, "d MMM y")),
        ("client_list.field.updated_at", i18n.moment(c.updated_at, language, "d MMM y")),
    )
    return [Pair(i18n.t(label, language), text) for label, text in said if text]


def _aim(aim: Aim, language: str) -> AimRow:
    text = i18n.t("clients_page.aim", language, done=aim.done, planned=aim.planned, ahead=aim.ahead,
                  day=i18n.day(aim.ends_on, language))  # fmt: skip
    return AimRow(aim.name, i18n.t("clients_page.left", language, n=aim.left), text, aim.left == 0)


def _knower(knower: Knower, language: str) -> KnowerRow:
    day = i18n.day(knower.last_on, language, "d MMM y")
    return KnowerRow(knower.name, i18n.t("clients_page.knew", language, n=knower.visits, day=day))


def _near(actor: Actor, card: ClientCard, language: str) -> list[NearRow]:
    """The nearest others within a kilometre, but for who belongs to the client or it to them."""
    client = card.client
    if client.lat is None or client.lng is None:
        return []
    own = {client.id, *(t.client_id for t in (*card.workplaces, *card.people))}
    around = ClientFilters(near=Near(client.lat, client.lng, NEAR_KM))
    found = clients.find(actor, "", around, DISTANCE, NEAR_MOST + len(own)).rows
    return [
        NearRow(c.id, c.name, c.category or "", _way(client, c, language), [c.lat, c.lng])
        for c in found if c.id not in own
    ][:NEAR_MOST]  # fmt: skip


def _way(client: Any, other: Any, language: str) -> str:
    return distance(distance_m(client.lat, client.lng, other.lat, other.lng), language)


def _spot(client: Any, near: list[NearRow]) -> dict[str, Any]:
    if client.lat is None or client.lng is None:
        return {}
    others = [{"id": n.id, "name": n.name, "letter": n.letter, "at": n.at} for n in near]
    return {"id": client.id, "at": [client.lat, client.lng], "near": others}


def _double(view: PairView, client_id: str, language: str) -> DoubleRow:
    other = view.right if view.left.id == client_id else view.left
    return DoubleRow(view.pair.id, other.name, pair_words.why(view.reasons, language))


def _ties(found: ClientCard) -> list[TieRow]:
    every = [*found.workplaces, *found.people]
    return [
        TieRow(t.client_id, t.name, " · ".join(x for x in (t.role, t.hours) if x), t.is_main)
        for t in every
    ]


def _promise(p: Any, language: str) -> PromiseRow:
    is_late = (
        p.done_at is None and p.due_on is not None and p.due_on < clock.local(clock.now()).date()
    )
    due = i18n.day(p.due_on, language) if p.due_on else ""
    return PromiseRow(p.text, due, p.done_at is not None, is_late)
