"""Problems of an import as a file: all of a preview, of a run those that are kept; never a formula."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import replace

import pytest

from fieldcrm.clients import import_outcome, import_problems, importing, tabular
from fieldcrm.clients.model import ImportNotFound, ImportNotReady
from fieldcrm.people.model import RoleForbids
from tests.clients.base import Base

HEAD = "Name;Тип;Phone;Участок;Note\n"
LONG = "x" * 300
BAD = (
    HEAD + "Alpha;pharmacy;=1+1;;\n" + ";doctor;;;=SUM(A1)\n" + "Gamma;=cmd|'/c calc'!A0;;;\n"
    "Delta;pharmacy;;Narnia;\n" + f"Epsilon;{LONG};;;\n"
)


def seen(base: Base, text: str = BAD, name: str = "f.csv") -> str:
    return importing.preview_import(base.actor("admin"), name, text.encode()).run_id


def told(base: Base, run_id: str, language: str = "en") -> list[list[str]]:
    """Rows of the file as CSV, without its titles."""
    actor = replace(base.actor("admin"), language=language)
    content = import_problems.problems_file(actor, run_id, "csv")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))[1:]


def test_every_problem_has_its_row_column_value_words_and_weight(base: Base) -> None:
    bad_kind = "An unknown kind of client: use doctor, pharmacist, buyer, organisation or pharmacy"
    assert told(base, seen(base)) == [
        ["2", "Phone", "'=1+1", "Not a valid phone number; kept as written", "warning"],
        ["3", "Name", "", "There is no name", "leaves the row out"],
        ["4", "Тип", "'=cmd|'/c calc'!A0", bad_kind, "leaves the row out"],
        ["5", "Участок", "Narnia", "There is no territory of this name", "leaves the row out"],
        ["6", "Тип", LONG, bad_kind, "leaves the row out"],
    ]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize(
    ("language", "titles", "last"),
    [("en", "Row Column Value", "leaves the row out"), ("ru", "Строка Столбец Значение", "строка не войдёт"),
     ("ro", "Rând Coloană Valoarea", "rândul rămâne afară")],
)  # fmt: skip
def test_it_speaks_the_readers_language_in_both_forms(
    base: Base, form: str, language: str, titles: str, last: str
) -> None:
    actor = replace(base.actor("admin"), language=language)
    content = import_problems.problems_file(actor, seen(base), form)
    table = tabular.read_table(f"p.{form}", content, True)
    assert " ".join(table.columns).startswith(titles)
    rows = [cells for _, cells in table.rows]
    assert (len(rows), rows[0][:3], rows[1][4]) == (5, ["2", "Phone", "=1+1"], last)


def test_a_workbook_of_problems_holds_no_formula(base: Base) -> None:
    content = import_problems.problems_file(base.actor("admin"), seen(base), "xlsx")
    sheet = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "<v>2</v>" in sheet  # rows are numbers


def test_those_of_the_whole_file_come_first(base: Base) -> None:
    first, *others = told(base, seen(base, "external_id,town\nE1,Turku\n"))
    assert first == [
        "",
        "Name",
        "",
        "Choose the column that holds this field",
        "keeps the file out",
    ]
    assert [row[0] for row in others] == ["2"]


def test_rows_that_cannot_be_read_and_titles_above_are_counted_as_the_file_does(base: Base) -> None:
    text = 'List\n\nName;City\nAlpha;Turku\n"Beta"x;Oulu\n;Vaasa\n'
    assert [row[0] for row in told(base, seen(base, text))] == ["5", "6"]


def test_a_preview_has_more_than_are_shown_and_a_run_says_what_it_has_not_kept(base: Base) -> None:
    n = import_outcome.SHOWN_TROUBLES + 3
    rows = "".join(f"N{i};040 1;\n" for i in range(n)) + ";040 111 2222;last\n"
    run_id = seen(base, "Name;Phone;Note\n" + rows)
    every = told(base, run_id)
    assert [row[0] for row in every] == [str(i + 2) for i in range(n + 1)]
    importing.run_import(base.actor("admin"), run_id)
    kept = told(base, run_id)
    assert len(kept) == import_outcome.SHOWN_TROUBLES + 1
    assert [str(n + 2), "leaves the row out"] == [kept[-2][0], kept[-2][4]]  # the grave one is kept
    assert kept[-1][3] == (
        "Only 500 of 504 problems are kept after a run, those that leave rows out first. "
        "Before the run this file has them all."
    )


def test_a_list_too_long_says_where_it_ends(base: Base, monkeypatch) -> None:
    monkeypatch.setattr(import_problems, "MOST", 2)
    rows = told(base, seen(base))
    assert len(rows) == 3
    assert rows[-1][3] == "The list ends here: 2 of 5 problems."


def test_after_a_run_the_same_problems_are_there_and_cut_values_show_it(base: Base) -> None:
    run_id = seen(base)
    before = told(base, run_id)
    importing.run_import(base.actor("admin"), run_id)
    after = told(base, run_id)
    assert after[:-1] == before[:-1]
    assert after[-1][2] == LONG[:80] + "…"


def test_a_file_without_problems_gives_an_empty_table(base: Base) -> None:
    assert told(base, seen(base, "Name;City\nAlpha;Turku\n")) == []


def test_it_is_the_administrators_alone_and_of_what_can_be_read(base: Base) -> None:
    run_id = seen(base)
    for login in ("rep_north", "dispatcher_north", "manager_north"):
        with pytest.raises(RoleForbids):
            import_problems.problems_file(base.actor(login), run_id, "csv")
    boss = base.actor("admin")
    with pytest.raises(ImportNotFound):
        import_problems.problems_file(boss, "../../etc/passwd", "csv")
    unlooked = importing.keep_file(boss, "f.csv", BAD.encode())
    with pytest.raises(ImportNotReady):
        import_problems.problems_file(boss, unlooked, "csv")
    importing.discard(boss, run_id)
    with pytest.raises(ImportNotFound):
        import_problems.problems_file(boss, run_id, "csv")
