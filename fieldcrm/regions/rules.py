"""Decisions about regions, values in and values out."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fieldcrm.regions.model import Address, Estimate, LatLng, Mode, PlaceKind

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the earth (IUGG 1980)."""

SPEED_KMH: dict[Mode, float] = {"foot": 4.8, "bicycle": 15.0, "car": 28.0}
"""Door to door in a town, lights and parking search included."""

DETOUR: dict[Mode, float] = {"foot": 1.25, "bicycle": 1.3, "car": 1.4}
"""Metres on the road for each metre of straight line."""

NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")

# OpenStreetMap's own values for places that a health and beauty company visits. Of shops, the
# wiki's group "health and beauty", then those that sell over-the-counter and care products.
KIND_BY_TAG: dict[tuple[str, str], PlaceKind] = {
    ("amenity", "pharmacy"): "pharmacy",
    ("healthcare", "pharmacy"): "pharmacy",
    ("amenity", "dentist"): "dentist",
    ("healthcare", "dentist"): "dentist",
    ("amenity", "doctors"): "doctor",
    ("healthcare", "doctor"): "doctor",
    ("amenity", "clinic"): "clinic",
    ("amenity", "hospital"): "clinic",
    ("healthcare", "clinic"): "clinic",
    ("healthcare", "centre"): "clinic",
    ("healthcare", "hospital"): "clinic",
    ("healthcare", "blood_donation"): "medical_service",
    ("healthcare", "laboratory"): "medical_service",
    ("healthcare", "rehabilitation"): "medical_service",
    ("healthcare", "physiotherapist"): "medical_service",
    ("shop", "optician"): "optician",
    ("healthcare", "optometrist"): "optician",
    ("shop", "hairdresser"): "salon",
    ("shop", "beauty"): "salon",
    ("shop", "massage"): "salon",
    ("shop", "tattoo"): "salon",
    ("shop", "cosmetics"): "cosmetics",
    ("shop", "perfumery"): "cosmetics",
    ("shop", "hairdresser_supply"): "cosmetics",
    ("shop", "chemist"): "medical_shop",
    ("shop", "medical_supply"): "medical_shop",
    ("shop", "hearing_aids"): "medical_shop",
    ("shop", "herbalist"): "medical_shop",
    ("shop", "nutrition_supplements"): "medical_shop",
    ("shop", "health_food"): "medical_shop",
    ("shop", "supermarket"): "shop",
    ("shop", "convenience"): "shop",
    ("shop", "kiosk"): "shop",
    ("shop", "department_store"): "shop",
}


def is_region_name(name: str) -> bool:
    """Say whether the name is safe as a folder and in an address."""
    return NAME_PATTERN.fullmatch(name) is not None


def name_from_file(file_name: str) -> str:
    """Make a region's name from its file's, e.g. 'Greater Porto.osm.pbf' to 'greater-porto'."""
    stem = re.sub(r"(\.osm)?\.pbf$", "", file_name.lower())
    return re.sub(r"[^a-z0-9_]+", "-", stem).strip("-_")[:63] or "region"


def great_circle_m(a: LatLng, b: LatLng) -> float:
    """Give the metres between two points over the sphere (haversine)."""
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    half_lng = math.radians(b.lng - a.lng) / 2
    h = math.sin((lat_b - lat_a) / 2) ** 2
    h += math.cos(lat_a) * math.cos(lat_b) * math.sin(half_lng) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(h)))


def estimate(mode: Mode, a: LatLng, b: LatLng) -> Estimate:
    """Guess time and distance where a region has no roads: great circle, detour, town speed."""
    distance_m = great_circle_m(a, b) * DETOUR[mode]
    return Estimate(round(distance_m / (SPEED_KMH[mode] / 3.6)), round(distance_m))


def mutually_reachable(is_reachable: npt.NDArray[np.bool_]) -> list[int]:
    """Give the indices, ascending, of a largest set in which each point reaches each other.

    `is_reachable` is square; a point that does not reach itself is on no road. Roads make reaching all but transitive, so the largest connected
    group is taken and the point with the most missing pairs dropped until none is missing.
    """
    both = (is_reachable & is_reachable.T).copy()
    group = _largest_group(both)
    while group:
        gaps = [int((~both[i][[j for j in group if j != i]]).sum()) for i in group]
        worst = max(range(len(group)), key=gaps.__getitem__)
        if not gaps[worst]:
            break
        group.pop(worst)
    return group


def _largest_group(both: npt.NDArray[np.bool_]) -> list[int]:
    unseen, best = {int(i) for i in both.diagonal().nonzero()[0]}, list[int]()
    while unseen:
        group, front = set[int](), {min(unseen)}
        while front:
            group |= front
            front = {int(j) for i in front for j in both[i].nonzero()[0]} & unseen - group
        unseen -= group
        best = max(best, sorted(group), key=len)
    return best


def kind_of_place(tags: Mapping[str, str]) -> PlaceKind | None:
    """Tell what a mapped thing is to a health and beauty company; None if nothing.

    What it is medically comes before what it sells.
    """
    for key in ("amenity", "healthcare", "shop"):
        kind = KIND_BY_TAG.get((key, tags.get(key, "")))
        if kind:
            return kind
    return None


def address_of(tags: Mapping[str, str]) -> Address:
    """Read the address tags; what is missing stays missing."""
    return Address(
        street=first_of(tags, "addr:street", "addr:place"),
        housenumber=first_of(tags, "addr:housenumber"),
        postcode=first_of(tags, "addr:postcode"),
        city=first_of(tags, "addr:city"),
    )


def first_of(tags: Mapping[str, str], *keys: str) -> str | None:
    """Give the first of the keys' values that is more than blanks."""
    return next((value for key in keys if (value := tags.get(key, "").strip())), None)
