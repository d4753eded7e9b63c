"""Signing in over HTTP: cookies, origins, sizes, and errors as problems."""

from __future__ import annotations

from fieldcrm.people import signing
from tests.people.company import PASSWORD

SIGN_IN = {"login": "rep_north", "password": PASSWORD}


def assert_problem(answer, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"urn:fieldcrm:problem:{code}"
    assert body["title"]
    assert body["detail"]


def test_signing_in_sets_a_cookie_no_script_and_no_other_site_can_use(browser, company):
    client = browser()
    answer = client.post("/api/v1/session", json=SIGN_IN)
    assert answer.json()["user"] == {
        "id": company.users["rep_north"], "name": "Rep North", "role": "rep", "language": "en"
    }  # fmt: skip
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/;" in cookie
    assert "secure" not in cookie  # plain HTTP on this machine
    assert client.get("/api/v1/me").json()["team"]["name"] == "north"


def test_the_cookie_stays_on_tls_where_there_is_tls(browser, monkeypatch):
    from fieldcrm.kit import settings

    monkeypatch.setenv("FIELDCRM_TLS", "1")
    settings.settings.cache_clear()
    answer = browser().post("/api/v1/session", json=SIGN_IN)
    assert "; secure" in answer.headers["set-cookie"].lower()


def test_signing_out_ends_the_session_on_the_server_too(browser):
    client = browser("rep_north")
    token = client.cookies[signing.SESSION_COOKIE]
    assert client.delete("/api/v1/session").status_code == 204
    replay = browser()
    replay.cookies.set(signing.SESSION_COOKIE, token)
    assert_problem(replay.get("/api/v1/me"), 401, "not_signed_in")


def test_a_forged_cookie_is_nobody(browser):
    for forged in ["", "x", "a" * 5000, "%00", "null", "undefined", "é"]:
        client = browser()
        answer = client.get(
            "/api/v1/me", headers={"cookie": f"{signing.SESSION_COOKIE}={forged}".encode()}
        )
        assert_problem(answer, 401, "not_signed_in")


def test_a_wrong_password_says_so_in_the_readers_language(browser):
    wrong = {**SIGN_IN, "password": "wrong"}
    for language, word in (("ru-RU,ru;q=0.9", "пароль"), ("ro", "parolă"), ("fi, en", "password")):
        answer = browser().post(
            "/api/v1/session", json=wrong, headers={"accept-language": language}
        )
        assert_problem(answer, 401, "wrong_login")
        assert word in answer.json()["detail"]
        assert "set-cookie" not in answer.headers


def test_guessing_is_stopped_and_told_when_to_come_back(browser):
    client = browser()
    for _ in range(10):
        client.post("/api/v1/session", json={**SIGN_IN, "password": "wrong"})
    answer = client.post("/api/v1/session", json=SIGN_IN)
    assert_problem(answer, 429, "sign_in_throttled")
    assert 0 < int(answer.headers["retry-after"]) <= 900


FOREIGN = [
    {"origin": "https://evil.example"}, {"origin": "null"}, {"origin": "http://localhost.evil"},
    {"origin": "http://localhost:9"}, {"origin": "file://"}, {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"}, {"origin": "http://localhost", "sec-fetch-site": "cross-site"},
    {"origin": ""}, {"origin": "http://user@localhost"}, {"origin": "ftp://localhost"},
]  # fmt: skip


def test_another_sites_page_cannot_act_for_the_person(browser):
    for method in ["POST", "PUT", "PATCH", "DELETE"]:
        for headers in FOREIGN:
            client = browser("admin")
            for path in (
                "/api/v1/session",
                "/api/v1/users",
                "/api/v1/sync/push",
                "/api/v1/nothing",
            ):
                answer = client.request(method, path, json={}, headers=headers)
                assert_problem(answer, 403, "foreign_origin")
            assert client.get("/api/v1/me").status_code == 200


def test_our_own_pages_and_programs_may_sign_in(browser):
    for headers in [{"origin": "http://localhost"}, {"sec-fetch-site": "same-origin"}, {}]:
        assert browser().post("/api/v1/session", json=SIGN_IN, headers=headers).status_code == 200


def test_too_much_is_refused_whether_announced_or_not(browser):
    client = browser()
    big = b"x" * (1 << 20) + b"yz"
    assert_problem(client.post("/api/v1/session", content=big), 413, "too_large")

    def pieces():
        for _ in range(1100):
            yield b"[" * 1000

    answer = client.post(
        "/api/v1/session", content=pieces(), headers={"content-type": "application/json"}
    )
    assert_problem(answer, 413, "too_large")


def test_a_malformed_body_names_its_fields_and_repeats_no_secret(browser):
    for body, fields in [
        (b"{", ["1"]),
        (b"[]", ["body"]),
        (b"{}", ["login", "password"]),
        (b'{"login": 1, "password": null}', ["login", "password"]),
    ]:
        answer = browser().post(
            "/api/v1/session", content=body, headers={"content-type": "application/json"}
        )
        assert_problem(answer, 422, "invalid")
        assert [e["field"] for e in answer.json()["errors"]] == fields
        secret = browser().post("/api/v1/session", json={"login": "x", "password": ["hunter2"]})
        assert "hunter2" not in secret.text


def test_what_isnt_there_is_a_problem_too(browser):
    for method, path, status, code in [
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/api", 404, "not_found"),
        ("GET", "/api/", 404, "not_found"),
        ("POST", "/api/v1/me", 405, "method_not_allowed"),
        ("PATCH", "/api/v1/session", 405, "method_not_allowed"),
    ]:
        assert_problem(browser().request(method, path), status, code)


def test_a_bug_tells_the_caller_nothing_but_an_id(browser, monkeypatch):
    from fieldcrm.api import session

    def broken(*_: object) -> None:
        raise RuntimeError("secret internals")

    client = browser("rep_north")
    monkeypatch.setattr(session, "_me", broken)
    answer = client.get("/api/v1/me")
    assert_problem(answer, 500, "internal")
    assert "secret" not in answer.text
    assert answer.json()["params"]["request_id"] in answer.json()["detail"]


def test_every_answer_is_private_to_the_caller(browser):
    for answer in (browser("admin").get("/api/v1/me"), browser().get("/api/v1/me")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_proxy_nobody_trusts_hides_no_stranger(browser, company, monkeypatch):
    from fieldcrm.kit.database import transaction
    from fieldcrm.people.tables import User

    with transaction() as session:
        user = session.get(User, company.users["rep_north"])
        assert user is not None
        user.is_sample = True
    for headers in ({"x-forwarded-for": "127.0.0.1"}, {"forwarded": "for=127.0.0.1"}):
        answer = browser().post("/api/v1/session", json=SIGN_IN, headers=headers)
        assert_problem(answer, 403, "sample_login_remote")


def test_own_password_and_language(browser):
    client, other = browser("rep_north"), browser("rep_north")
    change = {"current": PASSWORD, "password": "brand new words"}
    assert client.put("/api/v1/me/password", json=change).status_code == 204
    assert client.get("/api/v1/me").status_code == 200
    assert other.get("/api/v1/me").status_code == 401
    assert client.put("/api/v1/me/language", json={"language": "ro"}).status_code == 204
    assert client.get("/api/v1/me").json()["user"]["language"] == "ro"
    assert client.put("/api/v1/me/language", json={"language": "xx"}).status_code == 422
