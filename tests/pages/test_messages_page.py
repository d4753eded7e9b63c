"""The page of messages: written to a rep, to a team, with a time and a place; listed with their answers; withdrawn."""

from __future__ import annotations

from fieldcrm.kit.database import transaction
from fieldcrm.messages import service as messages
from fieldcrm.messages.model import Answer
from fieldcrm.pages.office_messages import TEAM, OfficeMessages
from tests.pages.conftest import Open, call
from tests.reports.conftest import Field


def _form(to: str, **more: str) -> dict[str, str]:
    return {"to": to, "kind": "task", "text": "Bring the leaflets", "due": "", **more}


def test_a_task_is_written_and_its_answers_are_shown(team: Field, open_page: Open) -> None:
    page = open_page(OfficeMessages, "dispatcher_north")
    rep = team.company.users["rep_north"]
    assert rep in [c.value for c in page.readers]
    assert team.company.users["rep_south"] not in [c.value for c in page.readers]
    call(page, "send", _form(rep))
    assert page.refused == ""
    [row] = page.rows
    assert (row.text, row.kind, row.state) == ("Bring the leaflets", "Task", "waiting")
    assert row.no_phone
    with transaction() as session:
        actor = team.company.actor("rep_north")
        now = messages.clock.now()
        messages.answer_in(session, actor, row.id, Answer.declined, "no car", now)
    call(page, "reload")
    [row] = page.rows
    assert (row.state, row.comment, row.may_withdraw) == ("declined", "no car", False)


def test_a_whole_team_at_a_place(team: Field, open_page: Open) -> None:
    home = team.add_territory("north", "rep_north")
    client = team.add_client("A", home)
    page = open_page(OfficeMessages, "dispatcher_north")
    name = messages.clients.get(team.company.actor("admin"), client).name
    call(page, "find_place", name[:5])
    assert client in [p.value for p in page.places]
    call(page, "choose_place", client)
    call(page, "send", _form(TEAM + team.company.teams["north"], kind="reminder", radius_m="500"))
    assert page.refused == ""
    assert page.place == ""
    assert {r.rep for r in page.rows} == {"Rep North", "Second North"}
    assert all(name in r.when_where for r in page.rows)


def test_what_cannot_be_sent_says_why(team: Field, open_page: Open) -> None:
    page = open_page(OfficeMessages, "dispatcher_north")
    rep = team.company.users["rep_north"]
    for form in (
        _form(""), _form(rep, text=" "), _form(rep, kind="reminder"), _form(rep, kind="plan"),
        _form(rep, due="yesterday"), _form(rep, radius_m="x"),
        _form(team.company.users["rep_south"]),
    ):  # fmt: skip
        call(page, "send", form)
        assert page.refused != "", form
    assert page.rows == []


def test_withdrawn_after_a_second_press(team: Field, open_page: Open) -> None:
    page = open_page(OfficeMessages, "manager_north")
    call(page, "send", _form(team.company.users["rep_north"], due="2030-01-01T10:00"))
    assert "refused" not in page.refused
    call(page, "send", _form(team.company.users["rep_north"]))
    [row] = page.rows
    call(page, "withdraw", row.id)
    assert page.rows[0].state == "waiting"
    call(page, "withdraw", row.id)
    assert page.rows[0].state == "withdrawn"
    call(page, "narrow", "state", "open")
    assert page.rows == []
    call(page, "narrow", "state", "withdrawn")
    assert [r.id for r in page.rows] == [row.id]


def test_narrowed_by_rep_and_kind(team: Field, open_page: Open) -> None:
    page = open_page(OfficeMessages, "dispatcher_north")
    for login in ("rep_north", "second_north"):
        call(page, "send", _form(team.company.users[login]))
    call(page, "narrow", "rep", team.company.users["rep_north"])
    assert [r.rep for r in page.rows] == ["Rep North"]
    call(page, "narrow", "kind", "plan")
    assert page.rows == []
    call(page, "narrow", "rows", "x")
    assert page.rows == []


def test_searched_sorted_and_exported_as_asked_for(team: Field, open_page: Open) -> None:
    page = open_page(OfficeMessages, "dispatcher_north")
    assert (page.rows, page.is_narrowed) == ([], False)
    for login, text in (("rep_north", "Leaflets"), ("second_north", "Price list")):
        call(page, "send", _form(team.company.users[login], text=text))
    assert [r.text for r in page.rows] == ["Price list", "Leaflets"]
    call(page, "sort_by", "rep")
    assert [r.rep for r in page.rows] == ["Rep North", "Second North"]
    call(page, "sort_by", "text")
    assert page.sort == "rep", "not by what the list can't be sorted by"
    call(page, "narrow", "search", "PRICE")
    assert [r.text for r in page.rows] == ["Price list"]
    assert page.shown == "1 message"
    call(page, "narrow", "state", "open")
    asked = {"search": "PRICE", "sort": "rep", "is_open": "true"}
    assert page._asked() == ("messages", asked)
    call(page, "narrow", "search", "nothing like it")
    assert (page.rows, page.is_narrowed) == ([], True)
    call(page, "clear")
    assert (len(page.rows), page.is_narrowed) == (2, False)
    assert page._asked() == ("messages", {"sort": "rep"})


def test_the_address_names_whom_to_write_to_once_and_no_stranger(
    team: Field, open_page: Open
) -> None:
    page = open_page(OfficeMessages, "dispatcher_north")
    rep, forms = team.company.users["rep_north"], page.sent_count
    page._write_to(rep)
    assert (page.to, page.sent_count) == (rep, forms + 1)
    call(page, "send", _form(rep))
    assert page.to == ""
    page._write_to(team.company.users["rep_south"])
    assert page.to == ""
