"""The phone's HTTP as a phone speaks it: cookies, JSON, pieces; each answer lost once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from fastapi.testclient import TestClient

from fieldcrm.api.app import make_api
from fieldcrm.kit import clock, ids, secrets
from fieldcrm.kit.database import transaction
from fieldcrm.people.signing import SESSION_COOKIE
from fieldcrm.people.tables import SignIn
from fieldcrm.wire import sync as wire
from tests import field
from tests.field import LAT, LNG, Field

PHOTO = b"\xff\xd8\xff\xe0" + bytes(9000)
SHA256 = hashlib.sha256(PHOTO).hexdigest()


@pytest.fixture
def today(any_db: str, valkey: object) -> Field:
    """The company at the real time: requests run in threads of their own."""
    return field.lay_out()


@pytest.fixture
def signed_in(today: Field) -> Callable[[str | None], TestClient]:
    """Clients of the API with a session, by user id."""
    api = make_api()

    def make(user_id: str | None) -> TestClient:
        client = TestClient(api, base_url="http://localhost", raise_server_exceptions=False)
        if user_id:
            token = secrets.new_token()
            now = clock.real_now()
            with transaction() as s:
                s.add(SignIn(token_hash=secrets.token_hash(token), user_id=user_id, created_at=now,
                             expires_at=now + timedelta(hours=1)))  # fmt: skip
            client.cookies.set(SESSION_COOKIE, token)
        return client

    return make


def mutation(seq: int, kind: str, subject: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"id": ids.new_id(), "seq": seq, "kind": kind, "subject_id": subject,
            "device_at_ms": clock.now_ms(), "offset_ms": 0, "payload": payload}  # fmt: skip


def twice(send: Callable[[], Any]) -> Any:
    """Send, lose the answer, send again: the same answer but for the server's clock."""
    first, second = send(), send()
    assert first.status_code == second.status_code, (first.text, second.text)
    if first.headers.get("content-type") == "application/json":
        a, b = first.json(), second.json()
        for told in (a, b):
            told.pop("server_time_ms", None)
            told.pop("issued_at_ms", None)
            told.pop("signed", None)
        assert a == b
    return second


def test_a_visit_with_its_photo_each_answer_lost_once(today: Field, signed_in) -> None:
    rep, boss = signed_in(today.reps[0].user_id), signed_in(today.manager.user_id)
    device, new, photo_id = ids.new_id(), ids.new_id(), ids.new_id()
    hello = {"device_id": device, "name": "Pixel", "app_version": "1", "extra": True}
    answer = twice(lambda: rep.post("/api/v1/sync/device", json=hello))
    assert answer.json()["last_seq"] == 0
    copy = twice(lambda: rep.get("/api/v1/sync/pull")).json()
    assert copy["reset"]
    assert not copy["more"]
    day = clock.local(clock.now()).date().isoformat()
    position = {"lat": LAT, "lng": LNG, "accuracy_m": 9.5, "fix_at_ms": clock.now_ms() - 2000}
    photo = {"id": photo_id, "sha256": SHA256, "size": len(PHOTO)}
    body = {
        "device_id": device, "schema": "x", "device_now_ms": clock.now_ms(),
        "mutations": [
            mutation(1, "visit.create", new, {"client_id": today.clients[0], "day": day}),
            mutation(2, "visit.check_in", new, {"position": position}),
            mutation(3, "visit.close", new, {"result": "met", "attachments": [photo]}),
        ],
    }  # fmt: skip
    half = len(PHOTO) // 2
    headers = {"Upload-Length": str(len(PHOTO)), "Content-Type": "image/jpeg"}
    url = f"/api/v1/attachments/{SHA256}"
    first = rep.put(url, content=PHOTO[:half], headers={**headers, "Upload-Offset": "0"})
    assert (first.status_code, first.headers["upload-offset"]) == (204, str(half))
    again = rep.put(url, content=PHOTO[:half], headers={**headers, "Upload-Offset": "0"})
    assert (again.status_code, again.json()["params"]) == (409, {"offset": half})
    assert twice(lambda: rep.head(url)).headers["upload-offset"] == str(half)
    rest = {**headers, "Upload-Offset": str(half)}
    assert twice(lambda: rep.put(url, content=PHOTO[half:], headers=rest)).status_code == 201
    pushed = twice(lambda: rep.post("/api/v1/sync/push", json=body)).json()
    assert [r["status"] for r in pushed["results"]] == ["applied"] * 3
    assert pushed["last_seq"] == 3
    delta = twice(lambda: rep.get("/api/v1/sync/pull", params={"cursor": copy["cursor"]})).json()
    found = [c["doc"] for c in delta["changes"] if c["id"] == new]
    assert [(v["state"], v["attachments"][0]["is_stored"]) for v in found] == [("closed", True)]
    receipt = msgspec.convert(twice(lambda: rep.get("/api/v1/sync/receipt")).json() | {
        "issued_at_ms": 0, "signed": ""}, wire.Receipt)  # fmt: skip
    assert [(v.id, v.photos, v.photos_stored) for v in receipt.visits] == [(new, 1, 1)]
    seen = boss.get(url)
    assert (seen.status_code, seen.content, seen.headers["content-type"]) == (
        200,
        PHOTO,
        "image/jpeg",
    )
    assert seen.headers["x-content-type-options"] == "nosniff"


def test_nobody_and_others_are_refused(today: Field, signed_in) -> None:
    nobody, other = signed_in(None), signed_in(today.reps[1].user_id)
    office = [signed_in(p.user_id) for p in (today.dispatcher, today.manager, today.admin)]
    push = {"device_id": today.devices[0], "mutations": []}
    routes: list[Callable[[TestClient], Any]] = [
        lambda c: c.post("/api/v1/sync/push", json=push),
        lambda c: c.post("/api/v1/sync/device", json={"device_id": today.devices[0]}),
        lambda c: c.get("/api/v1/sync/pull"),
        lambda c: c.get("/api/v1/sync/receipt"),
        lambda c: c.head(f"/api/v1/attachments/{SHA256}"),
        lambda c: c.put(f"/api/v1/attachments/{SHA256}", content=PHOTO),
    ]
    for call in routes:
        assert call(nobody).status_code == 401
        assert [call(c).status_code for c in office] == [403] * 3
    for call in routes[:2]:
        answer = call(other)
        assert (answer.status_code, answer.json()["code"]) == (409, "device_taken")
    for client in (other, *office):
        assert client.get(f"/api/v1/attachments/{SHA256}").status_code == 404
    assert nobody.get(f"/api/v1/attachments/{SHA256}").status_code == 401


def test_bad_input_is_a_problem_and_harms_nothing(today: Field, signed_in) -> None:
    rep = signed_in(today.reps[0].user_id)
    for body in (b"", b"{", b'{"device_id": 1}', b'{"device_id":"x","mutations":[{}]}'):
        answer = rep.post("/api/v1/sync/push", content=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_push")
        assert answer.headers["content-type"] == "application/problem+json"
    assert rep.put("/api/v1/attachments/nothash", content=PHOTO).json()["code"] == "wrong_hash"
    url = f"/api/v1/attachments/{SHA256}"
    assert rep.put(url, content=b"<html>" * 9).json()["code"] == "wrong_file_type"
    wrong = b"\xff\xd8\xff" + b"x" * 50
    assert (rep.put(url, content=wrong).status_code) == 422
    far = rep.put(url, content=PHOTO[:99], headers={"Upload-Length": str(1 << 40)})
    assert far.status_code == 413
    assert rep.get("/api/v1/sync/pull", params={"limit": 10**6}).status_code == 422
    assert rep.put(url, content=PHOTO).status_code == 201


def test_lesson_21_a_copy_goes_packed_to_who_takes_that(today: Field, signed_in) -> None:
    rep = signed_in(today.reps[0].user_id)

    def pulled(takes: str) -> Any:
        return rep.get("/api/v1/sync/pull", headers={"Accept-Encoding": takes})

    plain, packed = pulled("identity"), pulled("gzip, br")
    assert "content-encoding" not in plain.headers
    assert (packed.headers["content-encoding"], packed.headers["vary"]) == (
        "gzip", "Accept-Encoding",
    )  # fmt: skip
    assert int(packed.headers["content-length"]) * 3 < int(plain.headers["content-length"])
    assert packed.json()["changes"] == plain.json()["changes"]
