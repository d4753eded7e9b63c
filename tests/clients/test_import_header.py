"""A table whose header lies below a title line or two: found where it surely is, and nothing lost."""

from __future__ import annotations

import io
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldcrm.clients import import_command, import_texts, importing, tabular
from fieldcrm.clients.model import UnreadableTable
from tests.clients.base import Base
from tests.clients.test_import import clients

TITLED = (
    "Price list of pharmacies 2026\n\nName;Address;Phone\n"
    "Alpha;Street 1, flat 2;040 111 2222\nBeta;Street 3;040 111 2223\n"
)


CELLS = ["", "Name", "City", "Phone", "Alpha", "040 111 2222"]


def workbook(*rows: list[Any]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        for n, row in enumerate(rows):
            sheet.write_row(n, 0, row)
    return out.getvalue()


def names(table: Any) -> list[tuple[int, str]]:
    return [(number, cells[0]) for number, cells in table.rows]


class TestFound:
    def test_below_a_title_and_an_empty_line(self):
        table = tabular.read_table("f.csv", TITLED.encode())
        assert table.columns == ["Name", "Address", "Phone"]
        assert names(table) == [(4, "Alpha"), (5, "Beta")]
        assert (table.has_header, table.header_row, table.delimiter) == (True, 3, ";")
        assert table.above == [(1, "Price list of pharmacies 2026")]

    def test_in_a_workbook_as_in_a_text(self):
        rows = [["Аптеки, 2026"], ["на 01.09.2026", "", "стр. 1"], [], ["Название", "Адрес", "Город", "Телефон"],
                ["Альфа", "Ленина 1", "Кишинёв", "022 123456"]]  # fmt: skip
        table = tabular.read_table("f.xlsx", workbook(*rows))
        assert table.columns == ["Название", "Адрес", "Город", "Телефон"]
        assert names(table) == [(5, "Альфа")]
        assert (table.header_row, [n for n, _ in table.above]) == (4, [1, 2])

    @pytest.mark.parametrize("titles", [1, 2, 3, 4, 5])
    def test_however_few_rows_a_table_has_below_its_titles(self, titles: int):
        text = "".join(f"Title {n}\n" for n in range(titles)) + "Name;City\nAlpha;Turku\n"
        table = tabular.read_table("f.csv", text.encode())
        assert (table.columns, names(table)) == (["Name", "City"], [(titles + 2, "Alpha")])

    @pytest.mark.parametrize("rows", [[["  ", " "], [" "]], [["name", "city"]], [["name"], ["  "]]])
    def test_a_workbook_of_spaces_or_of_a_header_alone_holds_no_rows(self, rows: list[list[str]]):
        with pytest.raises(UnreadableTable) as refusal:
            tabular.read_table("f.xlsx", workbook(*rows))
        assert refusal.value.params["why"] == "empty"

    def test_when_the_person_says_that_there_is_one(self):
        assert tabular.read_table("f.csv", TITLED.encode(), True).header_row == 3

    def test_a_title_above_a_header_and_no_rows_is_said_to_hold_none(self):
        with pytest.raises(UnreadableTable) as refusal:
            tabular.read_table("f.csv", b"Price list\n\nName;Address\n")
        assert refusal.value.params["why"] == "empty"


class TestNotFound:
    def test_whoever_says_that_there_is_none_has_every_row(self):
        table = tabular.read_table("f.csv", TITLED.encode(), False)
        assert [n for n, _ in names(table)] == [1, 3, 4, 5]
        assert (table.header_row, table.above) == (0, [])

    @pytest.mark.parametrize(
        "text",
        [  # a first row that names columns, however its rows look
            "Name;Address\n;\nname;city\n", "name,note\ncity,phone\n",
            # rows of clients, among them one that could be a header: each fills its cells
            "Alpha;Street 1;040 111 2222\nName;Address;Phone\nBeta;Street 2;040 111 2223\n",
            "Alpha;Turku\nName;City\nBeta;Oulu\n",
            # one known word is too little, and so is one field named twice
            "Alpha\nДоктор;Врач\nBeta;Gamma\n", "Alpha\nName;Whatever\nBeta;Gamma\n",
            # deeper than titles go
            "A\nB\nC\nD\nE\nF\nName;City\nAlpha;Turku\n",
        ],
    )  # fmt: skip
    def test_where_it_is_not_sure_no_row_is_taken_for_a_title(self, text: str):
        table = tabular.read_table("f.csv", text.encode())
        assert table.above == []
        assert table.header_row in (0, 1)

    def test_properties_of_a_map_are_no_titles(self):
        properties = ['{"name": "A"}', '{"name": "Name", "city": "City", "phone": "Phone"}']
        features = ",".join(
            f'{{"type": "Feature", "geometry": null, "properties": {p}}}' for p in properties
        )
        text = f'{{"type": "FeatureCollection", "features": [{features}]}}'
        assert len(tabular.read_table("f.geojson", text.encode()).rows) == 2

    @settings(deadline=None)
    @given(
        st.lists(
            st.lists(st.sampled_from(CELLS), min_size=1, max_size=4).filter(
                lambda cells: any(cells) or len(cells) == 1  # filled somewhere, or a blank line
            ),
            min_size=1,
            max_size=9,
        )
    )
    def test_every_line_is_a_row_or_the_header_or_named_above_it(self, lines: list[list[str]]):
        text = "\n".join(";".join(cells) for cells in lines)
        try:
            table = tabular.read_table("f.csv", text.encode())
        except UnreadableTable:  # nothing comes in, and the person is told so
            return
        told = [n for n, _ in table.rows] + [n for n, _ in table.above] + [t.row for t in table.bad]
        header = [table.header_row] if table.has_header else []
        assert sorted(told + header) == [n for n, cells in enumerate(lines, 1) if any(cells)]


class TestTold:
    def test_rows_and_problems_have_the_files_own_numbers(self, base: Base):
        boss = base.actor("admin")
        text = TITLED + "Gamma;Street 4;12\n;Street 5;\n"
        seen = importing.preview_import(boss, "f.csv", text.encode())
        assert [(t.row, t.code) for t in seen.troubles] == [(7, "no_name"), (6, "phone_unread")]
        assert (seen.table["header_row"], seen.table["rows"]) == (3, 4)
        assert seen.table["above"] == [{"row": 1, "text": "Price list of pharmacies 2026"}]
        assert importing.run_import(boss, seen.run_id)["counts"]["create"] == 3

    def test_the_lines_left_out_are_named_in_three_languages(self):
        table = {"header_row": 3, "above": [{"row": 1, "text": "Аптеки"}, {"row": 2, "text": "x"}]}
        texts = [import_texts.above_text(table, lang) for lang in ("en", "ru", "ro")]
        assert texts[0] == (
            "2 lines above the header (row 3) were left out: Row 1 “Аптеки”, Row 2 “x”"
        )
        assert all("3" in t and "“Аптеки”" in t and "{" not in t for t in texts)
        assert import_texts.above_text({"header_row": 1, "above": []}, "en") == ""

    def test_the_command_line_tells_of_them(self, base: Base, tmp_path):
        path = tmp_path / "f.csv"
        path.write_text(TITLED.replace("Name;", "external_id;Name;").replace("Alpha;", "H1;Alpha;"))
        report = import_command.import_file(path)
        told = import_command.as_json(report)
        assert (told["header_row"], [a["row"] for a in told["above"]]) == (3, [1])
        assert "1 line above the header (row 3) was left out: Row 1" in import_texts.report_text(
            report
        )
        assert clients()["H1"].name == "Alpha"
