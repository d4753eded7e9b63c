"""What can be wrong with a client's card, what that costs its score, and where a pin should stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from fieldcrm.clients.model import CATEGORIES
from fieldcrm.kit.errors import Conflict, Invalid, NotFound


class Code(StrEnum):
    """A kind of finding; the order is that of lists and reports. Its text is `quality.finding.<code>`."""

    no_place = "no_place"
    wrong_pin = "wrong_pin"
    bad_place = "bad_place"
    duplicate = "duplicate"
    stale = "stale"
    no_consent = "no_consent"
    missing = "missing"
    bad_phone = "bad_phone"
    outside = "outside"
    bad_hours = "bad_hours"
    never_open = "never_open"
    no_house = "no_house"


POINTS: dict[Code, int] = {
    Code.no_place: 25, Code.wrong_pin: 20, Code.bad_place: 25, Code.duplicate: 15, Code.stale: 10,
    Code.no_consent: 10, Code.missing: 8, Code.bad_phone: 8, Code.outside: 6, Code.bad_hours: 6,
    Code.never_open: 6, Code.no_house: 4,
}  # fmt: skip
"""What a finding takes from the hundred; each missing field counts."""
BIT: dict[Code, int] = {code: 1 << n for n, code in enumerate(Code)}
FULL = 100
WEIGHT = {"A": 4, "B": 2, "C": 1}
"""How much a client's category makes of a gap; without one as C."""
SOON_DAYS, VERY_SOON_DAYS = 14, 3
REQUIRABLE = (
    "phone", "email", "specialty", "address", "city", "postcode", "opening_hours", "category",
    "territory_id", "visit_minutes", "loyalty",
)  # fmt: skip
"""Fields that may be required of a category, beside own fields (`own.<name>`)."""
UNSORTED = ""
"""The category of clients that have none."""
SORTS = ("value", "score", "name", "category", "checked_at")


@dataclass(frozen=True)
class Finding:
    """One thing wrong with a card; `field` names a missing one."""

    code: Code
    field: str = ""

    @property
    def points(self) -> int:
        return POINTS[self.code]


@dataclass(frozen=True)
class Card:
    """All that is known of a client when its card is judged."""

    id: str
    kind: str
    category: str | None = None
    territory_id: str | None = None
    phone: str | None = None
    phone_e164: str | None = None
    email: str | None = None
    specialty: str | None = None
    loyalty: str | None = None
    address: str | None = None
    city: str | None = None
    postcode: str | None = None
    lat: float | None = None
    lng: float | None = None
    opening_hours: str | None = None
    visit_minutes: int | None = None
    own_fields: Mapping[str, Any] = field(default_factory=dict)
    consents: Mapping[str, Any] = field(default_factory=dict)
    version: int = 1
    has_workplace: bool = False
    known_at: datetime | None = None
    """When somebody last changed, visited or confirmed it."""
    next_visit_on: date | None = None
    has_double: bool = False
    has_wrong_pin: bool = False
    area: frozenset[int] | None = None
    """H3 cells of its territory; None where none are drawn."""


ON_CARD = "@card"
"""Consent is what cards themselves tell by channel (see clients.standing)."""


def _usual() -> dict[str, tuple[str, ...]]:
    return {
        "A": ("phone", "specialty", "address", "city", "opening_hours", "territory_id"),
        "B": ("phone", "specialty", "address", "territory_id"),
        "C": ("address", "territory_id"),
        UNSORTED: ("territory_id",),
    }


@dataclass(frozen=True)
class Norms:
    """What the administrator asks of a card."""

    required: Mapping[str, tuple[str, ...]] = field(default_factory=_usual)
    """Category (empty: none) -> fields; those that a kind of client can't have are not asked of it."""
    stale_days: int = 180
    """A card that nobody changed, visited or confirmed for longer is stale."""
    consent_field: str = ""
    """Where a person's consent is kept: ON_CARD, or an own field; empty: it is not kept."""
    countries: tuple[str, ...] = ()
    """ISO codes of where clients can be, also whose phone numbers are read; empty: the time zone's."""
    every_days: int = 7
    """How often the base is looked through by itself; 0: never."""


STALE_LEAST, STALE_MOST, EVERY_MOST = 7, 3650, 90


class Provider(StrEnum):
    """Whose language a geocoder speaks."""

    nominatim = "nominatim"
    photon = "photon"


@dataclass(frozen=True)
class Geocoder:
    """Which service finds addresses; without an address none is ever asked."""

    provider: Provider = Provider.nominatim
    url: str = ""
    contact: str = ""
    """E-mail or page of who asks, for the service's keeper."""
    apply_exact: bool = False
    """Whether a hit at the very house is taken over without a person's word."""

    @property
    def is_on(self) -> bool:
        return bool(self.url and self.contact)


class Precision(StrEnum):
    """How near a geocoder's answer is to the door."""

    house = "house"
    street = "street"
    town = "town"


@dataclass(frozen=True)
class Located:
    """A geocoder's answer."""

    lat: float
    lng: float
    precision: Precision
    label: str = ""


class Source(StrEnum):
    """Where a proposed pin comes from."""

    visits = "visits"
    geocoder = "geocoder"


class PinStatus(StrEnum):
    """What became of a proposed pin; withdrawn: it no longer holds, as the card has changed."""

    open = "open"
    accepted = "accepted"
    declined = "declined"
    withdrawn = "withdrawn"


class RunStatus(StrEnum):
    """How a run stands."""

    queued = "queued"
    running = "running"
    done = "done"
    failed = "failed"
    cancelled = "cancelled"
    stopped = "stopped"
    """The geocoder asked not to be asked any more."""


class RunKind(StrEnum):
    """What a run does."""

    check = "check"
    geocode = "geocode"


@dataclass(frozen=True)
class CardFilters:
    """What narrows the list; empty is no narrowing."""

    search: str = ""
    code: str = ""
    category: str = ""
    territory_id: str = ""
    rep_id: str = ""
    """Clients of the territories this rep holds."""


Tell = Callable[[float], None]
"""Hears how far a long work is, 0 to 1."""


def quiet(_share: float) -> None:
    """Hears and says nothing."""


class NoSuchCard(NotFound):
    """No such client, or it is out of this person's scope."""

    code = "quality_card_not_found"


class NoSuchPin(NotFound):
    """No such proposal, or it is out of this person's scope."""

    code = "pin_not_found"


class PinDecided(Conflict):
    """Somebody decided this proposal meanwhile."""

    code = "pin_decided"


class NoSuchRun(NotFound):
    """No such run."""

    code = "quality_run_not_found"


class RunUnderWay(Conflict):
    """A run of this kind is under way."""

    code = "quality_run_under_way"


class BadNorm(Invalid):
    """A rule of quality that can't be; `params['field']` names it."""

    code = "bad_norm"


class GeocoderOff(Conflict):
    """No geocoder is set, so none is asked."""

    code = "geocoder_off"


def category_of(text: str | None) -> str:
    """A category that norms know, or none."""
    return text if text in CATEGORIES else UNSORTED
