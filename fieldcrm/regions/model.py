"""What a region is made of: points, matrices, routes, places, and the errors of this domain."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Mode = Literal["foot", "bicycle", "car"]
MODES: tuple[Mode, ...] = ("foot", "bicycle", "car")
UNREACHABLE = -1
ATTRIBUTION = "© OpenStreetMap contributors"

PlaceKind = Literal[
    "pharmacy", "dentist", "doctor", "clinic", "medical_service", "medical_shop",
    "optician", "salon", "cosmetics", "shop",
]  # fmt: skip


class LatLng(NamedTuple):
    """A point on the earth, degrees, WGS 84; the latitude always comes first."""

    lat: float
    lng: float


class Bounds(NamedTuple):
    """A box of degrees; it never crosses the date line."""

    south: float
    west: float
    north: float
    east: float

    @property
    def centre(self) -> LatLng:
        return LatLng((self.south + self.north) / 2, (self.west + self.east) / 2)


class RegionFailed(Exception):
    """A region could not be made; the reason is one sentence for a person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RegionMissing(Exception):
    """No whole region lies in that folder."""


class ModeMissing(Exception):
    """The region has no roads for that way of travelling."""


@dataclass(frozen=True)
class Region:
    """A built region: its folder and what its region.json says."""

    folder: Path
    name: str
    bounds: Bounds
    built_at: str
    source_name: str
    source_sha256: str
    builder_version: int
    modes: tuple[Mode, ...]
    counts: dict[str, int]
    attribution: str = ATTRIBUTION

    @property
    def centre(self) -> LatLng:
        return self.bounds.centre

    @property
    def basemap(self) -> Path:
        return self.folder / "basemap.pmtiles"


@dataclass(frozen=True)
class Matrix:
    """Times and distances between points, shape (sources, destinations), int32.

    Seconds and metres; UNREACHABLE (-1) in both where the roads offer no way.
    """

    duration_s: npt.NDArray[np.int32]
    distance_m: npt.NDArray[np.int32]

    @property
    def is_reachable(self) -> npt.NDArray[np.bool_]:
        return self.duration_s != UNREACHABLE


@dataclass(frozen=True)
class Leg:
    """The way from one point of a route to the next."""

    duration_s: int
    distance_m: int
    line: list[LatLng]


@dataclass(frozen=True)
class Route:
    """The way through all points in their order."""

    duration_s: int
    distance_m: int
    line: list[LatLng]
    legs: list[Leg]


@dataclass(frozen=True)
class Nearest:
    """The closest point of a road, and how far it is from the point asked about."""

    point: LatLng
    distance_m: float
    street: str | None


@dataclass(frozen=True)
class Estimate:
    """A great-circle guess; whoever shows it must call it an estimate."""

    duration_s: int
    distance_m: int
    is_estimate: bool = True


@dataclass(frozen=True)
class Address:
    """The parts of a street address that the map has; None is unknown."""

    street: str | None = None
    housenumber: str | None = None
    postcode: str | None = None
    city: str | None = None


@dataclass(frozen=True)
class Place:
    """A health, optical or beauty place as OpenStreetMap has it; None is unknown.

    `osm_id` is like `node/123`; `opening_hours` is the raw OpenStreetMap text.
    """

    osm_id: str
    kind: PlaceKind
    name: str
    lat: float
    lng: float
    address: Address
    phone: str | None = None
    email: str | None = None
    website: str | None = None
    opening_hours: str | None = None

    @property
    def point(self) -> LatLng:
        return LatLng(self.lat, self.lng)
