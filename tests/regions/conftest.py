"""One real region, built once for all tests here from the extract of central Helsinki."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldcrm.regions.build import open_region, sample_extract
from fieldcrm.regions.model import LatLng, Region
from fieldcrm.regions.places import read_places


@pytest.fixture(scope="session")
def extract() -> Path:
    return sample_extract()


@pytest.fixture(scope="session")
def helsinki(helsinki_home: Path) -> Region:
    return open_region(helsinki_home / "regions" / "helsinki")


@pytest.fixture(scope="session")
def place_points(extract: Path) -> list[LatLng]:
    return [place.point for place in read_places(extract)]
