"""A list that is asked for directly is written while somebody waits only as long as it is short."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from fieldcrm.api.app import make_api
from fieldcrm.clients import export_forms
from fieldcrm.exports import sources
from fieldcrm.kit.database import reading
from fieldcrm.kit.tables import Event
from tests.clients.base import Base
from tests.exports.test_exports import base as base
from tests.exports.test_exports import made
from tests.exports.test_table_lists import busy as busy
from tests.people.company import PASSWORD

V = "/api/v1"
DIRECT = (
    "/clients/export.csv", "/clients/export.xlsx", "/quality/clients/export.csv",
    "/quality/clients/export.xlsx", "/reports/events.csv",
)  # fmt: skip


def signed_in(login: str) -> TestClient:
    client = TestClient(make_api(), base_url="http://localhost")
    body = {"login": login, "password": PASSWORD}
    assert client.post(f"{V}/session", json=body, headers={"Origin": "http://localhost"}).is_success
    return client


def exported() -> int:
    with reading() as session:
        return len(session.exec(select(Event).where(Event.kind == "clients.exported")).all())


@pytest.mark.parametrize("path", DIRECT)
def test_a_longer_list_is_refused_with_where_to_ask_for_it(
    busy: Base, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    boss = signed_in("admin")
    assert boss.get(V + path).status_code == 200
    taken = exported()
    monkeypatch.setattr(export_forms, "AT_ONCE_MOST", 1)
    answer = boss.get(V + path)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_rows")
    assert exported() == taken


def test_as_many_rows_as_are_allowed_come_whole(
    busy: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    boss = signed_in("admin")
    rows = len(boss.get(f"{V}/clients/export.csv").text.splitlines())
    monkeypatch.setattr(export_forms, "AT_ONCE_MOST", rows)
    assert boss.get(f"{V}/clients/export.csv").status_code == 200


def test_a_file_made_in_the_background_has_no_such_bound(
    busy: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_forms, "AT_ONCE_MOST", 1)
    assert len(made(busy, "admin", "csv").splitlines()) > 3
    log = made(busy, "admin", "csv", "events", kind="clients")
    assert log.startswith(b"\xef\xbb\xbfat,actor_id,actor,kind")


@pytest.mark.parametrize(("list_name", "form", "login"), [("events", "xlsx", "admin"), ("plan_vs_actual", "xlsx", "manager_north")])  # fmt: skip
def test_the_log_and_plan_against_actual_are_made_by_the_same_job(
    busy: Base, list_name: str, form: str, login: str
) -> None:
    assert made(busy, login, form, list_name)[:2] == b"PK"


def test_the_log_is_its_administrators_alone(busy: Base) -> None:
    asked: dict[str, Any] = {"list": "events", "form": "csv", "asked": {}}
    answer = signed_in("manager_north").post(
        f"{V}/exports", json=asked, headers={"Origin": "http://localhost"}
    )
    assert answer.status_code == 403
    assert sources.LISTS["events"].roles == ("admin",)
