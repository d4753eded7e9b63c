"""The health, optical and beauty places of an extract, as OpenStreetMap has them."""

from __future__ import annotations

from pathlib import Path

from fieldcrm.regions.extract import Feature, read_features
from fieldcrm.regions.model import Place
from fieldcrm.regions.rules import address_of, first_of, kind_of_place


def read_places(pbf: Path) -> list[Place]:
    """Read the named places of an extract, ordered by OpenStreetMap id; nothing is made up.

    A place mapped as an area lies at a point inside it. Raises RegionFailed for a bad file.
    """
    features = [
        feature
        for layer in ("points", "multipolygons")
        for feature in read_features(pbf, layer, _is_place)
    ]
    places = [place for feature in features if (place := _place(feature))]
    return sorted(places, key=lambda place: _id_order(place.osm_id))


def _is_place(tags: dict[str, str]) -> bool:
    return kind_of_place(tags) is not None and bool(tags.get("name", "").strip())


def _place(feature: Feature) -> Place | None:
    tags, kind = feature.tags, kind_of_place(feature.tags)
    name = first_of(tags, "name")
    if kind is None or name is None:
        return None
    point = feature.shape.representative_point()
    return Place(
        osm_id=feature.osm_id,
        kind=kind,
        name=name,
        lat=round(point.y, 7),
        lng=round(point.x, 7),
        address=address_of(tags),
        phone=first_of(tags, "phone", "contact:phone", "contact:mobile"),
        email=first_of(tags, "email", "contact:email"),
        website=first_of(tags, "website", "contact:website", "url"),
        opening_hours=first_of(tags, "opening_hours"),
    )


def _id_order(osm_id: str) -> tuple[str, int]:
    element, number = osm_id.split("/")
    return element, int(number)
