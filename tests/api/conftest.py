"""A small company behind the real API app, on both databases and a real Valkey."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from fieldcrm.api.app import make_api
from tests.people.company import PASSWORD, Company, found


@pytest.fixture
def company(any_db: str, valkey: object) -> Company:
    return found()


@pytest.fixture
def browser(company: Company):
    """Makes clients of the API, each with cookies of its own, signed in where a login is given."""
    api = make_api()

    def make(login: str | None = None) -> TestClient:
        client = TestClient(api, base_url="http://localhost", raise_server_exceptions=False)
        if login:
            answer = client.post("/api/v1/session", json={"login": login, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
        return client

    return make
