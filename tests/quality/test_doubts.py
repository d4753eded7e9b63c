"""What is said once of a client that somebody types: only of what he changed, and never as a refusal."""

from __future__ import annotations

from typing import Any

import pytest

from fieldcrm.quality.doubts import doubts_about

HERE = {"lat": 60.17, "lng": 24.94, "phone": "+358401234567", "opening_hours": "Mo-Fr 09:00-17:00"}


def _doubted(
    fields: dict[str, Any], before: dict[str, Any] | None = None, **more: Any
) -> list[str]:
    wanted = {"countries": ("FI",), "known": None} | more
    return [d.field for d in doubts_about(HERE | fields, before or {}, **wanted)]


def test_of_a_card_in_order_nothing_is_said() -> None:
    assert _doubted({}) == []


@pytest.mark.parametrize(
    ("fields", "doubted"),
    [
        ({"phone": "12"}, ["phone"]),
        ({"lat": 24.94, "lng": 60.17}, ["lat"]),
        ({"lat": 45.0, "lng": 25.0}, ["lat"]),
        ({"opening_hours": "whenever we like"}, ["opening_hours"]),
        ({"opening_hours": "Mo-Su off"}, ["opening_hours"]),
        ({"phone": "12", "lat": 24.94, "lng": 60.17}, ["phone", "lat"]),
        ({"phone": None, "lat": None, "lng": None, "opening_hours": None}, []),
    ],
)
def test_what_seems_wrong_is_named(fields: dict[str, Any], doubted: list[str]) -> None:
    assert _doubted(fields) == doubted


def test_of_what_was_there_before_nothing_is_said() -> None:
    known = HERE | {"phone": "12", "lat": 24.94, "lng": 60.17}
    assert _doubted(known, known) == []
    assert _doubted(known | {"lng": 60.18}, known) == ["lat"], (
        "either of the two numbers is the place"
    )


def test_only_numbers_the_wrong_way_round_can_be_exchanged() -> None:
    def swapped(lat: float, lng: float, **more: Any) -> list[bool]:
        wanted = {"countries": ("FI",), "known": None} | more
        return [d.is_swapped for d in doubts_about({"lat": lat, "lng": lng}, {}, **wanted)]

    assert swapped(24.94, 60.17) == [True]
    assert swapped(45.0, 25.0) == [False]
    assert swapped(124.94, 60.17) == [True], "as it is it is no place at all"
    assert swapped(24.94, 60.17, countries=(), known=(60.2, 24.9)) == [True], (
        "by where the base lies"
    )
    assert swapped(24.94, 60.17, countries=()) == []
