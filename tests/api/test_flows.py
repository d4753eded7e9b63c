"""What the API answers to those who may: clients, visits, plans, devices, people, documentation."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

import pytest
from fastapi.testclient import TestClient

from fieldcrm.api.app import make_api
from fieldcrm.kit import clock, ids
from fieldcrm.kit.database import transaction
from fieldcrm.people import registry
from fieldcrm.tracking import keeping, shifts
from fieldcrm.tracking.model import Fix
from tests.api.test_session import assert_problem
from tests.clients.base import Base, lay_out
from tests.people.company import PASSWORD

V = "/api/v1"


@pytest.fixture
def base(any_db: str, valkey: object) -> Base:
    return lay_out()


@pytest.fixture
def enter(base: Base):
    api = make_api()

    def make(login: str) -> TestClient:
        client = TestClient(api, base_url="http://localhost", raise_server_exceptions=False)
        answer = client.post(f"{V}/session", json={"login": login, "password": PASSWORD})
        assert answer.status_code == 200
        return client

    return make


def today() -> date:
    return clock.local(clock.now()).date()


class TestClients:
    def test_a_change_needs_the_version_one_saw(self, base: Base, enter):
        boss = enter("admin")
        path = f"{V}/clients/{base.clients['Töölö Health Station']}"
        tag = boss.get(path).headers["etag"]
        assert tag == '"1"'
        assert_problem(boss.patch(path, json={"note": "x"}), 428, "precondition")
        changed = boss.patch(path, json={"note": "x"}, headers={"If-Match": tag})
        assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
        stale = boss.patch(path, json={"note": "y"}, headers={"If-Match": tag})
        assert_problem(stale, 412, "stale")
        for broken in ("x", '"-1"', '"1e9"', "*", '"٣"'):
            answer = boss.patch(path, json={}, headers={"If-Match": broken.encode()})
            assert_problem(answer, 422, "bad_field")

    def test_pages_go_on_by_cursor(self, base: Base, enter):
        boss, seen, cursor = enter("admin"), [], None
        while True:
            params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = boss.get(f"{V}/clients", params=params).json()
            seen += [row["name"] for row in page["rows"]]
            cursor = page["cursor"]
            if cursor is None:
                break
        assert sorted(seen) == sorted(base.clients)
        assert_problem(boss.get(f"{V}/clients", params={"cursor": "x"}), 422, "bad_cursor")
        assert_problem(boss.get(f"{V}/clients", params={"limit": 0}), 422, "invalid")
        assert_problem(boss.get(f"{V}/clients", params={"sort": "password"}), 422, "bad_field")

    def test_searching_with_odd_texts_never_breaks(self, base: Base, enter):
        boss = enter("admin")
        for odd in ("\x00", "%", "a" * 200, "💊", "\u202e", "' OR 1=1", "(", "+", "----"):
            assert boss.get(f"{V}/clients", params={"search": odd}).status_code == 200

    def test_export_and_import_over_http(self, base: Base, enter):
        boss = enter("admin")
        out = boss.get(f"{V}/clients/export.csv")
        assert out.headers["content-disposition"] == 'attachment; filename="clients.csv"'
        rows = list(csv.DictReader(io.StringIO(out.content.decode("utf-8-sig"))))
        assert {row["name"] for row in rows} == set(base.clients)
        assert boss.get(f"{V}/clients/export.xlsx").content[:2] == b"PK"
        assert boss.get(f"{V}/clients/export.exe").status_code == 422
        headers = {"content-type": "application/octet-stream"}
        text = "name,kind\nNew One,doctor\n"
        seen = boss.post(
            f"{V}/clients/imports?file_name=f.csv", content=text.encode(), headers=headers
        )
        assert seen.json()["counts"]["create"] == 1
        run = boss.post(f"{V}/clients/imports/{seen.json()['run_id']}/run")
        assert run.json()["status"] == "done"
        assert [r["status"] for r in boss.get(f"{V}/clients/imports").json()] == ["done"]
        bad = boss.post(
            f"{V}/clients/imports?file_name=f.csv&whole=true",
            content=b"name,kind\nX,dragon\n",
            headers=headers,
        ).json()
        assert [(t["row"], t["code"]) for t in bad["rejected"]] == [(2, "bad_kind")]
        problems = f"{V}/clients/imports/{bad['run_id']}/problems"
        for _ in ("looked at", "refused"):
            table = boss.get(f"{problems}.csv")
            assert table.headers["content-disposition"] == 'attachment; filename="problems.csv"'
            assert '2,kind,dragon,"An unknown kind' in table.content.decode("utf-8-sig")
            assert boss.get(f"{problems}.xlsx").content[:2] == b"PK"
            boss.post(f"{V}/clients/imports/{bad['run_id']}/run")
        assert boss.get(f"{problems}.exe").status_code == 422
        assert_problem(enter("manager_north").get(f"{problems}.csv"), 403, "role_forbids")
        assert_problem(
            boss.get(f"{V}/clients/imports/nobody/problems.csv"), 404, "import_not_found"
        )
        unreadable = boss.post(
            f"{V}/clients/imports?file_name=f.csv", content=b"\x00\x01\x02", headers=headers
        )
        assert_problem(unreadable, 422, "unreadable_table")

    @pytest.mark.parametrize("content", [b"", b"  \r\n \n", b"name,kind\n"])
    @pytest.mark.parametrize("look", ["true", "false"])
    def test_a_file_without_rows_is_said_to_hold_none(
        self, base: Base, enter, content: bytes, look: str
    ):
        answer = enter("admin").post(
            f"{V}/clients/imports", content=content, params={"file_name": "f.csv", "look": look},
            headers={"content-type": "application/octet-stream", "accept-language": "ro"},
        )  # fmt: skip
        assert_problem(answer, 422, "unreadable_table")
        assert answer.json()["detail"] == "Fișierul nu conține rânduri."

    def test_mapped_columns_may_hold_an_equals_sign(self, base: Base, enter):
        answer = enter("admin").post(
            f"{V}/clients/imports", content=b"a=b,n\nX,Y\n",
            params={"file_name": "f.csv", "column": ["a=b=note", "n=name"], "constant": "kind=buyer"},
            headers={"content-type": "application/octet-stream"},
        )  # fmt: skip
        assert answer.json()["rules"]["mapping"] == {"a=b": "note", "n": "name"}


class TestVisits:
    def test_a_planned_visit_is_moved_cancelled_and_told_with_its_changes(self, base: Base, enter):
        desk = enter("dispatcher_north")
        made = desk.post(
            f"{V}/visits",
            json={"rep_id": base.company.users["rep_north"], "day": today().isoformat(),
                  "client_id": base.clients["Töölö Health Station"]},
        )  # fmt: skip
        assert made.status_code == 201, made.text
        path = f"{V}/visits/{made.json()['id']}"
        moves = f"{path}/moves"
        first = made.headers["etag"]
        cancel = {"move": "cancel", "reason": "client ill"}
        assert_problem(desk.post(moves, json=cancel), 428, "precondition")
        other = {"move": "assign", "rep_id": base.company.users["second_north"]}
        moved = desk.post(moves, json=other, headers={"If-Match": first})
        assert moved.json()["rep_id"] == base.company.users["second_north"]
        assert_problem(desk.post(moves, json=cancel, headers={"If-Match": first}), 412, "stale")
        done = desk.post(moves, json=cancel, headers={"If-Match": moved.headers["etag"]})
        assert done.json()["state"] == "cancelled"
        shown = desk.get(path).json()
        assert [c["move"] for c in shown["changes"]] == ["plan", "assign", "cancel"]
        assert shown["client_name"] == "Töölö Health Station"
        listed = desk.get(f"{V}/visits", params={"state": "cancelled"}).json()["rows"]
        assert [v["id"] for v in listed] == [made.json()["id"]]

    def test_a_desk_cannot_do_what_needs_evidence(self, base: Base, enter):
        for move in ["check_in", "close", "miss", "plan", "nonsense", ""]:
            desk = enter("manager_north")
            answer = desk.post(
                f"{V}/visits/{ids.new_id()}/moves", json={"move": move}, headers={"If-Match": '"1"'}
            )
            assert_problem(answer, 422, "bad_field")


class TestPlans:
    def test_there_is_no_plan_before_one_is_made(self, base: Base, enter):
        rep = base.company.users["rep_north"]
        answer = enter("rep_north").get(f"{V}/plans/days/{rep}/{today()}")
        assert_problem(answer, 404, "not_found")

    def test_a_wrong_question_is_told(self, base: Base, enter):
        for body, code in [
            ({"kind": "magic"}, "invalid"),
            ({"kind": "move"}, "bad_field"),
            ({"kind": "replan"}, "bad_field"),
            ({"kind": "replan", "day": "yesterday"}, "invalid"),
        ]:
            assert_problem(enter("admin").post(f"{V}/plans/proposals", json=body), 422, code)

    def test_a_proposal_waits_for_its_worker(self, base: Base, enter):
        desk = enter("dispatcher_north")
        tomorrow = (today() + timedelta(days=1)).isoformat()
        rep = base.company.users["rep_north"]
        client = base.clients["Töölö Health Station"]
        desk.post(f"{V}/visits", json={"rep_id": rep, "client_id": client, "day": tomorrow})
        asked = desk.post(
            f"{V}/plans/proposals", json={"kind": "replan", "day": tomorrow, "rep_ids": [rep]}
        )
        assert asked.status_code == 202, asked.text
        path = f"{V}/plans/proposals/{asked.json()['id']}"
        assert desk.get(path).json()["status"] == "queued"
        assert_problem(desk.post(f"{path}/apply"), 409, desk.post(f"{path}/apply").json()["code"])
        assert desk.delete(path).status_code == 204


class TestPositions:
    def test_a_track_is_geojson_with_its_longitude_first(self, base: Base, enter):
        rep = base.company.users["rep_north"]
        _track(base, rep)
        shown = enter("rep_north").get(f"{V}/tracks/{rep}/{today()}").json()
        assert shown["type"] == "FeatureCollection"
        lines = [f for f in shown["features"] if f["properties"]["kind"] == "line"]
        assert lines
        lng, lat = lines[0]["geometry"]["coordinates"][0]
        assert (round(lng), round(lat)) == (25, 60)
        assert len(lines[0]["properties"]["times_ms"]) == len(lines[0]["geometry"]["coordinates"])

    def test_raw_line_trips_and_gaps_come_beside_the_cleaned_line(self, base: Base, enter):
        rep = base.company.users["rep_north"]
        _track(base, rep)
        path = f"{V}/tracks/{rep}/{today()}"
        plain, more = (enter("rep_north").get(path + q).json() for q in ("", "?raw=1&streets=1"))
        kinds = [{f["properties"]["kind"] for f in shown["features"]} for shown in (plain, more)]
        assert "raw" not in kinds[0]
        assert {"line", "raw"} <= kinds[1]
        told = plain["properties"]
        assert told["distance_m"] == sum(trip["distance_m"] for trip in told["trips"]) > 0
        assert told["gaps"] == []

    def test_a_day_must_be_one(self, base: Base, enter):
        for day in ["yesterday", "0001-01-01", "9999-12-31", "2026-02-30"]:
            answer = enter("admin").get(f"{V}/tracks/{base.company.users['rep_north']}/{day}")
            assert_problem(answer, 422, "invalid")

    def test_a_box_must_be_one(self, base: Base, enter):
        for bbox in ["1,2,3", "a,b,c,d", "nan,0,1,1", "61,24,60,25", "-91,0,0,1", "inf,0,1,1"]:
            assert_problem(enter("admin").get(f"{V}/live", params={"bbox": bbox}), 422, "bad_field")

    def test_everybody_on_shift_or_off_is_in_the_live_list(self, base: Base, enter):
        shown = enter("dispatcher_north").get(f"{V}/live").json()
        assert {r["rep_id"] for r in shown} == {
            base.company.users["rep_north"], base.company.users["second_north"]
        }  # fmt: skip


def _track(base: Base, rep: str) -> None:
    start, _ = clock.day_bounds(today())
    begin = start + timedelta(minutes=1)
    actor = base.actor("rep_north")
    at_ms = round(begin.timestamp() * 1000)
    with transaction() as session:
        shifts.start_shift_in(session, actor, ids.new_id(), begin)
        keeping.append(
            session,
            [
                Fix(
                    rep_id=rep, device_id="d", seq=i, fix_at_ms=at_ms + i * 15_000,
                    device_at_ms=at_ms, server_at_ms=at_ms, lat=60.17 + i * 0.0005, lng=24.94,
                    accuracy_m=5.0, source="test",
                )
                for i in range(1, 20)
            ],
        )  # fmt: skip


class TestDevicesAndPeople:
    def test_a_paired_phones_token_is_told_once(self, base: Base, enter):
        desk, rep = enter("dispatcher_north"), base.company.users["rep_north"]
        made = desk.post(f"{V}/devices", json={"rep_id": rep, "kind": "overland", "name": "iPhone"})
        assert made.status_code == 201
        token = made.json()["token"]
        assert registry.device_by_token(token).rep_id == rep
        assert token not in desk.get(f"{V}/devices").text
        gone = desk.delete(f"{V}/devices/{made.json()['device']['id']}")
        assert gone.json()["revoked_at"]
        unknown = desk.post(f"{V}/devices", json={"rep_id": rep, "kind": "pigeon"})
        assert_problem(unknown, 422, "bad_field")

    def test_a_person_is_added_changed_and_let_go_without_showing_secrets(self, base: Base, enter):
        boss = enter("admin")
        new = {"login": "maija", "name": "Maija", "role": "rep", "password": "a fine long one",
               "team_id": base.company.teams["north"]}  # fmt: skip
        made = boss.post(f"{V}/users", json=new)
        assert made.status_code == 201
        assert "password" not in made.text
        path = f"{V}/users/{made.json()['id']}"
        assert_problem(boss.post(f"{V}/users", json=new), 409, "login_taken")
        renamed = boss.patch(path, json={"name": "Maija S."}, headers={"If-Match": '"1"'})
        assert renamed.json()["name"] == "Maija S."
        assert boss.delete(path).json()["is_active"] is False
        kinds = [e["kind"] for e in boss.get(f"{V}/events", params={"kind": "user."}).json()]
        assert kinds[:3] == ["user.deactivated", "user.changed", "user.added"]
        assert "a fine long one" not in boss.get(f"{V}/events").text

    def test_the_event_log_goes_on_from_the_last_id(self, base: Base, enter):
        boss = enter("admin")
        first = boss.get(f"{V}/events", params={"limit": 2}).json()
        rest = boss.get(f"{V}/events", params={"before": first[-1]["id"]}).json()
        assert [e["id"] for e in first + rest] == sorted(
            {e["id"] for e in first + rest}, reverse=True
        )


class TestDocumentation:
    def test_the_description_is_openapi_3_1_and_tells_every_error(self, base: Base, enter):
        schema = enter("admin").get("/api/openapi.json").json()
        assert schema["openapi"].startswith("3.1")
        for path, operations in schema["paths"].items():
            for method, operation in operations.items():
                assert operation["summary"], f"{method} {path}"
                assert "default" in operation["responses"]
        names = set(schema["components"]["schemas"])
        referred = set(_references(schema))
        assert referred <= names
        assert "Problem" in names

    def test_the_page_shows_every_call_and_runs_nothing(self, base: Base, enter):
        answer = enter("admin").get("/api/docs")
        assert "<script" not in answer.text.lower()
        assert "http://" not in answer.text.replace("http://localhost", "")
        assert "https://" not in answer.text
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        for path in enter("admin").get("/api/openapi.json").json()["paths"]:
            assert path in answer.text


def _references(value: object):
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "$ref":
                yield each.rsplit("/", 1)[-1]
            else:
                yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)
