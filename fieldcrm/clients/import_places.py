"""In which countries a point can lie, and of which country a file's phone numbers are; pure.

Rough boxes around mainlands, a degree or so too large rather than too small: enough to see that
latitude and longitude were exchanged, and to know whose national numbers to try.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

from fieldcrm.clients.rules import e164_of

BOXES: dict[str, tuple[float, float, float, float]] = {
    "AL": (39, 18, 43, 22), "AM": (38, 43, 42, 47), "AT": (46, 9, 50, 18), "AZ": (38, 44, 42, 51),
    "BA": (42, 15, 46, 20), "BE": (49, 2, 52, 7), "BG": (41, 22, 45, 29), "BY": (51, 23, 57, 33),
    "CH": (45, 5, 48, 11), "CY": (34, 32, 36, 35), "CZ": (48, 12, 52, 19), "DE": (47, 5, 56, 16),
    "DK": (54, 7, 58, 16), "EE": (57, 21, 60, 29), "ES": (27, -19, 44, 5), "FI": (59, 19, 71, 32),
    "FR": (41, -6, 52, 10), "GB": (49, -9, 61, 2), "GE": (41, 39, 44, 47), "GR": (34, 19, 42, 30),
    "HR": (42, 13, 47, 20), "HU": (45, 16, 49, 23), "IE": (51, -11, 56, -5), "IL": (29, 34, 34, 36),
    "IS": (63, -25, 67, -13), "IT": (35, 6, 48, 19), "KG": (39, 69, 44, 81), "KZ": (40, 46, 56, 88),
    "LT": (53, 20, 57, 27), "LU": (49, 5, 51, 7), "LV": (55, 20, 59, 29), "MD": (45, 26, 49, 31),
    "ME": (41, 18, 44, 21), "MK": (40, 20, 43, 24), "MT": (35, 14, 37, 15), "NL": (50, 3, 54, 8),
    "NO": (57, 4, 72, 32), "PL": (48, 14, 55, 25), "PT": (32, -32, 43, -6), "RO": (43, 20, 49, 30),
    "RS": (42, 18, 47, 24), "RU": (41, 19, 82, 180), "SE": (55, 10, 70, 25), "SI": (45, 13, 47, 17),
    "SK": (47, 16, 50, 23), "TJ": (36, 67, 42, 76), "TM": (35, 52, 43, 67), "TR": (35, 25, 43, 45),
    "UA": (44, 22, 53, 41), "US": (18, -180, 72, -65), "UZ": (37, 55, 46, 74),
}  # fmt: skip
"""ISO code -> (south, west, north, east), degrees."""
SAMPLE = 200
MOSTLY = 0.7
"""Share of a file's numbers that must be valid in a country for it to be theirs."""


def is_in(country: str, lat: float, lng: float) -> bool | None:
    """Whether a point can lie in a country; None for one we have no box of."""
    box = BOXES.get(country)
    if box is None:
        return None
    south, west, north, east = box
    return south <= lat <= north and west <= lng <= east


def is_swapped_in(country: str, lat: float, lng: float) -> bool:
    """Whether a point lies outside its country, and in it with the axes exchanged."""
    return is_in(country, lat, lng) is False and is_in(country, lng, lat) is True


def are_swapped(points: Sequence[tuple[float, float]], known: tuple[float, float] | None) -> bool:
    """Whether untitled (lat, lng) columns must be the other way round: no latitude is beyond 90,
    else by where the base lies."""
    if not points:
        return False
    lat, lng = (statistics.median(p[i] for p in points) for i in (0, 1))
    if any(abs(p[0]) > 90 for p in points):
        return all(abs(p[1]) <= 90 for p in points)
    if known is None:
        return False
    as_is = abs(lat - known[0]) + abs(lng - known[1])
    return abs(lng - known[0]) + abs(lat - known[1]) < as_is / 4


def country_of_phones(points: Sequence[tuple[float, float]], phones: Iterable[str]) -> str | None:
    """The country where most points can lie and most national numbers are valid, None for no such."""
    votes = Counter(c for lat, lng in points for c in BOXES if is_in(c, lat, lng))
    tried = [p for p in phones if not p.lstrip().startswith(("+", "00"))][:SAMPLE]
    near = [c for c, n in votes.most_common() if n > len(points) / 2]
    if not tried or not near:
        return None
    valid = {c: sum(e164_of(p, c) is not None for p in tried) / len(tried) for c in near}
    best = max(near, key=lambda c: valid[c])
    return best if valid[best] >= MOSTLY else None
