"""The administrator's pages: what each handler does and refuses, with nothing typed lost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from fieldcrm.clients import importing
from fieldcrm.clients import service as clients
from fieldcrm.clients.tables import Client, ImportRun
from fieldcrm.kit import bus, clock
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.jobs import Cancelled
from fieldcrm.kit.settings import settings
from fieldcrm.pages.admin_devices import AdminDevices
from fieldcrm.pages.admin_events import AdminEvents
from fieldcrm.pages.admin_import_state import AdminImport
from fieldcrm.pages.admin_teams import AdminTeams
from fieldcrm.pages.admin_users import AdminUsers, minutes_of, read_form
from fieldcrm.people import service as people
from fieldcrm.people import signing
from fieldcrm.people.model import RoleForbids
from fieldcrm.people.tables import Device
from tests.pages.conftest import Open, Unlocked, call
from tests.reports.conftest import Field

REP = {"name": "Ștefan Țurcan", "login": "stefan", "language": "ro", "mode": "foot", "phone": "", "email": "",
       "shift_start": "08:30", "shift_end": "16:30", "lunch_start": "12:00", "lunch_minutes": "30",
       "day_1": "on", "day_2": "on", "password": "correct horse 7"}  # fmt: skip


def test_users_are_found_filtered_and_sorted(team: Field, open_page: Open) -> None:
    page = open_page(AdminUsers, "admin")
    assert len(page.rows) == 8
    call(page, "find", "SOUTH")
    assert {r.login for r in page.rows} == {"rep_south", "dispatcher_south", "manager_south"}
    call(page, "filter_role", "rep")
    assert [r.login for r in page.rows] == ["rep_south"]
    call(page, "clear")
    call(page, "sort_by", "login")
    names = [r.login for r in page.rows]
    assert names == sorted(names)
    call(page, "sort_by", "login")
    assert [r.login for r in page.rows] == names[::-1]
    call(page, "sort_by", "password_hash")
    assert page.sort == "-login"


def test_a_rep_is_added_changed_and_refused_with_what_was_typed(
    team: Field, open_page: Open
) -> None:
    page = open_page(AdminUsers, "admin")
    call(page, "add")
    call(page, "save", REP)
    assert page.is_open
    assert (page.bad_field, page.form_problem) == (
        "team_id",
        "The field “Team” is missing or not valid.",
    )
    call(page, "save", {**REP, "team_id": team.company.teams["north"]})
    assert not page.is_open
    row = next(r for r in page.rows if r.login == "stefan")
    assert (row.team, row.shift) == ("north", "08:30–16:30")
    call(page, "edit", row.id)
    assert page.form.work_days == [True, True, False, False, False, False, False]
    call(page, "save", {**REP, "team_id": team.company.teams["south"], "name": "Ștefan"})
    assert next(r for r in page.rows if r.login == "stefan").team == "south"


def test_a_leaders_teams_and_a_taken_login(team: Field, open_page: Open) -> None:
    page = open_page(AdminUsers, "admin")
    call(page, "edit", team.company.users["manager_north"])
    assert [(t.name, t.is_chosen) for t in page.teams] == [("north", True), ("south", False)]
    call(page, "choose_role", "dispatcher")
    call(page, "save", {"name": "M", "login": "admin", "language": "en",
                        f"team:{team.company.teams['south']}": "on"})  # fmt: skip
    assert page.form_problem == "Another user already has this login."
    call(page, "save", {"name": "M", "login": "m.north", "language": "en",
                        f"team:{team.company.teams['south']}": "on"})  # fmt: skip
    row = next(r for r in page.rows if r.login == "m.north")
    assert (row.role, row.team) == ("dispatcher", "south")


def test_letting_go_asks_first_and_the_last_administrator_stays(
    team: Field, open_page: Open
) -> None:
    page = open_page(AdminUsers, "admin")
    call(page, "edit", team.company.users["rep_north"])
    call(page, "let_go")
    assert page.must_confirm
    assert people.actor_of(team.company.users["rep_north"])
    call(page, "let_go")
    assert not next(r for r in page.rows if r.login == "rep_north").is_active
    call(page, "edit", team.company.users["admin"])
    call(page, "let_go")
    call(page, "let_go")
    assert "last administrator" in page.form_problem


def test_a_new_password_is_judged_and_taken(team: Field, open_page: Open) -> None:
    page = open_page(AdminUsers, "admin")
    call(page, "edit", team.company.users["rep_north"])
    call(page, "give_password", {"new_password": "short"})
    assert "at least 10" in page.form_problem
    call(page, "give_password", {"new_password": "another horse 8"})
    assert page.form_problem == ""
    assert signing.sign_in("rep_north", "another horse 8", "127.0.0.1", "test")


def test_form_texts_that_cannot_be() -> None:
    assert [minutes_of(t) for t in ("09:30", "9:5x", "", None, "x:10", "²:10")] == [
        570,
        None,
        None,
        None,
        None,
        None,
    ]
    read = read_form({**REP, "lunch_minutes": "²", "shift_start": "noon"}, "rep", is_new=False)
    assert (read["lunch_minutes"], read["shift_start_min"], read["work_days"]) == (None, None, "12")
    assert "password" not in read


def test_teams_and_territories_are_added_renamed_and_handed_over(
    team: Field, open_page: Open
) -> None:
    page = open_page(AdminTeams, "admin")
    call(page, "save_team", {"name": "East"})
    assert [t.name for t in page.teams] == ["East", "north", "south"]
    call(page, "save_team", {"name": " "})
    assert page.refused != ""
    north, users = team.company.teams["north"], team.company.users
    call(page, "add_territory", {"name": "Kluuvi", "team_id": north})
    (place,) = page.territories
    call(page, "hand_over", place.id, users["rep_north"])
    assert page.territories[0].rep_id == users["rep_north"]
    call(page, "hand_over", place.id, users["rep_south"])
    assert page.refused != ""
    assert page.territories[0].rep_id == users["rep_north"]
    call(page, "rename_territory", {"id": place.id, "name": "Kamppi"})
    assert page.territories[0].name == "Kamppi"
    call(page, "add_territory", {"name": "Arabia", "team_id": north})
    assert [t.name for t in page.territories] == ["Arabia", "Kamppi"]
    call(page, "sort_by", "rep")
    call(page, "sort_by", "rep")
    assert ([t.name for t in page.territories], page.sort) == (["Kamppi", "Arabia"], "-rep")
    call(page, "sort_by", "cells")
    assert page.sort == "-rep"
    call(page, "find", "nowhere")
    assert page.territories == []


def test_a_device_is_paired_shown_once_and_cut_off_on_the_second_press(
    team: Field, open_page: Open
) -> None:
    page = open_page(AdminDevices, "admin")
    call(page, "start_pairing")
    call(
        page, "pair", {"rep_id": team.company.users["rep_north"], "kind": "osmand", "name": "Redmi"}
    )
    assert page.qr.startswith("data:image/svg+xml;base64,")
    assert page.paired_for == "Rep North"
    assert f"http://localhost:{settings().gateway_port}/ingest/osmand" in page.uri
    call(page, "stop_pairing")
    assert (page.qr, page.uri) == ("", "")
    (row,) = page.rows
    call(page, "revoke", row.id)
    assert page.asked == row.id
    call(page, "revoke", row.id)
    assert page.rows == []
    with reading() as session:
        assert session.exec(select(Device)).one().revoked_at is not None
    call(page, "pair", {"rep_id": "nobody", "kind": "osmand"})
    assert page.refused != ""


def test_the_log_filters_and_pages(team: Field, open_page: Open) -> None:
    users = open_page(AdminUsers, "admin")
    for n in range(70):
        call(users, "edit", team.company.users["rep_north"])
        call(
            users,
            "save",
            {
                **REP,
                "login": "rep_north",
                "name": f"Rep {n}",
                "team_id": team.company.teams["north"],
            },
        )
    page = open_page(AdminEvents, "admin")
    assert len(page.rows) == 60
    assert page.has_more
    call(page, "more")
    assert len({r.id for r in page.rows}) == len(page.rows) == 70
    call(page, "filter_kind", "device")
    assert page.rows == []
    call(page, "clear")
    assert {r.what for r in page.rows} == {"User changed"}
    call(page, "filter_subject", page.rows[0].subject)
    assert (page.subject_name, len(page.rows)) == (page.rows[0].about, 60)
    call(page, "clear")
    call(page, "filter_actor", team.company.users["rep_south"])
    assert page.rows == []
    call(page, "clear")
    call(page, "filter_last", "2020-01-01")
    assert page.rows == []
    call(page, "filter_last", "not a day")
    assert len(page.rows) == 60


def kept(team: Field, content: bytes, name: str = "clients.csv") -> str:
    return importing.preview_import(team.company.actor("admin"), name, content).run_id


GOOD = "Name;Address;Category;Code\nAptekă ș;Street 1;A;1\n=SUM(A1);Street 2;B;2\n".encode()


def look(page: Any) -> None:
    """Let the task that looks at the rows do so, as the server does beside the page."""
    asyncio.run(type(page).event_handlers["look"].fn(Unlocked(page)))


def looked(page: Any, name: str, *args: Any) -> None:
    """Press something that has the rows looked at, and wait for it."""
    if call(page, name, *args) != [None]:
        look(page)


def test_an_import_shows_what_it_would_do_and_maps_anew(team: Field, open_page: Open) -> None:
    page = open_page(AdminImport, "admin")
    looked(page, "kept", kept(team, GOOD.replace(b";B;", b";Z;")), "clients.csv")
    assert page.step == 2
    assert {c.name: c.field for c in page.columns}["Category"] == "category"
    assert (page.totals.rejects, page.totals.blocks, page.totals.creates) == (1, 0, 1)
    assert page.troubles[0].row == "3"
    looked(page, "map_column", "Category", "note")
    assert page.totals.rejects == 0
    assert page.totals.creates == 2
    looked(page, "choose", "kind", "pharmacy")
    assert page.kind == "pharmacy"
    looked(page, "choose", "mode", "delete everything")
    assert page.mode == "upsert"
    call(page, "forget")
    assert (page.step, page.run_id) == (1, "")
    assert page.runs == []


def test_a_row_is_shown_with_what_stands_there_now(team: Field, open_page: Open) -> None:
    boss = team.company.actor("admin")
    importing.run_import(boss, kept(team, GOOD))
    page = open_page(AdminImport, "admin")
    looked(page, "kept", kept(team, GOOD.replace(b"Street 1", b"Street 9")), "clients.csv")
    assert (page.totals.creates, page.totals.updates, page.totals.keeps) == (0, 1, 1)
    changed = next(e for e in page.examples if e.action == "update")
    assert [(f.name, f.before, f.after) for f in changed.fields] == [
        ("Address", "Street 1", "Street 9")
    ]
    looked(page, "switch_whole")
    assert page.whole
    looked(page, "switch_header")
    assert not page.has_header
    assert page.columns[0].name == "1"


def test_lines_above_the_header_are_named_and_can_be_rows_again(
    team: Field, open_page: Open
) -> None:
    page = open_page(AdminImport, "admin")
    looked(page, "kept", kept(team, b"Our clients\n\n" + GOOD), "clients.csv")
    assert page.columns[0].name == "Name"
    assert page.above == "1 line above the header (row 3) was left out: Row 1 “Our clients”"
    assert page.header_told == "Row 3 names the columns"
    looked(page, "switch_header")
    assert (page.above, page.header_told, page.columns[0].sample) == ("", "", "Our clients")
    looked(page, "switch_header")
    assert page.header_told == "Row 3 names the columns"


def test_an_import_is_undone_with_one_click_or_says_what_stands_against_it(
    team: Field, open_page: Open
) -> None:
    boss = team.company.actor("admin")
    run_id = importing.run_import(boss, kept(team, GOOD))["run_id"]
    page = open_page(AdminImport, "admin")
    call(page, "load")
    assert [(r.id, r.can_undo) for r in page.runs] == [(run_id, True)]
    with reading() as session:
        client = session.exec(select(Client).where(Client.external_id == "1")).one()
    changed = clients.save(boss, {"note": "new"}, client.id)
    call(page, "undo", run_id)
    assert page.refused.startswith("1 client has been changed or used since")
    assert len(page.against) == 1
    assert page.against[0].startswith("Aptekă ș: changed by ")
    with transaction() as session:
        row = session.get(Client, client.id)
        assert row is not None
        row.note, row.version = None, changed.version - 1
    call(page, "undo", run_id)
    assert (page.refused, page.against) == ("", [])
    assert page.told.startswith("The import was undone: 2 clients taken away")
    assert [(r.status, r.can_undo) for r in page.runs] == [("undone", False)]
    with reading() as session:
        assert session.exec(select(Client)).all() == []


def test_a_reading_kept_as_a_template_is_offered_to_the_next_file(
    team: Field, open_page: Open
) -> None:
    page = open_page(AdminImport, "admin")
    looked(page, "kept", kept(team, GOOD), "clients.csv")
    looked(page, "map_column", "Category", "note")
    looked(page, "choose", "kind", "pharmacy")
    call(page, "save_template", {"name": "  Monthly  "})
    assert (page.templates, page.template) == (["Monthly"], "Monthly")
    call(page, "save_template", {"name": " "})
    assert page.refused
    looked(page, "kept", kept(team, GOOD), "next.csv")
    assert (page.template, page.kind) == ("Monthly", "pharmacy")
    assert {c.name: c.field for c in page.columns}["Category"] == "note"
    call(page, "drop_template")
    assert (page.templates, page.template) == ([], "")


def test_a_made_up_run_is_refused(team: Field, open_page: Open) -> None:
    page = open_page(AdminImport, "admin")
    looked(page, "kept", "../../etc/passwd", "x")
    assert page.run_id == ""
    looked(page, "kept", "01a1f3ad-8e00-7ca7-9e04-005c511979d6", "x")
    assert page.refused == "This import does not exist."


def test_a_look_that_is_stopped_leaves_what_was_seen_before(team: Field, open_page: Open) -> None:
    page = open_page(AdminImport, "admin")
    looked(page, "kept", kept(team, GOOD), "clients.csv")
    run_id, kind = page.run_id, page.kind
    fields = {c.name: c.field for c in page.columns}
    call(page, "map_column", "Category", "note")
    call(page, "choose", "kind", "pharmacy")
    assert page.is_busy
    assert {c.name: c.field for c in page.columns}["Category"] == "note", (
        "shown before it is looked at"
    )
    call(page, "stop_looking")
    look(page)
    assert (page.is_busy, page.step, page.run_id) == (False, 2, run_id)
    assert ({c.name: c.field for c in page.columns}, page.kind) == (fields, kind)
    looked(page, "choose", "mode", "create")
    assert {c.name: c.field for c in page.columns} == fields


def test_choices_made_while_a_look_goes_on_count_together(team: Field, open_page: Open) -> None:
    page = open_page(AdminImport, "admin")
    looked(page, "kept", kept(team, GOOD), "clients.csv")
    call(page, "map_column", "Category", "note")
    call(page, "map_column", "Address", "")
    looked(page, "choose", "kind", "pharmacy")
    fields = {c.name: c.field for c in page.columns}
    assert (fields["Category"], fields["Address"], page.kind) == ("note", "", "pharmacy")


def test_a_first_look_that_is_stopped_forgets_the_file(team: Field, open_page: Open) -> None:
    page = open_page(AdminImport, "admin")
    call(page, "kept", importing.keep_file(team.company.actor("admin"), "f.csv", GOOD), "f.csv")
    call(page, "stop_looking")
    look(page)
    assert (page.step, page.run_id, page.is_busy, page.refused) == (1, "", False, "")
    assert importing.list_runs(team.company.actor("admin")) == []


def test_a_look_ends_where_its_progress_ends_it_and_the_earlier_one_stands(team: Field) -> None:
    boss = team.company.actor("admin")
    first = kept(team, GOOD)

    def stop(_share: float, what: str) -> None:
        if what == "import.checking":
            raise Cancelled(what)

    with pytest.raises(Cancelled):
        importing.preview_again(boss, first, progress=stop)
    assert importing.run_import(boss, first)["counts"]["create"] == 2
    assert [r.id for r in importing.list_runs(boss)] == [first]


def test_an_import_runs_whole_and_says_so(team: Field, open_page: Open, home: Path) -> None:
    page = open_page(AdminImport, "admin")
    looked(page, "kept", kept(team, GOOD), "clients.csv")
    asyncio.run(type(page).event_handlers["run"].fn(Unlocked(page)))
    assert (page.step, page.outcome, page.outcome_tone) == (4, "The file was imported.", "ok")
    with reading() as session:
        assert {c.name for c in session.exec(select(Client))} == {"Aptekă ș", "=SUM(A1)"}
    assert page.runs[0].status == "done"


def test_a_run_whose_process_was_ended_is_not_shown_as_running_for_ever(
    team: Field, open_page: Open, home: Path
) -> None:
    page = open_page(AdminImport, "admin")
    looked(page, "kept", kept(team, GOOD), "clients.csv")
    importing.run_import(team.company.actor("admin"), page.run_id)
    with transaction() as session:  # what a killed process leaves: rows, and a run that goes on
        run = session.get(ImportRun, page.run_id)
        assert run is not None
        run.status = "running"
    page.step, page._beat = 3, clock.real_now().timestamp()
    call(page, "watch")
    assert (page.step, page.doing) == (3, "Checking what would change")  # heard of a moment ago
    page._beat = 0.0
    call(page, "watch")
    assert page.step == 3
    assert page.doing.startswith("Nothing has been heard of this import")
    bus.connection().delete(f"import:{page.run_id}")
    call(page, "watch")
    assert (page.step, page.outcome_tone) == (4, "err")
    assert page.outcome.startswith("The import stopped half-way")
    assert page.runs[0].can_undo
    call(page, "undo", page.run_id)
    with reading() as session:
        assert session.exec(select(Client)).all() == []


def test_a_cancelled_run_that_somebody_went_on_from_says_that_its_rows_are_in(
    team: Field, open_page: Open, home: Path
) -> None:
    page, boss = open_page(AdminImport, "admin"), team.company.actor("admin")
    looked(page, "kept", kept(team, GOOD), "clients.csv")

    def cancelled_late(_share: float, what: str) -> None:
        if what == "import.telling":
            with reading() as session:
                brought = session.exec(select(Client)).all()[0]
            clients.save(boss, {"note": "seen"}, brought.id)
            raise Cancelled(what)

    with pytest.raises(Cancelled):
        importing.run_import(boss, page.run_id, cancelled_late)
    page.step = 3
    call(page, "watch")
    assert (page.step, page.outcome_tone) == (4, "err")
    assert page.outcome.startswith("The import stopped half-way")


def test_a_run_can_be_cancelled_from_any_process_and_changes_nothing(
    team: Field, open_page: Open, home: Path
) -> None:
    run_id, elsewhere = kept(team, GOOD), open_page(AdminImport, "admin")
    call(elsewhere, "stop", run_id)
    assert elsewhere.refused == "This import has already run or was cancelled."

    def press_cancel(share: float, _what: str) -> None:
        if share == 0:
            call(elsewhere, "stop", run_id)

    with pytest.raises(Cancelled):
        importing.run_import(team.company.actor("admin"), run_id, press_cancel)
    assert elsewhere.is_stopping
    with reading() as session:
        assert session.exec(select(Client)).all() == []
    assert importing.list_runs(team.company.actor("admin"))[0].status == "cancelled"
    with pytest.raises(RoleForbids):
        importing.cancel_import(team.company.actor("manager_north"), run_id)
