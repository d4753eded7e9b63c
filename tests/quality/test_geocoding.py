"""A geocoder is asked politely: against a server that speaks Nominatim's and Photon's JSON."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from fieldcrm.clients import service as clients
from fieldcrm.clients.tables import Client
from fieldcrm.kit import clock
from fieldcrm.kit.database import reading
from fieldcrm.people.model import RoleForbids
from fieldcrm.quality import answers, asking, geocoding, pinning, service, settings
from fieldcrm.quality.asking import Asker, Away, Refused
from fieldcrm.quality.model import BadNorm, Geocoder, GeocoderOff, Precision, Provider
from fieldcrm.quality.tables import QualityRun
from tests.field import Field

HOUSES = {
    "mannerheimintie 5": (60.1699, 24.9384, "5"),
    "aleksanterinkatu 52": (60.1688, 24.9429, "50"),
}
"""What the service knows; of the second street another number."""


@dataclass
class Service:
    """A geocoder of somebody else's; `answers` are statuses given first, one after another."""

    url: str = ""
    asked: list[tuple[float, str, dict[str, str], str]] = field(default_factory=list)
    """(when, path, parameters, user agent)"""
    statuses: list[int] = field(default_factory=list)


def _nominatim(place: tuple[float, float, str]) -> Any:
    lat, lng, number = place
    return [{"lat": str(lat), "lon": str(lng), "place_rank": 30, "addresstype": "building",
             "display_name": "There", "address": {"house_number": number, "road": "X"}}]  # fmt: skip


def _photon(place: tuple[float, float, str]) -> Any:
    lat, lng, number = place
    told = {"housenumber": number, "street": "X", "type": "house", "city": "Helsinki"}
    point = {"type": "Point", "coordinates": [lng, lat]}
    return {"type": "FeatureCollection",
            "features": [{"type": "Feature", "geometry": point, "properties": told}]}  # fmt: skip


@pytest.fixture
def foreign() -> Iterator[Service]:
    made = Service()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            told = {k: v[0] for k, v in parse_qs(parts.query).items()}
            made.asked.append((time.monotonic(), parts.path, told, self.headers["User-Agent"]))
            status = made.statuses.pop(0) if made.statuses else 200
            body = json.dumps(self._found(parts.path, told)).encode()
            self.send_response(status)
            if status == 429:
                self.send_header("Retry-After", "3600")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _found(self, path: str, told: dict[str, str]) -> Any:
            place = HOUSES.get(told.get("q", "").lower().split(",")[0])
            if path.endswith("/api"):
                return _photon(place) if place else {"type": "FeatureCollection", "features": []}
            return _nominatim(place) if place else []

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    server.server_close()
    thread.join(60)


def asker(foreign: Service, provider: Provider = Provider.nominatim, **more: Any) -> Asker:
    told = Geocoder(provider, foreign.url, "crm@example.org")
    return Asker(told, ("FI",), **({"pace_s": 0.0, "backoff_s": (0.0, 0.0)} | more))


# ---- the conversation ----


@pytest.mark.parametrize("provider", list(Provider))
def test_both_languages_are_spoken(foreign: Service, provider: Provider) -> None:
    with asker(foreign, provider) as service_:
        house = service_.ask("Mannerheimintie 5, 00100 Helsinki")
        other = service_.ask("Aleksanterinkatu 52, Helsinki")
        assert service_.ask("Nowhere 1, Helsinki") is None
    assert house is not None
    assert other is not None
    assert (house.lat, house.lng, house.precision) == (60.1699, 24.9384, Precision.house)
    assert other.precision is Precision.street, "another house of that street"
    _, path, told, agent = foreign.asked[0]
    assert path == ("/search" if provider is Provider.nominatim else "/api")
    assert told["q"] == "Mannerheimintie 5, 00100 Helsinki"
    assert ("countrycodes" in told) == (provider is Provider.nominatim)
    assert "crm@example.org" in agent


def test_questions_keep_their_distance(foreign: Service) -> None:
    with asker(foreign, pace_s=0.25) as service_:
        for _ in range(3):
            service_.ask("Mannerheimintie 5, Helsinki")
    times = [at for at, *_ in foreign.asked]
    assert all(b - a >= 0.24 for a, b in pairwise(times))
    assert asking.PACE_S >= 1.0


def test_a_failure_is_tried_again_after_growing_pauses(foreign: Service) -> None:
    pauses: list[float] = []
    foreign.statuses = [503, 502]
    with asker(foreign, backoff_s=(2.0, 4.0), wait=pauses.append) as service_:
        assert service_.ask("Mannerheimintie 5, Helsinki") is not None
    assert pauses == [2.0, 4.0]
    foreign.statuses = [500] * 3
    with asker(foreign) as service_, pytest.raises(Away):
        service_.ask("Mannerheimintie 5, Helsinki")
    assert len(foreign.asked) == 6


@pytest.mark.parametrize("status", [429, 403])
def test_a_no_is_taken_for_an_answer(foreign: Service, status: int) -> None:
    foreign.statuses = [status]
    with asker(foreign) as service_, pytest.raises(Refused):
        service_.ask("Mannerheimintie 5, Helsinki")
    assert len(foreign.asked) == 1


@pytest.mark.parametrize("provider", list(Provider))
@pytest.mark.parametrize(
    "body",
    [{"a": 1}, "text", None, [{"lat": "x", "lon": "1"}], [{"lat": "91", "lon": "1"}], [1],
     {"features": [{"geometry": None}]}, {"features": {}}, [{"lat": "nan", "lon": "1"}]],
)  # fmt: skip
def test_nonsense_is_no_place(provider: Provider, body: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        answers.read(provider, body, "x 1")


def test_too_little_is_not_asked() -> None:
    assert answers.question("Katu 5", None, "Espoo") == "Katu 5, Espoo"
    assert answers.question("Katu 5, Espoo", None, None) == "Katu 5, Espoo"
    assert answers.question("Katu 5", None, None) is None
    assert answers.question(None, "00100", "Helsinki") is None


# ---- the run ----


def unplaced(company: Field, *addresses: str) -> list[str]:
    ids = company.clients[1 : 1 + len(addresses)]  # the first one has a workplace
    for client_id, address in zip(ids, addresses, strict=True):
        told = {"lat": None, "lng": None, "address": address, "city": "Helsinki"}
        clients.save(company.admin, told, client_id)
    return ids


def chosen(company: Field, foreign: Service, apply_exact: bool = False) -> None:
    settings.set_geocoder(company.admin, "nominatim", foreign.url, "crm@example.org", apply_exact)


def gone_through(company: Field, foreign: Service) -> QualityRun:
    asked = geocoding.ask(company.admin)
    assert geocoding.running.start(asked.id)
    assert geocoding.part(asked.id, asker=lambda g, n: asker(foreign))
    found = geocoding.latest(company.manager)
    assert found is not None
    return found


def stored(client_id: str) -> Client:
    with reading() as session:
        return session.get_one(Client, client_id)


@pytest.fixture
def placeless(company: Field) -> list[str]:
    return unplaced(company, "Mannerheimintie 5", "Aleksanterinkatu 52", "Nowhere 1")


def test_it_is_off_until_somebody_sets_it(company: Field, foreign: Service) -> None:
    unplaced(company, "Mannerheimintie 5")
    with pytest.raises(GeocoderOff):
        geocoding.ask(company.admin)
    with pytest.raises(RoleForbids):
        settings.set_geocoder(company.manager, "nominatim", foreign.url, "a@b.org", False)
    with pytest.raises(BadNorm):
        settings.set_geocoder(company.admin, "nominatim", foreign.url, "", False)
    with pytest.raises(BadNorm):
        settings.set_geocoder(company.admin, "other", foreign.url, "a@b.org", False)
    assert foreign.asked == []


def test_answers_become_proposals_and_are_asked_once(
    company: Field, foreign: Service, placeless: list[str]
) -> None:
    chosen(company, foreign)
    run = gone_through(company, foreign)
    assert run.status == "done"
    assert {k: run.report[k] for k in ("asked", "house", "street", "nothing")} == {
        "asked": 3, "house": 1, "street": 1, "nothing": 1,
    }  # fmt: skip
    found = {r.client.id: r.pin for r in pinning.page(company.dispatcher).rows}
    assert {found[i].precision for i in placeless[:2]} == {"house", "street"}
    assert stored(placeless[0]).lat is None, "a person decides"
    with clock.held(clock.now() + timedelta(minutes=1)):
        again = gone_through(company, foreign)
    assert (again.report.get("asked", 0), again.report["remembered"], len(foreign.asked)) == (
        0,
        1,
        3,
    )
    waits = service.next_unplaced(company.dispatcher)
    assert waits is not None
    pinning.decide(company.dispatcher, found[placeless[0]].id, accept=True)
    assert (stored(placeless[0]).lat, stored(placeless[0]).lng) == (60.1699, 24.9384)
    pinning.decide(company.dispatcher, found[placeless[1]].id, accept=False)
    assert stored(placeless[1]).lat is None
    assert pinning.page(company.dispatcher).rows == []


def test_the_very_house_is_taken_over_where_that_is_wished(
    company: Field, foreign: Service, placeless: list[str]
) -> None:
    chosen(company, foreign, apply_exact=True)
    assert gone_through(company, foreign).report["applied"] == 1
    assert stored(placeless[0]).lat == 60.1699
    assert stored(placeless[1]).lat is None
    (done,) = pinning.page(company.manager, status="accepted").rows
    assert done.decided_by is None


def test_a_place_beyond_the_border_is_none(
    company: Field, foreign: Service, placeless: list[str]
) -> None:
    chosen(company, foreign)
    settings.set_norms(company.admin, {"countries": ["RO"]})
    assert gone_through(company, foreign).report["nothing"] == 3
    assert pinning.page(company.manager).rows == []


def test_it_stops_when_the_service_says_so_and_remembers_where(
    company: Field, foreign: Service, placeless: list[str]
) -> None:
    chosen(company, foreign)
    foreign.statuses = [200, 429]
    run = gone_through(company, foreign)
    assert (run.status, run.report["status"], run.report["retry_after"]) == ("stopped", 429, "3600")
    assert len(foreign.asked) == 2
    assert len(pinning.page(company.manager).rows) == 1


def test_a_part_gives_way_and_the_next_one_goes_on(
    company: Field, foreign: Service, placeless: list[str]
) -> None:
    chosen(company, foreign)
    asked = geocoding.ask(company.admin)
    part = partial(geocoding.part, asked.id, asker=lambda g, n: asker(foreign))
    assert geocoding.running.start(asked.id)
    assert not part(for_s=0.0)
    assert foreign.asked == []
    assert part()
    assert len(foreign.asked) == 3


def test_a_part_that_is_cancelled_asks_no_more(
    company: Field, foreign: Service, placeless: list[str]
) -> None:
    chosen(company, foreign)
    asked = geocoding.ask(company.admin)
    geocoding.running.cancel(company.admin, asked.id)
    geocoding.run(asked.id)
    assert foreign.asked == []
