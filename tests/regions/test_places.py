from __future__ import annotations

from collections import Counter
from pathlib import Path

from fieldcrm.regions.model import Address
from fieldcrm.regions.places import read_places
from fieldcrm.regions.rules import address_of, kind_of_place


def test_helsinki_has_the_places_of_a_health_and_beauty_company(extract: Path) -> None:
    places = read_places(extract)
    assert Counter(place.kind for place in places) == {
        "pharmacy": 6, "dentist": 5, "doctor": 3, "clinic": 4, "medical_service": 1,
        "medical_shop": 4, "optician": 17, "salon": 66, "cosmetics": 4, "shop": 29,
    }  # fmt: skip
    assert len(places) == 139
    assert sum(place.opening_hours is not None for place in places) == 64
    assert sum(place.phone is not None for place in places) == 55


def test_a_place_carries_what_the_map_says_and_nothing_else(extract: Path) -> None:
    by_name = {place.name: place for place in read_places(extract)}
    stockmann = by_name["Stockmann"]
    assert stockmann.osm_id == "way/122595241"
    assert stockmann.address == Address("Aleksanterinkatu", "52", "00100", "Helsinki")
    assert stockmann.phone == "+358 09 1211"
    assert stockmann.opening_hours == "Mo-Fr 09:00-21:00; Sa 09:00-19:00; Su 11:00-18:00"
    sokos = by_name["Sokos"]
    assert (sokos.address, sokos.phone, sokos.opening_hours) == (Address(), None, None)


def test_places_are_inside_the_town_and_their_ids_differ(extract: Path) -> None:
    places = read_places(extract)
    assert len({place.osm_id for place in places}) == len(places)
    assert all(60.16 < place.lat < 60.18 and 24.93 < place.lng < 24.96 for place in places)
    assert all(place.name == place.name.strip() != "" for place in places)


def test_what_a_place_is_medically_comes_before_what_it_sells() -> None:
    assert kind_of_place({"amenity": "pharmacy", "shop": "cosmetics"}) == "pharmacy"
    assert kind_of_place({"healthcare": "alternative"}) is None
    assert kind_of_place({"shop": "clothes"}) is None
    assert kind_of_place({}) is None


def test_blank_address_tags_are_missing() -> None:
    assert address_of({"addr:street": "  ", "addr:postcode": "00100"}) == Address(postcode="00100")
