"""The exported workbook and log, read back: words whole, numbers numbers, nothing a formula."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from python_calamine import CalamineWorkbook

from fieldcrm.evidence.tables import Verdict
from fieldcrm.kit import clock, ids
from fieldcrm.kit.database import transaction
from fieldcrm.people.model import RoleForbids
from fieldcrm.reports import eventlog, service
from fieldcrm.reports.eventlog import Asked
from fieldcrm.reports.model import Filters, PeriodKind
from fieldcrm.reports.workbook import export_xlsx
from fieldcrm.visits.tables import Visit
from tests.reports.conftest import Field

MONDAY = date(2026, 11, 16)


@pytest.fixture(autouse=True)
def thursday_afternoon() -> Iterator[None]:
    with clock.held(datetime(2026, 11, 19, 12, 0, tzinfo=UTC)):
        yield


def exported(team: Field, who: str, language: str) -> bytes:
    actor = team.company.actor(who)
    return export_xlsx(actor, service.period(actor, PeriodKind.month), Filters(), language)


def rename(client_id: str, name: str) -> None:
    from fieldcrm.clients.tables import Client

    with transaction() as session:
        client = session.get(Client, client_id)
        assert client is not None
        client.name = name


def test_the_workbook_holds_the_report_and_every_visit(team: Field) -> None:
    a, b = team.add_client("A"), team.add_client("B")
    rename(a, '=HYPERLINK("http://evil")')
    rename(b, "Аптека «Ёлка», Brașov, țară")
    team.add_visit("rep_north", a, MONDAY)
    doubtful = team.add_visit("rep_north", b, MONDAY, verdict="doubtful")
    team.add_visit("rep_south", a, MONDAY)
    with transaction() as session:
        session.add(
            Verdict(id=ids.new_id(), visit_id=doubtful, at=clock.now(), verdict="doubtful", score=0.4,
                    reasons=[{"code": "away", "for": False, "weight": -2, "params": {"distance_m": 412}}])
        )  # fmt: skip
    content = exported(team, "manager_north", "ru")
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    assert book.sheet_names[0] == "Сводка"
    assert book.sheet_names[-1] == "Визиты"
    visits = book.get_sheet_by_name("Визиты").to_python()
    assert len(visits) == 3
    cells = {cell for row in visits for cell in row}
    assert {'=HYPERLINK("http://evil")', "Аптека «Ёлка», Brașov, țară", MONDAY} <= cells
    assert any("412" in str(cell) for cell in cells)
    summary = {row[0]: row[1:] for row in book.get_sheet_by_name("Сводка").to_python()}
    assert summary["Доказательность, %"][:3] == [50, 1, 2]
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        assert not any(b"<f>" in parts.read(n) for n in parts.namelist() if "worksheets" in n)


def test_each_language_has_its_sheets_and_a_line_for_each_group(team: Field) -> None:
    team.add_visit("rep_north", team.add_client("A"), MONDAY)
    for language, total in (("en", "Total"), ("ru", "Всего"), ("ro", "Total")):
        book = CalamineWorkbook.from_filelike(io.BytesIO(exported(team, "admin", language)))
        assert len(book.sheet_names) == 6
        by_team = book.get_sheet_by_index(1).to_python()
        assert [row[0] for row in by_team[1:]] == ["north", "south", total]


def test_the_log_comes_as_csv_without_formulas_and_to_administrators_only(team: Field) -> None:
    from fieldcrm.people import service as people

    admin = team.company.actor("admin")
    with clock.held(datetime(2026, 11, 19, 12, 0, tzinfo=UTC)):
        people.save_team(admin, "=1+1 ș")
    content = eventlog.export_csv(admin, Asked(kind="team", first="2026-11-19", last="2026-11-19"))
    assert content.startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
    assert (row["kind"], row["actor"], row["data"]) == ("team.added", "Admin", '{"name": "=1+1 ș"}')
    assert eventlog.export_csv(admin, Asked(last="2026-11-18")).count(b"\n") == 1
    with pytest.raises(RoleForbids):
        eventlog.export_csv(team.company.actor("manager_north"), Asked())


def test_a_visits_reasons_come_in_the_readers_language(team: Field) -> None:
    visit = team.add_visit("rep_north", team.add_client("A"), MONDAY, verdict="contradicted")
    with transaction() as session:
        session.add_all(
            Verdict(id=ids.new_id(), visit_id=visit, at=clock.now() + timedelta(seconds=n), verdict="contradicted",
                    reasons=[{"code": "away", "for": False, "weight": -3, "params": {"distance_m": n}},
                             {"code": "photo", "for": True, "weight": 1, "params": {"n": 1}}])
            for n in (111, 222)
        )  # fmt: skip
        row = session.get(Visit, visit)
        assert row is not None
    actor = team.company.actor("manager_north")
    period = service.period(actor, PeriodKind.week)
    told = service.visits_behind(actor, "suspect", period, language="ro").rows[0].reasons
    assert len(told) == 1
    assert "222" in told[0]
    assert "reprezentant" in told[0].lower()
