"""Lists as files: made in the background, cancelled, fetched in pieces by their maker, whole in every form."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from python_calamine import CalamineWorkbook

from fieldcrm.api.app import make_api
from fieldcrm.clients import importing, service, tabular
from fieldcrm.clients.export_forms import FOLD_AT
from fieldcrm.exports import service as exports
from fieldcrm.exports.model import (
    BadExport,
    ExportNotFound,
    ExportNotReady,
    TooManyExports,
)
from fieldcrm.exports.tables import ListExport
from fieldcrm.kit import bus, clock
from fieldcrm.kit.database import transaction
from fieldcrm.kit.standing import FileStatus
from fieldcrm.people import service as people
from fieldcrm.people.model import RoleForbids
from tests.clients.base import Base, lay_out
from tests.people.company import PASSWORD
from tests.working import work_off

LONG = "\n".join(["Ștefan cel Mare și Sfânt, Кишинёв; «аптека №1», вторая строка"] * 6)
ODD = {
    "name": "=HYPERLINK(\"x\")", "kind": "pharmacy", "note": LONG, "address": "+1 șoseaua Ță\\x",
    "city": "@Bălți", "tags": ["сеть", "țară"], "lat": 47.76, "lng": 27.93, "phone": "0231 22 333",
}  # fmt: skip


@pytest.fixture
def base(any_db: str, valkey: object) -> Base:
    made = lay_out()
    service.save(made.actor("admin"), ODD | {"territory_id": made.territories["south"]})
    return made


def made(base: Base, login: str, form: str, list_name: str = "clients", **asked: Any) -> bytes:
    """A list's file, as the person fetches it."""
    actor = base.actor(login)
    asked_for = exports.ask(actor, list_name, form, asked)
    assert asked_for.status is FileStatus.queued
    work_off()
    done = exports.get(actor, asked_for.id)
    assert (done.status, done.progress) == (FileStatus.ready, 1.0)
    path, name = exports.fetch(actor, asked_for.id)
    assert name.endswith(f".{form}")
    assert done.size == path.stat().st_size
    return path.read_bytes()


def test_csv_and_xlsx_are_whole_and_no_cell_is_a_formula(base: Base) -> None:
    text = made(base, "admin", "csv", sort="-city").decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    odd = next(r for r in rows if r["note"] == LONG)
    assert odd["name"] == "'" + ODD["name"]
    assert odd["city"] == "'@Bălți"
    assert [r["city"] for r in rows] == ["Helsinki", "Chișinău", "'@Bălți", ""]
    book = CalamineWorkbook.from_filelike(io.BytesIO(made(base, "admin", "xlsx")))
    cells = book.get_sheet_by_index(0).to_python()
    sheet = [dict(zip(cells[0], row, strict=True)) for row in cells[1:]]
    assert {r["name"] for r in sheet} == {*base.clients, ODD["name"]}
    assert next(r for r in sheet if r["note"] == LONG)["lat"] == 47.76


def test_a_file_has_its_makers_rows_alone_and_the_lists_own_filters(base: Base) -> None:
    north = made(base, "manager_north", "csv").decode("utf-8-sig")
    assert "Töölö" in north
    assert "Ștefan" not in north
    narrowed = made(
        base, "admin", "csv", near="47.7,27.9", near_km=20.0, sort="distance",
        conditions=[{"field": "tags", "op": "has", "value": "țară"}],
    ).decode("utf-8-sig")  # fmt: skip
    assert len(list(csv.reader(io.StringIO(narrowed, newline="")))) == 2


def test_geojson_and_vcards_come_back_by_the_import(base: Base) -> None:
    told = json.loads(made(base, "admin", "geojson"))
    assert [f["geometry"] for f in told["features"] if f["properties"].get("note") == LONG] == [
        {"type": "Point", "coordinates": [27.93, 47.76]}
    ]
    assert any(f["geometry"] is None for f in told["features"])
    cards = made(base, "admin", "vcf")
    assert max(len(line) for line in cards.split(b"\r\n")) <= FOLD_AT
    table = tabular.read_table("c.vcf", cards)
    rows = [dict(zip(table.columns, cells, strict=True)) for _, cells in table.rows]
    odd = next(r for r in rows if r["name"] == ODD["name"])
    assert (odd["note"], odd["address"], odd["city"], odd["lat"]) == (
        LONG, ODD["address"], ODD["city"], "47.76",
    )  # fmt: skip
    preview = importing.preview_import(base.actor("admin"), "c.vcf", cards, match="name_address")
    assert preview.counts["rows"] == 4
    assert preview.counts["rejected"] == 0


def test_other_lists_are_made_by_the_same_job(base: Base) -> None:
    for list_name, form in (("visits", "xlsx"), ("messages", "csv"), ("messages", "xlsx")):
        assert made(base, "dispatcher_north", form, list_name)


def test_what_no_list_has_is_refused(base: Base) -> None:
    boss = base.actor("admin")
    for list_name, form, asked in (
        ("clients", "exe", {}), ("people", "csv", {}), ("visits", "vcf", {}),
        ("clients", "csv", {"sort": "password"}), ("visits", "xlsx", {"first": "soon"}),
        ("visits", "xlsx", {"actor": "x"}), ("messages", "csv", {"kind": "x"}),
    ):  # fmt: skip
        with pytest.raises(BadExport):
            exports.ask(boss, list_name, form, asked)
    with pytest.raises(RoleForbids):
        exports.ask(base.actor("rep_north"), "clients", "csv", {})
    for _ in range(exports.AT_ONCE):
        exports.ask(boss, "clients", "csv", {})
    with pytest.raises(TooManyExports):
        exports.ask(boss, "clients", "csv", {})


def test_a_file_can_be_cancelled_before_it_is_made_while_it_is_made_and_after(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    boss = base.actor("admin")
    queued = exports.ask(boss, "clients", "csv", {})
    exports.cancel(boss, queued.id)
    work_off()
    assert exports.get(boss, queued.id).status is FileStatus.cancelled
    monkeypatch.setattr(service, "LIMIT_MAX", 1)  # so that the file is made in many steps
    running = exports.ask(boss, "clients", "xlsx", {})
    bus.connection().hset(f"job:{running.id}", "cancelled", "1")
    work_off()
    assert exports.get(boss, running.id).status is FileStatus.cancelled
    ready = exports.ask(boss, "clients", "csv", {})
    work_off()
    path, _ = exports.fetch(boss, ready.id)
    exports.cancel(boss, ready.id)
    assert not path.exists()
    with pytest.raises(ExportNotReady):
        exports.fetch(boss, ready.id)
    assert list(path.parent.iterdir()) == []


def test_a_file_is_its_makers_expires_and_is_logged(base: Base) -> None:
    boss = base.actor("admin")
    asked = exports.ask(boss, "clients", "csv", {})
    work_off()
    path, _ = exports.fetch(boss, asked.id)
    with pytest.raises(ExportNotFound):
        exports.fetch(base.actor("manager_north"), asked.id)
    kinds = {e.kind for e in people.event_log(boss, "", asked.id, None, None, 10)}
    assert kinds == {"export.asked", "export.made", "export.fetched"}
    with clock.held(clock.now() + exports.KEEP + timedelta(minutes=1)):
        with pytest.raises(ExportNotReady):
            exports.fetch(boss, asked.id)
        assert exports.get(boss, asked.id).status is FileStatus.expired
    assert not path.exists()


def test_a_broken_download_goes_on_where_it_stopped(base: Base) -> None:
    with TestClient(make_api(), base_url="http://fieldcrm.test") as browser:
        browser.headers["Origin"] = "http://fieldcrm.test"
        signed = browser.post(
            "/api/v1/session", json={"login": "manager_south", "password": PASSWORD}
        )
        assert signed.status_code == 200
        asked = browser.post("/api/v1/exports", json={"list": "clients", "form": "csv"})
        assert asked.status_code == 202
        url = f"/api/v1/exports/{asked.json()['id']}"
        assert browser.get(f"{url}/file").status_code == 409
        work_off()
        assert browser.get(url).json()["status"] == "ready"
        whole = browser.get(f"{url}/file")
        tag = whole.headers["etag"]
        assert "attachment" in whole.headers["content-disposition"]
        rest = browser.get(f"{url}/file", headers={"Range": "bytes=100-", "If-Range": tag})
        assert rest.status_code == 206
        assert whole.content[:100] + rest.content == whole.content
        stale = browser.get(f"{url}/file", headers={"Range": "bytes=100-", "If-Range": '"old"'})
        assert (stale.status_code, stale.content) == (200, whole.content)
        beyond = browser.get(f"{url}/file", headers={"Range": "bytes=999999-"})
        assert beyond.status_code == 416
        assert browser.delete(url).status_code == 204
        assert browser.get(f"{url}/file").status_code == 409


def test_who_may_see_less_than_when_a_file_was_made_loses_it(base: Base) -> None:
    """An administrator made a manager, a manager who led two teams and leads one, one made a dispatcher."""
    boss, both = base.actor("admin"), list(base.company.teams.values())
    second = people.save_user(boss, {"login": "second", "name": "Second", "role": "admin",
                                     "password": "another long one"})  # fmt: skip
    steps: list[dict[str, Any]] = [
        {"role": "manager", "team_ids": both}, {"team_ids": both[:1]}, {"role": "dispatcher"},
    ]  # fmt: skip
    for changes in steps:
        asked = exports.ask(people.actor_of(second.id), "clients", "csv", {})
        work_off()
        path, _ = exports.fetch(people.actor_of(second.id), asked.id)
        people.save_user(boss, changes, second.id)
        with pytest.raises(ExportNotReady):
            exports.fetch(people.actor_of(second.id), asked.id)
        assert not path.exists()
        assert exports.get(people.actor_of(second.id), asked.id).status is FileStatus.expired
        kinds = [e.kind for e in people.event_log(boss, "", asked.id, None, None, 10)]
        assert kinds.count("export.withdrawn") == 1


def test_who_leads_one_team_more_keeps_his_file(base: Base) -> None:
    boss, leader = base.actor("admin"), base.company.users["manager_north"]
    asked = exports.ask(people.actor_of(leader), "clients", "csv", {})
    work_off()
    people.save_user(boss, {"team_ids": list(base.company.teams.values())}, leader)
    path, _ = exports.fetch(people.actor_of(leader), asked.id)
    assert "Töölö" in path.read_text("utf-8-sig")


def test_a_job_that_is_done_again_after_its_worker_died_makes_the_file(base: Base) -> None:
    boss = base.actor("admin")
    asked = exports.ask(boss, "visits", "xlsx", {"state": "closed"})
    with transaction() as session:
        row = session.get_one(ListExport, asked.id)
        row.status, row.asked = "running", {**row.asked, "scope": {"role": "admin", "teams": []}}
    work_off()
    assert exports.fetch(boss, asked.id)[0].exists()
