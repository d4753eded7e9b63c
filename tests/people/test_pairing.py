"""What sets an app up speaks the protocol that the gateway reads: its token is found again."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest

from fieldcrm.people import pairing, registry
from fieldcrm.people.model import DeviceKind
from fieldcrm.tracking.protocols import Post, gpslogger, osmand, overland, owntracks

GATEWAY, WEB, TOKEN = "https://field.example:8001", "https://field.example:8000", "t0k-EN_~"


def uri_for(kind: DeviceKind) -> str:
    return pairing.setup_uri(kind, GATEWAY, WEB, "0198-device", TOKEN)


def query_of(uri: str) -> dict[str, str]:
    return {k: v[0] for k, v in parse_qs(urlsplit(uri).query).items()}


def post(query: dict[str, str] | None = None, authorization: str = "") -> Post:
    headers = {"authorization": authorization} if authorization else {}
    return Post("POST", query or {}, headers, b"")


def test_traccar_client_gets_its_identifier_and_keeps_the_address():
    uri = uri_for(DeviceKind.osmand)
    assert uri.startswith(f"{GATEWAY}/ingest/osmand?")
    assert osmand.token(post(query_of(uri))) == TOKEN


def test_owntracks_gets_a_whole_configuration():
    uri = uri_for(DeviceKind.owntracks)
    assert uri.startswith("owntracks:///config?inline=")
    set_up = json.loads(base64.b64decode(query_of(uri)["inline"]))
    assert (set_up["_type"], set_up["mode"]) == ("configuration", 3)
    assert set_up["url"] == f"{GATEWAY}/ingest/owntracks"
    pair = base64.b64encode(f"{set_up['username']}:{set_up['password']}".encode()).decode()
    assert owntracks.token(post(authorization=f"Basic {pair}")) == TOKEN


def test_overland_gets_address_token_and_name():
    uri = uri_for(DeviceKind.overland)
    told = query_of(uri)
    assert uri.startswith("overland://setup?")
    assert (told["url"], told["device_id"]) == (f"{GATEWAY}/ingest/overland", "0198-device")
    assert overland.token(post(authorization=f"Bearer {told['token']}")) == TOKEN


def test_gpslogger_gets_a_custom_url_with_its_own_placeholders():
    told = query_of(uri_for(DeviceKind.gpslogger))
    assert gpslogger.token(post(told)) == TOKEN
    assert told["lat"] == "%LAT"


@pytest.mark.parametrize("kind", list(DeviceKind))
def test_the_code_is_a_picture_of_its_own(kind: DeviceKind):
    from xml.etree import ElementTree

    root = ElementTree.fromstring(pairing.qr_svg(uri_for(kind)))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("viewBox")


@pytest.mark.parametrize(
    ("host", "web", "gateway"),
    [(None, "http://localhost:8000", "http://localhost:8001"),
     ("192.168.1.5", "http://192.168.1.5:8000", "http://192.168.1.5:8001"),
     ("fe80::1", "http://[fe80::1]:8000", "http://[fe80::1]:8001"),
     ("evil/../x?", "http://localhost:8000", "http://localhost:8001")],
)  # fmt: skip
def test_a_phone_reaches_us_where_its_pairer_did(home, host, web, gateway):
    assert registry.reached_at(host) == (web, gateway)


def test_set_addresses_win(home, monkeypatch):
    from fieldcrm.kit import settings

    monkeypatch.setenv("FIELDCRM_PUBLIC_URL", "https://crm.example/")
    monkeypatch.setenv("FIELDCRM_GATEWAY_URL", "https://crm.example")
    settings.settings.cache_clear()
    assert registry.reached_at("10.0.0.1") == ("https://crm.example", "https://crm.example")
