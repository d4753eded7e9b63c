"""The basemap's style as a web process gives it: names in the reader's language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from fieldcrm.ops.web import Web


@pytest.mark.parametrize(
    ("asked", "language"),
    [("", "en"), ("?lang=ru", "ru"), ("?language=ro", "ro"), ("?lang=%22%5D", "en")],
)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_names_are_in_the_language_that_is_asked_for(
    home: Path, theme: str, asked: str, language: str
) -> None:
    web = TestClient(Web(PlainTextResponse("no page"), home))
    told = web.get(f"/region/style-{theme}.json{asked}")
    assert told.status_code == 200
    assert set(re.findall(r"name:(\w+)", told.text)) == {language}
